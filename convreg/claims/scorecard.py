"""The scorecard: every checkable sentence of the paper, in its order, and then its slips.

    python -m convreg.claims.scorecard

prints the table that notebook 0 and the documentation show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from convreg.claims.algorithm import ALGORITHM_CLAIMS, TRACKING_CLAIMS
from convreg.claims.bounds import SECTION_2_CLAIMS
from convreg.claims.convolutions import SECTION_1_CLAIMS
from convreg.claims.definitions import (
    ARTEFACT,
    BY_DEFINITION,
    FAILS,
    HOLDS,
    IN_PART,
    NOT_SEEN,
    OPEN,
    SLIP,
    Scored,
    as_markdown,
    score,
)
from convreg.claims.example_1 import EXAMPLE_1_CLAIMS, SECTION_4_CLAIMS, START_CLAIMS
from convreg.claims.example_2 import EXAMPLE_2_CLAIMS
from convreg.claims.goals import GOAL_CLAIMS
from convreg.claims.gradient_slips import GRADIENT_SLIPS
from convreg.claims.gradients import GRADIENT_CLAIMS
from convreg.claims.other_methods import OTHER_METHODS_CLAIMS
from convreg.claims.signals import SIGNAL_CLAIMS
from convreg.claims.slips import SLIPS
from convreg.examples import EXAMPLE_1, EXAMPLE_2, Case, gather, run

ORDER = (HOLDS, IN_PART, ARTEFACT, FAILS, NOT_SEEN, SLIP, BY_DEFINITION, OPEN)


def scorecard(
    example_1: dict[Case, np.recarray], example_2: dict[Case, np.recarray]
) -> list[Scored]:
    """Every claim judged, from the histories of the two examples (`convreg.examples.run`)."""
    evidence_1 = gather(EXAMPLE_1, example_1)
    evidence_2 = gather(EXAMPLE_2, example_2)
    return [
        *score(SECTION_1_CLAIMS),
        *score(GOAL_CLAIMS),
        *score(OTHER_METHODS_CLAIMS),
        *score(SIGNAL_CLAIMS),
        *score(SECTION_2_CLAIMS),
        *score(GRADIENT_CLAIMS),
        *score(ALGORITHM_CLAIMS),
        *score(TRACKING_CLAIMS, evidence_1),
        *score(START_CLAIMS),
        *score(EXAMPLE_1_CLAIMS, evidence_1),
        *score(EXAMPLE_2_CLAIMS, evidence_2),
        *score(SECTION_4_CLAIMS, evidence_1),
        *score(SLIPS),
        *score(GRADIENT_SLIPS),
    ]


def counts(scored: Iterable[Scored]) -> dict[str, int]:
    """How many claims have which verdict, in the order of ``ORDER``.

    >>> counts([Scored(*["holds"] * 8), Scored(*["open"] * 8)])
    {'holds': 1, 'open': 1}
    """
    found = Counter(row.verdict for row in scored)
    return {verdict: found[verdict] for verdict in ORDER if verdict in found}


def tally(scored: Iterable[Scored]) -> str:
    """How many claims have which verdict, in words; apart from those that evidence could not turn.

    >>> tally([Scored(*[verdict] * 8) for verdict in ("slip", "open", "slip")])
    '2 claims judged: 2 slip; besides 1 open'
    """
    judged = counts(scored)
    besides = {}
    for verdict in (BY_DEFINITION, OPEN):
        if verdict in judged:
            besides[verdict] = judged.pop(verdict)
    words = f"{sum(judged.values())} claims judged: {_in_words(judged)}"
    return f"{words}; besides {_in_words(besides)}" if besides else words


def _in_words(found: Mapping[str, int]) -> str:
    """Counts as a list in words.

    >>> _in_words({"holds": 2, "slip": 1})
    '2 holds, 1 slip'
    """
    return ", ".join(f"{count} {verdict}" for verdict, count in found.items())


if __name__ == "__main__":
    print(as_markdown(scorecard(run(EXAMPLE_1), run(EXAMPLE_2))))
