"""What the public functions accept: a check names the argument, what was wanted and what came."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Gram = Literal["columns", "rows", "smaller"]
GRAMS: tuple[Gram, ...] = ("columns", "rows", "smaller")


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
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]} ..."


def float_type(dtype: Any) -> type[np.floating]:
    """float32 for float32, float64 for every other real type."""
    return np.float32 if dtype == np.float32 else np.float64


def as_floats(name: str, value: ArrayLike) -> NDArray:
    """A real array: float32 stays float32, every other real type becomes float64."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal lengths
        raise ValueError(
            f"{name}: wanted an array of real numbers, got rows of unequal lengths"
        ) from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: wanted an array of real numbers, got dtype {array.dtype}")
    return array.astype(float_type(array.dtype), copy=False)


def as_kernel(K: ArrayLike, name: str = "K", *, square: bool = True) -> NDArray:
    """A kernel of shape (k, k, g, h); two dimensions stand for one channel, g = h = 1.

    If it need not be ``square``, of shape (k1, k2, g, h).
    """
    wanted = "(k, k, g, h) or (k, k)" if square else "(k1, k2, g, h) or (k1, k2)"
    kernel = as_floats(name, K)
    if kernel.ndim == 2:
        kernel = kernel[:, :, np.newaxis, np.newaxis]
    unequal = kernel.ndim == 4 and kernel.shape[0] != kernel.shape[1]
    if kernel.ndim != 4 or kernel.size == 0 or (square and unequal):
        raise ValueError(f"{name}: wanted the shape {wanted}, none of them 0, got {np.shape(K)}")
    if not np.isfinite(kernel).all():
        raise ValueError(f"{name}: wanted finite entries, got NaN or infinity")
    return kernel


def as_kernel_shape(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """(k1, k2, g, h) from the shape of a kernel, (k1, k2, g, h) or (k1, k2)."""
    if not isinstance(shape, (Sequence, np.ndarray)):
        raise TypeError(f"shape: wanted (k1, k2, g, h) or (k1, k2), got {shown(shape)}")
    sizes = tuple(as_integer("shape", size, 1) for size in shape)
    if len(sizes) not in (2, 4):
        raise ValueError(f"shape: wanted (k1, k2, g, h) or (k1, k2), got {tuple(shape)}")
    k1, k2 = sizes[:2]
    g, h = sizes[2:] or (1, 1)
    return k1, k2, g, h


def as_vector(name: str, value: ArrayLike, size: int) -> NDArray:
    """A vector of the given length."""
    vector = as_floats(name, value)
    if vector.shape != (size,):
        raise ValueError(f"{name}: wanted a vector of length {size}, got the shape {vector.shape}")
    return vector


def as_matrix(name: str, value: Any) -> Any:
    """A real matrix: sparse or a LinearOperator as it is, all else a dense array of floats."""
    matrix = (
        value
        if hasattr(value, "__matmul__") and hasattr(value, "shape")
        else as_floats(name, value)
    )
    if len(matrix.shape) != 2 or 0 in matrix.shape:
        raise ValueError(
            f"{name}: wanted two dimensions, neither of them 0, got the shape {tuple(matrix.shape)}"
        )
    if matrix.dtype is None or matrix.dtype.kind not in "fiub":
        raise TypeError(f"{name}: wanted a matrix of real numbers, got dtype {matrix.dtype}")
    if isinstance(matrix, np.ndarray) or (matrix.dtype.kind in "iub" and hasattr(matrix, "astype")):
        return matrix.astype(float_type(matrix.dtype), copy=False)
    return matrix


def as_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer from low to high (both included)."""
    wanted = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    candidate: Any = None if isinstance(value, (bool, np.bool_)) else value
    try:
        number = operator.index(candidate)
    except TypeError:
        raise TypeError(f"{name}: wanted {wanted}, got {shown(value)}") from None
    if number < low or (high is not None and number > high):
        raise ValueError(f"{name}: wanted {wanted}, got {number}")
    return number


def as_number(name: str, value: Any, *, positive: bool = True) -> float:
    """A finite number that is positive, or (positive=False) not negative."""
    wanted = "a positive finite number" if positive else "a finite number of at least 0"
    value = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name}: wanted {wanted}, got {shown(value)}")
    number = float(value)
    if not np.isfinite(number) or number < 0 or (positive and number == 0):
        raise ValueError(f"{name}: wanted {wanted}, got {number}")
    return number


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
