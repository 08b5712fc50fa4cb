"""Theorems 2.2 and 2.3: what gradients are checked on, and wrong ones beside the right ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convreg.examples import identity
from convreg.extremes import extreme_singular_values
from convreg.penalty import penalty, penalty_gradient
from convreg.studies import alternatives
from convreg.verify import gradient_tables


def both_signs(K: NDArray, N: int, alpha: float) -> dict[str, NDArray]:
    """Lemma 2.2: kernels of the shape of K with u = v and, where h >= g, with u = -v.

    >>> tall, wide = np.ones((3, 3, 2, 3)), np.ones((3, 3, 3, 2))
    >>> [*both_signs(tall, 4, 1.0)], [*both_signs(wide, 4, 1.0)]
    (['u = v', 'u = -v'], ['u = v'])
    """
    k, _, g, h = K.shape
    if h < g:
        return {"u = v": K}
    unit = K / extreme_singular_values(K, N)[0]
    return {"u = v": K, "u = -v": alpha**0.5 * (0.6 * identity(k, g, h) - 0.3 * unit)}


def without_a_pixel(G: NDArray) -> NDArray:
    """Theorems 2.2 and 2.3: a gradient in M that lacks its largest row, and so is wrong.

    >>> without_a_pixel(np.array([[1, 2], [3, 4]]))
    array([[1, 2],
           [0, 0]])
    """
    wrong = G.copy()
    wrong[np.argmax(np.linalg.norm(G, axis=1))] = 0
    return wrong


def remedy_gradients(K: NDArray, N: int, alpha: float) -> list[dict[str, Any]]:
    """Theorem 2.3 on the smaller Gram matrix: the tables of `gradient_tables` for both signs.

    For u = v and for u = -v, each for the gradient and for its half, which is a term of it.

    >>> [table["statement"] for table in remedy_gradients(np.ones((2, 2, 2, 1)), 2, 1.0)[::2]]
    ["MM', u = v", "MM', u = -v"]
    """
    small = 0.3 * alpha**0.5 / extreme_singular_values(K, N)[0] * K
    tables = []
    for sign, kernel in (("u = v", K), ("u = -v", small)):
        _, G = penalty_gradient(kernel, N, alpha, gram="smaller")
        tables += gradient_tables(
            f"MM', {sign}",
            lambda K: penalty(K, N, alpha, "smaller"),
            kernel,
            {"right": G, "missing term": G / 2},
        )
    return tables


def alternative_gradients(K: NDArray, N: int) -> list[dict[str, Any]]:
    """Section 1: the tables of `gradient_tables` for four penalties, each gradient and its half.

    >>> tables = alternative_gradients(np.ones((2, 2)), 2)
    >>> [table["statement"] for table in tables[::2]]
    ['spectral norm of W', 'orthogonality of W', 'Frobenius', 'self-convolution']
    """
    alternative = {
        "spectral norm of W": alternatives.spectral_norm_penalty,
        "orthogonality of W": alternatives.orthogonality_penalty,
        "Frobenius": lambda K: alternatives.frobenius_penalty(K, N, 2.0),
        "self-convolution": alternatives.self_convolution_penalty,
    }
    tables = []
    for name, value_and_gradient in alternative.items():
        _, G = value_and_gradient(K)

        def value(K: NDArray, penalised: Any = value_and_gradient) -> float:
            """The penalty alone."""
            return penalised(K)[0]

        tables += gradient_tables(name, value, K, {"right": G, "missing factor": G / 2})
    return tables
