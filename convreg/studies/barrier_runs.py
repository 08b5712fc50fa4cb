"""Section 3, the barrier: runs of Algorithm 2.1 with the Gram matrix of the columns (the paper's) or the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.descent import minimize_penalty, polyak_step
from convreg.examples import Case, Example, start_kernel
from convreg.extremes import extreme_singular_values
from convreg.penalty import penalty_from_extremes, penalty_gradient
from convreg.studies.barrier import Gradient, column_norm_bound, descend, mean_gradient, off_centre_share


def bounds_along_descent(example: Example, pairs: Iterable[tuple[int, int]], alpha: float = 1.0) -> list[dict]:
    """R_alpha and `column_norm_bound` along Algorithm 2.1, for pairs [g, h]: two lines of a figure for each.

    >>> [line["line"] for line in bounds_along_descent(Example(((1, 1),), (1.0,), input_size=4), [(1, 2)])]
    ['penalty', 'bound from column norms']
    """
    lines = []
    for g, h in pairs:
        K, N = start_kernel(example.kernel_size, g, h, example.state), example.input_size
        bounds = [column_norm_bound(K, N)]
        history = minimize_penalty(
            K, N, alpha, example.learning_rate, example.iterations, example.power_iterations,
            # mypy infers no lambda that has defaults
            callback=lambda i, kernel, R, bounds=bounds, N=N: bounds.append(  # type: ignore[misc]
                column_norm_bound(kernel, N)
            ),
        ).history  # fmt: skip
        for name, values in (("penalty", history.penalty), ("bound from column norms", np.array(bounds))):
            lines.append(
                {"panel": f"{g} to {h} channels, α = {alpha:g}", "line": name}
                | {"iteration": np.arange(len(values)), "value": values}
            )
    return lines


def steps_at_kinks(
    K: NDArray, N: int, alpha: float, learning_rate: float, iterations: int, gram: str = "smaller"
) -> list[dict]:
    """R_alpha along four descents with exact triplets, four lines of a figure: a fixed step or Polyak's, along one
    gradient or the mean of two.

    Each with the lowest value so far. They start together from where Polyak's step has come in as many iterations.

    >>> [(line["panel"], line["line"]) for line in steps_at_kinks(np.ones((3, 3)), 3, 1.0, 0.01, 2)[1:3]]
    [('fixed step', 'two gradients'), ("Polyak's step", 'one gradient')]
    """
    gradients: dict[str, Gradient] = {
        "one gradient": lambda K: penalty_gradient(K, N, alpha, gram),
        "two gradients": lambda K: mean_gradient(K, N, alpha, gram),
    }
    steps = {"fixed step": lambda R, G: learning_rate, "Polyak's step": polyak_step}
    K, _ = descend(K, gradients["one gradient"], polyak_step, iterations)
    lines = []
    for (step, rule), (which, gradient) in product(steps.items(), gradients.items()):
        _, R = descend(K, gradient, rule, iterations + 1)
        lines.append(
            {"panel": step, "line": which, "iteration": np.arange(len(R)), "value": R}
            | {"lowest": np.minimum.accumulate(R)}
        )
    return lines


def price_along_descent(
    K: NDArray, N: int, steps: Iterable[int], alpha: float = 1.0, update: str = "svd"
) -> dict[str, list]:
    """Where Polyak's step leads on the smaller Gram matrix: kappa and `off_centre_share`, columns of a table.

    >>> table = price_along_descent(np.diag([0, 1, 0]) + 0.1, 4, [0, 100])
    >>> table["steps"], [f"{share:.1f}" for share in table["off_centre_share"]]
    ([0, 100], ['0.2', '0.0'])
    """
    counts = sorted(steps)
    kernels = {0: K}

    def keep(iteration: int, kernel: NDArray, R: float) -> None:
        """The kernels that are asked for."""
        if iteration in counts:
            kernels[iteration] = kernel

    minimize_penalty(
        K, N, alpha, polyak_step, counts[-1], update=update, gram="smaller", diagnostics=False, callback=keep
    )
    ends = [extreme_singular_values(kernels[count], N) for count in counts]
    return {
        "steps": counts,
        "kappa": [largest / smallest for largest, smallest in ends],
        "off_centre_share": [off_centre_share(kernels[count]) for count in counts],
    }


def arrival(K: NDArray, N: int, alpha: float, learning_rate: float, iterations: int) -> str:
    """When exact descent first has R_alpha <= alpha, and the condition number there and at the end, in words.

    For h < g, where it stays.

    >>> print(arrival(np.ones((1, 1, 2, 1)), 2, 1.0, 0.1, 5))
    on the plateau from iteration 0: kappa 1, at the end 1
    """
    history = minimize_penalty(K, N, alpha, learning_rate, iterations, update="svd").history
    after = history[history.penalty <= alpha * (1 + 1e-9)]
    if len(after) == 0:
        return f"not on the plateau within {iterations} iterations"
    first, last = after.condition_number[[0, -1]]
    return f"on the plateau from iteration {len(history) - len(after)}: kappa {first:.3g}, at the end {last:.3g}"


class Outcome(NamedTuple):
    """Where Algorithm 2.1 ends: when its estimate was lowest, and the exact values of the last kernel."""

    lowest_at: int
    lowest: float
    sigma_max: float
    sigma_min: float
    condition_number: float
    penalty: float


def outcome(example: Example, case: Case, gram: str = "columns") -> Outcome:
    """Algorithm 2.1 on a case of an example, with the Gram matrix of the columns or of the rows.

    It ends early on the plateau, where nothing changes any more.

    >>> run = outcome(Example(((3, 1),), (10.0,)), Case(3, 1, 10.0))
    >>> run.lowest_at, round(run.lowest, 2), round(run.penalty, 2)
    (4, 6.04, 10.0)
    """
    K = start_kernel(example.kernel_size, case.g, case.h, example.state)
    N, alpha, steps = example.input_size, case.alpha, example.iterations
    descent = minimize_penalty(
        K, N, alpha, example.learning_rate, steps, example.power_iterations, gram=gram, tolerance=1e-12,
        diagnostics=False,
    )  # fmt: skip
    estimate = descent.history.estimate
    largest, smallest = extreme_singular_values(descent.kernel, N)
    kappa = largest / smallest if smallest > 0 else np.inf
    R = penalty_from_extremes(largest, smallest, case.h, case.g, alpha, gram)
    return Outcome(int(estimate.argmin()), float(estimate.min()), largest, smallest, kappa, R)


def outcomes(example: Example, states: Iterable[int]) -> dict[str, list]:
    """`outcome` for every case, both Gram matrices and start kernels of many seeds: columns of a table.

    >>> sorted(outcomes(Example(((2, 1),), (1.0,), input_size=4, iterations=1), [3]))
    ['alpha', 'gram', 'kappa', 'lowest', 'lowest_at', 'state']
    """
    rows = []
    for case, gram, state in product(example.cases(), ("columns", "rows"), states):
        run = outcome(example._replace(state=state), case, gram)
        rows.append((case.alpha, gram, state, run.lowest_at, run.lowest, run.condition_number))
    names = ("alpha", "gram", "state", "lowest_at", "lowest", "kappa")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def outcome_lines(runs: Mapping[str, Outcome]) -> str:
    """A line for each outcome.

    >>> print(outcome_lines({"here": Outcome(4, 6.04, 3.49, 0.624, 5.59, 10.0)}))
    case                           sigma_max  sigma_min     kappa  R_alpha
    here                                3.49      0.624      5.59       10
    """
    lines = ["case                           sigma_max  sigma_min     kappa  R_alpha"]
    for name, run in runs.items():
        lines.append(
            f"{name:31}{run.sigma_max:9.3g}{run.sigma_min:11.3g}{run.condition_number:10.3g}{run.penalty:9.3g}"
        )
    return "\n".join(lines)


def summary_of_outcomes(table: Mapping[str, NDArray]) -> str:
    """A line for each alpha of a table of `outcomes`.

    >>> table = {"alpha": [1, 1], "gram": ["columns", "rows"], "lowest_at": [6, 9], "lowest": [0.5, 0.2]}
    >>> print(summary_of_outcomes({name: np.array(x) for name, x in (table | {"kappa": [3, 1.2]}).items()}))
    alpha    1: 100% of the estimates dip below alpha, lowest at iterations 6 to 6; median kappa 3, with rows 1.2
    """
    lines = []
    for alpha in dict.fromkeys(table["alpha"].tolist()):
        chosen = {gram: (table["alpha"] == alpha) & (table["gram"] == gram) for gram in ("columns", "rows")}
        lowest, at = table["lowest"][chosen["columns"]], table["lowest_at"][chosen["columns"]]
        columns, rows = (np.median(table["kappa"][which]) for which in chosen.values())
        lines.append(
            f"alpha {alpha:4g}: {np.mean(lowest < alpha):4.0%} of the estimates dip below alpha, lowest at "
            f"iterations {at.min()} to {at.max()}; median kappa {columns:.3g}, with rows {rows:.3g}"
        )
    return "\n".join(lines)
