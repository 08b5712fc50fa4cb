"""Section 3, the barrier: what a small R_alpha costs, against dense matrices and by hand."""

import numpy as np
import pytest
from dense import dense_penalty, kernel
from strategies import reference_gram, reference_matrix

from convreg import minimize_penalty, polyak_step
from convreg.examples import start_kernel
from convreg.studies.barrier import (
    off_centre_share,
    squared_off_centre_norms,
)
from convreg.studies.price import off_centre_after, price_along_descent


def test_the_price_needs_an_image_as_large_as_the_kernel():
    """For N = 2 the taps -0.3, 2, 0.3 make a multiple of a rotation."""
    K = np.zeros((3, 3, 1, 1))
    K[0, 1], K[1, 1], K[2, 1] = -0.3, 2.0, 0.3
    R = min(dense_penalty(K, 2, alpha, "columns") for alpha in (4.09, 4.0, 4.18))
    assert R < 1e-12
    assert squared_off_centre_norms(K)[0] > 4 * R + 0.1
    bound = [dense_penalty(K, N, alpha, "columns") for N in (3, 4) for alpha in (4.0, 4.09, 4.1)]
    assert squared_off_centre_norms(K)[0] <= 4 * min(bound)


@pytest.mark.parametrize(
    ("update", "shares"),
    [("power", [0.93, 0.49, 0.26, 0.13, 0.08]), ("svd", [0.93, 0.49, 0.25, 0.12, 0.07])],
)
def test_along_polyaks_descent_the_kernel_becomes_pointwise(update, shares):
    """3x3x3x1, N = 8: what kappa -> 1 costs."""
    table = price_along_descent(start_kernel(3, 3, 1), 8, [3000, 0, 50, 200, 1000], update=update)
    assert table["steps"].tolist() == [0, 50, 200, 1000, 3000]
    assert table["off the centre, of |K|"] == pytest.approx(shares, abs=0.02)
    assert table["kappa"][0] == pytest.approx(11.72, abs=0.01)
    assert (np.diff(table["kappa"][1:]) <= 0).all()
    assert table["kappa"][-1] < 1.01


def test_the_kernels_of_the_price_are_those_of_the_descent():
    K = kernel(3, 3, 2, 1)
    table = price_along_descent(K, 5, [3], 2.0)
    end = minimize_penalty(
        K, 5, 2.0, polyak_step, 3, update="svd", gram="smaller", diagnostics=False
    ).kernel
    sigma = np.linalg.svd(reference_matrix(end, 5), compute_uv=False)
    assert table["kappa"].item() == pytest.approx(sigma[0] / sigma[-1])
    assert table["off the centre, of |K|"].item() == pytest.approx(off_centre_share(end))


def test_the_price_takes_exact_values_only_of_the_kernels_that_are_asked_for(monkeypatch):
    def refuse(*_):
        raise AssertionError("diagnostics")

    monkeypatch.setattr("convreg.descent.extremes", refuse)
    assert price_along_descent(kernel(3, 3, 2, 1), 4, [2])["steps"].tolist() == [2]


@pytest.mark.parametrize("steps", [3, 20])
def test_off_the_centre_after_some_steps(steps):
    K = kernel(3, 3, 3, 2)
    R, off = off_centre_after(K, 4, 1.5, steps)
    end = minimize_penalty(K, 4, 1.5, polyak_step, steps, update="svd", gram="smaller").kernel
    squares = end**2
    squares[1, 1] = 0
    assert off == pytest.approx(max(squares.sum(axis=(0, 1, 2))), rel=1e-6)
    assert R == pytest.approx(
        np.linalg.norm(reference_gram(reference_matrix(end, 4), 1.5, "rows"), 2), rel=1e-6
    )
