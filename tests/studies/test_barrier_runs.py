"""Section 3, the barrier: the lines of the figures and of the text, by hand."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import GRAMS, reference_gram, reference_matrix

from convreg import matlab_rand, minimize_penalty, penalty, penalty_gradient, polyak_step
from convreg.examples import Example
from convreg.storage.tables import groups, rounded, stacked
from convreg.studies.barrier import column_norm_bound, mean_gradient
from convreg.studies.barrier_runs import (
    Outcome,
    arrival,
    bounds_along_descent,
    outcome_lines,
    price_along_descent,
    steps_at_kinks,
    summary_of_outcomes,
)

EXAMPLE = Example(((9, 9),), (99.0,), 3, 4, 0.02, 5, 1, 7)
PAIRS = [(2, 1), (1, 2), (2, 2)]


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def descent_by_hand(g, h, alpha, example=EXAMPLE):
    K = matlab_rand(example.kernel_size, example.kernel_size, g, h, state=example.state)
    kernels = [K]
    history = minimize_penalty(
        K,
        example.input_size,
        alpha,
        learning_rate=example.learning_rate,
        iterations=example.iterations,
        power_iterations=example.power_iterations,
        callback=lambda i, K, e: kernels.append(K),
    ).history
    return kernels, history


@pytest.mark.parametrize("alpha", [0.5, 1.0, 12.5])
def test_two_lines_for_each_pair_in_order(alpha):
    lines = bounds_along_descent(EXAMPLE, PAIRS, alpha)
    assert [(line["panel"], line["line"]) for line in lines] == [
        (f"{g} to {h} channels, α = {alpha:g}", name)
        for g, h in PAIRS
        for name in ("penalty", "bound from column norms")
    ]
    assert all(list(line) == ["panel", "line", "iteration", "value"] for line in lines)
    assert all(line["iteration"].tolist() == [0, 1, 2, 3, 4, 5] for line in lines)


@pytest.mark.parametrize("alpha", [0.5, 12.5])
def test_the_lines_are_the_exact_penalty_and_the_bound_of_every_kernel(alpha):
    lines = bounds_along_descent(EXAMPLE, PAIRS, alpha)
    for (g, h), first, second in zip(PAIRS, lines[::2], lines[1::2], strict=True):
        kernels, history = descent_by_hand(g, h, alpha)
        norms = [np.sum(reference_matrix(K, 4) ** 2, axis=0) for K in kernels]
        assert first["value"] == pytest.approx(history.penalty, rel=1e-12)
        assert first["value"] == pytest.approx([penalty(K, 4, alpha) for K in kernels], rel=1e-10)
        assert second["value"].tolist() == [column_norm_bound(K, 4) for K in kernels]
        assert second["value"] == pytest.approx([np.ptp(norm) / 2 for norm in norms], rel=1e-10)
        assert (second["value"] <= first["value"] * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    "change",
    [
        {"kernel_size": 2},
        {"input_size": 3},
        {"learning_rate": 0.005},
        {"iterations": 2},
        {"power_iterations": 3},
        {"state": 8},
    ],
)
def test_the_settings_of_the_example_are_used(change):
    example = EXAMPLE._replace(**change)
    kernels, history = descent_by_hand(1, 2, 0.5, example)
    first, second = bounds_along_descent(example, [(1, 2)], 0.5)
    assert first["value"] == pytest.approx(history.penalty, rel=1e-12)
    assert second["value"].tolist() == [column_norm_bound(K, example.input_size) for K in kernels]
    before = bounds_along_descent(EXAMPLE, [(1, 2)], 0.5)[0]["value"]
    assert not np.array_equal(first["value"], before)


def test_alpha_is_1_unless_told_and_pairs_may_come_from_an_iterator():
    default, told = (bounds_along_descent(EXAMPLE, iter(PAIRS), *alpha) for alpha in ((), (1.0,)))
    assert len(default) == 6
    for one, other in zip(default, told, strict=True):
        assert one["panel"] == other["panel"]
        assert one["value"].tolist() == other["value"].tolist()
    assert bounds_along_descent(EXAMPLE, []) == []


def test_the_lines_make_a_table():
    table = rounded(stacked(bounds_along_descent(EXAMPLE, PAIRS)))
    assert list(groups(table, "panel")) == [f"{g} to {h} channels, α = 1" for g, h in PAIRS]
    assert len(table["value"]) == 2 * 3 * 6


def kinks_by_hand(K, N, alpha, learning_rate, iterations, gram):
    """The four lines from plain loops."""
    for _ in range(iterations):
        R, G = penalty_gradient(K, N, alpha, gram)
        K = K - min(R / np.sum(G**2), 0.1) * G
    lines = {}
    for step in ("fixed step", "Polyak's step"):
        for which, gradient in (("one gradient", penalty_gradient), ("two gradients", mean_gradient)):
            moved, values = K, []
            for _ in range(iterations + 1):
                R, G = gradient(moved, N, alpha, gram)
                values.append(R)
                moved = moved - (learning_rate if step == "fixed step" else polyak_step(R, G)) * G
            lines[step, which] = values
    return lines


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("shape", [(3, 3, 2, 1), (2, 2, 1, 2), (3, 3)])
@pytest.mark.parametrize(
    ("alpha", "learning_rate", "iterations"), [(1.0, 0.01, 4), (3.0, 0.003, 3), (3.0, 0.1, 1)]
)
def test_the_four_lines_at_the_kinks_by_hand(gram, shape, alpha, learning_rate, iterations):
    K = kernel(*shape)
    before = K.copy()
    lines = steps_at_kinks(K, 3, alpha, learning_rate, iterations, gram)
    expected = kinks_by_hand(K, 3, alpha, learning_rate, iterations, gram)
    assert [(line["panel"], line["line"]) for line in lines] == list(expected)
    assert all(list(line) == ["panel", "line", "iteration", "value", "lowest"] for line in lines)
    for line, values in zip(lines, expected.values(), strict=True):
        assert line["iteration"].tolist() == list(range(iterations + 1))
        assert line["value"] == pytest.approx(values, rel=1e-9)
        assert line["lowest"].tolist() == [min(line["value"][: i + 1]) for i in range(iterations + 1)]
    assert np.array_equal(K, before)


def test_they_start_together_where_polyak_s_step_has_come():
    K, N = kernel(3, 3, 2, 1), 3
    lines = steps_at_kinks(K, N, 2.0, 0.01, 5)
    start = minimize_penalty(K, N, 2.0, polyak_step, 5, update="svd", gram="rows").history.penalty[-1]
    assert [line["value"][0] for line in lines] == pytest.approx([start] * 4, rel=1e-9)
    assert len({round(line["value"][-1], 6) for line in lines}) == 4


def test_the_smaller_gram_matrix_is_the_default():
    K = kernel(3, 3, 2, 1)
    default, rows, columns = (steps_at_kinks(K, 3, 2.0, 0.01, 3, *gram) for gram in ((), ("rows",), ("columns",)))
    for one, other, third in zip(default, rows, columns, strict=True):
        assert one["value"] == pytest.approx(other["value"], rel=1e-12)
        assert one["value"] != pytest.approx(third["value"], rel=1e-3)


def test_without_iterations_the_four_lines_are_the_start():
    K = kernel(2, 2, 1, 1)
    R = np.linalg.norm(reference_gram(reference_matrix(K, 3), 1.5, "columns"), 2)
    for line in steps_at_kinks(K, 3, 1.5, 0.01, 0):
        assert line["iteration"].tolist() == [0]
        assert line["value"] == pytest.approx([R], rel=1e-12)


@pytest.mark.parametrize(("alpha", "learning_rate"), [(4.0, 0.02), (4.0, 0.005), (2.0, 0.02)])
def test_the_arrival_by_hand(alpha, learning_rate):
    K = kernel(3, 3, 2, 1, seed=1)
    history = minimize_penalty(K, 4, alpha, learning_rate, 12, update="svd").history
    first = next(i for i, R in enumerate(history.penalty) if R <= alpha * (1 + 1e-9))
    kappa = history.condition_number
    assert 0 < first < 12
    assert f"{kappa[first]:.3g}" != f"{kappa[first - 1]:.3g}"
    assert arrival(K, 4, alpha, learning_rate, 12) == (
        f"on the plateau from iteration {first}: kappa {kappa[first]:.3g}, at the end {kappa[-1]:.3g}"
    )
    assert arrival(K, 4, alpha, learning_rate, first).startswith(f"on the plateau from iteration {first}: ")
    assert arrival(K, 4, alpha, learning_rate, first - 1) == f"not on the plateau within {first - 1} iterations"


def test_the_arrival_is_about_the_exact_penalty():
    """The power method's estimate is below alpha before R_alpha is down to it."""
    K = matlab_rand(3, 3, 2, 1)
    estimate = minimize_penalty(K, 5, 4.0, 0.02, 8).history.estimate
    exact = minimize_penalty(K, 5, 4.0, 0.02, 8, update="svd").history
    first = int(np.flatnonzero(exact.penalty <= 4.0 * (1 + 1e-9))[0])
    assert (estimate < 4.0).any()
    assert arrival(K, 5, 4.0, 0.02, 8).startswith(f"on the plateau from iteration {first}: kappa ")


def with_history(monkeypatch, penalties, kappas):
    history = np.rec.fromarrays(
        [np.array(penalties, float), np.array(kappas, float)], names="penalty, condition_number"
    )
    calls = []

    def recorded(*arguments, **options):
        calls.append((arguments, options))
        return minimize_penalty([[2.0]], 1, iterations=0)._replace(history=history)

    monkeypatch.setattr(sys.modules[arrival.__module__], "minimize_penalty", recorded)
    return calls


def test_the_kappa_of_the_arrival_and_of_the_end(monkeypatch):
    calls = with_history(monkeypatch, [9, 5, 2 + 1e-9, 2, 2], [12.3456, 8, 7.6543, 6, 5.4321])
    text = arrival([[2.0]], 3, 2.0, 0.125, 4)
    assert text == "on the plateau from iteration 2: kappa 7.65, at the end 5.43"
    assert calls == [(([[2.0]], 3, 2.0, 0.125, 4), {"update": "svd"})]


@pytest.mark.parametrize(
    ("end", "arrived"), [(2.0, True), (2 * (1 + 5e-10), True), (2 * (1 + 1e-9), True), (2 * (1 + 5e-9), False)]
)
def test_rounding_does_not_put_off_the_arrival(monkeypatch, end, arrived):
    with_history(monkeypatch, [9, end], [12, 8])
    expected = (
        "on the plateau from iteration 1: kappa 8, at the end 8"
        if arrived
        else "not on the plateau within 1 iterations"
    )
    assert arrival([[2.0]], 3, 2.0, 0.125, 1) == expected


def tables(*rows):
    names = ("alpha", "gram", "state", "lowest_at", "lowest", "kappa")
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


TABLE = tables(
    (10.0, "columns", 1, 6, 12.0, 1.0),
    (10.0, "rows", 1, 99, 1.0, 20.0),
    (10.0, "columns", 2, 4, 9.0, 5.0),
    (10.0, "rows", 2, 0, 1.0, 10.0),
    (10.0, "columns", 3, 15, 10.0, 4000.0),
    (10.0, "rows", 3, 1, 1.0, 40.0),
    (0.5, "columns", 1, 3, 0.25, 1.23456),
    (0.5, "columns", 2, 2, 0.125, 2.34567),
    (0.5, "rows", 1, 7, 90.0, 1.0),
    (0.5, "rows", 2, 8, 90.0, np.inf),
    (0.5, "rows", 3, 9, 90.0, 1.125),
)


def test_the_summary_by_hand():
    assert summary_of_outcomes(TABLE).split("\n") == [
        "alpha   10:  33% of the estimates dip below alpha, lowest at iterations 4 to 15; median kappa 5, with rows 20",
        "alpha  0.5: 100% of the estimates dip below alpha, lowest at iterations 2 to 3; median kappa 1.79, with rows 1.12",
    ]


def test_the_summary_of_one_kernel_of_which_none_dips():
    table = tables((1.0, "columns", 1, 5, 1.0, 2.0), (1.0, "rows", 1, 5, 0.5, 3.0))
    assert summary_of_outcomes(table) == (
        "alpha    1:   0% of the estimates dip below alpha, lowest at iterations 5 to 5; median kappa 2, with rows 3"
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from((0.1, 1.0, 5.0)),
            st.integers(0, 99),
            st.floats(0.01, 9),
            st.floats(1, 999),
            st.floats(1, 999),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_summary_has_a_line_for_each_alpha_in_order(runs):
    rows = [
        (alpha, gram, i, at, low, kappa)
        for i, (alpha, at, low, *kappas) in enumerate(runs)
        for gram, kappa in zip(("columns", "rows"), kappas, strict=True)
    ]
    lines = summary_of_outcomes(tables(*rows)).split("\n")
    order = list(dict.fromkeys(alpha for alpha, *_ in runs))
    for line, alpha in zip(lines, order, strict=True):
        of_alpha = [run for run in runs if run[0] == alpha]
        at = [run[1] for run in of_alpha]
        dips = sum(run[2] < alpha for run in of_alpha) / len(of_alpha)
        medians = [sorted(run[i] for run in of_alpha) for i in (3, 4)]
        medians = [(values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2 for values in medians]
        words = line.split()
        assert words[:3] == ["alpha", f"{alpha:g}:", f"{dips:.0%}"]
        assert f"iterations {min(at)} to {max(at)};" in line
        assert f"median kappa {medians[0]:.3g}, with rows {medians[1]:.3g}" in line


@pytest.mark.parametrize("kappa", [5.0, 999.4, 999.6, 1000.0, 1234.5, 9.99e15, 1e100, np.inf])
def test_large_condition_numbers_keep_the_columns(kappa):
    run = Outcome(3, 0.5, 2345.678, 1.234e-12, kappa, 98765.4)
    header, line, other = outcome_lines({"3x3x3x1, alpha = 0.1, columns": run, "b": run}).split("\n")
    assert len(header) == len(line) == len(other)
    assert line[31:] == other[31:]
    ends = [header.index(name) + len(name) for name in header.split()[1:]]
    cells = [line[start:end] for start, end in zip((31, *ends), ends, strict=False)]
    assert [float(cell) for cell in cells] == pytest.approx([2350, 1.23e-12, float(f"{kappa:.3g}"), 98800])
    assert all(cell.startswith(" ") for cell in cells)


def test_the_price_takes_exact_values_only_of_the_kernels_that_are_asked_for(monkeypatch):
    def refuse(*_):
        raise AssertionError("diagnostics")

    monkeypatch.setattr(sys.modules[minimize_penalty.__module__], "extreme_singular_values", refuse)
    assert price_along_descent(kernel(3, 3, 2, 1), 4, [2])["steps"] == [2]
