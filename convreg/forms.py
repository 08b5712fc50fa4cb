r"""Sections 1 and 2: what a descent in K minimises, its value and its gradient.

Three functions of the singular values sigma_i of M(K) whose smallest value, 0, is that of an M with
all of them equal to alpha^(1/2):

.. math:: \text{squares} \quad \max_i\, \lvert \sigma_i^2 - \alpha \rvert, \qquad
   \text{values} \quad \max_i\, \lvert \sigma_i - \sqrt\alpha \rvert, \qquad
   \text{polar} \quad \sum_i\, (\sigma_i - \sqrt\alpha)^2

The first is the paper's R_alpha. The second is the goal that its Section 1 begins with. At one and
the same right singular vector v of M, with w = Mv / ``|Mv|``, their gradients are

.. math:: \pm 2\, \lvert Mv \rvert \, M^*(w v^T), \qquad \pm M^*(w v^T)

by the chain rule and Lemma 2.1: the same direction, of another length. They differ in the end of
the spectrum that decides. The third is the squared distance of M from sqrt(alpha) U V', where M = U
Sigma V', the nearest matrix with all singular values sqrt(alpha): its gradient in M is
2 (M - sqrt(alpha) U V').
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from convreg._checks import Gram, as_number, gram_of_rows
from convreg._matrices import Matrix, as_matrix
from convreg._numerics.reduced import power_of_two, reduced
from convreg.gram import ShiftedGram, gram_is_singular
from convreg.lanczos import NotConverged, leading_triplets
from convreg.power import SingularTriplet

POLAR_LIMIT = 10**8  # entries of a dense M

Triplets = list[SingularTriplet]
Update = Callable[[LinearOperator, Triplets], Triplets]


def values_penalty(
    M: Matrix, alpha: float = 1.0, gram: Gram = "columns"
) -> tuple[float, NDArray, NDArray]:
    r"""Section 1: S = max ``|sigma - alpha^(1/2)|`` over the singular values, and its gradient.

    .. math:: S = \max_i\, \lvert \sigma_i - \sqrt\alpha \rvert, \qquad \nabla_M S = \pm w v^T

    v is the right and w the left singular vector of the value that is farthest from sqrt(alpha),
    and the sign is that of sigma - sqrt(alpha) (Lemma 2.1). Where two are as far, S need not have a
    gradient; what comes is that of one of them.

    Parameters
    ----------
    M : (m, n) array, sparse array or LinearOperator
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        Whose eigenvalues are the squares of the sigma_i: those of M'M, which are zeros too where
        m < n, of M M', or of the smaller. A zero that is there for every M has the gradient 0, and
        so has a sigma for which Mv comes out as 0. Where sigma is no more than the rounding error
        of Mv, the gradient's direction is that error's.

    Returns
    -------
    S : float
    w, v : (m,) and (n,) arrays
        The gradient in M is w v', the sign being in w.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> S, w, v = values_penalty(np.diag([3.0, 0.5]))
    >>> float(S), np.abs(np.outer(w, v))
    (2.0, array([[1., 0.],
           [0., 0.]]))
    """
    M = as_matrix("M", M)
    rows = gram_of_rows(gram, *M.shape)
    root = as_number("alpha", alpha) ** 0.5
    M, scale = reduced(M)
    end = farthest_end(M, rows, ends(M, rows), root, scale or 1.0)
    w = end.slope * end.product
    S = _representable(end.distance)
    return (S, end.v, w) if rows else (S, w, end.v)


def polar_penalty(M: Matrix, alpha: float = 1.0) -> tuple[float, NDArray]:
    r"""The sum of (sigma - alpha^(1/2))^2 over the min(m, n) singular values, and its gradient.

    .. math:: P = \sum_i (\sigma_i - \sqrt\alpha)^2 = \|M - \sqrt\alpha\, U V^T\|_F^2, \qquad
       \nabla_M P = 2\, (M - \sqrt\alpha\, U V^T), \qquad M = U \Sigma V^T

    U V', the polar factor, is the nearest matrix with orthonormal rows or columns in the Frobenius
    norm (for square M: K. Fan and A. J. Hoffman, Some metric inequalities in the space of matrices,
    Proc. Amer. Math. Soc. 6:111-116, 1955), and P is differentiable where M has full rank. Where it
    has not, U V' is one of several, and so is what comes for the gradient. M is formed and
    decomposed.

    Parameters
    ----------
    M : (m, n) array, sparse array or LinearOperator
    alpha : float
        The shift, positive.

    Returns
    -------
    P : float
    G : (m, n) array
        The gradient in M.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.
    MemoryError
        Where M has more than 10^8 entries.

    Examples
    --------
    >>> P, G = polar_penalty(np.diag([3.0, 0.5]))
    >>> P, G.round(12)
    (4.25, array([[ 4.,  0.],
           [ 0., -1.]]))
    """
    M = as_matrix("M", M)
    root = as_number("alpha", alpha) ** 0.5
    m, n = M.shape
    if m * n > POLAR_LIMIT:
        raise MemoryError(
            f"M: wanted at most {POLAR_LIMIT:,} entries, as its polar factor takes all singular "
            f"values, got {m} x {n}; the polar factor of the symbol on a torus does not depend on N"
        )
    M, scale = reduced(M)
    smaller = np.eye(min(m, n), dtype=M.dtype)
    dense = (M.T @ smaller).T if m < n else M @ smaller
    U, sigma, Vt = np.linalg.svd(dense, full_matrices=False)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = _representable(scale * sigma.astype(np.float64) - root)
        unit = power_of_two(gaps)
        gaps /= unit or 1.0
        P = unit * (unit * float(gaps @ gaps))
        G = 2 * (U * gaps.astype(M.dtype)) @ Vt * M.dtype.type(unit)
    return _representable(P), _representable(G)


def _representable(value: Any) -> Any:
    """A value or a gradient, if it is made of numbers."""
    if not np.isfinite(value).all():
        raise ValueError("M: wanted entries, and an alpha, with which the result does not overflow")
    return value


def best_leading(B: LinearOperator, count: int) -> Triplets:
    """Step 2, and step 6 anew.

    Where Lanczos misses machine precision, its best will do: the residual tells.
    """
    try:
        return leading_triplets(B, count)
    except NotConverged as missed:
        return missed.triplets


def best_update(B: LinearOperator, triplets: Triplets) -> Triplets:
    """Step 6 anew, whatever the triplets were; one where there were none."""
    return best_leading(B, max(len(triplets), 1))


class _End(NamedTuple):
    """The end of the spectrum that is farther from alpha^(1/2)."""

    selected: int
    distance: float
    size: float  # |Av|, A being M, as it is given, or, for M M', its transpose
    slope: float  # the sign of the difference over size
    v: NDArray
    product: NDArray  # Av


def farthest_end(
    M: Matrix, rows: bool, triplets: Triplets, root: float, scale: float = 1.0
) -> _End:
    """Step 7 of the values, of an M over a scale.

    The slope, and with it the gradient, is 0 at the zero that an M of this shape has for every K,
    and where Av = 0.
    """
    A = M.T if rows else M
    V = np.stack([v for _, _, v in triplets], axis=1)
    products = A @ V
    sizes = [float(size) for size in np.linalg.norm(products, axis=0)]
    gaps = [scale * size - root for size in sizes]
    # where both differences are alpha^(1/2) after rounding, the smaller value is farther away
    selected = max(range(len(gaps)), key=lambda i: (abs(gaps[i]), np.sign(gaps[i]) * sizes[i]))
    size, gap = sizes[selected], gaps[selected]
    always = selected == 1 and gram_is_singular(M.shape, rows)
    slope = 0.0 if always or size == 0 else float(np.sign(gap)) / size
    return _End(selected, abs(gap), size, slope, V[:, selected], products[:, selected])


def ends(
    M: Matrix, rows: bool, update: Update = best_update, before: Triplets | None = None
) -> Triplets:
    """Step 6 at the upper end of the spectrum of M'M, or M M', then at the lower one."""
    upper, lower = ([], []) if before is None else ([before[0]], [before[1]])
    first, *_ = update(ShiftedGram(M, 0.0, rows), upper)
    A = M.T if rows else M
    c = float(np.linalg.norm(A @ first.v)) ** 2
    second, *_ = update(ShiftedGram(M, c, rows), lower)
    return [first, second]
