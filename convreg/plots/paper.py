"""Figures 3.1 and 3.2, and what the power method makes of R_alpha: notebooks 0 and 4 to 7."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convreg.plots.style import CYCLE, DASHES, axes_grid, drawn, plain_logarithm, whole_iterations
from convreg.storage.tables import PAPERS_LINES, Table, groups

R, GRAM = r"$\mathcal{R}_\alpha$", r"$\sigma_{\max}(M^TM-\alpha I)$"


@drawn
def convergence_figure(table: Table) -> Figure:
    """Figures 3.1 and 3.2 in the paper's form, from a `history_table` with alphas: a case a panel.

    On the left axis, blue, sigma_max (solid), sigma_min (dashed) and kappa (dotted). On the right,
    logarithmic for a dip below alpha to be seen, R_alpha as the algorithm estimates it (orange, solid,
    with dots), the exact one (black, dashed) and alpha (black, thin, dotted).
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

    A pair of panels per case. The residual ``|Bv - sigma u|`` bounds the distance to some singular value
    of B, not to the largest: where the error is above it, the area between the two is coloured.

    Columns: case, iteration, estimate, residual, penalty.
    """
    cases = groups(table, "case")
    columns = min(len(cases), 2 if len(cases) <= 4 else 3)
    blocks = -(-len(cases) // columns)
    figure, axes = axes_grid(
        2 * blocks, columns, 3.4 * blocks + 0.4, sharex=True, sharey="row",
        gridspec_kw={"height_ratios": [3, 2] * blocks},
    )  # fmt: skip
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
    x, error, residual = lines["iteration"], lines["penalty"] - lines["estimate"], lines["residual"]
    area = below.fill_between(
        x, residual, error, where=error > residual, interpolate=True, color=CYCLE[1], alpha=0.25,
        linewidth=0, label="error above residual",
    )  # fmt: skip
    below.plot(x, error, "-", color="black", label="error: exact less estimate")
    below.plot(x, residual, ":", color=CYCLE[0], label=r"residual $|Bv-\sigma u|$")
    below.set_xlabel("iteration")
    below.tick_params(labelbottom=True)
    whole_iterations(below)
    return area
