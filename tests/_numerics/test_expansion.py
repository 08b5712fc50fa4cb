"""The theorems on a symbol near a point: their constants by hand, their words by samples."""

import numpy as np
import pytest

from convreg._numerics.expansion import Expansion, SquareSymbol
from convreg._numerics.zeros import Search, turns_around
from convreg.winding import zeros

CASES = [(g, k1, k2) for g in (1, 2, 3, 4) for k1, k2 in ((3, 3), (2, 4), (1, 3))]


def kernel(g, k1=3, k2=3, seed=0):
    return np.random.default_rng(seed).standard_normal((k1, k2, g, g))


def in_disc(rng, count, radius):
    """Random points of a disc, some on its edge."""
    angle = rng.uniform(0, 2 * np.pi, count)
    length = radius * np.minimum(1, np.sqrt(rng.uniform(0, 1.3, count)))
    return length[:, np.newaxis] * np.array([np.cos(angle), np.sin(angle)]).T


def schur(symbol, c, d):
    """f(d) of the module: the Schur complement of F(c + d) in the bases of F(c)."""
    U, _, Vh = np.linalg.svd(symbol.at(c[np.newaxis])[0])
    blocks = U.conj().T @ symbol.at(c + d) @ Vh.conj().T
    if symbol.g == 1:
        return blocks[:, 0, 0]
    inverse = np.linalg.inv(blocks[:, :-1, :-1])
    return blocks[:, -1, -1] - (blocks[:, -1:, :-1] @ inverse @ blocks[:, :-1, -1:])[:, 0, 0]


@pytest.mark.parametrize(("g", "k1", "k2"), CASES)
def test_values_and_slopes_by_hand(g, k1, k2):
    K = kernel(g, k1, k2)
    symbol = SquareSymbol(K)
    theta = np.array([[0.3, 1.7], [2.0, -1.0]])
    F = symbol.at(theta)
    for j, (one, other) in enumerate(theta):
        expected = sum(
            K[p, q].T * np.exp(1j * ((p - (k1 - 1) // 2) * one + (q - (k2 - 1) // 2) * other))
            for p in range(k1)
            for q in range(k2)
        )
        assert F[j] == pytest.approx(expected)
    near = symbol.expansion(theta)
    assert near.sigma == pytest.approx(np.linalg.svd(F, compute_uv=False)[:, -1])
    assert near.stretch == pytest.approx(np.linalg.svd(near.slope, compute_uv=False))
    h = 1e-6
    for j, c in enumerate(theta):
        for axis in (0, 1):
            ends = np.zeros((2, 2))
            ends[:, axis] = h, -h
            ahead, behind = schur(symbol, c, ends)
            change = (ahead - behind) / (2 * h)
            assert near.slope[j, :, axis] == pytest.approx([change.real, change.imag], abs=1e-6)


@pytest.mark.parametrize(("g", "k1", "k2"), CASES)
def test_the_constants_of_a_symbol_by_hand(g, k1, k2):
    K = kernel(g, k1, k2)
    symbol = SquareSymbol(K)
    along, first, second, total = np.zeros(2), 0.0, 0.0, 0.0
    for p in range(k1):
        for q in range(k2):
            offset = np.array([p - (k1 - 1) // 2, q - (k2 - 1) // 2])
            norm = np.linalg.svd(K[p, q], compute_uv=False)[0]
            along += abs(offset) * norm
            first += np.hypot(*offset) * norm
            second += offset @ offset * norm
            total += np.sum(K[p, q] ** 2) ** 0.5
    assert symbol.along == pytest.approx(along)
    assert (symbol.first, symbol.second) == pytest.approx((first, second))
    rounding = 2.0**-50 * (k1 * k2 + 4 * g) * total
    assert symbol.rounding == pytest.approx(rounding, rel=1e-12, abs=0)


@pytest.mark.parametrize(("g", "k1", "k2"), CASES)
def test_what_is_left_of_the_expansion_is_as_steep_as_is_said(g, k1, k2):
    symbol = SquareSymbol(kernel(g, k1, k2, seed=g))
    rng = np.random.default_rng(1)
    for c in rng.uniform(0, 6, (20, 2)):
        near = symbol.expansion(c[np.newaxis])
        for r in (0.2, 0.03, 0.003):
            bound = symbol.remainder(near, np.array([r]))[0]
            if np.isinf(bound):
                continue
            d, e = in_disc(rng, 50, r), in_disc(rng, 50, r)
            rest = [
                schur(symbol, c, x) - near.sigma - x @ (near.slope[0].T @ [1, 1j]) for x in (d, e)
            ]
            distance = np.linalg.norm(d - e, axis=1)
            assert np.all(abs(rest[0] - rest[1]) <= bound * distance + 1e-12)


@pytest.mark.parametrize("g", [1, 2, 3])
def test_the_steepness_of_what_is_left_by_hand(g):
    """lambda(r), from differences of the symbol in the bases of its decomposition."""
    K = kernel(g, 3, 5, seed=g)
    symbol = SquareSymbol(K)
    c, h = np.array([0.4, 2.2]), 1e-6
    U, S, Vh = np.linalg.svd(symbol.at(c[np.newaxis])[0])
    row, column = 0.0, 0.0
    for axis in np.eye(2):
        F_j = (symbol.at((c + h * axis)[np.newaxis]) - symbol.at((c - h * axis)[np.newaxis]))[0]
        blocks = U.conj().T @ F_j @ Vh.conj().T / (2 * h)
        row += np.linalg.norm(blocks[-1, :-1]) ** 2
        column += np.linalg.norm(blocks[:-1, -1]) ** 2
    taps = [(np.hypot(p - 1, q - 2), K[p, q]) for p in range(3) for q in range(5)]
    norms = [(length, np.linalg.svd(tap, compute_uv=False)[0]) for length, tap in taps]
    first = sum(length * norm for length, norm in norms)
    second = sum(length**2 * norm for length, norm in norms)
    for r in (0.3 / first * S[-2:][0], 0.01 / first * S[-2:][0]):
        expected = r * second
        if g > 1:
            gap = S[-2] - r * first
            sides = (row**0.5 + r * second) * (column**0.5 + r * second)
            expected += r * sides / gap * (2 + r * first / gap)
        near = symbol.expansion(c[np.newaxis])
        assert symbol.remainder(near, np.array([r]))[0] == pytest.approx(expected, rel=1e-6)
        if g > 1:
            assert np.isinf(symbol.remainder(near, np.array([1.01 * S[-2] / first]))[0])


def test_the_bound_is_near_to_what_it_bounds():
    """One channel, 2 - 2 cos(theta_1): the remainder is d^2, its steepness 2 r, the bound's too."""
    symbol = SquareSymbol(np.array([-1.0, 2.0, -1.0]).reshape(3, 1, 1, 1))
    near = symbol.expansion(np.zeros((1, 2)))
    assert symbol.remainder(near, np.array([0.01]))[0] == pytest.approx(0.02)


def one_channel(slope, sigma):
    """An expansion with a slope A = (slope, 0; 0, slope)."""
    nothing, stretch = np.zeros(1), np.full((1, 2), slope)
    A = slope * np.eye(2)[np.newaxis]
    return Expansion(np.array([sigma]), np.array([np.inf]), A, stretch, nothing, nothing)


def test_the_reach_by_hand():
    """4 s / r + r m < 1 with m = 0.9: for s = 0.06 at r = 1/2 (0.93), and not at r = 1 (1.14)."""
    symbol = SquareSymbol(np.array([0.0, 1.0, 0.9]).reshape(3, 1, 1, 1))
    assert symbol.reach(one_channel(1.0, 0.06)) == pytest.approx(0.5)
    assert symbol.reach(one_channel(1.0, 0.07)) == 0
    assert symbol.reach(one_channel(2.0, 0.06)) == pytest.approx(1.0)


def test_the_step_by_hand():
    """Of the length s over the slope, however small both are; none where A is nearly singular."""
    for scale in (1.0, 1e-4, 1e4):
        near = one_channel(scale, 0.1 * scale)
        assert near.step() == pytest.approx(np.array([[-0.1, 0.0]]))
        slope, stretch = scale * np.diag([1.0, 1e-7])[np.newaxis], scale * np.array([[1.0, 1e-7]])
        assert np.all(np.isinf(near._replace(slope=slope, stretch=stretch).step()))


def test_an_empty_disc_by_hand():
    """One tap, and s as small as the rounding, which counts 1 + r times."""
    symbol = SquareSymbol(np.full((1, 1, 1, 1), 3.0))
    for r in (0.1, 0.5, 2.0):
        for factor, empty in ((0.99, False), (1.01, True)):
            near = one_channel(0.0, factor * (1 + r) * symbol.rounding)
            assert symbol.empty(near, r).tolist() == [empty]


@pytest.mark.parametrize("g", [1, 2, 3])
def test_squares_and_discs_that_are_empty_have_no_zero(g):
    """Of each, the least singular value at many points is positive; and there are such."""
    symbol = SquareSymbol(kernel(g, seed=3))
    rng = np.random.default_rng(2)
    centres = rng.uniform(0, 2 * np.pi, (300, 2))
    search = Search(symbol, 10**6)
    search.run()
    more = 0
    for r in (0.15, 0.05, 0.015, 0.005):
        empty = symbol.empty(symbol.expansion(centres), r)
        square = symbol.sigma_min(centres) > sum(symbol.along) * r  # of the side 2 r
        more += np.sum(empty & ~square)
        apart = (centres[:, np.newaxis] - search.theta + np.pi) % (2 * np.pi) - np.pi
        assert np.all(np.hypot(*np.moveaxis(apart[empty], -1, 0)) > r)
        assert np.all(abs(apart[square]).max(axis=-1) > r)
    assert more > 0


@pytest.mark.parametrize("g", [1, 2])
@pytest.mark.parametrize("tilt", [0, 1e-15, 1e-9, 1e-5])
def test_nothing_is_empty_for_a_singular_slope_alone(g, tilt):
    """theta_1 = theta_2, the two exchangeable: both columns of A are equal there, or nearly."""
    K = kernel(g, seed=3)
    symbol = SquareSymbol(K + K.swapaxes(0, 1))
    search = Search(symbol, 10**6)
    search.run()
    assert len(search.theta) > 0
    line = np.linspace(0, 2 * np.pi, 500)
    centres = np.stack([line, line + tilt], axis=-1)
    near = symbol.expansion(centres)
    apart = (centres[:, np.newaxis] - search.theta + np.pi) % (2 * np.pi) - np.pi
    distances = np.hypot(*np.moveaxis(apart, -1, 0)).min(axis=1)
    for r in (2.0, 1.0, 0.3, 0.1, 0.03):
        assert np.all(distances[symbol.empty(near, r)] > r)


@pytest.mark.parametrize("g", [1, 2, 4])
def test_in_reach_of_a_zero_there_is_one_alone(g):
    """The Schur complement is injective there; the zero is within a quarter of the reach."""
    symbol = SquareSymbol(kernel(g, seed=3))
    search = Search(symbol, 10**6)
    search.run()
    rng = np.random.default_rng(4)
    for scale in (1e-6, 1e-3, 0.03, 0.3, 3.0):
        off = search.theta + in_disc(rng, len(search.theta), scale)
        reach = symbol.reach(symbol.expansion(off))
        assert np.any(reach > 0) or scale > 1e-3
        for start, r in zip(off[reach > 0], reach[reach > 0], strict=True):
            apart = (search.theta - start + np.pi) % (2 * np.pi) - np.pi
            distances = np.hypot(*apart.T)
            assert np.sum(distances <= r) == 1
            assert distances.min() <= r / 4
            d, e = in_disc(rng, 200, r), in_disc(rng, 200, r)
            gap = abs(schur(symbol, start, d) - schur(symbol, start, e))
            assert np.all(gap > 0)


@pytest.mark.parametrize(("g", "axis"), [(1, 0), (2, 1), (5, 0), (9, 1)])
def test_turns_are_those_of_a_phase_that_is_followed_closely(g, axis):
    """A shift and a little more, which turns by g; the other angle is fixed anywhere."""
    K = 0.1 * kernel(g, seed=5) / g
    K[(0, 1)[axis], (1, 0)[axis]] += np.linalg.qr(kernel(g)[0, 0])[0]
    symbol = SquareSymbol(K)
    assert turns_around(symbol, axis, 0.7, 10**6) == -g
    assert turns_around(symbol, 1 - axis, 0.7, 10**6) == 0
    points = np.full((4000, 2), 0.7)
    points[:, axis] = 2 * np.pi * np.arange(4000) / 4000
    phases, _ = np.linalg.slogdet(symbol.at(points))
    angles = np.angle(np.roll(phases, -1) * phases.conj())
    assert angles.sum() / (2 * np.pi) == pytest.approx(-g)


def test_a_circle_through_a_zero_or_beyond_the_budget_is_undecided():
    K = np.array([[0.0, 0, 0], [0, 1, 0], [0, 1, 0]]).reshape(3, 3, 1, 1)  # 1 + e^(i theta_1)
    symbol = SquareSymbol(K)
    assert turns_around(symbol, 0, 0.0, 10**6) is None
    assert turns_around(symbol, 1, 0.0, 10**6) == 0
    assert turns_around(symbol, 1, 0.0, 1) is None


@pytest.mark.parametrize("g", [1, 2])
def test_without_newtons_method_the_squares_always_cover_the_zeros(monkeypatch, g):
    """All zeros of a kernel, and one planted next to a corner of squares of nearly every size."""
    random = kernel(g, seed=3)
    known = zeros(random).theta
    monkeypatch.setattr(Search, "_newton", lambda self, theta: None)
    places = np.pi * np.array([0.5, 0.25]) + 1e-3
    K = kernel(g, seed=8)
    K[:, :, 0, 1:] = 0
    K[1, 1, 0, 0] = K[1, 2, 0, 0] = 0
    value = SquareSymbol(K[:, :, :1, :1]).at(places[np.newaxis])[0, 0, 0]
    K[1, 2, 0, 0] = -value.imag / np.sin(places[1])
    K[1, 1, 0, 0] = -value.real - K[1, 2, 0, 0] * np.cos(places[1])
    for taps, theta in ((K, places[np.newaxis]), (random, known[known[:, 0] < np.pi])):
        symbol = SquareSymbol(taps)
        assert len(theta)
        search = Search(symbol, 10**5)
        for _ in range(9):
            search._level()
            off = abs(theta[:, np.newaxis] - search.centres).max(axis=-1).min(axis=1)
            assert np.all(off <= search.side / 2 * (1 + 1e-9))


@pytest.mark.parametrize("budget", [3, 50, 500, 5000])
def test_no_more_points_are_looked_at_than_the_budget_allows(monkeypatch, budget):
    """Singular vectors count as four."""
    spent = []
    for name, price in (("sigma_min", 1), ("expansion", 4)):
        true = getattr(SquareSymbol, name)

        def counted(self, theta, true=true, price=price):
            spent.append(price * len(theta))
            return true(self, theta)

        monkeypatch.setattr(SquareSymbol, name, counted)
    search = Search(SquareSymbol(kernel(4, seed=3)), budget)
    search.run()
    assert 0 < sum(spent) <= budget
    assert search.budget == budget - sum(spent)


def test_one_tap_needs_one_look_at_two_squares_and_one_at_each_half_of_a_circle():
    """A point of a circle takes one look, and two more with vectors where the arc is sure."""
    symbol = SquareSymbol(np.full((1, 1, 1, 1), 3.0))
    search = Search(symbol, 100)
    search.run()
    assert (search.budget, search.side, len(search.centres)) == (98, np.pi / 2, 0)
    enough = Search(symbol, 2)
    enough.run()
    assert (enough.budget, len(enough.centres)) == (0, 0)
    assert turns_around(symbol, 0, 0.0, 18) == 0
    assert turns_around(symbol, 0, 0.0, 17) is None


def test_the_disc_of_a_square_goes_through_its_corners(monkeypatch):
    radii, true = [], SquareSymbol.empty

    def noted(self, near, r):
        radii.append(r)
        return true(self, near, r)

    monkeypatch.setattr(SquareSymbol, "empty", noted)
    Search(SquareSymbol(kernel(2, seed=3)), 10**6).run()
    assert len(radii) > 3
    assert radii == pytest.approx(np.pi / 2**0.5 / 2.0 ** np.arange(len(radii)))


def test_a_square_in_an_empty_disc_is_not_divided(monkeypatch):
    monkeypatch.setattr(SquareSymbol, "empty", lambda self, near, r: np.full(len(near.sigma), True))
    search = Search(SquareSymbol(kernel(2, seed=3)), 1000)
    search.run()
    assert len(search.centres) == 0
    assert search.side == np.pi / 2
