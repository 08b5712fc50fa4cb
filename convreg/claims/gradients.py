"""Sections 2.1 and 2.2: the structure of M, and the gradients.

A predicate computes its own evidence, mostly from the paper's start kernels on small images, and
returns a verdict with the numbers behind it. A gradient is right where its Taylor remainders have
the order 2.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from convreg.claims.definitions import (
    BY_DEFINITION,
    Claim,
    Judged,
    by_threshold,
    each,
    order,
    verdict,
)
from convreg.claims.sections import LEMMA_2_1, LEMMA_2_2, MATRIX, SIGNS, THEOREMS_2_2_AND_2_3
from convreg.convolution import ConvolutionOperator
from convreg.examples import start_kernel
from convreg.gradients import penalty_matrix_gradient, singular_value_gradient
from convreg.gram import shifted_gram
from convreg.lanczos import leading_triplets
from convreg.matrix import conv_matrix
from convreg.penalty import penalty, penalty_gradient
from convreg.studies.gradient_checks import both_signs


def doubly_block_toeplitz() -> Judged:
    """Blocks that depend on their block diagonal only, Toeplitz and banded themselves."""
    N = 6
    M = conv_matrix(start_kernel(3, 1, 1), N).toarray()
    blocks = M.reshape(N, N, N, N).swapaxes(1, 2)
    outer = np.array_equal(blocks[1:, 1:], blocks[:-1, :-1])
    inner = np.array_equal(blocks[:, :, 1:, 1:], blocks[:, :, :-1, :-1])
    far = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) > 1
    banded = not blocks[far].any() and not blocks[:, :, far].any()
    measured = f"{N * N} x {N * N}, equal along every (block) diagonal"
    return Judged(verdict(outer and inner and banded, False), measured)


def lemma_2_1() -> Judged:
    """uv' against the Taylor remainders of three singular values, all simple and positive."""
    A = np.random.default_rng(0).standard_normal((12, 12))
    U, _, Vt = np.linalg.svd(A)
    orders = []
    for at in (0, 5, 11):
        sigma = partial(_singular_value, at)
        orders.append(order(sigma, A, singular_value_gradient(U[:, at], Vt[at])))
    return _right(orders, "for the largest, the 6th and the smallest of 12, simple and positive")


def _singular_value(at: int, A: NDArray) -> float:
    """The singular value number `at`, from 0."""
    return float(np.linalg.svd(A, compute_uv=False)[at])


def _right(orders: list[float], of: str) -> Judged:
    """The verdict on gradients with Taylor remainders of these orders, 2 where they are right.

    >>> _right([1.98, 1.02], "in two directions").verdict
    'does not hold'
    """
    right = all(round(one) == 2 for one in orders)
    return Judged(verdict(right, False), f"Taylor remainders of order {each(orders, 2)} {of}")


def only_row_and_column_j() -> Judged:
    """How many entries of M'M change with m_ij; entry (s, t) is made of the columns s and t."""
    M = conv_matrix(start_kernel(3, 2, 1), 4).toarray()
    changed = M.copy()
    changed[3, 5] += 1
    count = np.count_nonzero(changed.T @ changed - M.T @ M)
    measured = f"{count} entries of row and column j, the paper's j-th volume, of 32 x 32"
    return Judged(BY_DEFINITION, measured)


def lemma_2_2() -> Judged:
    """(2.2) against the Taylor remainders in M, with u = v and with u = -v."""
    orders = []
    for K in both_signs(start_kernel(3, 2, 3), 6, 1.0).values():
        M = conv_matrix(K, 6).toarray()
        _, u, v = leading_triplets(shifted_gram(M), 1)[0]
        orders.append(order(_penalty_of_matrix, M, penalty_matrix_gradient(M, u, v)))
    return _right(orders, "with u = v and u = -v")


def _penalty_of_matrix(M: NDArray) -> float:
    """R_1 of a matrix: the norm of M'M - I."""
    return float(np.linalg.norm(M.T @ M - np.eye(M.shape[1]), 2))


def theorem_2_2() -> Judged:
    """(2.3) against the Taylor remainders in a kernel of one channel."""
    return _theorem(1, 1)


def theorem_2_3() -> Judged:
    """(2.5) against the Taylor remainders in a kernel of several channels."""
    return _theorem(2, 3)


def _theorem(g: int, h: int) -> Judged:
    """The gradient of R_1 in kernels of g and h channels, with u = v and with u = -v."""
    orders = []
    for K in both_signs(start_kernel(3, g, h), 6, 1.0).values():
        _, G = penalty_gradient(K, 6)
        orders.append(order(lambda K: penalty(K, 6), K, G))
    return _right(orders, "with u = v and u = -v")


def left_is_plus_or_minus_right() -> Judged:
    """u'v where the upper end of the spectrum is farther from alpha, and where the lower one is."""
    signs = []
    for K in both_signs(start_kernel(3, 1, 3), 6, 1.0).values():
        _, u, v = leading_triplets(shifted_gram(ConvolutionOperator(K, 6)), 1)[0]
        signs.append(float(u @ v))
    measured = f"u'v = {signs[0]:+.3f} for a largest eigenvalue, {signs[1]:+.3f} for a smallest"
    return Judged(verdict(np.allclose(signs, [1, -1], rtol=0, atol=1e-8), False), measured)


def sparse() -> Judged:
    """The fraction of entries of M that are taps; in part: at most a half."""
    M = conv_matrix(start_kernel(3, 3, 1), 15)
    fraction = M.nnz / (M.shape[0] * M.shape[1])
    return by_threshold(
        lambda most: verdict(fraction <= most, fraction <= 0.5),
        threshold=0.05,
        found=fraction,
        asks="a fraction of at most",
        measured=f"{fraction:.1%} of the entries for 3x3x3x1, N = 15",
    )


def blocks_of_2_4() -> Judged:
    """Block (c, d) of M is the one-channel matrix of K[:, :, d, c]."""
    N = 5
    K = start_kernel(3, 2, 3)
    blocks = conv_matrix(K, N).toarray().reshape(3, N * N, 2, N * N)
    same = []
    for c, d in np.ndindex(3, 2):
        one_channel = conv_matrix(K[:, :, d, c], N).toarray()
        same.append(np.array_equal(blocks[c, :, d], one_channel))
    return Judged(verdict(all(same), False), "no difference in any of the 6 blocks of 3x3x2x3")


GRADIENT_CLAIMS = (
    Claim("(2.1)", "M is doubly block banded Toeplitz", doubly_block_toeplitz, MATRIX),
    Claim(
        "Lemma 2.1",
        "The gradient of a simple singular value, where it is positive, is uv'",
        lemma_2_1,
        LEMMA_2_1,
    ),
    Claim(
        "Section 2.1",
        "An entry m_ij touches row and column j of M'M only",
        only_row_and_column_j,
        LEMMA_2_2,
    ),
    Claim("Lemma 2.2, (2.2)", "The gradient of R_alpha in M", lemma_2_2, LEMMA_2_2),
    Claim(
        "Theorem 2.2, (2.3)",
        "The gradient of R_alpha in a kernel of one channel",
        theorem_2_2,
        THEOREMS_2_2_AND_2_3,
    ),
    Claim("Section 2.1", "u = v or u = -v", left_is_plus_or_minus_right, SIGNS),
    Claim("Section 2.1", "M is quite sparse", sparse, MATRIX),
    Claim("(2.4)", "Its blocks are the one-channel matrices", blocks_of_2_4, MATRIX),
    Claim(
        "Theorem 2.3, (2.5)",
        "The gradient of R_alpha in a kernel of several channels",
        theorem_2_3,
        THEOREMS_2_2_AND_2_3,
    ),
)
