"""Kernels on which the predicates judge, besides the paper's own."""

from __future__ import annotations

from numpy.typing import NDArray

from convreg.examples import identity, start_kernel
from convreg.extremes import extreme_singular_values


def both_ends(g: int, h: int) -> list[NDArray]:
    """h >= g, alpha = 1, N = 6: a kernel whose sigma_max decides R_alpha, one whose sigma_min does.

    >>> [extreme_singular_values(K, 6)[0] > 1 for K in both_ends(2, 3)]
    [True, False]
    """
    K = start_kernel(3, g, h)
    return [K, 0.6 * identity(3, g, h) - 0.3 / extreme_singular_values(K, 6)[0] * K]
