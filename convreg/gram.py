"""Section 2: M'M - alpha I, and its leading singular triplet, small or large, at every scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from convreg._checks import Gram, as_number, float_type, gram_of_rows
from convreg._matrices import Matrix, as_matrix
from convreg._numerics.davidson import extreme_eigenpair
from convreg.convolution import ConvolutionOperator
from convreg.extremes import is_small, scaled
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
    largest = float(np.finfo(float_type(M.dtype)).max)
    if alpha > largest:
        raise ValueError(f"alpha: wanted at most {largest:.4g}, as M is {M.dtype}, got {alpha}")
    return ShiftedGram(M, alpha, rows)


class ShiftedGram(LinearOperator):
    """Section 2: M'M - alpha I or (``rows``) M M' - alpha I, its own adjoint; see `shifted_gram`.

    None of its eigenvalues is below ``lowest``.
    """

    checks_products = True

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


def gram_is_singular(shape: tuple[int, ...], rows: bool) -> bool:
    """Whether M'M (or M M') is singular for every M of this shape."""
    m, n = shape
    return m > n if rows else m < n


class _Scale:
    """M and alpha over powers of two, so that nothing on the way overflows or vanishes.

    An alpha above a bound of |M|^2 is lowered to it. Then the lower end of the spectrum leads, with
    both of them and with the same vectors, and products with M'M are not lost beside alpha.
    """

    def __init__(self, M: ConvolutionOperator, alpha: float) -> None:
        self.M, self._unit = scaled(M)
        # M is the sum over the taps of S (x) K[p, q]', with norms of S of at most 1
        bound = float(np.linalg.norm(self.M.kernel, axis=(2, 3)).sum())
        above = float(2.0 ** np.frexp(bound * bound)[1])
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


def leading_triplet(
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
