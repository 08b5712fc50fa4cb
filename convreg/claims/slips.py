"""Slips in the paper's formulas: what fails as printed, and holds with the correction that is named."""

from __future__ import annotations

import numpy as np
from scipy.linalg import toeplitz

from convreg.claims import FAILS, HOLDS, SLIP, Claim, Judged, order
from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values
from convreg.gradients import kernel_gradient, penalty_matrix_gradient, singular_value_gradient
from convreg.lanczos import leading_triplets
from convreg.matrix import conv_matrix, entry_positions
from convreg.penalty import penalty, shifted_gram


def _misprint(printed: bool, corrected: bool, correction: str) -> Judged:
    """A slip fails as printed and holds as corrected."""
    return (HOLDS if printed else SLIP if corrected else FAILS), correction


def unit_vectors_of_2_2() -> Judged:
    """(2.2) for a 4 x 6 matrix with unit vectors of length 6, as printed, and of length 4."""
    rng = np.random.default_rng(0)
    M, u, v = rng.standard_normal((4, 6)), rng.standard_normal(6), rng.standard_normal(6)
    right = {}
    for length in M.shape:
        try:
            G = [[v[j] * (M.T @ e) @ u + u[j] * e @ M @ v for j in range(6)] for e in np.eye(length)[:, :4].T]
            right[length] = np.allclose(G, penalty_matrix_gradient(M, u, v))
        except ValueError:  # the lengths do not fit
            right[length] = False
    return _misprint(right[6], right[4], "e_i has the length m, not n")


def size_in_lemma_2_1() -> Judged:
    """uv' for a 4 x 6 matrix, which is not m x m."""
    A = np.random.default_rng(0).standard_normal((4, 6))
    _, u, v = leading_triplets(A, 1)[0]
    holds = abs(order(lambda A: np.linalg.norm(A, 2), A, singular_value_gradient(u, v)) - 2) < 0.1
    return _misprint(A.shape[0] == A.shape[1], holds, "any m x n matrix; n and p of (n >= p) name nothing")


def eigenvalues_in_theorem_2_1() -> Judged:
    """How many eigenvalues M'M has for a 4 x 6 matrix M."""
    M = np.random.default_rng(0).standard_normal((4, 6))
    count = len(np.linalg.eigvalsh(M.T @ M))
    return _misprint(count == 4, count == 6, "M'M has n eigenvalues, not m")


def alpha_in_2_5() -> Judged:
    """(2.5) at alpha = 10 with the vectors of M'M - I, as printed, and of M'M - 10 I; the ends change places."""
    K = start_kernel(3, 1, 3)
    K = 15**0.5 / extreme_singular_values(K, 6)[0] * K
    orders = []
    for alpha in (1.0, 10.0):
        _, u, v = leading_triplets(shifted_gram(conv_matrix(K, 6), alpha), 1)[0]
        orders.append(order(lambda K: penalty(K, 6, 10.0), K, kernel_gradient(K, 6, u, v)))
    printed, corrected = (abs(one - 2) < 0.1 for one in orders)
    return _misprint(
        printed, corrected, "M'M - alpha I wherever M'M - I stands, as in (2.3)'s proof and in Algorithm 2.1"
    )


def reshaped_size() -> Judged:
    """The entries of K against h x (gk) and h x (gk^2)."""
    K = start_kernel(3, 3, 6)
    k, _, g, h = K.shape
    return _misprint(K.size == h * g * k, K.size == h * g * k**2, "h x (gk^2)")


def positions_by_value() -> Judged:
    """Omega as the places where m_ij = k_pq, for a kernel with two equal entries, and by position."""
    K = np.arange(1.0, 10).reshape(3, 3)
    K[0, 0] = K[1, 1]
    M = conv_matrix(K, 5).toarray()
    by_value, by_position = np.count_nonzero(M == K[1, 1]), len(entry_positions((3, 3), 5, 1, 1)[0])
    right = np.sum(M * (M == K[1, 1])) / K[1, 1]  # dM/dk_11 has a 1 at 25 places
    return _misprint(
        by_value == 25, by_position == 25 != right, "by position: equal entries, and zeros, have their own"
    )


def order_of_2_1() -> Judged:
    """(2.1) as printed, from ``A_0``, ``A_1`` and ``A_-1``, against the M of the vec of Section 2.2."""
    K, N = start_kernel(3, 1, 1)[:, :, 0, 0], 5
    A1, A0, A_1 = (toeplitz([row[1], row[0], *[0] * (N - 2)], [row[1], row[2], *[0] * (N - 2)]) for row in K)
    printed = np.kron(np.eye(N), A0) + np.kron(np.eye(N, k=-1), A1) + np.kron(np.eye(N, k=1), A_1)
    fits = [np.array_equal(printed, conv_matrix(kernel, N).toarray()) for kernel in (K, K.T)]
    return _misprint(fits[0], fits[1], "for vec, which stacks columns, k_qp for k_pq; as printed it stacks rows")


SLIPS = (
    Claim("Section 1", "The reshaped kernel is h x (gk)", reshaped_size, "08"),
    Claim("Theorem 2.1, proof", "M'M has the eigenvalues lambda_1 to lambda_m", eigenvalues_in_theorem_2_1, "02"),
    Claim("(2.1)", "The matrix printed is that of vec(Y) = M vec(X)", order_of_2_1, "01"),
    Claim("Lemma 2.1", "A is m x m (n >= p)", size_in_lemma_2_1, "03"),
    Claim("Lemma 2.2", "e_k is a column of the n x n identity", unit_vectors_of_2_2, "03"),
    Claim("Theorems 2.2, 2.3", "Omega is the set of (i, j) with m_ij = k_pq", positions_by_value, "01"),
    Claim("Theorem 2.3, (2.5)", "The gradient is that of sigma_max(M'M - I)", alpha_in_2_5, "03"),
)
