"""Kernels on which the predicates judge, besides the paper's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg.convolution import padding
from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values


def identity(k: int, g: int = 1, h: int = 1) -> NDArray:
    """The kernel with centre taps only, which hands channel c on as channel c while there are both.

    >>> identity(3)[:, :, 0, 0]
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    """
    K = np.zeros((k, k, g, h))
    centre = padding(k)[0]
    K[centre, centre] = np.eye(g, h)
    return K


def both_ends(g: int, h: int) -> list[NDArray]:
    """h >= g, alpha = 1, N = 6: a kernel whose sigma_max decides R_alpha, one whose sigma_min does.

    >>> [extreme_singular_values(K, 6)[0] > 1 for K in both_ends(2, 3)]
    [True, False]
    """
    K = start_kernel(3, g, h)
    return [K, 0.6 * identity(3, g, h) - 0.3 / extreme_singular_values(K, 6)[0] * K]
