"""What the rows of the scorecard name, whichever the claim: the kernels and the threshold."""

import re

import pytest

from convreg.claims import (
    algorithm,
    bounds,
    convolutions,
    goals,
    gradient_slips,
    gradients,
    other_methods,
    signals,
    slips,
)
from convreg.examples import EXAMPLE_1

THRESHOLDS = {
    "two_objectives_are_harder": 1.5,
    "around_1_where_square": 0.1,
    "reshaped_matrix_says_little": 10,
    "sparse": 0.05,
    "krylov_methods_are_efficient": 1,
    "small_steps": 0.05,
    "a_few_iterations": 0.1,
    "two_triplets_help": 0.1,
    "start_is_reproducible": 0.01,
    "converges": 0.05,
    "falls_together": 0.1,
    "smallest_stays": 0.1,
    "same_behaviour": 1,
    "comparable": 0.1,
    "effective": 2,
    "limit_depends_on_alpha": 0.05,
    "a_little_below_alpha": 0.1,
    "similar_effect": 0.5,
    "returns_to_alpha": 0.01,
}


def test_a_row_with_a_threshold_says_so(card, in_order):
    for claim, row in zip(in_order, card, strict=True):
        name = claim.judge.__name__
        assert bool(row.margin) == (name in THRESHOLDS)
        if row.margin:
            assert f" {THRESHOLDS[name]:g}: " in row.margin


@pytest.mark.parametrize(
    ("judge", "sizes"),
    [
        (convolutions.stride_and_padding_are_no_loss, {(3, 1, 3)}),
        (convolutions.kept_norms_bound_gradients, {(3, 1, 3)}),
        (convolutions.equations_and_parameters, {(3, 3, 1)}),
        (goals.two_objectives_are_harder, {(3, 1, 3), (3, 2, 2)}),
        (other_methods.scaling_is_conditioning, {(3, 1, 3), (3, 3, 1)}),
        (other_methods.projection_loses_the_bound, {(3, 3, 1), (3, 3, 6), (3, 6, 3)}),
        (signals.jacobian_bounds_the_signal, {(3, 3, 1), (3, 1, 3)}),
        (signals.near_1_keeps_gradients, {(3, 3, 1), (3, 1, 3)}),
        (bounds.norms_are_nearly_kept, {(3, 1, 3)}),
        (bounds.minimum_is_not_small, {(3, 1, 3), (3, 3, 1)}),
        (bounds.below_alpha_is_sufficient, {(3, 1, 3), (3, 3, 1)}),
        (bounds.larger_alpha_needs_less, {(3, 1, 3)}),
        (gradients.theorem_2_2, {(3, 1, 1)}),
        (gradients.theorem_2_3, {(3, 2, 3)}),
        (gradients.blocks_of_2_4, {(3, 2, 3)}),
        (gradients.sparse, {(3, 3, 1)}),
        (algorithm.krylov_methods_are_efficient, {(3, 3, 6)}),
        (algorithm.small_steps, {(3, 1, 3)}),
        (slips.reshaped_size, {(3, 3, 6)}),
        (gradient_slips.until_converged, {(3, g, h) for g, h in EXAMPLE_1.channels}),
        (gradient_slips.values_in_step_6, {(3, 1, 3)}),
    ],
)
def test_the_kernels_are_those_that_are_named(judge, sizes, kernels_of):
    made, measured = kernels_of(judge)
    assert set(made) == {(*size, 1) for size in sizes}
    named = set(re.findall(r"3x3x\dx\d", measured))
    assert {f"3x{k}x{g}x{h}" for k, g, h in sizes} >= named
