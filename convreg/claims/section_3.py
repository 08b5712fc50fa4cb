"""Sections 3 and 4: what the paper says of its examples, each sentence a predicate.

A predicate takes the evidence on every case (`convreg.examples.gather`) and returns a verdict with
the numbers behind it. Those on Example 2 stand in `convreg.claims.example_2`, those on both
examples in `convreg.claims.descents`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import kstest

from convreg.claims import example_2
from convreg.claims.definitions import Claim, Judged, by_threshold, each, verdict
from convreg.claims.descents import (
    ROUNDING,
    Cases,
    at_the_end,
    comparable,
    converges,
    falls_together,
)
from convreg.matlab_random import matlab_rand


def start_is_reproducible() -> Judged:
    """The first numbers after rand('state', 1) are as published for MATLAB, and it is uniform."""
    first, many = matlab_rand(4, state=1), matlab_rand(10**4, state=1)
    p = float(kstest(many, "uniform").pvalue)
    published = np.array_equal(first.round(4), [0.9528, 0.7041, 0.9539, 0.5982])
    words = "as MATLAB gives them" if published else "not as MATLAB gives them"

    def decide(level: float) -> str:
        return verdict(published and p >= level, published or p >= level)

    asks = "p-value (Kolmogorov-Smirnov, 10^4 numbers) at least"
    return by_threshold(decide, 0.01, p, asks, f"{each(first, 4)}, ... {words}")


def smallest_stays(evidence: Cases) -> Judged:
    """sigma_min changes by at most 10%; in part: by a smaller fraction than sigma_max, always."""
    runs = [run.power for run in evidence.values()]
    small = np.array([run.sigma_min[-1] / run.sigma_min[0] - 1 for run in runs])
    large = np.array([run.sigma_max[-1] / run.sigma_max[0] - 1 for run in runs])
    words = [", ".join(f"{100 * change:+.0f}%" for change in changes) for changes in (small, large)]

    def decide(limit: float) -> str:
        return verdict(max(abs(small)) <= limit, all(abs(small) < abs(large)))

    measured = f"sigma_min {words[0]}; sigma_max {words[1]}"
    return by_threshold(decide, 0.1, max(abs(small)), "sigma_min changes by at most", measured)


def lowers_rather_than_raises(evidence: Cases) -> Judged:
    """kappa and R_alpha fall, by larger factors than sigma_min rises; in part: in some case."""
    runs = [run.power for run in evidence.values()]
    kappa = np.array([run.condition_number[0] / run.condition_number[-1] for run in runs])
    R = np.array([run.penalty[0] / run.penalty[-1] for run in runs])
    small = np.array([run.sigma_min[-1] / run.sigma_min[0] for run in runs])
    more = np.minimum(kappa, R) > np.maximum(small, 1)
    divided = f"kappa divided by {each(kappa)}, R_1 by {each(R)}"
    return Judged(verdict(all(more), any(more)), f"{divided}; sigma_min times {each(small)}")


def same_behaviour(evidence: Cases) -> Judged:
    """Final values differ, the first fall (to a tenth, within an iteration) and the end are alike.

    The ends are alike where R_alpha is level afterwards in all cases, or in none. In part: the
    final values differ, and either the first fall or the end is alike.
    """
    lines = [run.power.penalty for run in evidence.values()]
    tenth = np.array([np.argmax(R <= R[0] / 10) for R in lines])
    last, later = at_the_end(evidence)
    level = abs(later / last - 1) <= ROUNDING
    alike = all(level) or not any(level)
    apart = max(last) > min(last) * (1 + ROUNDING)

    def decide(limit: float) -> str:
        first = all(tenth > 0) and np.ptp(tenth) <= limit
        return verdict(apart and first and alike, apart and (first or alike))

    names = [f"3x3x{case.g}x{case.h}" for case, still in zip(evidence, level, strict=True) if still]
    end = f"final R_alpha {each(last)}, level afterwards: {', '.join(names) or 'none'}"
    measured = f"a tenth of the start at iterations {each(tenth)}; {end}"
    asks = "iterations from the first to the last at a tenth, at most"
    return by_threshold(decide, 1, np.ptp(tenth), asks, measured)


def effective(evidence: Cases) -> Judged:
    """kappa is at least halved in every case; in part: it is lower in every case."""
    lines = [run.power.condition_number for run in evidence.values()]
    factor = np.array([line[0] / line[-1] for line in lines])

    def decide(limit: float) -> str:
        return verdict(min(factor) >= limit, min(factor) > 1)

    measured = f"kappa is divided by {each(factor)}"
    return by_threshold(decide, 2, min(factor), "kappa divided by at least", measured)


def neither_too_large_nor_too_small(evidence: Cases) -> Judged:
    """sigma_max falls and sigma_min rises in every case; in part: one of the two in every case."""
    runs = [run.power for run in evidence.values()]
    large = np.array([run.sigma_max[0] / run.sigma_max[-1] for run in runs])
    small = np.array([run.sigma_min[-1] / run.sigma_min[0] for run in runs])
    falls, rises = all(large > 1), all(small > 1)
    measured = f"sigma_max divided by {each(large)}; sigma_min times {each(small)}"
    return Judged(verdict(falls and rises, falls or rises), measured)


def _of(where: str, *rows: tuple[str, Callable[..., Judged], str]) -> tuple[Claim, ...]:
    """Claims from one place of the paper."""
    return tuple(Claim(where, *row) for row in rows)


START_CLAIMS = _of(
    "Section 3",
    ("K = rand(k, k, g, h), uniform, after rand('state', 1)", start_is_reproducible, "05"),
)

EXAMPLE_1_CLAIMS = _of(
    "Section 3, Example 1",
    ("R_1 converges well within 20 iterations for all kernel sizes", converges, "05"),
    ("The condition number falls together with R_1", falls_together, "05"),
    ("sigma_min does not change significantly", smallest_stays, "05"),
    (
        "Descent appears effective in lowering kappa and R_1, less so in raising sigma_min",
        lowers_rather_than_raises,
        "05",
    ),
    ("Kernel size mainly changes the final values, not how it converges", same_behaviour, "05"),
    ("Two power iterations give results comparable with a full SVD", comparable, "05"),
)

EXAMPLE_2_CLAIMS = _of(
    "Section 3, Example 2",
    (
        "R_alpha converges for all alpha, to a value that depends on alpha",
        example_2.limit_depends_on_alpha,
        "06",
    ),
    ("The condition number falls together with R_alpha", falls_together, "06"),
    ("For larger alpha the convergence appears faster", example_2.faster_for_larger_alpha, "06"),
    (
        "alpha = 5, 10: R_alpha dips below alpha, lowest at iterations 6, 4",
        example_2.dips_at_6_and_4,
        "06",
    ),
    ("Those minima are a little below alpha", example_2.a_little_below_alpha, "06"),
    ("They are larger than the minima for smaller alpha", example_2.larger_minima, "06"),
    ("The effect on the condition number is similar all the same", example_2.similar_effect, "06"),
    ("Theorem 2.1 suggests that effect", example_2.theorem_explains, "07"),
    (
        "Having fallen below alpha, R_alpha rises back to the level of alpha",
        example_2.returns_to_alpha,
        "06",
    ),
    ("There may be a theoretical barrier to R_alpha much below alpha", example_2.barrier, "07"),
    ("Two power iterations give results comparable with a full SVD", comparable, "06"),
)

SECTION_4_CLAIMS = _of(
    "Section 4",
    (
        "The aim: singular values neither too large nor too small",
        neither_too_large_nor_too_small,
        "05",
    ),
    ("The method is effective for kernels of different sizes", effective, "05"),
)
