"""Section 3, both examples: the verdicts, what turns them, and the numbers in each row."""

import pytest
from evidence import numbers
from planted import beside_svd, evidence_on, falling, following, in_the_tally, turned

from convreg.claims import descents
from convreg.claims.definitions import FAILS, HOLDS, IN_PART

VERDICTS = {
    "converges": IN_PART,
    "falls_together": HOLDS,
    "comparable": IN_PART,
}

PLANTED = [
    *following(
        descents.converges,
        ([falling([9, 1], 1.049), falling([9, 2], 1.91)], HOLDS),
        ([falling([9, 1], 1.049), falling([9, 2], 1.89)], IN_PART),
        ([falling([9, 1], 1.051), falling([9, 2], 1.89)], FAILS),
    ),
    *following(
        descents.falls_together,
        ([{"penalty": [9, 6, 3], "condition_number": [9, 6, 3]}], HOLDS),
        ([{"penalty": [9, 6, 3], "condition_number": [9, 20, 8]}], IN_PART),
        ([{"penalty": [9, 6, 3], "condition_number": [3, 5, 9]}], FAILS),
        ([{"penalty": [3, 6, 9], "condition_number": [9, 6, 3]}], FAILS),
        ([{"penalty": [3, 6, 9], "condition_number": [3, 6, 9]}], FAILS),
    ),
    *following(
        descents.comparable,
        ([beside_svd(10.9), beside_svd(9.1)], HOLDS),
        ([beside_svd(10, (1, 0.91)), beside_svd(10, (1.09, 1))], HOLDS),
        ([beside_svd(10), beside_svd(10), beside_svd(11.1)], IN_PART),
        ([beside_svd(10), beside_svd(10, (0.89, 1))], IN_PART),
        ([beside_svd(10), beside_svd(10, (1.11, 1))], IN_PART),
        ([beside_svd(10), beside_svd(8.9)], FAILS),
    ),
]


def test_the_verdicts(on_example_1, on_example_2):
    assert {name: on_example_1[name].verdict for name in VERDICTS} == VERDICTS
    for name in ("falls_together", "comparable"):
        assert on_example_2[name].verdict == VERDICTS[name]


@pytest.mark.parametrize(("judge", "runs", "verdict"), PLANTED)
def test_a_predicate_follows_its_evidence(judge, runs, verdict):
    assert judge(evidence_on(*runs)).verdict == verdict


def test_every_predicate_in_the_tally_turns():
    assert turned(PLANTED, VERDICTS) == in_the_tally(VERDICTS)


@pytest.mark.parametrize(
    ("judge", "runs", "margin"),
    [
        (
            descents.converges,
            [falling([9, 2], 1.84)],
            "0.05: 0.08; at 0.025 the same, at 0.1 holds",
        ),
        (
            descents.falls_together,
            [{"penalty": [32, 16, 8, 4, 2, 1], "condition_number": [32, 8, 16, 2, 4, 1]}],
            "0.1: 0.114; at 0.05 the same, at 0.2 holds",
        ),
        (
            descents.comparable,
            [beside_svd(10.8)],
            "0.1: 0.08; at 0.05 does not hold, at 0.2 the same",
        ),
    ],
)
def test_the_margin_says_how_far_it_is_and_what_half_and_twice_would_say(judge, runs, margin):
    assert judge(evidence_on(*runs)).margin.endswith(margin)


def test_the_numbers_follow_the_evidence():
    runs = evidence_on(beside_svd(10.5, (1, 0.8)), beside_svd(9))
    assert numbers(descents.comparable(runs).measured) == [0.1, 0.2]
    assert descents.comparable(runs).margin.startswith("apart by at most 0.1: 0.2;")
