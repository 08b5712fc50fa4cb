"""The alternative texts of the figures of gradients that are verified."""

from functools import partial

import numpy as np
from clauses import Clause, listed, log_slopes, short, word

from convreg.storage.tables import groups


def lines_of(table):
    """Every (statement, gradient) with its rows."""
    lines = {}
    for statement, rows in groups(table, "statement").items():
        for gradient, line in groups(rows, "gradient").items():
            lines[statement, gradient] = line
    return lines


def slope_is(order, line):
    """Whether the remainders have this slope while the step is small."""
    slopes = log_slopes(line["step"], line["remainder"])[:3]
    return bool(np.all(np.abs(slopes - order) < 0.15))


def is_a_v(line):
    """Whether the differences have their least inside, far below both ends."""
    least = line["difference"].min()
    return bool(max(line["difference"][0], line["difference"][-1]) > 10 * least) and least not in (
        line["difference"][0],
        line["difference"][-1],
    )


def crossings(lines, statement):
    """The steps at which a wrong gradient's line is no higher than the right one's."""
    right = lines[statement, "right"]
    steps = []
    for (name, gradient), line in lines.items():
        if name == statement and gradient != "right":
            for field in ("difference", "remainder"):
                steps += line["step"][line[field] <= right[field]].tolist()
    return steps


def level(line):
    """The error of a wrong gradient at a step of 0.001."""
    return line["difference"][line["step"] == 0.001].item()


def is_level(line):
    """Whether it is that, up to a factor of 1.5, between the steps of rounding and large ones."""
    middle = (line["step"] > 3e-6) & (line["step"] < 4e-3)
    return bool(np.all(np.abs(np.log(line["difference"][middle] / level(line))) < np.log(1.5)))


def is_its_error(line):
    """Whether a remainder is the step times the error of the slope, while the step is small."""
    first = np.isfinite(line["remainder"]) & (line["step"] < 4e-4)
    slopes = line["remainder"][first] / line["step"][first]
    return np.allclose(slopes, level(line), rtol=0.1)


def error_ratios(lines):
    """The error of each wrong gradient over the least one of the right gradient."""
    for (statement, gradient), line in lines.items():
        if gradient != "right":
            yield level(line) / lines[statement, "right"]["difference"].min()


def verification(names, table):
    """The statements of a figure, by the names that they have here."""
    lines = lines_of(table)
    right = [line for (_, gradient), line in lines.items() if gradient == "right"]
    wrong = [line for (_, gradient), line in lines.items() if gradient != "right"]
    errors = [level(line) for line in wrong]
    times = min(error_ratios(lines))
    one = "one stays" if len(wrong) == len(right) else "ones stay"
    clauses = [
        Clause(
            f"Two rows of {word(len(names))} panels against the step t, on logarithmic axes, for "
            f"{listed(names.values())}.",
            list(names) == list(groups(table, "statement")),
        ),
        Clause(
            "Upper row, error of the central difference: the right gradient makes a V, which comes "
            f"down to {short(times, 1)} times less than a wrong one, or more;",
            all(map(is_a_v, right)),
        ),
        Clause(
            f"the wrong {one} level but for the shortest and the longest steps, between "
            f"{short(min(errors), 1)} and {short(max(errors), 1)}.",
            all(map(is_level, wrong)),
        ),
        Clause(
            "Lower row, Taylor remainder: slope 2 for the right gradient, slope 1 for the wrong "
            f"{one.split()[0]}.",
            all(slope_is(2, line) for line in right)
            and all(slope_is(1, line) and is_its_error(line) for line in wrong),
        ),
    ]
    for statement, name in names.items():
        if steps := crossings(lines, statement):
            clauses.append(
                Clause(f"For {name} the lines meet from a step of {short(min(steps), 1)} on.")
            )
    return clauses


NAMES = {
    "gradient_verification": {
        "Lemma 2.1": "Lemma 2.1",
        "Lemma 2.2, u = v": "Lemma 2.2",
        "Theorem 2.2, u = -v": "Theorem 2.2",
        "Theorem 2.3, u = v": "Theorem 2.3",
    },
    "remedy_verification": {"MM', u = v": "u = v", "MM', u = -v": "u = -v"},
    "alternatives_verification": {
        "spectral norm of W": "the spectral norm of W",
        "orthogonality of W": "the orthogonality of W",
        "Frobenius": "the Frobenius penalty",
        "self-convolution": "the self-convolution penalty",
    },
    "sigma_verification": {
        r"values, $\sigma_{max}$": "the values at the largest singular value",
        r"values, $\sigma_{min}$": "the values at the smallest",
        "polar": "the polar penalty",
        "polar, periodic": "the periodic polar penalty",
    },
}

DESCRIBED = {figure: partial(verification, names) for figure, names in NAMES.items()}
