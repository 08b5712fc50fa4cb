"""How every figure looks and is saved, and those of notebooks 1 to 3: a table in, a Figure out."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray

from convreg.storage.files import write_whole
from convreg.storage.tables import Table, as_csv, groups

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
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito, distinct to colour-blind readers
DASHES = ("-", "--", ":", "-.")


def save_figure(figure: Figure, table: Table, folder: str, name: str) -> dict[str, Table]:
    """Write name.png, name.pdf and name.csv (the table) to a folder, which is made; nothing if it is ''.

    Returns
    -------
    dict
        The table by the figure's name, for `save_results`.
    """
    if folder:
        target = Path(folder).expanduser()
        contents = {target / f"{name}.csv": as_csv(table)}
        undated = {"png": {"Software": None}, "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer"))}
        for ending, nothing in undated.items():
            buffer = io.BytesIO()
            with plt.rc_context(STYLE):
                figure.savefig(buffer, format=ending, metadata=nothing)
            contents[target / f"{name}.{ending}"] = buffer.getvalue()
        write_whole(contents)
    return {name: table}


def axes_grid(rows: int, columns: int, height: float, **kw: Any) -> tuple[Figure, list[Axes]]:
    """A figure as wide as a column of text, and its axes, row by row."""
    figure, grid = plt.subplots(rows, columns, figsize=(6.8, height), layout="constrained", squeeze=False, **kw)
    return figure, list(grid.flat)


def drawn(draw: Callable[[Table], Figure]) -> Callable[[Table], Figure]:
    """In our style, the layout fixed once: shown and saved, at any resolution, a figure looks the same."""

    @wraps(draw)
    def styled(table: Table) -> Figure:
        """The drawing, with the style around it."""
        plt.draw_if_interactive()  # loads the backend, whose own settings the context below must not undo
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


@drawn
def pattern_figure(table: Table) -> Figure:
    """Where the kernel entries stand in M: one panel per case, one colour per tap (p, q).

    Below it the kernel in the same colours, white where a tap stands nowhere in M.

    Columns: case, kernel_size, rows, columns (the size of M), block (its N^2), row, column, tap
    (counted from 1 on, row by row).
    """
    cases = groups(table, "case")
    figure, axes = axes_grid(2, len(cases), 3.6, gridspec_kw={"height_ratios": [3, 1]})
    for above, below, (case, entries) in zip(axes, axes[len(cases) :], cases.items(), strict=False):
        size, height, width = (int(entries[name][0]) for name in ("kernel_size", "rows", "columns"))
        image = np.full((height, width), np.nan)
        image[entries["row"], entries["column"]] = entries["tap"]
        taps = np.arange(1.0, size**2 + 1)
        taps[~np.isin(taps, entries["tap"])] = np.nan
        _cells(above, image, int(entries["block"][0]))
        _cells(below, taps.reshape(size, size))
        above.set(title=case, xlabel=f"$M$, {height} × {width}")
        below.set_xlabel(f"$K$, {size} × {size}")
    return figure


def _cells(ax: Axes, image: NDArray, block: int = 1) -> None:
    ax.imshow(image, cmap="viridis", interpolation="none")
    for edge in range(block, image.shape[1], block):
        ax.axvline(edge - 0.5, color="black", linewidth=0.6)
    for edge in range(block, image.shape[0], block):
        ax.axhline(edge - 0.5, color="black", linewidth=0.6)
    ax.grid(False)
    ax.spines[:].set_visible(True)
    ax.set(xticks=[], yticks=[])


@drawn
def bounds_figure(table: Table) -> Figure:
    """Theorem 2.1 along a line of kernels: the extreme singular values inside their bounds.

    Columns: s (the place on the line), sigma_max, sigma_min, lower, upper (NaN where R_alpha >= alpha), t.
    """
    figure, (left, right) = axes_grid(1, 2, 2.7)
    s = table["s"]
    left.fill_between(s, table["lower"], table["upper"], color=CYCLE[0], alpha=0.18, linewidth=0)
    for field, dash, label in (("sigma_max", "-", r"$\sigma_{\max}$"), ("sigma_min", "--", r"$\sigma_{\min}$")):
        left.plot(s, table[field], dash, color=CYCLE[0])
        left.annotate(label, (s[-1], table[field][-1]), (4, 0), textcoords="offset points", va="center")
    left.set(xlabel="$s$ in $K = \\delta + s\\,D$", ylabel="singular values of $M$", title="Theorem 2.1's band")
    right.plot(s, table["t"], color=CYCLE[1])
    right.axhline(1, color="black", linewidth=0.8, linestyle=":")
    right.annotate("no lower bound above 1", (s[0], 1), (2, 3), textcoords="offset points")
    right.set(xlabel="$s$ in $K = \\delta + s\\,D$", ylabel=r"$t=\mathcal{R}_\alpha/\alpha$", title="The penalty")
    return figure


@drawn
def verification_figure(table: Table) -> Figure:
    """Gradients against differences: central differences above, Taylor remainders below, one column a statement.

    Columns: statement, gradient ("right" or the name of a wrong one), step, difference, remainder.
    """
    statements = groups(table, "statement")
    styles = dict(zip(groups(table, "gradient"), zip(CYCLE, DASHES, strict=True), strict=False))
    figure, axes = axes_grid(2, len(statements), 4.4, sharex=True, sharey="row")
    for column, (statement, rows) in enumerate(statements.items()):
        above, below = axes[column], axes[len(statements) + column]
        for gradient, line in groups(rows, "gradient").items():
            color, dash = styles[gradient]
            above.loglog(line["step"], line["difference"], color=color, linestyle=dash)
            below.loglog(line["step"], line["remainder"], color=color, linestyle=dash, label=gradient)
            if column == 0:
                right = gradient == "right"
                place = np.flatnonzero(line["step"] > (9e-4 if right else 9e-3))[0]
                slope, offset, side = (2, (5, -9), "left") if right else (1, (-6, 4), "right")
                point = line["step"][place], line["remainder"][place]
                below.annotate(f"slope {slope}", point, offset, textcoords="offset points", ha=side)
        above.set_title(statement)
        below.set_xlabel("step $t$")
    axes[0].set_ylabel("|central difference - slope|")
    axes[len(statements)].set_ylabel("Taylor remainder")
    lines = {str(line.get_label()): line for ax in axes for line in ax.lines}
    handles = [line for label, line in lines.items() if not label.startswith("_")]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


@drawn
def meeting_figure(table: Table) -> Figure:
    """Two singular values that meet, and the slope of the larger one, which jumps there.

    Columns: s, first, second (singular values along a line), slope (formula), wide (central difference).
    """
    figure, (left, right) = axes_grid(1, 2, 2.6)
    for field, dash, color in (("first", "-", CYCLE[0]), ("second", "--", CYCLE[1])):
        left.plot(table["s"], table[field], dash, color=color)
        left.annotate(field, (table["s"][-1], table[field][-1]), (3, 0), textcoords="offset points", va="center")
    left.set(xlabel="$s$", ylabel="singular values of $M^TM-\\alpha I$")
    right.plot(table["s"], table["slope"], "-", color=CYCLE[0])
    right.plot(table["s"], table["wide"], "o", color=CYCLE[1], markersize=3)
    for height, color, label in (
        (0.92, CYCLE[0], "line: Theorem 2.3"),
        (0.8, CYCLE[1], "dots: difference\nwith step 0.02"),
    ):
        right.text(0.02, height, label, color=color, transform=right.transAxes, va="top")
    right.set(xlabel="$s$", ylabel=r"slope of $\mathcal{R}_\alpha$")
    return figure
