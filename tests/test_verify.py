"""The checks themselves: exact on polynomials, and able to say no."""

import numpy as np
import pytest

from convreg.verify import (
    STEPS,
    adjoint_gap,
    central_difference_errors,
    confirm,
    gradient_tables,
    observed_order,
    remainder_order,
    taylor_remainders,
)


def test_central_differences_of_a_cubic_are_off_by_the_square_of_the_step():
    steps = [0.5, 0.25]
    errors = central_difference_errors(
        lambda x: float(np.sum(x**3)), np.array([2.0]), np.array([1.0]), 12.0, steps
    )
    assert errors == pytest.approx([0.25, 0.0625])


def test_taylor_remainders_of_a_quadratic():
    x, D = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    assert taylor_remainders(lambda x: float(x @ x), x, D, 2 * x @ D, [1.0, 0.1]) == pytest.approx(
        [10.0, 0.1]
    )


def test_a_wrong_slope_has_order_one():
    steps, x, D = np.logspace(-4, -1, 4), np.array([1.0, 2.0]), np.array([3.0, -1.0])
    right = taylor_remainders(lambda x: float(x @ x), x, D, 2 * x @ D, steps)
    wrong = taylor_remainders(lambda x: float(x @ x), x, D, 2 * x @ D + 5, steps)
    assert observed_order(steps, right) == pytest.approx(2, abs=1e-6)
    assert observed_order(steps, wrong) == pytest.approx(1, abs=0.2)


def test_gradient_tables_of_a_quadratic():
    x = np.array([1.0, 2.0, -1.0])
    gradients = {"right": 2 * x, "wrong": 2 * x + [0.5, 0, 0]}
    right, wrong = gradient_tables("x'x", lambda x: float(x @ x), x, gradients)
    assert (right["statement"], right["gradient"], wrong["gradient"]) == ("x'x", "right", "wrong")
    large = STEPS > 9e-5
    assert np.isnan(right["remainder"][~large]).all()
    assert right["remainder"][large] == pytest.approx(STEPS[large] ** 2, rel=1e-6)  # |D| = 1
    rounding = 2.0**-24 * 4 * (x @ x + 1)
    assert np.all(right["difference"] <= rounding / STEPS)
    assert (
        right["difference"][:4].max() > rounding / STEPS[3] / 100
    )  # f really is rounded to single precision
    slope = wrong["difference"][-1]
    assert 0.05 < slope < 0.5
    assert wrong["difference"][-3:] == pytest.approx([slope] * 3, rel=1e-3)
    assert wrong["remainder"][5] == pytest.approx(slope * STEPS[5], rel=0.05)
    assert remainder_order(right) == pytest.approx(2, abs=1e-3)
    assert remainder_order(wrong) == pytest.approx(1, abs=0.05)


def test_the_direction_leans_towards_the_first_gradient_and_follows_the_seed():
    x, G = np.zeros((4, 5)), np.random.default_rng(3).standard_normal((4, 5))
    slopes = []
    for seed in (1, 2):
        table = gradient_tables(
            "G'x", lambda x: float(np.sum(G * x)), x, {"right": G, "none": 0 * G}, seed
        )
        slopes.append(table[1]["difference"][-1] / np.linalg.norm(G))
    assert all(0.82 < slope < 0.97 for slope in slopes)
    assert slopes[0] != slopes[1]


def test_the_order_is_taken_from_the_small_steps():
    inside = (STEPS > 9e-5) & (STEPS < 2e-3)
    assert inside.sum() == 3
    remainder = np.where(inside, STEPS**2, 1.0)
    assert remainder_order({"remainder": remainder}) == pytest.approx(2)


class NotTransposed:
    """An operator whose .T forgets to transpose."""

    shape = (3, 3)
    A = np.arange(9.0).reshape(3, 3)
    T = A

    def __matmul__(self, x):
        return self.A @ x


def test_the_dot_test_sees_a_wrong_adjoint():
    assert adjoint_gap(NotTransposed.A) < 1e-15
    rng = np.random.default_rng(5)
    x, y, A = rng.standard_normal(3), rng.standard_normal(3), NotTransposed.A
    gap = abs(y @ A @ x - x @ A @ y) / (np.linalg.norm(A @ x) * np.linalg.norm(y))
    assert gap > 1e-3
    assert adjoint_gap(NotTransposed(), seed=5) == pytest.approx(gap)
    assert adjoint_gap(NotTransposed()) != pytest.approx(gap)
    assert adjoint_gap(np.zeros((2, 3))) == 0


def test_confirm_prints_or_stops(capsys):
    confirm("it is so", True)
    assert capsys.readouterr().out == "it is so: yes\n"
    with pytest.raises(AssertionError, match="it is so: no"):
        confirm("it is so", False)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e170, 1e300])
def test_the_dot_test_at_every_scale(scale):
    A = np.random.default_rng(6).standard_normal((4, 3))
    assert adjoint_gap(scale * A) < 1e-14

    class Wrong(NotTransposed):
        A = T = scale * NotTransposed.A

    assert adjoint_gap(Wrong()) == pytest.approx(adjoint_gap(NotTransposed()), rel=1e-12)


@pytest.mark.parametrize("holds", [None, "yes", np.nan, [True], np.array([True, False]), 2])
def test_confirm_takes_true_or_false(holds, capsys):
    with pytest.raises(TypeError, match=r"^holds: wanted True or False, got "):
        confirm("it is so", holds)
    assert capsys.readouterr().out == ""
