"""Section 1.1 in training: the tables of `convreg.studies.training.train_all` in lines of text."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from convreg.storage.tables import Table, groups
from convreg.studies.training_tables import BARE, PENALTY, by_strength, gains, percent


def of_methods(table: Table, methods: Collection[str]) -> Table:
    """The rows of some methods.

    >>> of_methods({"method": np.array(["a", "b", "a"]), "x": np.array([1, 2, 3])}, ["a"])["x"]
    array([1, 3])
    """
    shown = np.isin(table["method"], list(methods))
    return {name: column[shown] for name, column in table.items()}


def barrier_lines(layers: Table, alpha: float) -> str:
    """Section 3, the barrier: for each method and layer how often sigma_max^2 >= 2 alpha, after the start.

    There both Gram matrices give the same R_alpha.

    >>> columns = {"method": ["none"] * 3, "epoch": [0, 1, 2], "layer": ["first"] * 3, "sigma_max": [0, 1, 2]}
    >>> print(barrier_lines({name: np.array(column) for name, column in columns.items()}, 1.0))
    none               sigma_max^2 >= 2 alpha in  50% of the records after the start
    """
    after, lines = layers["epoch"] > 0, []
    for method, rows in groups({name: column[after] for name, column in layers.items()}, "method").items():
        above = [np.mean(layer["sigma_max"] ** 2 >= 2 * alpha) for layer in groups(rows, "layer").values()]
        shares = ", ".join(f"{share:4.0%}" for share in above)
        lines.append(f"{method:18} sigma_max^2 >= 2 alpha in {shares} of the records after the start")
    return "\n".join(lines)


def accuracy_lines(accuracy: Table) -> str:
    """Section 1.1: for each method the mean accuracy on the images learnt from and, for each noise, on new ones.

    In per cent; on new images with the lowest and the highest of the seeds.

    >>> columns = {"method": ["none"] * 2, "noise": [0.0] * 2, "accuracy": [0.5, 0.7], "train_accuracy": [1, 1]}
    >>> print(accuracy_lines({name: np.array(column) for name, column in columns.items()}))
                       training           noise 0
    none                  100.0 60.0 (50.0, 70.0)
    """
    titles = [f"noise {noise:g}" for noise in groups(accuracy, "noise")]
    lines = [f"{'':18}{'training':>9}" + "".join(f"{title:>18}" for title in titles)]
    for method, rows in groups(accuracy, "method").items():
        line = f"{method:18}{100 * rows['train_accuracy'].mean():9.1f}"
        for level in groups(rows, "noise").values():
            right = 100 * level["accuracy"]
            line += f"{f'{right.mean():.1f} ({right.min():.1f}, {right.max():.1f})':>18}"
        lines.append(line)
    return "\n".join(lines)


def strength_lines(accuracy: Table) -> str:
    """Section 1.1: `by_strength` in lines.

    >>> columns = {"method": ["none"] * 2, "strength": [0.0] * 2, "noise": [0.0, 0.5], "accuracy": [0.9, 0.6]}
    >>> print(strength_lines({name: np.array(column) for name, column in columns.items()}))
    none                   0: without noise 90.0 %, under the largest 60.0 %
    """
    lines = []
    for method, strength, clean, noisy in zip(*by_strength(accuracy).values(), strict=True):
        lines.append(f"{method:18}{strength:6g}: without noise {clean:.1f} %, under the largest {noisy:.1f} %")
    return "\n".join(lines)


def longer_lines(accuracy: Table, epochs: int) -> str:
    """Section 1.1: what each method reads after so many epochs, and how often the penalty helps on clean images.

    The last line compares the penalty of the smaller Gram matrix with no regularisation, seed by seed.

    >>> columns = {"method": [BARE, PENALTY], "noise": [0.0] * 2, "accuracy": [0.5, 0.6], "train_accuracy": [1, 1]}
    >>> print(longer_lines({name: np.array(column) for name, column in columns.items()}, 60).splitlines()[-1])
    with the penalty 1 of 1 networks read clean images better than without
    """
    methods, lines = groups(accuracy, "method"), []
    for method, rows in methods.items():
        levels = list(groups(rows, "noise").values())
        lines.append(
            f"{method:18} after {epochs} epochs: training images {100 * rows['train_accuracy'].mean():.1f} %, "
            f"test images {percent(levels[0]):.1f} %, under the largest noise {percent(levels[-1]):.1f} %"
        )
    gain = gains(methods[PENALTY], methods[BARE])[0.0]
    better = f"{np.sum(gain > 0)} of {len(gain)} networks"
    lines.append(f"with the penalty {better} read clean images better than without")
    return "\n".join(lines)
