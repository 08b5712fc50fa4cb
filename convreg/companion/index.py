"""The index of a sweep: a row for every run.json of a folder, as index.csv and back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from convreg.storage.tables import Table, as_column

Row = dict[str, Any]  # what run.json says: see records.py


def index_of(found: Iterable[Row]) -> bytes:
    """index.csv: a row a run in the order of the parameters, in whatever order they ended."""
    in_order = sorted(found, key=lambda row: list(row["parameters"].values()))
    names = list(dict.fromkeys(name for row in in_order for name in row["headline"]))
    parameters = list(dict.fromkeys(name for row in in_order for name in row["parameters"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", *parameters, "status", "seconds", "error", *names])
    for row in in_order:
        given = [_cell(row["parameters"][name]) for name in parameters]
        last_line = row["error"].splitlines()[-1:] or [""]
        ended = [row["status"], _cell(row["seconds"]), *last_line]
        numbers = [_cell(row["headline"].get(name)) for name in names]
        writer.writerow([row["run"], *given, *ended, *numbers])
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A list as JSON, nothing as an empty cell."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list) else value


def read_index(path: Path) -> Table:
    """The complete runs of an index.csv, a column each of its parameters and headline numbers."""
    with open(path, newline="", encoding="utf-8") as file:
        complete = [row for row in csv.DictReader(file) if row["status"] == "complete"]
    table = {}
    for name in complete[0] if complete else []:
        cells = [row[name] for row in complete]
        table[name] = np.array(cells) if name == "run" else as_column(cells)
    return table
