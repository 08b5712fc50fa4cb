"""What the public functions accept: a check names the argument, what was wanted and what came."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from decimal import Decimal
from math import prod
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Gram = Literal["columns", "rows", "smaller"]
GRAMS: tuple[Gram, ...] = ("columns", "rows", "smaller")
PLAIN_ARRAYS = (np.ndarray, np.matrix, np.memmap, np.recarray)
MOST_DIMENSIONS = 64  # of an array of NumPy
LARGEST_INTEGER = 2**63 - 1
MOST_ENTRIES = 2**36  # a vector of as many takes 512 GiB


def shown(value: Any) -> str:
    """A value as an error shows it: what has a shape by that, what is long by its beginning.

    >>> shown("rows"), shown(np.zeros((2, 3)))
    ("'rows'", 'ndarray of shape (2, 3)')
    """
    kind = type(value).__name__
    try:
        shape = asked(value, "shape")
        if isinstance(shape, tuple) and shape:
            return f"{kind} of shape {tuple(shape)}"
        text = repr(value)
    except Exception:  # a __repr__ of somebody else's, or an integer of thousands of digits
        return f"one of {kind} that cannot be printed"
    return text if len(text) <= 200 else f"{text[:200]} ..."


def asked(value: Any, name: str, default: Any = None) -> Any:
    """An attribute, or the default where there is none or asking for it fails.

    >>> asked(np.ones(2), "ndim"), asked([1, 2], "ndim", 0)
    (1, 0)
    """
    try:
        return getattr(value, name, default)
    except Exception:
        return default


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
    if array.size > MOST_ENTRIES:  # as views that repeat one number may have
        raise ValueError(
            f"{name}: wanted at most {MOST_ENTRIES:,} entries, got the shape {array.shape}"
        )
    return cast(name, array, float_type(array.dtype))


def _refuse_more_than_numbers(name: str, value: Any, depth: int = 0) -> None:
    """Refuse masks, units and what else a class of its own may mean, in lists too."""
    if isinstance(value, (list, tuple)):
        for entry in value if depth < MOST_DIMENSIONS else ():
            _refuse_more_than_numbers(name, entry, depth + 1)
    elif _means_more(value):
        raise TypeError(
            f"{name}: wanted an array of plain real numbers, got one of {type(value).__name__}, "
            "which means more than its numbers"
        )


def _means_more(value: Any) -> bool:
    """Whether something is masked in it, or its class has a unit or is one of NumPy's no more."""
    kind = type(value)
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    subclass = isinstance(value, np.ndarray) and kind not in PLAIN_ARRAYS
    return subclass or hasattr(kind, "unit") or hasattr(kind, "units")


def cast(name: str, array: NDArray, dtype: DTypeLike) -> NDArray:
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
    text = isinstance(shape, (str, bytes, bytearray, memoryview))
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


def as_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer from low to high (both included), at most that of 64 bits."""
    wanted = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    refused = _is_bool(value) or _dimensions(value) or _means_more(value)
    candidate: Any = None if refused else value
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
    if hasattr(type(value), "__array__") and not isinstance(value, np.generic):
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
    return isinstance(value, bool) or str(asked(value, "dtype")) in ("bool", "torch.bool")


def _dimensions(value: Any) -> bool:
    """Whether it has any, as an array has."""
    return bool(asked(value, "ndim", 0) != 0)


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
