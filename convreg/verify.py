"""How a gradient and an adjoint are checked: finite differences, Taylor remainders, the dot test.

A gradient G of f at x is right if, for directions D, the slope <G, D> is the derivative of
f(x + t D) at 0. Two tests that need different things:

* the central difference has the error C t^2 + e/t, e being the rounding error of f: a V over log t,
  lowest near t = e^(1/3);
* the Taylor remainder f(x + t D) - f(x) - t <G, D> falls like t^2 for the right gradient and like t
  for a wrong one, in a direction D that sees the error, long before rounding matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_flag, as_floats, as_integer, as_vector
from convreg._matrices import Matrix, as_matrix

Function = Callable[[NDArray], float | np.floating]
Steps = Sequence[float] | NDArray


def central_difference_errors(
    f: Function, x: NDArray, D: NDArray, slope: float, steps: Steps
) -> NDArray:
    """``|(f(x + t D) - f(x - t D)) / 2t - slope|`` for every step t.

    >>> central_difference_errors(lambda x: x**3, 1.0, 1.0, 3.0, [0.1]).round(6)
    array([0.01])
    """
    return np.array([abs((f(x + t * D) - f(x - t * D)) / (2 * t) - slope) for t in steps])


def taylor_remainders(f: Function, x: NDArray, D: NDArray, slope: float, steps: Steps) -> NDArray:
    """``|f(x + t D) - f(x) - t slope|`` for every step t.

    >>> taylor_remainders(lambda x: x**2, 1.0, 1.0, 2.0, [0.1, 0.01]).round(6)
    array([0.01  , 0.0001])
    """
    return np.array([abs(f(x + t * D) - f(x) - t * slope) for t in steps])


def observed_order(steps: ArrayLike, errors: ArrayLike) -> float:
    """The p with errors = C steps^p, or any y = C x^p, by least squares on the logarithms.

    >>> observed_order([0.1, 0.01], [0.01, 0.0001])
    2.0
    """
    x = as_floats("steps", steps)
    x = as_vector("steps", x, max(2, x.size))
    y = as_vector("errors", errors, x.size)
    for name, values in (("steps", x), ("errors", y)):
        if values.min() <= 0:
            raise ValueError(f"{name}: wanted positive numbers, got {values.min()}")
    return round(float(np.polyfit(np.log(x), np.log(y), 1)[0]), 6)


STEPS = np.logspace(-6, 0, 13)


def gradient_tables(
    statement: str, f: Function, x: NDArray, gradients: Mapping[str, NDArray], seed: int = 1
) -> list[dict[str, Any]]:
    """Both tests for several gradients of f at x, the first meant to be right; a table each.

    The direction is random but leans towards the first gradient, so that no slope is small. For the
    central difference f is rounded to single precision, which makes the rounding error of its V
    known and the same on every computer; the Taylor remainder takes f as it is, for steps above its
    rounding error.

    Returns
    -------
    list of dict
        ``statement``, ``gradient`` (its name), ``step``, ``difference``, ``remainder`` (NaN for
        small steps).
    """
    first = next(iter(gradients.values()))
    noise = np.random.default_rng(seed).standard_normal(np.shape(x))
    D = 2 * first / np.linalg.norm(first) + noise / np.linalg.norm(noise)
    D /= np.linalg.norm(D)

    def rounded(y: NDArray) -> float:
        """f in single precision."""
        return float(np.float32(f(y)))

    tables = []
    for name, G in gradients.items():
        slope = float(np.sum(G * D))
        difference = central_difference_errors(rounded, x, D, slope, STEPS)
        remainder = taylor_remainders(f, x, D, slope, STEPS)
        tables.append(
            {
                "statement": statement,
                "gradient": name,
                "step": STEPS,
                "difference": difference,
                "remainder": np.where(STEPS > 9e-5, remainder, np.nan),
            }
        )
    return tables


def remainder_order(table: Mapping[str, Any]) -> float:
    """The order of the Taylor remainders in a `gradient_tables` table, from small steps: 2 or 1."""
    small = (STEPS > 9e-5) & (STEPS < 2e-3)
    return observed_order(STEPS[small], table["remainder"][small])


def confirm(statement: str, holds: bool) -> None:
    """Print that a statement holds, or stop with it.

    >>> confirm("1 + 1 = 2", 1 + 1 == 2)
    1 + 1 = 2: yes
    """
    if not as_flag("holds", holds):
        raise AssertionError(f"{statement}: no")
    print(f"{statement}: yes")


def adjoint_gap(A: Matrix, seed: int = 0) -> float:
    """The dot test: ``|<A x, y> - <x, A' y>| / (|A x| |y|)`` for random x, y.

    >>> adjoint_gap(np.array([[1.0, 2.0], [3.0, 4.0]])) < 1e-15
    True
    """
    A = as_matrix("A", A)
    rng = np.random.default_rng(as_integer("seed", seed, 0))
    x = rng.standard_normal(A.shape[1])
    y = rng.standard_normal(A.shape[0])
    Ax = A @ x
    scale = np.abs(Ax).max() or 1.0  # so that no square overflows or vanishes
    gap = (Ax / scale) @ y - x @ ((A.T @ y) / scale)
    return float(abs(gap) / (np.linalg.norm(Ax / scale) * np.linalg.norm(y) or 1.0))
