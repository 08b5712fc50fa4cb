"""How a gradient and an adjoint are checked: finite differences, Taylor remainders, the dot test.

A gradient G of f at x is right if, for directions D, the slope <G, D> is the derivative of f(x + t D) at 0.
Two tests that need different things:

* the central difference has the error C t^2 + e/t, e being the rounding error of f: a V over log t, lowest
  near t = e^(1/3);
* the Taylor remainder f(x + t D) - f(x) - t <G, D> falls like t^2 for the right gradient and like t for a
  wrong one, long before rounding matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Function = Callable[[NDArray], float]


def central_difference_errors(f: Function, x: NDArray, D: NDArray, slope: float, steps: ArrayLike) -> NDArray:
    """|(f(x + t D) - f(x - t D)) / 2t - slope| for every step t.

    >>> central_difference_errors(lambda x: x**3, 1.0, 1.0, 3.0, [0.1]).round(6)
    array([0.01])
    """
    return np.array([abs((f(x + t * D) - f(x - t * D)) / (2 * t) - slope) for t in steps])


def taylor_remainders(f: Function, x: NDArray, D: NDArray, slope: float, steps: Sequence[float]) -> NDArray:
    """|f(x + t D) - f(x) - t slope| for every step t.

    >>> taylor_remainders(lambda x: x**2, 1.0, 1.0, 2.0, [0.1, 0.01]).round(6)
    array([0.01  , 0.0001])
    """
    return np.array([abs(f(x + t * D) - f(x) - t * slope) for t in steps])


def observed_order(steps: ArrayLike, errors: ArrayLike) -> float:
    """The p with errors = C steps^p, by least squares on the logarithms.

    >>> observed_order([0.1, 0.01], [0.01, 0.0001])
    2.0
    """
    return round(float(np.polyfit(np.log(steps), np.log(errors), 1)[0]), 6)


def confirm(statement: str, holds: bool) -> None:
    """Print that a statement holds, or stop with it.

    >>> confirm("1 + 1 = 2", 1 + 1 == 2)
    1 + 1 = 2: yes
    """
    if not holds:
        raise AssertionError(f"{statement}: no")
    print(f"{statement}: yes")


def adjoint_gap(A: Any, seed: int = 0) -> float:
    """The dot test: |<A x, y> - <x, A' y>| / (|A x| |y|) for random x, y.

    >>> adjoint_gap(np.array([[1.0, 2.0], [3.0, 4.0]])) < 1e-15
    True
    """
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal(A.shape[1]), rng.standard_normal(A.shape[0])
    Ax = A @ x
    return float(abs(Ax @ y - x @ (A.T @ y)) / (np.linalg.norm(Ax) * np.linalg.norm(y) or 1.0))
