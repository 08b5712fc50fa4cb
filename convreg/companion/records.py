"""run.json and sweep.json: what a folder says of its runs, as far as it can be believed.

Both begin with ``"schema"``, the version of their fields. What is read was written by a sweep, or
by an accident: every field is checked, and so is that the files of a complete run are there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from convreg.companion.grid import Setting
from convreg.companion.index import Row
from convreg.companion.outcomes import COLUMNS, check_headline
from convreg.companion.rules import cut, named, shown

SCHEMA = 2  # of run.json; version 1 had no "files" and no "code_sha256"
KINDS: dict[str, tuple[Any, str]] = {
    "schema": (int, "an integer"),
    "run": (str, "a text"),
    "status": (str, "a text"),
    "seconds": ((int, float, type(None)), "a number"),
    "error": (str, "a text"),
    "parameters": (dict, "a mapping"),
    "headline": (dict, "a mapping"),
    "files": (dict, "a mapping"),
    "code_sha256": (str, "a text"),
}


def read_rows(out: Path) -> tuple[dict[str, Row], dict[Path, str]]:
    """The rows of a folder's runs by their keys, and what is wrong with each other run.json."""
    rows, problems = {}, {}
    for folder in sorted((out / "runs").iterdir()):
        record = folder / "run.json"
        try:
            record.lstat()
            rows[folder.name] = _read_row(record)
        except (FileNotFoundError, NotADirectoryError):  # not complete, or not of a run
            continue
        except (OSError, ValueError) as error:
            problems[record] = cut(" ".join(str(error).split()), 300)
    return rows, problems


def _read_row(record: Path) -> Row:
    row = read_json(record)
    if isinstance(row, dict) and row.get("schema") == 1:
        row = {**row, "schema": SCHEMA, "files": {}, "code_sha256": ""}
    if problem := problem_of(row):
        raise ValueError(problem)
    if row["run"] != record.parent.name:
        raise ValueError(f"run: wanted {record.parent.name}, got {shown(row['run'])}")
    for name, size in row["files"].items():
        path = record.with_name(name)
        if path.is_symlink() or not path.is_file() or path.stat().st_size != size:
            raise ValueError(f"{named(name)} is missing, or is not as it was written")
    return row


def read_json(path: Path) -> Any:
    """What a JSON file says; a ValueError for whatever is none."""
    try:
        if not os.path.lexists(path):
            raise ValueError("there is none")
        if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
            raise ValueError("wanted a file, and no link to one")
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise ValueError(error.strerror) from None
    except RecursionError:
        raise ValueError("lists in lists without end") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def problem_of(row: Any) -> str:
    """What is wrong with a row of run.json, or ''.

    >>> problem_of([])
    'wanted a mapping, got []'
    """
    if not isinstance(row, dict):
        return f"wanted a mapping, got {shown(row)}"
    for name, (kinds, wanted) in KINDS.items():
        if name not in row:
            return f"{name} is missing"
        if not isinstance(row[name], kinds) or isinstance(row[name], bool):
            return f"{name}: wanted {wanted}, got {shown(row[name])}"
    if row["schema"] != SCHEMA:
        return f"schema: wanted {SCHEMA}, got {shown(row['schema'])}"
    if row["status"] != ("failed" if row["error"] else "complete"):
        return f"status: wanted complete, or failed and an error, got {shown(row['status'])}"
    return _problem_inside(row)


def _problem_inside(row: Row) -> str:
    """What is wrong with the entries of its mappings, or ''."""
    try:
        json.dumps(row, allow_nan=False)
        key = Setting({}, row["parameters"]).key
        check_headline(row["headline"], [*COLUMNS, *row["parameters"]])
    except (TypeError, ValueError, RecursionError) as error:  # also where it was too large a number
        return str(error)
    if row["run"] != key:
        return f"run: wanted {key} by its parameters, got {shown(row['run'])}"
    for name, size in row["files"].items():
        if Path(name).name != name or not isinstance(size, int):
            return f"files: wanted names with their sizes, got {shown(name)}: {shown(size)}"
    return ""


def read_claim(record: Path) -> dict[str, Any]:
    """What sweep.json says; a ValueError where that is not what a sweep writes."""
    claim = read_json(record)
    if not isinstance(claim, dict) or claim.get("schema") != 1:
        raise ValueError(f"wanted a mapping with schema 1, got {shown(claim)}")
    for name in ("notebook", "code_sha256"):
        if not isinstance(claim.get(name), str):
            raise ValueError(f"{name}: wanted a text, got {shown(claim.get(name))}")
    return claim


def as_json(value: Any) -> bytes:
    """The text of a record."""
    return f"{json.dumps(value, indent=1, allow_nan=False)}\n".encode()
