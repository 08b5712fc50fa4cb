"""Section 1.1: the tables of `convreg.studies.training.train_all`, compared method by method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg.storage.tables import Table, from_rows, groups

BARE = "none"
COLUMNS = "penalty, M'M"
PENALTY = "penalty, smaller"
VALUES = "penalty, values"
DECAY = "weight decay"
SPECTRAL = "spectral norm"
METHODS = (BARE, COLUMNS, PENALTY, VALUES, DECAY, SPECTRAL)


def selected(table: Table, chosen: NDArray) -> Table:
    """The rows for which ``chosen`` is True.

    >>> selected({"x": np.array([1, 2, 3])}, np.array([True, False, True]))["x"]
    array([1, 3])
    """
    return {name: column[chosen] for name, column in table.items()}


def percent(level: Table) -> float:
    """The mean accuracy over the seeds, in per cent."""
    return 100 * float(level["accuracy"].mean())


def gains(rows: Table, bare: Table) -> dict[float, NDArray]:
    """By the size of the noise, the differences of the accuracies in points, seed by seed."""
    without = groups(bare, "noise")
    found = {}
    for noise, level in groups(rows, "noise").items():
        found[noise] = 100 * (level["accuracy"] - without[noise]["accuracy"])
    return found


def differences(accuracy: Table) -> Table:
    """The accuracy of each method less that without regularisation, in percentage points.

    Columns: method, noise, mean (over the seeds), lowest, highest.
    """
    methods = groups(accuracy, "method")
    rows = []
    for method in methods:
        if method == BARE:
            continue
        for noise, gain in gains(methods[method], methods[BARE]).items():
            rows.append((method, noise, gain.mean(), gain.min(), gain.max()))
    return from_rows(("method", "noise", "mean", "lowest", "highest"), rows)


def strength_gains(accuracy: Table) -> Table:
    """The accuracy with each strength less that without regularisation, in percentage points.

    Columns: method, strength, noise (none and the largest), mean (over the seeds), lowest, highest.
    """
    methods = groups(accuracy, "method")
    rows = []
    for method in methods:
        if method == BARE:
            continue
        for strength, of_strength in sorted(groups(methods[method], "strength").items()):
            by_noise = gains(of_strength, methods[BARE])
            for noise in (min(by_noise), max(by_noise)):
                gain = by_noise[noise]
                rows.append((method, strength, noise, gain.mean(), gain.min(), gain.max()))
    return from_rows(("method", "strength", "noise", "mean", "lowest", "highest"), rows)


def by_strength(accuracy: Table) -> Table:
    """The mean accuracies over the seeds without noise and under the largest, in per cent.

    Columns: method, strength, clean, noisy.
    """
    rows = []
    for method, of_method in groups(accuracy, "method").items():
        for strength, of_strength in sorted(groups(of_method, "strength").items()):
            levels = [percent(level) for level in groups(of_strength, "noise").values()]
            rows.append((method, strength, levels[0], levels[-1]))
    return from_rows(("method", "strength", "clean", "noisy"), rows)


def harm(rows: Table, noise: float) -> float:
    """What noise of this size takes from the mean accuracy, in percentage points."""
    levels = groups(rows, "noise")
    return percent(levels[0.0]) - percent(levels[noise])


def at_the_end(layers: Table) -> dict[str, Table]:
    """The rows of the last epoch, by method."""
    last = layers["epoch"].max()
    return groups(selected(layers, layers["epoch"] == last), "method")


def growth(layers: Table, method: str) -> tuple[NDArray, NDArray]:
    """The epochs, and the norm of the gradient in the first layer over that in the last.

    Seed after seed; NaN or infinite where the weights have died and there is no gradient.
    """
    first, *_, last = groups(groups(layers, "method")[method], "layer").values()
    with np.errstate(divide="ignore", invalid="ignore"):
        return first["epoch"], first["gradient"] / last["gradient"]


def farthest(rows: Table, alpha: float) -> float:
    """How far the extreme singular values are from sqrt(alpha), as a fraction of it.

    >>> farthest({"sigma_max": np.array([2.0, 3.0]), "sigma_min": np.array([0.5, 0.0])}, 4.0)
    1.0
    """
    sigma = np.concatenate([rows["sigma_max"], rows["sigma_min"]])
    return float(max(abs(sigma / alpha**0.5 - 1)))
