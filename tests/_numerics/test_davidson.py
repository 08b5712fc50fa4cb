"""Davidson's method on spectra that are known, with good, bad and no preconditioners."""

import numpy as np
import pytest

from convreg._numerics.davidson import MOST, Basis, extreme_eigenpair

TOLERANCE = 1e-9
SPECTRA = {
    "spread": np.linspace(1, 10, 300),
    "double": np.r_[1.0, 1.0, np.linspace(1.5, 9, 300)],
    "near double": np.r_[1.0, 1 + 1e-6, np.linspace(1.5, 9, 300)],
    "clustered": np.r_[1 + 1e-3 * np.arange(10), np.linspace(2, 9, 300)],
    "with zeros": np.r_[np.zeros(3), np.linspace(1, 9, 100)],
    "indefinite": np.linspace(-4, 4, 201),
    "all equal": np.full(50, 2.0),
    "all zero": np.zeros(50),
    "two values": np.r_[np.full(20, 2.0), np.full(20, 3.0)],
    "tiny": np.r_[1e-9, np.linspace(1, 3, 50)],
}


def random_start(size, seed=1):
    return np.random.default_rng(seed).standard_normal(size)


def enough(value, residual, gap):
    return residual <= TOLERANCE * abs(value)


def of_diagonal(eigenvalues):
    return lambda x: eigenvalues * x


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("name", SPECTRA)
def test_the_extreme_eigenvalue(name, largest):
    eigenvalues = SPECTRA[name]
    start = random_start(len(eigenvalues))
    pair = extreme_eigenpair(of_diagonal(eigenvalues), start, enough, largest=largest)
    expected = eigenvalues.max() if largest else eigenvalues.min()
    size = np.abs(eigenvalues).max()
    assert pair.value == pytest.approx(expected, rel=1e-8, abs=1e-14 * size)
    assert np.linalg.norm(pair.vector) == pytest.approx(1, rel=1e-14)
    assert pair.residual <= 1e-8 * max(abs(expected), 1e-6 * size)


@pytest.mark.parametrize("size", [1, 2, 3, MOST - 1, MOST, MOST + 1, 20])
def test_small_matrices_of_any_size(size):
    B = np.random.default_rng(size).standard_normal((size, size))
    A = B @ B.T
    pair = extreme_eigenpair(lambda x: A @ x, random_start(size), lambda *_: False)
    values = np.linalg.eigvalsh(A)
    assert pair.value == pytest.approx(values[0], rel=1e-9, abs=1e-13 * values[-1])
    assert pair.products <= 30 * size + 1


def test_what_comes_is_measured():
    eigenvalues = SPECTRA["spread"]
    for limit in (1, 5, 17, 60):
        start = random_start(300)
        pair = extreme_eigenpair(of_diagonal(eigenvalues), start, enough, limit=limit)
        x = pair.vector
        assert pair.value == pytest.approx(x @ (eigenvalues * x), rel=1e-13)
        residual = np.linalg.norm(eigenvalues * x - pair.value * x)
        assert pair.residual == pytest.approx(residual, rel=1e-10)
        assert pair.converged == (residual <= TOLERANCE * pair.value)
        assert np.abs(eigenvalues - pair.value).min() <= pair.residual


def test_the_gap_is_the_distance_to_the_next_ritz_value():
    """Of a basis that spans everything, to the next eigenvalue; of one vector, nothing."""
    eigenvalues = np.array([1.0, 1.5, 4.0, 9.0])
    product, start = of_diagonal(eigenvalues), random_start(4)
    for largest, gap in ((False, 0.5), (True, 5.0)):
        pair = extreme_eigenpair(product, start, lambda *_: False, largest=largest)
        assert pair.gap == pytest.approx(gap, rel=1e-9)
    assert extreme_eigenpair(product, start, enough, limit=1).gap == 0


def test_single_precision_stays():
    eigenvalues, seen = np.linspace(1, 10, 100, dtype=np.float32), set()

    def product(x):
        seen.add(x.dtype)
        return eigenvalues * x

    start = random_start(100).astype(np.float32)
    pair = extreme_eigenpair(product, start, lambda value, residual, gap: residual <= 1e-3)
    assert seen == {np.dtype(np.float32)}
    assert pair.vector.dtype == np.float32
    assert pair.value == pytest.approx(1, rel=1e-5)


def test_the_products_are_counted_and_limited():
    eigenvalues = SPECTRA["spread"]
    counted = [0]

    def product(x):
        counted[0] += 1
        return eigenvalues * x

    for limit in (1, 7, 40):
        counted[0] = 0
        pair = extreme_eigenpair(product, random_start(300), enough, limit=limit)
        assert pair.products == counted[0] == limit + 1
        assert not pair.converged


PRECONDITIONERS = {
    "exact": lambda r: r / SPECTRA["spread"],
    "the matrix itself": lambda r: r * SPECTRA["spread"],
    "negative": lambda r: -r,
    "single precision": lambda r: (r / SPECTRA["spread"]).astype(np.float32),
    "singular": lambda r: np.where(np.arange(300) < 30, r, 0.0),
    "zero": lambda r: 0 * r,
    "noise": lambda r: random_start(300, seed=int(1e6 * abs(r[0])) % 1000),
    "not finite": lambda r: np.full(300, np.nan),
}


@pytest.mark.parametrize("name", PRECONDITIONERS)
def test_a_preconditioner_changes_the_products_and_not_the_value(name):
    eigenvalues = SPECTRA["spread"]
    pair = extreme_eigenpair(
        of_diagonal(eigenvalues), random_start(300), enough, PRECONDITIONERS[name], limit=3000
    )
    assert pair.value >= 1 - 1e-13
    assert pair.converged == (pair.residual <= TOLERANCE * pair.value)
    if pair.converged:
        assert pair.value == pytest.approx(1, rel=1e-9)


def test_a_good_preconditioner_saves_products():
    eigenvalues = np.geomspace(1e-4, 1, 1000)

    def taken(precondition):
        product = of_diagonal(eigenvalues)
        pair = extreme_eigenpair(product, random_start(1000), enough, precondition, limit=5000)
        assert pair.value == pytest.approx(1e-4, rel=1e-9)
        return pair.products

    assert 5 * taken(lambda r: r / (eigenvalues + 1e-4)) < taken(None)


def test_a_start_that_is_an_eigenvector_ends_at_once():
    eigenvalues = SPECTRA["spread"]
    pair = extreme_eigenpair(of_diagonal(eigenvalues), np.eye(300)[0] * 5, enough)
    assert (pair.value, pair.residual, pair.products) == (1.0, 0.0, 2)


def test_a_new_direction_is_orthogonal_to_the_basis_also_where_little_of_it_is_new():
    basis = Basis(50, np.float64)
    for seed in range(3):
        v = basis.new_direction(random_start(50, seed))
        basis.append(v, v)
    V = basis.V[:3]
    for part in (1.0, 1e-4, 1e-7, 1e-12, 0.0):
        d = basis.new_direction(V[0] - 2 * V[2] + part * random_start(50, 7))
        assert np.linalg.norm(d) == pytest.approx(1, rel=1e-14)
        assert np.abs(V @ d).max() < 1e-14
