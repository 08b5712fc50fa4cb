"""The closing picture of a sweep: small multiples of the headline numbers over two parameters."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convreg.plots.style import CYCLE, DASHES, axes_grid, drawn
from convreg.storage.tables import Table, groups, stacked


def picture_table(
    index: Table, across: str, panels: str, others: Sequence[str], shown: Sequence[str]
) -> Table:
    """The numbers of the picture, long: a row for each run and headline number.

    Parameters
    ----------
    index : table
        The complete runs, from `convreg.companion.index.read_index`.
    across, panels : str
        The parameters along the horizontal axes and over the columns of panels; the second may
        be ''.
    others : sequence of str
        The other parameters that vary: a line for each of their combinations.
    shown : sequence of str
        The headline numbers, a row of panels each.
    """
    columns = {
        "across": across,
        "x": index[across],
        "panel": _words(index, [panels] if panels else []),
        "line": _words(index, others),
    }
    blocks = []
    for name in shown:
        values = [float(cell) if str(cell) else np.nan for cell in index[name].tolist()]
        blocks.append({**columns, "result": name, "value": values})
    return stacked(blocks)


def _words(index: Table, names: Sequence[str]) -> list[str]:
    """For each run its values of these parameters, in words."""
    words = []
    for run in range(len(index["run"])):
        words.append(", ".join(f"{name} = {index[name][run]}" for name in names))
    return words


@drawn
def sweep_figure(table: Table) -> Figure:
    """A row of panels for each result, a column for each value of one parameter.

    The other parameter is along the axis.
    """
    names = names_across(table)
    places = np.array([names.index(x) for x in table["x"].tolist()]) if names else table["x"]
    table = {**table, "place": places}
    results = list(groups(table, "result"))
    panels = list(groups(table, "panel"))
    height = 1.7 * len(results) + 0.6
    figure, axes = axes_grid(len(results), len(panels), height, sharex=True, sharey="row")
    figure.set_size_inches(max(6.8, 1.9 * len(panels)), height)
    for number, ax in enumerate(axes):
        result = results[number // len(panels)]
        panel = panels[number % len(panels)]
        here = (table["result"] == result) & (table["panel"] == panel)
        rows = {name: column[here] for name, column in table.items()}
        _draw(rows, ax, list(groups(table, "line")))
        subplot: Any = ax.get_subplotspec()
        ax.set_title(panel.replace("_", " ") if subplot.is_first_row() else "")
        ax.set_xlabel(table["across"][0].replace("_", " ") if subplot.is_last_row() else "")
        ax.set_ylabel(result.replace("_", " ") if subplot.is_first_col() else "")
        if spans_decades(table["value"][table["result"] == result]):
            ax.set_yscale("log")
    _scale_across(table, axes, names)
    if len(groups(table, "line")) > 1:
        axes[len(panels) - 1].legend(fontsize=7)
    return figure


def _draw(table: Table, ax: Axes, lines: list[str]) -> None:
    """The lines of one panel, in the same style in every panel, also where one has no runs here."""
    for number, line in enumerate(lines):
        rows = {name: column[table["line"] == line] for name, column in table.items()}
        order = np.argsort(rows["place"])
        style: dict[str, Any] = {"color": CYCLE[number % 4], "linestyle": DASHES[number // 4 % 4]}
        label = line.replace("_", " ")
        ax.plot(
            rows["place"][order],
            rows["value"][order],
            marker="o",
            markersize=3,
            label=label,
            **style,
        )


def _scale_across(table: Table, axes: Sequence[Axes], names: Sequence[str]) -> None:
    """The horizontal axes, which all panels share; what is no number stands side by side."""
    slanted: dict[str, Any] = {"rotation": 30, "ha": "right"} if sum(map(len, names)) > 20 else {}
    for ax in axes:
        if names:
            ax.set_xticks(range(len(names)), names, fontsize=7, **slanted)
        elif len(groups(table, "x")) > 2 and spans_decades(table["x"]):
            ax.set_xscale("log")


def names_across(table: Table) -> list[str]:
    """The lists or truth values along the horizontal axis in order; none where they are numbers.

    >>> names_across({"x": np.array(["[10.0]", "[2.0]", "[10.0]"])})
    ['[2.0]', '[10.0]']
    >>> names_across({"x": np.array([0.5])})
    []
    """
    return [] if table["x"].dtype.kind in "if" else sorted(groups(table, "x"), key=ast.literal_eval)


def spans_decades(column: NDArray) -> bool:
    """Whether a log scale suits the numbers.

    >>> spans_decades(np.array([1, 100, np.nan])), spans_decades(np.array([0, 100]))
    (True, False)
    """
    finite = column[np.isfinite(column)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > 30)
