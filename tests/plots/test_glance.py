"""The picture of the first page and of the social card: every number of the table is drawn."""

import re
from pathlib import Path

import pytest
from axes import styles_and_values

from convreg.plots.glance import card_figure, glance_figure
from convreg.plots.style import CYCLE
from convreg.storage.tables import groups, read_table

FIGURES = Path(__file__).parents[2] / "figures"


@pytest.fixture
def descent():
    return groups(read_table(FIGURES / "figure_3_2.csv"), "alpha")[10]


@pytest.mark.parametrize("draw", [glance_figure, card_figure])
def test_the_estimate_the_exact_penalty_and_alpha_are_drawn(draw, descent):
    (ax,) = draw(descent).axes
    x = [*descent["iteration"]]
    estimate, exact, alpha = styles_and_values(ax)
    assert estimate == (CYCLE[1], "-", x, [*descent["estimate"]])
    assert exact == ("black", "--", x, [*descent["penalty"]])
    assert alpha[1:] == (":", [0, 1], [10, 10])
    assert ax.get_yscale() == "log"
    low, high = ax.get_ylim()
    assert low < min(descent["estimate"])
    assert high > max(descent["estimate"])


def test_the_words_stand_at_what_they_name(descent):
    (ax,) = glance_figure(descent).axes
    words = dict(annotations(ax))
    lowest = int(descent["estimate"].argmin())
    assert words["what the algorithm believes"] == (lowest, descent["estimate"][lowest])
    assert words["the exact penalty"] == (20, 10)
    assert words["α = 10"] == (0, 10)


def annotations(ax):
    """The annotations, which have a place; other words stand in the axes."""
    return {(text.get_text(), text.xy) for text in ax.texts if hasattr(text, "xy")}


def test_no_line_enters_the_area_where_no_kernel_is_but_the_estimate(descent):
    (ax,) = glance_figure(descent).axes
    (area,) = ax.patches
    assert area.get_y() + area.get_height() == 10
    assert min(descent["penalty"]) >= 10 > min(descent["estimate"])


def test_the_card_has_the_name_and_its_size(descent):
    figure = card_figure(descent)
    assert figure.get_suptitle() == "convreg"
    assert [*figure.get_size_inches() * 200] == [1200, 630]


def test_the_alternative_text_has_the_pictures_numbers(descent):
    page = (FIGURES.parent / "docs" / "index.md").read_text(encoding="utf-8")
    (alt,) = re.findall(r"\{figure\} glance.png\n.*\n:alt: (.*)", page)
    assert len(descent["iteration"]) == 20 + 1
    assert f"from {descent['penalty'][0]:.0f} down" in alt
    lowest = int(descent["estimate"].argmin())
    assert f"iteration {lowest}, where it dips to {descent['estimate'][lowest]:.0f};" in alt
    down = next(i for i, value in enumerate(descent["penalty"]) if value < 10.005)
    assert f"comes down to alpha by iteration {down}" in alt
