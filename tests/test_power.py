"""Algorithm 2.1, steps 2 and 6: leading singular triplets and their update by the power method."""

import copy
import pickle
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix
from scipy.sparse.linalg import aslinearoperator
from strategies import DTYPES, relative_error

from convreg import SingularTriplet, leading_triplets, power_update

MODULE = sys.modules["convreg.lanczos"]
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)


def unit(rng, n):
    x = rng.standard_normal(n)
    return x / np.linalg.norm(x)


def random_triplets(rng, m, n, count=2):
    return [SingularTriplet(0.0, unit(rng, m), unit(rng, n)) for _ in range(count)]


def with_singular_values(rng, m, n, sigma):
    """A matrix of the given singular values, and its singular vectors as columns."""
    U, V = (np.linalg.qr(rng.standard_normal((size, len(sigma))))[0] for size in (m, n))
    return (U * sigma) @ V.T, U, V


def by_hand(A, v, iterations):
    """One triplet, in plain Python: u <- A v normalised, v <- A' u, sigma its norm, normalised."""
    m, n = A.shape
    v = [float(x) for x in v]
    for _ in range(iterations):
        w = [sum(A[i, j] * v[j] for j in range(n)) for i in range(m)]
        norm = sum(x * x for x in w) ** 0.5
        u = [x / norm for x in w]
        w = [sum(A[i, j] * u[i] for i in range(m)) for j in range(n)]
        sigma = sum(x * x for x in w) ** 0.5
        v = [x / sigma for x in w]
    return sigma, np.array(u), np.array(v)


@given(sizes, sizes, st.integers(1, 5), seeds)
def test_power_update_by_hand(m, n, iterations, seed):
    rng = np.random.default_rng(seed)
    A, start = rng.standard_normal((m, n)), random_triplets(rng, m, n, 3)
    for before, after in zip(start, power_update(A, start, iterations), strict=True):
        sigma, u, v = by_hand(A, before.v, iterations)
        assert after.sigma == pytest.approx(sigma, rel=1e-12)
        assert np.abs(after.u - u).max() < 1e-9
        assert np.abs(after.v - v).max() < 1e-9


def test_two_iterations_are_the_default_and_none_gives_the_triplets_back():
    rng = np.random.default_rng(0)
    A, start = rng.standard_normal((4, 3)), random_triplets(rng, 4, 3)
    for one, other in zip(power_update(A, start), power_update(A, start, 2), strict=True):
        assert one.sigma == other.sigma != power_update(A, start, 1)[0].sigma
        assert np.array_equal(one.v, other.v)
    for before, after in zip(start, power_update(A, start, 0), strict=True):
        assert isinstance(after, SingularTriplet)
        assert after.sigma == before.sigma
        assert np.array_equal(after.u, before.u)
        assert np.array_equal(after.v, before.v)


@given(sizes, sizes, seeds, st.booleans())
def test_exact_triplets_are_fixed_points(m, n, seed, orthogonalize):
    rng = np.random.default_rng(seed)
    values = np.array([3.0, 2.0, 1.0])[: min(m, n)]
    A, U, V = with_singular_values(rng, m, n, values)
    exact = [SingularTriplet(s, u, v) for s, u, v in zip(values, U.T, V.T, strict=True)]
    for before, after in zip(exact, power_update(A, exact, 3, orthogonalize), strict=True):
        assert after.sigma == pytest.approx(before.sigma, rel=1e-11)
        assert np.abs(after.u - before.u).max() < 1e-11
        assert np.abs(after.v - before.v).max() < 1e-11


@given(sizes, sizes, st.integers(1, 4), seeds)
def test_estimates_rise_towards_the_norm_and_the_residual_bounds_the_error(m, n, iterations, seed):
    """A' u = sigma v holds exactly, so a singular value is within |A v - sigma u| / sqrt(2) of
    sigma.
    """
    rng = np.random.default_rng(seed)
    A, start = rng.standard_normal((m, n)), random_triplets(rng, m, n)
    values = np.linalg.svd(A, compute_uv=False)
    longer = power_update(A, start, iterations + 1)
    for (sigma, u, v), later in zip(power_update(A, start, iterations), longer, strict=True):
        assert np.linalg.norm(u) == pytest.approx(1, rel=1e-14)
        assert np.linalg.norm(v) == pytest.approx(1, rel=1e-14)
        assert np.abs(A.T @ u - sigma * v).max() <= 1e-13 * values[0]
        assert sigma <= later.sigma * (1 + 1e-13) <= values[0] * (1 + 2e-13)
        residual = np.linalg.norm(A @ v - sigma * u)
        assert np.abs(values - sigma).min() <= residual / 2**0.5 + 1e-13 * values[0]


@given(seeds)
def test_symmetric_matrices_with_a_leading_negative_eigenvalue(seed):
    """The iteration converges to u = -v and a positive sigma."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    A = (Q * [-5.0, 1.0, 0.5, 0.0]) @ Q.T
    [(sigma, u, v)] = power_update(A, random_triplets(rng, 4, 4, 1), 40)
    assert sigma == pytest.approx(5, rel=1e-12)
    assert np.abs(u + v).max() < 1e-7


@pytest.mark.parametrize("orthogonalize", [False, True])
def test_vectors_sent_to_zero_are_kept(orthogonalize):
    e = np.eye(3)
    start = [SingularTriplet(9.0, e[1], e[0]), SingularTriplet(8.0, e[2], e[1])]
    for before, after in zip(
        start, power_update(np.zeros((3, 3)), start, 2, orthogonalize), strict=True
    ):
        assert after.sigma == 0
        assert np.array_equal(after.u, before.u)
        assert np.array_equal(after.v, before.v)


@pytest.mark.parametrize("orthogonalize", [False, True])
@pytest.mark.filterwarnings("error")
def test_full_vectors_sent_to_zero_are_kept(orthogonalize):
    start = random_triplets(np.random.default_rng(0), 4, 3)
    for before, after in zip(
        start, power_update(np.zeros((4, 3)), start, 2, orthogonalize), strict=True
    ):
        assert after.sigma == 0
        assert np.array_equal(after.u, before.u)
        assert np.array_equal(after.v, before.v)


@pytest.mark.parametrize("orthogonalize", [False, True])
@pytest.mark.parametrize("size", [2.0, 0.5])
@pytest.mark.filterwarnings("error")
def test_only_the_vector_sent_to_zero_is_kept(orthogonalize, size):
    """A = diag(size, 0, 0): the first triplet moves, the second has A v = 0 and A' u = 0."""
    A, e = np.diag([size, 0.0, 0.0]), np.eye(3)
    start = [
        SingularTriplet(0.0, e[0], np.array([0.6, 0.8, 0.0])),
        SingularTriplet(8.0, e[2], e[1]),
    ]
    moved, kept = power_update(A, start, 1, orthogonalize)
    assert moved.sigma == pytest.approx(size, rel=1e-15)
    assert moved.u == pytest.approx(e[0], abs=1e-15)
    assert moved.v == pytest.approx(e[0], abs=1e-15)
    assert kept.sigma == 0
    assert np.array_equal(kept.u, e[2])
    assert np.array_equal(kept.v, e[1])


@given(st.integers(2, 6), st.integers(2, 6), st.integers(1, 4), seeds)
def test_orthogonalize_is_gram_schmidt(m, n, iterations, seed):
    rng = np.random.default_rng(seed)
    A, start = rng.standard_normal((m, n)), random_triplets(rng, m, n)

    def gram_schmidt(first, second):
        first_norm = np.linalg.norm(first)
        first = first / first_norm
        second = second - (first @ second) * first
        second = second - (first @ second) * first
        return (first_norm, np.linalg.norm(second)), (first, second / np.linalg.norm(second))

    V = [triplet.v for triplet in start]
    for _ in range(iterations):
        _, U = gram_schmidt(*(A @ v for v in V))
        norms, V = gram_schmidt(*(A.T @ u for u in U))
    found = power_update(A, start, iterations, orthogonalize=True)
    condition = np.linalg.cond(A) ** 2
    for i, (sigma, u, v) in enumerate(found):
        assert sigma == pytest.approx(norms[i], rel=1e-13 * condition)
        assert np.abs(u - U[i]).max() < 1e-13 * condition
        assert np.abs(v - V[i]).max() < 1e-13 * condition
    assert abs(found[0].u @ found[1].u) < 1e-14
    assert abs(found[0].v @ found[1].v) < 1e-14


def test_orthogonalize_keeps_the_second_triplet_from_drifting_into_the_first():
    rng = np.random.default_rng(1)
    A, _, _ = with_singular_values(rng, 6, 5, np.array([4.0, 2.0, 1.0]))
    start = random_triplets(rng, 6, 5)
    assert [t.sigma for t in power_update(A, start, 60)] == pytest.approx([4, 4], rel=1e-12)
    assert [t.sigma for t in power_update(A, start, 60, orthogonalize=True)] == pytest.approx(
        [4, 2], rel=1e-12
    )


def test_triplets_do_not_see_each_other_and_keep_their_order():
    rng = np.random.default_rng(2)
    A, start = rng.standard_normal((4, 3)), random_triplets(rng, 4, 3, 3)
    together, turned = power_update(A, start, 2), power_update(A, start[::-1], 2)[::-1]
    assert len(together) == 3
    for triplet, other, alone in zip(together, turned, start, strict=True):
        [single] = power_update(A, [alone], 2)
        assert triplet.sigma == pytest.approx(single.sigma, rel=1e-14)
        assert triplet.sigma == pytest.approx(other.sigma, rel=1e-14)
        assert np.abs(triplet.v - single.v).max() < 1e-14
    exact = leading_triplets(A, 2)[::-1]  # the smaller one first, and it stays there
    assert [t.sigma for t in power_update(A, exact, 2)] == pytest.approx(
        [t.sigma for t in exact], rel=1e-12
    )


def test_the_triplets_given_are_not_changed():
    rng = np.random.default_rng(3)
    A, start = rng.standard_normal((4, 4)), random_triplets(rng, 4, 4)
    copies = [(t.sigma, t.u.copy(), t.v.copy()) for t in start]
    for iterations in (0, 2):
        for triplet in power_update(A, tuple(start), iterations):
            triplet.u[:] = triplet.v[:] = np.nan
    for triplet, (sigma, u, v) in zip(start, copies, strict=True):
        assert triplet.sigma == sigma
        assert np.array_equal(triplet.u, u)
        assert np.array_equal(triplet.v, v)


@pytest.mark.parametrize("kind", [csr_array, csr_matrix, aslinearoperator])
@pytest.mark.parametrize("orthogonalize", [False, True])
@pytest.mark.parametrize(("m", "n"), [(4, 3), (3, 4)])
def test_every_kind_of_matrix_gives_the_same(kind, orthogonalize, m, n):
    rng = np.random.default_rng(4)
    A, start = rng.standard_normal((m, n)), random_triplets(rng, m, n)
    dense = power_update(A, start, 2, orthogonalize)
    for one, other in zip(dense, power_update(kind(A), start, 2, orthogonalize), strict=True):
        assert one.sigma == pytest.approx(other.sigma, rel=1e-13)
        assert np.abs(one.u - other.u).max() < 1e-13
        assert np.abs(one.v - other.v).max() < 1e-13
    for one, other in zip(leading_triplets(A), leading_triplets(kind(A)), strict=True):
        assert one.sigma == pytest.approx(other.sigma, rel=1e-14)
        assert np.abs(one.u - other.u).max() < 1e-13


@pytest.mark.parametrize("orthogonalize", [False, True])
def test_power_update_keeps_the_type(orthogonalize):
    rng = np.random.default_rng(5)
    A = rng.standard_normal((4, 3)).astype(np.float32)
    start = [
        SingularTriplet(s, u.astype(np.float32), v.astype(np.float32))
        for s, u, v in random_triplets(rng, 4, 3)
    ]
    for sigma, u, v in power_update(A, start, 2, orthogonalize):
        assert sigma.dtype == u.dtype == v.dtype == np.float32


def check_triplets(A, triplets, values, tolerance):
    """A v = sigma u, A' u = sigma v, orthonormal vectors, the right values, the largest first."""
    scale = values[0]
    assert (
        np.abs(np.array([t.sigma for t in triplets]) - values[: len(triplets)]).max()
        <= tolerance * scale
    )
    for sigma, u, v in triplets:
        assert np.linalg.norm(A @ v - sigma * u) <= tolerance * scale
        assert np.linalg.norm(A.T @ u - sigma * v) <= tolerance * scale
    for W in (np.stack([t.u for t in triplets]), np.stack([t.v for t in triplets])):
        assert np.abs(W @ W.T - np.eye(len(triplets))).max() <= tolerance


@given(sizes, sizes, st.integers(1, 6), seeds)
def test_leading_triplets_of_small_matrices(m, n, count, seed):
    A = np.random.default_rng(seed).standard_normal((m, n))
    count = min(count, m, n)
    triplets = leading_triplets(A, count)
    assert len(triplets) == count
    check_triplets(A, triplets, np.linalg.svd(A, compute_uv=False), 1e-13)


def test_two_triplets_are_the_default():
    assert [t.sigma for t in leading_triplets([[1, 0, 0], [0, -3, 0], [0, 0, 2]])] == [3, 2]


@pytest.mark.parametrize(("m", "n"), [(300, 280), (280, 300), (270, 270)])
@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("kind", [np.asarray, csr_array, aslinearoperator])
def test_leading_triplets_by_lanczos(m, n, count, kind):
    rng = np.random.default_rng(6)
    values = np.sort(rng.uniform(1, 2, 30))[::-1]
    A, _, _ = with_singular_values(rng, m, n, values)
    triplets = leading_triplets(kind(A), count)
    assert len(triplets) == count
    check_triplets(A, triplets, values, 1e-10)
    again = leading_triplets(kind(A), count)
    assert all(np.array_equal(one.v, other.v) for one, other in zip(triplets, again, strict=True))


def test_the_two_paths_agree(monkeypatch):
    A = np.random.default_rng(7).standard_normal((40, 30))
    full = leading_triplets(A, 3)
    monkeypatch.setattr(MODULE, "DENSE_LIMIT", 9)  # of each triplet
    svd = np.linalg.svd
    monkeypatch.setattr(
        np.linalg, "svd", lambda A, **options: svd(A, **options) if A.shape[1] == 3 else None
    )
    for one, other in zip(full, leading_triplets(A, 3), strict=True):
        sign = np.sign(one.v @ other.v)
        assert one.sigma == pytest.approx(other.sigma, rel=1e-12)
        assert np.abs(one.u - sign * other.u).max() < 1e-10
        assert np.abs(one.v - sign * other.v).max() < 1e-10


def test_all_triplets_of_a_matrix_above_the_limit():
    """ARPACK gives all but one; then the full decomposition is taken."""
    A = np.random.default_rng(8).standard_normal((258, 257))
    check_triplets(A, leading_triplets(A, 257), np.linalg.svd(A, compute_uv=False), 1e-12)


@pytest.mark.parametrize("size", [4, 300])
def test_negative_eigenvalues_have_u_equal_to_minus_v(size):
    A = np.diag(np.r_[-5.0, 4.0, np.linspace(-1, 1, size - 2)])
    first, second = leading_triplets(A)
    assert (first.sigma, second.sigma) == pytest.approx((5, 4), rel=1e-12)
    assert np.abs(first.u + first.v).max() < 1e-12
    assert np.abs(second.u - second.v).max() < 1e-12


@pytest.mark.parametrize("size", [3, 300])
@pytest.mark.parametrize("kind", [np.asarray, csr_array, aslinearoperator])
def test_the_zero_operator(size, kind):
    A = np.zeros((size + 1, size))
    for triplets in (leading_triplets(kind(A)), leading_triplets(kind(A), 1)):
        assert [t.sigma for t in triplets] == [0.0] * len(triplets)
        assert all(t.u.shape == (size + 1,) and t.v.shape == (size,) for t in triplets)
        for W in (np.stack([t.u for t in triplets]), np.stack([t.v for t in triplets])):
            assert np.abs(W @ W.T - np.eye(len(triplets))).max() < 1e-15


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_integers_and_zero_rows_above_the_limit(kind):
    """A matrix with some zero rows is not zero, and Lanczos takes no integers."""
    A = np.diag(np.r_[0, 0, 0:298])
    check_triplets(A, leading_triplets(kind(A)), np.array([297.0, 296.0]), 1e-12)


def test_rank_one_above_the_limit():
    rng = np.random.default_rng(9)
    A = 3 * np.outer(unit(rng, 300), unit(rng, 280))
    check_triplets(A, leading_triplets(A), np.array([3.0, 0.0]), 1e-7)


def test_multiple_singular_values():
    """The full decomposition of small matrices sees both copies."""
    A = np.kron(np.eye(2), np.diag([3.0, 1.0]))
    check_triplets(A, leading_triplets(A, 4), np.array([3.0, 3.0, 1.0, 1.0]), 1e-15)


@pytest.mark.parametrize("size", [5, 300])
@pytest.mark.parametrize("dtype", DTYPES)
def test_leading_triplets_of_zero_keep_the_type(size, dtype):
    for sigma, u, v in leading_triplets(np.zeros((size, size), dtype)):
        assert sigma.dtype == u.dtype == v.dtype == dtype


def test_lists_are_matrices():
    start = [SingularTriplet(0.0, np.array([0.6, 0.8]), np.array([0.8, 0.6]))]
    [(sigma, u, v)] = power_update([[2, 0], [0, 1]], start)
    [expected] = power_update(np.diag([2.0, 1.0]), start)
    assert sigma == expected.sigma
    assert np.array_equal(u, expected.u)
    assert np.array_equal(v, expected.v)


@pytest.mark.parametrize("size", [5, 300])
@pytest.mark.parametrize("dtype", DTYPES)
def test_leading_triplets_keep_the_type(size, dtype):
    A = np.random.default_rng(10).standard_normal((size, size)).astype(dtype)
    expected = np.linalg.svd(A.astype(float), compute_uv=False)
    for kind in (np.asarray, csr_array, aslinearoperator):
        triplets = leading_triplets(kind(A))
        for sigma, u, v in triplets:
            assert sigma.dtype == u.dtype == v.dtype == dtype
        error = relative_error([t.sigma for t in triplets], expected[:2])
        assert error < (1e-12 if dtype == np.float64 else 1e-5)


def of_type(dtype, triplets):
    return [
        SingularTriplet(dtype(sigma), u.astype(dtype), v.astype(dtype)) for sigma, u, v in triplets
    ]


SCALES = [(np.float64, 2.0**e) for e in (-1000, -700, -500, 500, 664, 1000)]
SCALES += [(np.float32, 2.0**e) for e in (-120, -66, -50, 50, 66, 100, 120)]


@pytest.mark.parametrize("orthogonalize", [False, True])
@pytest.mark.parametrize(("dtype", "scale"), SCALES)
def test_power_update_at_every_scale(dtype, scale, orthogonalize):
    """From 1e-301 to 1e301, where squares overflow or vanish: nothing is rounded in between."""
    rng = np.random.default_rng(20)
    A = rng.standard_normal((6, 5)).astype(dtype)
    start = of_type(dtype, random_triplets(rng, 6, 5))
    expected = power_update(A, start, 3, orthogonalize)
    found = power_update(A * dtype(scale), start, 3, orthogonalize)
    rounding = 8 * float(np.finfo(dtype).eps)
    for one, other in zip(expected, found, strict=True):
        assert other.sigma.dtype == dtype
        assert float(other.sigma) / scale == pytest.approx(float(one.sigma), rel=rounding)
        assert np.abs(other.u - one.u).max() <= rounding
        assert np.abs(other.v - one.v).max() <= rounding


@pytest.mark.parametrize("length", [2.0**-1000, 2.0**-600, 2.0**600, 2.0**1000])
def test_vectors_of_any_length_give_the_same(length):
    rng = np.random.default_rng(21)
    A, [start] = 1e10 * rng.standard_normal((4, 3)), random_triplets(rng, 4, 3, 1)
    [expected] = power_update(A, [start])
    [found] = power_update(A, [start._replace(u=start.u * length, v=start.v * length)])
    assert found.sigma == expected.sigma
    assert np.array_equal(found.v, expected.v)


@pytest.mark.parametrize("kind", [np.asarray, csr_array, aslinearoperator])
@pytest.mark.parametrize("orthogonalize", [False, True])
@pytest.mark.parametrize("A", [np.full((3, 3), 1e308), np.full((3, 3), 1.7e308)])
def test_norms_that_are_no_floats_are_refused(A, orthogonalize, kind):
    v = np.full(3, 3**-0.5)
    with pytest.raises(ValueError, match=r"^A: wanted "):
        power_update(kind(A), [SingularTriplet(1.0, v, v)], 1, orthogonalize)


def test_the_largest_norm_that_is_a_float():
    v = np.full(3, 3**-0.5)
    [found] = power_update(np.full((3, 3), 5e307), [SingularTriplet(1.0, v, v)])
    assert found.sigma == pytest.approx(1.5e308, rel=1e-14)


def test_more_triplets_than_can_be_orthogonal():
    three = random_triplets(np.random.default_rng(22), 2, 4, 3)
    A = np.ones((2, 4))
    assert len(power_update(A, three)) == 3
    with pytest.raises(ValueError, match=r"^triplets: wanted at most 2, .* got 3"):
        power_update(A, three, orthogonalize=True)


def with_residual():
    triplet = SingularTriplet(2.0, np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    triplet.residual = 0.125
    return triplet


COPIES = {f"pickle {p}": partial(pickle.dumps, protocol=p) for p in range(6)}
COPIES = {name: lambda t, dumps=dumps: pickle.loads(dumps(t)) for name, dumps in COPIES.items()}
COPIES |= {"copy": copy.copy, "deepcopy": copy.deepcopy, "_replace": lambda t: t._replace()}


@pytest.mark.parametrize("name", COPIES)
def test_copies_keep_the_residual(name):
    triplet = with_residual()
    once = COPIES[name](triplet)
    for other in once, COPIES[name](once):
        assert type(other) is SingularTriplet
        assert other.residual == 0.125
        assert other.sigma == triplet.sigma
        assert np.array_equal(other.u, triplet.u)
        assert np.array_equal(other.v, triplet.v)
    assert np.isnan(COPIES[name](SingularTriplet(*triplet)).residual)


def test_replaced_entries_come_with_the_residual_that_there_was():
    other = with_residual()._replace(sigma=3.0)
    assert (other.sigma, other.residual) == (3.0, 0.125)
    with pytest.raises((TypeError, ValueError)):
        other._replace(residual=1.0)
