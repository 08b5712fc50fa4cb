"""Section 2.1, the square case: what the runs of `convreg.studies.escape` come to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convreg.storage.tables import Table, from_rows, groups
from convreg.studies.escape import GOAL, MARKS, WAYS, products_of_a_step

CLASSES = {"t": "trivial", "w": "winding", "z": "zeros", "u": "undecided"}


class Verdict(NamedTuple):
    """How often a prediction is right, and the four kinds of runs."""

    right: float
    foreseen: int  # said yes, and reached
    missed: int  # said no, and reached
    false: int  # said yes, and not reached
    refused: int  # said no, and not reached


def select(table: Table, **wanted: object) -> Table:
    """The rows with these values, a range standing for all its numbers.

    >>> table = {"g": np.array([1, 1, 2]), "state": np.array([1, 5, 1])}
    >>> select(table, g=1, state=range(1, 4))
    {'g': array([1]), 'state': array([1])}
    """
    kept = np.ones(len(next(iter(table.values()))), bool)
    for name, value in wanted.items():
        values = np.array(value if isinstance(value, range) else [value])
        kept &= np.isin(table[name], values)
    return {name: column[kept] for name, column in table.items()}


def share_reached(table: Table) -> float:
    """The share of runs that end below kappa = 1.1.

    >>> share_reached({"kappa": np.array([1.02, 7.0])})
    0.5
    """
    return float(np.mean(table["kappa"] < GOAL))


def classes_at(table: Table, step: int) -> list[str]:
    """The class of every run after 0, 10, 20, 40, 100 or 200 steps, or at its end, by its letter.

    >>> classes_at({"classes": np.array(["zztttt"])}, 20)
    ['t']
    """
    place = (0, *MARKS).index(step)
    return [letters[place] for letters in table["classes"]]


def counted(letters: list[str]) -> str:
    """How often each class comes, in words.

    >>> counted(["z", "t", "z"])
    '1 trivial, 2 zeros'
    """
    found = [(letters.count(letter), name) for letter, name in CLASSES.items()]
    return ", ".join(f"{count} {name}" for count, name in found if count)


def share_table(table: Table, g: int, N: int) -> Table:
    """A row for each method: the share below 1.1 for each c, and what a step costs.

    Of the states 1 to 50, or as many as there are; nan where there are none.

    >>> run = {"method": "polar", "g": 1, "N": 8, "c": 0.0, "state": 1, "kappa": 1.02}
    >>> found = share_table({name: np.array([value]) for name, value in run.items()}, 1, 8)
    >>> {name: column.round().item() if name != "method" else column.item()
    ...  for name, column in found.items()}
    {'method': 'polar', 'c = 0': 1.0, 'states': 1, 'products a step': 2731.0}
    """
    rows = select(table, g=g, N=N, state=range(1, 51))
    shifts = list(groups(rows, "c"))
    by_method = groups(rows, "method")
    found = []
    for way in WAYS:
        if way.name in by_method:
            mine = by_method[way.name]
            shares = {c: share_reached(some) for c, some in groups(mine, "c").items()}
            states = len(set(mine["state"].tolist()))
            cells = [shares.get(c, np.nan) for c in shifts]
            found.append((way.name, *cells, states, products_of_a_step(way, g, N)))
    columns = [f"c = {c:g}" for c in shifts]
    return from_rows(("method", *columns, "states", "products a step"), found)


def class_table(table: Table, method: str, g: int, N: int) -> Table:
    """A row for each c: the classes of the starts, and of the ends, and how many are below 1.1.

    >>> run = {"method": "R", "g": 1, "N": 8, "c": 0.0, "state": 1, "kappa": 1.02}
    >>> run["classes"] = "zzzttt"
    >>> table = {name: np.array([value]) for name, value in run.items()}
    >>> [column.item() for column in class_table(table, "R", 1, 8).values()]
    [0.0, '1 zeros', '1 trivial', 1, 1]
    """
    rows = select(table, method=method, g=g, N=N, state=range(1, 51))
    found = []
    for c, some in groups(rows, "c").items():
        start, end = (counted(classes_at(some, step)) for step in (0, MARKS[-1]))
        reached = int(np.sum(some["kappa"] < GOAL))
        found.append((c, start, end, reached, len(some["kappa"])))
    return from_rows(("c", "at the start", "at the end", "below 1.1", "runs"), found)


def kernel_table(table: Table, g: int, N: int, c: float = 0.0, state: int = 1) -> Table:
    """One start kernel: for each method kappa, the share off the centre, and the classes.

    >>> run = {"method": "R", "g": 2, "N": 15, "c": 0.0, "state": 1}
    >>> run |= {"kappa": 1.02, "steps": 100}
    >>> run |= {"off_centre": 0.2, "classes": "zzzttt"}
    >>> table = {name: np.array([value]) for name, value in run.items()}
    >>> [column.item() for column in kernel_table(table, 2, 15).values()]
    ['R', 1.02, 100, 0.2, 'zeros', 'trivial']
    """
    rows = select(table, g=g, N=N, c=c, state=state)
    return {
        "method": rows["method"],
        "kappa": rows["kappa"],
        "steps": rows["steps"],
        "off the centre, of |K|": rows["off_centre"],
        "at the start": np.array([CLASSES[letters[0]] for letters in rows["classes"]], dtype=str),
        "at the end": np.array([CLASSES[letters[-1]] for letters in rows["classes"]], dtype=str),
    }


def prediction(table: Table, step: int) -> Verdict:
    """Foretelling "it will reach 1.1" where the class after so many steps is the trivial one.

    >>> prediction({"classes": np.array(["zt", "zz"]), "kappa": np.array([1.0, 1.0])}, 10)
    Verdict(right=0.5, foreseen=1, missed=1, false=0, refused=0)
    """
    said = np.array(classes_at(table, step)) == "t"
    reached = table["kappa"] < GOAL
    counts = [said & reached, ~said & reached, said & ~reached, ~said & ~reached]
    return Verdict(float(np.mean(said == reached)), *(int(np.sum(which)) for which in counts))


def prediction_table(table: Table, method: str, N: int, states: range) -> Table:
    """A row for each g: how often `prediction` is right after 0, 10, 20, 40 and 100 steps.

    >>> run = {"method": "R", "g": 1, "N": 8, "c": 0.0, "state": 1, "kappa": 1.02}
    >>> run["classes"] = "zztttt"
    >>> table = {name: np.array([value]) for name, value in run.items()}
    >>> found = prediction_table(table, "R", 8, range(1, 51))
    >>> names = ("reached", "right after 10", "right after 20")
    >>> tuple(found[name].item() for name in names)
    (1.0, 0.0, 1.0)
    """
    steps = (0, *MARKS[:-1])
    found = []
    for g, rows in groups(select(table, method=method, N=N, state=states), "g").items():
        right = [prediction(rows, step).right for step in steps]
        found.append((g, len(rows["kappa"]), share_reached(rows), *right))
    columns = [f"right after {step}" for step in steps]
    return from_rows(("g = h", "runs", "reached", *columns), found)
