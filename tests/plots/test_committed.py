"""Each figure as it is committed: a picture that can be read."""

import io
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from axes import (
    legends,
    tick_labels,
)
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from convreg.plots import beyond as beyond_plots
from convreg.plots import layers as layer_plots
from convreg.plots import paper as paper_plots
from convreg.plots import style as plotting
from convreg.plots import training as training_plots
from convreg.storage.tables import groups, read_table

FIGURES = Path(__file__).parents[2] / "figures"


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
    "layer_bounds": layer_plots.gap_figure,
    "layer_growth": layer_plots.growth_figure,
    "layer_gemm_rate": layer_plots.rate_figure,
    "layer_barrier": layer_plots.barrier_figure,
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


def all_words(figure):
    """Every text that is seen, and the corners of the box around it."""
    ticks = {
        text for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for text in axis.findobj(Text)
    }
    ticks -= {label for ax in figure.axes for label in (ax.xaxis.label, ax.yaxis.label)}
    seen = [text for text in figure.findobj(Text) if text not in ticks]
    seen += [
        text
        for ax in figure.axes
        if ax.axison
        for axis in (ax.xaxis, ax.yaxis)
        for text in tick_labels(axis)
    ]
    seen += [text for legend in legends(figure) for text in legend.get_texts()]
    found = {
        text: text.get_window_extent()
        for text in seen
        if text.get_visible() and text.get_text().strip()
    }
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
    """Those in the panels: at one height they are apart by more than the width of a letter."""
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
            styles = [
                (line._unscaled_dash_pattern, line.get_marker(), line.get_fillstyle())
                for line in (one, other)
            ]
            darker = abs(grey(one.get_color()) - grey(other.get_color()))
            assert styles[0] != styles[1] or darker > 0.3, (one.get_label(), other.get_label())
