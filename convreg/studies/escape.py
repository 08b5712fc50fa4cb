"""Section 2.1, the square case: from which start kernels which descent reaches kappa < 1.1.

A run starts from the paper's uniform kernel with c I added to its centre tap and makes at most 200
steps. It ends at the first of the marks (10, 20, 40, 100 steps) with kappa below 1.05, so that
methods that decompose M in every step can be afforded. The classes are those of
`convreg.winding.symbol_class`, which proves them.

The power method selects a triplet by its estimates, and a rounding error may turn the choice: the
entries of start kernels disturbed by 1e-12, a run ends with kappa up to 3 percent away, and is up
to 6 percent away on the way. `agree` allows for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.descent import minimize_penalty
from convreg.examples import identity, start_kernel
from convreg.extremes import extreme_singular_values
from convreg.learning_rates import Rule, clipped_polyak_step, polyak_step
from convreg.storage.tables import Table, from_rows
from convreg.studies.barrier import off_centre_share
from convreg.studies.methods import (
    POWER_ITERATIONS,
    Cost,
    exact_polar_cost,
    iteration_cost,
    product_cost,
    torus_cost,
    values_cost,
)
from convreg.studies.polar import (
    Callback,
    alternating_projection,
    exact_projection,
    periodic_projection,
)
from convreg.winding import symbol_class

STEPS = 200
MARKS = (10, 20, 40, 100, 200)
GOAL, ENOUGH = 1.1, 1.05
SIDE = 16  # of the torus

Descent = Callable[[NDArray, int, int, Callback], object]  # K, N, steps, callback


class Way(NamedTuple):
    """A descent by its name, and the operations of a step."""

    name: str
    descend: Descent
    operations: Cost


class Escape(NamedTuple):
    """A run: its start, and what came of it."""

    method: str
    g: int
    N: int
    c: float
    state: int
    below: int  # the first mark with kappa < 1.1, 0 for the start, -1 where there is none
    steps: int  # of the whole run
    kappa: float  # at its end
    off_centre: float  # the share of |K| at its end
    classes: str  # at 0, 10, 20, 40, 100 and 200 steps, by their first letters


def descend(
    K: NDArray,
    N: int,
    steps: int,
    callback: Callback,
    rule: Rule,
    form: str = "squares",
    update: str = "power",
) -> None:
    """Algorithm 2.1, with two power iterations unless told to compute exact triplets."""
    options = {"diagnostics": False, "callback": callback, "form": form, "update": update}
    minimize_penalty(K, N, 1.0, rule, steps, POWER_ITERATIONS, **options)  # type: ignore[arg-type]


def project(
    K: NDArray, N: int, steps: int, callback: Callback, periodic: bool, accelerated: bool
) -> None:
    """Alternating projection."""
    projection = periodic_projection(SIDE) if periodic else exact_projection(N)
    alternating_projection(K, projection, steps, accelerated, callback)


def side_cost(k: int, g: int, h: int, N: int) -> float:
    """A projection on the torus, whatever N is."""
    return torus_cost(k, g, h, SIDE)


exact, periodic = partial(project, periodic=False), partial(project, periodic=True)
WAYS = (
    Way("R, rate limited", partial(descend, rule=polyak_step), iteration_cost),
    Way("R, length limited", partial(descend, rule=clipped_polyak_step), iteration_cost),
    Way(
        "values, length limited",
        partial(descend, rule=clipped_polyak_step, form="values"),
        values_cost,
    ),
    Way("values, rate limited", partial(descend, rule=polyak_step, form="values"), values_cost),
    Way("polar", partial(exact, accelerated=False), exact_polar_cost),
    Way("polar, accelerated", partial(exact, accelerated=True), exact_polar_cost),
    Way("polar, periodic, accelerated", partial(periodic, accelerated=True), side_cost),
)


EXACT_TRIPLETS = Way(
    "R, rate limited, exact triplets",
    partial(descend, rule=polyak_step, update="svd"),
    iteration_cost,  # without the decompositions: it is there to be predicted
)


def products_of_a_step(way: Way, g: int, N: int) -> float:
    """What a step costs, in products M'M v with 3 x 3 taps.

    >>> products_of_a_step(WAYS[0], 2, 15)
    10.0
    """
    return way.operations(3, g, g, N) / product_cost(3, g, g, N)


def start(g: int, c: float, state: int) -> NDArray:
    """MATLAB's 3 x 3 x g x g kernel with c on the diagonal of its centre tap.

    >>> (start(2, 1.0, 1) - start(2, 0.0, 1))[1, 1]
    array([[1., 0.],
           [0., 1.]])
    """
    return start_kernel(3, g, g, state) + c * identity(3, g, g)


def kappa_of(K: NDArray, N: int) -> float:
    """The condition number of M(K), infinity where it is singular.

    >>> kappa_of(identity(3), 4)
    1.0
    """
    largest, smallest = extreme_singular_values(K, N)
    return float(largest / smallest) if smallest > 0 else np.inf


def run(way: Way, g: int, N: int, c: float, state: int) -> Escape:
    """One run of the study.

    >>> run(WAYS[1], 1, 8, 2.0, 1)[:6]
    ('R, length limited', 1, 8, 2.0, 1, 20)
    """
    K = start(g, c, state)
    kappas, kernels = {0: kappa_of(K, N)}, {0: K}

    def watch(step: int, kernel: NDArray, value: float) -> bool:
        """Keep the marks; whether this is enough."""
        if step in MARKS:
            kappas[step], kernels[step] = kappa_of(kernel, N), kernel
        return step in MARKS and kappas[step] < ENOUGH

    way.descend(K, N, STEPS, watch)
    end = max(kernels)
    below = [step for step in kappas if kappas[step] < GOAL]
    names = {step: symbol_class(kernel).name for step, kernel in kernels.items()}
    letters = [names[min(step, end)][0] for step in (0, *MARKS)]
    share = off_centre_share(kernels[end])
    first = below[0] if below else -1
    return Escape(way.name, g, N, c, state, first, end, kappas[end], share, "".join(letters))


def escape_table(runs: Iterable[Escape]) -> Table:
    """The runs as a table, kappa and the share with three digits, a kappa above 1e15 as 1e15.

    >>> one = Escape("R", 1, 8, 2.0, 1, 20, 40, 1.01234, 0.12345, "zttttt")
    >>> table = escape_table([one])
    >>> table["kappa"].tolist(), table["off_centre"].tolist()
    ([1.01], [0.123])
    """
    rows = []
    for one in runs:
        kappa = float(f"{min(one.kappa, 1e15):.3g}")
        rows.append(one._replace(kappa=kappa, off_centre=round(one.off_centre, 3)))
    return from_rows(Escape._fields, rows)


def agree(one: Escape, other: Escape) -> bool:
    """Whether two runs are the same but for rounding errors, on another computer, say.

    Both end below kappa = 1.1 or neither, in the same class, with kappas that differ by at most a
    tenth, or are both above 1e6.

    >>> one = Escape("R", 1, 8, 2.0, 1, 20, 40, 1.015, 0.1, "zttttt")
    >>> agree(one, one._replace(kappa=1.03)), agree(one, one._replace(kappa=1.13))
    (True, False)
    """
    low, high = sorted((one.kappa, other.kappa))
    near = high <= 1.1 * low or low > 1e6
    sides = one.kappa < GOAL, other.kappa < GOAL
    return near and sides[0] == sides[1] and one.classes[-1] == other.classes[-1]
