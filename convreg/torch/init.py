"""Section 3: a start at which all singular values of a layer are equal, as in `torch.nn.init`."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from convreg._checks import as_number
from convreg.torch.maps import KINDS
from convreg.torch.weights import problem_of

AnyLayer = TypeVar("AnyLayer", bound=nn.Module)


def delta_orthogonal_(
    layer: AnyLayer, gain: float = 1.0, generator: torch.Generator | None = None
) -> AnyLayer:
    r"""Zeros, and a random orthogonal matrix times the gain on the middle tap, in place.

    The delta-orthogonal start of Xiao, Bahri, Sohl-Dickstein, Schoenholz and Pennington, *Dynamical
    isometry and a mean field theory of CNNs*, ICML 2018 (arXiv:1806.05393). The matrix is h x g,
    with orthonormal columns, or rows where there are more columns; with groups each has its own.

    The middle tap is the one with (k - 1) // 2 taps before it on each axis. At stride 1 and with
    padding that keeps the size it reads the pixel that the layer writes, but for even kernels that
    are dilated, where no tap does. There M = gain W (x) I, and all its singular values are the
    gain. With other padding, M cuts the image, sets zeros around it, or with circular padding
    repeats pixels; with a stride it reads one pixel in a stride, and where h, or for a transposed
    layer g, is the larger number of channels some singular values are 0.

    Parameters
    ----------
    layer : torch.nn.Conv1d, Conv2d, Conv3d, ConvTranspose1d, -2d, -3d or Linear
        Its weight is set; a bias stays as it is.
    gain : float
        Positive, and no larger than the weight's precision has numbers.
    generator : torch.Generator, optional
        Without one the global random state is used, as in `torch.nn.init`.

    Returns
    -------
    torch.nn.Module
        The layer.

    Raises
    ------
    TypeError
        For what is not such a layer.
    ValueError
        For a layer whose weight has no shape yet, is not real, or is computed from other parameters
        (weight_norm, spectral_norm, pruning: set it before that), or for a bad gain.

    Examples
    --------
    >>> conv = delta_orthogonal_(nn.Conv2d(4, 4, 3, padding=1), gain=2.0)
    >>> conv.weight.count_nonzero(dim=(0, 1)).tolist()
    [[0, 0, 0], [0, 16, 0], [0, 0, 0]]
    >>> W = conv.weight[:, :, 1, 1]
    >>> torch.allclose(W @ W.T, 4 * torch.eye(4), atol=1e-5)
    True
    """
    weight = _checked(layer)
    gain = as_number("gain", gain)
    largest = torch.finfo(weight.dtype).max
    if gain > largest:
        raise ValueError(f"gain: wanted at most {largest:.3g} for {weight.dtype}, got {gain:g}")
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(
            f"generator: wanted a torch.Generator or None, got {type(generator).__name__}"
        )
    middle = tuple((k - 1) // 2 for k in weight.shape[2:])
    device = weight.device if generator is None else generator.device
    with torch.no_grad():
        weight.zero_()
        for block in weight.chunk(getattr(layer, "groups", 1)):
            matrix = torch.empty(block.shape[:2], device=device, dtype=torch.float64)
            nn.init.orthogonal_(matrix, gain, generator)
            block[(..., *middle)] = matrix.to(weight)
    return layer


def _checked(layer: Any) -> Tensor:
    """The weight of the layer, if it can be set."""
    if not isinstance(layer, KINDS):
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise TypeError(f"layer: wanted one of {kinds}, got {type(layer).__name__}")
    if problem := problem_of(layer):
        raise ValueError(f"layer: wanted {problem}")
    weight = layer._parameters.get("weight")
    if weight is None:
        raise ValueError(
            "layer: wanted one whose weight is a Parameter, got one whose weight is computed: "
            "set it before torch.nn.utils does that"
        )
    return weight
