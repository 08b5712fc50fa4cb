"""Section 3, the barrier: where Algorithm 2.1 ends, with M'M (the paper's) and with MM'."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from convreg._checks import Gram
from convreg.examples import EXAMPLE_1, Case, Example
from convreg.extremes import extreme_singular_values
from convreg.penalty import penalty
from convreg.storage.tables import Table, from_rows, groups

GRAMS: tuple[Gram, ...] = ("columns", "rows")
PRODUCTS: dict[Gram, str] = {"columns": "M'M", "rows": "MM'"}  # what they stand for


class Outcome(NamedTuple):
    """Where Algorithm 2.1 ends: when its estimate was lowest, and exact values at the end."""

    lowest_at: int
    lowest: float
    sigma_max: float
    sigma_min: float
    condition_number: float
    penalty: float


Runs = dict[tuple[str, Gram], Outcome]


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


def wide_outcomes(example: Example, counts: Sequence[int]) -> dict[int, Runs]:
    """Section 3, the barrier: `outcome` with M'M and with MM', after each number of iterations.

    On the cases with h < g of an example and of Example 1, by what they are called and the Gram
    matrix.

    >>> runs = wide_outcomes(Example(((2, 1),), (1.0,), 1, 2), [1])
    >>> [*runs[1]][:2]
    [('1x1x2x1, alpha = 1', 'columns'), ('1x1x2x1, alpha = 1', 'rows')]
    """
    cases = dict.fromkeys((*example.cases(), *EXAMPLE_1.cases()))
    wide = [case for case in cases if case.h < case.g]
    ends = {}
    for count in counts:
        longer = example._replace(iterations=count)
        runs = {}
        for case, gram in product(wide, GRAMS):
            runs[case.label(example.kernel_size), gram] = outcome(longer, case, gram)
        ends[count] = runs
    return ends


def outcome_table(runs: Runs) -> Table:
    """A row for each outcome, its values at the end.

    >>> table = outcome_table({("here", "rows"): Outcome(4, 6.04, 3.49, 0.624, 5.59, 10.0)})
    >>> {name: column.item() for name, column in table.items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'case': 'here', 'Gram matrix': "MM'", 'sigma_max': 3.49, 'sigma_min': 0.624,
     'kappa': 5.59, 'R_alpha': 10.0}
    """
    rows = []
    for (case, gram), run in runs.items():
        sigma = (run.sigma_max, run.sigma_min)
        rows.append((case, PRODUCTS[gram], *sigma, run.condition_number, run.penalty))
    return from_rows(("case", "Gram matrix", "sigma_max", "sigma_min", "kappa", "R_alpha"), rows)


def summary_of_outcomes(table: Table) -> Table:
    """A row for each alpha of a table of `outcomes`.

    How many of the estimates with M'M are below alpha somewhere, from which iteration to which
    they are lowest, and the median condition number with each Gram matrix.

    >>> names = ("alpha", "gram", "lowest_at", "lowest", "kappa")
    >>> rows = [(1.0, "columns", 6, 0.5, 3.0), (1.0, "rows", 9, 0.2, 1.2)]
    >>> summary = summary_of_outcomes(from_rows(names, rows))
    >>> {name: column.item() for name, column in summary.items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'alpha': 1.0, 'estimates below alpha': 1.0, 'lowest from iteration': 6,
     'to iteration': 6, "median kappa, M'M": 3.0, "median kappa, MM'": 1.2}
    """
    rows = []
    for alpha, runs in groups(table, "alpha").items():
        by_gram = groups(runs, "gram")
        columns = by_gram["columns"]
        at = columns["lowest_at"]
        medians = [np.median(by_gram[gram]["kappa"]) for gram in GRAMS]
        rows.append((alpha, np.mean(columns["lowest"] < alpha), at.min(), at.max(), *medians))
    names = ("alpha", "estimates below alpha", "lowest from iteration", "to iteration")
    medians_of = [f"median kappa, {PRODUCTS[gram]}" for gram in GRAMS]
    return from_rows((*names, *medians_of), rows)
