"""Section 3, Example 1, and Section 4: what the paper says of its first example and concludes.

A predicate takes the evidence on every case (`convreg.examples.gather`) and returns a verdict with
the numbers behind it. What is said of Example 2 as well is judged in `convreg.claims.descents`.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest

from convreg.claims.definitions import Judged, by_threshold, claims_of, each, verdict
from convreg.claims.descents import (
    ROUNDING,
    Cases,
    at_the_end,
    comparable,
    converges,
    falls_together,
)
from convreg.claims.sections import (
    FIGURE_3_1,
    SAID_OF_FIGURE_3_1,
    START_KERNELS,
)
from convreg.matlab_random import matlab_rand


def start_is_reproducible() -> Judged:
    """The first numbers after rand('state', 1) are as published for MATLAB, and it is uniform."""
    first = matlab_rand(4, state=1)
    many = matlab_rand(10**4, state=1)
    published = np.array_equal(first.round(4), [0.9528, 0.7041, 0.9539, 0.5982])
    p = float(kstest(many, "uniform").pvalue)
    words = "as MATLAB gives them" if published else "not as MATLAB gives them"
    return by_threshold(
        lambda level: verdict(published and p >= level, published or p >= level),
        threshold=0.01,
        found=p,
        asks="p-value (Kolmogorov-Smirnov, 10^4 numbers) at least",
        measured=f"{each(first, 4)}, ... {words}",
    )


def smallest_stays(evidence: Cases) -> Judged:
    """sigma_min changes by at most 10%; in part: by a smaller fraction than sigma_max, always."""
    small = []
    large = []
    words_small = []
    words_large = []
    for run, *_ in evidence.values():
        small.append(run.sigma_min[-1] / run.sigma_min[0] - 1)
        large.append(run.sigma_max[-1] / run.sigma_max[0] - 1)
        words_small.append(f"{100 * small[-1]:+.0f}%")
        words_large.append(f"{100 * large[-1]:+.0f}%")
    most = max(np.abs(small))
    less = all(np.abs(small) < np.abs(large))
    return by_threshold(
        lambda limit: verdict(most <= limit, less),
        threshold=0.1,
        found=most,
        asks="sigma_min changes by at most",
        measured=f"sigma_min {', '.join(words_small)}; sigma_max {', '.join(words_large)}",
    )


def lowers_rather_than_raises(evidence: Cases) -> Judged:
    """kappa and R_alpha fall, by larger factors than sigma_min rises; in part: in some case."""
    kappa = []
    R = []
    small = []
    for run, *_ in evidence.values():
        kappa.append(run.condition_number[0] / run.condition_number[-1])
        R.append(run.penalty[0] / run.penalty[-1])
        small.append(run.sigma_min[-1] / run.sigma_min[0])
    more = np.minimum(kappa, R) > np.maximum(small, 1)
    divided = f"kappa divided by {each(kappa)}, R_1 by {each(R)}"
    return Judged(verdict(all(more), any(more)), f"{divided}; sigma_min times {each(small)}")


def same_behaviour(evidence: Cases) -> Judged:
    """Final values differ, the first fall (to a tenth, within an iteration) and the end are alike.

    The ends are alike where R_alpha is level afterwards in all cases, or in none. In part: the
    final values differ, and either the first fall or the end is alike.
    """
    last, _ = at_the_end(evidence)
    apart = max(last) > min(last) * (1 + ROUNDING)
    tenth = []
    level = []
    for case, run in evidence.items():
        R = run.power.penalty
        tenth.append(int(np.argmax(R <= R[0] / 10)))
        if abs(run.later / R[-1] - 1) <= ROUNDING:
            level.append(f"3x3x{case.g}x{case.h}")
    spread = max(tenth) - min(tenth)
    alike = len(level) in (0, len(evidence))
    names = ", ".join(level) or "none"
    end = f"final R_alpha {each(last)}, level afterwards: {names}"
    return by_threshold(
        lambda limit: _verdict_on_shape(apart, all(tenth) and spread <= limit, alike),
        threshold=1,
        found=spread,
        asks="iterations from the first to the last at a tenth, at most",
        measured=f"a tenth of the start at iterations {each(tenth)}; {end}",
    )


def _verdict_on_shape(apart: bool, first: bool, alike: bool) -> str:
    """Whether final values differ, whether the first fall and whether the end are alike."""
    return verdict(apart and first and alike, apart and (first or alike))


def neither_too_large_nor_too_small(evidence: Cases) -> Judged:
    """sigma_max falls and sigma_min rises in every case; in part: one of the two in every case."""
    large = []
    small = []
    for run, *_ in evidence.values():
        large.append(run.sigma_max[0] / run.sigma_max[-1])
        small.append(run.sigma_min[-1] / run.sigma_min[0])
    falls = min(large) > 1
    rises = min(small) > 1
    measured = f"sigma_max divided by {each(large)}; sigma_min times {each(small)}"
    return Judged(verdict(falls and rises, falls or rises), measured)


def effective(evidence: Cases) -> Judged:
    """kappa is at least halved in every case; in part: it is lower in every case."""
    factor = []
    for run, *_ in evidence.values():
        factor.append(run.condition_number[0] / run.condition_number[-1])
    return by_threshold(
        lambda limit: verdict(min(factor) >= limit, min(factor) > 1),
        threshold=2,
        found=min(factor),
        asks="kappa divided by at least",
        measured=f"kappa is divided by {each(factor)}",
    )


START_CLAIMS = claims_of(
    "Section 3",
    ("K = rand(k, k, g, h), uniform, after rand('state', 1)", start_is_reproducible, START_KERNELS),
)

EXAMPLE_1_CLAIMS = claims_of(
    "Section 3, Example 1",
    ("R_1 converges well within 20 iterations for all kernel sizes", converges, FIGURE_3_1),
    ("The condition number falls together with R_1", falls_together, FIGURE_3_1),
    ("sigma_min does not change significantly", smallest_stays, FIGURE_3_1),
    (
        "Descent appears effective in lowering kappa and R_1, less so in raising sigma_min",
        lowers_rather_than_raises,
        FIGURE_3_1,
    ),
    (
        "Kernel size mainly changes the final values, not how it converges",
        same_behaviour,
        FIGURE_3_1,
    ),
    (
        "Two power iterations give results comparable with a full SVD",
        comparable,
        SAID_OF_FIGURE_3_1,
    ),
)

SECTION_4_CLAIMS = claims_of(
    "Section 4",
    (
        "The aim: singular values neither too large nor too small",
        neither_too_large_nor_too_small,
        FIGURE_3_1,
    ),
    ("The method is effective for kernels of different sizes", effective, FIGURE_3_1),
)
