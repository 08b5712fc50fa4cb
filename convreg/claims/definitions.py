"""The scorecard's words: what a claim is, its verdict, and the table of both.

The verdicts:

* "holds"; "holds in part"; "does not hold";
* "artefact": seen as described, but of the estimate and not of R_alpha;
* "slip": a misprint, which holds with the correction that is named;
* "not seen here": it may be so elsewhere, and was not in the networks that were trained.

Outside of the tally, as no evidence could turn them: "by definition" (true of anything that bears
the name) and "open" (not judged here).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.claims.notation import as_mathematics
from convreg.claims.sections import Section, link_to
from convreg.verify import Function, gradient_tables, remainder_order

HOLDS = "holds"
IN_PART = "holds in part"
ARTEFACT = "artefact"
FAILS = "does not hold"
SLIP = "slip"
NOT_SEEN = "not seen here"
BY_DEFINITION = "by definition"
OPEN = "open"


class Judged(NamedTuple):
    """A verdict, the numbers behind it and, where a threshold decides, `by_threshold`'s margin."""

    verdict: str
    measured: str
    margin: str = ""


class Claim(NamedTuple):
    """A sentence of the paper in our words, its judge, and the section that shows it."""

    where: str
    says: str
    judge: Callable[..., Judged]  # of the evidence, where it needs any
    shown: Section


class Scored(NamedTuple):
    """A claim with its verdict, what it hangs on, the numbers behind it, and where to look."""

    where: str
    says: str
    verdict: str
    margin: str
    measured: str
    notebook: str
    section: str
    predicate: str  # the judge, with its module


def claims_of(where: str, *rows: tuple[str, Callable[..., Judged], Section]) -> tuple[Claim, ...]:
    """Claims from one place of the paper: what it says, the judge, the section that shows it.

    >>> row = ("One is two", lambda: Judged(FAILS, "1 and 2"), Section("01_one", "Two"))
    >>> claims_of("(1.1)", row)[0].where
    '(1.1)'
    """
    return tuple(Claim(where, *row) for row in rows)


def score(claims: Iterable[Claim], *evidence: object) -> list[Scored]:
    """Every claim judged by the evidence.

    >>> shown = Section("01_one", "Two")
    >>> claim = Claim("(1.1)", "One is two", lambda: Judged(FAILS, "1 and 2"), shown)
    >>> score([claim])[0].verdict
    'does not hold'
    """
    rows = []
    for claim in claims:
        found = claim.judge(*evidence)
        rows.append(
            Scored(
                where=claim.where,
                says=claim.says,
                verdict=found.verdict,
                margin=found.margin,
                measured=found.measured,
                notebook=claim.shown.notebook,
                section=claim.shown.heading,
                predicate=f"{claim.judge.__module__}.{claim.judge.__name__}",
            )
        )
    return rows


TITLES = ("Where", "What the paper says", "Verdict", "What we measure", "Shown in, judged by")


def as_markdown(scored: Iterable[Scored]) -> str:
    """A table with a row for each claim, formulas between dollars.

    Below what is measured stands the threshold of ours on which the verdict hangs, where it hangs
    on one. The links are those of a page in docs/ or notebooks/: to the notebook's section and to
    the module of the predicate.
    """
    lines = [TITLES, ("---",) * len(TITLES)]
    for row in scored:
        measured = as_mathematics(row.measured)
        if row.margin:
            measured += f"<br><small>Our threshold: {as_mathematics(row.margin)}</small>"
        links = f"{link_to(Section(row.notebook, row.section))}<br>{_link_to_predicate(row)}"
        lines.append((row.where, as_mathematics(row.says), f"**{row.verdict}**", measured, links))
    return "\n".join(f"| {' | '.join(map(_without_pipes, line))} |" for line in lines)


def _without_pipes(cell: str) -> str:
    """A cell whose pipes do not end it."""
    return cell.replace("|", "\\|")


def _link_to_predicate(row: Scored) -> str:
    """The name of the predicate, as a link to its module."""
    module, _, name = row.predicate.rpartition(".")
    return f"[`{name}`](../{module.replace('.', '/')}.py)"


def verdict(whole: bool, part: bool) -> str:
    """The verdict for what is so as a whole, or else in part.

    >>> verdict(False, True)
    'holds in part'
    """
    if whole:
        return HOLDS
    return IN_PART if part else FAILS


def misprint(printed: bool, corrected: bool, correction: str) -> Judged:
    """The verdict for what may fail as printed and hold as corrected.

    >>> misprint(False, True, "gk^2 for gk").verdict
    'slip'
    """
    if printed:
        return Judged(HOLDS, correction)
    return Judged(SLIP if corrected else FAILS, correction)


def by_threshold(
    decide: Callable[[float], str], threshold: float, found: float, asks: str, measured: str
) -> Judged:
    """A verdict that hangs on a threshold of ours: how far it is, the verdict at half and at twice.

    Parameters
    ----------
    decide : callable
        The verdict for a threshold.
    threshold, found : float
        Ours, and the number that is held against it.
    asks : str
        What is asked of the number: "at most", "at least".
    measured : str

    >>> decide = lambda most: verdict(0.08 <= most, True)
    >>> by_threshold(decide, 0.05, 0.08, "at most", "8%").margin
    'at most 0.05: 0.08; at 0.025 the same, at 0.1 holds'
    """
    here = decide(threshold)
    others = []
    for other in (threshold / 2, 2 * threshold):
        there = decide(other)
        word = "the same" if there == here else there
        others.append(f"at {other:g} {word}")
    margin = f"{asks} {threshold:g}: {found:.3g}; {', '.join(others)}"
    return Judged(here, measured, margin)


def most(flags: NDArray) -> bool:
    """Whether more than a half are so.

    >>> most(np.array([True, True, False])), most(np.array([True, False]))
    (True, False)
    """
    return bool(2 * np.sum(flags) > len(flags))


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


def is_gradient(f: Function, x: NDArray, G: NDArray) -> bool:
    """Whether G is the gradient of f at x, by the order of the Taylor remainders.

    >>> x = np.array([1.0, 2.0])
    >>> is_gradient(lambda x: float(np.sum(x**2)), x, np.array([2.0, 4.1]))
    False
    """
    return round(order(f, x, G)) == 2
