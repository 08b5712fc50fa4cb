"""Section 1.1 in training: the lines of notebook 10, by hand."""

import numpy as np
import pytest

from convreg.storage.tables import stacked
from convreg.studies.training_lines import (
    accuracy_lines,
    barrier_lines,
    longer_lines,
    of_methods,
    strength_lines,
)

BARE, PENALTY = "none", "penalty, smaller"


def accuracy_of(**right):
    """A table of two seeds and two noises: by method the fractions, and those of the training."""
    rows = []
    for method, (levels, train) in right.items():
        for seed in (0, 1):
            rows.append(
                {"method": method.replace("penalty", PENALTY), "seed": seed, "strength": 0.25}
                | {"noise": [0.0, 0.5], "accuracy": [level[seed] for level in levels]}
                | {"train_accuracy": [train[seed]] * 2}
            )
    return stacked(rows)


TABLE = accuracy_of(
    none=([[0.9, 0.8], [0.5, 0.7]], [1.0, 0.998]),
    penalty=([[0.91, 0.79], [0.625, 0.7]], [0.95, 0.96]),
)


def test_rows_of_some_methods_in_their_order():
    found = of_methods(TABLE, {PENALTY})
    assert set(found["method"]) == {PENALTY}
    assert found["accuracy"].tolist() == [0.91, 0.625, 0.79, 0.7]
    assert len(of_methods(TABLE, [BARE, PENALTY])["noise"]) == len(TABLE["noise"]) == 8


def test_the_accuracies_in_per_cent_with_the_lowest_and_the_highest():
    assert accuracy_lines(TABLE).splitlines() == [
        " " * 18 + " training" + "           noise 0" + "         noise 0.5",
        "none                   99.9 85.0 (80.0, 90.0) 60.0 (50.0, 70.0)",
        "penalty, smaller       95.5 85.0 (79.0, 91.0) 66.2 (62.5, 70.0)",
    ]


def test_the_strengths():
    assert strength_lines(TABLE).splitlines() == [
        "none                0.25: without noise 85.0 %, under the largest 60.0 %",
        "penalty, smaller    0.25: without noise 85.0 %, under the largest 66.2 %",
    ]


def test_the_longer_trainings():
    assert longer_lines(TABLE, 7).splitlines() == [
        "none               after 7 epochs: training images 99.9 %, test images 85.0 %, "
        "under the largest noise 60.0 %",
        "penalty, smaller   after 7 epochs: training images 95.5 %, test images 85.0 %, "
        "under the largest noise 66.2 %",
        "with the penalty 1 of 2 networks read clean images better than without",
    ]


@pytest.mark.parametrize(("clean", "better"), [([0.9, 0.8], 0), ([0.91, 0.81], 2), ([0.1, 0.8], 0)])
def test_as_well_is_not_better_and_noise_does_not_count(clean, better):
    table = accuracy_of(
        none=([[0.9, 0.8], [0.5, 0.7]], [1, 1]), penalty=([clean, [0.9, 0.1]], [1, 1])
    )
    assert (
        longer_lines(table, 7)
        .splitlines()[-1]
        .startswith(f"with the penalty {better} of 2 networks")
    )


def test_how_often_the_barrier_does_not_matter():
    rows = [
        {"method": "none", "seed": seed, "epoch": epoch, "layer": ["a", "b"], "sigma_max": sigma}
        for seed, epoch, sigma in [
            (0, 0, [9.0, 9.0]),
            (0, 1, [2.0, 1.99]),
            (0, 2, [2.0, 3.0]),
            (1, 0, [9.0, 9.0]),
            (1, 1, [2.0, 0.0]),
            (1, 2, [1.0, 1.0]),
        ]
    ]
    methods = ("penalty, values", "weight decay")
    found = stacked([*rows, *(rows[2] | {"method": method} for method in methods)])
    assert barrier_lines(found, 2.0).splitlines() == [
        "none               sigma_max^2 >= 2 alpha in  75%,  25% of the records after the start",
        "penalty, values    sigma_max^2 >= 4 alpha in   0%, 100% of the records after the start",
        "weight decay       sigma_max^2 >= 2 alpha in 100%, 100% of the records after the start",
    ]
    assert np.all(found["epoch"][:2] == 0)
