"""Section 1.1: R_alpha of one convolution layer in PyTorch, and which layers it covers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from convreg._checks import Gram, as_integer, as_number, gram_of_rows
from convreg.convolution import padding

WARM_UP = 15  # power iterations from the random start, as many as torch's spectral_norm takes


class ConvPenalty(nn.Module):
    r"""Section 1.1, equation (1.4): R_alpha of one convolution layer as a term of the loss.

    .. math:: \mathcal{R}_\alpha \approx
       u^T (M^T M - \alpha I)\, v = (Mu)^T (Mv) - \alpha\, u^T v, \qquad
       \frac{\partial}{\partial k_{p,q,z,y}} =
       \sum_{(i,j) \in \Omega_{p,q,z,y}} (Mu)_i v_j + (Mv)_i u_j

    Calling the module gives the value, a scalar with a gradient in the weights of the convolution:
    (2.5), with u and v held fixed. In training mode each call first updates u and v by Algorithm
    2.1's power method, without a gradient; in eval mode they stay. As in `power_update` the value
    is then that of the power method: a lower bound of R_alpha, close to it while the weights change
    slowly and the same singular value stays the largest. The paper's remedy, a second triplet, is
    not here: a value that overtakes is found late, and where its channels and those of the first
    are not coupled it may not be found at all.

    The module holds u and v, as buffers in its ``state_dict``, and no parameters: the convolution
    stays with the model that it is part of. They are images of shape (1, c, height, width), c being
    the input channels or, for M M', the output channels, and follow the weights to their device and
    precision; the arithmetic is in float32 at least, under autocast as well.

    Parameters
    ----------
    conv : torch.nn.Conv2d
        Of stride 1, without groups or dilation, its kernel square, zero-padded as in (1.2): by
        (k - 1) / 2 or, for even k, by "same". A bias is allowed and plays no part.
    input_size : int, or two of them
        The side N of the images that the layer takes in, or their height and width.
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller. For fewer output than input channels M'M
        is singular and its R_alpha never below alpha.
    power_iterations : int
        In each call, at least 1.
    generator : torch.Generator, optional
        Of the random start, from which 15 iterations are taken.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; a convolution that the theory does not cover with all that is
        wrong.

    Examples
    --------
    >>> conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    >>> _ = nn.init.dirac_(conv.weight).data.mul_(2)             # M = 2 I
    >>> regularizer = ConvPenalty(conv, input_size=5, alpha=1.0)
    >>> R = regularizer()
    >>> R.backward()
    >>> round(R.item(), 4), list(regularizer.state_dict())
    (3.0, ['u', 'v'])
    """

    conv: nn.Conv2d
    u: Tensor
    v: Tensor

    def __init__(
        self,
        conv: nn.Conv2d,
        input_size: int | Sequence[int],
        alpha: float = 1.0,
        gram: Gram = "smaller",
        power_iterations: int = 2,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(conv, nn.Conv2d):
            raise TypeError(f"conv: wanted a torch.nn.Conv2d, got {type(conv).__name__}")
        if problems := not_covered(conv):
            raise ValueError(f"conv: wanted {problems}")
        self.__dict__["conv"] = conv  # not as a submodule: its parameters are the model's
        self.input_size = as_size(input_size)
        # here, as torch.compile does not see through it
        self.padding = padding(conv.kernel_size[0])
        self.alpha = as_number("alpha", alpha)
        self.gram_of_rows = gram_of_rows(gram, conv.out_channels, conv.in_channels)
        self.power_iterations = as_integer("power_iterations", power_iterations, 1)
        K = self._kernel().detach()
        channels = conv.out_channels if self.gram_of_rows else conv.in_channels
        device = K.device if generator is None else generator.device
        shape = (1, channels, *self.input_size)
        start = torch.randn(shape, generator=generator, device=device, dtype=K.dtype)
        v = (start / torch.linalg.vector_norm(start)).to(K)
        u, v = self._power_update(K, v, v, WARM_UP)
        self.register_buffer("u", u)
        self.register_buffer("v", v)

    def forward(self) -> Tensor:
        """The penalty, after an update of the vectors in training mode."""
        K = self._kernel()
        self.u, self.v = self.u.to(K), self.v.to(K)
        u, v = self.u, self.v
        if self.training:  # in place: torch.inference_mode leaves them fit for training
            new_u, new_v = self._power_update(K.detach(), u, v, self.power_iterations)
            u.copy_(new_u)
            v.copy_(new_v)
        with torch.autocast(K.device.type, enabled=False):
            A, _ = self._products(K)
            Au, Av = A(torch.cat([u, v]))
            return (Au * Av).sum() - self.alpha * (u * v).sum()

    def _kernel(self) -> Tensor:
        """The weights, in float32 at least."""
        weight = self.conv.weight
        return weight.to(torch.promote_types(weight.dtype, torch.float32))

    def _products(self, K: Tensor) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
        """X -> A X and Y -> A'Y on batches of images, A being M or, for M M', its transpose."""
        height, width = self.input_size
        before, after = self.padding

        def M(X: Tensor) -> Tensor:
            """The convolution (1.2)."""
            return conv2d(X, K, padding=after)[..., after - before :, after - before :]

        def Mt(Y: Tensor) -> Tensor:
            """Its adjoint."""
            return conv_transpose2d(Y, K, padding=before)[..., :height, :width]

        return (Mt, M) if self.gram_of_rows else (M, Mt)

    @torch.no_grad()
    def _power_update(
        self, K: Tensor, u: Tensor, v: Tensor, iterations: int
    ) -> tuple[Tensor, Tensor]:
        """Algorithm 2.1, step 6: u <- B v, v <- B u, both normalised; B is symmetric."""
        with torch.autocast(K.device.type, enabled=False):
            A, At = self._products(K)
            for _ in range(iterations):
                u = normalised(At(A(v)) - self.alpha * v, u)
                v = normalised(At(A(u)) - self.alpha * u, v)
        return u, v

    def extra_repr(self) -> str:
        """What stands in the parentheses of ``print(regularizer)``."""
        k, _ = self.conv.kernel_size
        kernel = f"{k}x{k}x{self.conv.in_channels}x{self.conv.out_channels}"
        height, width = self.input_size
        gram = "rows" if self.gram_of_rows else "columns"
        sets = f"alpha={self.alpha}, gram={gram!r}, power_iterations={self.power_iterations}"
        return f"{kernel} on {height}x{width}, {sets}"


def kernel_of(weight: Tensor) -> NDArray:
    """Equation (1.2): the weight (h, g, k, k) of a convolution, or its gradient, as a kernel.

    >>> kernel_of(nn.Conv2d(3, 8, 5).weight).shape
    (5, 5, 3, 8)
    """
    return weight.detach().cpu().numpy().transpose(2, 3, 1, 0)


def normalised(w: Tensor, previous: Tensor) -> Tensor:
    """w over its norm, or the previous vector where w is zero or not finite."""
    norm = torch.linalg.vector_norm(w)
    return torch.where((norm > 0) & (norm < torch.inf), w / norm, previous)


def as_size(input_size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width.

    >>> as_size(8), as_size((8, 6))
    ((8, 8), (8, 6))
    """
    sides: Any = input_size if isinstance(input_size, Sequence) else (input_size, input_size)
    if len(sides) != 2:
        raise ValueError(f"input_size: wanted an integer or two of them, got {input_size!r}")
    height, width = (as_integer("input_size", side, 1) for side in sides)
    return height, width


def not_covered(conv: nn.Conv2d) -> str:
    """What makes a layer another map than (1.2), or ''.

    >>> not_covered(nn.Conv2d(2, 2, 3, stride=2))
    'stride 1, got (2, 2); padding=1 or "same", got (0, 0)'
    """
    k = conv.kernel_size[0]
    if conv.kernel_size != (k, k):
        return f"a square kernel, got {conv.kernel_size}"
    paddings: list[Any] = ["same"]
    padding_words = 'padding="same"'
    if k % 2 == 1:
        paddings.append((k // 2, k // 2))
        padding_words = f'padding={k // 2} or "same"'
    if k == 1:
        paddings.append("valid")
    wanted = [
        (conv.stride == (1, 1), f"stride 1, got {conv.stride}"),
        (conv.dilation == (1, 1), f"dilation 1, got {conv.dilation}"),
        (not conv.weight.dtype.is_complex, f"real weights, got {conv.weight.dtype}"),
        (conv.groups == 1, f"one group, got groups={conv.groups}"),
        (conv.padding_mode == "zeros", f"padding with zeros, got {conv.padding_mode!r}"),
        (conv.padding in paddings, f"{padding_words}, got {conv.padding!r}"),
    ]
    return "; ".join(what for right, what in wanted if not right)
