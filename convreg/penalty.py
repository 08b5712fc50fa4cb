"""Section 2: the penalty R_alpha(K) = sigma_max(M'M - alpha I), its gradient, and Theorem 2.1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from convreg._checks import Gram, Matrix, as_matrix, as_number, float_type, gram_of_rows
from convreg._numerics.davidson import extreme_eigenpair
from convreg._numerics.reduced import power_of_two
from convreg.convolution import ConvolutionOperator
from convreg.extremes import (
    extremes,
    factors_fit,
    is_small,
    largest_singular_value,
    scaled,
    smallest_singular_value,
)
from convreg.geometry import Padding, Size
from convreg.gradients import gradient_in_kernel
from convreg.lanczos import NotConverged, leading_triplets, start_vector
from convreg.power import SingularTriplet
from convreg.symbol import Symbol

VECTORS = 20  # as Lanczos keeps: the symbol may take as much memory
RESTARTS = 1000
FEW_RESTARTS = 50  # where the vectors can be wrong and R_alpha is right


def shifted_gram(M: Matrix, alpha: float = 1.0, gram: Gram = "columns") -> LinearOperator:
    r"""Section 2: M'M - alpha I as a symmetric linear operator, from any kind of M.

    .. math:: B = M^T M - \alpha I

    Parameters
    ----------
    M : (m, n) array, sparse array or LinearOperator
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller.

    Returns
    -------
    LinearOperator of shape (n, n), or (m, m) for M M'

    Raises
    ------
    ValueError, TypeError
        Where alpha is not positive and finite in the type of M, or gram is none of the three; and
        of a product that overflows.

    Examples
    --------
    >>> shifted_gram(np.diag([3.0, 1.0]), alpha=2.0) @ np.eye(2)
    array([[ 7.,  0.],
           [ 0., -1.]])
    """
    M = as_matrix("M", M)
    rows = gram_of_rows(gram, *M.shape)
    alpha = as_number("alpha", alpha)
    largest = np.finfo(float_type(M.dtype)).max
    if alpha > largest:
        raise ValueError(f"alpha: wanted at most {largest:.4g}, as M is {M.dtype}, got {alpha}")
    return ShiftedGram(M, alpha, rows)


class ShiftedGram(LinearOperator):
    """Section 2: M'M - alpha I or (``rows``) M M' - alpha I, its own adjoint; see `shifted_gram`.

    None of its eigenvalues is below ``lowest``.
    """

    def __init__(self, M: Matrix, alpha: float, rows: bool) -> None:
        A = M.T if rows else M
        self._A = aslinearoperator(A)
        self._At = aslinearoperator(A.T)
        self._alpha, self.lowest = alpha, -alpha
        super().__init__(float_type(A.dtype), (A.shape[1], A.shape[1]))

    def _matmat(self, X: NDArray) -> NDArray:
        with np.errstate(over="ignore", invalid="ignore"):
            gram = self._At.matmat(self._A.matmat(X))
            shifted = np.multiply(X, -self._alpha, dtype=gram.dtype)
            shifted += gram
        if not np.isfinite(shifted).all() and np.isfinite(X).all():
            raise ValueError("M: wanted entries with which M'M x - alpha x does not overflow")
        return shifted

    def _adjoint(self) -> LinearOperator:
        return self

    def _transpose(self) -> LinearOperator:
        return self


def penalty(
    K: ArrayLike,
    N: Size,
    alpha: float = 1.0,
    gram: Gram = "columns",
    tolerance: float = 0.0,
    start: SingularTriplet | None = None,
    full_output: bool = False,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> Any:
    r"""Section 2: R_alpha(K) = sigma_max(M'M - alpha I), M = M(K), in double precision.

    .. math:: \mathcal{R}_\alpha(K) := \sigma_{\max}(M^T M - \alpha I)
       = \max_i\, \lvert \lambda_i(M^T M) - \alpha \rvert

    The eigenvalues of M'M are the squared singular values of M and, where M has more columns than
    rows, zeros: R_alpha is the largest distance of one of them from alpha. Large problems need only
    sigma_max, by Davidson's method, where it decides; else sigma_min by `extreme_singular_values`
    or, where the factors would not fit, the lower end of M'M - alpha I by Lanczos.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width)
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller.
    tolerance : float
        The relative residual of large problems, see `leading_triplets`; 0 is machine precision.
    start : SingularTriplet, optional
        Where a large problem starts: the triplet of a similar kernel. Without it, from the plane
        wave at the maximum of the symbol, see `convreg.symbol`, or at random.
    full_output : bool
        Whether the triplet of M'M - alpha I is given as well, with its residual.
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    R : float
    triplet : SingularTriplet
        With full_output, and then R is its sigma.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it; K where R_alpha is too large for a float.
    NotConverged
        Where a large problem misses the tolerance.

    Examples
    --------
    >>> penalty([[0, 0, 0], [0, 2, 0], [0, 0, 0]], 5)
    3.0
    >>> R, triplet = penalty([[0, 0, 0], [0, 2, 0], [0, 0, 0]], 5, full_output=True)
    >>> R, triplet.residual < 1e-12
    (3.0, True)
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    M = M.in_double()
    rows = gram_of_rows(gram, *M.shape)
    alpha = as_number("alpha", alpha)
    tolerance = as_number("tolerance", tolerance, positive=False)
    if full_output or start is not None or not factors_fit(M):
        triplet = _leading(M, alpha, rows, tolerance, start)
        R = triplet.sigma
        return (R, triplet) if full_output else R
    return from_extremes(*_deciding_extremes(M, alpha, rows, tolerance), M.shape, alpha, rows)


class _Scale:
    """M and alpha over powers of two, so that nothing on the way overflows or vanishes.

    An alpha above a bound of |M|^2 is lowered to it. Then the lower end of the spectrum leads, with
    both of them and with the same vectors, and products with M'M are not lost beside alpha.
    """

    def __init__(self, M: ConvolutionOperator, alpha: float) -> None:
        self.M, self._unit = scaled(M)
        # M is the sum over the taps of S (x) K[p, q]', with norms of S of at most 1
        bound = float(np.linalg.norm(self.M.kernel, axis=(2, 3)).sum())
        above = 2.0 ** np.frexp(bound * bound)[1]
        shift = alpha / self._unit / self._unit
        self.alpha, self.lowered = min(shift, above), shift > above
        self._rest = alpha - self._times(self.alpha)

    def _times(self, square: float) -> float:
        """A number of the order of M'M as it was."""
        return self._unit * (self._unit * square)

    def back(self, triplets: list[SingularTriplet]) -> list[SingularTriplet]:
        """The triplets of M'M - alpha I as they were."""
        found = []
        for triplet in triplets:
            R = representable(self._times(float(triplet.sigma)) + self._rest)
            found.append(SingularTriplet(R, triplet.u, triplet.v))
            found[-1].residual = self._times(triplet.residual)
        return found


def representable(R: float) -> float:
    """R_alpha, if it is a number."""
    if not np.isfinite(R):
        raise ValueError(f"K: wanted entries whose R_alpha does not overflow, got {R}")
    return R


def _leading(
    M: ConvolutionOperator,
    alpha: float,
    rows: bool,
    tolerance: float,
    start: SingularTriplet | None,
) -> SingularTriplet:
    """The leading triplet of M'M - alpha I.

    Where alpha was lowered, a residual that is small beside R_alpha will do.
    """
    scale = _Scale(M, alpha)
    starts = None if start is None else [start]
    enough = float(np.finfo(M.dtype).eps) ** 0.5 if scale.lowered else 0.0
    for restarts in (FEW_RESTARTS, RESTARTS) if scale.lowered else (RESTARTS,):
        try:
            found = _leading_of(scale.M, scale.alpha, rows, tolerance, starts, restarts)
            return scale.back([found])[0]
        except NotConverged as missed:
            triplets = scale.back(missed.triplets)
            R, residual = triplets[0].sigma, triplets[0].residual
        if residual <= enough * R:
            return triplets[0]
    raise NotConverged(
        f"tolerance: wanted one that is reached, got {tolerance:.2g} and a relative residual of "
        f"{residual / R:.2g}; the best value so far is {R:.6g}, and its triplet is in .triplets",
        triplets,
    )


def _leading_of(
    M: ConvolutionOperator,
    alpha: float,
    rows: bool,
    tolerance: float,
    start: list[SingularTriplet] | None,
    restarts: int,
) -> SingularTriplet:
    """The same for M and alpha of the order of 1.

    No eigenvalue is below -alpha: where the largest is at least alpha, it is R_alpha. The symbol
    tells whether to look for that of a large problem, by Davidson's method, or at both ends; if
    it takes no more memory than the vectors.
    """
    B = ShiftedGram(M, alpha, rows)
    if is_small(M) or Symbol(M).gram_entries > VECTORS * B.shape[0]:
        return leading_triplets(B, 1, tolerance, start, restarts)[0]
    symbol = Symbol(M)
    if start is None:
        wave = symbol.start_vector()
        x = M @ wave if rows else wave
        start = [SingularTriplet(np.nan, x, x)]
    if symbol.peaks.values[0] >= 2 * alpha:
        found, converged = _largest(B, start_vector(start, "v", B.shape[0], B.dtype), tolerance)
        if converged and found.sigma >= alpha:
            return found
        start = [found]
    return leading_triplets(B, 1, tolerance, start, restarts)[0]


def _largest(B: ShiftedGram, first: NDArray, tolerance: float) -> tuple[SingularTriplet, bool]:
    """The triplet of the largest eigenvalue of B; whether it converged."""

    def enough(value: float, residual: float, gap: float) -> bool:
        """Whether the relative residual is within the tolerance."""
        return residual <= tolerance * abs(value)

    pair = extreme_eigenpair(B.matvec, first, enough, largest=True)
    triplet = SingularTriplet(B.dtype.type(pair.value), pair.vector, pair.vector)
    triplet.residual = pair.residual
    rounding = 100 * float(np.finfo(B.dtype).eps) * (abs(pair.value) + 2 * abs(B.lowest))
    return triplet, pair.converged or triplet.residual <= rounding


def _deciding_extremes(
    M: ConvolutionOperator, alpha: float, rows: bool, tolerance: float
) -> tuple[float, float]:
    """sigma_max and sigma_min of M; for sigma_min sigma_max again where it cannot decide."""
    if is_small(M):
        return extremes(M)
    largest = largest_singular_value(M, tolerance)
    if largest >= 2**0.5 * alpha**0.5 or gram_is_singular(M.shape, rows):
        return largest, largest
    return largest, smallest_singular_value(M, tolerance)


def from_extremes(
    sigma_max: float, sigma_min: float, shape: tuple[int, ...], alpha: float, rows: bool
) -> float:
    """Section 2: R_alpha from the extreme singular values of an M of this shape."""
    unit = power_of_two(np.array([sigma_max, alpha**0.5]))
    largest, shift = (sigma_max / unit) ** 2, alpha / unit / unit
    smallest = 0.0 if gram_is_singular(shape, rows) else (sigma_min / unit) ** 2
    R = max(abs(largest - shift), abs(smallest - shift))
    return representable(unit * (unit * R))


def gram_is_singular(shape: tuple[int, ...], rows: bool) -> bool:
    """Whether M'M (or M M') is singular for every M of this shape."""
    m, n = shape
    return m > n if rows else m < n


def penalty_gradient(
    K: ArrayLike,
    N: Size,
    alpha: float = 1.0,
    gram: Gram = "columns",
    tolerance: float = 0.0,
    start: SingularTriplet | None = None,
    full_output: bool = False,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> Any:
    r"""Theorem 2.3: R_alpha(K) and its gradient in K, from the leading singular triplet.

    .. math:: G = \left[ \frac{\partial \sigma_{\max}(M^T M - \alpha I)}{\partial k_{p,q,z,y}}
       \right]_{p,q,z,y}

    Where the largest singular value is multiple, R_alpha need not have a gradient (it has on the
    plateau R_alpha = alpha of an M with fewer rows than columns: 0). What comes is formula (2.5)
    for one unit vector of those that lead, with u = v or u = -v: of one end of the spectrum, and a
    subgradient where that is the upper one. It is computed in the type of K, float32 or float64.

    Parameters
    ----------
    K, N, alpha, gram, tolerance, start, full_output, stride, dilation, padding
        As of `penalty`. The triplet that full_output gives is a start for the next call.

    Returns
    -------
    R : float
    G : array of the shape of K
    triplet : SingularTriplet
        With full_output.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it; K where R_alpha is too large for a float, or the gradient
        for the type of K.
    NotConverged
        Where a large problem misses the tolerance.

    Examples
    --------
    >>> penalty_gradient([[2]], 1)
    (3.0, array([[4.]]))
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    rows = gram_of_rows(gram, *M.shape)
    alpha = as_number("alpha", alpha)
    tolerance = as_number("tolerance", tolerance, positive=False)
    triplet = _leading(M, alpha, rows, tolerance, start)
    R = triplet.sigma
    G = gradient_in_kernel(M, triplet.u, triplet.v, rows).reshape(np.shape(K))
    return (R, G, triplet) if full_output else (R, G)
