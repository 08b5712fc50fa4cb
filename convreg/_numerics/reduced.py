"""A matrix over a power of two of its size, so that squares neither overflow nor vanish.

Nothing is rounded by that: what is computed is the same at every scale, bit for bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from scipy.sparse.linalg import LinearOperator

from convreg._numerics.arpack import random_vector

ROOM = -12  # bits that a sum of large terms may be above the product in which it cancels


def reduced(A: Any) -> tuple[Any, float]:
    """A, as `as_matrix` gives it, over a power of two of the order of its entries, and that power.

    That of an operator is of the order of its products. It is 0 where A is, which comes as it is.
    """
    if isinstance(A, np.ndarray):
        scale = power_of_two(A)
        return A / A.dtype.type(scale or 1), scale
    if issparse(A):
        scale = power_of_two(A.data)
        data = A.data / A.dtype.type(scale or 1)
        return csr_array((data, A.indices, A.indptr), shape=A.shape), scale
    x = random_vector(A.shape[1], A.dtype)
    x /= np.linalg.norm(x)
    room, numbers = ROOM, np.finfo(A.dtype)
    size = power_of_two(Reduced(A, 1.0, room) @ x)
    if size < numbers.tiny / numbers.eps**2:  # products lose digits, or all
        far = int(0.9 * numbers.maxexp)
        try:
            larger = power_of_two(Reduced(A, 1.0, far) @ x)
        except ValueError:  # it is 0, by large terms that cancel
            larger = 0.0
        if larger > 0:
            room, size = far, max(larger, math.ldexp(numbers.smallest_subnormal, far))
    return Reduced(A, size or 1.0, room), size * 2.0**-room


def power_of_two(entries: NDArray) -> float:
    """The largest one that is not above the largest of the entries; 0 where all are 0."""
    largest = float(np.abs(entries).max(initial=0.0))
    return float(2.0 ** (np.frexp(largest)[1] - 1)) if largest > 0 else 0.0


def restored(name: str, value: Any, scale: float) -> Any:
    """A singular value of the matrix of this name from that of the reduced one, if it fits."""
    with np.errstate(over="ignore"):
        product = value * scale
    if not np.isfinite(product):
        raise ValueError(
            f"{name}: wanted entries whose singular values do not overflow as "
            f"{np.asarray(value).dtype}, got one of {value:.4g} times {scale:.4g}"
        )
    return product


class Reduced(LinearOperator):
    """An operator over a size, its own transpose where that is, with its bound ``lowest``.

    What it multiplies is 2^room times as large.
    """

    def __init__(self, A: Any, size: float, room: int) -> None:
        super().__init__(A.dtype, A.shape)
        self._A, self._size, self._room = A, size, room
        if hasattr(A, "lowest"):
            self.lowest = float(A.lowest) * 2.0**room / size

    def _matmat(self, X: NDArray) -> NDArray:
        if self._room == 0 and self._size == 1:
            return self._A @ X
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused there
            product = self._A @ np.ldexp(X, self._room)
        return product / self.dtype.type(self._size)

    def _matvec(self, x: NDArray) -> NDArray:
        return self._matmat(x)

    def _transpose(self) -> LinearOperator:
        transpose = self._A.T
        return self if transpose is self._A else Reduced(transpose, self._size, self._room)

    def _adjoint(self) -> LinearOperator:
        return self._transpose()
