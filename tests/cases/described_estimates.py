"""The alternative texts of the figures of the estimate beside the exact penalty."""

import numpy as np
from clauses import Clause, listed, short, word
from described_descents import lowest_at, steps

from convreg.storage.tables import groups


def error_of(rows):
    """The exact value less the estimate, and where it is above the residual."""
    error = rows["penalty"] - rows["estimate"]
    return error, error > rows["residual"] * (1 + 1e-6)


def alone_at(rows, where):
    """Whether error and residual are large there, and nowhere else half as large."""
    error, _ = error_of(rows)
    parts = [values / values[where] for values in (error, rows["residual"])]
    return all(np.delete(part, where).max() < 0.5 for part in parts)


def figure_3_2_exact(table):
    """The estimate and the exact value; error and residual."""
    cases = {float(case.split()[-1]): rows for case, rows in groups(table, "case").items()}
    exceeded = {alpha: rows for alpha, rows in cases.items() if error_of(rows)[1].sum() > 1}
    others = {alpha: rows for alpha, rows in cases.items() if alpha not in exceeded}
    dipping = {alpha: rows for alpha, rows in cases.items() if rows["estimate"].min() < alpha}
    lowest = [f"{lowest_at(rows)} for {alpha:g}" for alpha, rows in dipping.items()]
    first, rows = next(iter(exceeded.items()))
    error, _ = error_of(rows)
    above = all(rows["penalty"].min() >= alpha for alpha, rows in cases.items())
    return [
        Clause(
            f"{word(len(cases)).capitalize()} pairs of panels over {steps(cases)} iterations, "
            f"alpha = {listed(cases)}."
        ),
        Clause(
            f"Upper panels, logarithmic: for alpha = {listed(dipping)} the estimate of the penalty "
            f"dips below alpha, lowest at iteration {listed(lowest)}, and the exact penalty stays "
            "at alpha or above.",
            above,
        ),
        Clause(
            f"Lower panels: for alpha = {listed(others)} the error and the residual are large at "
            "the dip alone, the residual being the larger;",
            all(alone_at(rows, lowest_at(rows)) for rows in others.values())
            and not any(error_of(rows)[1].any() for rows in others.values()),
        ),
        Clause(
            f"for alpha = {listed(exceeded)} the error exceeds the residual at "
            f"{listed(error_of(rows)[1].sum() for rows in exceeded.values())} iterations, for "
            f"alpha = {first:g} at the last one by a factor of "
            f"{short(error[-1] / rows['residual'][-1], 1)}.",
            error_of(rows)[1][-1],
        ),
    ]


def power_method(table):
    """Readings of the power method."""
    cases = groups(table, "case")
    *lagging, exact = cases.values()
    *names, last = cases
    low = [rows["estimate"].min() / rows["penalty"][lowest_at(rows)] for rows in lagging]
    factors, iterations = [], []
    for rows in lagging:
        error, above = error_of(rows)
        factors.append((error[above] / rows["residual"][above]).max())
        iterations.append(set(np.flatnonzero(above).tolist()))
    common = sorted(set.intersection(*iterations))
    return [
        Clause(
            f"{word(len(cases)).capitalize()} pairs of panels over {steps(cases)} iterations: "
            f"{listed([*names, last])}."
        ),
        Clause(
            "Upper panels, logarithmic: all estimates but the last sink to "
            f"{100 * min(low):.0f} to {100 * max(low):.0f} % of the exact penalty, at iterations "
            f"{min(map(lowest_at, lagging))} to {max(map(lowest_at, lagging))}.",
            max(low) < 0.5 and np.allclose(exact["estimate"], exact["penalty"], rtol=1e-4),
        ),
        Clause(
            "Lower panels: the error exceeds the residual at iterations "
            f"{listed(common)} in each of them, up to {short(max(factors))} times;",
            max(factors) > 10 and len(common) > 1,
        ),
        Clause(
            f"with the {last} both are zero.",
            np.allclose(exact["penalty"], exact["estimate"], rtol=0, atol=1e-4)
            and exact["residual"].max() < 1e-6,
        ),
    ]


DESCRIBED = {"figure_3_2_exact": figure_3_2_exact, "power_method": power_method}
