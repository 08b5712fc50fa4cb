"""Equations (1.1), (1.2) and Section 2.2: the convolution, vec, and M(K) without forming it.

A kernel K has the shape (k, k, g, h), an input X (N, N, g), an output Y (N, N, h). With indices from 0,
tap (p, q) of an output pixel (r, s) reads the input pixel (r + p - m + 1, s + q - m + 1), m = ceil(k/2),
and pixels outside the image are zero.
"""

from __future__ import annotations

from copy import copy
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from convreg._checks import as_floats, as_integer, as_kernel
from convreg._numerics.taps import Convolution


def padding(k: int) -> tuple[int, int]:
    """(m - 1, k - m) with m = ceil(k/2): the zeros that (1.1) reads before and after the image.

    >>> padding(3), padding(4)
    ((1, 1), (1, 2))
    """
    m = -(-k // 2)
    return m - 1, k - m


def convolve(K: ArrayLike, X: ArrayLike) -> NDArray:
    r"""Equations (1.1) and (1.2): Y = K * X, zero-padded, of stride 1, without flipping K.

    Y[r, s, c] is the sum over d, p, q of X[r + p - m + 1, s + q - m + 1, d] K[p, q, d, c]. In the paper's indices,
    from 1:

    .. math:: y_{r,s,c} = \sum_{d=1}^{g} \sum_{p=1}^{k} \sum_{q=1}^{k} x_{r-m+p,\,s-m+q,\,d}\; k_{p,q,d,c},
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
    kernel, image = as_kernel(K), as_floats("X", X)
    k, _, g, h = kernel.shape
    if image.ndim == 2 and np.ndim(K) == 2:
        return convolve(kernel, image[:, :, np.newaxis])[:, :, 0]
    N = image.shape[0] if image.ndim else 0
    if image.shape != (N, N, g) or N == 0:
        raise ValueError(f"X: wanted the shape (N, N, {g}), as K has the shape {np.shape(K)}, got {np.shape(X)}")
    padded = np.pad(image, (padding(k), padding(k), (0, 0)))
    Y = np.zeros((N, N, h), np.result_type(kernel, image))
    for p, q in product(range(k), repeat=2):
        Y += padded[p : p + N, q : q + N] @ kernel[p, q]
    return Y


def vec(X: ArrayLike) -> NDArray:
    r"""Section 2.2: the columns of X on top of one another, channel after channel.

    .. math:: \mathrm{vec}(X) = [x_{:,1,1}^T, \dots, x_{:,N,1}^T, \dots, x_{:,1,c}^T, \dots, x_{:,N,c}^T]^T

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
        raise ValueError(f"X: wanted the shape (N, N, c) or (N, N), none of them 0, got {image.shape}")
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
    vector, N = as_floats("x", x), as_integer("N", N, 1)
    if vector.ndim != 1 or vector.size == 0 or vector.size % N**2:
        raise ValueError(f"x: wanted a vector whose length is a multiple of {N**2}, got the shape {vector.shape}")
    return vector.reshape((N, N, -1), order="F")


class ConvolutionOperator(LinearOperator):
    r"""M(K) of (2.1), (2.4) as a linear operator that never forms the matrix (end of Section 2.1).

    ``M @ vec(X)`` is ``vec(convolve(K, X))``; ``M.T @ y`` is the exact adjoint, a convolution with the taps
    reversed and the channels exchanged; blocks of vectors go through together. The entries and the shape are
    those of `conv_matrix`. In the paper's indices, from 1:

    .. math:: M\,\mathrm{vec}(X) = \mathrm{vec}(K * X), \qquad
       M^T \mathrm{vec}(Y) = \mathrm{vec}(X), \quad x_{i,j,d} = \sum_{c,p,q} y_{i+m-p,\,j+m-q,\,c}\; k_{p,q,d,c}

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
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
        kernel, N = as_kernel(K).copy(), as_integer("N", N, 1)
        _, _, g, h = kernel.shape
        super().__init__(kernel.dtype, (h * N**2, g * N**2))
        self._forward, self._backward = Convolution(kernel, N, False), Convolution(kernel, N, True)

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
