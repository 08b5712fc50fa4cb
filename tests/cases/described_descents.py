"""The alternative texts of the figures of Algorithm 2.1: Figures 3.1 and 3.2."""

import numpy as np
from clauses import Clause, between, falls, listed, short, word

from convreg.storage.tables import groups

STEEP = ("sigma_max", "condition_number", "penalty", "estimate")
LOW = 0.9  # an estimate below this part of the exact value is well below it


def steps(cases):
    """The last iteration of every case, the first being 0."""
    (ends,) = {tuple(rows["iteration"]) for rows in cases.values()}
    assert ends == tuple(range(len(ends)))
    return ends[-1]


def share_of_the_fall(values, iteration):
    """Which part of its whole fall has come by an iteration."""
    return (values[0] - values[iteration]) / (values[0] - values[-1])


def ends_of(cases):
    """Between what the singular values, the condition number and the penalty end."""
    fields = ("sigma_max", "sigma_min", "condition_number", "penalty")
    return [between([rows[field][-1] for rows in cases.values()]) for field in fields]


def stops_at_alpha(rows):
    """Whether the exact penalty comes down to alpha, to five digits, and is never below."""
    penalty, alpha = rows["penalty"], rows["alpha"]
    return bool(np.isclose(penalty[-1], alpha[-1], rtol=1e-5) and np.all(penalty >= alpha))


def dips(rows):
    """Whether the estimate goes below alpha, and is back at the end."""
    estimate, alpha = rows["estimate"], rows["alpha"][0]
    return bool(estimate.min() < LOW * alpha and np.isclose(estimate[-1], alpha, rtol=1e-3))


def lowest_at(rows):
    """The iteration of the lowest estimate."""
    return int(np.argmin(rows["estimate"]))


def figure_3_1(table):
    """Four kernel sizes, one alpha."""
    cases = {case.partition(",")[0]: rows for case, rows in groups(table, "case").items()}
    alphas = sorted(set(table["alpha"].tolist()))
    ten = min(share_of_the_fall(rows[name], 10) for rows in cases.values() for name in STEEP)
    moved = [np.abs(rows["sigma_min"] / rows["sigma_min"][0] - 1).max() for rows in cases.values()]
    high, low_end, kappa, exact = ends_of(cases)
    low = table["estimate"] < LOW * table["penalty"]
    name, rows = next(iter(cases.items()))
    return [
        Clause(
            f"{word(len(cases)).capitalize()} panels over {steps(cases)} iterations, for the "
            f"kernels {listed(cases)} with alpha = {listed(alphas)}.",
            len(alphas) == 1,
        ),
        Clause(
            "The largest singular value, the condition number and the penalty fall steeply in the "
            f"first ten iterations, by {100 * ten:.0f} % or more of their whole way, and end "
            f"{high}, {kappa} and {exact};",
            ten > 0.9,
        ),
        Clause(
            f"the smallest singular value moves by up to {100 * max(moved):.0f} % and ends "
            f"{low_end}.",
            max(moved) < 0.35,
        ),
        Clause(
            "The estimate of the penalty is at most the exact one, and from iteration "
            f"{table['iteration'][low].min()} on often well below.",
            np.all(table["estimate"] <= table["penalty"] * (1 + 1e-5)) and low.mean() > 0.2,
        ),
        Clause(
            f"For {name} the estimate dips below alpha, lowest at iteration {lowest_at(rows)}, and "
            "the exact penalty stops at alpha.",
            dips(rows) and stops_at_alpha(rows),
        ),
    ]


def figure_3_2(table):
    """One kernel, four alphas."""
    cases = {float(rows["alpha"][0]): rows for rows in groups(table, "case").values()}
    names = {case.partition(",")[0] for case in groups(table, "case")}
    stopped = {alpha: rows for alpha, rows in cases.items() if stops_at_alpha(rows)}
    others = {alpha: rows for alpha, rows in cases.items() if alpha not in stopped}
    ten = min(share_of_the_fall(rows[name], 10) for rows in cases.values() for name in STEEP)
    far = min((rows["estimate"] / alpha).min() for alpha, rows in others.items())
    kept = [rows["sigma_min"].min() / rows["sigma_min"][0] for rows in cases.values()]
    high, low_end, kappa, _ = ends_of(cases)
    return [
        Clause(
            f"{word(len(cases)).capitalize()} panels over {steps(cases)} iterations, for a kernel "
            f"{listed(names)} and alpha = {listed(cases)}.",
            len(names) == 1,
        ),
        Clause(
            "Everything but the smallest singular value falls steeply at first; the largest ends "
            f"{high}, the condition number {kappa}, the smallest {low_end}.",
            ten > 0.9 and min(kept) > 0.5,
        ),
        Clause(
            f"For alpha = {listed(stopped)} the exact penalty comes down to the dotted line at "
            "alpha and stays there, while the estimate dips below it, lowest at iterations "
            f"{listed(lowest_at(rows) for rows in stopped.values())}, and comes back.",
            all(dips(rows) for rows in stopped.values()),
        ),
        Clause(
            f"For alpha = {listed(others)} both stay far above alpha, the estimate at "
            f"{short(far)} times alpha or more.",
            far > 5,
        ),
    ]


def in_short(table):
    """Figure 3.2 where words are few: the README."""
    cases = {float(rows["alpha"][0]): rows for rows in groups(table, "case").values()}
    stopped = {alpha: rows for alpha, rows in cases.items() if stops_at_alpha(rows)}
    return [
        Clause(
            f"Figure 3.2: for alpha = {listed(stopped)} the estimate dips below alpha, the exact "
            "penalty does not.",
            all(dips(rows) for rows in stopped.values()),
        )
    ]


def glance(table):
    """The deepest dip of Figure 3.2 alone."""
    alpha, rows = max(groups(table, "alpha").items())
    estimate, penalty = rows["estimate"], rows["penalty"]
    lowest = lowest_at(rows)
    there = int(np.argmax(np.isclose(penalty, alpha, rtol=1e-5)))
    off = np.abs(estimate / penalty - 1)
    return [
        Clause(
            f"The penalty over {rows['iteration'][-1]} iterations for alpha = {alpha:g}, on a "
            f"logarithmic axis, from {penalty[0]:.0f} down.",
            falls(penalty.round(3)),
        ),
        Clause(
            f"The exact penalty, dashed, comes down to alpha by iteration {there} and stays there.",
            stops_at_alpha(rows) and np.allclose(penalty[there:], alpha, rtol=1e-5),
        ),
        Clause(
            f"The power method's estimate goes with it, but for iteration {lowest}, where it dips "
            f"to {short(estimate[lowest], 1)};",
            estimate[lowest] < 0.7 * alpha and np.delete(off, lowest).max() < 0.1,
        ),
        Clause(
            "the area below alpha is marked as the one where no kernel is.",
            np.all(penalty >= alpha),
        ),
    ]


DESCRIBED = {
    "figure_3_1": figure_3_1,
    "overview_3_1": figure_3_1,
    "figure_3_2": figure_3_2,
    "overview_3_2": figure_3_2,
}
