"""Largest eigenvalues of symmetric operators by ARPACK, in what `leading_triplets` asks for.

Eigenvalues of an operator are wanted to a tolerance, copies of equal ones included, from a start
vector, the same in every run. ARPACK gives up at the tolerance, overlooks copies, and draws at
random.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

from convreg._numerics.threads import one_thread_for_scipy

Product = Callable[[NDArray], NDArray]
LOOSER = [10.0**power for power in range(-14, 2, 3)]  # at 10, ARPACK accepts any Ritz value


class LargestEigenvalues:
    """So many of the largest eigenvalues of x -> product(x), and their vectors.

    Where it misses the tolerance, a patient one tries looser ones, for the best that there is, and
    is not ``converged``; another one raises ArpackError.
    """

    def __init__(self, count: int, tolerance: float, restarts: int, patient: bool) -> None:
        self.count, self.tolerance, self.restarts = count, tolerance, restarts
        self.patient, self.converged = patient, True

    def __call__(self, product: Product, first: NDArray) -> tuple[NDArray, NDArray]:
        """By ARPACK; then, as often as a copy may have been missed, the largest of the others."""
        values, V = self._arpack(product, self.count, first)
        for again in range(1, self.count):
            # where the values that are known are moved to
            below = values[-1] - max(np.abs(values).max(), 1)
            others = partial(_moved, product, V, values - below)
            value, W = self._arpack(others, 1, random_vector(len(V), V.dtype, seed=again))
            if value[0] <= values[-1]:
                break
            values, V = np.r_[values, value], np.hstack([V, W])
            order = np.argsort(-values, kind="stable")[: self.count]
            values, V = values[order], V[:, order]
        return values, np.linalg.qr(V)[0] if self.count > 1 else V

    def _arpack(self, product: Product, count: int, first: NDArray) -> tuple[NDArray, NDArray]:
        """Some of the largest eigenvalues, to the closest tolerance that is reached."""
        A = LinearOperator((len(first), len(first)), matvec=product, dtype=first.dtype)
        asked = {"which": "LA", "v0": first, "maxiter": self.restarts, "rng": 0}
        looser = [tolerance for tolerance in LOOSER if tolerance > self.tolerance]
        with one_thread_for_scipy:
            for tolerance in [self.tolerance, *looser]:
                try:
                    values, V = eigsh(A, count, tol=tolerance, **asked)
                    return values[::-1], V[:, ::-1]
                except ArpackError as error:  # of equal values, too, where all others are tiny
                    if not self.patient:
                        raise
                    if isinstance(error, ArpackNoConvergence):
                        self.converged = False
        raise AssertionError("ARPACK accepts any Ritz value at a tolerance of 10")


def _moved(product: Product, V: NDArray, distances: NDArray, x: NDArray) -> NDArray:
    """A x with the eigenvalues of the columns of V lowered."""
    return product(x) - V @ (distances * (V.T @ x))


def random_vector(size: int, dtype: DTypeLike, seed: int = 0) -> NDArray:
    """Standard normal numbers, the same in every run."""
    return np.random.default_rng(seed).standard_normal(size).astype(dtype)
