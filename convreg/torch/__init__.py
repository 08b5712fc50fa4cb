"""Section 1.1: R_alpha as a term of a network's loss (1.4), in PyTorch.

::

    regularizer = add_penalty(model, (3, 32, 32), alpha=1.0)   # once
    loss = criterion(model(images), labels) + 0.01 * regularizer()   # in every step

`pip install 'convreg[torch]'` brings PyTorch; nothing else in convreg imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from convreg._checks import as_integer
from convreg.torch.layer import ConvPenalty as ConvPenalty  # first, as it says what brings PyTorch
from convreg.torch.layer import as_size, not_covered
from convreg.torch.layer import kernel_of as kernel_of

# isort: split
import torch
from torch import Tensor, nn


class PenaltySum(nn.ModuleList):
    """Section 1.1, equation (1.4): the sum of R_alpha over the convolutions of a network; see `add_penalty`.

    A list of `ConvPenalty`; ``names`` has the name in the model of each one's convolution.
    """

    def __init__(self, penalties: Iterable[ConvPenalty] = (), names: Iterable[str] = ()) -> None:
        super().__init__(penalties)
        self.names = list(names)

    def forward(self) -> Tensor:
        """The sum of the penalties."""
        return sum(regularizer() for regularizer in self)


def add_penalty(
    model: nn.Module,
    input_shape: Sequence[int],
    alpha: float = 1.0,
    gram: str = "smaller",
    power_iterations: int = 2,
    generator: torch.Generator | None = None,
    skip: Collection[str] = (),
) -> PenaltySum:
    r"""Section 1.1, equation (1.4): R_alpha of every convolution of a network, summed, for its loss.

    .. math:: \min_{K_1, \dots, K_l} \; \mathcal{L}(K_1, \dots, K_l) + c \sum_{p=1}^{l} \mathcal{R}_\alpha(K_p)

    One forward pass of zeros, in eval mode, finds the `torch.nn.Conv2d` layers that the model uses, and the size
    of their inputs. A layer used with several sizes has a penalty for each. The model is left as it was.

    Parameters
    ----------
    model : torch.nn.Module
    input_shape : (channels, height, width), or with the size of a batch before them
    alpha, gram, power_iterations, generator
        As of `ConvPenalty`.
    skip : collection of str
        Names, as in ``model.named_modules()``, of convolutions to leave out.

    Returns
    -------
    PenaltySum
        A module: calling it gives the sum, in training mode after an update of the vectors.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; where a convolution is not of the paper's kind, with the names to skip.

    Examples
    --------
    >>> first, second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)
    >>> model = nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second)
    >>> regularizer = add_penalty(model, (1, 8, 8), alpha=1.0)
    >>> loss = model(torch.zeros(5, 1, 8, 8)).square().mean() + 0.01 * regularizer()
    >>> loss.backward()
    >>> regularizer
    PenaltySum(
      (0): ConvPenalty(3x3x1x4 on 8x8, alpha=1.0, gram='columns', power_iterations=2)
      (1): ConvPenalty(3x3x4x2 on 4x4, alpha=1.0, gram='rows', power_iterations=2)
    )
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: wanted a torch.nn.Module, got {type(model).__name__}")
    convolutions = {name: part for name, part in model.named_modules() if isinstance(part, nn.Conv2d)}
    if isinstance(skip, str) or not isinstance(skip, Collection) or not set(skip) <= convolutions.keys():
        raise ValueError(f"skip: wanted names among {', '.join(map(repr, convolutions))}, got {skip!r}")
    kept = {name: conv for name, conv in convolutions.items() if name not in skip}
    if problems := {name: why for name, conv in kept.items() if (why := not_covered(conv))}:
        listed = "\n".join(f"  {name}: wanted {why}" for name, why in problems.items())
        raise ValueError(f"model: skip={list(problems)} leaves out what is not of the paper's kind:\n{listed}")
    used = list(dict.fromkeys(_inputs(model, kept, input_shape)))
    if not used:
        raise ValueError("model: wanted one that uses a torch.nn.Conv2d that is not skipped, got none")
    penalties = [ConvPenalty(kept[name], size, alpha, gram, power_iterations, generator) for name, size in used]
    return PenaltySum(penalties, [name for name, _ in used])


def _inputs(
    model: nn.Module, convolutions: dict[str, nn.Conv2d], input_shape: Sequence[int]
) -> list[tuple[str, tuple[int, int]]]:
    """The calls of the convolutions in a forward pass: name and size of the input."""
    if not isinstance(input_shape, Sequence) or len(input_shape) not in (3, 4):
        raise ValueError(f"input_shape: wanted (channels, height, width), got {input_shape!r}")
    sides = [as_integer("input_shape", side, 1) for side in input_shape]
    weights = next((weight for weight in model.parameters() if weight.is_floating_point()), torch.empty(0))
    images = torch.zeros([1] * (4 - len(sides)) + sides, dtype=weights.dtype, device=weights.device)
    calls: list[tuple[str, tuple[int, int]]] = []

    def record(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        """A hook that notes a call; output and input have one size."""
        return lambda conv, inputs, output: calls.append((name, as_size(output.shape[-2:])))

    hooks = [conv.register_forward_hook(record(name)) for name, conv in convolutions.items()]
    modes = {part: part.training for part in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            model(images)
    except Exception as error:
        raise ValueError(f"input_shape: wanted one that the model takes, got {tuple(sides)}: {error}") from error
    finally:
        for part, mode in modes.items():
            part.training = mode
        for hook in hooks:
            hook.remove()
    return calls
