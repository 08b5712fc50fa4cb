"""Examples 1 and 2: the settings, the start kernels, the evidence, the line of nearly equal values, the summary."""

from types import SimpleNamespace

import numpy as np
import pytest

from convreg.examples import (
    EXAMPLE_1,
    EXAMPLE_2,
    Case,
    both_signs,
    gather,
    identity,
    kink_slopes,
    nearly_equal_line,
    run,
    start_kernel,
    summary,
    without_a_pixel,
)
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix


@pytest.fixture(scope="module")
def example_1():
    return gather(EXAMPLE_1, run(EXAMPLE_1))


@pytest.fixture(scope="module")
def example_2():
    return gather(EXAMPLE_2, run(EXAMPLE_2))


def test_the_settings_are_the_papers():
    assert EXAMPLE_1.cases() == [Case(3, 1, 1.0), Case(1, 3, 1.0), Case(3, 6, 1.0), Case(6, 3, 1.0)]
    assert EXAMPLE_2.cases() == [Case(3, 1, 0.1), Case(3, 1, 1.0), Case(3, 1, 5.0), Case(3, 1, 10.0)]
    assert EXAMPLE_1[2:] == EXAMPLE_2[2:] == (3, 15, 0.01, 20, 2, 1)


def test_a_start_kernel_fills_in_matlabs_order():
    assert np.array_equal(start_kernel(3, 2, 4, state=5).ravel(order="F"), matlab_rand(72, state=5))


def test_the_barrier_is_in_the_exact_values_only(example_2):
    for case, evidence in example_2.items():
        assert evidence.power.penalty.min() >= case.alpha * (1 - 1e-12)
        assert evidence.svd.estimate.min() >= case.alpha * (1 - 1e-12)
    lowest = [evidence.power.estimate.min() / case.alpha for case, evidence in example_2.items()]
    assert lowest[0] > 1 > max(lowest[1:])


def test_later_is_the_value_after_ten_times_as_many_steps(example_1):
    assert 0.1 < example_1[Case(1, 3, 1.0)].later < 0.16 < example_1[Case(1, 3, 1.0)].power.penalty[-1]


def test_nearly_equal_line_against_dense_matrices():
    line = nearly_equal_line(3, 4, state=2)
    assert len(line["s"]) == 40
    assert line["s"][[0, -1]].tolist() == [-0.1, 0.1]
    E = np.zeros((3, 3, 2, 2))
    E[:, :, 0, 0] = E[:, :, 1, 1] = matlab_rand(3, 3, state=2)
    E[1, 1, 0, 1] = E[1, 1, 1, 0] = 0.01
    alpha = np.linalg.norm(conv_matrix(E, 4).toarray(), 2) ** 2 / 10

    def spectrum(t):
        M = conv_matrix(E * np.array([[1 + t, 1], [1, 1 - t]]), 4).toarray()
        return np.linalg.svd(M.T @ M - alpha * np.eye(32), compute_uv=False)

    for i in (0, 7, 19, 39):
        t = line["s"][i]
        assert [line["first"][i], line["second"][i]] == pytest.approx(spectrum(t)[:2].tolist(), rel=1e-9)
        assert line["narrow"][i] == pytest.approx((spectrum(t + 1e-5)[0] - spectrum(t - 1e-5)[0]) / 2e-5, rel=1e-4)
        assert line["wide"][i] == pytest.approx((spectrum(t + 0.02)[0] - spectrum(t - 0.02)[0]) / 0.04, rel=1e-9)
    assert line["slope"] == pytest.approx(line["narrow"], rel=1e-4)


def test_summary_takes_the_lowest_estimate():
    lines = {"estimate": [9.0, 2.0, 3.0], "penalty": [9.0, 4.0, 5.0], "condition_number": [7.0, 6.0, 8.0]}
    history = {name: np.array(line) for name, line in lines.items()} | {"sigma_max": [1.0], "sigma_min": [1.0]}
    header, row = summary({"a case": SimpleNamespace(**history)}).splitlines()
    assert header.split() == [
        "case",
        "kappa:",
        "start",
        "end",
        "sigma_max",
        "sigma_min",
        "estimate",
        "R_alpha",
        "lowest,",
        "at",
    ]
    assert row.split() == ["a", "case", "7", "8", "1", "1", "3", "5", "2", "1"]


@pytest.mark.parametrize(("k", "g", "h"), [(3, 2, 3), (2, 2, 2), (4, 3, 2), (1, 1, 1)])
def test_the_identity_hands_channels_on(k, g, h):
    M = conv_matrix(identity(k, g, h), 4).toarray()
    assert np.array_equal(M, np.kron(np.eye(h, g), np.eye(16)))


@pytest.mark.parametrize("alpha", [1.0, 9.0])
@pytest.mark.parametrize("shape", [(3, 3, 2, 3), (2, 2, 1, 1), (3, 3, 2, 2)])
def test_both_signs_of_u_and_v(shape, alpha):
    K = start_kernel(shape[0], *shape[2:]) * alpha**0.5
    kernels = both_signs(K, 4, alpha)
    assert kernels["u = v"] is K
    small = 0.3 * alpha**0.5 * K / np.linalg.norm(conv_matrix(K, 4).toarray(), 2)
    assert kernels["u = -v"] + small == pytest.approx(0.6 * alpha**0.5 * identity(*shape[1:]))
    for name, sign in (("u = v", 1), ("u = -v", -1)):
        M = conv_matrix(kernels[name], 4).toarray()
        values = np.linalg.eigvalsh(M.T @ M - alpha * np.eye(M.shape[1]))
        assert values[np.argmax(abs(values))] * sign > 0
        assert np.sort(abs(values))[-1] > 1.0001 * np.sort(abs(values))[-2]  # simple
    assert list(both_signs(start_kernel(3, 3, 2), 4, alpha)) == ["u = v"]


def test_the_pixel_that_is_dropped_has_the_largest_row():
    G = np.array([[1.0, 1.0], [-2.0, 0.5], [1.5, 1.2]])
    assert without_a_pixel(G).tolist() == [[1.0, 1.0], [0.0, 0.0], [1.5, 1.2]]
    assert G[1, 0] == -2


@pytest.mark.parametrize("state", [1, 5])
@pytest.mark.parametrize(("k", "N"), [(3, 6), (2, 4), (3, 3)])
def test_the_slopes_at_the_kink_are_those_of_the_penalty(k, N, state):
    twin, D = np.zeros((k, k, 2, 2)), np.random.default_rng(1).standard_normal((k, k, 2, 2))
    for channel in (0, 1):
        twin[:, :, channel, channel] = matlab_rand(k, k, state=state)
    M = conv_matrix(twin, N).toarray()
    alpha = np.linalg.norm(M, 2) ** 2 / 10
    (name, up, first, scale), (other, down, second, also) = kink_slopes(k, N, state)
    assert (name, other, scale) == ("D", "-D", also)
    assert scale == pytest.approx(up + down)
    assert up + down > 0.1
    for sign, slope, difference in ((1, up, first), (-1, down, second)):
        rises = []
        for t in (0.0, 1e-6):
            moved = conv_matrix(twin + sign * t * D, N).toarray()
            rises.append(np.linalg.norm(moved.T @ moved - alpha * np.eye(2 * N**2), 2))
        assert difference == pytest.approx((rises[1] - rises[0]) / 1e-6, abs=1e-5 * scale)
        assert abs(slope - difference) < 1e-3 * scale
