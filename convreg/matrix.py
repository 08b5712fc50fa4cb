r"""Equations (2.1), (2.4): the matrix M(K), where a kernel entry stands in it, the adjoint M*.

M is linear in K. Row c N^2 + s N + r of M is the output pixel (r, s) of channel c, column
d N^2 + j N + i the input pixel (i, j) of channel d (indices from 0, the order of vec). Where images
are H x W and outputs H' x W', they are row c H'W' + s H' + r and column d HW + j H + i.

.. math:: M(K) = \begin{pmatrix} A_0 & A_{-1} & \cr A_1 & A_0 & \ddots \cr & \ddots & \ddots
   \end{pmatrix}
   \tag{2.1}

is the case of one channel and k = 3. The Toeplitz matrix A_l is made of column m - l of K (from 1),
as vec wants it; the paper prints row m - l, see `convreg.claims.slips`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array, get_index_dtype, sparray

from convreg._checks import as_integer, as_kernel_shape
from convreg._matrices import as_entries
from convreg.convolution import ConvolutionOperator
from convreg.geometry import Padding, Size, geometry_of


def conv_matrix(
    K: ArrayLike,
    N: Size,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> csr_array:
    r"""Equations (2.1) and (2.4): the sparse M with vec(K * X) = M vec(X).

    M has h x g blocks; block (c, d) is doubly block banded Toeplitz. Its entry in row c N^2 + s N +
    r and column d N^2 + j N + i is K[i - r + m - 1, j - s + m - 1, d, c], m = ceil(k/2), and 0
    where these indices lie outside the kernel. All taps that land are stored, zeros too: the
    pattern is the position's, not the value's. With strides, dilations and other paddings K[p, q,
    d, c] stands where i = s1 r + d1 p - b1 and j = s2 s + d2 q - b2, see `convreg.geometry`; where
    several taps read the same pixel of a circular image, their sum.

    .. math:: \mathbb{M}(K) = \begin{pmatrix} M_{(1)(1)} & \cdots & M_{(1)(g)} \cr \vdots & & \vdots
       \cr
       M_{(h)(1)} & \cdots & M_{(h)(g)} \end{pmatrix}, \qquad M_{(c)(d)} = M(K_{:,:,d,c}) \tag{2.4}

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width)
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    M : (h N^2, g N^2) scipy.sparse.csr_array, its indices sorted; in general (h H'W', g HW)

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, N no size, or the geometry is none; where taps read the same pixel and
        their sum overflows.

    Examples
    --------
    >>> conv_matrix([[1, 2, 3], [4, 5, 6], [7, 8, 9]], 2).toarray()
    array([[5., 8., 6., 9.],
           [2., 5., 3., 6.],
           [4., 7., 5., 8.],
           [1., 4., 2., 5.]])
    >>> conv_matrix([[1, 2]], (1, 4), stride=2).toarray()
    array([[1., 2., 0., 0.],
           [0., 0., 1., 2.]])
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    return formed(M)


def formed(M: ConvolutionOperator) -> csr_array:
    """Equation (2.4): the sparse matrix of an operator M; see `conv_matrix`."""
    k1, k2, g, h = M.kernel.shape
    rows, columns = M.geometry
    H, W = M.geometry.outputs
    # One output channel holds the same columns as every other: its entries, by their columns.
    s, r, d, q, p = np.ogrid[:W, :H, :g, :k2, :k1]
    i = rows.reads()[r, p]
    j = columns.reads()[s, q]
    lands = np.broadcast_to((0 <= i) & (0 <= j), (W, H, g, k2, k1))
    index = get_index_dtype(maxval=max(h * g * k1 * k2 * H * W, *M.shape))
    positions = (d * rows.N * columns.N + j * rows.N + i)[lands].astype(index)
    taps = np.broadcast_to((p * k2 + q) * g + d, lands.shape)[lands]
    row_lengths = np.count_nonzero(lands, axis=(2, 3, 4)).ravel()
    row_ends = np.cumsum(np.tile(row_lengths, h))
    indptr = np.concatenate([[0], row_ends]).astype(index)
    entries = np.ascontiguousarray(M.kernel.reshape(k1 * k2 * g, h).T).take(taps, axis=1)
    matrix = csr_array((entries.ravel(), np.tile(positions, h), indptr), shape=M.shape)
    if rows.circular or columns.circular:
        with np.errstate(over="ignore"):
            matrix.sum_duplicates()  # several taps may read one pixel; and it sorts
        if not np.isfinite(matrix.data).all():
            raise ValueError("K: wanted taps that read one pixel to have a sum, got infinity")
    else:
        matrix.has_sorted_indices = True
        matrix.has_canonical_format = True
    return matrix


def entry_positions(
    shape: Sequence[int],
    N: Size,
    p: int,
    q: int,
    z: int = 0,
    y: int = 0,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    r"""Theorems 2.2 and 2.3: Omega_{p,q,z,y}, where the kernel entry K[p, q, z, y] stands in M.

    By position and not by comparing values: equal entries and zeros keep their own places, and a
    tap that reads no pixel of the image has none. Entries whose taps read the same pixel of a
    circular image share it.

    .. math:: \Omega_{p,q,z,y} = \{(i, j) : \partial m_{ij} / \partial k_{p,q,z,y} = 1\}

    Parameters
    ----------
    shape : (k, k, g, h) or (k, k); in general (k1, k2, g, h) or (k1, k2)
        The kernel's shape.
    N : int, or (height, width)
    p, q, z, y : int
        The indices of the entry, from 0.
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    rows, columns : integer arrays of one length

    Raises
    ------
    ValueError, TypeError
        Where the shape is no kernel's, an index lies outside it, or the geometry is none.

    Examples
    --------
    >>> entry_positions((3, 3), 2, 0, 1)
    (array([1, 3]), array([0, 2]))
    """
    k1, k2, g, h = as_kernel_shape(shape)
    geometry = geometry_of((k1, k2, g, h), N, stride, dilation, padding)
    p = as_integer("p", p, 0, k1 - 1)
    q = as_integer("q", q, 0, k2 - 1)
    z = as_integer("z", z, 0, g - 1)
    y = as_integer("y", y, 0, h - 1)
    rows, columns = geometry
    s, r = np.mgrid[: columns.outputs, : rows.outputs]
    i, j = rows.reads()[r, p], columns.reads()[s, q]
    lands = (0 <= i) & (0 <= j)
    row = y * prod(geometry.outputs) + s * rows.outputs + r
    column = z * prod(geometry.image) + j * rows.N + i
    return row[lands], column[lands]


def conv_matrix_adjoint(
    G: ArrayLike | sparray,
    shape: Sequence[int],
    N: Size,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> NDArray:
    r"""The chain rule of Theorem 2.2: M*(G), the adjoint of K -> M(K), sums G over every Omega.

    If f is a function of M and G its gradient, M*(G) is the gradient of f(M(K)) in K: entry [p, q,
    z, y] is the sum of G[i, j] over (i, j) in Omega_{p,q,z,y}.

    .. math:: \frac{\partial f(M(K))}{\partial k_{p,q,z,y}}
       = \sum_{(i,j) \in \Omega_{p,q,z,y}} \frac{\partial f(M)}{\partial m_{ij}}

    Parameters
    ----------
    G : (h N^2, g N^2) array, dense or sparse; in general (h H'W', g HW)
    shape : (k, k, g, h) or (k, k); in general (k1, k2, g, h) or (k1, k2)
        The kernel's shape, which is the result's.
    N : int, or (height, width)
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    array of the given shape

    Raises
    ------
    ValueError, TypeError
        Where the shape is no kernel's, G not of the shape of M, a sum in it overflows, or the
        geometry is none.

    Examples
    --------
    >>> conv_matrix_adjoint(conv_matrix([[0, 0, 0], [2, 1, 0], [0, 0, 0]], 2), (3, 3), 2)
    array([[0., 0., 0.],
           [4., 4., 0.],
           [0., 0., 0.]])
    """
    k1, k2, g, h = as_kernel_shape(shape)
    geometry = geometry_of((k1, k2, g, h), N, stride, dilation, padding)
    wanted = geometry.shape_of_matrix(g, h)
    matrix = as_entries("G", G)
    if matrix.shape != wanted:
        raise ValueError(f"G: wanted the shape {wanted}, got {matrix.shape}")
    entries = coo_array(matrix)
    rows, columns = geometry
    y, s, r = np.unravel_index(entries.row, (h, columns.outputs, rows.outputs))
    z, j, i = np.unravel_index(entries.col, (g, columns.N, rows.N))
    in_rows, in_columns = rows.readers(), columns.readers()
    p, q = in_rows[r, i], in_columns[s, j]
    inside = (0 <= p) & (0 <= q)
    taps = np.ravel_multi_index((p[inside], q[inside], z[inside], y[inside]), (k1, k2, g, h))
    sums = np.bincount(taps, entries.data[inside], minlength=k1 * k2 * g * h)
    sums = sums.reshape(k1, k2, g, h)
    # taps that read the same pixel of one output do so of every output: the readers are the last
    if rows.circular:
        sums = sums[in_rows[0, rows.reads()[0]]]
    if columns.circular:
        sums = sums[:, in_columns[0, columns.reads()[0]]]
    with np.errstate(over="ignore"):
        sums = sums.astype(entries.dtype, copy=False)
    if not np.isfinite(sums).all():
        raise ValueError("G: wanted entries whose sums do not overflow")
    return sums.reshape(tuple(shape))
