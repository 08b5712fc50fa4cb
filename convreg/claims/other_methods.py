"""Section 1, its end: what the paper says of other penalties and methods.

A predicate computes its own evidence, mostly from the paper's start kernels, and returns a verdict
with the numbers behind it. [3], [6] and [18] are the paper's references.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from convreg.claims.definitions import Claim, Judged, by_threshold, each, verdict
from convreg.claims.sections import PERIODIC, RESHAPED_AND_M, SCALE
from convreg.examples import identity, start_kernel
from convreg.extremes import extreme_singular_values
from convreg.penalty import penalty
from convreg.studies import alternatives, periodic


def scaling_is_conditioning() -> Judged:
    """The least R_1(cK) over c against (kappa^2 - 1) / (kappa^2 + 1) for h >= g; and for h < g."""
    tall = start_kernel(3, 1, 3)
    least = []
    expected = []
    for K in (tall, identity(3, 1, 3) + 0.05 * tall):
        largest, smallest = extreme_singular_values(K, 8)
        square = (largest / smallest) ** 2
        least.append(_least_multiple(K))
        expected.append((square - 1) / (square + 1))
    wide = _least_multiple(start_kernel(3, 3, 1))
    same = np.allclose(least, expected, rtol=1e-6, atol=0)
    measured = (
        f"for h >= g the best multiples of two kernels have R_1 = {each(least)}, and "
        f"(kappa^2 - 1) / (kappa^2 + 1) = {each(expected)}; for h < g it is {wide:.3g}"
    )
    return Judged(verdict(same and wide < 1 - 1e-9, same), measured)


def _least_multiple(K: NDArray) -> float:
    """The least R_1 of the multiples of K."""
    found = minimize_scalar(lambda c: penalty(c * K, 8), bounds=(0, 1.5), options={"xatol": 1e-9})
    return float(found.fun)


def reshaped_matrix_says_little() -> Judged:
    """Two kernels at which [3] and [6] rest, their kappa(M); sigma_max(M) against sigma_max(W)."""
    rest = [identity(3), np.full((3, 3, 1, 1), 1 / 3)]
    resting = all(_rests(K) for K in rest)
    kappa = []
    for K in rest:
        largest, smallest = extreme_singular_values(K, 15)
        kappa.append(largest / smallest)
    apart = kappa[1] / kappa[0]
    others = [start_kernel(3, 1, 3), start_kernel(3, 3, 6)]
    bounded = all(_norm_is_bounded(K) for K in rest + others)

    still = "rest" if resting else "do not rest"
    so = "holds" if bounded else "fails"
    measured = (
        f"[3] and [6] {still} at the identity and at the mean, kappa(M) = {each(kappa)}; but the "
        f"norm is bounded: sigma_max(W) <= sigma_max(M) <= k sigma_max(W) {so}"
    )
    return by_threshold(
        lambda factor: _verdict_on_reshaping(resting and apart >= factor, bounded),
        threshold=10,
        found=apart,
        asks="kappa(M) apart by at least",
        measured=measured,
    )


def _verdict_on_reshaping(blind: bool, bounded: bool) -> str:
    """Whole where methods at rest tell nothing of kappa(M), and nothing of the norm of M either."""
    return verdict(blind and not bounded, blind)


def _rests(K: NDArray) -> bool:
    """Whether neither the penalty of [3] nor the retraction of [6] moves K."""
    _, G = alternatives.orthogonality_penalty(K)
    retracted = alternatives.parseval_retraction(K, 0.1)
    return bool(np.allclose(G, 0, atol=1e-12) and np.allclose(retracted, K, atol=1e-12))


def _norm_is_bounded(K: NDArray) -> bool:
    """Whether sigma_max(M) is between the norm of the reshaped kernel and k times as much."""
    norm = np.linalg.norm(alternatives.reshaped(K), 2)
    largest, _ = extreme_singular_values(K, 15)
    return bool(norm * (1 - 1e-9) <= largest <= len(K) * norm * (1 + 1e-9))


def projection_loses_the_bound() -> Judged:
    """The periodic singular values of start kernels clipped at 1, whole and cut to 3 x 3 taps."""
    N = 15
    whole = []
    cut = []
    lost = []
    for g, h in ((3, 1), (3, 6), (6, 3)):
        full = np.pad(start_kernel(3, g, h), ((6, 6), (6, 6), (0, 0), (0, 0)))
        clipped = periodic.clip_periodic(full, N)
        whole.append(periodic.periodic_singular_values(clipped, N)[0])
        cut.append(periodic.periodic_singular_values(clipped[6:9, 6:9], N)[0])
        lost.append(whole[-1] < 1 + 1e-9 < cut[-1])
    measured = f"the largest are {each(whole)} when clipped at 1, {each(cut)} when cut to 3 x 3"
    return Judged(verdict(any(lost), False), measured)


OTHER_METHODS_CLAIMS = (
    Claim(
        "Sections 1, 2",
        "Up to a scaling, a smaller R_alpha is a smaller condition number",
        scaling_is_conditioning,
        SCALE,
    ),
    Claim(
        "Section 1",
        "Methods on the reshaped kernel have no clear impact on M",
        reshaped_matrix_says_little,
        RESHAPED_AND_M,
    ),
    Claim(
        "Section 1",
        "Projecting to small kernels may lose the bound of [18]",
        projection_loses_the_bound,
        PERIODIC,
    ),
)
