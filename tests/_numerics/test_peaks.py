"""Section 2.1: where a symbol is largest, against a fine grid, and the circles that avoid it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convreg._numerics import peaks
from convreg._numerics.trigonometric import Circle, GramPolynomial

PHASES = (0.0, np.pi)


def polynomial_of(*shape, seed=0):
    return GramPolynomial(np.random.default_rng(seed).standard_normal(shape))


def eigenvalues(polynomial, theta_1, theta_2):
    return np.linalg.eigvalsh(polynomial.at(theta_1, theta_2))


def highest_on_a_fine_grid(polynomial, points=96):
    fine = 2 * np.pi * np.arange(points) / points
    theta_1, theta_2 = np.meshgrid(fine, fine)
    return eigenvalues(polynomial, theta_1, theta_2)[..., -1].max()


shapes = st.tuples(*[st.integers(1, 4)] * 2, *[st.integers(1, 12)] * 2)


@settings(max_examples=40)
@given(shapes, st.integers(0, 99))
def test_a_sample_is_from_below(shape, seed):
    """Its values are quotients of its vectors, and near the eigenvalues; the sample is enough to
    tell a polynomial of these degrees.
    """
    polynomial = polynomial_of(*shape, seed=seed)
    sample = peaks.sampled(polynomial)
    G = polynomial.at(sample.theta_1, sample.theta_2)
    v = sample.vectors
    quotients = np.einsum("pi,pij,pj->p", v.conj(), G, v).real / np.linalg.norm(v, axis=1) ** 2
    largest = np.linalg.eigvalsh(G)[:, -1]
    assert sample.values == pytest.approx(quotients, rel=1e-10)
    assert (sample.values <= largest * (1 + 1e-12)).all()
    assert (sample.values >= 0.9 * largest).all()
    n1, n2 = polynomial.degrees
    assert len(sample.values) == (4 * n1 + 1) * (2 * n2 + 1)


@pytest.mark.parametrize(
    "shape", [(3, 3, 1, 1), (5, 5, 1, 1), (3, 3, 4, 4), (2, 4, 3, 9), (1, 5, 2, 2)]
)
def test_the_highest_peak_is_the_maximum(shape):
    """One channel, whose eigenvector stays, and several, whose eigenvectors turn."""
    for seed in range(10):
        polynomial = polynomial_of(*shape, seed=seed)
        found = peaks.climbed(polynomial, peaks.sampled(polynomial))
        assert (np.diff(found.values) <= 0).all()
        highest = highest_on_a_fine_grid(polynomial)
        there = eigenvalues(polynomial, found.theta_1[0], found.theta_2[0])[-1]
        assert 0.999 * highest <= found.values[0] <= there * (1 + 1e-12)


def test_a_peak_between_the_points_of_the_sample():
    """|1 + a e^{i theta}|^2, with a < 0, is largest at pi, which no sample of 4n + 1 points has."""
    for blocks in (
        np.array([1.0, -0.5]).reshape(1, 2, 1, 1),
        np.array([1, -0.5]).reshape(2, 1, 1, 1),
    ):
        polynomial = GramPolynomial(blocks)
        found = peaks.climbed(polynomial, peaks.sampled(polynomial))
        assert found.values[0] == pytest.approx(2.25, rel=1e-8)
        assert np.cos(found.theta_1[0] + found.theta_2[0]) == pytest.approx(-1, abs=1e-6)


def test_climbing_does_not_go_down():
    for seed in range(5):
        polynomial = polynomial_of(3, 3, 5, 6, seed=seed)
        sample = peaks.sampled(polynomial)
        start = sample.sorted(4)
        found = peaks.climbed(polynomial, sample)
        assert (np.sort(found.values) >= np.sort(start.values)).all()
        assert np.array_equal(sample.values, peaks.sampled(polynomial).values)  # left as it was


def test_a_polynomial_that_is_zero_has_vectors_all_the_same():
    polynomial = GramPolynomial(np.zeros((2, 2, 3, 3)))
    found = peaks.climbed(polynomial, peaks.sampled(polynomial))
    assert not found.values.any()
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(np.ones(4))


def choices_of(sides):
    return [Circle(L, phase) for L in sides for phase in PHASES]


@pytest.mark.parametrize("shape", [(3, 3, 1, 1), (3, 2, 1, 1), (2, 3, 2, 2), (3, 3, 4, 4)])
def test_the_circles_are_the_best_of_the_choices(shape):
    """By all eigenvalues on the grid of each; the guess is attained there, or a little below."""
    for seed in range(6):
        polynomial = polynomial_of(*shape, seed=seed)
        found = peaks.climbed(polynomial, peaks.sampled(polynomial))
        choices = choices_of((11, 12)), choices_of((13, 14))
        (first, second), guess = peaks.quiet_circles(polynomial, found, choices)
        assert first in choices[0]
        assert second in choices[1]
        highest = {}
        for pair in product(*choices):
            theta_1, theta_2 = np.meshgrid(pair[0].angles(), pair[1].angles())
            highest[pair] = eigenvalues(polynomial, theta_1, theta_2)[..., -1].max()
        assert guess <= highest[first, second] * (1 + 1e-12)
        assert guess >= 0.9 * highest[first, second]
        assert highest[first, second] <= min(highest.values()) * 1.02


def test_a_small_matrix_beside_a_large_one_has_as_good_a_vector():
    G = polynomial_of(2, 2, 5, 5).at(0.3, 0.8)
    values, vectors = peaks._leading(np.stack([G, 1e-10 * G]))
    assert values[1] == pytest.approx(1e-10 * values[0], rel=1e-9, abs=0)
    assert abs(np.vdot(*vectors)) == pytest.approx(1, rel=1e-9)
