"""Section 2.1: R_alpha has a kink where its leading singular values meet: slopes there, and steps.

Where the two largest singular values of M'M - alpha I are equal, R_alpha has no gradient. Its slope
along a direction is a largest eigenvalue, and a fixed step along the gradient of one of the two
overshoots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import Gram, as_kernel
from convreg.convolution import ConvolutionOperator
from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values
from convreg.geometry import padding
from convreg.gradients import kernel_gradient
from convreg.gram import shifted_gram
from convreg.lanczos import leading_triplets
from convreg.learning_rates import polyak_step
from convreg.matrix import conv_matrix
from convreg.penalty import penalty, penalty_gradient
from convreg.storage.tables import Table, from_rows

Gradient = Callable[[NDArray], tuple[float, NDArray]]


class Slope(NamedTuple):
    """The slope of R_alpha from a kink on, by a formula and by a difference."""

    direction: str
    slope: float
    difference: float
    scale: float  # how far the largest eigenvalue is from the smallest


def twin_kernel(kernel_size: int, state: int = 1) -> NDArray:
    """Two channels that go through the same kernel: every singular value of M is double.

    >>> twin_kernel(2)[..., 0, 1]
    array([[0., 0.],
           [0., 0.]])
    """
    return start_kernel(kernel_size, 1, 1, state) * np.eye(2)


def nearly_equal_line(kernel_size: int, N: int, state: int = 1) -> Table:
    """A line of kernels on which the two largest singular values of M'M - alpha I nearly meet.

    K(s) = (1 + s) E_1 + (1 - s) E_2, nearest at s = 0: each of two channels goes through the same
    kernel, and a centre tap of 0.01 joins them. alpha is a tenth of sigma_max(M)^2, so that u = v.

    Returns
    -------
    table
        ``s``; ``first``, ``second`` (the singular values); ``slope`` (of R_alpha along the line, by
        Theorem 2.3); ``wide``, ``narrow`` (central differences with the steps 0.02 and 1e-5).

    Examples
    --------
    >>> sorted(nearly_equal_line(2, 3))
    ['first', 'narrow', 's', 'second', 'slope', 'wide']
    """
    E = twin_kernel(kernel_size, state)
    centre = padding(kernel_size)[0]
    E[centre, centre] += 0.01 * np.array([[0, 1], [1, 0]])
    D = E * np.diag([1.0, -1.0])
    alpha = extreme_singular_values(E, N)[0] ** 2 / 10

    def difference(s: float, step: float) -> float:
        """The central difference of R_alpha along the line."""
        ahead = penalty(E + (s + step) * D, N, alpha)
        behind = penalty(E + (s - step) * D, N, alpha)
        return (ahead - behind) / (2 * step)

    rows = []
    for s in np.linspace(-0.1, 0.1, 40):
        K = E + s * D
        first, second = leading_triplets(shifted_gram(ConvolutionOperator(K, N), alpha))
        slope = np.sum(kernel_gradient(K, N, first.u, first.v) * D)
        rows.append((s, first.sigma, second.sigma, slope, difference(s, 0.02), difference(s, 1e-5)))
    return from_rows(("s", "first", "second", "slope", "wide", "narrow"), rows)


def kink_slopes(kernel_size: int, N: int, state: int = 1) -> list[Slope]:
    """Lemma 2.2 at a kink: the slopes of R_alpha from a kernel with double singular values on.

    The columns of Q span the leading eigenspace of M'M. Along D the slope is the largest eigenvalue
    of Q'(M'dM + dM'M)Q, along -D the negative of the smallest.

    Examples
    --------
    >>> [slope.direction for slope in kink_slopes(2, 3)]
    ['D', '-D']
    """
    K = twin_kernel(kernel_size, state)
    D = np.random.default_rng(1).standard_normal(K.shape)
    M = conv_matrix(K, N).toarray()
    dM = conv_matrix(D, N).toarray()
    values, V = np.linalg.eigh(M.T @ M)
    Q = V[:, values > (1 - 1e-9) * values[-1]]
    ends = np.linalg.eigvalsh(Q.T @ (M.T @ dM + dM.T @ M) @ Q)
    scale = float(np.ptp(ends))

    alpha = values[-1] / 10
    step = 1e-6
    R = penalty(K, N, alpha)
    forward = (penalty(K + step * D, N, alpha) - R) / step
    backward = (penalty(K - step * D, N, alpha) - R) / step
    return [
        Slope("D", float(ends[-1]), forward, scale),
        Slope("-D", -float(ends[0]), backward, scale),
    ]


def mean_gradient(
    K: ArrayLike, N: int, alpha: float = 1.0, gram: Gram = "columns"
) -> tuple[float, NDArray]:
    r"""Section 2.1: R_alpha, and the mean of the gradients (2.5) of the two leading triplets.

    Of the only one, where M'M is 1 x 1.

    .. math:: G = \tfrac12 (G_1 + G_2), \qquad
       G_i = M^*\bigl( (M u_i) v_i^T + (M v_i) u_i^T \bigr)

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}

    Returns
    -------
    R : float
    G : array of the shape of K

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.
    NotConverged
        Where Lanczos misses the tolerance.

    Examples
    --------
    >>> R, G = mean_gradient(np.eye(2)[np.newaxis, np.newaxis] * 2.0, 1)
    >>> R, G[0, 0]
    (3.0, array([[2., 0.],
           [0., 2.]]))
    """
    B = shifted_gram(ConvolutionOperator(as_kernel(K), N), alpha, gram)
    triplets = leading_triplets(B, min(2, B.shape[0]))
    gradients = [kernel_gradient(K, N, triplet.u, triplet.v, gram) for triplet in triplets]
    return float(triplets[0].sigma), np.mean(gradients, axis=0)


def descend(
    K: NDArray, gradient: Gradient, step: Callable[[float, NDArray], float], iterations: int
) -> tuple[NDArray, NDArray]:
    r"""Section 2.1: K <- K - step(R, G) G, R and G from any ``gradient``.

    .. math:: K \leftarrow K - \lambda(R, G)\, G

    The last kernel, and R before each step.

    >>> square = lambda K: (float(K[0] ** 2), 2 * K)
    >>> descend(np.array([4.0]), square, lambda R, G: 0.25, 3)
    (array([0.5]), array([16.,  4.,  1.]))
    """
    values = []
    for _ in range(iterations):
        R, G = gradient(K)
        values.append(R)
        K = K - step(R, G) * G
    return K, np.array(values)


def steps_at_kinks(
    K: NDArray, N: int, alpha: float, learning_rate: float, iterations: int, gram: Gram = "smaller"
) -> list[dict[str, Any]]:
    """Section 2.1: R_alpha along four descents with exact triplets, four lines of a figure.

    A fixed step or Polyak's, along one gradient or the mean of two; each with the lowest value so
    far. They start together from where Polyak's step has come in as many iterations.

    >>> lines = steps_at_kinks(np.ones((3, 3)), 3, 1.0, 0.01, 2)
    >>> [(line["panel"], line["line"]) for line in lines[1:3]]
    [('fixed step', 'two gradients'), ("Polyak's step", 'one gradient')]
    """
    gradients: dict[str, Gradient] = {
        "one gradient": lambda K: penalty_gradient(K, N, alpha, gram),
        "two gradients": lambda K: mean_gradient(K, N, alpha, gram),
    }
    steps = {"fixed step": lambda R, G: learning_rate, "Polyak's step": polyak_step}
    K, _ = descend(K, gradients["one gradient"], polyak_step, iterations)
    lines = []
    for step, which in product(steps, gradients):
        _, R = descend(K, gradients[which], steps[step], iterations + 1)
        lines.append(
            {
                "panel": step,
                "line": which,
                "iteration": np.arange(len(R)),
                "value": R,
                "lowest": np.minimum.accumulate(R),
            }
        )
    return lines


def second_half(lines: Iterable[Mapping[str, Any]]) -> Table:
    """Section 2.1: between which values R_alpha is in the second half of `steps_at_kinks`.

    >>> line = {"panel": "fixed step", "line": "one gradient"}
    >>> line["value"] = np.array([9.0, 8, 1, 2])
    >>> {name: column.item() for name, column in second_half([line]).items()}
    {'step': 'fixed step', 'along': 'one gradient', 'least R_alpha': 1.0, 'greatest': 2.0}
    """
    rows = []
    for line in lines:
        later = line["value"][len(line["value"]) // 2 :]
        rows.append((line["panel"], line["line"], later.min(), later.max()))
    return from_rows(("step", "along", "least R_alpha", "greatest"), rows)
