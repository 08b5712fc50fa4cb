"""Section 3, the barrier: bounds of R_alpha from below, the plateau, the estimate, and steps that shrink with R."""

import re
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import cases, reference_adjoint, reference_gram, reference_matrix, relative_error

from convreg import (
    ConvolutionOperator,
    SingularTriplet,
    kernel_gradient,
    leading_triplets,
    matlab_rand,
    minimize_penalty,
    penalty,
    penalty_gradient,
    polyak_step,
    power_update,
    shifted_gram,
)
from convreg.examples import Case, Example, start_kernel
from convreg.studies.barrier import (
    column_norm_bound,
    descend,
    mean_gradient,
    off_centre_share,
    squared_column_norms,
    squared_off_centre_norms,
)
from convreg.studies.barrier_runs import Outcome, outcome, outcome_lines, outcomes, price_along_descent

alphas = st.floats(0.01, 50)
grams = st.sampled_from(("columns", "rows"))
all_grams = st.sampled_from(("columns", "rows", "smaller"))
small = partial(cases, max_k=4, max_channels=3, max_N=4)


def widened(case):
    g, h = case.K.shape[2:]
    return case._replace(K=case.K.swapaxes(2, 3)) if g < h else case


def wide(**sizes):
    """Cases with h < g."""
    return small(**sizes).map(widened).filter(lambda case: case.K.shape[2] > case.K.shape[3])


def top_square(K, N):
    return np.linalg.norm(reference_matrix(K, N), 2) ** 2


def scaled(case, square):
    """The kernel with this sigma_max^2."""
    top = top_square(case.K, case.N)
    assume(top > 1e-6)
    return case.K * (square / top) ** 0.5


def takes_rows(gram, K):
    return gram == "rows" or (gram == "smaller" and K.shape[3] < K.shape[2])


def dense_gram(K, N, alpha, gram):
    return reference_gram(reference_matrix(K, N), alpha, gram)


def dense_penalty(K, N, alpha, gram):
    return np.linalg.norm(dense_gram(K, N, alpha, gram), 2)


def dense_gradient(K, N, v, sign, gram):
    """The derivative of sign v'(M'M - alpha I)v, or with M M', in K at fixed v."""
    M = reference_matrix(K, N)
    outer = np.outer(v, M.T @ v) if takes_rows(gram, K) else np.outer(M @ v, v)
    return 2 * sign * reference_adjoint(outer, K.shape, N)


def null_rounding(K, N, alpha):
    """|M v| for a null vector v of M as computed from M'M - alpha I: eps alpha over a singular value of M."""
    sigma = np.linalg.svd(reference_matrix(K, N), compute_uv=False)
    return 1e-14 * alpha / sigma[sigma > 1e-14 * sigma[0]][-1]


def centre(k):
    return (k + 1) // 2 - 1


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def trace(K, N, alpha, **options):
    """A descent, and the kernel that every entry of its history is about."""
    kernels = [np.array(K)]
    result = minimize_penalty(K, N, alpha, callback=lambda i, K, e: kernels.append(K), **options)
    return result, kernels


@given(wide(), alphas)
def test_with_fewer_outputs_than_inputs_the_penalty_is_at_least_alpha(case, alpha):
    R, top = penalty(case.K, case.N, alpha), top_square(case.K, case.N)
    assert R >= alpha * (1 - 1e-12)
    assert pytest.approx(max(top - alpha, alpha), rel=1e-12) == R
    assert dense_penalty(case.K, case.N, alpha, "columns") >= alpha * (1 - 1e-12)


@given(wide(), alphas, st.floats(0, 2 - 1e-9), st.floats(2 + 1e-6, 20))
def test_it_equals_alpha_exactly_where_the_largest_square_is_at_most_twice_alpha(case, alpha, below, above):
    assert penalty(scaled(case, below * alpha), case.N, alpha) == alpha
    assert penalty(scaled(case, above * alpha), case.N, alpha) == pytest.approx((above - 1) * alpha, rel=1e-12)
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


@given(small(), alphas, all_grams, st.integers(1, 6), st.integers(1, 3))
def test_the_power_method_never_overestimates(case, alpha, gram, iterations, count):
    B = shifted_gram(ConvolutionOperator(case.K, case.N), alpha, gram)
    dense = dense_gram(case.K, case.N, alpha, gram)
    vectors = case.rng.standard_normal((2 * count, len(dense)))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    start = [SingularTriplet(np.nan, *pair) for pair in vectors.reshape(count, 2, -1)]
    R, rounding = np.linalg.norm(dense, 2), 1e-14 * (alpha + top_square(case.K, case.N))
    for triplet in power_update(B, start, iterations):
        assert triplet.sigma <= R * (1 + 1e-12) + rounding
        assert triplet.sigma <= penalty(case.K, case.N, alpha, gram) * (1 + 1e-12) + rounding


@given(small(max_k=3, max_N=3), st.floats(0.1, 20), grams, st.sampled_from(("power", "svd")), st.integers(1, 3))
@settings(max_examples=50)
def test_no_estimate_of_the_history_exceeds_the_penalty(case, alpha, gram, update, power_iterations):
    result, kernels = trace(
        case.K,
        case.N,
        alpha,
        learning_rate=0.005,
        iterations=6,
        gram=gram,
        update=update,
        power_iterations=power_iterations,
    )
    for entry, K in zip(result.history, kernels, strict=True):
        sigma = np.linalg.svd(dense_gram(K, case.N, alpha, gram), compute_uv=False)
        rounding = 1e-13 * (alpha + top_square(K, case.N))
        assert entry.estimate <= entry.penalty * (1 + 1e-12) + rounding
        assert entry.estimate <= sigma[0] * (1 + 1e-12) + rounding
        assert np.abs(sigma - entry.estimate).min() <= entry.residual + rounding


@given(small(), alphas)
def test_rows_and_columns_have_one_nonzero_spectrum(case, alpha):
    M = reference_matrix(case.K, case.N)
    short, long = sorted((np.linalg.eigvalsh(M @ M.T)[::-1], np.linalg.eigvalsh(M.T @ M)[::-1]), key=len)
    rounding = 1e-12 * (1 + short[0])
    assert np.abs(short - long[: len(short)]).max() <= rounding
    assert np.abs(long[len(short) :]).max(initial=0) <= rounding
    columns, rows = (penalty(case.K, case.N, alpha, gram) for gram in ("columns", "rows"))
    g, h = case.K.shape[2:]
    rounding = 1e-12 * (alpha + short[0])
    assert abs(columns - (max(rows, alpha) if h < g else columns)) <= rounding
    assert abs(rows - (max(columns, alpha) if h > g else rows)) <= rounding
    assert abs(columns - rows) <= rounding or h != g


@given(cases(max_k=5, max_channels=3, max_N=5), all_grams)
def test_squared_column_norms_are_those_of_the_dense_matrix(case, gram):
    M = reference_matrix(case.K, case.N)
    expected = np.sum(M**2, axis=1 if takes_rows(gram, case.K) else 0)
    found = squared_column_norms(case.K, case.N, gram)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-13 * expected.max(initial=1)
    assert found == pytest.approx(np.diag(dense_gram(case.K, case.N, 1.0, gram)) + 1, abs=1e-12 * found.max())
    bound = column_norm_bound(case.K, case.N, gram)
    assert type(bound) is float
    assert bound == pytest.approx((expected.max() - expected.min()) / 2, abs=1e-13 * expected.max(initial=1))


@given(small(), st.lists(alphas, min_size=3, max_size=3), all_grams)
def test_no_shift_brings_the_penalty_below_the_column_norm_bound(case, shifts, gram):
    bound = column_norm_bound(case.K, case.N, gram)
    norms = squared_column_norms(case.K, case.N, gram)
    middle = (norms.max() + norms.min()) / 2
    for alpha in (*shifts, max(middle, 0.01)):
        rounding = 1e-12 * (alpha + norms.max())
        assert penalty(case.K, case.N, alpha, gram) >= bound - rounding
        assert dense_penalty(case.K, case.N, alpha, gram) >= np.abs(norms - alpha).max() - rounding


@given(small(), all_grams)
def test_with_centre_taps_only_the_bound_is_the_spread_over_the_channels(case, gram):
    """0 for a single channel; every border column has all of its taps."""
    k, middle = len(case.K), centre(len(case.K))
    K = np.zeros_like(case.K)
    K[middle, middle] = case.K[middle, middle]
    sums = np.sum(K[middle, middle] ** 2, axis=0 if takes_rows(gram, K) else 1)
    assert column_norm_bound(K, case.N, gram) == pytest.approx(np.ptp(sums) / 2, abs=1e-14 * sums.max())
    single = K[:, :, :1, :1]
    assert column_norm_bound(single, case.N, gram) == 0
    assert column_norm_bound(single * np.ones((1, 1, 2, 2)), case.N, gram) == 0
    assert squared_column_norms(single, case.N, gram) == pytest.approx(single[middle, middle, 0, 0] ** 2)
    assert K.shape[0] == k


@given(st.integers(2, 5), st.integers(0, 3), st.floats(-3, 3), st.data(), st.sampled_from(("columns", "rows")))
def test_one_tap_off_the_centre_gives_half_its_square(k, margin, middle, data, gram):
    """It is missing at the border, where N >= k."""
    off = [(p, q) for p in range(k) for q in range(k) if (p, q) != (centre(k), centre(k))]
    tap = data.draw(st.floats(0.01, 3)) * data.draw(st.sampled_from((-1, 1)))
    K = np.zeros((k, k))
    K[centre(k), centre(k)] = middle
    K[data.draw(st.sampled_from(off))] = tap
    bound = column_norm_bound(K, k + margin, gram)
    assert bound == pytest.approx(tap**2 / 2, rel=1e-12, abs=1e-15 * middle**2)
    assert bound > 0


@given(cases(max_k=4, max_channels=3, integers=False), st.integers(0, 3), st.data(), grams)
def test_one_tap_off_the_centre_of_many_channels_keeps_the_bound_positive(case, margin, data, gram):
    K = np.zeros_like(case.K)
    k, _, g, h = K.shape
    assume(k > 1)
    K[centre(k), centre(k)] = case.K[centre(k), centre(k)]
    off = [(p, q) for p in range(k) for q in range(k) if (p, q) != (centre(k), centre(k))]
    where = (*data.draw(st.sampled_from(off)), data.draw(st.integers(0, g - 1)), data.draw(st.integers(0, h - 1)))
    K[where] = 0.1 + abs(case.K[where])
    assert column_norm_bound(K, k + margin, gram) > 0.99 * K[where] ** 2 / 2


@given(st.floats(0.1, 3), st.floats(-3, 3), st.booleans(), grams)
def test_on_a_smaller_image_the_bound_may_be_0_with_taps_off_the_centre(t, c, upright, gram):
    """M is (c, t; -t, c) beside a 1, orthogonal up to scale: R_alpha reaches 0."""
    K = np.zeros((3, 3))
    K[1] = -t, c, t
    K = K.T if upright else K
    M, alpha = reference_matrix(K[:, :, None, None], 2), c**2 + t**2
    assert np.abs(M.T @ M - alpha * np.eye(4)).max() <= 1e-14 * alpha
    assert column_norm_bound(K, 2, gram) <= 1e-14 * alpha
    assert penalty(K, 2, alpha, gram) <= 1e-13 * alpha
    assert column_norm_bound(K, 3, gram) == pytest.approx(t**2 / 2, rel=1e-12, abs=1e-15 * alpha)


def test_the_column_norms_of_integers_by_hand():
    """The taps reach the pixels above (index p, the fast one) and to the left."""
    assert squared_column_norms([[0, 1, 0], [0, 0, 0], [0, 0, 0]], 2).tolist() == [1, 0, 1, 0]
    assert squared_column_norms([[0, 0, 0], [1, 0, 0], [0, 0, 0]], 2).tolist() == [1, 1, 0, 0]
    assert squared_column_norms([[0, 1, 0], [0, 0, 0], [0, 0, 0]], 2, "rows").tolist() == [0, 1, 0, 1]
    assert column_norm_bound([[0, 0, 0], [1, 2, 0], [0, 0, 0]], 2) == 0.5


@pytest.mark.parametrize("function", [squared_column_norms, column_norm_bound, mean_gradient])
def test_bad_arguments_are_named(function):
    K = np.ones((3, 3, 2, 1))
    for name, arguments in {
        "K": (np.ones((3, 2)), 3),
        "N": (K, 0),
        "gram": (K, 3, *([1.0] if function is mean_gradient else []), "both"),
    }.items():
        with pytest.raises(ValueError, match=f"^{name}: wanted "):
            function(*arguments)
    with pytest.raises(TypeError, match=r"^N: wanted "):
        function(K, 3.0)
    with pytest.raises(TypeError, match=r"^K: wanted "):
        function(1j * K, 3)


def test_the_default_is_the_columns():
    K = kernel(3, 3, 2, 1)
    assert np.array_equal(squared_column_norms(K, 3), squared_column_norms(K, 3, "columns"))
    assert column_norm_bound(K, 3) == column_norm_bound(K, 3, "columns") != column_norm_bound(K, 3, "rows")
    assert mean_gradient(K, 3)[0] == mean_gradient(K, 3, 1.0, "columns")[0] != mean_gradient(K, 3, 1.0, "rows")[0]
    assert mean_gradient(K, 3, 2.0)[0] == penalty_gradient(K, 3, 2.0)[0]


@given(
    cases(max_k=3, max_channels=2, max_N=2, min_N=2, integers=False),
    st.sampled_from(("rows", "smaller")),
    st.one_of(st.floats(0.05, 0.4), st.floats(1, 3)),
)
def test_the_gradient_of_every_entry_by_central_differences(case, gram, relative):
    """A small alpha has u = v; with a large one u = -v, or the gradient is zero, M M' being singular."""
    K, N, step = scaled(case, 1.0), case.N, 1e-5
    lambdas = np.linalg.eigvalsh(dense_gram(K, N, relative, gram))
    sizes = np.sort(np.abs(lambdas))[::-1]
    assume(len(sizes) == 1 or sizes[0] - sizes[1] > 1e-2)
    R, G = penalty_gradient(K, N, relative, gram)
    assert R == pytest.approx(sizes[0], rel=1e-12)
    assert (lambdas[np.abs(lambdas).argmax()] > 0) == (relative < 0.5)
    for entry in np.ndindex(K.shape):
        moved = np.zeros_like(K)
        moved[entry] = step
        ahead, behind = (dense_penalty(K + sign * moved, N, relative, gram) for sign in (1, -1))
        assert abs((ahead - behind) / (2 * step) - G[entry]) < 1e-6


@given(small(max_N=3), alphas, all_grams)
def test_the_mean_gradient_is_that_of_two_dense_eigenvectors(case, alpha, gram):
    K, N = case.K, case.N
    lambdas, V = np.linalg.eigh(dense_gram(K, N, alpha, gram))
    assume(len(lambdas) > 1)
    order = np.argsort(-np.abs(lambdas), kind="stable")
    lambdas, V = lambdas[order], V[:, order]
    assume(len(lambdas) == 2 or abs(lambdas[1]) - abs(lambdas[2]) > 1e-3 * abs(lambdas[0]))
    one, two = (dense_gradient(K, N, V[:, i], np.sign(lambdas[i]), gram) for i in (0, 1))
    R, G = mean_gradient(K, N, alpha, gram)
    scale = alpha + top_square(K, N)
    assert type(R) is float
    assert abs(R - np.linalg.norm(dense_gram(K, N, alpha, gram), 2)) <= 1e-12 * scale
    assert G.shape == K.shape
    assert np.linalg.norm(G - (one + two) / 2) <= 1e-9 * (1 + np.linalg.norm(K)) * len(lambdas)


def test_the_mean_gradient_of_either_sign():
    """Diagonal M: eigenvalues 8 and 3 of K^2 - 1, or -9 and -6 of K^2 - 10 (with 9 - 10 = -1 the third)."""
    K = np.diag([3.0, 2.0])[None, None]
    R, G = mean_gradient(K, 1)
    assert pytest.approx(8) == R
    assert pytest.approx(np.diag([3.0, 2.0])) == G[0, 0]
    R, G = mean_gradient(np.diag([3.0, 2.0, 1.0])[None, None], 1, 10.0)
    assert pytest.approx(9) == R
    assert pytest.approx(-np.diag([0.0, 2.0, 1.0])) == G[0, 0]


def test_the_mean_gradient_is_exact_beyond_small_matrices():
    K, N, alpha = kernel(3, 3), 17, 2.0
    lambdas, V = np.linalg.eigh(dense_gram(K[:, :, None, None], N, alpha, "columns"))
    pair = [dense_gradient(K[:, :, None, None], N, V[:, i], 1, "columns") for i in (-1, -2)]
    R, G = mean_gradient(K, N, alpha)
    assert pytest.approx(lambdas[-1], rel=1e-12) == R
    assert relative_error(G, sum(pair)[:, :, 0, 0] / 2) < 1e-9


def test_the_mean_gradient_of_two_dimensions():
    K = kernel(3, 3)
    R, G = mean_gradient(K, 3, 2.0)
    expected_R, expected_G = mean_gradient(K[:, :, None, None], 3, 2.0)
    assert expected_R == R
    assert np.array_equal(G, expected_G[:, :, 0, 0])


def test_the_mean_gradient_of_a_single_singular_value_is_its_gradient():
    assert mean_gradient([[2.0]], 1) == (3.0, 4.0)
    with pytest.raises(ValueError, match=r"^alpha: wanted "):
        mean_gradient(np.ones((3, 3)), 2, 0.0)


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


@given(small(max_k=3, max_N=3), alphas, st.floats(1e-4, 0.01), all_grams, st.sampled_from(("power", "svd")))
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
    ("number", "error"), [(0, ValueError), (-0.01, ValueError), (np.nan, ValueError), ("0.01", TypeError)]
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
    message = rf"^learning_rate: wanted .*, got {re.escape('1.25e+200')}: .* at iteration {iteration}$"
    with pytest.raises(FloatingPointError, match=message):
        minimize_penalty(kernel(3, 3, 2, 1), 3, learning_rate=lambda R, G: next(sizes))


def test_polyak_steps_in_closed_form():
    """A single pixel, K > 1: R = K^2 - 1, G = 2 K, so that K falls by (K^2 - 1) / 2 K: Newton's square root of 1."""
    found = minimize_penalty([[3.0]], 1, learning_rate=polyak_step, iterations=6)
    K = 3.0
    for estimate in found.history.estimate[:-1]:
        assert estimate == pytest.approx(K**2 - 1, rel=1e-9, abs=1e-14)
        K -= min((K**2 - 1) / (4 * K**2), 0.1) * 2 * K
    assert found.kernel[0, 0] == pytest.approx(K, rel=1e-12)
    newton = minimize_penalty([[3.0]], 1, learning_rate=partial(polyak_step, limit=1.0), iterations=6)
    assert newton.kernel[0, 0] == pytest.approx(1, rel=1e-12)


@given(cases(max_k=3), st.floats(0.1, 5), st.floats(0.01, 1), st.integers(0, 6))
def test_descend_on_a_quadratic_in_closed_form(case, c, size, iterations):
    """c |K|^2 / 2 has the gradient c K: every step multiplies K by 1 - c size."""
    seen, start = [], case.K.copy()

    def step(R, G):
        seen.append((R, G))
        return size

    found, values = descend(start, lambda K: (c * np.sum(K**2) / 2, c * K), step, iterations)
    factors = (1 - c * size) ** np.arange(iterations + 1)
    assert np.array_equal(start, case.K)
    assert found == pytest.approx(factors[-1] * case.K, rel=1e-10, abs=1e-12)
    assert isinstance(values, np.ndarray)
    assert values == pytest.approx(factors[:-1] ** 2 * c * np.sum(case.K**2) / 2, rel=1e-10, abs=1e-12)
    assert [R for R, _ in seen] == list(values)
    for factor, (_, G) in zip(factors, seen, strict=False):
        assert c * factor * case.K == pytest.approx(G, rel=1e-10, abs=1e-12)


def test_descend_with_the_gradient_of_the_penalty_is_the_algorithm():
    K, N, alpha = kernel(3, 3, 1, 2), 3, 2.0
    for rule in (lambda R, G: 0.01, polyak_step):
        found, values = descend(K, lambda K: penalty_gradient(K, N, alpha), rule, 4)
        expected = minimize_penalty(K, N, alpha, rule, 4, update="svd")
        assert relative_error(found, expected.kernel) < 1e-12
        assert values == pytest.approx(expected.history.estimate[:-1], rel=1e-12)


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
    assert found.penalty == pytest.approx(dense_penalty(expected.kernel, 4, case.alpha, gram), rel=1e-10)
    assert found.penalty == pytest.approx(expected.history.penalty[-1], rel=1e-12)
    assert isinstance(found, Outcome)
    assert [type(value) for value in found] == [int, *[float] * 5]


def test_an_outcome_is_about_the_columns_unless_told():
    case = Case(2, 1, 4.0)
    assert outcome(EXAMPLE, case) == outcome(EXAMPLE, case, "columns") != outcome(EXAMPLE, case, "rows")


def test_a_singular_outcome_has_an_infinite_condition_number(monkeypatch):
    K = np.zeros((3, 3, 1, 1))
    K[0, 0] = 2
    monkeypatch.setattr(sys.modules[outcome.__module__], "start_kernel", lambda *_: K)
    run = outcome(Example(((1, 1),), (1.0,), input_size=3, iterations=0), Case(1, 1, 1.0))
    assert run == Outcome(0, pytest.approx(3.0), pytest.approx(2.0), 0.0, np.inf, pytest.approx(3.0))


@pytest.mark.parametrize(("alpha", "early"), [(100.0, True), (0.5, False)])
def test_an_outcome_ends_early_only_on_the_plateau(alpha, early, monkeypatch):
    runs = []

    def recorded(*arguments, **options):
        runs.append(minimize_penalty(*arguments, **options))
        return runs[-1]

    monkeypatch.setattr(sys.modules[outcome.__module__], "minimize_penalty", recorded)
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


@given(st.lists(st.tuples(*[st.floats(0.01, 99)] * 4), min_size=1, max_size=4))
def test_outcome_lines_have_the_values_of_each_run_in_order(values):
    runs = {f"case {i}": Outcome(i, -1.0, *row) for i, row in enumerate(values)}
    header, *lines = outcome_lines(runs).split("\n")
    assert header.split() == ["case", "sigma_max", "sigma_min", "kappa", "R_alpha"]
    assert len(lines) == len(values)
    ends = [header.index(name) + len(name) for name in header.split()[1:]]
    for i, (line, row) in enumerate(zip(lines, values, strict=True)):
        assert line[: ends[0] - 9].strip() == f"case {i}"
        assert len(line) == len(header) == ends[-1]
        cells = [line[start:end] for start, end in zip([ends[0] - 9, *ends], ends, strict=False)]
        assert [float(cell) for cell in cells] == [float(f"{value:.3g}") for value in row]


def test_outcome_lines_of_singular_and_of_no_runs():
    header, line = outcome_lines({"singular": Outcome(0, 3.0, 2.0, 0.0, np.inf, 3.0)}).split("\n")
    assert line.split() == ["singular", "2", "0", "inf", "3"]
    assert outcome_lines({}) == header


@pytest.mark.parametrize(("alpha", "lowest_at"), [(5.0, 6), (10.0, 4)])
def test_the_dip_of_example_2_is_the_power_method_s(alpha, lowest_at):
    run = outcome(Example(((3, 1),), (alpha,)), Case(3, 1, alpha))
    assert run.lowest_at == lowest_at
    assert run.lowest < 0.95 * alpha
    assert run.penalty == alpha
    assert run.sigma_max**2 < 2 * alpha
    svd = minimize_penalty(matlab_rand(3, 3, 3, 1), 15, alpha, update="svd", diagnostics=False).history
    assert (svd.estimate >= alpha * (1 - 1e-12)).all()
    assert svd.estimate[-1] == pytest.approx(alpha, rel=1e-12)


@pytest.mark.parametrize("entry", [np.nan, np.inf, 1e200])
def test_what_would_overflow_is_refused_by_name(entry):
    with pytest.raises(ValueError, match=r"^G: wanted finite"):
        polyak_step(1.0, [entry])
    with pytest.raises(ValueError, match=r"^K: wanted "):
        column_norm_bound([[entry]], 3)


def test_a_rule_cannot_change_the_gradient():
    def rule(R, G):
        G[:] = 0
        return 0.01

    assert minimize_penalty([[2.0]], 1, learning_rate=rule, iterations=1).kernel == pytest.approx(1.96)


def off_centre_by_hand(K, rows):
    """The squares of the taps off the centre, one tap after another."""
    k, _, g, h = K.shape
    sums = np.zeros(h if rows else g)
    for p, q, z, y in np.ndindex(K.shape):
        if (p, q) != (centre(k), centre(k)):
            sums[y if rows else z] += K[p, q, z, y] ** 2
    return sums


@given(cases(max_k=5, max_channels=3, max_N=6), all_grams)
def test_the_taps_off_the_centre_by_hand(case, gram):
    expected = off_centre_by_hand(case.K, takes_rows(gram, case.K))
    assert squared_off_centre_norms(case.K, gram) == pytest.approx(expected, rel=1e-12)
    total = off_centre_by_hand(case.K, rows=False).sum() ** 0.5
    assert off_centre_share(case.K) == pytest.approx(total / (np.linalg.norm(case.K) or 1), rel=1e-12)


def test_the_share_of_kernels_without_taps_and_of_pointwise_ones():
    assert off_centre_share(np.zeros((3, 3))) == 0
    assert off_centre_share(np.ones((1, 1, 2, 3))) == 0
    assert off_centre_share(np.diag([3.0, 0.0, 4.0])) == 1


@given(cases(max_k=4, max_channels=3, max_N=6, min_N=4), alphas, all_grams, st.floats(0.0, 1.0))
def test_a_small_penalty_is_paid_for_by_the_taps_off_the_centre(case, alpha, gram, share):
    """N >= k: at most 4 R_alpha in each channel; for random kernels, and for those near the identity."""
    k, _, g, h = case.K.shape
    near = share * case.K
    near[centre(k), centre(k)] += alpha**0.5 * np.eye(g, h)
    for K in (case.K, near):
        R = dense_penalty(K, case.N, alpha, gram)
        assert (squared_off_centre_norms(K, gram) <= 4 * R * (1 + 1e-12) + 1e-12).all()


def test_the_price_needs_an_image_as_large_as_the_kernel():
    """For N = 2 the taps -0.3, 2, 0.3 make a multiple of a rotation."""
    K = np.zeros((3, 3, 1, 1))
    K[0, 1], K[1, 1], K[2, 1] = -0.3, 2.0, 0.3
    R = min(dense_penalty(K, 2, alpha, "columns") for alpha in (4.09, 4.0, 4.18))
    assert R < 1e-12
    assert squared_off_centre_norms(K)[0] > 4 * R + 0.1
    bound = [dense_penalty(K, N, alpha, "columns") for N in (3, 4) for alpha in (4.0, 4.09, 4.1)]
    assert squared_off_centre_norms(K)[0] <= 4 * min(bound)


@pytest.mark.parametrize(
    ("update", "shares"),
    [("power", [0.93, 0.49, 0.26, 0.13, 0.08]), ("svd", [0.93, 0.49, 0.25, 0.12, 0.07])],
)
def test_along_polyaks_descent_the_kernel_becomes_pointwise(update, shares):
    """3x3x3x1, N = 8: what kappa -> 1 costs."""
    table = price_along_descent(start_kernel(3, 3, 1), 8, [3000, 0, 50, 200, 1000], update=update)
    assert table["steps"] == [0, 50, 200, 1000, 3000]
    assert table["off_centre_share"] == pytest.approx(shares, abs=0.02)
    assert table["kappa"][0] == pytest.approx(11.72, abs=0.01)
    assert table["kappa"][1:] == sorted(table["kappa"][1:], reverse=True)
    assert table["kappa"][-1] < 1.01


def test_the_kernels_of_the_price_are_those_of_the_descent():
    K = kernel(3, 3, 2, 1)
    table = price_along_descent(K, 5, [3], 2.0)
    end = minimize_penalty(K, 5, 2.0, polyak_step, 3, update="svd", gram="smaller", diagnostics=False).kernel
    sigma = np.linalg.svd(reference_matrix(end, 5), compute_uv=False)
    assert table["kappa"] == [pytest.approx(sigma[0] / sigma[-1])]
    assert table["off_centre_share"] == [pytest.approx(off_centre_share(end))]


@given(cases(max_k=4, max_channels=3, max_N=5), alphas)
def test_the_gradient_at_the_lower_end_is_at_most_2_k_sigma_min(case, alpha):
    """In M it is 2 sigma_min, in K at most k times that."""
    M = reference_matrix(case.K, case.N)
    sigma, v = np.linalg.svd(M)[1:]
    smallest = sigma[-1] if M.shape[0] >= M.shape[1] else 0.0
    G = dense_gradient(case.K, case.N, v[-1], -1, "columns")
    assert np.linalg.norm(2 * np.outer(M @ v[-1], v[-1])) == pytest.approx(2 * smallest, abs=1e-10)
    assert np.linalg.norm(G) <= 2 * len(case.K) * smallest + 1e-10


def test_the_taps_of_each_input_channel_are_the_default():
    K = np.zeros((3, 3, 2, 1))
    K[0, 0, 0, 0], K[0, 0, 1, 0] = 3, 4
    assert squared_off_centre_norms(K).tolist() == [9, 16]
    assert squared_off_centre_norms(K, "smaller").tolist() == [25]


def test_the_taps_off_the_centre_are_those_of_the_columns_unless_told():
    K = kernel(3, 3, 2, 3)
    assert squared_off_centre_norms(K).shape == (2,)
    assert np.array_equal(squared_off_centre_norms(K), squared_off_centre_norms(K, "columns"))


@pytest.mark.parametrize("function", [squared_column_norms, column_norm_bound])
@pytest.mark.parametrize("entries", [1, 9])
def test_squares_that_overflow_are_named_where_it_is_one_and_where_it_is_all(function, entries):
    K = np.ones(9)
    K[:entries] = 1e200
    with pytest.raises(ValueError, match=r"^K: wanted entries whose squares do not overflow$"):
        function(K.reshape(3, 3), 3)
