"""One extreme eigenpair of a symmetric operator, with a preconditioner: Davidson's method, GD+1.

The basis grows by the preconditioned residual of its best Ritz vector. Where it is full it shrinks
to the best Ritz vectors and the best one of the step before, with which it loses little by that
(Stathopoulos and Saad, 1998). A bad preconditioner makes it slow: what comes is judged by its
residual, from products with the operator alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Map = Callable[[NDArray], NDArray]
Enough = Callable[[float, float, float], bool]
MOST, KEPT = 8, 3  # vectors of a full basis and of the next one; with 20 and 8 no fewer products
ROUNDING = 20  # residuals below so many machine precisions of |A| are rounding


class Eigenpair(NamedTuple):
    """An approximate eigenpair, and what is known of it.

    ``residual`` is ``|A v - value v|``, measured by one more product: within it of ``value`` there
    is an eigenvalue. ``gap`` is the distance to the next Ritz value: where all other eigenvalues
    are at least as far away, ``value`` is within ``residual**2 / gap`` of its own.
    """

    value: float
    vector: NDArray
    residual: float
    gap: float
    products: int
    converged: bool


class Basis:
    """Orthonormal rows V, their products W = A V, and H = V A V'."""

    def __init__(self, size: int, dtype: DTypeLike) -> None:
        self.most = min(MOST, size)
        self.V, self.W = np.empty((2, self.most, size), dtype)
        self.H = np.zeros((self.most, self.most))
        self.count = 0
        self._before = np.zeros(0)  # the best Ritz vector of the last step, in V

    def new_direction(self, t: NDArray) -> NDArray:
        """A unit vector orthogonal to V: what is new in t or, where that is nothing, at random."""
        V = self.V[: self.count]
        generator = np.random.default_rng(self.count)
        before, left = 0.0, float(np.linalg.norm(t))
        while not left > 0.5 * before > 0:  # else rounding has left a part along V
            before, t = left, t - (V @ t) @ V
            left = float(np.linalg.norm(t))
            if not left > 1e-8 * before:
                t = generator.standard_normal(len(t)).astype(t.dtype)
                left = float(np.linalg.norm(t))
                before = 0.0
        return t / left

    def append(self, v: NDArray, w: NDArray) -> None:
        """A unit vector orthogonal to V, and its product."""
        j = self.count
        self.V[j], self.W[j] = v, w
        self.count = j + 1
        self.H[j, : j + 1] = self.H[: j + 1, j] = self.V[: j + 1] @ w

    def smallest(self) -> tuple[NDArray, NDArray, NDArray]:
        """The Ritz values, the vector of the smallest one, and its product; a full V shrinks."""
        j = self.count
        values, S = np.linalg.eigh(self.H[:j, :j])
        S = S.astype(self.V.dtype)
        s = S[:, 0]
        x, w = s @ self.V[:j], s @ self.W[:j]
        if j == self.most < self.V.shape[1]:
            self._shrink(S[:, :KEPT])
            s = np.eye(1, self.count)[0]
        self._before = s
        return values, x, w

    def _shrink(self, best: NDArray) -> None:
        """The best Ritz vectors and the one before instead of all."""
        before = np.zeros((self.most, 1))
        before[: len(self._before), 0] = self._before
        C = np.linalg.qr(np.hstack([best, before]))[0]
        gram = C.T @ (self.V @ self.V.T) @ C  # I but for rounding, which would grow
        C = np.linalg.solve(np.linalg.cholesky(gram), C.T).T.astype(self.V.dtype)
        kept = C.shape[1]
        self.V[:kept], self.W[:kept] = C.T @ self.V, C.T @ self.W
        self.H[:kept, :kept] = C.T @ self.H @ C
        self.count = kept


def extreme_eigenpair(
    product: Map,
    start: NDArray,
    enough: Enough,
    precondition: Map | None = None,
    largest: bool = False,
    limit: int = 1000,
) -> Eigenpair:
    """The smallest eigenvalue of a symmetric x -> product(x), or the ``largest``, and its vector.

    Parameters
    ----------
    product : callable
    start : (n,) array
        With something at random in it: what it is orthogonal to may never be seen.
    enough : callable
        ``enough(value, residual, gap)`` says whether that will do. A residual that is nothing but
        rounding ends it too.
    precondition : callable, optional
        About the inverse of ``A - value``, or of ``value - A``; best positive definite.
    limit : int
        How many products at most, but for the last one, which measures.
    """
    sign = -1.0 if largest else 1.0
    basis, t = Basis(len(start), start.dtype), start
    rounding = ROUNDING * float(np.finfo(start.dtype).eps)
    size = 0.0
    products = 0
    while products < limit:
        v = basis.new_direction(t)
        basis.append(v, sign * product(v))
        products += 1
        full = basis.count == len(start)
        values, x, w = basis.smallest()
        r = w - x.dtype.type(values[0]) * x
        residual = float(np.linalg.norm(r))
        size = max(size, float(np.abs(values).max()))
        gap = float(values[1] - values[0]) if len(values) > 1 else 0.0
        if full or residual <= rounding * size or enough(float(sign * values[0]), residual, gap):
            break
        t = r if precondition is None else precondition(r)
    x /= np.linalg.norm(x)
    w = product(x)
    value = float(x @ w)
    residual = float(np.linalg.norm(w - value * x))
    return Eigenpair(value, x, residual, gap, products + 1, enough(value, residual, gap))
