"""Algorithm 2.1, step 2, and the last paragraph of Section 2.1: leading singular triplets by a Krylov method.

Everything here needs only ``A @ x`` and ``A.T @ y``. Small matrices get a full decomposition, others Lanczos
(ARPACK): of A itself where it is symmetric, which sees both ends of its spectrum, else of A'A or AA'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, aslinearoperator, eigsh
from threadpoolctl import ThreadpoolController

from convreg._checks import as_integer, as_matrix, as_number, as_vector, float_type
from convreg.power import SingularTriplet

DENSE_LIMIT = 256  # up to this size a full SVD is quicker than Lanczos
Start = Sequence[SingularTriplet] | None


class NotConverged(RuntimeError):
    """Section 2.1: Lanczos did not reach the tolerance; ``triplets`` has the best so far, with their residuals.

    Raises
    ------
    RuntimeError
        It is one.

    Examples
    --------
    >>> issubclass(NotConverged, RuntimeError)
    True
    """

    def __init__(self, message: str, triplets: list[SingularTriplet]) -> None:
        super().__init__(message)
        self.triplets = triplets


def leading_triplets(
    A: Any,
    count: int = 2,
    tolerance: float = 0.0,
    start: Start = None,
    restarts: int = 1000,
) -> list[SingularTriplet]:
    """Algorithm 2.1, step 2: the largest singular values of A and their vectors.

    A full SVD of small matrices, Lanczos of others. An operator that is its own transpose (``A.T is A``), as
    `shifted_gram` gives, is taken as symmetric: then both ends of its spectrum are computed, unless its attribute
    ``lowest``, a bound of its eigenvalues from below, shows that the upper end decides. More than one triplet
    is looked for once more beside those found, so that equal values are seen. Two runs agree.

    Parameters
    ----------
    A : (m, n) array, sparse array or LinearOperator
    count : int
        How many, at most min(m, n).
    tolerance : float
        The residual wanted, relative to sigma; 0 is machine precision. Only Lanczos needs it.
    start : sequence of SingularTriplet, optional
        Triplets of a similar matrix, from which Lanczos starts.
    restarts : int
        How often Lanczos may restart.

    Returns
    -------
    list of SingularTriplet, the largest first
        With their residuals: within its residual of each sigma there is a singular value of A.

    Raises
    ------
    ValueError, TypeError
        Where A has fewer than `count` singular values, or another argument is bad.
    NotConverged
        Where Lanczos misses the tolerance; with the best triplets so far.

    Examples
    --------
    >>> [float(triplet.sigma) for triplet in leading_triplets(np.diag([1.0, 3.0, 2.0]))]
    [3.0, 2.0]
    """
    A = as_matrix("A", A)
    count = as_integer("count", count, 1, min(A.shape))
    tolerance = as_number("tolerance", tolerance, positive=False)
    restarts = as_integer("restarts", restarts, 1)
    if min(A.shape) <= max(DENSE_LIMIT, count):
        U, sigma, Vt = np.linalg.svd(A @ np.eye(A.shape[1], dtype=A.dtype), full_matrices=False)
        return _triplets(A, sigma[:count], U[:, :count], Vt[:count].T)
    if not np.any(A @ _random(A.shape[1], A.dtype)):  # A is zero
        U, V = np.eye(A.shape[0], count, dtype=A.dtype), np.eye(A.shape[1], count, dtype=A.dtype)
        return _triplets(A, np.zeros(count, A.dtype), U, V)
    lanczos = _Lanczos(count, tolerance, restarts)
    triplets = _triplets(A, *(lanczos.symmetric(A, start) if A.T is A else lanczos.general(A, start)))
    if lanczos.converged:
        return triplets
    sigma, worst = triplets[0].sigma, max(triplet.residual for triplet in triplets)
    raise NotConverged(
        f"restarts: wanted enough for a relative residual of {tolerance:.2g}, got {worst / sigma:.2g} after "
        f"{restarts} of them; the best value so far is {sigma:.6g}, and its triplet is in .triplets",
        triplets,
    )


class _Lanczos:
    """Largest eigenvalues of symmetric operators by ARPACK, in what `leading_triplets` asks for."""

    def __init__(self, count: int, tolerance: float, restarts: int) -> None:
        self.count, self.tolerance, self.restarts, self.converged = count, tolerance, restarts, True

    def symmetric(self, A: LinearOperator, start: Start) -> tuple[NDArray, NDArray, NDArray]:
        """The singular values of a symmetric A from both ends of its spectrum, with u = v or u = -v."""
        first = _start_vector(start, "v", A.shape[0], A.dtype)
        values, V = self.largest(A, first)
        if values[-1] < -getattr(A, "lowest", -np.inf):
            opposite, W = self.largest(-A, first)
            values, V = np.r_[values, -opposite], np.hstack([V, W])
            order = np.argsort(-np.abs(values), kind="stable")[: self.count]
            values, V = values[order], V[:, order]
        return np.abs(values), np.where(values < 0, -V, V), V

    def general(self, A: Any, start: Start) -> tuple[NDArray, NDArray, NDArray]:
        """The singular values of A from the eigenvectors of the smaller of A'A and AA'."""
        wide = A.shape[0] < A.shape[1]
        C = aslinearoperator(A.T if wide else A)
        dtype = float_type(A.dtype)
        first = _start_vector(start, "u" if wide else "v", C.shape[1], dtype)
        _, V = self.largest(_operator(lambda x: C.rmatvec(C.matvec(x)), C.shape[1], dtype), first)
        U, sigma, Wt = np.linalg.svd(C.matmat(V), full_matrices=False)
        V = V @ Wt.T
        return (sigma, V, U) if wide else (sigma, U, V)

    def largest(self, A: LinearOperator, first: NDArray) -> tuple[NDArray, NDArray]:
        """The largest eigenvalues, then as often as a copy may have been missed the largest of the others."""
        values, V = self.arpack(A, self.count, first)
        for _ in range(self.count - 1):
            below = values[-1] - max(np.abs(values).max(), 1)  # where the values that are known are moved to
            others = _operator(lambda x: A.matvec(x) - V @ ((values - below) * (V.T @ x)), len(V), V.dtype)  # noqa: B023
            value, W = self.arpack(others, 1, _random(len(V), V.dtype, seed=1))
            if value[0] <= values[-1]:
                break
            values, V = np.r_[values, value], np.hstack([V, W])
            order = np.argsort(-values, kind="stable")[: self.count]
            values, V = values[order], V[:, order]
        return values, V

    def arpack(self, A: LinearOperator, count: int, first: NDArray) -> tuple[NDArray, NDArray]:
        """Some of the largest eigenvalues, to the closest tolerance that is reached."""
        tolerances = [self.tolerance, *(10.0**power for power in range(-14, 2, 3) if 10.0**power > self.tolerance)]
        with one_thread_for_scipy():
            for tolerance in tolerances:
                try:
                    values, V = eigsh(A, count, which="LA", v0=first, tol=tolerance, maxiter=self.restarts, rng=0)
                    return values[::-1], V[:, ::-1]
                except ArpackNoConvergence:
                    self.converged = False
        raise AssertionError("ARPACK accepts any Ritz value at a tolerance of 10")


def _triplets(A: Any, sigma: NDArray, U: NDArray, V: NDArray) -> list[SingularTriplet]:
    """The columns of U and V as triplets, with their residuals."""
    residuals = np.linalg.norm(A @ V - U * sigma, axis=0)
    if A.T is not A:
        residuals = np.maximum(residuals, np.linalg.norm(A.T @ U - V * sigma, axis=0))
    triplets = [SingularTriplet(*triplet) for triplet in zip(sigma, U.T, V.T, strict=True)]
    for triplet, residual in zip(triplets, residuals, strict=True):
        triplet.residual = float(residual)
    return triplets


def _start_vector(start: Start, side: str, size: int, dtype: DTypeLike) -> NDArray:
    """A random vector, or the sum of the vectors given with something random in it that sees the others."""
    random = _random(size, dtype)
    total = sum((as_vector("start", getattr(triplet, side), size) for triplet in start or ()), np.zeros(size))
    norm = np.linalg.norm(total)
    return random if norm == 0 else (total / norm + 0.05 * random / np.linalg.norm(random)).astype(dtype)


def _random(size: int, dtype: DTypeLike, seed: int = 0) -> NDArray:
    return np.random.default_rng(seed).standard_normal(size).astype(dtype)


def _operator(product: Callable[[NDArray], NDArray], size: int, dtype: DTypeLike) -> LinearOperator:
    return LinearOperator((size, size), matvec=product, dtype=dtype)


@cache
def _blas_of_scipy() -> ThreadpoolController:
    """SciPy's BLAS, where it is another than NumPy's."""
    controller = ThreadpoolController()
    folders = {lib.filepath: Path(lib.filepath).parts[-3:-1] for lib in controller.lib_controllers}
    own = [path for path, parts in folders.items() if any(part.startswith("scipy") for part in parts)]
    return controller.select(filepath=own)


def one_thread_for_scipy() -> AbstractContextManager:
    """ARPACK calls SciPy's BLAS, its products NumPy's: on few cores the two pools of threads hinder each other."""
    return _blas_of_scipy().limit(limits=1)
