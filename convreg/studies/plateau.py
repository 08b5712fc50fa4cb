"""Section 3, the barrier: for h < g descent ends on a plateau, where R_alpha = alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.descent import minimize_penalty
from convreg.gradients import kernel_gradient
from convreg.matrix import conv_matrix
from convreg.storage.tables import Table, from_rows


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


class Arrival(NamedTuple):
    """When exact descent has R_alpha <= alpha for the first time, for h < g for good."""

    iteration: float  # nan where it does not come so far
    kappa: float  # there
    end: float  # kappa at the end


def arrival(K: NDArray, N: int, alpha: float, learning_rate: float, iterations: int) -> Arrival:
    """Section 3, the barrier: when exact descent first has R_alpha <= alpha.

    And the condition number there and at the end.

    >>> arrival(np.ones((1, 1, 2, 1)), 2, 1.0, 0.1, 5)
    Arrival(iteration=0, kappa=1.0, end=1.0)
    """
    history = minimize_penalty(K, N, alpha, learning_rate, iterations, update="svd").history
    kappa = history.condition_number
    arrived = np.flatnonzero(history.penalty <= alpha * (1 + 1e-9))
    if len(arrived) == 0:
        return Arrival(np.nan, np.nan, float(kappa[-1]))
    first = int(arrived[0])
    return Arrival(first, float(kappa[first]), float(kappa[-1]))


def arrivals(K: NDArray, N: int, alpha: float, learning_rate: float, iterations: int) -> Table:
    """Section 3, the barrier: `arrival` with half the learning rate, with it and with twice it.

    >>> table = arrivals(np.ones((1, 1, 2, 1)), 2, 1.0, 0.1, 5)
    >>> table["learning rate"].tolist(), table["kappa at the end"].tolist()
    ([0.05, 0.1, 0.2], [1.0, 1.0, 1.0])
    """
    rows = []
    for rate in (0.5 * learning_rate, learning_rate, 2 * learning_rate):
        rows.append((rate, *arrival(K, N, alpha, rate, iterations)))
    names = ("learning rate", "on the plateau from iteration", "kappa there", "kappa at the end")
    return from_rows(names, rows)
