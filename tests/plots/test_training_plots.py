"""The figures of notebook 10, on made-up tables; without PyTorch."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from convreg.plots import training as training_plots
from convreg.plots.style import CYCLE
from convreg.storage.tables import groups, rounded
from convreg.studies.training_tables import METHODS, strength_gains

BARE, PENALTY, DECAY = "none", "penalty, smaller", "weight decay"
NAMES = (BARE, "penalty, M'M", PENALTY, "penalty, values", DECAY, "spectral norm")
LOOKS = [("black", "-"), *zip(CYCLE, ("-", "--", ":", "-."), strict=True)]
LOOKS.insert(3, ("#56B4E9", (0, (4, 1, 1, 1, 1, 1))))
STYLES = dict(zip(NAMES, LOOKS, strict=True))
LAYERS = ("first", "second", "third")


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        for category in (
            RuntimeWarning,
            UserWarning,
        ):  # not what other tests leave to the garbage collector
            warnings.simplefilter("error", category)
        yield


def as_table(names, rows):
    return {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


FIELDS = ("sigma_max", "sigma_min", "condition_number", "gradient")
EPOCHS = [0, 3, 7]


def measured(methods=NAMES, seeds=3, layers=LAYERS):
    """Made-up measures, epochs and methods as train_all has them: training after training."""
    keys = [
        (m, s, e, layer) for m in methods for s in range(seeds) for e in EPOCHS for layer in layers
    ]
    table = as_table(("method", "seed", "epoch", "layer"), keys)
    rng = np.random.default_rng(0)
    scales = np.array(
        [1.0 + 2 * layers.index(layer) for *_, layer in keys]
    )  # every layer has a range of its own
    return rounded(table | {field: scales * rng.uniform(0.2, 3, len(keys)) for field in FIELDS}, 4)


def values_of(table, method, layer, field):
    """An array (epoch, seed)."""
    rows = (table["method"] == method) & (table["layer"] == layer)
    return np.array([table[field][rows & (table["epoch"] == epoch)] for epoch in EPOCHS])


def edges(band, xs):
    """Below and above, at every x, of what is filled."""
    points = np.concatenate([path.vertices for path in band.get_paths()])
    at_x = [points[points[:, 0] == x, 1] for x in xs]
    assert set(points[:, 0]) == set(xs)
    return [y.min() for y in at_x], [y.max() for y in at_x]


def pattern(dash):
    """What matplotlib makes of a line style."""
    return plt.Line2D([], [], linestyle=dash)._unscaled_dash_pattern


def look(line):
    return line.get_color(), line._unscaled_dash_pattern


def assert_bands(ax, table, methods, layer, field):
    """The lines of an axes are the medians, its bands the ranges, in the styles of the methods."""
    lines = [line for line in ax.lines if line.get_label() in methods]
    assert [line.get_label() for line in lines] == list(methods)
    for line, band, method, (color, dash) in zip(
        lines, ax.collections, methods, [STYLES[name] for name in methods], strict=True
    ):
        values = values_of(table, method, layer, field)
        assert line.get_xdata().tolist() == EPOCHS
        assert line.get_ydata().tolist() == np.median(values, axis=1).tolist()
        assert look(line) == (color, pattern(dash))
        assert edges(band, EPOCHS) == (values.min(axis=1).tolist(), values.max(axis=1).tolist())
        assert band.get_facecolor().tolist() == [list(to_rgba(color, 0.12))]
        assert band.get_linewidth().tolist() == [0]
    assert len(ax.collections) == len(methods)


def assert_in_our_style(figure, height):
    assert figure.get_size_inches().tolist() == [6.8, pytest.approx(height)]
    assert isinstance(figure.get_layout_engine(), PlaceHolderLayoutEngine)
    for ax in figure.axes:
        assert (ax.title.get_fontsize(), ax.xaxis.label.get_fontsize()) == (9, 9)
        assert not ax.spines["top"].get_visible()


def assert_legend(figure, methods):
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(methods)
    drawn = [look(line) for line in legend.legend_handles]
    assert drawn == [(color, pattern(dash)) for color, dash in map(STYLES.get, methods)]
    assert legend._ncols == min(3, len(methods))  # in two lines
    assert not legend.get_frame_on()
    assert legend._outside_loc == "upper"
    extent = legend.get_window_extent()
    assert extent.y0 > max(ax.get_window_extent().y1 for ax in figure.axes)
    assert (extent.x0 + extent.x1) / 2 == pytest.approx(figure.bbox.width / 2, rel=0.01)


def reference(ax):
    """The lines from side to side."""
    return [
        (line.get_color(), line.get_linestyle(), line.get_ydata(), line.get_linewidth())
        for line in ax.lines
        if line.get_label().startswith("_")
    ]


@pytest.mark.parametrize("layers", [LAYERS, LAYERS[:1], LAYERS[:2]])
@pytest.mark.parametrize(
    ("methods", "seeds"), [(NAMES, 3), (NAMES, 1), (NAMES[2:3], 4), (NAMES[::-2], 2)]
)
def test_sigma_max_figure_has_a_panel_a_layer_and_a_scale_from_0_on(methods, seeds, layers):
    table = measured(methods, seeds, layers)
    figure = training_plots.sigma_max_figure(table)
    assert [ax.get_title() for ax in figure.axes] == list(layers)
    for ax, layer in zip(figure.axes, layers, strict=True):
        assert_bands(ax, table, methods, layer, "sigma_max")
        assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("linear", "linear", "epoch")
        assert ax.get_ylim()[0] == 0
        assert table["sigma_max"].max() < ax.get_ylim()[1] < 1.1 * table["sigma_max"].max()
        assert reference(ax) == [("black", "-", [1, 1], 0.6)]
    assert [(text.get_text(), text.xy) for text in figure.axes[0].texts] == [("1", (0, 1))]
    labels = [r"$\sigma_{\max}(M)$", *[""] * (len(layers) - 1)]
    assert [ax.get_ylabel() for ax in figure.axes] == labels
    assert_legend(figure, methods)
    assert_in_our_style(figure, 3.1)


def test_start_and_end_are_medians_with_the_range_at_the_end():
    table = measured()
    found = training_plots.start_and_end(table)
    assert len(found["start"]) == 2 * 3 * 6
    for row in zip(*found.values(), strict=True):
        measure, layer, method, *numbers = row
        values = values_of(table, method, layer, measure)
        medians = [np.median(values[0]), np.median(values[-1])]
        assert numbers == [*medians, values[-1].min(), values[-1].max()]


def test_start_and_end_of_one_epoch_are_the_same():
    table = measured()
    first = {name: column[table["epoch"] == 0] for name, column in table.items()}
    found = training_plots.start_and_end(first)
    assert found["start"].tolist() == found["end"].tolist()


@pytest.mark.parametrize("layers", [LAYERS, LAYERS[:1]])
@pytest.mark.parametrize("methods", [NAMES, NAMES[2:3], NAMES[::-2]])
def test_ends_figure_has_a_panel_a_measure_and_layer_and_a_row_a_method(methods, layers):
    table = training_plots.start_and_end(measured(methods, 3, layers))
    figure = training_plots.ends_figure(table)
    panels = [
        rows
        for measure in groups(table, "measure").values()
        for rows in groups(measure, "layer").values()
    ]
    assert len(figure.axes) == len(panels) == 2 * len(layers)
    for ax, rows in zip(figure.axes, panels, strict=True):
        start, end = ax.lines[::2], ax.lines[1::2]
        places = [-place for place in range(len(methods))]
        for lines, name, filled in ((start, "start", "none"), (end, "end", "full")):
            assert [line.get_xdata()[0] for line in lines] == rows[name].tolist()
            assert [line.get_ydata()[0] for line in lines] == places
            assert {(line.get_marker(), line.get_fillstyle()) for line in lines} == {("o", filled)}
            assert [line.get_color() for line in lines] == [STYLES[name][0] for name in methods]
        ranges = [collection.get_segments()[0].tolist() for collection in ax.collections]
        assert ranges == [
            [[low, place], [high, place]]
            for low, high, place in zip(rows["lowest"], rows["highest"], places, strict=True)
        ]
        assert ax.get_xscale() == "log"
        low, high = ax.get_xlim()
        assert low < rows["lowest"].min()
        assert rows["highest"].max() < high
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == list(methods)
    assert [ax.get_title() for ax in figure.axes] == [*layers, *[""] * len(layers)]
    names = [[name] * len(layers) for name in (r"$\sigma_{\min}(M)$", r"$\kappa(M)$")]
    assert [ax.get_xlabel() for ax in figure.axes] == [*names[0], *names[1]]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "start: median",
        "end: median, lowest and highest",
    ]
    assert [handle.get_fillstyle() for handle in legend.legend_handles] == ["none", "full"]


def test_condition_numbers_that_are_infinite_are_left_out():
    table = measured((BARE, PENALTY), 3)
    inside = (table["method"] == BARE) & (table["layer"] == "second") & (table["epoch"] == 7)
    table["condition_number"][inside] = np.inf
    ax = training_plots.ends_figure(training_plots.start_and_end(table)).axes[4]
    assert np.isfinite(ax.get_xlim()).all()
    finite = table["condition_number"][
        np.isfinite(table["condition_number"]) & (table["layer"] == "second")
    ]
    assert ax.get_xlim()[1] < 2 * finite.max()


@pytest.mark.parametrize("layers", [LAYERS, LAYERS[:1]])
@pytest.mark.parametrize(
    ("methods", "seeds"), [(NAMES, 3), (NAMES, 1), (NAMES[2:3], 4), (NAMES[::-2], 2)]
)
def test_gradients_figure_has_a_panel_a_layer(methods, seeds, layers):
    table = measured(methods, seeds, layers)
    figure = training_plots.gradients_figure(table)
    assert [ax.get_title() for ax in figure.axes] == list(layers)
    for ax, layer in zip(figure.axes, layers, strict=True):
        assert_bands(ax, table, methods, layer, "gradient")
        assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("linear", "log", "epoch")
        assert ax.get_ylim() == figure.axes[0].get_ylim()
        assert reference(ax) == []
    labels = ["norm of the gradient, per image", *[""] * (len(layers) - 1)]
    assert [ax.get_ylabel() for ax in figure.axes] == labels
    assert len({ax.get_position().y0 for ax in figure.axes}) == 1
    assert_legend(figure, methods)
    assert_in_our_style(figure, 3.1)


@pytest.mark.parametrize("methods", [NAMES[1:], NAMES[2:3], NAMES[2:4]])
def test_accuracy_figure_has_a_panel_a_method(methods):
    noises = [0.0, 0.25, 0.5]
    rows = [
        (method, noise, i + noise, i - 2 * noise - 1, i + 3 * noise + 1)
        for i, method in enumerate(methods)
        for noise in noises
    ]
    table = as_table(("method", "noise", "mean", "lowest", "highest"), rows)
    figure = training_plots.accuracy_figure(table)
    assert [ax.get_title() for ax in figure.axes] == list(methods)
    for i, (ax, color) in enumerate(
        zip(figure.axes, [STYLES[name][0] for name in methods], strict=True)
    ):
        line, zero = ax.lines
        assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == (
            noises,
            [i, i + 0.25, i + 0.5],
        )
        assert (line.get_color(), line.get_linestyle()) == (color, "-")
        assert (line.get_marker(), line.get_markersize()) == ("o", 3)
        assert (zero.get_ydata(), zero.get_color(), zero.get_linestyle()) == ([0, 0], "black", ":")
        (band,) = ax.collections
        assert edges(band, noises) == ([i - 1, i - 1.5, i - 2], [i + 1, i + 1.75, i + 2.5])
        assert band.get_facecolor().tolist() == [list(to_rgba(color, 0.2))]
        assert band.get_linewidth().tolist() == [0]
        assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("linear", "linear", "noise")
        assert ax.get_ylim() == figure.axes[0].get_ylim()
    labels = ["accuracy less that of none,\npercentage points", *[""] * (len(methods) - 1)]
    assert [ax.get_ylabel() for ax in figure.axes] == labels
    assert_in_our_style(figure, 2.5)


STRENGTHS = {BARE: (0.0,), PENALTY: (0.03, 0.003), DECAY: (0.01,)}


def accuracies():
    """Three networks by each method and strength, three sizes of noise."""
    rng = np.random.default_rng(1)
    keys = [
        (method, strength, seed, noise)
        for method, strengths in STRENGTHS.items()
        for strength in strengths
        for seed in range(3)
        for noise in (0.0, 0.25, 0.5)
    ]
    table = as_table(("method", "strength", "seed", "noise"), keys)
    return table | {"accuracy": rng.uniform(0.5, 1, len(keys)).round(3)}


def test_strength_gains_are_in_points_network_by_network_without_noise_and_under_the_largest():
    accuracy = accuracies()

    def of(method, strength, noise):
        rows = (
            (accuracy["method"] == method)
            & (accuracy["strength"] == strength)
            & (accuracy["noise"] == noise)
        )
        return accuracy["accuracy"][rows]

    found = strength_gains(accuracy)
    kinds = [(PENALTY, 0.003), (PENALTY, 0.03), (DECAY, 0.01)]  # by strength
    assert list(zip(found["method"], found["strength"], found["noise"], strict=True)) == [
        (*kind, noise) for kind in kinds for noise in (0.0, 0.5)
    ]
    for method, strength, noise, mean, lowest, highest in zip(*found.values(), strict=True):
        gain = 100 * (of(method, strength, noise) - of(BARE, 0.0, noise))
        assert (mean, lowest, highest) == (gain.mean(), gain.min(), gain.max())


def test_strengths_figure_has_a_row_a_strength_with_its_range_and_a_line_at_no_gain():
    table = rounded(strength_gains(accuracies()), 3)
    figure = training_plots.strengths_figure(table)
    assert [ax.get_title() for ax in figure.axes] == ["without noise", "noise 0.5"]
    colors = [STYLES[method][0] for method in (PENALTY, PENALTY, DECAY)]
    for ax, rows in zip(figure.axes, groups(table, "noise").values(), strict=True):
        ranges, marks = ax.collections
        assert marks.get_offsets().tolist() == [[mean, -i] for i, mean in enumerate(rows["mean"])]
        assert [segment[:, 0].tolist() for segment in ranges.get_segments()] == [
            [low, high] for low, high in zip(rows["lowest"], rows["highest"], strict=True)
        ]
        assert [segment[:, 1].tolist() for segment in ranges.get_segments()] == [
            [0, 0],
            [-1, -1],
            [-2, -2],
        ]
        for drawn in (ranges.get_edgecolor(), marks.get_facecolor()):
            assert drawn.tolist() == [list(to_rgba(color)) for color in colors]
        (zero,) = ax.lines
        assert (zero.get_xdata(), zero.get_linestyle()) == ([0, 0], ":")
        low, high = ax.get_xlim()
        assert low < min(0, *rows["lowest"])
        assert max(0, *rows["highest"]) < high
        assert ax.get_xlim() == figure.axes[0].get_xlim()
        assert ax.get_xlabel() == "accuracy less that of none, points"
    words = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert words == [f"{PENALTY}, 0.003", f"{PENALTY}, 0.03", f"{DECAY}, 0.01"]
    assert_in_our_style(figure, 0.27 * 3 + 0.85)


def test_every_method_has_a_style_of_its_own():
    """The figures know the methods by name alone."""
    assert tuple(training_plots.STYLES) == METHODS == NAMES
    assert len(set(training_plots.STYLES.values())) == len(METHODS)


def test_styles_are_those_of_the_methods_in_their_order():
    found = list(training_plots.styles(measured()))
    assert [(method, style) for method, _, style in found] == list(STYLES.items())
    assert all(set(rows["method"]) == {method} for method, rows, _ in found)
    assert sum(len(rows["seed"]) for _, rows, _ in found) == 6 * 3 * 9
