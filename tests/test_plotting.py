"""Figures: rounded tables in, the same numbers drawn and saved, files whole or not at all."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from convreg import plotting
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
    paths = save_figure(figure, table, str(tmp_path / "deep" / "folder"), "figure")
    assert sorted(path.name for path in paths) == ["figure.csv", "figure.pdf", "figure.png"]
    assert sorted(path.name for path in (tmp_path / "deep" / "folder").iterdir()) == sorted(p.name for p in paths)
    read = read_table(paths[0])
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
    assert save_figure(plotting.convergence_figure(table), table, "", "figure") == []
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
