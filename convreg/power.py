"""Algorithm 2.1, step 6: singular triplets, and their update by the power method.

Everything here needs only ``A @ x`` and ``A.T @ y``: A is a dense array, a sparse array or a
LinearOperator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._checks import as_flag, as_integer, as_vector, shown
from convreg._matrices import Matrix, as_matrix


class _Triplet(NamedTuple):
    sigma: float
    u: NDArray
    v: NDArray


class SingularTriplet(_Triplet):
    r"""A singular value with its unit left and right singular vectors.

    .. math:: A v = \sigma u, \qquad A^T u = \sigma v

    A named tuple (sigma, u, v). Its attribute ``residual`` is the larger norm of A v - sigma u and
    A' u - sigma v where `leading_triplets` has computed it, else NaN. A has some singular value
    within it of sigma; it need not be the largest, and the residual does not bound sigma's distance
    from that. Copies have it, by ``_replace`` too.
    """

    residual: float = np.nan

    def _replace(self, **changes: Any) -> SingularTriplet:
        """The triplet with other entries, and the residual that it has."""
        other = super()._replace(**changes)
        other.residual = self.residual
        return other


def power_update(
    A: Matrix, triplets: Sequence[SingularTriplet], iterations: int = 2, orthogonalize: bool = False
) -> list[SingularTriplet]:
    r"""Algorithm 2.1, step 6: refresh singular triplets of a changed A by the power method.

    One iteration is u <- A v normalised, v <- A' u, sigma <- its norm, v normalised. All triplets
    go through together and do not see each other. After at least one, from unit vectors, the new
    sigma is at most the norm of A.

    .. math:: u \leftarrow \frac{A v}{\|A v\|_2}, \qquad \sigma \leftarrow \|A^T u\|_2, \qquad
       v \leftarrow \frac{A^T u}{\sigma}

    Parameters
    ----------
    A : (m, n) array, sparse array or LinearOperator
    triplets : sequence of SingularTriplet
        Where to start; only their vectors are used, of any length but 0, and they are not changed.
    iterations : int
        None (0) gives the triplets back.
    orthogonalize : bool
        Keep the vectors orthogonal (a QR factorisation in place of each normalisation), so that the
        second triplet cannot drift into the first. The paper does not say so, and the default does
        not.

    Returns
    -------
    list of SingularTriplet, in the order given
        Where A v = 0 the old u is kept; where A' u = 0 the old v, with sigma = 0.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it: where there is no triplet, where the vectors of one are not
        finite or not of the lengths m and n, where more are to be orthogonal than can be, or where
        a product or a norm overflows.

    Examples
    --------
    >>> start = SingularTriplet(0.0, np.array([1.0, 0.0]), np.array([0.8, 0.6]))
    >>> sigma, u, v = power_update(np.diag([2.0, 1.0]), [start], iterations=3)[0]
    >>> round(float(sigma), 4), v.round(4)
    (1.9996, array([0.9999, 0.0117]))
    """
    A = as_matrix("A", A)
    triplets = as_triplets("triplets", triplets, *A.shape)
    iterations = as_integer("iterations", iterations, 0)
    normalise = _orthonormal if as_flag("orthogonalize", orthogonalize) else normalised
    if normalise is _orthonormal and len(triplets) > min(A.shape):
        raise ValueError(
            f"triplets: wanted at most {min(A.shape)}, as many as can be orthogonal, got "
            f"{len(triplets)}"
        )
    return refreshed(A, triplets, iterations, normalise)


def refreshed(
    A: Any,
    triplets: Sequence[SingularTriplet],
    iterations: int,
    normalise: Callable[[NDArray, NDArray], tuple[NDArray, NDArray]],
) -> list[SingularTriplet]:
    """The same for an A of `as_matrix` and triplets of its vectors."""
    sigma = np.array([triplet.sigma for triplet in triplets])
    U = np.stack([triplet.u for triplet in triplets], axis=1)
    V = np.stack([triplet.v for triplet in triplets], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        exponents = np.frexp(np.abs(V).max(axis=0))[1] + len(V).bit_length() // 2 + 1
        start = np.ldexp(V, -exponents)  # over powers of two: nothing is rounded, |v| is at most 1
        for _ in range(iterations):
            _, U = normalise(A @ start, U)
            sigma, V = normalise(A.T @ U, V)
            start = V
    return [SingularTriplet(*triplet) for triplet in zip(sigma, U.T, V.T, strict=True)]


def as_triplets(name: str, value: Any, m: int, n: int) -> list[SingularTriplet]:
    """At least one triplet, of vectors of lengths m and n; sigma, a real number, may be NaN."""
    none = str, bytes, bytearray, memoryview, SingularTriplet  # sequences of something else
    if not isinstance(value, Sequence) or isinstance(value, none):
        raise TypeError(f"{name}: wanted a sequence of SingularTriplet, got {shown(value)}")
    if len(value) == 0:
        raise ValueError(f"{name}: wanted at least one SingularTriplet, got none")
    return [_as_triplet(name, triplet, m, n) for triplet in value]


def _as_triplet(name: str, value: Any, m: int, n: int) -> SingularTriplet:
    """A triplet of vectors of these lengths."""
    if not isinstance(value, SingularTriplet):
        raise TypeError(f"{name}: wanted SingularTriplets, got {shown(value)} among them")
    u = as_vector(name, value.u, m)
    v = as_vector(name, value.v, n)
    if not isinstance(value.sigma, (float, int, np.floating)):
        raise TypeError(f"{name}: wanted a real number for sigma, got {shown(value.sigma)}")
    return value if u is value.u and v is value.v else value._replace(u=u, v=v)


def _norms(W: NDArray) -> NDArray:
    """The norms of the columns of W, also where their squares overflow or vanish."""
    norms = np.sqrt(np.vecdot(W.T, W.T))
    kind = np.finfo(W.dtype)
    if (kind.tiny / kind.eps) ** 0.5 < norms.min() and norms.max() < np.inf:
        return norms
    _, exponents = np.frexp(np.abs(W).max(axis=0))
    reduced = np.ldexp(W, -exponents)
    return _finite(np.ldexp(np.sqrt(np.vecdot(reduced.T, reduced.T)), exponents))


def _finite(norms: NDArray) -> NDArray:
    """The norms of products with A, if they are numbers."""
    if not np.isfinite(norms).all():
        raise ValueError("A: wanted a matrix whose products with unit vectors do not overflow")
    return norms


def normalised(W: NDArray, previous: NDArray) -> tuple[NDArray, NDArray]:
    """The norms of the columns of W, and its columns normalised; at a norm of 0 the previous."""
    norms = _norms(W)
    unit = np.empty_like(W)
    for j, norm in enumerate(norms):  # by columns: quicker than a division of short rows
        if norm > 0:
            np.divide(W[:, j], norm, out=unit[:, j])
        else:
            unit[:, j] = previous[:, j]
    return norms, unit


def _orthonormal(W: NDArray, previous: NDArray) -> tuple[NDArray, NDArray]:
    """The same with each column first made orthogonal to those before it."""
    Q, R = np.linalg.qr(W)
    signs = np.where(np.diag(R) < 0, -1, 1).astype(W.dtype)
    norms = _finite(np.abs(np.diag(R)))
    return norms, np.where(norms > 0, Q * signs, previous)
