"""Section 1: what W and the periodic values say of M, against dense matrices; the lines by hand."""

import sys

import numpy as np
import pytest
from strategies import reference_matrix

from convreg.studies import surrogates
from convreg.studies.alternatives import reshaped
from convreg.studies.periodic import clip_periodic, unit_modulus_kernel
from convreg.studies.surrogates import (
    ROWS_OF_NORM_1,
    Periodic,
    bounded_by_reshaped,
    clipping_table,
    norm_ratio_on_a_torus,
    periodic_cases,
    periodic_table,
    reshaped_table,
)


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def singular_values(K, N):
    return np.linalg.svd(reference_matrix(K, N), compute_uv=False)


def circulant_values(K, N):
    """The singular values of the periodic convolution, from its matrix pixel by pixel."""
    C = np.zeros((N * N, N * N))
    for r, s, p, q in np.ndindex(N, N, 3, 3):
        C[r * N + s, (r + p - 1) % N * N + (s + q - 1) % N] += K[p, q]
    return np.linalg.svd(C, compute_uv=False)


@pytest.mark.parametrize(
    "shape", [(3, 3, 3, 1), (3, 3, 3, 6), (3, 3, 6, 3), (3, 3, 2, 2), (1, 1, 2, 2), (2, 2, 1, 1)]
)
def test_w_bounds_m(shape):
    for seed in range(5):
        assert bounded_by_reshaped(kernel(*shape, seed=seed), 5) is True


@pytest.mark.parametrize(
    ("ends", "bounded"),
    [
        ((5.0, 0.5), True),
        ((3.9, 0.5), False),  # sigma_max(W) = 4 is above sigma_max(M)
        ((12.1, 0.5), False),  # k = 3
        ((5.0, 2.1), False),  # sigma_min(W) = 2 is below sigma_min(M)
        ((4.0, 2.0), True),
        ((5.0, 0.0), True),
    ],
)
def test_each_bound_can_fail(monkeypatch, ends, bounded):
    K = np.zeros((3, 3, 2, 2))
    K[1, 1] = np.diag([4.0, 2.0])
    monkeypatch.setattr(
        sys.modules[surrogates.__name__], "extreme_singular_values", lambda K, N: ends
    )
    assert bounded_by_reshaped(K, 5) is bounded


def test_for_more_outputs_than_inputs_the_smallest_may_be_above(monkeypatch):
    K = np.zeros((3, 3, 1, 2))
    K[1, 1] = [[4.0, 0.0]]
    monkeypatch.setattr(surrogates, "extreme_singular_values", lambda K, N: (5.0, 5.0))
    assert bounded_by_reshaped(K, 5)


def test_the_rows_of_norm_1():
    assert list(ROWS_OF_NORM_1) == ["identity", "mean", "difference"]
    for K in ROWS_OF_NORM_1.values():
        assert np.linalg.norm(K) == pytest.approx(1)
        sigma = singular_values(K[:, :, None, None], 5)
        found = reshaped_table({"K": K}, 5)
        assert found["sigma_max(M)"].item() == pytest.approx(sigma[0])
        assert found["sigma_min(M)"].item() == pytest.approx(sigma[-1], abs=1e-9)
    assert ROWS_OF_NORM_1["difference"][1] == pytest.approx([-(2**-0.5), 0, 2**-0.5])
    assert ROWS_OF_NORM_1["identity"][1, 1] == 1
    twice = {"mean": 2 * ROWS_OF_NORM_1["mean"], "identity": ROWS_OF_NORM_1["identity"]}
    found = reshaped_table(twice, 5)
    assert found["kernel"].tolist() == ["mean", "identity"]
    assert found["WW'"].tolist() == pytest.approx([4.0, 1.0])
    assert (reshaped(ROWS_OF_NORM_1["mean"]) == 1 / 3).all()


@pytest.mark.parametrize("N", [4, 7])
def test_a_kernel_of_modulus_1_keeps_the_norm_on_its_torus(N):
    assert norm_ratio_on_a_torus(unit_modulus_kernel(N, 3), N, 3) == pytest.approx(1, abs=1e-12)
    assert abs(norm_ratio_on_a_torus(unit_modulus_kernel(N, 3), N + 1, 3) - 1) > 1e-3


def test_the_ratio_of_norms_by_hand():
    X = np.random.default_rng(2).standard_normal((5, 5))
    Y = 3 * X - np.roll(X, 1, axis=1)
    K = np.array([[0, 0, 0], [-1, 3, 0], [0, 0, 0]])
    assert norm_ratio_on_a_torus(K, 5, 2) == pytest.approx(
        np.linalg.norm(Y) / np.linalg.norm(X), rel=1e-12
    )


def test_the_periodic_cases_against_dense_matrices():
    taps = {
        "-1, 2, -1": [[0, 0, 0], [-1, 2, -1], [0, 0, 0]],
        "shift": [[0, 0, 0], [1, 0, 0], [0, 0, 0]],
    }
    cases = list(periodic_cases())
    assert [(case.name, case.N) for case in cases] == [(name, N) for name in taps for N in (5, 15)]
    for case in cases:
        K = np.array(taps[case.name], float)
        padded, on_torus = singular_values(K[:, :, None, None], case.N), circulant_values(K, case.N)
        assert case.periodic == pytest.approx((on_torus[0], on_torus[-1]), abs=1e-7)
        assert case.padded == pytest.approx((padded[0], padded[-1]), abs=1e-7)
        assert case.larger_torus == pytest.approx(circulant_values(K, case.N + 1)[0])


def test_the_periodic_values_of_any_kernel(monkeypatch):
    K = kernel(3, 3)
    monkeypatch.setattr(surrogates, "PERIODIC_KERNELS", {"any": K})
    (case,) = periodic_cases([4])
    padded, on_torus = singular_values(K[:, :, None, None], 4), circulant_values(K, 4)
    assert case.periodic == pytest.approx((on_torus[0], on_torus[-1]))
    assert case.padded == pytest.approx((padded[0], padded[-1]))
    assert case.larger_torus == pytest.approx(circulant_values(K, 5)[0])


def test_the_table_of_periodic_cases():
    case = Periodic("name", 7, (1.25, 0.5), (2.0, 0.125), 3.0)
    found = periodic_table(iter([case, case._replace(N=8)]))
    assert {name: column.tolist() for name, column in found.items()} == {
        "taps": ["name"] * 2,
        "N": [7, 8],
        "largest, periodic": [1.25] * 2,
        "padded": [2.0] * 2,
        "on side N + 1": [3.0] * 2,
        "smallest, periodic": [0.5] * 2,
        "smallest, padded": [0.125] * 2,
    }


def test_the_clippings_are_counted():
    kernels = [kernel(3, 3), kernel(3, 3, seed=1)]
    expected, clipped = {}, kernels
    for times in (1, 2, 3):
        clipped = [clip_periodic(K, 5) for K in clipped]
        expected[times] = [circulant_values(K, 5)[0] for K in clipped]
    table = clipping_table(dict(zip("ab", kernels, strict=True)), 5, [1, 3])
    assert list(table) == ["clippings", "a", "b"]
    assert table["clippings"].tolist() == [1, 3]
    for times, *found in zip(*table.values(), strict=True):
        assert found == pytest.approx(expected[times])
    assert len({round(values[0], 6) for values in expected.values()}) == 3
