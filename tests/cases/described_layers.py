"""The alternative texts of the figures at layer scale."""

import re

import numpy as np
from clauses import Clause, falls, listed, rises, short, word

from convreg.plots.layers import BOUNDS
from convreg.storage.tables import groups


def is_true(column):
    """Which entries of a column of a CSV file are true."""
    return np.array([str(entry) == "True" for entry in column])


def layer_bounds(table):
    """Two upper bounds of sigma_max^2 against N."""
    symbol, torus = (groups(table, "bound")[name] for name in BOUNDS)

    from_to = [
        f"{short(line['gap'][0])} to {short(line['gap'][-1], 1)}" for line in (symbol, torus)
    ]
    slopes = [line["slope"][0] for line in (symbol, torus)]
    fits = [np.polyfit(np.log(line["N"]), np.log(line["gap"]), 1)[0] for line in (symbol, torus)]
    fitted = np.allclose(fits, slopes, rtol=0, atol=0.05)
    return [
        Clause(
            "How far two upper bounds of the square of sigma_max are above it, relative, against "
            f"the image size N from {symbol['N'][0]} to {symbol['N'][-1]} on logarithmic axes, for "
            "a kernel 3x3x16x16."
        ),
        Clause(
            f"The maximum of the symbol falls from {from_to[0]}, with a slope of {slopes[0]:.1f};",
            falls(symbol["gap"]) and fitted,
        ),
        Clause(
            "the torus whose frequencies avoid it is below it throughout, from "
            f"{from_to[1]}, with a slope of {slopes[1]:.1f}.",
            np.all(torus["gap"] < symbol["gap"]) and fitted,
        ),
    ]


SPOKEN = {
    "N": "Against the image size the slopes are",
    "channels": "against the number of channels",
}
REPRESENTATIONS = ("dense", "sparse", "matrix-free")


def layer_growth(table):
    """The time of an update against N and the channels."""
    words, holds = [], []
    at_14 = []
    for against, rows in groups(table, "against").items():
        *others, free = (groups(rows, "representation")[name] for name in REPRESENTATIONS)
        slopes = listed(f"{line['slope'][0]:.1f}" for line in (*others, free))
        words.append(f"{SPOKEN[against]} {slopes}")
        holds += [rises(line["seconds"]) for line in (*others, free)]
        if against == "N":
            at_14 = [line["seconds"][line["x"] == 14].item() for line in (*others, free)]
        for other in others:
            together = np.isin(free["x"], other["x"])
            holds.append(np.all(free["seconds"][together] < other["seconds"]))
    return [
        Clause(f"Seconds for one update on logarithmic axes, for a {listed(REPRESENTATIONS)} M."),
        Clause(
            f"{', '.join(words)}; the matrix-free line is the lowest throughout.",
            all(holds),
        ),
        Clause(f"For N = 14 they take {listed(short(seconds, 1) for seconds in at_14)} seconds."),
    ]


def layer_gemm_rate(table):
    """The rate of products of each layer."""
    types = groups(table, "type")
    layers = list(groups(table, "layer"))
    strided = sum("stride 2" in layer for layer in layers)
    double, single = (types[name]["fraction"] for name in ("float64", "float32"))
    return [
        Clause(
            f"For {word(len(layers))} kinds of layers of ResNet-18, {word(strided)} of them with "
            "stride 2, the fraction of the rate of a 2000 x 2000 matrix product that a product "
            "with M reaches:",
            len(double) == len(single) == len(layers),
        ),
        Clause(
            f"in double precision between {short(double.min())} and {short(double.max())},",
            double.max() < 1,
        ),
        Clause(
            f"in single precision between {short(single.min())} and {short(single.max())}.",
            single.max() < 1,
        ),
    ]


def kinds(layers):
    """Layers by their size, without the strides, which all of these have.

    >>> kinds(["7x7x3x64, N = 64, stride 2", "1x1x2x4, N = 8, stride 2"])
    'the 7x7 and the 1x1 layers with stride 2'
    """
    sizes = [re.match(r"\d+x\d+", layer).group() for layer in layers]
    words = []
    for size in dict.fromkeys(sizes):
        count = sizes.count(size)
        words.append(f"the {size}" if count == 1 else f"the {word(count)} {size}")
    return f"{listed(words)} layers with stride 2"


def layer_barrier(table):
    """From He's start to the lowest penalty."""
    layers = list(groups(table, "layer"))
    clauses = [
        Clause(
            f"{word(len(layers)).capitalize()} kinds of layers, {sum(table['count'][::2])} layers "
            "in all, each with two lines from the penalty at He's start, between "
            f"{short(table['start'].min())} and {short(table['start'].max())} times alpha, down to "
            "the lowest that any kernel has.",
            len(table["layer"]) == 2 * len(layers),
        )
    ]
    for name, gram in (("M'M", "columns"), ("MM'", "rows")):
        rows = groups(table, "gram")[gram]
        stopped = rows["lowest"] == 1
        clauses.append(
            Clause(
                f"With {name} the lines end at alpha for {kinds(rows['layer'][stopped])}, and at 0 "
                "for the others.",
                np.array_equal(stopped, is_true(rows["singular"]))
                and np.all(rows["lowest"][~stopped] == 0)
                and all("stride 2" in layer for layer in rows["layer"][stopped]),
            )
        )
    return clauses


DESCRIBED = {
    "layer_bounds": layer_bounds,
    "layer_growth": layer_growth,
    "layer_gemm_rate": layer_gemm_rate,
    "layer_barrier": layer_barrier,
}
