"""Section 1.1: what the trainings of notebook 10 say of the paper's reasons for the penalty.

A predicate takes the tables of `convreg.studies.training.train_all` and compares the penalty of the smaller
Gram matrix with no regularisation, seed by seed: the same start, the same images, the same order.
Some networks of one kind on one data set can show that something happens, not that it does not:
every verdict is on these networks, and "not seen here" is the least of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.claims.definitions import HOLDS, IN_PART, NOT_SEEN, Claim, Judged, by_threshold, each
from convreg.storage.tables import Table, groups
from convreg.studies.training_tables import (
    BARE,
    PENALTY,
    at_the_end,
    farthest,
    gains,
    growth,
    harm,
    percent,
)


class Trainings(NamedTuple):
    """The evidence: method, seed, epoch, layer and what was measured; method, seed, noise, accuracy; the shift."""

    layers: Table
    accuracy: Table
    alpha: float


def by_layer(rows: Table, field: str) -> str:
    """The medians over the seeds, layer by layer, in words."""
    return each((np.median(layer[field]) for layer in groups(rows, "layer").values()), 2)


def seen(whole: bool, part: bool) -> str:
    """The verdict for what is seen in these networks as a whole, or else in part.

    >>> seen(False, False)
    'not seen here'
    """
    return HOLDS if whole else IN_PART if part else NOT_SEEN


def singular_values_come_near(found: Trainings) -> Judged:
    """sigma_max and sigma_min of all layers and seeds end nearer to sqrt(alpha); in part: one does."""
    ends, fields, nearer, words = at_the_end(found.layers), ("sigma_max", "sigma_min"), [], []
    for field in fields:
        bare, kept = (abs(ends[method][field] - found.alpha**0.5) for method in (BARE, PENALTY))
        nearer.append(bool(np.all(kept < bare)))
        without, with_it = (by_layer(ends[method], field) for method in (BARE, PENALTY))
        words.append(f"{field} {without} without, {with_it} with")
    return Judged(seen(all(nearer), any(nearer)), "; ".join(words))


def gradients_keep_their_norm(found: Trainings) -> Judged:
    """With singular values close to sqrt(alpha), to a half of it, the gradient's norm changes less.

    From the last layer to the first, in all epochs and seeds. In part: at the end, in all seeds.
    Where the singular values are not close, the sentence says nothing, and nothing is seen of it.
    """
    (epochs, without), (_, with_it) = (growth(found.layers, method) for method in (BARE, PENALTY))
    with np.errstate(divide="ignore"):
        less, at_last = abs(np.log(with_it)) < abs(np.log(without)), epochs == epochs.max()
    away, norms = farthest(at_the_end(found.layers)[PENALTY], found.alpha), []
    for factor in (without, with_it):
        norms.append(f"{min(factor[at_last]):.2g} to {max(factor[at_last]):.2g}")
    words = f"times {norms[0]} without, {norms[1]} with"
    measured = f"from the last to the first layer {words}, at the end"

    def decide(limit: float) -> str:
        return seen(all(less[epochs > 0]), all(less[at_last])) if away <= limit else NOT_SEEN

    return by_threshold(decide, 0.5, away, "singular values off by at most", measured)


def less_is_lost_on_new_images(found: Trainings) -> Judged:
    """The accuracy falls less from the training images to the test images, with every seed.

    In part: on average.
    """
    methods, lost, words = groups(found.accuracy, "method"), [], []
    for method in (BARE, PENALTY):
        clean = groups(methods[method], "noise")[0.0]
        lost.append(clean["train_accuracy"] - clean["accuracy"])
        words.append(f"{100 * clean['train_accuracy'].mean():.1f} to {percent(clean):.1f}%")
    less = lost[0] - lost[1]
    measured = f"from training to new images {words[0]} without, {words[1]} with"
    return Judged(seen(min(less) > 0, less.mean() > 0), measured)


def new_images_are_read_better(found: Trainings) -> Judged:
    """The test accuracy is higher with every seed; in part: on average."""
    methods = groups(found.accuracy, "method")
    gain = gains(methods[PENALTY], methods[BARE])[0.0]
    return Judged(seen(min(gain) > 0, gain.mean() > 0), points(gain, "on new images"))


def noise_does_less_harm(found: Trainings) -> Judged:
    """All noise lowers the accuracy less, with every seed; in part: the largest noise does."""
    methods = groups(found.accuracy, "method")
    gain = gains(methods[PENALTY], methods[BARE])
    less = {noise: of - gain[0.0] for noise, of in gain.items() if noise > 0}
    better = [min(of) > 0 for of in less.values()]
    lost = []
    for noise in (min(less), max(less)):
        without, with_it = (harm(methods[method], noise) for method in (BARE, PENALTY))
        lost.append(f"noise {noise:g} costs {without:.1f} points without, {with_it:.1f} with")
    return Judged(seen(all(better), better[-1]), "; ".join(lost))


def points(gain: NDArray, where: str) -> str:
    """Differences of accuracies in words.

    >>> points(np.array([-1.0, 0.5]), "without noise")
    '-0.2 points without noise (-1.0 to +0.5)'
    """
    return f"{gain.mean():+.1f} points {where} ({gain.min():+.1f} to {gain.max():+.1f})"


TRAINING_CLAIMS = (
    Claim(
        "Abstract",
        "The penalty can be used in training to keep the singular values of M around 1",
        singular_values_come_near,
        "10",
    ),
    Claim(
        "Section 1.1",
        "If the singular values are all close to 1, gradients neither explode nor vanish",
        gradients_keep_their_norm,
        "10",
    ),
    Claim(
        "Section 1.1",
        "It can also help generalizability: to do on new data as on the training data",
        less_is_lost_on_new_images,
        "10",
    ),
    Claim(
        "Section 1.1",
        "And so it can help the performance on new data, the ultimate concern",
        new_images_are_read_better,
        "10",
    ),
    Claim(
        "Section 1.1",
        "It can make the output less sensitive to perturbed input",
        noise_does_less_harm,
        "10",
    ),
)
