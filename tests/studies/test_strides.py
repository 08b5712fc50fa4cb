"""What a stride does to the barrier: ranks, the lowest penalty there is, ResNet-18."""

import numpy as np
import pytest

from convreg.matrix import conv_matrix
from convreg.penalty import penalty
from convreg.storage.tables import from_rows, groups
from convreg.studies import strides
from convreg.studies.layers import Layer, gaussian_kernel, resnet18
from convreg.studies.strides import (
    GRAMS,
    always_singular,
    block_kernel,
    by_layer,
    lowest_penalty,
    rank_bound,
)


def dense(K, layer):
    return conv_matrix(K, layer.N, stride=layer.stride).toarray()


def eigenvalues(M, gram):
    return np.linalg.eigvalsh(M @ M.T if gram == "rows" else M.T @ M)


SMALL = [
    Layer(k, g, h, N, stride)
    for k, stride, N in ((3, 1, 5), (3, 2, 6), (4, 2, 6), (1, 2, 6), (1, 3, 6), (5, 3, 6))
    for g, h in ((1, 1), (1, 3), (1, 4), (2, 3), (1, 5), (2, 1), (1, 9), (1, 10))
]
every_layer = pytest.mark.parametrize("layer", SMALL, ids=str)
# those that do not tile the image, for which less is said
UNEVEN = [Layer(3, 1, 3, 7, 2), Layer(3, 1, 2, 7, 3), Layer(2, 1, 3, 7, 3), Layer(3, 2, 1, 5, 4)]


@pytest.mark.parametrize("layer", SMALL + UNEVEN, ids=str)
def test_no_kernel_has_more_than_the_rank_bound(layer):
    ranks = [np.linalg.matrix_rank(dense(gaussian_kernel(layer, seed), layer)) for seed in range(3)]
    assert max(ranks) <= rank_bound(layer)


@every_layer
def test_a_random_kernel_attains_the_rank_bound_where_the_blocks_tile_the_image(layer):
    assert np.linalg.matrix_rank(dense(gaussian_kernel(layer), layer)) == rank_bound(layer)


@every_layer
@pytest.mark.parametrize("gram", GRAMS)
def test_singular_for_every_kernel_or_the_lowest_penalty_is_0(layer, gram):
    """The theorem of notebook 12, against dense matrices."""
    M = dense(block_kernel(layer, 1.7), layer)
    lowest = np.abs(eigenvalues(M, gram) - 1.7).max()
    assert lowest == pytest.approx(1.7 * always_singular(layer, gram), abs=1e-12)
    assert lowest_penalty(layer, 1.7, gram) == pytest.approx(lowest, abs=1e-12)
    if always_singular(layer, gram):
        for seed in range(3):
            values = eigenvalues(dense(gaussian_kernel(layer, seed), layer), gram)
            assert values[0] < 1e-12 * values[-1]


@every_layer
def test_by_the_shape_it_is_h_against_the_squared_stride(layer):
    """h < s^2 g for M'M, h > s^2 g for M M'; with 1 x 1 kernels M M' for h > g already."""
    wide = layer.h < layer.stride**2 * layer.g
    tall = layer.h > layer.stride**2 * layer.g
    if layer.k == 1:
        wide = layer.stride > 1 or wide
        tall = layer.h > layer.g
    assert [always_singular(layer, gram) for gram in GRAMS] == [wide, tall]


@pytest.mark.parametrize("layer", UNEVEN, ids=str)
@pytest.mark.parametrize("gram", GRAMS)
def test_the_power_step_gives_the_penalty_of_the_block_kernel_in_any_case(layer, gram):
    M = dense(block_kernel(layer, 0.3), layer)
    expected = np.abs(eigenvalues(M, gram) - 0.3).max()
    assert lowest_penalty(layer, 0.3, gram) == pytest.approx(expected, abs=1e-12)


def test_the_block_kernel_for_stride_1_is_the_identity_tap():
    K = block_kernel(Layer(3, 2, 3, 4), 4.0)
    assert K[1, 1].tolist() == [[2, 0, 0], [0, 2, 0]]
    assert np.count_nonzero(K) == 2


def test_he_starts_with_twice_the_variance():
    layer = Layer(3, 32, 64, 4)
    K = strides.he_kernel(layer, 3)
    assert K.var() * 9 * 32 == pytest.approx(2, rel=0.1)
    assert np.array_equal(K, 2**0.5 * gaussian_kernel(layer, 3))


def test_the_table_of_layers_has_what_dense_matrices_have():
    layers = [Layer(3, 2, 4, 4, 2, count=3), Layer(1, 2, 4, 4, 2), Layer(3, 2, 2, 4)]
    table = strides.layer_table(layers, 0.8, 1e-6, seed=5)
    assert list(table) == ["layer", "count", "gram", "singular", "start", "lowest"]
    assert table["gram"].tolist() == ["columns", "rows"] * 3
    assert table["count"].tolist() == [3, 3, 1, 1, 1, 1]
    assert table["singular"].tolist() == [True, False, True, True, False, False]
    assert table["lowest"] == pytest.approx([1, 0, 1, 1, 0, 0], abs=1e-12)
    for layer, rows in zip(layers, groups(table, "layer").items(), strict=True):
        name, columns = rows
        assert name == str(layer)
        M = dense(strides.he_kernel(layer, 5), layer)
        for gram, start in zip(columns["gram"], columns["start"], strict=True):
            assert start == pytest.approx(np.abs(eigenvalues(M, gram) - 0.8).max() / 0.8)


def test_which_layers_of_resnet18_meet_the_barrier():
    """All strided ones but the first with M'M; with M M' the first and those of one tap."""
    found = {gram: [one for one in resnet18() if always_singular(one, gram)] for gram in GRAMS}
    strided = [layer for layer in resnet18() if layer.stride == 2]
    assert found["columns"] == strided[1:]
    assert found["rows"] == [strided[0], *[one for one in strided if one.k == 1]]
    assert not any(always_singular(one._replace(stride=1), "columns") for one in resnet18())


def test_with_an_odd_side_the_paper_s_size_has_two_singular_gram_matrices():
    """3 x 3 x 1 x 3, N = 15, stride 2: what notebook 12 says of s that does not divide N."""
    layer = Layer(3, 1, 3, 15, 2)
    M = dense(gaussian_kernel(layer), layer)
    assert M.shape == (192, 225)
    assert np.linalg.matrix_rank(M) == 189
    even = layer._replace(N=16)
    assert np.linalg.matrix_rank(dense(gaussian_kernel(even), even)) == 192


def test_a_point_kernel_is_free_to_fall_on_the_pixels_that_it_reads():
    K = np.eye(2, 4).reshape(1, 1, 2, 4)
    assert [penalty(K, 6, gram=gram, stride=3) for gram in GRAMS] == [1, 1]
    assert penalty(K, 2) == 0


@pytest.mark.parametrize(
    ("layer", "rank"),
    [(Layer(3, 1, 9, 3, 3), 4), (Layer(3, 1, 9, 6, 3), 25), (Layer(4, 1, 17, 8, 4), 49)],
)
def test_pixels_that_only_taps_in_the_padding_would_reach_are_not_counted(layer, rank):
    """s divides N, but some pixels are read by no tap."""
    K = np.random.default_rng(0).standard_normal((layer.k, layer.k, layer.g, layer.h))
    assert rank_bound(layer) == np.linalg.matrix_rank(dense(K, layer)) == rank


def test_a_row_for_each_layer():
    layers = [Layer(3, 2, 5, 4, stride=2, count=3), Layer(1, 1, 2, 3)]
    rows = []
    for at, layer in enumerate(layers):
        rows += [(str(layer), 7.0 + at, 1.0), (str(layer), 9.0, float(at))]
    found = by_layer(layers, from_rows(("layer", "start", "lowest"), rows))
    assert {name: column.tolist() for name, column in found.items()} == {
        "layer": [str(layer) for layer in layers],
        "times": [3, 1],
        "rows of M": [20, 18],
        "columns": [32, 9],
        "start": [7.0, 8.0],
        "lowest, M'M": [1.0, 1.0],
        "lowest, MM'": [0.0, 1.0],
    }
