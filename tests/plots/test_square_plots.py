"""The picture of the price: its lines, what is bold, what is grey."""

import numpy as np
import pytest
from axes import words_of
from matplotlib.colors import to_hex

from convreg.plots.square import tradeoff_figure
from convreg.storage.tables import stacked

SHARE = np.array([0.1, 0.4, 0.7])


def line(g, start, name, kappas):
    kappas = np.array(kappas)
    return {"g": g, "start": start, "line": name, "share": SHARE[: len(kappas)], "kappa": kappas}


@pytest.fixture
def figure():
    rows = []
    for g in (1, 2):
        rows += [
            line(g, "limit", "no kernel", [1.003, 1.04, 1.15]),
            line(g, "limit", "constructed", [1.01, 1.2, 1.8]),
            line(g, "c = 0", "R", [1.02, 1.3, 9.0 + g]),
            line(g, "c = 0", "polar", [1.03, 1.4, 12.0]),
            line(g, "c = 2", "R", [1.04, 4.0]),
            line(g, "c = 2", "values", [1.05, 5.0]),
        ]
    return tradeoff_figure(stacked(rows))


def test_a_panel_for_each_number_of_channels(figure):
    first, second = figure.axes
    assert (first.get_title(), second.get_title()) == ("g = h = 1", "g = h = 2")
    assert first.get_yscale() == second.get_yscale() == "log"


def test_kappa_is_drawn_by_its_distance_from_1(figure):
    first, second = figure.axes
    bold = [line for line in second.lines if line.get_linewidth() > 2]
    assert bold[0].get_ydata() == pytest.approx([0.02, 0.3, 10.0])
    assert bold[1].get_ydata() == pytest.approx([0.04, 3.0])
    assert bold[0].get_xdata() == pytest.approx(SHARE)
    assert words_of(first.yaxis) == ["1.01", "1.03", "1.1", "1.3", "2", "4", "11"]
    assert first.get_yticks() == pytest.approx([0.01, 0.03, 0.1, 0.3, 1, 3, 10])


def test_the_starts_differ_in_more_than_colour(figure):
    lines = figure.axes[0].lines
    colours = {to_hex(line.get_color()) for line in lines if line.get_linewidth() > 2}
    styles = {line.get_linestyle() for line in lines if line.get_linewidth() > 2}
    assert len(colours) == len(styles) == 2
    thin = [line for line in lines if 0.7 < line.get_linewidth() < 1]
    assert len(thin) == 2


def test_where_no_kernel_is_it_is_grey(figure):
    (grey,) = figure.axes[0].collections
    below = grey.get_paths()[0].vertices
    assert below[:, 1].max() == pytest.approx(0.15)
    assert to_hex(grey.get_facecolor()[0]) == "#d9d9d9"


def test_the_words_beside_the_lines(figure):
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "constructed kernel",
        "random kernel",
        "the same plus 2 on the centre",
    ]
