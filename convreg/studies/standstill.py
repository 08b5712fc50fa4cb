r"""Section 1, h = g: why descent on R_alpha stands still where sigma_min decides, in numbers.

For a triplet M v = sigma w, ``|v| = |w| = 1``, at the lower end the gradient of R_alpha in K is

.. math:: G = -2 \sigma\, M^*(w v^T), \qquad \|M^*(w v^T)\|_F \leq k

The bound: the block of M*(w v') at a tap is W'V, where V has the pixels that the tap reads and W
those that it writes, a column for each channel, of Frobenius norms of at most 1; and there are
k^2 taps. So a step with the rate lambda is no longer than 2 lambda k sigma. M*(w v') is the
gradient of sigma (Lemma 2.1, the chain rule), and the step changes it, to first order, by

.. math:: \delta\sigma = -\lambda\, \langle M^*(w v^T),\, G \rangle = 2 \lambda\, \sigma\, \rho^2,
   \qquad \rho = \|M^*(w v^T)\|_F

that is by the factor 1 + 2 lambda rho^2, whatever sigma is: where rho is small and lambda limited,
sigma hardly grows. A step of the length L changes it by L rho.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values
from convreg.learning_rates import clipped_polyak_step
from convreg.matrix import conv_matrix, conv_matrix_adjoint
from convreg.penalty import penalty_gradient


class LowerEnd(NamedTuple):
    """The smallest singular value of M(K), and what it says of a descent."""

    sigma: float
    direction: NDArray  # M*(w v'), of the shape of K: the gradient of sigma
    crowd: int  # how many singular values are below twice it, itself included

    @property
    def reach(self) -> float:
        """rho = ``|M*(w v')|``."""
        return float(np.linalg.norm(self.direction))


def lower_end(K: NDArray, N: int) -> LowerEnd:
    """Lemma 2.1 at sigma_min(M), from a dense M.

    >>> lower_end(np.array([[2.0]]), 1)
    LowerEnd(sigma=2.0, direction=array([[1.]]), crowd=1)
    """
    U, sigma, Vt = np.linalg.svd(conv_matrix(K, N).toarray(), full_matrices=False)
    direction = conv_matrix_adjoint(np.outer(U[:, -1], Vt[-1]), np.shape(K), N)
    return LowerEnd(float(sigma[-1]), direction, int(np.sum(sigma <= 2 * sigma[-1])))


def growth(K: NDArray, N: int, rate: float) -> tuple[float, float]:
    """By which factor a step along G multiplies sigma_min: to first order, and in fact.

    Where the lower end decides R_1.

    >>> growth(np.array([[0.5]]), 1, 0.1)
    (1.2, 1.2)
    """
    before = lower_end(K, N)
    _, G = penalty_gradient(K, N)
    after = lower_end(K - rate * G, N)
    found = after.sigma / before.sigma if before.sigma > 0 else np.nan
    return 1 + 2 * rate * before.reach**2, found


def reaches(states: Iterable[int], k: int, g: int, N: int) -> NDArray:
    """rho of the paper's start kernels k x k x g x g, one for each state of the generator.

    >>> reaches([1, 2], 1, 1, 3).round(6)
    array([1., 1.])
    """
    return np.array([lower_end(start_kernel(k, g, g, state), N).reach for state in states])


def by_chance(K: NDArray, N: int, steps: int, seed: int) -> float:
    """The least kappa on a way of such steps in random directions: the gradient's norm, no more.

    >>> by_chance(np.array([[3.0]]), 1, 2, seed=0)
    1.0
    """
    rng = np.random.default_rng(seed)
    best = np.inf
    for _ in range(steps + 1):
        largest, smallest = extreme_singular_values(K, N)
        if smallest > 0:
            best = min(best, largest / smallest)
        R, G = penalty_gradient(K, N)
        D = rng.standard_normal(K.shape)
        D *= np.linalg.norm(G) / np.linalg.norm(D)
        K = K - clipped_polyak_step(R, D) * D
    return float(best)
