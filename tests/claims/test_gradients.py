"""Sections 2.1 and 2.2: the verdicts, what turns them, and the numbers in each row."""

from types import SimpleNamespace

import numpy as np
import pytest
from evidence import numbers, singular_values
from planted import in_the_tally, multiple, of_taps, planted, times, turned
from strategies import reference_matrix

from convreg.claims import gradients
from convreg.claims.definitions import BY_DEFINITION, FAILS, HOLDS, IN_PART
from convreg.claims.gradients import GRADIENT_CLAIMS
from convreg.examples import start_kernel
from convreg.gradients import singular_value_gradient
from convreg.lanczos import leading_triplets
from convreg.matrix import conv_matrix
from convreg.penalty import penalty_gradient
from convreg.studies.gradient_checks import both_signs

VERDICTS = {
    "doubly_block_toeplitz": HOLDS,
    "lemma_2_1": HOLDS,
    "only_row_and_column_j": BY_DEFINITION,
    "lemma_2_2": HOLDS,
    "theorem_2_2": HOLDS,
    "left_is_plus_or_minus_right": HOLDS,
    "sparse": HOLDS,
    "blocks_of_2_4": HOLDS,
    "theorem_2_3": HOLDS,
}


LAST = np.diag([1, 1, 1, 1, 1, 2])


def filled(fraction):
    return lambda K, N: SimpleNamespace(nnz=10000 * fraction, shape=(100, 100))


def double_gradient(when):
    def gradient(K, N):
        R, G = penalty_gradient(K, N)
        return R, (2 if when(K) else 1) * G

    return gradient


def lower_end_only(M, u, v):
    return 2 * np.outer(M @ v, v)


def with_left(of_right):
    """A triplet whose left vector is this function of the right one."""
    return lambda B, count: [(sigma, of_right(v), v) for sigma, _, v in leading_triplets(B, count)]


def shorter_left(B, count):
    return [(sigma, 0.999 * u, v) for sigma, u, v in leading_triplets(B, count)]


OTHERWISE = [
    *planted(
        gradients.doubly_block_toeplitz,
        "conv_matrix",
        (times(np.kron(LAST, np.ones((6, 6)))), FAILS),
        (times(np.kron(np.ones((6, 6)), LAST)), FAILS),
        (of_taps((0, 2)), FAILS),
        (of_taps((2, 0)), FAILS),
        (of_taps((1, 1), (2, 3)), HOLDS),
    ),
    *planted(
        gradients.blocks_of_2_4,
        "conv_matrix",
        (lambda K, N: conv_matrix(K if K.ndim == 4 else K.T, N), FAILS),
        (lambda K, N: conv_matrix(K[:, :, ::-1] if K.ndim == 4 else K, N), FAILS),
        (lambda K, N: conv_matrix(K[..., ::-1] if K.ndim == 4 else K, N), FAILS),
        (lambda K, N: times(np.eye(3 * 25)[-1:].T + 1 if K.ndim == 4 else 1)(K, N), FAILS),
        (lambda K, N: times(1 + np.eye(50)[:1] if K.ndim == 4 else 1)(K, N), FAILS),
        (lambda K, N: times(1 + np.eye(50)[-1:] if K.ndim == 4 else 1)(K, N), FAILS),
    ),
    *planted(
        gradients.lemma_2_1,
        "singular_value_gradient",
        (lambda u, v: np.outer(v, u), FAILS),
        (multiple(singular_value_gradient, 1.1), FAILS),
        (multiple(singular_value_gradient, 1.01), FAILS),
    ),
    *planted(
        gradients.lemma_2_2,
        "penalty_matrix_gradient",
        (lambda M, u, v: np.outer(M @ u, v), FAILS),
        (lower_end_only, FAILS),
        (multiple(lower_end_only, -1), FAILS),
    ),
    *planted(
        gradients.theorem_2_2,
        "penalty_gradient",
        (double_gradient(lambda K: True), FAILS),
        (double_gradient(lambda K: K.min() < 0), FAILS),
        (double_gradient(lambda K: K.min() >= 0), FAILS),
        (double_gradient(lambda K: K.size > 9), HOLDS),
    ),
    *planted(
        gradients.theorem_2_3,
        "penalty_gradient",
        (double_gradient(lambda K: K.min() < 0), FAILS),
        (double_gradient(lambda K: K.min() >= 0), FAILS),
        (double_gradient(lambda K: 1 not in K.shape), FAILS),
        (double_gradient(lambda K: K.shape[2] == K.shape[3]), HOLDS),
    ),
    *planted(
        gradients.left_is_plus_or_minus_right,
        "leading_triplets",
        (with_left(np.flip), FAILS),
        (with_left(lambda v: v), FAILS),
        (with_left(np.negative), FAILS),
        (shorter_left, FAILS),
    ),
    *planted(
        gradients.sparse,
        "conv_matrix",
        (filled(0.49), IN_PART),
        (filled(0.51), FAILS),
    ),
]


def test_the_verdicts(alone):
    names = [claim.judge.__name__ for claim in GRADIENT_CLAIMS]
    assert {name: alone[name].verdict for name in names} == VERDICTS


@pytest.mark.parametrize(("judge", "used", "wrong", "verdict"), OTHERWISE)
def test_a_predicate_comes_out_otherwise(judge, used, wrong, verdict, judged_with):
    assert judged_with(judge, used, wrong).verdict == verdict


def test_every_predicate_in_the_tally_turns():
    assert turned(OTHERWISE, VERDICTS) == in_the_tally(VERDICTS)


@pytest.mark.parametrize(("fraction", "verdict"), [(0.0495, HOLDS), (0.0505, IN_PART)])
def test_the_verdict_changes_at_the_threshold(fraction, verdict, judged_with):
    found = judged_with(gradients.sparse, "conv_matrix", filled(fraction))
    assert found.verdict == verdict
    assert f" 0.05: {fraction};" in found.margin


@pytest.mark.parametrize(("g", "h"), [(1, 1), (1, 3), (2, 3)])
def test_a_kernel_for_either_end_of_the_spectrum(g, h):
    upper, lower = both_signs(start_kernel(3, g, h), 6, 1.0).values()
    largest, *_, smallest = singular_values(upper, 6) ** 2 - 1
    assert abs(largest) > abs(smallest)
    largest, *_, smallest = singular_values(lower, 6) ** 2 - 1
    assert abs(largest) < abs(smallest)


@pytest.mark.parametrize("judge", [gradients.theorem_2_2, gradients.theorem_2_3])
def test_both_ends_of_the_spectrum_are_tried(judge, monkeypatch):
    kernels = []

    def recorded(K, N):
        kernels.append((K, N))
        return penalty_gradient(K, N)

    monkeypatch.setattr(gradients, "penalty_gradient", recorded)
    judge()
    ends = [singular_values(K, N)[[0, -1]] ** 2 - 1 for K, N in kernels]
    assert [bool(abs(largest) > abs(smallest)) for largest, smallest in ends] == [True, False]


def test_a_wrong_gradient_has_the_order_1_in_the_words_too(monkeypatch):
    monkeypatch.setattr(gradients, "penalty_gradient", double_gradient(lambda K: K.min() < 0))
    assert numbers(gradients.theorem_2_3().measured) == [2, pytest.approx(1, abs=0.1)]


def test_the_entries_of_the_gram_matrix_that_change(alone):
    M = reference_matrix(start_kernel(3, 2, 1), 4)
    E = np.zeros_like(M)
    E[3, 5] = 1
    change = M.T @ E + E.T @ M + E.T @ E
    assert not np.delete(np.delete(change, 5, 0), 5, 1).any()
    found = numbers(alone["only_row_and_column_j"].measured)
    assert found == [np.count_nonzero(change), *change.shape]


def test_the_signs_of_the_inner_product(alone):
    assert numbers(alone["left_is_plus_or_minus_right"].measured) == [1, -1]


def test_the_sizes_and_blocks_that_are_named(alone):
    rows, columns = reference_matrix(start_kernel(3, 1, 1), 6).shape
    assert alone["doubly_block_toeplitz"].measured.startswith(f"{rows} x {columns},")
    assert numbers(alone["blocks_of_2_4"].measured) == [2 * 3]


def test_the_fraction_of_the_entries(alone):
    M = reference_matrix(start_kernel(3, 3, 1), 15)
    fraction = np.count_nonzero(M) / M.size
    row = alone["sparse"]
    assert numbers(row.measured) == [pytest.approx(fraction, abs=6e-4), 15] == [0.037, 15]
    assert numbers(row.margin)[:2] == [0.05, pytest.approx(fraction, rel=5e-3)]


@pytest.mark.parametrize(
    ("judge", "orders"),
    [("lemma_2_1", 3), ("lemma_2_2", 2), ("theorem_2_2", 2), ("theorem_2_3", 2)],
)
def test_the_orders_are_2(judge, orders, alone):
    assert numbers(alone[judge].measured)[:orders] == [2] * orders


@pytest.mark.parametrize("at", [0, 5, 11])
def test_the_singular_values_of_lemma_2_1_are_simple_and_positive(at):
    A = np.random.default_rng(0).standard_normal((12, 12))
    sigma = np.linalg.eigvalsh(A.T @ A)[::-1] ** 0.5
    assert min(sigma[at], *np.abs(np.delete(sigma, at) - sigma[at])) > 1e-2
    assert gradients._singular_value(at, A) == pytest.approx(sigma[at])
