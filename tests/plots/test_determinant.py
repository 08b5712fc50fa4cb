"""The picture of the determinant: every argument at its place, every zero by its mark."""

import numpy as np
import pytest
from axes import legends

from convreg.plots.square import determinant_figure
from convreg.storage.tables import stacked


def made_up(title, side, marks):
    """A table with the arguments (2 i + j / side) / side - 1 at theta_1 = i, theta_2 = j."""
    angles = (2 * np.arange(side) + 1) / side
    i, j = np.indices((side, side))
    block = {"theta_1": angles[i].ravel(), "theta_2": angles[j].ravel()}
    block["argument"] = ((2 * i + j / side) / side - 1).ravel()
    blocks = [{"panel": title, "kind": "argument", **block}]
    for kind, (one, other) in marks:
        place = {"theta_1": [one], "theta_2": [other], "argument": [0.0]}
        blocks.append({"panel": title, "kind": kind, **place})
    return stacked(blocks)


MARKS = [
    ("index 1", (0.3, 1.2)),
    ("index -1", (1.7, 0.8)),
    ("index 1", (0.5, 0.6)),
    ("undecided", (1.1, 1.9)),
]


def figure_of(*panels):
    return determinant_figure(stacked(panels))


def test_the_argument_is_drawn_where_its_angles_are():
    figure = figure_of(made_up("before", 6, MARKS), made_up("after", 6, []))
    first, second, bar = figure.axes
    assert [first.get_title(), second.get_title()] == ["before", "after"]
    for ax in (first, second):
        (image,) = ax.images
        assert image.get_extent() == [0, 2, 0, 2]
        assert image.origin == "lower"
        assert (image.norm.vmin, image.norm.vmax) == (-1, 1)
        values = image.get_array()
        assert values[4, 1] == pytest.approx((2 * 1 + 4 / 6) / 6 - 1)  # rows are theta_2
        assert values[0, 5] == pytest.approx(10 / 6 - 1)
        assert ax.get_xlabel() == r"$\theta_1/\pi$"
        assert ax.get_xlim() == ax.get_ylim() == (0, 2)
    assert (first.get_ylabel(), second.get_ylabel()) == (r"$\theta_2/\pi$", "")
    assert bar.get_ylabel() == r"$\arg\,\det F\,/\,\pi$"


def test_the_colours_close_and_are_light_and_dark():
    """-1 and 1 are the same angle: the same colour; 0 is far from it, also in grey."""
    (ax, _) = figure_of(made_up("one", 4, [])).axes
    colors = ax.images[0].get_cmap()([0.0, 0.5, 1.0])[:, :3]
    assert np.abs(colors[0] - colors[2]).max() < 0.05
    grey = colors @ [0.299, 0.587, 0.114]
    assert abs(grey[1] - grey[0]) > 0.5


def test_zeros_have_marks_of_their_own_shape():
    figure = figure_of(made_up("before", 4, MARKS), made_up("after", 4, []))
    found = {}
    for line in figure.axes[0].lines:
        marker = line.get_marker(), line.get_markerfacecolor(), line.get_markeredgecolor()
        found[marker] = [*zip(line.get_xdata(), line.get_ydata(), strict=True)]
        assert line.get_linestyle() == "None"
    assert found == {
        ("o", "white", "black"): [(0.3, 1.2), (0.5, 0.6)],
        ("^", "white", "black"): [(1.7, 0.8)],
        ("s", "none", "black"): [(1.1, 1.9)],
    }
    assert not figure.axes[1].lines
    (legend,) = legends(figure)
    assert [text.get_text() for text in legend.get_texts()] == ["index 1", "index -1", "undecided"]


def test_without_zeros_there_is_no_legend():
    assert not legends(figure_of(made_up("after", 4, [])))
