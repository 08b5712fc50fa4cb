"""Section 1: why the singular values of M, and what the paper says of other methods.

A predicate computes its own evidence, mostly from the paper's start kernels, and returns a verdict with the
numbers behind it.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from convreg import alternatives
from convreg.barrier import column_norm_bound
from convreg.claims import CENTRE, OPEN, Claim, Judged, each, verdict
from convreg.convolution import convolve, vec
from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix
from convreg.penalty import penalty


def linear() -> Judged:
    """M(K) vec(X) is vec(K * X), exactly, for integers; odd and even k."""
    rng = np.random.default_rng(0)
    gaps = []
    for k in (3, 4):
        K, X = rng.integers(-9, 9, (k, k, 2, 3)).astype(float), rng.integers(-9, 9, (7, 7, 2)).astype(float)
        gaps.append(np.abs(conv_matrix(K, 7) @ vec(X) - vec(convolve(K, X))).max())
    return verdict(max(gaps) == 0, False), "no difference, for integers, k = 3 and k = 4"


def one_channel_is_a_case() -> Judged:
    """(1.1) is (1.2) with one channel."""
    K, X = start_kernel(3, 1, 1), matlab_rand(6, 6, 1, state=2)
    same = np.array_equal(convolve(K[:, :, 0, 0], X[:, :, 0]), convolve(K, X)[:, :, 0])
    return verdict(same, False), "no difference"


def equations_and_parameters() -> Judged:
    """The entries on and above the diagonal of M'M, and the entries of K."""
    K, N = start_kernel(3, 3, 1), 15
    n, (k, _, g, h) = conv_matrix(K, N).shape[1], K.shape
    equations = len(np.triu_indices(n)[0])
    right = n == g * N**2 and equations == g * N**2 * (g * N**2 + 1) // 2 and K.size == k**2 * g * h
    return verdict(right, False), f"{equations} equations, {K.size} parameters for 3x3x3x1, N = 15"


def orthonormal_columns_are_rare() -> Judged:
    """A kernel without off-centre taps reaches M'M = I; one with any such tap cannot, by the column norms."""
    R = penalty(CENTRE, 9)
    bounds = [column_norm_bound(CENTRE + 0.5 * np.eye(9)[tap].reshape(3, 3), 9) for tap in range(9) if tap != 4]
    measured = f"R_1 = {R:.3g} with centre taps only; with an off-centre tap of 0.5, R_1 >= {min(bounds):.3g}"
    return verdict(R >= 1e-12 and min(bounds) > 0, min(bounds) > 0), measured


def periodic_and_orthogonal() -> Judged:
    """A kernel whose DFT has modulus 1: the singular values of its convolution, periodic and zero-padded."""
    K = alternatives.unit_modulus_kernel(15)
    sigma = alternatives.periodic_singular_values(K, 15)
    top, bottom = extreme_singular_values(K, 15)
    measured = (
        f"periodic singular values {bottom_to_top(sigma[-1], sigma[0])}; zero-padded {bottom_to_top(bottom, top)}"
    )
    return verdict(bool(np.abs(sigma - 1).max() < 1e-12), False), measured


def bottom_to_top(low: float, high: float) -> str:
    """A range in words.

    >>> bottom_to_top(0.5, 2)
    '0.5 to 2'
    """
    return f"{low:.3g} to {high:.3g}"


def scaling_is_conditioning() -> Judged:
    """min over c of R_alpha(cK) is alpha (kappa^2 - 1) / (kappa^2 + 1) for h >= g, and alpha for h < g."""
    tall, wide = (
        minimize_scalar(lambda c, K=K: penalty(c * K, 8), bounds=(0, 1), options={"xatol": 1e-9}).fun
        for K in (start_kernel(3, 1, 3), start_kernel(3, 3, 1))
    )
    largest, smallest = extreme_singular_values(start_kernel(3, 1, 3), 8)
    square = (largest / smallest) ** 2
    same = bool(np.isclose(tall, (square - 1) / (square + 1), rtol=1e-6))
    measured = (
        f"h >= g: the best multiple of K has R_1 = (kappa^2 - 1) / (kappa^2 + 1), {tall:.4f}; h < g: {wide:.4f}"
    )
    return verdict(same and wide < 1 - 1e-9, same), measured


def reshaped_matrix_says_little() -> Judged:
    """Two kernels with the same singular values of W; sigma_max(M) within a factor k of sigma_max(W)."""
    kernels = (CENTRE, np.full((3, 3), 1 / 3))
    norms = [np.linalg.norm(alternatives.reshaped(K), 2) for K in kernels]
    ends = [extreme_singular_values(K, 15) for K in kernels]
    kappas = [largest / smallest for largest, smallest in ends]
    bounded = all(norm - 1e-12 <= largest <= 3 * norm for norm, (largest, _) in zip(norms, ends, strict=True))
    blind = np.ptp(norms) < 1e-12 and max(kappas) > 100 * min(kappas)
    measured = f"the same W W', kappa(M) {each(kappas)}; but sigma_max(W) <= sigma_max(M) <= k sigma_max(W)"
    return verdict(blind and not bounded, blind), measured


def projection_loses_the_bound() -> Judged:
    """The periodic singular values of the start kernels clipped at 1 and cut back to 3 x 3 taps."""
    kernels = [start_kernel(3, g, h) for g, h in ((3, 1), (3, 6), (6, 3))]
    largest = [alternatives.periodic_singular_values(alternatives.clip_periodic(K, 15), 15)[0] for K in kernels]
    return verdict(min(largest) > 1.01, max(largest) > 1.01), f"clipped at 1, the largest are {each(largest)}"


def jacobian_bounds_the_signal() -> Judged:
    """The smallest and the largest ``|M'y| / |y|`` over all y, against the extreme singular values."""
    ranges, inside = [], []
    for g, h in ((3, 1), (1, 3)):
        M = conv_matrix(start_kernel(3, g, h), 8).toarray()
        factors = np.sqrt(np.maximum(np.linalg.eigvalsh(M @ M.T)[[0, -1]], 0))
        sigma = np.linalg.svd(M, compute_uv=False)[[-1, 0]]
        ranges.append(bottom_to_top(*(factors * (factors > 1e-6))))
        inside.append([abs(factors[0] - sigma[0]) < 1e-6, abs(factors[1] - sigma[1]) < 1e-6])
    whole, part = np.all(inside), np.all(inside, axis=0)[1]
    measured = f"changed by {ranges[0]} for 3x3x3x1; by {ranges[1]} for 3x3x1x3, where M' has a null space"
    return verdict(bool(whole), bool(part)), measured


def not_decided() -> Judged:
    """A statement about training in general; `convreg.claims.training` judges one small network."""
    return OPEN, "judged for one small network, in notebook 10"


SECTION_1_CLAIMS = (
    Claim("(1.1), (1.2)", "A convolution is linear, vec(Y) = M vec(X)", linear, "01"),
    Claim("Section 1", "(1.1) is (1.2) with one channel", one_channel_is_a_case, "01"),
    Claim(
        "Section 1",
        "M'M = I is gN^2(gN^2 + 1)/2 equations, K has k^2gh parameters",
        equations_and_parameters,
        "00",
    ),
    Claim("Section 1", "So M'M = I is in general impossible", orthonormal_columns_are_rare, "07"),
    Claim(
        "Section 1",
        "One channel, periodic, k = N: an orthogonal M can be made",
        periodic_and_orthogonal,
        "08",
    ),
    Claim(
        "Sections 1, 2", "Up to a scaling, R_alpha is about the condition number", scaling_is_conditioning, "02"
    ),
    Claim(
        "Section 1", "Methods on the reshaped kernel have no clear impact on M", reshaped_matrix_says_little, "08"
    ),
    Claim("Section 1", "Projecting to small kernels may lose the bound of [18]", projection_loses_the_bound, "08"),
    Claim(
        "Section 1.1",
        "The singular values of M bound what becomes of a backpropagated signal",
        jacobian_bounds_the_signal,
        "00",
    ),
    Claim("Sections 1, 1.1", "(1.3) helps training and generalisation", not_decided, "10"),
)
