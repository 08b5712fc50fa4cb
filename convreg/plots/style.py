"""How every figure looks and is saved."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from convreg.storage.files import write_whole
from convreg.storage.tables import Table, as_csv

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.4,
    "figure.dpi": 110,
    "savefig.dpi": 200,
    "pdf.compression": 0,  # no zlib, whose bytes differ between builds of Python
    "pdf.fonttype": 42,
}
CYCLE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
)  # Okabe and Ito, distinct to colour-blind readers
DASHES = ("-", "--", ":", "-.")


def save_figure(figure: Figure, table: Table, folder: str, name: str) -> dict[str, Table]:
    """Write name.png, name.pdf and name.csv (the table) to a folder; nothing if it is ''.

    The folder is made.

    Returns
    -------
    dict
        The table by the figure's name, for `save_results`.
    """
    if folder:
        target = Path(folder).expanduser()
        contents = {target / f"{name}.csv": as_csv(table)}
        undated = {
            "png": {"Software": None},
            "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
        }
        for ending, nothing in undated.items():
            buffer = io.BytesIO()
            with plt.rc_context(STYLE):
                figure.savefig(buffer, format=ending, metadata=nothing)
            contents[target / f"{name}.{ending}"] = buffer.getvalue()
        write_whole(contents)
    return {name: table}


def axes_grid(rows: int, columns: int, height: float, **kw: Any) -> tuple[Figure, list[Axes]]:
    """A figure as wide as a column of text, and its axes, row by row."""
    figure, grid = plt.subplots(
        rows, columns, figsize=(6.8, height), layout="constrained", squeeze=False, **kw
    )
    return figure, list(grid.flat)


def drawn(draw: Callable[[Table], Figure]) -> Callable[[Table], Figure]:
    """In our style, the layout fixed once: at any resolution a figure looks the same."""

    @wraps(draw)
    def styled(table: Table) -> Figure:
        """The drawing, with the style around it."""
        plt.draw_if_interactive()  # loads the backend; the context below must not undo its settings
        with plt.rc_context(STYLE):
            figure = draw(table)
            for ax in figure.axes:  # how many ticks there are depends on the size of their labels
                ax.tick_params(which="both", labelsize=STYLE["font.size"])
            figure.draw_without_rendering()
        figure.set_layout_engine("none")
        return figure

    return styled


def whole_iterations(ax: Axes) -> None:
    """A horizontal axis of iterations: no ticks between them."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def plain_logarithm(axis: Axis, few: float = 3000) -> None:
    """A logarithmic axis with plain numbers: 1, 2 and 5 of each decade if its span is below few."""
    low, high = axis.get_view_interval()
    logarithmic = LogLocator(subs=(1, 2, 5) if high < few * low else (1,))
    axis.set_major_locator(MaxNLocator(4) if high < 3 * low else logarithmic)
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")
