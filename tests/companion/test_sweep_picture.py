"""The closing picture of a sweep: which numbers it shows, and how."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sweeps import index, swept
from tiny import files_in

import convreg.companion.sweep
from convreg.companion.runs import Run
from convreg.plots.sweep import sweep_figure
from convreg.storage.tables import from_rows, read_table


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def numbers(out):
    table = read_table(out / "sweep.csv")
    names = ("x", "panel", "line", "result")
    keys = zip(*(table[name].tolist() for name in names), strict=True)
    return dict(zip(keys, table["value"].tolist(), strict=True))


def the_one_of(labels, row):
    """The label "name = value" that is true of a row; '' is of all."""
    found = []
    for label in labels:
        name, _, value = label.partition(" = ")
        if not label or row[name] == value:
            found.append(label)
    (label,) = found
    return label


@pytest.mark.parametrize(
    ("grid", "more", "across", "panels", "lines"),
    [
        (["state=1,2,3"], [], "state", {""}, {""}),
        (["state=1"], [], "state", {""}, {""}),
        (["alpha=0.1,1,10", "state=1,2"], [], "alpha", {"state = 1", "state = 2"}, {""}),
        (
            ["alpha=1,2", "state=1,2"],
            ["--picture", "state"],
            "state",
            {""},
            {"alpha = 1.0", "alpha = 2.0"},
        ),
        (
            ["alpha=1,2", "state=1,2", "measure=true,false"],
            [],
            "alpha",
            {"state = 1", "state = 2"},
            {"measure = True", "measure = False"},
        ),
        (["alphas=[1,2],[3]", "state=1,2"], [], "alphas", {"state = 1", "state = 2"}, {""}),
    ],
    ids=["one", "single", "two", "lines", "three", "lists"],
)
def test_the_picture_shows_the_headline_numbers_over_the_chosen_parameters(
    grid, more, across, panels, lines, place, runs
):
    assert swept(*grid, more=more) == 0
    out = place / "out"
    assert {"sweep.csv", "sweep.pdf", "sweep.png"} <= set(files_in(out))
    plotted, rows = numbers(out), index(out)
    assert len(plotted) == 2 * len(rows)
    assert set(read_table(out / "sweep.csv")["across"].tolist()) == {across}
    assert {panel for _, panel, _, _ in plotted} == panels
    assert {line for _, _, line, _ in plotted} == lines
    for row in rows:
        x = row[across] if across == "alphas" else float(row[across])
        panel = the_one_of(panels, row)
        line = the_one_of(lines, row)
        assert plotted[x, panel, line, "twice"] == float(row["twice"])
        assert plotted[x, panel, line, "sum"] == float(row["sum"])
    assert np.ptp(plt.imread(out / "sweep.png")[:, :, :3]) > 0.5


def test_the_picture_is_of_the_complete_runs_of_this_grid(place, runs):
    assert swept("state=1,2,3") == 0
    runs.fail = [5]
    assert swept("state=2,4,5") == 1
    assert {x for x, *_ in numbers(place / "out")} == {2, 4}
    assert len(index(place / "out")) == 5


def test_without_a_complete_run_there_is_no_picture(place, runs, capsys):
    runs.fail = [1, 2]
    assert swept("state=1,2") == 1
    assert "0 complete, 2 failed" in capsys.readouterr().out
    assert not (place / "out/sweep.png").exists()


def test_without_headline_numbers_there_is_no_picture(place, monkeypatch, capsys):
    monkeypatch.setattr(
        convreg.companion.sweep, "execute", lambda *_: Run(b"executed", {}, {}, 0.1, "")
    )
    assert swept("state=1,2") == 0
    assert "2 complete, 0 failed" in capsys.readouterr().out
    assert not (place / "out/sweep.png").exists()


@pytest.mark.parametrize(
    "headline", [{"x": None}, {"x": "inf"}, {"x": 0, "y": -1.5}, {"x": 1e-300}]
)
def test_the_picture_copes_with_any_headline(headline, place, monkeypatch):
    found = {"tiny.json": json.dumps({"headline": headline}).encode()}
    monkeypatch.setattr(
        convreg.companion.sweep, "execute", lambda *_: Run(b"executed", {}, found, 0.1, "")
    )
    assert swept("alpha=1,2,3") == 0
    assert (place / "out/sweep.png").exists()
    assert {x for x, *_ in numbers(place / "out")} == {1, 2, 3}


def drawn(*rows):
    """The axes of a picture, from the x, panel, line and value of each run."""
    table = from_rows(("x", "panel", "line", "value"), rows)
    across = np.array(["a"] * len(rows))
    result = np.array(["y"] * len(rows))
    return sweep_figure({**table, "across": across, "result": result}).axes


def test_a_value_that_is_missing_in_a_panel_keeps_its_place():
    left, right = drawn(("[2.0]", "p", "", 1.0), ("[10.0]", "p", "", 2.0), ("[10.0]", "q", "", 3.0))
    assert [text.get_text() for text in left.get_xticklabels()] == ["[2.0]", "[10.0]"]
    assert left.lines[0].get_xydata().tolist() == [[0, 1], [1, 2]]
    assert right.lines[0].get_xydata().tolist() == [[1, 3]]


def test_a_line_has_the_same_style_and_label_in_every_panel():
    left, right = drawn((1, "p", "b = 1", 1.0), (1, "p", "b = 2", 2.0), (1, "q", "b = 2", 3.0))
    assert [line.get_label() for line in right.lines] == ["b = 1", "b = 2"]
    assert [text.get_text() for text in right.get_legend().texts] == ["b = 1", "b = 2"]
    assert left.lines[1].get_color() == right.lines[1].get_color() != left.lines[0].get_color()
    assert right.lines[1].get_xydata().tolist() == [[1, 3]]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 100, 3], "log"),
        ([1, 100, -1], "linear"),
        ([1, 100, 0], "linear"),
        ([1, 20, 3], "linear"),
        ([1, 100, np.nan], "log"),
    ],
)
def test_panels_beside_one_another_have_one_scale_that_shows_every_value(values, scale):
    axes = drawn((1, "p", "", values[0]), (2, "p", "", values[1]), (1, "q", "", values[2]))
    assert [ax.get_yscale() for ax in axes] == [scale, scale]
