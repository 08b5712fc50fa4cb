"""Algorithm 2.1, step 2, and the end of Section 2.1: leading singular triplets by Krylov methods.

Everything here needs only ``A @ x`` and ``A.T @ y``. Small matrices get a full decomposition,
others Lanczos (ARPACK): of A itself where it is symmetric, which sees both ends of its spectrum,
else of A'A or AA'. Where values crowd together and Lanczos misses the tolerance, matrices of
moderate size are decomposed after all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse.linalg import ArpackError, aslinearoperator

from convreg._checks import as_integer, as_number, as_vector, float_type, shown
from convreg._matrices import Matrix, as_matrix
from convreg._numerics.arpack import LargestEigenvalues, random_vector
from convreg._numerics.reduced import power_of_two, reduced, restored
from convreg.power import SingularTriplet

DENSE_LIMIT = 72  # up to this size for each triplet a full decomposition is quicker than Lanczos
FALLBACK_LIMIT = 1500  # up to this size it takes about a second
FEW_RESTARTS = 50  # take about as long
MOST_RESTARTS = 2**31 - 1  # that ARPACK counts
Start = Sequence[SingularTriplet] | None
Vectors = tuple[NDArray, NDArray, NDArray]  # singular values, the columns u, the columns v


class NotConverged(RuntimeError):
    """Section 2.1: Lanczos missed the tolerance; ``triplets`` are the best, with their residuals.

    Raises
    ------
    RuntimeError
        It is one.

    Examples
    --------
    >>> issubclass(NotConverged, RuntimeError)
    True
    """

    def __init__(self, message: str, triplets: Sequence[SingularTriplet] = ()) -> None:
        super().__init__(message)  # from which alone a copy begins
        self.triplets = list(triplets)


def leading_triplets(
    A: Matrix,
    count: int = 2,
    tolerance: float = 0.0,
    start: Start = None,
    restarts: int = 1000,
) -> list[SingularTriplet]:
    r"""Algorithm 2.1, step 2: the largest singular values of A and their vectors.

    .. math:: A v_i = \sigma_i u_i, \qquad A^T u_i = \sigma_i v_i, \qquad \sigma_1 \geq \sigma_2
       \geq \dots

    A full decomposition where min(m, n) is at most 72 for each triplet; else Lanczos and, where it
    misses the tolerance and max(m, n) is at most 1500, the full decomposition. An operator that is
    its own transpose (``A.T is A``), as `shifted_gram` gives, is taken as symmetric: then both ends
    of its spectrum are computed, unless its attribute ``lowest``, a bound of its eigenvalues from
    below, shows that the upper end decides. More than one triplet is looked for once more beside
    those found, so that equal values are seen. Two runs agree.

    Parameters
    ----------
    A : (m, n) array, sparse array or LinearOperator
        Of any size: as far as floats reach, 2^p A gives 2^p times the values, the same vectors.
    count : int
        How many, at most min(m, n).
    tolerance : float
        The residual wanted, relative to sigma, as far as rounding allows: of M'M - alpha I that is
        the rounding of ``|M|^2 + alpha``, however small sigma is. 0 is machine precision. Only
        Lanczos needs it.
    start : sequence of SingularTriplet, optional
        Triplets of a similar matrix, from which Lanczos starts.
    restarts : int
        How often Lanczos may restart.

    Returns
    -------
    list of SingularTriplet, the largest first
        With their residuals: within its residual of each sigma there is some singular value of A.
        That it is the largest, Lanczos finds and does not prove.

    Raises
    ------
    ValueError, TypeError
        Where A has fewer than ``count`` singular values, or they or a product with A are no finite
        real numbers, or another argument is bad; the text begins with its name.
    NotConverged
        Where m or n is above 1500 and ARPACK ends without the tolerance, or leaves a residual above
        ten times that and above the root of the machine precision; with the best triplets so far.

    Examples
    --------
    >>> [float(triplet.sigma) for triplet in leading_triplets(np.diag([1.0, 3.0, 2.0]))]
    [3.0, 2.0]
    """
    A = as_matrix("A", A)
    count = as_integer("count", count, 1, min(A.shape))
    tolerance = as_number("tolerance", tolerance, positive=False)
    restarts = as_integer("restarts", restarts, 1, MOST_RESTARTS)
    side = "u" if A.shape[0] < A.shape[1] else "v"
    first = start_vector(start, side, min(A.shape), A.dtype)
    # so that neither squares nor ARPACK's tolerance, with its absolute part, see how large A is
    A, scale = reduced(A)
    if scale == 0:
        return _of_zero(A, count)
    triplets, reached = _leading(A, count, tolerance, first, restarts)
    triplets = [_times(scale, triplet) for triplet in triplets]
    if reached:
        return triplets
    largest = float(triplets[0].sigma)
    worst = max(triplet.residual for triplet in triplets)
    raise NotConverged(
        f"restarts: wanted enough for a relative residual of {tolerance:.2g}, got "
        f"{worst / largest:.2g} after {restarts} of them; the best value so far is {largest:.6g}, "
        "and its triplet is in .triplets",
        triplets,
    )


def _of_zero(A: Matrix, count: int) -> list[SingularTriplet]:
    """Triplets of the zero matrix."""
    U, V = (np.eye(side, count, dtype=A.dtype) for side in A.shape)
    return _triplets(A, np.zeros(count, A.dtype), U, V)


def _leading(
    A: Matrix, count: int, tolerance: float, first: NDArray, restarts: int
) -> tuple[list[SingularTriplet], bool]:
    """The leading triplets, and whether they are within the tolerance."""
    if min(A.shape) <= DENSE_LIMIT * count:
        return _decomposed(A, count), True
    if max(A.shape) > FALLBACK_LIMIT:
        return _by_lanczos(A, count, tolerance, first, restarts, patient=True)
    try:
        triplets, reached = _by_lanczos(A, count, tolerance, first, restarts, patient=False)
    except ArpackError:
        return _decomposed(A, count), True
    return triplets if reached else _decomposed(A, count), True


def _times(scale: float, triplet: SingularTriplet) -> SingularTriplet:
    """A triplet of so many times the matrix, if its value fits."""
    larger = SingularTriplet(restored("A", triplet.sigma, scale), triplet.u, triplet.v)
    larger.residual = scale * triplet.residual
    return larger


def _by_lanczos(
    A: Matrix, count: int, tolerance: float, first: NDArray, restarts: int, patient: bool
) -> tuple[list[SingularTriplet], bool]:
    """The same by Lanczos; without patience it soon gives up."""
    few = restarts if patient else min(restarts, FEW_RESTARTS)
    largest_of = LargestEigenvalues(count, tolerance, few, patient)
    found = _symmetric if A.T is A else _general
    triplets = _triplets(A, *found(A, largest_of, first))
    largest = float(triplets[0].sigma)
    worst = max(triplet.residual for triplet in triplets)
    reached = largest_of.converged and worst <= _attainable(A, largest, tolerance)
    return triplets, reached


def _symmetric(A: Matrix, largest_of: LargestEigenvalues, first: NDArray) -> Vectors:
    """The singular values of a symmetric A from both ends of its spectrum, with u = v or u = -v."""
    values, V = largest_of(lambda x: A @ x, first)
    if values[-1] < -getattr(A, "lowest", -np.inf):
        opposite, W = largest_of(lambda x: -(A @ x), first)
        values, V = np.r_[values, -opposite], np.hstack([V, W])
        order = np.argsort(-np.abs(values), kind="stable")[: largest_of.count]
        values, V = values[order], V[:, order]
    return np.abs(values), np.where(values < 0, -V, V), V


def _general(A: Matrix, largest_of: LargestEigenvalues, first: NDArray) -> Vectors:
    """The singular values of A from the eigenvectors of the smaller of A'A and AA'."""
    wide = A.shape[0] < A.shape[1]
    C = aslinearoperator(A.T if wide else A)
    _, V = largest_of(lambda x: C.rmatvec(C.matvec(x)), first)
    U, sigma, Wt = np.linalg.svd(C.matmat(V), full_matrices=False)
    V = V @ Wt.T
    return (sigma, V, U) if wide else (sigma, U, V)


def _attainable(A: Matrix, largest: float, tolerance: float) -> float:
    """The residual at which a triplet is accepted.

    ARPACK estimates it, copies that come in by rounding spoil it, and that of B = M'M - alpha I,
    lowest = -alpha, can't be below the rounding of ``|M|^2 + alpha <= |B| + 2 alpha``.
    """
    rounding = float(np.finfo(float_type(A.dtype)).eps)
    floor = 10 * rounding * (largest - 2 * getattr(A, "lowest", 0.0))
    return max(largest * max(10 * tolerance, rounding**0.5), floor)


def _decomposed(A: Matrix, count: int) -> list[SingularTriplet]:
    """The leading triplets from all of them.

    Those of a symmetric A have u = v or u = -v, where values are equal too.
    """
    m, n = A.shape
    if A.T is A:
        values, V = np.linalg.eigh(A @ np.eye(n, dtype=A.dtype))
        order = np.argsort(-np.abs(values), kind="stable")[:count]
        values, V = values[order], V[:, order]
        return _triplets(A, np.abs(values), np.where(values < 0, -V, V), V)
    wide = m < n  # then the products with A.T are fewer
    dense = (A.T @ np.eye(m, dtype=A.dtype)).T if wide else A @ np.eye(n, dtype=A.dtype)
    U, sigma, Vt = np.linalg.svd(dense, full_matrices=False)
    return _triplets(A, sigma[:count], U[:, :count], Vt[:count].T)


def _triplets(A: Matrix, sigma: NDArray, U: NDArray, V: NDArray) -> list[SingularTriplet]:
    """The columns of U and V as triplets, with their residuals."""
    residuals = np.linalg.norm(A @ V - U * sigma, axis=0)
    if A.T is not A:
        residuals = np.maximum(residuals, np.linalg.norm(A.T @ U - V * sigma, axis=0))
    triplets = [SingularTriplet(*triplet) for triplet in zip(sigma, U.T, V.T, strict=True)]
    for triplet, residual in zip(triplets, residuals, strict=True):
        triplet.residual = float(residual)
    return triplets


def start_vector(start: Start, side: str, size: int, dtype: DTypeLike) -> NDArray:
    """A random vector, or the sum of those given with something random that sees the others."""
    random = random_vector(size, float_type(dtype))
    total = np.zeros(size)
    for vector in _start_vectors(start, side, size):
        total += vector / (power_of_two(vector) or 1)
    norm = np.linalg.norm(total)
    mixed = random if norm == 0 else total / norm + 0.05 * random / np.linalg.norm(random)
    return mixed.astype(random.dtype)


def _start_vectors(start: Start, side: str, size: int) -> list[NDArray]:
    """A vector of each triplet of a start, checked."""
    wanted = "start: wanted a sequence of SingularTriplet, got"
    if start is None:
        return []
    if not isinstance(start, Sequence) or isinstance(start, memoryview):
        raise TypeError(f"{wanted} {shown(start)}")
    vectors = []
    for triplet in start:
        if not isinstance(triplet, SingularTriplet):
            raise TypeError(f"{wanted} one of {type(triplet).__name__}")
        vectors.append(as_vector("start", getattr(triplet, side), size))
    return vectors
