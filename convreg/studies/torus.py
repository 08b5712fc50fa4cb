"""Section 1, [18]: the DFT of a kernel's taps on a torus, and the way back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg.geometry import padding, tap_offsets


def transfer(kernel: NDArray, N: int) -> NDArray:
    """The h x g matrices of the periodic convolution: the DFT of the taps.

    An (N, N // 2 + 1, h, g) array: those of the other frequencies are their conjugates.

    >>> transfer(np.full((1, 1, 1, 1), 2.0), 3).shape
    (3, 2, 1, 1)
    """
    k, _, g, h = kernel.shape
    torus = np.zeros((N, N, h, g))
    offsets = tap_offsets(k) % N
    np.add.at(torus, np.ix_(offsets, offsets), np.moveaxis(kernel, 2, 3))
    return np.fft.rfft2(torus, axes=(0, 1))


def taps_of(matrices: NDArray, k: int) -> NDArray:
    """The way back from `transfer`, cut: the k x k taps of the N x N, a (k, k, g, h) array.

    >>> taps_of(transfer(np.full((1, 1, 1, 1), 2.0), 3), 1).ravel()
    array([2.])
    """
    N = len(matrices)
    taps = np.fft.irfft2(np.moveaxis(matrices, 2, 3), (N, N), axes=(0, 1))
    before, _ = padding(k)
    return np.roll(taps, (before, before), axis=(0, 1))[:k, :k]


def of_all_frequencies(values: NDArray) -> NDArray:
    """Real values of the frequencies of `transfer`, and again of those that are left out there.

    The matrices of these are the conjugates of those in between.

    >>> of_all_frequencies(np.zeros((3, 2))).shape
    (3, 3)
    """
    between = values[:, 1 : (len(values) + 1) // 2]
    return np.concatenate([values, between], axis=1)
