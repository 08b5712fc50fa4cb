"""Section 2.1, the symbol of M: its definition, plane waves, winding numbers, what they decide."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases, reference_matrix, separable_kernel

from convreg import extreme_singular_values, matlab_rand, minimize_penalty, polyak_step
from convreg.studies.symbol import hermitian_part_bound, plane_wave_bound
from convreg.symbol import symbol
from convreg.winding import symbol_class, winding_numbers

angles = st.floats(-10, 10)
small = partial(cases, max_k=5, max_channels=3, max_N=5)


def literal_symbol(K, theta_1, theta_2):
    """The sum as it stands, with the paper's indices from 1."""
    k, _, g, h = K.shape
    m = (k + 1) // 2
    F = np.zeros((h, g), complex)
    for p in range(1, k + 1):
        for q in range(1, k + 1):
            F += K[p - 1, q - 1].T * np.exp(1j * ((p - m) * theta_1 + (q - m) * theta_2))
    return F


def wave(case, theta_1, theta_2):
    """The windowed plane wave, and the norm of M (or, for h < g, M') times it over its own."""
    K, N = case.K, case.N
    M, F = reference_matrix(K, N), literal_symbol(K, theta_1, theta_2)
    if K.shape[3] < K.shape[2]:
        M, F = M.T, F.conj().T
    v = np.linalg.svd(F)[2][-1].conj()
    r = np.arange(1, N + 1)
    window = np.sin(np.pi * r / (N + 1))
    image = np.multiply.outer(window * np.exp(1j * theta_1 * r), window * np.exp(1j * theta_2 * r))
    x = np.concatenate([(channel * image).ravel(order="F") for channel in v])
    return np.linalg.norm(M @ x) / np.linalg.norm(x)


def with_identity(K, factor=1.0):
    K = factor * K
    centre = (len(K) + 1) // 2 - 1
    K[centre, centre] += np.eye(K.shape[2])
    return K


@given(small(), angles, angles)
def test_the_symbol_is_the_sum(case, theta_1, theta_2):
    expected = literal_symbol(case.K, theta_1, theta_2)
    assert np.abs(symbol(case.K, theta_1, theta_2) - expected).max() <= 1e-12 * (
        1 + np.abs(case.K).sum()
    )


def test_angles_are_broadcast():
    K = matlab_rand(4, 4, 2, 3)
    found = symbol(K, np.array([[0.1], [0.2]]), np.array([0.3, 0.4, 0.5]))
    assert found.shape == (2, 3, 3, 2)
    assert found[1, 2] == pytest.approx(symbol(K, 0.2, 0.5))
    assert plane_wave_bound(K, 3, np.array([[0.1], [0.2]]), np.array([0.3, 0.4, 0.5])).shape == (
        2,
        3,
    )


@given(small(), angles, angles)
def test_a_plane_wave_under_a_window_bounds_the_smallest_singular_value(case, theta_1, theta_2):
    """sigma_min(M) <= |M x| / |x| <= the bound; even k, k > N and h < g included."""
    smallest = extreme_singular_values(case.K, case.N)[1]
    scale = 1e-7 + 1e-10 * np.abs(case.K).sum()
    attained, bound = (
        wave(case, theta_1, theta_2),
        plane_wave_bound(case.K, case.N, theta_1, theta_2),
    )
    assert smallest <= attained + scale
    assert attained <= bound + scale


def test_the_constant_of_the_bound_is_that_of_the_window():
    """Taps (1, -1) at distance a, theta = 0: |M x| / |x| is nearly the whole bound."""
    K = np.zeros((3, 3, 1, 1))
    K[1, 1], K[0, 1] = -1, 1
    for N in (20, 80):
        bound = plane_wave_bound(K, N, 0.0, 0.0)
        assert bound == pytest.approx(2 * np.sin(np.pi / (2 * (N + 1))))
        x = np.sin(np.pi * np.arange(1, N + 1) / (N + 1))
        difference = np.r_[0, x[:-1]] - x
        assert (1 - 1.1 / (N + 1)) * bound < np.linalg.norm(difference) / np.linalg.norm(x) <= bound


def test_the_bound_of_separable_kernels_in_closed_form():
    """W (x) (b, a, b) (x) (d, c, d): F = W (a + 2b cos theta_1) (c + 2d cos theta_2)."""
    W = np.array([[1.0, 2.0], [3.0, 5.0]])
    K = separable_kernel(W, (1.0, 0.3), (2.0, 0.4))
    for theta in ((0.5, 1.5), (np.pi, np.pi)):
        factor = (1 + 0.6 * np.cos(theta[0])) * (2 + 0.8 * np.cos(theta[1]))
        assert symbol(K, *theta) == pytest.approx(factor * W)
    smallest = np.linalg.svd(W, compute_uv=False)[-1] * 0.4 * 1.2
    assert plane_wave_bound(K, 10**6, np.pi, np.pi) == pytest.approx(smallest, rel=1e-3)
    assert extreme_singular_values(K, 20)[1] == pytest.approx(smallest, rel=0.05)


@pytest.mark.parametrize("tap", [(p, q) for p in range(3) for q in range(3)])
def test_a_shift_winds_once_along_each_axis_on_which_it_shifts(tap):
    K = np.zeros((3, 3))
    K[tap] = 2.0
    along_1, along_2 = winding_numbers(K, 8)
    assert (along_1 == tap[0] - 1).all()
    assert (along_2 == tap[1] - 1).all()


def test_winding_numbers_of_a_determinant_add_up():
    K = np.zeros((3, 3, 2, 2))
    K[0, 1, 0, 0] = K[0, 2, 1, 1] = 1  # det F = e^{-2i theta_1 + i theta_2}
    along_1, along_2 = winding_numbers(K)
    assert (set(along_1), set(along_2)) == ({-2}, {1})
    K[0, 1, 0, 1] = 7
    assert set(winding_numbers(K)[0]) == {-2}


def test_winding_numbers_are_those_of_the_other_angle_s_value():
    """1 + 2 cos(theta_2) e^{i theta_1} winds where |2 cos(theta_2)| > 1; zeros where it is 1."""
    K = np.zeros((3, 3))
    K[1, 1], K[2, 0], K[2, 2] = 1, 1, 1
    along_1, _ = winding_numbers(K, 100)
    outside = np.abs(2 * np.cos(2 * np.pi * np.arange(100) / 100)) > 1
    assert (along_1 == outside).all()


WINDING = [
    ("shift", np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]]), 1e-12),
    ("shift and less", np.array([[0, 0, 0], [1, 0.5, 0], [0, 0, 0]]), 1e-3),
    ("along the diagonal", np.array([[1, 0, 0], [0, 0.5, 0], [0, 0, 0.0]]), 1e-3),
]


@pytest.mark.parametrize(("name", "K", "smallest"), WINDING)
def test_where_the_symbol_winds_the_smallest_singular_value_dies_out(name, K, smallest):
    """|F| stays above 1/2, so that the plane waves say nothing; sigma_min falls exponentially."""
    circle = np.linspace(0, 2 * np.pi, 64)
    assert np.abs(symbol(K, circle[:, None], circle)).min() > 0.49
    assert any((turns != 0).all() for turns in winding_numbers(K))
    found = [extreme_singular_values(K, N)[1] for N in (5, 10, 20)]
    assert found[2] <= smallest
    assert found[2] <= 0.1 * found[0] or found[0] == 0


def test_where_it_neither_winds_nor_vanishes_square_kernels_may_do_well():
    """sigma_min does not have to be near 0: identity and 0.08 rand, N = 5 to 17."""
    K = with_identity(matlab_rand(3, 3, 2, 2, state=1), 1.0)
    calm = with_identity(0.08 * matlab_rand(3, 3, 2, 2, state=1))
    found = [extreme_singular_values(calm, N)[1] for N in range(5, 18, 4)]
    assert found == pytest.approx([0.776, 0.718, 0.701, 0.694], abs=1e-3)
    assert not np.any(winding_numbers(calm))
    assert np.any(winding_numbers(K))  # and some of its values differ: det F has zeros
    assert len(np.unique(winding_numbers(K)[0])) > 1
    end = minimize_penalty(K, 15, 1.0, polyak_step, 80, update="svd", diagnostics=False).kernel
    largest, smallest = extreme_singular_values(end, 15)
    assert largest / smallest == pytest.approx(1.085, abs=1e-3)
    assert not np.any(winding_numbers(end))


@given(small(), angles, angles)
def test_the_hermitian_part_by_hand(case, theta_1, theta_2):
    K = case.K[:, :, :1, :1]
    F = literal_symbol(K, theta_1, theta_2)[0, 0]
    assert hermitian_part_bound(K, theta_1, theta_2) == pytest.approx(
        F.real, abs=1e-12 * (1 + np.abs(K).sum())
    )


@pytest.mark.parametrize("g", [1, 2, 3])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_hermitian_part_bounds_the_smallest_singular_value_for_every_size(k, g):
    """Complex Hermitian parts of full matrices; the grid's minimum is right to 1e-3 here."""
    circle = np.linspace(0, 2 * np.pi, 65)[:-1]
    for seed in range(4):
        K = np.random.default_rng(seed).standard_normal((k, k, g, g)) / (3 * k * g)
        K = with_identity(K)
        bound = hermitian_part_bound(K, circle[:, None], circle).min()
        F = symbol(K, 1.0, 2.0)
        expected = np.linalg.eigvalsh((F + F.conj().T) / 2)[0]
        assert hermitian_part_bound(K, 1.0, 2.0) == pytest.approx(expected)
        assert bound > 0
        for N in (1, 2, 4, 7):
            assert extreme_singular_values(K, N)[1] >= bound - 1e-3


def test_the_bound_explains_the_kernels_that_do_well():
    circle = np.linspace(0, 2 * np.pi, 129)[:-1]
    calm = with_identity(0.08 * matlab_rand(3, 3, 2, 2, state=1))
    assert hermitian_part_bound(calm, circle[:, None], circle).min() == pytest.approx(
        0.682, abs=1e-3
    )
    wild = with_identity(matlab_rand(3, 3, 2, 2, state=1))
    assert hermitian_part_bound(wild, circle[:, None], circle).min() < -1


def test_without_zeros_and_winding_the_smallest_singular_value_may_still_be_0():
    """The converse is false: a corner pixel that no tap reads; and partial indices 1 and -1."""
    circle = np.linspace(0, 2 * np.pi, 257)[:-1]
    corner = np.zeros((5, 5, 1, 1))
    for tap, value in enumerate((1, -1, 0, 1, 1)):
        corner[tap, 4 - tap] = value
    apart = np.zeros((3, 3, 2, 2))
    apart[0, 1, 0, 0] = apart[2, 1, 1, 1] = 1
    for K in (corner, apart):
        F = symbol(K, circle[:, None], circle)
        assert np.linalg.svd(F, compute_uv=False)[..., -1].min() >= 0.99
        assert not np.any(winding_numbers(K))
        assert [extreme_singular_values(K, N)[1] for N in (5, 8, 12)] == pytest.approx(
            [0, 0, 0], abs=1e-12
        )
    assert np.abs(symbol(corner, circle[:, None], circle)).min() > 1.3


@pytest.mark.parametrize("state", [1, 4, 5, 8, 11])
def test_some_plain_random_kernels_of_one_channel_get_there(state):
    """With the power method's lagging vectors; exact ones stay where R_1 = 1 - sigma_min^2."""
    kappa = {}
    for update in ("power", "svd"):
        K = matlab_rand(3, 3, 1, 1, state=state)
        K = minimize_penalty(K, 10, 1.0, polyak_step, 300, update=update, diagnostics=False).kernel
        largest, smallest = extreme_singular_values(K, 10)
        kappa[update] = largest / smallest
    assert kappa["power"] < 1.05
    assert kappa["svd"] > 10


@pytest.mark.parametrize("function", [symbol, partial(plane_wave_bound, N=3), hermitian_part_bound])
@pytest.mark.parametrize(
    ("given", "kind", "match"),
    [
        ({"K": [[1, 2]]}, ValueError, "^K: wanted"),
        ({"theta_1": "a"}, TypeError, "^theta_1: wanted"),
        ({"theta_2": 1j}, TypeError, "^theta_2: wanted"),
    ],
)
def test_bad_arguments_are_named(function, given, kind, match):
    with pytest.raises(kind, match=match):
        function(**{"K": np.eye(3), "theta_1": 0.0, "theta_2": 0.0} | given)


def test_bad_arguments_of_the_others():
    with pytest.raises(ValueError, match=r"^N: wanted an integer of at least 1, got 0"):
        plane_wave_bound(np.eye(3), 0, 0.0, 0.0)
    with pytest.raises(
        ValueError,
        match=r"^K: wanted as many output as input channels, got the shape \(3, 3, 1, 2\)",
    ):
        winding_numbers(np.ones((3, 3, 1, 2)))
    with pytest.raises(
        ValueError,
        match=r"^K: wanted as many output as input channels, got the shape \(3, 3, 1, 2\)",
    ):
        hermitian_part_bound(np.ones((3, 3, 1, 2)), 0.0, 0.0)
    with pytest.raises(ValueError, match=r"^points: wanted an integer from 4 to 16384, got 3"):
        winding_numbers(np.eye(3), 3)


def test_the_constant_takes_the_spectral_norm_of_each_tap():
    """Channels [[1, 1], [0, 1]] one line and two columns off: 2 sin(pi / 8) (1 + 2) 1.618."""
    K = np.zeros((5, 5, 2, 2))
    K[1, 4] = [[1, 1], [0, 1]]
    golden = (1 + 5**0.5) / 2
    assert plane_wave_bound(K, 3, 0.0, 0.0) == pytest.approx(
        1 / golden + 2 * np.sin(np.pi / 8) * 3 * golden
    )


@given(small(), angles, angles)
def test_the_plane_wave_bound_by_hand(case, theta_1, theta_2):
    """sigma_min(F) and the sum of the distances times the norms of the taps, one by one."""
    K, N = case.K, case.N
    k, m = len(K), (len(K) + 1) // 2
    total = 0.0
    for p in range(1, k + 1):
        for q in range(1, k + 1):
            total += (abs(p - m) + abs(q - m)) * np.linalg.svd(K[p - 1, q - 1], compute_uv=False)[0]
    smallest = np.linalg.svd(literal_symbol(K, theta_1, theta_2), compute_uv=False)[-1]
    expected = smallest + 2 * np.sin(np.pi / (2 * (N + 1))) * total
    found = plane_wave_bound(K, N, theta_1, theta_2)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-12 * (1 + np.abs(K).sum()))


def test_winding_numbers_are_256_unless_told():
    assert [turns.shape for turns in winding_numbers(np.eye(3))] == [(256,), (256,)]
    assert [turns.shape for turns in winding_numbers(np.eye(3), 5)] == [(5,), (5,)]


@given(small(), st.floats(0, 3))
def test_all_but_few_singular_values_are_those_on_a_torus(case, x):
    """Above any x: M has no more than the torus, and at most 2 r less; also for even k."""
    K, N = case.K[:, :, : min(case.K.shape[2:]), : min(case.K.shape[2:])], case.N
    L = N + len(K) // 2
    angles = 2 * np.pi * np.arange(L) / L
    torus = np.linalg.svd(symbol(K, angles[:, np.newaxis], angles), compute_uv=False)
    dense = np.linalg.svd(reference_matrix(K, N), compute_uv=False)
    r = K.shape[2] * (L**2 - N**2)
    x = 1e-9 + x * np.abs(K).sum() / 3
    more = np.sum(torus > x - 1e-9) - np.sum(dense > x)
    assert more >= 0
    assert np.sum(torus > x + 1e-9) - np.sum(dense > x) <= 2 * r


def line_matrix(a, n):
    """The n x n Toeplitz matrix of the odd number of taps a, the middle one on the diagonal."""
    reach = len(a) // 2
    return sum(value * np.eye(n, k=t - reach) for t, value in enumerate(a))


@pytest.mark.parametrize(
    ("a", "winding"), [((0.3, 1, 2), 1), ((2, 1, 0.3), -1), ((0.5, 0, 1, 1, 4), 2)]
)
def test_where_one_factor_winds_the_smallest_singular_value_falls_exponentially(a, winding):
    """K = W (x) a (x) b: by hand the product of three; at least by 2.5 for every 3 lines more."""
    b = np.zeros(len(a))
    b[len(a) // 2 - 1 : len(a) // 2 + 2] = 0.4, 1, -0.3
    W = np.array([[2.0, 1.0], [0.5, 3.0]])
    K = np.einsum("p,q,gh->pqgh", a, b, W)
    assert (winding_numbers(K, 64)[0] == 2 * winding).all()
    found = []
    for N in (6, 9, 12):
        factors = [np.linalg.svd(x, compute_uv=False)[-1] for x in (W, line_matrix(a, N))]
        factors.append(np.linalg.svd(line_matrix(b, N), compute_uv=False)[-1])
        dense = np.linalg.svd(reference_matrix(K, N), compute_uv=False)
        assert dense[-1] == pytest.approx(np.prod(factors), abs=1e-12)
        found.append(np.prod(factors))
    assert found[0] > 2.5 * found[1] > 2.5**2 * found[2] > 0


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1))
def test_one_channel_without_zeros_and_winding_shrinks_to_its_centre(seed, r_1, r_2):
    """Taps times r_1^|a| r_2^|b| stay in the class; also far from a positive Hermitian part."""
    K = np.random.default_rng(seed).standard_normal((3, 3))
    K[1, 1] *= 2
    if symbol_class(K).name != "trivial":
        return
    down, across = np.array([r_1, 1, r_1]), np.array([r_2, 1, r_2])
    assert symbol_class(down[:, np.newaxis] * across * K).name == "trivial"
    assert K[1, 1] != 0


def test_there_are_such_kernels_without_a_positive_hermitian_part():
    circle = np.linspace(0, 2 * np.pi, 129)[:-1]
    found = []
    for seed in range(200):
        K = np.random.default_rng(seed).standard_normal((3, 3))
        K[1, 1] *= 2
        K *= np.sign(K[1, 1])
        if symbol_class(K).name == "trivial":
            found.append(hermitian_part_bound(K, circle[:, np.newaxis], circle).min())
    assert len(found) > 10
    assert min(found) < 0 < max(found)


def test_two_channels_without_zeros_and_winding_may_be_singular_for_every_size():
    """min sigma_min(F) = 0.685; the corner pixel is read by the singular centre tap alone."""
    taps = [[[-1, 2], [-2, 0]], [[-1, 0], [0, 0]], [[1, 2], [0, -1]]]
    K = np.zeros((3, 3, 2, 2))
    for t, tap in enumerate(taps):
        K[t, 2 - t] = tap
    circle = np.linspace(0, 2 * np.pi, 721)
    sigma = np.linalg.svd(symbol(K, circle[:, np.newaxis], circle), compute_uv=False)[..., -1]
    assert sigma.min() == pytest.approx(0.685, abs=1e-3)
    assert symbol_class(K) == ("trivial", (0, 0), 0, True)
    smallest = [np.linalg.svd(reference_matrix(K, N), compute_uv=False)[-1] for N in (1, 2, 5, 8)]
    assert smallest == pytest.approx([0] * 4, abs=1e-12)
