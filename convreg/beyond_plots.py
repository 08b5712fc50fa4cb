"""The figures of notebooks 7 and 8: the barrier, the remedy on many kernels, and the alternatives."""

from __future__ import annotations

from itertools import cycle

import numpy as np

from convreg.plotting import CYCLE, DASHES, Figure, MaxNLocator, axes_grid, drawn
from convreg.tables import Table, groups


@drawn
def descent_figure(table: Table) -> Figure:
    """Lines over the iterations of a descent, one panel beside the other, up to four lines in each.

    Columns: panel (its title), line (its name), iteration, value.
    """
    panels = groups(table, "panel")
    figure, axes = axes_grid(1, len(panels), 2.8, sharey=True)
    for ax, (title, rows) in zip(axes, panels.items(), strict=True):
        for (name, line), color, dash in zip(groups(rows, "line").items(), CYCLE, DASHES, strict=False):
            ax.semilogy(line["iteration"], line["value"], dash, color=color, linewidth=1.1, label=name)
        ax.set(title=title, xlabel="iteration")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        ax.legend(frameon=False, loc="best", handlelength=2.6)
    axes[0].set_ylabel(r"$\mathcal{R}_\alpha$")
    return figure


@drawn
def outcome_figure(table: Table) -> Figure:
    """Where the estimate is lowest and the final condition number, over many start kernels.

    Columns: alpha, gram ("columns" or "rows"), state, lowest_at, lowest, kappa.
    """
    figure, (left, right) = axes_grid(1, 2, 3.0)
    shifts = groups(table, "alpha")
    for (alpha, rows), color, dash in zip(shifts.items(), cycle(CYCLE), cycle(DASHES), strict=False):
        at = groups(rows, "gram")["columns"]["lowest_at"]
        values, counts = np.unique(at, return_counts=True)
        left.plot(values, counts, dash, color=color, marker="o", markersize=3, label=f"α = {alpha:g}")
    left.set(
        xlabel="iteration of the lowest estimate", ylabel="start kernels", title=r"$M^TM$: when the estimate dips"
    )
    left.set_xscale("symlog", linthresh=10)
    left.set_xlim(left=0)
    ticks = [tick for tick in (0, 2, 4, 6, 8, 10, 20, 50, 100, 200, 500, 1000) if tick <= left.get_xlim()[1]]
    left.set_xticks(ticks, map(str, ticks))
    left.legend(frameon=False)
    for gram, color, marker, side in (("columns", CYCLE[1], "s", -0.2), ("rows", CYCLE[0], "o", 0.2)):
        for place, rows in enumerate(shifts.values()):
            kappa = np.sort(groups(rows, "gram")[gram]["kappa"])
            spread = np.linspace(-0.13, 0.13, len(kappa)) if len(kappa) > 1 else np.zeros(1)
            right.semilogy(place + side + spread, kappa, marker, color=color, markersize=2.2, alpha=0.7)
            right.hlines(np.median(kappa), place + side - 0.17, place + side + 0.17, color="black", linewidth=1.2)
        label = {"columns": "$M^TM$", "rows": "$MM^T$"}[gram]
        right.plot([], [], marker, color=color, label=label)
    right.set_xticks(range(len(shifts)), [f"α = {alpha:g}" for alpha in shifts])
    right.set(ylabel=r"final $\kappa(M)$", title="every start kernel, and the median")
    right.set_ylim(top=right.get_ylim()[1] * 1.9)
    right.legend(frameon=False, loc="upper left", ncols=2, handletextpad=0.2, columnspacing=1)
    return figure


@drawn
def comparison_figure(table: Table) -> Figure:
    """The interval of singular values that each method leaves, one panel a kernel, with its condition number.

    Columns: budget, kernel, method, sigma_max, sigma_min, kappa, noise, smooth and more. Values below 0.003
    and above 300 lie outside of the picture.
    """
    panels = groups(table, "kernel")
    methods = list(groups(table, "method"))
    lines = -(-len(panels) // 2)
    figure, axes = axes_grid(
        lines, min(2, len(panels)), (0.19 * len(methods) + 0.55) * lines, sharex=True, sharey=True
    )
    for ax, (kernel, rows) in zip(axes, panels.items(), strict=False):
        for name, low, high, kappa in zip(
            rows["method"], rows["sigma_min"], rows["sigma_max"], rows["kappa"], strict=True
        ):
            place = -methods.index(name)
            color = "black" if name == "start" else CYCLE[0] if name.startswith("R,") else CYCLE[1]
            ax.plot([max(low, 1e-9), high], [place, place], "-", color=color, linewidth=2.5, solid_capstyle="butt")
            ax.annotate(f"{kappa:.3g}", (1, place), (-2, 0), ("axes fraction", "data"), textcoords="offset points",
                        ha="right", va="center", fontsize=8)  # fmt: skip
        for name in set(methods) - set(rows["method"].tolist()):
            ax.annotate("the same", (1, -methods.index(name)), (-2, 0), ("axes fraction", "data"),
                        textcoords="offset points", ha="right", va="center", fontsize=8)  # fmt: skip
        ax.axvline(1, color="black", linewidth=0.8, linestyle=":")
        ax.set_xscale("log")
        ax.set(xlim=(3e-3, 300), title=kernel.replace("x", "×") + r", $\kappa$ at the right")
        ax.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
        ax.grid(False, axis="y")
    axes[0].set_yticks([-place for place in range(len(methods))], methods)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax in axes[: len(panels)][-2:]:
        ax.set_xlabel("singular values of the zero-padded $M$")
        ax.tick_params(labelbottom=True)
    return figure
