"""Equations (2.1) and (2.4): the table of the pattern, against plain loops."""

import numpy as np
import pytest

from convreg.storage.tables import groups
from convreg.studies.patterns import PATTERNS, pattern_table


def plain_pattern(k, N, g, h):
    """(row, column, tap) of every entry of M, from equation (1.2)."""
    m, found = (k + 1) // 2, set()
    for c, d, r, s, p, q in np.ndindex(h, g, N, N, k, k):
        i, j = r + p - m + 1, s + q - m + 1
        if 0 <= i < N and 0 <= j < N:
            found.add((c * N**2 + s * N + r, d * N**2 + j * N + i, p * k + q + 1))
    return found


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern[0])
def test_the_entries_are_those_of_equation_1_2(pattern):
    case, k, N, g, h = pattern
    table = pattern_table([pattern])
    found = list(
        zip(table["row"].tolist(), table["column"].tolist(), table["tap"].tolist(), strict=True)
    )
    assert len(found) == len(set(found))
    assert set(found) == plain_pattern(k, N, g, h)
    for name, value in {
        "kernel_size": k,
        "rows": h * N**2,
        "columns": g * N**2,
        "block": N**2,
    }.items():
        assert set(table[name].tolist()) == {value}
    assert set(table["case"].tolist()) == {case}


def test_the_cases_of_the_picture():
    table = pattern_table()
    assert list(table) == [
        "case",
        "kernel_size",
        "rows",
        "columns",
        "block",
        "row",
        "column",
        "tap",
    ]
    assert list(groups(table, "case")) == [
        "k = 3, N = 4",
        "g = 2, h = 3",
        "even: k = 2",
        "k = 7 > N = 3",
    ]
    assert [pattern[1:] for pattern in PATTERNS] == [
        (3, 4, 1, 1),
        (3, 3, 2, 3),
        (2, 4, 1, 1),
        (7, 3, 1, 1),
    ]
