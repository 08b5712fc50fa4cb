"""Section 3, the barrier: where Algorithm 2.1 ends, against dense matrices; the lines by hand."""

import statistics

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
    outcome_table,
    outcomes,
    summary_of_outcomes,
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


def test_the_table_has_the_values_of_each_run_in_order():
    runs = {
        ("a", "columns"): Outcome(1, -1.0, 3.0, 2.0, 1.5, 8.0),
        ("a", "rows"): Outcome(0, -1.0, 3.5, 0.0, np.inf, 9.0),
    }
    assert {name: column.tolist() for name, column in outcome_table(runs).items()} == {
        "case": ["a", "a"],
        "Gram matrix": ["M'M", "MM'"],
        "sigma_max": [3.0, 3.5],
        "sigma_min": [2.0, 0.0],
        "kappa": [1.5, np.inf],
        "R_alpha": [8.0, 9.0],
    }
    assert list(outcome_table({})) == list(outcome_table(runs))


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
            (case.label(3), gram): outcome(example._replace(iterations=count), case, gram)
            for case in wide
            for gram in ("columns", "rows")
        }


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


SUMMARY = (
    "alpha",
    "estimates below alpha",
    "lowest from iteration",
    "to iteration",
    "median kappa, M'M",
    "median kappa, MM'",
)


def test_the_summary_by_hand():
    found = summary_of_outcomes(TABLE)
    assert tuple(found) == SUMMARY
    rows = list(zip(*(column.tolist() for column in found.values()), strict=True))
    assert rows == [
        (10.0, 1 / 3, 4, 15, 5.0, 20.0),
        (0.5, 1.0, 2, 3, pytest.approx(1.790115), 1.125),
    ]


def test_the_summary_of_one_kernel_of_which_none_dips():
    table = tables((1.0, "columns", 1, 5, 1.0, 2.0), (1.0, "rows", 1, 5, 0.5, 3.0))
    found = [column.item() for column in summary_of_outcomes(table).values()]
    assert found == [1.0, 0.0, 5, 5, 2.0, 3.0]


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
    found = summary_of_outcomes(tables(*rows))
    assert found["alpha"].tolist() == list(dict.fromkeys(alpha for alpha, *_ in runs))
    for alpha, dips, first, last, *medians in zip(*found.values(), strict=True):
        of_alpha = [run for run in runs if run[0] == alpha]
        at = [run[1] for run in of_alpha]
        assert (first, last) == (min(at), max(at))
        assert dips == pytest.approx(sum(run[2] < alpha for run in of_alpha) / len(of_alpha))
        for median, place in zip(medians, (3, 4), strict=True):
            assert median == pytest.approx(statistics.median(run[place] for run in of_alpha))
