"""A YAML file with parameters for several notebooks, checked before any of them runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from convreg.companion.notebooks import Notebook
from convreg.companion.parameters import FOLDERS, refuse, unknown_among
from convreg.companion.places import as_place
from convreg.companion.rules import cut, literal, shown

Given = dict[str, dict[str, Any]]  # parameters by the names of notebooks


def read_given(file: str, notebooks: Sequence[Notebook]) -> Given:
    """The parameters of every notebook that a file names.

    Raises
    ------
    ValueError
        For what is no such file; for names that no notebook has, and values that it refuses.
    """
    path = as_place("--parameters", file)
    try:
        given = _values(yaml.load(path.read_text(encoding="utf-8-sig"), _EachOnce))
    except Exception as error:  # no file, another encoding: whatever YAML stumbles over
        said = cut(" ".join(str(error).split()), 300)
        raise ValueError(f"--parameters: wanted a YAML file, got {shown(file)} ({said})") from None
    if not isinstance(given, dict):
        wanted = "wanted the names of notebooks with their parameters"
        raise ValueError(f"--parameters: {wanted}, got {shown(given)} in {shown(file)}")
    known = {notebook.path.stem: notebook for notebook in notebooks}
    problems = unknown_among(given, known, "notebook")
    for name, values in given.items():
        if name in known and (problem := _problem(known[name], values)):
            problems.append(f"{name}: {problem}")
    try:
        refuse(problems)
    except ValueError as error:
        raise ValueError(f"--parameters: {error}") from None
    return given


def _values(read: Any) -> Any:
    """What texts mean, as on the command line: 1e-3 is a number, 1:30 is none."""
    if isinstance(read, dict):
        return {name: _values(value) for name, value in read.items()}
    if isinstance(read, list):
        return [_values(value) for value in read]
    return literal(read) if isinstance(read, str) else read


def _problem(notebook: Notebook, values: Any) -> str | None:
    """What is wrong with the values for a notebook, or None."""
    if not isinstance(values, dict):
        return f"wanted parameters with their values, got {shown(values)}"
    for name in FOLDERS:
        if name in values:
            return f"{name}: wanted --figures and --build, got {shown(values[name])}"
    unknown = unknown_among(values, notebook.declared)
    if unknown or not values or notebook.missing:
        return "; ".join(unknown)
    try:
        notebook.checked(values)
    except ValueError as error:
        return str(error)
    return None


class _EachOnce(yaml.BaseLoader):
    """YAML of texts in which no name comes twice: the first would be lost in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A mapping as it is, if its names are different."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} comes twice")
        return super().construct_mapping(node, deep)
