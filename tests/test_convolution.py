"""(1.1), (1.2), Section 2.2: the convolution, vec, and the operator that never forms M."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator
from strategies import (
    DTYPES,
    cases,
    literal_convolve,
    reference_adjoint,
    reference_matrix,
    relative_error,
)

from convreg import ConvolutionOperator, conv_matrix, convolve, unvec, vec


@given(cases(max_k=5, max_channels=3, max_N=4))
def test_convolve_is_the_literal_sum(case):
    X = case.rng.standard_normal((case.N, case.N, case.K.shape[2]))
    assert relative_error(convolve(case.K, X), literal_convolve(case.K, X)) < 1e-13


@given(cases())
def test_convolve_is_what_scipy_correlates(case):
    X = case.rng.standard_normal((case.N, case.N, case.K.shape[2]))
    expected = reference_matrix(case.K, case.N) @ X.ravel(order="F")
    assert relative_error(convolve(case.K, X).ravel(order="F"), expected) < 1e-13


@given(cases(integers=True))
def test_integers_give_exactly_the_reference(case):
    X = case.rng.integers(-9, 10, (case.N, case.N, case.K.shape[2]))
    expected = reference_matrix(case.K, case.N) @ X.ravel(order="F")
    assert np.array_equal(vec(convolve(case.K, X)), expected)
    assert np.array_equal(ConvolutionOperator(case.K, case.N) @ vec(X), expected)


@given(cases())
def test_convolve_is_linear_in_both_arguments(case):
    K, N, rng = case
    L, X, Z = rng.standard_normal(K.shape), *rng.standard_normal((2, N, N, K.shape[2]))
    a, b = rng.standard_normal(2)
    assert (
        relative_error(convolve(a * K + b * L, X), a * convolve(K, X) + b * convolve(L, X)) < 1e-13
    )
    assert (
        relative_error(convolve(K, a * X + b * Z), a * convolve(K, X) + b * convolve(K, Z)) < 1e-13
    )


@pytest.mark.parametrize(("k", "centre"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (6, 2)])
def test_the_entry_m_m_is_the_identity(k, centre):
    K = np.zeros((k, k))
    K[centre, centre] = 1
    X = np.arange(16.0).reshape(4, 4)
    assert np.array_equal(convolve(K, X), X)


def test_no_flip():
    K = [[0, 0, 0], [0, 0, 1], [0, 0, 0]]  # reads the pixel to the right
    assert np.array_equal(convolve(K, [[1, 2], [3, 4]]), [[2, 0], [4, 0]])


def test_two_dimensions_stand_for_one_channel():
    K, X = np.arange(9.0).reshape(3, 3), np.arange(16.0).reshape(4, 4)
    Y = convolve(K[:, :, None, None], X[:, :, None])
    assert Y.shape == (4, 4, 1)
    assert np.array_equal(convolve(K, X), Y[:, :, 0])
    assert np.array_equal(convolve(K, X[:, :, None]), Y)


def test_channels_in_and_out():
    K = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).reshape(1, 1, 2, 3)
    assert np.array_equal(convolve(K, np.array([10.0, 1.0]).reshape(1, 1, 2)).ravel(), [14, 25, 36])


@pytest.mark.parametrize(
    ("kernel", "image", "result"),
    [
        (np.float32, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.float64, np.float32, np.float64),
        (np.int64, np.int64, np.float64),
        (np.float16, np.float16, np.float64),
        (np.bool_, np.uint8, np.float64),
        (np.bool_, np.float32, np.float64),
        (np.float32, np.int64, np.float64),
    ],
)
def test_types_of_convolve(kernel, image, result):
    assert convolve(np.ones((3, 3), kernel), np.ones((2, 2), image)).dtype == result
    assert convolve(np.ones((3, 3, 1, 1), kernel), np.ones((2, 2, 1), image)).dtype == result


def test_vec_order():
    X = np.arange(18.0).reshape(3, 3, 2)
    x = vec(X)
    for r, s, d in np.ndindex(X.shape):
        assert x[d * 9 + s * 3 + r] == X[r, s, d]


@given(N=st.integers(1, 6), c=st.integers(1, 4), seed=st.integers(0, 999))
def test_vec_and_unvec_are_inverse(N, c, seed):
    X = np.random.default_rng(seed).standard_normal((N, N, c))
    assert np.array_equal(unvec(vec(X), N), X)
    assert np.array_equal(vec(unvec(X.ravel(), N)), X.ravel())
    assert np.array_equal(vec(X[:, :, 0]), vec(X)[: N * N])
    assert np.array_equal(vec(X[::-1, ::-1]), vec(np.ascontiguousarray(X[::-1, ::-1])))


@pytest.mark.parametrize("dtype", DTYPES)
def test_vec_and_unvec_keep_the_type(dtype):
    x = vec(np.ones((2, 2, 3), dtype))
    assert x.dtype == unvec(x, 2).dtype == dtype
    assert unvec(np.ones(4, dtype), 2).shape == (2, 2, 1)
    assert vec([[1]]).dtype == unvec([1], 1).dtype == np.float64


@given(cases())
def test_operator_times_vec_is_vec_of_convolve(case):
    X = case.rng.standard_normal((case.N, case.N, case.K.shape[2]))
    M = ConvolutionOperator(case.K, case.N)
    assert relative_error(M @ vec(X), vec(convolve(case.K, X))) < 1e-13


@given(cases())
def test_operator_passes_the_dot_test(case):
    M = ConvolutionOperator(case.K, case.N)
    x, y = case.rng.standard_normal(M.shape[1]), case.rng.standard_normal(M.shape[0])
    scale = np.linalg.norm(case.K) * len(case.K) * np.linalg.norm(x) * np.linalg.norm(y)
    assert abs((M @ x) @ y - x @ (M.T @ y)) <= 1e-14 * scale


@given(cases(), st.integers(1, 3), st.sampled_from(DTYPES))
def test_operator_is_the_matrix(case, count, dtype):
    K = case.K.astype(dtype)
    M, dense = ConvolutionOperator(K, case.N), conv_matrix(K, case.N)
    X = case.rng.standard_normal((M.shape[1], count)).astype(dtype)
    Y = case.rng.standard_normal((M.shape[0], count)).astype(dtype)
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    assert M.shape == dense.shape
    assert M.dtype == dense.dtype == dtype
    for product, expected in [
        (M @ X, dense @ X),
        (M @ X[:, 0], dense @ X[:, 0]),
        (M @ X[:, :1], dense @ X[:, :1]),
        (M.T @ Y, dense.T @ Y),
        (M.H @ Y, dense.T @ Y),
        (M.T @ Y[:, 0], dense.T @ Y[:, 0]),
        (M.T @ Y[:, :1], dense.T @ Y[:, :1]),
        (M.H @ Y[:, 0], dense.T @ Y[:, 0]),
        (M.rmatvec(Y[:, 0]), dense.T @ Y[:, 0]),
        (M.rmatmat(Y), dense.T @ Y),
        (M.T.T @ X, dense @ X),
        (M.T.H @ X, dense @ X),
        (M.T.rmatvec(X[:, 0]), dense @ X[:, 0]),
    ]:
        assert product.shape == expected.shape
        assert product.dtype == dtype
        assert relative_error(product, expected) < tolerance


@given(cases(max_N=5))
def test_operator_takes_any_memory_order(case):
    M = ConvolutionOperator(case.K, case.N)
    for A, n in ((M, M.shape[1]), (M.T, M.shape[0])):
        wide = case.rng.standard_normal((3, 2 * n))
        for X in (
            wide[:, ::2].T,
            wide[:, ::-2].T,
            np.asfortranarray(wide[:, :n].T),
            wide[0, ::2],
            wide[0, ::-2],
        ):
            before = X.copy()
            assert relative_error(A @ X, A @ np.ascontiguousarray(X)) < 1e-14
            assert np.array_equal(X, before)


def test_operator_of_a_view_of_a_larger_kernel():
    large = np.random.default_rng(0).standard_normal((6, 6, 4, 4))
    K = large[::2, 1::2, ::-1, ::3]
    expected = reference_matrix(K, 4)
    assert relative_error(ConvolutionOperator(K, 4) @ np.eye(64), expected) < 1e-14
    assert relative_error(ConvolutionOperator(K, 4).T @ np.eye(32), expected.T) < 1e-14


def test_operator_takes_integers_and_an_empty_block():
    M = ConvolutionOperator(np.arange(9).reshape(3, 3, 1, 1) * np.ones((1, 1, 2, 1)), 2)
    assert np.array_equal(M @ np.arange(8), M @ np.arange(8.0))
    assert (M @ np.zeros((8, 0))).shape == (4, 0)
    assert (M.T @ np.zeros((4, 0))).shape == (8, 0)


def test_operator_combines_as_linear_operators_do():
    K = np.random.default_rng(1).standard_normal((3, 3, 2, 2))
    M, dense = ConvolutionOperator(K, 3), reference_matrix(K, 3)
    x = np.arange(18.0)
    assert (
        relative_error(
            (M.T @ M - 2 * aslinearoperator(np.eye(18))) @ x, dense.T @ (dense @ x) - 2 * x
        )
        < 1e-14
    )


@pytest.mark.parametrize("shape", [(3, 3, 2, 2), (3, 3, 1, 4), (3, 3, 4, 1), (1, 1, 2, 3)])
def test_a_kernel_that_is_changed_later_does_not_change_the_operator(shape):
    K = np.random.default_rng(2).standard_normal(shape)
    M, dense = ConvolutionOperator(K, 3), reference_matrix(K, 3)
    K *= 2
    assert relative_error(M @ np.eye(M.shape[1]), dense) < 1e-14
    assert relative_error(M.T @ np.eye(M.shape[0]), dense.T) < 1e-14


@given(cases(max_channels=3, max_N=5), st.sampled_from(DTYPES))
def test_an_operator_of_another_kernel_is_that_of_the_kernel(case, dtype):
    M = ConvolutionOperator(np.zeros_like(case.K), case.N).with_kernel(case.K.astype(dtype))
    expected = ConvolutionOperator(case.K.astype(dtype), case.N)
    assert M.shape == expected.shape
    assert M.dtype == expected.dtype == dtype
    assert np.array_equal(M.kernel, expected.kernel)
    x, y = (case.rng.standard_normal(size).astype(dtype) for size in M.shape[::-1])
    assert np.array_equal(M @ x, expected @ x)
    assert np.array_equal(M.T @ y, expected.T @ y)


def test_an_operator_in_double_precision_and_the_one_it_comes_from():
    K = np.random.default_rng(0).standard_normal((3, 3, 2, 1)).astype(np.float32)
    M = ConvolutionOperator(K, 4)
    double = M.in_double()
    assert (M.dtype, double.dtype) == (np.float32, np.float64)
    assert relative_error(double @ np.eye(32), reference_matrix(K.astype(float), 4)) < 1e-15


@given(cases(max_channels=3, max_N=5), st.integers(1, 3))
def test_the_adjoint_in_the_kernel_is_that_of_the_matrix_of_outer_products(case, count):
    M = ConvolutionOperator(case.K, case.N)
    Y, X = (case.rng.standard_normal((size, count)) for size in M.shape)
    expected = reference_adjoint(Y @ X.T, case.K.shape, case.N)
    assert relative_error(M.kernel_adjoint(X, Y), expected) < 1e-13


@pytest.mark.parametrize("copy", [True, False])
def test_the_kernel_is_copied_unless_it_need_not_be(copy):
    K = np.ones((3, 3, 1, 1))
    assert np.shares_memory(ConvolutionOperator(K, 4, copy=copy).kernel, K) != copy
