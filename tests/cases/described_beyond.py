"""The alternative texts of the figures beyond the paper: the barrier, kinks, seeds, methods."""

import numpy as np
from clauses import Clause, listed, short, word

from convreg.plots.beyond import SHOWN
from convreg.storage.tables import groups


def from_when_level(values):
    """The iteration from which on values are what they end with, to three digits."""
    return int(np.flatnonzero(~np.isclose(values, values[-1], rtol=1e-3))[-1]) + 1


def column_norm_bound(table):
    """The penalty and its bound from column norms along two descents."""
    last = table["iteration"].max()
    panels = {name.partition(" channels")[0]: rows for name, rows in groups(table, "panel").items()}
    (wide, falling), (square, resting) = (
        (name, [line["value"] for line in groups(rows, "line").values()])
        for name, rows in panels.items()
    )
    below = all(np.all(bound <= penalty) for penalty, bound in (falling, resting))
    level = from_when_level(resting[0])
    return [
        Clause(
            f"The penalty and its lower bound from column norms over {last} iterations, on a "
            "logarithmic axis.",
            below,
        ),
        Clause(
            f"From {wide} channels the penalty falls from {short(falling[0][0])} to "
            f"{short(falling[0][-1])}, the bound below it from {short(falling[1][0])} to "
            f"{short(falling[1][-1])}.",
            from_when_level(falling[0]) > last - 5,
        ),
        Clause(
            f"From {square} channel the penalty is level at {short(resting[0][-1])} from "
            f"iteration {level} on, the bound at {short(resting[1][level:].mean(), 1)}.",
            level < last / 2 and np.ptp(resting[1][level:]) < 0.05,
        ),
    ]


def kinks(table):
    """Fixed steps and Polyak's at a kink."""
    fixed, polyak = (
        list(groups(rows, "line").values()) for rows in groups(table, "panel").values()
    )
    (start,) = set(table["lowest"][table["iteration"] == 0].tolist())
    late = [line["value"][50:] for line in fixed]
    least, most = min(map(min, late)), max(map(max, late))
    ends = [[line["lowest"][-1] for line in lines] for lines in (fixed, polyak)]

    def jumps(lines):
        """The mean change from one iteration to the next, on the logarithmic axis."""
        return [np.abs(np.diff(np.log(line["value"][50:]))).mean() for line in lines]

    return [
        Clause(
            f"The penalty over {table['iteration'].max()} iterations, thin, and the lowest so far, "
            "bold, on a logarithmic axis, with one and with two gradients.",
            list(groups(table, "line")) == ["one gradient", "two gradients"],
        ),
        Clause(
            f"Left, fixed step: both jump up and down between about {short(least, 1)} and "
            f"{short(most)} to the end, and the lowest so far comes from {short(start, 1)} to "
            f"{short(max(ends[0]), 1)}.",
            min(jumps(fixed)) > 0.5 and all(max(values[-20:]) > 0.9 * most for values in late),
        ),
        Clause(
            "Right, Polyak's step: both jump less, and the lowest so far comes down in each "
            f"quarter, to {short(max(ends[1]), 1)}.",
            max(jumps(polyak)) < min(jumps(fixed)) / 2
            and all(np.all(np.diff(line["lowest"][::25]) < 0) for line in polyak)
            and max(ends[1]) < min(ends[0]),
        ),
    ]


def times_of_the_lowest(at):
    """From when to when estimates are lowest, and when most are."""
    iterations, counts = np.unique(at, return_counts=True)
    most = [str(one) for one in iterations[counts > 0.85 * counts.max()]]
    return f"from {iterations[0]} to {iterations[-1]}, most at {listed(most)}"


def barrier_seeds(table):
    """The dip from many seeds, and where the kernels end."""
    grams = {gram: groups(rows, "alpha") for gram, rows in groups(table, "gram").items()}
    columns, rows = grams["columns"], grams["rows"]
    (count,) = {len(one["state"]) for one in columns.values()}
    times = [
        f"for alpha = {alpha:g} {times_of_the_lowest(one['lowest_at'])}"
        for alpha, one in columns.items()
    ]
    medians = [float(np.median(one["kappa"])) for one in columns.values()]
    largest = max(one["kappa"].max() for one in columns.values())
    smaller = np.concatenate([one["kappa"] for one in rows.values()])
    middles = [float(np.median(one["lowest_at"])) for one in columns.values()]
    return [
        Clause(
            f"Left: bars, how many of {count} start kernels have their lowest estimate at which "
            f"iteration: {'; '.join(times)}.",
            list(columns) == sorted(columns) and np.all(np.diff(middles) < 0),
        ),
        Clause(
            "Right: the final condition number of every start kernel on a logarithmic axis;",
            np.isfinite(table["kappa"]).all(),
        ),
        Clause(
            "with the paper's Gram matrix the medians are "
            f"{listed(short(median, 1) for median in medians)} and single kernels reach "
            f"{short(largest)},",
            largest > 2 * max(medians),
        ),
        Clause(
            f"with the smaller one all are between {short(smaller.min(), 2)} and "
            f"{short(smaller.max(), 2)}.",
            smaller.max() < min(medians),
        ),
    ]


def alternatives(table):
    """What each method leaves of the singular values."""
    shown = groups(table, "budget")[max(table["budget"])]
    kernels = groups(shown, "kernel")
    *others, square = kernels
    best = {
        kernel: str(rows["method"][np.argmin(rows["kappa"])]) for kernel, rows in kernels.items()
    }
    least = {kernel: rows["kappa"].min() for kernel, rows in kernels.items()}
    rows = kernels[square]
    out = rows["sigma_min"] < SHOWN[0]
    limited = rows["method"] == best[square]
    values = rows["method"] == "values, length limited"
    kappa = shown["sigma_max"] / shown["sigma_min"]
    return [
        Clause(
            f"For {word(len(kernels))} start kernels and "
            f"{word(len(groups(shown, 'method')))} methods, the start among them, a bar from the "
            "smallest to the largest singular value of M on a logarithmic axis, with the condition "
            "number beside it.",
            "start" in shown["method"] and np.allclose(kappa, shown["kappa"], rtol=0.15),
        ),
        Clause(
            f"For {listed(others)} the shortest bars around 1 are those of the penalty and of the "
            f"values, with condition numbers down to "
            f"{listed(short(least[kernel]) for kernel in others)}.",
            all(best[kernel].startswith(("R,", "values,")) for kernel in others),
        ),
        Clause(
            f"For {square} that of the penalty with steps limited in length is short, condition "
            f"number {short(least[square])},",
            best[square] == "R, length limited" and rows["sigma_min"][limited].item() > 0.5,
        ),
        Clause(
            f"that of the values reaches down to {short(rows['sigma_min'][values].item(), 1)},",
            0.1 < rows["sigma_min"][values].item() < 0.5,
        ),
        Clause(
            "and every other one ends in an arrow: it runs out of the picture to the left.",
            np.array_equal(out, ~(limited | values)),
        ),
    ]


DESCRIBED = {
    "column_norm_bound": column_norm_bound,
    "kinks": kinks,
    "barrier_seeds": barrier_seeds,
    "alternatives": alternatives,
}
