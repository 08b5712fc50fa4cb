"""Section 3, Example 2: what the paper says of the shift alpha.

A predicate takes the evidence on every case (`convreg.examples.gather`) and returns a verdict with
the numbers behind it. What is said of Example 1 as well is judged in `convreg.claims.descents`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg.claims.definitions import (
    ARTEFACT,
    FAILS,
    HOLDS,
    IN_PART,
    Judged,
    by_threshold,
    claims_of,
    each,
    verdict,
)
from convreg.claims.descents import (
    ROUNDING,
    Cases,
    comparable,
    converges,
    falls,
    falls_together,
)
from convreg.claims.sections import (
    BARRIER,
    FIGURE_3_2,
    NOT_BELOW_ALPHA,
    SAID_OF_FIGURE_3_2,
)
from convreg.examples import Evidence, start_kernel
from convreg.matrix import conv_matrix


def limit_depends_on_alpha(evidence: Cases) -> Judged:
    """As `converges`, and no two of the limits are equal."""
    judged = converges(evidence)
    later = np.sort([run.later for run in evidence.values()])
    distinct = all(np.diff(later) > ROUNDING * later[1:])
    return judged if distinct else Judged(FAILS, judged.measured)


def faster_for_larger_alpha(evidence: Cases) -> Judged:
    """R_alpha has its limit earlier for every larger alpha; in part: for some, and never later."""
    arrival = {}
    for case, run in sorted(evidence.items(), key=lambda item: item[0].alpha):
        there = np.abs(run.power.penalty / run.later - 1) <= ROUNDING
        arrival[case.alpha] = int(np.argmax(there)) if any(there) else len(there)
    steps = np.diff(list(arrival.values()))
    reached = ", ".join(f"alpha {alpha:g}: {i}" for alpha, i in arrival.items())
    measured = f"R_alpha has its limit from iteration ({len(there)}: not yet) {reached}"
    return Judged(verdict(all(steps < 0), all(steps <= 0) and any(steps < 0)), measured)


def dips_at_6_and_4(evidence: Cases) -> Judged:
    """The estimate is below alpha, lowest at iterations 6 (alpha 5) and 4 (10); is R_alpha, too?"""
    estimate = {}
    exact = {}
    lowest = []
    for alpha, run in _for_5_and_10(evidence).items():
        estimate[alpha] = _dip(run.power.estimate, alpha)
        exact[alpha] = _dip(run.power.penalty, alpha)
        lowest.append(min(run.power.penalty))
    if estimate != {5.0: 6, 10.0: 4}:
        at = each(estimate.values())
        return Judged(FAILS, f"the lowest estimates at iterations (-1: no dip) {at}")
    measured = (
        f"the estimate is lowest at iterations 6 and 4; R_alpha is never below {each(lowest)}"
    )
    return Judged(HOLDS if exact == estimate else ARTEFACT, measured)


def _dip(line: NDArray, alpha: float) -> int:
    """The iteration at which a line is lowest, where that is below alpha; else -1."""
    return int(line.argmin()) if _is_below(line, alpha) else -1


def _is_below(line: NDArray, alpha: float) -> bool:
    """Whether a line goes below alpha, by more than rounding."""
    return bool(min(line) < alpha * (1 - ROUNDING))


def _for_5_and_10(evidence: Cases) -> dict[float, Evidence]:
    """The two runs of which the paper names the minima, by their alpha."""
    return {case.alpha: run for case, run in evidence.items() if case.alpha in (5.0, 10.0)}


def a_little_below_alpha(evidence: Cases) -> Judged:
    """The minima are at most 10% below alpha: of R_alpha, or (an artefact) of the estimate."""
    estimate = []
    exact = []
    for alpha, run in _for_5_and_10(evidence).items():
        estimate.append(1 - min(run.power.estimate) / alpha)
        exact.append(1 - min(run.power.penalty) / alpha)
    below = ", ".join(f"{depth:.0%}" for depth in estimate)
    itself = "is not below at all" if max(exact) <= ROUNDING else f"by up to {max(exact):.0%}"
    return by_threshold(
        lambda limit: _of_R_or_estimate(_is_little(exact, limit), _is_little(estimate, limit)),
        threshold=0.1,
        found=max(estimate),
        asks="below alpha by at most",
        measured=f"the estimate is {below} below alpha for alpha = 5, 10; R_alpha itself {itself}",
    )


def _is_little(depths: list[float], limit: float) -> bool:
    """Whether all of these are below alpha, and by no more than this."""
    return all(ROUNDING < depth <= limit for depth in depths)


def _of_R_or_estimate(exact: bool, estimate: bool) -> str:
    """The verdict for what is so of R_alpha, or else of the estimate only."""
    if exact:
        return HOLDS
    return ARTEFACT if estimate else FAILS


def larger_minima(evidence: Cases) -> Judged:
    """The minima for alpha 5 and 10 exceed the others: those of R_alpha, and of the estimate."""
    exact, of_R = _minima(evidence, "penalty")
    estimate, of_estimate = _minima(evidence, "estimate")
    measured = f"minima of R_alpha {of_R}; of the estimate {of_estimate}"
    if exact and not estimate:
        return Judged(IN_PART, measured)
    return Judged(_of_R_or_estimate(exact, estimate), measured)


def _minima(evidence: Cases, field: str) -> tuple[bool, str]:
    """Whether the minima for alpha 5 and 10 exceed the others; all of them, in words."""
    small = []
    large = []
    for case, run in evidence.items():
        lowest = min(run.power[field])
        if case.alpha >= 5:
            large.append(lowest)
        else:
            small.append(lowest)
    return min(large) > max(small), each(small + large)


def similar_effect(evidence: Cases) -> Judged:
    """The largest final kappa is at most half above the least; in part: kappa falls every time."""
    lines = [run.power.condition_number for run in evidence.values()]
    lower = all(falls(line) for line in lines)
    last = [line[-1] for line in lines]
    excess = max(last) / min(last) - 1
    return by_threshold(
        lambda limit: verdict(lower and excess <= limit, lower),
        threshold=0.5,
        found=excess,
        asks="the largest above the smallest by at most",
        measured=f"kappa from {lines[0][0]:.3g} to {each(last)}",
    )


def theorem_explains(evidence: Cases) -> Judged:
    """R_alpha < alpha, which Theorem 2.1 asks for, somewhere in each run; in part: in some run.

    Where only the estimate is below alpha, the theorem with it in place of R_alpha would bound
    sigma_min from below; it is told what sigma_min is.
    """
    met = []
    total = 0
    bound = []
    found = []
    for case, (power, *_) in evidence.items():
        met.append(int(np.sum(power.penalty < case.alpha * (1 - ROUNDING))))
        total += len(power.penalty)
        if _is_below(power.estimate, case.alpha):
            lowest = power.estimate.argmin()
            bound.append((case.alpha - power.estimate[lowest]) ** 0.5)
            found.append(power.sigma_min[lowest])
    measured = f"its hypothesis R_alpha < alpha is met at {sum(met)} of {total} points"
    if bound:
        measured += f"; by the lowest estimates sigma_min > {each(bound)}, but it is {each(found)}"
    return Judged(verdict(all(met), any(met)), measured)


def returns_to_alpha(evidence: Cases) -> Judged:
    """Where the estimate went below alpha, it ends within 1% of alpha; was R_alpha below, too?"""
    alphas = []
    off = []
    exact = []
    svd = []
    for case, run in evidence.items():
        if _is_below(run.power.estimate, case.alpha):
            alphas.append(case.alpha)
            off.append(abs(run.power.estimate[-1] / case.alpha - 1))
            exact.append(min(run.power.penalty) / case.alpha)
            svd.append(min(run.svd.estimate) / case.alpha)
    if not alphas:
        return Judged(FAILS, "no estimate goes below alpha")
    unreal = min(exact) >= 1 - ROUNDING
    below = f"the estimate goes below alpha = {each(alphas)}"
    return by_threshold(
        lambda limit: _verdict_on_return(np.array(off) <= limit, unreal),
        threshold=0.01,
        found=max(off),
        asks="at the end off alpha by at most",
        measured=f"{below}; the lowest R_alpha / alpha: {each(exact)}, with full SVDs {each(svd)}",
    )


def _verdict_on_return(back: NDArray, unreal: bool) -> str:
    """Which runs are back at alpha; an artefact where all are and R_alpha was never below."""
    if unreal and all(back):
        return ARTEFACT
    return verdict(all(back), any(back))


def barrier(evidence: Cases) -> Judged:
    """R_alpha >= alpha at every point of the runs, and M'M is singular for other kernels as well.

    Then -alpha is an eigenvalue of M'M - alpha I, and no K does better. Ten start kernels of every
    size on a 6 x 6 image, all eigenvalues: (g - h) N^2 at least are 0. In part: one of the two.
    """
    N = 6
    lowest = [min(*run.power.penalty, run.later) / case.alpha for case, run in evidence.items()]
    zeros = []
    enough = []
    for g, h in sorted({(case.g, case.h) for case in evidence}):
        for state in range(1, 11):
            M = conv_matrix(start_kernel(3, g, h, state), N).toarray()
            values = np.linalg.eigvalsh(M.T @ M)
            share = np.mean(np.abs(values) <= 1e-12 * values[-1])
            zeros.append(share)
            enough.append(share >= max((g - h) * N**2, 1) / len(values))
    runs = min(lowest) >= 1 - ROUNDING
    singular = all(enough)
    can = "cannot" if singular else "can"
    measured = (
        f"smallest R_alpha / alpha: {each(lowest)}; of the eigenvalues of M'M, {len(zeros)} "
        f"kernels, N = {N}, {min(zeros):.0%} or more are 0: R_alpha {can} be below alpha"
    )
    return Judged(verdict(runs and singular, runs or singular), measured)


EXAMPLE_2_CLAIMS = claims_of(
    "Section 3, Example 2",
    (
        "R_alpha converges for all alpha, to a value that depends on alpha",
        limit_depends_on_alpha,
        FIGURE_3_2,
    ),
    ("The condition number falls together with R_alpha", falls_together, FIGURE_3_2),
    ("For larger alpha the convergence appears faster", faster_for_larger_alpha, FIGURE_3_2),
    (
        "alpha = 5, 10: R_alpha dips below alpha, lowest at iterations 6, 4",
        dips_at_6_and_4,
        NOT_BELOW_ALPHA,
    ),
    ("Those minima are a little below alpha", a_little_below_alpha, FIGURE_3_2),
    ("They are larger than the minima for smaller alpha", larger_minima, FIGURE_3_2),
    ("The effect on the condition number is similar all the same", similar_effect, FIGURE_3_2),
    ("Theorem 2.1 suggests that effect", theorem_explains, BARRIER),
    (
        "Having fallen below alpha, R_alpha rises back to the level of alpha",
        returns_to_alpha,
        NOT_BELOW_ALPHA,
    ),
    ("There may be a theoretical barrier to R_alpha much below alpha", barrier, BARRIER),
    (
        "Two power iterations give results comparable with a full SVD",
        comparable,
        SAID_OF_FIGURE_3_2,
    ),
)
