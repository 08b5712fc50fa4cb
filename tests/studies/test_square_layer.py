"""A square layer at scale, on smaller ones: the start, kappa without factors, the rows."""

import numpy as np
import pytest
from dense import kernel
from strategies import reference_matrix

from convreg import minimize_penalty
from convreg.learning_rates import clipped_polyak_step
from convreg.studies import square_layer
from convreg.studies.barrier import off_centre_share
from convreg.studies.polar import alternating_projection, periodic_projection
from convreg.studies.square_layer import kappa_by_products, layer_start, layer_table


def dense_kappa(K, N):
    sigma = np.linalg.svd(reference_matrix(K, N), compute_uv=False)
    return sigma[0] / sigma[-1]


def test_the_start_is_uniform_with_an_orthogonal_matrix_on_the_centre():
    K = layer_start(0.0)
    bound = 1 / np.sqrt(9 * 64)
    assert K.shape == (3, 3, 64, 64)
    assert 0.999 * bound < np.abs(K).max() <= bound
    assert np.abs(K.mean()) < 0.01 * bound
    difference = layer_start(3.0) - K
    centre = difference[1, 1].copy()
    difference[1, 1] = 0
    assert not difference.any()
    assert np.abs(centre.T @ centre - 9 * np.eye(64)).max() < 1e-13
    assert np.abs(np.diag(centre)).max() < 2  # not the identity
    assert np.array_equal(layer_start(1.0, 3), layer_start(1.0, 3, seed=0))
    assert not np.array_equal(layer_start(1.0, 3), layer_start(1.0, 3, seed=1))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("shape", [(3, 3, 2, 2), (3, 3, 1, 1), (3, 3, 2, 3)])
def test_kappa_by_products(shape, seed):
    K = kernel(*shape, seed=seed)
    K[1, 1] += 3 * np.eye(*shape[2:])
    assert kappa_by_products(K, 6) == pytest.approx(dense_kappa(K, 6), rel=1e-5)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(square_layer, "N", 6)
    start = layer_start
    monkeypatch.setattr(square_layer, "layer_start", lambda c: start(c, 3))
    return start


ENDS = {
    "start": lambda K: K,
    "polar, periodic, accelerated": lambda K: alternating_projection(K, periodic_projection(8), 10),
    "R, length limited": lambda K: minimize_penalty(K, 6, 1.0, clipped_polyak_step, 60, 2).kernel,
}


def test_the_rows_of_the_table(small):
    table = layer_table((1.0, 2.0))
    assert table["method"].tolist() == 2 * list(ENDS)
    assert table["c"].tolist() == [1, 1, 1, 2, 2, 2]
    assert table["steps"].tolist() == 2 * [0, 10, 60]
    for c, method, kappa, share in zip(
        table["c"], table["method"], table["kappa"], table["off_centre"], strict=True
    ):
        end = ENDS[method](small(c, 3))
        assert kappa == pytest.approx(dense_kappa(end, 6), rel=0.006)
        assert share == pytest.approx(off_centre_share(end), rel=0.006)
    assert (table["seconds"] >= 0).all()
    assert table["kappa"][4] < 1.1 < table["kappa"][3]
