"""Section 2: the penalty R_alpha, what it bounds, and how small it can become.

A predicate computes its own evidence, mostly from the paper's start kernels on small images, and
returns a verdict with the numbers behind it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg.bounds import singular_value_bounds
from convreg.claims.definitions import Claim, Judged, each, verdict
from convreg.claims.sections import BARRIER, PENALTY, SCALE, THEOREM_2_1
from convreg.convolution import ConvolutionOperator
from convreg.descent import minimize_penalty
from convreg.examples import identity, start_kernel
from convreg.extremes import extreme_singular_values
from convreg.gram import shifted_gram
from convreg.lanczos import leading_triplets
from convreg.learning_rates import polyak_step
from convreg.penalty import penalty

ROUNDING = 1e-9


def norms_are_nearly_kept() -> Judged:
    """Near the identity: how much squared norms change, on random images and the leading vector."""
    N = 8
    values = []
    kept = []
    attained = []
    for s in (0.03, 0.003):
        K = identity(3, 1, 3) + s * start_kernel(3, 1, 3)
        M = ConvolutionOperator(K, N)
        X = np.random.default_rng(0).standard_normal((N**2, 50))
        X[:, 0] = leading_triplets(shifted_gram(M), 1)[0].v
        change = np.abs(np.sum((M @ X) ** 2, axis=0) / np.sum(X**2, axis=0) - 1)
        R = penalty(K, N)
        values.append(R)
        kept.append(np.all(change <= R * (1 + ROUNDING)))
        attained.append(np.isclose(change[0], R, rtol=ROUNDING, atol=0))
    how_much = "as much" if all(attained) else "less"
    measured = (
        f"with R_1 = {each(values, 2)} squared norms change by at most that fraction, and that of "
        f"the leading vector by {how_much}; 3x3x1x3, N = 8"
    )
    return Judged(verdict(all(kept) and all(attained), all(kept)), measured)


def minimum_is_not_small() -> Judged:
    """R_1 for h >= g at the identity tap and after a descent; for h < g, and of any such matrix."""
    N = 8
    least = penalty(identity(3, 1, 3), N)
    tall = _descended(start_kernel(3, 1, 3), N)
    wide = _descended(start_kernel(3, 3, 1), N)
    full = _least_of_full_matrices(N**2, 3 * N**2)

    near_0 = least < ROUNDING and tall < 0.1
    stays_at_1 = wide >= 1 - ROUNDING
    for_want_of_rank = full >= 1 - ROUNDING
    whole = stays_at_1 and not near_0 and not for_want_of_rank

    below = "under" if tall < 0.1 else "over"
    want = "rank" if for_want_of_rank else "parameters"
    measured = (
        f"h >= g: {least:.3g} at the identity tap, {below} 0.1 after 200 of Polyak's steps from "
        f"3x3x1x3; h < g: {wide:.3g} from 3x3x3x1, and {full:.3g} for a matrix of that size with "
        f"{3 * N**4} free entries: for want of {want}; N = 8"
    )
    return Judged(verdict(whole, stays_at_1 or not near_0), measured)


def _descended(K: NDArray, N: int) -> float:
    """R_1 after 200 steps of a length that falls with it."""
    found = minimize_penalty(K, N, learning_rate=polyak_step, iterations=200, diagnostics=False)
    return penalty(found.kernel, N)


def _least_of_full_matrices(m: int, n: int) -> float:
    """The least norm of M'M - I, M a random m x n matrix or the nearest with orthonormal rows."""
    M = np.random.default_rng(0).standard_normal((m, n)) / (n**0.5 + m**0.5)
    U, _, Vt = np.linalg.svd(M, full_matrices=False)
    norms = [np.linalg.norm(A.T @ A - np.eye(n), 2) for A in (M, U @ Vt)]
    return float(min(norms))


def theorem_2_1() -> Judged:
    """The bounds on a line of kernels from one with R_alpha = 0, wherever R_alpha < alpha."""
    N = 8
    alpha = 2.0
    D = start_kernel(3, 1, 2)
    gaps = []
    inside = []
    for s in np.linspace(0.005, 0.12, 20):
        K = alpha**0.5 * identity(3, 1, 2) + s * D
        t = penalty(K, N, alpha) / alpha
        if t < 1:
            largest, smallest = extreme_singular_values(K, N)
            lower, upper, kappa = singular_value_bounds(alpha, t)
            gap = min(smallest - lower, upper - largest)
            gaps.append(gap)
            inside.append(gap > -ROUNDING and largest / smallest <= kappa * (1 + ROUNDING))
    how_near = f"{max(gaps):.0e}" if max(gaps) > ROUNDING else "rounding"
    measured = f"{sum(inside)} of {len(gaps)} kernels keep the bounds, and attain one to {how_near}"
    return Judged(verdict(all(inside), False), measured)


def below_alpha_is_sufficient() -> Judged:
    """The bounds wherever R_1 < 1, along 200 steps for h >= g and for h < g; how low it gets."""
    lowest = []
    within = []
    for g, h in ((1, 3), (3, 1)):
        history = minimize_penalty(start_kernel(3, g, h), 8, iterations=200).history
        lowest.append(float(history.penalty.min()))
        below = history[history.penalty < 1]
        within.append(np.all(below.sigma_min**2 >= 1 - below.penalty - ROUNDING))
        within.append(np.all(below.sigma_max**2 <= 1 + below.penalty + ROUNDING))
    reached = [R < 1 - ROUNDING for R in lowest]
    bounded = "bounded" if all(within) else "not bounded"
    measured = (
        f"{bounded} wherever R_1 < 1, to which 200 steps bring 3x3x1x3 ({lowest[0]:.2f}), but not "
        f"3x3x3x1 ({lowest[1]:.2f}): h < g"
    )
    return Judged(verdict(all(within) and any(reached), False), measured)


def larger_alpha_needs_less() -> Judged:
    """What is left to reduce to alpha falls as alpha grows, at the start and after 20 steps.

    t = R_alpha / alpha itself falls throughout, or turns where it should.
    """
    start = start_kernel(3, 1, 3)
    turns = []
    falls = []
    turning = []
    enough = []
    for K in (start, minimize_penalty(start, 8, diagnostics=False).kernel):
        largest, smallest = extreme_singular_values(K, 8)
        turn = (largest**2 + smallest**2) / 2
        alphas = turn * np.logspace(-1.5, 1.5, 31)  # the one in the middle is where it turns
        t = np.array([penalty(K, 8, float(alpha)) / alpha for alpha in alphas])
        change = np.diff(t)
        turns.append(turn)
        falls.append(np.all(change < 0))
        turning.append(np.all(change[:15] < 0) and np.all(change[15:] > 0))
        enough.append(np.all(np.diff(np.maximum(t, 1)) <= 0))
    measured = (
        f"R_alpha comes below alpha with less; but t = R_alpha / alpha falls only up to alpha = "
        f"(sigma_max^2 + sigma_min^2) / 2, {turns[0]:.3g} for the start kernel and {turns[1]:.2g} "
        f"after 20 steps, and rises beyond; 3x3x1x3, N = 8"
    )
    return Judged(verdict(all(enough) and (all(turning) or all(falls)), False), measured)


SECTION_2_CLAIMS = (
    Claim(
        "Section 2",
        "A small R_1 gives (1.3), a norm that is nearly kept",
        norms_are_nearly_kept,
        PENALTY,
    ),
    Claim(
        "Section 2",
        "The minimum of R_1 may not be close to 0, K having few parameters",
        minimum_is_not_small,
        BARRIER,
    ),
    Claim(
        "Theorem 2.1",
        "R_alpha < t alpha bounds the singular values and the condition number",
        theorem_2_1,
        THEOREM_2_1,
    ),
    Claim(
        "Sections 1, 2",
        "It is enough to bring R_alpha below alpha, for bounded singular values",
        below_alpha_is_sufficient,
        BARRIER,
    ),
    Claim(
        "Section 2",
        "With a larger alpha less reduction may be needed",
        larger_alpha_needs_less,
        SCALE,
    ),
)
