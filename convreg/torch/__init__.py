"""Section 1.1: R_alpha as a term of a network's loss (1.4), in PyTorch.

::

    regularizer = add_penalty(model, (3, 32, 32), alpha=1.0)   # once
    loss = criterion(model(images), labels) + 0.01 * regularizer()   # in every step

`pip install 'convreg[torch]'` brings PyTorch. ``import convreg`` does not load this module: of
convreg's own, only the study of training does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

try:
    import torch
except ImportError as error:
    raise ImportError("convreg.torch needs PyTorch: pip install 'convreg[torch]'") from error
from torch import Tensor, nn

from convreg._checks import Gram, as_integer
from convreg.torch.layer import ConvPenalty as ConvPenalty
from convreg.torch.layer import as_size, not_covered
from convreg.torch.layer import kernel_of as kernel_of


class PenaltySum(nn.ModuleList):
    """Section 1.1, equation (1.4): the sum of R_alpha over the convolutions of a network.

    See `add_penalty`. A list of `ConvPenalty`; ``names`` has the name in the model of each one's
    convolution.
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
    gram: Gram = "smaller",
    power_iterations: int = 2,
    generator: torch.Generator | None = None,
    skip: Collection[str] = (),
) -> PenaltySum:
    r"""Section 1.1, equation (1.4): R_alpha of every convolution of a network, summed.

    .. math:: \min_{K_1, \dots, K_l} \;
       \mathcal{L}(K_1, \dots, K_l) + c \sum_{p=1}^{l} \mathcal{R}_\alpha(K_p)

    One forward pass of zeros, in eval mode, finds the `torch.nn.Conv2d` layers that the model uses,
    and the size of their inputs. A layer used with several sizes has a penalty for each. The model
    is left as it was.

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
        For a bad argument, naming it; where a convolution is not of the paper's kind, with the
        names to skip.

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
    convolutions = _without(skip, model)
    _check_all_covered(convolutions)
    used = dict.fromkeys(_inputs(model, convolutions, input_shape))
    if not used:
        wanted = "one that uses a torch.nn.Conv2d that is not skipped"
        raise ValueError(f"model: wanted {wanted}, got none")
    penalties = []
    for name, size in used:
        conv = convolutions[name]
        penalties.append(ConvPenalty(conv, size, alpha, gram, power_iterations, generator))
    return PenaltySum(penalties, [name for name, _ in used])


def _without(skip: Collection[str], model: nn.Module) -> dict[str, nn.Conv2d]:
    """The convolutions of a model by their names, but for those to skip."""
    convolutions = {}
    for name, part in model.named_modules():
        if isinstance(part, nn.Conv2d):
            convolutions[name] = part
    is_collection = isinstance(skip, Collection) and not isinstance(skip, str)
    if not is_collection or not set(skip) <= convolutions.keys():
        names = ", ".join(map(repr, convolutions))
        raise ValueError(f"skip: wanted names among {names}, got {skip!r}")
    return {name: conv for name, conv in convolutions.items() if name not in skip}


def _check_all_covered(convolutions: dict[str, nn.Conv2d]) -> None:
    """Every convolution is of the paper's kind."""
    problems = {}
    for name, conv in convolutions.items():
        problem = not_covered(conv)
        if problem:
            problems[name] = f"  {name}: wanted {problem}"
    if problems:
        what = f"skip={list(problems)} leaves out what is not of the paper's kind"
        raise ValueError(f"model: {what}:\n" + "\n".join(problems.values()))


def _inputs(
    model: nn.Module, convolutions: dict[str, nn.Conv2d], input_shape: Sequence[int]
) -> list[tuple[str, tuple[int, int]]]:
    """The calls of the convolutions in a forward pass: name and size of the input."""
    if not isinstance(input_shape, Sequence) or len(input_shape) not in (3, 4):
        raise ValueError(f"input_shape: wanted (channels, height, width), got {input_shape!r}")
    sides = [as_integer("input_shape", side, 1) for side in input_shape]
    batch = sides if len(sides) == 4 else [1, *sides]
    weights = [weight for weight in model.parameters() if weight.is_floating_point()]
    like = weights[0] if weights else torch.empty(0)
    images = torch.zeros(batch, dtype=like.dtype, device=like.device)
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
        wanted = f"wanted one that the model takes, got {tuple(sides)}"
        raise ValueError(f"input_shape: {wanted}: {error}") from error
    finally:
        for part, mode in modes.items():
            part.training = mode
        for hook in hooks:
            hook.remove()
    return calls
