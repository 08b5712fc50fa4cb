"""Equation (1.2) for 3 x 3 taps with 4 multiplications an output in place of 9.

S. Winograd's minimal filtering F(2 x 2, 3 x 3) as in A. Lavin and S. Gray, Fast algorithms for
convolutional neural networks, CVPR 2016: two outputs of three taps are A'[(G k) (B'd)] for four
pixels d, entry by entry, along both axes. Summed over the channels, each of the 16 entries is a
product of matrices. All constants are 0, 1, -1 and 1/2: integers stay exact.

Here channels come last, so that every step is on long contiguous runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from convreg._numerics.kept import Kept
from convreg.geometry import Geometry, mirrored

LEAST = 128  # channels on both sides: with fewer, additions take as long as multiplications
PIXELS = 100  # outputs: with fewer, what is done to the kernel takes too long
REVERSED = (3, 1, 2, 0)  # the rows of G for taps in reverse order
WORK = 2**19  # entries of a work array


def pays(shape: Sequence[int], geometry: Geometry) -> bool:
    """Whether a kernel of this shape is better multiplied here."""
    k1, k2, g, h = shape
    if (k1, k2) != (3, 3) or min(g, h) < LEAST or prod(geometry.outputs) < PIXELS:
        return False
    plain = all(axis.dilation == 1 and not axis.circular for axis in geometry)
    return plain and mirrored(geometry) is not None


class WinogradConvolution:
    """x -> M x, or M'x, for blocks of vectors; both from the same filters."""

    def __init__(self, filters: Filters, geometry: Geometry, transposed: bool) -> None:
        self._filters, self._transposed = filters, transposed
        self._geometry = cast(Geometry, mirrored(geometry)) if transposed else geometry

    def __call__(self, X: NDArray) -> NDArray:
        U = self._filters(X.dtype)
        matrices = [list(line) for line in U]
        if self._transposed:
            matrices = [[U[j, i].T for i in REVERSED] for j in REVERSED]
        inputs, outputs = matrices[0][0].shape
        with kept_tiles(self._geometry, inputs, outputs, X.shape[1], X.dtype) as tiles:
            return tiles.product(matrices, X)


class Filters:
    """G K G' for a kernel K, made when it is first asked for."""

    def __init__(self, kernel: NDArray) -> None:
        self._kernel = kernel
        self._U: NDArray | None = None

    def __call__(self, dtype: np.dtype) -> NDArray:
        U = self._U
        if U is None or U.dtype != dtype:
            U = self._U = transformed(self._kernel.astype(dtype, copy=False))
        return U


def transformed(kernel: NDArray) -> NDArray:
    """G K G' as (4, 4, g, h) for the (3, 3, g, h) array K."""
    g, h = kernel.shape[2:]
    lines = np.empty((4, 3, g, h), kernel.dtype)
    _filters(kernel, lines)
    U = np.empty((4, 4, g, h), kernel.dtype)
    _filters(lines.swapaxes(0, 1), U.swapaxes(0, 1))
    return U


class Tiles:
    """The outputs of ``count`` images in tiles of 2 x 2, with work arrays."""

    def __init__(self, geometry: Geometry, g: int, h: int, count: int, dtype: np.dtype) -> None:
        rows, columns = geometry
        self._outputs = columns.outputs, rows.outputs
        self._tiles = tuple(-(-outputs // 2) for outputs in self._outputs)
        lines, height = self._tiles
        self._padded = np.zeros((2 * lines + 2, 2 * height + 2, count, g), dtype)
        inside = (slice(axis.before, axis.before + axis.N) for axis in (columns, rows))
        self._image = self._padded[tuple(inside)]
        self._most = min(lines, max(1, WORK // (16 * height * count * max(g, h))))
        some = (self._most, height, count)
        self._D = np.empty((4, self._most, 2 * height + 2, count, g), dtype)
        self._V = np.empty((4, 4, *some, g), dtype)
        self._W = np.empty((4, 4, *some, h), dtype)
        self._S = np.empty((2, 4, *some, h), dtype)
        self._Y = np.empty((self._most, 2, height, 2, count, h), dtype)

    def product(self, U: list[list[NDArray]], X: NDArray) -> NDArray:
        """M X for the transformed kernel U, a matrix for each of the 4 x 4 entries."""
        (g, h), count = U[0][0].shape, X.shape[1]
        Y = np.empty((h, *self._outputs, count), X.dtype)
        self._image[...] = X.reshape(g, *self._image.shape[:2], count).transpose(1, 2, 3, 0)
        for start in range(0, self._tiles[0], self._most):
            lines = min(self._most, self._tiles[0] - start)
            block = Y[:, 2 * start : 2 * (start + lines)]
            image = self._block(U, start, lines)
            block[...] = image[: block.shape[1], : block.shape[2]].transpose(3, 0, 1, 2)
        return Y.reshape(-1, count)

    def _block(self, U: list[list[NDArray]], start: int, lines: int) -> NDArray:
        """Two lines of outputs for each line of tiles, channels last."""
        D, V, W, S = (work[..., :lines, :, :, :] for work in (self._D, self._V, self._W, self._S))
        height = self._tiles[1]
        _pixels(_fours(self._padded[2 * start :], lines), D)
        _pixels(_fours(D.swapaxes(0, 2), height), (v.transpose(2, 1, 0, 3, 4) for v in V))
        columns = lines * height * V.shape[-2]
        for u, v, w in zip(U, V, W, strict=True):
            for i in range(4):
                np.matmul(v[i].reshape(columns, -1), u[i], out=w[i].reshape(columns, -1))
        _sums(W, S)
        Y = self._Y[:lines]
        for s, y in zip(S, Y.transpose(3, 1, 0, 2, 4, 5), strict=True):
            _sums(s, y)
        return Y.reshape(2 * lines, 2 * height, *Y.shape[-2:])


def _fours(d: NDArray, tiles: int) -> list[NDArray]:
    """The four lines that each tile reads, each as the lines of all tiles."""
    return [d[i : i + 2 * tiles - 1 : 2] for i in range(4)]


def _filters(k: NDArray, out: NDArray) -> None:
    """G k."""
    out[0], out[3] = k[0], k[2]
    half = (k[0] + k[2]) / 2
    middle = k[1] / 2
    np.add(half, middle, out=out[1])
    np.subtract(half, middle, out=out[2])


def _pixels(d: Sequence[NDArray], out: Iterable[NDArray]) -> None:
    """B'd."""
    first, second, third, fourth = out
    np.subtract(d[0], d[2], out=first)
    np.add(d[1], d[2], out=second)
    np.subtract(d[2], d[1], out=third)
    np.subtract(d[1], d[3], out=fourth)


def _sums(m: NDArray, out: NDArray) -> None:
    """A'm."""
    np.add(m[1], m[2], out=out[0])
    out[0] += m[0]
    np.subtract(m[1], m[2], out=out[1])
    out[1] -= m[3]


kept_tiles = Kept(Tiles)
