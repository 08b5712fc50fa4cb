"""(2.1), (2.4): the matrix M(K), Omega, and the adjoint of K -> M(K)."""

import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array
from strategies import (
    DTYPES,
    cases,
    reference_adjoint,
    reference_matrix,
    relative_error,
    separable_kernel,
    separable_singular_values,
)

from convreg import conv_matrix, conv_matrix_adjoint, entry_positions


@given(cases(integers=True))
def test_integer_kernels_give_exactly_the_reference(case):
    assert np.array_equal(conv_matrix(case.K, case.N).toarray(), reference_matrix(case.K, case.N))


@given(cases(integers=False))
def test_conv_matrix_is_the_reference(case):
    assert (
        relative_error(conv_matrix(case.K, case.N).toarray(), reference_matrix(case.K, case.N))
        < 1e-15
    )


@given(cases(), st.integers(-3, 3), st.integers(-3, 3))
def test_conv_matrix_is_linear(case, a, b):
    L = case.rng.standard_normal(case.K.shape)
    combined = a * conv_matrix(case.K, case.N) + b * conv_matrix(L, case.N)
    assert (
        relative_error(conv_matrix(a * case.K + b * L, case.N).toarray(), combined.toarray())
        < 1e-14
    )


def test_hand_typed_k_2():
    a, b, c, d = 1.0, 2.0, 3.0, 4.0
    expected = [
        [a, c, b, d],
        [0, a, 0, b],
        [0, 0, a, c],
        [0, 0, 0, a],
    ]
    assert np.array_equal(conv_matrix([[a, b], [c, d]], 2).toarray(), expected)


def test_hand_typed_k_3():
    """(2.1) with its blocks A_0, A_-1, A_1 typed from the paper, N = 4."""
    K = np.arange(1.0, 10.0).reshape(3, 3)
    A0 = np.array([[5, 6, 0, 0], [4, 5, 6, 0], [0, 4, 5, 6], [0, 0, 4, 5]])
    A_minus = np.array([[8, 9, 0, 0], [7, 8, 9, 0], [0, 7, 8, 9], [0, 0, 7, 8]])
    A_plus = np.array([[2, 3, 0, 0], [1, 2, 3, 0], [0, 1, 2, 3], [0, 0, 1, 2]])
    O = np.zeros((4, 4))
    as_printed = np.block(
        [
            [A0, A_minus, O, O],
            [A_plus, A0, A_minus, O],
            [O, A_plus, A0, A_minus],
            [O, O, A_plus, A0],
        ]
    )
    # As printed the unknowns run along the rows of the image; in the order of vec, along columns.
    assert np.array_equal(conv_matrix(K.T, 4).toarray(), as_printed)
    by_rows = np.arange(16).reshape(4, 4).ravel(order="F")
    assert np.array_equal(conv_matrix(K, 4).toarray(), as_printed[np.ix_(by_rows, by_rows)])


def test_hand_typed_k_3_small():
    expected = [
        [5, 8, 6, 9],
        [2, 5, 3, 6],
        [4, 7, 5, 8],
        [1, 4, 2, 5],
    ]
    assert np.array_equal(conv_matrix(np.arange(1, 10).reshape(3, 3), 2).toarray(), expected)


def test_hand_typed_k_4():
    """One zero is read before the image and two after it: the tap (1, 1) stands on the diagonal."""
    K = np.arange(1.0, 17.0).reshape(4, 4)
    expected = [
        [6, 10, 7, 11],
        [2, 6, 3, 7],
        [5, 9, 6, 10],
        [1, 5, 2, 6],
    ]
    assert np.array_equal(conv_matrix(K, 2).toarray(), expected)


def test_hand_typed_two_channels():
    a, b, c, d = 1.0, 2.0, 3.0, 4.0
    K = np.array([[a, c], [b, d]]).reshape(1, 1, 2, 2)  # K[0, 0, d, c]
    assert np.array_equal(conv_matrix(K, 1).toarray(), [[a, b], [c, d]])
    assert np.array_equal(conv_matrix(K, 2).toarray(), np.kron([[a, b], [c, d]], np.eye(4)))
    wide, tall = conv_matrix(K[:, :, :, :1], 2), conv_matrix(K[:, :, :1], 2)
    assert np.array_equal(wide.toarray(), np.hstack([a * np.eye(4), b * np.eye(4)]))
    assert np.array_equal(tall.toarray(), np.vstack([a * np.eye(4), c * np.eye(4)]))


def test_only_the_centre_lands_where_N_is_1():
    K = np.arange(100.0).reshape(5, 5, 2, 2)
    assert np.array_equal(conv_matrix(K, 1).toarray(), K[2, 2].T)


@given(cases())
def test_frobenius_norm_is_a_hand_count(case):
    """K[p, q] occupies (N - |p - m + 1|) (N - |q - m + 1|) places of every block."""
    k, N = len(case.K), case.N
    places = np.maximum(N - np.abs(np.arange(k) - (k + 1) // 2 + 1), 0)
    expected = np.einsum("p,q,pqzy->", places, places, case.K**2)
    M = conv_matrix(case.K, N)
    assert M.nnz == places.sum() ** 2 * case.K.shape[2] * case.K.shape[3]
    assert (M.data**2).sum() == pytest.approx(expected, rel=1e-13)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 6), st.integers(0, 999))
def test_separable_kernel_in_closed_form(g, h, N, seed):
    rng = np.random.default_rng(seed)
    W, outer, inner = rng.standard_normal((h, g)), rng.standard_normal(2), rng.standard_normal(2)
    sigma = np.linalg.svd(
        conv_matrix(separable_kernel(W, outer, inner), N).toarray(), compute_uv=False
    )
    expected = separable_singular_values(W, outer, inner, N)
    assert np.abs(sigma - expected).max() <= 1e-13 * expected[0]


@given(cases(), st.sampled_from(DTYPES))
def test_the_stored_form(case, dtype):
    """Indices sorted, none twice, zeros stored: the pattern does not depend on the values."""
    M = conv_matrix(case.K.astype(dtype), case.N)
    assert isinstance(M, csr_array)
    assert M.dtype == dtype
    for start, end in zip(M.indptr[:-1], M.indptr[1:], strict=True):
        assert (np.diff(M.indices[start:end]) > 0).all()
    zero = conv_matrix(np.zeros(case.K.shape), case.N)
    assert np.array_equal(M.indices, zero.indices)
    assert np.array_equal(M.indptr, zero.indptr)
    assert M.has_sorted_indices
    assert M.has_canonical_format


@given(cases())
def test_indices_are_no_longer_than_they_need_to_be(case):
    """SuperLU takes 32-bit indices only; the number of entries decides, and is never
    underestimated.
    """
    asked = []

    def get_index_dtype(maxval):
        asked.append(maxval)
        return np.int32

    M = conv_matrix(case.K, case.N)
    assert M.indices.dtype == M.indptr.dtype == np.int32
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["convreg.matrix"], "get_index_dtype", get_index_dtype)
        conv_matrix(case.K, case.N)
    assert max(M.nnz, *M.shape) <= asked[0] <= case.K.size * case.N**2


def test_two_dimensions_stand_for_one_channel():
    K = np.arange(9.0).reshape(3, 3)
    G = np.arange(16.0).reshape(4, 4)
    assert np.array_equal(
        conv_matrix(K, 2).toarray(), conv_matrix(K[:, :, None, None], 2).toarray()
    )
    assert np.array_equal(
        conv_matrix_adjoint(G, (3, 3), 2), conv_matrix_adjoint(G, (3, 3, 1, 1), 2)[:, :, 0, 0]
    )
    for one, other in zip(
        entry_positions((3, 3), 2, 0, 1), entry_positions((3, 3, 1, 1), 2, 0, 1), strict=True
    ):
        assert np.array_equal(one, other)


@given(cases(max_k=5, max_channels=3, max_N=5), st.booleans())
def test_omega_partitions_the_stored_pattern(case, constant):
    """Also where all entries are equal, or zero: Omega goes by position."""
    K = np.zeros(case.K.shape) if constant else case.K
    pattern = conv_matrix(K, case.N).tocoo()
    positions = [
        np.stack(entry_positions(K.shape, case.N, *index)) for index in np.ndindex(K.shape)
    ]
    together = np.concatenate(positions, axis=1)
    assert len(np.unique(together, axis=1).T) == together.shape[1]
    stored = np.stack([pattern.row, pattern.col])
    assert np.array_equal(together[:, np.lexsort(together)], stored[:, np.lexsort(stored)])


@given(cases(max_k=5, max_channels=3, max_N=5))
def test_omega_is_where_the_entry_stands(case):
    distinct = np.arange(1.0, case.K.size + 1).reshape(case.K.shape)
    M = reference_matrix(distinct, case.N)
    for index in np.ndindex(case.K.shape):
        rows, columns = entry_positions(case.K.shape, case.N, *index)
        wanted = np.argwhere(M == distinct[index])
        assert sorted(zip(rows, columns, strict=True)) == sorted(map(tuple, wanted))


def test_omega_defaults_to_the_first_channels():
    for one, other in zip(
        entry_positions((3, 3, 2, 2), 3, 2, 0), entry_positions((3, 3), 3, 2, 0), strict=True
    ):
        offset = np.divmod(one, 9)
        assert not offset[0].any()
        assert np.array_equal(one, other)
    rows, columns = entry_positions((3, 3, 2, 4), 2, 1, 1, 1, 3)
    assert np.array_equal(rows, [12, 13, 14, 15])
    assert np.array_equal(columns, [4, 5, 6, 7])


@pytest.mark.parametrize(("k", "N"), [(3, 1), (5, 2), (6, 2), (7, 3), (4, 1), (4, 2)])
def test_taps_that_never_land_have_no_place(k, N):
    m = (k + 1) // 2
    G = np.ones((N * N, N * N))
    counts = conv_matrix_adjoint(G, (k, k), N)
    for p, q in product(range(k), repeat=2):
        lands = abs(p - m + 1) < N and abs(q - m + 1) < N
        rows, columns = entry_positions((k, k), N, p, q)
        assert len(rows) == len(columns) == counts[p, q]
        assert (counts[p, q] > 0) == lands


@given(cases())
def test_adjoint_passes_the_dot_test(case):
    M = conv_matrix(case.K, case.N)
    G = case.rng.standard_normal(M.shape)
    left, right = (M * G).sum(), (case.K * conv_matrix_adjoint(G, case.K.shape, case.N)).sum()
    assert abs(left - right) <= 1e-14 * np.linalg.norm(M.data) * np.linalg.norm(G)


@given(cases(max_k=5, max_channels=3, max_N=4))
def test_adjoint_is_the_sum_in_plain_loops(case):
    g, h = case.K.shape[2:]
    G = case.rng.integers(-9, 10, (h * case.N**2, g * case.N**2)).astype(float)
    expected = reference_adjoint(G, case.K.shape, case.N)
    sparse = coo_array(G)
    twice = coo_array(
        (np.tile(sparse.data, 2), (np.tile(sparse.row, 2), np.tile(sparse.col, 2))), shape=G.shape
    )
    for given_as in (
        G,
        G.tolist(),
        np.asfortranarray(G),
        sparse,
        csr_array(G),
        sparse.tocsc(),
        G.astype(int),
    ):
        assert np.array_equal(conv_matrix_adjoint(given_as, case.K.shape, case.N), expected)
    assert np.array_equal(conv_matrix_adjoint(twice, case.K.shape, case.N), 2 * expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_adjoint_keeps_the_type(dtype):
    for G in (np.eye(4, dtype=dtype), csr_array(np.eye(4, dtype=dtype))):
        assert conv_matrix_adjoint(G, (3, 3), 2).dtype == dtype
        assert conv_matrix_adjoint(G.astype(int), (3, 3), 2).dtype == np.float64


@given(cases())
def test_adjoint_of_the_matrix_counts_places(case):
    k, N = len(case.K), case.N
    places = np.maximum(N - np.abs(np.arange(k) - (k + 1) // 2 + 1), 0)
    expected = np.einsum("p,q,pqzy->pqzy", places, places, case.K)
    assert (
        relative_error(conv_matrix_adjoint(conv_matrix(case.K, N), case.K.shape, N), expected)
        < 1e-14
    )


def test_an_image_without_pixels_is_refused():
    with pytest.raises(ValueError, match=r"^N: wanted an integer of at least 1, got 0"):
        conv_matrix(np.ones((1, 1)), 0)
