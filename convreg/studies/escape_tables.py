"""Section 2.1, the square case: what the runs of `convreg.studies.escape` come to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convreg.storage.tables import Table, groups
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

    >>> select({"g": np.array([1, 1, 2]), "state": np.array([1, 5, 1])}, g=1, state=range(1, 4))
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


def share_lines(table: Table, g: int, N: int) -> str:
    """For each method a line: the share below 1.1 for each c, and what a step costs.

    Of the states 1 to 50, or as many as there are.

    >>> run = {"method": "polar", "g": 1, "N": 8, "c": 0.0, "state": 1, "kappa": 1.02}
    >>> print(share_lines({name: np.array([value]) for name, value in run.items()}, 1, 8))
    g = h = 1, N = 8                c = 0  states  products a step
    polar                            1.00       1             2731
    """
    rows = select(table, g=g, N=N, state=range(1, 51))
    shifts = list(groups(rows, "c"))
    columns = "".join(f"  c = {c:g}" for c in shifts)
    lines = [f"{f'g = h = {g}, N = {N}':30}{columns}  states  products a step"]
    by_method = groups(rows, "method")
    for way in WAYS:
        if way.name not in by_method:
            continue
        mine = by_method[way.name]
        shares = {c: share_reached(some) for c, some in groups(mine, "c").items()}
        cells = "".join(f"{shares[c]:7.2f}" if c in shares else 7 * " " for c in shifts)
        states = len(set(mine["state"].tolist()))
        lines.append(f"{way.name:30}{cells}{states:8}{products_of_a_step(way, g, N):17.0f}")
    return "\n".join(lines)


def class_lines(table: Table, method: str, g: int, N: int) -> str:
    """For each c a line: the classes of the starts, and of the ends, and how many reach 1.1.

    >>> run = {"method": "R", "g": 1, "N": 8, "c": 0.0, "state": 1, "kappa": 1.02}
    >>> run["classes"] = "zzzttt"
    >>> print(class_lines({name: np.array([value]) for name, value in run.items()}, "R", 1, 8))
    R, g = h = 1, N = 8
      c = 0: 1 zeros; at the end 1 trivial; 1 of 1 below 1.1
    """
    rows = select(table, method=method, g=g, N=N, state=range(1, 51))
    lines = [f"{method}, g = h = {g}, N = {N}"]
    for c, some in groups(rows, "c").items():
        start, end = (counted(classes_at(some, step)) for step in (0, MARKS[-1]))
        reached = int(np.sum(some["kappa"] < GOAL))
        below = f"{reached} of {len(some['kappa'])} below 1.1"
        lines.append(f"  c = {c:g}: {start}; at the end {end}; {below}")
    return "\n".join(lines)


def kernel_lines(table: Table, g: int, N: int, c: float = 0.0, state: int = 1) -> str:
    """One start kernel: for each method kappa, the share off the centre, and the classes.

    >>> run = {"method": "R", "g": 2, "N": 15, "c": 0.0, "state": 1, "kappa": 1.02, "steps": 100}
    >>> run |= {"off_centre": 0.2, "classes": "zzzttt"}
    >>> print(kernel_lines({name: np.array([value]) for name, value in run.items()}, 2, 15))
    R                             kappa    1.02 after 100 steps, off centre 0.20, zeros to trivial
    """
    rows = select(table, g=g, N=N, c=c, state=state)
    columns = (rows[name] for name in ("method", "kappa", "steps", "off_centre", "classes"))
    lines = []
    for method, kappa, steps, share, classes in zip(*columns, strict=True):
        change = f"{CLASSES[classes[0]]} to {CLASSES[classes[-1]]}"
        end = f"kappa {kappa:7.3g} after {steps:3} steps"
        lines.append(f"{method:30}{end}, off centre {share:.2f}, {change}")
    return "\n".join(lines)


def prediction(table: Table, step: int) -> Verdict:
    """Foretelling "it will reach 1.1" where the class after so many steps is the trivial one.

    >>> prediction({"classes": np.array(["zt", "zz"]), "kappa": np.array([1.0, 1.0])}, 10)
    Verdict(right=0.5, foreseen=1, missed=1, false=0, refused=0)
    """
    said = np.array(classes_at(table, step)) == "t"
    reached = table["kappa"] < GOAL
    counts = [said & reached, ~said & reached, said & ~reached, ~said & ~reached]
    return Verdict(float(np.mean(said == reached)), *(int(np.sum(which)) for which in counts))


def prediction_lines(table: Table, method: str, N: int, states: range) -> str:
    """For each g a line: how often `prediction` is right after 0, 10, 20, 40 and 100 steps.

    >>> run = {"method": "R", "g": 1, "N": 8, "c": 0.0, "state": 1, "kappa": 1.02}
    >>> run["classes"] = "zztttt"
    >>> table = {name: np.array([value]) for name, value in run.items()}
    >>> print(prediction_lines(table, "R", 8, range(1, 51)))
    R, N = 8, states 1 to 50
                   runs  reached  right after 0     10     20     40    100 steps
      g = h = 1       1     1.00           0.00   0.00   1.00   1.00   1.00
    """
    title = f"{method}, N = {N}, states {states[0]} to {states[-1]}"
    steps = (0, *MARKS[:-1])
    after = "".join(f"{step:7}" for step in steps[1:])
    lines = [title, f"{'':15}runs  reached  right after 0{after} steps"]
    for g, rows in groups(select(table, method=method, N=N, state=states), "g").items():
        right = "".join(f"{prediction(rows, step).right:7.2f}" for step in steps)
        runs, share = len(rows["kappa"]), share_reached(rows)
        lines.append(f"  g = h = {g}{runs:8}{share:9.2f}        {right}")
    return "\n".join(lines)
