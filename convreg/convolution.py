"""Equations (1.1), (1.2) and Section 2.2: the convolution, vec, and M(K) without forming it.

A kernel K has the shape (k, k, g, h), an input X (N, N, g), an output Y (N, N, h). With indices
from 0, tap (p, q) of an output pixel (r, s) reads the input pixel (r + p - m + 1, s + q - m + 1),
m = ceil(k/2), and pixels outside the image are zero: `tap_offsets` is where that is said.
"""

from __future__ import annotations

from copy import copy
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from convreg._checks import as_floats, as_integer, as_kernel
from convreg._numerics.taps import Convolution, correlate


def tap_offsets(k: int) -> NDArray[np.intp]:
    """Equation (1.2): tap p of the output pixel r reads the input pixel r + tap_offsets(k)[p].

    They are p - m + 1 for p = 0, ..., k - 1, with m = ceil(k/2).

    >>> tap_offsets(3), tap_offsets(4)
    (array([-1,  0,  1]), array([-1,  0,  1,  2]))
    """
    m = -(-k // 2)
    return np.arange(k) - m + 1


def padding(k: int) -> tuple[int, int]:
    """The zeros that (1.1) reads before and after the image: (m - 1, k - m).

    The first is also the index of the centre tap, which reads its own pixel.

    >>> padding(3), padding(4)
    ((1, 1), (1, 2))
    """
    offsets = tap_offsets(k)
    return -int(offsets[0]), int(offsets[-1])


def convolve(K: ArrayLike, X: ArrayLike) -> NDArray:
    r"""Equations (1.1) and (1.2): Y = K * X, zero-padded, of stride 1, without flipping K.

    Y[r, s, c] is the sum over d, p, q of X[r + p - m + 1, s + q - m + 1, d] K[p, q, d, c]. In the
    paper's indices, from 1:

    .. math:: y_{r,s,c} = \sum_{d=1}^{g} \sum_{p=1}^{k} \sum_{q=1}^{k} x_{r-m+p,\,s-m+q,\,d}\;
       k_{p,q,d,c},
       \qquad m = \lceil k/2 \rceil \tag{1.2}

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
        The kernel; two dimensions stand for one channel.
    X : (N, N, g) array, or (N, N) with a two-dimensional K
        The input.

    Returns
    -------
    Y : (N, N, h) array, or (N, N) where X has two dimensions

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, or X no square image with the g channels of K.

    Examples
    --------
    >>> convolve([[1, 2, 0], [0, 0, 0], [0, 0, 0]], [[5, 6], [7, 8]])
    array([[ 0.,  0.],
           [10., 17.]])
    """
    kernel = as_kernel(K)
    image = as_floats("X", X)
    k, _, g, h = kernel.shape
    if image.ndim == 2 and np.ndim(K) == 2:
        return convolve(kernel, image[:, :, np.newaxis])[:, :, 0]
    N = image.shape[0] if image.ndim else 0
    if image.shape != (N, N, g) or N == 0:
        raise ValueError(
            f"X: wanted the shape (N, N, {g}), as K has the shape {np.shape(K)}, got {np.shape(X)}"
        )
    padded = np.pad(image, (padding(k), padding(k), (0, 0)))
    Y = np.zeros((N, N, h), np.result_type(kernel, image))
    for p, q in product(range(k), repeat=2):
        Y += padded[p : p + N, q : q + N] @ kernel[p, q]
    return Y


def vec(X: ArrayLike) -> NDArray:
    r"""Section 2.2: the columns of X on top of one another, channel after channel.

    .. math:: \mathrm{vec}(X) = [x_{:,1,1}^T, \dots, x_{:,N,1}^T, \dots, x_{:,1,c}^T, \dots,
       x_{:,N,c}^T]^T

    Parameters
    ----------
    X : (N, N, c) or (N, N) array

    Returns
    -------
    x : (c N^2,) array, with x[d N^2 + s N + r] = X[r, s, d]

    Raises
    ------
    ValueError
        Where X is not of such a shape.

    Examples
    --------
    >>> vec([[1, 2], [3, 4]])
    array([1., 3., 2., 4.])
    """
    image = as_floats("X", X)
    if image.ndim not in (2, 3) or image.shape[0] != image.shape[1] or image.size == 0:
        raise ValueError(
            f"X: wanted the shape (N, N, c) or (N, N), none of them 0, got {image.shape}"
        )
    return image.ravel(order="F")


def unvec(x: ArrayLike, N: int) -> NDArray:
    r"""Section 2.2: the tensor (N, N, c) whose vec is x.

    In the paper's indices, from 1:

    .. math:: \mathrm{vec}(X) = x, \qquad x_{r,s,d} = x\bigl((d-1) N^2 + (s-1) N + r\bigr)

    Parameters
    ----------
    x : (c N^2,) array
    N : int

    Returns
    -------
    X : (N, N, c) array; one channel gives (N, N, 1)

    Raises
    ------
    ValueError
        Where x is no vector whose length is a multiple of N^2.

    Examples
    --------
    >>> unvec([1, 3, 2, 4], 2)[:, :, 0]
    array([[1., 2.],
           [3., 4.]])
    """
    vector = as_floats("x", x)
    N = as_integer("N", N, 1)
    if vector.ndim != 1 or vector.size == 0 or vector.size % N**2:
        raise ValueError(
            f"x: wanted a vector whose length is a multiple of {N**2}, got the shape {vector.shape}"
        )
    return vector.reshape((N, N, -1), order="F")


class ConvolutionOperator(LinearOperator):
    r"""M(K) of (2.1), (2.4) as a linear operator that never forms the matrix (end of Section 2.1).

    ``M @ vec(X)`` is ``vec(convolve(K, X))``; ``M.T @ y`` is the exact adjoint, a convolution with
    the taps reversed and the channels exchanged; blocks of vectors go through together. The entries
    and the shape are those of `conv_matrix`. In the paper's indices, from 1:

    .. math:: M\,\mathrm{vec}(X) = \mathrm{vec}(K * X), \qquad
       M^T \mathrm{vec}(Y) = \mathrm{vec}(X), \quad x_{i,j,d} = \sum_{c,p,q} y_{i+m-p,\,j+m-q,\,c}\;
       k_{p,q,d,c}

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int

    Attributes
    ----------
    kernel : (k, k, g, h) array
        A copy of K.
    N : int

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel or N no positive integer.

    Examples
    --------
    >>> M = ConvolutionOperator([[1, 2, 0], [0, 0, 0], [0, 0, 0]], 2)
    >>> M.shape, M @ vec([[5, 6], [7, 8]])
    ((4, 4), array([ 0., 10.,  0., 17.]))
    """

    def __init__(self, K: ArrayLike, N: int) -> None:
        self._take(as_kernel(K).copy(), as_integer("N", N, 1))

    def _take(self, kernel: NDArray, N: int) -> None:
        """Be M of this kernel."""
        k, _, g, h = kernel.shape
        super().__init__(kernel.dtype, (h * N**2, g * N**2))
        self.kernel, self.N = kernel, N
        before, _ = padding(k)
        self._forward = Convolution(kernel, N, before, transposed=False)
        self._backward = Convolution(kernel, N, before, transposed=True)

    def with_kernel(self, kernel: NDArray) -> ConvolutionOperator:
        """M, also of M.T, for another kernel of this shape; it is neither checked nor copied."""
        other = copy(self)
        other._take(kernel, self.N)
        return other

    def in_double(self) -> ConvolutionOperator:
        """M, also of M.T, in double precision."""
        return self.with_kernel(self.kernel.astype(np.float64))

    def kernel_adjoint(self, X: NDArray, Y: NDArray) -> NDArray:
        """Theorem 2.2, the chain rule: M* of the sum of the outer products y x' of the columns.

        M* is the adjoint of K -> M(K), see `conv_matrix_adjoint`; no matrix is formed.

        Parameters
        ----------
        X : (g N^2, count) array
        Y : (h N^2, count) array

        Returns
        -------
        (k, k, g, h) array
        """
        k, _, g, h = self.kernel.shape
        return correlate((k, k, g, h), self.N, padding(k)[0], X, Y)

    def _matmat(self, X: NDArray) -> NDArray:
        return self._forward(X.astype(np.result_type(self.dtype, X), copy=False))

    def _matvec(self, x: NDArray) -> NDArray:
        return self._matmat(x.reshape(-1, 1)).ravel()

    def _adjoint(self) -> ConvolutionOperator:
        adjoint = copy(self)
        adjoint.shape = self.shape[::-1]
        adjoint._forward, adjoint._backward = self._backward, self._forward
        return adjoint

    def _transpose(self) -> ConvolutionOperator:
        return self._adjoint()

    def _rmatmat(self, Y: NDArray) -> NDArray:
        return self._adjoint()._matmat(Y)

    def _rmatvec(self, y: NDArray) -> NDArray:
        return self._adjoint()._matvec(y)
