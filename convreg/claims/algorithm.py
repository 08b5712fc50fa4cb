"""Section 2.1, its end: what the paper says of computing singular values and of tracking them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from convreg.claims import Claim, Judged, verdict
from convreg.convolution import ConvolutionOperator, padding, unvec, vec
from convreg.descent import minimize_penalty
from convreg.examples import Case, Evidence, start_kernel
from convreg.lanczos import leading_triplets
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix
from convreg.penalty import shifted_gram
from convreg.power import SingularTriplet, power_update


def krylov_methods_are_efficient() -> Judged:
    """The products that Lanczos takes for the two largest singular values, against the size of the matrix."""
    products = 0
    B = shifted_gram(ConvolutionOperator(start_kernel(3, 3, 6), 15))

    def product(x: NDArray) -> NDArray:
        """B x, counted: a block of vectors as so many."""
        nonlocal products
        products += x.size // B.shape[0]
        return B @ x

    counted = LinearOperator(
        B.shape, matvec=product, rmatvec=product, matmat=product, rmatmat=product, dtype=float
    )
    leading_triplets(counted, 2)
    n = B.shape[0]
    return verdict(
        products < n / 3, products < n
    ), f"fewer than n/3 products with M'M - I, n = {n}, 3x3x3x6, N = 15"


def circulant_embedding() -> Judged:
    """M x by the FFT on a torus that is floor(k/2) larger, against M."""
    K, N, X = start_kernel(3, 1, 1), 15, matlab_rand(15, 15, 1, state=2)
    side, (before, _) = N + 1, padding(3)
    torus = np.zeros((side, side))
    offsets = -(np.arange(3) - before) % side
    torus[np.ix_(offsets, offsets)] = K[:, :, 0, 0]
    Y = np.fft.ifft2(np.fft.fft2(torus) * np.fft.fft2(X[:, :, 0], (side, side))).real[:N, :N]
    gap = np.abs(Y - unvec(conv_matrix(K, N) @ vec(X), N)[:, :, 0]).max()
    return verdict(bool(gap < 1e-12), False), "M x by FFT on a torus of side N + 1: the same to rounding"


def small_steps() -> Judged:
    """The change of K and of R_1 in the first and in the last of the 20 steps of Example 1, 3x3x1x3."""
    kernels = [start_kernel(3, 1, 3)]
    history = minimize_penalty(kernels[0], 15, callback=lambda i, K, R: kernels.append(K)).history
    norms = np.linalg.norm(np.diff(np.reshape(kernels, (21, -1)), axis=0), axis=1)
    in_K = norms / np.linalg.norm(np.reshape(kernels, (21, -1))[:-1], axis=1)
    in_R = np.abs(np.diff(history.penalty)) / history.penalty[:-1]
    measured = f"first step: K {in_K[0]:.0%}, R_1 {in_R[0]:.0%}; last step: K {in_K[-1]:.1%}, R_1 {in_R[-1]:.1%}"
    return verdict(max(in_K.max(), in_R.max()) <= 0.05, max(in_K[-1], in_R[-1]) <= 0.05), measured


def a_few_iterations() -> Judged:
    """Final kappa and the largest lag with 2, 4 and 8 power iterations; against the full SVD, 3x3x1x3."""
    K, counts = start_kernel(3, 1, 3), (2, 4, 8)
    exact = minimize_penalty(K, 15, update="svd").history
    runs = [minimize_penalty(K, 15, power_iterations=count).history for count in counts]
    kappa = np.array([abs(run.condition_number[-1] / exact.condition_number[-1] - 1) for run in runs])
    lag = np.array([np.max(1 - run.estimate / run.penalty) for run in runs])
    measured = (
        f"2, 4, 8: final kappa off by {', '.join(f'{gap:.0%}' for gap in kappa)}, "
        f"the estimate up to {', '.join(f'{gap:.0%}' for gap in lag)} low"
    )
    return verdict(max(kappa) <= 0.1 and max(lag) <= 0.1, max(kappa) <= 0.1), measured


def _one_triplet(B: LinearOperator, triplets: list[SingularTriplet]) -> list[SingularTriplet]:
    return power_update(B, triplets[:1], 2)


def two_triplets_help() -> Judged:
    """The lag of the estimate with one triplet and with two, 3x3x1x3: gone; in part: smaller on average."""
    K = start_kernel(3, 1, 3)
    runs = [minimize_penalty(K, 15, update=update).history for update in (_one_triplet, "power")]
    lags = [1 - run.estimate / run.penalty for run in runs]
    worst, mean = [float(lag.max()) for lag in lags], [float(lag.mean()) for lag in lags]
    measured = (
        f"one triplet: {mean[0]:.0%} low on average, at most {worst[0]:.0%}; two: {mean[1]:.0%}, {worst[1]:.0%}"
    )
    return verdict(worst[1] <= 0.1, mean[1] < mean[0]), measured


def overtaken(evidence: Mapping[Case, Evidence]) -> Judged:
    """The second triplet is the larger one in some step."""
    steps = [int(np.sum(run.power.selected == 1)) for run in evidence.values()]
    total = sum(len(run.power) - 1 for run in evidence.values())
    return verdict(sum(steps) > 0, False), f"the second triplet is selected in {sum(steps)} of {total} steps"


ALGORITHM_CLAIMS = (
    Claim(
        "Section 2.1", "Krylov methods give a few singular values efficiently", krylov_methods_are_efficient, "09"
    ),
    Claim("Section 2.1", "Products with M can go through the FFT", circulant_embedding, "00"),
    Claim("Section 2.1", "A step with a small learning rate changes K and R_alpha little", small_steps, "00"),
    Claim("Section 2.1", "A few power iterations are usually sufficient", a_few_iterations, "04"),
    Claim("Section 2.1", "Keeping two triplets is a remedy for overtaking", two_triplets_help, "04"),
)

TRACKING_CLAIMS = (Claim("Section 2.1", "The second singular value may overtake the first", overtaken, "04"),)
