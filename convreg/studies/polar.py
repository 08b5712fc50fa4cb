r"""Section 2.1, beyond it: all singular values at once, by the polar factor, and its acceleration.

The sum over the singular values of (sigma_i - sqrt(alpha))^2 is the squared distance of a matrix
from the nearest one whose singular values are all sqrt(alpha): U V' times that. The matrices of
kernels are a linear space. So a step along the gradient, of the right length, is a projection on
the one set and then on the other; again and again, it is alternating projection. The set of U V' is
not convex, so that it may end anywhere where the two projections lead back:

* with the zero-padded M, which is decomposed (`exact_projection`);
* with the h x g matrices F(theta) of the convolution on a torus, at the torus's frequencies, at a
  cost that does not depend on N (`periodic_projection`).

`alternating_projection` repeats either, with Nesterov's acceleration or without.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_integer, as_kernel, as_number, shown
from convreg.geometry import tap_offsets
from convreg.matrix import conv_matrix, conv_matrix_adjoint
from convreg.studies.torus import of_all_frequencies, taps_of, transfer

Projection = Callable[[NDArray], tuple[float, NDArray]]  # K -> value there, the projected kernel
Callback = Callable[[int, NDArray, float], object]


def periodic_polar_penalty(K: ArrayLike, side: int, alpha: float = 1.0) -> tuple[float, NDArray]:
    r"""Section 2.1, beyond it: the polar penalty on a torus, and its gradient in K.

    .. math:: P = \frac{1}{s^2} \sum_\theta \|F(\theta) - \sqrt\alpha\, Q(\theta)\|_F^2
       = \frac{1}{s^2} \sum_\theta \sum_i (\sigma_i(F(\theta)) - \sqrt\alpha)^2, \qquad
       \nabla P = 2 (K - T)

    over the s^2 frequencies of a torus of side s, where F = U Sigma V^H and Q = U V^H, and T are
    the k x k taps of sqrt(alpha) Q around the centre. K - G / 2 = T is alternating projection.

    Where some F(theta) has a singular value 0, Q is not unique and P has a kink; a Q is taken as
    the decomposition gives it. The step to T does not raise P there either: the sum with Q fixed
    bounds P from above for every kernel, touches it at K, and is least at T. (At the frequencies
    that are their own conjugates, the real part stands for Q. It is the mean of two such Q, for
    which the same holds, as the sum of the singular values is convex.)

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    side : int
        Of the torus, at least k. It need not grow with the image.
    alpha : float
        The shift, positive.

    Returns
    -------
    P, G : float and array, the latter of the shape of K

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> P, G = periodic_polar_penalty([[0, 0, 0], [0, 3, 0], [0, 0, 0]], 4)
    >>> P, G[1].round(12)
    (4.0, array([0., 4., 0.]))
    """
    kernel = as_kernel(K)
    side = as_integer("side", side, len(kernel))
    root = as_number("alpha", alpha) ** 0.5
    Q, sigma = polar_factor(transfer(kernel, side))
    squares = of_all_frequencies(np.sum((sigma - root) ** 2, axis=-1))
    G = 2 * (kernel - root * taps_of(Q, len(kernel)))
    return float(np.mean(squares)), G.astype(kernel.dtype).reshape(np.shape(K))


def polar_factor(A: NDArray) -> tuple[NDArray, NDArray]:
    """U V^H, and the singular values, of a matrix U Sigma V^H or of a stack of matrices.

    >>> Q, sigma = polar_factor(np.diag([3.0, -2.0]))
    >>> Q.round(12) + 0.0, sigma
    (array([[ 1.,  0.],
           [ 0., -1.]]), array([3., 2.]))
    """
    U, sigma, Vh = np.linalg.svd(A, full_matrices=False)
    return U @ Vh, sigma


def periodic_projection(side: int, alpha: float = 1.0) -> Projection:
    """A step of `periodic_polar_penalty` of length 1/2, for `alternating_projection`.

    >>> periodic_projection(2)(np.array([[3.0]]))
    (4.0, array([[1.]]))
    """

    def projected(K: NDArray) -> tuple[float, NDArray]:
        """The penalty at K, and K - G / 2."""
        P, G = periodic_polar_penalty(K, side, alpha)
        return P, K - G / 2

    return projected


def exact_projection(N: int, alpha: float = 1.0) -> Projection:
    r"""Section 2.1, beyond it: alternating projection with the zero-padded M.

    .. math:: K \; \mapsto \; (M^* M)^{-1} M^*(\sqrt\alpha\, U V^T), \qquad
       M(K) = U \Sigma V^T

    The result is the kernel whose matrix is nearest to sqrt(alpha) U V'. M* M multiplies the taps
    at the offset (a, b) by the number of places where each of their entries stands in M,
    ``(N - |a|)(N - |b|)``. A tap that reads no pixel of the image becomes 0. M is decomposed as a
    dense matrix. Where it has a singular value 0, what `periodic_polar_penalty` says holds.

    Parameters
    ----------
    N : int
    alpha : float
        The shift, positive.

    Returns
    -------
    callable
        A kernel, of shape (k, k, g, h) or (k, k), to the polar penalty of M and the new kernel.

    Examples
    --------
    >>> P, K = exact_projection(2)(np.array([[0, 0, 0], [0, 3, 0], [0, 0, 0.0]]))
    >>> round(P, 12), K[1].round(12)
    (16.0, array([0., 1., 0.]))
    """
    N = as_integer("N", N, 1)
    root = as_number("alpha", alpha) ** 0.5

    def projected(K: NDArray) -> tuple[float, NDArray]:
        """The sum over the singular values of M, and the projected kernel."""
        kernel = as_kernel(K)
        Q, sigma = polar_factor(conv_matrix(kernel, N).toarray())
        along = N - np.abs(tap_offsets(len(kernel)))
        counts = np.outer(along, along)[:, :, np.newaxis, np.newaxis]
        new = root * conv_matrix_adjoint(Q, kernel.shape, N) / np.maximum(counts, 1)
        return float(np.sum((sigma - root) ** 2)), new.astype(kernel.dtype).reshape(np.shape(K))

    return projected


def alternating_projection(
    K: ArrayLike,
    projection: Projection,
    steps: int,
    accelerated: bool = True,
    callback: Callback | None = None,
) -> NDArray:
    r"""Section 2.1, beyond it: a projection again and again, with Nesterov's acceleration.

    .. math:: K_{i+1} = P(Y_i), \quad Y_{i+1} = K_{i+1} + \frac{t_i - 1}{t_{i+1}} (K_{i+1} - K_i),
       \quad t_{i+1} = \frac{1 + \sqrt{1 + 4 t_i^2}}{2}, \quad t_0 = 1

    Y. Nesterov, A method of solving a convex programming problem with convergence rate O(1/k^2),
    1983. Where the value at Y_i is above that at Y_{i-1}, t_i is 1 again: the restart of
    B. O'Donoghue and E. Candes, Adaptive restart for accelerated gradient schemes, 2015. Neither
    theorem covers this penalty, which is not convex.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
        It is not changed.
    projection : callable
        Such as `periodic_projection` or `exact_projection` give.
    steps : int
        At least 0; each is one projection.
    accelerated : bool
        Without it K_{i+1} = P(K_i), and the values do not rise.
    callback : callable, optional
        Called after every step as ``callback(step, kernel, value)``, the value being that before
        the step; ending it if it returns True.

    Returns
    -------
    array of the shape of K

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> K = np.array([[0, 0, 0], [1, 4, 1], [0, 0, 0]])
    >>> alternating_projection(K, exact_projection(4), 20).round(3)[1] + 0.0
    array([0., 1., 0.])
    """
    newest = point = as_kernel(K).reshape(np.shape(K)).copy()
    steps = as_integer("steps", steps, 0)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback: wanted a function or None, got {shown(callback)}")
    t, before = 1.0, np.inf
    for step in range(1, steps + 1):
        value, after = projection(point)
        if value > before or not accelerated:
            t = 1.0
        grown = (1 + (1 + 4 * t**2) ** 0.5) / 2
        point = after + (t - 1) / grown * (after - newest)
        newest, t, before = after, grown, value
        if callback is not None and callback(step, newest.copy(), value):
            break
    return newest
