"""Equations (1.1), (1.2) and Section 2.2: the convolution, vec, and M(K) without forming it.

A kernel K has the shape (k, k, g, h), an input X (N, N, g), an output Y (N, N, h). With indices
from 0, tap (p, q) of an output pixel (r, s) reads the input pixel (r + p - m + 1, s + q - m + 1),
m = ceil(k/2), and pixels outside the image are zero. That is the paper's case and the default; what
the taps read with another stride, dilation or padding, and in kernels and images that are not
square, is said in `convreg.geometry`.
"""

from __future__ import annotations

from copy import copy as shallow
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from convreg._checks import as_flag, as_floats, as_kernel, shown
from convreg._numerics.taps import Convolution, correlate
from convreg._numerics.winograd import Filters
from convreg.geometry import Padding, Size, as_image_size, geometry_of


def convolve(
    K: ArrayLike,
    X: ArrayLike,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> NDArray:
    r"""Equations (1.1) and (1.2): Y = K * X, zero-padded, of stride 1, without flipping K.

    Y[r, s, c] is the sum over d, p, q of X[r + p - m + 1, s + q - m + 1, d] K[p, q, d, c]. In the
    paper's indices, from 1:

    .. math:: y_{r,s,c} = \sum_{d=1}^{g} \sum_{p=1}^{k} \sum_{q=1}^{k} x_{r-m+p,\,s-m+q,\,d}\;
       k_{p,q,d,c},
       \qquad m = \lceil k/2 \rceil \tag{1.2}

    With strides, dilations and other paddings it is the sum of
    X[s1 r + d1 p - b1, s2 s + d2 q - b2, d] K[p, q, d, c], see `convreg.geometry`.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
        The kernel; two dimensions stand for one channel. In general (k1, k2, g, h).
    X : (N, N, g) array, or (N, N) with a two-dimensional K
        The input. In general (H, W, g).
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    Y : (N, N, h) array, or (N, N) where X has two dimensions; in general (H', W', h)

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, X no image with the g channels of K, the geometry is none, or an
        output overflows.

    Examples
    --------
    >>> convolve([[1, 2, 0], [0, 0, 0], [0, 0, 0]], [[5, 6], [7, 8]])
    array([[ 0.,  0.],
           [10., 17.]])
    """
    kernel = as_kernel(K, square=False)
    image = as_floats("X", X)
    given = image.shape
    k1, k2, g, h = kernel.shape
    flat = image.ndim == 2 and np.ndim(K) == 2
    if flat:
        image = image[:, :, np.newaxis]
    if image.ndim != 3 or image.shape[2] != g or image.size == 0:
        raise ValueError(
            f"X: wanted the shape (H, W, {g}), as K has the shape {np.shape(K)}, got {given}"
        )
    geometry = geometry_of(kernel.shape, image.shape[:2], stride, dilation, padding)
    rows, columns = geometry.rows.reads(), geometry.columns.reads()
    padded = np.pad(image, ((0, 1), (0, 1), (0, 0)))  # the index -1 reads a zero
    Y = np.zeros((*geometry.outputs, h), np.result_type(kernel, image))
    with np.errstate(over="ignore", invalid="ignore"):
        for p in range(k1):
            lines = padded[rows[:, p]]
            for q in range(k2):
                Y += lines.take(columns[:, q], axis=1) @ kernel[p, q]
    if not np.isfinite(Y).all():
        raise ValueError("K: wanted entries whose products with X do not overflow")
    return Y[:, :, 0] if flat else Y


def vec(X: ArrayLike) -> NDArray:
    r"""Section 2.2: the columns of X on top of one another, channel after channel.

    .. math:: \mathrm{vec}(X) = [x_{:,1,1}^T, \dots, x_{:,N,1}^T, \dots, x_{:,1,c}^T, \dots,
       x_{:,N,c}^T]^T

    Parameters
    ----------
    X : (N, N, c) or (N, N) array; in general (H, W, c) or (H, W)

    Returns
    -------
    x : (c N^2,) array, with x[d N^2 + s N + r] = X[r, s, d]; in general (c H W,), x[d H W + s H +
        r]

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
    if image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(
            f"X: wanted the shape (H, W, c) or (H, W), none of them 0, got {image.shape}"
        )
    return image.ravel(order="F")


def unvec(x: ArrayLike, N: Size) -> NDArray:
    r"""Section 2.2: the tensor (N, N, c) whose vec is x.

    In the paper's indices, from 1:

    .. math:: \mathrm{vec}(X) = x, \qquad x_{r,s,d} = x\bigl((d-1) N^2 + (s-1) N + r\bigr)

    Parameters
    ----------
    x : (c N^2,) array
    N : int, or (height, width)

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
    height, width = as_image_size("N", N)
    pixels = height * width
    if vector.ndim != 1 or vector.size == 0 or vector.size % pixels:
        raise ValueError(
            f"x: wanted a vector whose length is a multiple of {pixels}, got the shape "
            f"{vector.shape}"
        )
    return vector.reshape((height, width, -1), order="F")


class ConvolutionOperator(LinearOperator):
    r"""M(K) of (2.1), (2.4) as a linear operator that never forms the matrix (end of Section 2.1).

    ``M @ vec(X)`` is ``vec(convolve(K, X))``; ``M.T @ y`` is the exact adjoint, in the paper's case
    a convolution with the taps reversed and the channels exchanged; blocks of vectors go through
    together. The entries and the shape are those of `conv_matrix`. In the paper's indices, from 1:

    .. math:: M\,\mathrm{vec}(X) = \mathrm{vec}(K * X), \qquad
       M^T \mathrm{vec}(Y) = \mathrm{vec}(X), \quad x_{i,j,d} = \sum_{c,p,q} y_{i+m-p,\,j+m-q,\,c}\;
       k_{p,q,d,c}

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width) of an input
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.
    copy : bool
        Whether K is copied; if not, its entries must stay what they are.

    Attributes
    ----------
    kernel : (k, k, g, h) array
        A copy of K, or K.
    N : int, or (height, width)
    geometry : Geometry
        What the taps read.

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, N no size, or the geometry is none.

    Examples
    --------
    >>> M = ConvolutionOperator([[1, 2, 0], [0, 0, 0], [0, 0, 0]], 2)
    >>> M.shape, M @ vec([[5, 6], [7, 8]])
    ((4, 4), array([ 0., 10.,  0., 17.]))
    >>> ConvolutionOperator(np.ones((7, 7, 3, 64)), 224, stride=2, padding=3).shape
    (802816, 150528)
    """

    checks_products = True  # what they are given, and M is finite

    def __init__(
        self,
        K: ArrayLike,
        N: Size,
        *,
        stride: Size = 1,
        dilation: Size = 1,
        padding: Padding = "same",
        copy: bool = True,
    ) -> None:
        kernel = as_kernel(K, square=False)
        if as_flag("copy", copy):
            kernel = kernel.copy()
        self.geometry = geometry_of(kernel.shape, N, stride, dilation, padding)
        self.N = self.geometry.image if isinstance(N, (tuple, list)) else self.geometry.rows.N
        super().__init__(kernel.dtype, self.geometry.shape_of_matrix(*kernel.shape[2:]))
        self._take(kernel)

    def _take(self, kernel: NDArray) -> None:
        """Be M of this kernel."""
        self.dtype, self.kernel = kernel.dtype, kernel
        filters = Filters(kernel)
        self._forward = Convolution(kernel, self.geometry, False, filters)
        self._backward = Convolution(kernel, self.geometry, True, filters)

    def with_kernel(self, kernel: NDArray) -> ConvolutionOperator:
        """M, also of M.T, for another kernel of this shape; it is neither checked nor copied."""
        other = shallow(self)
        other._take(kernel)
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

        Raises
        ------
        ValueError, TypeError
            Where X or Y is no such array.
        """
        blocks = {"X": X, "Y": Y}
        for name, block in blocks.items():
            if not isinstance(block, np.ndarray) or block.dtype.kind not in "fiub":
                raise TypeError(f"{name}: wanted an array of real numbers, got {shown(block)}")
        sizes = self.geometry.shape_of_matrix(*self.kernel.shape[2:])[::-1]
        for (name, block), size in zip(blocks.items(), sizes, strict=True):
            wanted = (size, *Y.shape[-1:])
            if block.shape != wanted:
                raise ValueError(f"{name}: wanted the shape {wanted}, got {block.shape}")
        return correlate(self.kernel.shape, self.geometry, X, Y)

    def dot(self, x: Any) -> Any:
        """M x, ``M @ x``, of a vector, a block of them, a number or another operator."""
        whole = isinstance(x, LinearOperator) or np.isscalar(x)
        return super().dot(x if whole else self._operand(x))

    def matvec(self, x: ArrayLike) -> NDArray:
        """M x, ``M @ x`` for a vector."""
        return super().matvec(self._operand(x))

    def matmat(self, X: ArrayLike) -> NDArray:
        """M X, ``M @ X`` for a block of vectors."""
        return super().matmat(self._operand(X))

    def _operand(self, x: ArrayLike) -> NDArray:
        """What M can be multiplied with."""
        array = np.asanyarray(x)
        if array.dtype.kind not in "fiubc":
            raise TypeError(f"x: wanted an array of numbers, got dtype {array.dtype}")
        if array.shape[:1] != self.shape[1:]:
            raise ValueError(f"x: wanted {self.shape[1]} rows, got the shape {array.shape}")
        return array

    def _matmat(self, X: NDArray) -> NDArray:
        return self._forward(X.astype(np.result_type(self.dtype, X), copy=False))

    def _matvec(self, x: NDArray) -> NDArray:
        return self._matmat(x.reshape(-1, 1)).ravel()

    def _adjoint(self) -> ConvolutionOperator:
        adjoint = shallow(self)
        adjoint.shape = self.shape[::-1]
        adjoint._forward, adjoint._backward = self._backward, self._forward
        return adjoint

    def _transpose(self) -> ConvolutionOperator:
        return self._adjoint()
