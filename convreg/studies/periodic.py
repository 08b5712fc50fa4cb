r"""Section 1, [18]: the periodic convolution, which the DFT takes apart.

On an N x N torus a kernel is an h x g matrix for each of the N^2 frequencies. None of it is the
zero-padded M, which is a part of the periodic matrix on a slightly larger torus.

.. math:: \hat K_{a,b} =
   \sum_{p=0}^{k-1} \sum_{q=0}^{k-1} e^{-2\pi\mathrm{i}\,(ap + bq)/N}\, K_{p,q}^T
   \in \mathbb{C}^{h \times g}, \qquad a, b = 0, \dots, N-1
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_integer, as_kernel, as_number
from convreg.geometry import as_image_size
from convreg.studies.torus import of_all_frequencies, taps_of, transfer


def periodic_singular_values(K: ArrayLike, N: int) -> NDArray:
    r"""Section 1, [18]: the singular values of the periodic convolution on an N x N torus.

    Those of the h x g matrices that the two-dimensional DFT makes of the kernel, one for each of
    the N^2 frequencies. Sedghi, Gupta and Long, The singular values of convolutional layers, ICLR
    2019. The zero-padded M(K) for N is a part of the periodic matrix for any side from
    N + floor(k/2) on, whose largest value therefore bounds sigma_max(M); the one for N itself does
    not.

    .. math:: \{\sigma_i(\hat K_{a,b}) : \; a, b = 0, \dots, N-1, \; i = 1, \dots, \min(g, h)\}

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
        The side of the torus; a kernel larger than it is wrapped around.

    Returns
    -------
    (min(g, h) N^2,) array, largest first

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel or N no positive integer.

    Examples
    --------
    >>> periodic_singular_values([[0, 0, 0], [-1, 2, -1], [0, 0, 0]], 2)
    array([4., 4., 0., 0.])
    """
    kernel = as_kernel(K)
    N = _side(N, kernel.shape)
    values = np.linalg.svd(transfer(kernel, N), compute_uv=False)
    return np.sort(of_all_frequencies(values).ravel())[::-1]


def clip_periodic(K: ArrayLike, N: int, high: float = 1.0) -> NDArray:
    r"""Section 1, [18]: the singular values of the periodic convolution clipped from above.

    The clipped kernel has N x N taps; setting those outside the k x k to zero, as here, undoes
    part of the clipping. Done again and again, the two projections alternate.

    .. math:: \hat K_{a,b} = U \Sigma V^H \; \mapsto \; U \min(\Sigma, \text{high})\, V^H

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
        The side of the torus, at least k.
    high : float
        The largest singular value, positive.

    Returns
    -------
    array of the shape of K

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, N < k, or high not positive and finite.

    Examples
    --------
    >>> clip_periodic([[0, 0, 0], [0, 3, 0], [0, 0, 0]], 4).round(12)
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    """
    kernel = as_kernel(K)
    k = len(kernel)
    N = _side(N, kernel.shape, k)
    high = as_number("high", high)
    U, sigma, Vt = np.linalg.svd(transfer(kernel, N), full_matrices=False)
    clipped = (U * np.minimum(sigma, high)[..., np.newaxis, :]) @ Vt
    kept = taps_of(clipped, k)
    return kept.astype(kernel.dtype).reshape(np.shape(K))


def unit_modulus_kernel(N: int, seed: int = 0) -> NDArray:
    r"""Section 1: an N x N kernel of one channel whose periodic convolution is exactly orthogonal.

    The kernel's DFT has modulus 1 and random phases: white noise with each of its coefficients
    divided by its modulus.

    .. math:: \lvert \hat K_{a,b} \rvert = 1, \qquad a, b = 0, \dots, N-1

    Parameters
    ----------
    N : int
    seed : int
        Of the phases.

    Returns
    -------
    (N, N) array

    Raises
    ------
    ValueError, TypeError
        Where N is no positive integer or the seed negative.

    Examples
    --------
    >>> periodic_singular_values(unit_modulus_kernel(3), 3).round(12)
    array([1., 1., 1., 1., 1., 1., 1., 1., 1.])
    """
    N = _side(N)
    seed = as_integer("seed", seed, 0)
    noise = np.random.default_rng(seed).standard_normal((N, N))
    coefficients = np.fft.fft2(noise)
    return np.fft.ifft2(coefficients / np.abs(coefficients)).real


def _side(N: int, shape: Sequence[int] = (), least: int = 1) -> int:
    """The side of a torus, of whose matrices there are as many as a memory may hold."""
    N = as_integer("N", N, least)
    as_image_size("N", N, prod(shape[2:]))
    return N
