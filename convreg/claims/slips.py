"""Slips of Sections 1 to 2.1: what fails as it is printed, and holds with the correction.

A predicate computes its own evidence, for what is printed and for the correction. The slips in the
gradients and in Algorithm 2.1 stand in `convreg.claims.gradient_slips`.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import toeplitz

from convreg.claims.definitions import Claim, Judged, is_gradient, misprint
from convreg.claims.sections import LEMMA_2_1, MATRIX, PENALTY, RESHAPED
from convreg.examples import identity, start_kernel
from convreg.gradients import singular_value_gradient
from convreg.matrix import conv_matrix
from convreg.penalty import penalty
from convreg.studies.alternatives import reshaped, spectral_norm_penalty, spectral_normalization


def reshaped_size() -> Judged:
    """The columns of the reshaped kernel, the taps that an output pixel reads: gk, or gk^2?"""
    K = start_kernel(3, 3, 6)
    k, _, g, _ = K.shape
    columns = reshaped(K).shape[1]
    read = int(np.count_nonzero(conv_matrix(K, 5).toarray(), axis=1).max())
    correction = f"h x (gk^2): an output pixel of 3x3x3x6 reads {read} taps"
    return misprint(columns == read == g * k, columns == read == g * k**2, correction)


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
    return misprint(one and abs(penalised - 1) < 1e-9, one and penalised < 1, correction)


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
        f"{first:.3g}, all n give {every:.3g}"
    )
    return misprint(abs(first - R) < 1e-9, abs(every - R) < 1e-9, correction)


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
    return misprint(as_printed, transposed, correction)


def simple_is_enough() -> Judged:
    """The two one-sided slopes of the second singular value of diag(1, s) in the entry (2, 2)."""
    zero = _slopes(0.0)
    positive = _slopes(0.5)
    correction = (
        f"simple and positive: in the entry (2, 2) the singular value 0 of diag(1, 0) has the "
        f"slopes {zero[0]:+.3g} and {zero[1]:+.3g} to the two sides"
    )
    smooth = [abs(right - left) < 1e-9 for right, left in (zero, positive)]
    return misprint(all(smooth), smooth[1], correction)


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
    return misprint(square and not (tall or wide), all(right), correction)


SLIPS = (
    Claim("Section 1", "The reshaped kernel is h x (gk)", reshaped_size, RESHAPED),
    Claim(
        "Section 1",
        "[17, 24] normalise the reshaped kernel by its spectral norm",
        both_normalise,
        RESHAPED,
    ),
    Claim(
        "Theorem 2.1, proof",
        "M'M has the eigenvalues lambda_1 to lambda_m",
        eigenvalues_in_theorem_2_1,
        PENALTY,
    ),
    Claim("(2.1)", "The matrix printed is that of vec(Y) = M vec(X)", order_of_2_1, MATRIX),
    Claim(
        "Lemma 2.1", "A singular value that is simple has a gradient", simple_is_enough, LEMMA_2_1
    ),
    Claim("Lemma 2.1", "A is m x m (n >= p)", size_in_lemma_2_1, LEMMA_2_1),
)
