"""Section 3 and the penalty at scale: closed forms above the dense limit, and what to do where
sigma_min is out of reach.
"""

import re
import sys
import time
import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import splu
from strategies import GRAMS, relative_error, separable_kernel, separable_singular_values
from threadpoolctl import threadpool_limits

from convreg import (
    ConvolutionOperator,
    NotConverged,
    SingularTriplet,
    conv_matrix,
    extreme_singular_values,
    leading_triplets,
    minimize_penalty,
    penalty,
    penalty_gradient,
    shifted_gram,
)
from convreg._numerics.davidson import extreme_eigenpair
from convreg._numerics.fill import factor_entries
from convreg.extremes import factors_fit, is_small, largest_singular_value, smallest_singular_value

MODULE = sys.modules["convreg.extremes"]
LIMIT = MODULE.GRAM_LIMIT

# (g, h, N) above the dense limit: one channel; square; more inputs; more outputs
SIZES = [(1, 1, 39), (2, 2, 28), (2, 1, 39), (1, 3, 39)]
OUTER, INNER = (1.0, 0.35), (1.0, -0.3)
STEM, DEEP = (7, 7, 3, 64), (3, 3, 512, 512)  # of a ResNet, at N = 112 and 7


def entries_of(M):
    """The estimate of the factors of an operator."""
    return factor_entries(M.shape, M.geometry)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Products of this size only lose by more."""
    with threadpool_limits(1):
        yield


def forbidden(*args, **options):
    raise AssertionError("this was not to be called")


@pytest.fixture
def no_factors(monkeypatch):
    monkeypatch.setattr(MODULE, "smallest_right_vector", forbidden)


@pytest.fixture
def little_memory(monkeypatch, no_factors):
    monkeypatch.setattr(MODULE, "FACTOR_LIMIT", 10)


def separable(g, h, N, dtype=np.float64):
    """A kernel and the min(m, n) singular values of its M, above the dense limit."""
    W = np.random.default_rng(g + 10 * h).uniform(0.5, 1, (h, g)) + np.eye(h, g)
    K = separable_kernel(W, OUTER, INNER).astype(dtype)
    assert not is_small(ConvolutionOperator(K, N))
    return K, separable_singular_values(W, OUTER, INNER, N)[: min(g, h) * N**2]


def expected_penalty(sigma, g, h, alpha, gram):
    squares = np.r_[
        sigma[[0, -1]] ** 2, [0.0] * ((g > h and gram == "columns") or (h > g and gram == "rows"))
    ]
    return np.abs(squares - alpha).max()


def shifts(sigma):
    """Far below the middle, in the middle, a little above it, and far above."""
    middle = (sigma[0] ** 2 + sigma[-1] ** 2) / 2
    return 0.01 * middle, middle, 1.1 * middle, 100 * middle


def of_ones(*shape, N):
    return ConvolutionOperator(np.ones(shape), N)


def random_kernel(g, h, seed=0, k=3):
    return np.random.default_rng(seed).standard_normal((k, k, g, h)) / (k * max(g, h) ** 0.5)


@pytest.fixture
def products(monkeypatch):
    """How many blocks have been multiplied."""
    counter, product = [0], ConvolutionOperator._matmat

    def counted(self, X):
        counter[0] += 1
        return product(self, X)

    monkeypatch.setattr(ConvolutionOperator, "_matmat", counted)
    return counter


@pytest.mark.parametrize("size", SIZES)
def test_largest_and_smallest_in_closed_form(size):
    (K, sigma), N = separable(*size), size[-1]
    M = ConvolutionOperator(K, N)
    largest, smallest = largest_singular_value(M), smallest_singular_value(M)
    assert largest == pytest.approx(sigma[0], rel=1e-10)
    assert largest_singular_value(M, 0.0) == pytest.approx(sigma[0], rel=1e-13)
    assert smallest == pytest.approx(sigma[-1], rel=1e-10)
    assert largest_singular_value(M, 1e-4) == pytest.approx(sigma[0], rel=1e-4)
    assert extreme_singular_values(K, N) == (largest, smallest)


@pytest.mark.parametrize("size", [(2, 2, 27), (2, 1, 38), (2, 2, 28), (2, 1, 39)])
def test_both_sides_of_the_limit_agree(size, monkeypatch):
    g, h, N = size
    K = random_kernel(g, h)
    small = is_small(ConvolutionOperator(K, N))
    assert small == (min(g, h) * N**2 <= LIMIT)
    found = extreme_singular_values(K, N)
    monkeypatch.setattr(MODULE, "GRAM_LIMIT", 1 if small else 10**9)
    assert is_small(ConvolutionOperator(K, N)) != small
    assert extreme_singular_values(K, N) == pytest.approx(found, rel=1e-9)


def test_small_means_the_smaller_gram_matrix():
    assert is_small(of_ones(3, 3, 1, 99, N=38))
    assert is_small(of_ones(3, 3, 99, 1, N=38))
    assert is_small(of_ones(1, 1, 15, 15, N=10))
    assert not is_small(of_ones(1, 1, 16, 16, N=10))
    assert not is_small(of_ones(3, 3, 1, 1, N=39))


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.filterwarnings("error")
def test_penalty_in_closed_form(size, gram):
    (g, h, N), (K, sigma) = size, separable(*size)
    for alpha in shifts(sigma):
        assert penalty(K, N, alpha, gram) == pytest.approx(
            expected_penalty(sigma, g, h, alpha, gram), rel=1e-11
        )


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("size", SIZES)
def test_penalty_where_the_factors_do_not_fit(size, gram, little_memory):
    """Both ends by Lanczos, as accurate as the residual says."""
    (g, h, N), (K, sigma) = size, separable(*size)
    assert not factors_fit(ConvolutionOperator(K, N))
    for alpha in shifts(sigma):
        expected = expected_penalty(sigma, g, h, alpha, gram)
        assert penalty(K, N, alpha, gram, tolerance=1e-6) == pytest.approx(expected, rel=1e-6)
        R, triplet = penalty(K, N, alpha, gram, tolerance=1e-4, full_output=True)
        assert triplet.residual <= 1e-4 * R
        assert pytest.approx(expected, rel=1e-4) == R


def test_penalty_says_where_lanczos_does_not_converge(little_memory, monkeypatch):
    K, sigma = separable(1, 1, 39)
    module = sys.modules["convreg.gram"]
    monkeypatch.setattr(module, "RESTARTS", 1)
    monkeypatch.setattr(module, "extreme_eigenpair", partial(extreme_eigenpair, limit=5))
    with pytest.raises(NotConverged, match=r"^tolerance: ") as error:
        penalty(K, 39, 0.01, tolerance=1e-14)
    [best] = error.value.triplets
    assert 0.9 * sigma[0] ** 2 < best.sigma <= sigma[0] ** 2 - 0.01 + 1e-12


@pytest.mark.parametrize("size", SIZES[:2])
def test_where_the_factors_do_not_fit_it_says_what_is_known(size, little_memory):
    (g, h, N), (K, sigma) = size, separable(*size)
    M = ConvolutionOperator(K, N)
    for function in (lambda: extreme_singular_values(K, N), lambda: smallest_singular_value(M)):
        with pytest.raises(
            MemoryError, match=rf"^K, N: .*at most 1e\+01 entries .* {min(g, h) * N**2} unknowns"
        ) as e:
            function()
        text = str(e.value)
        for word in ("tolerance", "diagnostics=False", "penalty(K, N, tolerance", "leading_trip"):
            assert word in text
        bound = float(re.search(r"sigma_min <= ([0-9.e+-]+),", text).group(1))
        assert sigma[-1] <= bound * 1.001 < sigma[0]


def test_the_bounds_of_what_is_out_of_reach_scale(little_memory):
    K, N = separable(1, 1, 39)[0], 39
    texts = []
    for scale in (1.0, 2.0**40):
        with pytest.raises(MemoryError) as e:
            extreme_singular_values(scale * K, N)
        texts.append(re.findall(r"(?:<=|down to) ([0-9.e+-]+[0-9])", str(e.value)))
    for plain, scaled in zip(*texts, strict=True):
        assert float(scaled) == pytest.approx(2.0**40 * float(plain), rel=1e-3)


@pytest.mark.parametrize("size", SIZES[2:])
def test_where_the_factors_do_not_fit_rectangles_need_none(size, little_memory):
    (K, sigma), N = separable(*size), size[-1]
    assert extreme_singular_values(K, N) == pytest.approx((sigma[0], sigma[-1]), rel=1e-8)


def test_small_problems_need_no_factors(little_memory):
    K = random_kernel(2, 2)
    assert factors_fit(ConvolutionOperator(K, 5))
    sigma = np.linalg.svd(conv_matrix(K, 5).toarray(), compute_uv=False)
    assert extreme_singular_values(K, 5) == pytest.approx((sigma[0], sigma[-1]), rel=1e-12)


def test_descent_where_the_factors_do_not_fit(little_memory):
    K, N = random_kernel(2, 2), 28
    with pytest.raises(MemoryError, match="diagnostics=False"):
        minimize_penalty(K, N, iterations=1)
    result = minimize_penalty(K, N, iterations=3, diagnostics=False)
    assert np.isnan(result.history.penalty).all()
    assert np.isnan(result.history.sigma_min).all()
    estimate = result.history.estimate
    assert penalty(K, N, tolerance=1e-6) == pytest.approx(estimate[0], rel=1e-6)
    assert penalty(result.kernel, N, tolerance=1e-3) >= estimate[-1] * (1 - 1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_no_factors_where_sigma_max_decides(size, no_factors):
    (g, h, N), (K, sigma) = size, separable(*size)
    assert factors_fit(ConvolutionOperator(K, N))
    for gram in GRAMS:
        for alpha in (0.01 * sigma[0] ** 2, 0.499 * sigma[0] ** 2):
            expected = expected_penalty(sigma, g, h, alpha, gram)
            assert penalty(K, N, alpha, gram) == pytest.approx(expected, rel=1e-12)
        if (gram == "columns" and h < g) or (
            gram == "rows" and g < h
        ):  # a zero, whatever sigma_min
            assert penalty(K, N, 100.0 * sigma[0] ** 2, gram) == pytest.approx(
                100 * sigma[0] ** 2, rel=1e-15
            )
        else:
            with pytest.raises(AssertionError, match="not to be called"):
                penalty(K, N, 0.501 * sigma[0] ** 2, gram)


def test_the_tolerance_reaches_lanczos(products):
    K, sigma = separable(1, 1, 39)
    taken = []
    for tolerance in (1e-2, 1e-5, 0.0):
        products[0] = 0
        assert penalty(K, 39, 0.01, tolerance=tolerance) == pytest.approx(
            sigma[0] ** 2 - 0.01, rel=1e-2
        )
        taken.append(products[0])
    assert taken == sorted(set(taken))


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize(("g", "h", "N"), [(2, 2, 5), (2, 1, 6), *SIZES[1:]])
def test_full_output_gives_the_triplet_as_well(g, h, N, gram):
    K = random_kernel(g, h)
    B = shifted_gram(ConvolutionOperator(K, N), 0.3, gram)
    R, triplet = penalty(K, N, 0.3, gram, full_output=True)
    R_too, G, triplet_too = penalty_gradient(K, N, 0.3, gram, full_output=True)
    for sigma, u, v in (triplet, triplet_too):
        assert isinstance(R, float)
        assert R == R_too == sigma
        assert np.linalg.norm(B @ v - sigma * u) <= 1e-10 * R
    for found in (triplet, triplet_too):
        assert isinstance(found, SingularTriplet)
        residual = np.linalg.norm(B @ found.v - R * found.u)
        assert found.residual == pytest.approx(residual, rel=1e-3, abs=1e-13 * R)
    assert penalty(K, N, 0.3, gram) == pytest.approx(R, rel=1e-12)
    alone = penalty_gradient(K, N, 0.3, gram)
    assert len(alone) == 2
    assert alone[0] == R
    assert np.array_equal(alone[1], G)


@pytest.mark.parametrize(("alpha", "low"), [(0.3, False), (9.0, True)])
@pytest.mark.parametrize("function", [penalty, penalty_gradient])
def test_start_is_where_lanczos_starts(function, alpha, low, products):
    K, N, tolerance = random_kernel(2, 2), 28, 1e-4
    near = K + 1e-5 * random_kernel(2, 2, seed=1)

    def call(**options):
        products[0] = 0
        R, *_, triplet = function(near, N, alpha, tolerance=tolerance, full_output=True, **options)
        return R, triplet, products[0]

    *_, start = function(K, N, alpha, tolerance=tolerance, full_output=True)
    assert np.abs(start.u + start.v if low else start.u - start.v).max() == 0
    R, triplet, cold = call()
    R_warm, _, warm = call(start=start)
    assert warm < cold
    assert (
        pytest.approx(penalty(near, N, alpha), rel=tolerance)
        == R_warm
        == pytest.approx(R, rel=tolerance)
    )
    without = function(near, N, alpha, tolerance=tolerance, start=start)
    assert (without if function is penalty else without[0]) == R_warm
    with pytest.raises(ValueError, match=r"^start: wanted a vector of length 1568"):
        function(near, N, alpha, start=SingularTriplet(1.0, triplet.u[1:], triplet.v[1:]))


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("low", [False, True])
def test_gradient_at_scale_by_differences(gram, low):
    """Both ends of the spectrum; large enough for Lanczos, with the steps at its accuracy."""
    g, h, N = (1, 2, 20) if gram == "columns" else (2, 2, 14)
    K, alpha, step = random_kernel(g, h), 30.0 if low else 0.1, 1e-5
    R, G = penalty_gradient(K, N, alpha, gram)
    assert (R < alpha) == low
    direction = random_kernel(g, h, seed=2)
    ahead, behind = (penalty(K + t * direction, N, alpha, gram) for t in (step, -step))
    assert (ahead - behind) / (2 * step) == pytest.approx((G * direction).sum(), rel=1e-5)


def test_whether_the_factors_fit_takes_nothing(monkeypatch):
    for name in ("formed", "smallest_right_vector", "extreme_eigenpair"):
        monkeypatch.setattr(MODULE, name, forbidden)
    large = [of_ones(*shape, N=N) for shape, N in ((STEM, 112), (DEEP, 7))]
    large.append(of_ones(*STEM[:2], *STEM[:1:-1], N=112))  # the other way round
    small = [
        of_ones(*shape, N=N)
        for shape, N in (
            ((3, 3, 1, 1), 4),
            ((3, 3, 3, 1), 30),
            ((3, 3, 16, 16), 32),
            ((1, 1, 1, 1), 200),
        )
    ]
    before = time.perf_counter()
    for M in large:
        assert not factors_fit(M)
    for M in small:
        assert factors_fit(M)
    assert time.perf_counter() - before < 0.1


@pytest.mark.parametrize(
    ("g", "h", "N"), [(1, 1, 60), (2, 2, 40), (2, 1, 40), (1, 2, 40), (8, 8, 14), (3, 8, 24)]
)
@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_factors_take_at_most_twice_the_estimate(k, g, h, N):
    K = random_kernel(g, h, k=k)
    M = conv_matrix(K, N)
    square = M if g == h else M.T @ M if h > g else M @ M.T
    ordering = "COLAMD" if M.shape[0] == M.shape[1] else "MMD_AT_PLUS_A"
    factors = splu(square.tocsc(), ordering)
    estimate = entries_of(ConvolutionOperator(K, N))
    assert factors.L.nnz + factors.U.nnz <= 2 * estimate


def test_kernels_in_single_precision():
    for size in SIZES:
        N = size[-1]
        K, _ = separable(*size, np.float32)
        double = K.astype(np.float64)
        found = extreme_singular_values(K, N)
        assert found == extreme_singular_values(double, N)
        assert all(isinstance(value, float) for value in found)
        for gram in GRAMS:
            assert penalty(K, N, 0.1, gram) == penalty(double, N, 0.1, gram)
            assert penalty(K, N, 0.1, gram, 1e-6, full_output=True)[0] == pytest.approx(
                penalty(double, N, 0.1, gram)
            )


@pytest.mark.parametrize(
    ("alpha", "dtype"),
    [(0.1, np.float64), (0.1, np.float32), (30.0, np.float64), (30.0, np.float32)],
)
def test_the_gradient_at_scale_keeps_the_type(alpha, dtype):
    K, N = random_kernel(2, 2), 14
    R, G, triplet = penalty_gradient(K.astype(dtype), N, alpha, full_output=True)
    expected = penalty_gradient(K, N, alpha)
    assert pytest.approx(expected[0], rel=1e-4) == R
    assert relative_error(G, expected[1]) < 5e-3
    assert G.dtype == triplet.u.dtype == triplet.v.dtype == dtype


@pytest.mark.parametrize(
    ("k", "g", "h", "N", "expected"),
    [
        (5, 2, 2, 40, 3 * 3200 * (2 * 40 * 2)),  # square: unknowns, and 2 lines of the image
        (4, 2, 2, 40, 3 * 3200 * (2 * 40 * 2)),
        (3, 2, 2, 40, 3 * 3200 * (2 * 40 * 1)),
        (5, 1, 3, 40, 2 * 1600 * (40 * 4)),  # a Gram matrix: 4 lines
        (5, 3, 1, 40, 2 * 1600 * (40 * 4)),
        (2, 2, 3, 40, 2 * 3200 * (2 * 40 * 1)),
        (1, 2, 3, 40, 2 * 3200 * (2 * 40 * 1)),  # at least one line
        (1, 2, 2, 40, 3 * 3200 * (2 * 40 * 1)),
        (9, 1, 2, 3, 2 * 9 * 9),  # the band is at most the matrix
    ],
)
def test_the_estimate_of_the_factors_by_hand(k, g, h, N, expected):
    assert entries_of(of_ones(k, k, g, h, N=N)) == expected


@pytest.mark.parametrize("size", SIZES)
def test_both_values_are_plain_numbers(size):
    K, _ = separable(*size)
    largest, smallest = extreme_singular_values(K, size[-1])
    assert (type(largest), type(smallest)) == (float, float)


def test_a_small_singular_value_of_a_small_matrix_keeps_its_digits():
    """With 1e-6 in the Gram matrix as 1e-12 beside 1, four digits would be left."""
    rng = np.random.default_rng(0)
    Q, P = (np.linalg.qr(rng.standard_normal((2, 2)))[0] for _ in range(2))
    W = Q @ np.diag([1, 1e-6]) @ P
    largest, smallest = extreme_singular_values(W[np.newaxis, np.newaxis], 1)
    assert largest == pytest.approx(1, rel=1e-14)
    assert smallest == pytest.approx(1e-6, rel=1e-9)


# other geometries: a square M, more outputs, more inputs, each with what couples its lines
GEOMETRIES = {
    "square, stride": ((3, 3, 1, 4), (20, 24), {"stride": 2}),
    "square, circular": ((3, 3, 2, 2), 14, {"padding": "circular"}),
    "square, valid": ((2, 2, 9, 16), 4, {"padding": "valid"}),
    "tall, stride": ((3, 3, 1, 5), 20, {"stride": 2}),
    "tall, dilation": ((3, 3, 1, 2), (18, 22), {"dilation": (2, 1)}),
    "tall, circular": ((3, 2, 1, 2), (20, 18), {"padding": "circular"}),
    "tall, integer": ((3, 3, 1, 2), 18, {"padding": 3}),
    "wide, stride": ((7, 7, 2, 4), 14, {"stride": 2, "padding": 3}),
    "wide, valid": ((3, 3, 2, 1), (18, 26), {"padding": "valid"}),
    "wide, circular": ((3, 5, 2, 1), 18, {"padding": "circular", "stride": (1, 2)}),
    "rectangle": ((1, 5, 2, 2), (10, 30), {}),
}


def in_geometry(name):
    shape, N, keywords = GEOMETRIES[name]
    K = np.random.default_rng(3).standard_normal(shape)
    return K, N, keywords, conv_matrix(K, N, **keywords)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_shape_of_M_is_what_the_name_says(name):
    *_, M = in_geometry(name)
    m, n = M.shape
    assert name.startswith("square" if m == n else "tall" if m > n else "wide") or (
        name == "rectangle" and m == n
    )


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_factors_of_any_geometry_give_the_smallest_singular_value(name, monkeypatch):
    K, N, keywords, M = in_geometry(name)
    sigma = np.linalg.svd(M.toarray(), compute_uv=False)
    monkeypatch.setattr(MODULE, "GRAM_LIMIT", 1)
    largest, smallest = extreme_singular_values(K, N, **keywords)
    assert largest == pytest.approx(sigma[0], rel=1e-10)
    assert smallest == pytest.approx(sigma[-1], rel=1e-6, abs=1e-9 * sigma[0])


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_penalty_of_any_geometry_by_factors_and_without(name, gram, monkeypatch):
    K, N, keywords, M = in_geometry(name)
    squares = np.linalg.svd(M.toarray(), compute_uv=False)[[0, -1]] ** 2
    zero = [0.0] * (gram == "columns" and M.shape[0] < M.shape[1])
    zero += [0.0] * (gram == "rows" and M.shape[1] < M.shape[0])
    monkeypatch.setattr(MODULE, "GRAM_LIMIT", 1)
    for alpha in (0.1 * squares[0], 0.6 * squares[0], 4 * squares[0]):
        expected = np.abs(np.r_[squares, zero] - alpha).max()
        assert penalty(K, N, alpha, gram, **keywords) == pytest.approx(expected, rel=1e-9)
        with monkeypatch.context() as patch:
            patch.setattr(MODULE, "FACTOR_LIMIT", 10)
            patch.setattr(MODULE, "smallest_right_vector", forbidden)
            R = penalty(K, N, alpha, gram, tolerance=1e-6, **keywords)
            assert pytest.approx(expected, rel=1e-6) == R


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_factors_of_any_geometry_take_at_most_twice_the_estimate(name):
    K, N, keywords, M = in_geometry(name)
    m, n = M.shape
    square = M if m == n else M.T @ M if m > n else M @ M.T
    ordering = "COLAMD" if M.shape[0] == M.shape[1] else "MMD_AT_PLUS_A"
    factors = splu(square.tocsc(), ordering)
    estimate = entries_of(ConvolutionOperator(K, N, **keywords))
    assert factors.L.nnz + factors.U.nnz <= 2 * estimate


@pytest.mark.parametrize(
    ("shape", "N", "keywords", "unknowns", "band"),
    [
        ((3, 3, 1, 4), 40, {"stride": 2}, 1600, 40 * 2),  # square: a tap and a stride
        ((5, 5, 2, 2), 40, {"dilation": 3}, 3200, 2 * 40 * 6 // 9),  # nine matrices
        ((4, 4, 2, 2), 40, {"padding": "circular"}, 3200, 2 * 40 * 2 * 2),  # both ways round
        ((3, 3, 2, 2), (40, 20), {}, 1600, 2 * 20),  # across the shorter side
        ((3, 3, 2, 2), (20, 40), {}, 1600, 2 * 20),
        ((5, 5, 1, 5), 40, {"stride": 2}, 1600, 40 * 4),  # M'M: pixels of one output
        ((5, 3, 1, 2), 40, {}, 1600, 40 * 2),
        ((5, 3, 1, 2), (20, 40), {}, 800, 20 * 2),
        ((5, 5, 1, 2), 40, {"padding": "valid"}, 1600, 40 * 4),
        ((7, 7, 3, 2), 40, {"stride": 2}, 800, 2 * 20 * 3),  # M M': outputs of one pixel
        ((7, 7, 3, 2), 40, {"stride": 4}, 200, 2 * 10 * 1),
        ((3, 3, 3, 2), 42, {"padding": "valid"}, 3200, 2 * 40 * 2),
    ],
)
def test_the_estimate_of_the_factors_of_other_geometries(shape, N, keywords, unknowns, band):
    M = ConvolutionOperator(np.ones(shape), N, **keywords)
    assert min(M.shape) == unknowns
    square = M.shape[0] == M.shape[1]
    assert entries_of(M) == (3 if square else 2) * unknowns * band


def test_what_to_take_is_said_for_the_geometry_too(little_memory):
    K, N, options = random_kernel(1, 4), (40, 44), {"stride": 2}
    with pytest.raises(MemoryError, match="each with the same geometry"):
        extreme_singular_values(K, N, **options)
    assert penalty(K, N, tolerance=1e-2, **options) > 0
    assert len(leading_triplets(ConvolutionOperator(K, N, **options), 1, 1e-2)) == 1


@pytest.mark.parametrize(("h", "N"), [(4, 20), (5, 20), (4, 80), (5, 80)])
def test_a_pixel_that_no_tap_reads_makes_a_singular_M(h, N):
    """A 1 x 1 kernel with stride 2 reads one pixel of four."""
    K = np.random.default_rng(0).standard_normal((1, 1, 1, h))
    largest, smallest = extreme_singular_values(K, N, stride=2)
    assert largest == pytest.approx(np.linalg.norm(K), rel=1e-12)
    assert smallest <= 1e-15 * largest
    assert penalty(K, N, 100.0, stride=2) == pytest.approx(100, rel=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_a_matrix_that_is_singular_by_its_geometry_has_no_pivot_of_zero(seed):
    """Of the 18 rows three depend on the others, but for rounding."""
    K = np.random.default_rng(seed).standard_normal((2, 5, 2, 3))
    geometry = {"stride": (1, 2), "dilation": 2, "padding": "circular"}
    M = ConvolutionOperator(K, (2, 6), **geometry)
    assert smallest_singular_value(M) < 1e-8


# --- Davidson's method, and what stands beside it


def davidson_alone(monkeypatch):
    """No dense matrices, no factors."""
    monkeypatch.setattr(MODULE, "GRAM_LIMIT", 0)
    monkeypatch.setattr(MODULE, "QUICK_FACTORS", 0)
    monkeypatch.setattr(MODULE, "smallest_right_vector", forbidden)


def factors_alone(monkeypatch):
    monkeypatch.setattr(MODULE, "GRAM_LIMIT", 0)
    monkeypatch.setattr(MODULE, "QUICK_FACTORS", 10**9)
    monkeypatch.setattr(MODULE, "extreme_vectors", lambda M, symbol: None)


def dense_singular_values(K, N, **geometry):
    return np.linalg.svd(conv_matrix(K, N, **geometry).toarray(), compute_uv=False)


def test_one_tap_has_the_singular_values_of_its_matrix():
    K = np.random.default_rng(0).standard_normal((1, 1, 64, 128)) / 8
    assert extreme_singular_values(K, 28) == pytest.approx((2.4057918, 0.46861923), rel=1e-8)


@pytest.mark.parametrize("wide", [False, True])
def test_a_singular_value_that_the_gram_matrix_loses(wide):
    rng = np.random.default_rng(0)
    K = rng.standard_normal((3, 3, 6, 7)) / 7
    K[:, :, 1] = K[:, :, 0] + 1e-8 * rng.standard_normal((3, 3, 7))
    K = np.ascontiguousarray(K.swapaxes(2, 3)) if wide else K
    assert extreme_singular_values(K, 16)[1] == pytest.approx(7.5552393e-9, rel=1e-6)


@pytest.mark.parametrize("part", [1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 0.0])
@pytest.mark.parametrize("geometry", [{}, {"padding": "valid"}, {"stride": (1, 2)}])
@pytest.mark.parametrize("wide", [False, True])
def test_small_singular_values_by_factors(part, geometry, wide, monkeypatch):
    rng = np.random.default_rng(5)
    g = 2 if geometry.get("stride") and not wide else 4
    K = rng.standard_normal((3, 3, g, 5)) / 6
    K[:, :, 1] = K[:, :, 0] + part * rng.standard_normal((3, 3, 5))
    if wide:
        K = np.ascontiguousarray(K.swapaxes(2, 3))
    sigma = dense_singular_values(K, 6, **geometry)
    factors_alone(monkeypatch)
    smallest = smallest_singular_value(ConvolutionOperator(K, 6, **geometry))
    assert smallest == pytest.approx(sigma[-1], rel=1e-5, abs=1e-14 * sigma[0])


@st.composite
def rectangular(draw):
    """A kernel, a size and a geometry, more or fewer channels out than in."""
    pair = st.tuples(st.integers(1, 2), st.integers(1, 2))
    geometry = {
        "stride": draw(pair),
        "dilation": draw(pair),
        "padding": draw(st.sampled_from(["same", "valid", "circular", 1, 3])),
    }
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 3)))
    shape += (draw(st.integers(1, 3)), draw(st.integers(1, 9)))
    N = draw(st.integers(3, 9)), draw(st.integers(3, 9))
    K = np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape)
    try:
        M = ConvolutionOperator(K, N, **geometry)
    except ValueError:  # it does not fit
        assume(False)
    assume(not MODULE._is_square(M))
    return K, N, geometry


@settings(max_examples=60, deadline=None)
@given(case=rectangular())
def test_by_davidson_is_what_a_dense_matrix_says(case):
    K, N, geometry = case
    sigma = dense_singular_values(K, N, **geometry)
    with pytest.MonkeyPatch.context() as patch:
        davidson_alone(patch)
        patch.setattr(MODULE, "FACTOR_LIMIT", 0)
        try:
            found = extreme_singular_values(K, N, full_output=True, **geometry)
        except MemoryError:
            assert sigma[-1] < 1e-4 * sigma[0]
            return
    assert found[0] == pytest.approx(sigma[0], rel=1e-8)
    assert found[1] == pytest.approx(sigma[-1], rel=1e-7, abs=1e-13 * sigma[0])
    for value, residual in zip(found[:2], found[2], strict=True):
        assert np.abs(sigma - value).min() <= residual + 1e-14 * sigma[0]


@pytest.mark.parametrize("shape", [(3, 3, 2, 4), (3, 3, 4, 2), (5, 5, 1, 2)])
def test_the_torus_makes_davidson_quick_and_what_is_planted_there_slow(
    shape, products, monkeypatch
):
    K, N = np.random.default_rng(1).standard_normal(shape), 16
    right = dense_singular_values(K, N)[-1]
    davidson_alone(monkeypatch)
    inverse, M = MODULE._gram_inverse, ConvolutionOperator(K, N)
    taken = []
    weights = np.random.default_rng(2).uniform(0.1, 10, min(M.shape))
    for planted in (inverse, lambda M: None, lambda M: lambda r: weights * r):
        monkeypatch.setattr(MODULE, "_gram_inverse", planted)
        products[0] = 0
        assert smallest_singular_value(M) == pytest.approx(right, rel=1e-9)
        taken.append(products[0])
    assert taken[0] < taken[1] < taken[2]


@pytest.mark.parametrize("limit", [2**26, 2**8])
def test_shared_inverses_are_a_preconditioner_too(limit, products, monkeypatch):
    K, N = np.random.default_rng(1).standard_normal((3, 3, 4, 8)), 17
    right = dense_singular_values(K, N)[-1]
    davidson_alone(monkeypatch)
    monkeypatch.setattr("convreg._numerics.circulant.LIMIT", limit)
    M = ConvolutionOperator(K, N)
    inverse = MODULE._gram_inverse(M)
    assert inverse.inverses.size <= limit
    assert (inverse.step > 1) == (limit < 1000)
    assert smallest_singular_value(M) == pytest.approx(right, rel=1e-9)
    assert products[0] < 250


@pytest.mark.parametrize("stride", [1, 2, (1, 2)])
@pytest.mark.parametrize("shape", [(3, 2, 2, 12), (3, 3, 5, 2), (2, 3, 3, 1)])
def test_around_a_circle_the_inverse_is_exact(shape, stride):
    K = np.random.default_rng(4).standard_normal(shape)
    M = ConvolutionOperator(K, (6, 8), stride=stride, padding="circular")
    T = conv_matrix(K, (6, 8), stride=stride, padding="circular").toarray()
    wide = T.shape[0] < T.shape[1]
    gram = T @ T.T if wide else T.T @ T
    inverse = MODULE._gram_inverse(M)
    found = np.array([inverse(e) for e in np.eye(len(gram))])
    mean = (K**2).sum() / (
        shape[3] if wide else shape[2] * np.prod(stride) ** (2 / np.size(stride))
    )
    damped = gram + 0.03 * mean * np.eye(len(gram))
    np.testing.assert_allclose(found @ damped, np.eye(len(gram)), atol=1e-4)


@pytest.mark.parametrize("scale", [2.0**-500, 1e-150, 1e150])
@pytest.mark.parametrize("shape", [(3, 3, 1, 3), (1, 1, 2, 3), (3, 3, 2, 1)])
def test_by_davidson_at_any_scale(shape, scale, monkeypatch):
    K = np.random.default_rng(3).standard_normal(shape)
    davidson_alone(monkeypatch)
    plain = np.array(extreme_singular_values(K, 9))
    assert np.array(extreme_singular_values(scale * K, 9)) / scale == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("N", [1, 2, 3])
@pytest.mark.parametrize("shape", [(4, 4, 1, 2), (5, 5, 2, 1), (2, 2, 1, 3)])
def test_kernels_larger_than_the_image_by_davidson(N, shape, monkeypatch):
    K = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    sigma = dense_singular_values(K.astype(float), N)
    davidson_alone(monkeypatch)
    assert extreme_singular_values(K, N) == pytest.approx((sigma[0], sigma[-1]), rel=1e-9)


@pytest.mark.parametrize("way", [lambda patch: None, davidson_alone, factors_alone])
def test_a_zero_kernel_in_full(way, monkeypatch):
    way(monkeypatch)
    found = extreme_singular_values(np.zeros((3, 3, 1, 2)), 8, full_output=True)
    assert found == (0.0, 0.0, (0.0, 0.0))


def test_multiple_and_clustered_values_by_davidson(monkeypatch):
    """A direct sum of equal matrices; and of matrices that differ by 1e-7."""
    davidson_alone(monkeypatch)
    one = np.random.default_rng(0).standard_normal((3, 3, 1, 2))
    for part in (0.0, 1e-7):
        K = np.zeros((3, 3, 2, 4))
        K[:, :, :1, :2], K[:, :, 1:, 2:] = one, (1 + part) * one
        sigma = dense_singular_values(K, 10)
        assert extreme_singular_values(K, 10) == pytest.approx((sigma[0], sigma[-1]), rel=1e-8)


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("shape", [(3, 3, 2, 3), (3, 3, 3, 2), (1, 1, 2, 5)])
def test_the_residuals_are_those_of_singular_values(shape, dense, monkeypatch):
    N = 10
    if not dense:
        davidson_alone(monkeypatch)
    K = np.random.default_rng(7).standard_normal(shape)
    sigma = dense_singular_values(K, N)
    largest, smallest, residuals = extreme_singular_values(K, N, tolerance=1e-3, full_output=True)
    for value, residual in zip((largest, smallest), residuals, strict=True):
        assert np.abs(sigma - value).min() <= residual + 1e-13 * sigma[0]
        assert residual <= 2e-3 * value


@pytest.mark.parametrize("shape", [(3, 3, 5, 5), (3, 3, 4, 6), (2, 2, 6, 4)])
@pytest.mark.parametrize("N", [8, (12, 9)])
def test_around_a_circle_the_waves_have_all_singular_values(shape, N, monkeypatch):
    K = np.random.default_rng(8).standard_normal(shape)
    sigma = dense_singular_values(K, N, padding="circular")
    davidson_alone(monkeypatch)
    monkeypatch.setattr(MODULE, "extreme_eigenpair", forbidden)
    found = extreme_singular_values(K, N, padding="circular", full_output=True)
    assert found[:2] == pytest.approx((sigma[0], sigma[-1]), rel=1e-11)
    assert max(found[2]) <= 1e-12 * sigma[0]


@pytest.mark.parametrize(
    ("shape", "N", "beside", "rounding"),
    [
        ((2, 1, 4, 1), 20, 12, 1e-13),
        ((3, 3, 4, 1), 20, 12, 1e-13),
        ((2, 2, 3, 1), 24, 12, 1e-13),
        ((5, 5, 2, 1), 40, 12, 1e-8),  # from factors, one of many: 2e-11 has been seen
    ],
)
def test_of_an_M_that_zeros_alone_make_singular_it_is_0(shape, N, beside, rounding, capfd):
    """More channels in than out, and a wide padding: tall, with columns that depend on others."""
    K = np.random.default_rng(0).standard_normal(shape)
    largest, smallest = extreme_singular_values(K, N, padding=beside)
    assert smallest <= rounding * largest
    assert capfd.readouterr().err == ""  # nor has SuperLU a word to say


def test_products_alone_do_not_say_a_sigma_min_that_rounding_hides(little_memory):
    """Channels that nearly repeat: it is 1e-8 of sigma_max, and its square below rounding."""
    K = random_kernel(3, 4)
    K[:, :, 1] = K[:, :, 0] + 1e-8 * random_kernel(1, 4, seed=1)[:, :, 0]
    with pytest.raises(MemoryError, match=r"^K, N: .* known is sigma_min <= "):
        extreme_singular_values(K, 28)


@pytest.mark.parametrize("sigma", [0.0, 1e-6, 0.5])
def test_a_residual_by_hand(sigma):
    """M = diag(1, 0): what is left of M'M v - sigma^2 v, over sigma or its root, whichever less."""
    M = ConvolutionOperator(np.diag([1.0, 0.0])[np.newaxis, np.newaxis], 1)
    v = np.array([1e-6, (1 - 1e-12) ** 0.5])
    rest = np.hypot(v[0] * (1 - sigma**2), v[1] * sigma**2)
    expected = min(rest / sigma, rest**0.5) if sigma else rest**0.5
    found = MODULE._residual(M, sigma, v)
    assert found == pytest.approx(expected, rel=1e-9)
    assert min(sigma, abs(1 - sigma)) <= found


def test_a_tolerance_of_0_is_as_far_as_it_goes():
    found = extreme_singular_values([[2.0, 0.5]], 3, tolerance=0)
    assert found == extreme_singular_values([[2.0, 0.5]], 3)
    with pytest.raises(ValueError, match=r"^tolerance: "):
        extreme_singular_values([[2.0, 0.5]], 3, tolerance=-1)


def test_the_vectors_of_a_tall_matrix_take_no_square_one():
    """6400 x 400, with a sigma_min that M'M loses: 20 MB, and 330 for all left vectors."""
    K = np.multiply.outer(np.outer([1, 2, 1], [1, 2, 1]), random_kernel(1, 16)[0, 0, :1])
    tracemalloc.start()
    try:
        extreme_singular_values(K, 20, full_output=True)
        assert tracemalloc.get_traced_memory()[1] < 2e8
    finally:
        tracemalloc.stop()
