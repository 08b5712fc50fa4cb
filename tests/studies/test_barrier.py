"""Section 3, the barrier: bounds of R_alpha from below, and the power method's estimate."""

import numpy as np
import pytest
from dense import (
    all_grams,
    alphas,
    centre,
    dense_gradient,
    dense_gram,
    dense_penalty,
    grams,
    kernel,
    scaled,
    small,
    takes_rows,
    top_square,
    trace,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import cases, reference_matrix

from convreg import (
    ConvolutionOperator,
    SingularTriplet,
    matlab_rand,
    minimize_penalty,
    penalty,
    penalty_gradient,
    power_update,
    shifted_gram,
)
from convreg.examples import Example
from convreg.storage.tables import groups, rounded, stacked
from convreg.studies.barrier import (
    bounds_along_descent,
    column_norm_bound,
    off_centre_share,
    squared_column_norms,
    squared_off_centre_norms,
)
from convreg.studies.kinks import mean_gradient

EXAMPLE = Example(((9, 9),), (99.0,), 3, 4, 0.02, 5, 1, 7)


PAIRS = [(2, 1), (1, 2), (2, 2)]


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


@given(
    small(max_k=3, max_N=3),
    st.floats(0.1, 20),
    grams,
    st.sampled_from(("power", "svd")),
    st.integers(1, 3),
)
@settings(max_examples=50)
def test_no_estimate_of_the_history_exceeds_the_penalty(
    case, alpha, gram, update, power_iterations
):
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
    short, long = sorted(
        (np.linalg.eigvalsh(M @ M.T)[::-1], np.linalg.eigvalsh(M.T @ M)[::-1]), key=len
    )
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
    assert found == pytest.approx(
        np.diag(dense_gram(case.K, case.N, 1.0, gram)) + 1, abs=1e-12 * found.max()
    )
    bound = column_norm_bound(case.K, case.N, gram)
    assert type(bound) is float
    assert bound == pytest.approx(
        (expected.max() - expected.min()) / 2, abs=1e-13 * expected.max(initial=1)
    )


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
    assert column_norm_bound(K, case.N, gram) == pytest.approx(
        np.ptp(sums) / 2, abs=1e-14 * sums.max()
    )
    single = K[:, :, :1, :1]
    assert column_norm_bound(single, case.N, gram) == 0
    assert column_norm_bound(single * np.ones((1, 1, 2, 2)), case.N, gram) == 0
    assert squared_column_norms(single, case.N, gram) == pytest.approx(
        single[middle, middle, 0, 0] ** 2
    )
    assert K.shape[0] == k


@given(
    st.integers(2, 5),
    st.integers(0, 3),
    st.floats(-3, 3),
    st.data(),
    st.sampled_from(("columns", "rows")),
)
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
    where = (
        *data.draw(st.sampled_from(off)),
        data.draw(st.integers(0, g - 1)),
        data.draw(st.integers(0, h - 1)),
    )
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
    assert squared_column_norms([[0, 1, 0], [0, 0, 0], [0, 0, 0]], 2, "rows").tolist() == [
        0,
        1,
        0,
        1,
    ]
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
    assert (
        column_norm_bound(K, 3)
        == column_norm_bound(K, 3, "columns")
        != column_norm_bound(K, 3, "rows")
    )
    assert (
        mean_gradient(K, 3)[0]
        == mean_gradient(K, 3, 1.0, "columns")[0]
        != mean_gradient(K, 3, 1.0, "rows")[0]
    )
    assert mean_gradient(K, 3, 2.0)[0] == penalty_gradient(K, 3, 2.0)[0]


@given(
    cases(max_k=3, max_channels=2, max_N=2, min_N=2, integers=False),
    st.sampled_from(("rows", "smaller")),
    st.one_of(st.floats(0.05, 0.4), st.floats(1, 3)),
)
def test_the_gradient_of_every_entry_by_central_differences(case, gram, relative):
    """A small alpha has u = v; with a large one u = -v, or the gradient is zero."""
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


@pytest.mark.parametrize("entry", [np.nan, np.inf, 1e200])
def test_what_would_overflow_is_refused_by_name(entry):
    with pytest.raises(ValueError, match=r"^K: wanted "):
        column_norm_bound([[entry]], 3)


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
    assert off_centre_share(case.K) == pytest.approx(
        total / (np.linalg.norm(case.K) or 1), rel=1e-12
    )


def test_the_share_of_kernels_without_taps_and_of_pointwise_ones():
    assert off_centre_share(np.zeros((3, 3))) == 0
    assert off_centre_share(np.ones((1, 1, 2, 3))) == 0
    assert off_centre_share(np.diag([3.0, 0.0, 4.0])) == 1


@given(cases(max_k=4, max_channels=3, max_N=6, min_N=4), alphas, all_grams, st.floats(0.0, 1.0))
def test_a_small_penalty_is_paid_for_by_the_taps_off_the_centre(case, alpha, gram, share):
    """N >= k: at most 4 R_alpha in each channel; random kernels, and those near the identity."""
    k, _, g, h = case.K.shape
    near = share * case.K
    near[centre(k), centre(k)] += alpha**0.5 * np.eye(g, h)
    for K in (case.K, near):
        R = dense_penalty(K, case.N, alpha, gram)
        assert (squared_off_centre_norms(K, gram) <= 4 * R * (1 + 1e-12) + 1e-12).all()


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


def descent_by_hand(g, h, alpha, example=EXAMPLE):
    K = matlab_rand(example.kernel_size, example.kernel_size, g, h, state=example.state)
    kernels = [K]
    history = minimize_penalty(
        K,
        example.input_size,
        alpha,
        learning_rate=example.learning_rate,
        iterations=example.iterations,
        power_iterations=example.power_iterations,
        callback=lambda i, K, e: kernels.append(K),
    ).history
    return kernels, history


@pytest.mark.parametrize("alpha", [0.5, 1.0, 12.5])
def test_two_lines_for_each_pair_in_order(alpha):
    lines = bounds_along_descent(EXAMPLE, PAIRS, alpha)
    assert [(line["panel"], line["line"]) for line in lines] == [
        (f"{g} to {h} channels, α = {alpha:g}", name)
        for g, h in PAIRS
        for name in ("penalty", "bound from column norms")
    ]
    assert all(list(line) == ["panel", "line", "iteration", "value"] for line in lines)
    assert all(line["iteration"].tolist() == [0, 1, 2, 3, 4, 5] for line in lines)


@pytest.mark.parametrize("alpha", [0.5, 12.5])
def test_the_lines_are_the_exact_penalty_and_the_bound_of_every_kernel(alpha):
    lines = bounds_along_descent(EXAMPLE, PAIRS, alpha)
    for (g, h), first, second in zip(PAIRS, lines[::2], lines[1::2], strict=True):
        kernels, history = descent_by_hand(g, h, alpha)
        norms = [np.sum(reference_matrix(K, 4) ** 2, axis=0) for K in kernels]
        assert first["value"] == pytest.approx(history.penalty, rel=1e-12)
        assert first["value"] == pytest.approx([penalty(K, 4, alpha) for K in kernels], rel=1e-10)
        assert second["value"].tolist() == [column_norm_bound(K, 4) for K in kernels]
        assert second["value"] == pytest.approx([np.ptp(norm) / 2 for norm in norms], rel=1e-10)
        assert (second["value"] <= first["value"] * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    "change",
    [
        {"kernel_size": 2},
        {"input_size": 3},
        {"learning_rate": 0.005},
        {"iterations": 2},
        {"power_iterations": 3},
        {"state": 8},
    ],
)
def test_the_settings_of_the_example_are_used(change):
    example = EXAMPLE._replace(**change)
    kernels, history = descent_by_hand(1, 2, 0.5, example)
    first, second = bounds_along_descent(example, [(1, 2)], 0.5)
    assert first["value"] == pytest.approx(history.penalty, rel=1e-12)
    assert second["value"].tolist() == [column_norm_bound(K, example.input_size) for K in kernels]
    before = bounds_along_descent(EXAMPLE, [(1, 2)], 0.5)[0]["value"]
    assert not np.array_equal(first["value"], before)


def test_alpha_is_1_unless_told_and_pairs_may_come_from_an_iterator():
    default, told = (bounds_along_descent(EXAMPLE, iter(PAIRS), *alpha) for alpha in ((), (1.0,)))
    assert len(default) == 6
    for one, other in zip(default, told, strict=True):
        assert one["panel"] == other["panel"]
        assert one["value"].tolist() == other["value"].tolist()
    assert bounds_along_descent(EXAMPLE, []) == []


def test_the_lines_make_a_table():
    table = rounded(stacked(bounds_along_descent(EXAMPLE, PAIRS)))
    assert list(groups(table, "panel")) == [f"{g} to {h} channels, α = 1" for g, h in PAIRS]
    assert len(table["value"]) == 2 * 3 * 6
