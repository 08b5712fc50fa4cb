"""What the public functions accept: a check names the argument, what was wanted and what came."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from decimal import Decimal
from math import prod
from numbers import Real
from typing import Any, Literal, NoReturn, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.sparse import csr_array, issparse
from scipy.sparse.linalg import LinearOperator

Gram = Literal["columns", "rows", "smaller"]
GRAMS: tuple[Gram, ...] = ("columns", "rows", "smaller")
PLAIN_ARRAYS = (np.ndarray, np.matrix, np.memmap, np.recarray)
NO_PRODUCT = (AttributeError, IndexError, NotImplementedError, TypeError, ValueError)
MOST_DIMENSIONS = 64  # of an array of NumPy
LARGEST_INTEGER = 2**63 - 1
MOST_ENTRIES = 2**36  # a vector of as many takes 512 GiB


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


def shown(value: Any) -> str:
    """A value as an error shows it: what has a shape by that, what is long by its beginning.

    >>> shown("rows"), shown(np.zeros((2, 3)))
    ("'rows'", 'ndarray of shape (2, 3)')
    """
    kind = type(value).__name__
    try:
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple) and shape:
            return f"{kind} of shape {tuple(shape)}"
        text = repr(value)
    except Exception:  # a __repr__ of somebody else's, or an integer of thousands of digits
        return f"one of {kind} that cannot be printed"
    return text if len(text) <= 200 else f"{text[:200]} ..."


def float_type(dtype: Any) -> type[np.floating]:
    """float32 for float32, in any order of its bytes; float64 for every other real type."""
    return np.float32 if np.dtype(dtype).newbyteorder("=") == np.float32 else np.float64


def as_floats(name: str, value: ArrayLike) -> NDArray:
    """A real array, finite: float32 stays float32, every other real type becomes float64.

    What NumPy makes a real array of is taken; what means more than its numbers, as with a mask or
    a unit, is refused.
    """
    _refuse_more_than_numbers(name, value)
    try:
        array = np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        if "inhomogeneous" in str(error):
            raise ValueError(
                f"{name}: wanted an array of real numbers, got rows of unequal lengths"
            ) from None
        raise TypeError(
            f"{name}: wanted an array of real numbers, got {type(value).__name__}, of which NumPy "
            f"makes none: {error}"
        ) from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: wanted an array of real numbers, got dtype {array.dtype}")
    return _cast(name, array, float_type(array.dtype))


def _refuse_more_than_numbers(name: str, value: Any, depth: int = 0) -> None:
    """Refuse masks, units and what else a class of its own may mean, in lists too."""
    if isinstance(value, (list, tuple)):
        for entry in value if depth < MOST_DIMENSIONS else ():
            _refuse_more_than_numbers(name, entry, depth + 1)
        return
    if isinstance(value, np.ma.MaskedArray):
        more = np.ma.is_masked(value)
    else:
        subclass = isinstance(value, np.ndarray) and type(value) not in PLAIN_ARRAYS
        more = subclass or hasattr(type(value), "unit") or hasattr(type(value), "units")
    if more:
        raise TypeError(
            f"{name}: wanted an array of plain real numbers, got one of {type(value).__name__}, "
            "which means more than its numbers"
        )


def _cast(name: str, array: NDArray, dtype: DTypeLike) -> NDArray:
    """The array in this type, if all that is in it is finite and none has vanished."""
    with np.errstate(over="ignore", under="ignore"):
        floats = array.astype(dtype, copy=False)
    if not np.isfinite(floats).all():
        raise ValueError(
            f"{name}: wanted finite entries, got NaN or infinity as {floats.dtype.name}"
        )
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        tiny = np.abs(floats) < np.finfo(float).tiny
        if np.any(floats[tiny] != array[tiny]):
            raise ValueError(
                f"{name}: wanted entries that {floats.dtype.name} can hold, got some below "
                f"{np.finfo(float).tiny:.2g}"
            )
    return floats


def as_kernel(K: ArrayLike, name: str = "K", *, square: bool = True) -> NDArray:
    """A kernel of shape (k, k, g, h); two dimensions stand for one channel, g = h = 1.

    If it need not be ``square``, of shape (k1, k2, g, h).
    """
    wanted = "(k, k, g, h) or (k, k)" if square else "(k1, k2, g, h) or (k1, k2)"
    kernel = as_floats(name, K)
    given = kernel.shape
    if kernel.ndim == 2:
        kernel = kernel[:, :, np.newaxis, np.newaxis]
    unequal = kernel.ndim == 4 and kernel.shape[0] != kernel.shape[1]
    if kernel.ndim != 4 or kernel.size == 0 or (square and unequal):
        raise ValueError(f"{name}: wanted the shape {wanted}, none of them 0, got {given}")
    return kernel


def as_kernel_shape(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """(k1, k2, g, h) from the shape of a kernel, (k1, k2, g, h) or (k1, k2)."""
    wanted = "shape: wanted (k1, k2, g, h) or (k1, k2)"
    array = isinstance(shape, np.ndarray) and shape.ndim == 1
    text = isinstance(shape, (str, bytes, bytearray))
    if text or not (array or isinstance(shape, Sequence)):
        raise TypeError(f"{wanted}, got {shown(shape)}")
    if len(shape) not in (2, 4):
        raise ValueError(f"{wanted}, got {shown(tuple(shape))}")
    sizes = tuple(as_integer("shape", size, 1) for size in shape)
    if prod(sizes) > MOST_ENTRIES:
        raise ValueError(f"{wanted}, at most {MOST_ENTRIES:,} entries, got {shown(tuple(shape))}")
    k1, k2 = sizes[:2]
    g, h = sizes[2:] or (1, 1)
    return k1, k2, g, h


def as_vector(name: str, value: ArrayLike, size: int) -> NDArray:
    """A vector of the given length."""
    vector = as_floats(name, value)
    if vector.shape != (size,):
        raise ValueError(f"{name}: wanted a vector of length {size}, got the shape {vector.shape}")
    return vector


def as_entries(name: str, value: Any) -> Any:
    """A real array: as a csr_array if it is sparse, its duplicates summed, else as `as_floats`."""
    if not issparse(value):
        return as_floats(name, value)
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{name}: wanted an array of real numbers, got dtype {value.dtype}")
    if value.ndim != 2:
        raise ValueError(f"{name}: wanted two dimensions, got the shape {value.shape}")
    if value.dtype == np.float16:  # SciPy has no sparse arithmetic of it
        value = value.astype(np.float64)
    matrix = value if isinstance(value, csr_array) else csr_array(value)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    data = _cast(name, matrix.data, float_type(matrix.dtype))
    if data is matrix.data:
        return matrix
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def as_matrix(name: str, value: Any) -> Any:
    """A real matrix: a dense array of floats, a csr_array or a `RealOperator`, ``name`` in errors.

    What has ``@``, a shape and no way to an array is an operator.
    """
    of_entries = issparse(value) or hasattr(value, "__array__")
    operator = hasattr(value, "__matmul__") and hasattr(value, "shape") and not of_entries
    matrix = value if operator else as_entries(name, value)
    shape = matrix.shape
    if not isinstance(shape, tuple) or len(shape) != 2 or not all(map(_is_size, shape)):
        raise ValueError(
            f"{name}: wanted two dimensions, neither of them 0, got the shape {shown(shape)}"
        )
    return RealOperator(name, matrix) if operator else matrix


def _is_size(value: Any) -> bool:
    """Whether it is an integer above 0."""
    return isinstance(value, (int, np.integer)) and int(value) > 0


class RealOperator(LinearOperator):
    """An operator of float32 or float64 whose products are real, finite and of the right shape.

    Where those of the given one are not, the error names it. It is its own transpose where the
    given one is, and has its bound ``lowest``.
    """

    def __init__(self, name: str, A: Any) -> None:
        dtype = _real_type(name, getattr(A, "dtype", None))
        super().__init__(float_type(dtype), tuple(map(int, A.shape)))
        self._name, self._A = name, A
        if hasattr(A, "lowest"):
            self.lowest = A.lowest

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
        return _cast(self._name, as_floats(self._name, Y), dtype)

    def _matvec(self, x: NDArray) -> NDArray:
        return self._matmat(x)

    def _transpose(self) -> LinearOperator:
        try:
            transpose = self._A.T
        except NO_PRODUCT as error:
            self._refuse(error)
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


def as_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer from low to high (both included), at most that of 64 bits."""
    wanted = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    candidate: Any = None if _is_bool(value) or _dimensions(value) else value
    try:
        number = operator.index(candidate)
    except Exception:  # of somebody's __index__, too
        raise TypeError(f"{name}: wanted {wanted}, got {shown(value)}") from None
    if high is None and number > LARGEST_INTEGER:
        raise ValueError(f"{name}: wanted {wanted} and below 2^63, got {shown(number)}")
    if number < low or (high is not None and number > high):
        raise ValueError(f"{name}: wanted {wanted}, got {shown(number)}")
    return number


def as_number(name: str, value: Any, *, positive: bool = True) -> float:
    """A finite number that is positive, or (positive=False) not negative."""
    wanted = "a positive finite number" if positive else "a finite number of at least 0"
    if hasattr(value, "__array__") and not isinstance(value, np.generic):
        value = _scalar(value)
    no_number = _is_bool(value) or isinstance(value, np.timedelta64)
    if no_number or not isinstance(value, (Real, Decimal)):
        raise TypeError(f"{name}: wanted {wanted}, got {shown(value)}")
    try:
        number = float(value)
    except (OverflowError, ValueError):  # too large, or Decimal's sNaN
        number = np.inf
    if not np.isfinite(number) or number < 0 or (positive and number == 0):
        raise ValueError(f"{name}: wanted {wanted}, got {shown(value)}")
    return number


def as_flag(name: str, value: Any) -> bool:
    """True or False, or 1 or 0."""
    if _is_bool(value) and not _dimensions(value):
        return bool(value)
    if isinstance(value, (int, np.integer)) and value in (0, 1):
        return bool(value)
    raise TypeError(f"{name}: wanted True or False, got {shown(value)}")


def _is_bool(value: Any) -> bool:
    """Whether it is a bool, of NumPy or PyTorch too."""
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool")


def _dimensions(value: Any) -> bool:
    """Whether it has any, as an array has."""
    return getattr(value, "ndim", 0) != 0


def _scalar(value: Any) -> Any:
    """The number in an array without dimensions; all else as it is."""
    try:
        _refuse_more_than_numbers("", value)
        array = np.asarray(value)
    except Exception:
        return value
    return value if array.ndim else array[()]


def as_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """One of the given words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{name}: wanted one of {', '.join(map(repr, choices))}, got {shown(value)}"
        )
    return value


def gram_of_rows(gram: Gram, m: int, n: int) -> bool:
    """Whether ``gram`` stands for M M' (True) or M'M (False), M being m x n."""
    return as_choice("gram", gram, GRAMS) == "rows" or (gram == "smaller" and m < n)
