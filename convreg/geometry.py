"""Equation (1.2) and what Section 1 leaves aside, other strides and paddings: what a tap reads.

With indices from 0, tap (p, q) of the output pixel (r, s) reads the input pixel

    (s1 r + d1 p - b1, s2 s + d2 q - b2)

with the strides s1, s2, the dilations d1, d2, and b1, b2 pixels of padding before the image. In the
paper both strides and dilations are 1, both b are m - 1 with m = ceil(k/2), and pixels outside the
image are zero. All else that convreg computes asks an `Axis` where its taps read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._checks import MOST_ENTRIES, as_integer, as_kernel_shape, shown

Size = int | Sequence[int]
Padding = str | int | Sequence[str | int]
PADDINGS = ("same", "valid", "circular")


def padding(k: int) -> tuple[int, int]:
    """The zeros that (1.1) reads before and after the image: (m - 1, k - m) with m = ceil(k/2).

    The first is also the index of the centre tap, which reads its own pixel.

    >>> padding(3), padding(4)
    ((1, 1), (1, 2))
    """
    k = as_integer("k", k, 1)
    m = -(-k // 2)
    return m - 1, k - m


def tap_offsets(k: int) -> NDArray[np.intp]:
    """Equation (1.2): tap p of the output pixel r reads the input pixel r + tap_offsets(k)[p].

    They are p - m + 1 for p = 0, ..., k - 1, with m = ceil(k/2).

    >>> tap_offsets(3), tap_offsets(4)
    (array([-1,  0,  1]), array([-1,  0,  1,  2]))
    """
    k = as_integer("k", k, 1, MOST_ENTRIES)
    return np.arange(k) - padding(k)[0]


class Axis(NamedTuple):
    """Equation (1.2) along one axis: N pixels, k taps, and what each of them reads.

    Tap p of output r reads the pixel ``stride * r + dilation * p - before``. Beyond the image it
    reads a zero or, where ``circular``, the pixel on the other side; then ``before`` and ``after``
    add up to the span of the taps.

    >>> Axis(N=4, k=3, before=1, after=1).reads()
    array([[-1,  0,  1],
           [ 0,  1,  2],
           [ 1,  2,  3],
           [ 2,  3, -1]])
    """

    N: int
    k: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    circular: bool = False

    @property
    def padded(self) -> int:
        """The number of pixels with the padding."""
        return self.before + self.N + self.after

    @property
    def span(self) -> int:
        """How far the last tap reads behind the first."""
        return self.dilation * (self.k - 1)

    @property
    def outputs(self) -> int:
        """The number of outputs: all whose taps stay within the padded image."""
        return (self.padded - self.span - 1) // self.stride + 1

    def reads(self) -> NDArray[np.intp]:
        """The pixel that tap p of output r reads, as an array [r, p]; -1 where it reads a zero."""
        r = np.arange(self.outputs)[:, np.newaxis]
        p = np.arange(self.k)
        pixels = self.stride * r + self.dilation * p - self.before
        if self.circular:
            return pixels % self.N
        return np.where((0 <= pixels) & (pixels < self.N), pixels, -1)

    def readers(self) -> NDArray[np.intp]:
        """The tap with which output r reads pixel i, as an array [r, i]; -1 where it does not.

        Of several taps that read the same pixel of a circular image the last.
        """
        reads = self.reads()
        r, p = np.nonzero(reads >= 0)
        taps = np.full((self.outputs, self.N), -1)
        taps[r, reads[r, p]] = p
        return taps


class Geometry(NamedTuple):
    """Equation (1.2): the two axes of a convolution of images.

    >>> geometry_of((3, 5), (8, 6), stride=2).outputs
    (4, 3)
    """

    rows: Axis
    columns: Axis

    @property
    def image(self) -> tuple[int, int]:
        """The height and the width of an input."""
        return self.rows.N, self.columns.N

    @property
    def outputs(self) -> tuple[int, int]:
        """The height and the width of an output."""
        return self.rows.outputs, self.columns.outputs

    def shape_of_matrix(self, g: int, h: int) -> tuple[int, int]:
        """(h H'W', g HW): of M for g input and h output channels, H' x W' outputs, H x W pixels."""
        return h * prod(self.outputs), g * prod(self.image)


@lru_cache
def mirrored(geometry: Geometry) -> Geometry | None:
    """Equation (1.2) for M': what it reads of the outputs, its taps in reverse order.

    None where M' is no convolution: with a stride, or where a padding is wider than the kernel.

    >>> mirrored(geometry_of((3, 3), 4, padding="valid")).rows
    Axis(N=2, k=3, stride=1, dilation=1, before=2, after=2, circular=False)
    """
    axes = []
    for axis in geometry:
        if axis.stride > 1 or max(axis.before, axis.after) > axis.span:
            return None
        before, after = axis.span - axis.before, axis.span - axis.after
        axes.append(axis._replace(N=axis.outputs, before=before, after=after))
    return Geometry(*axes)


def geometry_of(
    shape: Sequence[int],
    N: Size,
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> Geometry:
    """Equation (1.2): the geometry of a kernel of this shape on images of N pixels, checked.

    Parameters
    ----------
    shape : (k1, k2) or (k1, k2, g, h)
        The kernel's shape.
    N : int or (height, width)
        The size of an image.
    stride, dilation : int or pair
        The distance from one output to the next, and from one tap to the next.
    padding : {"same", "valid", "circular"}, int, or a pair of these
        What is read beside the image. "same": zeros, the paper's m - 1 before and k - m after it,
        times the dilation. "valid": nothing. An integer: as many zeros on both sides. "circular":
        where "same" reads a zero, the pixel on the other side of the image. PyTorch's "same" has
        half of dilation (k - 1) before the image, rounded down: for even k and a dilation above 1
        it is another one.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it, where the kernel is larger than the padded image, and where
        an image or an output has more than 2^36 entries.

    Examples
    --------
    >>> geometry_of((3, 3), 4, padding="valid").rows
    Axis(N=4, k=3, stride=1, dilation=1, before=0, after=0, circular=False)
    """
    k1, k2, g, h = as_kernel_shape(shape)
    sizes = as_image_size("N", N, max(g, h))
    strides = as_pair("stride", stride, 1)
    dilations = as_pair("dilation", dilation, 1)
    paddings = _both("padding", padding, _as_padding)
    geometry = Geometry(*map(_axis, sizes, (k1, k2), strides, dilations, paddings))
    if prod(axis.padded for axis in geometry) > MOST_ENTRIES:
        name, value = ("padding", padding) if dilations == (1, 1) else ("dilation", dilation)
        raise ValueError(
            f"{name}: wanted one with at most {MOST_ENTRIES:,} pixels in a padded image, got "
            f"{shown(value)}"
        )
    if prod(geometry.outputs) * h > MOST_ENTRIES:
        raise ValueError(
            f"padding: wanted one with which an output has at most {MOST_ENTRIES:,} entries, got "
            f"{shown(padding)}"
        )
    return geometry


def as_image_size(name: str, value: Any, channels: int = 1) -> tuple[int, int]:
    """The height and the width of an image that a vector can hold, from one integer or two.

    >>> as_image_size("N", 5), as_image_size("N", (5, 6))
    ((5, 5), (5, 6))
    """
    size = as_pair(name, value, 1)
    if prod(size) * channels > MOST_ENTRIES:
        raise ValueError(
            f"{name}: wanted images of at most {MOST_ENTRIES:,} entries, got {shown(value)} "
            f"with {channels} channels"
        )
    return size


def as_pair(name: str, value: Any, low: int) -> tuple[int, int]:
    """Two integers of at least ``low``, one for the rows and one for the columns; or one for both.

    >>> as_pair("stride", 2, 1), as_pair("stride", (1, 2), 1)
    ((2, 2), (1, 2))
    """
    return _both(name, value, partial(as_integer, name, low=low))


def _both(name: str, value: Any, check: Callable[[Any], Any]) -> tuple[Any, Any]:
    """A value for the rows and one for the columns, each checked."""
    if not isinstance(value, (tuple, list)):
        return check(value), check(value)
    if len(value) != 2:
        raise ValueError(f"{name}: wanted one value, or two (rows, columns), got {shown(value)}")
    return check(value[0]), check(value[1])


def _as_padding(value: Any) -> str | int:
    """One of the words, or an integer of at least 0."""
    if isinstance(value, str) and value in PADDINGS:
        return value
    wanted = f"padding: wanted one of {', '.join(map(repr, PADDINGS))}, or an integer of at least 0"
    if isinstance(value, str):
        raise ValueError(f"{wanted}, got {shown(value)}")
    try:
        return as_integer("padding", value, 0)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{wanted}, got {shown(value)}") from None


def _axis(N: int, k: int, stride: int, dilation: int, beside: str | int) -> Axis:
    """One axis, if the kernel fits into the padded image."""
    if isinstance(beside, int):
        before = after = beside
    elif beside == "valid":
        before = after = 0
    else:
        before, after = (dilation * pixels for pixels in padding(k))
    axis = Axis(N, k, stride, dilation, before, after, beside == "circular")
    if axis.outputs < 1:
        raise ValueError(
            f"padding: wanted one with which the kernel fits into the image, {k} taps of dilation "
            f"{dilation} into {N} pixels, got {beside!r}"
        )
    return axis
