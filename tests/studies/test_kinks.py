"""Section 2.1: R_alpha near a kink and at it, two gradients, steps; against dense matrices."""

import numpy as np
import pytest
from dense import all_grams, alphas, dense_gradient, dense_gram, kernel, small, top_square
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import GRAMS, cases, reference_gram, reference_matrix, relative_error

from convreg import conv_matrix, matlab_rand, minimize_penalty, penalty_gradient, polyak_step
from convreg.studies.kinks import (
    descend,
    kink_slopes,
    mean_gradient,
    nearly_equal_line,
    second_half,
    steps_at_kinks,
)


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
        assert [line["first"][i], line["second"][i]] == pytest.approx(
            spectrum(t)[:2].tolist(), rel=1e-9
        )
        assert line["narrow"][i] == pytest.approx(
            (spectrum(t + 1e-5)[0] - spectrum(t - 1e-5)[0]) / 2e-5, rel=1e-4
        )
        assert line["wide"][i] == pytest.approx(
            (spectrum(t + 0.02)[0] - spectrum(t - 0.02)[0]) / 0.04, rel=1e-9
        )
    assert line["slope"] == pytest.approx(line["narrow"], rel=1e-4)


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


@given(small(max_N=3), alphas, all_grams)
def test_the_mean_gradient_is_that_of_two_dense_eigenvectors(case, alpha, gram):
    K, N = case.K, case.N
    lambdas, V = np.linalg.eigh(dense_gram(K, N, alpha, gram))
    assume(len(lambdas) > 1)
    order = np.argsort(-np.abs(lambdas), kind="stable")
    lambdas, V = lambdas[order], V[:, order]
    assume(len(lambdas) == 2 or abs(lambdas[1]) - abs(lambdas[2]) > 1e-3 * abs(lambdas[0]))
    one, two = (dense_gradient(K, N, V[:, i], np.sign(lambdas[i]), gram) for i in (0, 1))
    R, G = mean_gradient(K, N, alpha, gram)
    scale = alpha + top_square(K, N)
    assert type(R) is float
    assert abs(R - np.linalg.norm(dense_gram(K, N, alpha, gram), 2)) <= 1e-12 * scale
    assert G.shape == K.shape
    assert np.linalg.norm(G - (one + two) / 2) <= 1e-9 * (1 + np.linalg.norm(K)) * len(lambdas)


def test_the_mean_gradient_of_either_sign():
    """Diagonal M: eigenvalues 8 and 3 of K^2 - 1, or -9 and -6 of K^2 - 10 (the third is -1)."""
    K = np.diag([3.0, 2.0])[None, None]
    R, G = mean_gradient(K, 1)
    assert pytest.approx(8) == R
    assert pytest.approx(np.diag([3.0, 2.0])) == G[0, 0]
    R, G = mean_gradient(np.diag([3.0, 2.0, 1.0])[None, None], 1, 10.0)
    assert pytest.approx(9) == R
    assert pytest.approx(-np.diag([0.0, 2.0, 1.0])) == G[0, 0]


def test_the_mean_gradient_is_exact_beyond_small_matrices():
    K, N, alpha = kernel(3, 3), 17, 2.0
    lambdas, V = np.linalg.eigh(dense_gram(K[:, :, None, None], N, alpha, "columns"))
    pair = [dense_gradient(K[:, :, None, None], N, V[:, i], 1, "columns") for i in (-1, -2)]
    R, G = mean_gradient(K, N, alpha)
    assert pytest.approx(lambdas[-1], rel=1e-12) == R
    assert relative_error(G, sum(pair)[:, :, 0, 0] / 2) < 1e-9


def test_the_mean_gradient_of_two_dimensions():
    K = kernel(3, 3)
    R, G = mean_gradient(K, 3, 2.0)
    expected_R, expected_G = mean_gradient(K[:, :, None, None], 3, 2.0)
    assert expected_R == R
    assert np.array_equal(G, expected_G[:, :, 0, 0])


def test_the_mean_gradient_of_a_single_singular_value_is_its_gradient():
    assert mean_gradient([[2.0]], 1) == (3.0, 4.0)
    with pytest.raises(ValueError, match=r"^alpha: wanted "):
        mean_gradient(np.ones((3, 3)), 2, 0.0)


@given(cases(max_k=3), st.floats(0.1, 5), st.floats(0.01, 1), st.integers(0, 6))
def test_descend_on_a_quadratic_in_closed_form(case, c, size, iterations):
    """c |K|^2 / 2 has the gradient c K: every step multiplies K by 1 - c size."""
    seen, start = [], case.K.copy()

    def step(R, G):
        seen.append((R, G))
        return size

    found, values = descend(start, lambda K: (c * np.sum(K**2) / 2, c * K), step, iterations)
    factors = (1 - c * size) ** np.arange(iterations + 1)
    assert np.array_equal(start, case.K)
    assert found == pytest.approx(factors[-1] * case.K, rel=1e-10, abs=1e-12)
    assert isinstance(values, np.ndarray)
    assert values == pytest.approx(
        factors[:-1] ** 2 * c * np.sum(case.K**2) / 2, rel=1e-10, abs=1e-12
    )
    assert [R for R, _ in seen] == list(values)
    for factor, (_, G) in zip(factors, seen, strict=False):
        assert c * factor * case.K == pytest.approx(G, rel=1e-10, abs=1e-12)


def test_descend_with_the_gradient_of_the_penalty_is_the_algorithm():
    K, N, alpha = kernel(3, 3, 1, 2), 3, 2.0
    for rule in (lambda R, G: 0.01, polyak_step):
        found, values = descend(K, lambda K: penalty_gradient(K, N, alpha), rule, 4)
        expected = minimize_penalty(K, N, alpha, rule, 4, update="svd")
        assert relative_error(found, expected.kernel) < 1e-12
        assert values == pytest.approx(expected.history.estimate[:-1], rel=1e-12)


def kinks_by_hand(K, N, alpha, learning_rate, iterations, gram):
    """The four lines from plain loops."""
    for _ in range(iterations):
        R, G = penalty_gradient(K, N, alpha, gram)
        K = K - min(R / np.sum(G**2), 0.1) * G
    lines = {}
    for step in ("fixed step", "Polyak's step"):
        for which, gradient in (
            ("one gradient", penalty_gradient),
            ("two gradients", mean_gradient),
        ):
            moved, values = K, []
            for _ in range(iterations + 1):
                R, G = gradient(moved, N, alpha, gram)
                values.append(R)
                moved = moved - (learning_rate if step == "fixed step" else polyak_step(R, G)) * G
            lines[step, which] = values
    return lines


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("shape", [(3, 3, 2, 1), (2, 2, 1, 2), (3, 3)])
@pytest.mark.parametrize(
    ("alpha", "learning_rate", "iterations"), [(1.0, 0.01, 4), (3.0, 0.003, 3), (3.0, 0.1, 1)]
)
def test_the_four_lines_at_the_kinks_by_hand(gram, shape, alpha, learning_rate, iterations):
    K = kernel(*shape)
    before = K.copy()
    lines = steps_at_kinks(K, 3, alpha, learning_rate, iterations, gram)
    expected = kinks_by_hand(K, 3, alpha, learning_rate, iterations, gram)
    assert [(line["panel"], line["line"]) for line in lines] == list(expected)
    assert all(list(line) == ["panel", "line", "iteration", "value", "lowest"] for line in lines)
    for line, values in zip(lines, expected.values(), strict=True):
        assert line["iteration"].tolist() == list(range(iterations + 1))
        assert line["value"] == pytest.approx(values, rel=1e-9)
        assert line["lowest"].tolist() == [
            min(line["value"][: i + 1]) for i in range(iterations + 1)
        ]
    assert np.array_equal(K, before)


def test_they_start_together_where_polyak_s_step_has_come():
    K, N = kernel(3, 3, 2, 1), 3
    lines = steps_at_kinks(K, N, 2.0, 0.01, 5)
    start = minimize_penalty(K, N, 2.0, polyak_step, 5, update="svd", gram="rows").history.penalty[
        -1
    ]
    assert [line["value"][0] for line in lines] == pytest.approx([start] * 4, rel=1e-9)
    assert len({round(line["value"][-1], 6) for line in lines}) == 4


def test_the_smaller_gram_matrix_is_the_default():
    K = kernel(3, 3, 2, 1)
    default, rows, columns = (
        steps_at_kinks(K, 3, 2.0, 0.01, 3, *gram) for gram in ((), ("rows",), ("columns",))
    )
    for one, other, third in zip(default, rows, columns, strict=True):
        assert one["value"] == pytest.approx(other["value"], rel=1e-12)
        assert one["value"] != pytest.approx(third["value"], rel=1e-3)


def test_without_iterations_the_four_lines_are_the_start():
    K = kernel(2, 2, 1, 1)
    R = np.linalg.norm(reference_gram(reference_matrix(K, 3), 1.5, "columns"), 2)
    for line in steps_at_kinks(K, 3, 1.5, 0.01, 0):
        assert line["iteration"].tolist() == [0]
        assert line["value"] == pytest.approx([R], rel=1e-12)


def test_the_second_half_at_the_kinks():
    lines = [
        {"panel": "a", "line": "b", "value": np.array([0.1, 9.0, 3.0, 2.0, 2.54321])},
        {"panel": "Polyak's step", "line": "two gradients", "value": np.array([5.0, 4.0])},
    ]
    assert {name: column.tolist() for name, column in second_half(lines).items()} == {
        "step": ["a", "Polyak's step"],
        "along": ["b", "two gradients"],
        "least R_alpha": [2.0, 4.0],
        "greatest": [3.0, 4.0],
    }
