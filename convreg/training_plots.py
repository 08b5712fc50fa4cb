"""The figures of notebook 10: networks in training, with the median and the range over the seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter

from convreg.claims.training import METHODS
from convreg.plotting import CYCLE, DASHES, Figure, axes_grid, drawn
from convreg.tables import Table, groups

Style = tuple[str, Any]
STYLES: dict[str, Style] = dict(zip(METHODS, zip(("black", *CYCLE), ("-", *DASHES), strict=True), strict=True))


def styles(table: Table) -> Iterator[tuple[str, Table, Style]]:
    """Each method with its rows, its colour and its dashes, the same in every figure."""
    for method, rows in groups(table, "method").items():
        yield method, rows, STYLES[method]


def band(ax: Axes, rows: Table, x: str, y: str, style: Style, label: str) -> None:
    """The median over the seeds as a line in the range of all seeds."""
    levels = groups(rows, x)
    values = np.array([level[y] for level in levels.values()])
    color, dash = style
    ax.fill_between(list(levels), values.min(axis=1), values.max(axis=1), color=color, alpha=0.12, linewidth=0)
    ax.plot(list(levels), np.median(values, axis=1), color=color, linestyle=dash, label=label)


@drawn
def singular_values_figure(table: Table) -> Figure:
    """sigma_max, sigma_min and kappa of each layer over the epochs, one line per method.

    Columns: method, seed, epoch, layer, sigma_max, sigma_min, condition_number.
    """
    layers = groups(table, "layer")
    figure, axes = axes_grid(3, len(layers), 6.4, sharex=True)
    fields = {
        "sigma_max": r"$\sigma_{\max}(M)$",
        "sigma_min": r"$\sigma_{\min}(M)$",
        "condition_number": r"$\kappa(M)$",
    }
    for row, (field, label) in enumerate(fields.items()):
        for ax, (layer, rows) in zip(axes[row * len(layers) :], layers.items(), strict=False):
            for method, of_method, style in styles(rows):
                band(ax, of_method, "epoch", field, style, method)
            if field != "sigma_max":
                ax.set_yscale("log")
                ax.yaxis.set_major_formatter("{x:g}")
                ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
            if field != "condition_number":
                ax.axhline(1, color="black", linewidth=0.6)
            if row == 0:
                ax.set_title(layer)
        axes[row * len(layers)].set_ylabel(label)
    top = max(ax.get_ylim()[1] for ax in axes[: len(layers)])
    for ax in axes[: len(layers)]:
        ax.set_ylim(0, top)
    for ax in axes[-len(layers) :]:
        ax.set_xlabel("epoch")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False)
    return figure


@drawn
def gradients_figure(table: Table) -> Figure:
    """The norm of the back-propagated gradient at each layer over the epochs, one line per method.

    Columns: method, seed, epoch, layer, gradient.
    """
    layers = groups(table, "layer")
    figure, axes = axes_grid(1, len(layers), 2.9, sharey=True)
    for ax, (layer, rows) in zip(axes, layers.items(), strict=True):
        for method, of_method, style in styles(rows):
            band(ax, of_method, "epoch", "gradient", style, method)
        ax.set(title=layer, xlabel="epoch", yscale="log")
    axes[0].set_ylabel("norm of the gradient, per image")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False)
    return figure


@drawn
def accuracy_figure(table: Table) -> Figure:
    """The test accuracy less that without regularisation, against the noise: one panel per method.

    Columns: method, noise, mean, lowest, highest, in percentage points.
    """
    methods = list(styles(table))
    figure, axes = axes_grid(1, len(methods), 2.5, sharey=True)
    for ax, (method, rows, (color, _)) in zip(axes, methods, strict=True):
        ax.fill_between(rows["noise"], rows["lowest"], rows["highest"], color=color, alpha=0.2, linewidth=0)
        ax.plot(rows["noise"], rows["mean"], color=color, marker="o", markersize=3)
        ax.axhline(0, color="black", linewidth=0.8, linestyle=":")
        ax.set(title=method, xlabel="noise")
    axes[0].set_ylabel("accuracy less that of none,\npercentage points")
    return figure


@drawn
def strengths_figure(table: Table) -> Figure:
    """Accuracy under noise against accuracy without, a mark per method and strength: mean over the seeds.

    Columns: method, strength, clean, noisy, in per cent.
    """
    figure, (ax,) = axes_grid(1, 1, 3.2)
    for method, rows, (color, dash) in styles(table):
        ax.plot(rows["clean"], rows["noisy"], color=color, linestyle=dash, marker="o", markersize=4, label=method)
        for strength, x, y in zip(rows["strength"], rows["clean"], rows["noisy"], strict=True):
            if strength:
                ax.annotate(f"{strength:g}", (x, y), (4, 4), textcoords="offset points", color=color)
    ax.margins(0.1)
    ax.set(xlabel="test accuracy, %", ylabel="test accuracy under the largest noise, %")
    figure.legend(loc="outside upper center", ncols=5, frameon=False)
    return figure
