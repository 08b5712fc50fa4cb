"""Section 3: the extreme singular values of M(K), small, sparse or too large to factorise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import next_fast_len
from scipy.sparse import csr_array

from convreg._checks import as_flag, as_number, shown
from convreg._numerics.arpack import random_vector
from convreg._numerics.circulant import GramInverse
from convreg._numerics.davidson import Eigenpair, extreme_eigenpair
from convreg._numerics.decomposed import extreme_vectors
from convreg._numerics.fill import factor_entries
from convreg._numerics.reduced import power_of_two, restored
from convreg._numerics.shift_invert import smallest_right_vector
from convreg.convolution import ConvolutionOperator
from convreg.geometry import Padding, Size
from convreg.matrix import formed
from convreg.symbol import Symbol

# up to this size the smaller Gram matrix is formed and all its eigenvalues are taken
GRAM_LIMIT = 1500
QUICK_FACTORS = 3 * 10**6  # entries of sparse factors, as estimated: less than half a second
FACTOR_LIMIT = 10**8  # a gigabyte or two, and a minute or two
LOST = 1e-13  # part of |K|^2 below which products with the Gram matrix say nothing of sigma_min^2
TOLERANCE = 1e-8
PRODUCTS = 1000  # with the Gram matrix, after which another way is taken
FEW_PRODUCTS = 50  # for a bound of sigma_min where there is none
INVERSES = 3  # channels for each pixel of a side up to which inverses pay at the largest end
ABOVE = 1.01  # times the peak of the symbol's squares: all eigenvalues on a torus are below
MARGIN = 3  # pixels by which the preconditioner's torus is larger than the least: some steps fewer
Pair = tuple[float, float]
Found = tuple[float, float, tuple[float, ...]]


def extreme_singular_values(
    K: ArrayLike,
    N: Size,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
    tolerance: float = TOLERANCE,
    full_output: bool = False,
) -> Any:
    r"""Section 3: the largest and the smallest of the min(m, n) singular values of the m x n M(K).

    .. math:: \sigma_{\max}(M)^2 = \lambda_{\max}(B), \quad \sigma_{\min}(M)^2 = \lambda_{\min}(B),
       \quad
       B = M^T M \text{ or, where } m < n, \; M M^T

    In double precision, for every type of K. Up to 1500 unknowns all eigenvalues of B are taken or,
    where sigma_min is so small that B has lost it, singular values of M. A kernel of one tap and a
    circular convolution are decomposed tap by tap and wave by wave. All others take Davidson's
    method for sigma_max, and for sigma_min sparse factors where they are few or M has as many
    channels out as in, else Davidson's method again, with the inverse on a torus [4, 5, 12]. A
    sigma_min from factors below about 1e-7 sigma_max, one of many that are as small, may come out
    too large: it is a bound from above.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width)
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.
    tolerance : float
        Where Davidson's method ends: ``|B v - sigma^2 v| <= tolerance sigma^2``. Half of it bounds
        the relative distance of sigma to a singular value, and a gap to the others makes the error
        about its square. 0 is machine precision. All else is as exact as rounding allows.
    full_output : bool
        Whether the residuals are given as well.

    Returns
    -------
    sigma_max, sigma_min : float
    residuals : (float, float)
        With full_output. Within them of each value there is a singular value of M. They come from
        r = ``|B v - sigma^2 v|``, measured, for a unit vector v: min(r / sigma, r^(1/2)).

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel or has too large entries, N no size, or the geometry is none.
    MemoryError
        Where sigma_min is out of reach; it says what is known of it, and what to take instead.

    Examples
    --------
    >>> extreme_singular_values([[0, 0, 0], [0, -2, 0], [0, 0, 0]], 5)
    (2.0, 2.0)
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    tolerance = as_number("tolerance", tolerance, positive=False)
    full_output = as_flag("full_output", full_output)
    found = _extremes(M.in_double(), tolerance, full_output)
    return found if full_output else found[:2]


def extremes(M: ConvolutionOperator, tolerance: float = TOLERANCE) -> Pair:
    """Section 3: sigma_max and sigma_min of an operator M; see `extreme_singular_values`."""
    return _extremes(M, tolerance, False)[:2]


def _extremes(M: ConvolutionOperator, tolerance: float, full_output: bool) -> Found:
    """The same, and the residuals of both where they are asked for."""
    M, scale = scaled(M)
    if not is_small(M):
        vectors = _extreme_vectors(M, tolerance, scale)
        sigma = _norm(M, vectors[0]), _norm(M, vectors[1])
    else:
        sigma, vectors = _dense(M, full_output)
    residuals = tuple(scale * _residual(M, *pair) for pair in zip(sigma, vectors, strict=False))
    return restored("K", sigma[0], scale), restored("K", sigma[1], scale), residuals


def largest_singular_value(M: ConvolutionOperator, tolerance: float = TOLERANCE) -> float:
    """sigma_max of M to a relative residual, without forming M."""
    M, scale = scaled(M)
    return restored("K", _norm(M, _largest_vector(M, tolerance)), scale)


def smallest_singular_value(M: ConvolutionOperator, tolerance: float = TOLERANCE) -> float:
    """sigma_min of M to a relative residual, or a MemoryError where it is out of reach."""
    M, scale = scaled(M)
    exact = extreme_vectors(M, Symbol(M))
    vector = exact[1] if exact else _smallest_vector(M, tolerance, scale)
    return restored("K", _norm(M, vector), scale)


def is_small(M: ConvolutionOperator) -> bool:
    """Whether the smaller Gram matrix of M is taken as a dense one."""
    return min(M.shape) <= GRAM_LIMIT


def factors_fit(M: ConvolutionOperator) -> bool:
    """Whether sigma_min can be computed from a factorisation."""
    return is_small(M) or factor_entries(M.shape, M.geometry) <= FACTOR_LIMIT


def scaled(M: ConvolutionOperator) -> tuple[ConvolutionOperator, float]:
    """M over a power of two that keeps M'M from overflow and underflow, and that power; exact.

    The taps that read nothing but zeros are left out.
    """
    if not isinstance(M, ConvolutionOperator):
        raise TypeError(f"M: wanted a ConvolutionOperator, got {shown(M)}")
    down, across = ((axis.reads() >= 0).any(axis=0) for axis in M.geometry)
    kernel = np.where(np.outer(down, across)[:, :, np.newaxis, np.newaxis], M.kernel, 0.0)
    scale = power_of_two(kernel) or 1.0
    return M.with_kernel(kernel / scale), scale


def _tall(M: ConvolutionOperator) -> ConvolutionOperator:
    """M, or its transpose where M has more columns than rows."""
    return M if M.shape[0] >= M.shape[1] else M.T


def _tall_matrix(M: ConvolutionOperator) -> csr_array:
    """The same as a sparse matrix."""
    return formed(M) if M.shape[0] >= M.shape[1] else formed(M).T.tocsr()


def _norm(M: ConvolutionOperator, v: NDArray) -> float:
    """``|M v|``, or ``|M'v|`` where M is wide: of a singular vector the singular value."""
    return float(np.linalg.norm(_tall(M) @ v))


def _residual(M: ConvolutionOperator, sigma: float, v: NDArray) -> float:
    """How far away a singular value may be: of s^2 - sigma^2, what is left of B v - sigma^2 v."""
    T = _tall(M)
    rest = float(np.linalg.norm(T.T @ (T @ v) - sigma**2 * v))
    return min(rest / sigma, rest**0.5) if sigma > 0 else rest**0.5


def _dense(M: ConvolutionOperator, with_vectors: bool) -> tuple[Pair, tuple[NDArray, ...]]:
    """Both ends from all eigenvalues of the Gram matrix or, where they lose digits, by an SVD."""
    matrix = _tall_matrix(M)
    gram = (matrix.T @ matrix).toarray()
    squares = np.linalg.eigvalsh(gram)
    lost = squares[0] < 1e-5 * squares[-1]
    sigma = np.linalg.svd(matrix.toarray(), compute_uv=False)[::-1] if lost else squares**0.5
    ends = float(sigma[-1]), float(sigma[0])
    if not with_vectors:
        return ends, ()
    if lost:
        V = np.linalg.svd(matrix.toarray(), full_matrices=False)[2][::-1].T
    else:
        V = np.linalg.eigh(gram)[1]
    return ends, (V[:, -1], V[:, 0])


def _extreme_vectors(M: ConvolutionOperator, tolerance: float, scale: float) -> tuple[NDArray, ...]:
    """Right singular vectors for sigma_max and sigma_min of M, or of M' where M is wide."""
    exact = extreme_vectors(M, Symbol(M))
    if exact is not None:
        return exact
    smallest = _smallest_vector(M, tolerance, scale)  # first, as it may be out of reach
    return _largest_vector(M, tolerance), smallest


def _largest_vector(M: ConvolutionOperator, tolerance: float) -> NDArray:
    """By Davidson's method, from a wave where the symbol is largest and something random."""
    symbol = Symbol(M)
    wave = symbol.start_vector()
    if _tall(M) is not M:
        wave = M @ wave
    start = random_vector(len(wave), float)
    size = np.linalg.norm(wave)
    if size > 0:
        start = wave / size + 0.01 * start / np.linalg.norm(start)
    precondition = None
    if min(symbol.sides) >= min(symbol.taps.shape[2:]) / INVERSES:
        precondition = _gram_inverse(M, ABOVE * float(symbol.peaks.values[0]))
    return extreme_eigenpair(_gram(M), start, _enough(tolerance), precondition, largest=True).vector


def _smallest_vector(M: ConvolutionOperator, tolerance: float, scale: float) -> NDArray:
    """By factors or by Davidson's method, whichever takes less and is sure."""
    entries = factor_entries(M.shape, M.geometry)
    fit, square = entries <= FACTOR_LIMIT, _is_square(M)
    if fit and (square or entries <= QUICK_FACTORS):
        return smallest_right_vector(_tall_matrix(M))
    pair = extreme_eigenpair(
        _gram(M),
        random_vector(min(M.shape), float),
        _enough(tolerance),
        _gram_inverse(M),
        limit=FEW_PRODUCTS if square else PRODUCTS,
    )
    if not square and _is_sure(M, pair, tolerance):
        return pair.vector
    if fit:
        return smallest_right_vector(_tall_matrix(M))
    raise MemoryError(_what_is_known(M, pair, scale))


def _is_square(M: ConvolutionOperator) -> bool:
    """Whether M has as many channels out as in, strides included: sigma_min may be next to 0."""
    g, h = M.kernel.shape[2:]
    return h == g * M.geometry.rows.stride * M.geometry.columns.stride or M.shape[0] == M.shape[1]


def _gram(M: ConvolutionOperator) -> Callable[[NDArray], NDArray]:
    """x -> M'M x or, where M is wide, M M'x."""
    T = _tall(M)
    transposed = T.T
    return lambda x: transposed @ (T @ x)


def _enough(tolerance: float) -> Callable[[float, float, float], bool]:
    """Whether an eigenvalue is known to the tolerance."""
    tolerance = as_number("tolerance", tolerance, positive=False)
    return lambda value, residual, gap: residual <= tolerance * value


def _is_sure(M: ConvolutionOperator, pair: Eigenpair, tolerance: float) -> bool:
    """Whether a small eigenvalue is known: it is not lost in rounding beside the large ones.

    And it has converged, or its residual is rounding, and the square of that over the gap is less.
    """
    lost = pair.value < LOST * float((M.kernel**2).sum())
    ended = pair.products <= PRODUCTS
    bound = max(tolerance, 1e-14) * pair.value * pair.gap
    return not lost and (pair.converged or (ended and pair.residual**2 <= bound))


def _gram_inverse(M: ConvolutionOperator, above: float = 0.0) -> GramInverse | None:
    """The preconditioner; none around a circle whose length is no multiple of the stride.

    For the largest end, about the inverse of what the Gram matrix is below.
    """
    if not M.kernel.any():
        return None
    symbol = Symbol(M)
    lines, axes = (symbol.rows, symbol.columns), M.geometry
    strides = symbol.rows.stride, symbol.columns.stride
    if strides != (axes.rows.stride, axes.columns.stride):
        return None
    L1, L2 = (
        line.side if line.circular else next_fast_len(line.side + MARGIN, real=True)
        for line in lines
    )
    if M.shape[0] < M.shape[1]:
        return GramInverse(symbol, (L1, L2), M.geometry.outputs, (1, 1), rows=True, above=above)
    return GramInverse(symbol, (L1, L2), M.geometry.image, strides, rows=False, above=above)


def _what_is_known(M: ConvolutionOperator, pair: Eigenpair, scale: float) -> str:
    """Bounds of a sigma_min that is out of reach, and what to take instead."""
    angles = 2 * np.pi * np.arange(8) / 8
    F = Symbol(M).at(angles[:5], angles[:, np.newaxis])
    least = np.linalg.svd(F, compute_uv=False).min()
    entries = factor_entries(M.shape, M.geometry)
    above = 1.001 * scale  # so that four digits are not below what they stand for
    return (
        f"K, N: wanted sparse factors of at most {FACTOR_LIMIT:.0e} entries for sigma_min, "
        f"got about {entries:.1e} for {min(M.shape)} unknowns; known is "
        f"sigma_min <= {above * _norm(M, pair.vector):.4g}, after {pair.products} products, and "
        f"that the symbol goes down to {above * least:.4g} or below; "
        "without sigma_min there are penalty(K, N, tolerance=1e-6) for R_alpha, "
        "leading_triplets(ConvolutionOperator(K, N), 1) for sigma_max, "
        "and minimize_penalty(K, N, diagnostics=False), each with the same geometry"
    )
