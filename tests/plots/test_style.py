"""Figures: rounded tables in, the same numbers saved, files whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
from axes import words_of

from convreg.plots import paper as paper_plots
from convreg.plots import style as plotting
from convreg.plots.style import save_figure
from convreg.storage.tables import groups, read_table, rounded, stacked


def test_rounding_keeps_integers_words_and_nan():
    table = rounded(
        {"a": [1, 2], "b": [np.pi, np.nan], "c": ["x", "y"], "d": [-123456.789, 0.0]}, digits=3
    )
    assert table["a"].tolist() == [1, 2]
    assert table["b"][0] == 3.14
    assert np.isnan(table["b"][1])
    assert table["d"].tolist() == [-123000.0, 0.0]


def test_stacking_and_grouping_undo_each_other():
    table = stacked([{"case": "b", "i": np.arange(2)}, {"case": "a", "i": [5]}])
    assert {case: rows["i"].tolist() for case, rows in groups(table, "case").items()} == {
        "b": [0, 1],
        "a": [5],
    }
    assert list(groups(table, "case")) == ["b", "a"]


def test_a_table_survives_its_file(tmp_path, table):
    figure = paper_plots.convergence_figure(table)
    folder = tmp_path / "deep" / "folder"
    assert save_figure(figure, table, str(folder), "figure") == {"figure": table}
    assert sorted(path.name for path in folder.iterdir()) == [
        "figure.csv",
        "figure.pdf",
        "figure.png",
    ]
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
    assert save_figure(paper_plots.convergence_figure(table), table, "", "figure") == {
        "figure": table
    }
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
