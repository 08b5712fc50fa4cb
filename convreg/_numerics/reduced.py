"""A matrix over a power of two of its size, so that squares neither overflow nor vanish.

Nothing is rounded by that: what is computed is the same at every scale, bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from scipy.sparse.linalg import LinearOperator

from convreg._checks import as_floats, float_type
from convreg._numerics.arpack import random_vector


def reduced(name: str, A: Any) -> tuple[Any, float]:
    """A over a power of two of the order of its entries, or its products, and that power.

    The power is 0 where A is, which comes as it is.
    """
    if isinstance(A, np.ndarray):
        scale = power_of_two(A)
        return A / A.dtype.type(scale or 1), scale
    if issparse(A):
        scale = power_of_two(A.data)
        data = A.data / A.dtype.type(scale or 1)
        return csr_array((data, A.indices, A.indptr), shape=A.shape), scale
    operator = Reduced(name, A, 1.0)
    x = random_vector(A.shape[1], operator.dtype)
    scale = power_of_two(operator @ (x / np.linalg.norm(x)))
    return Reduced(name, A, scale or 1.0), scale


def power_of_two(entries: NDArray) -> float:
    """The largest one that is not above the largest of the entries; 0 where all are 0."""
    largest = float(np.abs(entries).max(initial=0.0))
    return float(2.0 ** (np.frexp(largest)[1] - 1)) if largest > 0 else 0.0


class Reduced(LinearOperator):
    """An operator over a scale, its products real and finite, or an error that names it.

    It is its own transpose where the operator is, and has its bound ``lowest``.
    """

    def __init__(self, name: str, A: Any, scale: float) -> None:
        super().__init__(float_type(A.dtype), A.shape)
        self._name, self._A, self._scale = name, A, scale
        if hasattr(A, "lowest"):
            self.lowest = float(A.lowest) / scale

    def _matmat(self, X: NDArray) -> NDArray:
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                product = as_floats(self._name, self._A @ X.astype(self.dtype, copy=False))
                product = product.astype(self.dtype, copy=False)
        except NotImplementedError:
            raise TypeError(
                f"{self._name}: wanted an operator with matvec and rmatvec, got one without"
            ) from None
        if not np.isfinite(product).all():
            raise ValueError(f"{self._name}: wanted finite products, got NaN or infinity")
        return product / self.dtype.type(self._scale)

    def _matvec(self, x: NDArray) -> NDArray:
        return self._matmat(x.reshape(-1, 1)).ravel()

    def _transpose(self) -> LinearOperator:
        return self if self._A.T is self._A else Reduced(self._name, self._A.T, self._scale)

    def _adjoint(self) -> LinearOperator:
        return self._transpose()
