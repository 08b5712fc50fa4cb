"""The same problem at every scale: entries next to the largest floats and next to the smallest.

R_alpha is of degree two in K, alpha being a square: R_{s^2 alpha}(s K) = s^2 R_alpha(K), and its
gradient is of degree one. For s a power of two nothing is rounded by that, so that the laws hold
bit for bit wherever the result is a float; where it is not, the error names what was too large.
"""

import sys

import numpy as np
import pytest
from dense import reference_adjoint, reference_matrix

from convreg import (
    ConvolutionOperator,
    clipped_polyak_step,
    conv_matrix,
    kernel_gradient,
    kernel_gradient_index_sum,
    leading_triplets,
    minimize_penalty,
    penalty,
    penalty_gradient,
    penalty_matrix_gradient,
    polyak_step,
    shifted_gram,
    singular_value_gradient,
)
from convreg.forms import polar_penalty, values_penalty
from convreg.penalty import from_extremes

pytestmark = pytest.mark.filterwarnings("error")

DTYPES = [np.float64, np.float32]
# shape, N, geometry: decomposed, by Lanczos, with Fourier transforms, and by Davidson's method
PROBLEMS = {
    "tall": ((3, 3, 1, 2), 4, {}),
    "wide": ((3, 3, 2, 1), (4, 3), {}),
    "stride": ((3, 3, 2, 2), 5, {"stride": 2}),
    "circular": ((2, 2, 1, 1), 4, {"padding": "circular"}),
    "dilation": ((3, 2, 1, 1), (5, 6), {"dilation": 2, "padding": 2}),
    "Lanczos": ((3, 3, 1, 2), 10, {}),
    "Fourier": ((9, 9, 1, 1), 10, {}),
    "Davidson": ((3, 3, 1, 2), 40, {}),
}
SMALL = [name for name in PROBLEMS if name not in ("Lanczos", "Fourier", "Davidson")]
EXPONENTS = {np.float64: (-500, -170, 3, 170, 500), np.float32: (-90, -35, 3, 35, 60, 100)}


def kernel(shape, dtype):
    """Eighths from -2 to 2, so that every scale of float32 holds them too."""
    entries = np.random.default_rng(1).integers(-16, 17, shape) / 8
    return entries.astype(dtype)


def unit_vectors(size, dtype):
    """Two of them."""
    pair = np.random.default_rng(2).standard_normal((2, size))
    return (pair / np.linalg.norm(pair, axis=1)[:, np.newaxis]).astype(dtype)


# what is computed, and of what degree in the scale each result is


def value(K, N, alpha, geometry):
    return [(penalty(K, N, alpha, **geometry), 2)]


def value_with_its_triplet(K, N, alpha, geometry):
    R, triplet = penalty(K, N, alpha, full_output=True, **geometry)
    return [(R, 2), (triplet.residual, 2), (triplet.u, 0), (triplet.v, 0)]


def gradient(K, N, alpha, geometry):
    R, G = penalty_gradient(K, N, alpha, **geometry)
    assert G.dtype == K.dtype
    return [(R, 2), (G, 1)]


def gradient_of_vectors(K, N, alpha, geometry):
    size = ConvolutionOperator(K, N, **geometry).shape[1]
    return [(kernel_gradient(K, N, *unit_vectors(size, K.dtype), **geometry), 1)]


def gradient_as_printed(K, N, alpha, geometry):
    size = ConvolutionOperator(K, N, **geometry).shape[1]
    return [(kernel_gradient_index_sum(K, N, *unit_vectors(size, K.dtype), **geometry), 1)]


def gradient_in_m(K, N, alpha, geometry):
    M = conv_matrix(K, N, **geometry)
    return [(penalty_matrix_gradient(M, *unit_vectors(M.shape[1], K.dtype)), 1)]


def values_form(K, N, alpha, geometry):
    S, w, v = values_penalty(conv_matrix(K, N, **geometry), alpha)
    return [(S, 1), (w, 0), (v, 0)]


def polar_form(K, N, alpha, geometry):
    P, G = polar_penalty(conv_matrix(K, N, **geometry).toarray(), alpha)
    return [(P, 2), (G, 1)]


def descent(K, N, alpha, geometry):
    found = minimize_penalty(K, N, alpha, 0.01, 2, **geometry)
    history = found.history
    of_value = [(history[name], 2) for name in ("estimate", "penalty", "residual")]
    return [(found.kernel, 1), (history.sigma_max, 1), (history.condition_number, 0), *of_value]


def descent_by_polyaks_steps(K, N, alpha, geometry):
    found = minimize_penalty(K, N, alpha, polyak_step, 2, update="svd", **geometry)
    return [(found.kernel, 1), (found.history.estimate, 2)]


EVERYWHERE = (value, value_with_its_triplet, gradient, gradient_of_vectors)
DESCENTS = (descent, descent_by_polyaks_steps)
ROOM = {np.float64: (-480, 250), np.float32: (-48, 28)}
OF_SMALL = (gradient_as_printed, gradient_in_m, values_form, polar_form, *DESCENTS)
CASES = [(call, name) for call in EVERYWHERE for name in PROBLEMS]
CASES += [(call, name) for call in OF_SMALL for name in SMALL[:3]]


def scaled(x, exponent):
    """2^exponent x, infinite where that is too large."""
    with np.errstate(over="ignore"):
        return np.ldexp(x, exponent)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("call", "name"), CASES)
def test_the_laws_of_scaling_bit_for_bit(call, name, dtype):
    shape, N, geometry = PROBLEMS[name]
    K, alpha = kernel(shape, dtype), 4.0
    expected = call(K, N, alpha, geometry)
    for e in EXPONENTS[dtype]:
        wanted = [scaled(result, degree * e) for result, degree in expected]
        too_large = not all(np.isfinite(result).all() for result in wanted)
        # a descent needs M'M in the type of K, with room for its squares
        if too_large or (call in DESCENTS and not ROOM[dtype][0] < e < ROOM[dtype][1]):
            with pytest.raises(ValueError, match=r"^[KM]: wanted "):
                call(scaled(K, e), N, alpha * 4.0**e, geometry)
            continue
        found = call(scaled(K, e), N, alpha * 4.0**e, geometry)
        for (result, _), want in zip(found, wanted, strict=True):
            assert np.array_equal(result, want), e


@pytest.mark.parametrize("e", [-1000, -980, 950, 1000])
@pytest.mark.parametrize("call", [gradient_of_vectors, gradient_as_printed, gradient_in_m])
def test_gradients_of_given_vectors_up_to_the_largest_floats(call, e):
    """Linear in K: no square of it has to be a float."""
    shape, N, geometry = PROBLEMS["stride"]
    K = kernel(shape, np.float64)
    [(expected, _)] = call(K, N, 1.0, geometry)
    [(found, _)] = call(scaled(K, e), N, 1.0, geometry)
    assert np.array_equal(found, scaled(expected, e))


@pytest.mark.parametrize("e", [-900, -400, 400, 900])
def test_kernel_gradients_are_linear_in_each_vector(e):
    K = kernel((3, 3, 1, 2), np.float64)
    u, v = unit_vectors(16, np.float64)
    expected = kernel_gradient(K, 4, u, v)
    assert np.array_equal(kernel_gradient(K, 4, scaled(u, e), v), scaled(expected, e))
    assert np.array_equal(kernel_gradient(K, 4, scaled(u, e), scaled(v, -e)), expected)
    found = kernel_gradient(scaled(K, 500), 4, scaled(u, e), scaled(v, -e))
    assert np.array_equal(found, scaled(expected, 500))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_is_a_float_where_products_on_the_way_are_none(dtype):
    """Sums of nine quarters of the largest power of two."""
    e = np.finfo(dtype).maxexp - 1
    K, u, v = np.ones((3, 3), dtype), np.full(16, 0.25, dtype), np.zeros(16, dtype)
    v[5] = 2.0**-10
    expected = kernel_gradient(K, 4, u, v)
    assert np.array_equal(kernel_gradient(scaled(K, e), 4, u, v), scaled(expected, e))
    assert np.array_equal(kernel_gradient_index_sum(scaled(K, e), 4, u, v), scaled(expected, e))
    expected = penalty_matrix_gradient(conv_matrix(K, 4), u, v)
    found = penalty_matrix_gradient(conv_matrix(scaled(K, e), 4), u, v)
    assert np.array_equal(found, scaled(expected, e))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["tall", "Lanczos", "Davidson"])
def test_an_alpha_far_above_or_below_m(name, dtype):
    """Above, sigma_min decides, and G does not depend on alpha; below, sigma_max does."""
    shape, N, geometry = PROBLEMS[name]
    K = kernel(shape, dtype)
    for near, far in ((1e4, (1e8, 1e60, 1e300)), (1e-4, (1e-8, 1e-60, 1e-300))):
        R, G = penalty_gradient(K, N, near, **geometry)
        for alpha in far:
            close = pytest.approx(max(alpha, R), rel=1e-3)
            assert close == penalty(K, N, alpha, **geometry)
            found, direction = penalty_gradient(K, N, alpha, **geometry)
            assert type(found) is float
            assert close == found
            assert np.linalg.norm(direction - G) <= 1e-2 * np.linalg.norm(G)


def test_crowded_vectors_are_good_enough_where_r_alpha_is_right(monkeypatch):
    """2025 values, of which the lowest lie close: a few restarts will do, 1000 would not."""
    monkeypatch.setattr(sys.modules["convreg.gram"], "RESTARTS", 0)  # refused
    K = 1e-9 * kernel((3, 3, 1, 1), np.float64)
    R, triplet = penalty(K, 45, 1.0, full_output=True)
    assert pytest.approx(1.0, rel=1e-15) == R
    assert triplet.residual < 1e-15
    assert np.linalg.norm(ConvolutionOperator(K, 45) @ triplet.v) < 1e-10


@pytest.mark.parametrize("N", [4, 10])
@pytest.mark.parametrize("top", [1e150, 1.0, 1e-140])
def test_scales_of_every_size_in_one_kernel(top, N):
    """What is below 1e-20 of the largest entry changes neither R_alpha nor its gradient."""
    K = kernel((3, 3, 1, 2), np.float64)
    K.ravel()[::2] *= np.logspace(-150, 0, 9)
    large = np.where(np.abs(K) > 1e-20, K, 0)
    M = reference_matrix(large, N)
    U, sigma, Vt = np.linalg.svd(M)
    R, G = penalty_gradient(top * K, N, 0.25 * top**2)
    assert pytest.approx(top**2 * (sigma[0] ** 2 - 0.25), rel=1e-12) == R
    assert penalty(top * K, N, 0.25 * top**2) == pytest.approx(R, rel=1e-12)
    expected = 2 * sigma[0] * reference_adjoint(np.outer(U[:, 0], Vt[0]), K.shape, N)
    assert np.abs(G / top - expected).max() < 1e-9


@pytest.mark.parametrize("N", [4, 10, 40])
def test_single_precision_whose_squares_are_no_floats_of_it(N):
    K = (1e12 * np.random.default_rng(0).standard_normal((3, 3, 1, 2))).astype(np.float32)
    R, G, triplet = penalty_gradient(K, N, 1e20, full_output=True)
    expected, slope = penalty_gradient(K.astype(float), N, 1e20)
    assert pytest.approx(expected, rel=1e-5) == R == triplet.sigma
    assert np.linalg.norm(G - slope) <= 1e-4 * np.linalg.norm(slope)
    assert pytest.approx(np.float64(1e62), rel=1e-6) == penalty(np.float32([[1e31]]), 1, 1.0)


@pytest.mark.parametrize("e", [-1000, -600, -300, 300, 600, 1000])
def test_polyaks_steps_at_every_scale(e):
    """Where R is of degree two, and a length of degree one, the rate is of degree zero."""
    G = np.array([[3.0, 4.0]])
    R = scaled(2.0, e)  # of degree one: that of degree two need not be a float
    assert polyak_step(R, scaled(G, e), 1e305) == scaled(polyak_step(2.0, G), -e)
    length = scaled(0.5, e)
    rate = clipped_polyak_step(5.0, G, 0.5)
    if abs(e) == 300:
        assert polyak_step(scaled(2.0, 2 * e), scaled(G, e)) == polyak_step(2.0, G)
        assert clipped_polyak_step(scaled(5.0, 2 * e), scaled(G, e), length) == rate
    if e < 400:  # else R over the square of G is less
        assert clipped_polyak_step(1e308, scaled(G, e), length) == pytest.approx(0.1)


@pytest.mark.parametrize("scale", [2.0**-500, 1.0, 2.0**500])
def test_the_penalty_from_extremes(scale):
    R = from_extremes(3 * scale, 0.5 * scale, (2, 2), 4.0 * scale**2, False)
    assert R == 5.0 * scale * scale
    assert from_extremes(1.5e154, 1.5e154, (1, 1), 1.5e308, False) == pytest.approx(
        0.75e308, rel=1e-14
    )
    assert from_extremes(1e-200, 1e-200, (1, 1), 1e-320, False) == 1e-320


@pytest.mark.parametrize("dtype", DTYPES)
def test_forms_where_m_is_nothing_beside_alpha_or_alpha_beside_m(dtype):
    large, small = (1e150, 1e-300) if dtype == np.float64 else (1e18, 1e-30)
    for size, root in ((small, large), (large, small)):
        M = size * np.diag([1.0, 3.0]).astype(dtype)
        S, w, v = values_penalty(M, root**2 or 1e-320)
        assert pytest.approx(max(3 * size, root), rel=1e-6) == S
        assert np.outer(w, v) == pytest.approx(np.diag([0, 1]) if size > root else np.diag([-1, 0]))
        P, G = polar_penalty(M, root**2 or 1e-320)
        assert pytest.approx(10 * size**2 + 2 * root**2, rel=1e-6) == P
        assert pytest.approx(2 * (M.astype(float) - root * np.eye(2)), rel=1e-6) == G


def test_shifted_grams_whose_products_are_floats():
    """Whatever is in between: 1e200 squared times 1e-200 of a vector is a float."""
    B = shifted_gram(1e200 * np.eye(2), 1e300)
    assert B @ np.array([1e-200, 0.0]) == pytest.approx([1e200, 0.0], rel=1e-14)
    B = shifted_gram(1e-200 * np.eye(2), 1e-300)
    assert B @ np.ones(2) == pytest.approx([-1e-300, -1e-300], rel=1e-14)
    sigma, *_ = leading_triplets(shifted_gram(np.diag([1e150, 1e-150]), 1e299), 1)[0]
    assert sigma == pytest.approx(9e299, rel=1e-14)


HUGE = np.full((3, 3), 1e160)
SINGLE = np.float32([[3e38]])
EYE = np.eye(3)
TOO_LARGE = {
    "penalty": ("K", lambda: penalty(HUGE, 4)),
    "penalty of many unknowns": ("K", lambda: penalty(HUGE, 9)),
    "penalty of 1600 unknowns": ("K", lambda: penalty(HUGE, 40)),
    "its gradient": ("K", lambda: penalty_gradient(HUGE, 4)),
    "its gradient, many unknowns": ("K", lambda: penalty_gradient(HUGE, 9)),
    "its gradient, Davidson": ("K", lambda: penalty_gradient(HUGE, 40)),
    "its triplet": ("K", lambda: penalty(HUGE, 4, full_output=True)),
    "its gradient in single precision": ("K", lambda: penalty_gradient(SINGLE, 1)),
    "a gradient": ("K", lambda: kernel_gradient([[1.7e308]], 1, [1], [1])),
    "a gradient as printed": ("K", lambda: kernel_gradient_index_sum([[1.7e308]], 1, [1], [1])),
    "a gradient in M": ("M", lambda: penalty_matrix_gradient([[1.7e308]], [1], [1])),
    "a gradient of sigma": ("u", lambda: singular_value_gradient([1e200], [1e200])),
    "from extremes": ("K", lambda: from_extremes(1e200, 1.0, (1, 1), 1.0, False)),
    "a product": ("M", lambda: shifted_gram(1e200 * EYE) @ np.ones(3)),
    "alpha in single precision": ("alpha", lambda: shifted_gram(EYE.astype("f"), 1e300)),
    "values": ("M", lambda: values_penalty(np.full((3, 3), 1e308))),
    "polar": ("M", lambda: polar_penalty(1e160 * EYE)),
    "polar, alpha": ("M", lambda: polar_penalty(EYE.astype("f"), 1e200)),
    "the norm of G": ("G", lambda: clipped_polyak_step(1.0, np.full(4, 1e308))),
    "descent": ("K", lambda: minimize_penalty(HUGE, 4)),
    "descent, alpha": ("K", lambda: minimize_penalty(EYE.astype("f"), 4, 1e300)),
    "descent, vanishing": ("K", lambda: minimize_penalty(1e-160 * EYE, 4, 1e-320)),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_what_no_float_can_hold_is_named(case):
    name, call = TOO_LARGE[case]
    with pytest.raises(ValueError, match=rf"^{name}\b.*: wanted "):
        call()
