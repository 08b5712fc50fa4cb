"""Figures: rounded tables in, the same numbers saved, files whole or not at all."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from axes import words_of
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

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


THEIRS = [
    {"text.usetex": True, "text.latex.preamble": r"\usepackage{none}"},
    {"axes.facecolor": "black", "figure.facecolor": "gray", "savefig.facecolor": "red"},
    {"savefig.bbox": "tight", "savefig.dpi": 30, "savefig.pad_inches": 1, "figure.dpi": 30},
    {"savefig.transparent": True, "savefig.format": "svg", "savefig.edgecolor": "red"},
    {"font.family": "serif", "font.size": 20, "mathtext.fontset": "stix"},
    {"figure.figsize": (1, 1), "figure.constrained_layout.use": False, "figure.autolayout": True},
    {"path.effects": [withStroke(linewidth=4)], "path.sketch": (1, 100, 2), "path.snap": False},
    {"axes.prop_cycle": plt.cycler(color=["red"]), "lines.linewidth": 9, "patch.linewidth": 9},
    {"axes.formatter.use_mathtext": True, "axes.formatter.limits": (0, 0), "axes.grid": False},
    {"pdf.compression": 9, "pdf.fonttype": 3, "pdf.use14corefonts": True},
    {"xtick.labelsize": 20, "ytick.direction": "in", "xtick.minor.visible": True},
    {"text.hinting": "none", "text.antialiased": False, "agg.path.chunksize": 100},
    {"axes.unicode_minus": False, "legend.frameon": True, "legend.fontsize": 20},
    {"interactive": True, "grid.color": "red", "grid.linewidth": 5},
]


@plotting.drawn
def small_figure(table):
    """Of everything a little: a formula, a legend, a logarithm, a negative number, a patch."""
    figure, (ax,) = plotting.axes_grid(1, 1, 1)
    figure.set_size_inches(1.5, 1)
    ax.semilogy(table["x"], table["y"], label=r"$\sigma_{\max}$")
    ax.fill_between(table["x"], table["y"], alpha=0.2)
    ax.set(title="é", xlim=(-1, table["x"].max() + 1))
    ax.legend()
    return figure


SMALL = {"x": np.arange(3), "y": np.array([1.0, 10.0, 100.0])}


def saved(folder):
    """The bytes of the files of a figure."""
    save_figure(small_figure(SMALL), SMALL, str(folder), "figure")
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("theirs", THEIRS, ids=lambda theirs: next(iter(theirs)))
def test_what_the_user_has_set_changes_no_byte(theirs, tmp_path):
    shown = print_figure(small_figure(SMALL))
    ours = saved(tmp_path / "ours")
    with plt.rc_context(theirs):
        before = dict(plt.rcParams)
        assert print_figure(small_figure(SMALL)) == shown
        assert saved(tmp_path / "theirs") == ours
        assert dict(plt.rcParams) == before


@pytest.mark.parametrize("backend", ["svg", "pdf", "ps", "template"])
def test_nor_does_the_backend(backend, tmp_path):
    ours = saved(tmp_path / "ours")
    plt.switch_backend(backend)
    assert saved(tmp_path / "theirs") == ours
    assert plt.get_backend() == backend


def test_a_backend_that_does_not_load_gives_way(monkeypatch):
    monkeypatch.setitem(plt.rcParams, "backend", "module://no_such_backend")
    monkeypatch.setattr(plt, "_backend_mod", None)
    small_figure(SMALL)
    assert plt.get_backend() == "agg"


NO_NAMES = ["", ".", "..", "../x", "a/b", "/a", "a\\b", "a\0", "a\n", ".a", 3, None]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_is_no_path(name, tmp_path):
    with pytest.raises(ValueError, match=r"^name: wanted a file's name without a folder, got "):
        save_figure(small_figure(SMALL), SMALL, str(tmp_path / "folder"), name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "wanted a mapping from names to columns, got None"),
        ([1, 2], r"wanted a mapping from names to columns, got \[1, 2\]"),
        ({}, "wanted columns of one length"),
        ({"x": [1, 2], "y": [1]}, "wanted columns of one length"),
        ({"x": 1, "y": 2}, "wanted columns of one length"),
        ({"x": [1, 2]}, "wanted a column 'y', got x"),
    ],
)
def test_what_is_no_table_of_a_figure_is_refused(table, message):
    with pytest.raises((TypeError, ValueError), match=f"^table: {message}"):
        small_figure(table)


def test_columns_may_be_lists():
    as_lists = {name: column.tolist() for name, column in SMALL.items()}
    assert print_figure(small_figure(as_lists)) == print_figure(small_figure(SMALL))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "wanted columns by their names, got None"),
        ({1: np.zeros(2)}, "wanted columns by their names"),
        ({"x": [1, 2]}, "wanted a plain array of numbers or words for x, got"),
        ({"x": np.zeros((2, 2))}, "wanted a plain array of numbers or words for x"),
        ({"x": np.ma.masked_equal([1, 2], 1)}, "wanted a plain array of numbers or words for x"),
        ({"x": np.array([object()])}, "wanted a plain array of numbers or words for x"),
        ({"x": np.zeros(2), "y": np.zeros(3)}, "wanted columns of one length"),
    ],
)
def test_a_table_that_is_none_is_refused_by_its_name(table, message, tmp_path):
    with pytest.raises((TypeError, ValueError), match=f"^table: {message}"):
        save_figure(Figure(), table, str(tmp_path), "x")
    assert list(tmp_path.iterdir()) == []
