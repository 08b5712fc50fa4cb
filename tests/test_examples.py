"""Examples 1 and 2: the settings, the start kernels, the descents, the evidence, the summary."""

from types import SimpleNamespace

import numpy as np
import pytest

from convreg.descent import minimize_penalty
from convreg.examples import (
    EXAMPLE_1,
    EXAMPLE_2,
    Case,
    Example,
    gather,
    identity,
    run,
    start_kernel,
    summary,
)
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix
from convreg.storage.tables import checked_table


@pytest.fixture(scope="module")
def example_2():
    return gather(EXAMPLE_2, run(EXAMPLE_2))


def test_the_settings_are_the_papers():
    assert EXAMPLE_1.cases() == [Case(3, 1, 1.0), Case(1, 3, 1.0), Case(3, 6, 1.0), Case(6, 3, 1.0)]
    assert EXAMPLE_2.cases() == [
        Case(3, 1, 0.1),
        Case(3, 1, 1.0),
        Case(3, 1, 5.0),
        Case(3, 1, 10.0),
    ]
    assert EXAMPLE_1[2:] == EXAMPLE_2[2:] == (3, 15, 0.01, 20, 2, 1)


def test_a_start_kernel_fills_in_matlabs_order():
    assert np.array_equal(start_kernel(3, 2, 4, state=5).ravel(order="F"), matlab_rand(72, state=5))


def test_the_barrier_is_in_the_exact_values_only(example_2):
    for case, evidence in example_2.items():
        assert evidence.power.penalty.min() >= case.alpha * (1 - 1e-12)
        assert evidence.svd.estimate.min() >= case.alpha * (1 - 1e-12)
    lowest = [evidence.power.estimate.min() / case.alpha for case, evidence in example_2.items()]
    assert lowest[0] > 1 > max(lowest[1:])


def test_later_is_the_value_after_ten_times_as_many_steps():
    case = Case(1, 3, 1.0)
    example = EXAMPLE_1._replace(channels=((1, 3),))
    found = gather(example, run(example))
    assert list(found) == [case]
    assert 0.1 < found[case].later < 0.16 < found[case].power.penalty[-1]


SMALL = Example(((2, 1), (1, 2)), (0.5, 4.0), 2, 3, 0.02, 3, 4, 7)


@pytest.mark.parametrize("case", SMALL.cases())
def test_a_descent_has_the_settings_of_the_example(case):
    K = matlab_rand(2, 2, case.g, case.h, state=7)
    assert np.array_equal(SMALL.start(case), K)
    found = SMALL.descend(case)
    expected = minimize_penalty(K, 3, case.alpha, 0.02, 3, 4)
    assert np.array_equal(found.kernel, expected.kernel)
    assert found.history.tolist() == expected.history.tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 3.0},
        {"learning_rate": 0.01},
        {"iterations": 2},
        {"power_iterations": 1},
        {"update": "svd"},
        {"gram": "rows"},
    ],
)
def test_a_descent_with_a_setting_changed(change):
    case = Case(2, 1, 0.5)
    plain = {"alpha": 0.5, "learning_rate": 0.02, "iterations": 3, "power_iterations": 4}
    expected = minimize_penalty(SMALL.start(case), 3, **plain | change)
    found = SMALL.descend(case, **change)
    assert found.history.tolist() == expected.history.tolist()
    assert found.history.tolist() != SMALL.descend(case).history.tolist()


def test_the_runs_are_the_descents_of_the_cases():
    for update in ("power", "svd"):
        histories = run(SMALL, update)
        assert list(histories) == SMALL.cases()
        for case, history in histories.items():
            expected = SMALL.descend(case, update=update).history
            assert history.tolist() == expected.tolist()


def test_summary_takes_the_lowest_estimate():
    lines = {
        "estimate": [9.0, 2.0, 3.0],
        "penalty": [9.0, 4.0, 5.0],
        "condition_number": [7.0, 6.0, 8.0],
    }
    history = {name: np.array(line) for name, line in lines.items()} | {
        "sigma_max": [9.0, 1.5],
        "sigma_min": [0.1, 0.5],
    }
    table = summary({"a case": SimpleNamespace(**history), "again": SimpleNamespace(**history)})
    assert {name: column.tolist() for name, column in table.items()} == {
        "case": ["a case", "again"],
        "kappa, start": [7.0] * 2,
        "kappa, end": [8.0] * 2,
        "sigma_max": [1.5] * 2,
        "sigma_min": [0.5] * 2,
        "estimate": [3.0] * 2,
        "R_alpha": [5.0] * 2,
        "lowest estimate": [2.0] * 2,
        "at iteration": [1] * 2,
    }
    assert checked_table("table", summary({}))["at iteration"].tolist() == []


@pytest.mark.parametrize(("k", "g", "h"), [(3, 2, 3), (2, 2, 2), (4, 3, 2), (1, 1, 1)])
def test_the_identity_hands_channels_on(k, g, h):
    M = conv_matrix(identity(k, g, h), 4).toarray()
    assert np.array_equal(M, np.kron(np.eye(h, g), np.eye(16)))
