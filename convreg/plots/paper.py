"""The figures of what the paper states: M, bounds, gradients, Figures 3.1 and 3.2, the estimate."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convreg.plots.style import CYCLE, DASHES, axes_grid, drawn, plain_logarithm, whole_iterations
from convreg.storage.tables import PAPERS_LINES, Table, groups

R = r"$\mathcal{R}_\alpha$"
GRAM = r"$\sigma_{\max}(M^TM-\alpha I)$"


@drawn
def pattern_figure(table: Table) -> Figure:
    """Where the kernel entries stand in M: one panel per case, one colour per tap (p, q).

    Below it the kernel in the same colours, empty where a tap stands nowhere in M.

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

    Columns: s (the place on the line), sigma_max, sigma_min, lower, upper (NaN where
    R_alpha >= alpha), t.
    """
    figure, (left, right) = axes_grid(1, 2, 2.7)
    s = table["s"]
    left.fill_between(s, table["lower"], table["upper"], color=CYCLE[0], alpha=0.18, linewidth=0)
    for field, dash, label in (
        ("sigma_max", "-", r"$\sigma_{\max}$"),
        ("sigma_min", "--", r"$\sigma_{\min}$"),
    ):
        left.plot(s, table[field], dash, color=CYCLE[0])
        left.annotate(
            label, (s[-1], table[field][-1]), (4, 0), textcoords="offset points", va="center"
        )
    left.set(
        xlabel="$s$ in $K = \\delta + s\\,D$",
        ylabel="singular values of $M$",
        title="Theorem 2.1's band",
    )
    right.plot(s, table["t"], color=CYCLE[1])
    right.axhline(1, color="black", linewidth=0.8, linestyle=":")
    right.annotate("no lower bound above 1", (s[0], 1), (2, 3), textcoords="offset points")
    right.set(
        xlabel="$s$ in $K = \\delta + s\\,D$",
        ylabel=r"$t=\mathcal{R}_\alpha/\alpha$",
        title="The penalty",
    )
    return figure


@drawn
def verification_figure(table: Table) -> Figure:
    """Gradients against differences: central ones above, Taylor remainders below.

    One column of panels a statement.

    Columns: statement, gradient ("right" or the name of a wrong one), step, difference, remainder.
    """
    statements = groups(table, "statement")
    styles = dict(zip(groups(table, "gradient"), zip(CYCLE, DASHES, strict=True), strict=False))
    figure, axes = axes_grid(2, len(statements), 4.4, sharex=True, sharey="row")
    for column, (statement, rows) in enumerate(statements.items()):
        above = axes[column]
        below = axes[len(statements) + column]
        for gradient, line in groups(rows, "gradient").items():
            color, dash = styles[gradient]
            above.loglog(line["step"], line["difference"], color=color, linestyle=dash)
            below.loglog(
                line["step"], line["remainder"], color=color, linestyle=dash, label=gradient
            )
            if column == 0 and gradient == "right":
                _write(below, line, 9e-4, "slope 2", (5, -9), "left")
            elif column == 0:
                _write(below, line, 9e-3, "slope 1", (-6, 4), "right")
        above.set_title(statement)
        below.set_xlabel("step $t$")
    axes[0].set_ylabel("|central difference - slope|")
    axes[len(statements)].set_ylabel("Taylor remainder")
    lines = {str(line.get_label()): line for ax in axes for line in ax.lines}
    handles = [line for label, line in lines.items() if not label.startswith("_")]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _write(
    ax: Axes, line: Table, after: float, word: str, offset: tuple[float, float], side: str
) -> None:
    """A word beside a line of remainders, at its first step after some."""
    place = np.flatnonzero(line["step"] > after)[0]
    point = line["step"][place], line["remainder"][place]
    ax.annotate(word, point, offset, textcoords="offset points", ha=side)


@drawn
def meeting_figure(table: Table) -> Figure:
    """Two singular values that meet, and the slope of the larger one, which jumps there.

    Columns: s, first, second (singular values along a line), slope (formula), wide (central
    difference).
    """
    figure, (left, right) = axes_grid(1, 2, 2.6)
    for field, dash, color in (("first", "-", CYCLE[0]), ("second", "--", CYCLE[1])):
        left.plot(table["s"], table[field], dash, color=color)
        left.annotate(
            field,
            (table["s"][-1], table[field][-1]),
            (3, 0),
            textcoords="offset points",
            va="center",
        )
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


@drawn
def convergence_figure(table: Table) -> Figure:
    """Figures 3.1 and 3.2 in the paper's form, from a `history_table` with alphas: a case a panel.

    On the left axis, blue, sigma_max (solid), sigma_min (dashed) and kappa (dotted). On the right,
    logarithmic for a dip below alpha to be seen, R_alpha as the algorithm estimates it (orange,
    solid, with dots), the exact one (dashed) and alpha (thin, dotted), both in the axes' colour.
    """
    cases = groups(table, "case")
    rows = -(-len(cases) // 2)
    figure, axes = axes_grid(rows, min(2, len(cases)), 2.45 * rows + 0.5)
    for ax, (case, lines) in zip(axes, cases.items(), strict=False):
        right = ax.twinx()
        _singular_values(ax, lines)
        _penalties(right, lines)
        _name_axes(ax, right)
        ax.set(title=case.replace("x", "×").replace("alpha", "α"), xlabel="iteration")
    for ax in axes[len(cases) :]:
        ax.set_axis_off()
    handles = [line for pair in zip(axes[0].lines, right.lines, strict=True) for line in pair]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _singular_values(left: Axes, lines: Table) -> None:
    labels = (r"$\sigma_{\max}(M)$", r"$\sigma_{\min}(M)$", r"$\kappa(M)$")
    for field, dash, label in zip(PAPERS_LINES, DASHES, labels, strict=False):
        left.plot(lines["iteration"], lines[field], dash, color=CYCLE[0], label=label)
    left.set_ylim(bottom=0)
    left.tick_params(axis="y", colors=CYCLE[0])
    whole_iterations(left)


def _penalties(right: Axes, lines: Table) -> None:
    _estimate_and_exact(right, lines, f"{R}, as estimated", f"{R}, exact")
    right.axhline(lines["alpha"][0], color="black", linewidth=0.9, linestyle=":", label="α")
    plain_logarithm(right.yaxis)
    right.tick_params(axis="y", which="both", colors=CYCLE[1])
    right.grid(False)
    right.spines["right"].set_visible(True)


def _estimate_and_exact(ax: Axes, lines: Table, estimate: str, exact: str) -> None:
    x = lines["iteration"]
    ax.plot(x, lines["estimate"], "-", color=CYCLE[1], marker="o", markersize=2.5, label=estimate)
    ax.plot(x, lines["penalty"], "--", color="black", linewidth=1.2, label=exact)
    ax.set_yscale("log")


def _name_axes(left: Axes, right: Axes) -> None:
    place = left.get_subplotspec()
    if place and place.is_first_col():
        left.set_ylabel(r"singular values, $\kappa(M)$", color=CYCLE[0])
    if place and place.is_last_col():
        right.set_ylabel(f"{GRAM}, logarithmic", color=CYCLE[1])


@drawn
def estimate_figure(table: Table) -> Figure:
    """What the power method takes for R_alpha, and the exact value; below, error and residual.

    A pair of panels per case. The residual ``|Bv - sigma u|`` bounds the distance to some singular
    value of B, not to the largest: where the error is above it, the area between the two is
    coloured.

    Columns: case, iteration, estimate, residual, penalty.
    """
    cases = groups(table, "case")
    columns = min(len(cases), 2 if len(cases) <= 4 else 3)
    blocks = -(-len(cases) // columns)
    ratios = {"height_ratios": [3, 2] * blocks}
    height = 3.4 * blocks + 0.4
    figure, axes = axes_grid(
        2 * blocks, columns, height, sharex=True, sharey="row", gridspec_kw=ratios
    )
    pairs = np.array(axes).reshape(blocks, 2, columns).swapaxes(1, 2).reshape(-1, 2)
    for (above, below), (case, lines) in zip(pairs, cases.items(), strict=False):
        _estimate_and_exact(above, lines, "estimate", f"exact {R}")
        above.set_title(case)
        area = _error_and_residual(below, lines)
    for above, below in pairs[: len(cases)]:  # now that a row has its limits
        plain_logarithm(above.yaxis)
        below.set_ylim(bottom=0)
    for above, below in pairs[::columns]:
        above.set_ylabel(GRAM)
        below.set_ylabel("error, residual")
    for ax in pairs[len(cases) :].flat:
        ax.set_axis_off()
    above, below = pairs[0]
    handles = [*above.lines, *below.lines, area]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _error_and_residual(below: Axes, lines: Table) -> Artist:
    x = lines["iteration"]
    error = lines["penalty"] - lines["estimate"]
    residual = lines["residual"]
    area = below.fill_between(
        x,
        residual,
        error,
        where=error > residual,
        interpolate=True,
        color=CYCLE[1],
        alpha=0.25,
        linewidth=0,
        label="error above residual",
    )
    below.plot(x, error, "-", color="black", label="error: exact less estimate")
    below.plot(x, residual, ":", color=CYCLE[0], label=r"residual $|Bv-\sigma u|$")
    below.set_xlabel("iteration")
    below.tick_params(labelbottom=True)
    whole_iterations(below)
    return area
