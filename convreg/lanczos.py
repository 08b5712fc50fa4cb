"""Algorithm 2.1, step 2, and the last paragraph of Section 2.1: leading singular triplets by a Krylov method.

Everything here needs only ``A @ x`` and ``A.T @ y``. Small matrices get a full decomposition, others Lanczos
(ARPACK): of A itself where it is symmetric, which sees both ends of its spectrum, else of A'A or AA'. Where
values crowd together and Lanczos misses the tolerance, matrices of moderate size are decomposed after all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, aslinearoperator, eigsh
from threadpoolctl import ThreadpoolController

from convreg._checks import as_integer, as_matrix, as_number, as_vector, float_type
from convreg.power import SingularTriplet

DENSE_LIMIT = 256  # up to this size a full decomposition is quicker than Lanczos
FALLBACK_LIMIT = 1500  # up to this size it takes about a second
FEW_RESTARTS = 50  # take about as long
Start = Sequence[SingularTriplet] | None
Product = Callable[[NDArray], NDArray]


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
    r"""Algorithm 2.1, step 2: the largest singular values of A and their vectors.

    .. math:: A v_i = \sigma_i u_i, \qquad A^T u_i = \sigma_i v_i, \qquad \sigma_1 \geq \sigma_2 \geq \dots

    A full decomposition where min(m, n) is at most 256; else Lanczos and, where it misses the tolerance and
    max(m, n) is at most 1500, the full decomposition. An operator that is its own transpose (``A.T is A``), as
    `shifted_gram` gives, is taken as symmetric: then both ends of its spectrum are computed, unless its attribute
    ``lowest``, a bound of its eigenvalues from below, shows that the upper end decides. More than one triplet
    is looked for once more beside those found, so that equal values are seen. Two runs agree.

    Parameters
    ----------
    A : (m, n) array, sparse array or LinearOperator
    count : int
        How many, at most min(m, n).
    tolerance : float
        The residual wanted, relative to sigma, as far as rounding allows: of M'M - alpha I that is the rounding of
        ``|M|^2 + alpha``, however small sigma is. 0 is machine precision. Only Lanczos needs it.
    start : sequence of SingularTriplet, optional
        Triplets of a similar matrix, from which Lanczos starts.
    restarts : int
        How often Lanczos may restart.

    Returns
    -------
    list of SingularTriplet, the largest first
        With their residuals: within its residual of each sigma there is some singular value of A. That it is the
        largest, Lanczos finds and does not prove.

    Raises
    ------
    ValueError, TypeError
        Where A has fewer than ``count`` singular values, or another argument is bad.
    NotConverged
        Where m or n is above 1500 and ARPACK ends without the tolerance, or leaves a residual above ten times that
        and above the root of the machine precision; with the best triplets so far.

    Examples
    --------
    >>> [float(triplet.sigma) for triplet in leading_triplets(np.diag([1.0, 3.0, 2.0]))]
    [3.0, 2.0]
    """
    A = as_matrix("A", A)
    count = as_integer("count", count, 1, min(A.shape))
    tolerance = as_number("tolerance", tolerance, positive=False)
    restarts = as_integer("restarts", restarts, 1)
    first = _start_vector(start, "u" if A.shape[0] < A.shape[1] else "v", min(A.shape), A.dtype)
    if min(A.shape) <= max(DENSE_LIMIT, count):
        return _decomposed(A, count)
    moderate = max(A.shape) <= FALLBACK_LIMIT
    try:
        return _by_lanczos(A, count, tolerance, first, restarts, patient=not moderate)
    except (ArpackNoConvergence, NotConverged):
        if not moderate:
            raise
        return _decomposed(A, count)


def _by_lanczos(
    A: Any, count: int, tolerance: float, first: NDArray, restarts: int, patient: bool
) -> list[SingularTriplet]:
    """The leading triplets by Lanczos; without patience it soon gives up."""
    size = np.linalg.norm(A @ _random(A.shape[1], A.dtype))
    if size == 0:  # A is zero
        U, V = np.eye(A.shape[0], count, dtype=A.dtype), np.eye(A.shape[1], count, dtype=A.dtype)
        return _triplets(A, np.zeros(count, A.dtype), U, V)
    scale = float(2.0 ** np.frexp(size / A.shape[1] ** 0.5)[1])  # ARPACK's tolerance has an absolute part
    lanczos = _Lanczos(count, tolerance, restarts if patient else min(restarts, FEW_RESTARTS), scale, patient)
    triplets = _triplets(A, *(lanczos.symmetric(A, first) if A.T is A else lanczos.general(A, first)))
    largest, worst = float(triplets[0].sigma), max(triplet.residual for triplet in triplets)
    if lanczos.converged and worst <= _attainable(A, largest, tolerance):
        return triplets
    raise NotConverged(
        f"restarts: wanted enough for a relative residual of {tolerance:.2g}, got {worst / largest:.2g} after "
        f"{restarts} of them; the best value so far is {largest:.6g}, and its triplet is in .triplets",
        triplets,
    )


def _attainable(A: Any, largest: float, tolerance: float) -> float:
    """The residual at which a triplet is accepted.

    ARPACK estimates it, copies that come in by rounding spoil it, and that of B = M'M - alpha I, lowest = -alpha,
    can't be below the rounding of ``|M|^2 + alpha <= |B| + 2 alpha``.
    """
    rounding = float(np.finfo(float_type(A.dtype)).eps)
    floor = 10 * rounding * (largest - 2 * getattr(A, "lowest", 0.0))
    return max(largest * max(10 * tolerance, rounding**0.5), floor)


def _decomposed(A: Any, count: int) -> list[SingularTriplet]:
    """The leading triplets from all of them: of a symmetric A with u = v or u = -v, equal values included."""
    if A.T is A:
        values, V = np.linalg.eigh(A @ np.eye(A.shape[0], dtype=A.dtype))
        order = np.argsort(-np.abs(values), kind="stable")[:count]
        values, V = values[order], V[:, order]
        return _triplets(A, np.abs(values), np.where(values < 0, -V, V), V)
    if A.shape[0] < A.shape[1]:
        U, sigma, Vt = np.linalg.svd((A.T @ np.eye(A.shape[0], dtype=A.dtype)).T, full_matrices=False)
    else:
        U, sigma, Vt = np.linalg.svd(A @ np.eye(A.shape[1], dtype=A.dtype), full_matrices=False)
    return _triplets(A, sigma[:count], U[:, :count], Vt[:count].T)


class _Lanczos:
    """Largest eigenvalues of symmetric operators by ARPACK, in what `leading_triplets` asks for.

    It sees A / scale, a power of two of the order of A. Where it misses the tolerance, a patient one tries looser
    ones, for the best that there is, and is not ``converged``; another one raises ArpackNoConvergence.
    """

    def __init__(self, count: int, tolerance: float, restarts: int, scale: float, patient: bool) -> None:
        self.count, self.tolerance, self.restarts, self.scale = count, tolerance, restarts, scale
        self.patient, self.converged = patient, True

    def symmetric(self, A: LinearOperator, first: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """The singular values of a symmetric A from both ends of its spectrum, with u = v or u = -v."""
        values, V = self.largest(lambda x: A.matvec(x) / self.scale, first)
        if values[-1] < -getattr(A, "lowest", -np.inf) / self.scale:
            opposite, W = self.largest(lambda x: A.matvec(x) / -self.scale, first)
            values, V = np.r_[values, -opposite], np.hstack([V, W])
            order = np.argsort(-np.abs(values), kind="stable")[: self.count]
            values, V = values[order], V[:, order]
        return np.abs(values) * self.scale, np.where(values < 0, -V, V), V

    def general(self, A: Any, first: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """The singular values of A from the eigenvectors of the smaller of A'A and AA'."""
        wide = A.shape[0] < A.shape[1]
        C = aslinearoperator(A.T if wide else A)
        _, V = self.largest(lambda x: C.rmatvec(C.matvec(x) / self.scale) / self.scale, first)
        U, sigma, Wt = np.linalg.svd(C.matmat(V), full_matrices=False)
        V = V @ Wt.T
        return (sigma, V, U) if wide else (sigma, U, V)

    def largest(self, product: Product, first: NDArray) -> tuple[NDArray, NDArray]:
        """The largest eigenvalues, then as often as a copy may have been missed the largest of the others."""
        values, V = self.arpack(product, self.count, first)
        for again in range(1, self.count):
            below = values[-1] - max(np.abs(values).max(), 1)  # where the values that are known are moved to
            others = partial(_moved, product, V, values - below)
            value, W = self.arpack(others, 1, _random(len(V), V.dtype, seed=again))
            if value[0] <= values[-1]:
                break
            values, V = np.r_[values, value], np.hstack([V, W])
            order = np.argsort(-values, kind="stable")[: self.count]
            values, V = values[order], V[:, order]
        return values, np.linalg.qr(V)[0] if self.count > 1 else V

    def arpack(self, product: Product, count: int, first: NDArray) -> tuple[NDArray, NDArray]:
        """Some of the largest eigenvalues, to the closest tolerance that is reached."""
        A = LinearOperator((len(first), len(first)), matvec=product, dtype=first.dtype)
        tolerances = [self.tolerance, *(10.0**power for power in range(-14, 2, 3) if 10.0**power > self.tolerance)]
        with one_thread_for_scipy:
            for tolerance in tolerances:
                try:
                    values, V = eigsh(A, count, which="LA", v0=first, tol=tolerance, maxiter=self.restarts, rng=0)
                    return values[::-1], V[:, ::-1]
                except ArpackNoConvergence:
                    self.converged = False
                    if not self.patient:
                        raise
        raise AssertionError("ARPACK accepts any Ritz value at a tolerance of 10")


def _moved(product: Product, V: NDArray, distances: NDArray, x: NDArray) -> NDArray:
    """A x with the eigenvalues of the columns of V lowered."""
    return product(x) - V @ (distances * (V.T @ x))


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
    random, total = _random(size, float_type(dtype)), np.zeros(size)
    for triplet in start or ():
        if not isinstance(triplet, SingularTriplet):
            raise TypeError(f"start: wanted a sequence of SingularTriplet, got one of {type(triplet).__name__}")
        total += as_vector("start", getattr(triplet, side), size)
    norm = np.linalg.norm(total)
    if not np.isfinite(norm):
        raise ValueError("start: wanted finite vectors, got NaN or infinity")
    mixed = random if norm == 0 else total / norm + 0.05 * random / np.linalg.norm(random)
    return mixed.astype(random.dtype)


def _random(size: int, dtype: DTypeLike, seed: int = 0) -> NDArray:
    return np.random.default_rng(seed).standard_normal(size).astype(dtype)


class _OneThread:
    """ARPACK calls SciPy's BLAS, its products NumPy's: on few cores the two pools of threads hinder each other.

    A context in which SciPy's BLAS, where it is another than NumPy's, has one thread; several may be in it.
    """

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0

    @cached_property
    def _blas(self) -> ThreadpoolController:
        controller = ThreadpoolController()
        folders = {lib.filepath: Path(lib.filepath).parts[-3:-1] for lib in controller.lib_controllers}
        own = [path for path, parts in folders.items() if any(part.startswith("scipy") for part in parts)]
        return controller.select(filepath=own)

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._limited = self._blas.limit(limits=1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limited.restore_original_limits()


one_thread_for_scipy = _OneThread()
