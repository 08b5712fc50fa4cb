"""Section 2: the penalty R_alpha(K) = sigma_max(M'M - alpha I), its gradient, and Theorem 2.1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convreg._checks import Gram, as_flag, as_number, gram_of_rows
from convreg._numerics.reduced import power_of_two
from convreg.convolution import ConvolutionOperator
from convreg.extremes import (
    extremes,
    factors_fit,
    is_small,
    largest_singular_value,
    smallest_singular_value,
)
from convreg.geometry import Padding, Size
from convreg.gradients import gradient_in_kernel
from convreg.gram import gram_is_singular, leading_triplet, representable
from convreg.power import SingularTriplet


def penalty(
    K: ArrayLike,
    N: Size,
    alpha: float = 1.0,
    gram: Gram = "columns",
    tolerance: float = 0.0,
    start: SingularTriplet | None = None,
    full_output: bool = False,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> Any:
    r"""Section 2: R_alpha(K) = sigma_max(M'M - alpha I), M = M(K), in double precision.

    .. math:: \mathcal{R}_\alpha(K) := \sigma_{\max}(M^T M - \alpha I)
       = \max_i\, \lvert \lambda_i(M^T M) - \alpha \rvert

    The eigenvalues of M'M are the squared singular values of M and, where M has more columns than
    rows, zeros: R_alpha is the largest distance of one of them from alpha. Large problems need only
    sigma_max, by Davidson's method, where it decides; else sigma_min by `extreme_singular_values`
    or, where the factors would not fit, the lower end of M'M - alpha I by Lanczos.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
    N : int, or (height, width)
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller.
    tolerance : float
        The relative residual of large problems, see `leading_triplets`; 0 is machine precision.
    start : SingularTriplet, optional
        Where a large problem starts: the triplet of a similar kernel. Without it, from the plane
        wave at the maximum of the symbol, see `convreg.symbol`, or at random.
    full_output : bool
        Whether the triplet of M'M - alpha I is given as well, with its residual.
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    R : float
    triplet : SingularTriplet
        With full_output, and then R is its sigma.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it; K where R_alpha is too large for a float.
    NotConverged
        Where a large problem misses the tolerance.

    Examples
    --------
    >>> penalty([[0, 0, 0], [0, 2, 0], [0, 0, 0]], 5)
    3.0
    >>> R, triplet = penalty([[0, 0, 0], [0, 2, 0], [0, 0, 0]], 5, full_output=True)
    >>> R, triplet.residual < 1e-12
    (3.0, True)
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    M = M.in_double()
    rows = gram_of_rows(gram, *M.shape)
    alpha = as_number("alpha", alpha)
    tolerance = as_number("tolerance", tolerance, positive=False)
    full_output = as_flag("full_output", full_output)
    if full_output or start is not None or not factors_fit(M):
        triplet = leading_triplet(M, alpha, rows, tolerance, start)
        R = triplet.sigma
        return (R, triplet) if full_output else R
    return from_extremes(*_deciding_extremes(M, alpha, rows, tolerance), M.shape, alpha, rows)


def _deciding_extremes(
    M: ConvolutionOperator, alpha: float, rows: bool, tolerance: float
) -> tuple[float, float]:
    """sigma_max and sigma_min of M; for sigma_min sigma_max again where it cannot decide."""
    if is_small(M):
        return extremes(M)
    largest = largest_singular_value(M, tolerance)
    if largest >= 2**0.5 * alpha**0.5 or gram_is_singular(M.shape, rows):
        return largest, largest
    return largest, smallest_singular_value(M, tolerance)


def from_extremes(
    sigma_max: float, sigma_min: float, shape: tuple[int, ...], alpha: float, rows: bool
) -> float:
    """Section 2: R_alpha from the extreme singular values of an M of this shape."""
    unit = power_of_two(np.array([sigma_max, alpha**0.5]))
    largest, shift = (sigma_max / unit) ** 2, alpha / unit / unit
    smallest = 0.0 if gram_is_singular(shape, rows) else (sigma_min / unit) ** 2
    R = max(abs(largest - shift), abs(smallest - shift))
    return representable(unit * (unit * R))


def penalty_gradient(
    K: ArrayLike,
    N: Size,
    alpha: float = 1.0,
    gram: Gram = "columns",
    tolerance: float = 0.0,
    start: SingularTriplet | None = None,
    full_output: bool = False,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> Any:
    r"""Theorem 2.3: R_alpha(K) and its gradient in K, from the leading singular triplet.

    .. math:: G = \left[ \frac{\partial \sigma_{\max}(M^T M - \alpha I)}{\partial k_{p,q,z,y}}
       \right]_{p,q,z,y}

    Where the largest singular value is multiple, R_alpha need not have a gradient (it has on the
    plateau R_alpha = alpha of an M with fewer rows than columns: 0). What comes is formula (2.5)
    for one unit vector of those that lead, with u = v or u = -v: of one end of the spectrum, and a
    subgradient where that is the upper one. It is computed in the type of K, float32 or float64.

    Parameters
    ----------
    K, N, alpha, gram, tolerance, start, full_output, stride, dilation, padding
        As of `penalty`. The triplet that full_output gives is a start for the next call.

    Returns
    -------
    R : float
    G : array of the shape of K
    triplet : SingularTriplet
        With full_output.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it; K where R_alpha is too large for a float, or the gradient
        for the type of K.
    NotConverged
        Where a large problem misses the tolerance.

    Examples
    --------
    >>> penalty_gradient([[2]], 1)
    (3.0, array([[4.]]))
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    rows = gram_of_rows(gram, *M.shape)
    alpha = as_number("alpha", alpha)
    tolerance = as_number("tolerance", tolerance, positive=False)
    full_output = as_flag("full_output", full_output)
    triplet = leading_triplet(M, alpha, rows, tolerance, start)
    R = triplet.sigma
    G = gradient_in_kernel(M, triplet.u, triplet.v, rows).reshape(np.shape(K))
    return (R, G, triplet) if full_output else (R, G)
