r"""Section 3, the barrier: what bounds R_alpha from below, where descent ends, and steps at a kink.

For h < g the matrix M'M is singular, so that R_alpha >= alpha for every kernel. For h >= g the columns of M,
which zero padding makes unequal at the border where there are taps off the centre, keep R_alpha from 0. Where
the leading singular values meet, R_alpha has a kink, at which a fixed step along one gradient overshoots.

.. math:: h < g \implies \mathcal{R}_\alpha(K) \geq \alpha
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_integer, as_kernel, gram_of_rows
from convreg.convolution import ConvolutionOperator
from convreg.gradients import kernel_gradient
from convreg.lanczos import leading_triplets
from convreg.penalty import shifted_gram

Gradient = Callable[[NDArray], tuple[float, NDArray]]


def squared_column_norms(K: ArrayLike, N: int, gram: str = "columns") -> NDArray:
    r"""Section 3, the barrier: ``|M e_j|^2`` for every column of M, which are M(K o K)' 1.

    .. math:: \|M e_j\|_2^2 = \sum_i m_{ij}^2

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
    gram : {"columns", "rows", "smaller"}
        The diagonal of M'M, or that of M M', whose entries are the squared norms of the rows.

    Returns
    -------
    (g N^2,) array, or (h N^2,) for the rows

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> squared_column_norms([[0, 0, 0], [1, 2, 0], [0, 0, 0]], 2)
    array([5., 5., 4., 4.])
    """
    kernel, N = as_kernel(K), as_integer("N", N, 1)
    _, _, g, h = kernel.shape
    with np.errstate(over="ignore"):
        squares = kernel**2
    if not np.isfinite(squares).all():
        raise ValueError("K: wanted entries whose squares do not overflow")
    squares = ConvolutionOperator(squares, N)
    return squares @ np.ones(g * N**2) if gram_of_rows(gram, h, g) else squares.T @ np.ones(h * N**2)


def column_norm_bound(K: ArrayLike, N: int, gram: str = "columns") -> float:
    r"""Section 3, the barrier: R_alpha(K) >= ``(max_j |M e_j|^2 - min_j |M e_j|^2) / 2``, whatever alpha is.

    .. math:: \mathcal{R}_\alpha(K) \geq \tfrac12 \bigl( \max_j \|M e_j\|_2^2 - \min_j \|M e_j\|_2^2 \bigr)

    ``e_j' (M'M - alpha I) e_j = |M e_j|^2 - alpha`` is at most R_alpha in size, for the longest column and for the
    shortest. Where N >= k the bound is 0 only if all taps but the centre are: every other tap is missing from
    some column at the border.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
    gram : {"columns", "rows", "smaller"}
        M'M, or M M' and the rows of M.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> column_norm_bound([[0, 0, 0], [1, 2, 0], [0, 0, 0]], 2)
    0.5
    """
    return float(np.ptp(squared_column_norms(K, N, gram)) / 2)


def mean_gradient(K: ArrayLike, N: int, alpha: float = 1.0, gram: str = "columns") -> tuple[float, NDArray]:
    r"""Section 2.1, two triplets: R_alpha(K) and the mean of the gradients (2.5) of the two leading triplets.

    Of one, where M'M is 1 x 1.

    .. math:: G = \tfrac12 (G_1 + G_2), \qquad G_i = M^*\bigl( (M u_i) v_i^T + (M v_i) u_i^T \bigr)

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
    B = shifted_gram(ConvolutionOperator(K, N), alpha, gram)
    triplets = leading_triplets(B, min(2, B.shape[0]))
    gradients = [kernel_gradient(K, N, triplet.u, triplet.v, gram) for triplet in triplets]
    return float(triplets[0].sigma), np.mean(gradients, axis=0)


def descend(
    K: NDArray, gradient: Gradient, step: Callable[[float, NDArray], float], iterations: int
) -> tuple[NDArray, NDArray]:
    r"""Section 2.1: K <- K - step(R, G) G, R and G from any ``gradient``; the last kernel, and R before each step.

    .. math:: K \leftarrow K - \lambda(R, G)\, G

    >>> kernel, values = descend(np.array([4.0]), lambda K: (float(K[0]**2), 2 * K), lambda R, G: 0.25, 3)
    >>> kernel, values
    (array([0.5]), array([16.,  4.,  1.]))
    """
    values = []
    for _ in range(iterations):
        R, G = gradient(K)
        values.append(R)
        K = K - step(R, G) * G
    return K, np.array(values)
