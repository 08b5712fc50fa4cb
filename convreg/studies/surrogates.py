"""Section 1: what the reshaped kernel W and the periodic singular values say of M."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate

from convreg._checks import as_floats, as_integer, as_kernel
from convreg.extremes import extreme_singular_values
from convreg.geometry import as_image_size
from convreg.studies.alternatives import reshaped
from convreg.studies.periodic import clip_periodic, periodic_singular_values

ROWS_OF_NORM_1 = {  # one channel, 3 x 3 taps: kernels with WW' = 1
    "identity": np.array([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "mean": np.full((3, 3), 1 / 3),
    "difference": np.array([[0, 0, 0], [-1, 0, 1], [0, 0, 0]]) / 2**0.5,
}
PERIODIC_KERNELS = {
    "-1, 2, -1": np.array([[0, 0, 0], [-1, 2, -1], [0, 0, 0]]),
    "shift": np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]]),
}


def bounded_by_reshaped(K: NDArray, N: int) -> bool:
    r"""Section 1, [17, 24]: whether the singular values of W bound those of M as they should.

    For N >= k they do:

    .. math:: \sigma_{\max}(W) \leq \sigma_{\max}(M) \leq k\,\sigma_{\max}(W), \qquad
       \sigma_{\min}(M) \leq \sigma_{\min}(W) \text{ for } h \leq g

    So kappa(M) >= kappa(W) for h <= g.

    >>> bounded_by_reshaped(np.ones((3, 3, 2, 1)), 4)
    True
    """
    k, _, g, h = as_kernel(K).shape
    W = np.linalg.svd(reshaped(K), compute_uv=False)
    largest, smallest = extreme_singular_values(K, N)
    rounding = 1 + 1e-12
    bounded = W[0] <= largest * rounding and largest <= k * W[0] * rounding
    if h <= g:
        bounded = bounded and smallest <= W[-1] * rounding
    return bool(bounded)


def reshaped_words(K: NDArray, N: int) -> str:
    """Section 1, [3, 6]: WW' of a kernel with one output channel beside sigma(M), in words.

    >>> reshaped_words(ROWS_OF_NORM_1["identity"], 5)
    "WW' = 1, sigma_max(M) = 1, sigma_min(M) = 1"
    """
    row = reshaped(K)
    norm = (row @ row.T).item()
    largest, smallest = extreme_singular_values(K, N)
    return f"WW' = {norm:.3g}, sigma_max(M) = {largest:.3g}, sigma_min(M) = {smallest:.2g}"


def norm_ratio_on_a_torus(K: NDArray, N: int, seed: int = 0) -> float:
    """Section 1, [18]: ``|Y| / |X|`` of a periodic convolution of one channel, by scipy.ndimage.

    For a random image.

    >>> norm_ratio_on_a_torus(np.array([[0, 0, 0], [2, 0, 0], [0, 0, 0]]), 5)
    2.0
    """
    kernel = as_floats("K", K)
    if kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(f"K: wanted the shape (k, k), none of them 0, got {kernel.shape}")
    N, _ = as_image_size("N", as_integer("N", N, 1))
    X = np.random.default_rng(as_integer("seed", seed, 0)).standard_normal((N, N))
    Y = correlate(X, kernel, mode="wrap")
    return round(float(np.linalg.norm(Y) / np.linalg.norm(X)), 14)


class Periodic(NamedTuple):
    """Section 1, [18]: the extreme singular values with wrapped and with padded borders."""

    name: str
    N: int
    periodic: tuple[float, float]  # the largest and the smallest on the torus of side N
    padded: tuple[float, float]  # of M
    larger_torus: float  # the largest on the torus of side N + 1

    def largest(self) -> str:
        """The largest, in words.

        >>> Periodic("shift", 5, (1.0, 1.0), (1.0, 0.0), 1.0).largest()
        'shift     N =  5: periodic 1.0000, padded 1.0000, on the larger torus 1.0000'
        """
        case = f"{self.name:9} N = {self.N:2}"
        values = f"periodic {self.periodic[0]:.4f}, padded {self.padded[0]:.4f}"
        return f"{case}: {values}, on the larger torus {self.larger_torus:.4f}"

    def smallest(self) -> str:
        """The smallest, in words.

        >>> Periodic("shift", 5, (1.0, 1.0), (1.0, 0.0), 1.0).smallest().strip()
        'smallest: periodic 1.0000, padded 0.0000'
        """
        return f"{'':18} smallest: periodic {self.periodic[1]:.4f}, padded {self.padded[1]:.4f}"


def periodic_cases(sides: Sequence[int] = (5, 15)) -> Iterator[Periodic]:
    """Section 1, [18]: the taps -1, 2, -1 and a shift by a pixel, on tori and with padding.

    >>> [(case.name, case.N) for case in periodic_cases([5])]
    [('-1, 2, -1', 5), ('shift', 5)]
    """
    for name, K in PERIODIC_KERNELS.items():
        for N in sides:
            sigma = periodic_singular_values(K, N)
            ends = float(sigma[0]), float(sigma[-1])
            larger_torus = float(periodic_singular_values(K, N + 1)[0])
            yield Periodic(name, N, ends, extreme_singular_values(K, N), larger_torus)


def clipping_lines(kernels: Iterable[NDArray], N: int, counts: Sequence[int]) -> str:
    """Section 1, [18]: the largest periodic value of each kernel after so many clippings at 1.

    >>> print(clipping_lines([2 * np.ones((1, 1, 1, 1))], 4, [1, 3]))
    largest periodic value of each kernel after  1 clippings: 1.000
    largest periodic value of each kernel after  3 clippings: 1.000
    """
    clipped = list(kernels)
    lines = []
    for times in range(1, max(counts) + 1):
        clipped = [clip_periodic(K, N) for K in clipped]
        if times in counts:
            values = [f"{periodic_singular_values(K, N)[0]:.3f}" for K in clipped]
            words = f"largest periodic value of each kernel after {times:2} clippings"
            lines.append(f"{words}: {', '.join(values)}")
    return "\n".join(lines)
