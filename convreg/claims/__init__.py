"""The scorecard: what the paper says, sentence by sentence, with a verdict that code computes.

The verdicts: "holds"; "holds in part"; "artefact" (seen as described, but of the estimate and not of R_alpha);
"does not hold"; "slip" (a misprint: with the correction that is named, it holds); "open" (not decided here).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.verify import Function, gradient_tables, remainder_order

HOLDS, IN_PART, ARTEFACT, FAILS = "holds", "holds in part", "artefact", "does not hold"
SLIP, OPEN = "slip", "open"
Judged = tuple[str, str]  # a verdict, and the numbers behind it
CENTRE = np.eye(9)[4].reshape(3, 3)  # the kernel with the centre tap 1


class Claim(NamedTuple):
    """A sentence of the paper in our words, the predicate that judges it, and the notebook that shows it."""

    where: str
    says: str
    judge: Callable[..., Judged]  # of the evidence, where it needs any
    notebook: str


class Scored(NamedTuple):
    """A claim with its verdict and the numbers behind it."""

    where: str
    says: str
    verdict: str
    measured: str
    notebook: str


def score(claims: Iterable[Claim], *evidence: object) -> list[Scored]:
    """Every claim judged by the evidence.

    >>> score([Claim("(1.1)", "One is two", lambda: (FAILS, "1 and 2"), "01")])[0].verdict
    'does not hold'
    """
    return [Scored(claim.where, claim.says, *claim.judge(*evidence), claim.notebook) for claim in claims]


def as_markdown(scored: Iterable[Scored]) -> str:
    """A table with a row for each claim."""
    rows = [("Where", "What the paper says", "Verdict", "What we measure", "Notebook"), ("---",) * 5]
    rows += [(row.where, row.says, f"**{row.verdict}**", row.measured, row.notebook) for row in scored]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def verdict(whole: bool, part: bool) -> str:
    """The verdict for what is so as a whole, or else in part.

    >>> verdict(False, True)
    'holds in part'
    """
    return HOLDS if whole else IN_PART if part else FAILS


def each(values: Iterable[float], digits: int = 3) -> str:
    """Numbers as a list in words.

    >>> each([1.2345, 10])
    '1.23, 10'
    """
    return ", ".join(f"{value:.{digits}g}" for value in values)


def order(f: Function, x: NDArray, G: NDArray) -> float:
    """The order of the Taylor remainders of f at x: 2 where G is its gradient, else 1.

    >>> order(lambda x: float(np.sum(x**2)), np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    2.0
    """
    return remainder_order(gradient_tables("", f, x, {"right": G})[0])
