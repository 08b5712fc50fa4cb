"""Equations (1.2), (2.5) by Fourier transforms: for few channels and many taps.

On a grid that holds the padded image, or is the circular one, tap (p, q) stands at the point
(d1 p - b1, d2 q - b2), pixel (i, j) at (i, j) and output (r, s) at (s1 r, s2 s), with the strides,
dilations and paddings of `convreg.geometry`, all modulo the sides of the grid. There M is a part of
a circular convolution, which multiplies spectra.

Blocks of vectors are as in `convreg._numerics.taps`; a grid too has its columns before its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from convreg._numerics.kept import kept_property
from convreg._numerics.transforms import irfftn, rfftn
from convreg.geometry import Axis, Geometry

READS = 60  # by the taps for each point of the grid: with fewer, products of matrices are as quick
PAIRS = 16  # of an input and an output channel: with more, they are again


def pays(shape: Sequence[int], geometry: Geometry) -> bool:
    """Whether a kernel of this shape is better multiplied here."""
    k1, k2, g, h = shape
    if k1 * k2 < READS or g * h > PAIRS:  # no output is without its point
        return False
    points = prod(_side(axis) for axis in geometry)
    return k1 * k2 * prod(geometry.outputs) >= READS * points


class FourierConvolution:
    """x -> M x, or M'x, for blocks of real vectors."""

    def __init__(self, kernel: NDArray, geometry: Geometry, transposed: bool) -> None:
        self._kernel, self._transposed = kernel, transposed
        self._grid = kept_grid(geometry)

    @kept_property
    def _symbol(self) -> NDArray:
        return self._grid.symbol(self._kernel)

    def __call__(self, X: NDArray) -> NDArray:
        multiply = self._grid.adjoint if self._transposed else self._grid.product
        return multiply(self._symbol, X)


class Grid:
    """Where the taps, the pixels and the outputs of a geometry stand, and M there."""

    def __init__(self, geometry: Geometry) -> None:
        axes = geometry[::-1]
        self._sides = tuple(_side(axis) for axis in axes)
        q, p = (
            (axis.dilation * np.arange(axis.k) - axis.before) % side
            for axis, side in zip(axes, self._sides, strict=True)
        )
        self._taps: Any = (..., q[:, np.newaxis], p)
        self._pixels = (slice(None), *(slice(axis.N) for axis in axes))
        steps = (slice(0, axis.stride * axis.outputs, axis.stride) for axis in axes)
        self._outputs = (slice(None), *steps)

    def symbol(self, kernel: NDArray) -> NDArray:
        """The spectrum of the kernel, in double precision."""
        grid = np.zeros((*kernel.shape[2:], *self._sides))
        np.add.at(grid, self._taps, kernel.transpose(2, 3, 1, 0))  # taps may meet around a circle
        return rfftn(grid, axes=(2, 3))

    def product(self, symbol: NDArray, X: NDArray) -> NDArray:
        """M X."""
        spectrum = self._spectrum(X, symbol.shape[0], self._pixels)
        symbol = symbol.astype(spectrum.dtype, copy=False)
        return self._image(np.einsum("zyab,zabn->yabn", symbol.conj(), spectrum), self._outputs)

    def adjoint(self, symbol: NDArray, Y: NDArray) -> NDArray:
        """M'Y."""
        spectrum = self._spectrum(Y, symbol.shape[1], self._outputs)
        symbol = symbol.astype(spectrum.dtype, copy=False)
        return self._image(np.einsum("zyab,yabn->zabn", symbol, spectrum), self._pixels)

    def correlation(self, X: NDArray, Y: NDArray, g: int, h: int) -> NDArray:
        """M* of the sum of the outer products y x', as a kernel of g and h channels."""
        left = self._spectrum(X, g, self._pixels)
        right = self._spectrum(Y, h, self._outputs)
        grid = irfftn(np.einsum("zabn,yabn->zyab", left, right.conj()), self._sides, axes=(2, 3))
        return np.ascontiguousarray(grid[self._taps].transpose(3, 2, 0, 1))

    def _spectrum(self, X: NDArray, channels: int, where: tuple[slice, ...]) -> NDArray:
        """Of the grid with these images at those points."""
        grid = np.zeros((channels, *self._sides, X.shape[1]), X.dtype)
        grid[where] = X.reshape(grid[where].shape)
        return rfftn(grid, axes=(1, 2), overwrite_x=True)

    def _image(self, spectrum: NDArray, where: tuple[slice, ...]) -> NDArray:
        """What stands there on the grid of this spectrum, as a block of vectors."""
        grid = irfftn(spectrum, self._sides, axes=(1, 2), overwrite_x=True)
        return grid[where].reshape(-1, spectrum.shape[3])


def _side(axis: Axis) -> int:
    """The points of the grid along an axis: around it no tap reaches a pixel, unless it should."""
    return axis.N if axis.circular else next_fast_len(axis.padded, real=True)


kept_grid = lru_cache(maxsize=4)(Grid)
