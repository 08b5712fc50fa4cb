"""Verdicts, thresholds and the table of claims."""

import re

import numpy as np
import pytest

from convreg.claims import definitions
from convreg.claims.definitions import (
    FAILS,
    HOLDS,
    Claim,
    Judged,
    Scored,
    as_markdown,
    claims_of,
    each,
    is_gradient,
    most,
    order,
    score,
    verdict,
)
from convreg.claims.notation import as_mathematics
from convreg.claims.sections import Section


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        (True, True, "holds"),
        (True, False, "holds"),
        (False, True, "holds in part"),
        (False, False, "does not hold"),
    ],
)
def test_a_verdict_is_whole_or_else_in_part(whole, part, expected):
    assert verdict(whole, part) == expected


@pytest.mark.parametrize(
    ("found", "expected", "at_half", "at_twice"),
    [
        (0.04, "holds", "the same", "the same"),
        (0.05, "holds", "the same", "the same"),
        (0.08, "holds", "holds in part", "the same"),
        (0.16, "holds in part", "does not hold", "holds"),
        (0.7, "does not hold", "the same", "the same"),
        (0.4, "does not hold", "the same", "holds in part"),
    ],
)
def test_a_threshold_comes_with_the_verdicts_at_half_and_at_twice(
    found, expected, at_half, at_twice
):
    """Whole up to a threshold of 0.1, in part up to three times as much."""
    judged = definitions.by_threshold(
        lambda limit: verdict(found <= limit, found <= 3 * limit), 0.1, found, "at most", "so"
    )
    margin = f"at most 0.1: {found:g}; at 0.05 {at_half}, at 0.2 {at_twice}"
    assert judged == Judged(expected, "so", margin)


def test_what_is_judged_without_a_threshold_has_no_margin():
    assert Judged(HOLDS, "so") == (HOLDS, "so", "")


@pytest.mark.parametrize(
    ("flags", "expected"), [([1, 1, 0], True), ([1, 0], False), ([1, 0, 0], False), ([1], True)]
)
def test_most_are_more_than_a_half(flags, expected):
    assert most(np.array(flags, bool)) == expected


@pytest.mark.parametrize(
    ("values", "digits", "expected"),
    [
        ([], 3, ""),
        ([2.0], 3, "2"),
        ([0.12345, 123456, -1], 3, "0.123, 1.23e+05, -1"),
        ([np.pi, 2.5], 2, "3.1, 2.5"),
    ],
)
def test_each_rounds_to_digits(values, digits, expected):
    assert each(iter(values), digits) == expected
    assert each([1.23456]) == "1.23"


@pytest.mark.parametrize(("factor", "expected"), [(1, 2), (1.1, 1), (1.001, 1), (-1, 1)])
def test_the_order_is_2_for_a_gradient_and_1_for_anything_else(factor, expected):
    def f(X):
        return float(np.sum(X**2 + X**3))

    A = np.random.default_rng(0).standard_normal((4, 3))
    G = factor * (2 * A + 3 * A**2)
    assert round(order(f, A, G)) == expected
    assert is_gradient(f, A, G) == (expected == 2)


def one_is_two(*evidence):
    return Judged(FAILS, str(evidence), "at most 1")


ONE = Section("01_one", "One")
TWO = Section("02_two", "Two: $u=v$")


def test_a_score_hands_the_evidence_to_the_judge():
    claim = Claim("(1.1)", "One is two", one_is_two, ONE)
    place = f"{__name__}.one_is_two"
    expected = Scored(
        "(1.1)", "One is two", "does not hold", "at most 1", "(1, 2)", "01_one", "One", place
    )
    assert score([claim, claim], 1, 2) == [expected] * 2
    assert score([]) == []


def test_claims_of_one_place_keep_their_order():
    found = claims_of("(1.1)", ("One is two", sum, ONE), ("Two is one", max, TWO))
    assert found == (
        Claim("(1.1)", "One is two", sum, ONE),
        Claim("(1.1)", "Two is one", max, TWO),
    )


def test_the_table_has_a_row_per_claim(card):
    header, line, *rows = as_markdown(card).splitlines()
    assert header == (
        "| Where | What the paper says | Verdict | What we measure | Shown in, judged by |"
    )
    assert line == "| --- | --- | --- | --- | --- |"
    for text, row in zip(rows, card, strict=True):
        where, says, verdict, measured, links = text.strip("| ").split(" | ")
        assert (where, verdict) == (row.where, f"**{row.verdict}**")
        assert says == as_mathematics(row.says)
        threshold = f"<br><small>Our threshold: {as_mathematics(row.margin)}</small>"
        assert measured == as_mathematics(row.measured) + threshold * bool(row.margin)
        number = int(row.notebook[:2])
        assert links.startswith(f"[{number}. {row.section}](../notebooks/{row.notebook}.ipynb#")
        module, name = row.predicate.rsplit(".", 1)
        assert links.endswith(f"<br>[`{name}`](../{module.replace('.', '/')}.py)")


def test_a_pipe_does_not_end_a_cell():
    claim = Claim("(1.1)", "|u| is | 1", one_is_two, TWO)
    *_, row = as_markdown(score([claim])).splitlines()
    assert re.split(r" (?<!\\)\| ", row.strip("| ")) == [
        "(1.1)",
        r"\|$u$\| is \| 1",
        "**does not hold**",
        "()<br><small>Our threshold: at most 1</small>",
        "[2. Two: $u=v$](../notebooks/02_two.ipynb#two-)<br>"
        f"[`one_is_two`](../{__name__.replace('.', '/')}.py)",
    ]
