"""Algorithm 2.1, step 2, for operators too large for a full decomposition: Lanczos on both ends of
the spectrum.
"""

import copy
import pickle
import sys
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import diags_array
from scipy.sparse.linalg import ArpackError, LinearOperator, aslinearoperator
from strategies import DTYPES
from threadpoolctl import threadpool_info, threadpool_limits

from convreg import NotConverged, SingularTriplet, leading_triplets, power_update, shifted_gram
from convreg._numerics import arpack
from convreg._numerics.reduced import reduced

MODULE = sys.modules["convreg.lanczos"]
SIZE = 300
OUTER = (
    *(
        [2],
        [-2],
        [2, -1.5],
        [-2, 1.5],
        [2, 2],
        [-2, -2],
        [2, 2, 2],
        [-2, -2, -2],
        [2, -2],
        [2, -2, -2],
    ),
    *([2, 2, -2, -2], [2, 2, 2, 2], [-2, -2, -2, -2], [2, 2, 2, -2, -2, -2]),
)
BAD = (
    *(("count", value, ValueError) for value in (0, -1, 999)),
    *(("count", value, TypeError) for value in (1.5, None, "2", True)),
    *(("tolerance", value, ValueError) for value in (-1e-3, np.nan, np.inf)),
    *(("tolerance", value, TypeError) for value in ("1e-3", None)),
    *(("restarts", 0, ValueError), ("restarts", 1.5, TypeError)),
)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Products of this size only lose by more."""
    with threadpool_limits(1):
        yield


class Symmetric(LinearOperator):
    """A symmetric matrix as an operator that is its own transpose and counts its products."""

    def __init__(self, matrix, lowest=None):
        super().__init__(matrix.dtype, matrix.shape)
        self.matrix, self.products = matrix, 0
        if lowest is not None:
            self.lowest = lowest

    def _matmat(self, X):
        self.products += X.shape[1]
        return self.matrix @ X

    def _adjoint(self):
        return self

    def _transpose(self):
        return self


@cache
def orthogonal(size, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]


def symmetric(outer, bulk=0.9, size=SIZE, seed=0):
    """A symmetric matrix of the eigenvalues ``outer`` and of others between -bulk and bulk."""
    values, Q = np.r_[outer, np.linspace(-bulk, bulk, size - len(outer))], orthogonal(size, seed)
    A = (Q * values) @ Q.T
    return (A + A.T) / 2


def general(outer, m, n, bulk=0.9, seed=0):
    """An m x n matrix of the singular values ``outer`` and of others up to ``bulk``."""
    values = np.r_[outer, np.linspace(0, bulk, min(m, n) - len(outer))]
    return (orthogonal(m, seed)[:, : len(values)] * values) @ orthogonal(n, seed + 1)[
        :, : len(values)
    ].T


def measured(A, triplet):
    sigma, u, v = triplet
    return max(np.linalg.norm(A @ v - sigma * u), np.linalg.norm(A.T @ u - sigma * v))


def check(A, triplets, count, tolerance=1e-10, vectors=1e-7):
    """The right values, the largest first, residuals as they are, and orthonormal vectors.

    Where copies come in by rounding, ARPACK ends at vectors that are less accurate than it
    believes.
    """
    assert len(triplets) == count
    expected = np.linalg.svd(A, compute_uv=False)[:count]
    assert np.abs(np.array([t.sigma for t in triplets]) - expected).max() <= tolerance * expected[0]
    for triplet in triplets:
        assert triplet.residual == pytest.approx(
            measured(A, triplet), rel=1e-6, abs=1e-13 * expected[0]
        )
        assert triplet.residual <= max(tolerance, vectors) * expected[0]
    for W in (np.stack([t.u for t in triplets]), np.stack([t.v for t in triplets])):
        assert np.abs(W @ W.T - np.eye(count)).max() <= max(tolerance, vectors)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("outer", OUTER)
def test_both_ends_and_equal_values(outer, count):
    A = symmetric(outer)
    check(A, leading_triplets(Symmetric(A), count), count)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("signs", [(1, 1), (-1, -1), (1, -1), (-1, 1), (1, 1, 1), (1, -1, -1)])
def test_nearly_equal_values(signs, distance, count):
    A = symmetric([2 * sign * (1 - i * distance) for i, sign in enumerate(signs)])
    triplets = leading_triplets(Symmetric(A), count)
    check(A, triplets, count)
    expected = np.linalg.svd(A, compute_uv=False)[:count]
    assert [t.sigma for t in triplets] == pytest.approx(
        expected, rel=1e-13
    )  # the square of the residual counts


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("multiple", [2, 3, 4])
@pytest.mark.parametrize(("m", "n"), [(320, 280), (280, 320), (300, 300)])
def test_equal_singular_values_of_any_matrix(m, n, multiple, count):
    A = general([2.0] * multiple, m, n)
    check(A, leading_triplets(A, count), count)
    check(A, leading_triplets(aslinearoperator(A), count), count)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("m", "n", "gram"), [(320, 290, "columns"), (290, 320, "rows"), (290, 300, "columns")]
)
@pytest.mark.parametrize(("alpha", "low"), [(0.1, False), (2.0, None), (2.5, True)])
def test_both_ends_of_the_shifted_gram(m, n, gram, alpha, low, count):
    """sigma_max = 2, so that the lower end decides from alpha = 2 on (and sigma_min = 0)."""
    A = general([2.0, 2.0, 1.9], m, n)
    square = (A.T @ A if gram == "columns" else A @ A.T) - alpha * np.eye(
        n if gram == "columns" else m
    )
    triplets = leading_triplets(shifted_gram(A, alpha, gram), count)
    check(square, triplets, count)
    for _, u, v in triplets if low is not None else []:
        assert np.abs(u + v if low else u - v).max() == 0


@pytest.mark.parametrize("copies", [2, 3, 4, 5])
@pytest.mark.parametrize("sign", [1, -1])
def test_copies_at_a_loose_tolerance(copies, sign):
    """Early ends leave no rounding that would bring in the copies by and by."""
    A = symmetric(sign * np.full(copies, 2.0), bulk=1.9)
    for count in (copies, 5):
        check(A, leading_triplets(Symmetric(A), count, 1e-3), count, 2e-3)


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        (kind, scale)
        for kind in (Symmetric, np.asarray)
        for scale in (1e-100, 1e-12, 1e-6, 1e6, 1e12, 1e100)
    ],
)
def test_copies_at_any_scale(kind, scale):
    A = scale * symmetric([2.0, 2.0, -2.0])
    check(A, leading_triplets(kind(A), 3), 3)


def test_the_residual_of_equal_values_is_at_most_the_root_of_rounding():
    """A copy that comes in by rounding spoils a vector that ARPACK believes to be converged."""
    for seed in range(10):
        A = general([2.0, 2.0], 300, 300, seed=seed)
        [triplet] = leading_triplets(A, 1, 1e-10)
        assert triplet.residual <= 1.5e-8 * triplet.sigma
        assert triplet.sigma == pytest.approx(2, rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("count", [1, 3])
def test_the_residual_is_at_most_the_tolerance(dtype, tolerance, count):
    for seed in range(3):
        for A in (
            symmetric([2.0, -1.99], 1.9, seed=seed),
            general([2.0, 1.99], 310, 290, 1.9, seed),
        ):
            A = A.astype(dtype)
            rounding = (
                1.5 * SIZE**0.5 * float(np.finfo(dtype).eps)
            )  # of a product with so many terms
            wanted = max(tolerance, rounding if dtype == np.float32 else 0)
            for triplet in leading_triplets(
                Symmetric(A) if len(A) == SIZE else A, count, tolerance
            ):
                assert triplet.residual <= wanted * triplet.sigma
                assert triplet.residual == pytest.approx(
                    measured(A, triplet), rel=1e-2, abs=10 * float(np.finfo(dtype).eps)
                )


@pytest.mark.parametrize("lowest", [-1.5, None])
def test_symmetric_operators_keep_the_type(lowest):
    A = Symmetric(symmetric([2.0, -1.5]).astype(np.float32), lowest)
    [(sigma, u, v)] = leading_triplets(A, 1)
    assert sigma == pytest.approx(2, rel=1e-5)
    assert sigma.dtype == u.dtype == v.dtype == np.float32


def test_a_looser_tolerance_takes_fewer_products():
    A = symmetric([], bulk=2.0)
    products = []
    for tolerance in (1e-2, 1e-4, 1e-8, 0.0):
        operator = Symmetric(A)
        leading_triplets(operator, 1, tolerance)
        products.append(operator.products)
    assert products == sorted(set(products))


def test_power_update_does_not_know_its_residual():
    A = symmetric([2.0])
    start = leading_triplets(Symmetric(A))
    assert all(np.isfinite(triplet.residual) for triplet in start)
    assert all(np.isnan(triplet.residual) for triplet in power_update(A, start))


@pytest.mark.parametrize("count", [1, 2])
def test_a_warm_start_takes_fewer_products(count):
    A = symmetric([2.0, -1.99], bulk=1.97)
    cold, warm = Symmetric(A), Symmetric(A)
    triplets = leading_triplets(cold, count, 1e-6)
    again = leading_triplets(warm, count, 1e-6, start=triplets)
    assert warm.products < cold.products
    check(A, again, count, 2e-6)
    B = general([2.0, 1.99], 290, 310, 1.97)
    check(B, leading_triplets(B, count, 1e-6, start=leading_triplets(B, count)), count, 2e-6)


@pytest.mark.parametrize("tolerance", [1e-3, 0.0])
def test_a_start_in_the_wrong_place_still_finds_the_largest(tolerance):
    """An exact eigenvector, or an exact right singular vector, of a value that does not lead."""
    for outer in ([2.0, 1.9, -1.8], [-2.0, -1.9, 1.8]):
        A = symmetric(outer, bulk=1)
        for v in orthogonal(SIZE).T[1:3]:
            check(
                A, leading_triplets(Symmetric(A), 1, tolerance, [SingularTriplet(0, v, v)]), 1, 1e-3
            )
    diagonal = np.diag(
        np.r_[-2.0, 1.9, np.linspace(-1, 1, 298)]
    )  # a unit vector is left alone, without rounding
    start = SingularTriplet(0, np.eye(SIZE)[1], np.eye(SIZE)[1])
    check(diagonal, leading_triplets(Symmetric(diagonal), 1, tolerance, [start]), 1, 1e-3)
    for m, n in ((320, 280), (280, 320)):
        A = general([2.0, 1.9], m, n, 1)
        start = SingularTriplet(0, orthogonal(m)[:, 1], orthogonal(n, 1)[:, 1])
        check(A, leading_triplets(A, 1, tolerance, [start]), 1, 1e-3)


@pytest.mark.parametrize(("m", "n"), [(300, 300), (280, 320), (320, 280)])
def test_a_start_of_the_wrong_length_is_named(m, n):
    short = SingularTriplet(1.0, np.ones(7), np.ones(7))
    with pytest.raises(ValueError, match=r"^start: wanted a vector of length \d+"):
        leading_triplets(general([2.0], m, n), start=[short])
    with pytest.raises(ValueError, match=r"^start: wanted a vector of length 300"):
        leading_triplets(Symmetric(symmetric([2.0])), start=[short])


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("kind", [Symmetric, np.asarray])
def test_not_converged(monkeypatch, kind, count):
    monkeypatch.setattr(MODULE, "FALLBACK_LIMIT", SIZE - 1)
    A = symmetric([2.0], bulk=1.99)
    with pytest.raises(
        NotConverged, match=r"^restarts: .* after 1 of them; the best value so far is \d"
    ) as error:
        leading_triplets(kind(A), count, tolerance=1e-14, restarts=1)
    sigma, best = np.linalg.svd(A, compute_uv=False), error.value.triplets
    assert len(best) == count
    assert best[0].sigma > 0.9 * sigma[0]
    assert max(triplet.residual / triplet.sigma for triplet in best) > 1e-14
    for triplet in best:
        assert triplet.residual == pytest.approx(measured(A, triplet), rel=1e-6, abs=1e-13)
        assert np.abs(sigma - triplet.sigma).min() <= triplet.residual + 1e-13
        assert np.linalg.norm(triplet.v) == pytest.approx(1, rel=1e-4)
    assert leading_triplets(kind(A), count, tolerance=1e-14)[0].sigma == pytest.approx(2, rel=1e-12)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("kind", [Symmetric, np.asarray])
def test_a_matrix_of_moderate_size_is_decomposed_where_lanczos_misses_the_tolerance(kind, count):
    """Without a gap below the largest values one restart gets nowhere near machine precision."""
    for A in (symmetric([], bulk=2.0), symmetric([-2.0, -2.0, 2.0], bulk=2 - 1e-9)):
        check(A, leading_triplets(kind(A), count, restarts=1), count, vectors=1e-12)
    if kind is np.asarray:
        A = general([2.0], 310, 290, bulk=2 - 1e-9)
        check(A, leading_triplets(A, count, restarts=1), count, vectors=1e-12)


@pytest.mark.parametrize("shape", [(300, 1600), (1600, 300)])
def test_a_longer_side_of_more_than_1500_is_not_decomposed(shape):
    A = np.zeros(shape)
    A[range(300), range(300)] = np.linspace(1, 2, 300)
    with pytest.raises(NotConverged, match=r"^restarts: "):
        leading_triplets(A, 1, restarts=1)


def test_a_residual_that_is_spoiled_is_a_reason_to_decompose(monkeypatch):
    monkeypatch.setattr(MODULE, "_attainable", lambda A, largest, tolerance: -1.0)
    A = symmetric([2.0, -1.9])
    check(A, leading_triplets(Symmetric(A)), 2)


def test_lanczos_is_what_runs_where_it_gets_there(monkeypatch):
    def never(A, count):
        raise AssertionError

    monkeypatch.setattr(MODULE, "_decomposed", never)
    A = symmetric([2.0, -1.9])
    check(A, leading_triplets(Symmetric(A)), 2)
    check(A, leading_triplets(A), 2)
    with pytest.raises(AssertionError):
        leading_triplets(Symmetric(symmetric([], bulk=2.0)), restarts=1)


@pytest.mark.parametrize("size", [8, SIZE])
def test_equal_values_of_both_signs_keep_u_and_v_together(monkeypatch, size):
    """An SVD may mix the vectors of 2 and of -2, and then u is neither v nor -v."""
    monkeypatch.setattr(MODULE, "DENSE_LIMIT", size)
    A = symmetric([2.0, -2.0, 2.0], size=size)
    for _, u, v in leading_triplets(Symmetric(A), 3):
        assert min(np.abs(u - v).max(), np.abs(u + v).max()) == 0


class Thin(LinearOperator):
    """A matrix as an operator, or with ``wide`` its transpose, that is not asked for more than ten
    columns.
    """

    def __init__(self, matrix, wide=False):
        super().__init__(matrix.dtype, matrix.shape[::-1] if wide else matrix.shape)
        self.matrix, self.wide = matrix, wide

    def _matmat(self, X):
        assert X.shape[1] <= 10
        return (self.matrix.T if self.wide else self.matrix) @ X

    def _transpose(self):
        return Thin(self.matrix, not self.wide)


@pytest.mark.parametrize("wide", [False, True])
def test_a_thin_matrix_is_decomposed_from_its_short_side(wide):
    matrix = np.zeros((10**5, 3))
    matrix[[7, 70, 700], [0, 1, 2]] = [1.0, 3.0, 2.0]
    assert [t.sigma for t in leading_triplets(Thin(matrix, wide), 3)] == pytest.approx([3, 2, 1])


@pytest.mark.parametrize("size", [5, SIZE])
@pytest.mark.parametrize(("name", "value", "kind"), BAD)
def test_bad_arguments_are_named(size, name, value, kind):
    with pytest.raises(kind, match=f"^{name}: wanted "):
        leading_triplets(np.eye(size), **{name: value})


def test_lowest_spares_the_lower_end_where_it_cannot_decide():
    A = symmetric([2.0, 1.8, -1.6], bulk=1)
    both, one = Symmetric(A), Symmetric(A, lowest=-1.7)
    check(A, leading_triplets(both, 2), 2)
    check(A, leading_triplets(one, 2), 2)
    assert one.products < 0.75 * both.products
    three = Symmetric(A, lowest=-1.7)  # the third one is at the lower end
    check(A, leading_triplets(three, 3), 3)
    assert three.products > 1.5 * one.products


@pytest.mark.parametrize("outer", [[2.0, -3.0], [2.0, -2.5, -2.5], [-2.0]])
@pytest.mark.parametrize("count", [1, 2])
def test_lowest_does_not_hide_a_lower_end_that_decides(outer, count):
    A = symmetric(outer)
    check(A, leading_triplets(Symmetric(A, lowest=min(outer)), count), count)


def test_two_runs_are_the_same_to_the_last_bit():
    A, B = symmetric([2.0, 2.0, -2.0]), general([2.0, 2.0], 280, 310)
    C = np.diag(np.repeat([3.0, 2.0, 1.0], 100))  # where ARPACK has to start anew
    for run in (
        partial(leading_triplets, matrix, 3) for matrix in (Symmetric(A), B, C, Symmetric(C))
    ):
        for one, two in zip(run(), run(), strict=True):
            assert one.sigma == two.sigma
            assert one.residual == two.residual
            assert np.array_equal(one.u, two.u)
            assert np.array_equal(one.v, two.v)


def test_a_triplet_is_a_tuple_of_three_with_a_residual():
    triplet = SingularTriplet(2.0, np.ones(2), np.zeros(3))
    assert np.isnan(triplet.residual)
    assert (len(triplet), triplet._fields) == (3, ("sigma", "u", "v"))
    [found] = leading_triplets(np.diag([3.0, 2.0]), 1)
    sigma, u, v = found
    assert (sigma, abs(u[0]), abs(v[0])) == (3, 1, 1)
    found.residual = 0.25
    for same in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        assert type(same) is SingularTriplet
        assert same.residual == 0.25
        assert same.sigma == 3
        assert np.array_equal(same.v, v)
    assert np.isnan(triplet.residual)
    assert np.isnan(SingularTriplet.residual)


def pools():
    """The threads of SciPy's BLAS, and of the others."""
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    own = [
        any(part.startswith("scipy") for part in Path(pool["filepath"]).parts[-3:-1])
        for pool in blas
    ]
    return tuple(
        [pool["num_threads"] for pool, its in zip(blas, own, strict=True) if its is of]
        for of in (True, False)
    )


class Watched(Symmetric):
    """It writes down the threads during its products with vectors, and may fail in one."""

    seen, fails = (), False

    def _matvec(self, x):
        self.seen += (pools(),)
        if self.fails and len(self.seen) == 9:
            raise ZeroDivisionError
        return self.matrix @ x


@pytest.mark.parametrize("fails", [False, True])
def test_scipy_has_one_thread_meanwhile(fails):
    with threadpool_limits(2, "blas"):
        before = pools()
        if not before[0] or not before[1]:
            pytest.skip("NumPy and SciPy have one BLAS together")
        A = Watched(symmetric([2.0, -2.0]))
        A.fails = fails
        if fails:
            with pytest.raises(ZeroDivisionError):
                leading_triplets(A, 1)
        else:
            leading_triplets(A, 1)
            assert len(A.seen) > 20
        assert before == pools() == ([2], [2])
        inside = A.seen[1 : None if fails else -1]  # not the look how large A is, nor the residual
        assert all(threads == ([1], [2]) for threads in inside)
        assert A.seen[0] == before


def spread(m, n=None):
    """A diagonal matrix with one singular value apart from the others: Lanczos finds it in few
    restarts.
    """
    A = np.zeros((m, n or m))
    size = min(A.shape)
    A[range(size), range(size)] = np.r_[2.0, np.linspace(0.5, 1, size - 1)]
    return A


@pytest.mark.parametrize(
    ("m", "n", "count", "decomposed"),
    [
        (72, 72, 1, True),
        (72, 400, 1, True),
        (73, 73, 1, False),
        (400, 73, 1, False),
        (144, 200, 2, True),
        (145, 200, 2, False),
    ],
)
def test_up_to_72_for_each_triplet_a_matrix_is_decomposed_at_once(
    monkeypatch, m, n, count, decomposed
):
    seen = []
    original = MODULE._decomposed
    monkeypatch.setattr(
        MODULE, "_decomposed", lambda A, count: seen.append(A.shape) or original(A, count)
    )
    assert leading_triplets(spread(m, n), count)[0].sigma == pytest.approx(2)
    assert seen == ([(m, n)] if decomposed else [])


@pytest.mark.parametrize("wide", [False, True])
def test_the_longer_side_of_a_matrix_that_may_be_decomposed_is_1500(wide):
    """`restarts` of 1 is too few for values that crowd together."""
    A = np.zeros((1501, 257))
    A[range(257), range(257)] = np.linspace(1, 2, 257)
    A, fits = (A.T, A[:1500].T) if wide else (A, A[:1500])
    assert leading_triplets(fits, 1, restarts=1)[0].sigma == pytest.approx(2, rel=1e-13)
    with pytest.raises(NotConverged, match=r"^restarts: "):
        leading_triplets(A, 1, restarts=1)


@pytest.mark.parametrize(
    ("longer", "restarts", "expected"),
    [(400, 1000, 50), (400, 40, 40), (1501, 1000, 1000), (1501, 40, 40)],
)
def test_lanczos_gives_up_after_50_restarts_where_a_decomposition_is_at_hand(
    monkeypatch, longer, restarts, expected
):
    seen, original = set(), arpack.eigsh

    def recorded(*arguments, **options):
        seen.add(options["maxiter"])
        return original(*arguments, **options)

    monkeypatch.setattr(arpack, "eigsh", recorded)
    assert leading_triplets(spread(longer, 257), 1, restarts=restarts)[0].sigma == pytest.approx(2)
    assert seen == {expected}


@pytest.mark.parametrize("count", [1, 2])
def test_the_worst_residual_of_all_decides_and_the_first_value_is_its_scale(monkeypatch, count):
    A = symmetric([2.0, -1.5, 1.0])
    plain = leading_triplets(Symmetric(A), count)
    scale = reduced(Symmetric(A))[1]
    residuals = sorted(triplet.residual / scale for triplet in plain)
    seen, decomposed, original = [], [], MODULE._decomposed
    monkeypatch.setattr(
        MODULE, "_decomposed", lambda A, count: decomposed.append(count) or original(A, count)
    )
    for attainable, accepted in (
        (residuals[-1], True),
        (residuals[0] * (1 if count > 1 else 0.5), False),
        (residuals[-1] * 0.999, False),
    ):
        monkeypatch.setattr(
            MODULE, "_attainable", lambda A, *rest, limit=attainable: seen.append(rest) or limit
        )
        leading_triplets(Symmetric(A), count, tolerance=0.0)
        assert decomposed == ([] if accepted else [count])
        decomposed.clear()
    assert len(set(residuals)) == count
    assert seen == [(plain[0].sigma / scale, 0.0)] * 3


@pytest.mark.parametrize(
    ("dtype", "lowest", "largest", "tolerance", "expected"),
    [
        (np.float64, -5.0, 3.0, 0.0, 3 * 2.0**-26),  # the root of the rounding
        (np.float64, -5.0, 3.0, 1e-3, 3e-2),  # ten tolerances
        (np.float64, -5.0, 3.0, 1e-10, 3 * 2.0**-26),
        (np.float64, -5.0, 1e-9, 0.0, 10 * 2.0**-52 * (1e-9 + 10)),  # the rounding of |B| + 2 alpha
        (np.float64, -5.0, 1e-9, 1.0, 1e-8),
        (np.float64, None, 1e-9, 0.0, 1e-9 * 2.0**-26),
        (np.float64, None, 1e-9, 1e-3, 1e-11),
        (np.float32, -5.0, 3.0, 0.0, 3 * 2.0**-11.5),
        (np.float32, -5.0, 1e-9, 0.0, 10 * 2.0**-23 * (1e-9 + 10)),
    ],
)
def test_the_residual_that_is_accepted_by_hand(dtype, lowest, largest, tolerance, expected):
    A = Symmetric(np.eye(2, dtype=dtype), lowest)
    assert MODULE._attainable(A, largest, tolerance) == pytest.approx(expected, rel=1e-12, abs=0)
    assert MODULE._attainable(Symmetric(np.eye(2, dtype=dtype), -1.0), 2.5, 0.0) == pytest.approx(
        2.5 * float(np.finfo(dtype).eps) ** 0.5, rel=1e-12
    )


class Counted(LinearOperator):
    """Any matrix as an operator that counts its products, those of its transpose included."""

    def __init__(self, matrix, products=None):
        super().__init__(matrix.dtype, matrix.shape)
        self.matrix, self.products = matrix, [] if products is None else products

    def _matmat(self, X):
        self.products.append(X.shape[1])
        return self.matrix @ X

    def _adjoint(self):
        return Counted(self.matrix.T, self.products)

    def _transpose(self):
        return self._adjoint()

    def _rmatmat(self, X):
        return self._adjoint()._matmat(X)


@pytest.mark.parametrize(("m", "n"), [(300, 300), (310, 290), (290, 310)])
def test_the_side_that_lanczos_iterates_on_is_the_one_that_it_starts_from(m, n):
    """The other vector of the start, of which it makes nothing, is a wrong one."""
    A = general([2.0], m, n, bulk=1.98)
    [(sigma, u, v)] = leading_triplets(A, 1)
    start = (
        SingularTriplet(sigma, u, np.roll(v, 1))
        if m < n
        else SingularTriplet(sigma, np.roll(u, 1), v)
    )
    cold, warm = Counted(A), Counted(A)
    check(A, leading_triplets(cold, 1, 1e-6), 1, 1e-6)
    check(A, leading_triplets(warm, 1, 1e-6, start=[start]), 1, 1e-6)
    assert sum(warm.products) < 0.8 * sum(cold.products)


@pytest.mark.parametrize("size", [8, SIZE])
@pytest.mark.parametrize("scale", [1e-3, 0.5, 1.0, 1e3])
def test_u_is_minus_v_where_the_value_is_negative_however_small(size, scale):
    A = scale * symmetric([2.0, -1.5, 1.2], size=size)
    for (_, u, v), sign in zip(leading_triplets(Symmetric(A), 3), (1, -1, 1), strict=True):
        assert np.array_equal(u, sign * v)


@pytest.mark.parametrize("longer", [1500, 1501])
def test_an_error_of_arpack_is_no_end(monkeypatch, longer):
    """It may have no shifts left, where all values but the equal ones are tiny."""
    errors, original = [ArpackError(3)], arpack.eigsh

    def failing(*arguments, **options):
        if errors:
            raise errors.pop()
        return original(*arguments, **options)

    monkeypatch.setattr(arpack, "eigsh", failing)
    [found] = leading_triplets(spread(longer, 257), 1)
    assert errors == []
    assert found.sigma == pytest.approx(2, rel=1e-14)
    assert found.residual <= 1e-12


@pytest.mark.parametrize(("longer", "patient"), [(1500, False), (1501, True)])
def test_looser_tolerances_are_tried_only_where_there_is_no_decomposition(
    monkeypatch, longer, patient
):
    A, tolerances, original = np.zeros((longer, 257)), [], arpack.eigsh
    A[range(257), range(257)] = np.linspace(1, 2, 257)

    def recorded(*arguments, **options):
        tolerances.append(options["tol"])
        return original(*arguments, **options)

    monkeypatch.setattr(arpack, "eigsh", recorded)
    if patient:
        with pytest.raises(NotConverged):
            leading_triplets(A, 1, restarts=1)
        assert len(tolerances) > 1
        assert tolerances == sorted(set(tolerances))
    else:
        leading_triplets(A, 1, restarts=1)
        assert tolerances == [0.0]


def test_two_values_of_a_matrix_that_is_not_decomposed():
    """Above 1500 rows nothing stands in for Lanczos and its look for copies of the largest."""
    diagonal = np.linspace(-0.1, 0.1, 1600)
    diagonal[[7, 700]] = 4, 0.5
    found = leading_triplets(Symmetric(diags_array(diagonal).tocsr()), 2)
    assert [triplet.sigma for triplet in found] == pytest.approx([4, 0.5], rel=1e-12)
