"""The figures beyond the paper: the barrier, the remedy on many kernels, the alternatives."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETLEFT, CARETRIGHT
from matplotlib.ticker import MaxNLocator

from convreg.plots.style import CYCLE, DASHES, axes_grid, drawn, plain_logarithm, whole_iterations
from convreg.storage.tables import Table, groups


@drawn
def descent_figure(table: Table) -> Figure:
    """Lines over the iterations of a descent, one panel beside the other, up to four lines in each.

    Columns: panel (its title), line (its name), iteration, value; and perhaps lowest, the running
    minimum: that is the line then, with the values thin behind it.
    """
    panels = groups(table, "panel")
    figure, axes = axes_grid(1, len(panels), 2.8, sharey=True)
    bold, width = ("lowest", 2.2) if "lowest" in table else ("value", 1.1)
    for ax, (title, rows) in zip(axes, panels.items(), strict=True):
        styled = zip(groups(rows, "line").items(), CYCLE, DASHES, strict=False)
        for (name, line), color, dash in styled:
            x = line["iteration"]
            if bold == "lowest":
                ax.semilogy(x, line["value"], dash, color=color, linewidth=0.6, alpha=0.6)
            ax.semilogy(x, line[bold], dash, color=color, linewidth=width, label=name)
        ax.set(title=title, xlabel="iteration")
        whole_iterations(ax)
        ax.legend(frameon=False, loc="best", handlelength=2.6)
    plain_logarithm(axes[0].yaxis)
    so_far = ", and the lowest so far (bold)" if bold == "lowest" else ""
    axes[0].set_ylabel(r"$\mathcal{R}_\alpha$" + so_far)
    return figure


@drawn
def outcome_figure(table: Table) -> Figure:
    """Many start kernels: when the estimate is lowest, a panel per alpha, and the final kappa.

    Columns: alpha, gram ("columns" or "rows"), state, lowest_at, lowest, kappa.
    """
    shifts = groups(table, "alpha")
    figure = plt.figure(figsize=(6.8, max(3.0, 0.55 * len(shifts) + 0.9)), layout="constrained")
    grid = figure.add_gridspec(len(shifts), 2)
    first = figure.add_subplot(grid[0, 0])
    shared = {"sharex": first, "sharey": first}
    rest = [figure.add_subplot(grid[row, 0], **shared) for row in range(1, len(shifts))]
    _dips([first, *rest], shifts)
    _condition_numbers(figure.add_subplot(grid[:, 1]), shifts)
    return figure


def _dips(axes: list[Axes], shifts: dict[float, Table]) -> None:
    for ax, (alpha, rows) in zip(axes, shifts.items(), strict=True):
        lowest_at = groups(rows, "gram")["columns"]["lowest_at"]
        ax.bar(*np.unique(lowest_at, return_counts=True), width=0.8, color=CYCLE[1])
        ax.text(0.98, 0.92, f"α = {alpha:g}", transform=ax.transAxes, ha="right", va="top")
        ax.tick_params(labelbottom=ax is axes[-1])
    axes[0].set_xlim(left=-0.6)
    axes[0].set_ylim(top=1.3 * axes[0].get_ylim()[1])  # room for the words
    axes[0].yaxis.set_major_locator(MaxNLocator(3, integer=True))
    whole_iterations(axes[0])
    axes[0].set_title(r"$M^TM$: when the estimate is lowest")
    axes[len(axes) // 2].set_ylabel("start kernels")
    axes[-1].set_xlabel("iteration")


def _condition_numbers(ax: Axes, shifts: dict[float, Table]) -> None:
    for gram, color, marker, side in (
        ("columns", CYCLE[1], "s", -0.2),
        ("rows", CYCLE[0], "o", 0.2),
    ):
        for place, rows in enumerate(shifts.values()):
            kappa = np.sort(groups(rows, "gram")[gram]["kappa"])
            spread = np.linspace(-0.13, 0.13, len(kappa)) if len(kappa) > 1 else np.zeros(1)
            x = place + side + spread
            ax.semilogy(x, kappa, marker, color=color, markersize=2.2, alpha=0.7)
            ends = place + side - 0.17, place + side + 0.17
            ax.hlines(np.median(kappa), *ends, color="black", linewidth=1.2)
        ax.plot([], [], marker, color=color, label={"columns": "$M^TM$", "rows": "$MM^T$"}[gram])
    ax.set_xticks(range(len(shifts)), [f"α = {alpha:g}" for alpha in shifts])
    ax.set(ylabel=r"final $\kappa(M)$", title="every start kernel, and the median")
    ax.set_ylim(top=ax.get_ylim()[1] * 1.9)
    plain_logarithm(ax.yaxis)
    ax.legend(frameon=False, loc="upper left", ncols=2, handletextpad=0.2, columnspacing=1)


SHOWN = (3e-3, 300)  # of the singular values, by `comparison_figure`


@drawn
def comparison_figure(table: Table) -> Figure:
    """The interval of singular values that each method leaves, and kappa; one panel a kernel.

    What goes on below 0.003 or above 300, outside of the picture, ends in an arrow.

    Columns: budget, kernel, method, sigma_max, sigma_min, kappa, noise, smooth and more.
    """
    panels = groups(table, "kernel")
    methods = list(groups(table, "method"))
    lines = -(-len(panels) // 2)
    height = (0.19 * len(methods) + 0.55) * lines
    figure, axes = axes_grid(lines, min(2, len(panels)), height, sharex=True, sharey=True)
    for ax, (kernel, rows) in zip(axes, panels.items(), strict=False):
        _intervals(ax, rows, methods)
        ax.axvline(1, color="black", linewidth=0.8, linestyle=":")
        ax.set_xscale("log")
        ax.set(xlim=SHOWN, title=kernel.replace("x", "×") + r", $\kappa$ at the right")
        ax.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
        ax.grid(False, axis="y")
    axes[0].set_yticks([-place for place in range(len(methods))], methods)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax in axes[: len(panels)][-2:]:
        ax.set_xlabel("singular values of the zero-padded $M$")
        ax.tick_params(labelbottom=True)
    return figure


def _intervals(ax: Axes, rows: Table, methods: list[str]) -> None:
    words = dict.fromkeys(methods, "as above")
    least, most = SHOWN
    for row, name in enumerate(rows["method"].tolist()):
        low = rows["sigma_min"][row]
        high = rows["sigma_max"][row]
        place = -methods.index(name)
        color = _color(name)
        bar = [max(low, 1e-9), high]
        ax.plot(bar, [place, place], "-", color=color, linewidth=2.5, solid_capstyle="butt")
        if low < least:
            ax.plot(least, place, marker=CARETLEFT, color=color, linestyle="none", markersize=7)
        if high > most:
            ax.plot(most, place, marker=CARETRIGHT, color=color, linestyle="none", markersize=7)
        words[name] = f"{rows['kappa'][row]:.2g}"
    for name, word in words.items():
        ax.annotate(
            word,
            (1, -methods.index(name)),
            (-2, 0),
            ("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
        )


def _color(method: str) -> str:
    """Black the start, one colour what is along the ends of the spectrum of M, another the rest."""
    if method == "start":
        return "black"
    return CYCLE[0] if method.startswith(("R,", "values,")) else CYCLE[1]
