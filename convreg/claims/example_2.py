"""Section 3, Example 2: what the paper says of the shift alpha, each sentence a predicate.

A predicate takes the evidence on every case (`convreg.examples.gather`) and returns a verdict with
the numbers behind it.
"""

from __future__ import annotations

import numpy as np

from convreg.claims.definitions import ARTEFACT, FAILS, HOLDS, IN_PART, Judged, by_threshold, each, verdict
from convreg.claims.descents import ROUNDING, Cases, converges, falls
from convreg.examples import Evidence, start_kernel
from convreg.matrix import conv_matrix


def limit_depends_on_alpha(evidence: Cases) -> Judged:
    """As `converges`, and no two of the limits are equal."""
    judged = converges(evidence)
    later = np.sort([run.later for run in evidence.values()])
    distinct = all(np.diff(later) > ROUNDING * later[1:])
    return judged if distinct else Judged(FAILS, judged.measured)


def faster_for_larger_alpha(evidence: Cases) -> Judged:
    """R_alpha has its limit earlier for every larger alpha; in part: earlier for some, never later."""
    arrival = {}
    for case, run in sorted(evidence.items(), key=lambda item: item[0].alpha):
        there = abs(run.power.penalty / run.later - 1) <= ROUNDING
        arrival[case.alpha] = int(np.argmax(there)) if any(there) else len(there)
    steps = np.diff(list(arrival.values()))
    reached = ", ".join(f"alpha {alpha:g}: {i}" for alpha, i in arrival.items())
    measured = f"R_alpha has its limit from iteration ({len(there)}: not yet) {reached}"
    return Judged(verdict(all(steps < 0), all(steps <= 0) and any(steps < 0)), measured)


def dips_at_6_and_4(evidence: Cases) -> Judged:
    """The estimate is below alpha, lowest at iterations 6 (alpha 5) and 4 (10); is R_alpha, too?"""
    runs = _for_5_and_10(evidence)
    at, real = {}, []
    for alpha, run in runs.items():
        estimate, R = run.power.estimate, run.power.penalty
        at[alpha] = int(estimate.argmin()) if min(estimate) < alpha * (1 - ROUNDING) else -1
        real.append(R.argmin() == at[alpha] and min(R) < alpha * (1 - ROUNDING))
    if at != {5.0: 6, 10.0: 4}:
        return Judged(FAILS, f"the lowest estimates at iterations (-1: no dip) {each(at.values())}")
    lowest = each(min(run.power.penalty) for run in runs.values())
    measured = f"the estimate is lowest at iterations 6 and 4; R_alpha is never below {lowest}"
    return Judged(HOLDS if all(real) else ARTEFACT, measured)


def a_little_below_alpha(evidence: Cases) -> Judged:
    """The minima are at most 10% below alpha: of R_alpha, or (an artefact) of the estimate."""
    runs = _for_5_and_10(evidence).items()
    estimate = [1 - min(run.power.estimate) / alpha for alpha, run in runs]
    exact = [1 - min(run.power.penalty) / alpha for alpha, run in runs]

    def decide(limit: float) -> str:
        little = [all(ROUNDING < d <= limit for d in depths) for depths in (exact, estimate)]
        return HOLDS if little[0] else ARTEFACT if little[1] else FAILS

    below = ", ".join(f"{depth:.0%}" for depth in estimate)
    itself = "is not below at all" if max(exact) <= ROUNDING else f"by up to {max(exact):.0%}"
    measured = f"the estimate is {below} below alpha for alpha = 5, 10; R_alpha itself {itself}"
    return by_threshold(decide, 0.1, max(estimate), "below alpha by at most", measured)


def _for_5_and_10(evidence: Cases) -> dict[float, Evidence]:
    return {case.alpha: run for case, run in evidence.items() if case.alpha in (5.0, 10.0)}


def larger_minima(evidence: Cases) -> Judged:
    """The minima for alpha 5 and 10 exceed the others: those of R_alpha, and of the estimate."""
    larger, words = [], []
    for name, field in (("R_alpha", "penalty"), ("the estimate", "estimate")):
        lowest = {case.alpha: min(run.power[field]) for case, run in evidence.items()}
        large = [low for alpha, low in lowest.items() if alpha >= 5]
        small = [low for alpha, low in lowest.items() if alpha < 5]
        larger.append(min(large) > max(small))
        words.append(f"{name} {each(small + large)}")
    exact, estimate = larger
    partly = IN_PART if exact else ARTEFACT if estimate else FAILS
    return Judged(HOLDS if exact and estimate else partly, f"minima of {'; of '.join(words)}")


def similar_effect(evidence: Cases) -> Judged:
    """The largest final kappa is at most half above the least; in part: kappa falls every time."""
    lines = [run.power.condition_number for run in evidence.values()]
    last = [line[-1] for line in lines]
    excess = max(last) / min(last) - 1

    def decide(limit: float) -> str:
        lower = all(falls(line) for line in lines)
        return verdict(lower and excess <= limit, lower)

    measured = f"kappa from {lines[0][0]:.3g} to {each(last)}"
    return by_threshold(decide, 0.5, excess, "the largest above the smallest by at most", measured)


def theorem_explains(evidence: Cases) -> Judged:
    """R_alpha < alpha, which Theorem 2.1 asks for, somewhere in each run; in part: in some run.

    Where only the estimate is below alpha, the theorem with it in place of R_alpha would bound
    sigma_min from below; it is told what sigma_min is.
    """
    met, bound, found = [], [], []
    for case, (power, *_) in evidence.items():
        met.append(int(np.sum(power.penalty < case.alpha * (1 - ROUNDING))))
        lowest = power.estimate.argmin()
        if power.estimate[lowest] < case.alpha * (1 - ROUNDING):
            bound.append((case.alpha - power.estimate[lowest]) ** 0.5)
            found.append(power.sigma_min[lowest])
    total = sum(len(run.power.penalty) for run in evidence.values())
    measured = f"its hypothesis R_alpha < alpha is met at {sum(met)} of {total} points"
    if bound:
        measured += f"; by the lowest estimates sigma_min > {each(bound)}, but it is {each(found)}"
    return Judged(verdict(all(met), any(met)), measured)


def returns_to_alpha(evidence: Cases) -> Judged:
    """Where the estimate went below alpha, it ends within 1% of alpha; was R_alpha below, too?"""
    below = {}
    for case, run in evidence.items():
        if min(run.power.estimate) < case.alpha * (1 - ROUNDING):
            below[case] = run
    if not below:
        return Judged(FAILS, "no estimate goes below alpha")
    ends = np.array([abs(run.power.estimate[-1] / case.alpha - 1) for case, run in below.items()])
    exact = [min(run.power.penalty) / case.alpha for case, run in below.items()]
    svd = [min(run.svd.estimate) / case.alpha for case, run in below.items()]

    def decide(limit: float) -> str:
        unreal = min(exact) >= 1 - ROUNDING and all(ends <= limit)
        return ARTEFACT if unreal else verdict(all(ends <= limit), any(ends <= limit))

    alphas = f"the estimate goes below alpha = {each(case.alpha for case in below)}"
    measured = f"{alphas}; the lowest R_alpha / alpha: {each(exact)}, with full SVDs {each(svd)}"
    return by_threshold(decide, 0.01, max(ends), "at the end off alpha by at most", measured)


def barrier(evidence: Cases) -> Judged:
    """R_alpha >= alpha at every point of the runs, and M'M is singular for other kernels as well.

    Then -alpha is an eigenvalue of M'M - alpha I, and no K does better. Ten start kernels of every
    size on a 6 x 6 image, all eigenvalues: (g - h) N^2 at least are 0. In part: one of the two.
    """
    lowest = [min(*run.power.penalty, run.later) / case.alpha for case, run in evidence.items()]
    zeros, enough, N = [], [], 6
    for g, h in sorted({(case.g, case.h) for case in evidence}):
        for state in range(1, 11):
            M = conv_matrix(start_kernel(3, g, h, state), N).toarray()
            values = np.linalg.eigvalsh(M.T @ M)
            zeros.append(np.mean(abs(values) <= 1e-12 * values[-1]))
            enough.append(zeros[-1] >= max((g - h) * N**2, 1) / len(values))
    runs, singular = min(lowest) >= 1 - ROUNDING, all(enough)
    of = f"of the eigenvalues of M'M, {len(zeros)} kernels, N = {N}, {min(zeros):.0%} or more are 0"
    so = f"R_alpha {'cannot' if singular else 'can'} be below alpha"
    measured = f"smallest R_alpha / alpha: {each(lowest)}; {of}: {so}"
    return Judged(verdict(runs and singular, runs or singular), measured)
