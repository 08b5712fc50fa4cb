"""Section 3: the extreme singular values of M(K), small, sparse or too large to factorise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import LinearOperator, SuperLU, eigsh, splu

from convreg._numerics.threads import one_thread_for_scipy
from convreg.convolution import ConvolutionOperator
from convreg.geometry import Axis, Padding, Size
from convreg.lanczos import leading_triplets
from convreg.matrix import formed

# up to this size the smaller Gram matrix is formed and all its eigenvalues are taken
GRAM_LIMIT = 1500
SINGULAR = 1e-13  # pivots below this part of the largest are rounding
SHIFT = 1e-9  # then M'M + shift is factorised, for rounding is small beside it: the vectors stay
FACTOR_LIMIT = 10**8  # entries of sparse factors, as estimated: about a gigabyte and half a minute


def extreme_singular_values(
    K: ArrayLike,
    N: Size,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> tuple[float, float]:
    r"""Section 3: the largest and the smallest of the min(m, n) singular values of the m x n M(K).

    .. math:: \sigma_{\max}(M)^2 = \lambda_{\max}(B), \quad \sigma_{\min}(M)^2 = \lambda_{\min}(B),
       \quad
       B = M^T M \text{ or, where } m < n, \; M M^T

    In double precision, for every type of K. Up to 1500 unknowns all eigenvalues of the smaller
    Gram matrix are taken. It squares the condition number, so that a small sigma_min would lose
    digits: then they come from a singular value decomposition of M. Larger problems take Lanczos
    for sigma_max, and for sigma_min shift-invert, as long as the sparse factors fit in memory: of M
    itself where it is square, else of the smaller Gram matrix, which loses a sigma_min below about
    1e-7 sigma_max.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width)
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    sigma_max, sigma_min : float

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, N no size, or the geometry is none.
    MemoryError
        Where sigma_min is out of reach; it says how large the factors would be, and what to take
        instead.

    Examples
    --------
    >>> extreme_singular_values([[0, 0, 0], [0, -2, 0], [0, 0, 0]], 5)
    (2.0, 2.0)
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    return extremes(M.in_double())


def extremes(M: ConvolutionOperator) -> tuple[float, float]:
    """Section 3: sigma_max and sigma_min of an operator M; see `extreme_singular_values`."""
    if not is_small(M):
        smallest = smallest_singular_value(M)  # first, as it may not fit
        return largest_singular_value(M), smallest
    M, scale = _scaled(M)
    matrix = _tall(M)
    squares = np.linalg.eigvalsh((matrix.T @ matrix).toarray())
    if squares[0] >= 1e-5 * squares[-1]:
        sigma = squares[[-1, 0]] ** 0.5
    else:
        sigma = np.linalg.svd(matrix.toarray(), compute_uv=False)[[0, -1]]
    return scale * float(sigma[0]), scale * float(sigma[1])


def is_small(M: ConvolutionOperator) -> bool:
    """Whether the smaller Gram matrix of M is taken as a dense one."""
    return min(M.shape) <= GRAM_LIMIT


def factors_fit(M: ConvolutionOperator) -> bool:
    """Whether sigma_min can be computed."""
    return is_small(M) or _factor_entries(M) <= FACTOR_LIMIT


def _factor_entries(M: ConvolutionOperator) -> int:
    """About what sparse factors hold: all within the band of the matrix, pixel after pixel."""
    m, n = M.shape
    unknowns = min(m, n)
    rows, columns = M.geometry
    band = unknowns
    for axis in (rows, columns):
        lines = axis.N if n <= m else axis.outputs
        band = min(band, _coupled_lines(axis, m, n) * unknowns // lines)
    return 2 * unknowns * band


def _coupled_lines(axis: Axis, m: int, n: int) -> int:
    """How many lines of the image the matrix that is factorised couples, at least one.

    A square M an output with the pixels it reads, M'M pixels that one output reads, M M' outputs
    that read one pixel. Where the image is circular, the last lines are coupled with the first.
    """
    if m == n:
        lines = max(axis.before, axis.span - axis.before) + axis.stride - 1
    elif n < m:
        lines = axis.span
    else:
        lines = axis.span // axis.stride
    return max(1, lines) * (2 if axis.circular else 1)


def largest_singular_value(M: ConvolutionOperator, tolerance: float = 0.0) -> float:
    """sigma_max of M by Lanczos, without forming M."""
    M, scale = _scaled(M)
    return scale * float(leading_triplets(M, 1, tolerance)[0].sigma)


def smallest_singular_value(M: ConvolutionOperator) -> float:
    """sigma_min of M, ``|M v|`` for the v with the smallest eigenvalue of M'M, by shift-invert."""
    if not factors_fit(M):
        raise MemoryError(
            f"K, N: wanted sparse factors of at most {FACTOR_LIMIT:.0e} entries for sigma_min, "
            f"got about {_factor_entries(M):.1e} for {min(M.shape)} unknowns; "
            "without sigma_min there are penalty(K, N, tolerance=1e-6) for R_alpha, "
            "leading_triplets(ConvolutionOperator(K, N), 1) for sigma_max, "
            "and minimize_penalty(K, N, diagnostics=False), each with the same geometry"
        )
    M, scale = _scaled(M)
    matrix = _tall(M)
    gram = matrix.T @ matrix
    square = matrix.shape[0] == matrix.shape[1]
    try:
        factors = splu((matrix if square else gram).tocsc())
    except RuntimeError:  # SuperLU's word for a pivot that is exactly zero
        return 0.0
    pivots = np.abs(factors.U.diagonal())
    if pivots.min() < SINGULAR * pivots.max():  # nothing but rounding: its inverse is noise
        shift = SHIFT * abs(gram).max() * eye_array(gram.shape[0])
        solve = splu((gram + shift).tocsc()).solve
    elif square:
        solve = _inverse_of_square(factors)
    else:
        solve = factors.solve
    start = np.random.default_rng(0).standard_normal(gram.shape[0])
    inverse = LinearOperator(gram.shape, solve, dtype=gram.dtype)
    with one_thread_for_scipy:
        _, v = eigsh(gram, k=1, sigma=0.0, OPinv=inverse, v0=start, rng=0)
    return scale * float(np.linalg.norm(matrix @ v))


def _scaled(M: ConvolutionOperator) -> tuple[ConvolutionOperator, float]:
    """M over a power of two that keeps M'M from overflow and underflow, and that power; exact."""
    exponent = np.frexp(np.abs(M.kernel).max())[1]
    scale = 2.0 ** (exponent - 1)
    return M.with_kernel(M.kernel / scale), float(scale)


def _tall(M: ConvolutionOperator) -> csr_array:
    """The matrix M, or its transpose where M has more columns than rows."""
    matrix = formed(M)
    return matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T.tocsr()


def _inverse_of_square(factors: SuperLU) -> Callable[[NDArray], NDArray]:
    """x -> (M'M)^-1 x from the factors of M itself, which keeps what forming M'M would lose."""
    return lambda x: factors.solve(factors.solve(x, trans="T"))
