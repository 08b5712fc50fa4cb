"""Theorems 2.2 and 2.3: what gradients are checked on, and wrong ones beside the right ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convreg.examples import identity
from convreg.extremes import extreme_singular_values
from convreg.forms import polar_penalty, values_penalty
from convreg.matrix import conv_matrix, conv_matrix_adjoint
from convreg.penalty import penalty, penalty_gradient
from convreg.studies import alternatives
from convreg.studies.polar import periodic_polar_penalty
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

    >>> tables = remedy_gradients(np.ones((2, 2, 2, 1)), 2, 1.0)
    >>> [table["statement"] for table in tables[::2]]
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


def sigma_gradients(K: NDArray, N: int) -> list[dict[str, Any]]:
    """Section 1: the tables of `gradient_tables` for the penalties on the sigma themselves.

    The larger distance of sigma_max and sigma_min from 1 at a multiple of K, where sigma_max
    decides it, and at a kernel where sigma_min does; and there the sums over all singular values of
    M, and of the convolution on a torus. Beside each gradient one that lacks the factor
    1 / ``|Mv|``, or the term with the polar factor.

    >>> tables = sigma_gradients(2 * np.ones((2, 2, 1, 1)), 3)
    >>> [table["statement"] for table in tables[::2]]
    ['values, $\\\\sigma_{max}$', 'values, $\\\\sigma_{min}$', 'polar', 'polar, periodic']
    """
    k, _, g, h = K.shape
    unit = K / extreme_singular_values(K, N)[0]
    inside = 0.6 * identity(k, g, h) - 0.3 * unit
    at_the_top = _values_gradients(r"values, $\sigma_{max}$", 3 * unit, N)
    at_the_bottom = _values_gradients(r"values, $\sigma_{min}$", inside, N)
    every_tap = conv_matrix(np.ones_like(K), N)
    times = conv_matrix_adjoint(every_tap, K.shape, N)  # M* M multiplies the taps by these
    of_M = gradient_tables(
        "polar",
        lambda K: polar_of(K, N)[0],
        inside,
        {"right": polar_of(inside, N)[1], "missing term": 2 * times * inside},
    )
    on_a_torus = gradient_tables(
        "polar, periodic",
        lambda K: periodic_polar_penalty(K, N)[0],
        inside,
        {"right": periodic_polar_penalty(inside, N)[1], "missing term": 2 * inside},
    )
    return at_the_top + at_the_bottom + of_M + on_a_torus


def _values_gradients(name: str, K: NDArray, N: int) -> list[dict[str, Any]]:
    """The gradient +-M*(w v'), and what it is without dividing Mv by its length."""
    _, w, v = values_penalty(conv_matrix(K, N), gram="smaller")
    G = conv_matrix_adjoint(np.outer(w, v), K.shape, N)
    sigma = np.linalg.norm(conv_matrix(K, N) @ v)
    gradients = {"right": G, "missing factor": sigma * G}
    return gradient_tables(name, lambda K: values_of(K, N), K, gradients)


def values_of(K: NDArray, N: int) -> float:
    """Section 1: max ``|sigma - 1|`` over the min(m, n) singular values of M(K).

    >>> values_of(np.full((1, 1, 1, 1), 3.0), 1)
    2.0
    """
    return float(np.abs(np.array(extreme_singular_values(K, N)) - 1).max())


def polar_of(K: NDArray, N: int) -> tuple[float, NDArray]:
    """Section 2.1, beyond it: the sum of (sigma - 1)^2 over those of M(K), and its gradient in K.

    >>> polar_of(np.full((1, 1, 1, 1), 3.0), 1)
    (4.0, array([[[[4.]]]]))
    """
    P, G = polar_penalty(conv_matrix(K, N))
    return P, conv_matrix_adjoint(G, K.shape, N)
