"""What is drawn in the axes of a figure, for the tests."""


def lines(ax):
    return {(line.get_color(), line.get_linestyle()): line for line in ax.lines}


def words_of(axis):
    """The labels of the ticks that are drawn."""
    axis.figure.draw_without_rendering()
    return [text.get_text() for text in tick_labels(axis)]


def tick_labels(axis):
    low, high = sorted(axis.get_view_interval())
    shown = [
        tick
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if low <= tick.get_loc() <= high
    ]
    return [
        text
        for tick in shown
        for text in (tick.label1, tick.label2)
        if text.get_visible() and text.get_text()
    ]


def legend_labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def legends(figure):
    return [*figure.legends, *(legend for ax in figure.axes if (legend := ax.get_legend()))]


def styles_and_values(ax):
    return [
        (line.get_color(), line.get_linestyle(), [*line.get_xdata()], [*line.get_ydata()])
        for line in ax.lines
    ]


def words_at_places(ax):
    return {(text.get_text(), text.xy) for text in ax.texts}
