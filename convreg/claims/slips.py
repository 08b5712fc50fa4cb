"""Slips: what fails as the paper prints it, and holds with the correction that is named.

A predicate computes its own evidence, for what is printed and for the correction.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz

from convreg.claims.definitions import FAILS, HOLDS, SLIP, Claim, Judged, is_gradient
from convreg.convolution import ConvolutionOperator
from convreg.examples import EXAMPLE_1, Case, identity, start_kernel
from convreg.extremes import extreme_singular_values
from convreg.gradients import kernel_gradient, penalty_matrix_gradient, singular_value_gradient
from convreg.gram import shifted_gram
from convreg.lanczos import leading_triplets
from convreg.matrix import conv_matrix, conv_matrix_adjoint, entry_positions
from convreg.penalty import penalty
from convreg.power import SingularTriplet, power_update
from convreg.studies.alternatives import reshaped, spectral_norm_penalty, spectral_normalization
from convreg.studies.gradient_checks import both_signs


def _misprint(printed: bool, corrected: bool, correction: str) -> Judged:
    """A slip fails as printed and holds as corrected."""
    if printed:
        return Judged(HOLDS, correction)
    return Judged(SLIP if corrected else FAILS, correction)


def reshaped_size() -> Judged:
    """The columns of the reshaped kernel, the taps that an output pixel reads: gk, or gk^2?"""
    K = start_kernel(3, 3, 6)
    k, _, g, _ = K.shape
    columns = reshaped(K).shape[1]
    read = int(np.count_nonzero(conv_matrix(K, 5).toarray(), axis=1).max())
    correction = f"h x (gk^2): an output pixel of 3x3x3x6 reads {read} taps"
    return _misprint(columns == read == g * k, columns == read == g * k**2, correction)


def both_normalise() -> Judged:
    """The norm of the reshaped kernel after [17], and after a step of [24], from there."""
    K = spectral_normalization(start_kernel(3, 3, 6))
    _, G = spectral_norm_penalty(K)
    normalised = float(np.linalg.norm(reshaped(K), 2))
    penalised = float(np.linalg.norm(reshaped(K - 0.1 * G), 2))
    one = abs(normalised - 1) < 1e-9
    correction = (
        f"[17] does, to the norm {normalised:.3g}; [24] penalises, and a step of 0.1 goes on to "
        f"the norm {penalised:.3g}"
    )
    return _misprint(one and abs(penalised - 1) < 1e-9, one and penalised < 1, correction)


def eigenvalues_in_theorem_2_1() -> Judged:
    """R_alpha of a wide M with sigma_i^2 = alpha, from m eigenvalues of M'M and from all n."""
    N = 4
    alpha = 4.0
    K = 2 * identity(3, 2, 1)
    M = conv_matrix(K, N).toarray()
    m = len(M)
    largest_first = np.linalg.eigvalsh(M.T @ M)[::-1]
    distances = np.abs(largest_first - alpha)
    first = float(distances[:m].max())
    every = float(distances.max())
    R = penalty(K, N, alpha)
    correction = (
        f"n of them: for a wide M with sigma_i^2 = alpha = 4 the first m give R_alpha = "
        f"{first:.3g}, all n {every:.3g}"
    )
    return _misprint(abs(first - R) < 1e-9, abs(every - R) < 1e-9, correction)


def order_of_2_1() -> Judged:
    """(2.1) as printed, from ``A_0``, ``A_1`` and ``A_-1``, against the M of Section 2.2's vec."""
    N = 5
    K = start_kernel(3, 1, 1)[:, :, 0, 0]
    printed = np.zeros((N**2, N**2))
    for row, taps in enumerate(K):
        left, centre, right = taps
        zeros = [0] * (N - 2)
        A = toeplitz([centre, left, *zeros], [centre, right, *zeros])  # A_1, A_0, A_-1
        printed += np.kron(np.eye(N, k=row - 1), A)
    as_printed = np.array_equal(printed, conv_matrix(K, N).toarray())
    transposed = np.array_equal(printed, conv_matrix(K.T, N).toarray())
    correction = "for vec, which stacks columns, k_qp for k_pq; as printed it stacks rows"
    return _misprint(as_printed, transposed, correction)


def simple_is_enough() -> Judged:
    """The two one-sided slopes of the second singular value of diag(1, s) in the entry (2, 2)."""
    zero = _slopes(0.0)
    positive = _slopes(0.5)
    correction = (
        f"simple and positive: in the entry (2, 2) the singular value 0 of diag(1, 0) has the "
        f"slopes {zero[0]:+.3g} and {zero[1]:+.3g} to the two sides"
    )
    smooth = [abs(right - left) < 1e-9 for right, left in (zero, positive)]
    return _misprint(all(smooth), smooth[1], correction)


def _slopes(s: float, t: float = 1e-3) -> tuple[float, float]:
    """The slopes of the second singular value of diag(1, s) towards s + t and from s - t."""
    at, after, before = (_second_singular_value(entry) for entry in (s, s + t, s - t))
    return (after - at) / t, (at - before) / t


def _second_singular_value(entry: float) -> float:
    """That of diag(1, entry)."""
    return float(np.linalg.svd(np.diag([1.0, entry]), compute_uv=False)[1])


def size_in_lemma_2_1() -> Judged:
    """uv' against the Taylor remainders of sigma_max of a square, a tall and a wide matrix."""
    right = []
    for shape in ((5, 5), (6, 4), (4, 6)):
        A = np.random.default_rng(0).standard_normal(shape)
        U, _, Vt = np.linalg.svd(A)
        G = singular_value_gradient(U[:, 0], Vt[0])
        right.append(is_gradient(lambda A: np.linalg.norm(A, 2), A, G))
    square, tall, wide = right
    correction = "any m x n matrix, tall or wide; n and p of (n >= p) name nothing"
    return _misprint(square and not (tall or wide), all(right), correction)


def unit_vectors_of_2_2() -> Judged:
    """(2.2) for a 4 x 6 matrix with unit vectors of length 6, as printed, and of length 4."""
    rng = np.random.default_rng(0)
    M = rng.standard_normal((4, 6))
    u = rng.standard_normal(6)
    v = rng.standard_normal(6)
    printed = _is_2_2(M, u, v, length=6)
    corrected = _is_2_2(M, u, v, length=4)
    return _misprint(printed, corrected, "e_i has the length m, not n")


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
    return _misprint(_equal(by_value, derivative), _equal(by_position, derivative), correction)


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
    return _misprint(all(printed), all(corrected), correction)


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
    return _misprint(printed, corrected, correction)


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
    return _misprint(alike, all(ends), correction)


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
    return _misprint(_equal(found.sigma, largest), _equal(found.sigma, R), correction)


SLIPS = (
    Claim("Section 1", "The reshaped kernel is h x (gk)", reshaped_size, "08"),
    Claim(
        "Section 1",
        "[17, 24] normalise the reshaped kernel by its spectral norm",
        both_normalise,
        "08",
    ),
    Claim(
        "Theorem 2.1, proof",
        "M'M has the eigenvalues lambda_1 to lambda_m",
        eigenvalues_in_theorem_2_1,
        "02",
    ),
    Claim("(2.1)", "The matrix printed is that of vec(Y) = M vec(X)", order_of_2_1, "01"),
    Claim("Lemma 2.1", "A singular value that is simple has a gradient", simple_is_enough, "03"),
    Claim("Lemma 2.1", "A is m x m (n >= p)", size_in_lemma_2_1, "00"),
    Claim("Lemma 2.2", "e_k is a column of the n x n identity", unit_vectors_of_2_2, "03"),
    Claim("Theorems 2.2, 2.3", "Omega is where m_ij equals k_pq", positions_by_value, "01"),
    Claim(
        "Theorem 2.2, proof",
        "sigma_max(M'M - I) / dm_ij is summed over Omega",
        derivative_in_2_2,
        "00",
    ),
    Claim("Theorem 2.3, (2.5)", "The gradient is that of sigma_max(M'M - I)", alpha_in_2_5, "00"),
    Claim("Algorithm 2.1", "The steps are taken while not converged", until_converged, "00"),
    Claim("Section 3", "Step 6 updates the singular values of M", values_in_step_6, "00"),
)
