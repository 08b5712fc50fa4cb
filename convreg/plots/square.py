"""The figures of the square case: where det F vanishes, and what orthogonality costs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from convreg.plots.style import axes_grid, drawn
from convreg.storage.tables import Table, groups

MARKS = {  # marker, face and edge, of light and dark against every colour
    "index 1": ("o", "black", "white"),
    "index -1": ("o", "white", "black"),
    "undecided": ("s", "none", "black"),
}


@drawn
def determinant_figure(table: Table) -> Figure:
    """The argument of det F on the torus in colour, and its zeros, one panel beside the other.

    A zero of index 1 is a filled circle, one of index -1 an open one; where it is undecided whether
    there is one, a square.

    Columns: panel (its title), kind ("argument", "index 1", "index -1" or "undecided"), theta_1 and
    theta_2 in units of pi, argument in units of pi.
    """
    panels = groups(table, "panel")
    figure, axes = axes_grid(1, len(panels), 6.8 / len(panels) + 0.4, sharex=True, sharey=True)
    marks = {}
    for ax, (title, rows) in zip(axes, panels.items(), strict=True):
        kinds = groups(rows, "kind")
        image = _argument(ax, kinds["argument"])
        for kind, (marker, face, edge) in MARKS.items():
            if kind in kinds:
                x, y = kinds[kind]["theta_1"], kinds[kind]["theta_2"]
                marks[kind] = ax.plot(
                    x, y, marker, mfc=face, mec=edge, markersize=6, markeredgewidth=1.2
                )[0]
        ax.set(title=title, xlabel=r"$\theta_1/\pi$", xticks=[0, 1, 2], yticks=[0, 1, 2])
    axes[0].set_ylabel(r"$\theta_2/\pi$")
    bar = figure.colorbar(image, ax=axes, ticks=[-1, 0, 1], shrink=0.75, aspect=12)
    bar.set_label(r"$\arg\,\det F\,/\,\pi$")
    if marks:
        names = list(marks)
        figure.legend(marks.values(), names, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _argument(ax: Axes, rows: Table) -> AxesImage:
    side = len(np.unique(rows["theta_1"]))
    values = rows["argument"].reshape(side, side).T
    ax.grid(False)
    return ax.imshow(
        values,
        cmap="twilight_shifted",
        vmin=-1,
        vmax=1,
        origin="lower",
        extent=(0, 2, 0, 2),
        interpolation="none",
    )
