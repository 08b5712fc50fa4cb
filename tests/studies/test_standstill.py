"""Why descent stands still where sigma_min decides: the gradient there, and what a step does."""

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import cases, reference_adjoint, reference_matrix, relative_error

from convreg import minimize_penalty, penalty_gradient, polyak_step
from convreg.examples import identity, start_kernel
from convreg.studies.standstill import by_chance, growth, lower_end, reaches


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("shape", [(3, 3, 2, 2), (3, 3, 1, 2), (3, 3, 2, 1), (2, 2, 1, 1)])
def test_the_lower_end_of_a_dense_matrix(shape):
    K, N = kernel(*shape), 4
    found = lower_end(K, N)
    U, sigma, Vt = np.linalg.svd(reference_matrix(K, N), full_matrices=False)
    assert found.sigma == pytest.approx(sigma[-1], rel=1e-9)
    expected = reference_adjoint(np.outer(U[:, -1], Vt[-1]), K.shape, N)
    assert relative_error(found.direction, expected) < 1e-9
    assert found.reach == pytest.approx(np.linalg.norm(expected), rel=1e-9)
    assert found.crowd == np.sum(sigma <= 2 * sigma[-1])


@given(cases(max_k=4, max_channels=3, max_N=4, integers=False))
@settings(max_examples=50)
def test_the_gradient_of_the_smallest_singular_value_is_at_most_k(case):
    """k = 1: it is 1."""
    assert lower_end(case.K, case.N).reach <= len(case.K) * (1 + 1e-12)


def test_the_centre_tap_alone_reaches_1():
    """1 x 1 images see no other; at the identity w = v, and the centre tap of M*(w v') is 1."""
    assert lower_end(kernel(3, 3, 1, 1), 1).reach == pytest.approx(1)
    found = lower_end(identity(3), 5)
    assert found.direction[1, 1] == pytest.approx(1)
    assert found.crowd == 25


def test_zeros_crowd_with_zeros():
    assert lower_end(np.zeros((3, 3)), 2).crowd == 4


@pytest.mark.parametrize("shape", [(3, 3, 2, 2), (3, 3, 1, 2), (3, 3, 1, 1)])
def test_the_gradient_where_the_lower_end_decides(shape):
    """G = -2 sigma M*(w v'), and the step is no longer than 2 lambda k sigma."""
    K, N = 0.02 * kernel(*shape), 4
    end = lower_end(K, N)
    R, G = penalty_gradient(K, N)
    assert pytest.approx(1 - end.sigma**2, rel=1e-12) == R
    assert relative_error(G, -2 * end.sigma * end.direction) < 1e-7
    assert np.linalg.norm(0.1 * G) <= 2 * 0.1 * len(K) * end.sigma


@pytest.mark.parametrize("rate", [0.1, 0.02])
@pytest.mark.parametrize("state", [2, 3, 4])
def test_a_step_multiplies_sigma_min(rate, state):
    """To first order: the error is a small part of what is left of 1; the lower end decides."""
    result = minimize_penalty(start_kernel(3, 1, 1, state), 8, 1.0, polyak_step, 60)
    K, last = result.kernel, result.history[-1]
    assert last.penalty == pytest.approx(1 - last.sigma_min**2, rel=1e-12)
    expected, found = growth(K, 8, rate)
    assert expected == 1 + 2 * rate * lower_end(K, 8).reach ** 2
    assert found - 1 == pytest.approx(expected - 1, rel=0.05)


def test_how_far_the_start_kernels_reach():
    found = reaches([1, 4], 3, 2, 5)
    expected = [lower_end(start_kernel(3, 2, 2, state), 5).reach for state in (1, 4)]
    assert found == pytest.approx(expected, rel=1e-12)


def test_steps_in_random_directions_do_not_go_there():
    """From the same kernel, with the same rule; a gradient would be at 1.1 after 200 steps."""
    K = start_kernel(3, 1, 1)
    assert by_chance(K, 8, 60, seed=0) > 2
    same = [by_chance(K, 8, 10, seed) for seed in (1, 1, 2)]
    assert same[0] == same[1] != same[2]


def test_the_best_of_a_random_way_is_no_worse_than_its_start():
    K = identity(3) + 0.01 * kernel(3, 3, 1, 1)
    sigma = np.linalg.svd(reference_matrix(K, 4), compute_uv=False)
    assert by_chance(K, 4, 5, seed=0) <= sigma[0] / sigma[-1] * (1 + 1e-9)


def test_a_random_direction_has_the_norm_of_the_gradient(monkeypatch):
    of_gradients, of_directions = [], []

    def gradient(K, N):
        R, G = penalty_gradient(K, N)
        of_gradients.append(np.linalg.norm(G))
        return R, G

    def rule(R, D):
        of_directions.append(np.linalg.norm(D))
        return 0.01

    monkeypatch.setattr("convreg.studies.standstill.penalty_gradient", gradient)
    monkeypatch.setattr("convreg.studies.standstill.clipped_polyak_step", rule)
    by_chance(kernel(3, 3, 1, 1), 4, 3, seed=0)
    assert len(set(of_gradients)) == 4
    assert of_directions == pytest.approx(of_gradients, rel=1e-12)
