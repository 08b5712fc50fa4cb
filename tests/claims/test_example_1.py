"""Section 3, Example 1, and Section 4: the verdicts, what turns them, the numbers in each row."""

from types import SimpleNamespace

import numpy as np
import pytest
from evidence import close, columns, numbers, parts, plain_descent
from planted import evidence_on, falling, following, from_to, in_the_tally, planted, sigma, turned

from convreg.claims import example_1
from convreg.claims.definitions import FAILS, HOLDS, IN_PART
from convreg.examples import EXAMPLE_1
from convreg.matlab_random import matlab_rand

VERDICTS = {
    "start_is_reproducible": HOLDS,
    "smallest_stays": IN_PART,
    "lowers_rather_than_raises": HOLDS,
    "same_behaviour": IN_PART,
    "neither_too_large_nor_too_small": IN_PART,
    "effective": HOLDS,
}


def uniform(*shape, state):
    return matlab_rand(*shape, state=state + 1)


def published_only(*shape, state):
    return matlab_rand(*shape, state=state) if shape == (4,) else np.zeros(shape)


def published_but_once(index):
    def wrong(*shape, state):
        first = matlab_rand(*shape, state=state)
        first[index] += 2e-4 if shape == (4,) else 0
        return first

    return wrong


def with_p(value):
    return lambda *_: SimpleNamespace(pvalue=value)


def fall(kappa, R, small):
    """kappa and R_1 divided by these factors, sigma_min multiplied."""
    return {"condition_number": [kappa, 1], "penalty": [R, 1], "sigma_min": [1, small]}


OTHERWISE = [
    *planted(
        example_1.start_is_reproducible,
        "matlab_rand",
        (uniform, IN_PART),
        (published_but_once(3), IN_PART),
        (published_only, IN_PART),
        (lambda *shape, state: np.zeros(shape), FAILS),
    ),
    *planted(
        example_1.start_is_reproducible,
        "kstest",
        (with_p(0.0101), HOLDS),
        (with_p(0.0099), IN_PART),
    ),
]


PLANTED = [
    *following(
        example_1.smallest_stays,
        ([sigma(2, 0.91), sigma(2, 1.09)], HOLDS),
        ([sigma(2, 1), sigma(2, 0.89)], IN_PART),
        ([sigma(2, 1), sigma(2, 1.11)], IN_PART),
        ([sigma(2, 0.21), sigma(9, 1)], IN_PART),
        ([sigma(2, 0.19), sigma(2, 1)], FAILS),
        ([sigma(9, 1.11), sigma(2, 1)], FAILS),
    ),
    *following(
        example_1.lowers_rather_than_raises,
        ([fall(3, 4, 2), fall(2, 2, 0.5)], HOLDS),
        ([fall(3, 4, 2), fall(3, 4, 3.5)], IN_PART),
        ([fall(3, 4, 2), fall(4, 3, 3.5)], IN_PART),
        ([fall(3, 4, 2), fall(0.9, 4, 0.5)], IN_PART),
        ([fall(3, 4, 2), fall(4, 0.9, 0.5)], IN_PART),
        ([fall(3, 4, 3.5), fall(0.9, 0.9, 0.5)], FAILS),
    ),
    *following(
        example_1.same_behaviour,
        ([falling([90, 9, 2, 2]), falling([90, 10, 9, 3])], HOLDS),
        ([falling([90, 9, 2, 2], 1), falling([90, 10, 9, 3], 1)], HOLDS),
        ([falling([90, 9, 2, 2]), falling([90, 10, 9, 3], 1)], IN_PART),
        ([falling([90, 9, 2, 2]), falling([90, 10, 10, 3])], IN_PART),
        ([falling([90, 9, 2, 2]), falling([90, 50, 20, 10])], IN_PART),
        ([falling([90, 9, 2, 2]), falling([90, 10, 10, 3], 1)], FAILS),
        ([falling([90, 9, 2, 2]), falling([90, 9, 3, 2])], FAILS),
    ),
    *following(
        example_1.effective,
        (from_to("condition_number", (10, 4), (10, 4.9)), HOLDS),
        (from_to("condition_number", (10, 4), (10, 5.1)), IN_PART),
        (from_to("condition_number", (10, 4), (10, 10)), FAILS),
    ),
    *following(
        example_1.neither_too_large_nor_too_small,
        ([sigma(9, 1.1), sigma(2, 2)], HOLDS),
        ([sigma(9, 1.1), sigma(2, 0.9)], IN_PART),
        ([sigma(11, 1.1), sigma(2, 2)], IN_PART),
        ([sigma(11, 1.1), sigma(2, 0.9)], FAILS),
    ),
]


def test_the_verdicts(alone, on_example_1):
    rows = alone | on_example_1
    assert {name: rows[name].verdict for name in VERDICTS} == VERDICTS


@pytest.mark.parametrize(("judge", "used", "wrong", "verdict"), OTHERWISE)
def test_a_predicate_comes_out_otherwise(judge, used, wrong, verdict, judged_with):
    assert judged_with(judge, used, wrong).verdict == verdict


@pytest.mark.parametrize(("judge", "runs", "verdict"), PLANTED)
def test_a_predicate_follows_its_evidence(judge, runs, verdict):
    assert judge(evidence_on(*runs)).verdict == verdict


def test_every_predicate_in_the_tally_turns():
    assert turned(OTHERWISE + PLANTED, VERDICTS) == in_the_tally(VERDICTS)


@pytest.mark.parametrize(
    ("judge", "runs", "margin"),
    [
        (
            example_1.smallest_stays,
            [sigma(2, 0.92)],
            "0.1: 0.08; at 0.05 holds in part, at 0.2 the same",
        ),
        (
            example_1.same_behaviour,
            [falling([90, 9, 2, 2]), falling([90, 10, 10, 3])],
            "1: 2; at 0.5 the same, at 2 holds",
        ),
        (
            example_1.effective,
            from_to("condition_number", (9, 3)),
            "2: 3; at 1 the same, at 4 holds in part",
        ),
    ],
)
def test_the_margin_says_how_far_it_is_and_what_half_and_twice_would_say(judge, runs, margin):
    assert judge(evidence_on(*runs)).margin.endswith(margin)


def test_numbers_that_are_not_matlab_s_are_said_to_be_so(judged_with):
    found = judged_with(example_1.start_is_reproducible, "matlab_rand", uniform)
    assert found.measured.endswith("not as MATLAB gives them")


def test_the_first_numbers_are_those_that_are_named(alone):
    assert numbers(alone["start_is_reproducible"].measured) == [0.9528, 0.7041, 0.9539, 0.5982]


@pytest.fixture(scope="module")
def lines_1():
    """Example 1 on dense matrices, but for its largest kernel."""
    return [plain_descent(g, h, 15) for g, h in EXAMPLE_1.channels[:3]]


def test_the_numbers_of_example_1(on_example_1, lines_1):
    _, kappa, _, R, largest, smallest = columns(lines_1)
    rows = {name: parts(row, 4) for name, row in on_example_1.items()}
    assert close(rows["converges"][0], R[:, -1])
    ends = np.ravel(parts(on_example_1["falls_together"], 8)[0])
    assert close(ends[::2], kappa[:, 0])
    assert close(ends[1::2], kappa[:, -1])
    for found, line in zip(rows["smallest_stays"], (smallest, largest), strict=True):
        assert np.allclose(found[:3], line[:, -1] / line[:, 0] - 1, atol=6e-3)
    factors = [line[:, 0] / line[:, -1] for line in (kappa, R, largest)]
    rise = smallest[:, -1] / smallest[:, 0]
    found = rows["lowers_rather_than_raises"]
    assert all(map(close, found, (factors[0], factors[1], rise)))
    assert close(rows["effective"][0], factors[0])
    assert all(map(close, rows["neither_too_large_nor_too_small"], (factors[2], rise)))
    tenth = [np.flatnonzero(line <= line[0] / 10)[0] for line in R]
    assert rows["same_behaviour"][0][:3] == tenth
    assert close(rows["same_behaviour"][1], R[:, -1])


def test_which_kernels_are_level_in_the_end(on_example_1):
    assert on_example_1["same_behaviour"].measured.endswith("level afterwards: 3x3x3x1")
    falling_on = [falling([90, 9, 2], 1), falling([90, 9, 3], 1)]
    found = example_1.same_behaviour(evidence_on(*falling_on))
    assert found.measured.endswith("level afterwards: none")
