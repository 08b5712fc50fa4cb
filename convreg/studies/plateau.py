"""Section 3, the barrier: for h < g descent ends on a plateau, where R_alpha = alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.descent import minimize_penalty
from convreg.gradients import kernel_gradient
from convreg.matrix import conv_matrix


class Plateau(NamedTuple):
    """What h < g does to R_alpha, in numbers that should be 0, 1 and 2."""

    image: float  # |Mv| / |M|_2, v the last right singular vector
    gradient: float  # |G| / |K|, G by (2.5) for u = -v
    R: NDArray  # R_alpha / alpha, a row for each alpha: sigma_max(M)^2 = c alpha, c = 0, 1, 2, 3


def plateau(K: NDArray, N: int, alphas: Sequence[float]) -> Plateau:
    """Section 3, the barrier: R_alpha = max(sigma_max^2 - alpha, alpha) for h < g.

    And where Mv = 0 and u = -v, the gradient is 0.

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


def arrival(K: NDArray, N: int, alpha: float, learning_rate: float, iterations: int) -> str:
    """Section 3, the barrier: when exact descent first has R_alpha <= alpha, in words.

    And the condition number there and at the end. For h < g, where it stays.

    >>> print(arrival(np.ones((1, 1, 2, 1)), 2, 1.0, 0.1, 5))
    on the plateau from iteration 0: kappa 1, at the end 1
    """
    history = minimize_penalty(K, N, alpha, learning_rate, iterations, update="svd").history
    on_plateau = history[history.penalty <= alpha * (1 + 1e-9)]
    if len(on_plateau) == 0:
        return f"not on the plateau within {iterations} iterations"
    arrived = len(history) - len(on_plateau)
    first, last = on_plateau.condition_number[[0, -1]]
    return f"on the plateau from iteration {arrived}: kappa {first:.3g}, at the end {last:.3g}"


def arrival_lines(K: NDArray, N: int, alpha: float, learning_rate: float, iterations: int) -> str:
    """Section 3, the barrier: `arrival` with half the learning rate, with it and with twice it.

    >>> print(arrival_lines(np.ones((1, 1, 2, 1)), 2, 1.0, 0.1, 5).splitlines()[0])
    alpha 1, learning rate 0.05: on the plateau from iteration 0: kappa 1, at the end 1
    """
    lines = []
    for rate in (0.5 * learning_rate, learning_rate, 2 * learning_rate):
        reached = arrival(K, N, alpha, rate, iterations)
        lines.append(f"alpha {alpha:g}, learning rate {rate:g}: {reached}")
    return "\n".join(lines)
