"""Section 1.1: the tables of `convreg.studies.training.train_all`, compared method by method and seed by seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convreg.storage.tables import Table, from_rows, groups, stacked

METHODS = (BARE, COLUMNS, PENALTY, DECAY, SPECTRAL) = (
    "none", "penalty, M'M", "penalty, smaller", "weight decay", "spectral norm",
)  # fmt: skip


def differences(accuracy: Table) -> Table:
    """The accuracy of each method less that without regularisation, in percentage points.

    Columns: method, noise, mean (over the seeds), lowest, highest.
    """
    methods = groups(accuracy, "method")
    return stacked(
        {"method": method, "noise": [noise], "mean": gain.mean(), "lowest": gain.min(), "highest": gain.max()}
        for method in methods
        if method != BARE
        for noise, gain in gains(methods[method], methods[BARE]).items()
    )


def by_strength(accuracy: Table) -> Table:
    """The mean accuracies over the seeds without noise and under the largest, in per cent.

    Columns: method, strength, clean, noisy.
    """
    return stacked(
        {"method": method, "strength": [strength], "clean": percent(levels[0]), "noisy": percent(levels[-1])}
        for method, rows in groups(accuracy, "method").items()
        for strength, of_strength in sorted(groups(rows, "strength").items())
        for levels in [list(groups(of_strength, "noise").values())]
    )


def percent(level: Table) -> float:
    """The mean accuracy over the seeds, in per cent."""
    return 100 * float(level["accuracy"].mean())


def gains(rows: Table, bare: Table) -> dict[float, NDArray]:
    """By the size of the noise, the differences of the accuracies in percentage points, seed by seed."""
    levels, without = groups(rows, "noise"), groups(bare, "noise")
    return {noise: 100 * (level["accuracy"] - without[noise]["accuracy"]) for noise, level in levels.items()}


def harm(rows: Table, noise: float) -> float:
    """What noise of this size takes from the mean accuracy, in percentage points."""
    levels = groups(rows, "noise")
    return percent(levels[0.0]) - percent(levels[noise])


def at_the_end(layers: Table) -> dict[str, Table]:
    """The rows of the last epoch, by method."""
    last = layers["epoch"] == layers["epoch"].max()
    return groups({name: column[last] for name, column in layers.items()}, "method")


def growth(layers: Table, method: str) -> tuple[NDArray, NDArray]:
    """The epochs, and the norm of the gradient in the first layer over that in the last; seed after seed."""
    first, *_, last = groups(groups(layers, "method")[method], "layer").values()
    with np.errstate(divide="ignore", invalid="ignore"):  # no gradient at all where the weights have died
        return first["epoch"], first["gradient"] / last["gradient"]


def farthest(rows: Table, alpha: float) -> float:
    """How far the extreme singular values are from sqrt(alpha), as a fraction of it.

    >>> farthest({"sigma_max": np.array([2.0, 3.0]), "sigma_min": np.array([0.5, 0.0])}, 4.0)
    1.0
    """
    sigma = np.concatenate([rows["sigma_max"], rows["sigma_min"]])
    return float(max(abs(sigma / alpha**0.5 - 1)))


def strength_gains(accuracy: Table) -> Table:
    """The accuracy with each strength less that without regularisation, in percentage points.

    Columns: method, strength, noise (none and the largest), mean (over the seeds), lowest, highest.
    """
    methods, rows = groups(accuracy, "method"), []
    for method in [name for name in methods if name != BARE]:
        for strength, of_strength in sorted(groups(methods[method], "strength").items()):
            by_noise = gains(of_strength, methods[BARE])
            for noise in (min(by_noise), max(by_noise)):
                gain = by_noise[noise]
                rows.append((method, strength, noise, gain.mean(), gain.min(), gain.max()))
    names = ("method", "strength", "noise", "mean", "lowest", "highest")
    return from_rows(names, rows)
