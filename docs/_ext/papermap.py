"""The map of docs/map.md as data: what the paper has, where it is computed, shown and tested."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from plain import plain

ROOT = Path(__file__).parents[1]  # docs/, or the copy of it that is built


class Row(NamedTuple):
    """A row of the map."""

    item: str  # the first column, its formulas in words
    functions: tuple[str, ...]  # `convolve`, or with the module
    notebooks: tuple[str, ...]  # pages of the site: notebooks/01_convolution_as_a_matrix
    tests: tuple[str, ...]  # pages of the site: tests/test_convolution
    figures: tuple[str, ...]  # the names in figures/

    @property
    def anchor(self) -> str:
        """The id of the row in the page of the map.

        >>> Row("Theorem 2.3, (2.5)", (), (), (), ()).anchor
        'row-theorem-2-3-2-5'
        """
        return nodes.make_id(f"row {self.item}")

    @property
    def equations(self) -> list[str]:
        """The numbers of its equations: ['2.5']."""
        return re.findall(r"\((\d\.\d)\)", self.item)


def read_row(line: str) -> Row:
    """A row of the table as its line has it."""
    item, functions, notebooks, tests, figures = [
        cell.strip() for cell in line.strip().removesuffix("|").removeprefix("|").split(" |")
    ]
    return Row(
        re.sub(r"\$([^$]+)\$", lambda formula: plain(formula[1]), item),
        tuple(re.findall(r"`([\w.]+)`", functions)),
        tuple(re.findall(r"\.\./(notebooks/\w+)\.ipynb\)", notebooks)),
        tuple(re.findall(r"\.\./(tests/[\w/]+)\.py\)", tests)),
        tuple(re.findall(r"\.\./figures/(\w+)\.png\)", figures)),
    )


@cache
def map_rows() -> list[Row]:
    """The rows of the map, in the order of the paper."""
    text = (ROOT / "map.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r"\| [^-]", line)]
    return [read_row(line) for line in lines[1:]]


def tested() -> list[str]:
    """The tests that the map names, each once: tests/test_convolution."""
    return sorted({test for row in map_rows() for test in row.tests})
