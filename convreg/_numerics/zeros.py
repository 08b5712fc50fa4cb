"""Section 2.1, [4, 12]: the torus in squares, until every zero of det F is found, and circles.

What is proved of a square, of a zero and of an arc stands in `convreg._numerics.expansion`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg._numerics.expansion import Expansion, SquareSymbol

LEVELS = 24  # squares are halved no more often
NEWTON = 12  # steps from one point
VECTORS = 4  # what singular vectors cost, singular values costing 1
CORNERS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) / 2


class Search:
    """The squares that are left, and the zeros that are found."""

    def __init__(self, symbol: SquareSymbol, budget: int) -> None:
        self.symbol, self.budget = symbol, budget
        self.side = np.pi
        self.centres = np.pi * np.array([[0.5, 0.5], [0.5, 1.5]])  # of half of the torus
        self.theta = np.zeros((0, 2))
        self.indices = np.zeros(0, int)
        self.reach = np.zeros(0)

    def run(self) -> None:
        """Level by level, until no square is left or the budget is used up."""
        for _ in range(LEVELS):
            if not 0 < len(self.centres) <= self.budget:
                return
            self._level()

    def _level(self) -> None:
        """Each square is done with, or divided into four."""
        self.budget -= len(self.centres)
        safe = self.symbol.sigma_min(self.centres) > sum(self.symbol.along) * self.side / 2
        radius = self.side / np.sqrt(2)
        left = self.centres[~safe & ~self._known(self.centres, radius)]
        if VECTORS * len(left) <= self.budget:
            near = self._expansion(left)
            steps = near.step()
            unclear = ~self.symbol.empty(near, radius)
            close = unclear & (np.hypot(*steps.T) <= self.side)
            self._newton(left[close] + steps[close])
            left = left[unclear]
            left = left[~self._known(left, radius)]
        self.centres = (left[:, np.newaxis] + self.side * CORNERS / 2).reshape(-1, 2)
        self.side /= 2

    def _expansion(self, theta: NDArray) -> Expansion:
        self.budget -= VECTORS * len(theta)
        return self.symbol.expansion(theta)

    def _known(self, theta: NDArray, radius: float = 0.0) -> NDArray:
        """Whether all within a radius of each point is within the reach of one zero."""
        distances = np.hypot(*_apart(theta[:, np.newaxis], self.theta))
        return (distances + radius <= self.reach).any(axis=1)

    def _newton(self, theta: NDArray) -> None:
        """From all points at once; what converges is added."""
        for _ in range(NEWTON):
            theta = theta[~self._known(theta)][: max(self.budget // VECTORS, 0)]
            if not len(theta):
                return
            near = self._expansion(theta)
            reach = np.where(near.sigma <= self.symbol.rounding, self.symbol.reach(near), 0)
            signs = np.sign(np.linalg.det(near.slope)).astype(int)
            for j in np.flatnonzero(reach):
                self._add(theta[j], signs[j], reach[j])
                self._add(-theta[j], -signs[j], reach[j])
            steps = near.step()
            on = (reach == 0) & (np.hypot(*steps.T) <= self.side)
            theta = theta[on] + steps[on]

    def _add(self, theta: NDArray, index: int, reach: float) -> None:
        """A zero that is not one of those that are known.

        Each is within a quarter of its reach. So two points have the same zero exactly where they
        are no further apart than half of the larger reach.
        """
        distances = np.hypot(*_apart(theta, self.theta))
        if np.all(distances > np.maximum(self.reach, reach) / 2):
            self.theta = np.vstack([self.theta, theta % (2 * np.pi)])
            self.indices = np.append(self.indices, index)
            self.reach = np.append(self.reach, reach)


def turns_around(symbol: SquareSymbol, axis: int, angle: float, budget: int) -> int | None:
    """How often det F goes around 0 along an axis, the other angle fixed; None if undecided."""
    half = np.pi / 2  # of the length of an arc
    middles = np.array([half, 3 * half])
    total = 0.0
    while len(middles):
        sigma = symbol.sigma_min(_on_circle(axis, middles, angle))
        sure = sigma > symbol.along[axis] * half
        budget -= len(middles) + 2 * VECTORS * int(sure.sum())
        if budget < 0 or half < np.pi / 2**LEVELS:
            return None
        F, ahead, behind = (
            symbol.at(_on_circle(axis, middles[sure] + way * half, angle)) for way in (0, 1, -1)
        )
        total += _phase(F, ahead) - _phase(F, behind)
        half /= 2
        middles = np.concatenate([middles[~sure] - half, middles[~sure] + half])
    return round(total / (2 * np.pi))


def _phase(F: NDArray, end: NDArray) -> float:
    """The sum of the changes of arg det from matrices to others that are near."""
    return float(np.angle(np.linalg.eigvals(np.linalg.solve(F, end))).sum())


def _on_circle(axis: int, along: NDArray, angle: float) -> NDArray:
    """Points with one angle fixed, (n, 2)."""
    points = np.full((len(along), 2), angle)
    points[:, axis] = along
    return points


def _apart(a: NDArray, b: NDArray) -> NDArray:
    """Differences on the torus, from -pi to pi; the two angles first."""
    return np.moveaxis((a - b + np.pi) % (2 * np.pi) - np.pi, -1, 0)
