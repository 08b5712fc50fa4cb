"""Section 1.1 in training: verdicts on made-up tables; without PyTorch."""

import re
import warnings
from itertools import product

import numpy as np
import pytest

from convreg.claims import training as claims
from convreg.claims.training import TRAINING_CLAIMS, Trainings
from convreg.storage.tables import groups
from convreg.studies.training_tables import at_the_end, by_strength, differences, gains, growth

BARE = "none"
PENALTY = "penalty, smaller"
LAYERS = ("first", "second", "third")
HOLDS = "holds"
IN_PART = "holds in part"
NOT_SEEN = "not seen here"


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        for category in (
            RuntimeWarning,
            UserWarning,
        ):  # not what other tests leave to the garbage collector
            warnings.simplefilter("error", category)
        yield


def as_table(names, rows):
    columns = zip(*rows, strict=True)
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def layers_table(
    field, values, methods=(BARE, PENALTY), seeds=(4, 5, 6), epochs=(0, 2, 5), others=None
):
    """A column that is values[method][layer], but for the others.

    They are given by (method, seed, epoch, layer).
    """
    rows = []
    for method, seed, epoch in product(methods, seeds, epochs):
        for layer, value in zip(LAYERS, values[method], strict=True):
            key = (method, seed, epoch, layer)
            rows.append((*key, (others or {}).get(key, value)))
    return as_table(("method", "seed", "epoch", "layer", field), rows)


def accuracy_table(by_method, noises):
    """by_method[method] is a list of accuracies for each seed."""
    rows = []
    for method, by_seed in by_method.items():
        for seed, values in enumerate(by_seed):
            for noise, value in zip(noises, values, strict=True):
                rows.append((method, seed, noise, value))
    return as_table(("method", "seed", "noise", "accuracy"), rows)


# the tables behind the verdicts


def test_differences_are_in_points_with_mean_and_range():
    table = accuracy_table(
        {
            "decay": [[0.75, 0.5], [0.5, 0.25], [0.5, 0.25]],
            BARE: [[0.5, 0.25], [0.5, 0.5], [0.25, 0.25]],
            PENALTY: [[0.5, 0.0], [1.0, 0.5], [0.25, 0.0]],
        },
        (0.0, 0.3),
    )
    found = differences(table)
    assert {name: column.tolist() for name, column in found.items()} == {
        "method": ["decay", "decay", PENALTY, PENALTY],
        "noise": [0.0, 0.3, 0.0, 0.3],
        "mean": [pytest.approx(50 / 3), 0.0, pytest.approx(50 / 3), pytest.approx(-50 / 3)],
        "lowest": [0.0, -25.0, 0.0, -25.0],
        "highest": [25.0, 25.0, 50.0, 0.0],
    }


def test_gains_are_seed_by_seed_in_points():
    table = accuracy_table(
        {PENALTY: [[0.75, 0.5], [0.25, 0.5]], BARE: [[0.5, 0.5], [0.5, 0.25]]}, (0.1, 0.2)
    )
    methods = groups(table, "method")
    found = gains(methods[PENALTY], methods[BARE])
    assert {noise: gain.tolist() for noise, gain in found.items()} == {
        0.1: [25, -25],
        0.2: [0, 25],
    }


def test_strengths_are_sorted_and_the_noise_is_the_first_and_the_last():
    rows = []
    for strength, base in ((0.5, 0.125), (0.0, 0.25), (0.25, 0.375)):
        for shift in (0.0, 0.125):
            for noise in (0.0, 0.0625, 0.25):
                rows.append(("decay", strength, noise, base + noise + shift))
    rows += [("other", 0.0, noise, noise) for noise in (0.0, 0.0625, 0.25)]
    found = by_strength(as_table(("method", "strength", "noise", "accuracy"), rows))
    assert {name: column.tolist() for name, column in found.items()} == {
        "method": ["decay"] * 3 + ["other"],
        "strength": [0.0, 0.25, 0.5, 0.0],
        "no noise": [31.25, 43.75, 18.75, 0.0],
        "largest noise": [56.25, 68.75, 43.75, 25.0],
    }


def test_the_end_is_the_last_epoch_method_by_method():
    exact = {(PENALTY, 5, 5, "second"): 9.0, (PENALTY, 5, 2, "third"): 8.0}
    table = layers_table(
        "sigma_max", {BARE: [1, 2, 3], PENALTY: [4, 5, 6]}, seeds=(4, 5), others=exact
    )
    found = at_the_end(table)
    assert list(found) == [BARE, PENALTY]
    assert {name: column.tolist() for name, column in found[PENALTY].items()} == {
        "method": [PENALTY] * 6,
        "seed": [4, 4, 4, 5, 5, 5],
        "epoch": [5] * 6,
        "layer": [*LAYERS] * 2,
        "sigma_max": [4, 5, 6, 4, 9, 6],
    }
    assert found[BARE]["sigma_max"].tolist() == [1, 2, 3] * 2


def test_growth_is_from_the_last_layer_to_the_first():
    exact = {(PENALTY, 5, 2, "first"): 12.0, (PENALTY, 5, 5, "third"): 3.0}
    table = layers_table(
        "gradient", {BARE: [7, 2, 1], PENALTY: [6, 5, 4]}, seeds=(4, 5), others=exact
    )
    epochs, factor = growth(table, PENALTY)
    assert epochs.tolist() == [0, 2, 5] * 2
    assert factor.tolist() == [1.5, 1.5, 1.5, 1.5, 3, 2]
    assert growth(table, BARE)[1].tolist() == [7] * 6


# the verdicts

NEAR = {BARE: [3.5, 3.75, 4.0], PENALTY: [2.0, 2.25, 1.5]}  # sigma_max; the centre is 2
FAR = {BARE: [0.5, 0.25, 0.125], PENALTY: [1.75, 1.5, 2.5]}  # sigma_min


def singular_values(sigma_max, sigma_min, alpha=4.0):
    """Made-up singular values: NEAR and FAR, but for what is given."""
    table = layers_table("sigma_max", NEAR, others=sigma_max)
    return Trainings(
        table | {"sigma_min": layers_table("sigma_min", FAR, others=sigma_min)["sigma_min"]},
        {},
        alpha,
    )


def at(method, seed, epoch, layer, value):
    return {(method, seed, epoch, layer): value}


@pytest.mark.parametrize(
    ("sigma_max", "sigma_min", "expected"),
    [
        ({}, {}, HOLDS),
        (at(PENALTY, 6, 5, "first", 3.25), {}, HOLDS),
        (at(PENALTY, 6, 5, "first", 3.5), {}, IN_PART),  # as far as without
        (at(PENALTY, 6, 5, "first", 0.5), {}, IN_PART),  # as far on the other side
        (at(PENALTY, 4, 5, "third", 4.25), {}, IN_PART),
        (at(PENALTY, 5, 5, "second", 0.125), {}, IN_PART),
        ({}, at(PENALTY, 5, 5, "second", 0.25), IN_PART),
        ({}, at(PENALTY, 4, 5, "third", 4.0), IN_PART),
        (at(BARE, 4, 5, "first", 2.0), {}, IN_PART),
        (at(PENALTY, 4, 5, "first", 4.0), at(PENALTY, 6, 5, "third", 0.0), NOT_SEEN),
        (
            at(PENALTY, 4, 2, "first", 9.0),
            at(PENALTY, 4, 0, "first", 9.0),
            HOLDS,
        ),  # only the end counts
    ],
)
def test_singular_values_come_near_the_root_of_alpha(sigma_max, sigma_min, expected):
    found = claims.singular_values_come_near(singular_values(sigma_max, sigma_min))
    assert (found.verdict, found.margin) == (expected, "")


@pytest.mark.parametrize(
    ("alpha", "expected"), [(1.0, IN_PART), (4.0, HOLDS), (16.0, IN_PART), (8.0, NOT_SEEN)]
)
def test_singular_values_are_compared_with_the_root_of_this_alpha(alpha, expected):
    """At alpha = 1 a sigma_min of 2.5 is farther than 0.125; at 16 sigma_max; at 8 both."""
    beyond = at(PENALTY, 4, 5, "first", 6.0)
    found = singular_values({}, beyond if alpha == 8.0 else {}, alpha)
    assert claims.singular_values_come_near(found).verdict == expected


def test_the_words_on_singular_values_are_medians_layer_by_layer():
    sigma_max = {
        **at(PENALTY, 4, 5, "first", 2.125),
        **at(PENALTY, 5, 5, "first", 2.128),
        **at(BARE, 6, 5, "third", 99.0),
        **at(BARE, 5, 5, "third", 77.0),
    }
    sigma_min = {**at(BARE, 4, 5, "second", 0.00123), **at(BARE, 5, 5, "second", 0.00456)}
    found = claims.singular_values_come_near(singular_values(sigma_max, sigma_min))
    assert found.measured == (
        "sigma_max 3.5, 3.8, 77 without, 2.1, 2.2, 1.5 with; "
        "sigma_min 0.5, 0.0046, 0.12 without, 1.8, 1.5, 2.5 with"
    )


def gradients(others, without=(8, 1, 2), with_it=(6, 1, 3), sigma=(1.5, 0.5), alpha=1.0):
    """Made-up gradients, where the singular values with the penalty end at sigma."""
    norms = {BARE: np.array(without, float), PENALTY: np.array(with_it, float)}
    table = layers_table("gradient", norms, others=others)
    kept = (table["method"] == PENALTY) & (table["epoch"] == 5)
    for field, value in zip(("sigma_max", "sigma_min"), sigma, strict=True):
        table[field] = np.where(kept, value, 99.0)
    return claims.gradients_keep_their_norm(Trainings(table, {}, alpha))


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({}, HOLDS),
        (at(PENALTY, 6, 5, "first", 0.78), HOLDS),  # times 0.26
        (at(PENALTY, 6, 5, "first", 0.75), NOT_SEEN),  # times 1/4 is as far as times 4
        (at(PENALTY, 6, 5, "first", 12.0), NOT_SEEN),
        (at(PENALTY, 6, 5, "first", 0.125), NOT_SEEN),
        (at(PENALTY, 6, 2, "first", 12.0), IN_PART),
        (at(PENALTY, 4, 2, "third", 30.0), IN_PART),
        (at(PENALTY, 4, 0, "first", 99.0), HOLDS),  # the start does not count
        (at(PENALTY, 4, 2, "second", 99.0), HOLDS),  # nor what is between
        (at(BARE, 5, 2, "first", 2.0), IN_PART),
        (at(BARE, 5, 5, "first", 2.0), NOT_SEEN),
    ],
)
def test_gradients_keep_their_norm_in_all_epochs_or_at_the_end(others, expected):
    assert gradients(others).verdict == expected


@pytest.mark.parametrize(
    ("sigma", "alpha", "expected"),
    [
        ((1.49, 0.51), 1.0, HOLDS),
        ((1.51, 0.51), 1.0, NOT_SEEN),
        ((1.49, 0.49), 1.0, NOT_SEEN),
        ((2.9, 1.1), 4.0, HOLDS),
        ((3.1, 1.1), 4.0, NOT_SEEN),
        ((1.4, 1.1), 9.0, NOT_SEEN),
    ],
)
def test_gradients_that_keep_their_norm_are_judged_by_singular_values_close_to_the_root(
    sigma, alpha, expected
):
    assert gradients({}, sigma=sigma, alpha=alpha).verdict == expected
    assert gradients(at(PENALTY, 6, 5, "first", 12.0), sigma=sigma, alpha=alpha).verdict == NOT_SEEN


def test_the_margin_says_how_far_the_singular_values_are_from_the_root():
    margin = "singular values off by at most 0.5: 0.75; at 0.25 the same, at 1 holds"
    assert gradients({}, sigma=(3.5, 1.5), alpha=4.0).margin == margin
    assert gradients({}, sigma=(2.5, 0.5), alpha=4.0).margin == margin


def test_the_words_on_gradients_are_the_range_at_the_end():
    others = {
        **at(BARE, 4, 5, "first", 24.68),
        **at(BARE, 6, 5, "first", 0.246),
        **at(PENALTY, 5, 5, "third", 10.0),
        **at(PENALTY, 4, 2, "third", 0.001),
        **at(BARE, 4, 2, "first", 0.001),
    }
    expected = (
        "from the last to the first layer times 0.12 to 12 without, 0.6 to 2 with, at the end"
    )
    assert gradients(others).measured == expected


def test_dead_gradients_are_no_success_and_give_no_warning():
    assert gradients({}, with_it=(0, 0, 0))[:2] == (
        NOT_SEEN,
        "from the last to the first layer times 4 to 4 without, nan to nan with, at the end",
    )
    assert gradients({}, with_it=(0, 1, 2))[0] == NOT_SEEN
    assert gradients({}, with_it=(2, 1, 0))[0] == NOT_SEEN
    assert gradients({}, without=(0, 0, 0), with_it=(0, 0, 0))[0] == NOT_SEEN
    assert gradients({}, without=(0, 0, 0))[0] == NOT_SEEN
    assert (
        gradients({**at(PENALTY, 4, 2, "first", 0.0), **at(PENALTY, 4, 2, "third", 0.0)})[0]
        == IN_PART
    )
    assert (
        gradients({**at(PENALTY, 4, 5, "first", 0.0), **at(PENALTY, 4, 5, "third", 0.0)})[0]
        == NOT_SEEN
    )


def test_a_gradient_that_vanishes_without_is_kept_by_any_other():
    assert gradients({}, without=(0, 1, 2))[:2] == (
        HOLDS,
        "from the last to the first layer times 0 to 0 without, 2 to 2 with, at the end",
    )


def judged(judge, without, with_it, noises=(0.0, 0.125, 0.25, 0.5), train=None):
    """A verdict on made-up accuracies; `train` has those on the training images."""
    table = accuracy_table({"decay": without, BARE: without, PENALTY: with_it}, noises)
    if train:
        by_method = {"decay": train[0], BARE: train[0], PENALTY: train[1]}
        keys = zip(table["method"], table["seed"], strict=True)
        table["train_accuracy"] = np.array([by_method[method][seed] for method, seed in keys])
    return judge(Trainings({}, table, 1.0))


@pytest.mark.parametrize(
    ("with_it", "expected", "words"),
    [
        ([0.75, 0.625], HOLDS, "+18.8 points on new images (+12.5 to +25.0)"),
        ([0.75, 0.5], IN_PART, "+12.5 points on new images (+0.0 to +25.0)"),
        ([0.75, 0.375], IN_PART, "+6.2 points on new images (-12.5 to +25.0)"),
        ([0.75, 0.25], NOT_SEEN, "+0.0 points on new images (-25.0 to +25.0)"),
        ([0.5, 0.5], NOT_SEEN, "+0.0 points on new images (+0.0 to +0.0)"),
        ([0.25, 0.375], NOT_SEEN, "-18.8 points on new images (-25.0 to -12.5)"),
    ],
)
def test_new_images_are_read_better_with_every_seed_or_on_average(with_it, expected, words):
    """What happens under noise plays no part."""
    for under in (0.0, 1.0):
        new = [[clean, *[under] * 3] for clean in with_it]
        found = judged(claims.new_images_are_read_better, [[0.5] * 4] * 2, new)
        assert found == (expected, words, "")


def test_two_better_networks_of_three_are_better_in_part_only_by_their_mean():
    without = [[0.5, 0.5]] * 3
    for lowest, expected in ((0.25, IN_PART), (0.0, NOT_SEEN)):
        with_it = [[0.75, 0.5], [0.75, 0.5], [lowest, 0.5]]
        found = judged(claims.new_images_are_read_better, without, with_it, (0.0, 0.5))
        assert found.verdict == expected


@pytest.mark.parametrize(
    ("train", "with_it", "expected"),
    [
        ([0.75, 0.75], [0.625, 0.625], HOLDS),
        ([0.375, 0.25], [0.25, 0.25], HOLDS),  # less is lost where less is learnt
        ([0.75, 0.75], [0.625, 0.5], IN_PART),
        ([0.75, 0.75], [0.625, 0.4375], IN_PART),
        ([0.75, 0.75], [0.625, 0.375], NOT_SEEN),
        ([0.75, 0.75], [0.5, 0.5], NOT_SEEN),
        ([1.0, 0.75], [0.625, 0.5], NOT_SEEN),
    ],
)
def test_what_is_lost_from_the_training_images_to_new_ones(train, with_it, expected):
    """Without the penalty from 3/4 to 1/2; what happens under noise plays no part."""
    for under in (0.0, 1.0):
        new = [[clean, *[under] * 3] for clean in with_it]
        learnt = ([0.75, 0.75], train)
        found = judged(claims.less_is_lost_on_new_images, [[0.5] * 4] * 2, new, train=learnt)
        assert found.verdict == expected


def test_the_words_on_what_is_lost_are_means():
    found = judged(
        claims.less_is_lost_on_new_images,
        [[0.5, 0.0], [0.25, 0.0]],
        [[0.25, 1.0], [0.125, 0.0]],
        (0.0, 0.5),
        train=([1.0, 0.75], [0.5, 0.375]),
    )
    words = "from training to new images 87.5 to 37.5% without, 43.8 to 18.8% with"
    assert found == (HOLDS, words, "")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0.5, 0.5, 0.375, 0.25], [0.5, 0.5, 0.375, 0.25], HOLDS),
        ([0.125, 0.125, 0.0, 0.0], [0.5, 0.5, 0.5, 0.5], HOLDS),  # lower, but noise does not matter
        ([0.5, 0.375, 0.375, 0.25], [0.5, 0.5, 0.375, 0.25], IN_PART),
        ([0.5, 0.5, 0.25, 0.25], [0.5, 0.5, 0.5, 0.25], IN_PART),
        ([0.5, 0.0, 0.0, 0.25], [0.5, 0.0, 0.0, 0.25], IN_PART),
        ([0.5, 0.5, 0.5, 0.125], [0.5, 0.5, 0.5, 0.25], NOT_SEEN),
        ([0.5, 0.5, 0.5, 0.5], [0.75, 0.75, 0.75, 0.25], NOT_SEEN),
        ([0.75, 0.5, 0.5, 0.25], [0.75, 0.5, 0.5, 0.25], NOT_SEEN),  # higher, but noise costs more
    ],
)
def test_noise_does_less_harm_if_all_of_it_or_the_largest_costs_less(first, second, expected):
    without = [[0.5, 0.375, 0.25, 0.125]] * 2
    found = judged(claims.noise_does_less_harm, without, [first, second])
    assert (found.verdict, found.margin) == (expected, "")


def test_the_words_on_noise_are_of_the_smallest_and_the_largest():
    without = [[1.0, 0.75, 0.0, 0.5], [0.5, 0.5, 0.0, 0.0]]
    with_it = [[0.5, 0.5, 0.0, 0.25], [0.5, 0.375, 0.0, 0.25]]
    found = judged(claims.noise_does_less_harm, without, with_it)
    assert found.measured == (
        "noise 0.125 costs 12.5 points without, 6.2 with; "
        "noise 0.5 costs 50.0 points without, 25.0 with"
    )


def test_one_size_of_noise_is_the_smallest_and_the_largest():
    found = judged(claims.noise_does_less_harm, [[0.5, 0.25]], [[0.25, 0.125]], (0.0, 0.3))
    words = "; ".join(["noise 0.3 costs 25.0 points without, 12.5 with"] * 2)
    assert found == (HOLDS, words, "")


def test_the_claims_are_of_notebook_10_and_use_every_predicate():
    assert {claim.shown.notebook for claim in TRAINING_CLAIMS} == {"10_training"}
    assert [claim.judge for claim in TRAINING_CLAIMS] == [
        claims.singular_values_come_near,
        claims.gradients_keep_their_norm,
        claims.less_is_lost_on_new_images,
        claims.new_images_are_read_better,
        claims.noise_does_less_harm,
    ]
    assert [claim.where for claim in TRAINING_CLAIMS] == ["Abstract", *["Section 1.1"] * 4]


def test_every_sentence_of_the_paper_keeps_its_can_or_if():
    """And no verdict on some networks is that a sentence does not hold."""
    for claim in TRAINING_CLAIMS:
        assert re.search(r"\b(can|If)\b", claim.says)
    assert claims.seen(True, False) == HOLDS
    assert claims.seen(False, True) == IN_PART
    assert claims.seen(False, False) == NOT_SEEN
    assert not {"FAILS", "verdict"} & set(vars(claims))


def test_how_far_singular_values_are_from_the_root():
    rows = {"sigma_max": np.array([1.5, 2.0]), "sigma_min": np.array([0.75, 1.0])}
    assert claims.farthest(rows, 1.0) == 1.0
    assert claims.farthest(rows, 4.0) == 0.625


def test_what_noise_costs_is_the_difference_of_means():
    rows = accuracy_table({"decay": [[1.0, 0.5], [0.5, 0.5]]}, (0.0, 0.25))
    assert claims.harm(rows, 0.25) == 25
    assert claims.harm(rows, 0.0) == 0


@pytest.mark.parametrize("claim", claims.TRAINING_CLAIMS, ids=lambda claim: claim.judge.__name__)
def test_another_method_is_judged_as_the_penalty_of_the_smaller_gram_matrix_is(claim):
    values = {BARE: [3.5, 3.75, 4.0], PENALTY: [2.0, 2.25, 1.5], "third": [9.0, 8.0, 3.0]}
    layers = {}
    for field in ("sigma_max", "sigma_min", "gradient"):
        layers |= layers_table(field, values, methods=tuple(values))
    by_method = {BARE: [[0.8, 0.5]], PENALTY: [[0.9, 0.7]], "third": [[0.7, 0.1]]}
    accuracy = accuracy_table(by_method, (0.0, 0.5))
    accuracy["train_accuracy"] = accuracy["accuracy"] + 0.05
    wanted = claim.judge(Trainings(layers, accuracy, 4.0))
    other = {PENALTY: "other", "third": PENALTY}
    for table in (layers, accuracy):
        table["method"] = np.array([other.get(name, name) for name in table["method"]])
    assert claim.judge(Trainings(layers, accuracy, 4.0, "other")) == wanted
    assert claim.judge(Trainings(layers, accuracy, 4.0)) != wanted
