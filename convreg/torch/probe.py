"""Section 1.1: what a forward pass of a network tells of its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from convreg._checks import MOST_ENTRIES, as_integer, shown
from convreg.torch.maps import KINDS, LayerMap, Size, by
from convreg.torch.selection import Layers
from convreg.torch.weights import gathered, problem_of, weight_of


class Call(NamedTuple):
    """What a layer was called with: the size of its image, and of the output where it matters."""

    name: str
    input_size: Size
    output_size: Size | None


def inputs_of(model: nn.Module, input_shape: Any, example_inputs: Any) -> tuple[Any, Any]:
    """What the model is called with, positional and by keyword: random images, or the examples."""
    if (input_shape is None) == (example_inputs is None):
        raise TypeError(
            "input_shape, example_inputs: wanted one of the two, got "
            + ("none" if input_shape is None else "both")
        )
    if isinstance(example_inputs, Mapping):
        return (), dict(example_inputs)
    if isinstance(example_inputs, (tuple, list)):
        return tuple(example_inputs), {}
    if example_inputs is not None:
        return (example_inputs,), {}
    array = isinstance(input_shape, np.ndarray) and input_shape.ndim == 1
    text = isinstance(input_shape, (str, bytes, bytearray, memoryview))
    if text or not (array or isinstance(input_shape, Sequence)):
        wanted = "the shape of the model's input without the batch, such as (3, 32, 32)"
        raise TypeError(f"input_shape: wanted {wanted}, got {shown(input_shape)}")
    shape = [as_integer("input_shape", side, 1) for side in input_shape]
    if prod(shape) > MOST_ENTRIES:
        raise ValueError(
            f"input_shape: wanted at most {MOST_ENTRIES:,} entries, got {shown(tuple(shape))}"
        )
    weights = [weight for weight in model.parameters() if weight.is_floating_point()]
    like = weights[0] if weights else torch.empty(0)
    return (_noise([1, *shape], like),), {}


def _noise(shape: Sequence[int], like: Tensor) -> Tensor:
    """Random numbers that leave the global random state alone."""
    generator = torch.Generator("cpu").manual_seed(0)
    numbers = torch.randn(shape, generator=generator, device="cpu")
    return numbers.to(like.device, like.dtype)


def calls_of(model: nn.Module, layers: Layers, inputs: tuple[Any, Any]) -> list[Call]:
    """The calls of the layers in a forward pass; one that computes something else is refused."""
    probe = _Probe()
    hooks = []
    for name, layer in layers.items():
        hooks.append(layer.register_forward_hook(probe.hook(name), with_kwargs=True))
    devices = {p.device for p in model.parameters() if p.device.type == "cuda"}
    try:
        with torch.random.fork_rng(list(devices)), _as_for_use(model):
            _run(model, *inputs)
            probe.call_again()
    finally:
        for hook in hooks:
            hook.remove()
    problems = {name: probe.problems[name] for name in layers if name in probe.problems}
    if problems:
        raise ValueError(_refusal(problems))
    return list(dict.fromkeys(probe.calls))


def _refusal(problems: dict[str, str]) -> str:
    """What is said of layers that cannot be penalised."""
    if list(problems) == [""]:
        return f"model: wanted {problems['']}"
    lines = [f"  {name}: wanted {problem}" for name, problem in problems.items()]
    what = f"skip={list(problems)} leaves out the layers that cannot be penalised"
    return f"model: {what}:\n" + "\n".join(lines)


@contextmanager
def _as_for_use(model: nn.Module) -> Iterator[None]:
    """Without gradients or compilation; afterwards every part's mode is what it was."""
    modes = {part: part.training for part in model.modules()}
    try:
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def _run(model: nn.Module, arguments: Any, keywords: Any) -> None:
    """The forward pass; an error says what the model was given and what it said."""
    try:
        model.eval()
        model(*arguments, **keywords)
    except Exception as error:
        given = [_spoken(value) for value in arguments]
        given += [f"{name}={_spoken(value)}" for name, value in keywords.items()]
        raise ValueError(
            f"model: its forward pass of {', '.join(given) or 'nothing'}, in eval mode and without "
            f"gradients, ended in {type(error).__name__} (input_shape or example_inputs gives it "
            f"another input): "
            f"{error}"
        ) from error


def _spoken(value: Any) -> str:
    """A tensor by its shape, anything else by its class."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return type(value).__name__


class _Probe:
    """The calls of a pass, and what is wrong with a layer."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.problems: dict[str, str] = {}
        self._again: list[tuple[str, Callable[[], object]]] | None = []

    def hook(self, name: str) -> Callable[..., None]:
        """A forward hook that notes a call."""

        def note(layer: Any, arguments: Any, keywords: Any, output: Any) -> None:
            """Note it, or what is wrong with it."""
            X = arguments[0] if arguments else keywords.get("input")
            try:
                self._note(name, layer, X, arguments[1:], keywords, output)
            except Exception as error:  # it would be taken for one of the model's
                said = f"{type(error).__name__}: {error}"
                self.problems.setdefault(name, f"a layer to compare with its weight, got {said}")

        return note

    def _note(self, name: str, layer: Any, X: Any, others: Any, keywords: Any, output: Any) -> None:
        """Note a call with the image X."""
        if not isinstance(X, Tensor) or not isinstance(output, Tensor):
            kinds = f"{type(X).__name__} and {type(output).__name__}"
            self.problems.setdefault(name, f"a layer from image to image, got {kinds}")
            return
        if self._again is not None and _tells_little(X, _axes(layer)):
            more = {key: value for key, value in keywords.items() if key != "input"}
            noise = _noise(X.shape, next(layer.parameters()))
            self._again.append((name, partial(layer, noise, *others, **more)))
        call, X, output = _call(name, layer, X, output)
        self.calls.append(call)
        if problem := _problem(call, layer, X, output):
            self.problems.setdefault(name, problem)

    def call_again(self) -> None:
        """Call layers whose images told little, such as zeros, with noise: after the pass."""
        again, self._again = self._again or [], None
        for name, call in again:
            if name in self.problems:
                continue
            with suppress(Exception):  # it may need what the model sets meanwhile
                call()


def _axes(layer: Any) -> int:
    """The number of spatial axes."""
    return 0 if isinstance(layer, nn.Linear) else len(layer.kernel_size)


def _tells_little(X: Tensor, axes: int) -> bool:
    """Whether an image is not finite, or some channel of it is nearly all zero."""
    if X.is_meta:
        return False
    by_channel = X.movedim(-1 - axes, 0).flatten(1)
    filled = (by_channel != 0).float().mean(1) > 0.1
    return not bool(filled.all() and X.isfinite().all())


def _call(name: str, layer: Any, X: Tensor, output: Tensor) -> tuple[Call, Tensor, Tensor]:
    """A call of a layer, with its images in a batch."""
    axes = _axes(layer)
    if axes == 0:
        X, output = X.reshape(-1, X.shape[-1], 1), output.reshape(-1, output.shape[-1], 1)
    else:
        X, output = (images.reshape(-1, *images.shape[-1 - axes :]) for images in (X, output))
    transposed = getattr(layer, "transposed", False)
    output_size = tuple(output.shape[2:]) if transposed else None
    return Call(name, tuple(X.shape[2:]) if axes else (), output_size), X, output


def _problem(call: Call, layer: Any, X: Tensor, output: Tensor) -> str:
    """Why a layer cannot be penalised, or ''."""
    if problem := problem_of(layer):
        return problem
    K = weight_of(layer)
    K = K.unsqueeze(2) if isinstance(layer, nn.Linear) else K
    try:
        M = LayerMap(layer, call.input_size, call.output_size)
    except ValueError as error:
        return f"what {_kind(layer)} computes from {by(call.input_size)}, got another: {error}"
    if M.output_shape[1:] != output.shape[1:]:
        sizes = f"{by(M.output_shape[1:])}, got {by(output.shape[1:])}"
        return f"the output that {_kind(layer)} has for {by(call.input_size)}, of size {sizes}"
    if output.is_meta or not X.isfinite().all():
        return ""
    if not K.isfinite().all():
        return "a weight of finite entries, got NaN or infinity"
    return _difference(M, K, layer, X, output)


def _difference(M: LayerMap, K: Tensor, layer: Any, X: Tensor, output: Tensor) -> str:
    """Where the output is not that of the stored weight, or ''.

    Honest outputs differ in the last digits that they have, and by what accumulates in sums.
    """
    X, output = X[:1], output[:1]
    eps = max(torch.finfo(images.dtype).eps for images in (X, K, output))
    X = X.to(K)
    bias = K.new_zeros(()) if layer.bias is None else gathered(layer.bias)
    bias = bias.reshape(1, -1, *[1] * (output.ndim - 2))
    precise = torch.promote_types(output.dtype, torch.float32)  # for norms
    dense = isinstance(layer, nn.Linear)  # on a GPU with other digits than a convolution
    own = torch.matmul(K.squeeze(2), X) if dense else M(X, K)
    if not own.isfinite().all():  # it overflows: nothing is seen of it
        return ""
    own, output = own.to(precise), output.to(precise)
    sums = min(eps, torch.finfo(torch.float32).eps) * (M(X.abs(), K.abs()) + bias.abs())
    gap, size, last, summed = (
        torch.linalg.vector_norm(images).item()
        for images in (output - own - bias, own, eps * output, sums)
    )
    if gap <= 4 * last + 10 * summed:
        return ""
    return (
        f"the output that {_kind(layer)} has with the stored weight, of norm {size:.3g}, got one "
        f"that differs from it by {gap:.3g} (a forward pass, a hook or a subclass of its own?)"
    )


def _kind(layer: Any) -> str:
    """The kind of PyTorch's that a layer is, or is derived from."""
    return next(kind.__name__ for kind in KINDS if isinstance(layer, kind))
