"""Section 3, the barrier: where Algorithm 2.1 ends, against dense matrices; the lines by hand."""

import numpy as np
import pytest
from dense import dense_penalty
from hypothesis import given
from hypothesis import strategies as st
from strategies import reference_matrix

from convreg import matlab_rand, minimize_penalty
from convreg.examples import Case, Example, start_kernel
from convreg.studies.outcomes import (
    Outcome,
    outcome,
    outcome_lines,
    outcomes,
    summary_of_outcomes,
    wide_lines,
    wide_outcomes,
)

EXAMPLE = Example(((2, 1), (1, 2), (2, 2)), (0.5, 4.0), 3, 4, 0.02, 5, 3, 7)


@pytest.mark.parametrize("gram", ["columns", "rows", "smaller"])
@pytest.mark.parametrize("case", EXAMPLE.cases())
@pytest.mark.parametrize("state", [7, 8])
def test_an_outcome_is_that_of_the_algorithm_by_hand(case, gram, state):
    K = matlab_rand(3, 3, case.g, case.h, state=state)
    expected = minimize_penalty(K, 4, case.alpha, 0.02, 5, 3, gram=gram)
    estimate = expected.history.estimate
    sigma = np.linalg.svd(reference_matrix(expected.kernel, 4), compute_uv=False)
    found = outcome(EXAMPLE._replace(state=state), case, gram)
    assert (found.lowest_at, found.lowest) == (estimate.argmin(), estimate.min())
    assert (found.sigma_max, found.sigma_min) == pytest.approx((sigma[0], sigma[-1]), rel=1e-9)
    assert found.condition_number == pytest.approx(sigma[0] / sigma[-1], rel=1e-9)
    assert found.penalty == pytest.approx(
        dense_penalty(expected.kernel, 4, case.alpha, gram), rel=1e-10
    )
    assert found.penalty == pytest.approx(expected.history.penalty[-1], rel=1e-12)
    assert isinstance(found, Outcome)
    assert [type(value) for value in found] == [int, *[float] * 5]


def test_an_outcome_is_about_the_columns_unless_told():
    case = Case(2, 1, 4.0)
    assert (
        outcome(EXAMPLE, case)
        == outcome(EXAMPLE, case, "columns")
        != outcome(EXAMPLE, case, "rows")
    )


def test_a_singular_outcome_has_an_infinite_condition_number(monkeypatch):
    K = np.zeros((3, 3, 1, 1))
    K[0, 0] = 2
    monkeypatch.setattr("convreg.examples.start_kernel", lambda *_: K)
    run = outcome(Example(((1, 1),), (1.0,), input_size=3, iterations=0), Case(1, 1, 1.0))
    assert run == Outcome(
        0, pytest.approx(3.0), pytest.approx(2.0), 0.0, np.inf, pytest.approx(3.0)
    )


@pytest.mark.parametrize(("alpha", "early"), [(100.0, True), (0.5, False)])
def test_an_outcome_ends_early_only_on_the_plateau(alpha, early, monkeypatch):
    runs = []

    def recorded(*arguments, **options):
        runs.append(minimize_penalty(*arguments, **options))
        return runs[-1]

    monkeypatch.setattr("convreg.examples.minimize_penalty", recorded)
    outcome(EXAMPLE, Case(2, 1, alpha))
    assert runs[0].converged == early
    assert (len(runs[0].history) < 6) == early
    assert np.isnan(runs[0].history.penalty).all()


def test_outcomes_are_ordered_by_case_then_gram_then_state():
    states = (7, 3, 8)
    table = outcomes(EXAMPLE, states)
    assert list(table) == ["alpha", "gram", "state", "lowest_at", "lowest", "kappa"]
    rows = list(zip(*table.values(), strict=True))
    expected = []
    for case in EXAMPLE.cases():
        for gram in ("columns", "rows"):
            for state in states:
                K = start_kernel(3, case.g, case.h, state)
                run = minimize_penalty(K, 4, case.alpha, 0.02, 5, 3, gram=gram)
                lowest = run.history.estimate.argmin()
                expected.append((case.alpha, gram, state, lowest, run.history.estimate[lowest]))
                sigma = np.linalg.svd(reference_matrix(run.kernel, 4), compute_uv=False)
                assert rows[len(expected) - 1][-1] == pytest.approx(sigma[0] / sigma[-1], rel=1e-9)
    assert [row[:-1] for row in rows] == expected
    assert len({row[-2] for row in rows}) > len(rows) // 2


@given(st.lists(st.tuples(*[st.floats(0.01, 99)] * 4), min_size=1, max_size=4))
def test_outcome_lines_have_the_values_of_each_run_in_order(values):
    runs = {f"case {i}": Outcome(i, -1.0, *row) for i, row in enumerate(values)}
    header, *lines = outcome_lines(runs).split("\n")
    assert header.split() == ["case", "sigma_max", "sigma_min", "kappa", "R_alpha"]
    assert len(lines) == len(values)
    ends = [header.index(name) + len(name) for name in header.split()[1:]]
    for i, (line, row) in enumerate(zip(lines, values, strict=True)):
        assert line[: ends[0] - 9].strip() == f"case {i}"
        assert len(line) == len(header) == ends[-1]
        cells = [line[start:end] for start, end in zip([ends[0] - 9, *ends], ends, strict=False)]
        assert [float(cell) for cell in cells] == [float(f"{value:.3g}") for value in row]


def test_outcome_lines_of_singular_and_of_no_runs():
    header, line = outcome_lines({"singular": Outcome(0, 3.0, 2.0, 0.0, np.inf, 3.0)}).split("\n")
    assert line.split() == ["singular", "2", "0", "inf", "3"]
    assert outcome_lines({}) == header


@pytest.mark.parametrize(("alpha", "lowest_at"), [(5.0, 6), (10.0, 4)])
def test_the_dip_of_example_2_is_the_power_method_s(alpha, lowest_at):
    run = outcome(Example(((3, 1),), (alpha,)), Case(3, 1, alpha))
    assert run.lowest_at == lowest_at
    assert run.lowest < 0.95 * alpha
    assert run.penalty == alpha
    assert run.sigma_max**2 < 2 * alpha
    svd = minimize_penalty(
        matlab_rand(3, 3, 3, 1), 15, alpha, update="svd", diagnostics=False
    ).history
    assert (svd.estimate >= alpha * (1 - 1e-12)).all()
    assert svd.estimate[-1] == pytest.approx(alpha, rel=1e-12)


def test_the_wide_outcomes_are_of_the_cases_with_fewer_outputs():
    example = Example(((2, 1), (2, 2), (1, 2)), (1.0,), 3, 4, 0.02)
    ends = wide_outcomes(example, (2, 3))
    assert list(ends) == [2, 3]
    wide = [Case(2, 1, 1.0), Case(3, 1, 1.0), Case(6, 3, 1.0)]
    for count, runs in ends.items():
        assert runs == {
            f"{case.label(3)}, {gram}": outcome(example._replace(iterations=count), case, gram)
            for case in wide
            for gram in ("columns", "rows")
        }


def test_the_wide_lines_end_with_how_far_the_rows_came():
    runs = [Outcome(1, 0.5, 2.0, 1.0, kappa, 3.0) for kappa in (1.5, 7.0, 9.0, 99.0)]
    first = {"a, rows": runs[0], "a, columns": runs[1]}
    second = {"a, rows": runs[1], "b, rows": runs[2], "a, columns": runs[3], "b, columns": runs[0]}
    assert wide_lines({3: first, 5: second}) == "\n".join(
        [
            "after 3 iterations",
            outcome_lines(first),
            "after 5 iterations",
            outcome_lines(second),
            "with rows, after 5 iterations: kappa from 7 to 9",
        ]
    )


def tables(*rows):
    names = ("alpha", "gram", "state", "lowest_at", "lowest", "kappa")
    return {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


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
        "alpha   10:  33% of the estimates dip below alpha, lowest at iterations 4 to 15; "
        "median kappa 5, with rows 20",
        "alpha  0.5: 100% of the estimates dip below alpha, lowest at iterations 2 to 3; "
        "median kappa 1.79, with rows 1.12",
    ]


def test_the_summary_of_one_kernel_of_which_none_dips():
    table = tables((1.0, "columns", 1, 5, 1.0, 2.0), (1.0, "rows", 1, 5, 0.5, 3.0))
    assert summary_of_outcomes(table) == (
        "alpha    1:   0% of the estimates dip below alpha, lowest at iterations 5 to 5; "
        "median kappa 2, with rows 3"
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
        medians = [
            (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2 for values in medians
        ]
        words = line.split()
        assert words[:3] == ["alpha", f"{alpha:g}:", f"{dips:.0%}"]
        assert f"iterations {min(at)} to {max(at)};" in line
        assert f"median kappa {medians[0]:.3g}, with rows {medians[1]:.3g}" in line


@pytest.mark.parametrize("kappa", [5.0, 999.4, 999.6, 1000.0, 1234.5, 9.99e15, 1e100, np.inf])
def test_large_condition_numbers_keep_the_columns(kappa):
    run = Outcome(3, 0.5, 2345.678, 1.234e-12, kappa, 98765.4)
    header, line, other = outcome_lines({"3x3x3x1, alpha = 0.1, columns": run, "b": run}).split(
        "\n"
    )
    assert len(header) == len(line) == len(other)
    assert line[31:] == other[31:]
    ends = [header.index(name) + len(name) for name in header.split()[1:]]
    cells = [line[start:end] for start, end in zip((31, *ends), ends, strict=False)]
    assert [float(cell) for cell in cells] == pytest.approx(
        [2350, 1.23e-12, float(f"{kappa:.3g}"), 98800]
    )
    assert all(cell.startswith(" ") for cell in cells)
