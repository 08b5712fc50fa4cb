"""Section 2.1, [4, 12]: zeros of det F planted, counted and moved, and known classes."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convreg import matlab_rand
from convreg._numerics.zeros import Search
from convreg.examples import identity
from convreg.studies.symbol import hermitian_part_bound
from convreg.winding import symbol_class, winding_numbers, zeros

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=15, deadline=None, derandomize=True)


def literal_symbol(K, theta_1, theta_2):
    """F(theta) as the sum that it is, for angles of one shape; the centre tap at ceil(k/2)."""
    k1, k2, g, h = K.shape
    F = np.zeros((*np.shape(theta_1), h, g), complex)
    for p in range(k1):
        for q in range(k2):
            wave = np.exp(1j * ((p - (k1 - 1) // 2) * theta_1 + (q - (k2 - 1) // 2) * theta_2))
            F += wave[..., np.newaxis, np.newaxis] * K[p, q].T
    return F


def plaquettes(K, n):
    """How often det F goes around 0 along each of n x n squares, their lower corners first."""
    angles = 2 * np.pi * np.arange(n) / n
    D = np.linalg.det(literal_symbol(K, *np.meshgrid(angles, angles, indexing="ij")))
    down = np.angle(np.roll(D, -1, 0) * D.conj())
    across = np.angle(np.roll(D, -1, 1) * D.conj())
    around = down + np.roll(across, -1, 0) - np.roll(down, -1, 1) - across
    return np.rint(around / (2 * np.pi)).astype(int)


def random_kernel(seed, g, k=3, centre=0.0):
    K = np.random.default_rng(seed).standard_normal((k, k, g, g))
    K[(k - 1) // 2, (k - 1) // 2] += centre * np.eye(g)
    return K


def composed(first, second):
    """The kernel of one convolution after the other, with the symbol F2 F1."""
    k1, k2 = len(first), len(second)
    g, h = first.shape[2], second.shape[3]
    K = np.zeros((k1 + k2 - 1, k1 + k2 - 1, g, h))
    for p in range(k1):
        for q in range(k1):
            K[p : p + k2, q : q + k2] += first[p, q] @ second
    return K


def transposed(K):
    """The kernel of M', for odd k: flipped, with the channels exchanged."""
    return K[::-1, ::-1].swapaxes(2, 3)


def with_zero_at(theta, K, seed):
    """One channel is given a zero at theta, and mixed with the others."""
    g = K.shape[2]
    rng = np.random.default_rng(seed)
    K = K.copy()
    K[:, :, 0, 1:] = 0  # F is block triangular, with the symbol of channel 0 at its corner
    K[1, 1, 0, 0] = K[1, 2, 0, 0] = 0
    value = literal_symbol(K[:, :, :1, :1], *theta)[0, 0]
    K[1, 2, 0, 0] = -value.imag / np.sin(theta[1])
    K[1, 1, 0, 0] = -value.real - K[1, 2, 0, 0] * np.cos(theta[1])
    left, right = (np.linalg.qr(rng.standard_normal((g, g)))[0] for _ in range(2))
    return left @ K @ right


def apart(a, b):
    """The distance on the torus."""
    return np.hypot(*np.moveaxis((a - b + np.pi) % (2 * np.pi) - np.pi, -1, 0))


def in_pairs(found):
    """Every zero theta has its -theta, with the opposite index."""
    for theta, index in zip(found.theta, found.indices, strict=True):
        partner = np.argmin(apart(found.theta, -theta))
        assert apart(found.theta[partner], -theta) < 1e-9
        assert found.indices[partner] == -index


# zeros


@pytest.mark.parametrize(("g", "n"), [(1, 64), (2, 256)])
@pytest.mark.parametrize("centre", [0.0, 1.0])
def test_zeros_are_where_the_phase_turns_around_small_squares(g, n, centre):
    """All of them, each in its square or the next, with its index; 8 kernels, nothing undecided."""
    for state in range(1, 9):
        K = matlab_rand(3, 3, g, g, state=state) + centre * identity(3, g, g)
        found = zeros(K)
        turns = plaquettes(K, n)
        assert len(found.undecided) == 0
        assert np.abs(turns).sum() == len(found.indices) == np.abs(found.indices).sum()
        turned = np.argwhere(turns)
        for theta, index in zip(found.theta, found.indices, strict=True):
            distances = apart((turned + 0.5) * 2 * np.pi / n, theta)
            assert distances.min() <= 2 * np.pi / n  # a zero next to an edge may count beyond it
            assert turns[tuple(turned[distances.argmin()])] == index
        in_pairs(found)


def test_squares_of_a_coarse_grid_can_miscount_three_channels():
    """14 zeros, of which a grid of 128 or 256 makes 18; one of 1024 agrees."""
    K = matlab_rand(3, 3, 3, 3, state=7)
    found = zeros(K)
    assert len(found.indices) == 14
    assert not len(found.undecided)
    assert [np.abs(plaquettes(K, n)).sum() for n in (128, 256, 1024)] == [18, 18, 14]


@few
@given(seeds, st.integers(1, 3), st.sampled_from([2, 3, 4]))
def test_zeros_of_random_kernels(seed, g, k):
    """F is singular there, no more of them than Bernstein's theorem allows, the indices add up."""
    found = zeros(random_kernel(seed, g, k))
    F = literal_symbol(random_kernel(seed, g, k), *found.theta.T)
    assert np.all(np.linalg.svd(F, compute_uv=False)[..., -1] <= 1e-11)
    assert not len(found.undecided)
    assert len(found.indices) <= 2 * (g * (k - 1)) ** 2
    assert found.indices.sum() == 0
    assert np.all((found.theta >= 0) & (found.theta < 2 * np.pi))
    in_pairs(found)
    for j, theta in enumerate(found.theta):
        others = np.delete(found.theta, j, axis=0)
        assert np.all(apart(others, theta) > found.reach[j])


def test_one_channel_attains_8_zeros():
    assert len(zeros(matlab_rand(3, 3, 1, 1, state=1)).indices) == 8


@few
@given(seeds, st.integers(1, 4), st.floats(0.2, 2.9), st.floats(-2.9, 2.9))
def test_a_zero_that_is_planted_is_found(seed, g, one, other):
    """To 1e-10 if it is simple; and no certificate ever says that there is none."""
    assume(abs(np.sin(other)) > 0.1)
    theta = np.array([one, other])
    K = with_zero_at(theta, random_kernel(seed, g), seed)
    assert np.linalg.svd(literal_symbol(K, *theta), compute_uv=False)[-1] < 1e-12 * (
        1 + np.abs(K).sum()
    )
    found = zeros(K)
    near = apart(found.undecided, theta) <= found.side
    assert np.any(apart(found.theta, theta) < 1e-10) or np.any(near)
    assert symbol_class(K).name == "zeros"


@few
@given(seeds, st.integers(1, 4))
def test_however_small_the_budget_no_zero_is_denied(seed, g):
    K = with_zero_at((1.0, 2.0), random_kernel(seed, g, centre=3.0), seed)
    for budget in (1, 3, 30, 300):
        found = zeros(K, budget)
        covered = np.abs((found.undecided - [1, 2] + np.pi) % (2 * np.pi) - np.pi).max(axis=1)
        assert np.any(covered <= found.side / 2 + 1e-12) or np.any(
            apart(found.theta, np.array([1, 2])) < 1e-9
        )
        assert symbol_class(K, budget).name in ("zeros", "undecided")


@few
@given(seeds, st.integers(1, 2))
def test_zeros_of_a_product_are_those_of_both(seed, g):
    first, second = random_kernel(seed, g), random_kernel(seed + 1, g)
    one, other, both = zeros(first), zeros(second), zeros(composed(first, second))
    expected = np.concatenate([one.theta, other.theta])
    indices = np.concatenate([one.indices, other.indices])
    assert len(both.indices) == len(indices)
    for theta, index in zip(expected, indices, strict=True):
        j = np.argmin(apart(both.theta, theta))
        assert apart(both.theta[j], theta) < 1e-8
        assert both.indices[j] == index


@few
@given(seeds, st.integers(1, 3))
def test_the_transpose_has_the_same_zeros_with_the_other_indices(seed, g):
    K = random_kernel(seed, g)
    found, other = zeros(K), zeros(transposed(K))
    assert len(found.indices) == len(other.indices)
    for theta, index in zip(found.theta, found.indices, strict=True):
        j = np.argmin(apart(other.theta, theta))
        assert apart(other.theta[j], theta) < 1e-9
        assert other.indices[j] == -index


@few
@given(seeds, st.integers(1, 3), st.sampled_from([(0, 2), (1, 0), (2, 2)]))
def test_shifted_taps_have_the_same_zeros(seed, g, at):
    K = random_kernel(seed, g)
    wide = np.zeros((5, 5, g, g))
    wide[at[0] : at[0] + 3, at[1] : at[1] + 3] = K
    found, moved = zeros(K), zeros(wide)
    assert moved.theta == pytest.approx(found.theta, abs=1e-9)
    assert moved.indices.tolist() == found.indices.tolist()


@few
@given(seeds, st.integers(1, 3))
def test_a_small_change_moves_the_zeros_a_little(seed, g):
    """By no more than |change of F| / sigma_min(A), to first order; here with a factor of 2."""
    K = random_kernel(seed, g)
    change = random_kernel(seed + 1, g)
    change *= 1e-7 / np.abs(change).sum()
    found, moved = zeros(K), zeros(K + change)
    assert len(found.indices) == len(moved.indices)
    for theta, index in zip(found.theta, found.indices, strict=True):
        j = np.argmin(apart(moved.theta, theta))
        U, _, Vh = np.linalg.svd(literal_symbol(K, *theta))
        u, v = U[:, -1].conj(), Vh[-1].conj()
        steps = np.eye(2) * 1e-6
        ahead, behind = (literal_symbol(K, *(theta + sign * steps).T) for sign in (1, -1))
        a = np.einsum("h,nhg,g->n", u, ahead - behind, v) / 2e-6
        slope = np.linalg.svd(np.array([a.real, a.imag]), compute_uv=False)[-1]
        assert apart(moved.theta[j], theta) <= 2e-7 / slope
        assert moved.indices[j] == index


def test_zeros_do_not_depend_on_the_scale_nor_on_the_type():
    K = matlab_rand(3, 3, 2, 2, state=1)
    expected = zeros(K)
    for factor in (1e-200, 1e-8, 1e200):
        assert zeros(factor * K).theta == pytest.approx(expected.theta, abs=1e-10)
    single = zeros(K.astype(np.float32))
    assert single.theta == pytest.approx(expected.theta, abs=1e-4)
    assert single.theta.dtype == np.float64
    assert single.theta == pytest.approx(zeros(K.astype(np.float32).astype(float)).theta, abs=1e-12)


def test_what_is_undecided_shrinks_with_the_budget():
    K = matlab_rand(3, 3, 4, 4, state=1)
    found = [zeros(K, budget) for budget in (100, 30000, 300000)]
    areas = [len(each.undecided) * each.side**2 for each in found]
    assert areas[0] > areas[1] > areas[2]
    assert areas[0] <= (2 * np.pi) ** 2 * (1 + 1e-12)
    assert areas[2] == 0
    assert len(found[0].indices) <= len(found[1].indices) <= len(found[2].indices)


# classes


SHIFTS = [(p, q) for p in range(3) for q in range(3)]


@pytest.mark.parametrize("tap", SHIFTS)
@pytest.mark.parametrize("g", [1, 3, 5])
def test_the_class_of_a_shift_of_every_channel(tap, g):
    """det F = e^(i g t theta), also with a little of everything else."""
    K = 0.02 * random_kernel(1, g) / g
    K[tap] += np.linalg.qr(random_kernel(2, g)[0, 0])[0]
    winding = g * (tap[0] - 1), g * (tap[1] - 1)
    name = "trivial" if tap == (1, 1) else "winding"
    assert symbol_class(K) == (name, winding, 0, True)
    assert {(a, b) for a, b in zip(*winding_numbers(K, 64), strict=True)} == {winding}


@few
@given(seeds, st.integers(1, 2))
def test_winding_numbers_add_up_change_sign_and_follow_shifts(seed, g):
    """Of products, of the transpose; circles that are counted finely enough."""
    first, second = random_kernel(seed, g, centre=2.0), random_kernel(seed + 1, g, centre=2.0)
    ones, others = winding_numbers(first, 80), winding_numbers(second, 80)
    both = winding_numbers(composed(first, second), 80)
    back = winding_numbers(transposed(first), 80)
    wide = np.zeros((5, 5, g, g))
    wide[0:3, 2:5] = first
    moved = winding_numbers(wide, 80)
    for axis, shift in ((0, -1), (1, 1)):
        agree = both[axis] == ones[axis] + others[axis]
        assert np.mean(agree) > 0.9  # but for circles that pass close to a zero
        assert np.mean(back[axis] == -ones[axis]) > 0.9
        assert np.mean(moved[axis] == ones[axis] + g * shift) > 0.9


@few
@given(seeds, st.integers(1, 3), st.floats(1.5, 6))
def test_the_class_says_what_fine_grids_say(seed, g, centre):
    K = random_kernel(seed, g, centre=centre)
    found = symbol_class(K)
    assert found.complete
    if found.name == "zeros":
        assert found.zeros == len(zeros(K).indices) > 0
        assert found.winding is None
    else:
        assert not plaquettes(K, 200).any()
        assert {(a, b) for a, b in zip(*winding_numbers(K), strict=True)} == {found.winding}
        assert found.name == ("winding" if any(found.winding) else "trivial")


@few
@given(seeds, st.integers(1, 4))
def test_a_positive_hermitian_part_makes_it_trivial(seed, g):
    K = random_kernel(seed, g) / (4 * g)
    circle = 2 * np.pi * np.arange(48) / 48
    least = hermitian_part_bound(K, circle[:, np.newaxis], circle).min()
    K = K + (0.1 - least) * identity(3, g, g)
    assert hermitian_part_bound(K, circle[:, np.newaxis], circle).min() == pytest.approx(0.1)
    assert symbol_class(K) == ("trivial", (0, 0), 0, True)


def test_zeros_of_index_2_are_told_by_their_winding_numbers():
    """Two equal channels: no single zero is proved, but circles on both sides of one differ."""
    K = np.zeros((3, 3, 2, 2))
    K[1, 1], K[1, 2], K[2, 1] = np.eye(2), np.eye(2), np.eye(2)
    assert symbol_class(K) == ("zeros", None, 0, False)
    found = zeros(K)
    assert not len(found.indices)
    places = np.array([[2, 4], [4, 2]]) * np.pi / 3
    distances = np.array([apart(found.undecided, place) for place in places])
    assert np.all(distances.min(axis=0) < 1e-3)
    assert np.all(distances.min(axis=1) < 1e-3)


@pytest.mark.parametrize("sign", [1, -1])
def test_eight_circles_along_each_angle_are_between_zeros_that_are_so_near(sign):
    """Double ones, pi/8 on either side of theta_2 = 0, or of pi: one circle is between them.

    Two equal channels e^(i theta_1) + p + q e^(i theta_2), with q = p/3 or -p/3.
    """
    p = 1 / abs(1 + np.exp(1j * np.pi / 8) / 3)
    K = np.zeros((3, 3, 2, 2))
    K[2, 1], K[1, 1], K[1, 2] = np.eye(2), p * np.eye(2), sign * p / 3 * np.eye(2)
    turns, _ = winding_numbers(K, 512)
    on_both_sides = turns[[16, 48]] if sign > 0 else turns[[240, 208]]  # pi/16 and 3 pi/16 away
    assert on_both_sides.tolist() == [0, 2]
    assert symbol_class(K, 5000) == ("zeros", None, 0, False)


@pytest.mark.parametrize(
    "K",
    [
        np.zeros((3, 3)),
        [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],  # one zero, at 0, of index 0
        [[0, 0, 0], [-1, 0, 1], [0, 0, 0]],  # 2i sin(theta_2): whole circles
        np.ones((3, 3, 2, 2)),  # singular everywhere
    ],
)
def test_zeros_that_a_small_change_removes_are_undecided(K):
    assert symbol_class(K, 5000) == ("undecided", None, 0, False)
    assert len(zeros(K, 5000).undecided)


def test_kernels_of_other_shapes():
    """1 x 1: the matrix alone. 3 x 1: nothing depends on theta_2."""
    W = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert symbol_class(W[np.newaxis, np.newaxis]) == ("trivial", (0, 0), 0, True)
    assert symbol_class(np.ones((1, 1, 2, 2))).name == "undecided"
    column = np.array([[3.0], [1.0], [0.5]])
    assert symbol_class(column) == ("winding", (-1, 0), 0, True)
    assert symbol_class(column.T) == ("winding", (0, -1), 0, True)
    assert {turns[0] for turns in winding_numbers(column, 8)} == {-1, 0}


@pytest.mark.parametrize("g", [16, 64])
def test_layers_of_the_usual_size(g):
    """As PyTorch starts them: zeros. With twice an orthogonal matrix on the centre: trivial."""
    rng = np.random.default_rng(g)
    bound = 1 / np.sqrt(9 * g)
    K = rng.uniform(-bound, bound, (3, 3, g, g))
    Q = np.linalg.qr(rng.standard_normal((g, g)))[0]
    found = symbol_class(K)
    assert found.name == "zeros"
    assert found.zeros > 1
    assert not found.complete
    K[1, 1] += 2 * Q
    assert symbol_class(K) == ("trivial", (0, 0), 0, True)
    assert symbol_class(np.einsum("pq,gh->pqgh", np.eye(3)[[0, 1, 0]] * [[0], [1], [0]], Q)) == (
        "trivial",
        (0, 0),
        0,
        True,
    )


@pytest.mark.parametrize(("g", "expected"), [(1, 262144), (7, 262144), (8, 131072), (64, 2032)])
def test_the_budget_where_none_is_given(monkeypatch, g, expected):
    taken = []

    def noted(symbol, budget):
        taken.append(budget)
        return Search(symbol, 2)

    monkeypatch.setattr("convreg.winding.Search", noted)
    assert symbol_class(identity(3, g, g)).complete
    zeros(identity(3, g, g))
    assert taken == [expected] * 2


@pytest.mark.parametrize("function", [zeros, symbol_class])
def test_bad_arguments_are_named(function):
    with pytest.raises(ValueError, match=r"^K: wanted as many output as input channels"):
        function(np.ones((3, 3, 1, 2)))
    with pytest.raises(TypeError, match=r"^K: wanted an array of real numbers"):
        function("kernel")
    with pytest.raises(ValueError, match=r"^budget: wanted an integer of at least 1, got 0"):
        function(np.eye(3), 0)
    with pytest.raises(TypeError, match=r"^budget: wanted an integer of at least 1, got 2.5"):
        function(np.eye(3), 2.5)
