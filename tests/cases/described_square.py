"""The alternative texts of the figures of the square case."""

import numpy as np
from clauses import Clause, listed, rises, short, word

from convreg.storage.tables import groups

NEAR = 0.25  # in units of pi: arguments of numbers that are nearly negative


def share_near_minus_one(kinds):
    """On which share of the torus det F is nearly a negative number."""
    return float(np.mean(1 - np.abs(kinds["argument"]["argument"]) < NEAR))


def determinant(table):
    """The argument of det F and its zeros, before, on the way and after."""
    panels = {panel: groups(rows, "kind") for panel, rows in groups(table, "panel").items()}
    before, on_the_way, after = panels.values()
    _, middle, last = panels
    counts = [len(before[f"index {index}"]["theta_1"]) for index in (1, -1)]
    two = [on_the_way[f"index {index}"] for index in (1, -1)]
    places = [f"({short(one['theta_1'][0])}, {short(one['theta_2'][0])})" for one in two]
    parts = np.histogram(before["argument"]["argument"], bins=8, range=(-1, 1))[0]
    most = 100 * share_near_minus_one(on_the_way)
    return [
        Clause(
            f"{word(len(panels)).capitalize()} panels: the argument of det F on the torus in "
            "colour."
        ),
        Clause(
            f"At the start {word(counts[0])} circles and {word(counts[1])} triangles, zeros of "
            "index 1 and -1, and all colours;",
            min(parts) > 0.05 * sum(parts) and "undecided" not in before,
        ),
        Clause(
            f"after {middle} one of each, at {listed(places)} in units of pi, and on "
            f"{most:.0f} % of the torus the colours of an argument near pi;",
            all(len(zeros["theta_1"]) == 1 for zeros in two) and most > 75,
        ),
        Clause(
            f"after {last} no zero, and those colours throughout.",
            list(after) == ["argument"] and share_near_minus_one(after) == 1,
        ),
    ]


def reached(line, kappa):
    """From which share on the least condition number is above a given one."""
    return float(line["share"][line["kappa"] > kappa][0])


def at(line, share):
    """The condition number at a share."""
    return line["kappa"][np.isclose(line["share"], share)].item()


def tradeoff(table):
    """The least condition number with a share of the norm off the centre."""
    channels = groups(table, "g").values()
    starts = [groups(rows, "start") for rows in channels]
    limits = [groups(start["limit"], "line") for start in starts]
    plain = [groups(start["c = 0"], "line") for start in starts]
    centred = [groups(start["c = 2"], "line") for start in starts]
    words = []
    for lines in (plain, centred):
        first = [at(methods["R"], 0.1) for methods in lines]
        tens = sorted({short(reached(methods["R"], 9.5)) for methods in lines})
        words.append((short(max(first), 3), f"share{'s' if tens[1:] else ''} of {listed(tens)}"))
    shown = table["share"] < 0.81
    return [
        Clause(
            f"{word(len(starts)).capitalize()} panels, one and two channels: the least condition "
            "number against the share of the norm of K that is off the centre, from "
            f"{short(table['share'].min())} to 0.8, on a logarithmic axis.",
            list(groups(table, "g")) == [1, 2] and shown.sum() > 0.8 * len(shown),
        ),
        Clause(
            "Shaded below: no kernel. Dotted above it: the constructed kernels.",
            all(np.all(lim["no kernel"]["kappa"] < lim["constructed"]["kappa"]) for lim in limits),
        ),
        Clause(
            f"The solid bold lines, from random kernels, rise from {words[0][0]} or less to 10 at "
            f"the {words[0][1]};",
            all(rises(methods["R"]["kappa"]) for methods in plain),
        ),
        Clause(
            f"the dashed ones, with 2 on the centre, rise from {words[1][0]} or less to 10 at the "
            f"{words[1][1]} already.",
            all(rises(methods["R"]["kappa"]) for methods in centred)
            and all(
                at(with_2["R"], 0.4) > at(without["R"], 0.4)
                for with_2, without in zip(centred, plain, strict=True)
            ),
        ),
    ]


DESCRIBED = {"determinant": determinant, "tradeoff": tradeoff}
