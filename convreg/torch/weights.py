"""Section 1.1: the weight that a layer of PyTorch uses, which may be computed on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from convreg._checks import shown

HOOKS = (WeightNorm, SpectralNorm, BasePruningMethod)  # each sets the weight before a forward pass


def weight_of(layer: Any, training: bool = False) -> Tensor:
    """The weight of the layer as its next forward pass will have it, with its graph.

    What `torch.nn.utils` computes in a hook before the pass is computed here as well: a weight
    that the last pass has left behind may be stale, and its graph used up. Not in ``training``, the
    layer is in eval mode meanwhile, so that spectral_norm's own vectors stay. A sharded weight is
    gathered.
    """
    hooks = _weight_hooks(layer)
    if not hooks and not is_parametrized(layer):
        return gathered(layer.weight)
    modes = {part: part.training for part in layer.modules()}
    before = {name: layer.__dict__[name] for name in hooks if name in layer.__dict__}
    try:
        if not training:
            layer.eval()
        for hook in [*hooks.values()] * len(hooks):  # one may need what another one sets
            hook(layer, ())
        return gathered(layer.weight)
    finally:
        for part, mode in modes.items():
            part.training = mode
        layer.__dict__.update(before)


def _weight_hooks(layer: Any) -> dict[str, Any]:
    """What sets the weight, or a part of it, before every forward pass, by the name of that."""
    hooks = {}
    for hook in layer._forward_pre_hooks.values():
        if isinstance(hook, HOOKS):
            pruned = isinstance(hook, BasePruningMethod)
            hooks[hook._tensor_name if pruned else hook.name] = hook
    return {name: hook for name, hook in hooks.items() if name.startswith("weight")}


def gathered(weight: Tensor) -> Tensor:
    """A weight, or the whole of one that is sharded (`torch.distributed.tensor.DTensor`)."""
    return weight.full_tensor() if hasattr(weight, "full_tensor") else weight


def stored(layer: Any) -> tuple[nn.Parameter, ...]:
    """The parameters that the weight is, or is computed from."""
    own = layer._parameters.get("weight")
    if own is not None:
        return (own,)
    parts = ("weight", "parametrizations.weight.")
    return tuple(p for name, p in layer.named_parameters() if name.startswith(parts))


def problem_of(layer: Any) -> str:
    """What stands against a penalty on this layer, or ''.

    >>> problem_of(nn.Conv2d(1, 1, 3, dtype=torch.complex64))
    'real weights of at least 16 bits, got torch.complex64'
    """
    if nn.parameter.is_lazy(layer._parameters.get("weight")):
        return "a layer that has seen an input, got one whose weight has no shape yet"
    with torch.no_grad():
        dtype = weight_of(layer).dtype
    if not dtype.is_floating_point or torch.finfo(dtype).bits < 16:
        return f"real weights of at least 16 bits, got {dtype}"
    owned = layer._parameters.get("weight") is not None or is_parametrized(layer, "weight")
    if not owned and not _weight_hooks(layer):
        return (
            "a weight that is a Parameter or that torch.nn.utils.parametrize computes, got one "
            "that something else sets, so that it may be stale"
        )
    return ""


def kernel_of(weight: Tensor) -> NDArray:
    """Equation (1.2): the weight (h, g, k, k) of a convolution, or its gradient, as a kernel.

    Parameters
    ----------
    weight : (h, g, k, k) tensor; in general (h, g, k1, k2)
        Of real numbers, on any device. A sharded one is gathered.

    Returns
    -------
    (k, k, g, h) array
        A copy: of float32 for float32, of float64 for every other type.

    Raises
    ------
    TypeError
        For what is no tensor, or one of other than real numbers: complex, quantised, sparse,
        without a shape, or on the device meta.
    ValueError
        For another number of dimensions, one of 0, and NaN or infinity.

    Examples
    --------
    >>> kernel_of(nn.Conv2d(3, 8, 5).weight).shape
    (5, 5, 3, 8)
    >>> kernel_of(torch.ones(1, 1, 1, 1, dtype=torch.bfloat16)).dtype
    dtype('float64')
    """
    wanted = "weight: wanted a tensor (h, g, k1, k2) of real numbers"
    if not isinstance(weight, Tensor):
        raise TypeError(f"{wanted}, got {shown(weight)}")
    if nn.parameter.is_lazy(weight) or weight.is_nested or weight.is_meta:
        raise TypeError(f"{wanted}, got one that has no such shape, or no numbers yet")
    if weight.ndim != 4 or weight.numel() == 0:
        raise ValueError(f"{wanted}, none of the four 0, got the shape {tuple(weight.shape)}")
    if weight.is_quantized or weight.is_complex() or weight.layout != torch.strided:
        raise TypeError(f"{wanted}, got {weight.dtype}, {weight.layout}")
    dtype = torch.float32 if weight.dtype == torch.float32 else torch.float64
    try:
        tensor = gathered(weight.detach()).to("cpu", dtype, copy=True)
        K = tensor.resolve_neg().numpy()
    except Exception as error:  # of another package's kind of tensor
        raise TypeError(f"{wanted}, got {type(weight).__name__}: {error}") from error
    if not np.isfinite(K).all():
        raise ValueError(f"{wanted}, all of them finite, got NaN or infinity")
    return K.transpose(2, 3, 1, 0)
