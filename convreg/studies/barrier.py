r"""Section 3, the barrier: what bounds R_alpha from below.

For h < g the matrix M'M is singular, so that R_alpha >= alpha for every kernel. For N >= k, taps
off the centre keep R_alpha from 0: zero padding makes the columns of M unequal at the border then.
They pay for a small R_alpha.

.. math:: h < g \implies \mathcal{R}_\alpha(K) \geq \alpha, \qquad
   N \geq k \implies
   \sum_{\text{off the centre}} \lvert k_{p,q,z,y} \rvert^2 \leq 4\, \mathcal{R}_\alpha(K)
   \text{ for each } z
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import Gram, as_integer, as_kernel, gram_of_rows
from convreg.convolution import ConvolutionOperator
from convreg.examples import Case, Example
from convreg.geometry import padding


def squared_column_norms(K: ArrayLike, N: int, gram: Gram = "columns") -> NDArray:
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
    kernel = as_kernel(K)
    N = as_integer("N", N, 1)
    _, _, g, h = kernel.shape
    with np.errstate(over="ignore"):
        squares = kernel**2
    if not np.isfinite(squares).all():
        raise ValueError("K: wanted entries whose squares do not overflow")
    M_squared = ConvolutionOperator(squares, N)
    if gram_of_rows(gram, h, g):
        return M_squared @ np.ones(g * N**2)
    return M_squared.T @ np.ones(h * N**2)


def column_norm_bound(K: ArrayLike, N: int, gram: Gram = "columns") -> float:
    r"""Section 3, the barrier: what the columns of M keep R_alpha from falling below.

    It holds for every alpha.

    .. math:: \mathcal{R}_\alpha(K) \geq
       \tfrac12 \bigl( \max_j \|M e_j\|_2^2 - \min_j \|M e_j\|_2^2 \bigr)

    ``e_j' (M'M - alpha I) e_j = |M e_j|^2 - alpha`` is at most R_alpha in size, for the longest
    column and for the shortest. For N >= k the bound is 0 only if all taps but the centre are: each
    other tap is missing from some column at the border.

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


def squared_off_centre_norms(K: ArrayLike, gram: Gram = "columns") -> NDArray:
    r"""Section 3, the barrier: for each input channel the sum of its squared taps off the centre.

    For N >= k it is at most 4 R_alpha(K), for every alpha: a small penalty makes a kernel nearly
    pointwise. With M M' the same holds for each output channel.

    .. math:: \sum_{y} \sum_{(p,q) \neq (m,m)} k_{p,q,z,y}^2 \leq 4\, \mathcal{R}_\alpha(K)

    Proof. As N >= k, some pixel is read by all taps. Let S = c + A + D be its squared column norm:
    c is the centre's part, A that of the other taps in the centre's row and column, D the rest.
    Squared column norms are within R_alpha of alpha, so that those of the corner pixels are at
    least S - 2 R_alpha. A corner is read by the taps of one quadrant: all four together count c
    four times, A twice and D once, so that 4c + 2A + D >= 4S - 8 R_alpha and
    A + D <= A + 3D/2 <= 4 R_alpha.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    gram : {"columns", "rows", "smaller"}
        Whether R_alpha is that of M'M, M M' or the smaller of the two.

    Returns
    -------
    (g,) array, or (h,) for M M'

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> squared_off_centre_norms([[0, 0, 0], [1, 2, 0], [0, 0, 0]])
    array([1.])
    """
    kernel = as_kernel(K)
    k, _, g, h = kernel.shape
    centre = padding(k)[0]
    squares = kernel**2
    squares[centre, centre] = 0
    return squares.sum(axis=(0, 1, 2 if gram_of_rows(gram, h, g) else 3))


def off_centre_share(K: ArrayLike) -> float:
    """Section 3, the barrier: the part of ``|K|`` that is off the centre, from 0 (pointwise) to 1.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array

    Returns
    -------
    float
        The Frobenius norm of the taps off the centre over that of all; 0 for K = 0.

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel.

    Examples
    --------
    >>> off_centre_share([[0, 0, 0], [3, 4, 0], [0, 0, 0]])
    0.6
    """
    norm = np.linalg.norm(as_kernel(K))
    return float(squared_off_centre_norms(K).sum() ** 0.5 / norm) if norm > 0 else 0.0


def bounds_along_descent(
    example: Example, pairs: Iterable[tuple[int, int]], alpha: float = 1.0
) -> list[dict[str, Any]]:
    """Section 3, the barrier: R_alpha and `column_norm_bound` along Algorithm 2.1.

    Parameters
    ----------
    example : Example
        Of which the channels and the shifts are not used.
    pairs : iterable of (g, h)
    alpha : float

    Returns
    -------
    list of dict
        Two lines of a figure for each pair: ``panel``, ``line``, ``iteration``, ``value``.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> lines = bounds_along_descent(Example(((1, 1),), (1.0,), input_size=4), [(1, 2)])
    >>> [line["line"] for line in lines]
    ['penalty', 'bound from column norms']
    """
    lines = []
    for g, h in pairs:
        case = Case(g, h, alpha)
        kernels = [example.start(case)]
        history = example.descend(
            case, callback=lambda iteration, K, R, kept=kernels: kept.append(K)
        ).history
        bounds = np.array([column_norm_bound(K, example.input_size) for K in kernels])
        for name, values in (("penalty", history.penalty), ("bound from column norms", bounds)):
            lines.append(
                {
                    "panel": f"{g} to {h} channels, α = {alpha:g}",
                    "line": name,
                    "iteration": np.arange(len(values)),
                    "value": values,
                }
            )
    return lines
