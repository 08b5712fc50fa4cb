"""Section 1.1: what M does to a signal, and to a gradient on its way back.

A predicate computes its own evidence from the paper's start kernels on 8 x 8 images, and returns a
verdict with the numbers behind it. What the same section says of training is judged in
`convreg.claims.training`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg.claims.definitions import OPEN, Claim, Judged, verdict
from convreg.claims.sections import REASONS, WAY_BACK
from convreg.convolution import ConvolutionOperator
from convreg.examples import identity, start_kernel
from convreg.extremes import extreme_singular_values


def backpropagated(K: NDArray, N: int) -> tuple[float, float]:
    """The smallest and the largest ``|M'y| / |y|``: what becomes of a gradient on its way back.

    >>> backpropagated(identity(3, 1, 2), 4)
    (0.0, 1.0)
    """
    M = ConvolutionOperator(K, N)
    back = M.T @ np.eye(M.shape[0])
    squares = np.linalg.eigvalsh(back.T @ back)
    squares[squares <= 1e-12 * squares[-1]] = 0.0
    return float(squares[0] ** 0.5), float(squares[-1] ** 0.5)


def jacobian_bounds_the_signal() -> Judged:
    """The smallest and the largest factor for a gradient on its way back, against sigma."""
    below = []
    above = []
    words = []
    for g, h in ((3, 1), (1, 3)):
        K = start_kernel(3, g, h)
        low, high = backpropagated(K, 8)
        largest, smallest = extreme_singular_values(K, 8)
        below.append(low >= smallest * (1 - 1e-9))
        above.append(high <= largest * (1 + 1e-9))
        ends = f"{smallest:.3g} to {largest:.3g}"
        words.append(f"by {low:.3g} to {high:.3g} for 3x3x{g}x{h}, sigma {ends}")
    measured = f"its norm is multiplied {'; '.join(words)}: for h > g, M' has a null space"
    return Judged(verdict(all(below) and all(above), all(above)), measured)


def near_1_keeps_gradients() -> Judged:
    """Near the identity, where all sigma are near 1: what becomes of a gradient on its way back."""
    kept = []
    bounded = []
    words = []
    for g, h in ((3, 1), (1, 3)):
        K = identity(3, g, h) + 0.01 * start_kernel(3, g, h)
        low, high = backpropagated(K, 8)
        largest, smallest = extreme_singular_values(K, 8)
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


SIGNAL_CLAIMS = (
    Claim(
        "Section 1.1",
        "The singular values of M bound what becomes of a backpropagated signal",
        jacobian_bounds_the_signal,
        WAY_BACK,
    ),
    Claim(
        "Section 1.1",
        "If they are all close to 1, gradients neither explode nor vanish",
        near_1_keeps_gradients,
        WAY_BACK,
    ),
    Claim("Sections 1, 1.1", "(1.3) helps training and generalisation", not_decided, REASONS),
)
