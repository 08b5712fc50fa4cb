"""Section 3, the barrier: where Algorithm 2.1 ends, with M'M (the paper's) and with MM'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._checks import Gram
from convreg.examples import EXAMPLE_1, Case, Example
from convreg.extremes import extreme_singular_values
from convreg.penalty import penalty
from convreg.storage.tables import Table, from_rows

GRAMS: tuple[Gram, ...] = ("columns", "rows")


class Outcome(NamedTuple):
    """Where Algorithm 2.1 ends: when its estimate was lowest, and exact values at the end."""

    lowest_at: int
    lowest: float
    sigma_max: float
    sigma_min: float
    condition_number: float
    penalty: float


def outcome(example: Example, case: Case, gram: Gram = "columns") -> Outcome:
    """Algorithm 2.1 on a case of an example, with the Gram matrix of the columns or of the rows.

    It ends early on the plateau, where nothing changes any more.

    >>> run = outcome(Example(((3, 1),), (10.0,)), Case(3, 1, 10.0))
    >>> run.lowest_at, round(run.lowest, 2), round(run.penalty, 2)
    (4, 6.04, 10.0)
    """
    descent = example.descend(case, gram=gram, tolerance=1e-12, diagnostics=False)
    estimate = descent.history.estimate
    at = int(estimate.argmin())
    largest, smallest = extreme_singular_values(descent.kernel, example.input_size)
    kappa = largest / smallest if smallest > 0 else np.inf
    R = penalty(descent.kernel, example.input_size, case.alpha, gram)
    return Outcome(at, float(estimate[at]), largest, smallest, kappa, R)


def outcomes(example: Example, states: Iterable[int]) -> Table:
    """`outcome` for every case, both Gram matrices and start kernels of many seeds, as a table.

    >>> sorted(outcomes(Example(((2, 1),), (1.0,), input_size=4, iterations=1), [3]))
    ['alpha', 'gram', 'kappa', 'lowest', 'lowest_at', 'state']
    """
    rows = []
    for case, gram, state in product(example.cases(), GRAMS, states):
        run = outcome(example._replace(state=state), case, gram)
        rows.append((case.alpha, gram, state, run.lowest_at, run.lowest, run.condition_number))
    return from_rows(("alpha", "gram", "state", "lowest_at", "lowest", "kappa"), rows)


def wide_outcomes(example: Example, counts: Sequence[int]) -> dict[int, dict[str, Outcome]]:
    """Section 3, the barrier: `outcome` with M'M and with MM', after each number of iterations.

    On the cases with h < g of an example and of Example 1.

    >>> runs = wide_outcomes(Example(((2, 1),), (1.0,), 1, 2), [1])
    >>> [*runs[1]][:2]
    ['1x1x2x1, alpha = 1, columns', '1x1x2x1, alpha = 1, rows']
    """
    cases = dict.fromkeys((*example.cases(), *EXAMPLE_1.cases()))
    wide = [case for case in cases if case.h < case.g]
    ends = {}
    for count in counts:
        longer = example._replace(iterations=count)
        runs = {}
        for case, gram in product(wide, GRAMS):
            runs[f"{case.label(example.kernel_size)}, {gram}"] = outcome(longer, case, gram)
        ends[count] = runs
    return ends


def outcome_lines(runs: Mapping[str, Outcome]) -> str:
    """A line for each outcome.

    >>> print(outcome_lines({"here": Outcome(4, 6.04, 3.49, 0.624, 5.59, 10.0)}))
    case                           sigma_max  sigma_min     kappa  R_alpha
    here                                3.49      0.624      5.59       10
    """
    lines = ["case                           sigma_max  sigma_min     kappa  R_alpha"]
    for name, run in runs.items():
        sigma = f"{run.sigma_max:9.3g}{run.sigma_min:11.3g}"
        lines.append(f"{name:31}{sigma}{run.condition_number:10.3g}{run.penalty:9.3g}")
    return "\n".join(lines)


def summary_of_outcomes(table: Mapping[str, NDArray]) -> str:
    """A line for each alpha of a table of `outcomes`.

    >>> names = ("alpha", "gram", "lowest_at", "lowest", "kappa")
    >>> rows = [(1.0, "columns", 6, 0.5, 3.0), (1.0, "rows", 9, 0.2, 1.2)]
    >>> print(summary_of_outcomes(from_rows(names, rows)).replace("; ", "\\n"))
    alpha    1: 100% of the estimates dip below alpha, lowest at iterations 6 to 6
    median kappa 3, with rows 1.2
    """
    lines = []
    for alpha in dict.fromkeys(table["alpha"].tolist()):
        columns = (table["alpha"] == alpha) & (table["gram"] == "columns")
        rows = (table["alpha"] == alpha) & (table["gram"] == "rows")
        dips = np.mean(table["lowest"][columns] < alpha)
        at = table["lowest_at"][columns]
        kappa = np.median(table["kappa"][columns])
        with_rows = np.median(table["kappa"][rows])
        lines.append(
            f"alpha {alpha:4g}: {dips:4.0%} of the estimates dip below alpha, "
            f"lowest at iterations {at.min()} to {at.max()}; "
            f"median kappa {kappa:.3g}, with rows {with_rows:.3g}"
        )
    return "\n".join(lines)


def wide_lines(ends: Mapping[int, Mapping[str, Outcome]]) -> str:
    """Section 3, the barrier: `wide_outcomes` in lines, and how far MM' comes in the longest runs.

    >>> run = Outcome(4, 6.04, 3.49, 0.624, 5.59, 10.0)
    >>> print(wide_lines({7: {"here, rows": run}}).splitlines()[-1])
    with rows, after 7 iterations: kappa from 5.59 to 5.59
    """
    lines = [f"after {count} iterations\n{outcome_lines(runs)}" for count, runs in ends.items()]
    most = max(ends)
    kappa = [run.condition_number for name, run in ends[most].items() if name.endswith("rows")]
    span = f"kappa from {min(kappa):.3g} to {max(kappa):.3g}"
    lines.append(f"with rows, after {most} iterations: {span}")
    return "\n".join(lines)
