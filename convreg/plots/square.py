"""The figures of the square case: where det F vanishes, and what orthogonality costs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from convreg.plots.style import CYCLE, axes_grid, drawn
from convreg.storage.tables import Table, groups

MARKS = {  # marker, face and edge: seen against every colour, and told apart by their shape alone
    "index 1": ("o", "white", "black"),
    "index -1": ("^", "white", "black"),
    "undecided": ("s", "none", "black"),
}


@drawn
def determinant_figure(table: Table) -> Figure:
    """The argument of det F on the torus in colour, and its zeros, one panel beside the other.

    A zero of index 1 is a circle, one of index -1 a triangle; where it is undecided whether there
    is one, a square.

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


STARTS = {  # colour, dashes and words for the starts of `tradeoff_figure`
    "c = 0": (CYCLE[0], "-", "random kernel"),
    "c = 2": (CYCLE[1], (0, (4, 1.5)), "the same plus 2 on the centre"),
}
KAPPAS = (1.01, 1.03, 1.1, 1.3, 2, 4, 11)


@drawn
def tradeoff_figure(table: Table) -> Figure:
    """The best kappa with a given share off the centre, on the way down; a panel for each g.

    Bold is the method "R", thin are the others. Shaded is where no kernel is, dotted what 3 x 3
    kernels have that are constructed.

    Columns: g, start ("c = 0", "c = 2" or "limit"), line (the method; "no kernel" or
    "constructed"), share, kappa.
    """
    panels = groups(table, "g")
    figure, axes = axes_grid(1, len(panels), 3.0, sharex=True, sharey=True)
    for ax, (g, rows) in zip(axes, panels.items(), strict=True):
        _limits(ax, groups(groups(rows, "start")["limit"], "line"))
        for start, (color, dashes, words) in STARTS.items():
            for name, line in groups(groups(rows, "start")[start], "line").items():
                width, label = (2.6, words) if name == "R" else (0.8, None)
                x, y = line["share"], line["kappa"] - 1
                ax.plot(x, y, linestyle=dashes, color=color, linewidth=width, label=label)
        ax.set(title=f"g = h = {g}", xlabel="share of |K| off the centre", xlim=(0.1, 0.8))
    axes[0].set(yscale="log", ylim=(0.008, 12), ylabel=r"least $\kappa(M)$ with this share")
    axes[0].set_yticks([kappa - 1 for kappa in KAPPAS], [f"{kappa:g}" for kappa in KAPPAS])
    axes[0].set_yticks([], minor=True)
    handles = [line for line in axes[0].lines if not str(line.get_label()).startswith("_")]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _limits(ax: Axes, lines: dict[str, Table]) -> None:
    """What no kernel reaches, and what a constructed one has."""
    bound, constructed = lines["no kernel"], lines["constructed"]
    ax.fill_between(bound["share"], bound["kappa"] - 1, 1e-9, color="0.85", linewidth=0)
    ax.text(0.78, 0.012, "no kernel", ha="right", va="bottom")
    x, y = constructed["share"], constructed["kappa"] - 1
    ax.plot(x, y, ":", color="black", linewidth=1.6, label="constructed kernel")
    ax.axhline(0.1, color="black", linewidth=0.6)
