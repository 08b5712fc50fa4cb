"""The slips: the verdicts, what turns them, and the numbers in each row."""

import numpy as np
import pytest
from evidence import (
    dense_penalty,
    gradient,
    largest_first,
    numbers,
    placements,
    powers,
    singular_values,
    tap,
)
from planted import in_the_tally, multiple, of_taps, planted, turned
from scipy.sparse import csr_array, eye_array, kron
from strategies import reference_matrix

from convreg.claims import gradient_slips, slips
from convreg.claims.definitions import FAILS, HOLDS, SLIP, Judged, misprint
from convreg.claims.gradient_slips import GRADIENT_SLIPS
from convreg.claims.slips import SLIPS
from convreg.descent import minimize_penalty
from convreg.examples import start_kernel
from convreg.gradients import kernel_gradient, penalty_matrix_gradient, singular_value_gradient
from convreg.gram import shifted_gram
from convreg.matrix import conv_matrix, conv_matrix_adjoint, entry_positions
from convreg.penalty import penalty, penalty_gradient
from convreg.studies.alternatives import spectral_norm_penalty, spectral_normalization

MINIMIZE = "convreg.examples.minimize_penalty"
VERDICTS = {
    "reshaped_size": SLIP,
    "both_normalise": SLIP,
    "eigenvalues_in_theorem_2_1": SLIP,
    "order_of_2_1": SLIP,
    "simple_is_enough": SLIP,
    "size_in_lemma_2_1": SLIP,
    "unit_vectors_of_2_2": SLIP,
    "positions_by_value": SLIP,
    "derivative_in_2_2": SLIP,
    "alpha_in_2_5": SLIP,
    "until_converged": SLIP,
    "values_in_step_6": SLIP,
}


def matrix_of(M):
    return lambda K, N: csr_array(M)


def without_end(outputs):
    """A descent that no tolerance ends, for these numbers of outputs."""

    def descent(K, N, **options):
        endless = {"tolerance": 0.0} if K.shape[3] in outputs else {}
        return minimize_penalty(K, N, **{**options, **endless})

    return descent


def gradient_of_a_constant(in_M, shape, N):
    """Where all entries of the gradient in M are equal, the right gradient at the first kernel."""
    if np.ptp(in_M) == 0:
        return penalty_gradient(start_kernel(3, 1, 1), N)[1]
    return conv_matrix_adjoint(in_M, shape, N)


def double_outer(when):
    return lambda u, v: (2 if when(u, v) else 1) * singular_value_gradient(u, v)


def polar_factor(M):
    """The symmetric matrix with the singular values of M, in place of M'M - I."""
    dense = M @ np.eye(M.shape[1])
    squares, V = np.linalg.eigh(dense.T @ dense)
    return V * np.sqrt(np.maximum(squares, 0)) @ V.T


def of_a_number(sigma):
    """Singular values of diagonal 2 x 2 matrices, the second this function of the entry."""
    return lambda A, compute_uv: np.array([A[0, 0], sigma(A[1, 1])])


OTHERWISE = [
    *planted(slips.reshaped_size, "start_kernel", (lambda k, g, h: np.ones((1, 1, g, h)), HOLDS)),
    *planted(slips.reshaped_size, "reshaped", (lambda K: np.ones((6, 9)), FAILS)),
    *planted(slips.reshaped_size, "conv_matrix", (of_taps((2, 2), (2, 3)), FAILS)),
    *planted(
        slips.both_normalise,
        "spectral_norm_penalty",
        (lambda K: (0.5, 0 * K), HOLDS),
        (lambda K: (0.5, -spectral_norm_penalty(K)[1]), FAILS),
    ),
    *planted(
        slips.both_normalise,
        "spectral_normalization",
        (multiple(spectral_normalization, 0.9), FAILS),
    ),
    *planted(
        slips.eigenvalues_in_theorem_2_1,
        "conv_matrix",
        (matrix_of(np.zeros((16, 32))), HOLDS),
        (matrix_of(2 * np.eye(16)), FAILS),
    ),
    *planted(slips.eigenvalues_in_theorem_2_1, "penalty", (multiple(penalty, 2), FAILS)),
    *planted(
        slips.order_of_2_1,
        "conv_matrix",
        (lambda K, N: conv_matrix(K.T, N), HOLDS),
        (lambda K, N: conv_matrix(K[::-1], N), FAILS),
    ),
    *planted(
        slips.simple_is_enough,
        "np.linalg.svd",
        (of_a_number(lambda s: s), HOLDS),
        (of_a_number(lambda s: abs(s - 0.5)), FAILS),
    ),
    *planted(
        slips.size_in_lemma_2_1,
        "singular_value_gradient",
        (double_outer(lambda u, v: len(u) != len(v)), HOLDS),
        (double_outer(lambda u, v: len(u) < len(v)), FAILS),
        (double_outer(lambda u, v: len(u) > len(v)), FAILS),
        (double_outer(lambda u, v: True), FAILS),
    ),
    *planted(
        gradient_slips.unit_vectors_of_2_2,
        "penalty_matrix_gradient",
        (multiple(penalty_matrix_gradient, 2), FAILS),
    ),
    *planted(
        gradient_slips.positions_by_value,
        "conv_matrix",
        (lambda K, N: conv_matrix(K * (np.arange(9).reshape(3, 3) > 0), N), HOLDS),
    ),
    *planted(
        gradient_slips.positions_by_value,
        "entry_positions",
        (lambda *where: entry_positions(where[0], where[1], 0, 0), FAILS),
    ),
    *planted(
        gradient_slips.derivative_in_2_2,
        "penalty_matrix_gradient",
        (multiple(penalty_matrix_gradient, 2), FAILS),
        (lambda M, u, v: (1 + (M.min() < 0)) * penalty_matrix_gradient(M, u, v), FAILS),
    ),
    *planted(
        gradient_slips.derivative_in_2_2, "conv_matrix_adjoint", (gradient_of_a_constant, SLIP)
    ),
    *planted(gradient_slips.alpha_in_2_5, "kernel_gradient", (multiple(kernel_gradient, 2), FAILS)),
    *planted(
        gradient_slips.alpha_in_2_5, "shifted_gram", (lambda M, alpha: shifted_gram(M, 10.0), HOLDS)
    ),
    *planted(
        gradient_slips.until_converged,
        "_stops",
        (lambda case: [7, 7, 7], HOLDS),
        (lambda case: [7, 7, 8] if case.h == 6 else [7, 7, 7], SLIP),
    ),
    *planted(
        gradient_slips.until_converged,
        MINIMIZE,
        (without_end((1, 3, 6)), FAILS),
        (without_end((6,)), FAILS),
    ),
    *planted(gradient_slips.values_in_step_6, "shifted_gram", (polar_factor, HOLDS)),
    *planted(gradient_slips.values_in_step_6, "penalty", (multiple(penalty, 2), FAILS)),
]


def test_the_verdicts(alone):
    names = [claim.judge.__name__ for claim in SLIPS + GRADIENT_SLIPS]
    assert {name: alone[name].verdict for name in names} == VERDICTS


@pytest.mark.parametrize(("judge", "used", "wrong", "verdict"), OTHERWISE)
def test_a_predicate_comes_out_otherwise(judge, used, wrong, verdict, judged_with):
    assert judged_with(judge, used, wrong).verdict == verdict


def test_every_predicate_in_the_tally_turns():
    assert turned(OTHERWISE, VERDICTS) == in_the_tally(VERDICTS)


@pytest.mark.parametrize(
    ("printed", "corrected", "verdict"),
    [(True, True, HOLDS), (True, False, HOLDS), (False, True, SLIP), (False, False, FAILS)],
)
def test_a_misprint_is_judged_as_printed_and_then_as_corrected(printed, corrected, verdict):
    assert misprint(printed, corrected, "so") == Judged(verdict, "so")


def test_the_taps_that_a_pixel_reads(alone):
    M = reference_matrix(start_kernel(3, 3, 6), 5)
    read = np.count_nonzero(M, axis=1).max()
    assert numbers(alone["reshaped_size"].measured) == [read] == [27]


def test_the_norms_of_a_normalised_and_of_a_penalised_kernel(alone):
    W = start_kernel(3, 3, 6).reshape(27, 6).T
    U, sigma, Vt = np.linalg.svd(W / np.linalg.norm(W, 2), full_matrices=False)
    stepped = U * (sigma - 0.1 * sigma[0] * (np.arange(6) == 0)) @ Vt
    expected = [17, sigma[0], 24, 0.1, np.linalg.norm(stepped, 2)]
    assert numbers(alone["both_normalise"].measured) == pytest.approx(expected)


def test_the_penalty_from_m_eigenvalues_and_from_n(alone):
    M = reference_matrix(tap(2, 1, 2.0), 4)
    m, n = M.shape
    eigenvalues = np.linalg.eigvalsh(M.T @ M - 4 * np.eye(n))
    expected = [np.abs(eigenvalues[-m:]).max(), np.abs(eigenvalues).max()]
    found = numbers(alone["eigenvalues_in_theorem_2_1"].measured)
    assert found == [2, 4, *expected][1:] == [4, 0, 4]


def test_the_matrix_printed_in_2_1_is_for_rows():
    K = start_kernel(3, 1, 1)
    rows = reference_matrix(K, 5).reshape(5, 5, 5, 5).transpose(1, 0, 3, 2).reshape(25, 25)
    assert np.array_equal(rows, reference_matrix(K.swapaxes(0, 1), 5))


def test_the_slopes_at_a_singular_value_0(alone):
    sigma = [np.linalg.eigvalsh(np.diag([1, s**2]))[0] ** 0.5 for s in (-0.001, 0, 0.001)]
    slopes = np.diff(sigma)[::-1] / 0.001
    found = numbers(alone["simple_is_enough"].measured)
    assert found[-2:] == pytest.approx(slopes)
    assert slopes == pytest.approx([1, -1])


def test_where_step_6_leads(alone):
    K = start_kernel(3, 1, 3)
    expected = [singular_values(K, 6)[0], 6, dense_penalty(K, 6), 6]
    found = numbers(alone["values_in_step_6"].measured)
    assert found == pytest.approx(expected, rel=5e-3)


def estimates_and_kernels(g, h, N, steps):
    """Algorithm 2.1 on sparse matrices put together from those of single taps."""
    taps = [csr_array(T) for T in placements(3, N)]
    kernels = [start_kernel(3, g, h)]
    found = []
    estimates = []
    for step in range(steps + 1):
        K = kernels[-1]
        blocks = [kron(tap.T, T) for tap, T in zip(K.reshape(9, g, h), taps, strict=True)]
        M = csr_array(sum(blocks))
        B = csr_array(M.T @ M - eye_array(g * N * N))
        found = powers(B, found, 2) if step else largest_first(B.toarray())
        sigma, u, v = max(found, key=lambda triplet: triplet[0])
        estimates.append(sigma)
        kernels.append(K - 0.01 * gradient(K, N, M, u, v))
    return np.array(estimates), np.array(kernels[:-1]).reshape(steps + 1, -1)


def test_when_three_readings_of_converged_end_the_descents(alone):
    steps = []
    for g, h in ((3, 1), (1, 3), (3, 6), (6, 3)):
        estimate, kernels = estimates_and_kernels(g, h, 15, 80)
        moves = np.linalg.norm(kernels[1:] - kernels[:-1], axis=1)
        in_estimate = abs(estimate[1:] / estimate[:-1] - 1)
        in_kernel = moves / np.linalg.norm(kernels[:-1], axis=1)
        lines = (in_estimate, in_kernel, moves / moves[0])
        small = [np.flatnonzero(line <= 0.01) for line in lines]
        steps.append([at[0] + 1 if len(at) else "never" for at in small])
    by_estimate, by_K, by_G = (", ".join(map(str, row)) for row in zip(*steps, strict=True))
    measured = alone["until_converged"].measured
    assert f"at steps {by_estimate}, the change of K at {by_K}, the size" in measured
    assert f"the size of G at {by_G} (of" in measured
    assert steps[1][2] == "never"
