"""Section 2: the enclosure of R_alpha contains the truth, which exact arithmetic knows."""

import sys
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from dense import all_grams, alphas
from exact import in_integers, is_positive
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import (
    GRAMS,
    Setting,
    cases,
    reference_gram,
    reference_matrix,
    separable_kernel,
    separable_singular_values,
    setting_matrix,
    settings_of,
)

from convreg import (
    ConvolutionOperator,
    extreme_singular_values,
    leading_triplets,
    penalty,
    penalty_bounds,
)
from convreg.symbol import Symbol

BOUNDS = sys.modules["convreg.bounds"]
EPS = sys.float_info.epsilon
small = partial(cases, max_k=4, max_channels=3, max_N=4)


@pytest.fixture
def torus_alone(monkeypatch):
    monkeypatch.setattr(BOUNDS, "INERTIA_LIMIT", -1)


def both_ways(f):
    """What f gives with the inertia of factors and without them."""
    with_factors = f()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BOUNDS, "INERTIA_LIMIT", -1)
        return with_factors, f()


def exact_gram(M):
    """The smaller of M'M and M M' as integers, with its denominator."""
    rows, denominator = in_integers(M if len(M) <= M.shape[1] else M.T)
    gram = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in rows] for x in rows]
    return gram, denominator**2


def check_exactly(M, largest, smallest):
    """low <= lambda <= high for both ends of the spectrum of the smaller Gram matrix."""
    gram, denominator = exact_gram(M)
    above = np.nextafter(largest.high, np.inf)
    assert is_positive(gram, denominator, above)
    assert not is_positive(gram, denominator, np.nextafter(largest.low, -np.inf))
    below = np.nextafter(smallest.low, -np.inf)
    assert is_positive(gram, denominator, below, -1)
    assert not is_positive(gram, denominator, np.nextafter(smallest.high, np.inf), -1)


def dense(case, alpha, gram):
    """R_alpha, and what is as large as its error, from all singular values."""
    if isinstance(case, Setting):
        M = setting_matrix(case.K, case.N, **case.keywords)
    else:
        M = reference_matrix(case.K, case.N)
    B = reference_gram(M, alpha, gram)
    size = alpha + np.linalg.norm(M, 2) ** 2
    return np.linalg.norm(B, 2), 1e-15 * len(B) * size, size


def keywords_of(case):
    return case.keywords if isinstance(case, Setting) else {}


@settings(max_examples=60)
@given(cases(max_k=3, max_channels=2, max_N=2))
def test_both_ends_in_exact_arithmetic(case):
    """Inertia and torus; kernels larger than the image, even ones and singular matrices."""
    M = ConvolutionOperator(case.K, case.N)
    for largest, smallest in both_ways(lambda: BOUNDS._enclosures(M)):
        check_exactly(reference_matrix(case.K, case.N), largest, smallest)


@settings(max_examples=60)
@given(settings_of(max_k=3, max_channels=1, integers=False))
def test_both_ends_of_every_geometry_in_exact_arithmetic(case):
    M = ConvolutionOperator(case.K, case.N, **case.keywords)
    matrix = setting_matrix(case.K, case.N, **case.keywords)
    assume(min(matrix.shape) <= 16)
    for largest, smallest in both_ways(lambda: BOUNDS._enclosures(M)):
        check_exactly(matrix, largest, smallest)


@settings(max_examples=80)
@given(st.one_of(small(), settings_of(max_k=3)), alphas, all_grams)
def test_the_enclosure_contains_the_truth(case, alpha, gram):
    expected, error, size = dense(case, alpha, gram)
    keywords = keywords_of(case)
    found = both_ways(lambda: penalty_bounds(case.K, case.N, alpha, gram, **keywords))
    for lower, upper in found:
        assert 0 <= lower <= upper
        assert lower - error <= expected <= upper + error
    lower, upper = found[0]
    assert upper - lower <= 1e-9 * size  # how tight inertia is


@settings(max_examples=40)
@given(st.one_of(small(), settings_of(max_k=3)), alphas, all_grams)
def test_no_value_lies_outside_its_enclosure(case, alpha, gram):
    """Of penalty, and of the extreme singular values; up to the rounding of the values."""
    keywords = keywords_of(case)
    value = penalty(case.K, case.N, alpha, gram, **keywords)
    sigma_max, sigma_min = extreme_singular_values(case.K, case.N, **keywords)
    M = ConvolutionOperator(case.K, case.N, **keywords)
    error = 1e-14 * (alpha + sigma_max**2)
    for lower, upper in both_ways(lambda: penalty_bounds(case.K, case.N, alpha, gram, **keywords)):
        assert lower - error <= value <= upper + error
    for largest, smallest in both_ways(lambda: BOUNDS._enclosures(M)):
        assert largest.low - error <= sigma_max**2 <= largest.high + error
        assert smallest.low - error <= sigma_min**2 <= smallest.high + error


@settings(max_examples=40)
@given(small(), alphas, all_grams)
def test_the_upper_bound_without_factors_is_that_of_the_torus(case, alpha, gram):
    """max(max sigma_max(F)^2 - alpha, alpha), and nothing below alpha where M'M is singular."""
    torus = Symbol(ConvolutionOperator(case.K, case.N)).largest_on_torus()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BOUNDS, "INERTIA_LIMIT", -1)
        lower, upper = penalty_bounds(case.K, case.N, alpha, gram)
    assert upper == pytest.approx(max(torus - alpha, alpha), rel=1e-13)
    M = reference_matrix(case.K, case.N)
    wide, tall = len(M) < M.shape[1], len(M) > M.shape[1]
    if (wide and gram == "columns") or (tall and gram == "rows"):
        assert lower >= np.nextafter(alpha, 0)


@pytest.mark.parametrize("exponent", [-1060, -600, -530, -400, 400, 505])
@pytest.mark.parametrize("way", ["inertia", "torus"])
def test_kernels_of_every_scale(exponent, way, monkeypatch):
    """2^e K and 4^e alpha: 4^e times as much, and what is left of it at the ends of the range."""
    if way == "torus":
        monkeypatch.setattr(BOUNDS, "INERTIA_LIMIT", -1)
    K = np.random.default_rng(0).integers(-3, 4, (3, 3, 2, 2)).astype(float)
    expected = penalty_bounds(K, 4, 0.5)
    alpha = np.ldexp(0.5, 2 * exponent) or 5e-324
    found = penalty_bounds(np.ldexp(K, exponent), 4, alpha)
    assert found == pytest.approx(np.ldexp(expected, 2 * exponent), rel=4 * EPS, abs=1.5e-323)
    assert found[0] < found[1]


@pytest.mark.parametrize("scale", [1e-150, 1e150, 1e-3])
def test_scales_that_are_no_powers_of_two(scale):
    case = Setting(np.random.default_rng(1).standard_normal((3, 3, 2, 3)), (5, 4), {}, None)
    for alpha in (0.1, 10.0):
        expected = dense(case, alpha, "columns")[0] * scale**2
        for lower, upper in both_ways(
            lambda alpha=alpha: penalty_bounds(scale * case.K, case.N, alpha * scale**2)
        ):
            assert lower * (1 - 1e-13) <= expected <= upper * (1 + 1e-13)


def test_squares_beyond_the_range():
    """Below it, alpha is left; above it, K is refused."""
    with np.errstate(all="raise", under="ignore"):
        lower, upper = penalty_bounds([[5e-324]], 2)
        assert lower < 1 < upper
        with pytest.raises(ValueError, match=r"^K: wanted entries whose R_alpha "):
            penalty_bounds([[1e200]], 2)
    truth = 144 * Fraction(1e-162) ** 2 - Fraction(5e-324)  # 1.4e-322
    lower, upper = penalty_bounds(np.full((1, 1, 12, 12), 1e-162), 2, 5e-324)
    assert 0.9 * float(truth) <= lower <= truth <= upper <= 1.1 * float(truth)


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("shape", [(3, 3, 2, 3), (1, 1, 1, 1), (4, 2, 3, 1)])
def test_a_zero_kernel(shape, gram):
    for lower, upper in both_ways(lambda: penalty_bounds(np.zeros(shape), (3, 4), 0.7, gram)):
        assert lower <= 0.7 <= upper
        assert upper - lower <= 4 * EPS


@pytest.mark.parametrize("alpha", [1.0, 4.0])
def test_an_orthogonal_kernel(alpha):
    """R_alpha = 0, and nothing is below it."""
    Q = np.linalg.qr(np.random.default_rng(9).standard_normal((3, 3)))[0]
    K = alpha**0.5 * Q.reshape(1, 1, 3, 3)
    lower, upper = penalty_bounds(K, 4, alpha)
    assert lower == 0
    assert upper <= 1e-10
    assert penalty_bounds(K, 4, alpha, "rows")[0] == 0


@pytest.mark.parametrize("far", [1e3, 1e10, 1e200])
def test_a_tap_that_reads_zeros_alone(far):
    """The corner of a kernel on one pixel: M = [3], whatever stands there."""
    K = np.zeros((3, 3))
    K[1, 1], K[0, 0] = 3, far
    for lower, upper in both_ways(lambda: penalty_bounds(K, 1)):
        assert lower <= 8 <= upper
        assert upper - lower <= 1e-8


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
def test_the_enclosure_is_of_the_kernel_as_it_is_in_double(dtype):
    K = (4 * np.random.default_rng(2).standard_normal((3, 3, 2, 2))).astype(dtype)
    assert penalty_bounds(K, 5) == penalty_bounds(K.astype(float), 5)


@pytest.mark.parametrize("perturbation", [0.0, 1e-12, 1e-6])
@pytest.mark.parametrize("gram", GRAMS)
def test_kernels_of_small_rank(perturbation, gram):
    """sigma_min decides, at 0 or near it: R_alpha = alpha, or a little less."""
    rng = np.random.default_rng(3)
    K = rng.standard_normal((3, 3, 2, 3)) / 9
    K[:, :, 1] = K[:, :, 0] + perturbation * K[:, :, 1]
    case = Setting(K, (4, 4), {}, rng)
    alpha = 2.0 * np.linalg.norm(setting_matrix(K, (4, 4)), 2) ** 2
    expected, error, size = dense(case, alpha, gram)
    for lower, upper in both_ways(lambda: penalty_bounds(K, 4, alpha, gram)):
        assert lower - error <= expected <= upper + error
        assert upper <= alpha * (1 + 4 * EPS)
    lower, upper = penalty_bounds(K, 4, alpha, gram)
    assert upper - lower <= 1e-8 * size


def test_the_plateau_of_wide_layers():
    """h < g: M'M is singular, and alpha decides where it is large."""
    K = np.random.default_rng(4).standard_normal((3, 3, 3, 2)) / 5
    for lower, upper in both_ways(lambda: penalty_bounds(K, 5, 50.0)):
        assert lower == np.nextafter(50.0, 0)
        assert upper == np.nextafter(50.0, 100)
    lower, upper = penalty_bounds(K, 5, 50.0, "smaller")
    assert upper < 50.0


@pytest.mark.parametrize("way", ["inertia", "torus"])
@pytest.mark.parametrize(("outer", "inner"), [((1.0, 0.3), (2.0, 0.4)), ((0.2, 1.0), (1.0, 0.5))])
def test_larger_layers_in_closed_form(outer, inner, way, monkeypatch):
    """W (x) (b, a, b) (x) (d, c, d) with 3200 unknowns: the torus is sharp, too."""
    if way == "torus":
        monkeypatch.setattr(BOUNDS, "INERTIA_LIMIT", -1)
    W = np.array([[1.0, 2.0, 0.0], [3.0, 5.0, 1.0]])
    K = separable_kernel(W, outer, inner)
    sigma = separable_singular_values(W, outer, inner, 40)
    for alpha in (0.5, 1e4):
        truth = max(sigma[0] ** 2 - alpha, alpha - sigma[-1] ** 2)
        lower, upper = penalty_bounds(K, 40, alpha, "smaller")
        assert lower - 1e-12 * truth <= truth <= upper + 1e-12 * truth
        if way == "inertia":
            assert upper - lower <= 1e-8 * (alpha + sigma[0] ** 2)
        elif alpha < 1:
            assert upper <= truth * (1 + 1e-11)
            assert lower >= 0.9 * truth


@pytest.mark.parametrize(
    ("shape", "N", "ratio"), [((3, 3, 16, 16), 28, 1.03), ((3, 3, 8, 16), (20, 40), 1.05)]
)
def test_layers_without_factors(shape, N, ratio, torus_alone):
    K = np.random.default_rng(5).standard_normal(shape) / 12
    M = ConvolutionOperator(K, N)
    largest = float(leading_triplets(M, 1)[0].sigma) ** 2
    lower, upper = penalty_bounds(K, N, 0.5)
    assert lower <= largest - 0.5 <= upper
    assert upper + 0.5 <= ratio * (lower + 0.5)


# the parts of the proof


@settings(max_examples=60)
@given(settings_of(max_k=4, integers=False), st.integers(0, 3))
def test_a_rayleigh_quotient_in_exact_arithmetic(case, power):
    """|M v|^2 / |v|^2 lies in its enclosure, which is as narrow as rounding lets it be."""
    M = ConvolutionOperator(case.K, case.N, **case.keywords)
    matrix = setting_matrix(case.K, case.N, **case.keywords)
    v = case.rng.standard_normal(M.shape[1])
    for _ in range(power):
        v = M.T @ (M @ v)
    assume(v.any())
    exact = [Fraction(x) for x in v]
    image = [sum(Fraction(a) * x for a, x in zip(row, exact, strict=True) if a) for row in matrix]
    truth = sum(x * x for x in image) / sum(x * x for x in exact)
    found = BOUNDS._rayleigh_quotient(M, v, M)
    assert found.low <= truth <= found.high
    assert found.high - found.low <= 1e-11 * BOUNDS._size(M) ** 2


@pytest.mark.parametrize("taps", [3, 4, 7])
def test_a_rayleigh_quotient_of_what_cancels(taps):
    """M v is nothing but rounding: the exact value of the sum lies in the enclosure."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        k, v = rng.standard_normal(taps), rng.standard_normal(taps)
        k[-1] = -(k[:-1] @ v[:-1]) / v[-1]
        M = ConvolutionOperator(k.reshape(1, taps, 1, 1), (1, taps), padding="valid")
        exact = [Fraction(x) for x in v]
        image = sum(Fraction(a) * x for a, x in zip(k, exact, strict=True))
        truth = image**2 / sum(x * x for x in exact)
        found = BOUNDS._rayleigh_quotient(M, v, M)
        assert found.low <= truth <= found.high


def test_the_rounding_of_the_gram_matrix(monkeypatch):
    """M = [x]: its square is rounded, and an eigenvalue of what is rounded is no bound."""
    monkeypatch.setattr(
        BOUNDS, "proved_bound", lambda A, value, sign: (float(A.toarray()[0, 0]), np.ones(1))
    )
    above = below = 0
    for x in np.random.default_rng(10).uniform(1, 2, 20):
        M = ConvolutionOperator([[x]], 1)
        largest, smallest = BOUNDS._by_inertia(M, M, np.inf)
        assert smallest.low <= Fraction(x) ** 2 <= largest.high
        above += x * x > Fraction(x) ** 2
        below += x * x < Fraction(x) ** 2
    assert above
    assert below


def test_the_rounding_of_a_long_sum(monkeypatch):
    """1 and 300 squares of less than half a unit in its last place: one by one they are lost."""
    sums = []

    def proved(A, value, sign):
        sums.append(float(A.toarray()[0, 0]))
        return sums[-1], np.ones(1)

    monkeypatch.setattr(BOUNDS, "proved_bound", proved)
    K = np.full((1, 1, 1, 301), np.sqrt(0.49 * EPS))
    K[..., 0] = 1.0
    for kernel in (K, K[..., ::-1].copy()):
        M = ConvolutionOperator(kernel, 1)
        truth = sum(Fraction(float(x)) ** 2 for x in kernel.ravel())
        largest, smallest = BOUNDS._by_inertia(M, M, np.inf)
        assert smallest.low <= truth <= largest.high
    assert min(sums) < truth - 100 * EPS


@given(settings_of(max_k=4))
def test_the_size_bounds_the_matrix_of_absolute_values(case):
    M = ConvolutionOperator(case.K, case.N, **case.keywords)
    matrix = setting_matrix(np.abs(case.K), case.N, **case.keywords)
    assert np.linalg.norm(matrix, 2) <= BOUNDS._size(M) * (1 + 1e-14)


def test_ritz_values_of_few_steps(monkeypatch):
    M = ConvolutionOperator(np.random.default_rng(6).standard_normal((3, 3, 2, 3)), 6)
    start = np.random.default_rng(7).standard_normal(M.shape[1])
    low, high = BOUNDS._ritz_vectors(M, start)
    quotients = [np.linalg.norm(M @ v) ** 2 / np.linalg.norm(v) ** 2 for v in (low, start, high)]
    assert quotients[0] < quotients[1] < quotients[2]
    krylov = [start]
    for _ in range(BOUNDS.STEPS - 1):
        krylov.append(M.T @ (M @ krylov[-1]))
    Q = np.linalg.qr(np.stack(krylov, axis=1))[0]
    sigma = np.linalg.svd(M @ Q, compute_uv=False)
    assert [quotients[2], quotients[0]] == pytest.approx(sigma[[0, -1]] ** 2, rel=1e-6)


def test_ritz_values_of_an_invariant_space_and_of_nothing():
    """M = diag: an eigenvector ends the steps; zero is no start."""
    M = ConvolutionOperator(np.diag([1.0, 2.0, 3.0]).reshape(1, 1, 3, 3), 1)
    low, high = BOUNDS._ritz_vectors(M, np.array([0.0, 5.0, 0.0]))
    assert np.abs(low) == pytest.approx([0, 1, 0])
    assert np.abs(high) == pytest.approx([0, 1, 0])
    low, high = BOUNDS._ritz_vectors(M, np.zeros(3))
    assert np.abs(low) == pytest.approx([1, 0, 0], abs=1e-9)
    assert np.abs(high) == pytest.approx([0, 0, 1], abs=1e-9)


@pytest.mark.parametrize(
    ("given", "kind", "match"),
    [
        ({"K": np.ones(3)}, ValueError, "^K: wanted"),
        ({"N": 0}, ValueError, "^N: wanted"),
        ({"alpha": 0}, ValueError, "^alpha: wanted"),
        ({"alpha": "1"}, TypeError, "^alpha: wanted"),
        ({"gram": "both"}, ValueError, "^gram: wanted"),
        ({"stride": 0}, ValueError, "^stride: wanted"),
        ({"dilation": 0}, ValueError, "^dilation: wanted"),
        ({"padding": "full"}, ValueError, "^padding: wanted"),
    ],
)
def test_bad_arguments_are_named(given, kind, match):
    with pytest.raises(kind, match=match):
        penalty_bounds(**{"K": np.eye(3), "N": 3} | given)


def test_the_defaults_are_the_paper_s():
    K = np.random.default_rng(8).standard_normal((3, 3, 3, 2))
    assert penalty_bounds(K, 3) == penalty_bounds(
        K, 3, 1.0, "columns", stride=1, dilation=1, padding="same"
    )
