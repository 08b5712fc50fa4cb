"""Section 1, its end, and 1.1: other penalties and methods, and what M does to a signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from convreg.claims.definitions import OPEN, Claim, Judged, by_threshold, each, order, verdict
from convreg.claims.kernels import both_ends, identity
from convreg.claims.section_1 import backpropagated
from convreg.convolution import ConvolutionOperator
from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values
from convreg.gradients import singular_value_gradient
from convreg.matrix import conv_matrix, conv_matrix_adjoint
from convreg.penalty import penalty, shifted_gram
from convreg.power import SingularTriplet, power_update
from convreg.studies import alternatives


def two_objectives_are_harder() -> Judged:
    """The gradient of max ``|sigma - 1|``; whether the power method on M'M - I finds where that is."""
    N, right = 6, []
    for K in both_ends(1, 3):
        G = _gradient_of_two_objectives(K, N)
        right.append(round(order(lambda K: _two_objectives(K, N), K, G)) == 2)

    K = 0.9 * (identity(3, 1, 3) + 0.05 * start_kernel(3, 1, 3))
    found = _end_of_power_iteration(K, N)
    decides = abs(abs(found**2 - 1) - penalty(K, N)) < 1e-6
    missed = decides and abs(found - 1) < _two_objectives(K, N) - 1e-6
    ends = extreme_singular_values(K, N)
    measured = (
        f"the gradient is {'as easy' if all(right) else 'not that'}: uv' of sigma_max or sigma_min "
        f"and the chain rule; but of {each(ends)} the power method on M'M - I finds {found:.3g}, "
        f"and the largest distance from 1, {_two_objectives(K, N):.3g}, is "
        f"{'at the other end' if missed else 'there'}"
    )
    return Judged(verdict(missed and not all(right), missed or not all(right)), measured)


def _two_objectives(K: NDArray, N: int) -> float:
    """The larger of the two distances from 1."""
    largest, smallest = extreme_singular_values(K, N)
    return max(abs(largest - 1), abs(smallest - 1))


def _gradient_of_two_objectives(K: NDArray, N: int) -> NDArray:
    """Lemma 2.1 at the end that is farther from 1, and the chain rule."""
    U, sigma, Vt = np.linalg.svd(conv_matrix(K, N).toarray(), full_matrices=False)
    at = int(np.argmax(np.abs(sigma - 1)))
    in_M = np.sign(sigma[at] - 1) * singular_value_gradient(U[:, at], Vt[at])
    return conv_matrix_adjoint(in_M, K.shape, N)


def _end_of_power_iteration(K: NDArray, N: int) -> float:
    """The singular value of M to which the power method on M'M - I leads."""
    M = ConvolutionOperator(K, N)
    first = np.random.default_rng(0).standard_normal(M.shape[1])
    (triplet,) = power_update(shifted_gram(M), [SingularTriplet(0.0, first, first)], 500)
    return float(np.linalg.norm(M @ triplet.v))


def scaling_is_conditioning() -> Judged:
    """The least R_1(cK) over c against (kappa^2 - 1) / (kappa^2 + 1) for h >= g; and for h < g."""
    tall, wide = start_kernel(3, 1, 3), start_kernel(3, 3, 1)
    least = [_least_multiple(K) for K in (tall, identity(3, 1, 3) + 0.05 * tall, wide)]
    expected = []
    for K in (tall, identity(3, 1, 3) + 0.05 * tall):
        largest, smallest = extreme_singular_values(K, 8)
        square = (largest / smallest) ** 2
        expected.append((square - 1) / (square + 1))
    same = np.allclose(least[:2], expected, rtol=1e-6, atol=0)
    measured = (
        f"for h >= g the best multiples of two kernels have R_1 = {each(least[:2])}, and "
        f"(kappa^2 - 1) / (kappa^2 + 1) = {each(expected)}; for h < g it is {least[2]:.3g}"
    )
    return Judged(verdict(same and least[2] < 1 - 1e-9, same), measured)


def _least_multiple(K: NDArray) -> float:
    """The least R_1 of the multiples of K."""
    found = minimize_scalar(lambda c: penalty(c * K, 8), bounds=(0, 1.5), options={"xatol": 1e-9})
    return float(found.fun)


def reshaped_matrix_says_little() -> Judged:
    """Two kernels at which [3] and [6] rest, their kappa(M); sigma_max(M) against sigma_max(W)."""
    rest = [identity(3), np.full((3, 3, 1, 1), 1 / 3)]
    resting = all(_rests(K) for K in rest)
    ends = [extreme_singular_values(K, 15) for K in rest]
    kappa = [largest / smallest for largest, smallest in ends]
    apart = kappa[1] / kappa[0]
    others = [start_kernel(3, 1, 3), start_kernel(3, 3, 6)]
    bounded = all(_norm_is_bounded(K) for K in rest + others)
    measured = (
        f"[3] and [6] {'rest' if resting else 'do not rest'} at the identity and at the mean, "
        f"kappa(M) = {each(kappa)}; but the norm is bounded: sigma_max(W) <= sigma_max(M) <= "
        f"k sigma_max(W) {'holds' if bounded else 'fails'}"
    )

    def decide(factor: float) -> str:
        """The verdict where this factor between the condition numbers is asked for."""
        blind = resting and apart >= factor
        return verdict(blind and not bounded, blind)

    return by_threshold(decide, 10, apart, "kappa(M) apart by at least", measured)


def _rests(K: NDArray) -> bool:
    """Whether neither the penalty of [3] nor the retraction of [6] moves K."""
    _, G = alternatives.orthogonality_penalty(K)
    retracted = alternatives.parseval_retraction(K, 0.1)
    return bool(np.allclose(G, 0, atol=1e-12) and np.allclose(retracted, K, atol=1e-12))


def _norm_is_bounded(K: NDArray) -> bool:
    norm, largest = np.linalg.norm(alternatives.reshaped(K), 2), extreme_singular_values(K, 15)[0]
    return bool(norm * (1 - 1e-9) <= largest <= len(K) * norm * (1 + 1e-9))


def projection_loses_the_bound() -> Judged:
    """The periodic singular values of start kernels clipped at 1, whole and cut to 3 x 3 taps."""
    N, whole, cut = 15, [], []
    for g, h in ((3, 1), (3, 6), (6, 3)):
        full = np.pad(start_kernel(3, g, h), ((6, 6), (6, 6), (0, 0), (0, 0)))
        clipped = alternatives.clip_periodic(full, N)
        whole.append(alternatives.periodic_singular_values(clipped, N)[0])
        cut.append(alternatives.periodic_singular_values(clipped[6:9, 6:9], N)[0])
    lost = [full < 1 + 1e-9 < small for full, small in zip(whole, cut, strict=True)]
    measured = f"the largest are {each(whole)} when clipped at 1, {each(cut)} when cut to 3 x 3"
    return Judged(verdict(any(lost), False), measured)


def jacobian_bounds_the_signal() -> Judged:
    """The smallest and the largest factor for a gradient on its way back, against sigma."""
    bounded, words = [], []
    for g, h in ((3, 1), (1, 3)):
        K = start_kernel(3, g, h)
        (low, high), (largest, smallest) = backpropagated(K, 8), extreme_singular_values(K, 8)
        bounded.append((low >= smallest * (1 - 1e-9), high <= largest * (1 + 1e-9)))
        ends = f"{smallest:.3g} to {largest:.3g}"
        words.append(f"by {low:.3g} to {high:.3g} for 3x3x{g}x{h}, sigma {ends}")
    below, above = np.all(bounded, axis=0)
    measured = f"its norm is multiplied {'; '.join(words)}: for h > g M' has a null space"
    return Judged(verdict(bool(below and above), bool(above)), measured)


def near_1_keeps_gradients() -> Judged:
    """Near the identity, where all sigma are near 1: what becomes of a gradient on its way back."""
    kept, bounded, words = [], [], []
    for g, h in ((3, 1), (1, 3)):
        K = identity(3, g, h) + 0.01 * start_kernel(3, g, h)
        (low, high), (largest, smallest) = backpropagated(K, 8), extreme_singular_values(K, 8)
        change = max(abs(largest - 1), abs(smallest - 1)) + 1e-9
        bounded.append(high <= 1 + change)
        kept.append(low >= 1 - change)
        ends = f"{smallest:.2f} to {largest:.2f}"
        words.append(f"3x3x{g}x{h}: sigma {ends}, gradients times {low:.2f} to {high:.2f}")
    measured = f"{'; '.join(words)}, where M' has a null space and some vanish at once"
    return Judged(verdict(all(kept) and all(bounded), all(kept) or all(bounded)), measured)


def not_decided() -> Judged:
    """A statement about training in general; `convreg.claims.training` judges small networks."""
    return Judged(OPEN, "judged for one small network, in notebook 10")


OTHER_METHODS_CLAIMS = (
    Claim(
        "Section 1",
        "To penalise how far sigma_max and sigma_min are from 1, two objectives, is more difficult",
        two_objectives_are_harder,
        "00",
    ),
    Claim(
        "Sections 1, 2",
        "Up to a scaling, a smaller R_alpha is a smaller condition number",
        scaling_is_conditioning,
        "00",
    ),
    Claim(
        "Section 1",
        "Methods on the reshaped kernel have no clear impact on M",
        reshaped_matrix_says_little,
        "08",
    ),
    Claim(
        "Section 1",
        "Projecting to small kernels may lose the bound of [18]",
        projection_loses_the_bound,
        "08",
    ),
    Claim(
        "Section 1.1",
        "The singular values of M bound what becomes of a backpropagated signal",
        jacobian_bounds_the_signal,
        "00",
    ),
    Claim(
        "Section 1.1",
        "If they are all close to 1, gradients neither explode nor vanish",
        near_1_keeps_gradients,
        "00",
    ),
    Claim("Sections 1, 1.1", "(1.3) helps training and generalisation", not_decided, "10"),
)
