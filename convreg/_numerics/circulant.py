"""The inverse of a Gram matrix as if the images were on a torus: [4, 5, 12], a preconditioner.

On a torus the Gram matrix of a convolution with the symbol F is block diagonal in the waves, with
the blocks F*F, or F F* for M M'. Their inverses are kept in single precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convreg._numerics.threads import in_threads
from convreg._numerics.transforms import irfftn, rfftn
from convreg._numerics.trigonometric import GramPolynomial

LIMIT = 2**26  # entries that are kept, half a gigabyte
CHUNK = 2**20  # entries of the blocks that a thread has at a time
DAMPING = 0.03  # part of the mean eigenvalue that is added: where F is near singular, M need not be


class GramInverse:
    """About (M'M)^-1 x, or (``rows``) (M M')^-1 x, from the symbol of M on a torus.

    Or, with a number ``above`` all eigenvalues, about (above I - M'M)^-1 x.

    Where too many inverses were to be kept, ``step`` x ``step`` neighbouring frequencies share one.

    Parameters
    ----------
    symbol : Symbol
        With F(theta) as `at(theta_1, theta_2)`, and the `taps`, (T1, T2, c, h).
    sides : (L1, L2)
        Of the torus.
    images : (H, W)
        Of x, whose order is that of vec.
    strides : (s1, s2)
        The pixels of x with the same remainders are an image of their own; (1, 1) for M M'.
    """

    def __init__(
        self,
        symbol: Any,
        sides: tuple[int, int],
        images: tuple[int, int],
        strides: tuple[int, int],
        rows: bool,
        above: float = 0.0,
    ) -> None:
        self.sides, self.images, self.strides = sides, images, strides
        L1, L2 = sides
        c, h = symbol.taps.shape[2:]
        d = h if rows else c
        self.step = 1
        while d * d * -(-L2 // self.step) * -(-(L1 // 2 + 1) // self.step) > LIMIT:
            self.step += 1
        theta_1, theta_2 = _angles(L1 // 2 + 1, self.step, L1), _angles(L2, self.step, L2)
        mean = float((symbol.taps**2).sum()) / d  # of all eigenvalues of all blocks
        sign = -1 if above else 1
        shift = (above or DAMPING * mean) * np.eye(d, dtype=np.complex64)
        self.inverses = np.empty((len(theta_2), len(theta_1), d, d), np.complex64)
        blocks = symbol.taps.swapaxes(2, 3) if rows else symbol.taps
        gram = GramPolynomial(blocks)  # F F*, or the conjugate of F*F
        lines = max(1, CHUNK // (d * d * len(theta_1)))

        def invert(first: int) -> None:
            """The blocks of some lines of frequencies."""
            part = slice(first, first + lines)
            G = gram.at(theta_1, theta_2[part, np.newaxis]).astype(np.complex64)
            self.inverses[part] = np.linalg.inv(sign * (G if rows else G.conj()) + shift)

        in_threads(invert, range(0, len(theta_2), lines))

    def __call__(self, x: NDArray) -> NDArray:
        waves = self._waves(x)
        d, J2, J1 = waves.shape
        step, (lines, width) = self.step, self.inverses.shape[:2]
        blocks = np.zeros((d, lines * step, width * step), np.complex64)
        blocks[:, :J2, :J1] = waves
        blocks = blocks.reshape(d, lines, step, width, step).transpose(1, 3, 0, 2, 4)
        blocks = self.inverses @ blocks.reshape(lines, width, d, step * step)
        blocks = blocks.reshape(lines, width, d, step, step).transpose(2, 0, 3, 1, 4)
        return self._pixels(blocks.reshape(d, lines * step, width * step)[:, :J2, :J1])

    def _waves(self, x: NDArray) -> NDArray:
        """x as images of every remainder and channel, beside zeros on the torus, transformed."""
        (H, W), (s1, s2), (L1, L2) = self.images, self.strides, self.sides
        x = x.reshape(-1, W, H)
        torus = np.zeros((s1, s2, len(x), L2, L1), np.float32)
        for i, j in np.ndindex(s1, s2):
            part = x[:, j::s2, i::s1]
            torus[i, j, :, : part.shape[1], : part.shape[2]] = part
        return rfftn(torus.reshape(-1, L2, L1), axes=(1, 2))

    def _pixels(self, waves: NDArray) -> NDArray:
        """The way back, as a vector."""
        (H, W), (s1, s2), (L1, L2) = self.images, self.strides, self.sides
        torus = irfftn(waves, (L2, L1), axes=(1, 2)).reshape(s1, s2, -1, L2, L1)
        x = np.empty((torus.shape[2], W, H))
        for i, j in np.ndindex(s1, s2):
            part = x[:, j::s2, i::s1]
            part[...] = torus[i, j, :, : part.shape[1], : part.shape[2]]
        return x.ravel()


def _angles(count: int, step: int, side: int) -> NDArray:
    """The middles of so many of the angles 2 pi j / side in steps."""
    return 2 * np.pi / side * (np.arange(0, count, step) + (step - 1) / 2)
