"""Algorithm 2.1, step 6: singular triplets, and their update by the power method.

Everything here needs only ``A @ x`` and ``A.T @ y``: A is a dense array, a sparse array or a
LinearOperator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._checks import Matrix, as_integer, as_matrix


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
    from that.
    """

    residual: float = np.nan


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
        Where to start; only their vectors are used, and they are not changed.
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
        Where there is no triplet or ``iterations`` is negative.

    Examples
    --------
    >>> start = SingularTriplet(0.0, np.array([1.0, 0.0]), np.array([0.8, 0.6]))
    >>> sigma, u, v = power_update(np.diag([2.0, 1.0]), [start], iterations=3)[0]
    >>> round(float(sigma), 4), v.round(4)
    (1.9996, array([0.9999, 0.0117]))
    """
    A = as_matrix("A", A)
    iterations = as_integer("iterations", iterations, 0)
    if len(triplets) == 0:
        raise ValueError("triplets: wanted at least one SingularTriplet, got none")
    normalise = _orthonormal if orthogonalize else _normalised
    sigma = np.array([triplet.sigma for triplet in triplets])
    U = np.stack([triplet.u for triplet in triplets], axis=1)
    V = np.stack([triplet.v for triplet in triplets], axis=1)
    for _ in range(iterations):
        _, U = normalise(A @ V, U)
        sigma, V = normalise(A.T @ U, V)
    return [SingularTriplet(*triplet) for triplet in zip(sigma, U.T, V.T, strict=True)]


def _normalised(W: NDArray, previous: NDArray) -> tuple[NDArray, NDArray]:
    """The norms of the columns of W, and its columns normalised; at a norm of 0 the previous."""
    norms = np.sqrt(np.vecdot(W.T, W.T))
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
    norms = np.abs(np.diag(R))
    return norms, np.where(norms > 0, Q * signs, previous)
