"""Section 1: R_alpha and its alternatives as methods: a step with a learning rate, and its cost.

What a step costs is counted in operations, multiplications and additions. A budget is counted in
products M'M v, of 4 k^2 g h N^2 operations each. Power iterations count 2 triplets x 2 products, a
gradient 2. With a triplet for each end of the spectrum, the shift between them counts another half:
its M v. The first triplets (step 2 of Algorithm 2.1) are not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._checks import Gram
from convreg.descent import minimize_penalty
from convreg.learning_rates import Rule, clipped_polyak_step, polyak_step
from convreg.studies import alternatives
from convreg.studies.periodic import clip_periodic
from convreg.studies.polar import alternating_projection, periodic_projection

MOST_STEPS = 1000
POWER_ITERATIONS = 2

Step = Callable[[NDArray, int, float], NDArray]  # kernel, N, learning rate -> kernel
Run = Callable[[NDArray, int, float, int], NDArray]  # kernel, N, learning rate, steps -> kernel
Cost = Callable[[int, int, int, int], float]  # k, g, h, N -> operations of a step


class Method(NamedTuple):
    """A way to regularise a kernel, what its step costs, and whether it has a learning rate."""

    name: str
    run: Run
    operations: Cost
    has_rate: bool = True
    most: int = MOST_STEPS
    wide_only: bool = False  # whether it differs from the method before it only where h < g


# the runs: Algorithm 2.1, or a step repeated


def descend(
    K: NDArray,
    N: int,
    rate: float | Rule,
    steps: int,
    gram: Gram = "columns",
    form: str = "squares",
) -> NDArray:
    """Algorithm 2.1 as the paper has it, or on another Gram matrix, or on another penalty."""
    return minimize_penalty(
        K, N, 1.0, rate, steps, POWER_ITERATIONS, gram=gram, diagnostics=False, form=form
    ).kernel


def descend_by(
    rule: Rule, K: NDArray, N: int, rate: float, steps: int, form: str = "squares"
) -> NDArray:
    """Algorithm 2.1 on the smaller Gram matrix with a rule, which needs no learning rate."""
    return descend(K, N, rule, steps, "smaller", form)


def repeat(step: Step, K: NDArray, N: int, rate: float, steps: int) -> NDArray:
    """So many steps; an entry of 1e50 or more, or NaN, raises FloatingPointError."""
    for _ in range(steps):
        K = step(K, N, rate)
        if not np.abs(K).max() < 1e50:
            raise FloatingPointError(f"step: wanted one with which the penalty falls, got {rate}")
    return K


def frobenius_step(K: NDArray, N: int, rate: float) -> NDArray:
    """Along the gradient of `frobenius_penalty`."""
    _, G = alternatives.frobenius_penalty(K, N)
    return K - rate * G


def self_convolution_step(K: NDArray, N: int, rate: float) -> NDArray:
    """Along the gradient of `self_convolution_penalty`."""
    _, G = alternatives.self_convolution_penalty(K)
    return K - rate * G


def clipping_step(K: NDArray, N: int, rate: float) -> NDArray:
    """`clip_periodic` at 1, without a learning rate."""
    return clip_periodic(K, N)


def orthogonality_step(K: NDArray, N: int, rate: float) -> NDArray:
    """Along the gradient of `orthogonality_penalty`."""
    _, G = alternatives.orthogonality_penalty(K)
    return K - rate * G


def parseval_step(K: NDArray, N: int, rate: float) -> NDArray:
    """`parseval_retraction`."""
    return alternatives.parseval_retraction(K, rate)


def spectral_norm_step(K: NDArray, N: int, rate: float) -> NDArray:
    """Along the gradient of `spectral_norm_penalty`."""
    _, G = alternatives.spectral_norm_penalty(K)
    return K - rate * G


def project(K: NDArray, N: int, rate: float, steps: int) -> NDArray:
    """Alternating projection with the polar factors on the torus that is clipped."""
    return alternating_projection(K, periodic_projection(N), steps, accelerated=False)


def parseval(K: NDArray, N: int, rate: float, steps: int) -> NDArray:
    """Retractions, and the division by k that the layer makes of what comes out."""
    return repeat(parseval_step, K, N, rate, steps) / len(K)


def normalise(K: NDArray, N: int, rate: float, steps: int) -> NDArray:
    """`spectral_normalization`, of which one is as good as many."""
    return alternatives.spectral_normalization(K)


# the operations of a step


def product_cost(k: int, g: int, h: int, N: int) -> float:
    """The operations of M'M v."""
    return 4 * k**2 * g * h * N**2


def iteration_cost(k: int, g: int, h: int, N: int) -> float:
    """An update of two triplets by power iterations, and a gradient."""
    return (4 * POWER_ITERATIONS + 2) * product_cost(k, g, h, N)


def values_cost(k: int, g: int, h: int, N: int) -> float:
    """The same with a triplet for each end, and the shift from the one to the other."""
    return iteration_cost(k, g, h, N) + 0.5 * product_cost(k, g, h, N)


def exact_polar_cost(k: int, g: int, h: int, N: int) -> float:
    """A singular value decomposition of M as a dense matrix, and the product of its factors."""
    return 24 * (g * h * min(g, h)) * float(N) ** 6


def frobenius_cost(k: int, g: int, h: int, N: int) -> float:
    """The sparse M'M, then M times it."""
    return 2 * N**2 * g * h * k**2 * g * (k**2 + (2 * k - 1) ** 2)


def self_convolution_cost(k: int, g: int, h: int, N: int) -> float:
    """Two passes over the pairs of taps."""
    return 4 * k**4 * g**2 * h


def torus_cost(k: int, g: int, h: int, N: int) -> float:
    """Two FFTs, N^2 singular value decompositions and products."""
    transforms = 10 * g * h * N**2 * np.log2(max(N**2, 2))
    return transforms + 24 * g * h * min(g, h) * N**2


def square_cost(k: int, g: int, h: int, N: int) -> float:
    """WW' or its like, and the result times W."""
    return 4 * min(h, g * k**2) * h * g * k**2


def decomposition_cost(k: int, g: int, h: int, N: int) -> float:
    """A thin singular value decomposition of W: a few times a square."""
    return 6 * square_cost(k, g, h, N)


METHODS = (
    Method("R, columns", descend, iteration_cost),
    Method("R, smaller", partial(descend, gram="smaller"), iteration_cost, wide_only=True),
    Method("R, Polyak's step", partial(descend_by, polyak_step), iteration_cost, has_rate=False),
    Method(
        "R, length limited",
        partial(descend_by, clipped_polyak_step),
        iteration_cost,
        has_rate=False,
    ),
    Method(
        "values, length limited",
        partial(descend_by, clipped_polyak_step, form="values"),
        values_cost,
        has_rate=False,
    ),
    Method("Frobenius", partial(repeat, frobenius_step), frobenius_cost),
    Method("self-convolution", partial(repeat, self_convolution_step), self_convolution_cost),
    Method("clipping, periodic", partial(repeat, clipping_step), torus_cost, has_rate=False),
    Method("polar, periodic", project, torus_cost, has_rate=False),
    Method("orthogonality of W", partial(repeat, orthogonality_step), square_cost),
    Method("Parseval, W / k", parseval, square_cost),
    Method("spectral norm of W", partial(repeat, spectral_norm_step), decomposition_cost),
    Method("normalised W", normalise, decomposition_cost, has_rate=False, most=1),
)


def steps_within(method: Method, shape: tuple[int, int, int, int], N: int, budget: float) -> int:
    """How many steps a budget of products M'M v pays for, at least one.

    >>> steps_within(METHODS[0], (3, 3, 3, 1), 15, 200)
    20
    """
    k, _, g, h = shape
    affordable = budget * product_cost(k, g, h, N) / method.operations(k, g, h, N)
    return int(np.clip(affordable, 1, method.most))
