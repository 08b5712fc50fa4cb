"""Equation (1.2) by Winograd's filters: exactly the matrix's products, and where they pay."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from strategies import DTYPES, relative_error

from convreg import ConvolutionOperator, conv_matrix
from convreg._numerics.winograd import WinogradConvolution, kept_tiles, pays, transformed
from convreg.geometry import geometry_of

MODULE = sys.modules["convreg._numerics.winograd"]
GEOMETRIES = [
    (4, {}),
    (7, {}),
    (1, {}),
    ((6, 9), {}),
    ((5, 8), {"padding": "valid"}),
    ((3, 4), {"padding": 2}),
    (5, {"padding": (0, 2)}),
]


@pytest.fixture(params=[1, 200, MODULE.WORK])  # a line of tiles at a time, up to three, all
def always(request, monkeypatch):
    """For every number of channels and pixels."""
    for name, value in (("LEAST", 1), ("PIXELS", 1), ("WORK", request.param)):
        monkeypatch.setattr(MODULE, name, value)
    kept_tiles.clear()
    yield
    kept_tiles.clear()


@pytest.mark.parametrize(("N", "keywords"), GEOMETRIES)
@pytest.mark.parametrize(("g", "h"), [(1, 1), (2, 3), (5, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_products_of_integers_are_exactly_the_reference(N, keywords, g, h, dtype, always):
    rng = np.random.default_rng(0)
    K = rng.integers(-9, 10, (3, 3, g, h)).astype(dtype)
    M, matrix = ConvolutionOperator(K, N, **keywords), conv_matrix(K, N, **keywords)
    assert isinstance(M._forward.quicker, WinogradConvolution)
    assert isinstance(M._backward.quicker, WinogradConvolution)
    for count in (1, 2, 3):
        X, Y = (rng.integers(-9, 10, (size, count)).astype(dtype) for size in M.shape[::-1])
        MX, MtY = M @ X, M.T @ Y
        assert MX.dtype == MtY.dtype == dtype
        assert np.array_equal(MX, matrix @ X)
        assert np.array_equal(MtY, matrix.T @ Y)


@pytest.mark.parametrize(("dtype", "accuracy"), [(np.float64, 2e-15), (np.float32, 1e-6)])
def test_a_layer_in_its_own_size(dtype, accuracy):
    """Chosen by itself, two and three vectors in turn: what is kept does not show."""
    rng = np.random.default_rng(1)
    K = (rng.standard_normal((3, 3, 128, 130)) / 34).astype(dtype)
    M = ConvolutionOperator(K, 11)
    assert isinstance(M._forward.quicker, WinogradConvolution)
    matrix = conv_matrix(K.astype(float), 11)
    for count in (2, 3, 2):
        X, Y = (rng.standard_normal((size, count)).astype(dtype) for size in M.shape[::-1])
        assert relative_error(M @ X, matrix @ X) < accuracy
        assert relative_error(M.T @ Y, matrix.T @ Y) < accuracy
        bound = 1e-14 if dtype == np.float64 else 1e-5
        size = np.linalg.norm(X) * np.linalg.norm(M.T @ Y)
        assert abs(np.vdot(M @ X, Y) - np.vdot(X, M.T @ Y)) <= bound * size


def test_a_kernel_in_single_precision_keeps_vectors_in_double(always):
    rng = np.random.default_rng(2)
    K = rng.standard_normal((3, 3, 2, 2)).astype(np.float32)
    M, X = ConvolutionOperator(K, 6), rng.standard_normal((72, 2))
    M @ X.astype(np.float32)
    assert relative_error(M @ X, conv_matrix(K.astype(float), 6) @ X) < 1e-14


def test_both_directions_share_the_filters(monkeypatch):
    made = []

    def counted(kernel):
        made.append(kernel)
        return transformed(kernel)

    monkeypatch.setattr(MODULE, "transformed", counted)
    M = ConvolutionOperator(np.ones((3, 3, 128, 128)), 10)
    assert not made
    x = np.ones(12800)
    M @ x, M.T @ x, M.T @ x
    assert len(made) == 1


def test_the_filters_by_hand():
    """One channel and a kernel of one line: (k0, (k0 + k1 + k2)/2, (k0 - k1 + k2)/2, k2)."""
    K = np.zeros((3, 3, 1, 1))
    K[0, :, 0, 0] = [1, 2, 5]
    U = transformed(K)[:, :, 0, 0]
    assert np.array_equal(U[0], [1, 4, 2, 5])
    assert np.array_equal(U, np.outer([1, 0.5, 0.5, 0], U[0]))


@pytest.mark.parametrize(
    ("shape", "N", "keywords", "better"),
    [
        ((3, 3, 128, 128), 28, {}, True),
        ((3, 3, 256, 256), 14, {}, True),
        ((3, 3, 512, 512), 7, {}, False),
        ((3, 3, 64, 64), 56, {}, False),
        ((3, 3, 64, 128), 28, {}, False),
        ((3, 3, 128, 128), 56, {"stride": 2}, False),
        ((3, 3, 128, 128), 28, {"dilation": 2}, False),
        ((3, 3, 128, 128), 28, {"padding": "circular"}, False),
        ((3, 3, 128, 128), 28, {"padding": 3}, False),
        ((1, 1, 128, 128), 28, {}, False),
        ((5, 5, 128, 128), 28, {}, False),
    ],
)
def test_it_pays_for_many_channels_of_3_x_3_taps(shape, N, keywords, better):
    assert pays(shape, geometry_of(shape, N, **keywords)) == better


def test_nan_does_not_outlive_its_call(always):
    rng = np.random.default_rng(3)
    M = ConvolutionOperator(rng.standard_normal((3, 3, 2, 3)), 5)
    X = rng.standard_normal((50, 2))
    expected = M @ X
    with np.errstate(invalid="ignore"):
        assert np.isnan(M @ (np.nan * X)).all()
    assert np.array_equal(M @ X, expected)


def test_threads_at_once(always):
    rng = np.random.default_rng(4)
    operators = [ConvolutionOperator(K, 24) for K in rng.standard_normal((3, 3, 3, 16, 16))]
    X = rng.standard_normal((16 * 24**2, 2))
    expected = [M @ X for M in operators]
    with ThreadPoolExecutor(3) as pool:
        for results in (list(pool.map(lambda M: M @ X, operators)) for _ in range(30)):
            assert all(map(np.array_equal, results, expected))
