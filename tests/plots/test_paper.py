"""The figures of what the paper states: every number of the table is drawn."""

from pathlib import Path

import numpy as np
import pytest
from axes import lines, words_of

from convreg.plots import paper as paper_plots
from convreg.plots import style as plotting
from convreg.plots.style import CYCLE
from convreg.storage.tables import groups, history_table, read_table, stacked

ALPHAS = (1.0, 3.05, 0.05)

FIGURES = Path(__file__).parents[2] / "figures"


def test_a_history_table_has_the_alpha_of_each_case(histories):
    table = history_table(histories, ("penalty",), alphas=ALPHAS)
    assert list(table) == ["case", "alpha", "iteration", "penalty"]
    assert table["alpha"].tolist() == [1, 1, 3.05, 3.05, 0.05, 0.05]
    assert list(history_table(histories, ("penalty",))) == ["case", "iteration", "penalty"]
    with pytest.raises(ValueError, match="argument 2"):
        history_table(histories, alphas=(1.0,))


def two_axes(figure, cases):
    """The left and the right axes of each panel."""
    visible = [ax for ax in figure.axes if ax.axison]
    return list(zip(visible[:cases], visible[cases:], strict=True))


def test_the_papers_form(table):
    left, right = two_axes(paper_plots.convergence_figure(table), 3)[1]
    assert left.bbox.bounds == right.bbox.bounds
    history = groups(table, "case")["b"]
    blue = {"-": "sigma_max", "--": "sigma_min", ":": "condition_number"}
    assert {style: line.get_ydata().tolist() for style, line in lines(left).items()} == {
        (CYCLE[0], dash): history[name].tolist() for dash, name in blue.items()
    }
    others = {(CYCLE[1], "-"): "estimate", ("black", "--"): "penalty"}
    for style, name in others.items():
        assert lines(right)[style].get_ydata().tolist() == history[name].tolist()
        assert lines(right)[style].get_xdata().tolist() == [0, 1]
    assert [line.get_marker() for line in right.lines] == ["o", "None", "None"]
    assert left.get_title() == "b"
    assert (left.get_yscale(), left.get_ylim()[0], right.get_yscale()) == ("linear", 0, "log")


def test_a_line_at_alpha_in_each_panel_and_what_is_below_it_in_sight(table):
    figure = paper_plots.convergence_figure(table)
    for (_, right), alpha in zip(two_axes(figure, 3), ALPHAS, strict=True):
        line = lines(right)[("black", ":")]
        assert line.get_ydata() == [alpha, alpha]
        assert line.get_xdata() == [0, 1]
        assert line.get_transform() == right.get_yaxis_transform()
        low, high = right.get_ylim()
        assert low < min(alpha, 3.0)
        assert high > 4.2
    titles = [left.get_title() for left, _ in two_axes(figure, 3)]
    assert titles == ["3×3×1×1, α = 1", "b", "c"]


def test_the_legend_of_the_papers_form_has_the_left_axis_above_the_right_one(table):
    figure = paper_plots.convergence_figure(table)
    left, right = two_axes(figure, 3)[0]
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words[::2] == [line.get_label() for line in left.lines]
    assert words[1::2] == [line.get_label() for line in right.lines]
    assert words[1::2] == [
        r"$\mathcal{R}_\alpha$, as estimated",
        r"$\mathcal{R}_\alpha$, exact",
        "α",
    ]
    assert legend._ncols == 3


def test_a_dip_of_the_estimate_below_alpha_is_seen():
    """Figure 3.2: it is no less than 3 mm high in a column of 173 mm."""
    table = read_table(FIGURES / "figure_3_2.csv")
    cases = groups(table, "case")
    figure = paper_plots.convergence_figure(table)
    dips = []
    for (_, right), rows in zip(two_axes(figure, len(cases)), cases.values(), strict=True):
        lowest, alpha = right.transData.transform(
            [(0, rows["estimate"].min()), (0, rows["alpha"][0])]
        )[:, 1]
        dips.append((alpha - lowest) / figure.dpi * 25.4)
    assert sorted(np.greater(dips, 0)) == [False, True, True, True]
    assert min(dip for dip in dips if dip > 0) > 3


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


def pattern(**columns):
    return {"case": "k", "kernel_size": 2, "rows": 4, "columns": 4, "block": 2, **columns}


def test_pattern_figure_draws_every_entry_at_its_place():
    table = stacked([pattern(row=[0, 3], column=[1, 2], tap=[3, 4])])
    image = paper_image(paper_plots.pattern_figure(table).axes[0])
    assert image[0, 1] == 3
    assert image[3, 2] == 4
    assert np.isfinite(image).sum() == 2


def paper_image(ax):
    return np.ma.filled(ax.images[0].get_array().astype(float), np.nan)


def test_pattern_figure_has_the_kernel_as_a_key_without_the_taps_that_stand_nowhere():
    blocks = [
        pattern(row=[0, 3, 1], column=[1, 2, 1], tap=[2, 4, 2]),
        pattern(row=[0], column=[0], tap=[1]),
    ]
    blocks[1] |= {"case": "other", "kernel_size": 1}
    figure = paper_plots.pattern_figure(stacked(blocks))
    assert len(figure.axes) == 4
    for above, below, key in zip(
        figure.axes[:2], figure.axes[2:], ([[None, 2], [None, 4]], [[1]]), strict=True
    ):
        assert np.array_equal(paper_image(below), np.array(key, float), equal_nan=True)
        assert above.images[0].get_clim() == below.images[0].get_clim()  # a tap has one colour
        assert above.images[0].get_cmap() == below.images[0].get_cmap()
        assert below.get_xlabel() == f"$K$, {len(key)} × {len(key)}"
        assert above.get_xlabel() == "$M$, 4 × 4"


def test_bounds_figure():
    s = np.linspace(0, 1, 3)
    table = {
        "s": s,
        "sigma_max": s + 1,
        "sigma_min": 1 - s / 2,
        "lower": s * np.nan,
        "upper": s * np.nan,
        "t": s,
    }
    left, right = paper_plots.bounds_figure(table).axes
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
    figure = paper_plots.verification_figure(table)
    assert len(figure.axes) == 4
    for ax in figure.axes[2:]:
        assert {line.get_label(): line.get_ydata().tolist() for line in ax.lines} == {
            "right": (step**2).tolist(),
            "missing term": step.tolist(),
        }


def test_meeting_figure_draws_its_columns():
    s = np.linspace(-1, 1, 3)
    table = {"s": s, "first": s + 2, "second": s + 1, "slope": s, "wide": s / 2}
    left, right = paper_plots.meeting_figure(table).axes
    assert [line.get_ydata().tolist() for line in left.lines] == [
        (s + 2).tolist(),
        (s + 1).tolist(),
    ]
    assert [line.get_ydata().tolist() for line in right.lines] == [s.tolist(), (s / 2).tolist()]


def estimates(cases):
    x = np.arange(4)
    values = {"iteration": x, "residual": np.array([0.25, 0.5, 0.5, 0.125]), "penalty": 5.0 - x}
    return stacked(
        {
            "case": f"case {i}",
            **values,
            "estimate": values["penalty"] - [0.125, 0.25, 0.75, 1 + i / 4],
        }
        for i in range(cases)
    )


@pytest.mark.parametrize(
    ("cases", "columns"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (6, 3), (7, 3)]
)
def test_estimate_figure_has_the_error_and_the_residual_below_the_estimate_and_the_exact_value(
    cases, columns
):
    table = estimates(cases)
    figure = paper_plots.estimate_figure(table)
    shown = [ax for ax in figure.axes if ax.axison]
    above, below = (
        [ax for ax in shown if ax.get_title()],
        [ax for ax in shown if not ax.get_title()],
    )
    assert [ax.get_title() for ax in above] == [f"case {i}" for i in range(cases)]
    assert len({round(ax.get_position().x0, 6) for ax in above}) == columns
    for upper, lower, rows in zip(above, below, groups(table, "case").values(), strict=True):
        assert [line.get_ydata().tolist() for line in upper.lines] == [
            rows["estimate"].tolist(), rows["penalty"].tolist(),
        ]  # fmt: skip
        error, residual = lower.lines
        assert error.get_ydata().tolist() == (rows["penalty"] - rows["estimate"]).tolist()
        assert residual.get_ydata().tolist() == rows["residual"].tolist()
        assert (upper.get_yscale(), lower.get_yscale(), lower.get_ylim()[0]) == ("log", "linear", 0)
        assert upper.get_position().x0 == lower.get_position().x0
        assert upper.get_position().y0 > lower.get_position().y1
        highest = max(line.get_ydata().max() for line in lower.lines)
        assert lower.get_ylim()[1] > highest  # the limits of a row are those of all its panels
        assert words_of(lower.xaxis) == ["0", "1", "2", "3"]


def test_nothing_in_estimate_figure_reads_like_an_error_bar():
    """No area around the estimate; coloured is where the error is above the residual."""
    figure = paper_plots.estimate_figure(estimates(2))
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words == [
        "estimate",
        r"exact $\mathcal{R}_\alpha$",
        "error: exact less estimate",
        r"residual $|Bv-\sigma u|$",
        "error above residual",
    ]
    above, below = figure.axes[:2], figure.axes[2:]
    assert not any(len(ax.collections) for ax in above)
    for ax, last in zip(below, (1, 1.25), strict=True):
        (area,) = ax.collections
        points = np.concatenate([path.vertices for path in area.get_paths()])
        assert points[:, 0].min() == 1.5  # where the lines meet: 0.25 and 0.75 against 0.5 and 0.5
        assert points[:, 0].max() == 3
        assert points[points[:, 0] == 3, 1].max() == last
        assert points[points[:, 0] == 3, 1].min() == 0.125
