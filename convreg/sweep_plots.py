"""The closing picture of a sweep: small multiples of the headline numbers over two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convreg.plotting import CYCLE, DASHES, axes_grid, drawn
from convreg.tables import Table, groups, stacked


def picture_table(index: Table, across: str, panels: str, others: Sequence[str], shown: Sequence[str]) -> Table:
    """The numbers of the picture, long: a row for each run and headline number.

    Parameters
    ----------
    index : table
        The complete runs, from `convreg.sweep.read_index`.
    across, panels : str
        The parameters along the horizontal axes and over the columns of panels; '' for no second one.
    others : sequence of str
        The other parameters that vary: a line for each of their combinations.
    shown : sequence of str
        The headline numbers, a row of panels each.
    """
    runs = range(len(index["run"]))
    columns = {
        "across": across,
        "x": index[across],
        "panel": [f"{panels} = {index[panels][i]}" if panels else "" for i in runs],
        "line": [", ".join(f"{name} = {index[name][i]}" for name in others) for i in runs],
    }
    return stacked(
        {
            **columns,
            "result": name,
            "value": [float(cell) if str(cell) else np.nan for cell in index[name].tolist()],
        }
        for name in shown
    )


@drawn
def sweep_figure(table: Table) -> Figure:
    """A row of panels for each result, a column for each value of one parameter, the other along the axis."""
    results, panels = list(groups(table, "result")), list(groups(table, "panel"))
    height = 1.7 * len(results) + 0.6
    figure, axes = axes_grid(len(results), len(panels), height, sharex=True, sharey="row")
    figure.set_size_inches(max(6.8, 1.9 * len(panels)), height)
    for number, ax in enumerate(axes):
        result, panel = results[number // len(panels)], panels[number % len(panels)]
        here = (table["result"] == result) & (table["panel"] == panel)
        _draw({name: column[here] for name, column in table.items()}, ax)
        subplot: Any = ax.get_subplotspec()
        ax.set_title(panel.replace("_", " ") if subplot.is_first_row() else "")
        ax.set_xlabel(table["across"][0].replace("_", " ") if subplot.is_last_row() else "")
        ax.set_ylabel(result.replace("_", " ") if subplot.is_first_col() else "")
    if len(groups(table, "line")) > 1:
        axes[len(panels) - 1].legend(fontsize=7)
    return figure


def _draw(table: Table, ax: Axes) -> None:
    """The lines of one panel; values that are no numbers stand side by side."""
    values = sorted(set(table["x"].tolist()))
    numbers = table["x"].dtype.kind in "if"
    for number, (line, rows) in enumerate(groups(table, "line").items()):
        x = rows["x"] if numbers else np.array([values.index(value) for value in rows["x"].tolist()])
        order = np.argsort(x)
        style: dict[str, Any] = {"color": CYCLE[number % 4], "linestyle": DASHES[number // 4 % 4]}
        ax.plot(x[order], rows["value"][order], marker="o", markersize=3, label=line.replace("_", " "), **style)
    if not numbers:
        ax.set_xticks(range(len(values)), values, fontsize=7)
    elif len(values) > 2 and values[0] > 0 and values[-1] / values[0] > 30:
        ax.set_xscale("log")
    drawn_values = table["value"][np.isfinite(table["value"])]
    if len(drawn_values) and drawn_values.min() > 0 and drawn_values.max() / drawn_values.min() > 30:
        ax.set_yscale("log")
