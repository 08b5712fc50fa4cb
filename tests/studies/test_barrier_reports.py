"""Section 3, the barrier: what notebook 7 finds, against dense matrices and by hand."""

import numpy as np
import pytest
from strategies import reference_gram, reference_matrix

from convreg import minimize_penalty, polyak_step
from convreg.examples import Case, Example
from convreg.studies import barrier_reports
from convreg.studies.barrier_reports import (
    arrival_lines,
    kink_lines,
    off_centre_after,
    plateau,
    price_lines,
    remedy_gradients,
    wide_lines,
    wide_outcomes,
)
from convreg.studies.barrier_runs import Outcome, arrival, outcome, outcome_lines
from convreg.verify import remainder_order


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_the_plateau_of_a_wide_matrix():
    found = plateau(kernel(3, 3, 3, 2), 4, [0.1, 1.0, 7.0])
    assert found.image < 1e-12
    assert found.gradient < 1e-12
    assert found.R == pytest.approx(np.array([[1, 1, 1, 2]] * 3), rel=1e-9)


def test_a_square_matrix_has_none():
    """M is a multiple of the identity: all of its singular values are the largest."""
    found = plateau(np.diag([2.0, 2.0]).reshape(1, 1, 2, 2), 3, [1.0, 5.0])
    assert found.image == pytest.approx(1)
    assert found.gradient > 0.1
    assert found.R == pytest.approx(np.array([[1, 0, 1, 2]] * 2), abs=1e-9)


def test_arrivals_at_half_and_double_the_rate():
    K = kernel(3, 3, 2, 1, seed=1)
    assert arrival_lines(K, 4, 4.0, 0.01, 12).splitlines() == [
        f"alpha 4, learning rate {rate:g}: {arrival(K, 4, 4.0, rate, 12)}" for rate in (0.005, 0.01, 0.02)
    ]


@pytest.mark.parametrize("alpha", [1.0, 6.0])
def test_both_signs_of_the_remedy_s_gradient(alpha, monkeypatch):
    taken = []
    tables = barrier_reports.gradient_tables
    monkeypatch.setattr(
        barrier_reports,
        "gradient_tables",
        lambda name, f, K, gradients: taken.append((f(K), K)) or tables(name, f, K, gradients),
    )
    K = kernel(3, 3, 2, 1)
    found = remedy_gradients(K, 4, alpha)
    assert [(table["statement"], table["gradient"]) for table in found] == [
        (f"MM', {sign}", which) for sign in ("u = v", "u = -v") for which in ("right", "missing term")
    ]
    assert [round(remainder_order(table)) for table in found] == [2, 1, 2, 1]
    assert np.array_equal(taken[0][1], K)
    for (R, of), sign in zip(taken, (1, -1), strict=True):
        values = np.linalg.eigvalsh(reference_gram(reference_matrix(of, 4), alpha, "rows"))
        assert max(abs(values)) == pytest.approx(R)
        assert sign * values[-1 if sign > 0 else 0] == pytest.approx(R)  # the end of that sign decides


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


def test_the_second_half_at_the_kinks():
    lines = [
        {"panel": "a", "line": "b", "value": np.array([0.1, 9.0, 3.0, 2.0, 2.54321])},
        {"panel": "Polyak's step", "line": "two gradients", "value": np.array([5.0, 4.0])},
    ]
    assert kink_lines(lines).splitlines() == [
        "a             b              R_alpha in the second half from 2 to 3",
        "Polyak's step two gradients  R_alpha in the second half from 4 to 4",
    ]


def test_the_price_by_hand():
    table = {"steps": [0, 3000], "kappa": [11.66, 1.04], "off_centre_share": [0.925, 0.07]}
    assert price_lines(table, 8).splitlines() == [
        "   0 steps, N = 8: kappa 11.7, the taps off the centre have 0.93 of |K|",
        "3000 steps, N = 8: kappa  1.0, the taps off the centre have 0.07 of |K|",
    ]


@pytest.mark.parametrize("steps", [3, 20])
def test_off_the_centre_after_some_steps(steps):
    K = kernel(3, 3, 3, 2)
    R, off = off_centre_after(K, 4, 1.5, steps)
    end = minimize_penalty(K, 4, 1.5, polyak_step, steps, update="svd", gram="smaller").kernel
    squares = end**2
    squares[1, 1] = 0
    assert off == pytest.approx(max(squares.sum(axis=(0, 1, 2))), rel=1e-6)
    assert R == pytest.approx(np.linalg.norm(reference_gram(reference_matrix(end, 4), 1.5, "rows"), 2), rel=1e-6)
