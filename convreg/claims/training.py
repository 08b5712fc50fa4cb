"""Section 1.1: what the trainings of notebook 10 say of the reasons that the paper gives for the penalty.

A predicate takes the tables of `convreg.training.train_all` and compares the penalty of the smaller Gram matrix
with no regularisation, seed by seed: the same start, the same images, the same order. Some networks of one kind on
one data set support no more than "here".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.claims import Claim, Judged, each, verdict
from convreg.tables import Table, groups, stacked

METHODS = (BARE, COLUMNS, PENALTY, DECAY, SPECTRAL) = (
    "none", "penalty, M'M", "penalty, smaller", "weight decay", "spectral norm",
)  # fmt: skip


class Trainings(NamedTuple):
    """The evidence: method, seed, epoch, layer and what was measured; method, seed, noise, accuracy; the shift."""

    layers: Table
    accuracy: Table
    alpha: float


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


def at_the_end(layers: Table) -> dict[str, Table]:
    """The rows of the last epoch, by method."""
    last = layers["epoch"] == layers["epoch"].max()
    return groups({name: column[last] for name, column in layers.items()}, "method")


def growth(layers: Table, method: str) -> tuple[NDArray, NDArray]:
    """The epochs, and the norm of the gradient in the first layer over that in the last; seed after seed."""
    first, *_, last = groups(groups(layers, "method")[method], "layer").values()
    with np.errstate(divide="ignore", invalid="ignore"):  # no gradient at all where the weights have died
        return first["epoch"], first["gradient"] / last["gradient"]


def by_layer(rows: Table, field: str) -> str:
    """The medians over the seeds, layer by layer, in words."""
    return each((np.median(layer[field]) for layer in groups(rows, "layer").values()), 2)


def singular_values_come_near(found: Trainings) -> Judged:
    """sigma_max and sigma_min of all layers, in all seeds, end nearer to sqrt(alpha); in part: one of the two."""
    ends, fields, centre = at_the_end(found.layers), ("sigma_max", "sigma_min"), found.alpha**0.5
    nearer = [np.all(abs(ends[PENALTY][field] - centre) < abs(ends[BARE][field] - centre)) for field in fields]
    words = [
        f"{field} {by_layer(ends[BARE], field)} without, {by_layer(ends[PENALTY], field)} with" for field in fields
    ]
    return verdict(all(nearer), any(nearer)), "; ".join(words)


def gradients_keep_their_norm(found: Trainings) -> Judged:
    """From the last layer to the first the norm changes less with the penalty, in all epochs and seeds.

    In part: at the end, in all seeds.
    """
    (epochs, without), (_, with_it) = (growth(found.layers, method) for method in (BARE, PENALTY))
    with np.errstate(divide="ignore"):
        less, at_last = abs(np.log(with_it)) < abs(np.log(without)), epochs == epochs.max()
    words = [f"{min(factor[at_last]):.2g} to {max(factor[at_last]):.2g}" for factor in (without, with_it)]
    measured = f"from the last to the first layer times {words[0]} without, {words[1]} with, at the end"
    return verdict(bool(less[epochs > 0].all()), bool(less[at_last].all())), measured


def new_images_are_read_better(found: Trainings) -> Judged:
    """The test accuracy is higher with every seed; in part: on average."""
    methods = groups(found.accuracy, "method")
    gain = gains(methods[PENALTY], methods[BARE])[0.0]
    return verdict(bool(gain.min() > 0), bool(gain.mean() > 0)), points(gain, "without noise")


def noise_does_less_harm(found: Trainings) -> Judged:
    """The accuracy is higher with every seed under all noise; in part: under the largest noise."""
    methods = groups(found.accuracy, "method")
    by_noise = {noise: gain for noise, gain in gains(methods[PENALTY], methods[BARE]).items() if noise > 0}
    better = [bool(gain.min() > 0) for gain in by_noise.values()]
    words = [points(by_noise[noise], f"under noise {noise:g}") for noise in (min(by_noise), max(by_noise))]
    return verdict(all(better), better[-1]), "; ".join(words)


def points(gain: NDArray, where: str) -> str:
    """Differences of accuracies in words.

    >>> points(np.array([-1.0, 0.5]), "without noise")
    '-0.2 points without noise (-1.0 to +0.5)'
    """
    return f"{gain.mean():+.1f} points {where} ({gain.min():+.1f} to {gain.max():+.1f})"


TRAINING_CLAIMS = (
    Claim(
        "Section 1", "The penalty keeps the singular values of M near one another", singular_values_come_near, "10"
    ),
    Claim("Section 1.1", "Gradients then neither explode nor vanish", gradients_keep_their_norm, "10"),
    Claim("Section 1.1", "This helps on new data", new_images_are_read_better, "10"),
    Claim("Section 1.1", "The output is less sensitive to perturbed input", noise_does_less_harm, "10"),
)
