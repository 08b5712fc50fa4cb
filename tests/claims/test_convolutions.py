"""Section 1, its first part: the verdicts, what turns them, and the numbers in each row."""

from itertools import product

import numpy as np
import pytest
from evidence import dense, dense_penalty, numbers, one_channel, singular_values, tap
from planted import in_the_tally, multiple, planted, plus, signal_times, times, turned
from strategies import reference_adjoint, reference_matrix

from convreg.claims import convolutions
from convreg.claims.convolutions import SECTION_1_CLAIMS
from convreg.claims.definitions import BY_DEFINITION, FAILS, HOLDS, IN_PART
from convreg.convolution import convolve
from convreg.examples import start_kernel
from convreg.gradients import penalty_matrix_gradient
from convreg.matrix import conv_matrix
from convreg.penalty import penalty, penalty_gradient
from convreg.studies.barrier import column_norm_bound
from convreg.studies.layers import resnet18
from convreg.studies.periodic import periodic_singular_values, unit_modulus_kernel

VERDICTS = {
    "several_strides_and_paddings": HOLDS,
    "stride_and_padding_are_no_loss": IN_PART,
    "vec_stacks_columns": HOLDS,
    "linear": HOLDS,
    "one_channel_is_a_case": HOLDS,
    "kept_norms_bound_gradients": HOLDS,
    "equations_and_parameters": BY_DEFINITION,
    "orthonormal_columns_are_rare": HOLDS,
    "counting_decides": FAILS,
    "periodic_and_orthogonal": HOLDS,
}


def of_the_reversal(K, shift, axes):
    """In place of a shifted kernel, a row of the matrix that reverses the order of the pixels."""
    return np.eye(225)[224 - 15 * shift[0] - shift[1]]


def at_stride_1():
    """The layers of ResNet-18, each with stride 1."""
    return [layer._replace(stride=1) for layer in resnet18()]


def of_one_size():
    """The same, each with 3 x 3 taps."""
    return [layer._replace(k=3) for layer in resnet18()]


def as_in_the_paper(K, N, **how):
    """The penalty; that of single taps is the one with stride 1 and zeros, whatever is asked."""
    return penalty(K, N) if np.count_nonzero(K) == 1 else penalty(K, N, **how)


OTHERWISE = [
    *planted(
        convolutions.several_strides_and_paddings,
        "convolve",
        (lambda K, X, **how: convolve(K[::-1, ::-1], X, **how), FAILS),
        (lambda K, X, **how: convolve(K, X), FAILS),
        (lambda K, X, **how: convolve(K, X, **how | {"stride": 2}), FAILS),
        (lambda K, X, **how: convolve(K, X, **how | {"padding": "same"}), FAILS),
    ),
    *planted(
        convolutions.several_strides_and_paddings,
        "resnet18",
        (at_stride_1, IN_PART),
        (of_one_size, IN_PART),
    ),
    *planted(
        convolutions.stride_and_padding_are_no_loss,
        "penalty_matrix_gradient",
        (multiple(penalty_matrix_gradient, 2), FAILS),
        (multiple(penalty_matrix_gradient, 1.01), FAILS),
    ),
    *planted(
        convolutions.stride_and_padding_are_no_loss,
        "penalty",
        (as_in_the_paper, IN_PART),
        (lambda K, N, **how: penalty(K, N), FAILS),
    ),
    *planted(
        convolutions.stride_and_padding_are_no_loss,
        "always_singular",
        (lambda layer, gram: False, IN_PART),
        (lambda layer, gram: True, IN_PART),
    ),
    *planted(convolutions.stride_and_padding_are_no_loss, "resnet18", (at_stride_1, IN_PART)),
    *planted(
        convolutions.vec_stacks_columns,
        "vec",
        (np.ravel, FAILS),
        (lambda X: X.swapaxes(0, 1).ravel(order="F"), FAILS),
        (lambda X: X[:, :, ::-1].ravel(order="F"), FAILS),
    ),
    *planted(
        convolutions.linear, "conv_matrix", (lambda K, N: conv_matrix(K[::-1, ::-1], N), FAILS)
    ),
    *planted(
        convolutions.linear,
        "convolve",
        (multiple(convolve, 2), FAILS),
        (plus(convolve, 1e-6), FAILS),
        (lambda K, X: convolve(K, X) + len(K) % 2, FAILS),
        (lambda K, X: convolve(K, X) + 1 - len(K) % 2, FAILS),
        (lambda K, X: convolve(K, X) + np.eye(7, 1)[:, :, None], FAILS),
    ),
    *planted(
        convolutions.one_channel_is_a_case,
        "convolve",
        (lambda K, X: convolve(K[::-1, ::-1], X), FAILS),
        (lambda K, X: convolve(K.swapaxes(0, 1), X), FAILS),
        (lambda K, X: convolve(K, X) + len(K) % 2, FAILS),
        (lambda K, X: np.roll(convolve(K, X), 1 - len(K) % 2, axis=0), FAILS),
    ),
    *planted(
        convolutions.kept_norms_bound_gradients,
        "backpropagated",
        (signal_times(0.0, 1.1), FAILS),
        (signal_times(0.0, 1.05), HOLDS),
    ),
    *planted(
        convolutions.kept_norms_bound_gradients,
        "extreme_singular_values",
        (lambda K, N: (1.0, 1.0), FAILS),
    ),
    *planted(
        convolutions.orthonormal_columns_are_rare,
        "column_norm_bound",
        (lambda K, N: 0.0, FAILS),
        (lambda K, N: column_norm_bound(K, N) * (len(K) == 3), IN_PART),
    ),
    *planted(
        convolutions.orthonormal_columns_are_rare,
        "penalty",
        (lambda K, N: 0.0, FAILS),
        (lambda K, N: penalty(K, N) * (K[0, 0, 0, 0] > 0), IN_PART),
    ),
    *planted(
        convolutions.counting_decides,
        "conv_matrix",
        (times(2.0), HOLDS),
        (lambda K, N: conv_matrix(K, N) if len(K) == 1 else 2 * conv_matrix(K, N), FAILS),
    ),
    *planted(convolutions.counting_decides, "identity", (start_kernel, HOLDS)),
    *planted(
        convolutions.periodic_and_orthogonal,
        "periodic.unit_modulus_kernel",
        (np.eye, FAILS),
        (multiple(unit_modulus_kernel, 2), FAILS),
        (plus(unit_modulus_kernel, 1e-6), FAILS),
    ),
    *planted(convolutions.periodic_and_orthogonal, "np.roll", (of_the_reversal, FAILS)),
]


def test_the_verdicts(alone):
    names = [claim.judge.__name__ for claim in SECTION_1_CLAIMS]
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
            convolutions.stride_and_padding_are_no_loss,
            "penalty_matrix_gradient",
            multiple(penalty_matrix_gradient, 2),
            "right in 0 of 9 geometries",
        ),
    ],
)
def test_the_words_follow_the_evidence(judge, used, wrong, words, alone, judged_with):
    assert words not in alone[judge.__name__].measured
    assert words in judged_with(judge, used, wrong).measured


def test_it_would_be_no_loss_if_neither_the_penalty_nor_the_rank_changed(monkeypatch, judged_with):
    monkeypatch.setattr(convolutions, "always_singular", lambda layer, gram: False)
    judge = convolutions.stride_and_padding_are_no_loss
    assert judge().verdict == IN_PART
    assert judged_with(judge, "penalty", as_in_the_paper).verdict == HOLDS


@pytest.mark.parametrize("how", [{"stride": 2}, {"padding": "circular"}])
def test_one_change_of_the_penalty_is_a_loss(how, monkeypatch, judged_with):
    """Of the stride, or of the padding."""
    monkeypatch.setattr(convolutions, "always_singular", lambda layer, gram: False)

    def wrong(K, N, **asked):
        return penalty(K, N, **asked) if asked == how else as_in_the_paper(K, N, **asked)

    judge = convolutions.stride_and_padding_are_no_loss
    assert judged_with(judge, "penalty", wrong).verdict == IN_PART


def every_other_pixel():
    """The rows of M that stride 2 keeps: 3 outputs, 6 x 6 pixels."""
    rows = []
    for c, s, r in product(range(3), range(0, 6, 2), range(0, 6, 2)):
        rows.append(c * 36 + s * 6 + r)
    return rows


def test_the_patterns_and_what_resnet18_has(alone):
    """Counted by hand from table 1 of its paper: 7 x 7 with 3 pixels, 3 x 3 with 1, 1 x 1."""
    found = numbers(alone["several_strides_and_paddings"].measured)
    assert found == [4, 4, 18, 1, 2, 0, 1, 3]  # 18 is ResNet's


def test_what_stride_and_padding_change(alone):
    M = reference_matrix(tap(1, 3), 6)
    strides = [np.linalg.norm(A.T @ A - np.eye(36), 2) for A in (M, M[every_other_pixel()])]
    shift = np.eye(9)[3]
    images = np.eye(36).reshape(-1, 6, 6)
    rolled = np.array([np.roll(X, 1, axis=1).ravel() for X in images])
    paddings = [
        dense_penalty(one_channel(shift), 6),
        np.linalg.norm(rolled.T @ rolled - np.eye(36), 2),
    ]
    expected = [9, 9, strides[0], 1, strides[1], 2, *paddings, 20, 18, 6]  # 18 is ResNet's
    found = numbers(alone["stride_and_padding_are_no_loss"].measured)
    assert found == expected == [9, 9, 0, 1, 1, 2, 1, 0, 20, 18, 6]


def test_a_periodic_shift_has_the_singular_value_1_only():
    assert np.allclose(periodic_singular_values(np.eye(9)[3].reshape(3, 3), 6), 1)


def test_the_gradient_with_stride_2_is_the_adjoint_of_the_rows_that_are_left():
    """What the judge has from conv_matrix and its adjoint, from rows of the paper's M."""
    N = 6
    K = start_kernel(3, 1, 3)
    left = every_other_pixel()
    M = reference_matrix(K, N)[left]
    values, vectors = np.linalg.eigh(M.T @ M)
    in_M = np.zeros((108, 36))
    in_M[left] = 2 * np.outer(M @ vectors[:, -1], vectors[:, -1])
    expected = reference_adjoint(in_M, K.shape, N)
    R, G = penalty_gradient(K, N, stride=2)
    assert R == pytest.approx(values[-1] - 1)
    assert np.allclose(G, expected, rtol=1e-9, atol=1e-9)
    assert convolutions._has_its_gradient(K, N, {"stride": 2})


def test_how_much_norms_change_near_the_identity(alone):
    sigma = singular_values(tap(1, 3) + 0.01 * start_kernel(3, 1, 3), 8)
    expected = [np.abs(sigma - 1).max(), sigma[0] - 1]
    found = numbers(alone["kept_norms_bound_gradients"].measured)
    assert found == pytest.approx([*expected, 8], abs=6e-4)


def test_228150_equations_for_27_parameters(alone):
    K = start_kernel(3, 3, 1)
    n = reference_matrix(K, 15).shape[1]
    found = numbers(alone["equations_and_parameters"].measured)
    assert found == [n * (n + 1) // 2, K.size, 15] == [228150, 27, 15]


def test_the_bound_from_the_columns_is_that_of_the_dense_matrix(alone):
    rng = np.random.default_rng(0)
    bounds = []
    for k, g, h in ((3, 1, 1), (3, 1, 3), (3, 3, 1), (2, 2, 3), (5, 1, 2)):
        W = rng.standard_normal((k, k, g, h))
        centre = np.zeros_like(W)
        centre[-(-k // 2) - 1, -(-k // 2) - 1] = np.eye(g, h)
        for K in (W, centre + 0.1 * W, centre + 0.01 * W):
            M = reference_matrix(K, 6)
            bounds.append(np.ptp(np.sum(M**2, axis=0)) / 2)
            assert np.linalg.norm(M.T @ M - np.eye(M.shape[1]), 2) >= bounds[-1] > 0
    expected = [15, 5, pytest.approx(min(bounds), rel=5e-2), dense_penalty(tap(1, 3), 6)]
    assert numbers(alone["orthonormal_columns_are_rare"].measured) == expected
    assert expected[-1] == 0


def test_the_equations_that_an_identity_tap_satisfies(alone):
    expected = []
    for K in (tap(1, 3), np.eye(3).reshape(1, 1, 3, 3)):
        M = dense(K, 15)
        upper = np.triu_indices(M.shape[1])
        residual = (M.T @ M - np.eye(M.shape[1]))[upper]
        expected += [np.count_nonzero(residual == 0), len(residual), K.size]
    assert numbers(alone["counting_decides"].measured) == [*expected, 15]
    assert expected == [25425, 25425, 27, 228150, 228150, 9]


def test_a_periodic_convolution_and_the_same_kernel_with_zero_padding(alone):
    K = unit_modulus_kernel(15)
    padded = singular_values(K[:, :, None, None], 15)
    assert np.abs(np.abs(np.fft.fft2(K)) - 1).max() < 1e-12
    expected = [0, 0, padded[-1], padded[0]]
    assert numbers(alone["periodic_and_orthogonal"].measured) == pytest.approx(expected, rel=5e-3)
