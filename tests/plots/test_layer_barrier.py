"""The figure of the layers that meet the barrier: every number of the table is drawn."""

import numpy as np
import pytest

from convreg.plots.layers import barrier_figure
from convreg.plots.style import CYCLE
from convreg.storage.tables import from_rows

ROWS = [
    ("7x7x3x64, N = 64, stride 2", 1, "columns", 23.0, 0.0),
    ("7x7x3x64, N = 64, stride 2", 1, "rows", 22.0, 1.0),
    ("3x3x8x8, N = 16", 4, "columns", 7.0, 0.0),
    ("3x3x8x8, N = 16", 4, "rows", 6.0, 0.0),
    ("1x1x8x9, N = 16, stride 2", 2, "columns", 5.0, 1.0),
    ("1x1x8x9, N = 16, stride 2", 2, "rows", 4.0, 1.0),
]


@pytest.fixture
def ax():
    table = from_rows(("layer", "count", "gram", "start", "lowest"), ROWS)
    (found,) = barrier_figure(table).axes
    return found


def test_each_layer_and_gram_matrix_has_a_line_from_its_lowest_to_its_start(ax):
    columns, rows = ax.collections
    for lines, up, first in ((columns, 0.16, 0), (rows, -0.16, 1)):
        drawn = [segment.tolist() for segment in lines.get_segments()]
        for (*_, start, lowest), place, segment in zip(
            ROWS[first::2], (3, 2, 1), drawn, strict=True
        ):
            assert segment == [[lowest, place + up], [start, place + up]]
    assert ax.get_xscale() == "function"
    assert ax.get_xlim()[0] == 0


def test_a_line_begins_with_the_mark_of_its_gram_matrix_and_ends_at_a_bar_at_the_barrier(ax):
    marks = {}
    for line in ax.lines[:4]:
        places = zip(line.get_xdata().tolist(), line.get_ydata().tolist(), strict=True)
        marks[line.get_marker(), line.get_color()] = list(places)
    assert marks == {
        ("s", CYCLE[1]): [(23.0, 3.16), (7.0, 2.16), (5.0, 1.16)],
        ("|", CYCLE[1]): [(1.0, 1.16)],
        ("o", CYCLE[0]): [(22.0, 2.84), (6.0, 1.84), (4.0, 0.84)],
        ("|", CYCLE[0]): [(1.0, 2.84), (1.0, 0.84)],
    }
    *_, barrier = ax.lines
    assert list(barrier.get_xdata()) == [1, 1]


def test_the_layers_are_named_from_the_top_with_how_often_they_come(ax):
    names = {
        float(place): name.get_text()
        for place, name in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    }
    assert names == {
        3: "7×7×3×64, N = 64, stride 2",
        2: "3×3×8×8, N = 16, 4 times",
        1: "1×1×8×9, N = 16, stride 2, 2 times",
    }
    (legend,) = ax.figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words == ["$M^TM$", "$MM^T$", "the barrier"]


@pytest.mark.parametrize(("most", "ticks"), [(4.0, [0, 1, 2]), (23.0, [0, 1, 2, 5, 10, 20])])
def test_the_ticks_are_those_that_are_in_the_picture(most, ticks):
    rows = [("a", 1, "columns", most, 1.0), ("a", 1, "rows", 2.0, 0.0)]
    (ax,) = barrier_figure(from_rows(("layer", "count", "gram", "start", "lowest"), rows)).axes
    assert ax.get_xticks().tolist() == ticks
    assert np.isclose(ax.get_xlim()[1], 1.1 * most)
