"""Algorithm 2.1, step 5: Polyak's step, and rules in place of a learning rate."""

import re
import warnings
from functools import partial

import numpy as np
import pytest
from dense import (
    all_grams,
    alphas,
    kernel,
    small,
    trace,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases

from convreg import (
    ConvolutionOperator,
    clipped_polyak_step,
    kernel_gradient,
    leading_triplets,
    minimize_penalty,
    polyak_step,
    power_update,
    shifted_gram,
)


@given(cases(max_k=4, max_channels=3), st.floats(0, 100), st.floats(1e-6, 10))
def test_polyak_step_is_the_penalty_over_the_square_of_the_gradient(case, R, limit):
    square = float((case.K**2).sum())
    expected = limit if square == 0 else min(limit, R / square)
    assert polyak_step(R, case.K, limit) == pytest.approx(expected, rel=1e-13)
    assert polyak_step(R, np.zeros_like(case.K), limit) == limit
    assert type(polyak_step(R, case.K, limit)) is float


def test_polyak_step_by_hand():
    """R / |G|^2 = 3 / 64 and 2 / 25, the limit 0.1 unless another is given."""
    assert polyak_step(3.0, [[8.0]]) == 3 / 64
    assert polyak_step(2, [[3, 0], [0, -4]]) == 0.08
    assert polyak_step(2.0, [[1.0, 1.0]]) == polyak_step(2.0, [[0.0]]) == 0.1
    assert polyak_step(2.0, [[1.0, 1.0]], 3) == 1.0
    assert polyak_step(2.0, [[1.0, 1.0]], limit=0.25) == 0.25
    assert polyak_step(0.0, [[1.0, 1.0]]) == 0.0


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("R", (-1.0, [[1.0]]), ValueError),
        ("R", (np.nan, [[1.0]]), ValueError),
        ("R", (np.inf, [[1.0]]), ValueError),
        ("R", ("3", [[1.0]]), TypeError),
        ("R", (None, [[1.0]]), TypeError),
        ("limit", (1.0, [[1.0]], 0), ValueError),
        ("limit", (1.0, [[1.0]], -0.1), ValueError),
        ("limit", (1.0, [[1.0]], np.nan), ValueError),
        ("limit", (1.0, [[1.0]], "0.1"), TypeError),
        ("G", (1.0, [["a"]]), TypeError),
        ("G", (1.0, None), TypeError),
        ("G", (1.0, [[1j]]), TypeError),
        ("G", (1.0, [[1.0], [2.0, 3.0]]), ValueError),
    ],
)
def test_polyak_step_names_a_bad_argument(name, arguments, error):
    with pytest.raises(error, match=f"^{name}: wanted "):
        polyak_step(*arguments)


@pytest.mark.parametrize("gram", ["columns", "rows"])
@pytest.mark.parametrize("shape", [(3, 3, 2, 1), (3, 3, 1, 2), (2, 2)])
def test_the_rule_gets_the_estimate_and_the_gradient_of_its_iteration(shape, gram):
    K, N, calls, triplets, sizes = kernel(*shape, seed=3), 3, [], [], [0.01, 0.03, 0.0, 0.02]
    triplets.append(leading_triplets(shifted_gram(ConvolutionOperator(K, N), 2.0, gram)))

    def update(B, before):
        triplets.append(power_update(B, before, 2))
        return triplets[-1]

    def rule(R, G):
        calls.append((R, G.copy()))
        return sizes[len(calls) - 1]

    result, kernels = trace(K, N, 2.0, learning_rate=rule, iterations=4, update=update, gram=gram)
    history = result.history
    assert [R for R, _ in calls] == list(history.estimate[:-1])
    assert len(set(history.estimate)) == 5
    for i, (R, G) in enumerate(calls):
        u, v = triplets[i][history.selected[i]][1:]
        assert isinstance(R, float)
        assert G.shape == shape
        assert np.array_equal(G, kernel_gradient(kernels[i], N, u, v, gram))
        assert np.array_equal(kernels[i + 1], kernels[i] - sizes[i] * G)


@given(
    small(max_k=3, max_N=3),
    alphas,
    st.floats(1e-4, 0.01),
    all_grams,
    st.sampled_from(("power", "svd")),
)
@settings(max_examples=30)
def test_a_constant_rule_is_a_number_bit_for_bit(case, alpha, size, gram, update):
    run = partial(minimize_penalty, case.K, case.N, alpha, iterations=4, gram=gram, update=update)
    number, rule = run(learning_rate=size), run(learning_rate=lambda R, G: size)
    assert np.array_equal(number.kernel, rule.kernel)
    assert all(
        np.array_equal(number.history[name], rule.history[name], equal_nan=True)
        for name in number.history.dtype.names
    )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (np.nan, ValueError),
        (np.inf, ValueError),
        (-0.01, ValueError),
        ("0.01", TypeError),
        (None, TypeError),
        (True, TypeError),
        (np.ones(1), TypeError),
    ],
)
def test_a_bad_answer_of_the_rule_is_named(answer, error):
    with pytest.raises(error, match=r"^learning_rate: wanted a finite number of at least 0, got "):
        minimize_penalty([[2.0]], 1, learning_rate=lambda R, G: answer)


@pytest.mark.parametrize(
    ("number", "error"),
    [(0, ValueError), (-0.01, ValueError), (np.nan, ValueError), ("0.01", TypeError)],
)
def test_a_number_has_to_be_positive(number, error):
    with pytest.raises(error, match=r"^learning_rate: wanted a positive finite number, got "):
        minimize_penalty([[2.0]], 1, learning_rate=number)


@pytest.mark.parametrize("update", ["power", "svd"])
@pytest.mark.parametrize("zero", [0, 0.0, np.float32(0), np.array(0.0)])
def test_a_rule_that_returns_0_keeps_the_kernel(update, zero):
    K = kernel(3, 3, 2, 1)
    result = minimize_penalty(K, 3, learning_rate=lambda R, G: zero, iterations=3, update=update)
    assert np.array_equal(result.kernel, K)
    assert result.history.estimate == pytest.approx(result.history.estimate[0], rel=1e-13)


@pytest.mark.parametrize("iteration", [1, 3])
def test_a_huge_step_of_the_rule_is_named_with_its_size(iteration):
    sizes = iter([0.01] * (iteration - 1) + [1.25e200])
    message = (
        rf"^learning_rate: wanted .*, got {re.escape('1.25e+200')}: .* at iteration {iteration}$"
    )
    with pytest.raises(FloatingPointError, match=message):
        minimize_penalty(kernel(3, 3, 2, 1), 3, learning_rate=lambda R, G: next(sizes))


def test_polyak_steps_in_closed_form():
    """A single pixel, K > 1: R = K^2 - 1, G = 2 K, so that K falls by (K^2 - 1) / 2 K: Newton's
    square root of 1.
    """
    found = minimize_penalty([[3.0]], 1, learning_rate=polyak_step, iterations=6)
    K = 3.0
    for estimate in found.history.estimate[:-1]:
        assert estimate == pytest.approx(K**2 - 1, rel=1e-9, abs=1e-14)
        K -= min((K**2 - 1) / (4 * K**2), 0.1) * 2 * K
    assert found.kernel[0, 0] == pytest.approx(K, rel=1e-12)
    newton = minimize_penalty(
        [[3.0]], 1, learning_rate=partial(polyak_step, limit=1.0), iterations=6
    )
    assert newton.kernel[0, 0] == pytest.approx(1, rel=1e-12)


def test_a_rule_cannot_change_the_gradient():
    def rule(R, G):
        G[:] = 0
        return 0.01

    assert minimize_penalty([[2.0]], 1, learning_rate=rule, iterations=1).kernel == pytest.approx(
        1.96
    )


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e200, 1e300])
def test_a_gradient_whose_squares_are_no_floats_has_a_step_all_the_same(size):
    """R / |G|^2, where R is as small or as large as |G|."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = pytest.approx(0.04 / size, rel=1e-14)
        assert polyak_step(size, size * np.array([[3.0, 4.0]]), 1e305) == expected
        assert clipped_polyak_step(size, size * np.array([[3.0, 4.0]])) == expected


def test_a_gradient_whose_norm_overflows_is_named():
    with pytest.raises(ValueError, match=r"^G: wanted entries whose norm does not overflow"):
        clipped_polyak_step(1.0, np.full(4, 1e308))


@given(cases(max_k=4, max_channels=3), st.floats(0, 100), st.floats(1e-6, 10))
def test_a_clipped_step_is_polyaks_or_has_the_length(case, R, length):
    norm = float(np.linalg.norm(case.K))
    rate = clipped_polyak_step(R, case.K, length)
    assert type(rate) is float
    if norm == 0:
        assert rate == 0
    else:
        assert rate * norm == pytest.approx(min(R / norm, length), rel=1e-12, abs=0)


def test_a_clipped_step_by_hand():
    """3 / 64; where |G| = 0.001, the length 0.5 over it, unless another is given."""
    assert clipped_polyak_step(3.0, [[8.0]]) == 3 / 64
    assert clipped_polyak_step(3.0, [[1e-3]]) == 500
    assert clipped_polyak_step(3.0, [[3e-3, -4e-3]], length=1) == pytest.approx(200)
    assert clipped_polyak_step(3.0, [[1.0]], 10) == 3
    assert clipped_polyak_step(0.0, [[1.0]]) == clipped_polyak_step(1.0, [[0.0]]) == 0


@pytest.mark.parametrize("size", [1e-200, 1e-300, 5e-324])
def test_a_tiny_gradient_gives_a_finite_step_of_no_more_than_the_length(size):
    """Also where the square of its norm is 0 as a float."""
    G = np.array([[size, -size]])
    rate = clipped_polyak_step(1.0, G)
    length = np.linalg.norm(rate * G / 0.5) * 0.5
    assert length == pytest.approx(0.5 if size > 1e-308 else 0, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("R", (-1.0, [[1.0]]), ValueError),
        ("R", ("3", [[1.0]]), TypeError),
        ("length", (1.0, [[1.0]], 0), ValueError),
        ("length", (1.0, [[1.0]], "0.5"), TypeError),
        ("G", (1.0, [["a"]]), TypeError),
        ("G", (1.0, [[np.inf]]), ValueError),
        ("G", (1.0, [[np.nan]]), ValueError),
    ],
)
def test_a_clipped_step_names_a_bad_argument(name, arguments, error):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=f"^{name}: wanted "):
            clipped_polyak_step(*arguments)
