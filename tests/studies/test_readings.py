"""Algorithm 2.1: the deflated reading against dense matrices, the lag by hand."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from convreg.power import SingularTriplet
from convreg.studies.readings import deflated_update, lag_lines


def start(seed, n=6):
    v = np.random.default_rng(seed).standard_normal(n)
    return SingularTriplet(0.0, v, v)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_second_triplet_is_of_what_the_first_leaves(count):
    A = np.random.default_rng(0).standard_normal((6, 6))
    pair = [start(1), start(2)]
    found = deflated_update(aslinearoperator(A + A.T), pair, count)
    B = A + A.T
    for got, given in zip(found, pair, strict=True):
        v = given.v
        for _ in range(count):
            u = B @ v / np.linalg.norm(B @ v)
            sigma = np.linalg.norm(B.T @ u)
            v = B.T @ u / sigma
        assert got.sigma == pytest.approx(sigma)
        assert got.u == pytest.approx(u)
        assert got.v == pytest.approx(v)
        B = B - sigma * np.outer(u, v)


def history(estimate, residual, penalty):
    columns = [np.array(values, float) for values in (estimate, residual, penalty)]
    return np.rec.fromarrays(columns, names="estimate, residual, penalty")


def test_the_lag_is_where_the_error_is_most_times_the_residual():
    found = history([10, 6, 7.5, 3], [1, 3, 0.5, 4], [10, 9.1, 9, 10])
    assert lag_lines(found).splitlines() == [
        "the error exceeds the residual in 3 of 4 iterations; most in iteration 2:",
        "estimate 7.500, residual 0.500, R_alpha 9.000",
    ]


def test_errors_of_rounding_do_not_count():
    found = history([9 - 1e-6, 5], [1e-9, 4], [9, 8])
    assert lag_lines(found).startswith(
        "the error exceeds the residual in 0 of 2 iterations; most in iteration 1:"
    )
    found = history([9 - 1e-4, 5], [1e-9, 4], [9, 8])
    assert lag_lines(found).startswith(
        "the error exceeds the residual in 1 of 2 iterations; most in iteration 0:"
    )
