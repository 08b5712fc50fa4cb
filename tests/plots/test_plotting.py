"""Figures: rounded tables in, the same numbers drawn and saved, files whole or not at all."""

import io
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.markers import CARETLEFT, CARETRIGHT
from matplotlib.text import Text

from convreg import conv_matrix, extreme_singular_values, penalty_gradient
from convreg.examples import start_kernel
from convreg.plots import beyond as beyond_plots
from convreg.plots import layers as layer_plots
from convreg.plots import paper as paper_plots
from convreg.plots import style as plotting
from convreg.plots import training as training_plots
from convreg.plots.style import CYCLE, save_figure
from convreg.storage.tables import groups, history_table, read_table, rounded, stacked

FIGURES = Path(__file__).parents[2] / "figures"


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture
def histories():
    names = "estimate, penalty, sigma_max, sigma_min, condition_number, residual, selected"
    rows = [(4.123456789, 4.2, 2.0, 0.5, 4.0, 0.1, 0), (3.0, 3.1, 1.8, 0.4, 4.5, 0.2, 1)]
    return {case: np.rec.fromrecords(rows, names=names) for case in ("3x3x1x1, alpha = 1", "b", "c")}


ALPHAS = (1.0, 3.05, 0.05)


@pytest.fixture
def table(histories):
    return history_table(histories, alphas=ALPHAS)


def test_rounding_keeps_integers_words_and_nan():
    table = rounded({"a": [1, 2], "b": [np.pi, np.nan], "c": ["x", "y"], "d": [-123456.789, 0.0]}, digits=3)
    assert table["a"].tolist() == [1, 2]
    assert table["b"][0] == 3.14
    assert np.isnan(table["b"][1])
    assert table["d"].tolist() == [-123000.0, 0.0]


def test_stacking_and_grouping_undo_each_other():
    table = stacked([{"case": "b", "i": np.arange(2)}, {"case": "a", "i": [5]}])
    assert {case: rows["i"].tolist() for case, rows in groups(table, "case").items()} == {"b": [0, 1], "a": [5]}
    assert list(groups(table, "case")) == ["b", "a"]


def test_a_table_survives_its_file(tmp_path, table):
    figure = paper_plots.convergence_figure(table)
    folder = tmp_path / "deep" / "folder"
    assert save_figure(figure, table, str(folder), "figure") == {"figure": table}
    assert sorted(path.name for path in folder.iterdir()) == ["figure.csv", "figure.pdf", "figure.png"]
    read = read_table(folder / "figure.csv")
    assert list(read) == list(table)
    for name, column in table.items():
        assert read[name].tolist() == column.tolist()
    assert read["estimate"][0] == 4.12346


def test_the_bytes_do_not_depend_on_the_run(tmp_path, table):
    for folder in ("first", "second"):
        save_figure(paper_plots.convergence_figure(table), table, str(tmp_path / folder), "figure")
    for ending in ("csv", "png", "pdf"):
        first, second = (tmp_path / folder / f"figure.{ending}" for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
        assert b"Date" not in first.read_bytes()


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch, table):
    monkeypatch.chdir(tmp_path)
    assert save_figure(paper_plots.convergence_figure(table), table, "", "figure") == {"figure": table}
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_figure(tmp_path, table, monkeypatch):
    figure = paper_plots.convergence_figure(table)
    (tmp_path / "figure.png").write_bytes(b"old")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, table, str(tmp_path), "figure")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]
    assert (tmp_path / "figure.png").read_bytes() == b"old"


def test_a_full_disk_leaves_the_old_figure_and_no_part(tmp_path, table, monkeypatch):
    figure = paper_plots.convergence_figure(table)
    save_figure(figure, table, str(tmp_path), "figure")
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write = Path.write_bytes

    def fail(path, content):
        if "pdf" in path.name:
            write(path, content[:10])
            raise OSError("disk full")
        return write(path, b"new")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, table, str(tmp_path), "figure")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


def lines(ax):
    return {(line.get_color(), line.get_linestyle()): line for line in ax.lines}


def test_a_history_table_has_the_alpha_of_each_case(histories):
    table = history_table(histories, ("penalty",), alphas=ALPHAS)
    assert list(table) == ["case", "alpha", "iteration", "penalty"]
    assert table["alpha"].tolist() == [1, 1, 3.05, 3.05, 0.05, 0.05]
    assert list(history_table(histories, ("penalty",))) == ["case", "iteration", "penalty"]
    with pytest.raises(ValueError, match="argument 2"):
        history_table(histories, alphas=(1.0,))


def two_axes(figure, cases):
    """The left and the right axes of each panel."""
    visible = [ax for ax in figure.axes if ax.axison]
    return list(zip(visible[:cases], visible[cases:], strict=True))


def test_the_papers_form(table):
    left, right = two_axes(paper_plots.convergence_figure(table), 3)[1]
    assert left.bbox.bounds == right.bbox.bounds
    history = groups(table, "case")["b"]
    blue = {"-": "sigma_max", "--": "sigma_min", ":": "condition_number"}
    assert {style: line.get_ydata().tolist() for style, line in lines(left).items()} == {
        (CYCLE[0], dash): history[name].tolist() for dash, name in blue.items()
    }
    others = {(CYCLE[1], "-"): "estimate", ("black", "--"): "penalty"}
    for style, name in others.items():
        assert lines(right)[style].get_ydata().tolist() == history[name].tolist()
        assert lines(right)[style].get_xdata().tolist() == [0, 1]
    assert [line.get_marker() for line in right.lines] == ["o", "None", "None"]
    assert left.get_title() == "b"
    assert (left.get_yscale(), left.get_ylim()[0], right.get_yscale()) == ("linear", 0, "log")


def test_a_line_at_alpha_in_each_panel_and_what_is_below_it_in_sight(table):
    figure = paper_plots.convergence_figure(table)
    for (_, right), alpha in zip(two_axes(figure, 3), ALPHAS, strict=True):
        line = lines(right)[("black", ":")]
        assert line.get_ydata() == [alpha, alpha]
        assert line.get_xdata() == [0, 1]
        assert line.get_transform() == right.get_yaxis_transform()
        low, high = right.get_ylim()
        assert low < min(alpha, 3.0)
        assert high > 4.2
    titles = [left.get_title() for left, _ in two_axes(figure, 3)]
    assert titles == ["3×3×1×1, α = 1", "b", "c"]


def test_the_legend_of_the_papers_form_has_the_left_axis_above_the_right_one(table):
    figure = paper_plots.convergence_figure(table)
    left, right = two_axes(figure, 3)[0]
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words[::2] == [line.get_label() for line in left.lines]
    assert words[1::2] == [line.get_label() for line in right.lines]
    assert words[1::2] == [r"$\mathcal{R}_\alpha$, as estimated", r"$\mathcal{R}_\alpha$, exact", "α"]
    assert legend._ncols == 3


def test_a_dip_of_the_estimate_below_alpha_is_seen():
    """Figure 3.2: it is no less than 3 mm high in a column of 173 mm."""
    table = read_table(FIGURES / "figure_3_2.csv")
    cases = groups(table, "case")
    figure = paper_plots.convergence_figure(table)
    dips = []
    for (_, right), rows in zip(two_axes(figure, len(cases)), cases.values(), strict=True):
        lowest, alpha = right.transData.transform([(0, rows["estimate"].min()), (0, rows["alpha"][0])])[:, 1]
        dips.append((alpha - lowest) / figure.dpi * 25.4)
    assert sorted(np.greater(dips, 0)) == [False, True, True, True]
    assert min(dip for dip in dips if dip > 0) > 3


@pytest.mark.parametrize(("low", "high", "few", "ticks"), [
    (1, 100, 3000, ["1", "2", "5", "10", "20", "50", "100"]),
    (0.5, 400, 100, ["1", "10", "100"]),
    (0.001, 20, 3000, ["0.001", "0.01", "0.1", "1", "10"]),
    (1.7, 2.9, 3000, ["1.8", "2.1", "2.4", "2.7"]),
])  # fmt: skip
def test_a_logarithmic_axis_has_plain_numbers(low, high, few, ticks):
    _, (ax,) = plotting.axes_grid(1, 1, 2)
    ax.set(yscale="log", ylim=(low, high))
    plotting.plain_logarithm(ax.yaxis, few)
    assert words_of(ax.yaxis) == ticks


def words_of(axis):
    """The labels of the ticks that are drawn."""
    axis.figure.draw_without_rendering()
    return [text.get_text() for text in tick_labels(axis)]


def tick_labels(axis):
    low, high = sorted(axis.get_view_interval())
    shown = [tick for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()) if low <= tick.get_loc() <= high]
    return [
        text for tick in shown for text in (tick.label1, tick.label2) if text.get_visible() and text.get_text()
    ]


def pattern(**columns):
    return {"case": "k", "kernel_size": 2, "rows": 4, "columns": 4, "block": 2, **columns}


def test_pattern_figure_draws_every_entry_at_its_place():
    table = stacked([pattern(row=[0, 3], column=[1, 2], tap=[3, 4])])
    image = paper_image(paper_plots.pattern_figure(table).axes[0])
    assert image[0, 1] == 3
    assert image[3, 2] == 4
    assert np.isfinite(image).sum() == 2


def paper_image(ax):
    return np.ma.filled(ax.images[0].get_array().astype(float), np.nan)


def test_pattern_figure_has_the_kernel_as_a_key_without_the_taps_that_stand_nowhere():
    blocks = [pattern(row=[0, 3, 1], column=[1, 2, 1], tap=[2, 4, 2]), pattern(row=[0], column=[0], tap=[1])]
    blocks[1] |= {"case": "other", "kernel_size": 1}
    figure = paper_plots.pattern_figure(stacked(blocks))
    assert len(figure.axes) == 4
    for above, below, key in zip(figure.axes[:2], figure.axes[2:], ([[None, 2], [None, 4]], [[1]]), strict=True):
        assert np.array_equal(paper_image(below), np.array(key, float), equal_nan=True)
        assert above.images[0].get_clim() == below.images[0].get_clim()  # a tap has one colour
        assert above.images[0].get_cmap() == below.images[0].get_cmap()
        assert below.get_xlabel() == f"$K$, {len(key)} × {len(key)}"
        assert above.get_xlabel() == "$M$, 4 × 4"


def test_bounds_figure():
    s = np.linspace(0, 1, 3)
    table = {"s": s, "sigma_max": s + 1, "sigma_min": 1 - s / 2, "lower": s * np.nan, "upper": s * np.nan, "t": s}
    left, right = paper_plots.bounds_figure(table).axes
    assert lines(left)[(plotting.CYCLE[0], "-")].get_ydata().tolist() == (s + 1).tolist()
    assert lines(left)[(plotting.CYCLE[0], "--")].get_ydata().tolist() == (1 - s / 2).tolist()
    assert right.lines[0].get_ydata().tolist() == s.tolist()


def test_verification_figure_has_a_column_a_statement_and_a_line_a_gradient():
    step = np.logspace(-3, 0, 4)
    table = stacked(
        {
            "statement": statement,
            "gradient": gradient,
            "step": step,
            "difference": step**2,
            "remainder": step**order,
        }
        for statement in ("Lemma 2.1", "Theorem 2.3")
        for gradient, order in (("right", 2), ("missing term", 1))
    )
    figure = paper_plots.verification_figure(table)
    assert len(figure.axes) == 4
    for ax in figure.axes[2:]:
        assert {line.get_label(): line.get_ydata().tolist() for line in ax.lines} == {
            "right": (step**2).tolist(),
            "missing term": step.tolist(),
        }


def test_meeting_figure_draws_its_columns():
    s = np.linspace(-1, 1, 3)
    table = {"s": s, "first": s + 2, "second": s + 1, "slope": s, "wide": s / 2}
    left, right = paper_plots.meeting_figure(table).axes
    assert [line.get_ydata().tolist() for line in left.lines] == [(s + 2).tolist(), (s + 1).tolist()]
    assert [line.get_ydata().tolist() for line in right.lines] == [s.tolist(), (s / 2).tolist()]


def estimates(cases):
    x = np.arange(4)
    values = {"iteration": x, "residual": np.array([0.25, 0.5, 0.5, 0.125]), "penalty": 5.0 - x}
    return stacked(
        {"case": f"case {i}", **values, "estimate": values["penalty"] - [0.125, 0.25, 0.75, 1 + i / 4]}
        for i in range(cases)
    )


@pytest.mark.parametrize(("cases", "columns"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (6, 3), (7, 3)])
def test_estimate_figure_has_the_error_and_the_residual_below_the_estimate_and_the_exact_value(cases, columns):
    table = estimates(cases)
    figure = paper_plots.estimate_figure(table)
    shown = [ax for ax in figure.axes if ax.axison]
    above, below = [ax for ax in shown if ax.get_title()], [ax for ax in shown if not ax.get_title()]
    assert [ax.get_title() for ax in above] == [f"case {i}" for i in range(cases)]
    assert len({round(ax.get_position().x0, 6) for ax in above}) == columns
    for upper, lower, rows in zip(above, below, groups(table, "case").values(), strict=True):
        assert [line.get_ydata().tolist() for line in upper.lines] == [
            rows["estimate"].tolist(), rows["penalty"].tolist(),
        ]  # fmt: skip
        error, residual = lower.lines
        assert error.get_ydata().tolist() == (rows["penalty"] - rows["estimate"]).tolist()
        assert residual.get_ydata().tolist() == rows["residual"].tolist()
        assert (upper.get_yscale(), lower.get_yscale(), lower.get_ylim()[0]) == ("log", "linear", 0)
        assert upper.get_position().x0 == lower.get_position().x0
        assert upper.get_position().y0 > lower.get_position().y1
        highest = max(line.get_ydata().max() for line in lower.lines)
        assert lower.get_ylim()[1] > highest  # the limits of a row are those of all its panels
        assert words_of(lower.xaxis) == ["0", "1", "2", "3"]


def test_nothing_in_estimate_figure_reads_like_an_error_bar():
    """No area around the estimate, no plus or minus; coloured is where the error is above the residual."""
    figure = paper_plots.estimate_figure(estimates(2))
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words == [
        "estimate", r"exact $\mathcal{R}_\alpha$", "error: exact less estimate", r"residual $|Bv-\sigma u|$",
        "error above residual",
    ]  # fmt: skip
    above, below = figure.axes[:2], figure.axes[2:]
    assert not any(len(ax.collections) for ax in above)
    for ax, last in zip(below, (1, 1.25), strict=True):
        (area,) = ax.collections
        points = np.concatenate([path.vertices for path in area.get_paths()])
        assert points[:, 0].min() == 1.5  # where the lines meet: 0.25 and 0.75 against 0.5 and 0.5
        assert points[:, 0].max() == 3
        assert points[points[:, 0] == 3, 1].max() == last
        assert points[points[:, 0] == 3, 1].min() == 0.125


def styles_and_values(ax):
    return [
        (line.get_color(), line.get_linestyle(), [*line.get_xdata()], [*line.get_ydata()]) for line in ax.lines
    ]


def legend_labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def words_at_places(ax):
    return {(text.get_text(), text.xy) for text in ax.texts}


@pytest.mark.parametrize("titles", [("only",), ("second", "first", "third")])
def test_descent_figure_has_a_panel_beside_the_other_and_a_line_a_name(titles):
    blocks = [
        {"panel": title, "line": name, "iteration": np.arange(5, 9), "value": i + j / 8 + np.arange(1, 5) / 64}
        for i, title in enumerate(titles)
        for j, name in enumerate("dcba"[: 4 - i])
    ]
    figure = beyond_plots.descent_figure(rounded(stacked(blocks)))
    assert [ax.get_title() for ax in figure.axes] == list(titles)
    assert len({ax.get_position().y0 for ax in figure.axes}) == 1
    assert [ax.get_ylabel() for ax in figure.axes] == [r"$\mathcal{R}_\alpha$"] + [""] * (len(titles) - 1)
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
    table = stacked([{"panel": "p", "line": name, "iteration": np.arange(5), "value": values, "lowest": lowest}
                     for name in "ab"])  # fmt: skip
    figure = beyond_plots.descent_figure(table)
    (ax,) = figure.axes
    assert [line.get_ydata().tolist() for line in ax.lines] == [values, lowest] * 2
    thin, bold = ax.lines[::2], ax.lines[1::2]
    assert max(line.get_linewidth() for line in thin) < min(line.get_linewidth() for line in bold) / 3
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
    for line, rows in zip(bold, [rows for panel in groups(table, "panel").values()
                                 for rows in groups(panel, "line").values()], strict=True):  # fmt: skip
        assert (np.diff(line.get_ydata()) <= 0).all()
        assert line.get_ydata().tolist() == np.minimum.accumulate(rows["value"]).tolist()


def outcomes_of(alphas, states, lowest_at, kappa):
    rows = [(alpha, gram, state) for alpha in alphas for gram in ("columns", "rows") for state in states]
    names = ("alpha", "gram", "state")
    table = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return rounded({**table, "lowest_at": lowest_at, "lowest": [1.0] * len(rows), "kappa": kappa})


def bars(ax):
    """The heights by the middles of the bars."""
    return {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in ax.patches}


def test_outcome_figure_has_bars_as_high_as_the_counts_on_an_even_axis():
    at = [6, 4, 6, 90, 91, 92, 2, 25, 25, 93, 94, 95]
    figure = beyond_plots.outcome_figure(outcomes_of((10.0, 0.5), (1, 2, 3), at, np.arange(1.0, 13)))
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
    assert (words_of(first.xaxis), words_of(second.xaxis)) == ([], ["0", "5", "10", "15", "20", "25"])
    assert (first.get_title(), second.get_xlabel()) == (r"$M^TM$: when the estimate is lowest", "iteration")
    assert [ax.get_ylabel() for ax in (first, second)] == ["", "start kernels"]


def test_outcome_figure_draws_every_condition_number_and_the_median():
    kappa = [5.0, 3.0, 2.0, 1.5, 1.25, 1.75, 8.0, 7.0, 9.0, 4.0, 6.0, 4.5]
    *_, right = beyond_plots.outcome_figure(outcomes_of((10.0, 0.5), (1, 2, 3), range(12), kappa)).axes
    dots = [line for line in right.lines if len(line.get_xdata())]
    assert [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in dots] == [
        (plotting.CYCLE[1], "s", "None"),
        (plotting.CYCLE[1], "s", "None"),
        (plotting.CYCLE[0], "o", "None"),
        (plotting.CYCLE[0], "o", "None"),
    ]
    assert [line.get_ydata().tolist() for line in dots] == [[2, 3, 5], [7, 8, 9], [1.25, 1.5, 1.75], [4, 4.5, 6]]
    for line, middle in zip(dots, (-0.2, 0.8, 0.2, 1.2), strict=True):
        assert line.get_xdata()[1] == pytest.approx(middle)
        assert middle - 0.2 < line.get_xdata()[0] < middle < line.get_xdata()[2] < middle + 0.2
    medians = [collection.get_segments()[0] for collection in right.collections]
    assert [segment[:, 1].tolist() for segment in medians] == [[3, 3], [8, 8], [1.5, 1.5], [4.5, 4.5]]
    assert [segment[:, 0].mean() for segment in medians] == pytest.approx([-0.2, 0.8, 0.2, 1.2])
    assert all(0.3 < np.ptp(segment[:, 0]) < 0.4 for segment in medians)
    assert legend_labels(right) == ["$M^TM$", "$MM^T$"]
    assert [(handle.get_color(), handle.get_marker()) for handle in right.get_legend().legend_handles] == [
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
    *left, right = beyond_plots.outcome_figure(outcomes_of(alphas, (1,), range(10), np.arange(1.0, 11))).axes
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
    ("R", 0.7, 1.4, 2.0),
    ("Frobenius", 1e-12, 1.5, 1234.5),
)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_comparison_figure_has_an_interval_a_method_and_a_panel_a_kernel(count):
    """The second kernel has two methods less, the last one too, and the methods keep their places."""
    blocks = [
        comparison_rows(f"3x3x{i}x1", *(FIVE_ROWS[:2] + FIVE_ROWS[3:4] if i == 1 else FIVE_ROWS))
        for i in range(count)
    ]
    figure = beyond_plots.comparison_figure(rounded(stacked(blocks)))
    panels, names = figure.axes[:count], [name for name, *_ in FIVE_ROWS]
    assert len(figure.axes) == {1: 1, 2: 2, 3: 4, 4: 4}[count]
    assert [ax.axison for ax in figure.axes] == [True] * count + [False] * (len(figure.axes) - count)
    assert len({ax.get_position().x0 for ax in panels}) == min(2, count)
    assert len({ax.get_position().y0 for ax in panels}) == (count + 1) // 2
    colors = dict(zip(names, ("black", *[plotting.CYCLE[0]] * 2, *[plotting.CYCLE[1]] * 2), strict=True))
    for i, (ax, block) in enumerate(zip(panels, blocks, strict=True)):
        assert [drawn for drawn in styles_and_values(ax)[:-1] if drawn[1] == "-"] == [
            (colors[name], "-", [max(low, 1e-9), high], [-names.index(name)] * 2)
            for name, low, high in zip(block["method"], block["sigma_min"], block["sigma_max"], strict=True)
        ]
        assert styles_and_values(ax)[-1] == ("black", ":", [1, 1], [0, 1])
        expected = dict(zip(names, ("8", "inf", "1.5", "2", "1.23e+03"), strict=True))
        expected |= {name: "as above" for name in names if name not in block["method"]}
        assert words_at_places(ax) == {(word, (1, -names.index(name))) for name, word in expected.items()}
        assert all(text.xycoords == ("axes fraction", "data") and text.get_ha() == "right" for text in ax.texts)
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
    figure = beyond_plots.comparison_figure(rounded(stacked(comparison_rows(name, *FIVE_ROWS) for name in "abc")))
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


# each figure as it is committed: a picture that can be read

DRAWN = {
    "figure_3_1": paper_plots.convergence_figure,
    "figure_3_2": paper_plots.convergence_figure,
    "figure_3_2_exact": paper_plots.estimate_figure,
    "power_method": paper_plots.estimate_figure,
    "pattern": paper_plots.pattern_figure,
    "theorem_2_1": paper_plots.bounds_figure,
    "gradient_verification": paper_plots.verification_figure,
    "remedy_verification": paper_plots.verification_figure,
    "alternatives_verification": paper_plots.verification_figure,
    "nearly_equal_singular_values": paper_plots.meeting_figure,
    "column_norm_bound": beyond_plots.descent_figure,
    "kinks": beyond_plots.descent_figure,
    "barrier_seeds": beyond_plots.outcome_figure,
    "alternatives": lambda table: beyond_plots.comparison_figure(groups(table, "budget")[500]),
    "layer_growth": layer_plots.growth_figure,
    "layer_gemm_rate": layer_plots.rate_figure,
    "training_sigma_max": training_plots.sigma_max_figure,
    "training_start_and_end": training_plots.ends_figure,
    "training_gradients": training_plots.gradients_figure,
    "training_accuracy": training_plots.accuracy_figure,
    "training_strengths": training_plots.strengths_figure,
}


@pytest.fixture(params=DRAWN, scope="module")
def drawn(request):
    return DRAWN[request.param](read_table(FIGURES / f"{request.param}.csv"))


def test_a_figure_looks_the_same_in_any_settings(drawn):
    """Where a notebook shows it, they are not those in which it was drawn."""
    pictures = []
    for settings in (plotting.STYLE, {"font.size": 14, "lines.linewidth": 5, "axes.grid": False}):
        with plt.rc_context(settings):
            drawn.savefig(buffer := io.BytesIO(), format="png", dpi=50)
        pictures.append(buffer.getvalue())
    assert pictures[0] == pictures[1]


def legends(figure):
    return [*figure.legends, *(legend for ax in figure.axes if (legend := ax.get_legend()))]


def all_words(figure):
    """Every text that is seen, and the corners of the box around it."""
    ticks = {text for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for text in axis.findobj(Text)}
    ticks -= {label for ax in figure.axes for label in (ax.xaxis.label, ax.yaxis.label)}
    seen = [text for text in figure.findobj(Text) if text not in ticks]
    seen += [
        text for ax in figure.axes if ax.axison for axis in (ax.xaxis, ax.yaxis) for text in tick_labels(axis)
    ]
    seen += [text for legend in legends(figure) for text in legend.get_texts()]
    found = {text: text.get_window_extent() for text in seen if text.get_visible() and text.get_text().strip()}
    return [(text.get_text(), box) for text, box in found.items()]


def test_no_two_words_of_a_figure_overlap_and_none_is_cut(drawn):
    drawn.draw_without_rendering()
    words = all_words(drawn)
    assert len(words) > 8
    for text, box in words:
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= drawn.bbox.x1 + 1, text
        assert box.y1 <= drawn.bbox.y1 + 1, text
    for (one, box), (other, second) in combinations(words, 2):
        apart = min(box.x1, second.x1) <= max(box.x0, second.x0) or min(box.y1, second.y1) <= max(
            box.y0, second.y0
        )
        assert apart, f"{one} and {other}"


def test_words_beside_one_another_do_not_read_as_one(drawn):
    """Those that stand in the panels: at one height they are apart by more than the width of a letter."""
    letter = 9 / 72 * drawn.dpi
    boxes = [text.get_window_extent() for ax in drawn.axes for text in ax.texts]
    for box, other in combinations(boxes, 2):
        beside = max(box.x0, other.x0) - min(box.x1, other.x1)
        above = max(box.y0, other.y0) - min(box.y1, other.y1)
        assert above > 0 or beside > letter


def grey(color):
    """The luma of a colour, from 0 to 1."""
    return float(np.dot(to_rgb(color), (0.299, 0.587, 0.114)))


def test_the_lines_of_a_legend_are_told_apart_without_colour(drawn):
    """By dashes, by marks, or one is much darker than the other."""
    for legend in legends(drawn):
        handles = [handle for handle in legend.legend_handles if hasattr(handle, "get_linestyle")]
        handles = [handle for handle in handles if hasattr(handle, "get_marker")]
        for one, other in combinations(handles, 2):
            styles = [(line.get_linestyle(), line.get_marker(), line.get_fillstyle()) for line in (one, other)]
            darker = abs(grey(one.get_color()) - grey(other.get_color()))
            assert styles[0] != styles[1] or darker > 0.3, (one.get_label(), other.get_label())


# why the lines of the verifications cross at large steps


def pairs_of_lines(name):
    """Of each panel the right gradient with each wrong one, and the error of the wrong one's slope."""
    for statement, rows in groups(read_table(FIGURES / f"{name}.csv"), "statement").items():
        (_, right), *wrong = groups(rows, "gradient").items()
        for gradient, line in wrong:
            growth = line["remainder"] / line["step"]
            yield statement, gradient, right, line, growth[np.isfinite(growth)][0]


CROSSING = {
    ("Theorem 2.2, u = -v", "missing term"): (0.1, 0.1),
    ("Theorem 2.2, u = -v", "dropped pixel"): (0.1, 0.032),
    ("MM', u = -v", "missing term"): (0.032, 0.1),
}


@pytest.mark.parametrize("name", ["gradient_verification", "remedy_verification", "alternatives_verification"])
def test_a_wrong_line_is_below_the_right_one_only_where_that_is_past_half_of_the_slopes_error(name):
    for statement, gradient, right, wrong, error in pairs_of_lines(name):
        first = []
        for test, half in (("difference", error / 2), ("remainder", error / 2 * wrong["step"])):
            crossed = (wrong["step"] > 1e-4) & (wrong[test] < right[test])
            assert (right[test] > 0.9 * half)[crossed].all()  # two digits are kept
            first.append(wrong["step"][crossed].min() if crossed.any() else np.inf)
        assert first == pytest.approx(CROSSING.get((statement, gradient), (np.inf, np.inf)))


def test_the_remainders_of_the_alternatives_come_together_at_1_where_they_outweigh_the_slopes_error():
    panels = list(pairs_of_lines("alternatives_verification"))
    assert len(panels) == 4
    for _, _, right, wrong, error in panels:
        assert right["step"][-1] == 1
        assert right["remainder"][-1] > 0.9 * error
        assert right["remainder"][-1] < wrong["remainder"][-1] < 2.2 * right["remainder"][-1]


def line_of_kernels(K, N, alpha, gram):
    """M at K + t D for the direction of `gradient_tables`, by t; and the slope along D."""
    G = penalty_gradient(K, N, alpha, gram=gram)[1]
    noise = np.random.default_rng(1).standard_normal(K.shape)
    D = 2 * G / np.linalg.norm(G) + noise / np.linalg.norm(noise)
    D /= np.linalg.norm(D)
    return (lambda t: conv_matrix(K + t * D, N).toarray()), np.sum(G * D)


def theorem_2_2():
    K = start_kernel(3, 2, 3, 1)
    kernel = -0.3 / extreme_singular_values(K, 6)[0] * K[:, :, :1, :1]
    kernel[1, 1] += 0.6
    return *line_of_kernels(kernel, 6, 1.0, "columns"), 1.0


def remedy():
    K = start_kernel(3, 3, 1, 1)
    kernel = 0.3 * 10**0.5 / extreme_singular_values(K, 15)[0] * K
    return *line_of_kernels(kernel, 15, 10.0, "rows"), 10.0


@pytest.mark.parametrize(("case", "same", "another"), [(theorem_2_2, 0.0316, 0.1), (remedy, 0.01, 0.0316)])
def test_from_where_the_differences_cross_another_singular_value_is_the_smallest(case, same, another):
    M, _, alpha = case()
    smallest = np.linalg.svd(M(0))[0][:, -1]

    def overlap(t):
        assert np.linalg.norm(M(t), 2) ** 2 - alpha < alpha - np.linalg.svd(M(t))[1][-1] ** 2  # the lower end
        return abs(np.linalg.svd(M(t))[0][:, -1] @ smallest)

    assert overlap(-same) > 0.98
    assert overlap(-another) < 0.01


@pytest.mark.parametrize(("case", "term", "within"), [(theorem_2_2, -5.27, 0.01), (remedy, -1.0, 0.26)])
def test_where_the_remainders_cross_they_are_the_term_in_t_squared(case, term, within):
    M, slope, alpha = case()

    def R(t):
        sigma = np.linalg.svd(M(t), compute_uv=False)
        return max(sigma[0] ** 2 - alpha, alpha - sigma[-1] ** 2)

    for t in (0.001, 0.01, 0.032, 0.1):
        assert (R(t) - R(0) - slope * t) / t**2 == pytest.approx(term, rel=within)
