"""Section 1.1: R_alpha as a term of a network's loss (1.4), in PyTorch.

::

    regularizer = add_penalty(model, (3, 32, 32), alpha=1.0)   # once
    loss = criterion(model(images), labels) + 0.01 * regularizer()   # in every step

`pip install 'convreg[torch]'` brings PyTorch. ``import convreg`` does not load this module: of
convreg's own, only the study of training does.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

try:
    import torch
except ImportError as error:
    raise ImportError("convreg.torch needs PyTorch: pip install 'convreg[torch]'") from error
from torch import nn

from convreg._checks import GRAMS, Gram, as_choice
from convreg.torch.forms import FormName
from convreg.torch.init import delta_orthogonal_ as delta_orthogonal_
from convreg.torch.layer import ConvPenalty as ConvPenalty
from convreg.torch.layer import holds
from convreg.torch.maps import CONVOLUTIONS as CONVOLUTIONS
from convreg.torch.probe import calls_of, inputs_of
from convreg.torch.selection import by_layer, layers_of, skipped
from convreg.torch.total import PenaltySum as PenaltySum
from convreg.torch.weights import kernel_of as kernel_of
from convreg.torch.weights import stored


def add_penalty(
    model: nn.Module,
    input_shape: Sequence[int] | None = None,
    alpha: float | Mapping[str, float] = 1.0,
    gram: Gram = "smaller",
    power_iterations: int = 2,
    generator: torch.Generator | None = None,
    skip: Any = (),
    *,
    example_inputs: Any = None,
    kinds: Any = CONVOLUTIONS,
    weights: float | Mapping[str, float] = 1.0,
    reduction: str = "sum",
    form: FormName = "squares",
) -> PenaltySum:
    r"""Section 1.1, equation (1.4): R_alpha of every convolution of a network, summed.

    .. math:: \min_{K_1, \dots, K_l} \;
       \mathcal{L}(K_1, \dots, K_l) + c \sum_{p=1}^{l} \mathcal{R}_\alpha(K_p)

    One forward pass of random numbers, in eval mode, finds the layers that the model uses and the
    size of their inputs, and compares what each puts out with what its weight would: a layer that
    computes something else is refused by name. A layer that is used with several sizes has a
    penalty for each, but for kernels of one tap, whose penalty knows no size. The model is left as
    it was, but for lazy layers, which take shape, and so is the global random state.

    Parameters
    ----------
    model : torch.nn.Module
    input_shape : sequence of int
        The shape of the model's input without the batch, such as (channels, height, width).
    alpha : float or mapping
        The shift: one for all, or by names and patterns of layers (the first that fits; else 1).
        Names are those of the model's ``named_modules()``, without what DataParallel,
        DistributedDataParallel or `torch.compile` wraps around it.
    gram, power_iterations, generator
        As of `ConvPenalty`.
    skip
        What to leave out: a layer or a module that holds layers, its name, a pattern of names
        (`fnmatch`), a class, a function of the name and the layer; or several of these.
    example_inputs : tensor, tuple or mapping
        In place of ``input_shape``: what the model is called with, by position or by keyword.
    kinds : class, or collection of classes
        The kinds of layers, or their names: all six convolutions, or for dense layers too
        ``(*CONVOLUTIONS, nn.Linear)``.
    weights : float or mapping
        What each penalty is multiplied with; as ``alpha``.
    reduction : {"sum", "mean"}
        The sum, or the mean with these weights.
    form : {"squares", "values"}
        R_alpha, or max ``|sigma_i - sqrt(alpha)|``: as of `ConvPenalty`.

    Returns
    -------
    PenaltySum
        A module: calling it gives the sum, in training mode after an update of the vectors. Its
        ``left_out`` says which layers have no penalty of their own, and why; ``report()`` what the
        penalty sees in each.

    Warns
    -----
    UserWarning
        Once, where layers are left out that ``skip`` does not name: frozen, not reached by the
        pass, or of a weight that another layer has.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; where the forward pass fails, with what the model said; where
        a layer does not compute what its weight would, with the names to skip.

    Notes
    -----
    With PyTorch's default start 19 of the 20 layers of a ResNet-18 for 3x32x32 are on the plateau:
    R_alpha is close to alpha = 1, u = -v, the gradient is small, and next to nothing happens. With
    He's start, `torch.nn.init.kaiming_normal_`, none is. For kappa near 1 in layers with as many
    output as input channels see `delta_orthogonal_` and ``form``. A batch norm behind a convolution
    takes its scale out again, which makes the penalty free to lower: with all kernels times 0.4 the
    sum falls from 110 to 19.8, and the output in training mode changes by 0.0004 of its norm. At
    224x224 the sum is 112 for torchvision's ResNet-18 and 412 for its ResNet-50: the weight of the
    sum in the loss has to fit that, or ``reduction="mean"``. What to do is in docs/use.md.

    Examples
    --------
    >>> first = nn.Conv2d(1, 4, 3, padding=1)
    >>> second = nn.Conv2d(4, 8, 3, stride=2, padding=1)
    >>> model = nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second)
    >>> regularizer = add_penalty(model, (1, 8, 8), alpha=1.0)
    >>> loss = model(torch.zeros(5, 1, 8, 8)).square().mean() + 0.01 * regularizer()
    >>> loss.backward()
    >>> regularizer
    PenaltySum(
      (0): ConvPenalty(3x3x1x4 on 8x8, alpha=1.0, gram='columns', power_iterations=2)
      (3): ConvPenalty(3x3x4x8, stride 2 on 4x4, alpha=1.0, gram='rows', power_iterations=2)
    )
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: wanted a torch.nn.Module, got {type(model).__name__}")
    reduction = as_choice("reduction", reduction, ("sum", "mean"))
    as_choice("gram", gram, GRAMS)
    layers, names = layers_of(model, kinds)
    inputs = inputs_of(model, input_shape, example_inputs)
    left_out = dict.fromkeys(skipped(skip, model, layers, names), "skipped")
    alphas = by_layer("alpha", alpha, names, positive=True)
    factors = by_layer("weights", weights, names, positive=False)
    wanted = {name: layer for name, layer in layers.items() if name not in left_out}
    calls = calls_of(model, wanted, inputs)
    unasked = _without_term(wanted, [call.name for call in calls])
    left_out |= unasked
    regularizer = PenaltySum(reduction, left_out)
    options = gram, power_iterations, generator
    for name, size, out in calls:
        if name not in unasked:
            layer = layers[name]
            given = layer, size, alphas[name], *options
            term = ConvPenalty(*given, output_size=out, name=name, form=form)
            if not (term.map.pointwise and name in regularizer.names):
                if factors[name] and not holds(term.u.dtype, factors[name]):
                    held = f"wanted what {term.u.dtype} can hold"
                    raise ValueError(f"weights: {held}, got {factors[name]:g} for {name!r}")
                regularizer.append(term, factors[name])
    if len(regularizer) == 0:
        raise ValueError(f"model: wanted one that uses a layer to penalise, got {_none(left_out)}")
    if unasked:
        lines = [f"  {name}: {reason}" for name, reason in unasked.items()]
        warnings.warn("convreg: these have no penalty:\n" + "\n".join(lines), stacklevel=2)
    return regularizer


def _without_term(layers: dict[str, Any], reached: list[str]) -> dict[str, str]:
    """The layers that have no penalty of their own, with the reasons."""
    reasons = {}
    owners: dict[tuple[int, ...], str] = {}
    for name in dict.fromkeys(reached):
        layer = layers[name]
        parameters = stored(layer)
        owner = owners.setdefault(tuple(map(id, parameters)), name)
        if not any(p.requires_grad for p in parameters):
            reasons[name] = "frozen: its weight does not require a gradient"
        elif owner != name:
            reasons[name] = f"its weight is that of {owner}"
    for name in layers:
        if name not in reached:
            reasons[name] = "not reached: the forward pass in eval mode does not call it"
    return reasons


def _none(left_out: dict[str, str]) -> str:
    """What is there instead of a layer to penalise."""
    return "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "none"
