"""The square case: which descent reaches kappa < 1.1 from which start, and at what price.

    python benchmarks/square.py [--states 50] [--processes 2] [--out FOLDER]

Writes square.csv (a row for each run of `convreg.studies.escape`), tradeoff.csv (the picture of
`convreg.studies.tradeoff`), square_layer.csv (3x3x64x64) and square.md, the same for people. The
only times are those of square_layer.csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

from threadpoolctl import threadpool_limits

from convreg.plots.tables import shown
from convreg.storage.files import write_whole
from convreg.storage.tables import Table, as_csv, from_rows, groups
from convreg.studies.escape import EXACT_TRIPLETS, WAYS, Escape, Way, escape_table, run
from convreg.studies.escape_tables import (
    class_table,
    kernel_table,
    prediction_table,
    share_table,
)
from convreg.studies.square_layer import layer_table
from convreg.studies.tradeoff import tradeoff_table

SHIFTS = (0.0, 1.0, 2.0, 3.0)
STATES = 50
DENSE = {  # fewer by N and g where M is decomposed in each step
    "polar": {15: {1: 50, 2: 4, 3: 0}, 8: {1: 20, 2: 20, 3: 10}},
    "polar, accelerated": {15: {1: 50, 2: 20, 3: 0}, 8: {1: 20, 2: 20, 3: 10}},
}
HELD_OUT = range(51, 101)
TRIPLETS = 10  # states with exact triplets
SHARES = {"off the centre, of |K|": ".2f"}
SHOWN = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)  # shares off the centre, in square.md
INTRODUCTION = """# The square case

From MATLAB's uniform 3x3 kernels with g = h channels and c on the diagonal of the centre tap. Of
the states 1 to 50, or as many as the column says, the share that has kappa(M) below 1.1 after at
most 200 steps. A run ends after 10, 20, 40 or 100 steps where kappa is below 1.05 by then. A step
costs as much as so many products with M'M."""
PREDICTION = """## What foretells it

"It will get there" is said where the class of the symbol is trivial (no zeros, no winding) after
so many steps. Nothing is fitted."""
PRICE = """## The best kappa for a share off the centre

N = 8; the median over the states 1 to 10 of the least kappa on the way, of kernels with at least
this share of |K| off the centre. No kernel of any size is below the first line, "constructed" is
the family of 3 x 3 kernels of `convreg.studies.tradeoff`."""

Start = tuple[Way, int, int, float, int]


def states_of(way: Way, g: int, N: int, most: int) -> range:
    """Fewer where M is decomposed in every step."""
    states = DENSE[way.name][N][g] if way.name in DENSE else STATES
    return range(1, 1 + min(most, states))


def starts(most: int) -> Iterator[Start]:
    """The runs of the study, then those that are for the predictor alone."""
    for N, g, way, c in product((15, 8), (1, 2, 3), WAYS, SHIFTS):
        yield from ((way, g, N, c, state) for state in states_of(way, g, N, most))
    for g, c in product((1, 2, 3), SHIFTS):
        yield from ((WAYS[0], g, 15, c, state) for state in HELD_OUT)
    for c in SHIFTS:
        few = range(1, 1 + min(most, TRIPLETS))
        yield from ((EXACT_TRIPLETS, 1, 15, c, state) for state in few)


def one(start: Start) -> Escape:
    """A run on one thread, whose sums are always in the same order."""
    with threadpool_limits(1):
        return run(*start)


def report(table: Table, tradeoff: Table, layer: Table) -> str:
    """square.md."""
    parts = [INTRODUCTION]
    for N, g in product((15, 8), (1, 2, 3)):
        parts += ["", shares(share_table(table, g, N), f"g = h = {g}, N = {N}")]
    kernel = shown(kernel_table(table, 2, 15), SHARES)
    parts += ["", "## 3x3x2x2, drawn as the paper draws its kernels, N = 15", "", kernel.markdown]
    parts += ["", "## Classes of the starts and the ends"]
    for way, g in product(WAYS, (1, 2, 3)):
        if len(states_of(way, g, 15, 1)):
            title = f"{way.name}, g = h = {g}, N = 15"
            classes = class_table(table, way.name, g, 15)
            parts += ["", shown(classes, {"c": "g"}, title=title).markdown]
    parts += ["", PREDICTION]
    for method, states in (
        (WAYS[0].name, range(1, 51)),
        (WAYS[0].name, HELD_OUT),
        (EXACT_TRIPLETS.name, range(1, 1 + TRIPLETS)),
    ):
        title = f"{method}, N = 15, states {states[0]} to {states[-1]}"
        parts += ["", shares(prediction_table(table, method, 15, states), title)]
    parts += ["", PRICE, "", *markdown(price_rows(tradeoff))]
    parts += ["", "## 3x3x64x64, N = 28", "", *markdown(layer)]
    return "\n".join(parts) + "\n"


def shares(table: Table, title: str) -> str:
    """Markdown, with two decimals but for what a step costs."""
    found = {name: ".2f" for name, column in table.items() if column.dtype.kind == "f"}
    if "products a step" in table:
        found["products a step"] = ",.0f"
    return shown(table, found, title=title).markdown


def price_rows(tradeoff: Table) -> Table:
    """A row for each line of the picture, a column for some of the shares."""
    rows = []
    for g, panel in groups(tradeoff, "g").items():
        for start, lines in groups(panel, "start").items():
            for name, line in groups(lines, "line").items():
                found = dict(zip(line["share"].tolist(), line["kappa"].tolist(), strict=True))
                rows.append((g, start, name, *(found.get(share, "") for share in SHOWN)))
    return from_rows(("g", "start", "line", *map(str, SHOWN)), rows)


def markdown(table: Table) -> list[str]:
    """The lines of a table."""
    lines = [f"| {' | '.join(table)} |", "|---" * len(table) + "|"]
    for row in zip(*(column.tolist() for column in table.values()), strict=True):
        lines.append(f"| {' | '.join(str(cell) for cell in row)} |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--states", type=int, default=50)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.processes) as pool:
        table = escape_table(pool.map(one, starts(options.states), chunksize=10))
    with threadpool_limits(1):
        tradeoff, layer = tradeoff_table(), layer_table()
    tables = {"square": table, "tradeoff": tradeoff, "square_layer": layer}
    contents = {options.out / f"{name}.csv": as_csv(found) for name, found in tables.items()}
    text = report(table, tradeoff, layer)
    write_whole(contents | {options.out / "square.md": text.encode()})
