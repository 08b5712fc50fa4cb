"""Section 1.1 in training: the tables of `convreg.studies.training.train_all` in lines of text."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from convreg.storage.tables import Table, groups
from convreg.studies.training_tables import (
    BARE,
    PENALTY,
    VALUES,
    by_strength,
    gains,
    percent,
    selected,
)


def of_methods(table: Table, methods: Collection[str]) -> Table:
    """The rows of some methods.

    >>> of_methods({"method": np.array(["a", "b", "a"]), "x": np.array([1, 2, 3])}, ["a"])["x"]
    array([1, 3])
    """
    return selected(table, np.isin(table["method"], list(methods)))


def barrier_lines(layers: Table, alpha: float) -> str:
    """Section 3, the barrier: for each method and layer how often sigma_max^2 >= 2 alpha.

    After the start. There both Gram matrices give the same R_alpha. For the form in values it is
    how often sigma_max >= 2 sqrt(alpha): there the upper end of the spectrum decides.

    >>> layers = {"method": np.array(["none"] * 3), "layer": np.array(["first"] * 3)}
    >>> layers |= {"epoch": np.arange(3), "sigma_max": np.array([0.0, 1.0, 2.0])}
    >>> print(barrier_lines(layers, 1.0))
    none               sigma_max^2 >= 2 alpha in  50% of the records after the start
    """
    lines = []
    after = selected(layers, layers["epoch"] > 0)
    for method, rows in groups(after, "method").items():
        times = 4 if method == VALUES else 2
        shares = []
        for layer in groups(rows, "layer").values():
            above = layer["sigma_max"] ** 2 >= times * alpha
            shares.append(f"{np.mean(above):4.0%}")
        records = f"{', '.join(shares)} of the records after the start"
        lines.append(f"{method:18} sigma_max^2 >= {times} alpha in {records}")
    return "\n".join(lines)


def accuracy_lines(accuracy: Table) -> str:
    """Section 1.1: for each method the mean accuracy on the images learnt from and on new ones.

    In per cent; on new images for each noise, with the lowest and the highest of the seeds.

    >>> accuracy = {"method": np.array(["none"] * 2), "noise": np.zeros(2)}
    >>> accuracy |= {"accuracy": np.array([0.5, 0.7]), "train_accuracy": np.ones(2)}
    >>> print(accuracy_lines(accuracy))
                       training           noise 0
    none                  100.0 60.0 (50.0, 70.0)
    """
    titles = [f"noise {noise:g}" for noise in groups(accuracy, "noise")]
    lines = [f"{'':18}{'training':>9}" + "".join(f"{title:>18}" for title in titles)]
    for method, rows in groups(accuracy, "method").items():
        line = f"{method:18}{100 * rows['train_accuracy'].mean():9.1f}"
        for level in groups(rows, "noise").values():
            right = 100 * level["accuracy"]
            cell = f"{right.mean():.1f} ({right.min():.1f}, {right.max():.1f})"
            line += f"{cell:>18}"
        lines.append(line)
    return "\n".join(lines)


def strength_lines(accuracy: Table) -> str:
    """Section 1.1: `by_strength` in lines.

    >>> accuracy = {"method": np.array(["none"] * 2), "strength": np.zeros(2)}
    >>> accuracy |= {"noise": np.array([0.0, 0.5]), "accuracy": np.array([0.9, 0.6])}
    >>> print(strength_lines(accuracy))
    none                   0: without noise 90.0 %, under the largest 60.0 %
    """
    lines = []
    for method, strength, clean, noisy in zip(*by_strength(accuracy).values(), strict=True):
        read = f"without noise {clean:.1f} %, under the largest {noisy:.1f} %"
        lines.append(f"{method:18}{strength:6g}: {read}")
    return "\n".join(lines)


def longer_lines(accuracy: Table, epochs: int) -> str:
    """Section 1.1: what each method reads after so many epochs, and how often the penalty helps.

    The last line compares the penalty of the smaller Gram matrix with no regularisation, seed by
    seed, on images without noise.

    >>> accuracy = {"method": np.array([BARE, PENALTY]), "noise": np.zeros(2)}
    >>> accuracy |= {"accuracy": np.array([0.5, 0.6]), "train_accuracy": np.ones(2)}
    >>> print(longer_lines(accuracy, 60).splitlines()[-1])
    with the penalty 1 of 1 networks read clean images better than without
    """
    methods = groups(accuracy, "method")
    lines = []
    for method, rows in methods.items():
        levels = [percent(level) for level in groups(rows, "noise").values()]
        trained = f"training images {100 * rows['train_accuracy'].mean():.1f} %"
        tested = f"test images {levels[0]:.1f} %, under the largest noise {levels[-1]:.1f} %"
        lines.append(f"{method:18} after {epochs} epochs: {trained}, {tested}")
    gain = gains(methods[PENALTY], methods[BARE])[0.0]
    better = f"{np.sum(gain > 0)} of {len(gain)} networks"
    lines.append(f"with the penalty {better} read clean images better than without")
    return "\n".join(lines)
