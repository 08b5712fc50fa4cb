"""The paper at a glance: the picture of the site's first page, and of its social card."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from convreg.plots.style import CYCLE, drawn, plain_logarithm, whole_iterations
from convreg.storage.tables import Table

TITLE = "On Regularization of Convolutional Kernels\nin Neural Networks, as code that is checked"


@drawn
def glance_figure(table: Table) -> Figure:
    """Figure 3.2, one value of alpha: the estimate dips below alpha, the exact penalty does not.

    Columns: alpha, iteration, estimate, penalty, of one descent.
    """
    figure, ax = plt.subplots(figsize=(4.8, 2.75), layout="constrained")
    _descent(ax, table)
    return figure


@drawn
def card_figure(table: Table) -> Figure:
    """The same with the name of the project, 1200 x 630 at 200 dots an inch.

    Columns: alpha, iteration, estimate, penalty, of one descent.
    """
    margins = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    figure, ax = plt.subplots(figsize=(6, 3.15), layout=margins)
    _descent(ax, table)
    figure.suptitle("convreg", x=0.09, ha="left", fontsize=17, fontweight="bold")
    ax.set_title(TITLE, loc="left", fontsize=11)
    return figure


def _descent(ax: Axes, table: Table) -> None:
    x = table["iteration"]
    alpha = float(table["alpha"][0])
    ax.plot(x, table["estimate"], "-", color=CYCLE[1], marker="o", markersize=3.5)
    ax.plot(x, table["penalty"], "--", color="black", linewidth=1.4)
    ax.axhline(alpha, color="black", linewidth=0.9, linestyle=":")
    ax.set_yscale("log")
    bottom = 0.78 * float(min(table["estimate"]))
    ax.set_ylim(bottom=bottom)
    ax.axhspan(bottom, alpha, color="black", alpha=0.06, linewidth=0)
    _words(ax, table, alpha)
    plain_logarithm(ax.yaxis)
    whole_iterations(ax)
    ax.set(xlabel="iteration", ylabel=r"the penalty $\mathcal{R}_\alpha$")


def _words(ax: Axes, table: Table, alpha: float) -> None:
    """What each line is, beside it."""
    x = table["iteration"]
    lowest = int(table["estimate"].argmin())
    dip = (x[lowest], table["estimate"][lowest])
    _beside(ax, "what the algorithm believes", dip, (9, -1), "left", CYCLE[1])
    _beside(ax, "the exact penalty", (x[-1], alpha), (0, 7), "right")
    _beside(ax, f"α = {alpha:g}", (x[0], alpha), (0, 4), "left")
    ax.text(0.98, 0.05, "where no kernel is", transform=ax.transAxes, ha="right")


def _beside(
    ax: Axes,
    word: str,
    point: tuple[float, float],
    offset: tuple[float, float],
    side: str,
    color: str = "black",
) -> None:
    ax.annotate(word, point, offset, textcoords="offset points", ha=side, color=color)
