"""The grid of a sweep: the values of each parameter, and every point with all its parameters."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convreg.companion.notebooks import Notebook
from convreg.companion.parameters import FOLDERS, unknown_among
from convreg.companion.rules import shown


class Setting(NamedTuple):
    """A point of the grid: what is set there, and all parameters of the run."""

    given: dict[str, Any]
    parameters: dict[str, Any]

    @property
    def key(self) -> str:
        """The name of the run's folder.

        >>> Setting({"alpha": 1}, {"alpha": 1.0}).key
        '71c17ad9ba6b'
        """
        text = json.dumps(self.parameters, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_grid(notebook: Notebook, texts: Sequence[str]) -> dict[str, list[Any]]:
    """The values of each parameter, from ``name=value,value``.

    Raises
    ------
    ValueError
        For what is no such text, for an unknown or repeated name, and for a folder.

    Examples
    --------
    >>> from convreg.companion.notebooks import find_notebook
    >>> notebook = Notebook.read(find_notebook("05"))
    >>> read_grid(notebook, ["alpha=0.1,1", "channels=[[3, 1]],[[1, 3]]"])
    {'alpha': [0.1, 1], 'channels': [[[3, 1]], [[1, 3]]]}
    """
    known = [name for name in notebook.declared if name not in FOLDERS]
    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not values.strip() or name in grid:
            wanted = "wanted name=value,value, each name once"
            raise ValueError(f"--grid: {wanted}, got {shown(text)}")
        for problem in unknown_among([name], known):
            raise ValueError(f"--grid: {problem}")
        grid[name] = [notebook.read_values({name: value})[name] for value in _entries(values)]
    return grid


def _entries(text: str) -> list[str]:
    """What stands between the commas outside of brackets.

    >>> _entries(".5, [1, 2],")
    ['.5', ' [1, 2]', '']
    """
    entries, depth = [""], 0
    for character in text:
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            entries.append("")
        else:
            entries[-1] += character
    return entries


def settings(notebook: Notebook, grid: Mapping[str, Sequence[Any]]) -> list[Setting]:
    """Every point of the grid, checked as the notebook itself would, before anything starts.

    Raises
    ------
    ValueError
        With all points that the notebook refuses, or that are the same run.
    """
    points: dict[str, Setting] = {}
    problems = []
    for values in itertools.product(*grid.values()):
        given = dict(zip(grid, values, strict=True))
        try:
            setting = Setting(given, notebook.checked(given))
        except ValueError as error:
            problems.append(f"{shown(given)}: {error}")
            continue
        if setting.key in points:
            problems.append(f"{shown(given)}: given twice")
        points[setting.key] = setting
    if problems:
        more = f"\n... and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise ValueError("--grid: " + "\n".join(problems[:10]) + more)
    return list(points.values())
