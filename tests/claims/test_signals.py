"""Section 1.1: the verdicts, what turns them, and the numbers in each row."""

import numpy as np
import pytest
from evidence import numbers, tap
from planted import in_the_tally, planted, signal_times, turned
from strategies import reference_matrix

from convreg.claims import signals
from convreg.claims.definitions import FAILS, HOLDS, IN_PART, OPEN
from convreg.claims.signals import SIGNAL_CLAIMS
from convreg.examples import start_kernel

VERDICTS = {
    "jacobian_bounds_the_signal": IN_PART,
    "near_1_keeps_gradients": IN_PART,
    "not_decided": OPEN,
}


OTHERWISE = [
    *planted(
        signals.jacobian_bounds_the_signal,
        "backpropagated",
        (signal_times(1.0, 7.0), HOLDS),
        (signal_times(0.0, 7.0), IN_PART),
        (signal_times(1.0, 7.7), FAILS),
    ),
    *planted(
        signals.near_1_keeps_gradients,
        "backpropagated",
        (signal_times(0.99, 1.01), HOLDS),
        (signal_times(0.5, 1.01), IN_PART),
        (signal_times(0.99, 1.5), IN_PART),
        (signal_times(0.5, 1.5), FAILS),
        (signal_times(0.99, 1.01, else_low=0.5), IN_PART),
        (signal_times(0.99, 1.01, else_high=1.5), IN_PART),
        (signal_times(0.99, 1.5, else_low=0.5, else_high=1.01), FAILS),
    ),
]


def test_the_verdicts(alone):
    names = [claim.judge.__name__ for claim in SIGNAL_CLAIMS]
    assert {name: alone[name].verdict for name in names} == VERDICTS


@pytest.mark.parametrize(("judge", "used", "wrong", "verdict"), OTHERWISE)
def test_a_predicate_comes_out_otherwise(judge, used, wrong, verdict, judged_with):
    assert judged_with(judge, used, wrong).verdict == verdict


def test_every_predicate_in_the_tally_turns():
    assert turned(OTHERWISE, VERDICTS) == in_the_tally(VERDICTS)


@pytest.mark.parametrize(("g", "h"), [(1, 3), (3, 1), (2, 2)])
def test_a_gradient_on_its_way_back(g, h):
    K = start_kernel(3, g, h)
    _, sigma, _ = np.linalg.svd(reference_matrix(K, 5).T)
    expected = [0.0 if h > g else sigma[-1], sigma[0]]
    assert signals.backpropagated(K, 5) == pytest.approx(expected, rel=1e-8)


def test_the_range_of_what_the_transpose_does(alone):
    expected = []
    for g, h in ((3, 1), (1, 3)):
        U, sigma, _ = np.linalg.svd(reference_matrix(start_kernel(3, g, h), 8))
        least = sigma[-1] if len(U) == len(sigma) else 0.0
        expected += [least, sigma[0], sigma[-1], sigma[0]]
    found = numbers(alone["jacobian_bounds_the_signal"].measured)
    assert found == pytest.approx(expected, rel=5e-3)


def test_the_range_near_the_identity(alone):
    expected = []
    for g, h in ((3, 1), (1, 3)):
        U, sigma, _ = np.linalg.svd(reference_matrix(tap(g, h) + 0.01 * start_kernel(3, g, h), 8))
        least = sigma[-1] if len(U) == len(sigma) else 0.0
        expected += [sigma[-1], sigma[0], least, sigma[0]]
    assert numbers(alone["near_1_keeps_gradients"].measured) == pytest.approx(expected, abs=6e-3)
