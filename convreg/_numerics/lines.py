"""One axis of the symbol: which tap stands where, and the circles of which the axis is a part."""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import numpy as np

from convreg._numerics.trigonometric import Circle
from convreg.geometry import Axis


class Line(NamedTuple):
    """Section 2.1: one axis of the symbol, which tap stands where.

    Tap ``taps[i]`` reads, of the pixels with the remainder ``remainders[i]`` modulo the stride,
    the one that is ``offsets[i]`` behind the output. There are so many ``pixels`` of a remainder,
    and so many ``outputs``. Around a circle, where ``circular``, the offsets are modulo its length.

    >>> line_of(Axis(N=8, k=3, stride=2, before=1, after=1)).offsets
    (-1, 0, 0)
    """

    stride: int
    taps: tuple[int, ...]
    remainders: tuple[int, ...]
    offsets: tuple[int, ...]
    pixels: int
    outputs: int
    circular: bool

    @property
    def step(self) -> int:
        """The greatest common divisor of the distances of the offsets, at least 1."""
        lowest = min(self.offsets, default=0)
        return 1 if self.circular else gcd(*(offset - lowest for offset in self.offsets)) or 1

    @property
    def side(self) -> int:
        """The side of the least torus of which M is a part; around a circle, its length."""
        return self.pixels if self.circular else self._side(1)

    def _side(self, step: int) -> int:
        """The same for the pixels and outputs whose distances are multiples of the step.

        Between the least and the last reading and the image on the other way around there is no
        tap: outputs + highest and pixels - lowest are at most the side.
        """
        lowest = min(self.offsets, default=0) // step
        highest = -(-max(self.offsets, default=0) // step)
        pixels, outputs = -(-self.pixels // step), -(-self.outputs // step)
        return max(pixels, outputs, pixels - lowest, outputs + highest)

    def circles(self) -> list[Circle]:
        """Tori along the axis, of which M is a part, and not much larger than the least."""
        if self.circular:
            return [Circle(self.side)]
        if len(set(self.offsets)) <= 1:  # sigma(F) is the same for all angles
            return [Circle(1)]
        least = self._side(self.step)
        sides = range(least, least + least // 16 + 2)
        return [Circle(side, phase) for side in sides for phase in (0.0, np.pi)]


def line_of(axis: Axis) -> Line:
    """Section 2.1: the taps of an axis by remainder and offset; those that read zeros are left out.

    Around a circle whose length is no multiple of the stride, M is some rows of the M of stride 1.
    """
    stride = 1 if axis.circular and axis.N % axis.stride else axis.stride
    reads = axis._replace(stride=stride).reads()
    taps = [p for p in range(axis.k) if (reads[:, p] >= 0).any()]
    places = [divmod(axis.dilation * p - axis.before, stride) for p in taps]
    return Line(
        stride,
        tuple(taps),
        tuple(remainder for _, remainder in places),
        tuple(offset for offset, _ in places),
        -(-axis.N // stride),
        len(reads),
        axis.circular,
    )
