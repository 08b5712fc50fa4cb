"""Section 3: what the paper says of its examples, each sentence a predicate with a computed verdict.

A predicate takes the evidence on every case (`convreg.examples.gather`) and returns a verdict with the numbers
behind it. The verdicts: "holds"; "holds in part"; "artefact" (seen as described, but of the estimate and not
of R_alpha); "does not hold".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from convreg.examples import Case, Evidence

HOLDS, IN_PART, ARTEFACT, FAILS = "holds", "holds in part", "artefact", "does not hold"
Judge = Callable[[Mapping[Case, Evidence]], tuple[str, str]]


class Claim(NamedTuple):
    """A sentence of the paper in our words, and the predicate that judges it."""

    says: str
    judge: Judge


class Scored(NamedTuple):
    """A claim with its verdict and the numbers behind it."""

    says: str
    verdict: str
    measured: str


def score(claims: Iterable[Claim], evidence: Mapping[Case, Evidence]) -> list[Scored]:
    """Every claim judged by the evidence."""
    return [Scored(claim.says, *claim.judge(evidence)) for claim in claims]


def as_markdown(scored: Iterable[Scored]) -> str:
    """The table that ends notebooks 05 and 06."""
    rows = [("What the paper says", "Verdict", "What we measure"), ("---",) * 3]
    rows += [(row.says, f"**{row.verdict}**", row.measured) for row in scored]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _verdict(whole: bool, part: bool) -> str:
    return HOLDS if whole else IN_PART if part else FAILS


def _each(values: Iterable[float], digits: int = 3) -> str:
    return ", ".join(f"{value:.{digits}g}" for value in values)


def converges(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """R_alpha after the run is within 5% of its value after ten times as long; in part: within 2% of the fall."""
    last = np.array([run.power.penalty[-1] for run in evidence.values()])
    later = np.array([run.later for run in evidence.values()])
    first = np.array([run.power.penalty[0] for run in evidence.values()])
    whole = np.abs(last - later) <= 0.05 * last
    part = np.abs(last - later) <= 0.02 * np.abs(first - later)
    measured = f"R_alpha {_each(last)} at the end; {_each(later)} ten times later"
    return _verdict(all(whole), all(part) or any(whole)), measured


def falls_together(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """Penalty and condition number are lower at the end, with correlated logarithms (over 0.9)."""
    runs = [run.power for run in evidence.values()]
    lower = [all(line[-1] < line[0] for line in (run.penalty, run.condition_number)) for run in runs]
    correlation = [np.corrcoef(np.log(run.penalty), np.log(run.condition_number))[0, 1] for run in runs]
    kappa = ", ".join(f"{run.condition_number[0]:.3g} to {run.condition_number[-1]:.3g}" for run in runs)
    measured = f"kappa {kappa}; correlation with R_alpha {_each(correlation, 2)}"
    return _verdict(all(lower) and min(correlation) > 0.9, all(lower)), measured


def smallest_stays(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """sigma_min changes by at most 10%; in part: by less than half of what sigma_max changes."""
    small = np.array([run.power.sigma_min[-1] / run.power.sigma_min[0] - 1 for run in evidence.values()])
    large = np.array([run.power.sigma_max[-1] / run.power.sigma_max[0] - 1 for run in evidence.values()])
    percent = ", ".join(f"{100 * change:+.0f}%" for change in small)
    measured = f"sigma_min {percent}; sigma_max {', '.join(f'{100 * change:+.0f}%' for change in large)}"
    return _verdict(max(abs(small)) <= 0.1, all(abs(small) < 0.5 * abs(large))), measured


def largest_does_the_work(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """kappa falls, and sigma_max falls by a larger factor than sigma_min rises, in every case."""
    runs = [run.power for run in evidence.values()]
    large = np.array([run.sigma_max[0] / run.sigma_max[-1] for run in runs])
    small = np.array([run.sigma_min[-1] / run.sigma_min[0] for run in runs])
    measured = f"sigma_max divided by {_each(large)}; sigma_min multiplied by {_each(small)}"
    return _verdict(all(large * small > 1) and all(large > small), any(large > small)), measured


def same_behaviour(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """R_alpha falls to a tenth within one iteration of each other, and ends at values a factor 2 apart or more."""
    tenth = np.array([np.argmax(run.power.penalty <= run.power.penalty[0] / 10) for run in evidence.values()])
    last = np.array([run.power.penalty[-1] for run in evidence.values()])
    alike, apart = np.ptp(tenth) <= 1 and all(tenth > 0), max(last) > 2 * min(last)
    measured = f"a tenth of the start at iterations {_each(tenth)}; final R_alpha {_each(last)}"
    return _verdict(alike and apart, alike or apart), measured


def comparable(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """Final kappa and every estimate within 10% of the exact ones; in part: final kappa within 25%."""
    kappa = [abs(run.power.condition_number[-1] / run.svd.condition_number[-1] - 1) for run in evidence.values()]
    lag = [np.max(1 - run.power.estimate / run.power.penalty) for run in evidence.values()]
    measured = f"final kappa differs by up to {max(kappa):.0%}; the estimate is up to {max(lag):.0%} below R_alpha"
    return _verdict(max(kappa) <= 0.1 and max(lag) <= 0.1, max(kappa) <= 0.25), measured


def limit_depends_on_alpha(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """As `converges`, and the limits grow with alpha."""
    verdict, measured = converges(evidence)
    later = [evidence[case].later for case in sorted(evidence, key=lambda case: case.alpha)]
    return verdict if all(np.diff(later) > 0) else FAILS, measured


def faster_for_larger_alpha(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """The iteration at which R_alpha first lies within 5% of its limit falls as alpha grows."""
    arrival = {}
    for case, run in sorted(evidence.items(), key=lambda item: item[0].alpha):
        near = np.abs(run.power.penalty - run.later) <= 0.05 * run.later
        arrival[case.alpha] = int(np.argmax(near)) if any(near) else len(near)
    steps = np.diff(list(arrival.values()))
    reached = ", ".join(f"alpha {alpha:g}: {i}" for alpha, i in arrival.items())
    measured = f"within 5% of the limit at iteration ({len(near)}: not yet) {reached}"
    return _verdict(all(steps < 0), all(steps <= 0)), measured


def dips_at_6_and_4(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """The estimate is smallest at iterations 6 (alpha 5) and 4 (alpha 10), below alpha; so is R_alpha itself?"""
    runs = {case.alpha: run for case, run in evidence.items() if case.alpha in (5.0, 10.0)}
    at = {alpha: int(run.power.estimate.argmin()) for alpha, run in runs.items()}
    if at != {5.0: 6, 10.0: 4} or any(run.power.estimate.min() >= alpha for alpha, run in runs.items()):
        return FAILS, f"the estimate is smallest at iterations {at}"
    dips = [run.power.estimate.min() for run in runs.values()]
    exact = [run.power.penalty.min() for run in runs.values()]
    below = all(run.power.penalty.min() < alpha * (1 - 1e-9) for alpha, run in runs.items())
    measured = f"at 6 and 4 the estimate is {_each(dips)}; R_alpha itself is never below {_each(exact)}"
    return HOLDS if below else ARTEFACT, measured


def larger_minima_similar_effect(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """The minima for alpha 5 and 10 exceed the others; kappa is at least halved for every alpha."""
    large = [run.power.estimate.min() for case, run in evidence.items() if case.alpha >= 5]
    small = [run.power.estimate.min() for case, run in evidence.items() if case.alpha < 5]
    kappa = np.array([run.power.condition_number[[0, -1]] for run in evidence.values()])
    larger, halved = min(large) > max(small), all(kappa[:, 1] < kappa[:, 0] / 2)
    measured = f"minima {_each(small + large)}; kappa from {kappa[0, 0]:.3g} to {_each(kappa[:, 1])}"
    return _verdict(larger and halved, larger or halved), measured


def theorem_explains(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """Theorem 2.1 applies where R_alpha < alpha: how often is that so?"""
    below = [int(np.sum(run.power.penalty < case.alpha * (1 - 1e-9))) for case, run in evidence.items()]
    total = sum(len(run.power.penalty) for run in evidence.values())
    measured = f"its hypothesis R_alpha < alpha is met at {sum(below)} of {total} points"
    return _verdict(all(below), any(below)), measured


def returns_to_alpha(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """Where the estimate went below alpha, it ends within 1% of alpha; did R_alpha go below as well?"""
    dipped = {case: run for case, run in evidence.items() if run.power.estimate.min() < case.alpha * (1 - 1e-9)}
    back = [abs(run.power.estimate[-1] / case.alpha - 1) <= 0.01 for case, run in dipped.items()]
    below = [run.power.penalty.min() < case.alpha * (1 - 1e-9) for case, run in dipped.items()]
    svd = [run.svd.estimate.min() / case.alpha for case, run in dipped.items()]
    alphas = _each(case.alpha for case in dipped)
    measured = f"for alpha {alphas} the estimate comes back; with full SVDs it is never below {_each(svd)} alpha"
    return (ARTEFACT if back and all(back) and not any(below) else _verdict(all(back), any(back))), measured


def barrier(evidence: Mapping[Case, Evidence]) -> tuple[str, str]:
    """R_alpha >= alpha at every point of every run; M'M is singular when h < g, so no K can do better."""
    lowest = [min(run.power.penalty.min(), run.later) / case.alpha for case, run in evidence.items()]
    singular = all(case.h < case.g for case in evidence)
    measured = f"smallest R_alpha / alpha: {_each(lowest)}; h < g makes M'M singular, so R_alpha >= alpha always"
    return _verdict(singular and min(lowest) >= 1 - 1e-9, singular), measured


EXAMPLE_1_CLAIMS = (
    Claim("R_1 converges well within 20 iterations for all kernel sizes", converges),
    Claim("The condition number falls together with R_1", falls_together),
    Claim("sigma_min does not change much", smallest_stays),
    Claim("The gain comes from sigma_max rather than from sigma_min", largest_does_the_work),
    Claim("Kernel size changes the final values, not the way it converges", same_behaviour),
    Claim("Two power iterations give results comparable with a full SVD", comparable),
)

EXAMPLE_2_CLAIMS = (
    Claim("R_alpha converges for all alpha, to a value that depends on alpha", limit_depends_on_alpha),
    Claim("The condition number falls together with R_alpha", falls_together),
    Claim("Larger alpha converges faster", faster_for_larger_alpha),
    Claim("alpha = 5 and 10: R_alpha is lowest at iterations 6 and 4, a little below alpha", dips_at_6_and_4),
    Claim("Their minima are larger, the effect on the condition number is similar", larger_minima_similar_effect),
    Claim("Theorem 2.1 explains that effect", theorem_explains),
    Claim("Having fallen below alpha, R_alpha rises back to alpha", returns_to_alpha),
    Claim("There may be a barrier to R_alpha much below alpha", barrier),
    Claim("Two power iterations give results comparable with a full SVD", comparable),
)
