"""Sections 3 and 4: what the paper says of its examples, each sentence a predicate with a computed verdict.

A predicate takes the evidence on every case (`convreg.examples.gather`) and returns a verdict with the numbers
behind it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import kstest

from convreg.claims import ARTEFACT, FAILS, HOLDS, Claim, Judged, each, verdict
from convreg.examples import Case, Evidence
from convreg.matlab_random import matlab_rand


def converges(evidence: Mapping[Case, Evidence]) -> Judged:
    """R_alpha after the run is within 5% of its value after ten times as long; in part: within 2% of the fall."""
    last = np.array([run.power.penalty[-1] for run in evidence.values()])
    later = np.array([run.later for run in evidence.values()])
    first = np.array([run.power.penalty[0] for run in evidence.values()])
    whole = np.abs(last - later) <= 0.05 * last
    part = np.abs(last - later) <= 0.02 * np.abs(first - later)
    measured = f"R_alpha {each(last)} at the end; {each(later)} ten times later"
    return verdict(all(whole), all(part) or any(whole)), measured


def falls_together(evidence: Mapping[Case, Evidence]) -> Judged:
    """Penalty and condition number are lower at the end, with correlated logarithms (over 0.9)."""
    runs = [run.power for run in evidence.values()]
    lower = [all(line[-1] < line[0] for line in (run.penalty, run.condition_number)) for run in runs]
    correlation = [np.corrcoef(np.log(run.penalty), np.log(run.condition_number))[0, 1] for run in runs]
    kappa = ", ".join(f"{run.condition_number[0]:.3g} to {run.condition_number[-1]:.3g}" for run in runs)
    measured = f"kappa {kappa}; correlation with R_alpha {each(correlation, 2)}"
    return verdict(all(lower) and min(correlation) > 0.9, all(lower)), measured


def smallest_stays(evidence: Mapping[Case, Evidence]) -> Judged:
    """sigma_min changes by at most 10%; in part: by less than half of what sigma_max changes."""
    small = np.array([run.power.sigma_min[-1] / run.power.sigma_min[0] - 1 for run in evidence.values()])
    large = np.array([run.power.sigma_max[-1] / run.power.sigma_max[0] - 1 for run in evidence.values()])
    percent = ", ".join(f"{100 * change:+.0f}%" for change in small)
    measured = f"sigma_min {percent}; sigma_max {', '.join(f'{100 * change:+.0f}%' for change in large)}"
    return verdict(max(abs(small)) <= 0.1, all(abs(small) < 0.5 * abs(large))), measured


def largest_does_the_work(evidence: Mapping[Case, Evidence]) -> Judged:
    """kappa falls, and sigma_max falls by a larger factor than sigma_min rises, in every case."""
    runs = [run.power for run in evidence.values()]
    large = np.array([run.sigma_max[0] / run.sigma_max[-1] for run in runs])
    small = np.array([run.sigma_min[-1] / run.sigma_min[0] for run in runs])
    measured = f"sigma_max divided by {each(large)}; sigma_min multiplied by {each(small)}"
    return verdict(all(large * small > 1) and all(large > small), any(large > small)), measured


def same_behaviour(evidence: Mapping[Case, Evidence]) -> Judged:
    """R_alpha falls to a tenth within one iteration of each other, and ends at values a factor 2 apart or more."""
    tenth = np.array([np.argmax(run.power.penalty <= run.power.penalty[0] / 10) for run in evidence.values()])
    last = np.array([run.power.penalty[-1] for run in evidence.values()])
    alike, apart = np.ptp(tenth) <= 1 and all(tenth > 0), max(last) > 2 * min(last)
    measured = f"a tenth of the start at iterations {each(tenth)}; final R_alpha {each(last)}"
    return verdict(alike and apart, alike or apart), measured


def comparable(evidence: Mapping[Case, Evidence]) -> Judged:
    """Final kappa and every estimate within 10% of the exact ones; in part: final kappa within 25%."""
    kappa = [abs(run.power.condition_number[-1] / run.svd.condition_number[-1] - 1) for run in evidence.values()]
    lag = [np.max(1 - run.power.estimate / run.power.penalty) for run in evidence.values()]
    measured = f"final kappa differs by up to {max(kappa):.0%}; the estimate is up to {max(lag):.0%} below R_alpha"
    return verdict(max(kappa) <= 0.1 and max(lag) <= 0.1, max(kappa) <= 0.25), measured


def limit_depends_on_alpha(evidence: Mapping[Case, Evidence]) -> Judged:
    """As `converges`, and the limits grow with alpha."""
    verdict, measured = converges(evidence)
    later = [evidence[case].later for case in sorted(evidence, key=lambda case: case.alpha)]
    return verdict if all(np.diff(later) > 0) else FAILS, measured


def faster_for_larger_alpha(evidence: Mapping[Case, Evidence]) -> Judged:
    """The iteration at which R_alpha first lies within 5% of its limit falls as alpha grows."""
    arrival = {}
    for case, run in sorted(evidence.items(), key=lambda item: item[0].alpha):
        near = np.abs(run.power.penalty - run.later) <= 0.05 * run.later
        arrival[case.alpha] = int(np.argmax(near)) if any(near) else len(near)
    steps = np.diff(list(arrival.values()))
    reached = ", ".join(f"alpha {alpha:g}: {i}" for alpha, i in arrival.items())
    measured = f"within 5% of the limit at iteration ({len(near)}: not yet) {reached}"
    return verdict(all(steps < 0), all(steps <= 0)), measured


def dips_at_6_and_4(evidence: Mapping[Case, Evidence]) -> Judged:
    """The estimate is smallest at iterations 6 (alpha 5) and 4 (alpha 10), below alpha; so is R_alpha itself?"""
    runs = {case.alpha: run for case, run in evidence.items() if case.alpha in (5.0, 10.0)}
    at = {alpha: int(run.power.estimate.argmin()) for alpha, run in runs.items()}
    if at != {5.0: 6, 10.0: 4} or any(run.power.estimate.min() >= alpha for alpha, run in runs.items()):
        return FAILS, f"the estimate is smallest at iterations {at}"
    dips = [run.power.estimate.min() for run in runs.values()]
    exact = [run.power.penalty.min() for run in runs.values()]
    below = all(run.power.penalty.min() < alpha * (1 - 1e-9) for alpha, run in runs.items())
    measured = f"at 6 and 4 the estimate is {each(dips)}; R_alpha itself is never below {each(exact)}"
    return HOLDS if below else ARTEFACT, measured


def larger_minima_similar_effect(evidence: Mapping[Case, Evidence]) -> Judged:
    """The minima for alpha 5 and 10 exceed the others; kappa is at least halved for every alpha."""
    large = [run.power.estimate.min() for case, run in evidence.items() if case.alpha >= 5]
    small = [run.power.estimate.min() for case, run in evidence.items() if case.alpha < 5]
    kappa = np.array([run.power.condition_number[[0, -1]] for run in evidence.values()])
    larger, halved = min(large) > max(small), all(kappa[:, 1] < kappa[:, 0] / 2)
    measured = f"minima {each(small + large)}; kappa from {kappa[0, 0]:.3g} to {each(kappa[:, 1])}"
    return verdict(larger and halved, larger or halved), measured


def theorem_explains(evidence: Mapping[Case, Evidence]) -> Judged:
    """Theorem 2.1 applies where R_alpha < alpha: how often is that so?"""
    below = [int(np.sum(run.power.penalty < case.alpha * (1 - 1e-9))) for case, run in evidence.items()]
    total = sum(len(run.power.penalty) for run in evidence.values())
    measured = f"its hypothesis R_alpha < alpha is met at {sum(below)} of {total} points"
    return verdict(all(below), any(below)), measured


def returns_to_alpha(evidence: Mapping[Case, Evidence]) -> Judged:
    """Where the estimate went below alpha, it ends within 1% of alpha; did R_alpha go below as well?"""
    dipped = {case: run for case, run in evidence.items() if run.power.estimate.min() < case.alpha * (1 - 1e-9)}
    back = [abs(run.power.estimate[-1] / case.alpha - 1) <= 0.01 for case, run in dipped.items()]
    below = [run.power.penalty.min() < case.alpha * (1 - 1e-9) for case, run in dipped.items()]
    svd = [run.svd.estimate.min() / case.alpha for case, run in dipped.items()]
    alphas = each(case.alpha for case in dipped)
    measured = f"for alpha {alphas} the estimate comes back; with full SVDs it is never below {each(svd)} alpha"
    return (ARTEFACT if back and all(back) and not any(below) else verdict(all(back), any(back))), measured


def barrier(evidence: Mapping[Case, Evidence]) -> Judged:
    """R_alpha >= alpha at every point of every run; M'M is singular when h < g, so no K can do better."""
    lowest = [min(run.power.penalty.min(), run.later) / case.alpha for case, run in evidence.items()]
    singular = all(case.h < case.g for case in evidence)
    measured = f"smallest R_alpha / alpha: {each(lowest)}; h < g makes M'M singular, so R_alpha >= alpha always"
    return verdict(singular and min(lowest) >= 1 - 1e-9, singular), measured


def effective(evidence: Mapping[Case, Evidence]) -> Judged:
    """kappa is at least halved in every case."""
    factor = np.array(
        [run.power.condition_number[0] / run.power.condition_number[-1] for run in evidence.values()]
    )
    measured = f"kappa is divided by {each(factor)}"
    return verdict(all(factor >= 2), any(factor >= 2)), measured


def start_is_reproducible() -> Judged:
    """The first four numbers of rand after rand('state', 1), as published for MATLAB; all lie in (0, 1)."""
    first, many = matlab_rand(4, state=1), matlab_rand(10**4, state=1)
    uniform = kstest(many, "uniform").pvalue > 0.01
    published = np.array_equal(first.round(4), [0.9528, 0.7041, 0.9539, 0.5982])
    return verdict(published and uniform, published or uniform), f"{each(first, 4)}, ... as MATLAB gives them"


START_CLAIMS = (
    Claim("Section 3", "K = rand(k, k, g, h), uniform, after rand('state', 1)", start_is_reproducible, "05"),
)

EXAMPLE_1_CLAIMS = (
    Claim("Section 3, Example 1", "R_1 converges well within 20 iterations for all kernel sizes", converges, "05"),
    Claim("Section 3, Example 1", "The condition number falls together with R_1", falls_together, "05"),
    Claim("Section 3, Example 1", "sigma_min does not change much", smallest_stays, "05"),
    Claim(
        "Section 3, Example 1",
        "The gain comes from sigma_max rather than from sigma_min",
        largest_does_the_work,
        "05",
    ),
    Claim(
        "Section 3, Example 1",
        "Kernel size changes the final values, not the way it converges",
        same_behaviour,
        "05",
    ),
    Claim(
        "Section 3, Example 1", "Two power iterations give results comparable with a full SVD", comparable, "05"
    ),
)

EXAMPLE_2_CLAIMS = (
    Claim(
        "Section 3, Example 2",
        "R_alpha converges for all alpha, to a value that depends on alpha",
        limit_depends_on_alpha,
        "06",
    ),
    Claim("Section 3, Example 2", "The condition number falls together with R_alpha", falls_together, "06"),
    Claim("Section 3, Example 2", "Larger alpha converges faster", faster_for_larger_alpha, "06"),
    Claim(
        "Section 3, Example 2",
        "alpha = 5 and 10: R_alpha is lowest at iterations 6 and 4, a little below alpha",
        dips_at_6_and_4,
        "06",
    ),
    Claim(
        "Section 3, Example 2",
        "Their minima are larger, the effect on the condition number is similar",
        larger_minima_similar_effect,
        "06",
    ),
    Claim("Section 3, Example 2", "Theorem 2.1 explains that effect", theorem_explains, "06"),
    Claim(
        "Section 3, Example 2", "Having fallen below alpha, R_alpha rises back to alpha", returns_to_alpha, "06"
    ),
    Claim("Section 3, Example 2", "There may be a barrier to R_alpha much below alpha", barrier, "07"),
    Claim(
        "Section 3, Example 2", "Two power iterations give results comparable with a full SVD", comparable, "06"
    ),
)

SECTION_4_CLAIMS = (Claim("Section 4", "The method is effective for kernels of different sizes", effective, "05"),)
