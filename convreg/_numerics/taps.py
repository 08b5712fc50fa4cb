"""Equations (1.1), (2.4), (2.5) as products of matrices: the taps of every pixel, side by side.

Let P(X) have a row for each tap and channel and a column for each pixel, holding what that tap of
that pixel reads ("im2col"), and A be the kernel with the same rows. Then a convolution is A'P(X),
its adjoint P*(A Y), where P* adds to the pixels that P reads, and the gradient in the kernel
P(X) Y'. P(X) passes through a work array of bounded size, some lines of the image at a time: all
arithmetic is in a few large matrix products.

Blocks of vectors are arrays (channels N^2, count): in vec order, the same entry of all vectors side
by side. What a tap reads is said by ``before``, the zeros that are read before the image: tap (p,
q) of pixel (r, s) reads (r + p - before, s + q - before).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

WORK = 2**19  # entries of the work array: few enough to stay in a cache
READ = 3  # reading so many times more channels costs no more than adding to them


class Convolution:
    """x -> M x, or M'x, for blocks of vectors; see `ConvolutionOperator`.

    It reads its inputs or adds to its outputs, whichever are fewer channels. Those of M' lie
    mirrored.
    """

    def __init__(self, kernel: NDArray, N: int, before: int, transposed: bool) -> None:
        k, _, g, h = kernel.shape
        inputs, outputs = (h, g) if transposed else (g, h)
        self.reads = inputs <= READ * outputs
        self.mirrored = self.reads == transposed
        self.k, self.N, self.before = k, N, before
        self.channels = inputs if self.reads else outputs
        if self.mirrored:  # rows (p, q, y)
            self.A = kernel.transpose(2, 0, 1, 3).reshape(g, -1).T
        else:  # rows (p, q, z)
            self.A = kernel.reshape(-1, h)

    def __call__(self, X: NDArray) -> NDArray:
        count = X.shape[1]
        most = max(2, WORK // (self.channels * (self.N + self.k - 1) ** 2))
        if count > most:  # what is kept between calls stays bounded
            parts = [self(X[:, first : first + most]) for first in range(0, count, most)]
            return np.hstack(parts)
        size = self.k, self.N, self.before
        taps = kept_taps(*size, self.channels, self.mirrored, count, X.dtype)
        return taps.product(self.A, X) if self.reads else taps.adjoint(self.A, X)


def correlate(shape: tuple[int, ...], N: int, before: int, X: NDArray, Y: NDArray) -> NDArray:
    """M* of the sum of the outer products y x' of the columns of Y and X.

    The reads are of whichever has fewer channels.
    """
    k, _, g, h = shape
    mirrored = h < g
    dtype = np.result_type(X, Y)
    taps = kept_taps(k, N, before, min(g, h), mirrored, X.shape[1], dtype)
    if mirrored:
        G = taps.correlation(Y, X).reshape(k, k, h, g)
        return np.ascontiguousarray(G.swapaxes(2, 3))
    return taps.correlation(X, Y).reshape(shape)


class Taps:
    """The linear map P of ``count`` images of ``channels`` channels, with its work arrays.

    Tap (p, q) of pixel (r, s) reads (r + p - before, s + q - before), and zeros outside of the
    image; mirrored, it reads (r - p + before, s - q + before).
    """

    def __init__(
        self,
        k: int,
        N: int,
        before: int,
        channels: int,
        mirrored: bool,
        count: int,
        dtype: np.dtype,
    ) -> None:
        side = N + k - 1
        first = k - 1 - before if mirrored else before
        self._padded = np.zeros((channels, side, side, count), dtype)
        self._image = self._padded[:, first : first + N, first : first + N]
        # the columns of an image come before its rows, as in vec: [channel, q, p, vector, s, r]
        windows = sliding_window_view(self._padded, (N, N), axis=(1, 2), writeable=True)
        windows = windows.transpose(2, 1, 0, 4, 5, 3)  # [p, q, channel, s, r, vector]
        if mirrored:
            windows = windows[::-1, ::-1]
        self._blocks = list(self._in_blocks(windows))
        self._lock = Lock()  # the arrays are shared by all who convolve images of this kind

    @staticmethod
    def _in_blocks(windows: NDArray) -> Iterator[tuple[slice, NDArray, NDArray, NDArray]]:
        """The lines of the image in blocks.

        For each the columns of P that are theirs, their windows, a work array of that shape, and
        the same work array as rows and columns of P.
        """
        k, _, channels, N, _, count = windows.shape
        rows, line = k * k * channels, N * count
        most = min(N, max(1, WORK // max(1, rows * line)))
        work = np.empty(rows * most * line, windows.dtype)
        for start in range(0, N, most):
            block = windows[:, :, :, start : start + most]
            P = work[: block.size].reshape(rows, block.shape[3] * line)
            columns = slice(start * line, start * line + P.shape[1])
            yield columns, block, P.reshape(block.shape), P

    def product(self, A: NDArray, X: NDArray) -> NDArray:
        """A'P(X)."""
        _, N, _, count = self._image.shape
        Y = np.empty((A.shape[1], N**2 * count), X.dtype)
        with self._lock:
            for columns, P in self._reads(X):
                np.matmul(A.T, P, out=Y[:, columns])
        return Y.reshape(A.shape[1] * N**2, count)

    def adjoint(self, A: NDArray, Y: NDArray) -> NDArray:
        """P*(A Y)."""
        channels, N, _, count = self._image.shape
        Y = Y.reshape(A.shape[1], N**2 * count)
        with self._lock:
            self._padded[...] = 0
            for columns, block, Z, AY in self._blocks:
                np.matmul(A, Y[:, columns], out=AY)
                for tap in np.ndindex(block.shape[:2]):
                    block[tap] += Z[tap]
            X = self._image.copy()
            self._padded[...] = 0
        return X.reshape(channels * N**2, count)

    def correlation(self, X: NDArray, Y: NDArray) -> NDArray:
        """P(X) Y', the sum over the images."""
        _, N, _, count = self._image.shape
        Y = Y.reshape(-1, N**2 * count)
        with self._lock:
            return sum(P @ Y[:, columns].T for columns, P in self._reads(X))

    def _reads(self, X: NDArray) -> Iterator[tuple[slice, NDArray]]:
        """P(X), some columns at a time."""
        self._image[...] = X.reshape(self._image.shape)
        for columns, block, work, P in self._blocks:
            np.copyto(work, block)
            yield columns, P


kept_taps = lru_cache(maxsize=4)(Taps)
