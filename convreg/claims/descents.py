"""Section 3, both examples: what the paper says of the descents, each sentence a predicate.

A predicate takes the evidence on every case (`convreg.examples.gather`) and returns a verdict with
the numbers behind it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from convreg.claims.definitions import Judged, by_threshold, each, verdict
from convreg.examples import Case, Evidence

Cases = Mapping[Case, Evidence]
ROUNDING = 1e-9


def converges(evidence: Cases) -> Judged:
    """R_alpha changes by at most 5% in nine times as long after the run; in part: in some case."""
    last, later = at_the_end(evidence)
    change = abs(later / last - 1)
    measured = f"R_alpha {each(last)} at the end; {each(later, 2)} ten times later"

    def decide(limit: float) -> str:
        return verdict(all(change <= limit), any(change <= limit))

    return by_threshold(decide, 0.05, max(change), "it changes afterwards by at most", measured)


def falls_together(evidence: Cases) -> Judged:
    """kappa and R_alpha are lower at the end, and correlated (0.9); in part: they are lower."""
    runs = [run.power for run in evidence.values()]
    lower = [falls(run.penalty) and falls(run.condition_number) for run in runs]
    logs = [np.log([run.penalty, run.condition_number]) for run in runs]
    correlation = [np.corrcoef(*pair)[0, 1] for pair in logs]
    kappa = [f"{run.condition_number[0]:.3g} to {run.condition_number[-1]:.3g}" for run in runs]
    words = f"correlation with R_alpha (logarithms) {each(correlation, 2)}"
    measured = f"kappa {', '.join(kappa)}; {words}"

    def decide(limit: float) -> str:
        return verdict(all(lower) and 1 - min(correlation) <= limit, all(lower))

    asks = "one less the correlation, at most"
    return by_threshold(decide, 0.1, 1 - min(correlation), asks, measured)


def comparable(evidence: Cases) -> Judged:
    """Final kappa, and R_alpha as each run gives it, within 10%; in part: kappa, in most cases."""
    kappa, lines = [], []
    for power, svd, _ in evidence.values():
        kappa.append(abs(power.condition_number[-1] / svd.condition_number[-1] - 1))
        lines.append(max(abs(power.estimate / svd.estimate - 1)))
    words = f"final kappa differs by up to {max(kappa):.0%}"
    measured = f"{words}, R_alpha as the algorithm gives it by up to {max(lines):.0%}"

    def decide(limit: float) -> str:
        near = np.array(kappa) <= limit
        return verdict(max(*kappa, *lines) <= limit, 2 * sum(near) > len(near))

    return by_threshold(decide, 0.1, max(*kappa, *lines), "apart by at most", measured)


def at_the_end(evidence: Cases) -> tuple[NDArray, NDArray]:
    """The exact R_alpha after the run, and after ten times as many iterations."""
    last = np.array([run.power.penalty[-1] for run in evidence.values()])
    return last, np.array([run.later for run in evidence.values()])


def falls(line: NDArray) -> bool:
    return bool(line[-1] < line[0])
