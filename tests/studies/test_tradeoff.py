"""The price for square layers: what is proved, on random kernels; the picture by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import jv
from strategies import cases, reference_matrix

from convreg import minimize_penalty
from convreg.learning_rates import clipped_polyak_step
from convreg.studies import tradeoff
from convreg.studies.alternatives import frobenius_penalty, self_convolution_penalty
from convreg.studies.barrier import off_centre_share
from convreg.studies.escape import start
from convreg.studies.polar import alternating_projection, exact_projection
from convreg.studies.tradeoff import (
    antisymmetric_kappa,
    antisymmetric_pair,
    best_kappas,
    channel_share,
    least_kappa,
    limit_rows,
    rotating_kappa,
    rotating_pair,
    tradeoff_rows,
    trail,
)
from convreg.symbol import symbol

shares = st.floats(0.01, 0.95)


def singular_values(K, N):
    return np.linalg.svd(reference_matrix(K, N), compute_uv=False)


def kappa(K, N):
    sigma = singular_values(K, N)
    return sigma[0] / sigma[-1]


def centre_added(K, size):
    centre = (len(K) + 1) // 2 - 1
    K = K.copy()
    K[centre, centre] += size * np.eye(*K.shape[2:])
    return K


@given(cases(max_k=5, max_channels=3, max_N=4), st.sampled_from([0.0, 2.0, 20.0]))
def test_no_kernel_has_a_smaller_condition_number(case, size):
    """h >= g with the share of any input channel; h <= g with that of any output channel."""
    K = centre_added(case.K, size)
    k, _, g, h = K.shape
    sigma = singular_values(K, k + case.N - 1)
    for least_channels, kernel in ((h >= g, K), (h <= g, K.swapaxes(2, 3))):
        if least_channels and kernel.any():
            bound = least_kappa(channel_share(kernel))
            assert sigma[0] >= bound * sigma[-1] * (1 - 1e-12)
            assert off_centre_share(kernel) <= channel_share(kernel) + 1e-12


def test_the_corners_of_the_proof():
    """Taps beside the centre alone: every corner loses half of what is off the centre."""
    K = np.zeros((3, 3, 1, 1))
    K[1, 1], K[[0, 2], 1], K[1, [0, 2]] = 2.0, 0.5, -0.7
    squares = np.sum(reference_matrix(K, 4) ** 2, axis=0).reshape(4, 4)
    assert squares.max() == pytest.approx(np.sum(K**2))
    corners = squares[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners == pytest.approx(np.full(4, squares.max() / least_kappa(channel_share(K)) ** 2))


def test_the_bound_needs_an_image_as_large_as_the_kernel():
    """For N = 2 the taps -0.3, 2, 0.3 make a multiple of a rotation."""
    K = np.zeros((3, 3, 1, 1))
    K[:, 1, 0, 0] = -0.3, 2.0, 0.3
    assert kappa(K, 2) < 1 + 1e-12 < least_kappa(channel_share(K))


def test_the_bound_needs_as_many_output_channels():
    """M = (I, shift / 10): the second channel is wholly off the centre."""
    K = np.zeros((3, 3, 2, 1))
    K[1, 1, 0], K[0, 1, 1] = 1, 0.1
    assert channel_share(K) == 1
    assert kappa(K, 4) < 1.01 < least_kappa(1.0)
    assert kappa(K, 4) >= least_kappa(channel_share(K.swapaxes(2, 3)))


def test_the_share_of_the_worst_channel_by_hand():
    K = np.zeros((3, 3, 3, 2))
    K[1, 1, :2] = [[0, 4], [1, 0]]
    K[0, 1, :2] = [[3, 0], [0, 0]]  # the third channel is zero
    assert channel_share(K) == pytest.approx(0.6)
    assert channel_share(np.zeros((3, 3))) == 0


@given(shares, st.integers(3, 9))
def test_the_antisymmetric_pair(s, N):
    K = antisymmetric_pair(s)[:, :, np.newaxis, np.newaxis]
    assert np.linalg.norm(K) == pytest.approx(1)
    assert channel_share(K) == pytest.approx(s)
    sigma = singular_values(K, N)
    assert sigma[-1] >= (1 - s**2) ** 0.5 * (1 - 1e-12)
    assert least_kappa(s) <= sigma[0] / sigma[-1] * (1 + 1e-12)
    assert sigma[0] / sigma[-1] <= antisymmetric_kappa(s) * (1 + 1e-12)


@pytest.mark.parametrize("s", [0.3, 0.9])
def test_its_bound_is_reached_as_N_grows(s):
    K = antisymmetric_pair(s)[:, :, np.newaxis, np.newaxis]
    gaps = [antisymmetric_kappa(s) - kappa(K, N) for N in (4, 8, 16)]
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2] > 0


@given(shares, st.floats(0, 6.3), st.floats(0, 6.3))
def test_the_rotating_pair_has_a_unitary_symbol(s, theta_1, theta_2):
    F = symbol(rotating_pair(s), theta_1, theta_2)
    assert np.abs(F.conj().T @ F - np.eye(2)).max() < 1e-14
    assert np.abs((F + F.conj().T) / 2 - (1 - s**2) ** 0.5 * np.eye(2)).max() < 1e-14


@given(shares, st.integers(3, 7))
def test_the_rotating_pair(s, N):
    K = rotating_pair(s)
    assert channel_share(K) == pytest.approx(s)
    assert off_centre_share(K) == pytest.approx(s)
    sigma = singular_values(K, N)
    assert sigma[0] <= 1 + 1e-12
    assert sigma[-1] >= (1 - s**2) ** 0.5 * (1 - 1e-12)
    assert least_kappa(s) <= sigma[0] / sigma[-1] * (1 + 1e-12)
    assert sigma[0] / sigma[-1] <= rotating_kappa(s) * (1 + 1e-9)


def test_no_random_kernel_of_one_channel_beats_the_pair():
    """Evidence, not a proof: antisymmetric kernels and others, scaled to the share, N = 8."""
    rng = np.random.default_rng(6)
    for attempt in range(300):
        K = rng.standard_normal((3, 3, 1, 1))
        if attempt % 2:
            K = K - K[::-1, ::-1]
        K[1, 1] = 0
        s = rng.uniform(0.2, 0.8)
        K *= s / np.linalg.norm(K)
        K[1, 1] = (1 - s**2) ** 0.5
        assert kappa(K, 8) > kappa(antisymmetric_pair(s)[:, :, np.newaxis, np.newaxis], 8)


STEPS = 6


def repeated(penalty):
    def kernels(K):
        found = []
        for _ in range(STEPS):
            value, G = penalty(K)
            K = K - min(value / np.sum(G**2), 0.5 / np.linalg.norm(G)) * G
            found.append(K)
        return found

    return kernels


def heard(form):
    def kernels(K):
        found = []
        minimize_penalty(
            K,
            4,
            1.0,
            clipped_polyak_step,
            STEPS,
            form=form,
            callback=lambda i, K, R: found.append(K),
        )
        return found

    return kernels


def projected(K):
    found = []
    alternating_projection(
        K, exact_projection(4), STEPS, callback=lambda i, kernel, P: found.append(kernel)
    )
    return found


TRAILS = {
    "R": heard("squares"),
    "values": heard("values"),
    "polar": projected,
    "Frobenius": repeated(lambda K: frobenius_penalty(K, 4)),
    "self-convolution": repeated(self_convolution_penalty),
}


def test_every_way_has_a_trail():
    assert list(TRAILS) == list(tradeoff.WAYS)


@pytest.mark.parametrize("name", TRAILS)
def test_a_trail_is_that_of_its_method(name, monkeypatch):
    monkeypatch.setattr(tradeoff, "STEPS", STEPS)
    K = start(2, 1.0, 4)
    kernels = [K, *TRAILS[name](K)]
    found = trail(tradeoff.WAYS[name], K, 4)
    assert found[0] == pytest.approx([off_centre_share(kernel) for kernel in kernels], rel=1e-9)
    assert found[1] == pytest.approx([kappa(kernel, 4) for kernel in kernels], rel=1e-6)


@pytest.mark.parametrize("name", ["polar", "Frobenius"])
def test_a_trail_ends_where_nearly_nothing_is_off_centre(name):
    found, _ = trail(tradeoff.WAYS[name], start(1, 9.0, 1), 4)
    assert found[-1] < 0.1 <= found[-2]
    assert len(found) < 100


def test_the_best_on_a_trail_by_hand():
    off, kappas = np.array([0.9, 0.5, 0.3, 0.4]), np.array([50.0, 3.0, 2.0, 1.5])
    least = best_kappas(off, kappas, [0.3, 0.4, 0.45, 0.9, 0.95])
    assert least[:4].tolist() == [1.5, 1.5, 3.0, 50.0]
    assert np.isnan(least[4])


def test_a_line_of_the_picture_is_a_median(monkeypatch):
    monkeypatch.setattr(tradeoff, "STATES", range(1, 4))
    monkeypatch.setattr(tradeoff, "STEPS", 5)
    table = tradeoff_rows(1, 2.0, "R")
    trails = [trail(tradeoff.WAYS["R"], start(1, 2.0, state), tradeoff.N) for state in (1, 2, 3)]
    middle = sorted(best_kappas(*one, [0.4])[0] for one in trails)[1]
    at = table["share"].tolist().index(0.4)
    assert table["kappa"][at] == float(f"{middle:.3e}")
    assert (table["start"], table["line"], table["g"]) == ("c = 2", "R", 1)
    assert table["share"][-1] < 0.9  # no start has so much off the centre


def test_five_taps_of_one_channel_do_better_than_three():
    """Bessel numbers on a line: the pair's kappa is the best of 3 x 3 kernels only."""
    taps = jv(np.arange(-2, 3), 0.9)
    K = np.zeros((5, 5, 1, 1))
    K[:, 2, 0, 0] = taps
    s = channel_share(K)
    assert s == pytest.approx(0.59, abs=0.01)
    assert least_kappa(s) < kappa(K, 40) < 1.14
    assert antisymmetric_kappa(s) > 1.42


@pytest.mark.parametrize(("g", "pair"), [(1, antisymmetric_pair), (2, rotating_pair)])
def test_the_limits_of_the_picture(g, pair):
    bound, constructed = limit_rows(g)
    assert bound["kappa"] == pytest.approx(least_kappa(bound["share"]), rel=1e-3)
    K = pair(0.5).reshape(3, 3, g, g)
    at = constructed["share"].tolist().index(0.5)
    assert constructed["kappa"][at] == pytest.approx(kappa(K, tradeoff.N), rel=1e-3)
    assert (constructed["kappa"] > bound["kappa"]).all()
