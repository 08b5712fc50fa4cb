"""The seeds' study of the square case: runs against the methods themselves, tables by hand."""

import importlib

import numpy as np
import pytest
from strategies import reference_matrix

from convreg import minimize_penalty, polyak_step
from convreg.companion.notebooks import ROOT
from convreg.examples import start_kernel
from convreg.learning_rates import clipped_polyak_step
from convreg.storage.tables import from_rows, read_table
from convreg.studies import escape
from convreg.studies.barrier import off_centre_share
from convreg.studies.escape import EXACT_TRIPLETS, WAYS, Escape, agree, escape_table, run, start
from convreg.studies.escape_tables import (
    class_table,
    kernel_table,
    prediction,
    prediction_table,
    select,
    share_table,
)
from convreg.studies.polar import alternating_projection, exact_projection, periodic_projection
from convreg.winding import symbol_class

BY_NAME = {way.name: way for way in (*WAYS, EXACT_TRIPLETS)}


def dense_kappa(K, N):
    sigma = np.linalg.svd(reference_matrix(K, N), compute_uv=False)
    return sigma[0] / sigma[-1]


def algorithm(rule, **options):
    return lambda K, N, steps: minimize_penalty(K, N, 1.0, rule, steps, 2, **options).kernel


ENDS = {
    "R, rate limited": algorithm(polyak_step),
    "R, length limited": algorithm(clipped_polyak_step),
    "values, length limited": algorithm(clipped_polyak_step, form="values"),
    "polar": lambda K, N, steps: alternating_projection(
        K, exact_projection(N), steps, accelerated=False
    ),
    "polar, accelerated": lambda K, N, steps: alternating_projection(K, exact_projection(N), steps),
    "polar, periodic, accelerated": lambda K, N, steps: alternating_projection(
        K, periodic_projection(16), steps
    ),
    "R, rate limited, exact triplets": algorithm(polyak_step, update="svd"),
}


def test_the_start_has_c_on_the_diagonal_of_its_centre():
    difference = start(3, 2.5, 7) - start_kernel(3, 3, 3, 7)
    assert np.abs(difference[1, 1] - 2.5 * np.eye(3)).max() < 1e-15
    difference[1, 1] = 0
    assert not difference.any()


@pytest.mark.parametrize("name", ENDS)
def test_a_run_is_the_method_of_its_name(name):
    """From c = 2 to the first mark with kappa < 1.05."""
    found = run(BY_NAME[name], 2, 5, 2.0, 3)
    K = start(2, 2.0, 3)
    end = ENDS[name](K, 5, found.steps)
    assert found[:5] == (name, 2, 5, 2.0, 3)
    assert found.steps in (10, 20, 40, 100)
    assert found.kappa == pytest.approx(dense_kappa(end, 5), rel=1e-9)
    assert found.kappa < 1.05
    assert found.off_centre == pytest.approx(off_centre_share(end), rel=1e-9)
    marks = [0, 10, 20, 40, 100, 200]
    kernels = {mark: ENDS[name](K, 5, mark) for mark in marks if mark <= found.steps}
    letters = [symbol_class(kernels[min(mark, found.steps)]).name[0] for mark in marks]
    assert found.classes == "".join(letters)
    kappas = {mark: dense_kappa(kernel, 5) for mark, kernel in kernels.items()}
    assert found.below == min(mark for mark in kappas if kappas[mark] < 1.1)
    assert all(kappas[mark] >= 1.05 for mark in kappas if mark < found.steps)


def test_a_run_that_is_stuck_takes_all_steps():
    found = run(BY_NAME["R, rate limited"], 1, 8, 0.0, 2)
    end = ENDS["R, rate limited"](start(1, 0.0, 2), 8, 200)
    assert (found.below, found.steps) == (-1, 200)
    assert found.kappa == pytest.approx(dense_kappa(end, 8), rel=1e-4)
    assert found.kappa > 1.1


def test_a_start_may_be_below_the_goal():
    assert run(WAYS[0], 1, 4, 200.0, 1).below == 0


def test_a_singular_matrix_has_an_infinite_condition_number():
    assert escape.kappa_of(np.zeros((3, 3, 1, 1)), 4) == np.inf


@pytest.mark.parametrize("state", [1, 2, 6])
@pytest.mark.parametrize("g", [1, 2])
def test_the_length_decides(g, state):
    """The same rule and triplets, from the paper's kernels: state 6 winds for g = 1."""
    limited = run(BY_NAME["R, length limited"], g, 8, 0.0, state)
    assert limited.kappa < 1.1
    assert limited.classes[0] in "zw"
    assert limited.classes[-1] == "t"


def test_what_a_step_costs():
    """In products M'M v of 4 k^2 g^2 N^2 operations; a projection on a torus of 16 x 16."""
    costs = {name: escape.products_of_a_step(way, 2, 15) for name, way in BY_NAME.items()}
    assert costs["R, rate limited"] == costs["R, length limited"] == 10
    assert costs["values, length limited"] == 10.5
    assert costs["polar"] == costs["polar, accelerated"]
    assert costs["polar"] == pytest.approx(24 * 8 * 15**6 / (4 * 9 * 4 * 225))
    torus = 10 * 4 * 256 * 8 + 24 * 8 * 256
    assert costs["polar, periodic, accelerated"] == pytest.approx(torus / (4 * 9 * 4 * 225))


EXAMPLE = Escape("R, rate limited", 1, 8, 0.0, 1, 40, 100, 1.0234, 0.12345, "zzzttt")
STUCK = EXAMPLE._replace(state=2, below=-1, steps=200, kappa=np.inf, classes="zzzzzz")
TABLE = escape_table(
    [
        EXAMPLE,
        STUCK,
        STUCK._replace(c=1.0, kappa=1.1, classes="wttttt"),
        EXAMPLE._replace(c=1.0, state=51),
        EXAMPLE._replace(g=2),
        EXAMPLE._replace(method="polar", kappa=1.5, classes="zzuuuw"),
    ]
)


def test_the_table_is_rounded():
    assert TABLE["kappa"].tolist() == [1.02, 1e15, 1.1, 1.02, 1.02, 1.5]
    assert TABLE["off_centre"].tolist() == [0.123] * 6
    assert TABLE["method"][5] == "polar"


def rows_of(table):
    return list(zip(*(column.tolist() for column in table.values()), strict=True))


def test_shares_by_hand():
    found = share_table(TABLE, 1, 8)
    assert list(found) == ["method", "c = 0", "c = 1", "states", "products a step"]
    first, second = rows_of(found)
    assert first == ("R, rate limited", 0.5, 0.0, 2, 10.0)
    assert second[:2] == ("polar", 0.0)
    assert np.isnan(second[2])
    assert second[3:] == (1, pytest.approx(2730.67, abs=0.01))


def test_shares_of_the_states_after_50_do_not_count():
    assert rows_of(share_table(select(TABLE, state=51), 1, 8)) == []


def test_classes_by_hand():
    found = class_table(TABLE, "R, rate limited", 1, 8)
    assert list(found) == ["c", "at the start", "at the end", "below 1.1", "runs"]
    assert rows_of(found) == [
        (0.0, "2 zeros", "1 trivial, 1 zeros", 1, 2),
        (1.0, "1 winding", "1 trivial", 0, 1),
    ]
    assert class_table(TABLE, "polar", 1, 8)["at the end"].tolist() == ["1 winding"]


def test_one_kernel_by_hand():
    assert {name: column.item() for name, column in kernel_table(TABLE, 1, 8, state=2).items()} == {
        "method": "R, rate limited",
        "kappa": 1e15,
        "steps": 200,
        "off the centre, of |K|": 0.123,
        "at the start": "zeros",
        "at the end": "zeros",
    }
    found = kernel_table(TABLE, 1, 8)
    assert found["at the start"].tolist() == ["zeros", "zeros"]
    assert found["at the end"].tolist() == ["trivial", "winding"]
    assert rows_of(kernel_table(TABLE, 3, 8)) == []


@pytest.mark.parametrize(
    ("step", "counts"),
    [(0, (0, 1, 0, 2)), (10, (0, 1, 1, 1)), (20, (0, 1, 1, 1)), (40, (1, 0, 1, 1))],
)
def test_predictions_by_hand(step, counts):
    rows = select(TABLE, method="R, rate limited", g=1, state=range(1, 51))
    verdict = prediction(rows, step)
    assert verdict[1:] == counts
    assert verdict.right == pytest.approx((counts[0] + counts[3]) / 3)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"kappa": 1.05}, True),
        ({"off_centre": 0.9, "steps": 40, "below": 10}, True),
        ({"classes": "zztttt"}, True),
        ({"classes": "zztttz"}, False),
        ({"kappa": 1.0995}, True),
        ({"kappa": 1.1005}, False),
        ({"kappa": 1.3}, False),
        ({"kappa": np.inf}, False),
    ],
)
def test_runs_agree(change, same):
    one = EXAMPLE._replace(kappa=1.05)
    assert agree(one, one._replace(**change)) == agree(one._replace(**change), one) == same


def test_singular_runs_agree():
    assert agree(STUCK, STUCK._replace(kappa=3e6))
    assert not agree(STUCK, STUCK._replace(kappa=3e5))
    assert agree(STUCK._replace(kappa=100.0), STUCK._replace(kappa=109.0))
    assert not agree(STUCK._replace(kappa=100.0), STUCK._replace(kappa=111.0))


def test_rows_are_selected():
    table = from_rows(("g", "c"), [(1, 0.0), (2, 0.0), (1, 1.0)])
    assert select(table, g=1)["c"].tolist() == [0.0, 1.0]
    assert select(table, g=1, c=0.0)["c"].tolist() == [0.0]


def test_the_table_of_predictions_by_hand():
    found = prediction_table(TABLE, "R, rate limited", 8, range(1, 51))
    steps = (0, 10, 20, 40, 100)
    assert list(found) == ["g = h", "runs", "reached", *(f"right after {step}" for step in steps)]
    assert rows_of(found) == [
        pytest.approx((1, 3, 1 / 3, 2 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3)),
        (2, 1, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0),
    ]
    held_out = prediction_table(TABLE, "R, rate limited", 8, range(51, 101))
    assert rows_of(held_out)[0][:3] == (1, 1, 1.0)


def test_the_page_of_the_square_case_is_that_of_its_numbers(monkeypatch):
    folder = ROOT / "benchmarks"
    monkeypatch.syspath_prepend(folder)
    page = importlib.import_module("square")
    names = ("square", "tradeoff", "square_layer")
    text = page.report(*(read_table(folder / f"{name}.csv") for name in names))
    assert text == (folder / "square.md").read_text(encoding="utf-8")
