"""Singular vectors of a convolution in closed form: of one tap in all, and around a circle.

A kernel of one tap is M = W (x) S, where S says which output reads which pixel, each at most one. A
circular M whose stride divides the image is block diagonal in the waves, with the symbol's matrices
as blocks [4].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 2**22  # entries of the symbol at a time
Ends = tuple[NDArray, NDArray]


def extreme_vectors(M: Any, symbol: Any) -> Ends | None:
    """Unit right singular vectors for sigma_max and sigma_min of M, or of M' where M is wide.

    None where M is neither of the two.
    """
    lines = symbol.rows, symbol.columns
    if all(len(line.taps) == 1 for line in lines):
        return _of_one_tap(M, lines[0].taps[0], lines[1].taps[0])
    strides = tuple(axis.stride for axis in M.geometry)
    if all(line.circular for line in lines) and strides == tuple(line.stride for line in lines):
        return _of_waves(M, symbol)
    return None


def _of_one_tap(M: Any, p: int, q: int) -> Ends:
    """M'M is (W'W) (x) a diagonal of ones and zeros, which says what is read; so is M M'."""
    wide = M.shape[0] < M.shape[1]
    W = M.kernel[p, q]
    _, _, Vh = np.linalg.svd(W if wide else W.T)
    reads = [axis.reads()[:, tap] for axis, tap in zip(M.geometry, (p, q), strict=True)]
    sizes = M.geometry.outputs if wide else M.geometry.image
    inside, idle = [], []
    for line, size in zip(reads, sizes, strict=True):
        used = np.flatnonzero(line >= 0) if wide else line[line >= 0]
        inside.append(int(used[0]))
        idle.append(np.setdiff1d(np.arange(size), used))
    unread = list(inside)
    for axis in (0, 1):
        if len(idle[axis]):
            unread[axis] = int(idle[axis][0])
    v_max, v_min = np.zeros((2, len(Vh), sizes[1], sizes[0]))
    v_max[:, inside[1], inside[0]] = Vh[0]
    v_min[:, unread[1], unread[0]] = Vh[-1]
    return v_max.ravel(), v_min.ravel()


def _of_waves(M: Any, symbol: Any) -> Ends:
    """The waves of the largest and the smallest singular value of the symbol on its torus."""
    L1, L2 = symbol.sides
    theta_1 = 2 * np.pi * np.arange(L1 // 2 + 1) / L1  # the others are conjugates
    theta_2 = 2 * np.pi * np.arange(L2) / L2
    lines = max(1, CHUNK // (symbol.taps[0, 0].size * len(theta_1)))
    ends = []
    for first in range(0, L2, lines):
        F = symbol.at(theta_1, theta_2[first : first + lines, np.newaxis])
        ends.append(np.linalg.svd(F, compute_uv=False)[..., [0, -1]])
    sigma = np.concatenate(ends)
    chosen = sigma[..., 0].argmax(), sigma[..., 1].argmin()
    v_max, v_min = (
        _wave(M, symbol, theta_1[index % len(theta_1)], theta_2[index // len(theta_1)], end)
        for index, end in zip(chosen, (0, -1), strict=True)
    )
    return v_max, v_min


def _wave(M: Any, symbol: Any, theta_1: float, theta_2: float, end: int) -> NDArray:
    """The real part of a wave with the first or the last singular vector of the symbol."""
    wide = M.shape[0] < M.shape[1]
    U, _, Vh = np.linalg.svd(symbol.at(theta_1, theta_2), full_matrices=False)
    w = U[:, end] if wide else Vh[end].conj()
    w = w * np.exp(-1j * np.angle(w[np.argmax(np.abs(w))]))  # its real part is not 0
    L1, L2 = symbol.sides
    down, across = np.exp(1j * theta_1 * np.arange(L1)), np.exp(1j * theta_2 * np.arange(L2))
    images = np.multiply.outer(w, np.multiply.outer(down, across)).real
    images /= np.linalg.norm(images)
    return images.swapaxes(1, 2).ravel() if wide else symbol._in_vec_order(images)
