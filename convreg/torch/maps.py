"""Section 1.1: the linear map of a layer of PyTorch, and its adjoint.

Stride, dilation, padding, groups, the number of axes and the transpose are left to PyTorch: M is
`torch.convolution`, and M' is `torch.convolution` as well, transposed where M is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from convreg._checks import MOST_ENTRIES, as_integer, shown

Layer: TypeAlias = nn.Module
Size = tuple[int, ...]

CONVOLUTIONS: tuple[type[Layer], ...] = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
KINDS = (*CONVOLUTIONS, nn.Linear)


class LayerMap:
    """Equation (1.2) of any layer: X -> layer(X) without its bias, and the adjoint of that.

    Both are linear in the image and in the weight K. Images are of shape (batch, channels,
    \\*size). A `torch.nn.Linear` is a convolution of one tap, its image one pixel, its K of shape
    (h, g, 1).

    Attributes
    ----------
    size, output_size : tuple of int
        Of an input image and of an output image.
    inputs, outputs : int
        How many numbers an input and an output hold: M is outputs x inputs.
    groups : int
        M is block diagonal, of so many blocks.
    """

    def __init__(
        self, layer: Any, size: int | Sequence[int], output_size: int | Sequence[int] | None = None
    ) -> None:
        linear = isinstance(layer, nn.Linear)
        g, h = channels(layer)
        axes = 0 if linear else len(layer.kernel_size)
        self.size = as_size(size, axes) or (1,)
        _fits_memory("input_size", self.size, g)
        kernel: Size = (1,) if linear else layer.kernel_size
        self.stride = (1,) if linear else _on_every(layer.stride, axes)
        self.dilation = (1,) if linear else _on_every(layer.dilation, axes)
        self.groups: int = 1 if linear else layer.groups
        self.transposed: bool = not linear and layer.transposed
        self.mode: str = "zeros" if linear else layer.padding_mode
        spans = zip(self.dilation, kernel, strict=True)
        self.reach = [d * (k - 1) for d, k in spans]  # from the first tap to the last
        self._pad("valid" if linear else layer.padding)
        if self.transposed:
            if output_size is None:
                output_size = self._transposed(_on_every(layer.output_padding, axes))
            self.output_size = as_size(output_size, axes, "output_size")
            self.output_padding = self._output_padding(self.output_size)
        elif output_size is not None:
            wanted = "None but for transposed convolutions"
            raise ValueError(f"output_size: wanted {wanted}, got {shown(output_size)}")
        else:
            self.output_padding, self.output_size = self._remainders()
        _fits_memory("input_size", self.output_size, h)
        self.input_shape = (1, g, *self.size)
        self.output_shape = (1, h, *self.output_size)
        self.inputs, self.outputs = prod(self.input_shape), prod(self.output_shape)

    def _pad(self, padding: str | int | Size) -> None:
        """What the convolution pads itself, and the margins that are put around the image first."""
        before, after = margins(padding, self.reach)
        alike = self.mode == "zeros" and before == after
        self.padding = before if alike else (0,) * len(before)
        self.margins = [] if alike else list(zip(before, after, strict=True))
        try:
            if self.mode != "zeros":
                self._reads(torch.empty(0))
        except RuntimeError as error:
            wanted = f"an image that padding_mode={self.mode!r} can pad"
            raise ValueError(f"input_size: wanted {wanted}, got {by(self.size)}: {error}") from None

    def _remainders(self) -> tuple[Size, Size]:
        """The pixels at the end that no tap reads, on each axis, and the size of the output."""
        sizes, remainders = [], []
        margin = [b + a for b, a in self.margins] or [2 * p for p in self.padding]
        for N, more, reach, stride in zip(self.size, margin, self.reach, self.stride, strict=True):
            steps, remainder = divmod(N + more - reach - 1, stride)
            if steps < 0:
                least = [reach + 1 - more for reach, more in zip(self.reach, margin, strict=True)]
                raise ValueError(
                    f"input_size: wanted at least {by(least)}, so that the kernel fits, "
                    f"got {by(self.size)}"
                )
            sizes.append(steps + 1)
            remainders.append(remainder)
        return tuple(remainders), tuple(sizes)

    def _transposed(self, output_padding: Sequence[int]) -> list[int]:
        """The size of the output of a transposed convolution."""
        axes = zip(self.size, self.stride, self.padding, self.reach, output_padding, strict=True)
        return [(N - 1) * s - 2 * p + reach + more + 1 for N, s, p, reach, more in axes]

    def _output_padding(self, wanted: Size) -> Size:
        """The output padding with which a transposed convolution has this output."""
        least = self._transposed((0,) * len(self.size))
        more = tuple(N - M for N, M in zip(wanted, least, strict=True))
        most = [max(s, d) - 1 for s, d in zip(self.stride, self.dilation, strict=True)]
        if not all(0 <= m <= top for m, top in zip(more, most, strict=True)):
            largest = [N + top for N, top in zip(least, most, strict=True)]
            raise ValueError(
                f"output_size: wanted from {by(least)} to {by(largest)}, got {by(wanted)}"
            )
        return more

    @property
    def pointwise(self) -> bool:
        """Whether M = W (x) I, each output pixel of its own input pixel.

        Without padding as many pixels come out as go in only where the kernel has one tap.
        """
        padded = any(self.padding) or any(map(any, self.margins))
        return not padded and self.size == self.output_size

    def __call__(self, X: Tensor, K: Tensor) -> Tensor:
        """M vec(X)."""
        return self._convolution(self._padded(X), K, self.transposed, self.output_padding)

    def adjoint(self, Y: Tensor, K: Tensor) -> Tensor:
        """M' vec(Y)."""
        X = self._convolution(Y, K, not self.transposed, self.output_padding)
        if self.transposed:  # an output padding may hold more than a stride
            for axis, N in enumerate(self.size, 2):
                X = X.narrow(axis, 0, N)
        return self._unpadded(X)

    def _convolution(self, X: Tensor, K: Tensor, transposed: bool, output_padding: Size) -> Tensor:
        if not transposed:
            output_padding = (0,) * len(self.size)
        return torch.convolution(
            X,
            K,
            None,
            self.stride,
            self.padding,
            self.dilation,
            transposed,
            output_padding,
            self.groups,
        )

    def _padded(self, X: Tensor) -> Tensor:
        """The image with its margins."""
        if self.mode == "zeros":
            return pad(X, self._sides(1)) if self.margins else X
        for axis, reads in self._reads(X):
            X = X.index_select(axis, reads)
        return X

    def _unpadded(self, X: Tensor) -> Tensor:
        """The adjoint: what a margin holds is added to the pixel that it reads."""
        if self.mode == "zeros":
            return pad(X, self._sides(-1)) if self.margins else X
        for axis, reads in self._reads(X):
            shape = list(X.shape)
            shape[axis] = self.size[axis - 2]
            X = X.new_zeros(shape).index_add(axis, reads, X)
        return X

    def _sides(self, sign: int) -> list[int]:
        """The margins as `torch.nn.functional.pad` wants them: the last axis first."""
        return [sign * side for pair in reversed(self.margins) for side in pair]

    def _reads(self, X: Tensor) -> list[tuple[int, Tensor]]:
        """For each axis the pixels that a line with its margins reads, as PyTorch pads them."""
        reads = []
        for axis, (N, sides) in enumerate(zip(self.size, self.margins, strict=True), 2):
            line = torch.arange(N, device=X.device, dtype=torch.float32)
            reads.append((axis, pad(line[None, None], sides, self.mode)[0, 0].long()))
        return reads


def _fits_memory(name: str, size: Size, channels: int) -> None:
    """Refuse images that no memory holds."""
    if prod(size) * channels > MOST_ENTRIES:
        raise ValueError(
            f"{name}: wanted images of at most {MOST_ENTRIES:,} entries, got {channels} channels "
            f"of {by(size)}"
        )


def margins(padding: str | int | Size, reach: Sequence[int]) -> tuple[Size, Size]:
    """How many pixels PyTorch puts before and after each axis; "same" has the odd one after.

    >>> margins("same", [2, 3]), margins((1, 0), [2, 2])
    (((1, 1), (1, 2)), ((1, 0), (1, 0)))
    """
    if padding == "valid":
        padding = 0
    if padding == "same":
        before = tuple(r // 2 for r in reach)
        return before, tuple(r - r // 2 for r in reach)
    both = _on_every(padding, len(reach))
    return both, both


def _on_every(value: Any, axes: int) -> Size:
    """One number for each axis: a layer that was changed by hand may have a single one."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def channels(layer: Any) -> tuple[int, int]:
    """The channels that a layer takes in and those that it puts out, the paper's g and h."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    return layer.in_channels, layer.out_channels


def as_size(size: int | Sequence[int], axes: int, name: str = "input_size") -> Size:
    """One number for each spatial axis.

    >>> as_size(8, 2), as_size((8, 6), 2), as_size((), 0)
    ((8, 8), (8, 6), ())
    """
    wanted = f"an integer or {axes} of them" if axes else "()"
    is_sequence = isinstance(size, Sequence) and not isinstance(size, str)
    sides: Any = size if is_sequence else (size,) * axes
    if len(sides) != axes or not (is_sequence or axes):
        raise ValueError(f"{name}: wanted {wanted}, got {shown(size)}")
    return tuple(as_integer(name, side, 1) for side in sides)


def by(size: Sequence[int]) -> str:
    """A size as it is spoken.

    >>> by((3, 5)), by(())
    ('3x5', '()')
    """
    return "x".join(map(str, size)) or "()"


def described(layer: Any) -> str:
    """A layer's kernel as the paper writes it, k x k x g x h, and what differs from its kind.

    >>> described(nn.Conv2d(4, 8, 3, stride=2, groups=2))
    '3x3x4x8, stride 2, groups 2'
    """
    if isinstance(layer, nn.Linear):
        return by(channels(layer))
    words = [by((*layer.kernel_size, *channels(layer)))]
    for name in ("stride", "dilation"):
        value = getattr(layer, name)
        if set(value) != {1}:
            words.append(f"{name} {by(value if len(set(value)) > 1 else value[:1])}")
    if layer.groups > 1:
        words.append(f"groups {layer.groups}")
    if layer.padding_mode != "zeros":
        words.append(layer.padding_mode)
    if layer.transposed:
        words.append("transposed")
    return ", ".join(words)
