"""Algorithm 2.1, steps 2, 6 and 7, for each form of the penalty; see `convreg.forms`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from convreg._checks import as_choice, as_number
from convreg._numerics.reduced import reduced
from convreg.convolution import ConvolutionOperator
from convreg.forms import (
    Triplets,
    Update,
    best_leading,
    best_update,
    ends,
    farthest_end,
    polar_penalty,
)
from convreg.gradients import gradient_from_products
from convreg.gram import ShiftedGram, gram_is_singular
from convreg.learning_rates import answer_of
from convreg.penalty import from_extremes
from convreg.power import as_triplets, normalised, refreshed


def as_update(update: str | Update, power_iterations: int) -> Update:
    """Step 6 as a function; what one that is not ours returns is checked."""
    updates: dict[str, Update] = {
        "power": lambda B, triplets: refreshed(B, triplets, power_iterations, normalised),
        "svd": best_update,
    }
    if callable(update):
        return partial(_checked_triplets, update)
    return updates[as_choice("update", update, tuple(updates))]


def _checked_triplets(update: Update, B: LinearOperator, triplets: Triplets) -> Triplets:
    """The answer of a step 6 that is not ours."""
    answer = answer_of("update: wanted a function of B and the triplets", update, B, triplets)
    found = as_triplets("update", answer, *B.shape)
    for triplet in found:
        as_number("update", triplet.sigma, positive=False)
    return found


class Found(NamedTuple):
    """What a form has found at an M; the gradient in K is computed where it is asked for."""

    estimate: float
    gradient: Callable[[], NDArray]
    residual: float
    selected: int
    triplets: Triplets


class Form(Protocol):
    """What is minimised; Algorithm 2.1 is about the rest."""

    def first(self, M: ConvolutionOperator) -> Found:
        """Steps 2 and 7, at the kernel that the descent starts from."""
        ...

    def next(self, M: ConvolutionOperator, before: Found) -> Found:
        """Steps 6 and 7, at a kernel changed by a step."""
        ...

    def exact(self, found: Found, extremes: tuple[float, float], shape: tuple[int, ...]) -> float:
        """The value, where the extreme singular values of M, of this shape, are known."""
        ...


class Squares:
    """Section 2: R_alpha, from two triplets of M'M - alpha I, or (``rows``) M M' - alpha I."""

    def __init__(self, alpha: float, rows: bool, update: Update) -> None:
        self.alpha, self.rows, self.update = alpha, rows, update

    def first(self, M: ConvolutionOperator) -> Found:
        """See `Form`."""
        B = ShiftedGram(M, self.alpha, self.rows)
        return self._selected(M, best_leading(B, min(2, B.shape[0])))

    def next(self, M: ConvolutionOperator, before: Found) -> Found:
        """See `Form`."""
        B = ShiftedGram(M, self.alpha, self.rows)
        return self._selected(M, self.update(B, before.triplets))

    def _selected(self, M: ConvolutionOperator, triplets: Triplets) -> Found:
        """Step 7."""
        A = M.T if self.rows else M
        selected = int(np.argmax([triplet.sigma for triplet in triplets]))
        sigma, u, v = triplets[selected]
        pair = np.stack([u, v], axis=1)
        products = A @ pair
        u, v = pair.T
        residual = _norm(A.T @ products[:, 1] - self.alpha * v - sigma * u)
        gradient = partial(gradient_from_products, M, pair, products, self.rows)
        return Found(float(sigma), gradient, residual, selected, triplets)

    def exact(self, found: Found, extremes: tuple[float, float], shape: tuple[int, ...]) -> float:
        """See `Form`."""
        return from_extremes(*extremes, shape, self.alpha, self.rows)


class Values:
    """Section 1: max ``|sigma - alpha^(1/2)|``, from a triplet for each end of the spectrum.

    The triplet of the upper end is one of M'M, that of the lower end one of M'M - c I, where c is
    ``|Mv|^2`` for the v of the upper one: the lower end leads there as soon as c is more than half
    of sigma_max^2 + sigma_min^2. M'M - alpha I alone would not do: of two numbers on both sides of
    alpha^(1/2), the one with the larger distance in the squares may have the smaller one here.
    """

    def __init__(self, alpha: float, rows: bool, update: Update) -> None:
        self.root, self.rows, self.update = alpha**0.5, rows, update

    def first(self, M: ConvolutionOperator) -> Found:
        """See `Form`."""
        return self._selected(M, ends(M, self.rows))

    def next(self, M: ConvolutionOperator, before: Found) -> Found:
        """See `Form`."""
        return self._selected(M, ends(M, self.rows, self.update, before.triplets))

    def _selected(self, M: ConvolutionOperator, triplets: Triplets) -> Found:
        """Step 7: (2.5) with u = v times half of the sign over ``|Mv|``."""
        end = farthest_end(M, self.rows, triplets, self.root)
        At = M if self.rows else M.T
        residual = _norm(At @ end.product - end.size**2 * end.v)
        half = end.slope / 2
        pair = np.stack([half * end.v, end.v], axis=1)
        products = np.stack([half * end.product, end.product], axis=1)
        gradient = partial(gradient_from_products, M, pair, products, self.rows)
        return Found(end.distance, gradient, residual, end.selected, triplets)

    def exact(self, found: Found, extremes: tuple[float, float], shape: tuple[int, ...]) -> float:
        """See `Form`."""
        sigma_max, sigma_min = extremes
        least = 0.0 if gram_is_singular(shape, self.rows) else sigma_min
        return max(abs(sigma_max - self.root), abs(least - self.root))


class Polar:
    """The sum of (sigma - alpha^(1/2))^2 over the min(m, n) singular values, from all of them."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def first(self, M: ConvolutionOperator) -> Found:
        """See `Form`."""
        P, G = polar_penalty(M, self.alpha)
        m, n = M.shape
        identity = np.eye(min(m, n), dtype=M.dtype)
        X, Y = (G.T, identity) if m < n else (identity, G)
        return Found(P, partial(M.kernel_adjoint, X, Y), 0.0, 0, [])

    def next(self, M: ConvolutionOperator, before: Found) -> Found:
        """See `Form`."""
        return self.first(M)

    def exact(self, found: Found, extremes: tuple[float, float], shape: tuple[int, ...]) -> float:
        """See `Form`."""
        return found.estimate


def _norm(x: NDArray) -> float:
    """The norm of a vector, also where squares of its entries vanish."""
    entries, scale = reduced(x)
    return scale * float(np.linalg.norm(entries))
