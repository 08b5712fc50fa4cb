"""Section 3, the barrier: what notebook 7 finds on the way, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.descent import minimize_penalty, polyak_step
from convreg.examples import EXAMPLE_1, Example
from convreg.extremes import extreme_singular_values
from convreg.gradients import kernel_gradient
from convreg.matrix import conv_matrix
from convreg.penalty import penalty, penalty_gradient
from convreg.studies.barrier import squared_off_centre_norms
from convreg.studies.barrier_runs import Outcome, arrival, outcome, outcome_lines
from convreg.verify import gradient_tables


class Plateau(NamedTuple):
    """What h < g does to R_alpha, in numbers that should be 0, 1 and 2."""

    image: float  # |Mv| / |M|_2, v the right singular vector after the last with a singular value
    gradient: float  # |G| / |K|, G by (2.5) for u = -v
    R: NDArray  # R_alpha / alpha for every alpha, where sigma_max(M)^2 = c alpha with c = 0, 1, 2, 3


def plateau(K: NDArray, N: int, alphas: Sequence[float]) -> Plateau:
    """Section 3, the barrier: R_alpha = max(sigma_max^2 - alpha, alpha) for h < g, and no gradient at Mv = 0.

    >>> found = plateau(np.ones((3, 3, 2, 1)), 4, [5.0])
    >>> found.image < 1e-12, found.R.round(6)
    (True, array([[1., 1., 1., 2.]]))
    """
    M = conv_matrix(K, N).toarray()
    _, (norm, *_), (*_, v) = np.linalg.svd(M)
    ratios = []
    for alpha in alphas:
        grams = [c * alpha / norm**2 * M.T @ M for c in (0.0, 1.0, 2.0, 3.0)]
        ratios.append([np.linalg.norm(gram - alpha * np.eye(len(v)), 2) / alpha for gram in grams])
    gradient = np.linalg.norm(kernel_gradient(K, N, -v, v)) / np.linalg.norm(K)
    return Plateau(float(np.linalg.norm(M @ v) / norm), float(gradient), np.array(ratios))


def arrival_lines(K: NDArray, N: int, alpha: float, learning_rate: float, iterations: int) -> str:
    """Section 3, the barrier: `arrival` with half the learning rate, with it, and with the double of it.

    >>> print(arrival_lines(np.ones((1, 1, 2, 1)), 2, 1.0, 0.1, 5).splitlines()[0])
    alpha 1, learning rate 0.05: on the plateau from iteration 0: kappa 1, at the end 1
    """
    lines = []
    for rate in (0.5 * learning_rate, learning_rate, 2 * learning_rate):
        reached = arrival(K, N, alpha, rate, iterations)
        lines.append(f"alpha {alpha:g}, learning rate {rate:g}: {reached}")
    return "\n".join(lines)


def remedy_gradients(K: NDArray, N: int, alpha: float) -> list[dict[str, Any]]:
    """Theorem 2.3 on the smaller Gram matrix: the tables of `gradient_tables` for u = v and for u = -v.

    Each for the gradient and for its half, which is a term of it.

    >>> [table["statement"] for table in remedy_gradients(np.ones((2, 2, 2, 1)), 2, 1.0)[::2]]
    ["MM', u = v", "MM', u = -v"]
    """
    small = 0.3 * alpha**0.5 / extreme_singular_values(K, N)[0] * K
    tables = []
    for name, kernel in (("u = v", K), ("u = -v", small)):
        G = penalty_gradient(kernel, N, alpha, gram="smaller")[1]
        gradients = {"right": G, "missing term": G / 2}
        tables += gradient_tables(f"MM', {name}", lambda K: penalty(K, N, alpha, "smaller"), kernel, gradients)
    return tables


def wide_outcomes(example: Example, counts: Sequence[int]) -> dict[int, dict[str, Outcome]]:
    """Section 3, the barrier: `outcome` with M'M and with MM', after each number of iterations.

    On the cases with h < g of an example and of Example 1.

    >>> runs = wide_outcomes(Example(((2, 1),), (1.0,), 1, 2), [1])
    >>> [*runs[1]][:2]
    ['1x1x2x1, alpha = 1, columns', '1x1x2x1, alpha = 1, rows']
    """
    cases = [case for case in dict.fromkeys((*example.cases(), *EXAMPLE_1.cases())) if case.h < case.g]
    ends: dict[int, dict[str, Outcome]] = {}
    for count in counts:
        longer, ends[count] = example._replace(iterations=count), {}
        for case in cases:
            for gram in ("columns", "rows"):
                ends[count][f"{case.label(example.kernel_size)}, {gram}"] = outcome(longer, case, gram)
    return ends


def wide_lines(ends: Mapping[int, Mapping[str, Outcome]]) -> str:
    """Section 3, the barrier: `wide_outcomes` in lines, and how far MM' has come after the most iterations.

    >>> run = Outcome(4, 6.04, 3.49, 0.624, 5.59, 10.0)
    >>> print(wide_lines({7: {"here, rows": run}}).splitlines()[-1])
    with rows, after 7 iterations: kappa from 5.59 to 5.59
    """
    lines = [f"after {count} iterations\n{outcome_lines(runs)}" for count, runs in ends.items()]
    most = max(ends)
    kappa = [run.condition_number for name, run in ends[most].items() if name.endswith("rows")]
    lines.append(f"with rows, after {most} iterations: kappa from {min(kappa):.3g} to {max(kappa):.3g}")
    return "\n".join(lines)


def kink_lines(lines: Iterable[Mapping[str, Any]]) -> str:
    """Section 3, the barrier: between which values R_alpha is in the second half of `steps_at_kinks`.

    >>> print(kink_lines([{"panel": "fixed step", "line": "one gradient", "value": np.array([9.0, 8, 1, 2])}]))
    fixed step    one gradient   R_alpha in the second half from 1 to 2
    """
    words = []
    for line in lines:
        later = line["value"][len(line["value"]) // 2 :]
        ends = f"from {later.min():.2g} to {later.max():.2g}"
        words.append(f"{line['panel']:14}{line['line']:15}R_alpha in the second half {ends}")
    return "\n".join(words)


def price_lines(table: Mapping[str, Sequence[float]], N: int) -> str:
    """Section 3, the barrier: a line for each row of `price_along_descent`.

    >>> print(price_lines({"steps": [50], "kappa": [1.234], "off_centre_share": [0.456]}, 8))
      50 steps, N = 8: kappa  1.2, the taps off the centre have 0.46 of |K|
    """
    lines = []
    for steps, kappa, share in zip(*table.values(), strict=True):
        lines.append(
            f"{steps:4} steps, N = {N}: kappa {kappa:4.1f}, the taps off the centre have {share:.2f} of |K|"
        )
    return "\n".join(lines)


def off_centre_after(K: NDArray, N: int, alpha: float, steps: int) -> tuple[float, float]:
    """Section 3, the barrier: R_alpha on the smaller Gram matrix, and the largest of `squared_off_centre_norms`.

    After so many of Polyak's steps with exact triplets. For N >= k the second is at most four times the first.

    >>> R, off = off_centre_after(np.ones((3, 3)), 3, 1.0, 5)
    >>> 0 < off <= 4 * R
    True
    """
    kernel = minimize_penalty(
        K, N, alpha, polyak_step, steps, update="svd", gram="smaller", diagnostics=False
    ).kernel
    off = squared_off_centre_norms(kernel, "smaller")
    return penalty(kernel, N, alpha, "smaller"), float(max(off))
