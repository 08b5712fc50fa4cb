"""Section 2.1: trigonometric polynomials, and their bound on a grid against all eigenvalues."""

import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from convreg._numerics import trigonometric
from convreg._numerics.trigonometric import (
    BOXES,
    Circle,
    GramPolynomial,
    transform,
)

EPS = sys.float_info.epsilon
PHASES = (0.0, np.pi)
phases = st.sampled_from(PHASES)
angles = st.floats(-10, 10)


def literal_symbol(blocks, theta_1, theta_2):
    total = 0
    for t1, t2 in np.ndindex(blocks.shape[:2]):
        total = total + blocks[t1, t2] * np.exp(1j * (t1 * theta_1 + t2 * theta_2))
    return total


@st.composite
def blocks_of(draw, max_taps=4, max_channels=3):
    shape = [draw(st.integers(1, max_taps)) for _ in range(2)]
    shape += [draw(st.integers(1, max_channels)) for _ in range(2)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        return rng.integers(-2, 3, shape).astype(float)
    return rng.standard_normal(shape)


@st.composite
def grids(draw):
    """A polynomial, two circles, few frequencies and many, and a guess of the bound."""
    polynomial = GramPolynomial(draw(blocks_of()))
    sides = [draw(st.integers(1, 20)), draw(st.integers(1, 20))]
    circles = tuple(Circle(L, draw(phases)) for L in sides)
    factor = draw(st.sampled_from((0.0, 0.3, 0.9, 1 - 1e-3, 1 - 1e-9, 1 - 4 * EPS, 1.0, 1.2, 3.0)))
    return polynomial, circles, factor


def largest_on(polynomial, circles):
    """lambda_max(G) at every frequency, by all eigenvalues."""
    theta_1, theta_2 = np.meshgrid(*(circle.angles() for circle in circles), indexing="ij")
    return np.linalg.eigvalsh(polynomial.at(theta_1, theta_2))[..., -1]


def forced(monkeypatch, box):
    monkeypatch.setattr(GramPolynomial, "_best_box", lambda *_: box)


@pytest.fixture
def checked(monkeypatch):
    """How many matrices were factorised in each check."""
    counts = []
    original = GramPolynomial._above

    def counted(self, points, limit):
        counts.append(len(points[0]))
        return original(self, points, limit)

    monkeypatch.setattr(GramPolynomial, "_above", counted)
    return counts


@given(blocks_of(), angles, angles)
def test_the_transform_is_the_sum(blocks, theta_1, theta_2):
    rows, columns = (np.arange(length) for length in blocks.shape[:2])
    expected = literal_symbol(blocks, theta_1, theta_2)
    found = transform(blocks, rows, columns, theta_1, theta_2)
    assert np.abs(found - expected).max() <= 1e-13 * (1 + np.abs(blocks).sum())


@given(blocks_of(), angles, angles)
def test_the_gram_polynomial_is_the_square_of_the_symbol(blocks, theta_1, theta_2):
    B = literal_symbol(blocks, theta_1, theta_2)
    G = GramPolynomial(blocks)
    assert G.at(theta_1, theta_2) == pytest.approx(B @ B.conj().T, abs=1e-12 * (1 + G.norm**2))
    assert G.degrees == (len(blocks) - 1, blocks.shape[1] - 1)
    assert np.linalg.norm(B, 2) <= G.norm * (1 + 1e-14)


def test_angles_are_broadcast():
    G = GramPolynomial(np.random.default_rng(0).standard_normal((2, 3, 2, 4)))
    found = G.at(np.array([[0.1], [0.2]]), np.array([0.3, 0.4, 0.5]))
    assert found.shape == (2, 3, 2, 2)
    assert found[1, 2] == pytest.approx(G.at(0.2, 0.5))


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("L", range(1, 10))
def test_the_frequencies_of_a_circle(L, phase):
    """e^{i L theta} = e^{i phase}, L of them; the half and its negatives are all."""
    circle = Circle(L, phase)
    found = circle.angles()
    assert np.exp(1j * L * found) == pytest.approx(np.full(L, np.exp(1j * phase)))
    assert len(np.unique(np.exp(1j * found).round(9))) == L
    half = circle.half()
    assert half.min() >= 0
    assert half.max() <= np.pi * (1 + 1e-12)
    waves = np.exp(1j * np.r_[half, -half]).round(9) + 0.0
    assert len(np.unique(waves)) == L


@given(st.integers(1, 30), phases, angles)
def test_the_neighbours_of_an_angle(L, phase, angle):
    before, behind = Circle(L, phase).neighbours(angle)
    assert before <= angle + 1e-12
    assert angle <= behind + 1e-12
    assert behind - before == pytest.approx(2 * np.pi / L)
    for theta in (before, behind):
        assert np.exp(1j * L * theta) == pytest.approx(np.exp(1j * phase))


def polynomial_of(*shape, seed=0):
    return GramPolynomial(np.random.default_rng(seed).standard_normal(shape))


@example((GramPolynomial(np.ones((1, 1, 1, 1))), (Circle(1), Circle(1)), 0.0))
@example((polynomial_of(4, 4, 2, 2), (Circle(1, np.pi), Circle(2, np.pi)), 0.9))
@given(grids())
def test_the_bound_on_a_grid_against_all_eigenvalues(grid):
    """Never below the largest; the guess, or the largest, but for rounding; for every box."""
    polynomial, circles, factor = grid
    values = largest_on(polynomial, circles)
    guess = factor * values.max()
    rounding = 5 * polynomial._uncertainty(max(guess, values.max()))
    bounds = []
    for box in [(1, 1), *(box for box in BOXES if polynomial._share(circles, box) > 0)]:
        with pytest.MonkeyPatch.context() as patch:
            forced(patch, box)
            bounds.append(polynomial.bound_on(circles, guess, values))
    bounds.append(polynomial.bound_on(circles, guess, values.ravel()))
    for bound in bounds:
        assert values.max() <= bound <= max(guess, values.max()) + rounding


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
def test_a_guess_within_rounding_of_the_truth(size):
    """A check at the bound that is returned would let it be below the largest eigenvalue."""
    circles = Circle(7), Circle(6)
    for seed in range(20):
        blocks = np.random.default_rng(seed).integers(-2, 3, (3, 3, size, size)).astype(float)
        polynomial = GramPolynomial(blocks)
        largest = largest_on(polynomial, circles).max()
        for steps in range(7):
            near = largest * (1 - steps * EPS)
            guess = near - 2 * polynomial._uncertainty(near)
            assert polynomial.bound_on(circles, guess, np.array([largest])) >= largest


def test_where_the_guess_is_true_no_eigenvalue_is_taken(monkeypatch):
    polynomial = polynomial_of(3, 3, 5, 6)
    circles = Circle(30), Circle(31, np.pi)
    values = largest_on(polynomial, circles)
    monkeypatch.setattr(np.linalg, "eigvalsh", None)
    polynomial.bound_on(circles, values.max(), values.ravel())


@pytest.mark.parametrize("size", [1, 3, 20])
def test_what_rounding_may_add_is_above_rump_s_bound(size):
    """(r + 1) eps trace(A), A <= bound I, beside the rounding of G; and not many times as much."""
    polynomial = polynomial_of(2, 2, size, size)
    least = (size + 1) * EPS * size * 7.0
    added = polynomial._uncertainty(7.0) - polynomial.rounding
    assert least <= added <= 10 * least + 1e-6 * polynomial.rounding


ONE_WAVE = [[[[1.0]], [[1.0]]]]  # |1 + e^{i theta}|^2 = 4 cos(theta / 2)^2: Bernstein's equality
ALONG = [
    (ONE_WAVE, (1, 1), 1),
    (ONE_WAVE, (1, 2), 1),
    (ONE_WAVE, (2, 4), 1),
    (ONE_WAVE, (8, 8), 1),
    (np.swapaxes(ONE_WAVE, 0, 1), (2, 1), 0),
    (np.swapaxes(ONE_WAVE, 0, 1), (4, 4), 0),
    (np.swapaxes(ONE_WAVE, 0, 1), (8, 8), 0),
]


@pytest.mark.parametrize(("blocks", "box", "axis"), ALONG)
def test_the_theorem_on_boxes_is_sharp(blocks, box, axis, monkeypatch, checked):
    """The peak midway between two boxes: at the first middle G is just U cos(a(b))^2 / cos(a(1))^2.

    A guess above the largest passes with the boxes alone, one below it does not.
    """
    L = 64
    polynomial = GramPolynomial(np.array(blocks))
    circles = [Circle(1), Circle(1)]
    circles[axis] = Circle(L, np.pi)
    circles = tuple(circles)
    largest = 4 * np.cos(np.pi / (2 * L)) ** 2
    assert largest_on(polynomial, circles).max() == pytest.approx(largest, rel=1e-14)
    forced(monkeypatch, box)
    above = polynomial.bound_on(circles, largest * (1 + 1e-9), np.zeros(1))
    assert above == pytest.approx(largest * (1 + 1e-9), rel=1e-12)
    points = L // 2 if axis == 1 else L
    assert checked == ([points // box[axis], 0] if box != (1, 1) else [points])
    below = polynomial.bound_on(circles, largest * (1 - 1e-9), np.zeros(1))
    assert below == pytest.approx(largest, rel=1e-12)
    assert below >= largest


def test_the_share_in_both_directions():
    """cos(a(b))^2 / cos(a(1))^2, a(b) = (n1 b1 / L1 + n2 b2 / L2) pi / 2; 0 from pi / 2 on."""
    polynomial = polynomial_of(3, 2, 1, 1)
    a = (2 * 4 / 24 + 1 * 8 / 40) * np.pi / 2
    a_1 = (2 / 24 + 1 / 40) * np.pi / 2
    share = polynomial._share((Circle(24), Circle(40)), (4, 8))
    assert share == pytest.approx(np.cos(a) ** 2 / np.cos(a_1) ** 2, rel=1e-14)
    assert polynomial._share((Circle(24), Circle(40)), (1, 1)) == 1
    assert polynomial._share((Circle(8), Circle(16)), (2, 8)) == 0  # a = pi / 2
    assert polynomial._share((Circle(8), Circle(17)), (2, 8)) > 0
    assert polynomial._share((Circle(2), Circle(40)), (1, 1)) == 0
    assert polynomial._share((Circle(2), Circle(40)), (8, 8)) == 0  # its cosine is not


def test_boxes_are_taken_where_most_pass(checked):
    polynomial = polynomial_of(3, 3, 2, 2)
    circles = Circle(60), Circle(60, np.pi)
    values = largest_on(polynomial, circles)
    bound = polynomial.bound_on(circles, values.max(), values.ravel())
    assert bound == pytest.approx(values.max(), rel=1e-10)
    assert sum(checked) < 60 * 30 / 2
    checked.clear()
    polynomial.bound_on(circles, values.max(), np.full(9, values.max()))
    assert checked == [60 * 30]


@pytest.mark.parametrize(
    ("length", "middles"), [(1, [0, 1, 2, 3, 4]), (2, [0.5, 2.5, 4]), (8, [2])]
)
def test_boxes_at_the_end_are_smaller(length, middles):
    assert trigonometric._middles(np.arange(5.0), length).tolist() == middles


@pytest.mark.parametrize("size", [3, 40])
@pytest.mark.parametrize("at_once", [1, 2**16])
def test_where_a_limit_is_passed(size, at_once, monkeypatch):
    """The indices are those of the eigenvalues, in small lots and in one, small matrices and large
    ones.
    """
    monkeypatch.setattr(trigonometric, "AT_ONCE", at_once)
    polynomial = polynomial_of(2, 2, size, size + 1)
    points = np.random.default_rng(1).uniform(0, 6, (2, 21))
    values = np.linalg.eigvalsh(polynomial.at(*points))[:, -1]
    order = np.sort(values)
    for limit in (0.9 * order[0], *(order[1:] + order[:-1])[::5] / 2, 1.1 * order[-1]):
        assert polynomial._above(points, limit) == [*np.flatnonzero(values > limit)]
    assert polynomial._above(points[:, :0], 1.0) == []


@pytest.mark.parametrize("size", [2, 33])
@pytest.mark.parametrize("bad", [[], [0], [6], [2, 3], list(range(7))])
def test_the_indefinite_ones_among_several(size, bad):
    matrices = np.array([np.eye(size, dtype=complex)] * 7)
    matrices[bad, -1, -1] = -1
    assert [*trigonometric._indefinite(matrices)] == bad


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17])
def test_batches_are_all(count):
    every = np.arange(count)
    polynomial = GramPolynomial(np.ones((1, 1, 2**7, 1)))
    found = [every[some] for some in polynomial.batches(count)]
    assert np.array_equal(np.concatenate([[], *found]), every)
    assert all(len(some) <= 16 for some in found)


def test_a_batch_of_a_wide_kernel_is_as_small():
    """Its waves take more room than its values, 2^14 coefficients to one."""
    polynomial = GramPolynomial(np.ones((2**6, 2**6, 1, 1)))
    assert max(some.stop - some.start for some in polynomial.batches(100)) <= 16


def test_of_zero_the_bound_is_zero():
    polynomial = GramPolynomial(np.zeros((2, 2, 2, 2)))
    assert polynomial.bound_on((Circle(5), Circle(5)), 0.0, np.zeros(1)) == 0.0


def test_the_largest_eigenvalue_between_the_points_of_a_box_is_seen():
    """A peak as narrow as its degree allows, at every place of the grid: Fejer's kernel."""
    taps = np.ones((1, 9, 1, 1))
    for L in (24, 25, 31):
        for phase in PHASES:
            polynomial = GramPolynomial(taps)
            circles = Circle(1), Circle(L, phase)
            largest = largest_on(polynomial, circles).max()
            for factor in (0.5, 0.99):
                bound = polynomial.bound_on(circles, factor * largest, np.zeros(1))
                assert largest <= bound <= largest * (1 + 1e-10)


@pytest.mark.parametrize("shape", [(1, 40, 1, 1), (3, 3, 2, 5), (2, 2, 6, 6)])
def test_the_rounding_of_a_value_is_below_its_bound(shape):
    """Integer blocks and multiples of pi / 2: what G is there is known exactly."""
    blocks = np.random.default_rng(0).integers(-9, 10, shape).astype(float)
    polynomial = GramPolynomial(blocks)
    powers = np.array([1, 1j, -1, -1j])
    for a, b in np.ndindex(4, 4):
        exact = 0
        for t1, t2 in np.ndindex(shape[:2]):
            exact = exact + powers[(a * t1 + b * t2) % 4] * blocks[t1, t2]
        error = np.linalg.norm(polynomial.at(a * np.pi / 2, b * np.pi / 2) - exact @ exact.conj().T)
        assert error <= polynomial.rounding
        assert polynomial.rounding <= 1e-11 * polynomial.norm**2
