r"""Section 2.1, [4, 5, 12]: the symbol of M, and the tori of which M is a part.

M is, up to the order of its rows and columns, a two-level Toeplitz matrix with h x g blocks. With
the taps at their offsets t from the pixel that they write, its symbol is

.. math:: F(\theta) = \sum_t K_t^T\, e^{\mathrm{i}\, t \cdot \theta} \in \mathbb{C}^{h \times g}

A stride s makes s^2 g channels of the g: the pixels with the same remainders are an image of their
own, and M of these images has stride 1.

Let C be the convolution of the same taps on a torus of L1 x L2 pixels, whose waves need not close:
going around once multiplies by ``e^{i phi}``. It is block diagonal in the waves of the frequencies
theta = (2 pi j + phi) / L, with the blocks F(theta). Where L is so large that no tap of an output
of M reaches an image pixel on the other way around (`Symbol.sides`), M is a submatrix of C, and

.. math:: \sigma_{\max}(M) \leq \max_j \, \sigma_{\max}(F(\theta_j))

for every phi. A circular M whose stride s divides N is C itself, with L = N / s and phi = 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_floats, as_kernel
from convreg._numerics.kept import kept_property
from convreg._numerics.lines import Line, line_of
from convreg._numerics.peaks import Peaks, climbed, quiet_circles, sampled
from convreg._numerics.trigonometric import Circle, GramPolynomial, transform
from convreg.convolution import ConvolutionOperator
from convreg.geometry import tap_offsets


def symbol(K: ArrayLike, theta_1: ArrayLike, theta_2: ArrayLike) -> NDArray:
    r"""Section 2.1, [4, 12]: the symbol F(theta) of the Toeplitz matrix M(K).

    .. math:: F(\theta) =
       \sum_{p,q=1}^{k} K_{p,q}^T\, e^{\mathrm{i}((p-m)\theta_1 + (q-m)\theta_2)}, \qquad
       m = \lceil k/2 \rceil

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    theta_1, theta_2 : array of angles
        Radians; their shapes are broadcast.

    Returns
    -------
    (..., h, g) complex array

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, an angle no real number, the shapes of the angles are not broadcast
        to one, or an entry overflows.

    Examples
    --------
    >>> symbol([[0, 0, 0], [-1, 2, -1], [0, 0, 0]], 0.0, np.pi).real
    array([[4.]])
    """
    kernel = as_kernel(K)
    theta_1, theta_2 = as_floats("theta_1", theta_1), as_floats("theta_2", theta_2)
    try:
        np.broadcast_shapes(theta_1.shape, theta_2.shape)
    except ValueError:
        raise ValueError(
            f"theta_2: wanted a shape that is broadcast with {theta_1.shape}, got {theta_2.shape}"
        ) from None
    offsets = tap_offsets(len(kernel))
    with np.errstate(over="ignore", invalid="ignore"):
        F = transform(kernel, offsets, offsets, theta_1, theta_2).swapaxes(-1, -2)
    if not np.isfinite(F).all():
        raise ValueError("K: wanted entries whose sums do not overflow")
    return F


class Symbol:
    """Section 2.1: the symbol of an operator M, with the channels that the strides make.

    Attributes
    ----------
    rows, columns : Line
    taps : (T1, T2, c, h) array
        Every offset from the lowest to the highest of each axis; c = s1 s2 g channels, the
        remainder of the row first.
    offsets : two integer arrays, of length T1 and T2
    sides : (L1, L2)
        The least torus of which M is a part.
    """

    def __init__(self, M: ConvolutionOperator) -> None:
        self.rows, self.columns = (line_of(axis) for axis in M.geometry)
        self.image, self.outputs = M.geometry.image, M.geometry.outputs
        self.offsets = tuple(_range(line.offsets) for line in (self.rows, self.columns))
        self.sides = self.rows.side, self.columns.side
        self._kernel = M.kernel

    @kept_property
    def taps(self) -> NDArray:
        """The kernel by offsets and channels, see the class."""
        rows, columns = self.offsets
        g, h = self._kernel.shape[2:]
        strides = self.rows.stride, self.columns.stride
        taps = np.zeros((len(rows), len(columns), *strides, g, h), self._kernel.dtype)
        for p, c1, t1 in zip(*self.rows[1:4], strict=True):
            for q, c2, t2 in zip(*self.columns[1:4], strict=True):
                taps[t1 - rows[0], t2 - columns[0], c1, c2] = self._kernel[p, q]
        return taps.reshape(len(rows), len(columns), -1, h)

    def at(self, theta_1: ArrayLike, theta_2: ArrayLike) -> NDArray:
        """F(theta), an (..., h, c) complex array, for angles whose shapes are broadcast."""
        rows, columns = self.offsets
        return transform(self.taps, rows, columns, theta_1, theta_2).swapaxes(-1, -2)

    @property
    def gram_entries(self) -> int:
        """How many numbers the coefficients of the Gram matrix F F^H are."""
        g, h = self._kernel.shape[2:]
        c = g * self.rows.stride * self.columns.stride
        T1, T2 = len(self.offsets[0][:: self.rows.step]), len(self.offsets[1][:: self.columns.step])
        return (2 * T1 - 1) * (2 * T2 - 1) * min(c, h) ** 2

    @kept_property
    def gram(self) -> GramPolynomial:
        """The smaller of F F^H (h <= c) and the conjugate of F^H F, of ``steps`` times the angles.

        Where all offsets are a step apart, outputs with different remainders read different pixels:
        M is a direct sum, with a symbol of the offsets divided by the step.
        """
        step_1, step_2 = self.rows.step, self.columns.step
        taps = self.taps[::step_1, ::step_2]
        c, h = taps.shape[2:]
        return GramPolynomial(taps.swapaxes(2, 3) if h <= c else taps)

    @kept_property
    def sample(self) -> Peaks:
        """sigma_max(F)^2 on a coarse grid, about."""
        return sampled(self.gram)

    @kept_property
    def peaks(self) -> Peaks:
        """Local maxima of sigma_max(F)^2, about, the highest first."""
        return climbed(self.gram, self.sample)

    def largest_on_torus(self) -> float:
        """A bound of sigma_max(M)^2: the largest sigma_max(F)^2 on a torus of which M is a part.

        Of those that are not much larger than the least, one whose frequencies are far from the
        peaks of the symbol.
        """
        choices = self.rows.circles(), self.columns.circles()
        circles, guess = quiet_circles(self.gram, self.peaks, choices)
        return self.gram.bound_on(circles, guess, self.sample.values)

    def start_vector(self) -> NDArray:
        """A vector with ``|M x| / |x|`` near sigma_max(M): the wave of the highest peak, windowed.

        The leading right singular vector of F there, times ``e^{i theta a}`` times
        sin(pi (a + 1) / (A + 1)) along each axis of A pixels; around a circle there is no window.
        """
        _, theta_1, theta_2, vectors = self.peaks
        angles = theta_1[0] / self.rows.step, theta_2[0] / self.columns.step
        v = vectors[0]
        if self.taps.shape[3] <= self.taps.shape[2]:
            v = self.at(*angles).conj().T @ v
        else:
            v = v.conj()
        v = v * np.exp(-1j * np.angle(v[np.argmax(np.abs(v))]))
        lines = self.rows, self.columns
        down, across = (
            _wave(line, pixels, angle)
            for line, pixels, angle in zip(lines, self.image, angles, strict=True)
        )
        wave = np.multiply.outer(v, np.multiply.outer(down, across)).real
        return self._in_vec_order(wave)

    def _in_vec_order(self, images: NDArray) -> NDArray:
        """The pixels of the c images, each a remainder of the strides, in vec order."""
        s1, s2 = self.rows.stride, self.columns.stride
        c, A1, A2 = images.shape
        apart = images.reshape(s1, s2, c // (s1 * s2), A1, A2)
        image = apart.transpose(2, 4, 1, 3, 0).reshape(-1, A2 * s2, A1 * s1)
        return image[:, : self.image[1], : self.image[0]].ravel()


def _range(offsets: tuple[int, ...]) -> NDArray[np.intp]:
    """All integers from the lowest to the highest; 0 where there is none."""
    return np.arange(min(offsets, default=0), max(offsets, default=0) + 1)


def _wave(line: Line, pixels: int, angle: float) -> NDArray:
    """e^{i angle a} along the A pixels of an axis, windowed; around a circle one that closes."""
    a = np.arange(-(-pixels // line.stride))
    if line.circular:
        closed = Circle(line.side).neighbours(angle)
        return np.exp(1j * closed[np.argmin(np.abs(closed - angle))] * a)
    return np.exp(1j * angle * a) * np.sin(np.pi * (a + 1) / (len(a) + 1))
