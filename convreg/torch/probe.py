"""Section 1.1: which layers of a network are penalised, and what a forward pass tells of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convreg._checks import as_integer, as_number, shown
from convreg.torch.maps import KINDS, LayerMap, Size, by, gathered, problem_of, weight_of

Layers = dict[str, Any]


class Call(NamedTuple):
    """What a layer was called with: the size of its image, and of the output where it matters."""

    name: str
    input_size: Size
    output_size: Size | None


def layers_of(model: nn.Module, kinds: Any) -> Layers:
    """The layers of a model that are of these kinds, by their names."""
    by_name = {kind.__name__: kind for kind in KINDS}
    one = isinstance(kinds, (str, type)) or not isinstance(kinds, Collection)
    given = [kinds] if one else list(kinds)
    classes = tuple(by_name.get(kind, kind) if isinstance(kind, str) else kind for kind in given)
    if not classes or not all(
        isinstance(kind, type) and issubclass(kind, KINDS) for kind in classes
    ):
        raise TypeError(
            f"kinds: wanted classes among torch.nn's {', '.join(by_name)}, or their names, "
            f"got {shown(kinds)}"
        )
    return {name: part for name, part in model.named_modules() if isinstance(part, classes)}


# ---- what is skipped, and numbers for each layer


def skipped(skip: Any, layers: Layers) -> set[str]:
    """The names of the layers that ``skip`` means; see `add_penalty`."""
    one = isinstance(skip, (str, type)) or callable(skip)
    if not one and not isinstance(skip, Collection):
        raise TypeError(
            f"skip: wanted names, patterns, classes or functions (name, layer), got {shown(skip)}"
        )
    found = set()
    for rule in [skip] if one else list(skip):
        found |= set(filter(_test("skip", rule, layers), layers))
    return found


def _test(argument: str, rule: Any, layers: Layers) -> Callable[[str], bool]:
    """Whether a rule means the layer of a name."""
    if isinstance(rule, type):
        return lambda name: isinstance(layers[name], rule)
    if isinstance(rule, str):
        _check_known(argument, rule, layers)
        return lambda name: _names(rule, name)
    if callable(rule):
        return lambda name: bool(rule(name, layers[name]))
    raise TypeError(
        f"{argument}: wanted a name, a pattern, a class or a function, got {shown(rule)}"
    )


def _names(pattern: str, name: str) -> bool:
    """Whether a name, of a layer or of what holds it, or a pattern is meant."""
    return pattern == name or name.startswith(pattern + ".") or fnmatchcase(name, pattern)


def _check_known(argument: str, pattern: str, layers: Layers) -> None:
    """A name that no layer has is a mistake."""
    if any(_names(pattern, name) for name in layers):
        return
    near = get_close_matches(pattern, layers, 1, 0.0)
    hint = f"; the nearest is {near[0]!r}" if near else ""
    raise ValueError(
        f"{argument}: wanted the name of a layer, or a pattern of such names, "
        f"got {pattern!r}, which none of the {len(layers)} has{hint}"
    )


def by_layer(argument: str, value: Any, layers: Layers, positive: bool) -> dict[str, float]:
    """A number for each layer: one for all, or by the first name or pattern that fits, else 1."""
    rules = value if isinstance(value, Mapping) else {"*": value}
    numbers = {}
    for pattern, number in rules.items():
        numbers[pattern] = as_number(argument, number, positive=positive)
        if isinstance(value, Mapping):
            _test(argument, pattern, layers)
    found = {}
    for name in layers:
        fitting = (number for pattern, number in numbers.items() if _names(pattern, name))
        found[name] = next(fitting, 1.0)
    return found


# ---- the forward pass


def inputs_of(model: nn.Module, input_shape: Any, example_inputs: Any) -> tuple[Any, Any]:
    """What the model is called with, positional and by keyword: random images, or the examples."""
    if (input_shape is None) == (example_inputs is None):
        raise TypeError(
            "input_shape, example_inputs: wanted one of the two, got "
            + ("none" if input_shape is None else "both")
        )
    if isinstance(example_inputs, Mapping):
        return (), dict(example_inputs)
    if example_inputs is not None:
        return (example_inputs,) if isinstance(example_inputs, Tensor) else tuple(
            example_inputs
        ), {}
    if not isinstance(input_shape, Collection) or isinstance(input_shape, (str, Mapping, Tensor)):
        wanted = "the shape of the model's input without the batch, such as (3, 32, 32)"
        raise TypeError(f"input_shape: wanted {wanted}, got {shown(input_shape)}")
    shape = [as_integer("input_shape", side, 1) for side in input_shape]
    weights = [weight for weight in model.parameters() if weight.is_floating_point()]
    like = weights[0] if weights else torch.empty(0)
    images = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    return (images.to(like.device, like.dtype),), {}


def calls_of(model: nn.Module, layers: Layers, inputs: tuple[Any, Any]) -> list[Call]:
    """The calls of the layers in a forward pass; one that computes something else is refused."""
    calls: list[Call] = []
    problems: dict[str, str] = {}

    def record(name: str) -> Callable[..., None]:
        """A hook that notes a call."""

        def hook(layer: Any, arguments: Any, keywords: Any, output: Tensor) -> None:
            call, problem = _call(name, layer, arguments, keywords, output)
            calls.append(call)
            if problem:
                problems.setdefault(name, problem)

        return hook

    hooks = [
        layer.register_forward_hook(record(name), with_kwargs=True)
        for name, layer in layers.items()
    ]
    try:
        with _as_for_use(model):
            _run(model, *inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if problems:
        lines = [f"  {name}: wanted {problem}" for name, problem in problems.items()]
        what = f"skip={list(problems)} leaves out the layers that cannot be penalised"
        raise ValueError(f"model: {what}:\n" + "\n".join(lines))
    return list(dict.fromkeys(calls))


@contextmanager
def _as_for_use(model: nn.Module) -> Iterator[None]:
    """In eval mode, without gradients or compilation; every part's mode is put back."""
    modes = {part: part.training for part in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def _run(model: nn.Module, arguments: Any, keywords: Any) -> None:
    """The forward pass; an error says what the model was given and what it said."""
    try:
        model(*arguments, **keywords)
    except Exception as error:
        given = [_spoken(value) for value in arguments]
        given += [f"{name}={_spoken(value)}" for name, value in keywords.items()]
        raise ValueError(
            f"model: its forward pass of {', '.join(given) or 'nothing'}, in eval mode, ended in "
            f"{type(error).__name__}: {error}"
        ) from error


def _spoken(value: Any) -> str:
    """A tensor by its shape, anything else by its class."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return type(value).__name__


def _call(name: str, layer: Any, arguments: Any, keywords: Any, output: Tensor) -> tuple[Call, str]:
    """A call of a layer, and what is wrong with the layer, or ''."""
    X = arguments[0] if arguments else keywords["input"]
    if not X.is_meta and not (X.any() and X.isfinite().all()):  # such an image tells nothing
        noise = torch.randn(X.shape, generator=torch.Generator().manual_seed(0))
        X = noise.to(X)
        more = {name: value for name, value in keywords.items() if name != "input"}
        output = layer.forward(X, *arguments[1:], **more)
    axes = 0 if isinstance(layer, nn.Linear) else len(layer.kernel_size)
    if axes == 0:
        X, output = X.reshape(-1, X.shape[-1], 1), output.reshape(-1, output.shape[-1], 1)
    X = X.reshape(-1, *X.shape[-max(axes, 1) - 1 :])
    output = output.reshape(-1, *output.shape[-max(axes, 1) - 1 :])
    size: Size = tuple(X.shape[2:]) if axes else ()
    transposed = getattr(layer, "transposed", False)
    call = Call(name, size, tuple(output.shape[2:]) if transposed else None)
    return call, problem_of(layer) or _difference(call, layer, X, output)


def _difference(call: Call, layer: Any, X: Tensor, output: Tensor) -> str:
    """Where the output is not that of the stored weight, or ''."""
    K = weight_of(layer)
    K = K.unsqueeze(2) if isinstance(layer, nn.Linear) else K
    try:
        M = LayerMap(layer, call.input_size, call.output_size)
    except ValueError as error:
        return f"what {_kind(layer)} computes from {by(call.input_size)}, got another: {error}"
    if M.output_shape[1:] != output.shape[1:]:
        sizes = f"{by(M.output_shape[1:])}, got {by(output.shape[1:])}"
        return f"the output that {_kind(layer)} has for {by(call.input_size)}, of size {sizes}"
    if output.is_meta:
        return ""
    own = M(X.to(K), K)
    bias: Any = 0
    if layer.bias is not None:
        bias = gathered(layer.bias).reshape(1, -1, *[1] * (output.ndim - 2))
    gap = torch.linalg.vector_norm(output - own - bias).item()
    size = torch.linalg.vector_norm(own).item()
    eps = torch.finfo(output.dtype).eps
    if gap <= eps**0.5 * size + 10 * eps * torch.linalg.vector_norm(output).item():
        return ""
    return (
        f"the output that {_kind(layer)} has with the stored weight, got one that differs from it "
        f"by {gap / size:.1e} of its norm (a forward pass, a hook or a subclass of its own?)"
    )


def _kind(layer: Any) -> str:
    """The kind of PyTorch's that a layer is, or is derived from."""
    return next(kind.__name__ for kind in KINDS if isinstance(layer, kind))
