"""What a notebook accepts: one rule per parameter name, checked right after the parameters cell.

papermill only warns of an unknown name, and passes strings on unchecked; `check_parameters` stops the run
before anything is computed or written.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """The type of a parameter and the interval that holds it (for a list: its entries)."""

    kind: type
    low: float = 0
    high: float = 0
    wanted: str = ""

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, or None.

        >>> RULES["iterations"].problem(-1)
        'wanted an integer from 0 to 2000, got -1'
        """
        return None if self._accepts(value) else f"wanted {self.wanted}, got {value!r}"

    def read(self, text: str) -> Any:
        """The value that a command line means; the text itself where it is no number, list or truth value.

        >>> RULES["learning_rate"].read("1e-3"), RULES["alphas"].read("[1, 5]"), RULES["alpha"].read("big")
        (0.001, [1, 5], 'big')
        """
        if self.kind is str:
            return text
        try:
            return json.loads(text.lower() if self.kind is bool else text)
        except ValueError:
            return text

    def as_kind(self, value: Any) -> Any:
        """A value that is accepted, of one type: 1 and 1.0 are the same alpha."""
        return float(value) if self.kind is float else value

    def _accepts(self, value: Any) -> bool:
        if self.kind in (str, bool):
            return isinstance(value, self.kind)
        kinds = (int, float) if self.kind is float else (int,)
        return isinstance(value, kinds) and not isinstance(value, bool) and self.low <= value <= self.high


class ListRule(Rule):
    """A list of distinct numbers, or (of integers) of distinct pairs [g, h]."""

    def as_kind(self, value: Any) -> Any:
        """A list that is accepted, its numbers or pairs of one type."""
        return [float(entry) if self.kind is float else list(entry) for entry in value]

    def _accepts(self, value: Any) -> bool:
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= 12:
            return False
        if self.kind is int:
            pairs = all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in value)
            numbers: Any = [number for pair in value for number in pair] if pairs else [None]
            value = [tuple(pair) for pair in value] if pairs else value
        else:
            numbers = value
        return all(Rule._accepts(self, number) for number in numbers) and len(set(value)) == len(value)


RULES: dict[str, Rule] = {
    "kernel_size": Rule(int, 1, 15, "an integer from 1 to 15"),
    "input_channels": Rule(int, 1, 64, "an integer from 1 to 64"),
    "output_channels": Rule(int, 1, 64, "an integer from 1 to 64"),
    "input_size": Rule(int, 1, 60, "an integer from 1 to 60"),
    "alpha": Rule(float, 1e-6, 1e6, "a number from 1e-6 to 1e6"),
    "alphas": ListRule(float, 1e-6, 1e6, "a list of 1 to 12 different numbers from 1e-6 to 1e6"),
    "channels": ListRule(int, 1, 64, "a list of 1 to 12 different pairs [g, h] of integers from 1 to 64"),
    "learning_rate": Rule(float, 1e-8, 10, "a number from 1e-8 to 10"),
    "penalty_weight": Rule(float, 0, 10, "a number from 0 to 10"),
    "weight_decay": Rule(float, 0, 10, "a number from 0 to 10"),
    "epochs": Rule(int, 1, 200, "an integer from 1 to 200"),
    "networks": Rule(int, 1, 50, "an integer from 1 to 50"),
    "training_images": Rule(int, 50, 1700, "an integer from 50 to 1700"),
    "iterations": Rule(int, 0, 2000, "an integer from 0 to 2000"),
    "power_iterations": Rule(int, 1, 100, "an integer from 1 to 100"),
    "kernels": Rule(int, 1, 500, "an integer from 1 to 500"),
    "budgets": ListRule(float, 10, 10000, "a list of 1 to 12 different numbers from 10 to 10000"),
    "image_size": Rule(int, 1, 256, "an integer from 1 to 256"),
    "tolerance": Rule(float, 1e-12, 0.1, "a number from 1e-12 to 0.1"),
    "measure": Rule(bool, wanted="true or false"),
    "seed": Rule(int, 0, 2**32 - 1, "an integer from 0 to 4294967295"),
    "state": Rule(int, 0, 2**32 - 1, "an integer from 0 to 4294967295"),
    "figure_dir": Rule(str, wanted="a string, the folder for the figures or '' for none"),
    "results_dir": Rule(str, wanted="a string, the folder for the results or '' for none"),
}
FOLDERS = ("figure_dir", "results_dir")  # where files go; every other parameter decides what is in them


def check_parameters(namespace: Mapping[str, Any], largest: int = 12000) -> dict[str, Any]:
    """Stop unless the parameters in a notebook's namespace are known, of the right type and in range.

    Parameters
    ----------
    namespace : mapping
        The notebook's ``globals()``. Its annotations name the parameters: ``alpha: float = 1.0``.
    largest : int
        The rows or columns that M may have: what the notebook computes in a minute.

    Returns
    -------
    dict
        The parameters but for the folders.

    Raises
    ------
    ValueError
        Naming the parameter, what was wanted and what came; all problems at once.

    Examples
    --------
    >>> check_parameters({"__annotations__": {"alpha": float, "figure_dir": str}, "alpha": 1, "figure_dir": ""})
    {'alpha': 1.0}
    >>> check_parameters({"__annotations__": {"alpha": float}, "alpha": -1.0})
    Traceback (most recent call last):
    ...
    ValueError: alpha: wanted a number from 1e-6 to 1e6, got -1.0
    """
    names = [name for name in namespace["__annotations__"] if name in RULES]
    problems = [
        f"{name}: {unknown(name, names)}" for name in _injected(namespace.get("In", [])) if name not in names
    ]
    problems += [f"{name}: {why}" for name in names if (why := RULES[name].problem(namespace[name]))]
    if not problems:
        folders = [no_folder(name, namespace[name]) for name in FOLDERS if name in names]
        problems += filter(None, [_too_large(namespace, names, largest), *folders])
    if problems:
        raise ValueError("; ".join(problems))
    return {name: RULES[name].as_kind(namespace[name]) for name in names if name not in FOLDERS}


def _injected(cells: Iterable[str]) -> list[str]:
    """The names that papermill's cells set; it opens them with the comment "# Parameters"."""
    source = "\n".join(cell for cell in cells if cell.startswith("# Parameters"))
    return [target.id for node in ast.parse(source).body for target in getattr(node, "targets", [])]


def unknown(name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not among the known ones.

    >>> unknown("alhpa", ["alpha", "state"])
    'no parameter of this notebook (did you mean alpha?), wanted one of alpha, state'
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"no parameter of this notebook{hint}, wanted one of {', '.join(names)}"


def _too_large(namespace: Mapping[str, Any], names: Sequence[str], largest: int) -> str | None:
    pairs = namespace["channels"] if "channels" in names else []
    given = [namespace[name] for name in ("input_channels", "output_channels") if name in names]
    most = max([*given, *(count for pair in pairs for count in pair)], default=1)
    size = most * namespace["input_size"] ** 2 if "input_size" in names else 0
    if size <= largest:
        return None
    limit = int((largest / most) ** 0.5)
    return f"input_size: wanted at most {limit} with {most} channels, got {namespace['input_size']}"


def no_folder(name: str, folder: str) -> str | None:
    """What is wrong with a folder for files that cannot be made or written to, or None.

    >>> no_folder("figure_dir", __file__ + "/figures")[:50]
    'figure_dir: wanted a folder that can be written to'
    """
    if not folder:
        return None
    place = Path(folder).expanduser().absolute()
    nearest = next(path for path in [place, *place.parents] if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return None
    return f"{name}: wanted a folder that can be written to, got {folder!r}"
