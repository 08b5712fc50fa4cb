"""Examples 1 and 2: the settings, the start kernels, the descents, the evidence, the summary."""

from types import SimpleNamespace

import numpy as np
import pytest

from convreg.examples import (
    EXAMPLE_1,
    EXAMPLE_2,
    Case,
    gather,
    identity,
    run,
    start_kernel,
    summary,
)
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix


@pytest.fixture(scope="module")
def example_1():
    return gather(EXAMPLE_1, run(EXAMPLE_1))


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


def test_later_is_the_value_after_ten_times_as_many_steps(example_1):
    assert (
        0.1 < example_1[Case(1, 3, 1.0)].later < 0.16 < example_1[Case(1, 3, 1.0)].power.penalty[-1]
    )


def test_summary_takes_the_lowest_estimate():
    lines = {
        "estimate": [9.0, 2.0, 3.0],
        "penalty": [9.0, 4.0, 5.0],
        "condition_number": [7.0, 6.0, 8.0],
    }
    history = {name: np.array(line) for name, line in lines.items()} | {
        "sigma_max": [1.0],
        "sigma_min": [1.0],
    }
    header, row = summary({"a case": SimpleNamespace(**history)}).splitlines()
    assert header.split() == [
        "case",
        "kappa:",
        "start",
        "end",
        "sigma_max",
        "sigma_min",
        "estimate",
        "R_alpha",
        "lowest,",
        "at",
    ]
    assert row.split() == ["a", "case", "7", "8", "1", "1", "3", "5", "2", "1"]


@pytest.mark.parametrize(("k", "g", "h"), [(3, 2, 3), (2, 2, 2), (4, 3, 2), (1, 1, 1)])
def test_the_identity_hands_channels_on(k, g, h):
    M = conv_matrix(identity(k, g, h), 4).toarray()
    assert np.array_equal(M, np.kron(np.eye(h, g), np.eye(16)))
