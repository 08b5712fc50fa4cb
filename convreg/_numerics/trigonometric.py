r"""Section 2.1, [4, 12]: Hermitian trigonometric polynomials, and a bound of them that is proved.

Let

.. math:: G(\theta) = \sum_{|t_1| \leq n_1, |t_2| \leq n_2} C_t\, e^{\mathrm{i}\, t \cdot \theta},
   \qquad C_{-t} = C_t^T \text{ real}, \quad G(\theta) \geq 0

as F F^H of a symbol is. On a grid of L1 x L2 frequencies, a step of 2 pi / L apart, its largest
eigenvalue is bounded by Cholesky factorisations at fewer points than the grid has. Divide the grid
into boxes of b1 x b2 of its frequencies and let a(b) = (n1 b1 / L1 + n2 b2 / L2) pi / 2 < pi / 2.

*If at the middle c of every box lambda_max(G(c)) <= U cos(a(b))^2 / cos(a(1))^2, then
lambda_max(G) <= U on the grid.* A box where it is not so is divided into its frequencies, boxes of
one, for which the two say the same: the boxes need not be of one size.

For a unit vector v let f = v^H G v, and S be the maximum of lambda_max(G) over all angles. f lies
between 0 and S, so that f = S sin(psi / 2)^2. By the inequality of Bernstein and Szego (G. Szego,
Ueber einen Satz des Herrn Serge Bernstein, 1928) psi changes by at most n1 d1 + n2 d2 between
angles that are d1 and d2 apart.

First, let v be the eigenvector where S is attained, psi = pi. The middle of that box is within 2
a(b), so that S cos(a(b))^2 <= f(c) <= lambda_max(G(c)), and S <= U / cos(a(1))^2. Then, let v be
that of a frequency of the grid with f = S sin(x)^2 > U. The middle of its box is within 2 d,
d = a(b) - a(1), so that f(c) >= S sin(x - d)^2 > U (sin(x - d) / sin(x))^2. This quotient grows
with x, and sin(x)^2 > U / S >= cos(a(1))^2: f(c) > U cos(a(b))^2 / cos(a(1))^2, which is not so.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._numerics.threads import in_threads

AT_ONCE = 2**18  # entries of the matrices that are made at once, and of what makes them
LARGE = 32  # from here on a call of Cholesky takes no longer than its arithmetic
BOXES = ((1, 1), (1, 2), (2, 2), (2, 4), (4, 4), (8, 8))
EPS = float(np.finfo(float).eps)


def transform(
    taps: NDArray, rows: NDArray, columns: NDArray, theta_1: ArrayLike, theta_2: ArrayLike
) -> NDArray:
    """The sum of ``taps[t1, t2] e^{i (rows[t1] theta_1 + columns[t2] theta_2)}``, angles first."""
    theta_1, theta_2 = np.broadcast_arrays(theta_1, theta_2)
    down = np.exp(1j * np.multiply.outer(theta_1, rows))
    across = np.exp(1j * np.multiply.outer(theta_2, columns))
    waves = down[..., :, np.newaxis] * across[..., np.newaxis, :]
    waves = waves.reshape(-1, len(rows) * len(columns))
    entries = taps.reshape(waves.shape[1], -1)
    F = np.empty((len(waves), entries.shape[1]), complex)
    F.real, F.imag = waves.real @ entries, waves.imag @ entries
    return F.reshape(*theta_1.shape, *taps.shape[2:])


class Circle(NamedTuple):
    """L frequencies of an axis, (2 pi j + phase) / L; the phase is 0 or pi.

    >>> Circle(2, 0.0).angles(), Circle(1, np.pi).angles()
    (array([0.        , 3.14159265]), array([3.14159265]))
    """

    L: int
    phase: float = 0.0

    def angles(self) -> NDArray:
        """All of them, from 0 on."""
        return (2 * np.pi * np.arange(self.L) + self.phase) / self.L

    def half(self) -> NDArray:
        """Those up to pi: the others are their negatives, modulo 2 pi."""
        angles = self.angles()
        return angles[angles <= np.pi * (1 + 1e-9)]

    def neighbours(self, angles: ArrayLike) -> NDArray:
        """The two next to each angle, modulo 2 pi: those before, those behind."""
        j = np.floor((np.asarray(angles) * self.L - self.phase) / (2 * np.pi))
        return (2 * np.pi * np.stack([j, j + 1]) + self.phase) / self.L


class GramPolynomial:
    """G(theta) = B(theta) B(theta)^H for B(theta) = sum of ``blocks[t1, t2] e^{i t theta}``.

    ``blocks`` is a real (T1, T2, r, w) array; G is r x r, of the degrees T1 - 1 and T2 - 1.
    """

    def __init__(self, blocks: NDArray) -> None:
        T1, T2, self.size, w = blocks.shape
        self.degrees = T1 - 1, T2 - 1
        self.rows, self.columns = np.arange(1 - T1, T1), np.arange(1 - T2, T2)
        self.coefficients = np.empty((2 * T1 - 1, 2 * T2 - 1, self.size, self.size))
        for a in range(T1):
            for b in range(1 - T2, T2):
                ahead = _side_by_side(blocks[a:, max(b, 0) : T2 + min(b, 0)])
                behind = _side_by_side(blocks[: T1 - a, max(-b, 0) : T2 - max(b, 0)])
                C = ahead @ behind.T
                self.coefficients[T1 - 1 + a, T2 - 1 + b] = C
                self.coefficients[T1 - 1 - a, T2 - 1 - b] = C.T
        self._parts = _by_cosines_and_sines(self.coefficients)
        # |G| <= norm^2, and the rounding of its coefficients, of the angles and of a value
        self.norm = float(np.linalg.norm(blocks, axis=(2, 3)).sum())
        terms = T1 * T2 * (w + 4) + 4 * self.size
        self.rounding = 4 * EPS * terms * self.norm**2

    def at(self, theta_1: ArrayLike, theta_2: ArrayLike) -> NDArray:
        """G(theta), an (..., r, r) complex array, for angles whose shapes are broadcast."""
        return self._combined(self._parts, *np.broadcast_arrays(theta_1, theta_2))

    def _combined(self, parts: NDArray, theta_1: NDArray, theta_2: NDArray) -> NDArray:
        """Of parts such as those of G: in one real product, with nothing to be moved."""
        t_1, t_2 = np.meshgrid(self.rows, self.columns, indexing="ij")
        behind = slice(t_1.size // 2 + 1, None)  # the other half has the same cosines and sines
        angles = np.multiply.outer(theta_1, t_1.ravel()[behind])
        angles += np.multiply.outer(theta_2, t_2.ravel()[behind])
        ones = np.ones((*theta_1.shape, 1))
        waves = np.concatenate([ones, np.cos(angles), np.sin(angles)], axis=-1)
        values = (waves @ parts).view(complex)
        return values.reshape(*theta_1.shape, self.size, self.size)

    def batches(self, count: int) -> Iterator[slice]:
        """Slices of so many of the angles as are treated at once."""
        each = max(self.size**2, len(self.rows) * len(self.columns))
        most = max(1, AT_ONCE // each)
        for start in range(0, count, most):
            yield slice(start, start + most)

    def bound_on(self, circles: tuple[Circle, Circle], guess: float, sample: NDArray) -> float:
        """A bound of lambda_max(G) on a grid, rounding included; above the guess only if need be.

        Every frequency passes the check, with its box or alone, or has its eigenvalue computed and
        the bound raised to it. A sample of lambda_max(G) tells which boxes will mostly pass.
        """
        if self.norm == 0:
            return 0.0
        theta_1, theta_2 = circles[0].angles(), circles[1].half()
        bound = guess + 2 * self._uncertainty(guess)
        box = self._best_box(circles, bound, sample)
        left = np.ones((len(theta_1), len(theta_2)), bool)
        if box != (1, 1):
            middles = _middles(theta_1, box[0]), _middles(theta_2, box[1])
            points = np.array(np.meshgrid(*middles, indexing="ij"))
            boxes = np.zeros(points[0].size, bool)
            boxes[self._above(points.reshape(2, -1), bound * self._share(circles, box))] = True
            boxes = boxes.reshape(points[0].shape)
            left = boxes.repeat(box[0], axis=0).repeat(box[1], axis=1)
        rows, columns = np.nonzero(left[: len(theta_1), : len(theta_2)])
        points = np.array([theta_1[rows], theta_2[columns]])
        for j in self._above(points, bound):
            largest = float(np.linalg.eigvalsh(self.at(*points[:, j]))[-1])
            bound = max(bound, largest + 2 * self._uncertainty(largest))
        return bound

    def _uncertainty(self, bound: float) -> float:
        """What rounding may add: to G, to its eigenvalues, to a Cholesky factorisation.

        That succeeds for A + E with ``|E| <= (r + 1) eps trace(A)`` (S. M. Rump, Verification of
        positive definiteness, BIT 46:433-452, 2006).
        """
        r = self.size
        return self.rounding + 4 * (r + 2) * EPS * r * (bound + self.rounding)

    def _share(self, circles: tuple[Circle, Circle], box: tuple[int, int]) -> float:
        """cos(a(b))^2 / cos(a(1))^2 of the module's theorem; 0 where it does not hold."""
        reach = [n * np.pi / circle.L / 2 for n, circle in zip(self.degrees, circles, strict=True)]
        a = sum(b * r for b, r in zip(box, reach, strict=True))
        return float(np.cos(a) / np.cos(sum(reach))) ** 2 if a < np.pi / 2 else 0.0

    def _best_box(
        self, circles: tuple[Circle, Circle], bound: float, sample: NDArray
    ) -> tuple[int, int]:
        """The box with the fewest checks, to judge by a sample."""

        def checks(box: tuple[int, int]) -> float:
            """How many for each frequency."""
            failed = np.mean(sample > bound * self._share(circles, box))
            return 1 / (box[0] * box[1]) + float(failed)

        larger = [box for box in BOXES[1:] if self._share(circles, box) > 0]
        best = min(larger, key=checks, default=BOXES[0])
        return best if checks(best) < 1 else BOXES[0]

    def _above(self, points: NDArray, limit: float) -> list[int]:
        """The indices of the pairs of angles at which lambda_max(G) <= limit is not proved."""
        theta_1, theta_2 = points
        limit -= self._uncertainty(limit)
        below = -self._parts  # of limit I - G
        below[0, :: 2 * (self.size + 1)] += limit

        def failures(some: slice) -> list[int]:
            """Those among some of the angles."""
            matrices = self._combined(below, theta_1[some], theta_2[some])
            return [some.start + j for j in _indefinite(matrices)]

        return list(chain.from_iterable(in_threads(failures, self.batches(len(theta_1)))))


def _side_by_side(blocks: NDArray) -> NDArray:
    """The blocks (T1, T2, r, w) as one matrix of r rows."""
    return blocks.transpose(2, 0, 1, 3).reshape(blocks.shape[2], -1)


def _by_cosines_and_sines(C: NDArray) -> NDArray:
    """C_0, then all C_t + C_-t of half the t, then all i (C_t - C_-t): real and imaginary parts.

    With C_-t = C_t', these times 1, cos(t theta) and sin(t theta) make G.
    """
    r = C.shape[-1]
    C = C.reshape(-1, r, r)
    half = len(C) // 2
    ahead, behind = C[half + 1 :], C[half - 1 :: -1] if half else C[:0]
    entries = np.zeros((len(C), r, r, 2))
    entries[0, ..., 0] = C[half]
    entries[1 : half + 1, ..., 0] = ahead + behind
    entries[half + 1 :, ..., 1] = ahead - behind
    return entries.reshape(len(C), -1)


def _middles(theta: NDArray, length: int) -> NDArray:
    """Of intervals with so many of the angles, the last one with what is left."""
    return np.array([theta[i : i + length].mean() for i in range(0, len(theta), length)])


def _indefinite(matrices: NDArray) -> Iterator[int]:
    """The indices of those of the Hermitian matrices that have no Cholesky factor.

    NumPy says of several only that some have none: large ones go one by one, others by halves.
    """
    count, r, _ = matrices.shape
    if count == 1 or r < LARGE:
        try:
            np.linalg.cholesky(matrices)
            return
        except np.linalg.LinAlgError:
            if count == 1:
                yield 0
                return
    step = 1 if r >= LARGE else -(-count // 2)
    for start in range(0, count, step):
        yield from (start + j for j in _indefinite(matrices[start : start + step]))
