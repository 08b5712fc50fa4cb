"""The figures at layer scale: how the time of an update grows, and the rate of each layer."""

from __future__ import annotations

from convreg.plots.style import CYCLE, DASHES, Figure, axes_grid, drawn, plain_logarithm
from convreg.storage.tables import Table, groups

# where the words of a line stand, from its end
PLACES = {
    "dense": ((-4, 6), "right"),
    "sparse": ((-8, 15), "left"),
    "matrix-free": ((5, -4), "left"),
}


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
