r"""Section 2.1, [4, 12]: a square symbol near a point, to first order, with what is left bounded.

Let F(theta) be the symbol of a kernel with taps K_t at the offsets t, g x g, and c a point with
the singular value decomposition F(c) = U S V^H, whose least triplet is (u, s, v) and whose second
least singular value is s2 (infinite for g = 1). With F_j the derivative along theta_j let

.. math:: a_j = u^H F_j v, \quad A = \begin{pmatrix} \mathrm{Re}\,a_1 & \mathrm{Re}\,a_2 \\
   \mathrm{Im}\,a_1 & \mathrm{Im}\,a_2 \end{pmatrix}, \quad
   \ell = \sum_t |t|\,\|K_t\|_2, \quad m = \sum_t |t|^2\,\|K_t\|_2

and b, b' bound u^H F' and F' v, F' the derivative in any direction, but for the entry u^H F' v.
For ``r l < s2`` and |d| <= r, with E = F(c + d) - F(c) in the bases U and V, the block of the
others, S1 + E11, has no singular value below s2 - r l. So

    det F(c + d) = det(U V^H) det(S1 + E11) f(d),   f(d) = s + E22 - E21 (S1 + E11)^-1 E12

and f(d) = s + a_1 d_1 + a_2 d_2 + rho(d), where rho(0) = 0, and where the derivatives of the
blocks, within l, b + r m and b' + r m, give rho the Lipschitz constant

.. math:: \lambda(r) = r m + \frac{r (b + r m)(b' + r m)}{s_2 - r\ell}
   \Bigl(2 + \frac{r\ell}{s_2 - r\ell}\Bigr)

*One zero.* If ``s / r + lambda(r) < sigma_min(A)``, det F has exactly one zero with |d| <= r. Its
index is the sign of det A, and ``|d| <= s / (sigma_min(A) - lambda(r))``. For f is injective:
``|f(d) - f(d')| >= (sigma_min(A) - lambda) |d - d'|``; where |d| = r, ``|f(d) - A d| < |A d|``, so
that f winds around 0 as A d does; and det(S1 + E11), which is not 0, does not wind there. At the
zero ``|A d| <= s + lambda |d|``.

*No zero.* With the zero d0 of s + A d, ``|s + A d| >= s - |A| r`` and >= sigma_min(A) (|d0| - r).
If one of the two is more than ``lambda(r) r``, det F has no zero with |d| <= r.

*No zero in a square.* ``|F(c + d) - F(c)|_2 <= L1 |d_1| + L2 |d_2|`` with L_j = sum |t_j| |K_t|_2,
since ``|e^{ix} - 1| <= |x|``, and a singular value moves by no more than the matrix. So det F has
no zero in the square with the centre c and the side e if ``s > (L1 + L2) e / 2``.

*The phase.* If ``s > L_j e``, then on the way from c to c + e along theta_j, ``F(c)^-1 F = I + X``
with |X| < 1: its eigenvalues stay in the right half plane, so that the sum of their principal
arguments, 0 at c, is continuous. It is the argument of det F / det F(c), and not only up to turns.

All of this holds up to rounding, for which s is taken by `rounding` less or more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._numerics.trigonometric import EPS, transform
from convreg.geometry import tap_offsets

SLOPES = 1e-6  # the least quotient of the singular values of A that is relied on
RADII = 2.0 ** -np.arange(40)  # that are tried, as parts of the largest


class Expansion(NamedTuple):
    """What the module's theorems need, for n points."""

    sigma: NDArray  # s, (n,)
    second: NDArray  # s2, (n,)
    slope: NDArray  # A, (n, 2, 2)
    stretch: NDArray  # its singular values, (n, 2)
    row: NDArray  # b, (n,)
    column: NDArray  # b', (n,)

    def step(self) -> NDArray:
        """The zero d0 of s + A d; infinite where A is nearly singular."""
        (a, b), (c, d) = np.moveaxis(self.slope, 0, -1)
        most, least = self.stretch.T
        singular = least <= SLOPES * most
        determinant = np.where(singular, 1, a * d - b * c)
        steps = np.stack([-d, c], axis=-1) * (self.sigma / determinant)[:, np.newaxis]
        return np.where(singular[:, np.newaxis], np.inf, steps)


class SquareSymbol:
    """The symbol of a kernel (k1, k2, g, g), its derivatives, and the constants of the module."""

    def __init__(self, kernel: NDArray) -> None:
        self.kernel = kernel.astype(float)
        k1, k2, self.g, _ = kernel.shape
        self.offsets = tap_offsets(k1), tap_offsets(k2)
        down, across = np.meshgrid(*self.offsets, indexing="ij")
        norms = np.linalg.norm(self.kernel, 2, axis=(2, 3))
        lengths = np.hypot(down, across)
        self.along = float((abs(down) * norms).sum()), float((abs(across) * norms).sum())
        self.first = float((lengths * norms).sum())
        self.second = float((lengths**2 * norms).sum())
        total = float(np.linalg.norm(self.kernel, axis=(2, 3)).sum())
        self.rounding = 4 * EPS * (k1 * k2 + 4 * self.g) * total
        self._three = np.stack(
            [self.kernel, *(t[..., np.newaxis, np.newaxis] * self.kernel for t in (down, across))],
            axis=2,
        )

    def at(self, theta: NDArray) -> NDArray:
        """F at the points (n, 2): (n, g, g)."""
        return transform(self.kernel, *self.offsets, *theta.T).swapaxes(-1, -2)

    def sigma_min(self, theta: NDArray) -> NDArray:
        """The least singular value at the points, less the rounding."""
        return np.linalg.svd(self.at(theta), compute_uv=False)[:, -1] - self.rounding

    def expansion(self, theta: NDArray) -> Expansion:
        """The module's constants at the points (n, 2)."""
        F, *derivatives = np.moveaxis(transform(self._three, *self.offsets, *theta.T), 1, 0)
        U, S, Vh = np.linalg.svd(F.swapaxes(-1, -2))
        u, v = U[:, np.newaxis, :, -1].conj(), Vh[:, -1].conj()[..., np.newaxis]
        slopes, rows, columns = [], np.zeros(len(theta)), np.zeros(len(theta))
        for derivative in derivatives:
            F_j = 1j * derivative.swapaxes(-1, -2)
            a_j = (u @ F_j @ v)[:, 0, 0]
            rows += (abs(u @ F_j) ** 2).sum(axis=(1, 2)) - abs(a_j) ** 2
            columns += (abs(F_j @ v) ** 2).sum(axis=(1, 2)) - abs(a_j) ** 2
            slopes.append([a_j.real, a_j.imag])
        A = np.moveaxis(np.array(slopes), (0, 1), (2, 1))
        second = S[:, -2] if self.g > 1 else np.full(len(theta), np.inf)
        b, b_ = (np.sqrt(np.maximum(squares, 0)) for squares in (rows, columns))
        return Expansion(S[:, -1], second, A, np.linalg.svd(A, compute_uv=False), b, b_)

    def remainder(self, near: Expansion, r: NDArray) -> NDArray:
        """lambda(r), infinite where r l is not below s2; r is an array (n, ...)."""
        further = (slice(None), *[np.newaxis] * (r.ndim - 1))
        gap = near.second[further] - r * self.first - self.rounding
        safe = np.where(gap > 0, gap, np.inf)
        sides = (near.row[further] + r * self.second) * (near.column[further] + r * self.second)
        value = r * self.second + r * sides / safe * (2 + r * self.first / safe)
        return np.where(gap > 0, value, np.inf)

    def empty(self, near: Expansion, r: float) -> NDArray:
        """Whether it is proved that no zero is within r of each point."""
        most, least = near.stretch.T
        distance = np.hypot(*near.step().T)
        known = np.isfinite(distance)
        further = least * (np.where(known, distance, 0) - r)
        value = np.maximum(near.sigma - most * r, further) - (1 + r) * self.rounding
        return value > r * self.remainder(near, np.full(len(value), r))

    def reach(self, near: Expansion) -> NDArray:
        """The largest radius tried with exactly one zero, no further off than r / 4; or 0."""
        tiny = np.finfo(float).tiny
        largest = np.minimum(1.0, near.second / max(self.first, tiny))
        r = np.multiply.outer(largest, RADII) + tiny
        residual = 4 * (near.sigma + self.rounding)[:, np.newaxis]
        proved = residual / r + self.remainder(near, r) < near.stretch[:, 1:]
        return np.where(proved, r, 0).max(axis=1)
