"""Section 1.1: which layers of a network are meant, by kinds, names, patterns and functions."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn

from convreg._checks import as_number, shown
from convreg.torch.maps import KINDS

Layers = dict[str, Any]  # by their names; of several names of one layer the first
Names = dict[str, list[str]]  # all names of each


def layers_of(model: nn.Module, kinds: Any) -> tuple[Layers, Names]:
    """The layers of a model that are of these kinds, and their names."""
    by_name = {kind.__name__: kind for kind in KINDS}
    given = list(kinds) if isinstance(kinds, (tuple, list, set, frozenset)) else [kinds]
    classes = tuple(by_name.get(kind, kind) if isinstance(kind, str) else kind for kind in given)
    if not classes or not all(map(_is_kind, classes)):
        raise TypeError(
            f"kinds: wanted classes among torch.nn's {', '.join(by_name)}, or their names, "
            f"got {shown(kinds)}"
        )
    model = _unwrapped(model)
    layers = {name: part for name, part in model.named_modules() if isinstance(part, classes)}
    first = {layer: name for name, layer in layers.items()}
    names: Names = {name: [] for name in layers}
    for name, part in model.named_modules(remove_duplicate=False):
        if part in first:
            names[first[part]].append(name)
    return layers, names


def _unwrapped(model: nn.Module) -> nn.Module:
    """The model without what several devices or `torch.compile` need around it."""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        elif "_orig_mod" in model._modules:
            model = model._modules["_orig_mod"]
        else:
            return model


def _is_kind(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, KINDS)


def skipped(skip: Any, model: nn.Module, layers: Layers, names: Names) -> list[str]:
    """The names of the layers that ``skip`` means; see `add_penalty`."""
    one = isinstance(skip, (str, bytes, Tensor)) or callable(skip) or not _has_entries(skip)
    found: set[str] = set()
    for rule in [skip] if one else skip:
        found |= _meant_by(rule, model, layers, names)
    return [name for name in layers if name in found]


def _has_entries(skip: Any) -> bool:
    """Whether this is a collection that can be read."""
    try:
        iter(skip)
    except Exception:  # whatever an object of another kind says
        return False
    return True


def _meant_by(rule: Any, model: nn.Module, layers: Layers, names: Names) -> set[str]:
    """The layers that a rule of ``skip`` means."""
    if isinstance(rule, str):
        return _named("skip", rule, names)
    if isinstance(rule, (nn.Module, type)):
        held: set[nn.Module] = set()
        for part in model.modules():
            is_meant = part is rule or (isinstance(rule, type) and isinstance(part, rule))
            if is_meant:
                held.update(part.modules())
        if isinstance(rule, nn.Module) and not held:
            raise ValueError(
                f"skip: wanted a part of the model, got a {type(rule).__name__} that is none"
            )
        return {name for name, layer in layers.items() if layer in held}
    if callable(rule):
        return {name for name, layer in layers.items() if _says(rule, name, layer)}
    wanted = "names, patterns, layers, classes or functions of a name and a layer"
    raise TypeError(f"skip: wanted {wanted}, got {shown(rule)}")


def _says(rule: Any, name: str, layer: nn.Module) -> bool:
    """What a function says of a layer."""
    try:
        return bool(rule(name, layer))
    except Exception as error:
        raise ValueError(
            f"skip: wanted functions of the name and the layer, got {shown(rule)}, which for "
            f"{name!r} ended in {type(error).__name__}: {error}"
        ) from error


def _named(argument: str, pattern: str, names: Names) -> set[str]:
    """The layers of a name, all that a module of this name holds, or those that a pattern fits."""
    first = {name: key for key, all_names in names.items() for name in all_names}
    found = {first[name] for name in first if f"{name}.".startswith(f"{pattern}.")}
    found = found or {first[name] for name in first if fnmatchcase(name, pattern)}
    if found:
        return found
    near = get_close_matches(pattern, first, 1, 0.0)
    hint = f"; the nearest is {near[0]!r}" if near else ""
    raise ValueError(
        f"{argument}: wanted the name of a layer, or a pattern of such names, "
        f"got {pattern!r}, which none of the {len(names)} has{hint}"
    )


def by_layer(argument: str, value: Any, names: Names, positive: bool) -> dict[str, float]:
    """A number for each layer: one for all, or by the first name or pattern that fits, else 1."""
    if not isinstance(value, Mapping):
        return dict.fromkeys(names, as_number(argument, value, positive=positive))
    found = dict.fromkeys(names, 1.0)
    for pattern, number in reversed(list(value.items())):
        if not isinstance(pattern, str):
            raise TypeError(f"{argument}: wanted names and patterns as keys, got {shown(pattern)}")
        checked = as_number(argument, number, positive=positive)
        found |= dict.fromkeys(_named(argument, pattern, names), checked)
    return found
