"""Figures: rounded tables in, the same numbers drawn and saved, files whole or not at all."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from convreg import beyond_plots, plotting
from convreg.plotting import save_figure
from convreg.tables import groups, history_table, read_table, rounded, stacked


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


def test_a_table_survives_its_file(tmp_path, histories):
    table = history_table(histories)
    figure = plotting.convergence_figure(table)
    folder = tmp_path / "deep" / "folder"
    assert save_figure(figure, table, str(folder), "figure") == {"figure": table}
    assert sorted(path.name for path in folder.iterdir()) == ["figure.csv", "figure.pdf", "figure.png"]
    read = read_table(folder / "figure.csv")
    assert list(read) == list(table)
    for name, column in table.items():
        assert read[name].tolist() == column.tolist()
    assert read["estimate"][0] == 4.12346


def test_the_bytes_do_not_depend_on_the_run(tmp_path, histories):
    table = history_table(histories)
    for folder in ("first", "second"):
        save_figure(plotting.convergence_figure(table), table, str(tmp_path / folder), "figure")
    for ending in ("csv", "png", "pdf"):
        first, second = (tmp_path / folder / f"figure.{ending}" for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
        assert b"Date" not in first.read_bytes()


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch, histories):
    monkeypatch.chdir(tmp_path)
    table = history_table(histories)
    assert save_figure(plotting.convergence_figure(table), table, "", "figure") == {"figure": table}
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_figure(tmp_path, histories, monkeypatch):
    table = history_table(histories)
    figure = plotting.convergence_figure(table)
    (tmp_path / "figure.png").write_bytes(b"old")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, table, str(tmp_path), "figure")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]
    assert (tmp_path / "figure.png").read_bytes() == b"old"


def test_a_full_disk_leaves_the_old_figure_and_no_part(tmp_path, histories, monkeypatch):
    table = history_table(histories)
    figure = plotting.convergence_figure(table)
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


def test_the_papers_form(histories):
    figure = plotting.convergence_figure(history_table(histories))
    left, right = figure.axes[0], next(ax for ax in figure.axes if ax is not figure.axes[0] and
                                       ax.bbox.bounds == figure.axes[0].bbox.bounds)  # fmt: skip
    history = rounded({name: histories["b"][name] for name in histories["b"].dtype.names})
    drawn = {("blue", "-"): "sigma_max", ("blue", "--"): "sigma_min", ("blue", ":"): "condition_number"}
    assert {style: line.get_ydata().tolist() for style, line in lines(left).items()} == {
        style: history[name].tolist() for style, name in drawn.items()
    }
    assert lines(right)[("red", "-")].get_ydata().tolist() == history["estimate"].tolist()
    assert left.lines[0].get_xdata().tolist() == [0, 1]
    assert left.get_title().startswith("3×3×1×1")


def test_pattern_figure_draws_every_entry_at_its_place():
    table = stacked(
        [{"case": "k", "rows": 4, "columns": 4, "block": 2, "row": [0, 3], "column": [1, 2], "tap": [7, 8]}]
    )
    image = plotting.pattern_figure(table).axes[0].images[0].get_array()
    assert image[0, 1] == 7
    assert image[3, 2] == 8
    assert np.ma.count(np.ma.masked_invalid(image)) == 2


def test_bounds_figure():
    s = np.linspace(0, 1, 3)
    table = {"s": s, "sigma_max": s + 1, "sigma_min": 1 - s / 2, "lower": s * np.nan, "upper": s * np.nan, "t": s}
    left, right = plotting.bounds_figure(table).axes
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
    figure = plotting.verification_figure(table)
    assert len(figure.axes) == 4
    for ax in figure.axes[2:]:
        assert {line.get_label(): line.get_ydata().tolist() for line in ax.lines} == {
            "right": (step**2).tolist(),
            "missing term": step.tolist(),
        }


def test_meeting_figure_and_estimate_figure_draw_their_columns():
    s = np.linspace(-1, 1, 3)
    table = {"s": s, "first": s + 2, "second": s + 1, "slope": s, "wide": s / 2}
    left, right = plotting.meeting_figure(table).axes
    assert [line.get_ydata().tolist() for line in left.lines] == [(s + 2).tolist(), (s + 1).tolist()]
    assert [line.get_ydata().tolist() for line in right.lines] == [s.tolist(), (s / 2).tolist()]
    columns = {"iteration": np.arange(3), "estimate": s + 2, "residual": abs(s), "penalty": s + 3}
    ax, *_ = plotting.estimate_figure(stacked([{"case": "ours", **columns}])).axes
    assert [line.get_ydata().tolist() for line in ax.lines] == [(s + 2).tolist(), (s + 3).tolist()]


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


def outcomes_of(alphas, states, lowest_at, kappa):
    rows = [(alpha, gram, state) for alpha in alphas for gram in ("columns", "rows") for state in states]
    names = ("alpha", "gram", "state")
    table = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return rounded({**table, "lowest_at": lowest_at, "lowest": [1.0] * len(rows), "kappa": kappa})


def test_outcome_figure_counts_the_dips_and_draws_every_condition_number_and_the_median():
    at = [6, 4, 6, 90, 91, 92, 2, 250, 250, 93, 94, 95]
    kappa = [5.0, 3.0, 2.0, 1.5, 1.25, 1.75, 8.0, 7.0, 9.0, 4.0, 6.0, 4.5]
    left, right = beyond_plots.outcome_figure(outcomes_of((10.0, 0.5), (1, 2, 3), at, kappa)).axes
    assert styles_and_values(left) == [
        (plotting.CYCLE[0], "-", [4, 6], [1, 2]),
        (plotting.CYCLE[1], "--", [2, 250], [1, 2]),
    ]
    assert legend_labels(left) == ["α = 10", "α = 0.5"]
    assert (left.get_xscale(), left.get_yscale(), left.get_xlim()[0]) == ("symlog", "linear", 0)
    assert left.get_xlim()[1] > 250
    assert left.get_xticks().tolist() == [0, 2, 4, 6, 8, 10, 20, 50, 100, 200]
    assert [tick.get_text() for tick in left.get_xticklabels()] == [
        "0",
        "2",
        "4",
        "6",
        "8",
        "10",
        "20",
        "50",
        "100",
        "200",
    ]
    assert left.transData.transform([(5, 0), (10, 0)])[:, 0] - left.transData.transform((0, 0))[
        0
    ] == pytest.approx(
        (left.transData.transform((10, 0))[0] - left.transData.transform((0, 0))[0]) * np.array([0.5, 1])
    )
    assert (left.get_xlabel(), left.get_ylabel()) == ("iteration of the lowest estimate", "start kernels")
    assert left.get_title() == r"$M^TM$: when the estimate dips"

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
    assert styles_and_values(left) == [(plotting.CYCLE[0], "-", [20], [1])]
    assert left.get_xticks().tolist() == [0, 2, 4, 6, 8, 10, 20]
    assert [line.get_xdata().tolist() for line in right.lines] == [[-0.2], [], [0.2], []]
    assert [line.get_ydata().tolist() for line in right.lines] == [[2.5], [], [1.5], []]


def test_outcome_figure_draws_more_alphas_than_there_are_colors():
    alphas = (0.1, 0.5, 1.0, 5.0, 10.0)
    left, right = beyond_plots.outcome_figure(outcomes_of(alphas, (1,), range(10), np.arange(1.0, 11))).axes
    assert [line.get_xdata().tolist() for line in left.lines] == [[0], [2], [4], [6], [8]]
    assert legend_labels(left) == [f"α = {alpha:g}" for alpha in alphas]
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
        assert styles_and_values(ax)[:-1] == [
            (colors[name], "-", [max(low, 1e-9), high], [-names.index(name)] * 2)
            for name, low, high in zip(block["method"], block["sigma_min"], block["sigma_max"], strict=True)
        ]
        assert styles_and_values(ax)[-1] == ("black", ":", [1, 1], [0, 1])
        expected = dict(zip(names, ("8", "inf", "1.5", "2", "1.23e+03"), strict=True))
        expected |= {name: "the same" for name in names if name not in block["method"]}
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
