"""How every figure looks and is saved: in our style, whatever the user has set."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from convreg.storage.files import write_whole
from convreg.storage.names import checked_folder, checked_name
from convreg.storage.tables import Table, as_csv, checked_table

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
UNDATED = {
    "png": {"Software": None},
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
}


@contextmanager
def our_style() -> Iterator[None]:
    """All settings of matplotlib but the backend: its defaults and our style, not the user's.

    A figure reads some of them when it is made and others when it is drawn, so that both stand
    within.
    """
    with plt.style.context(["default", STYLE]):
        yield


def save_figure(figure: Figure, table: Table, folder: str, name: str) -> dict[str, Table]:
    """Write name.png, name.pdf and name.csv (the table) to a folder; nothing if it is ''.

    The folder is made.

    Returns
    -------
    dict
        The table by the figure's name, for `save_results`.

    Raises
    ------
    ValueError, TypeError
        With the argument's name: where a name is a path, for what is no figure, no folder.
    OSError
        Where the files cannot be written; nothing is left half written.
    """
    checked_name("name", name)
    checked_table("table", table)
    target = checked_folder("folder", folder)
    if not isinstance(figure, Figure):
        raise TypeError(f"figure: wanted a Figure of matplotlib, got {figure!r:.80}")
    if target:
        contents = {target / f"{name}.csv": as_csv(table)}
        for ending, backend in (("png", "agg"), ("pdf", "pdf")):
            buffer = io.BytesIO()
            with our_style():
                undated = UNDATED[ending]
                figure.savefig(buffer, format=ending, backend=backend, metadata=undated)
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
        _load_backend()
        with our_style():
            figure = _drawing(draw, table)
            for ax in figure.axes:  # how many ticks there are depends on the size of their labels
                ax.tick_params(which="both", labelsize=STYLE["font.size"])
            _lay_out(figure)
        return figure

    return styled


def _drawing(draw: Callable[[Table], Figure], table: Table) -> Figure:
    """The drawing of a table that has what it needs."""
    if not isinstance(table, Mapping):
        raise TypeError(f"table: wanted a mapping from names to columns, got {table!r:.80}")
    columns = {name: np.asarray(column) for name, column in table.items()}
    shapes = {name: column.shape for name, column in columns.items()}
    if len(set(shapes.values())) != 1 or not all(len(shape) == 1 for shape in shapes.values()):
        raise ValueError(f"table: wanted columns of one length, got shapes {shapes}")
    try:
        return draw(columns)
    except KeyError as missing:
        found = ", ".join(map(str, columns))
        raise ValueError(f"table: wanted a column {missing}, got {found}") from missing


def _load_backend() -> None:
    """Load the user's backend, which sets things of its own; Agg where that is none for here."""
    try:
        plt.draw_if_interactive()
    except ImportError:  # it wants a screen
        plt.switch_backend("agg")


def _lay_out(figure: Figure) -> None:
    """Fix the layout as Agg measures it, and that a notebook shows the figure in our style."""
    canvas = figure.canvas
    FigureCanvasAgg(figure)  # takes the canvas's place
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    figure.set_canvas(canvas)
    # a notebook calls this after the cell, for the picture below it
    canvas.print_figure = our_style()(canvas.print_figure)  # type: ignore[method-assign]


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
