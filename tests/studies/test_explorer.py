"""The site's interactive figure: what is recorded is what Algorithm 2.1 does."""

import json

import numpy as np
import pytest
from dense import dense_penalty
from pages import ROOT
from strategies import reference_matrix

from convreg import matlab_rand, minimize_penalty
from convreg.examples import Case
from convreg.gram import gram_is_singular
from convreg.storage.tables import PAPERS_LINES
from convreg.studies.explorer import Choice, as_json, choices, explore, in_words, shown_pairs

TEXT = (ROOT / "docs/explorer.json").read_text(encoding="utf-8")
RECORD = json.loads(TEXT)
RUNS = RECORD["runs"]
SMALL = [choice for choice in choices() if max(choice.case[:2]) <= 3]
HALF = 0.0051  # of the last of three digits, relative to 1.00


def named(chosen):
    return pytest.mark.parametrize("choice", chosen, ids=Choice.name)


def agrees(choice):
    """A run made now against the recorded one: a last digit may turn, which another BLAS can do."""
    found, recorded = explore(choice), RUNS[choice.name()]
    assert list(found) == list(recorded)
    for line in PAPERS_LINES:
        assert found[line] == pytest.approx(recorded[line], rel=2 * HALF)
    difference = np.array(found["taps"]) - np.array(recorded["taps"])
    assert np.abs(difference).max() <= 1
    assert np.mean(difference != 0) < 0.01
    assert found["words"] == recorded["words"]


@named(SMALL[::13])
def test_the_record_is_what_the_functions_give(choice):
    agrees(choice)


@pytest.mark.kernel  # it takes minutes
@named(choices())
def test_every_run_is_what_the_functions_give(choice):
    agrees(choice)


@named([SMALL[5], SMALL[18], SMALL[41], SMALL[70]])
def test_the_recorded_numbers_are_those_of_dense_matrices(choice):
    (g, h, alpha), gram, update = choice
    how = {"update": "svd"} if update == "svd" else {"power_iterations": update}
    K = matlab_rand(3, 3, g, h, state=1)
    kernels = [K]
    result = minimize_penalty(
        K, 15, alpha, 0.01, 20, gram=gram, callback=lambda i, K, s: kernels.append(K), **how
    )
    recorded = RUNS[choice.name()]
    assert recorded["estimate"] == pytest.approx(result.history.estimate, rel=HALF)
    for at in (0, 7, 20):
        sigma = np.linalg.svd(reference_matrix(kernels[at], 15), compute_uv=False)
        R = dense_penalty(kernels[at], 15, alpha, gram)
        numbers = [recorded[line][at] for line in ("sigma_max", "sigma_min", "penalty")]
        assert numbers == pytest.approx([sigma[0], sigma[-1], R], rel=HALF)
        taps = [
            kernels[at][p, q, i, j]
            for i, j in RECORD["kernels"][choice.name().split()[0]]
            for p in range(3)
            for q in range(3)
        ]
        hundredths = recorded["taps"][at]
        assert hundredths == pytest.approx([100 * tap for tap in taps], abs=0.5001)


def test_the_start_is_matlabs():
    taps = np.array(RUNS["3x3x3x6 1 rows 4"]["taps"][0])
    # rand('state', 1); rand(3, 3)
    first = [[95, 60, 84], [70, 84, 52], [95, 44, 2]]
    assert taps[:9].reshape(3, 3).tolist() == first
    K = matlab_rand(3, 3, 3, 6, state=1)
    assert taps[9:18] == pytest.approx(100 * K[:, :, 1, 1].ravel(), abs=0.5)
    assert taps[18:] == pytest.approx(100 * K[:, :, 2, 2].ravel(), abs=0.5)


def test_everything_that_can_be_chosen_is_recorded():
    assert list(RUNS) == [choice.name() for choice in choices()]
    assert list(RECORD["kernels"]) == ["3x3x3x1", "3x3x1x3", "3x3x3x6", "3x3x6x3", "3x3x1x1"]
    assert RECORD["alphas"] == [0.1, 1, 5, 10]
    assert RECORD["updates"] == [1, 2, 4, "svd"]
    assert list(RECORD["grams"]) == ["columns", "rows"]
    assert (RECORD["input_size"], RECORD["iterations"], RECORD["learning_rate"]) == (15, 20, 0.01)
    assert TEXT == as_json(RUNS) + "\n"


@named(choices())
def test_a_run_agrees_with_itself(choice):
    (g, h, alpha), gram, update = choice
    lines = {line: np.array(RUNS[choice.name()][line]) for line in PAPERS_LINES}
    assert all(line.shape == (21,) for line in lines.values())
    largest, smallest = lines["sigma_max"], lines["sigma_min"]
    assert lines["condition_number"] == pytest.approx(largest / smallest, rel=3 * HALF)
    lower = np.zeros(21) if gram_is_singular((h, g), gram == "rows") else smallest**2
    R = np.maximum(np.abs(largest**2 - alpha), np.abs(lower - alpha))
    assert lines["penalty"] == pytest.approx(R, rel=4 * HALF, abs=2 * HALF * alpha)
    assert np.all(lines["estimate"] <= lines["penalty"])
    if update == "svd":
        assert np.array_equal(lines["estimate"], lines["penalty"])
    assert np.array(RUNS[choice.name()]["taps"]).shape == (21, 9 * len(shown_pairs(g, h)))


@named(choices())
def test_what_is_said_of_a_run_is_what_its_numbers_say(choice):
    (g, h, alpha), gram, _ = choice
    run = RUNS[choice.name()]
    assert run["words"] == in_words(choice, np.array(run["estimate"]), np.array(run["penalty"]))
    for name, sentence in zip(("estimate", "penalty"), run["words"], strict=False):
        lowest = min(run[name])
        first = "first " if run[name].count(lowest) > 1 else ""
        where = f"{first}at iteration {run[name].index(lowest)}."
        assert f"lowest, {lowest:g}, {where}" in sentence
        assert ("falls below" in sentence) == (lowest < alpha)
    impossible = (h < g) if gram == "columns" else (g < h)
    assert any("cannot fall below" in sentence for sentence in run["words"]) == impossible
    if impossible:
        assert min(run["penalty"]) >= alpha


@pytest.mark.parametrize(
    ("values", "does"),
    [
        ([3.0, 0.9, 1.2], "falls below α = 1: it is lowest, 0.9, at iteration 1."),
        ([3.0, 2.0, 1.5], "stays above α = 1: it is lowest, 1.5, at iteration 2."),
        (
            [2.0, 1.0, 1.0],
            "comes down to α = 1 and, to three digits, not below: it is lowest, 1, "
            "first at iteration 1.",
        ),
    ],
)
def test_where_a_line_is_lowest_is_said_in_words(values, does):
    choice = Choice(Case(1, 1, 1.0), "columns", 2)
    estimate, penalty = in_words(choice, np.array(values), np.array(values))
    assert estimate.startswith(f"The estimate {does}")
    assert penalty.startswith(f"The exact penalty {does.replace(' = 1', '')}")


def test_more_channels_on_which_side():
    ones = np.ones(3)
    (*_, wide) = in_words(Choice(Case(3, 1, 1.0), "columns", 2), ones, ones)
    (*_, tall) = in_words(Choice(Case(1, 3, 1.0), "rows", 2), ones, ones)
    assert "more input than output channels MᵀM is singular" in wide
    assert "more output than input channels MMᵀ is singular" in tall


def test_which_taps_are_shown():
    assert shown_pairs(6, 3) == [(0, 0), (1, 1), (2, 2)]
    assert shown_pairs(1, 3) == [(0, 0), (0, 1), (0, 2)]
    assert shown_pairs(2, 1) == [(0, 0), (1, 0)]
    assert shown_pairs(1, 1) == [(0, 0)]
