"""Sections 1 and 2.2: where the taps stand in M, as a table for a picture."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from convreg.matrix import conv_matrix
from convreg.storage.tables import Table, stacked

Pattern = tuple[str, int, int, int, int]  # a name, k, N, g, h

PATTERNS: tuple[Pattern, ...] = (
    ("k = 3, N = 4", 3, 4, 1, 1),
    ("g = 2, h = 3", 3, 3, 2, 3),
    ("even: k = 2", 2, 4, 1, 1),
    ("k = 7 > N = 3", 7, 3, 1, 1),
)


def pattern_table(patterns: Iterable[Pattern] = PATTERNS) -> Table:
    """Equations (2.1) and (2.4): a row for each entry of M, with the number of its tap.

    From 1 to k^2, row by row.

    Columns: case, kernel_size, rows, columns (of M), block (N^2), row, column, tap.

    >>> pattern_table([("k = 2, N = 1", 2, 1, 1, 1)])["tap"]
    array([1])
    """
    tables = []
    for case, k, N, g, h in patterns:
        taps = np.arange(1, k**2 + 1).reshape(k, k, 1, 1) * np.ones((g, h))
        entries = conv_matrix(taps, N).tocoo()
        sizes = {
            "case": case,
            "kernel_size": k,
            "rows": h * N**2,
            "columns": g * N**2,
            "block": N**2,
        }
        tables.append(
            {**sizes, "row": entries.row, "column": entries.col, "tap": entries.data.astype(int)}
        )
    return stacked(tables)
