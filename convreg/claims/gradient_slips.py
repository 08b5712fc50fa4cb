"""Slips from Lemma 2.2 on: the gradients and Algorithm 2.1, as printed and as corrected.

A predicate computes its own evidence, for what is printed and for the correction.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from convreg.claims.definitions import Claim, Judged, is_gradient, misprint
from convreg.claims.sections import ESTIMATE, LEMMA_2_2, POSITIONS, STEPS, THEOREMS_2_2_AND_2_3
from convreg.convolution import ConvolutionOperator
from convreg.examples import EXAMPLE_1, Case, identity, start_kernel
from convreg.extremes import extreme_singular_values
from convreg.gradients import kernel_gradient, penalty_matrix_gradient
from convreg.gram import shifted_gram
from convreg.lanczos import leading_triplets
from convreg.matrix import conv_matrix, conv_matrix_adjoint, entry_positions
from convreg.penalty import penalty
from convreg.power import SingularTriplet, power_update
from convreg.studies.gradient_checks import both_signs


def unit_vectors_of_2_2() -> Judged:
    """(2.2) for a 4 x 6 matrix with unit vectors of length 6, as printed, and of length 4."""
    rng = np.random.default_rng(0)
    M = rng.standard_normal((4, 6))
    u = rng.standard_normal(6)
    v = rng.standard_normal(6)
    printed = _is_2_2(M, u, v, length=6)
    corrected = _is_2_2(M, u, v, length=4)
    return misprint(printed, corrected, "e_i has the length m, not n")


def _is_2_2(M: NDArray, u: NDArray, v: NDArray, length: int) -> bool:
    """Whether (2.2), row by row with unit vectors of this length, is the gradient in M."""
    rows = []
    for e in np.eye(length)[: len(M)]:
        try:
            rows.append(v * (e @ M @ u) + u * (e @ M @ v))
        except ValueError:  # the lengths do not fit
            return False
    return np.allclose(rows, penalty_matrix_gradient(M, u, v))


def positions_by_value() -> Judged:
    """The derivative of sum m_ij g_ij in k_22: the sum over m_ij = k_22, or over its positions?"""
    N = 5
    K = np.arange(1.0, 10).reshape(3, 3)
    K[0, 0] = K[1, 1]
    G = np.random.default_rng(0).standard_normal((N**2, N**2))
    M = conv_matrix(K, N).toarray()
    changed = conv_matrix(K + identity(3)[:, :, 0, 0], N).toarray()
    derivative = np.sum((changed - M) * G)
    by_value = np.sum(G[M == K[1, 1]])
    by_position = np.sum(G[entry_positions((3, 3), N, 1, 1)])
    correction = "by position: equal entries, and zeros, have their own"
    return misprint(_equal(by_value, derivative), _equal(by_position, derivative), correction)


def _equal(a: float, b: float) -> bool:
    """Whether two numbers are equal to five digits."""
    return bool(np.isclose(a, b))


def derivative_in_2_2() -> Judged:
    """Summed over Omega in the proof's second line: sigma_max itself, or its derivative."""
    N = 6
    printed = []
    corrected = []
    for K in both_signs(start_kernel(3, 1, 1), N, 1.0).values():
        M = conv_matrix(K, N).toarray()
        sigma, u, v = leading_triplets(shifted_gram(M), 1)[0]
        printed.append(_is_summed(np.full_like(M, sigma), K, N))
        corrected.append(_is_summed(penalty_matrix_gradient(M, u, v), K, N))
    correction = "its derivative: the sum of sigma_max is not the gradient, that of derivatives is"
    return misprint(all(printed), all(corrected), correction)


def _is_summed(in_M: NDArray, K: NDArray, N: int) -> bool:
    """Whether this matrix, summed over Omega tap by tap, is the gradient of R_1 in K."""
    G = conv_matrix_adjoint(in_M, K.shape, N)
    return is_gradient(lambda K: penalty(K, N), K, G)


def alpha_in_2_5() -> Judged:
    """(2.5) at alpha = 10 with the vectors of M'M - I, as printed, and of M'M - 10 I."""
    N = 6
    K = start_kernel(3, 1, 3)
    largest, _ = extreme_singular_values(K, N)
    K = 15**0.5 / largest * K  # with 1 the upper end decides, with 10 the lower
    right = []
    for alpha in (1.0, 10.0):
        _, u, v = leading_triplets(shifted_gram(conv_matrix(K, N), alpha), 1)[0]
        G = kernel_gradient(K, N, u, v)
        right.append(is_gradient(lambda K: penalty(K, N, 10.0), K, G))
    printed, corrected = right
    correction = "M'M - alpha I wherever M'M - I stands, as in (2.3)'s proof and in Algorithm 2.1"
    return misprint(printed, corrected, correction)


def until_converged() -> Judged:
    """Algorithm 2.1 on Example 1: when the change of the estimate, that of K, and G fall to 1 %."""
    steps = []
    ends = []
    for case in EXAMPLE_1.cases():
        steps.append(_stops(case))
        named = EXAMPLE_1.descend(case, iterations=200, tolerance=0.01, diagnostics=False)
        ends.append(named.converged)
    estimate, K, G = (_steps_in_words(row) for row in zip(*steps, strict=True))
    correction = (
        f"a rule, such as a tolerance: at 1% the estimate ends Example 1's four descents at steps "
        f"{estimate}, the change of K at {K}, the size of G at {G} (of 200); two steps are number 4"
    )
    alike = all(len(set(row)) == 1 for row in steps)
    return misprint(alike, all(ends), correction)


def _stops(case: Case) -> list[int]:
    """The first of 200 steps to change the estimate, or K, by 1 %; with G at 1 % of the first G.

    0 where there is none.
    """
    kernels = [EXAMPLE_1.kernels()[f"3x3x{case.g}x{case.h}"]]
    history = EXAMPLE_1.descend(
        case,
        iterations=200,
        diagnostics=False,
        callback=lambda i, K, R: kernels.append(K),
    ).history
    K = np.array([kernel.ravel() for kernel in kernels])
    moves = np.linalg.norm(np.diff(K, axis=0), axis=1)  # 0.01 times the norm of G
    fractions = (
        np.abs(np.diff(history.estimate)) / history.estimate[:-1],
        moves / np.linalg.norm(K[:-1], axis=1),
        moves / moves[0],
    )
    stops = []
    for fraction in fractions:
        small = fraction <= 0.01
        stops.append(int(np.argmax(small)) + 1 if any(small) else 0)
    return stops


def _steps_in_words(steps: Iterable[int]) -> str:
    """Numbers of steps as a list, 0 being never.

    >>> _steps_in_words([19, 0])
    '19, never'
    """
    return ", ".join(str(step or "never") for step in steps)


def values_in_step_6() -> Judged:
    """Where the power method of step 6 leads: to the largest singular value of M, or of M'M - I?"""
    N = 6
    K = start_kernel(3, 1, 3)
    M = ConvolutionOperator(K, N)
    first = np.random.default_rng(0).standard_normal(M.shape[1])
    (found,) = power_update(shifted_gram(M), [SingularTriplet(0.0, first, first)], 100)
    largest, _ = extreme_singular_values(K, N)
    correction = (
        f"of M'M - alpha I: sigma_max(M) = {largest:.3g}, and step 6 leads to R_1 = "
        f"{found.sigma:.3g}; 3x3x1x3, N = 6"
    )
    R = penalty(K, N)
    return misprint(_equal(found.sigma, largest), _equal(found.sigma, R), correction)


GRADIENT_SLIPS = (
    Claim("Lemma 2.2", "e_k is a column of the n x n identity", unit_vectors_of_2_2, LEMMA_2_2),
    Claim("Theorems 2.2, 2.3", "Omega is where m_ij equals k_pq", positions_by_value, POSITIONS),
    Claim(
        "Theorem 2.2, proof",
        "sigma_max(M'M - I) / dm_ij is summed over Omega",
        derivative_in_2_2,
        THEOREMS_2_2_AND_2_3,
    ),
    Claim(
        "Theorem 2.3, (2.5)",
        "The gradient is that of sigma_max(M'M - I)",
        alpha_in_2_5,
        THEOREMS_2_2_AND_2_3,
    ),
    Claim("Algorithm 2.1", "The steps are taken while not converged", until_converged, STEPS),
    Claim("Section 3", "Step 6 updates the singular values of M", values_in_step_6, ESTIMATE),
)
