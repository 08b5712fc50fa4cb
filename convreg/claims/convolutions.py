"""Section 1: a convolution is a matrix M, and what M'M = I would ask of it.

A predicate computes its own evidence, mostly from the paper's start kernels, and returns a verdict
with the numbers behind it. The sentences stand in the table at the end, in the paper's order.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate2d

from convreg.claims.definitions import BY_DEFINITION, Claim, Judged, each, is_gradient, verdict
from convreg.claims.sections import (
    BORDER,
    CONVOLUTION,
    EQUATIONS,
    MATRIX,
    PERIODIC,
    STRIDES,
    TAPS,
    WAY_BACK,
)
from convreg.claims.signals import backpropagated
from convreg.convolution import convolve, vec
from convreg.examples import identity, start_kernel
from convreg.extremes import extreme_singular_values
from convreg.geometry import Size, padding
from convreg.gradients import penalty_matrix_gradient
from convreg.gram import shifted_gram
from convreg.lanczos import leading_triplets
from convreg.matrix import conv_matrix, conv_matrix_adjoint
from convreg.penalty import penalty
from convreg.studies import periodic
from convreg.studies.barrier import column_norm_bound
from convreg.studies.geometries import settings
from convreg.studies.layers import resnet18
from convreg.studies.strides import always_singular


def several_strides_and_paddings() -> Judged:
    """Strides and paddings of `convolve` against SciPy's correlation; those of ResNet-18."""
    rng = np.random.default_rng(0)
    K = rng.integers(-9, 9, (3, 3))
    X = rng.integers(-9, 9, (8, 8))
    same = []
    wrapped = np.pad(X, 1, "wrap")
    patterns = ((2, "same", np.pad(X, 1)), (3, "valid", X), (1, 2, np.pad(X, 2)))
    for stride, how, padded in (*patterns, (2, "circular", wrapped)):
        every = correlate2d(padded, K, mode="valid")
        Y = convolve(K, X, stride=stride, padding=how)
        same.append(np.array_equal(Y, every[::stride, ::stride]))
    layers = resnet18()
    strides = sorted({layer.stride for layer in layers})
    paddings = sorted({padding(layer.k)[0] for layer in layers})
    measured = (
        f"without a flip: no difference from a correlation by SciPy, padded before and thinned "
        f"after, for integers, in {sum(same)} of {len(same)} patterns; ResNet-18 has the strides "
        f"{each(strides)} and {each(paddings)} pixels of padding"
    )
    used = min(len(strides), len(paddings)) > 1
    return Judged(verdict(all(same) and used, all(same)), measured)


def stride_and_padding_are_no_loss() -> Judged:
    """Whether (2.5) holds for other geometries; what they do to R_1, and to M'M in ResNet-18."""
    N = 6
    cases = settings(start_kernel(3, 1, 3), N)
    right = [_has_its_gradient(*case) for case in cases.values()]
    tap = identity(3, 1, 3)
    shift = np.eye(9)[3].reshape(3, 3)
    strides = [penalty(tap, N), penalty(tap, N, stride=2)]
    paddings = [penalty(shift, N), penalty(shift, N, padding="circular")]
    same = max(np.ptp(strides), np.ptp(paddings)) < 1e-9
    tall, singular = _tall_and_singular()
    measured = (
        f"the gradient is right in {sum(right)} of {len(right)} geometries; but R_1 of the "
        f"identity tap, 3x3x1x3, is {strides[0]:.3g} with stride 1 and {strides[1]:.3g} with "
        f"stride 2, where M is wide (h < 4g), R_1 of a shift is {paddings[0]:.3g} with zero "
        f"padding and {paddings[1]:.3g} with circular; {tall} of ResNet-18's convolutions have "
        f"h >= g, but in {singular} of them M'M is singular for every K"
    )
    return Judged(verdict(all(right) and same and singular == 0, all(right)), measured)


def _tall_and_singular() -> tuple[int, int]:
    """How many of ResNet-18's convolutions have h >= g, and in how many of them M'M is singular."""
    tall = [layer for layer in resnet18() if layer.h >= layer.g]
    singular = [layer for layer in tall if always_singular(layer, "columns")]
    return sum(layer.count for layer in tall), sum(layer.count for layer in singular)


def _has_its_gradient(K: NDArray, N: Size, how: dict[str, Any]) -> bool:
    """Whether Lemma 2.2 and the chain rule give the gradient of R_1."""
    M = conv_matrix(K, N, **how).toarray()
    _, u, v = leading_triplets(shifted_gram(M), 1)[0]
    G = conv_matrix_adjoint(penalty_matrix_gradient(M, u, v), K.shape, N, **how)
    return is_gradient(lambda K: penalty(K, N, **how), K, G)


def vec_stacks_columns() -> Judged:
    """vec of an image with 4 columns and 3 channels, against the columns one after another."""
    X = np.random.default_rng(0).standard_normal((4, 4, 3))
    columns = [X[:, j, d] for d in range(3) for j in range(4)]
    same = np.array_equal(vec(X), np.concatenate(columns))
    return Judged(verdict(same, False), "the columns of the first channel, then of the second, ...")


def linear() -> Judged:
    """M(K) vec(X) is vec(K * X), exactly, for integers; odd and even k."""
    rng = np.random.default_rng(0)
    gaps = []
    for k in (3, 4):
        K = rng.integers(-9, 9, (k, k, 2, 3)).astype(float)
        X = rng.integers(-9, 9, (7, 7, 2)).astype(float)
        gaps.append(np.abs(conv_matrix(K, 7) @ vec(X) - vec(convolve(K, X))).max())
    return Judged(verdict(max(gaps) == 0, False), "no difference, for integers, k = 3 and k = 4")


def one_channel_is_a_case() -> Judged:
    """(1.2) with g = h = 1 against (1.1), SciPy's correlation of a padded image; odd and even k."""
    rng = np.random.default_rng(0)
    same = []
    for k in (3, 4):
        K = rng.integers(-9, 9, (k, k))
        X = rng.integers(-9, 9, (7, 7))
        m = -(-k // 2)
        padded = np.pad(X, (m - 1, k - m))  # x_{r-m+p}: from m - 1 pixels before to k - m after
        Y = convolve(K[:, :, np.newaxis, np.newaxis], X[:, :, np.newaxis])
        same.append(np.array_equal(Y[:, :, 0], correlate2d(padded, K, mode="valid")))
    measured = "no difference from a correlation by SciPy, for integers, k = 3 and k = 4"
    return Judged(verdict(all(same), False), measured)


def kept_norms_bound_gradients() -> Judged:
    """Near the identity: how far ``|Y| / |X|`` can be from 1, and the largest ``|M'y| / |y|``."""
    N = 8
    K = identity(3, 1, 3) + 0.01 * start_kernel(3, 1, 3)
    ends = np.array(extreme_singular_values(K, N))
    change = float(max(np.abs(ends - 1)))
    _, largest = backpropagated(K, N)
    measured = (
        f"where norms change by at most {change:.1%} on the way through a layer, on the way back "
        f"they grow by at most {largest - 1:.1%}; 3x3x1x3, N = 8"
    )
    return Judged(verdict(largest <= 1 + change + 1e-12, False), measured)


def equations_and_parameters() -> Judged:
    """The entries on and above the diagonal of M'M, and those of K."""
    N = 15
    K = start_kernel(3, 3, 1)
    equations = _equations(conv_matrix(K, N).shape[1])
    return Judged(BY_DEFINITION, f"{equations} equations, {K.size} parameters for 3x3x3x1, N = 15")


def _equations(n: int) -> int:
    """How many entries a symmetric n x n matrix has."""
    return n * (n + 1) // 2


def orthonormal_columns_are_rare() -> Judged:
    """R_1 of random kernels and of the identity with a little of them, against the column norms."""
    N = 6
    rng = np.random.default_rng(0)
    bounds = []
    values = []
    for k, g, h in ((3, 1, 1), (3, 1, 3), (3, 3, 1), (2, 2, 3), (5, 1, 2)):
        W = rng.standard_normal((k, k, g, h))
        for K in (W, identity(k, g, h) + 0.1 * W, identity(k, g, h) + 0.01 * W):
            bounds.append(column_norm_bound(K, N))
            values.append(penalty(K, N))
    exception = penalty(identity(3, 1, 3), N)
    away = [1e-12 < bound <= R * (1 + 1e-9) for bound, R in zip(bounds, values, strict=True)]
    measured = (
        f"at {len(values)} kernels of 5 shapes R_1 is at least {min(bounds):.2g}, by the column "
        f"norms; the exceptions, where N >= k, have centre taps only: the identity tap has R_1 = "
        f"{exception:.3g}"
    )
    return Judged(verdict(all(away), any(away)), measured)


def counting_decides() -> Judged:
    """How many of the equations M'M = I an identity tap satisfies, which has fewer parameters."""
    N = 15
    solved = []
    words = []
    for k, g, h in ((3, 1, 3), (1, 3, 3)):
        K = identity(k, g, h)
        M = conv_matrix(K, N).toarray()
        residual = np.triu(M.T @ M - np.eye(M.shape[1]))
        equations = _equations(M.shape[1])
        satisfied = equations - np.count_nonzero(residual)
        solved.append(satisfied == equations > K.size)
        words.append(f"{satisfied} of {equations} for the {K.size} parameters of {k}x{k}x{g}x{h}")
    measured = f"an identity tap satisfies {' and '.join(words)}, N = 15"
    return Judged(verdict(not any(solved), False), measured)


def periodic_and_orthogonal() -> Judged:
    """A kernel whose DFT has modulus 1: M'M of its periodic convolution, M in the Fourier basis."""
    N = 15
    K = periodic.unit_modulus_kernel(N)
    shifts = product(range(N), repeat=2)
    M = np.array([np.roll(K, shift, (0, 1)).ravel() for shift in shifts])
    wave = np.exp(2j * np.pi * np.outer(range(N), range(N)) / N)
    waves = np.kron(wave, wave) / N
    in_waves = waves.conj() @ M @ waves
    off_diagonal = in_waves - np.diag(np.diag(in_waves))
    gaps = [np.abs(M.T @ M - np.eye(N**2)).max(), np.abs(off_diagonal).max()]
    top, bottom = extreme_singular_values(K, N)
    measured = (
        f"M'M - I and what is off the diagonal after the DFT: {each(np.round(gaps, 9))}; the same "
        f"kernel with zero padding has singular values from {bottom:.3g} to {top:.3g}"
    )
    return Judged(verdict(max(gaps) < 1e-9, False), measured)


SECTION_1_CLAIMS = (
    Claim(
        "Section 1",
        "In deep learning a convolution has no flip, and different strides and padding patterns",
        several_strides_and_paddings,
        TAPS,
    ),
    Claim(
        "Section 1",
        "Stride 1 and zero padding are no loss of generality",
        stride_and_padding_are_no_loss,
        STRIDES,
    ),
    Claim(
        "Sections 1, 2.2",
        "vec stacks the columns of the flattening along the first index",
        vec_stacks_columns,
        MATRIX,
    ),
    Claim("(1.1), (1.2)", "A convolution is linear, vec(Y) = M vec(X)", linear, MATRIX),
    Claim("Section 1", "(1.1) is (1.2) with one channel", one_channel_is_a_case, CONVOLUTION),
    Claim("Section 1", "(1.3) keeps the gradients bounded", kept_norms_bound_gradients, WAY_BACK),
    Claim(
        "Section 1",
        "M'M = I is gN^2(gN^2 + 1)/2 equations, K has k^2gh parameters",
        equations_and_parameters,
        EQUATIONS,
    ),
    Claim("Section 1", "M'M = I is in general impossible", orthonormal_columns_are_rare, BORDER),
    Claim(
        "Section 1",
        "That is because there are more equations than parameters",
        counting_decides,
        EQUATIONS,
    ),
    Claim(
        "Section 1",
        "One channel, periodic, k = N: the DFT makes M diagonal, and an orthogonal M can be made",
        periodic_and_orthogonal,
        PERIODIC,
    ),
)
