"""Section 1, other methods: the verdicts, what turns them, and the numbers in each row."""

import numpy as np
import pytest
from evidence import numbers, one_channel, singular_values, tap
from planted import ends, in_the_tally, multiple, planted, plus, turned

from convreg.claims import other_methods
from convreg.claims.definitions import FAILS, HOLDS, IN_PART
from convreg.claims.other_methods import OTHER_METHODS_CLAIMS
from convreg.examples import start_kernel
from convreg.extremes import extreme_singular_values
from convreg.penalty import penalty
from convreg.studies.alternatives import parseval_retraction
from convreg.studies.periodic import clip_periodic, periodic_singular_values

VERDICTS = {
    "scaling_is_conditioning": IN_PART,
    "reshaped_matrix_says_little": IN_PART,
    "projection_loses_the_bound": HOLDS,
}


def of_the_box(largest, smallest):
    """Extreme singular values that are wrong for the kernel whose taps are equal."""
    return lambda K, N: (largest, smallest) if np.ptp(K) == 0 else extreme_singular_values(K, N)


def box_apart_by(factor):
    """For the kernel whose taps are equal, a condition number that is larger by this factor."""
    return of_the_box(2.9, 2.9 / factor)


def clipped_to(largest, only=(1, 3, 6)):
    """Clipped kernels whose 3 x 3 taps, for these numbers of outputs, have this largest value."""

    def clip(K, N):
        clipped = clip_periodic(K, N)
        scale = largest / periodic_singular_values(clipped[6:9, 6:9], N)[0]
        return clipped * min(scale, 1) if K.shape[3] in only else clipped

    return clip


OTHERWISE = [
    *planted(
        other_methods.scaling_is_conditioning,
        "penalty",
        (lambda K, N: penalty(K, N, gram="smaller"), HOLDS),
        (lambda K, N: penalty(K, N) if K.shape[3] == 3 else 1 - 1e-4, HOLDS),
        (multiple(penalty, 1.001), FAILS),
        (multiple(penalty, 0.5), FAILS),
    ),
    *planted(
        other_methods.scaling_is_conditioning,
        "extreme_singular_values",
        (ends(smallest=lambda sigma: 2 * sigma), FAILS),
    ),
    *planted(
        other_methods.reshaped_matrix_says_little,
        "alternatives.orthogonality_penalty",
        (lambda K: (0.0, np.ones_like(K)), FAILS),
    ),
    *planted(
        other_methods.reshaped_matrix_says_little,
        "alternatives.parseval_retraction",
        (plus(parseval_retraction, 1e-6), FAILS),
    ),
    *planted(
        other_methods.reshaped_matrix_says_little,
        "extreme_singular_values",
        (lambda K, N: (1.0, 1.0), FAILS),
        (of_the_box(3.1, 0.01), HOLDS),
        (of_the_box(0.9, 0.01), HOLDS),
    ),
    *planted(
        other_methods.reshaped_matrix_says_little,
        "start_kernel",
        (lambda k, g, h: np.zeros((3, 3, g, h)), IN_PART),
    ),
    *planted(
        other_methods.projection_loses_the_bound,
        "periodic.clip_periodic",
        (clipped_to(1.0), FAILS),
        (clipped_to(1.0, only=(3, 6)), HOLDS),
        (lambda K, N: K, FAILS),
    ),
]


def test_the_verdicts(alone):
    names = [claim.judge.__name__ for claim in OTHER_METHODS_CLAIMS]
    assert {name: alone[name].verdict for name in names} == VERDICTS


@pytest.mark.parametrize(("judge", "used", "wrong", "verdict"), OTHERWISE)
def test_a_predicate_comes_out_otherwise(judge, used, wrong, verdict, judged_with):
    assert judged_with(judge, used, wrong).verdict == verdict


def test_every_predicate_in_the_tally_turns():
    assert turned(OTHERWISE, VERDICTS) == in_the_tally(VERDICTS)


@pytest.mark.parametrize(("factor", "verdict"), [(9.9, FAILS), (10.1, IN_PART)])
def test_the_verdict_changes_at_the_threshold(factor, verdict, judged_with):
    wrong = box_apart_by(factor)
    found = judged_with(other_methods.reshaped_matrix_says_little, "extreme_singular_values", wrong)
    assert found.verdict == verdict
    assert f" 10: {factor};" in found.margin


@pytest.mark.parametrize(
    ("judge", "used", "wrong", "words"),
    [
        (
            other_methods.reshaped_matrix_says_little,
            "alternatives.parseval_retraction",
            plus(parseval_retraction, 1e-6),
            "do not rest",
        ),
        (
            other_methods.reshaped_matrix_says_little,
            "extreme_singular_values",
            of_the_box(3.1, 0.01),
            "sigma_max(W) fails",
        ),
    ],
)
def test_the_words_follow_the_evidence(judge, used, wrong, words, alone, judged_with):
    assert words not in alone[judge.__name__].measured
    assert words in judged_with(judge, used, wrong).measured


def test_the_best_multiple_of_a_kernel(alone):
    tall = start_kernel(3, 1, 3)
    best = []
    for K in (tall, tap(1, 3) + 0.05 * tall):
        square = singular_values(K, 8)[[0, -1]] ** 2
        best.append(np.abs(2 * square / square.sum() - 1).max())  # both ends as far from 1
    found = numbers(alone["scaling_is_conditioning"].measured)
    assert found == pytest.approx([*best, 1, 1, *best, 1], rel=2e-3)


def test_the_condition_numbers_where_methods_on_the_reshaped_kernel_rest(alone):
    sigma = [singular_values(one_channel(taps), 15) for taps in (np.eye(9)[4], np.full(9, 1 / 3))]
    expected = [largest / smallest for largest, *_, smallest in sigma]
    row = alone["reshaped_matrix_says_little"]
    assert numbers(row.measured)[2:] == pytest.approx(expected, rel=5e-3)
    assert numbers(row.margin)[:2] == [10, pytest.approx(expected[1] / expected[0], rel=5e-3)]


def test_the_largest_values_after_clipping(alone):
    largest = []
    for g, h in ((3, 1), (3, 6), (6, 3)):
        torus = np.zeros((15, 15, g, h))
        torus[:3, :3] = start_kernel(3, g, h)
        U, sigma, Vt = np.linalg.svd(np.fft.fft2(torus, axes=(0, 1)), full_matrices=False)
        taps = np.fft.ifft2(U * np.minimum(sigma, 1)[..., None, :] @ Vt, axes=(0, 1)).real
        whole = np.linalg.norm(np.fft.fft2(taps, axes=(0, 1)), 2, axis=(2, 3)).max()
        taps[3:] = taps[:, 3:] = 0
        cut = np.linalg.norm(np.fft.fft2(taps, axes=(0, 1)), 2, axis=(2, 3)).max()
        largest.append((whole, cut))
    whole, cut = zip(*largest, strict=True)
    found = numbers(alone["projection_loses_the_bound"].measured)
    assert found == pytest.approx([*whole, 1, *cut, 3, 3], rel=5e-3)
