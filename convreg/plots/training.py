"""The figures of networks in training, with the median and the range over the seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from convreg.plots.style import CYCLE, DASHES, Figure, axes_grid, drawn, plain_logarithm
from convreg.storage.tables import Table, from_rows, groups

Style = tuple[str, Any]
STYLES: dict[str, Style] = {
    "none": ("black", "-"),
    "penalty, M'M": (CYCLE[0], DASHES[0]),
    "penalty, smaller": (CYCLE[1], DASHES[1]),
    "penalty, values": ("#56B4E9", (0, (4, 1, 1, 1, 1, 1))),
    "weight decay": (CYCLE[2], DASHES[2]),
    "spectral norm": (CYCLE[3], DASHES[3]),
}


def styles(table: Table) -> Iterator[tuple[str, Table, Style]]:
    """Each method with its rows, its colour and its dashes, the same in every figure."""
    for method, rows in groups(table, "method").items():
        yield method, rows, STYLES[method]


def band(ax: Axes, rows: Table, x: str, y: str, style: Style, label: str) -> None:
    """The median over the seeds as a line in the range of all seeds."""
    levels = groups(rows, x)
    values = np.array([level[y] for level in levels.values()])
    color, dash = style
    ax.fill_between(
        list(levels), values.min(axis=1), values.max(axis=1), color=color, alpha=0.12, linewidth=0
    )
    ax.plot(list(levels), np.median(values, axis=1), color=color, linestyle=dash, label=label)


@drawn
def sigma_max_figure(table: Table) -> Figure:
    """sigma_max of each layer over the epochs, one line per method.

    Columns: method, seed, epoch, layer, sigma_max.
    """
    figure, axes = _over_the_epochs(table, "sigma_max")
    for ax in axes:
        ax.axhline(1, color="black", linewidth=0.6)
    axes[0].annotate("1", (0, 1), (0, -2), textcoords="offset points", va="top", ha="center")
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel(r"$\sigma_{\max}(M)$")
    return figure


def _over_the_epochs(table: Table, field: str) -> tuple[Figure, list[Axes]]:
    layers = groups(table, "layer")
    figure, axes = axes_grid(1, len(layers), 3.1, sharey=True)
    for ax, (layer, rows) in zip(axes, layers.items(), strict=True):
        for method, of_method, style in styles(rows):
            band(ax, of_method, "epoch", field, style, method)
        ax.set(title=layer, xlabel="epoch")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=3, frameon=False)
    return figure, axes


def start_and_end(layers: Table) -> Table:
    """sigma_min and kappa of each layer: the medians over the seeds, and the range at the end.

    Columns: measure, layer, method, start, end, lowest, highest.
    """
    rows = []
    for measure in ("sigma_min", "condition_number"):
        for layer, of_layer in groups(layers, "layer").items():
            for method, of_method in groups(of_layer, "method").items():
                epochs = [epoch[measure] for epoch in groups(of_method, "epoch").values()]
                start = np.median(epochs[0])
                last = epochs[-1]
                ends = (np.median(last), min(last), max(last))
                rows.append((measure, layer, method, start, *ends))
    names = ("measure", "layer", "method", "start", "end", "lowest", "highest")
    return from_rows(names, rows)


MEASURES = {"sigma_min": r"$\sigma_{\min}(M)$", "condition_number": r"$\kappa(M)$"}


@drawn
def ends_figure(table: Table) -> Figure:
    """Where sigma_min and kappa of a layer start and end, a row a method; see `start_and_end`."""
    measures = list(groups(table, "measure"))
    layers = list(groups(table, "layer"))
    methods = list(groups(table, "method"))
    height = (0.2 * len(methods) + 0.75) * len(measures)
    figure, axes = axes_grid(len(measures), len(layers), height, sharey=True)
    panels = iter(axes)
    for measure, of_measure in groups(table, "measure").items():
        for layer, rows in groups(of_measure, "layer").items():
            ax = next(panels)
            _marks(ax, rows, methods)
            ax.set(xscale="log", xlabel=MEASURES[measure])
            ax.set_title(layer if measure == measures[0] else "")
            plain_logarithm(ax.xaxis, few=30)
    axes[0].set_yticks([-place for place in range(len(methods))], methods)
    words = ("start: median", "end: median, lowest and highest")
    figure.legend(axes[0].lines[:2], words, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _marks(ax: Axes, rows: Table, methods: list[str]) -> None:
    for i, method in enumerate(rows["method"].tolist()):
        place = -methods.index(method)
        color, _ = STYLES[method]
        ax.plot(rows["start"][i], place, "o", color=color, markersize=6, fillstyle="none")
        ax.plot(rows["end"][i], place, "o", color=color, markersize=4)
        ax.hlines(place, rows["lowest"][i], rows["highest"][i], color=color, linewidth=1.2)
    ax.grid(False, axis="y")


@drawn
def gradients_figure(table: Table) -> Figure:
    """The norm of the back-propagated gradient at each layer over the epochs, one line per method.

    Columns: method, seed, epoch, layer, gradient.
    """
    figure, axes = _over_the_epochs(table, "gradient")
    axes[0].set_yscale("log")
    plain_logarithm(axes[0].yaxis)
    axes[0].set_ylabel("norm of the gradient, per image")
    return figure


@drawn
def accuracy_figure(table: Table) -> Figure:
    """The test accuracy less that without regularisation, against the noise: one panel per method.

    Columns: method, noise, mean, lowest, highest, in percentage points.
    """
    methods = list(styles(table))
    figure, axes = axes_grid(1, len(methods), 2.5, sharey=True)
    for ax, (method, rows, (color, _)) in zip(axes, methods, strict=True):
        ax.fill_between(
            rows["noise"], rows["lowest"], rows["highest"], color=color, alpha=0.2, linewidth=0
        )
        ax.plot(rows["noise"], rows["mean"], color=color, marker="o", markersize=3)
        ax.axhline(0, color="black", linewidth=0.8, linestyle=":")
        ax.set(title=method, xlabel="noise")
    axes[0].set_ylabel("accuracy less that of none,\npercentage points")
    return figure


@drawn
def strengths_figure(table: Table) -> Figure:
    """The gain in accuracy by strength, without noise and under the largest: `strength_gains`."""
    levels = groups(table, "noise")
    marks = next(iter(levels.values()))
    pairs = zip(marks["method"].tolist(), marks["strength"].tolist(), strict=True)
    names = [f"{method}, {strength:g}" for method, strength in pairs]
    colors = [STYLES[method][0] for method in marks["method"].tolist()]
    places = -np.arange(len(names))
    height = 0.27 * len(names) + 0.85
    figure, axes = axes_grid(1, len(levels), height, sharex=True, sharey=True)
    for ax, (noise, rows) in zip(axes, levels.items(), strict=True):
        ax.hlines(places, rows["lowest"], rows["highest"], color=colors, linewidth=1.2)
        ax.scatter(rows["mean"], places, s=20, color=colors, zorder=3)
        ax.axvline(0, color="black", linewidth=0.8, linestyle=":")
        ax.set_title(f"noise {noise:g}" if noise else "without noise")
        ax.set_xlabel("accuracy less that of none, points")
        ax.grid(False, axis="y")
    axes[0].set_yticks(places, names)
    return figure
