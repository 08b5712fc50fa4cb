"""Section 2: the penalty, the structure of M and the gradients.

A predicate computes its own evidence, mostly from the paper's start kernels on small images, and returns a
verdict with the numbers behind it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg.claims import CENTRE, Claim, Judged, each, order, verdict
from convreg.convolution import ConvolutionOperator
from convreg.descent import minimize_penalty
from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values
from convreg.gradients import penalty_matrix_gradient, singular_value_gradient
from convreg.lanczos import leading_triplets
from convreg.matrix import conv_matrix
from convreg.penalty import penalty, penalty_gradient, shifted_gram, singular_value_bounds


def _orders(orders: list[float]) -> Judged:
    measured = f"Taylor remainders of order {each(orders, 2)}"
    return verdict(all(abs(one - 2) < 0.1 for one in orders), False), measured


def theorem_2_1() -> Judged:
    """The bounds on a line of kernels from one with R_alpha = 0, wherever R_alpha < alpha."""
    D, alpha = start_kernel(3, 1, 2), 2.0
    line = [alpha**0.5 * CENTRE[:, :, None, None] * np.eye(2)[:1] + s * D for s in np.linspace(0.005, 0.12, 20)]
    ends = [(*extreme_singular_values(K, 8), penalty(K, 8, alpha) / alpha) for K in line]
    rows = [(largest, smallest, *singular_value_bounds(alpha, t)) for largest, smallest, t in ends if t < 1]
    largest, smallest, lower, upper, kappa = np.array(rows).T
    inside = np.all((lower <= smallest + 1e-9) & (largest <= upper + 1e-9) & (largest / smallest <= kappa + 1e-9))
    tight = np.max(np.minimum(smallest - lower, upper - largest))
    measured = f"inside the bounds, one of them attained to {tight + 1e-12:.0e}, at {len(rows)} kernels"
    return verdict(bool(inside), False), measured.replace("attained to 1e-12", "attained")


def norms_are_nearly_kept() -> Judged:
    """The change of the squared norm is at most R_1 times it, on random images; the leading vector attains it."""
    K, N = start_kernel(3, 1, 3), 8
    M, R = ConvolutionOperator(K, N), penalty(K, N)
    X = np.random.default_rng(0).standard_normal((N**2, 50))
    X[:, 0] = leading_triplets(shifted_gram(M), 1)[0].v
    change = np.abs(np.sum((M @ X) ** 2, axis=0) / np.sum(X**2, axis=0) - 1)
    bounded, attained = bool(np.all(change <= R * (1 + 1e-9))), bool(np.isclose(change[0], R, rtol=1e-9))
    measured = (
        f"the squared norm changes by at most {change.max():.3g} times itself, R_1 = {R:.3g}, 3x3x1x3, N = 8"
    )
    return verdict(bounded and attained, bounded), measured


def below_alpha_is_sufficient() -> Judged:
    """How far Algorithm 2.1 brings R_alpha below alpha in 200 steps, for h >= g and for h < g."""
    lowest = []
    for g, h in ((1, 3), (3, 1)):
        kernel = minimize_penalty(start_kernel(3, g, h), 8, iterations=200, diagnostics=False).kernel
        lowest.append(penalty(kernel, 8))
    measured = f"after 200 steps R_1 = {lowest[0]:.2f} for 3x3x1x3; {lowest[1]:.2f}, never below, for 3x3x3x1"
    return verdict(max(lowest) < 1 - 1e-9, min(lowest) < 1), measured


def larger_alpha_needs_less() -> Judged:
    """R_alpha / alpha of the start kernel, the factor by which R_alpha has to fall, against alpha."""
    factors = [penalty(start_kernel(3, 1, 3), 15, alpha) / alpha for alpha in (0.1, 1, 5, 10)]
    return verdict(
        bool(np.all(np.diff(factors) < 0)), False
    ), f"R_alpha / alpha for 0.1, 1, 5, 10: {each(factors)}"


def minimum_is_not_small() -> Judged:
    """The smallest value of R_1: 0 for h >= g, where it is reached without off-centre taps, and 1 for h < g."""
    wide = [penalty(s * start_kernel(3, 3, 1), 8) for s in np.linspace(0, 1, 21)]
    tall = penalty(CENTRE[:, :, None, None] * np.eye(3)[:1], 8)
    measured = f"it is {tall:.3g} for h >= g (centre taps only) and {min(wide):.3g} for h < g, for want of rank"
    return verdict(tall > 0.1 and min(wide) > 0.1, min(wide) > 0.1), measured


def doubly_block_toeplitz() -> Judged:
    """Blocks that depend on their block diagonal only, Toeplitz and banded themselves."""
    N = 6
    blocks = conv_matrix(start_kernel(3, 1, 1), N).toarray().reshape(N, N, N, N).swapaxes(1, 2)
    tridiagonal = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) <= 1
    outer = all(np.array_equal(blocks[i, j], blocks[i + 1, j + 1]) for i in range(N - 1) for j in range(N - 1))
    inner = all(np.array_equal(B[:-1, :-1], B[1:, 1:]) for B in blocks.reshape(-1, N, N))
    banded = not blocks[~tridiagonal].any() and not blocks[:, :, ~tridiagonal].any()
    return verdict(outer and inner and banded, False), f"{N * N} x {N * N}, equal along every (block) diagonal"


def blocks_of_2_4() -> Judged:
    """Block (c, d) of M is the one-channel matrix of K[:, :, d, c]."""
    K, N = start_kernel(3, 2, 3), 5
    blocks = conv_matrix(K, N).toarray().reshape(3, N * N, 2, N * N)
    same = [
        np.array_equal(blocks[c, :, d], conv_matrix(K[:, :, d, c], N).toarray()) for c in range(3) for d in (0, 1)
    ]
    return verdict(all(same), False), "no difference in any of the 6 blocks of 3x3x2x3"


def lemma_2_1() -> Judged:
    """uv' against the Taylor remainders of the largest singular value of a random matrix."""
    A = np.random.default_rng(0).standard_normal((12, 12))
    _, u, v = leading_triplets(A, 1)[0]
    return _orders([order(lambda A: np.linalg.norm(A, 2), A, singular_value_gradient(u, v))])


def _both_ends(g: int, h: int) -> list[NDArray]:
    """A kernel with u = v and one with u = -v for alpha = 1, N = 6."""
    K = start_kernel(3, g, h)
    delta = CENTRE[:, :, None, None] * np.eye(g, h)
    return [K, 0.6 * delta - 0.3 / extreme_singular_values(K, 6)[0] * K]


def lemma_2_2() -> Judged:
    """(2.2) against the Taylor remainders in M, with u = v and with u = -v."""
    orders = []
    for K in _both_ends(2, 3):
        M = conv_matrix(K, 6).toarray()
        _, u, v = leading_triplets(shifted_gram(M), 1)[0]
        orders.append(order(_penalty_of_matrix, M, penalty_matrix_gradient(M, u, v)))
    return _orders(orders)


def _penalty_of_matrix(M: NDArray) -> float:
    return float(np.linalg.norm(M.T @ M - np.eye(M.shape[1]), 2))


def _theorem(g: int, h: int) -> Judged:
    return _orders([order(lambda K: penalty(K, 6), K, penalty_gradient(K, 6)[1]) for K in _both_ends(g, h)])


def theorem_2_2() -> Judged:
    """(2.3) against the Taylor remainders in a kernel of one channel."""
    return _theorem(1, 1)


def theorem_2_3() -> Judged:
    """(2.5) against the Taylor remainders in a kernel of several channels."""
    return _theorem(2, 3)


def only_row_and_column_j() -> Judged:
    """Which entries of M'M change with m_ij."""
    M = conv_matrix(start_kernel(3, 2, 1), 4).toarray()
    changed, j = M.copy(), 5
    changed[3, j] += 1
    rows, columns = np.nonzero(changed.T @ changed - M.T @ M)
    return verdict(
        bool(np.all((rows == j) | (columns == j))), False
    ), f"{len(rows)} entries, all in row or column j"


def left_is_plus_or_minus_right() -> Judged:
    """u'v for a kernel whose upper end of the spectrum is farther from alpha, and for one whose lower end is."""
    signs = []
    for K in _both_ends(1, 3):
        _, u, v = leading_triplets(shifted_gram(ConvolutionOperator(K, 6)), 1)[0]
        signs.append(float(u @ v))
    return verdict(
        np.allclose(signs, [1, -1], rtol=0, atol=1e-8), False
    ), f"u'v = {signs[0]:+.3f} and {signs[1]:+.3f}"


def sparse() -> Judged:
    """The fraction of entries of M that are taps."""
    M = conv_matrix(start_kernel(3, 3, 1), 15)
    fraction = M.nnz / (M.shape[0] * M.shape[1])
    return verdict(fraction < 0.05, fraction < 0.5), f"{fraction:.1%} of the entries for 3x3x3x1, N = 15"


SECTION_2_CLAIMS = (
    Claim("Section 2", "A small R_1 gives (1.3), a norm that is nearly kept", norms_are_nearly_kept, "00"),
    Claim(
        "Theorem 2.1", "R_alpha < t alpha bounds the singular values and the condition number", theorem_2_1, "02"
    ),
    Claim(
        "Sections 1, 2",
        "It is enough to bring R_alpha below alpha, for bounded singular values",
        below_alpha_is_sufficient,
        "07",
    ),
    Claim("Section 2", "With a larger alpha less reduction is needed", larger_alpha_needs_less, "02"),
    Claim(
        "Section 2",
        "The minimum of R_1 may not be close to 0, K having few parameters",
        minimum_is_not_small,
        "07",
    ),
    Claim("(2.1)", "M is doubly block banded Toeplitz", doubly_block_toeplitz, "01"),
    Claim("(2.4)", "Its blocks are the one-channel matrices", blocks_of_2_4, "01"),
    Claim("Lemma 2.1", "The gradient of a singular value is uv'", lemma_2_1, "03"),
    Claim("Lemma 2.2, (2.2)", "The gradient of R_alpha in M", lemma_2_2, "03"),
    Claim("Section 2.1", "An entry m_ij touches row and column j of M'M only", only_row_and_column_j, "00"),
    Claim("Theorem 2.2, (2.3)", "The gradient of R_alpha in a kernel of one channel", theorem_2_2, "03"),
    Claim("Theorem 2.3, (2.5)", "The gradient of R_alpha in a kernel of several channels", theorem_2_3, "03"),
    Claim("Section 2.1", "u = v or u = -v", left_is_plus_or_minus_right, "02"),
    Claim("Section 2.1", "M is quite sparse", sparse, "00"),
)
