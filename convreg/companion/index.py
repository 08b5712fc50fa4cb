"""The index of a sweep: a row for every run.json of a folder, as index.csv and back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convreg.companion.outcomes import COLUMNS
from convreg.storage.tables import Table, as_column

Row = dict[str, Any]  # what run.json says: see records.py
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet runs a text that begins so


def index_of(found: Iterable[Row]) -> bytes:
    """index.csv: a row a run in the order of the parameters, in whatever order they ended."""
    in_order = sorted(found, key=lambda row: _order(list(row["parameters"].values())))
    parameters = dict.fromkeys(name for row in in_order for name in row["parameters"])
    headlines = dict.fromkeys(name for row in in_order for name in row["headline"])
    columns = _columns([*parameters, *headlines])
    first, last = columns[: len(parameters)], columns[len(parameters) :]
    lines = [["run", *map(_text, first), "status", "seconds", "error", *map(_text, last)]]
    for row in in_order:
        given = [_cell(row["parameters"].get(name)) for name in parameters]
        numbers = [_cell(row["headline"].get(name)) for name in headlines]
        error = row["error"].splitlines() or [""]
        ended = [row["status"], _cell(row["seconds"]), _text(error[-1][:300])]
        lines.append([row["run"], *given, *ended, *numbers])
    text = "".join(",".join(map(_quoted, line)) + "\n" for line in lines)
    return text.encode(errors="backslashreplace")


def _order(value: Any) -> tuple[int, Any]:
    """A key to sort by: numbers by size, then texts, then lists by their entries."""
    if isinstance(value, list):
        return 2, [_order(entry) for entry in value]
    return (0, value) if isinstance(value, (int, float)) else (1, str(value))


def _columns(names: Sequence[str]) -> list[str]:
    """Names of columns, none of them twice or as one that says how a run ended.

    >>> _columns(["alpha", "status", "alpha"])
    ['alpha', 'status_', 'alpha_']
    """
    columns: list[str] = []
    for name in names:
        while name in (*COLUMNS, *columns):
            name += "_"
        columns.append(name)
    return columns


def _cell(value: Any) -> str:
    """A text so that it stays one, a list as JSON, nothing as an empty cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


def _text(value: str) -> str:
    """A text that no spreadsheet takes for a formula: with an apostrophe before it, as they do.

    >>> _text("=1+1"), _text("-inf"), _text("a=1")
    ("'=1+1", "'-inf", 'a=1')
    """
    return f"'{value}" if value.startswith((*FORMULA, "'")) else value


def _quoted(cell: str) -> str:
    """A cell of a CSV file; the module csv leaves a carriage return bare, and cannot read it."""
    if any(sign in cell for sign in ',"\r\n'):
        escaped = cell.replace('"', '""')
        return f'"{escaped}"'
    return cell


def read_index(path: Path) -> Table:
    """The complete runs of an index.csv, a column each of its parameters and headline numbers."""
    with open(path, newline="", encoding="utf-8") as file:
        names, *rows = [[_read(cell) for cell in row] for row in csv.reader(file)]
    complete = [row for row in rows if row[names.index("status")] == "complete"]
    table = {}
    for name, cells in zip(names, zip(*complete, strict=True), strict=False):
        table[name] = np.array(cells) if name == "run" else as_column(cells)
    return table


def _read(cell: str) -> str:
    """What `_text` was given."""
    return cell.removeprefix("'")
