"""Lemmas 2.1 and 2.2, Theorems 2.2 and 2.3: the gradient of R_alpha in M and in the kernel.

M is linear in K, so that every kernel gradient is one adjoint: grad_K f = M*(grad_M f). By Lemma
2.2 the gradient in M is a sum of two outer products y x', and M*(y x') is the correlation of x with
y: no matrix is ever formed. Neither needs more than that M is linear in K: both hold for every
stride, dilation and padding. The index sum of the paper stays beside it, as written there, as an
independent reference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import Gram, as_floats, as_vector, gram_of_rows
from convreg._matrices import Matrix, as_matrix
from convreg.convolution import ConvolutionOperator
from convreg.geometry import Padding, Size
from convreg.matrix import entry_positions, formed

ROOM = 40  # bits: a sum of so many powers of two of entries does not overflow
Formula = Callable[[ConvolutionOperator, NDArray, NDArray], NDArray]


def singular_value_gradient(u: ArrayLike, v: ArrayLike) -> NDArray:
    r"""Lemma 2.1: the gradient of a simple singular value sigma(A) in A is u v'.

    .. math:: \frac{\partial \sigma}{\partial a_{ij}} = u(i)\, v(j)

    Parameters
    ----------
    u : (m,) array
    v : (n,) array
        The unit left and right singular vectors: A v = sigma u, A' u = sigma v.

    Returns
    -------
    (m, n) array

    Raises
    ------
    ValueError, TypeError
        Where u or v is no vector of real numbers, or a product of theirs overflows.

    Examples
    --------
    >>> singular_value_gradient([1, 0], [0, 1])
    array([[0., 1.],
           [0., 0.]])
    """
    u = as_floats("u", u)
    v = as_floats("v", v)
    with np.errstate(over="ignore"):
        G = np.outer(as_vector("u", u, u.size), as_vector("v", v, v.size))
    return _finite("u, v: wanted vectors whose products do not overflow", G)


def penalty_matrix_gradient(M: Matrix, u: ArrayLike, v: ArrayLike) -> NDArray:
    r"""Lemma 2.2, equation (2.2): the gradient of sigma_max(M'M - alpha I) in M, (Mu) v' + (Mv) u'.

    .. math:: \frac{\partial \sigma_{\max}(M^T M - \alpha I)}{\partial m_{ij}}
       = v(j)\, u^T M^T e_i + u(j)\, e_i^T M v \tag{2.2}

    Parameters
    ----------
    M : (m, n) array, sparse array or LinearOperator
    u, v : (n,) arrays
        The unit left and right singular vectors of M'M - alpha I for its largest singular value,
        which has to be simple and positive.

    Returns
    -------
    (m, n) array

    Raises
    ------
    ValueError, TypeError
        Where u or v is no vector of length n, or the gradient overflows.

    Examples
    --------
    >>> penalty_matrix_gradient(np.diag([2.0, 1.0]), [1, 0], [1, 0])
    array([[4., 0.],
           [0., 0.]])
    """
    M = as_matrix("M", M)
    u = as_vector("u", u, M.shape[1])
    v = as_vector("v", v, M.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        for room in (0, ROOM):  # the products alone may overflow
            x, y = np.ldexp(u, -room), np.ldexp(v, -room)
            G = np.ldexp(np.outer(M @ x, v) + np.outer(M @ y, u), room)
            if np.isfinite(G).all():
                break
    return _finite("M: wanted entries whose gradient does not overflow", G)


def kernel_gradient(
    K: ArrayLike,
    N: Size,
    u: ArrayLike,
    v: ArrayLike,
    gram: Gram = "columns",
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> NDArray:
    r"""Theorems 2.2 and 2.3, (2.3) and (2.5): the gradient of R_alpha in K, M*((Mu) v' + (Mv) u').

    Entry [p, q, z, y] is the sum over Omega_{p,q,z,y} of u(j) (Mv)(i) + v(j) (Mu)(i), computed as
    two correlations. For M M' - alpha I the outer products are u (M'v)' + v (M'u)'.

    .. math:: \frac{\partial \sigma_{\max}(M^T M - \alpha I)}{\partial k_{p,q,z,y}}
       = \sum_{(i,j) \in \Omega_{p,q,z,y}} \bigl( u(j)\, (Mv)(i) + v(j)\, (Mu)(i) \bigr) \tag{2.5}

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width)
    u, v : (g N^2,) arrays, or (h N^2,) for M M'
        The unit left and right singular vectors for the largest singular value of M'M - alpha I,
        which has to be simple and positive. Here u = v or u = -v.
    gram : {"columns", "rows", "smaller"}
        Whether M'M, M M' or the smaller of the two is meant.
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    array of the shape of K

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, N no size, the geometry is none, u, v not of the length that ``gram``
        asks for, or the gradient overflows.

    Examples
    --------
    >>> kernel_gradient([[0, 0, 0], [0, 2, 0], [0, 0, 0]], 1, [1], [1])
    array([[0., 0., 0.],
           [0., 4., 0.],
           [0., 0., 0.]])
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding, copy=False)
    rows = gram_of_rows(gram, *M.shape)
    size = M.shape[0] if rows else M.shape[1]
    u = as_vector("u", u, size)
    v = as_vector("v", v, size)
    return gradient_in_kernel(M, u, v, rows).reshape(np.shape(K))


def gradient_in_kernel(M: ConvolutionOperator, u: NDArray, v: NDArray, rows: bool) -> NDArray:
    """Equation (2.5) for an operator M: M*((Mu) v' + (Mv) u'), or M*(u (M'v)' + v (M'u)').

    The second is for M M' (``rows``). M* is `ConvolutionOperator.kernel_adjoint`.
    """
    return _at_any_scale(partial(_correlations, rows), M, u, v)


def _correlations(rows: bool, M: ConvolutionOperator, u: NDArray, v: NDArray) -> NDArray:
    """The same, where no sum overflows."""
    pair = np.stack([u, v], axis=1)
    return gradient_from_products(M, pair, (M.T if rows else M) @ pair, rows)


def gradient_from_products(
    M: ConvolutionOperator, pair: NDArray, products: NDArray, rows: bool
) -> NDArray:
    """Equation (2.5), where M [u v], or M'[u v], is known: of M alone the geometry is used."""
    swapped = products[:, ::-1]
    return M.kernel_adjoint(swapped, pair) if rows else M.kernel_adjoint(pair, swapped)


def kernel_gradient_index_sum(
    K: ArrayLike,
    N: Size,
    u: ArrayLike,
    v: ArrayLike,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> NDArray:
    r"""Theorems 2.2 and 2.3: the sums (2.3) and (2.5) as they stand, index by index, on a dense M.

    Slow on purpose: the independent reference for `kernel_gradient`.

    .. math:: \frac{\partial \sigma_{\max}(M^T M - \alpha I)}{\partial k_{p,q,z,y}}
       = \sum_{(i,j) \in \Omega_{p,q,z,y}} \left( \sum_{t=1}^{g N^2} u(j)\, v(t)\, m_{it}
       + \sum_{s=1}^{g N^2} u(s)\, v(j)\, m_{is} \right) \tag{2.5}

    With g = h = 1 it is (2.3).

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width)
    u, v : (g N^2,) arrays
        As in `kernel_gradient`.
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    array of the shape of K

    Raises
    ------
    ValueError, TypeError
        As `kernel_gradient`.

    Examples
    --------
    >>> kernel_gradient_index_sum([[0, 0, 0], [0, 2, 0], [0, 0, 0]], 1, [1], [1])[1, 1]
    np.float64(4.0)
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    u = as_vector("u", u, M.shape[1])
    v = as_vector("v", v, M.shape[1])
    shape = M.kernel.shape
    omega = partial(entry_positions, shape, N, stride=stride, dilation=dilation, padding=padding)
    return _at_any_scale(partial(_index_sum, omega), M, u, v).reshape(np.shape(K))


def _index_sum(
    omega: Callable[..., tuple[NDArray, NDArray]], M: ConvolutionOperator, u: NDArray, v: NDArray
) -> NDArray:
    """The same, where no sum overflows."""
    m = formed(M).toarray()
    G = np.zeros(M.kernel.shape, np.result_type(m, u, v))
    for p, q, z, y in product(*map(range, G.shape)):
        for i, j in zip(*omega(p, q, z, y), strict=True):
            G[p, q, z, y] += np.sum(u[j] * v * m[i]) + np.sum(u * v[j] * m[i])
    return G


def _at_any_scale(formula: Formula, M: ConvolutionOperator, u: NDArray, v: NDArray) -> NDArray:
    """A gradient, linear in K, u and v, from all three over powers of two; times these."""
    sizes = [_exponent(M.kernel), _exponent(u), _exponent(v)]
    # what is tiny in K stays as it is: beside a large entry it would vanish
    sizes[0] = max(0, sizes[0] + ROOM - np.finfo(M.dtype).maxexp)
    if sizes[0] > 0:
        M = M.with_kernel(np.ldexp(M.kernel, -sizes[0]))
    G = formula(M, np.ldexp(u, -sizes[1]), np.ldexp(v, -sizes[2]))
    with np.errstate(over="ignore"):
        G = np.ldexp(G, sum(sizes))
    return _finite("K: wanted entries whose gradient does not overflow", G)


def _exponent(x: NDArray) -> int:
    """That of the least power of two above the entries; 0 where all are 0."""
    return int(np.frexp(np.abs(x).max(initial=0.0))[1])


def _finite(wanted: str, G: NDArray) -> NDArray:
    """A gradient whose entries are numbers of its type."""
    if not np.isfinite(G).all():
        raise ValueError(f"{wanted} in {G.dtype}, got {np.abs(G).max()}")
    return G
