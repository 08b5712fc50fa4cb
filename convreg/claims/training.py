"""Section 1.1: what the trainings of notebook 10 say of the paper's reasons for the penalty.

A predicate takes the tables of `convreg.studies.training.train_all` and compares one method with no
regularisation, seed by seed: the same start, the same images, the same order. The method is the
penalty of the smaller Gram matrix where no other is named. Some networks of one kind on one data
set can show that something happens, not that it does not: every verdict is on these networks, and
"not seen here" is the least of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.claims.definitions import (
    HOLDS,
    IN_PART,
    NOT_SEEN,
    Claim,
    Judged,
    by_threshold,
    each,
)
from convreg.claims.sections import (
    BACK_IN_TRAINING,
    IN_TRAINING,
    LONGER_TRAINING,
    NOISE,
)
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
    """The evidence: two tables of `convreg.studies.training.train_all`, shift and method."""

    layers: Table  # method, seed, epoch, layer, and what was measured there
    accuracy: Table  # method, seed, noise, accuracy
    alpha: float
    method: str = PENALTY  # that is judged


def singular_values_come_near(found: Trainings) -> Judged:
    """sigma_max and sigma_min of all layers, seeds end nearer to sqrt(alpha); in part: one does."""
    ends = at_the_end(found.layers)
    root = found.alpha**0.5
    nearer = []
    words = []
    for field in ("sigma_max", "sigma_min"):
        bare = np.abs(ends[BARE][field] - root)
        kept = np.abs(ends[found.method][field] - root)
        nearer.append(all(kept < bare))
        without = by_layer(ends[BARE], field)
        with_it = by_layer(ends[found.method], field)
        words.append(f"{field} {without} without, {with_it} with")
    return Judged(seen(all(nearer), any(nearer)), "; ".join(words))


def by_layer(rows: Table, field: str) -> str:
    """The medians over the seeds, layer by layer, in words."""
    layers = groups(rows, "layer").values()
    return each([np.median(layer[field]) for layer in layers], 2)


def seen(whole: bool, part: bool) -> str:
    """The verdict for what is seen in these networks as a whole, or else in part.

    >>> seen(False, False)
    'not seen here'
    """
    if whole:
        return HOLDS
    return IN_PART if part else NOT_SEEN


def gradients_keep_their_norm(found: Trainings) -> Judged:
    """With singular values close to sqrt(alpha), to a half of it, the gradient's norm changes less.

    From the last layer to the first, in all epochs and seeds. In part: at the end, in all seeds.
    Where the singular values are not close, the sentence says nothing, and nothing is seen of it.
    """
    epochs, without = growth(found.layers, BARE)
    _, with_it = growth(found.layers, found.method)
    with np.errstate(divide="ignore"):
        less = np.abs(np.log(with_it)) < np.abs(np.log(without))
    at_last = epochs == epochs.max()
    less_throughout = seen(all(less[epochs > 0]), all(less[at_last]))
    away = farthest(at_the_end(found.layers)[found.method], found.alpha)
    words = f"{_range(without[at_last])} without, {_range(with_it[at_last])} with"
    return by_threshold(
        lambda limit: less_throughout if away <= limit else NOT_SEEN,
        threshold=0.5,
        found=away,
        asks="singular values off by at most",
        measured=f"from the last to the first layer times {words}, at the end",
    )


def _range(factors: NDArray) -> str:
    """The least and the largest, in words.

    >>> _range(np.array([3.0, 1.0, 2.0]))
    '1 to 3'
    """
    return f"{min(factors):.2g} to {max(factors):.2g}"


def less_is_lost_on_new_images(found: Trainings) -> Judged:
    """The accuracy falls less from the training images to the test images, with every seed.

    In part: on average.
    """
    bare, bare_in_words = _lost(found, BARE)
    kept, kept_in_words = _lost(found, found.method)
    less = bare - kept
    measured = f"from training to new images {bare_in_words} without, {kept_in_words} with"
    return Judged(seen(min(less) > 0, less.mean() > 0), measured)


def _lost(found: Trainings, method: str) -> tuple[NDArray, str]:
    """How far the accuracy falls, seed by seed, and between which means, in words."""
    clean = groups(groups(found.accuracy, "method")[method], "noise")[0.0]
    learnt = 100 * clean["train_accuracy"].mean()
    words = f"{learnt:.1f} to {percent(clean):.1f}%"
    return clean["train_accuracy"] - clean["accuracy"], words


def new_images_are_read_better(found: Trainings) -> Judged:
    """The test accuracy is higher with every seed; in part: on average."""
    methods = groups(found.accuracy, "method")
    gain = gains(methods[found.method], methods[BARE])[0.0]
    return Judged(seen(min(gain) > 0, bool(gain.mean() > 0)), points(gain, "on new images"))


def points(gain: NDArray, where: str) -> str:
    """Differences of accuracies in words.

    >>> points(np.array([-1.0, 0.5]), "without noise")
    '-0.2 points without noise (-1.0 to +0.5)'
    """
    return f"{gain.mean():+.1f} points {where} ({gain.min():+.1f} to {gain.max():+.1f})"


def noise_does_less_harm(found: Trainings) -> Judged:
    """All noise lowers the accuracy less, with every seed; in part: the largest noise does."""
    methods = groups(found.accuracy, "method")
    gain = gains(methods[found.method], methods[BARE])
    noises = [noise for noise in gain if noise > 0]
    better = [min(gain[noise] - gain[0.0]) > 0 for noise in noises]
    lost = []
    for noise in (min(noises), max(noises)):
        without = harm(methods[BARE], noise)
        with_it = harm(methods[found.method], noise)
        lost.append(f"noise {noise:g} costs {without:.1f} points without, {with_it:.1f} with")
    return Judged(seen(all(better), better[-1]), "; ".join(lost))


TRAINING_CLAIMS = (
    Claim(
        "Abstract",
        "The penalty can be used in training to keep the singular values of M around 1",
        singular_values_come_near,
        IN_TRAINING,
    ),
    Claim(
        "Section 1.1",
        "If the singular values are all close to 1, gradients neither explode nor vanish",
        gradients_keep_their_norm,
        BACK_IN_TRAINING,
    ),
    Claim(
        "Section 1.1",
        "It can also help generalizability: to do on new data as on the training data",
        less_is_lost_on_new_images,
        LONGER_TRAINING,
    ),
    Claim(
        "Section 1.1",
        "And so it can help the performance on new data, the ultimate concern",
        new_images_are_read_better,
        LONGER_TRAINING,
    ),
    Claim(
        "Section 1.1",
        "It can make the output less sensitive to perturbed input",
        noise_does_less_harm,
        NOISE,
    ),
)
