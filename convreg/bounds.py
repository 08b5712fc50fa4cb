r"""Section 2: R_alpha between two bounds that are proved, rounding included; and Theorem 2.1.

A lower bound takes one vector: R_alpha = max ``|v'Bv| / v'v`` over all v, B = M'M - alpha I. An
upper bound takes more than any number of vectors can tell, and comes from two sources:

* M is a submatrix of the convolution on a torus (`convreg.symbol`), so that lambda_max(B) is at
  most max sigma_max(F)^2 - alpha over its frequencies; and no eigenvalue of B is below -alpha.
* Sylvester's law of inertia: where t I - M'M = L D L' with a positive diagonal D, no eigenvalue of
  M'M is above t. It takes a factorisation, of a dense or of a sparse matrix.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array

from convreg._checks import Gram, as_number, gram_of_rows
from convreg._numerics.fill import factor_entries
from convreg._numerics.inertia import proved_bound
from convreg._numerics.reduced import power_of_two
from convreg.convolution import ConvolutionOperator
from convreg.extremes import extremes, scaled
from convreg.geometry import Padding, Size
from convreg.gram import gram_is_singular, representable
from convreg.matrix import formed
from convreg.symbol import Symbol

EPS = float(np.finfo(float).eps)
INERTIA_LIMIT = 10**9  # operations of a sparse factorisation, as estimated: a few seconds
STEPS = 4  # of Lanczos, for the lower bound


def penalty_bounds(
    K: ArrayLike,
    N: Size,
    alpha: float = 1.0,
    gram: Gram = "columns",
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> tuple[float, float]:
    r"""Section 2: lower <= R_alpha(K) <= upper, both proved, rounding included.

    .. math:: \lvert v^T (M^T M - \alpha I)\, v \rvert \;\leq\; \mathcal{R}_\alpha(K) \;\leq\;
       \max\Bigl( \max_j \sigma_{\max}(F(\theta_j))^2 - \alpha, \; \alpha \Bigr), \qquad |v| = 1

    The frequencies theta_j are those of a torus of which M is a part, see `convreg.symbol`. Where
    sparse factors of the smaller Gram matrix take no more than a few seconds, as for the paper's
    examples, the upper bound is the one that its inertia gives, and the two agree to about eight
    digits.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width)
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller.
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    lower, upper : float

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it; K where R_alpha is too large for a float.

    Examples
    --------
    >>> lower, upper = penalty_bounds([[0, 0, 0], [0, 2, 0], [0, 0, 0]], 5)
    >>> lower <= 3 <= upper, upper - lower < 1e-8
    (True, True)
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding).in_double()
    rows = gram_of_rows(gram, *M.shape)
    alpha = as_number("alpha", alpha)
    M, scale = scaled(M)
    largest, smallest = _enclosures(M)
    if gram_is_singular(M.shape, rows):
        smallest = Enclosure(0.0, 0.0)
    lower, upper = _distances(largest, smallest, scale, alpha)
    return max(0.0, lower), representable(upper)


def singular_value_bounds(alpha: float, t: float) -> tuple[float, float, float]:
    r"""Theorem 2.1: what R_alpha(K) < t alpha says of the singular values of M.

    .. math:: \sqrt{(1-t)\alpha} < \sigma_{\min}(M) \leq \sigma_{\max}(M) < \sqrt{(1+t)\alpha},
       \qquad
       \kappa_2(M) := \frac{\sigma_{\max}(M)}{\sigma_{\min}(M)} < \sqrt{\frac{1+t}{1-t}}

    Parameters
    ----------
    alpha, t : float
        alpha > 0 and 0 < t <= 1.

    Returns
    -------
    lower, upper, kappa : float
        lower < sigma_min, sigma_max < upper, sigma_max / sigma_min < kappa, which is infinite for t
        = 1.

    Raises
    ------
    ValueError, TypeError
        Where alpha is not positive and finite, or t not in (0, 1].

    Examples
    --------
    >>> lower, upper, kappa = singular_value_bounds(4.0, 0.6)
    >>> round(lower, 4), round(upper, 4), round(kappa, 4)
    (1.2649, 2.5298, 2.0)
    """
    alpha = as_number("alpha", alpha)
    t = as_number("t", t)
    if t > 1:
        raise ValueError(f"t: wanted a number with 0 < t <= 1, got {t}")
    unit = power_of_two(np.array(alpha**0.5))
    shift = alpha / unit / unit
    lower, upper = unit * ((1 - t) * shift) ** 0.5, unit * ((1 + t) * shift) ** 0.5
    return lower, upper, ((1 + t) / (1 - t)) ** 0.5 if t < 1 else np.inf


class Enclosure(NamedTuple):
    """Two numbers and what is proved to lie between them."""

    low: float
    high: float


def _distances(largest: Enclosure, smallest: Enclosure, scale: float, alpha: float) -> Enclosure:
    """Of the largest distance from alpha of eigenvalues that are scale^2 times those given."""
    unit = power_of_two(np.array([scale * largest.high**0.5, alpha**0.5]))
    part, shift = scale / unit, alpha / unit / unit
    with np.errstate(over="ignore"):
        above = [part * (part * value) - shift for value in largest]
        below = [shift - part * (part * value) for value in smallest]
        ends = np.array([max(above[0], below[1]), max(above[1], below[0])])
        # the differences are rounded or, where they are next to 0, these products
        low, high = np.nextafter(unit * (unit * ends), [-np.inf, np.inf])
    return Enclosure(float(low), float(high))


def _enclosures(M: ConvolutionOperator) -> tuple[Enclosure, Enclosure]:
    """Of the largest and the smallest eigenvalue of the smaller Gram matrix of M."""
    T = M if M.shape[0] >= M.shape[1] else M.T
    symbol = Symbol(M)
    torus = symbol.largest_on_torus()
    if factor_entries(M.shape, M.geometry) ** 2 <= 2 * min(M.shape) * INERTIA_LIMIT:
        return _by_inertia(M, T, torus)
    wave = symbol.start_vector()
    low, high = _ritz_vectors(T, wave if T is M else M @ wave)
    largest = Enclosure(_rayleigh_quotient(T, high, M).low, torus)
    return largest, Enclosure(0.0, _rayleigh_quotient(T, low, M).high)


def _ritz_vectors(T: ConvolutionOperator, start: NDArray) -> tuple[NDArray, NDArray]:
    """Of the lowest and the highest Ritz value of T'T after a few steps of Lanczos."""
    if not start.any():
        start = np.ones(len(start))
    steps = min(STEPS, len(start))
    Q, images = np.empty((steps, len(start))), np.empty((steps, T.shape[0]))
    Q[0] = start / np.linalg.norm(start)
    images[0] = T @ Q[0]
    for j in range(1, steps):
        w = T.T @ images[j - 1]
        length = np.linalg.norm(w)
        w -= (Q[:j] @ w) @ Q[:j]
        rest = np.linalg.norm(w)
        if rest <= 1e-8 * length:
            Q, images = Q[:j], images[:j]
            break
        Q[j] = w / rest
        images[j] = T @ Q[j]
    _, Y = np.linalg.eigh(images @ images.T)
    return Y[:, 0] @ Q, Y[:, -1] @ Q


def _rayleigh_quotient(T: ConvolutionOperator, v: NDArray, M: ConvolutionOperator) -> Enclosure:
    """``|T v|^2 / |v|^2``, rounding included."""
    size = float(np.linalg.norm(v))
    image = float(np.linalg.norm(T @ v))
    rounding = 2 * EPS * sum(T.shape)  # of both norms, relative
    error = _product_rounding(M) * size
    low = max(0.0, image * (1 - rounding) - error) / (size * (1 + rounding))
    high = (image * (1 + rounding) + error) / (size * (1 - rounding))
    return Enclosure(low * low * (1 - 4 * EPS), high * high * (1 + 4 * EPS))


def _product_rounding(M: ConvolutionOperator) -> float:
    """A bound of ``|fl(M v) - M v| / |v|``, the same for M': ``| |M| |`` times the terms of a sum.

    M is the sum over the taps of S (x) K[p, q]', ``|S| <= 1``. A hundred terms more are more than
    what a product by FFT takes, or by Winograd's transforms.
    """
    k1, k2, g, h = M.kernel.shape
    return 2 * EPS * (k1 * k2 * max(g, h) + 100) * _size(M)


def _size(M: ConvolutionOperator) -> float:
    """The sum over the taps of ``|K[p, q]|``: it bounds ``| |M| |``."""
    return float(np.linalg.norm(M.kernel, axis=(2, 3)).sum())


def _by_inertia(
    M: ConvolutionOperator, T: ConvolutionOperator, torus: float
) -> tuple[Enclosure, Enclosure]:
    """The same from sparse factors; without them, from the torus."""
    matrix = formed(M) if T is M else formed(M).T
    A = csc_array(matrix.T @ matrix)
    rounding = 2 * EPS * (M.kernel.size + 1) * _size(M) ** 2
    sigma_max, sigma_min = extremes(M)
    high, above = proved_bound(A, sigma_max**2, 1.0)
    largest = Enclosure(_rayleigh_quotient(T, above, M).low, min(torus, high + rounding))
    low, below = proved_bound(A, sigma_min**2, -1.0)
    smallest = Enclosure(max(0.0, low - rounding), _rayleigh_quotient(T, below, M).high)
    return largest, smallest
