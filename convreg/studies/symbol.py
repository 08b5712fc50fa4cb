r"""Section 2.1, [4, 12]: the symbol of M, which says what sigma_min(M) does as the image grows.

With the taps at their offsets from the centre, the symbol of M (`convreg.symbol`) is

.. math:: F(\theta) = \sum_{a,b} K_{a,b}^T\, e^{\mathrm{i}(a\theta_1 + b\theta_2)}
   \in \mathbb{C}^{h \times g}

Facts about sigma_min(M), for square M (g = h), of which the first also holds for others. They are
proved here but for what is cited.

* *Zeros.* sigma_min(M) <= sigma_min(F(theta)) + O(1/N) for every theta (`plane_wave_bound`). So it
  tends to 0 as N grows where det F has a zero (`convreg.winding`).
* *Winding.* It tends to 0, too, where for some theta_2 det F(., theta_2) has no zero and winds
  around 0, or the same with the angles exchanged. For then the Toeplitz operator with the symbol
  F(., theta_2), or its adjoint, has a kernel of sequences that decay exponentially (I. C. Gohberg
  and M. G. Krein, Systems of integral equations on a half line with kernels depending on the
  difference of arguments, 1958); cut off at N, and with a windowed wave across, such a sequence is
  a vector x with ``|M x| = O(1/N) |x|``.
* *Hermitian part.* It is at least c for every N where the Hermitian part of F(theta) is at least
  c I for all theta (`hermitian_part_bound`): M is then a compression of an operator whose real part
  is at least c.
* *Most singular values* are those of F. M is the convolution on a torus of the side
  L = N + floor(k/2), without r = g (L^2 - N^2) rows and as many columns, and without a row or a
  column no singular value grows, nor falls below the next one: ``sigma_i >= sigma_i(M) >=
  sigma_{i+2r}``. So above any x the two have the same number of singular values up to 2 r, a share
  of O(1/N). The theorem of Avram and Parter says so for one angle and one channel, without asking
  for finitely many taps (F. Avram, On bilinear forms in Gaussian random variables and Toeplitz
  matrices, Probab. Theory Related Fields 79:37-45, 1988; S. V. Parter, On the distribution of the
  singular values of Toeplitz matrices, Linear Algebra Appl. 80:115-130, 1986). Isolated zeros of
  det F make few singular values small.

*Exponentially small.* In one dimension and one channel let a(z) = sum of ``a_t z^t``, -r <= t <= s
with r, s >= 0, have no zero with ``|z| = 1`` and wind w times, w > 0. Then the n x n Toeplitz
matrix ``(T x)_i = sum of a_t x_{i+t}`` has sigma_min(T) <= C q^n with a q < 1. Proof: z^r a(z) has
w + r zeros inside the circle. So the sequences ``x_-r, x_{1-r}, ...`` that decay exponentially and
have ``sum of a_t x_{i+t} = 0`` for all i >= 0 are a space of the dimension w + r, and one of them
that is not 0 has the r values ``x_-r = ... = x_-1 = 0``. T maps its n values from ``x_0`` on to 0
but for the last s entries, where terms of the size q^n are missing. For w < 0 the same with T'. (A.
Boettcher and S. Grudsky, Toeplitz band matrices with exponentially growing condition numbers,
Electron. J. Linear Algebra 5:104-125, 1999, and Spectral Properties of Banded Toeplitz Matrices,
SIAM, 2005.) For separable kernels K = W (x) a (x) b, W g x g, M is W' (x) T(a) (x) T(b) up to the
order of rows and columns, and sigma_min(M) the product of three: where a or b has no zero and
winds, it falls exponentially. For other kernels an exponential fall is measured here, not proved.

*One channel, 3 x 3.* If F has no zero and winds along neither angle, the same holds for the taps
``r_1^|a| r_2^|b| K_{a,b}`` with all r_1, r_2 from 0 to 1. For fix theta_2 the values of F are an
ellipse c + p e^{i theta_1} + q e^{-i theta_1}, perhaps a segment; it winds once around each point
inside, so that 0 is outside of the solid ellipse. With r_1 p and r_1 q it is a part of that, as
every point moves towards the centre c. So there is no zero for any r_1, and by continuity no
winding; then the same with the other angle. For r_1 = r_2 = 0 it says that the centre tap is not 0.
So the kernels of this class can all be shrunk to their centre tap without leaving the class.

The converse of the first two facts is false: with neither zeros nor winding, sigma_min(M) may be 0
for every N. One channel, five taps 1, -1, 0, 1, 1 along the anti-diagonal: ``|F| >= 1.3``, no
winding, a corner that is not read. Two channels, 3 x 3: the taps [[-1, 2], [-2, 0]],
[[-1, 0], [0, 0]], [[1, 2], [0, -1]] along the anti-diagonal: sigma_min(F) >= 0.68, and the corner
is read by a singular matrix. For 3 x 3 and one channel no such kernel is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_integer, as_kernel
from convreg.geometry import tap_offsets
from convreg.symbol import symbol


def plane_wave_bound(K: ArrayLike, N: int, theta_1: ArrayLike, theta_2: ArrayLike) -> NDArray:
    r"""Section 2.1, [4, 12]: an upper bound of sigma_min(M(K)) for every pair of angles.

    .. math:: \sigma_{\min}(M) \leq \sigma_{\min}(F(\theta))
       + 2\sin\frac{\pi}{2(N+1)} \sum_{a,b} (\lvert a\rvert + \lvert b\rvert)\, \|K_{a,b}\|_2

    M maps the wave ``v e^{i(r theta_1 + s theta_2)} w_r w_s``, w_r = sin(pi r / (N + 1)), to
    F(theta) v times wave and window, up to the differences of the window: w and its shift by a
    differ by at most ``|a| 2 sin(pi / (2 (N + 1))) |w|``, zeros outside the image included. For
    h < g the same with M'. Of the m x n matrix M it is the smallest of the min(m, n) singular
    values.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
    theta_1, theta_2 : array of angles
        Radians; their shapes are broadcast.

    Returns
    -------
    array of the angles' shape

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> plane_wave_bound([[0, 0, 0], [1, 2, 1], [0, 0, 0]], 99, 0.0, np.pi).round(3)
    np.float64(0.063)
    """
    kernel = as_kernel(K)
    N = as_integer("N", N, 1)
    reach = np.abs(tap_offsets(len(kernel)))
    distances = reach[:, np.newaxis] + reach
    norms = np.linalg.norm(kernel, 2, axis=(2, 3))
    change = 2 * np.sin(np.pi / (2 * (N + 1))) * np.sum(distances * norms)
    sigma = np.linalg.svd(symbol(kernel, theta_1, theta_2), compute_uv=False)
    return sigma[..., -1] + change


def hermitian_part_bound(K: ArrayLike, theta_1: ArrayLike, theta_2: ArrayLike) -> NDArray:
    r"""Section 2.1, [4, 12]: the smallest eigenvalue of the Hermitian part of F(theta); for h = g.

    .. math:: \sigma_{\min}(M) \geq
       \min_\theta \, \lambda_{\min}\bigl( \tfrac12 (F(\theta) + F(\theta)^H) \bigr)
       \quad \text{for every } N

    ``|M x| |x| >= Re <M x, x>``, the mean of Re <F z, z> over all angles, where z is the Fourier
    series of x. Where the minimum is negative it says nothing.

    Parameters
    ----------
    K : (k, k, g, g) or (k, k) array
    theta_1, theta_2 : array of angles
        Radians; their shapes are broadcast.

    Returns
    -------
    array of the angles' shape
        A bound is its minimum over all angles; over a grid it is that up to the distance of the
        grid.

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel with g = h, or an angle no real number.

    Examples
    --------
    >>> float(hermitian_part_bound([[0, 0, 0], [1, 4, 1], [0, 0, 0]], 0.0, np.pi))
    2.0
    """
    F = symbol(_square(K), theta_1, theta_2)
    return np.linalg.eigvalsh((F + F.conj().swapaxes(-1, -2)) / 2)[..., 0]


def _square(K: ArrayLike) -> NDArray:
    kernel = as_kernel(K)
    if kernel.shape[2] != kernel.shape[3]:
        raise ValueError(
            f"K: wanted as many output as input channels, got the shape {kernel.shape}"
        )
    return kernel
