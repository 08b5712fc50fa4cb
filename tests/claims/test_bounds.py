"""Section 2: the verdicts, what turns them, and the numbers in each row."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from evidence import dense_penalty, numbers, plain_descent, singular_values, tap
from planted import ends, in_the_tally, multiple, planted, plus, turned

from convreg.bounds import singular_value_bounds
from convreg.claims import bounds
from convreg.claims.bounds import SECTION_2_CLAIMS
from convreg.claims.definitions import FAILS, HOLDS, IN_PART
from convreg.descent import minimize_penalty
from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values
from convreg.matrix import conv_matrix
from convreg.penalty import penalty
from convreg.power import SingularTriplet

VERDICTS = {
    "norms_are_nearly_kept": HOLDS,
    "minimum_is_not_small": IN_PART,
    "theorem_2_1": HOLDS,
    "below_alpha_is_sufficient": HOLDS,
    "larger_alpha_needs_less": HOLDS,
}


def resting(K, *_, **__):
    """A descent that takes no step."""
    return minimize_penalty(K, 8, iterations=0)


def remedied(K, N, iterations):
    """Descent on the smaller Gram matrix, which has no barrier."""
    return minimize_penalty(K, N, iterations=iterations, gram="smaller")


def beyond_bounds(K, N, iterations):
    """A descent whose singular values break Theorem 2.1 wherever R_1 < 1."""
    history = minimize_penalty(K, N, iterations=iterations).history.copy()
    history.sigma_min = np.where(history.penalty < 1, 0.0, history.sigma_min)
    return SimpleNamespace(history=history)


def remedied_but_beyond_bounds(K, N, iterations):
    """The descent on the smaller Gram matrix, with a sigma_min of 0 for h > g only."""
    history = minimize_penalty(K, N, iterations=iterations, gram="smaller").history.copy()
    if K.shape[3] == 3:
        history.sigma_min = 0.0
    return SimpleNamespace(history=history)


def if_over(bound, f, factor):
    """The value of f, times this factor where it is over the bound."""

    def wrong(*arguments):
        value = f(*arguments)
        return value * (factor if value > bound else 1)

    return wrong


def in_one_kernel(wrong):
    """The penalty, but this function of alpha for the kernel after the descent."""
    return lambda K, N, alpha: wrong(K, N, alpha) if K.max() < 0.9 else penalty(K, N, alpha)


def another_vector(B, count):
    return [SingularTriplet(1.0, *np.eye(B.shape[0])[:2])]


def v_to_both_sides(K, N, alpha):
    """A penalty that rises above alpha to both sides of where R_alpha / alpha is least."""
    largest, smallest = extreme_singular_values(K, N)
    return alpha * (2 + abs(np.log(2 * alpha / (largest**2 + smallest**2))))


OTHERWISE = [
    *planted(
        bounds.norms_are_nearly_kept,
        "penalty",
        (multiple(penalty, 0.9), FAILS),
        (multiple(penalty, 1.1), IN_PART),
        (if_over(0.1, penalty, 0.9), FAILS),
        (if_over(0.1, penalty, 1.1), IN_PART),
    ),
    *planted(bounds.norms_are_nearly_kept, "leading_triplets", (another_vector, IN_PART)),
    *planted(
        bounds.norms_are_nearly_kept,
        "ConvolutionOperator",
        (lambda K, N: 2 * conv_matrix(K, N), FAILS),
    ),
    *planted(
        bounds.theorem_2_1,
        "extreme_singular_values",
        (ends(largest=lambda sigma: 1.1 * sigma), FAILS),
        (ends(largest=lambda sigma: sigma + 1e-4), FAILS),
        (ends(smallest=lambda sigma: sigma - 0.2), FAILS),
    ),
    *planted(bounds.theorem_2_1, "penalty", (multiple(penalty, 0.9), FAILS)),
    *planted(
        bounds.theorem_2_1,
        "singular_value_bounds",
        (lambda alpha, t: singular_value_bounds(alpha, t / 2), FAILS),
        (lambda alpha, t: (0.0, 100.0, 1.0), FAILS),
    ),
    *planted(
        bounds.below_alpha_is_sufficient,
        "minimize_penalty",
        (resting, FAILS),
        (remedied, HOLDS),
        (beyond_bounds, FAILS),
        (remedied_but_beyond_bounds, FAILS),
    ),
    *planted(
        bounds.larger_alpha_needs_less,
        "penalty",
        (lambda K, N, alpha: 1.0, HOLDS),
        (lambda K, N, alpha: alpha**2, FAILS),
        (lambda K, N, alpha: alpha, FAILS),
        (v_to_both_sides, FAILS),
        (in_one_kernel(v_to_both_sides), FAILS),
        (in_one_kernel(lambda K, N, alpha: 1.0), FAILS),
    ),
    *planted(
        bounds.larger_alpha_needs_less,
        "extreme_singular_values",
        (ends(largest=lambda sigma: 1.2 * sigma), FAILS),
    ),
    *planted(
        bounds.minimum_is_not_small,
        "penalty",
        (lambda K, N: 0.0, FAILS),
        (lambda K, N: penalty(K, N, gram="smaller"), FAILS),
        (plus(penalty, 0.2), IN_PART),
    ),
    *planted(bounds.minimum_is_not_small, "minimize_penalty", (resting, IN_PART)),
]


def test_the_verdicts(alone):
    names = [claim.judge.__name__ for claim in SECTION_2_CLAIMS]
    assert {name: alone[name].verdict for name in names} == VERDICTS


@pytest.mark.parametrize(("judge", "used", "wrong", "verdict"), OTHERWISE)
def test_a_predicate_comes_out_otherwise(judge, used, wrong, verdict, judged_with):
    assert judged_with(judge, used, wrong).verdict == verdict


def test_every_predicate_in_the_tally_turns():
    assert turned(OTHERWISE, VERDICTS) == in_the_tally(VERDICTS)


@pytest.mark.parametrize(
    ("judge", "used", "wrong", "words"),
    [
        (
            bounds.norms_are_nearly_kept,
            "penalty",
            if_over(0.1, penalty, 1.1),
            "vector by less;",
        ),
        (bounds.minimum_is_not_small, "minimize_penalty", resting, " over 0.1 after "),
        (
            bounds.minimum_is_not_small,
            "_least_of_full_matrices",
            lambda m, n: 0.5,
            "for want of parameters;",
        ),
        (
            bounds.below_alpha_is_sufficient,
            "minimize_penalty",
            beyond_bounds,
            "not bounded wherever",
        ),
    ],
)
def test_the_words_follow_the_evidence(judge, used, wrong, words, alone, judged_with):
    assert words not in alone[judge.__name__].measured
    assert words in judged_with(judge, used, wrong).measured


@pytest.mark.parametrize(
    ("used", "wrong"), [("penalty", plus(penalty, 0.2)), ("minimize_penalty", resting)]
)
def test_the_minimum_is_not_small_where_parameters_would_help(used, wrong, monkeypatch):
    monkeypatch.setattr(bounds, used, wrong)
    monkeypatch.setattr(bounds, "_least_of_full_matrices", lambda m, n: 0.5)
    assert bounds.minimum_is_not_small().verdict == HOLDS


def test_a_small_penalty_is_the_change_of_the_squared_norm(alone):
    R = [dense_penalty(tap(1, 3) + s * start_kernel(3, 1, 3), 8) for s in (0.03, 0.003)]
    assert R[0] < 0.5
    assert R[1] < 0.05
    found = numbers(alone["norms_are_nearly_kept"].measured)
    assert found == [*[pytest.approx(value, rel=5e-2) for value in R], 8]


def test_the_number_of_kernels_with_the_penalty_below_alpha(alone):
    values = []
    for s in np.linspace(0.005, 0.12, 20):
        values.append(dense_penalty(tap(1, 2, 2**0.5) + s * start_kernel(3, 1, 2), 8, 2.0))
    below = np.sum(np.array(values) < 2)
    assert numbers(alone["theorem_2_1"].measured) == [below, below]
    assert alone["theorem_2_1"].measured.endswith("attain one to rounding")


@pytest.mark.parametrize(
    "wider",
    [
        lambda alpha, t: (0.0, 3.0, np.inf),
        lambda alpha, t: singular_value_bounds(alpha, max(t, 0.5)),
    ],
)
def test_a_bound_that_some_kernel_does_not_attain_is_said_to_be_so(wider, judged_with):
    found = judged_with(bounds.theorem_2_1, "singular_value_bounds", wider)
    assert re.search(r"attain one to \de-?\+?\d\d$", found.measured)


@pytest.mark.parametrize(("smallest", "verdict"), [(1.0, "holds"), (1 - 1e-4, "does not hold")])
def test_the_lower_bound_counts_as_well(smallest, verdict, monkeypatch):
    monkeypatch.setattr(bounds, "penalty", lambda K, N, alpha: alpha / 2)
    monkeypatch.setattr(bounds, "extreme_singular_values", lambda K, N: (1.5, smallest))
    found = bounds.theorem_2_1()
    assert found.verdict == verdict
    assert numbers(found.measured)[:2] == ([20, 20] if verdict == "holds" else [0, 20])


def test_how_far_the_penalty_falls_in_200_steps(alone):
    lowest = [plain_descent(g, h, 8, steps=200)[3].min() for g, h in ((1, 3), (3, 1))]
    found = numbers(alone["below_alpha_is_sufficient"].measured)
    assert found == pytest.approx([1, 200, *lowest], abs=6e-3)
    assert lowest[1] >= 1 - 1e-9


def test_where_the_penalty_over_alpha_turns(alone):
    descended = plain_descent(1, 3, 8)[0][-1]
    expected = []
    for K in (start_kernel(3, 1, 3), descended):
        square = singular_values(K, 8) ** 2
        alphas = np.geomspace(square[-1], square[0], 20001)
        t = np.abs(square[[0, -1], None] - alphas).max(axis=0) / alphas
        expected.append(alphas[t.argmin()])
    found = numbers(alone["larger_alpha_needs_less"].measured)
    assert found == [
        2,
        pytest.approx(expected[0], rel=5e-3),
        pytest.approx(expected[1], rel=1e-2),
        20,
        8,
    ]


def test_the_least_values_of_the_penalty(alone):
    M = np.random.default_rng(1).standard_normal((64, 192))
    full = [np.linalg.norm(s * M.T @ M - np.eye(192), 2) for s in np.linspace(0, 0.01, 11)]
    wide = [dense_penalty(s * start_kernel(3, 3, 1), 8) for s in np.linspace(0, 0.2, 21)]
    expected = [dense_penalty(tap(1, 3), 8), 0.1, 200, min(wide), min(full), M.size, 8]
    assert numbers(alone["minimum_is_not_small"].measured) == pytest.approx(expected)
    assert expected == pytest.approx([0, 0.1, 200, 1, 1, 12288, 8])
    assert " under 0.1 after " in alone["minimum_is_not_small"].measured
