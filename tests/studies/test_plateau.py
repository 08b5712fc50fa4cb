"""Section 3, the barrier: R_alpha >= alpha for h < g, and the plateau where it is alpha."""

import sys

import numpy as np
import pytest
from dense import alphas, dense_penalty, kernel, null_rounding, scaled, top_square, wide
from hypothesis import given, settings
from hypothesis import strategies as st

from convreg import matlab_rand, minimize_penalty, penalty, penalty_gradient
from convreg.studies.plateau import arrival, arrivals, plateau


@given(wide(), alphas)
def test_with_fewer_outputs_than_inputs_the_penalty_is_at_least_alpha(case, alpha):
    R, top = penalty(case.K, case.N, alpha), top_square(case.K, case.N)
    assert R >= alpha * (1 - 1e-12)
    assert pytest.approx(max(top - alpha, alpha), rel=1e-12) == R
    assert dense_penalty(case.K, case.N, alpha, "columns") >= alpha * (1 - 1e-12)


@given(wide(), alphas, st.floats(0, 2 - 1e-9), st.floats(2 + 1e-6, 20))
def test_it_equals_alpha_exactly_where_the_largest_square_is_at_most_twice_alpha(
    case, alpha, below, above
):
    assert penalty(scaled(case, below * alpha), case.N, alpha) == alpha
    assert penalty(scaled(case, above * alpha), case.N, alpha) == pytest.approx(
        (above - 1) * alpha, rel=1e-12
    )
    assert penalty(scaled(case, above * alpha), case.N, alpha) > alpha


@given(wide(), alphas)
def test_the_penalty_of_the_zero_kernel_is_alpha(case, alpha):
    assert penalty(np.zeros_like(case.K), case.N, alpha) == alpha


@given(wide(), alphas, st.floats(0, 1, exclude_min=True), st.floats(0.01, 3))
def test_theorem_2_1_never_applies_there(case, alpha, t, relative):
    assert not penalty(case.K, case.N, alpha) < t * alpha
    assert not penalty(scaled(case, relative * alpha), case.N, alpha) < t * alpha


@given(wide(), alphas, st.floats(0.01, 1.95))
def test_on_the_plateau_the_gradient_is_zero(case, alpha, below):
    K = scaled(case, below * alpha)
    R, G = penalty_gradient(K, case.N, alpha)
    assert pytest.approx(alpha, rel=1e-12) == R
    assert np.linalg.norm(G) <= 10 * case.N * null_rounding(K, case.N, alpha)


@given(wide(), alphas, st.floats(0.01, 1.9))
def test_on_the_plateau_central_differences_are_zero(case, alpha, below):
    K = scaled(case, below * alpha)
    for direction in case.rng.standard_normal((3, *K.shape)):
        step = 1e-3 * np.linalg.norm(K) / np.linalg.norm(direction) * direction
        assert penalty(K + step, case.N, alpha) - penalty(K - step, case.N, alpha) == 0


@given(wide(max_k=3, max_N=3), alphas, st.floats(0.01, 1.95), st.floats(1e-3, 10))
@settings(max_examples=50)
def test_on_the_plateau_descent_stands_still(case, alpha, below, learning_rate):
    K = scaled(case, below * alpha)
    found = minimize_penalty(K, case.N, alpha, learning_rate, 5, update="svd", diagnostics=False)
    rounding = learning_rate * 10 * case.N * null_rounding(K, case.N, alpha)
    assert np.linalg.norm(found.kernel - K) <= 1e-12 * np.linalg.norm(K) + 5 * rounding


@given(wide(max_k=3, max_N=3), alphas, st.floats(2.05, 20))
@settings(max_examples=50)
def test_off_the_plateau_descent_moves(case, alpha, above):
    """K'G = 2 sigma_max^2 there, the squared norm being of degree two."""
    K = scaled(case, above * alpha)
    found = minimize_penalty(K, case.N, alpha, 0.01, 1, update="svd", diagnostics=False)
    assert np.sum((K - found.kernel) * K) == pytest.approx(0.02 * above * alpha, rel=1e-10)


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
    table = arrivals(K, 4, 4.0, 0.01, 12)
    names = ["learning rate", "on the plateau from iteration", "kappa there", "kappa at the end"]
    assert list(table) == names
    rows = list(zip(*(column.tolist() for column in table.values()), strict=True))
    assert rows == [(rate, *arrival(K, 4, 4.0, rate, 12)) for rate in (0.005, 0.01, 0.02)]


@pytest.mark.parametrize(("alpha", "learning_rate"), [(4.0, 0.02), (4.0, 0.005), (2.0, 0.02)])
def test_the_arrival_by_hand(alpha, learning_rate):
    K = kernel(3, 3, 2, 1, seed=1)
    history = minimize_penalty(K, 4, alpha, learning_rate, 12, update="svd").history
    first = next(i for i, R in enumerate(history.penalty) if R <= alpha * (1 + 1e-9))
    kappa = history.condition_number
    assert 0 < first < 12
    assert f"{kappa[first]:.3g}" != f"{kappa[first - 1]:.3g}"
    found = arrival(K, 4, alpha, learning_rate, 12)
    assert found == (first, pytest.approx(kappa[first]), pytest.approx(kappa[-1]))
    assert arrival(K, 4, alpha, learning_rate, first).iteration == first
    before = arrival(K, 4, alpha, learning_rate, first - 1)
    assert np.isnan(before[:2]).all()
    assert before.end == pytest.approx(kappa[first - 1])


def test_the_arrival_is_about_the_exact_penalty():
    """The power method's estimate is below alpha before R_alpha is down to it."""
    K = matlab_rand(3, 3, 2, 1)
    estimate = minimize_penalty(K, 5, 4.0, 0.02, 8).history.estimate
    exact = minimize_penalty(K, 5, 4.0, 0.02, 8, update="svd").history
    first = int(np.flatnonzero(exact.penalty <= 4.0 * (1 + 1e-9))[0])
    assert (estimate < 4.0).any()
    assert arrival(K, 5, 4.0, 0.02, 8).iteration == first


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
    assert arrival([[2.0]], 3, 2.0, 0.125, 4) == (2, 7.6543, 5.4321)
    assert calls == [(([[2.0]], 3, 2.0, 0.125, 4), {"update": "svd"})]


@pytest.mark.parametrize(
    ("end", "arrived"),
    [(2.0, True), (2 * (1 + 5e-10), True), (2 * (1 + 1e-9), True), (2 * (1 + 5e-9), False)],
)
def test_rounding_does_not_put_off_the_arrival(monkeypatch, end, arrived):
    with_history(monkeypatch, [9, end], [12, 8])
    found = arrival([[2.0]], 3, 2.0, 0.125, 1)
    assert found.end == 8.0
    assert found[:2] == (1, 8.0) if arrived else np.isnan(found[:2]).all()
