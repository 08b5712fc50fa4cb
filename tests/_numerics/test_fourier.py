"""Equations (1.2), (2.5) by Fourier transforms: products, their adjoint, and where they pay."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from strategies import DTYPES, reference_matrix, relative_error

from convreg import ConvolutionOperator, conv_matrix, conv_matrix_adjoint, kernel_gradient
from convreg._numerics.fourier import PAIRS, READS, FourierConvolution, kept_grid, pays
from convreg.geometry import geometry_of

MODULE = sys.modules["convreg._numerics.fourier"]

GEOMETRIES = [
    ((15, 15, 1, 1), 12, {}),
    ((14, 17, 1, 1), (12, 9), {}),
    ((12, 12, 3, 5), 20, {}),
    ((12, 12, 5, 3), 20, {"padding": "circular"}),
    ((9, 10, 2, 1), 8, {"padding": "circular"}),  # taps meet on the same pixel
    ((11, 11, 1, 2), (23, 31), {"padding": "valid"}),
    ((16, 16, 1, 1), 20, {"stride": (1, 2)}),
    ((17, 17, 2, 2), 21, {"stride": 2, "padding": "circular"}),
    ((13, 13, 1, 1), 9, {"dilation": 2, "padding": (20, "circular")}),
    ((9, 9, 1, 1), 30, {"padding": 12}),
]
accuracy = {np.float64: 2e-15, np.float32: 1e-6}  # relative to |K| |x|


@pytest.fixture
def always(monkeypatch):
    """Fourier transforms for every kernel and geometry."""
    monkeypatch.setattr(MODULE, "READS", 0)
    monkeypatch.setattr(MODULE, "PAIRS", np.inf)


def blocks(M, count, dtype, rng):
    return (rng.standard_normal((size, count)).astype(dtype) for size in M.shape[::-1])


@pytest.mark.parametrize(("shape", "N", "keywords"), GEOMETRIES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 3])
def test_products_and_gradients_are_those_of_the_matrix(shape, N, keywords, dtype, count, always):
    rng = np.random.default_rng(0)
    K = rng.standard_normal(shape).astype(dtype)
    M, matrix = ConvolutionOperator(K, N, **keywords), conv_matrix(K, N, **keywords)
    X, Y = blocks(M, count, dtype, rng)
    G = conv_matrix_adjoint(Y.astype(float) @ X.T.astype(float), shape, N, **keywords)
    x, y, k = (np.linalg.norm(array) for array in (X, Y, K))
    for found, expected, size in (
        (M @ X, matrix @ X.astype(float), k * x),
        (M.T @ Y, matrix.T @ Y.astype(float), k * y),
        (M.kernel_adjoint(X, Y), G, x * y),
    ):
        assert found.dtype == dtype
        assert found.shape == expected.shape
        assert np.linalg.norm(found - expected) <= accuracy[dtype] * size


@pytest.mark.parametrize(("shape", "N", "keywords"), GEOMETRIES)
def test_the_adjoint_is_exact_but_for_rounding(shape, N, keywords, always):
    rng = np.random.default_rng(1)
    M = ConvolutionOperator(rng.standard_normal(shape), N, **keywords)
    X, Y = blocks(M, 1, float, rng)
    size = np.linalg.norm(M.kernel) * np.linalg.norm(X) * np.linalg.norm(Y)
    assert abs(np.vdot(M @ X, Y) - np.vdot(X, M.T @ Y)) <= 1e-14 * size


def test_one_large_kernel_never_meets_the_taps(monkeypatch):
    """Against M from single entries, which no product has made."""
    monkeypatch.delattr("convreg._numerics.taps.kept_taps")
    rng = np.random.default_rng(2)
    K = rng.standard_normal((15, 15, 1, 1))
    M, matrix = ConvolutionOperator(K, 20), reference_matrix(K, 20)
    x = rng.standard_normal(400)
    assert relative_error(M @ x, matrix @ x) < 1e-14
    assert relative_error(M.T @ x, matrix.T @ x) < 1e-14
    G = kernel_gradient(K, 20, x, x)
    expected = conv_matrix_adjoint(2 * np.outer(matrix @ x, x), K.shape, 20)
    assert relative_error(G, expected) < 1e-14


def test_a_kernel_in_single_precision_keeps_vectors_in_double(always):
    rng = np.random.default_rng(3)
    K = rng.standard_normal((9, 9, 1, 1)).astype(np.float32)
    x = rng.standard_normal(144)
    product = ConvolutionOperator(K, 12) @ x
    assert product.dtype == np.float64
    assert relative_error(product, conv_matrix(K, 12).astype(float) @ x) < 1e-14


@pytest.mark.parametrize(
    ("shape", "N", "keywords", "better"),
    [
        ((3, 3, 1, 1), 224, {}, False),
        ((7, 7, 3, 64), 112, {}, False),  # the first layer of a ResNet
        ((7, 7, 1, 1), 224, {}, False),
        ((15, 15, 1, 1), 224, {}, True),
        ((15, 15, 1, 1), 1, {}, False),  # a single output
        ((31, 31, 1, 1), 32, {}, True),
        ((31, 31, 1, 1), 32, {"stride": 8}, False),  # few outputs
        ((15, 15, 4, 4), 64, {}, True),
        ((15, 15, 4, 5), 64, {}, False),
    ],
)
def test_it_pays_for_many_taps_of_few_channels(shape, N, keywords, better):
    assert (READS, PAIRS) == (60, 16)
    geometry = geometry_of(shape, N, **keywords)
    assert pays(shape, geometry) == better
    operator = ConvolutionOperator(np.ones(shape), N, **keywords)
    assert isinstance(operator._forward.quicker, FourierConvolution) == better
    assert isinstance(operator._backward.quicker, FourierConvolution) == better


def test_complex_vectors_go_through_the_taps(always):
    rng = np.random.default_rng(4)
    K = rng.standard_normal((15, 15, 1, 1))
    M, z = ConvolutionOperator(K, 12), rng.standard_normal((144, 2)) @ [1, 1j]
    assert relative_error(M @ z, conv_matrix(K, 12) @ z) < 1e-14


def test_many_vectors_and_threads_at_once():
    rng = np.random.default_rng(5)
    kernels = rng.standard_normal((2, 15, 15, 1, 1))
    X = rng.standard_normal((900, 700))  # more than go through together
    operators = [ConvolutionOperator(K, 30) for K in kernels]
    operators += [M.T for M in operators]
    assert X.shape[1] > operators[0]._forward.most
    expected = [M @ X for M in operators]
    assert relative_error(expected[0], conv_matrix(kernels[0], 30) @ X) < 1e-14
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(lambda _: [M @ X for M in operators], range(4)):
            assert all(map(np.array_equal, results, expected))
    assert kept_grid.cache_info().maxsize == 4
