"""Why the lines of the verifications of gradients cross at large steps."""

from pathlib import Path

import numpy as np
import pytest

from convreg import conv_matrix, extreme_singular_values, penalty_gradient
from convreg.examples import start_kernel
from convreg.storage.tables import groups, read_table

FIGURES = Path(__file__).parents[2] / "figures"


def pairs_of_lines(name):
    """Of each panel the right gradient, each wrong one, and the error of the wrong one's slope."""
    for statement, rows in groups(read_table(FIGURES / f"{name}.csv"), "statement").items():
        (_, right), *wrong = groups(rows, "gradient").items()
        for gradient, line in wrong:
            growth = line["remainder"] / line["step"]
            yield statement, gradient, right, line, growth[np.isfinite(growth)][0]


CROSSING = {
    ("Theorem 2.2, u = -v", "missing term"): (0.1, 0.1),
    ("Theorem 2.2, u = -v", "dropped pixel"): (0.1, 0.032),
    ("MM', u = -v", "missing term"): (0.032, 0.1),
}


@pytest.mark.parametrize(
    "name", ["gradient_verification", "remedy_verification", "alternatives_verification"]
)
def test_a_wrong_line_is_below_the_right_one_only_where_that_is_past_half_of_the_slopes_error(name):
    for statement, gradient, right, wrong, error in pairs_of_lines(name):
        first = []
        for test, half in (("difference", error / 2), ("remainder", error / 2 * wrong["step"])):
            crossed = (wrong["step"] > 1e-4) & (wrong[test] < right[test])
            assert (right[test] > 0.9 * half)[crossed].all()  # two digits are kept
            first.append(wrong["step"][crossed].min() if crossed.any() else np.inf)
        assert first == pytest.approx(CROSSING.get((statement, gradient), (np.inf, np.inf)))


def test_the_alternatives_come_together_at_1_where_they_outweigh_the_slopes_error():
    panels = list(pairs_of_lines("alternatives_verification"))
    assert len(panels) == 4
    for _, _, right, wrong, error in panels:
        assert right["step"][-1] == 1
        assert right["remainder"][-1] > 0.9 * error
        assert right["remainder"][-1] < wrong["remainder"][-1] < 2.2 * right["remainder"][-1]


def line_of_kernels(K, N, alpha, gram):
    """M at K + t D for the direction of `gradient_tables`, by t; and the slope along D."""
    G = penalty_gradient(K, N, alpha, gram=gram)[1]
    noise = np.random.default_rng(1).standard_normal(K.shape)
    D = 2 * G / np.linalg.norm(G) + noise / np.linalg.norm(noise)
    D /= np.linalg.norm(D)
    return (lambda t: conv_matrix(K + t * D, N).toarray()), np.sum(G * D)


def theorem_2_2():
    K = start_kernel(3, 2, 3, 1)
    kernel = -0.3 / extreme_singular_values(K, 6)[0] * K[:, :, :1, :1]
    kernel[1, 1] += 0.6
    return *line_of_kernels(kernel, 6, 1.0, "columns"), 1.0


def remedy():
    K = start_kernel(3, 3, 1, 1)
    kernel = 0.3 * 10**0.5 / extreme_singular_values(K, 15)[0] * K
    return *line_of_kernels(kernel, 15, 10.0, "rows"), 10.0


@pytest.mark.parametrize(
    ("case", "same", "another"), [(theorem_2_2, 0.0316, 0.1), (remedy, 0.01, 0.0316)]
)
def test_from_where_the_differences_cross_another_singular_value_is_the_smallest(
    case, same, another
):
    M, _, alpha = case()
    smallest = np.linalg.svd(M(0))[0][:, -1]

    def overlap(t):
        assert (
            np.linalg.norm(M(t), 2) ** 2 - alpha < alpha - np.linalg.svd(M(t))[1][-1] ** 2
        )  # the lower end
        return abs(np.linalg.svd(M(t))[0][:, -1] @ smallest)

    assert overlap(-same) > 0.98
    assert overlap(-another) < 0.01


@pytest.mark.parametrize(
    ("case", "term", "within"), [(theorem_2_2, -5.27, 0.01), (remedy, -1.0, 0.26)]
)
def test_where_the_remainders_cross_they_are_the_term_in_t_squared(case, term, within):
    M, slope, alpha = case()

    def R(t):
        sigma = np.linalg.svd(M(t), compute_uv=False)
        return max(sigma[0] ** 2 - alpha, alpha - sigma[-1] ** 2)

    for t in (0.001, 0.01, 0.032, 0.1):
        assert (R(t) - R(0) - slope * t) / t**2 == pytest.approx(term, rel=within)
