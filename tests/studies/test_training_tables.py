"""Section 1.1 in training: the tables of notebook 10, by hand."""

import numpy as np
import pytest

from convreg.storage.tables import stacked
from convreg.studies.training_tables import (
    accuracies,
    accuracy_ranges,
    barrier_shares,
    better,
    by_strength,
    longer_accuracies,
    of_methods,
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


def rows_of(table):
    return list(zip(*(column.tolist() for column in table.values()), strict=True))


def test_the_accuracies_in_per_cent():
    found = accuracies(TABLE)
    assert list(found) == ["method", "training", "no noise", "noise 0.5"]
    assert rows_of(found) == [
        ("none", pytest.approx(99.9), pytest.approx(85.0), pytest.approx(60.0)),
        (PENALTY, pytest.approx(95.5), pytest.approx(85.0), pytest.approx(66.25)),
    ]


def test_the_lowest_and_the_highest_of_the_seeds():
    found = accuracy_ranges(TABLE)
    assert list(found) == ["method", "no noise", "noise 0.5"]
    assert rows_of(found) == [
        ("none", "80.0 to 90.0", "50.0 to 70.0"),
        (PENALTY, "79.0 to 91.0", "62.5 to 70.0"),
    ]


def test_the_strengths():
    assert rows_of(by_strength(TABLE)) == [
        ("none", 0.25, pytest.approx(85.0), pytest.approx(60.0)),
        (PENALTY, 0.25, pytest.approx(85.0), pytest.approx(66.25)),
    ]


def test_the_longer_trainings():
    more = stacked([TABLE, TABLE | {"noise": TABLE["noise"] + 0.7, "accuracy": 0 * TABLE["noise"]}])
    found = longer_accuracies(TABLE)
    assert list(found) == ["method", "training images", "test images", "largest noise"]
    assert rows_of(found) == [
        ("none", pytest.approx(99.9), pytest.approx(85.0), pytest.approx(60.0)),
        (PENALTY, pytest.approx(95.5), pytest.approx(85.0), pytest.approx(66.25)),
    ]
    assert longer_accuracies(more)["largest noise"].tolist() == [0.0, 0.0]
    assert better(TABLE) == (1, 2)


@pytest.mark.parametrize(("clean", "count"), [([0.9, 0.8], 0), ([0.91, 0.81], 2), ([0.1, 0.8], 0)])
def test_as_well_is_not_better_and_noise_does_not_count(clean, count):
    table = accuracy_of(
        none=([[0.9, 0.8], [0.5, 0.7]], [1, 1]), penalty=([clean, [0.9, 0.1]], [1, 1])
    )
    assert better(table) == (count, 2)


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
    shares = barrier_shares(found, 2.0)
    assert list(shares) == ["method", "sigma_max^2 at least", "a", "b"]
    assert rows_of(shares) == [
        ("none", "2 alpha", 0.75, 0.25),
        ("penalty, values", "4 alpha", 0.0, 1.0),
        ("weight decay", "2 alpha", 1.0, 1.0),
    ]
    assert np.all(found["epoch"][:2] == 0)
