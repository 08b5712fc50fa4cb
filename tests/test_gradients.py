"""Lemmas 2.1 and 2.2, Theorems 2.2 and 2.3: the gradients, against finite differences and each
other.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.linalg import aslinearoperator
from strategies import (
    DTYPES,
    GRAMS,
    cases,
    reference_adjoint,
    reference_gram,
    reference_matrix,
    relative_error,
)

from convreg import (
    conv_matrix,
    conv_matrix_adjoint,
    convolve,
    kernel_gradient,
    kernel_gradient_index_sum,
    penalty_matrix_gradient,
    singular_value_gradient,
    vec,
)


def central_difference(f, A, step=1e-5):
    """The gradient of f at A, entry by entry; the error is of the order step^2."""
    G = np.zeros(A.shape)
    for index in np.ndindex(A.shape):
        E = np.zeros(A.shape)
        E[index] = step
        G[index] = (f(A + E) - f(A - E)) / (2 * step)
    return G


def test_lemma_2_1_by_finite_differences():
    A = np.random.default_rng(0).standard_normal((4, 3))
    U, _, Vt = np.linalg.svd(A, full_matrices=False)
    for i in range(3):
        expected = central_difference(lambda A, i=i: np.linalg.svd(A, compute_uv=False)[i], A)
        assert np.abs(singular_value_gradient(U[:, i], Vt[i]) - expected).max() < 1e-8


def test_lemma_2_1_is_the_outer_product():
    assert np.array_equal(singular_value_gradient([1, 2, 3], [5, 7]), [[5, 7], [10, 14], [15, 21]])
    assert (
        singular_value_gradient(np.ones(2, np.float32), np.ones(3, np.float32)).dtype == np.float32
    )


@pytest.mark.parametrize(("m", "n"), [(4, 3), (3, 4), (3, 3)])
@pytest.mark.parametrize(("alpha", "sign"), [(0.5, 1), (40.0, -1)])
def test_lemma_2_2_by_finite_differences(m, n, alpha, sign):
    """u = v where the largest eigenvalue is the larger in absolute value, u = -v where the smallest
    is.
    """
    M = np.random.default_rng(n).standard_normal((m, n))
    U, _, Vt = np.linalg.svd(reference_gram(M, alpha, "columns"))
    assert np.sign(U[:, 0] @ Vt[0]) == sign
    expected = central_difference(
        lambda M: np.linalg.norm(reference_gram(M, alpha, "columns"), 2), M
    )
    assert np.abs(penalty_matrix_gradient(M, U[:, 0], Vt[0]) - expected).max() < 1e-7


def test_lemma_2_2_as_printed():
    """(2.2): v(j) u' M' e_i + u(j) e_i' M v, entry by entry, for u and v that have nothing in
    common.
    """
    rng = np.random.default_rng(1)
    M, u, v = rng.standard_normal((4, 3)), *rng.standard_normal((2, 3))
    expected = np.zeros((4, 3))
    for i, j in np.ndindex(4, 3):
        e = np.eye(4)[i]
        expected[i, j] = v[j] * (u @ M.T @ e) + u[j] * (e @ M @ v)
    for given_as in (M, M.tolist(), csr_array(M), aslinearoperator(M)):
        assert np.abs(penalty_matrix_gradient(given_as, u, v) - expected).max() < 1e-14


@given(cases(max_k=5, max_channels=3, max_N=4))
def test_three_ways_to_the_kernel_gradient(case):
    """The fast form, the literal sums (2.3) and (2.5), and M* of Lemma 2.2, for any u and v."""
    K, N, rng = case
    M = conv_matrix(K, N)
    u, v = rng.standard_normal((2, M.shape[1]))
    fast = kernel_gradient(K, N, u, v)
    assert fast.shape == K.shape
    assert (
        relative_error(fast, conv_matrix_adjoint(penalty_matrix_gradient(M, u, v), K.shape, N))
        < 1e-13
    )
    assert relative_error(fast, kernel_gradient_index_sum(K, N, u, v)) < 1e-13


@given(cases(max_k=5, max_channels=3, max_N=4), st.sampled_from(GRAMS))
def test_kernel_gradient_without_code_of_ours(case, gram):
    K, N, rng = case
    M = reference_matrix(K, N)
    rows = gram == "rows" or (gram == "smaller" and M.shape[0] < M.shape[1])
    u, v = rng.standard_normal((2, M.shape[0 if rows else 1]))
    if rows:
        G = np.outer(u, M.T @ v) + np.outer(v, M.T @ u)
    else:
        G = np.outer(M @ u, v) + np.outer(M @ v, u)
    assert (
        relative_error(kernel_gradient(K, N, u, v, gram), reference_adjoint(G, K.shape, N)) < 1e-13
    )


@given(cases())
def test_kernel_gradient_is_symmetric_and_of_degree_one_in_each(case):
    K, N, rng = case
    u, v = rng.standard_normal((2, K.shape[2] * N * N))
    G = kernel_gradient(K, N, u, v)
    assert relative_error(kernel_gradient(K, N, v, u), G) < 1e-13
    assert relative_error(kernel_gradient(-3 * K, N, u, v), -3 * G) < 1e-13
    assert relative_error(kernel_gradient(K, N, 3 * u, v), 3 * G) < 1e-13
    assert relative_error(kernel_gradient(K, N, u, -3 * v), -3 * G) < 1e-13


@given(cases())
def test_euler_identity(case):
    """<G, K> = 2 <M u, M v>, as the quadratic form v' M'M u is of degree two in K."""
    K, N, rng = case
    X, Z = rng.standard_normal((2, N, N, K.shape[2]))
    G = kernel_gradient(K, N, vec(X), vec(Z))
    Y, V = convolve(K, X), convolve(K, Z)
    assert abs((G * K).sum() - 2 * (Y * V).sum()) <= 1e-13 * max(
        1, np.linalg.norm(Y) * np.linalg.norm(V)
    )


@pytest.mark.parametrize(("k", "N"), [(3, 1), (5, 2), (6, 2), (7, 3)])
@pytest.mark.parametrize("gram", GRAMS)
def test_taps_that_never_land_have_no_gradient(k, N, gram):
    rng = np.random.default_rng(k)
    K, m = rng.standard_normal((k, k, 1, 1)), (k + 1) // 2
    u, v = rng.standard_normal((2, N * N))
    G = kernel_gradient(K, N, u, v, gram)
    literal = kernel_gradient_index_sum(K, N, u, v)
    for p, q in np.ndindex(k, k):
        lands = abs(p - m + 1) < N and abs(q - m + 1) < N
        assert (G[p, q, 0, 0] != 0) == (literal[p, q, 0, 0] != 0) == lands


def test_equal_and_zero_entries_keep_their_own_gradients():
    rng = np.random.default_rng(3)
    u, v = rng.standard_normal((2, 9))
    for K in (np.ones((3, 3)), np.array([[1.0, 0, 1], [0, 2, 0], [0, 0, 2]])):
        G = kernel_gradient(K, 3, u, v)
        assert relative_error(kernel_gradient_index_sum(K, 3, u, v), G) < 1e-14
        assert len(np.unique(G.round(9))) == 9


def test_two_dimensions_stand_for_one_channel():
    rng = np.random.default_rng(4)
    K, (u, v) = rng.standard_normal((3, 3)), rng.standard_normal((2, 16))
    for gradient in (kernel_gradient, kernel_gradient_index_sum):
        G = gradient(K, 4, u, v)
        assert G.shape == (3, 3)
        assert np.array_equal(G, gradient(K[:, :, None, None], 4, u, v)[:, :, 0, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gram", GRAMS)
def test_kernel_gradient_keeps_the_type(dtype, gram):
    rng = np.random.default_rng(5)
    K, (u, v) = rng.standard_normal((3, 3, 2, 2)), rng.standard_normal((2, 18))
    G = kernel_gradient(K.astype(dtype), 3, u.astype(dtype), v.astype(dtype), gram)
    assert G.dtype == dtype
    assert relative_error(G, kernel_gradient(K, 3, u, v, gram)) < (
        1e-5 if dtype == np.float32 else 1e-15
    )
    literal = kernel_gradient_index_sum(K.astype(dtype), 3, u.astype(dtype), v.astype(dtype))
    assert literal.dtype == dtype


@pytest.mark.parametrize("wide", [0, 1, 2])
def test_one_argument_in_double_precision_is_enough(wide):
    K, u, v = (
        np.ones(shape, np.float64 if i == wide else np.float32)
        for i, shape in enumerate([(3, 3), (4,), (4,)])
    )
    assert (
        kernel_gradient(K, 2, u, v).dtype
        == kernel_gradient_index_sum(K, 2, u, v).dtype
        == np.float64
    )


def test_kernel_gradient_takes_any_memory_order():
    rng = np.random.default_rng(6)
    K, pair = rng.standard_normal((3, 3, 2, 1)), rng.standard_normal((18, 4))
    u, v = pair[:, 1], pair[::-1, 2]
    expected = kernel_gradient(K, 3, u.copy(), v.copy())
    assert relative_error(kernel_gradient(np.asfortranarray(K), 3, u, v), expected) < 1e-15


@pytest.mark.parametrize("shape", [(3, 3, 2, 1), (3, 3, 1, 2), (2, 2, 2, 2)])
@pytest.mark.parametrize("gram", ["columns", "rows"])
@pytest.mark.parametrize("dtypes", [(np.float64, np.float32), (np.float32, np.float64)])
def test_single_and_double_precision_together_give_double(shape, gram, dtypes):
    rng = np.random.default_rng(0)
    N = 3
    K = rng.standard_normal(shape).astype(dtypes[0])
    size = shape[3 if gram == "rows" else 2] * N**2
    u, v = (rng.standard_normal(size).astype(dtypes[1]) for _ in range(2))
    G = kernel_gradient(K, N, u, v, gram)
    expected = kernel_gradient(
        *(x.astype(float) for x in (K,)), N, u.astype(float), v.astype(float), gram
    )
    assert G.dtype == np.float64
    assert relative_error(G, expected) < 1e-14
