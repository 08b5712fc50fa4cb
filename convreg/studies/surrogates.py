"""Section 1: what the reshaped kernel W and the periodic singular values say of M."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate

from convreg._checks import as_floats, as_integer, as_kernel
from convreg.extremes import extreme_singular_values
from convreg.geometry import as_image_size
from convreg.storage.tables import Table, from_rows
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


def reshaped_table(kernels: Mapping[str, NDArray], N: int) -> Table:
    """Section 1, [3, 6]: WW' of kernels with one output channel beside the ends of sigma(M).

    >>> table = reshaped_table({"identity": ROWS_OF_NORM_1["identity"]}, 5)
    >>> {name: column.item() for name, column in table.items()}
    {'kernel': 'identity', "WW'": 1.0, 'sigma_max(M)': 1.0, 'sigma_min(M)': 1.0}
    """
    rows = []
    for name, K in kernels.items():
        row = reshaped(K)
        rows.append((name, (row @ row.T).item(), *extreme_singular_values(K, N)))
    return from_rows(("kernel", "WW'", "sigma_max(M)", "sigma_min(M)"), rows)


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


def periodic_table(cases: Iterable[Periodic]) -> Table:
    """Section 1, [18]: a row for each of the cases.

    >>> table = periodic_table([Periodic("shift", 5, (1.0, 0.9), (0.8, 0.0), 1.1)])
    >>> {name: column.item() for name, column in table.items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'taps': 'shift', 'N': 5, 'largest, periodic': 1.0, 'padded': 0.8, 'on side N + 1': 1.1,
     'smallest, periodic': 0.9, 'smallest, padded': 0.0}
    """
    rows = []
    for case in cases:
        largest = (case.periodic[0], case.padded[0], case.larger_torus)
        rows.append((case.name, case.N, *largest, case.periodic[1], case.padded[1]))
    largest_of = ("largest, periodic", "padded", "on side N + 1")
    return from_rows(("taps", "N", *largest_of, "smallest, periodic", "smallest, padded"), rows)


def clipping_table(kernels: Mapping[str, NDArray], N: int, counts: Sequence[int]) -> Table:
    """Section 1, [18]: the largest periodic value of each kernel after so many clippings at 1.

    >>> table = clipping_table({"2": 2 * np.ones((1, 1, 1, 1))}, 4, [1, 3])
    >>> table["clippings"].tolist(), table["2"].round(12).tolist()
    ([1, 3], [1.0, 1.0])
    """
    clipped = list(kernels.values())
    rows = []
    for times in range(1, max(counts) + 1):
        clipped = [clip_periodic(K, N) for K in clipped]
        if times in counts:
            rows.append((times, *(periodic_singular_values(K, N)[0] for K in clipped)))
    return from_rows(("clippings", *kernels), rows)
