"""The checks themselves: exact on polynomials, and able to say no."""

import numpy as np
import pytest

from convreg.verify import adjoint_gap, central_difference_errors, confirm, observed_order, taylor_remainders


def test_central_differences_of_a_cubic_are_off_by_the_square_of_the_step():
    steps = [0.5, 0.25]
    errors = central_difference_errors(
        lambda x: float(np.sum(x**3)), np.array([2.0]), np.array([1.0]), 12.0, steps
    )
    assert errors == pytest.approx([0.25, 0.0625])


def test_taylor_remainders_of_a_quadratic():
    x, D = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    assert taylor_remainders(lambda x: float(x @ x), x, D, 2 * x @ D, [1.0, 0.1]) == pytest.approx([10.0, 0.1])


def test_a_wrong_slope_has_order_one():
    steps, x, D = np.logspace(-4, -1, 4), np.array([1.0, 2.0]), np.array([3.0, -1.0])
    right = taylor_remainders(lambda x: float(x @ x), x, D, 2 * x @ D, steps)
    wrong = taylor_remainders(lambda x: float(x @ x), x, D, 2 * x @ D + 5, steps)
    assert observed_order(steps, right) == pytest.approx(2, abs=1e-6)
    assert observed_order(steps, wrong) == pytest.approx(1, abs=0.2)


class NotTransposed:
    """An operator whose .T forgets to transpose."""

    shape = (3, 3)
    A = np.arange(9.0).reshape(3, 3)
    T = A

    def __matmul__(self, x):
        return self.A @ x


def test_the_dot_test_sees_a_wrong_adjoint():
    assert adjoint_gap(NotTransposed.A) < 1e-15
    assert adjoint_gap(NotTransposed()) > 1e-3
    assert adjoint_gap(np.zeros((2, 3))) == 0


def test_confirm_prints_or_stops(capsys):
    confirm("it is so", True)
    assert capsys.readouterr().out == "it is so: yes\n"
    with pytest.raises(AssertionError, match="it is so: no"):
        confirm("it is so", False)
