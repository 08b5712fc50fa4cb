"""Equations (1.1), (2.4), (2.5) as products of matrices: the taps of every pixel, side by side.

Let P(X) have a row for each tap and channel and a column for each pixel, holding what that tap of
that pixel reads ("im2col"), and A be the kernel with the same rows. Then a convolution is A'P(X),
its adjoint P*(A Y), where P* adds to the pixels that P reads, and the gradient in the kernel
P(X) Y'. P(X) passes through a work array of bounded size, some lines of the image at a time: all
arithmetic is in a few large matrix products. With many taps of few channels Fourier transforms are
quicker, with 3 x 3 taps of many channels Winograd's way: see `convreg._numerics.fourier` and
`convreg._numerics.winograd`.

Blocks of vectors are arrays (channels H W, count): in vec order, the same entry of all vectors side
by side. What a tap reads is said by `convreg.geometry`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from convreg._numerics import fourier, winograd
from convreg._numerics.kept import Kept
from convreg.geometry import Axis, Geometry, mirrored

WORK = 2**19  # entries of the work array: few enough to stay in a cache
READ = 3  # reading so many times more channels costs no more than adding to them


class Convolution:
    """x -> M x, or M'x, for blocks of vectors; see `ConvolutionOperator`.

    Where M' is a convolution too, with the taps in reverse order, it reads its inputs or adds to
    its outputs, whichever are fewer channels. Else M reads and M' adds.
    """

    def __init__(
        self,
        kernel: NDArray,
        geometry: Geometry,
        transposed: bool,
        filters: winograd.Filters | None = None,
    ) -> None:
        g, h = kernel.shape[2:]
        inputs, outputs = (h, g) if transposed else (g, h)
        self.quicker: Callable[[NDArray], NDArray] | None = None  # where another way pays
        if fourier.pays(kernel.shape, geometry):
            self.quicker = fourier.FourierConvolution(kernel, geometry, transposed)
        elif winograd.pays(kernel.shape, geometry):
            filters = filters or winograd.Filters(kernel)
            self.quicker = winograd.WinogradConvolution(filters, geometry, transposed)
        mirror = mirrored(geometry)
        self.reads = not transposed if mirror is None else inputs <= READ * outputs
        self.mirrored = self.reads == transposed
        self.channels = inputs if self.reads else outputs
        if mirror is not None and self.mirrored:
            self.geometry = mirror
            self.A = kernel.transpose(2, 0, 1, 3).reshape(g, -1).T  # rows (p, q, y)
        else:
            self.geometry = geometry
            self.A = kernel.reshape(-1, h)  # rows (p, q, z)
        rows, columns = self.geometry
        self.most = max(2, WORK // (self.channels * rows.padded * columns.padded))

    def __call__(self, X: NDArray) -> NDArray:
        count = X.shape[1]
        if count > self.most:  # what is kept between calls stays bounded
            starts = range(0, count, self.most)
            return np.hstack([self(X[:, start : start + self.most]) for start in starts])
        if self.quicker is not None and np.isrealobj(X):
            return self.quicker(X)
        with kept_taps(self.geometry, self.mirrored, self.channels, count, X.dtype) as taps:
            return taps.product(self.A, X) if self.reads else taps.adjoint(self.A, X)


def correlate(shape: tuple[int, ...], geometry: Geometry, X: NDArray, Y: NDArray) -> NDArray:
    """M* of the sum of the outer products y x' of the columns of Y and X.

    The reads are of whichever has fewer channels, where M' is a convolution too.
    """
    k1, k2, g, h = shape
    count = X.shape[1]
    dtype = np.result_type(X, Y)
    if fourier.pays(shape, geometry):
        return fourier.kept_grid(geometry).correlation(X, Y, g, h)
    mirror = mirrored(geometry)
    if mirror is not None and h < g:
        with kept_taps(mirror, True, h, count, dtype) as taps:
            G = taps.correlation(Y, X).reshape(k1, k2, h, g)
        return np.ascontiguousarray(G.swapaxes(2, 3))
    with kept_taps(geometry, False, g, count, dtype) as taps:
        return taps.correlation(X, Y).reshape(shape)


class Taps:
    """The linear map P of ``count`` images of ``channels`` channels, with its work arrays.

    ``mirrored``, the taps come in reverse order.
    """

    def __init__(
        self, geometry: Geometry, mirrored: bool, channels: int, count: int, dtype: np.dtype
    ) -> None:
        rows, columns = geometry
        # the columns of an image come before its rows, as in vec
        self._padded = np.zeros((channels, columns.padded, rows.padded, count), dtype)
        self._image = self._padded[:, _inside(columns), _inside(rows)]
        # lines beside the image, each with the line that it repeats
        by_column = self._padded.swapaxes(0, 1)
        by_row = self._padded.swapaxes(0, 2)
        self._wrapped = [*_wrapped(columns, by_column), *_wrapped(rows, by_row)]
        windows = self._windows(rows, columns)
        self._blocks = list(self._in_blocks(windows[::-1, ::-1] if mirrored else windows))
        self._outputs = rows.outputs * columns.outputs

    def _windows(self, rows: Axis, columns: Axis) -> NDArray:
        """What every tap reads, as a view [p, q, channel, s, r, vector] of the padded images."""
        reach = [axis.stride * (axis.outputs - 1) + 1 for axis in (columns, rows)]
        windows = sliding_window_view(self._padded, reach, axis=(1, 2), writeable=True)
        q, p = (slice(0, axis.span + 1, axis.dilation) for axis in (columns, rows))
        s, r = (slice(None, None, axis.stride) for axis in (columns, rows))
        return windows[:, q, p, :, s, r].transpose(2, 1, 0, 4, 5, 3)

    @staticmethod
    def _in_blocks(windows: NDArray) -> Iterator[tuple[slice, NDArray, NDArray, NDArray]]:
        """The lines of the outputs in blocks.

        For each the columns of P that are theirs, their windows, a work array of that shape, and
        the same work array as rows and columns of P.
        """
        k1, k2, channels, lines, height, count = windows.shape
        rows, line = k1 * k2 * channels, height * count
        most = min(lines, max(1, WORK // max(1, rows * line)))
        work = np.empty(rows * most * line, windows.dtype)
        for start in range(0, lines, most):
            block = windows[:, :, :, start : start + most]
            P = work[: block.size].reshape(rows, block.shape[3] * line)
            columns = slice(start * line, start * line + P.shape[1])
            yield columns, block, P.reshape(block.shape), P

    def product(self, A: NDArray, X: NDArray) -> NDArray:
        """A'P(X)."""
        count = X.shape[1]
        Y = np.empty((A.shape[1], self._outputs * count), X.dtype)
        for columns, P in self._reads(X):
            if P.shape[1] < A.shape[1]:  # BLAS is better at a tall product than at a wide one
                Y[:, columns] = (P.T @ A).T
            else:
                np.matmul(A.T, P, out=Y[:, columns])
        return Y.reshape(A.shape[1] * self._outputs, count)

    def adjoint(self, A: NDArray, Y: NDArray) -> NDArray:
        """P*(A Y)."""
        count = Y.shape[1]
        Y = Y.reshape(A.shape[1], self._outputs * count)
        self._padded[...] = 0
        for columns, block, Z, AY in self._blocks:
            np.matmul(A, Y[:, columns], out=AY)
            for tap in np.ndindex(block.shape[:2]):
                block[tap] += Z[tap]
        for beside, line in reversed(self._wrapped):
            line += beside
        X = self._image.copy()
        self._padded[...] = 0
        return X.reshape(X[..., 0].size, count)

    def correlation(self, X: NDArray, Y: NDArray) -> NDArray:
        """P(X) Y', the sum over the images."""
        Y = Y.reshape(-1, self._outputs * Y.shape[1])
        products = (P @ Y[:, columns].T for columns, P in self._reads(X))
        G = next(products)
        for product in products:
            G += product
        return G

    def _reads(self, X: NDArray) -> Iterator[tuple[slice, NDArray]]:
        """P(X), some columns at a time."""
        self._image[...] = X.reshape(self._image.shape)
        for beside, line in self._wrapped:
            beside[...] = line
        for columns, block, work, P in self._blocks:
            np.copyto(work, block)
            yield columns, P


def _inside(axis: Axis) -> slice:
    """Where the image lies within its padding."""
    return slice(axis.before, axis.before + axis.N)


def _wrapped(axis: Axis, lines: NDArray) -> list[tuple[NDArray, NDArray]]:
    """The lines beside a circular image, each with the line of the image that it repeats."""
    if not axis.circular:
        return []
    beside = [*range(axis.before), *range(axis.before + axis.N, axis.padded)]
    return [(lines[i], lines[axis.before + (i - axis.before) % axis.N]) for i in beside]


kept_taps = Kept(Taps)
