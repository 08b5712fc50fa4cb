"""The figures at layer scale: the bounds, how the time of an update grows, rates, the barrier."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from convreg.plots.style import CYCLE, DASHES, Figure, axes_grid, drawn, plain_logarithm
from convreg.storage.tables import Table, groups

# where the words of a line stand, from its end
PLACES = {
    "dense": ((-4, 6), "right"),
    "sparse": ((-8, 15), "left"),
    "matrix-free": ((5, -4), "left"),
}


# how each bound is drawn, named, and where its words stand from the middle of its line
BOUNDS = {
    "symbol": ("-", "s", "maximum of the symbol", (8, 8), "left"),
    "torus": ("--", "o", "torus that avoids it", (-14, -12), "right"),
}


@drawn
def gap_figure(table: Table) -> Figure:
    """How far two bounds of sigma_max(M)^2 are above it, against N, with the fitted slopes.

    Columns: N, bound ("symbol" or "torus"), gap, slope.
    """
    figure, (ax,) = axes_grid(1, 1, 3.0)
    for color, (bound, line) in zip(CYCLE, groups(table, "bound").items(), strict=False):
        dash, marker, name, place, side = BOUNDS[bound]
        ax.loglog(line["N"], line["gap"], dash, color=color, marker=marker, markersize=4)
        middle = len(line["N"]) // 2
        ax.annotate(
            f"{name}: slope {line['slope'][0]:.1f}",
            (line["N"][middle], line["gap"][middle]),
            place,
            textcoords="offset points",
            ha=side,
            va="center",
            color=color,
        )
    label = r"bound of $\sigma_{\max}^2$ over $\sigma_{\max}^2$, less 1"
    ax.set(xlabel="image size $N$", ylabel=label)
    plain_logarithm(ax.xaxis)
    plain_logarithm(ax.yaxis)
    return figure


@drawn
def growth_figure(table: Table) -> Figure:
    """The time of an update against N and against the channels, with the fitted slopes.

    Columns: against ("N" or "channels"), representation, x, seconds, slope.
    """
    panels = groups(table, "against")
    figure, axes = axes_grid(1, len(panels), 3.1, sharey=True)
    names = {"N": ("image size $N$", "16 channels"), "channels": ("channels $g=h$", "$N=14$")}
    for ax, (against, rows) in zip(axes, panels.items(), strict=True):
        for (representation, line), color, dash in zip(
            groups(rows, "representation").items(), CYCLE, DASHES, strict=False
        ):
            ax.loglog(line["x"], line["seconds"], dash, color=color, marker="o", markersize=2.5)
            words = f"{representation}\nslope {line['slope'][0]:.1f}"
            place, side = PLACES.get(representation, PLACES["dense"])
            ax.annotate(
                words,
                (line["x"][-1], line["seconds"][-1]),
                place,
                textcoords="offset points",
                ha=side,
                va="center",
                color=color,
                annotation_clip=False,
            )
        label, fixed = names[against]
        ax.set(xlabel=label, title=f"3×3, {fixed}")
        ax.set_xlim(min(rows["x"]) * 0.9, max(rows["x"]) * 4)
        plain_logarithm(ax.xaxis, few=300)
    axes[0].set_ylim(min(table["seconds"]) / 2, max(table["seconds"]) * 5)
    axes[0].set_ylabel("seconds for one update")
    plain_logarithm(axes[0].yaxis)
    return figure


@drawn
def rate_figure(table: Table) -> Figure:
    """The fraction of the rate of a 2000 x 2000 matrix product that M'M v reaches, layer by layer.

    Columns: layer, type ("float64" or "float32"), fraction.
    """
    types = groups(table, "type")
    layers = list(groups(table, "layer"))
    figure, (ax,) = axes_grid(1, 1, 0.27 * len(layers) + 0.9)
    for (name, rows), color, marker, up in zip(
        types.items(), CYCLE, "os", (0.12, -0.12), strict=False
    ):
        places = [len(layers) - 1 - layers.index(layer) + up for layer in rows["layer"]]
        ax.hlines(places, 0, rows["fraction"], color=color, linewidth=0.8)
        ax.plot(rows["fraction"], places, marker, color=color, markersize=4, label=name)
    ax.set_yticks(range(len(layers)), [layer.replace("x", "×") for layer in layers[::-1]])
    ax.set(xlim=(0, 1.05), xlabel="fraction of the rate of a 2000 × 2000 matrix product")
    ax.grid(False, axis="y")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


@drawn
def barrier_figure(table: Table) -> Figure:
    """From where to where R_alpha can come: a line for each layer and Gram matrix.

    It begins with a mark at He's start. Where it ends at a bar, it ends at the barrier; else at 0.

    Columns: layer, count, gram ("columns" or "rows"), start, lowest.
    """
    layers = groups(table, "layer")
    figure, (ax,) = axes_grid(1, 1, 0.3 * len(layers) + 1.0)
    places = np.arange(len(layers), 0, -1)
    _spans(ax, groups(table, "gram")["columns"], places + 0.16, CYCLE[1], "s", "$M^TM$")
    _spans(ax, groups(table, "gram")["rows"], places - 0.16, CYCLE[0], "o", "$MM^T$")
    ax.axvline(1, color="black", linewidth=0.8, linestyle=":", zorder=0.5, label="the barrier")
    names = []
    for layer, rows in layers.items():
        times = f", {rows['count'][0]} times" if rows["count"][0] > 1 else ""
        names.append(layer.replace("x", "×") + times)
    ax.set_yticks(places, names)
    ax.set_xscale("function", functions=(lambda x: np.abs(x) ** 0.5, np.square))
    ax.set_xlim(0, 1.1 * max(table["start"]))
    ax.set_xticks([tick for tick in (0, 1, 2, 5, 10, 20, 50) if tick < ax.get_xlim()[1]])
    ax.set_xlabel(r"$\mathcal{R}_\alpha/\alpha$, from He's start (mark) to the lowest there is")
    ax.grid(False, axis="y")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def _spans(ax: Axes, rows: Table, places: NDArray, color: str, marker: str, words: str) -> None:
    """The lines of one Gram matrix."""
    ax.hlines(places, rows["lowest"], rows["start"], color=color, linewidth=1.4)
    ax.plot(rows["start"], places, marker, color=color, markersize=4.5, label=words)
    stopped = rows["lowest"] > 0
    ends = rows["lowest"][stopped]
    ax.plot(ends, places[stopped], "|", color=color, markersize=9, markeredgewidth=2.5)
