"""Section 1.1: the tables of `convreg.studies.training.train_all`, compared method by method."""

from __future__ import annotations

from collections.abc import Collection

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

    Columns: method, strength, no noise, largest noise.
    """
    rows = []
    for method, of_method in groups(accuracy, "method").items():
        for strength, of_strength in sorted(groups(of_method, "strength").items()):
            levels = [percent(level) for level in groups(of_strength, "noise").values()]
            rows.append((method, strength, levels[0], levels[-1]))
    return from_rows(("method", "strength", "no noise", "largest noise"), rows)


def of_methods(table: Table, methods: Collection[str]) -> Table:
    """The rows of some methods.

    >>> table = {"method": np.array(["a", "b", "a"]), "x": np.array([1, 2, 3])}
    >>> of_methods(table, ["a"])["x"]
    array([1, 3])
    """
    return selected(table, np.isin(table["method"], list(methods)))


def barrier_shares(layers: Table, alpha: float) -> Table:
    """Section 3, the barrier: for each method and layer how often sigma_max^2 >= 2 alpha.

    Of the records after the start. There both Gram matrices give the same R_alpha. For the form in
    values it is how often sigma_max^2 >= 4 alpha: there the upper end of the spectrum decides.

    >>> layers = {"method": np.array(["none"] * 3), "layer": np.array(["first"] * 3)}
    >>> layers |= {"epoch": np.arange(3), "sigma_max": np.array([0.0, 1.0, 2.0])}
    >>> [column.item() for column in barrier_shares(layers, 1.0).values()]
    ['none', '2 alpha', 0.5]
    """
    after = selected(layers, layers["epoch"] > 0)
    names = list(groups(after, "layer"))
    lines = []
    for method, rows in groups(after, "method").items():
        times = 4 if method == VALUES else 2
        of_layer = groups(rows, "layer")
        shares = [np.mean(of_layer[name]["sigma_max"] ** 2 >= times * alpha) for name in names]
        lines.append((method, f"{times} alpha", *shares))
    return from_rows(("method", "sigma_max^2 at least", *names), lines)


def accuracies(accuracy: Table) -> Table:
    """Section 1.1: for each method the mean over the seeds, on the images learnt from and on new.

    In per cent; on new images for each noise.

    >>> accuracy = {"method": np.array(["none"] * 2), "noise": np.zeros(2)}
    >>> accuracy |= {"accuracy": np.array([0.5, 0.7]), "train_accuracy": np.ones(2)}
    >>> [column.item() for column in accuracies(accuracy).values()]
    ['none', 100.0, 60.0]
    """
    rows = []
    for method, of_method in groups(accuracy, "method").items():
        means = [percent(level) for level in groups(of_method, "noise").values()]
        rows.append((method, 100 * of_method["train_accuracy"].mean(), *means))
    return from_rows(("method", "training", *_noises(accuracy)), rows)


def accuracy_ranges(accuracy: Table) -> Table:
    """Section 1.1: on new images, from the lowest to the highest of the seeds, in per cent.

    >>> accuracy = {"method": np.array(["none"] * 2), "noise": np.zeros(2)}
    >>> accuracy |= {"accuracy": np.array([0.5, 0.7])}
    >>> [column.item() for column in accuracy_ranges(accuracy).values()]
    ['none', '50.0 to 70.0']
    """
    rows = []
    for method, of_method in groups(accuracy, "method").items():
        levels = [100 * level["accuracy"] for level in groups(of_method, "noise").values()]
        rows.append((method, *(f"{level.min():.1f} to {level.max():.1f}" for level in levels)))
    return from_rows(("method", *_noises(accuracy)), rows)


def _noises(accuracy: Table) -> list[str]:
    """What the columns of the noises are called."""
    return [f"noise {noise:g}" if noise else "no noise" for noise in groups(accuracy, "noise")]


def longer_accuracies(accuracy: Table) -> Table:
    """Section 1.1: the mean accuracies on the images learnt from, and on new ones, in per cent.

    On new ones without noise and under the largest.

    >>> accuracy = {"method": np.array(["none"] * 2), "noise": np.array([0.0, 0.5])}
    >>> accuracy |= {"accuracy": np.array([0.75, 0.5]), "train_accuracy": np.ones(2)}
    >>> [column.item() for column in longer_accuracies(accuracy).values()]
    ['none', 100.0, 75.0, 50.0]
    """
    rows = []
    for method, of_method in groups(accuracy, "method").items():
        levels = [percent(level) for level in groups(of_method, "noise").values()]
        trained = 100 * of_method["train_accuracy"].mean()
        rows.append((method, trained, levels[0], levels[-1]))
    return from_rows(("method", "training images", "test images", "largest noise"), rows)


def better(accuracy: Table) -> tuple[int, int]:
    """Section 1.1: how many networks read clean images better with the penalty, and of how many.

    The penalty of the smaller Gram matrix against no regularisation, seed by seed.

    >>> accuracy = {"method": np.array([BARE, PENALTY]), "noise": np.zeros(2)}
    >>> better(accuracy | {"accuracy": np.array([0.5, 0.6])})
    (1, 1)
    """
    methods = groups(accuracy, "method")
    gain = gains(methods[PENALTY], methods[BARE])[0.0]
    return int(np.sum(gain > 0)), len(gain)


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

    >>> table = {"sigma_max": np.array([2.0, 3.0]), "sigma_min": np.array([0.5, 0.0])}
    >>> farthest(table, 4.0)
    1.0
    """
    sigma = np.concatenate([rows["sigma_max"], rows["sigma_min"]])
    return float(max(abs(sigma / alpha**0.5 - 1)))
