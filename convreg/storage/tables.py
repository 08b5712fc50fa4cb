"""The numbers of a figure as a table: a dict of columns of one length, rounded, and its CSV file.

A table is rounded first, drawn as rounded and saved as drawn, so that the CSV beside a figure holds
the very numbers of its lines, and neither the day nor the BLAS shows in any byte.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Table = dict[str, NDArray]

KINDS = "biufU"  # of the columns: true or false, numbers, words
PAPERS_LINES = ("sigma_max", "sigma_min", "condition_number", "estimate", "penalty")


def checked_table(argument: str, value: Any) -> Table:
    """A table: columns of one length by their names, of numbers or of words.

    Raises
    ------
    ValueError, TypeError
        For everything else, with the argument's name.

    Examples
    --------
    >>> checked_table("table", {"x": np.zeros(2), "y": np.zeros(3)})
    Traceback (most recent call last):
    ...
    ValueError: table: wanted columns of one length, got {'x': 2, 'y': 3}
    """
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"{argument}: wanted columns by their names, got {value!r:.80}")
    for name, column in value.items():
        if type(column) is not np.ndarray or column.ndim != 1 or column.dtype.kind not in KINDS:
            wanted = f"wanted a plain array of numbers or words for {name}"
            raise TypeError(f"{argument}: {wanted}, got {column!r:.80}")
    lengths = {name: len(column) for name, column in value.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{argument}: wanted columns of one length, got {lengths}")
    return dict(value)


def rounded(columns: Mapping[str, ArrayLike], digits: int = 6) -> Table:
    """The columns with every float rounded to so many significant digits.

    >>> rounded({"x": [1, 2], "y": [0.123456789, 1234567.8]})["y"].tolist()
    [0.123457, 1234570.0]
    """
    return {name: _significant(np.asarray(column), digits) for name, column in columns.items()}


def _significant(column: NDArray, digits: int) -> NDArray:
    if column.dtype.kind != "f":
        return column
    return np.array([float(f"{value:.{digits - 1}e}") for value in column])


def stacked(tables: Iterable[Mapping[str, Any]]) -> Table:
    """Tables on top of one another, their scalars repeated: the long form of a CSV file.

    >>> stacked([{"case": "a", "y": [1, 2]}, {"case": "b", "y": [3]}])["case"].tolist()
    ['a', 'a', 'b']
    """
    blocks = []
    for table in tables:
        names, columns = list(table), np.broadcast_arrays(*map(np.asarray, table.values()))
        blocks.append(dict(zip(names, columns, strict=True)))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def from_rows(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table from its rows.

    >>> from_rows(("case", "y"), [("a", 1), ("b", 2)])["y"].tolist()
    [1, 2]
    >>> from_rows(("case", "y"), [])["y"].tolist()
    []
    """
    listed = list(rows)
    columns = zip(*listed, strict=True) if listed else [()] * len(names)
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def groups(table: Table, key: str) -> dict[Any, Table]:
    """The rows of a table by the value of one column, in the order in which the values come."""
    found = {}
    for value in dict.fromkeys(table[key].tolist()):
        chosen = table[key] == value
        found[value] = {name: column[chosen] for name, column in table.items()}
    return found


def history_table(
    histories: Mapping[str, np.recarray],
    fields: Sequence[str] = PAPERS_LINES,
    digits: int = 6,
    alphas: Sequence[float] = (),
) -> Table:
    """Columns of descent histories, rounded, one case on top of the other; below 1e-6 counts as 0.

    With alphas, the shift of each case, there is a column alpha.
    """
    shifts = [{"alpha": alpha} for alpha in alphas] or [{} for _ in histories]
    blocks = []
    for (case, H), shift in zip(histories.items(), shifts, strict=True):
        values = {field: H[field].round(6) for field in fields}
        steps = np.arange(len(H))
        blocks.append({"case": case, **shift, "iteration": steps, **values})
    return rounded(stacked(blocks), digits)


def as_csv(table: Table) -> bytes:
    """A table as the bytes of a CSV file, the numbers with all their digits.

    >>> as_csv({"x": np.array([1, 2]), "y": np.array([0.5, 1e-7])})
    b'x,y\\n1,0.5\\n2,1e-07\\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
    return text.getvalue().encode()


def read_table(path: str | Path) -> Table:
    """A table from its CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    columns = map(as_column, zip(*rows, strict=True))
    return dict(zip(names, columns, strict=True))


def as_column(cells: Sequence[str]) -> NDArray:
    """The cells of a CSV column as numbers, if all of them are.

    >>> as_column(["1", "2.5"]).tolist(), as_column(["1", "a"]).tolist()
    ([1.0, 2.5], ['1', 'a'])
    """
    for kind in (int, float):
        try:
            return np.array([kind(cell) for cell in cells])
        except ValueError:
            continue
    return np.array(cells)


def difference(old: Table, new: Table) -> list[str]:
    """Where two tables differ by more than a turn of the last digit kept: a line for each column.

    >>> old = {"x": np.array([1, 2]), "y": np.array([0.123, 4.56])}
    >>> difference(old, old | {"y": np.array([0.124, 4.56])})
    []
    >>> difference(old, old | {"y": np.array([0.125, 4.56])})
    ['y: 0.125 in row 0, was 0.123']
    """
    lengths = [[(name, len(column)) for name, column in table.items()] for table in (old, new)]
    if lengths[0] != lengths[1]:
        return [f"columns {list(new)}, were {list(old)}, or another number of rows"]
    turn = 1.1 * 10.0 ** (1 - _digits(old))
    problems = []
    for name, column in old.items():
        if column.dtype.kind == "f" and new[name].dtype.kind in "fi":
            same = np.isclose(new[name], column, rtol=turn, atol=1e-9, equal_nan=True)
        else:
            same = new[name] == column
        if not np.all(same):
            row = int(np.argmin(same))
            problems.append(f"{name}: {new[name][row]} in row {row}, was {column[row]}")
    return problems


def _digits(table: Table) -> int:
    """The significant digits of the longest float in a table."""
    most = 0
    for column in table.values():
        if column.dtype.kind == "f":
            for value in column[np.isfinite(column)].tolist():
                mantissa = f"{value:.15g}".partition("e")[0]
                most = max(most, len(mantissa.replace(".", "").strip("-0")))
    return most
