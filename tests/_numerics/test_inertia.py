"""Sylvester's law of inertia with rounding: against exact arithmetic."""

import sys

import numpy as np
import pytest
from exact import in_integers, is_positive
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from convreg._numerics.inertia import _norm, positive, proved_bound

EPS = sys.float_info.epsilon


@settings(max_examples=60)
@given(st.integers(1, 9), st.integers(0, 2**32 - 1), st.integers(0, 3), st.floats(-60, -20))
def test_what_the_factors_prove(n, seed, rank_lost, exponent):
    """B + e I is positive semidefinite, exactly, of matrices that are singular but for rounding."""
    rng = np.random.default_rng(seed)
    C = rng.standard_normal((n, max(1, n - rank_lost)))
    B = C @ C.T + 2.0**exponent * np.eye(n)
    B = np.tril(B) + np.tril(B, -1).T
    solved = positive(csc_array(B))
    if solved is None:
        assert np.linalg.eigvalsh(B)[0] <= 1e-13 * np.linalg.norm(B, 2)
        return
    _, error = solved
    assert 0 <= error <= 1e-12 * np.linalg.norm(B, 2) * n
    whole, denominator = in_integers(B)
    assert is_positive(whole, denominator, -np.nextafter(error, np.inf), -1)


def test_what_the_factors_prove_where_they_are_symmetric():
    """Pivots of 1: U = D L' exactly, and the rounding of the last pivot alone may hide its sign."""
    for seed in range(150):
        x = np.random.default_rng(seed).uniform(0.5, 2, 4)
        B = np.eye(5)
        B[4, :4] = B[:4, 4] = x
        B[4, 4] = np.sum(x * x) * (1 + EPS * (seed % 3 - 1))
        solved = positive(csc_array(B))
        if solved is not None:
            whole, denominator = in_integers(B)
            assert is_positive(whole, denominator, -np.nextafter(solved[1], np.inf), -1)


@pytest.mark.parametrize(
    "B",
    [
        np.diag([1.0, -1e-9]),
        np.array([[1.0, 2.0], [2.0, 1.0]]),
        np.zeros((2, 2)),
        np.array([[0.0, 1.0], [1.0, 0.0]]),
        np.array([[1.0, 1.0], [1.0, 1.0 - 1e-9]]),
    ],
)
def test_what_is_not_positive_is_not_said_to_be(B):
    assert positive(csc_array(B)) is None


def test_a_norm_from_the_sums_of_rows_and_of_columns():
    """``|A|^2 <= |A|_1 |A|_inf``, the largest sums."""
    A = np.random.default_rng(11).uniform(size=(4, 6))
    found = _norm(A.sum(axis=1), A.sum(axis=0))
    assert found == pytest.approx((A.sum(axis=1).max() * A.sum(axis=0).max()) ** 0.5)
    assert np.linalg.norm(A, 2) <= found


def test_the_inverse_of_what_is_positive():
    B = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 4.0]])
    solve, error = positive(csc_array(B))
    assert B @ solve(np.arange(3.0)) == pytest.approx(np.arange(3.0))
    assert error < 1e-13


def test_the_error_of_the_factors_is_higham_s():
    """2 (asymmetry + (w + 2) eps ``| |L| |U| |``), w the longest row, here of a dense matrix."""
    C = np.random.default_rng(12).standard_normal((20, 20))
    B = csc_array(C @ C.T + np.eye(20))
    factors = splu(B, "MMD_AT_PLUS_A", 0.0, options={"SymmetricMode": True})
    L, U = factors.L.toarray(), factors.U.toarray()
    D = np.diag(np.diag(U))
    E = np.abs(np.linalg.inv(D) @ U - L.T).T
    parts = np.abs(L) @ D @ E.T, np.abs(L) @ np.abs(U)
    norms = [(A.sum(axis=1).max() * A.sum(axis=0).max()) ** 0.5 for A in parts]
    _, error = positive(B)
    expected = 2 * (norms[0] + (20 + 2) * EPS * norms[1])
    assert error == pytest.approx(expected, rel=1e-4, abs=0)


@pytest.mark.parametrize(("value", "sign"), [(4.0, 1.0), (1.0, -1.0), (3.9, 1.0), (1.1, -1.0)])
def test_inertia_from_a_value_that_is_near_and_one_that_is_wrong(value, sign):
    """A value that is no bound is not believed."""
    A = csc_array(np.diag([1.0, 2.0, 3.0, 4.0]))
    bound, v = proved_bound(A, value, sign)
    exact = 4.0 if sign > 0 else 1.0
    assert sign * (bound - exact) >= 0
    if value == exact:
        assert bound == pytest.approx(exact, rel=1e-10)
        assert abs(v[-1 if sign > 0 else 0]) == pytest.approx(np.linalg.norm(v))
    else:
        assert bound == sign * np.inf
