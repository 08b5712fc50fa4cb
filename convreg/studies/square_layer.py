"""Section 4, towards networks: a square layer at scale, 3x3x64x64 on 28 x 28 pixels.

The start is PyTorch's, the weights uniform within 1 / sqrt(9 * 64) of 0, drawn by NumPy; and c
times a random orthogonal matrix on the centre tap.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convreg.convolution import ConvolutionOperator
from convreg.descent import minimize_penalty
from convreg.lanczos import leading_triplets
from convreg.learning_rates import clipped_polyak_step
from convreg.penalty import penalty
from convreg.storage.tables import Table, from_rows, rounded
from convreg.studies.barrier import off_centre_share
from convreg.studies.polar import alternating_projection, periodic_projection

CHANNELS, N, SIDE = 64, 28, 8
FIELDS = ("c", "method", "steps", "kappa", "off_centre", "seconds")


def layer_start(c: float, channels: int = CHANNELS, seed: int = 0) -> NDArray:
    """The kernel that training begins with, and c times an orthogonal matrix on its centre tap.

    >>> K = layer_start(2.0, 4) - layer_start(0.0, 4)
    >>> error = np.abs(K[1, 1] @ K[1, 1].T - 4 * np.eye(4)).max()
    >>> bool(error < 1e-14), int(np.count_nonzero(K))
    (True, 16)
    """
    rng = np.random.default_rng(seed)
    bound = 1 / np.sqrt(9 * channels)
    K = rng.uniform(-bound, bound, (3, 3, channels, channels))
    Q, _ = np.linalg.qr(rng.standard_normal((channels, channels)))
    K[1, 1] += c * Q
    return K


def project(K: NDArray, steps: int) -> NDArray:
    """The periodic polar step on a torus of 8 x 8, accelerated: whatever N is."""
    return alternating_projection(K, periodic_projection(SIDE), steps)


def descend(K: NDArray, steps: int) -> NDArray:
    """Algorithm 2.1 with two power iterations, the steps limited in length."""
    result = minimize_penalty(K, N, 1.0, clipped_polyak_step, steps, 2, diagnostics=False)
    return result.kernel


METHODS: dict[str, tuple[Callable[[NDArray, int], NDArray], int]] = {
    "start": (lambda K, steps: K, 0),
    "polar, periodic, accelerated": (project, 10),
    "R, length limited": (descend, 60),
}


def kappa_by_products(K: NDArray, N: int) -> float:
    """kappa(M) for h >= g without factors, which a square layer of this size does not have.

    With alpha = sigma_max^2 the penalty is sigma_max^2 - sigma_min^2. Both are found to a relative
    residual of 1e-6, so that kappa is right to some digits as long as it is below 100 or so.

    >>> K = np.array([[0.0, 0, 0], [1, 4, 1], [0, 0, 0]])
    >>> sigma = 4 + 2 * np.cos(np.pi * np.arange(1, 4) / 4)
    >>> bool(abs(kappa_by_products(K, 3) - sigma[0] / sigma[-1]) < 1e-6)
    True
    """
    M = ConvolutionOperator(K, N)
    [triplet] = leading_triplets(M, 1, tolerance=1e-6)
    square = float(triplet.sigma) ** 2
    smallest = square - penalty(K, N, square, tolerance=1e-6)
    return (square / smallest) ** 0.5 if smallest > 0 else np.inf


def layer_row(c: float, method: str) -> tuple[float, str, int, float, float, float]:
    """A row of `layer_table`; the seconds are the processor's, for the steps without kappa."""
    run, steps = METHODS[method]
    K = layer_start(c)
    begin = time.process_time()
    K = run(K, steps)
    seconds = round(time.process_time() - begin, 1)
    return c, method, steps, kappa_by_products(K, N), off_centre_share(K), seconds


def layer_table(shifts: tuple[float, ...] = (1.0, 2.0)) -> Table:
    """For every c and method: steps, kappa for N = 28, the share off the centre, seconds."""
    rows = [layer_row(c, method) for c in shifts for method in METHODS]
    return rounded(from_rows(FIELDS, rows), 4)
