"""Section 3, both examples: what the paper says of every descent.

A predicate takes the evidence on every case (`convreg.examples.gather`) and returns a verdict with
the numbers behind it. The sentences stand in `convreg.claims.example_1` and `example_2`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from convreg.claims.definitions import Judged, by_threshold, each, most, verdict
from convreg.examples import Case, Evidence

Cases = Mapping[Case, Evidence]
ROUNDING = 1e-9


def converges(evidence: Cases) -> Judged:
    """R_alpha changes by at most 5% in nine times as long after the run; in part: in some case."""
    last, later = at_the_end(evidence)
    change = np.abs(later / last - 1)
    return by_threshold(
        lambda limit: verdict(all(change <= limit), any(change <= limit)),
        threshold=0.05,
        found=max(change),
        asks="it changes afterwards by at most",
        measured=f"R_alpha {each(last)} at the end; {each(later, 2)} ten times later",
    )


def falls_together(evidence: Cases) -> Judged:
    """kappa and R_alpha are lower at the end, and correlated (0.9); in part: they are lower."""
    lower = True
    correlation = []
    kappa = []
    for run, *_ in evidence.values():
        lower = lower and falls(run.penalty) and falls(run.condition_number)
        logs = np.log([run.penalty, run.condition_number])
        correlation.append(np.corrcoef(logs)[0, 1])
        kappa.append(f"{run.condition_number[0]:.3g} to {run.condition_number[-1]:.3g}")
    apart = 1 - min(correlation)
    words = f"correlation with R_alpha (logarithms) {each(correlation, 2)}"
    return by_threshold(
        lambda limit: verdict(lower and apart <= limit, lower),
        threshold=0.1,
        found=apart,
        asks="one less the correlation, at most",
        measured=f"kappa {', '.join(kappa)}; {words}",
    )


def comparable(evidence: Cases) -> Judged:
    """Final kappa, and R_alpha as each run gives it, within 10%; in part: kappa, in most cases."""
    kappa = []
    lines = []
    for power, svd, _ in evidence.values():
        kappa.append(abs(power.condition_number[-1] / svd.condition_number[-1] - 1))
        lines.append(max(np.abs(power.estimate / svd.estimate - 1)))
    apart = max(kappa + lines)
    words = f"final kappa differs by up to {max(kappa):.0%}"
    return by_threshold(
        lambda limit: verdict(apart <= limit, most(np.array(kappa) <= limit)),
        threshold=0.1,
        found=apart,
        asks="apart by at most",
        measured=f"{words}, R_alpha as the algorithm gives it by up to {max(lines):.0%}",
    )


def at_the_end(evidence: Cases) -> tuple[NDArray, NDArray]:
    """The exact R_alpha after the run, and after ten times as many iterations."""
    last = np.array([run.power.penalty[-1] for run in evidence.values()])
    later = np.array([run.later for run in evidence.values()])
    return last, later


def falls(line: NDArray) -> bool:
    """Whether a line ends lower than it starts.

    >>> falls(np.array([2.0, 3.0, 1.0]))
    True
    """
    return bool(line[-1] < line[0])
