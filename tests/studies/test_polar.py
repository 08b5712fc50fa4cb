"""The polar penalty and alternating projection, against dense matrices and by hand."""

import numpy as np
import pytest
from dense import kernel
from hypothesis import given
from hypothesis import strategies as st
from strategies import DTYPES, cases, reference_adjoint, reference_matrix, relative_error

from convreg.examples import identity
from convreg.studies.polar import (
    alternating_projection,
    exact_projection,
    periodic_polar_penalty,
    periodic_projection,
    polar_factor,
)
from convreg.symbol import symbol
from convreg.verify import gradient_tables, remainder_order

SHAPES = [
    (3, 3, 2, 2),
    (3, 3, 1, 1),
    (3, 3, 3, 2),
    (3, 3, 2, 4),
    (4, 4, 2, 2),
    (3, 3),
    (1, 1, 2, 2),
]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def symbols(K, side):
    """F at the side^2 frequencies, all of them."""
    angles = 2 * np.pi * np.arange(side) / side
    return symbol(K, angles[:, np.newaxis], angles)


def value_of(values, root):
    return float(np.sum((values - root) ** 2))


def smallest(K, side):
    return np.linalg.svd(symbols(K, side), compute_uv=False).min()


@pytest.mark.parametrize("side", [4, 5, 8, 9])
@each_shape
def test_the_periodic_penalty_is_the_mean_over_all_frequencies(shape, side):
    K = kernel(*shape)
    sigma = np.linalg.svd(symbols(K, side), compute_uv=False)
    P, _ = periodic_polar_penalty(K, side, 1.7)
    assert type(P) is float
    assert P == pytest.approx(value_of(sigma, 1.7**0.5) / side**2, rel=1e-13)
    assert periodic_polar_penalty(K, side)[0] == pytest.approx(value_of(sigma, 1) / side**2)


@pytest.mark.parametrize("side", [5, 8])
@each_shape
def test_its_gradient_is_verified_as_in_notebook_3(shape, side):
    """The remainders of the right gradient have the order 2, those of twice the taps of F only 1.

    Kernels without a small singular value: P has a kink where one is 0.
    """
    k, _, g, h = (*shape, 1, 1)[:4]
    K = (2 * identity(k, g, h) + 0.1 * kernel(k, k, g, h, seed=1)).reshape(shape)
    assert smallest(K, side) > 0.3
    _, G = periodic_polar_penalty(K, side, 1.3)
    right, wrong = gradient_tables(
        "polar",
        lambda K: periodic_polar_penalty(K, side, 1.3)[0],
        K,
        {"right": G, "without the polar factor": 2 * K},
    )
    assert remainder_order(right) == pytest.approx(2, abs=0.05)
    assert remainder_order(wrong) == pytest.approx(1, abs=0.05)


@given(cases(max_k=4, max_channels=3, max_N=3), st.integers(0, 3), st.floats(0.1, 4))
def test_a_step_of_one_half_is_the_nearest_kernel(case, more, alpha):
    """The taps of the matrices sqrt(alpha) U V^H, by the inverse DFT written out."""
    K = case.K
    side = len(K) + more
    angles = 2 * np.pi * np.arange(side) / side
    U, sigma, Vh = np.linalg.svd(symbols(K, side), full_matrices=False)
    if sigma.min() < 1e-6:  # U V^H is not unique, or hardly
        return
    offsets = np.arange(len(K)) - (len(K) + 1) // 2 + 1
    waves = np.exp(-1j * np.outer(offsets, angles))
    taps = np.einsum("pa,qb,abhg->pqgh", waves, waves, U @ Vh) / side**2
    P, G = periodic_polar_penalty(K, side, alpha)
    assert np.abs(K - G / 2 - alpha**0.5 * taps).max() < 1e-9
    value, projected = periodic_projection(side, alpha)(K)
    assert (value, projected.tolist()) == (P, (K - G / 2).tolist())


@pytest.mark.parametrize("projection", [periodic_projection(6, 2.0), exact_projection(4, 2.0)])
@each_shape
def test_no_step_raises_the_value(projection, shape):
    K = kernel(*shape, seed=3)
    values = [np.inf]
    for _ in range(30):
        value, K = projection(K)
        values.append(value)
    assert max(np.diff(values)) < 1e-12
    assert values[-1] < 0.9 * values[1]


def singular_kernels():
    """Zero somewhere: everywhere, at theta = 0 alone, for one of two channels, on a line."""
    differences = np.zeros((3, 3, 1, 1))
    differences[1, :, 0, 0] = -1, 2, -1
    one_of_two = identity(3, 2, 2)
    one_of_two[1, 1] = [[1, 2], [2, 4]]
    wide = np.zeros((3, 3, 3, 2))
    wide[0, 1, :, 0] = 1, 2, 3
    return [np.zeros((3, 3, 2, 2)), differences, one_of_two, wide, np.ones((3, 3, 2, 2))]


@pytest.mark.parametrize("K", singular_kernels(), ids=lambda K: str(K.shape))
@pytest.mark.parametrize("side", [4, 6])
def test_where_F_is_singular_the_step_does_not_raise_the_value(K, side):
    assert smallest(K, side) < 1e-12
    before, after = periodic_projection(side)(K)
    sigma = np.linalg.svd(symbols(K, side), compute_uv=False)
    assert before == pytest.approx(value_of(sigma, 1) / side**2, rel=1e-12)
    assert np.isfinite(after).all()
    assert periodic_projection(side)(after)[0] <= before + 1e-12


@pytest.mark.parametrize("K", singular_kernels(), ids=lambda K: str(K.shape))
def test_where_F_is_singular_every_direction_lies_below_the_slope(K):
    """P(K + D) <= P(K) + <G, D> + |D|^2: what makes the step a descent whatever U V^H is taken."""
    P, G = periodic_polar_penalty(K, 5)
    rng = np.random.default_rng(4)
    for size in (1e-3, 0.1, 3.0):
        D = size * rng.standard_normal(K.shape)
        above = P + np.sum(G * D) + np.sum(D**2)
        assert periodic_polar_penalty(K + D, 5)[0] <= above + 1e-12


@given(cases(max_k=4, max_channels=3, max_N=4), st.floats(0.1, 4))
def test_the_exact_projection_is_the_nearest_kernel(case, alpha):
    """By least squares on the entries of the dense M."""
    K, N = case.K, case.N
    M = reference_matrix(K, N)
    U, sigma, Vt = np.linalg.svd(M, full_matrices=False)
    value, projected = exact_projection(N, alpha)(K)
    assert value == pytest.approx(value_of(sigma, alpha**0.5), rel=1e-10, abs=1e-10)
    if sigma.min() < 1e-6:
        return
    gap = reference_matrix(projected, N) - alpha**0.5 * U @ Vt
    assert np.abs(reference_adjoint(gap, K.shape, N)).max() < 1e-8
    reads = reference_adjoint(np.ones_like(M), K.shape, N) > 0
    assert not projected[~reads].any()


def test_the_exact_projection_of_alpha_1_unless_told():
    K = kernel(3, 3, 2, 2)
    assert np.array_equal(exact_projection(4)(K)[1], exact_projection(4, 1.0)(K)[1])


@each_shape
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("projection", [periodic_projection(5), exact_projection(4)])
def test_the_type_and_the_shape_of_the_kernel_are_kept(projection, dtype, shape):
    K = kernel(*shape, seed=5).astype(dtype)
    given_as = K.copy()
    value, once = projection(K)
    end = alternating_projection(K, projection, 3)
    assert type(value) is float
    assert (once.dtype, once.shape, end.dtype, end.shape) == (dtype, shape, dtype, shape)
    assert relative_error(once, projection(K.astype(float))[1]) < 1e-4
    assert np.array_equal(K, given_as)


def test_lists_of_whole_numbers_are_a_kernel():
    P, G = periodic_polar_penalty([[2]], 1)
    assert (P, G.tolist(), G.dtype) == (1.0, [[2.0]], np.float64)
    assert alternating_projection([[2]], exact_projection(1), 1).tolist() == [[1.0]]


def literally(K, projection, steps):
    """Nesterov's sequences and the restart, as they are written."""
    kernels, point, t, values = [K], K, 1.0, [np.inf]
    for _ in range(steps):
        value, after = projection(point)
        t = 1.0 if value > values[-1] else t
        following = (1 + np.sqrt(1 + 4 * t * t)) / 2
        kernels.append(after)
        point = after + (t - 1) / following * (after - kernels[-2])
        t = following
        values.append(value)
    return kernels[1:], values[1:]


@pytest.mark.parametrize("steps", [0, 1, 2, 60])
def test_alternating_projection_is_nesterovs_sequence(steps):
    K = kernel(3, 3, 1, 1, seed=3)
    projection = exact_projection(5)
    kernels, values = literally(K, projection, steps)
    heard = []
    end = alternating_projection(K, projection, steps, callback=lambda *args: heard.append(args))
    assert [step for step, _, _ in heard] == list(range(1, steps + 1))
    assert np.array_equal(end, kernels[-1] if steps else K)
    assert not np.shares_memory(end, K)
    assert [value for _, _, value in heard] == values
    assert all(np.array_equal(a, b) for (_, a, _), b in zip(heard, kernels, strict=True))
    if steps == 60:
        assert max(np.diff(values)) > 0  # a restart has been needed


def test_without_acceleration_it_is_the_projection_again_and_again():
    K = kernel(3, 3, 2, 2, seed=2)
    projection = periodic_projection(5)
    end = K
    for _ in range(7):
        _, end = projection(end)
    assert np.array_equal(alternating_projection(K, projection, 7, accelerated=False), end)


def test_acceleration_is_worth_it():
    """From c = 2 on the centre: steps until every singular value of M is within 0.01 of 1."""
    K = kernel(3, 3, 2, 2, seed=2) / 3 + 2 * identity(3, 2, 2)
    counts = {}
    for accelerated in (True, False):
        heard = []

        def near(step, kernel, value, heard=heard):
            heard.append(step)
            sigma = np.linalg.svd(reference_matrix(kernel, 6), compute_uv=False)
            return np.abs(sigma - 1).max() < 0.01

        alternating_projection(K, exact_projection(6), 300, accelerated, near)
        counts[accelerated] = heard[-1]
    assert counts[True] < counts[False] / 2 < 150


def test_the_callback_gets_a_copy_and_may_end_it():
    def spoil(step, kernel, value):
        kernel[:] = np.nan
        return step == 3

    K = kernel(3, 3, 1, 1)
    end = alternating_projection(K, exact_projection(4), 10, callback=spoil)
    assert np.array_equal(end, alternating_projection(K, exact_projection(4), 3))


def test_a_shift_is_at_rest_on_the_torus():
    """With the image's border it loses a line: N of the singular values are 0."""
    K = np.zeros((3, 3, 1, 1))
    K[0, 1] = 1
    assert exact_projection(5)(K)[0] == pytest.approx(5)
    assert periodic_projection(5)(K)[0] < 1e-24
    assert relative_error(periodic_projection(5)(K)[1], K) < 1e-14


def test_the_polar_factor_by_hand():
    Q, sigma = polar_factor(np.array([[0.0, -2.0], [3.0, 0.0]]))
    assert np.abs(Q - [[0, -1], [1, 0]]).max() < 1e-15
    assert sigma == pytest.approx([3, 2])
    tall, _ = polar_factor(kernel(4, 2))
    assert np.abs(tall.T @ tall - np.eye(2)).max() < 1e-14


@pytest.mark.parametrize(
    ("error", "name", "call"),
    [
        (ValueError, "side", lambda: periodic_polar_penalty(np.ones((3, 3)), 2)),
        (TypeError, "side", lambda: periodic_polar_penalty(np.ones((3, 3)), 4.0)),
        (ValueError, "alpha", lambda: periodic_polar_penalty(np.ones((3, 3)), 4, 0)),
        (ValueError, "K", lambda: periodic_polar_penalty(np.ones(3), 4)),
        (ValueError, "N", lambda: exact_projection(0)),
        (ValueError, "alpha", lambda: exact_projection(4, -1)),
        (ValueError, "K", lambda: exact_projection(4)(np.ones(3))),
        (ValueError, "K", lambda: alternating_projection([[np.nan]], exact_projection(2), 1)),
        (ValueError, "steps", lambda: alternating_projection([[1]], exact_projection(2), -1)),
        (
            TypeError,
            "callback",
            lambda: alternating_projection([[1]], exact_projection(2), 1, callback=3),
        ),
    ],
)
def test_bad_arguments_are_refused(error, name, call):
    with pytest.raises(error, match=rf"^{name}: "):
        call()
