"""Section 2.1: the symbol of every geometry, the tori of which M is a part, the wave that starts
Lanczos.
"""

from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import (
    Setting,
    both,
    cases,
    reference_matrix,
    separable_kernel,
    separable_singular_values,
    setting_matrix,
    settings_of,
)

from convreg import ConvolutionOperator, leading_triplets, penalty, shifted_gram
from convreg._numerics.peaks import quiet_circles
from convreg._numerics.trigonometric import Circle
from convreg.symbol import Symbol, symbol

PHASES = (0.0, np.pi)
geometries = partial(settings_of, max_k=4, max_channels=2)


def operator(case):
    return ConvolutionOperator(case.K, case.N, **case.keywords)


def largest_square(M):
    return np.linalg.norm(M, 2) ** 2 if M.size else 0.0


def around(L, offset, phase):
    """Output r reads pixel r + offset of a circle of L pixels, around which a wave is e^{i phi}.

    The sign is -1 for each time around where phi is pi.
    """
    S = np.zeros((L, L))
    for r in range(L):
        times, pixel = divmod(r + offset, L)
        S[r, pixel] = (-1) ** (times % 2) if phase else 1
    return S


def on_torus(symbol, sides, phases):
    """The matrix of the convolution on a torus, [y, r1, r2, c, a1, a2]: tap by tap."""
    h, c = symbol.taps.shape[3], symbol.taps.shape[2]
    C = np.zeros((h, *sides, c, *sides))
    for i, t1 in enumerate(symbol.offsets[0]):
        for j, t2 in enumerate(symbol.offsets[1]):
            down, across = around(sides[0], t1, phases[0]), around(sides[1], t2, phases[1])
            C += np.einsum("cy,ra,sb->yrscab", symbol.taps[i, j], down, across)
    return C


def part_of_torus(symbol, M, C):
    """The rows and columns of C that are those of M, for the strides of the symbol."""
    H, W = M.geometry.image
    s1, s2 = symbol.rows.stride, symbol.columns.stride
    g = M.kernel.shape[2]
    R1, R2 = symbol.rows.outputs, symbol.columns.outputs
    h = C.shape[0]
    C = C.reshape(*C.shape[:3], s1, s2, g, *C.shape[4:])
    part = np.zeros((h, R2, R1, g, W, H))
    for i, j in product(range(H), range(W)):
        column = C[:, :R1, :R2, i % s1, j % s2, :, i // s1, j // s2]
        part[..., j, i] = column.transpose(0, 2, 1, 3)
    return part


def rows_of(M, symbol, part):
    """Where a circle's length is no multiple of the stride, the symbol is that of stride 1."""
    for axis, (line, geometry) in enumerate(
        zip((symbol.columns, symbol.rows), M.geometry[::-1], strict=True), start=1
    ):
        step = geometry.stride // line.stride
        kept = [slice(None)] * part.ndim
        kept[axis] = slice(None, None, step)
        part = part[tuple(kept)]
    return part.reshape(M.shape)


# circular images that no stride divides, taps that meet, that wrap twice, that read zeros alone
SETTINGS = [
    Setting(
        np.arange(1.0, 13).reshape(3, 2, 1, 2), (5, 4), {"stride": 2, "padding": "circular"}, 0
    ),
    Setting(np.arange(1.0, 17).reshape(4, 4, 1, 1), (3, 2), {"padding": "circular"}, 0),
    Setting(np.arange(1.0, 17).reshape(4, 4, 1, 1), (1, 2), {"padding": "same"}, 0),
    Setting(np.arange(1.0, 7).reshape(3, 1, 2, 1), (4, 3), {"padding": 4, "stride": 3}, 0),
    Setting(np.arange(1.0, 10).reshape(3, 3, 1, 1), (6, 7), {"dilation": 2, "stride": (1, 2)}, 0),
]


def every_setting(test):
    for setting in SETTINGS:
        test = example(setting)(test)
    return test


@every_setting
@settings(max_examples=60)
@given(geometries())
def test_the_matrix_is_a_part_of_the_convolution_on_its_torus(case):
    """Entry by entry, for both phases; whole numbers: nothing is rounded."""
    M = operator(case)
    symbol = Symbol(M)
    dense = setting_matrix(case.K, case.N, **case.keywords)
    for phases in ((0.0, 0.0), (np.pi, np.pi)):
        phases = [
            0.0 if line.circular else phase
            for line, phase in zip((symbol.rows, symbol.columns), phases, strict=True)
        ]
        C = on_torus(symbol, symbol.sides, phases)
        assert np.array_equal(rows_of(M, symbol, part_of_torus(symbol, M, C)), dense)


@settings(max_examples=60)
@given(geometries(), st.sampled_from(PHASES), st.sampled_from(PHASES), st.integers(0, 2))
def test_its_singular_values_are_those_of_the_symbol(case, phase_1, phase_2, more):
    symbol = Symbol(operator(case))
    circles = [
        Circle(line.side) if line.circular else Circle(line.side + more, phase)
        for line, phase in ((symbol.rows, phase_1), (symbol.columns, phase_2))
    ]
    sides = [circle.L for circle in circles]
    C = on_torus(symbol, sides, [circle.phase for circle in circles])
    C = C.reshape(C.shape[0] * sides[0] * sides[1], -1)
    theta_1, theta_2 = np.meshgrid(*(circle.angles() for circle in circles), indexing="ij")
    blocks = np.linalg.svd(symbol.at(theta_1, theta_2), compute_uv=False)
    expected = np.linalg.svd(C, compute_uv=False)
    assert np.sort(blocks.ravel())[::-1] == pytest.approx(expected, abs=1e-11 * (1 + expected[0]))


@every_setting
@settings(max_examples=60)
@given(geometries())
def test_the_bound_on_the_torus_by_brute_force(case):
    """At every frequency of the circles that were taken; M is below it."""
    M = operator(case)
    symbol = Symbol(M)
    found = symbol.largest_on_torus()
    choices = symbol.rows.circles(), symbol.columns.circles()
    (first, second), _ = quiet_circles(symbol.gram, symbol.peaks, choices)
    theta_1, theta_2 = np.meshgrid(
        first.angles() / symbol.rows.step, second.angles() / symbol.columns.step
    )
    largest = np.linalg.norm(symbol.at(theta_1, theta_2), 2, axis=(-2, -1)).max() ** 2
    assert largest * (1 - 1e-13) <= found <= largest * (1 + 1e-9) + 1e-300
    assert largest_square(setting_matrix(case.K, case.N, **case.keywords)) <= found * (1 + 1e-13)


@settings(max_examples=40)
@given(cases(max_k=7, max_channels=2, max_N=5))
def test_the_bound_on_the_torus_for_kernels_larger_than_the_image(case):
    M = ConvolutionOperator(case.K, case.N)
    found = Symbol(M).largest_on_torus()
    dense = largest_square(reference_matrix(case.K, case.N))
    assert dense * (1 - 1e-13) <= found


@pytest.mark.parametrize("N", [2, 3, 6, 7, 20, 21])
@pytest.mark.parametrize(("a", "b"), [(0.5, 1.0), (-0.5, 1.0), (3.0, 2.0), (-3.0, 2.0)])
def test_the_bound_is_attained_by_tridiagonal_matrices(N, a, b):
    """|a| + 2b cos(pi / (N + 1)) is a value of the symbol on the circle of N + 1: at pi / (N + 1)
    for a > 0, which takes phi = pi, at N pi / (N + 1) for a < 0, phi = pi for odd N alone.
    """
    W = np.array([[1.0, 2.0, 0.0], [3.0, 5.0, 1.0]])
    for inner in ((2.0, 0.0), (1.0, 0.25), (1.0, -0.25)):
        K = separable_kernel(W, (a, b), inner)
        largest = separable_singular_values(W, (a, b), inner, N)[0] ** 2
        for kernel in (K, K.swapaxes(0, 1), K.swapaxes(2, 3)):
            found = Symbol(ConvolutionOperator(kernel, N)).largest_on_torus()
            assert largest * (1 - 1e-14) <= found <= largest * (1 + 1e-11)


@pytest.mark.parametrize("N", [3, 5, 20, 21])
def test_the_bound_where_the_symbol_has_two_peaks(N):
    """2 cos(theta), at 0 and at pi: no odd circle avoids both, N + 1 does for odd N."""
    K = separable_kernel(np.eye(1), (0.0, 1.0), (1.0, 0.0))[:, 1:2]
    found = Symbol(ConvolutionOperator(K, (N, 1))).largest_on_torus()
    truth = 4 * np.cos(np.pi / (N + 1)) ** 2
    expected = truth if N % 2 else 4 * np.cos(np.pi / (N + 2)) ** 2
    assert truth <= found
    assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("dilation", [2, 3, (1, 3)])
@pytest.mark.parametrize("N", [9, (11, 6)])
def test_the_bound_is_attained_by_dilated_tridiagonal_matrices(N, dilation):
    """Each summand has ceil(N / d) pixels or one fewer."""
    K = separable_kernel(np.eye(1), (1.0, 1.0), (2.0, 1.0))
    pixels = [-(-n // d) for n, d in zip(both(N), both(dilation), strict=True)]
    along = [2 * np.cos(np.pi / (n + 1)) for n in pixels]
    expected = ((1 + along[0]) * (2 + along[1])) ** 2
    found = Symbol(ConvolutionOperator(K, N, dilation=dilation)).largest_on_torus()
    assert expected * (1 - 1e-14) <= found <= expected * (1 + 1e-11)


def test_circular_images_have_their_own_frequencies():
    """phi = 0 and no other: the largest value is attained, at theta = 0 and at pi."""
    for sign in (1, -1):
        K = np.array([[[[sign * 1.0]], [[2.0]], [[sign * 1.0]]]])
        for N in (3, 4, 7, 8):
            M = ConvolutionOperator(K, (1, N), padding="circular")
            largest = largest_square(setting_matrix(K, (1, N), padding="circular"))
            found = Symbol(M).largest_on_torus()
            assert largest * (1 - 1e-14) <= found <= largest * (1 + 1e-11)


START = {
    "wide": ((3, 3, 5, 2), (13, 22), {}),
    "tall": ((3, 3, 2, 5), (22, 13), {}),
    "even": ((4, 2, 3, 3), (17, 20), {}),
    "stride": ((3, 3, 2, 4), (30, 21), {"stride": (2, 1)}),
    "strides": ((3, 2, 2, 3), (31, 34), {"stride": (2, 3)}),
    "dilated": ((3, 3, 2, 3), (30, 25), {"dilation": (2, 1)}),
    "valid": ((3, 3, 2, 3), (18, 21), {"padding": "valid"}),
    "circular": ((3, 3, 2, 3), (18, 21), {"padding": "circular"}),
    "circular stride": ((3, 3, 2, 3), (18, 21), {"padding": "circular", "stride": (2, 3)}),
    "circular, one axis": ((3, 3, 2, 3), (18, 21), {"padding": ("circular", "same")}),
}


@pytest.mark.parametrize("name", START)
def test_the_wave_is_near_the_leading_singular_vector(name):
    """Its quotient is above 0.9 sigma_max^2: channels, strides and the order of vec are right."""
    shape, N, keywords = START[name]
    rng = np.random.default_rng(3)
    for _ in range(3):
        M = ConvolutionOperator(rng.standard_normal(shape), N, **keywords)
        x = Symbol(M).start_vector()
        assert x.shape == (M.shape[1],)
        quotient = (np.linalg.norm(M @ x) / np.linalg.norm(x)) ** 2
        largest = float(leading_triplets(M, 1)[0].sigma) ** 2
        assert 0.9 * largest <= quotient <= largest * (1 + 1e-12)


@pytest.mark.parametrize("N", [1, 2, (1, 5)])
@pytest.mark.parametrize("K", [np.zeros((3, 3, 2, 2)), np.eye(3), np.ones((5, 5, 1, 2))])
def test_the_wave_of_few_pixels_is_finite(K, N):
    for keywords in (
        {},
        {"padding": "circular"},
        {"stride": 2},
        {"padding": "circular", "stride": 2},
    ):
        M = ConvolutionOperator(K, N, **keywords)
        x = Symbol(M).start_vector()
        assert x.shape == (M.shape[1],)
        assert np.isfinite(x).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_wave_of_a_circular_image_closes(sign):
    """The taps 1, a, 1 around 8 pixels: an eigenvector of M, where the peak is a frequency."""
    K = np.array([[[[1.0]], [[sign * 2.0]], [[1.0]]]])
    M = ConvolutionOperator(K, (3, 8), padding="circular")
    x = Symbol(M).start_vector()
    assert np.linalg.norm(M @ x) == pytest.approx(4 * np.linalg.norm(x), rel=1e-12)


def products_of(monkeypatch, f):
    """How often f() multiplies with M or M'."""
    count = []
    original = ConvolutionOperator._matmat
    with monkeypatch.context() as patch:
        patch.setattr(
            ConvolutionOperator, "_matmat", lambda M, X: count.append(0) or original(M, X)
        )
        f()
    return len(count)


@pytest.mark.parametrize("gram", ["columns", "rows"])
def test_lanczos_from_the_wave_takes_far_fewer_products(gram, monkeypatch):
    wave = random = 0
    values = {}
    for seed in (0, 3, 5, 9):
        K = np.random.default_rng(seed).standard_normal((3, 3, 16, 16))
        B = shifted_gram(ConvolutionOperator(K, 28), 0.1, gram)

        def from_the_wave(K=K):
            options = {"gram": gram, "tolerance": 1e-6, "full_output": True}
            values["wave"] = penalty(K, 28, 0.1, **options)[0]

        def from_random(B=B):
            values["random"] = leading_triplets(B, 1, 1e-6)[0].sigma

        wave += products_of(monkeypatch, from_the_wave)
        random += products_of(monkeypatch, from_random)
        assert values["wave"] == pytest.approx(values["random"], rel=1e-5)
    assert 0 < wave <= 0.8 * random


def test_angles_that_are_not_broadcast():
    assert symbol([[1.0]], np.zeros((2, 1)), np.zeros(3)).shape == (2, 3, 1, 1)
    with pytest.raises(ValueError, match=r"^theta_2: wanted a shape .* \(2,\), got \(3,\)"):
        symbol([[1.0]], np.zeros(2), np.zeros(3))


def test_a_symbol_that_overflows():
    assert symbol(np.full((3, 3), 1e307), 0.0, 0.0) == pytest.approx(9e307)
    with pytest.raises(ValueError, match=r"^K: wanted entries whose sums do not overflow"):
        symbol(np.full((3, 3), 1e308), 0.0, 0.0)
