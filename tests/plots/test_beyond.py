"""The figures beyond the paper: every number of the table is drawn."""

from pathlib import Path

import numpy as np
import pytest
from axes import legend_labels, styles_and_values, words_at_places, words_of
from matplotlib.colors import to_rgb
from matplotlib.markers import CARETLEFT, CARETRIGHT

from convreg.plots import beyond as beyond_plots
from convreg.plots import style as plotting
from convreg.plots.style import CYCLE
from convreg.storage.tables import groups, read_table, rounded, stacked

FIGURES = Path(__file__).parents[2] / "figures"


@pytest.mark.parametrize("titles", [("only",), ("second", "first", "third")])
def test_descent_figure_has_a_panel_beside_the_other_and_a_line_a_name(titles):
    blocks = [
        {
            "panel": title,
            "line": name,
            "iteration": np.arange(5, 9),
            "value": i + j / 8 + np.arange(1, 5) / 64,
        }
        for i, title in enumerate(titles)
        for j, name in enumerate("dcba"[: 4 - i])
    ]
    figure = beyond_plots.descent_figure(rounded(stacked(blocks)))
    assert [ax.get_title() for ax in figure.axes] == list(titles)
    assert len({ax.get_position().y0 for ax in figure.axes}) == 1
    assert [ax.get_ylabel() for ax in figure.axes] == [r"$\mathcal{R}_\alpha$"] + [""] * (
        len(titles) - 1
    )
    for i, (ax, title) in enumerate(zip(figure.axes, titles, strict=True)):
        drawn = [block for block in blocks if block["panel"] == title]
        assert styles_and_values(ax) == [
            (color, dash, [5, 6, 7, 8], rounded(block)["value"].tolist())
            for block, color, dash in zip(drawn, plotting.CYCLE, plotting.DASHES, strict=False)
        ]
        assert legend_labels(ax) == list("dcba"[: 4 - i])
        assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("linear", "log", "iteration")
        assert all(float(tick).is_integer() for tick in ax.get_xticks())
        assert ax.get_ylim() == figure.axes[0].get_ylim()


def test_descent_figure_shows_the_running_minimum_bold_over_the_values():
    values = [4.0, 5.0, 2.0, 3.0, 1.0]
    lowest = [4.0, 4.0, 2.0, 2.0, 1.0]
    columns = {"panel": "p", "iteration": np.arange(5), "value": values, "lowest": lowest}
    table = stacked([{"line": name, **columns} for name in "ab"])
    figure = beyond_plots.descent_figure(table)
    (ax,) = figure.axes
    assert [line.get_ydata().tolist() for line in ax.lines] == [values, lowest] * 2
    thin, bold = ax.lines[::2], ax.lines[1::2]
    assert (
        max(line.get_linewidth() for line in thin) < min(line.get_linewidth() for line in bold) / 3
    )
    assert legend_labels(ax) == ["a", "b"]
    assert [handle.get_linewidth() for handle in ax.get_legend().legend_handles] == [2.2, 2.2]
    for line, over in zip(thin, bold, strict=True):
        assert (line.get_color(), line.get_linestyle()) == (over.get_color(), over.get_linestyle())
    assert "bold" in ax.get_ylabel()


def test_the_bold_lines_of_kinks_never_rise():
    table = read_table(FIGURES / "kinks.csv")
    figure = beyond_plots.descent_figure(table)
    bold = [line for ax in figure.axes for line in ax.lines if line.get_linewidth() > 1]
    assert len(bold) == 4
    lines = []
    for panel in groups(table, "panel").values():
        lines += groups(panel, "line").values()
    for line, rows in zip(bold, lines, strict=True):
        assert (np.diff(line.get_ydata()) <= 0).all()
        assert line.get_ydata().tolist() == np.minimum.accumulate(rows["value"]).tolist()


def outcomes_of(alphas, states, lowest_at, kappa):
    rows = [
        (alpha, gram, state) for alpha in alphas for gram in ("columns", "rows") for state in states
    ]
    names = ("alpha", "gram", "state")
    table = {
        name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    return rounded({**table, "lowest_at": lowest_at, "lowest": [1.0] * len(rows), "kappa": kappa})


def bars(ax):
    """The heights by the middles of the bars."""
    return {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in ax.patches}


def test_outcome_figure_has_bars_as_high_as_the_counts_on_an_even_axis():
    at = [6, 4, 6, 90, 91, 92, 2, 25, 25, 93, 94, 95]
    figure = beyond_plots.outcome_figure(
        outcomes_of((10.0, 0.5), (1, 2, 3), at, np.arange(1.0, 13))
    )
    first, second, _ = figure.axes
    assert bars(first) == pytest.approx({4: 1, 6: 2})  # and nothing at 5
    assert bars(second) == pytest.approx({2: 1, 25: 2})
    assert not first.lines
    assert {bar.get_facecolor() for bar in first.patches} == {(*to_rgb(CYCLE[1]), 1)}
    for ax, words in ((first, "α = 10"), (second, "α = 0.5")):
        assert (ax.get_xscale(), ax.get_yscale(), ax.get_ylim()[0]) == ("linear", "linear", 0)
        assert [text.get_text() for text in ax.texts] == [words]
        low, high = ax.get_xlim()
        assert low < 0
        assert high > 25.4
        assert ax.get_xlim() == first.get_xlim()
        assert ax.get_ylim() == first.get_ylim()
        assert ax.get_position().x0 == first.get_position().x0
    assert (words_of(first.xaxis), words_of(second.xaxis)) == (
        [],
        ["0", "5", "10", "15", "20", "25"],
    )
    assert (first.get_title(), second.get_xlabel()) == (
        r"$M^TM$: when the estimate is lowest",
        "iteration",
    )
    assert [ax.get_ylabel() for ax in (first, second)] == ["", "start kernels"]


def test_outcome_figure_draws_every_condition_number_and_the_median():
    kappa = [5.0, 3.0, 2.0, 1.5, 1.25, 1.75, 8.0, 7.0, 9.0, 4.0, 6.0, 4.5]
    *_, right = beyond_plots.outcome_figure(
        outcomes_of((10.0, 0.5), (1, 2, 3), range(12), kappa)
    ).axes
    dots = [line for line in right.lines if len(line.get_xdata())]
    assert [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in dots] == [
        (plotting.CYCLE[1], "s", "None"),
        (plotting.CYCLE[1], "s", "None"),
        (plotting.CYCLE[0], "o", "None"),
        (plotting.CYCLE[0], "o", "None"),
    ]
    assert [line.get_ydata().tolist() for line in dots] == [
        [2, 3, 5],
        [7, 8, 9],
        [1.25, 1.5, 1.75],
        [4, 4.5, 6],
    ]
    for line, middle in zip(dots, (-0.2, 0.8, 0.2, 1.2), strict=True):
        assert line.get_xdata()[1] == pytest.approx(middle)
        assert middle - 0.2 < line.get_xdata()[0] < middle < line.get_xdata()[2] < middle + 0.2
    medians = [collection.get_segments()[0] for collection in right.collections]
    assert [segment[:, 1].tolist() for segment in medians] == [
        [3, 3],
        [8, 8],
        [1.5, 1.5],
        [4.5, 4.5],
    ]
    assert [segment[:, 0].mean() for segment in medians] == pytest.approx([-0.2, 0.8, 0.2, 1.2])
    assert all(0.3 < np.ptp(segment[:, 0]) < 0.4 for segment in medians)
    assert legend_labels(right) == ["$M^TM$", "$MM^T$"]
    assert [
        (handle.get_color(), handle.get_marker()) for handle in right.get_legend().legend_handles
    ] == [
        (plotting.CYCLE[1], "s"),
        (plotting.CYCLE[0], "o"),
    ]
    assert right.get_yscale() == "log"
    assert right.get_ylim()[1] > 1.9 * 9
    assert right.get_xticks().tolist() == [0, 1]
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["α = 10", "α = 0.5"]
    assert (right.get_xlabel(), right.get_ylabel()) == ("", r"final $\kappa(M)$")
    assert right.get_title() == "every start kernel, and the median"


def test_outcome_figure_of_a_single_kernel():
    left, right = beyond_plots.outcome_figure(outcomes_of((5.0,), (1,), [20, 3], [2.5, 1.5])).axes
    assert bars(left) == pytest.approx({20: 1})
    assert [line.get_xdata().tolist() for line in right.lines] == [[-0.2], [], [0.2], []]
    assert [line.get_ydata().tolist() for line in right.lines] == [[2.5], [], [1.5], []]


def test_outcome_figure_draws_more_alphas_than_there_are_colors():
    alphas = (0.1, 0.5, 1.0, 5.0, 10.0)
    *left, right = beyond_plots.outcome_figure(
        outcomes_of(alphas, (1,), range(10), np.arange(1.0, 11))
    ).axes
    assert [bars(ax) for ax in left] == [pytest.approx({at: 1}) for at in (0, 2, 4, 6, 8)]
    assert [ax.texts[0].get_text() for ax in left] == [f"α = {alpha:g}" for alpha in alphas]
    assert right.get_xticks().tolist() == [0, 1, 2, 3, 4]


def comparison_rows(kernel, *rows):
    names = ("method", "sigma_min", "sigma_max", "kappa")
    return {"budget": 9, "kernel": kernel, **dict(zip(names, zip(*rows, strict=True), strict=True))}


FIVE_ROWS = (
    ("start", 0.5, 4.0, 8.0),
    ("R, columns", 0.0, 2.0, np.inf),
    ("R, smaller", 0.8, 1.2, 1.5),
    ("values, limited", 0.7, 1.4, 2.0),
    ("Frobenius", 1e-12, 1.5, 1234.5),
)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_comparison_figure_has_an_interval_a_method_and_a_panel_a_kernel(count):
    """The second kernel has two methods less, the last one too; the methods keep their places."""
    blocks = [
        comparison_rows(f"3x3x{i}x1", *(FIVE_ROWS[:2] + FIVE_ROWS[3:4] if i == 1 else FIVE_ROWS))
        for i in range(count)
    ]
    figure = beyond_plots.comparison_figure(rounded(stacked(blocks)))
    panels, names = figure.axes[:count], [name for name, *_ in FIVE_ROWS]
    assert len(figure.axes) == {1: 1, 2: 2, 3: 4, 4: 4}[count]
    assert [ax.axison for ax in figure.axes] == [True] * count + [False] * (
        len(figure.axes) - count
    )
    assert len({ax.get_position().x0 for ax in panels}) == min(2, count)
    assert len({ax.get_position().y0 for ax in panels}) == (count + 1) // 2
    colors = dict(zip(names, ("black", *[plotting.CYCLE[0]] * 3, plotting.CYCLE[1]), strict=True))
    for i, (ax, block) in enumerate(zip(panels, blocks, strict=True)):
        assert [drawn for drawn in styles_and_values(ax)[:-1] if drawn[1] == "-"] == [
            (colors[name], "-", [max(low, 1e-9), high], [-names.index(name)] * 2)
            for name, low, high in zip(
                block["method"], block["sigma_min"], block["sigma_max"], strict=True
            )
        ]
        assert styles_and_values(ax)[-1] == ("black", ":", [1, 1], [0, 1])
        expected = dict(zip(names, ("8", "inf", "1.5", "2", "1.2e+03"), strict=True))
        expected |= {name: "as above" for name in names if name not in block["method"]}
        assert words_at_places(ax) == {
            (word, (1, -names.index(name))) for name, word in expected.items()
        }
        assert all(
            text.xycoords == ("axes fraction", "data") and text.get_ha() == "right"
            for text in ax.texts
        )
        assert ax.get_title() == f"3×3×{i}×1" + r", $\kappa$ at the right"
        assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlim()) == ("log", "linear", (3e-3, 300))
        assert ax.get_xticks().tolist() == [0.01, 0.1, 1, 10]
        assert ax.get_ylim() == panels[0].get_ylim()
        assert not any(line.get_visible() for line in ax.get_ygridlines())
    left = panels[0]
    assert left.get_yticks().tolist() == [0, -1, -2, -3, -4]
    assert [tick.get_text() for tick in left.get_yticklabels()] == names
    labelled = [ax.get_xlabel() == "singular values of the zero-padded $M$" for ax in panels]
    assert labelled == [count - i <= 2 for i in range(count)]
    assert [tick.get_text() for tick in panels[-1].get_xticklabels()] == ["0.01", "0.1", "1", "10"]


def test_comparison_figure_has_numbers_wherever_it_has_the_label():
    figure = beyond_plots.comparison_figure(
        rounded(stacked(comparison_rows(name, *FIVE_ROWS) for name in "abc"))
    )
    for ax in figure.axes[:3]:
        assert bool(ax.get_xlabel()) == ax.xaxis.get_tick_params()["labelbottom"]


def test_comparison_figure_marks_the_bars_that_go_on_outside_of_the_picture():
    rows = [
        ("start", 0.5, 4.0, 8.0),
        ("low", 1e-5, 2.0, 2e5),
        ("high", 0.01, 1e3, 1e5),
        ("both", 0.0, 301.0, np.inf),
    ]
    rows += [("ends", 0.003, 300.0, 1e5)]  # just inside
    (ax,) = beyond_plots.comparison_figure(rounded(stacked([comparison_rows("a", *rows)]))).axes
    arrows = [line for line in ax.lines if line.get_marker() != "None"]
    left, right = (CARETLEFT, 3e-3), (CARETRIGHT, 300)  # their tips are at the ends of the axis
    marks = [(line.get_marker(), *line.get_xdata(), *line.get_ydata()) for line in arrows]
    assert marks == [(*left, -1), (*right, -2), (*left, -3), (*right, -3)]
    assert ax.get_xlim() == (3e-3, 300)
    assert {line.get_color() for line in arrows} == {CYCLE[1]}
