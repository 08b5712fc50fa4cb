"""The matrices that the public functions accept: dense, sparse, or operators of products alone."""

from __future__ import annotations

import re
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from scipy.sparse.linalg import LinearOperator

from convreg._checks import MOST_ENTRIES, as_floats, asked, cast, float_type, shown

NO_PRODUCT = (AttributeError, IndexError, NotImplementedError, TypeError, ValueError)


class Matrix(Protocol):
    """What ``A @ x`` and ``A.T @ y`` need: an array, a sparse array or a LinearOperator."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, n)."""
        ...

    @property
    def dtype(self) -> Any:
        """The type of the entries."""
        ...

    @property
    def T(self) -> Any:
        """The transpose."""
        ...

    def __matmul__(self, other: Any) -> Any: ...


def as_entries(name: str, value: Any) -> Any:
    """A real array: as a csr_array if it is sparse, its duplicates summed, else as `as_floats`."""
    if not issparse(value):
        return as_floats(name, value)
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{name}: wanted an array of real numbers, got dtype {value.dtype}")
    if value.ndim != 2:
        raise ValueError(f"{name}: wanted two dimensions, got the shape {value.shape}")
    if hasattr(value, "check_format"):
        _check_indices(name, value)
    native = value.dtype.newbyteorder("=")
    if native == np.float16 or native != value.dtype:  # SciPy has no sparse arithmetic of them
        value = value.astype(np.float64 if native == np.float16 else native)
    matrix = value if isinstance(value, csr_array) else csr_array(value)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    data = cast(name, matrix.data, float_type(matrix.dtype))
    if data is matrix.data:
        return matrix
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _check_indices(name: str, matrix: Any) -> None:
    """Refuse a sparse array whose indices point outside it: SciPy would read what lies there."""
    try:
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise ValueError(f"{name}: wanted indices within the array, got others: {error}") from None


def as_matrix(name: str, value: Any) -> Any:
    """A real matrix: a dense array of floats, a csr_array or a `RealOperator`, ``name`` in errors.

    What has ``@`` and no way to an array is an operator; one that ``checks_products`` itself, as
    those of convreg do, comes as it is.
    """
    kind = type(value)
    of_entries = issparse(value) or hasattr(kind, "__array__") or not hasattr(kind, "__matmul__")
    matrix = as_entries(name, value) if of_entries else value
    shape = asked(matrix, "shape")
    if not isinstance(shape, tuple) or len(shape) != 2 or not all(map(_is_size, shape)):
        raise ValueError(
            f"{name}: wanted two dimensions, neither of them 0 nor above {MOST_ENTRIES:,}, "
            f"got the shape {shown(shape)}"
        )
    checked = of_entries or getattr(kind, "checks_products", False)
    return matrix if checked else RealOperator(name, matrix)


def _is_size(value: Any) -> bool:
    """Whether it is an integer above 0, and vectors of this length can be."""
    return isinstance(value, (int, np.integer)) and 0 < int(value) <= MOST_ENTRIES


class RealOperator(LinearOperator):
    """An operator of float32 or float64 whose products are real, finite and of the right shape.

    Where those of the given one are not, the error names it. It is its own transpose where the
    given one is, and has its bound ``lowest``.
    """

    checks_products = True

    def __init__(self, name: str, A: Any) -> None:
        dtype = _real_type(name, asked(A, "dtype"))
        super().__init__(float_type(dtype), tuple(map(int, A.shape)))
        self._name, self._A = name, A
        lowest = asked(A, "lowest")
        if lowest is not None:
            self.lowest = lowest

    def _matmat(self, X: NDArray) -> NDArray:
        dtype = np.result_type(self.dtype, X)
        try:
            Y = np.asarray(self._A @ X.astype(dtype, copy=False))
        except NO_PRODUCT as error:
            self._refuse(error)
        wanted = (self.shape[0], *X.shape[1:])
        if Y.shape != wanted:
            raise ValueError(f"{self._name}: wanted products of shape {wanted}, got {Y.shape}")
        if Y.dtype == dtype and np.isfinite(Y).all():
            return Y
        if dtype.kind == "c" or not np.isfinite(X).all():
            return Y
        return cast(self._name, as_floats(self._name, Y), dtype)

    def _matvec(self, x: NDArray) -> NDArray:
        return self._matmat(x)

    def _transpose(self) -> LinearOperator:
        try:
            transpose = self._A.T
        except NO_PRODUCT as error:
            self._refuse(error)
        if asked(transpose, "shape") != self.shape[::-1]:
            raise TypeError(
                f"{self._name}: wanted an operator with a transpose .T, got {shown(transpose)}"
            )
        return self if transpose is self._A else RealOperator(self._name, transpose)

    def _adjoint(self) -> LinearOperator:
        return self._transpose()

    def _refuse(self, error: Exception) -> NoReturn:
        """An error with the operator's name; one of an operator inside has its own."""
        if re.match(r"\w+: wanted ", str(error)):
            raise error
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(
            f"{self._name}: wanted an operator with the products A x and A' y, got "
            f"{type(error).__name__}: {error}"
        ) from error


def _real_type(name: str, dtype: Any) -> np.dtype:
    """A dtype of real numbers; float64 where there is none."""
    try:
        found = np.dtype(dtype)  # of None float64
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "fiub":
        raise TypeError(f"{name}: wanted a matrix of real numbers, got dtype {dtype}")
    return found
