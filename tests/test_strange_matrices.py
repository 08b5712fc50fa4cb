"""Matrices of every kind that Python has, and of every size of their entries.

What is not refused by name gives what the plain array of its numbers gives.
"""

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from strategies import reference_matrix

from convreg import (
    ConvolutionOperator,
    SingularTriplet,
    extreme_singular_values,
    leading_triplets,
    penalty_bounds,
    penalty_matrix_gradient,
    power_update,
    shifted_gram,
    singular_value_bounds,
)
from convreg.extremes import (
    GRAM_LIMIT,
    extremes,
    largest_singular_value,
    smallest_singular_value,
)
from convreg.forms import polar_penalty, values_penalty

try:
    import torch
except ImportError:
    torch = None

EPS = {np.float32: 2.0**-23, np.float64: 2.0**-52}
TYPES = ("f8", ">f8", "f4", ">f4", "f2", "g", "i1", "i8", "u2", "?")
FORMATS = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
SHAPES = ((6, 4), (4, 6), (5, 5), (150, 160), (160, 150))  # the last two by Lanczos


pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # np.matrix
    pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning"),  # dia_array
]

# ---------------------------------------------------------------------- kinds


class Frame:
    """What of a table of pandas counts here: products, a transpose, an array, and no one dtype."""

    def __init__(self, array):
        self.array, self.shape, self.T = array, array.shape, array.T

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)

    def __matmul__(self, other):
        return Frame(self.array @ other)


class Plain(LinearOperator):
    """An operator of vectors only, whose type is as it says."""

    def __init__(self, array, dtype):
        super().__init__(dtype, array.shape)
        self.array = array

    def _matvec(self, x):
        return self.array @ x

    def _rmatvec(self, y):
        return self.array.T @ y


class Columns(Plain):
    """One that gives lists, whatever the shape of a vector."""

    def _matvec(self, x):
        return (self.array @ x.ravel()).tolist()

    def _rmatvec(self, y):
        return (self.array.T @ y.ravel()).tolist()


class Own(Plain):
    """One that is its own transpose."""

    def _transpose(self):
        return self

    def _adjoint(self):
        return self


class Bounded(Own):
    """One that has a bound of its eigenvalues from below, which leaves the lower end to decide."""

    def __init__(self, array, dtype):
        super().__init__(array, dtype)
        self.lowest = -len(array) * float(np.abs(array).max())


def spread_out(array):
    """A view of every second number, backwards."""
    wide = np.zeros((2 * len(array), 3 * array.shape[1]), array.dtype)
    wide[::2, ::3] = array[::-1, ::-1]
    return wide[::2, ::3][::-1, ::-1]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def mapped(array, folder):
    found = np.memmap(folder / "matrix", array.dtype, "w+", shape=array.shape)
    found[:] = array
    return found


def with_duplicates(array, kind):
    """Every entry in two parts, the columns in no order, and zeros that are stored."""
    i, j = np.indices(array.shape).reshape(2, -1)[:, ::-1]
    parts = np.concatenate([array[i, j] - 1, np.ones(len(i))])
    both = np.tile(i, 2), np.tile(j, 2)
    if kind == "coo":
        return sp.coo_array((parts, both), shape=array.shape)
    order = np.argsort(both[0], kind="stable")
    ends = np.searchsorted(both[0][order], np.arange(len(array) + 1))
    return sp.csr_array((parts[order], both[1][order], ends), shape=array.shape)


DENSE = {
    "list": np.ndarray.tolist,
    "tuple": lambda A: tuple(map(tuple, A.tolist())),
    "np.matrix": np.asmatrix,
    "Fortran": np.asfortranarray,
    "view": spread_out,
    "read only": read_only,
    "frame": Frame,
    "unmasked": lambda A: np.ma.array(A, mask=np.zeros_like(A, dtype=bool)),
}
OPERATORS = {
    "of an array": aslinearoperator,
    "of a sparse one": lambda A: aslinearoperator(sp.csc_array(A)),
    "vectors": lambda A: Plain(A, "f8"),
    "of no type": lambda A: Plain(A, None),
    "lists": lambda A: Columns(A, "f8"),
    "sum": lambda A: aslinearoperator(A - 1) + aslinearoperator(np.ones_like(A)),
    "product": lambda A: aslinearoperator(A / 2) @ aslinearoperator(2 * np.eye(A.shape[1])),
    "multiple": lambda A: 2 * aslinearoperator(A / 2),
    "transpose": lambda A: aslinearoperator(A.T).T,
    "adjoint": lambda A: aslinearoperator(A.T).H,
    "functions": lambda A: LinearOperator(
        A.shape, matvec=lambda x: A @ x, rmatvec=lambda y: A.T @ y
    ),
}
KINDS = {
    **{f"array {name}": partial(np.asarray, dtype=name) for name in TYPES},
    **DENSE,
    **{f"{name}_array": getattr(sp, f"{name}_array") for name in FORMATS},
    **{f"{name}_matrix": getattr(sp, f"{name}_matrix") for name in FORMATS},
    **{
        f"csr_array {name}": lambda A, name=name: sp.csr_array(A.astype(name))
        for name in TYPES
        if name not in ("f2", ">f8", ">f4")  # SciPy has none
    },
    **{f"{name} duplicates": partial(with_duplicates, kind=name) for name in ("coo", "csr")},
    **{f"operator {name}": kind for name, kind in OPERATORS.items()},
    **{
        f"operator {name}": lambda A, name=name: Plain(A.astype(name), name)
        for name in ("f4", "f2", "g", "i8", "?")
    },
}
if torch is not None:
    for kind in (torch.float64, torch.float32, torch.float16, torch.int32):
        KINDS[str(kind)] = partial(torch.tensor, dtype=kind)


def numbers(kind, shape):
    """Numbers that every type holds, with singular values apart; a bool holds 0 and 1 alone."""
    rng = np.random.default_rng(5)
    A = rng.integers(0, 2, shape) if kind.endswith("?") else rng.integers(0, 9, shape)
    A[:2, :2] = [[1, 0], [0, 1]]
    return A.astype(float)


def triplets_of(A, count):
    U, sigma, Vt = np.linalg.svd(A)
    return [SingularTriplet(sigma[j], U[:, j], Vt[j]) for j in range(count)]


def values(triplets):
    return np.array([triplet.sigma for triplet in triplets])


def check_leading(kind, A):
    found = leading_triplets(kind(A), 2)
    expected = np.linalg.svd(A, compute_uv=False)[:2]
    eps = EPS[found[0].sigma.dtype.type]
    assert np.abs(values(found) - expected).max() <= 20 * eps * expected[0]
    for sigma, u, v in found:
        assert type(u) is type(v) is np.ndarray
        rest = max(np.linalg.norm(A @ v - sigma * u), np.linalg.norm(A.T @ u - sigma * v))
        assert rest <= 2 * eps**0.5 * expected[0]


def check_gram(kind, A):
    for gram, square in (("columns", A.T @ A), ("rows", A @ A.T)):
        n = len(square)
        found = shifted_gram(kind(A), 2.0, gram) @ np.eye(n)
        assert np.abs(found - square + 2 * np.eye(n)).max() <= 1e-13 * np.abs(square).max()


def check_power(kind, A):
    starts = triplets_of(A + 0.1, 2)
    found, expected = power_update(kind(A), starts, 3), power_update(A, starts, 3)
    assert values(found) == pytest.approx(values(expected), rel=1e-13)
    for one, two in zip(found, expected, strict=True):
        assert np.abs(one.u - two.u).max() + np.abs(one.v - two.v).max() <= 1e-12


def check_gradient(kind, A):
    v = np.arange(1.0, A.shape[1] + 1)
    found = penalty_matrix_gradient(kind(A), v, v)
    assert type(found) is np.ndarray
    assert found == pytest.approx(2 * np.outer(A @ v, v), rel=1e-13)


def check_forms(kind, A):
    sigma = np.linalg.svd(A, compute_uv=False)
    loose = 2e-4 * sigma[0] ** 2  # of float32
    assert values_penalty(kind(A), 4.0, "smaller")[0] == pytest.approx(
        np.abs(sigma - 2).max(), abs=loose
    )
    assert polar_penalty(kind(A), 4.0)[0] == pytest.approx(((sigma - 2) ** 2).sum(), abs=loose)


CHECKS = {
    check.__name__[6:]: check
    for check in (check_leading, check_gram, check_power, check_gradient, check_forms)
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_matrix(kind, check):
    for shape in SHAPES if check == "leading" else SHAPES[:3]:
        CHECKS[check](KINDS[kind], numbers(kind, shape))


@pytest.mark.parametrize("check", ["leading", "gram"])
def test_a_matrix_in_a_file(tmp_path, check):
    CHECKS[check](partial(mapped, folder=tmp_path), numbers("", (6, 4)))


@pytest.mark.parametrize("kind", ["csr_array", "csr duplicates", "coo duplicates", "lil_array"])
def test_the_matrix_given_is_left_as_it_is(kind):
    A = KINDS[kind](numbers("", (6, 4)))
    stored, before = A.nnz, A.toarray()
    leading_triplets(A)
    assert A.nnz == stored
    assert np.array_equal(A.toarray(), before)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8"])
@pytest.mark.parametrize("size", [6, 150])
def test_an_operator_that_is_its_own_transpose(dtype, size):
    A = numbers("", (size, size))
    A = A + A.T
    found = leading_triplets(Own(A.astype(dtype), dtype), 2)
    expected = np.linalg.svd(A, compute_uv=False)[:2]
    assert values(found) == pytest.approx(expected, rel=1e-5)
    for _, u, v in found:
        assert min(np.abs(u - v).max(), np.abs(u + v).max()) == 0


# --------------------------------------------------------------- refused ones

ONES = np.ones((160, 150))
WITH_NAN = np.where(np.eye(160, 150) > 0, np.nan, 1.0)
WITH_INFINITY = np.where(np.eye(160, 150) > 0, -np.inf, 1.0)


def of_one_way(**ways):
    return LinearOperator((160, 150), matvec=lambda x: ONES @ x, dtype=float, **ways)


REFUSED = {
    "NaN": WITH_NAN,
    "infinity": WITH_INFINITY,
    "NaN float32": WITH_NAN.astype("f4"),
    "NaN list": WITH_NAN.tolist(),
    **{f"NaN {name}": getattr(sp, f"{name}_array")(np.diag([np.nan, 1.0])) for name in FORMATS},
    "infinity sparse": sp.csr_array(WITH_INFINITY),
    "NaN by a sum": sp.coo_array(([np.inf, -np.inf], ([0, 0], [0, 0])), shape=(160, 150)),
    "NaN operator": aslinearoperator(WITH_NAN),
    "infinity operator": aslinearoperator(WITH_INFINITY),
    "NaN later": LinearOperator(
        (160, 150), matvec=lambda x: ONES @ x, rmatvec=lambda y: ONES.T @ y * np.nan, dtype=float
    ),
    "overflow": aslinearoperator(np.full((160, 150), 1e308)),
    "no rmatvec": of_one_way(),
    "rmatvec of another length": of_one_way(rmatvec=lambda y: y),
    "complex products": of_one_way(rmatvec=lambda y: ONES.T @ y * 1j),
    "complex": ONES * 1j,
    "complex sparse": sp.csr_array(ONES * 1j),
    "objects": ONES.astype(object),
    "masked": np.ma.masked_equal(np.eye(160, 150), 1),
    "a vector": np.ones(160),
    "a stack": np.ones((2, 160, 150)),
    "empty": np.ones((0, 150)),
    "nothing": None,
    "a number": 3,
    "text": "abc",
}
if np.finfo(np.longdouble).max > np.finfo(float).max:
    REFUSED["too long"] = ONES * np.longdouble("1e400")
    REFUSED["too long sparse"] = sp.csr_array(REFUSED["too long"])
if torch is not None:
    REFUSED["requires grad"] = torch.ones(160, 150, requires_grad=True)
    REFUSED["bfloat16"] = torch.ones(160, 150, dtype=torch.bfloat16)
TAKERS = {
    "A": leading_triplets,
    "M": lambda M: leading_triplets(shifted_gram(M)),
    "M of the forms": values_penalty,
}


@pytest.mark.parametrize("name", TAKERS)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_real_matrix_is_refused_by_name(kind, name):
    with pytest.raises((TypeError, ValueError), match=rf"^{name[0]}: wanted [^\n]*\Z"):
        TAKERS[name](REFUSED[kind])


def test_a_number_that_no_product_may_give():
    """Only some vectors show it: the check is at every product."""
    A = np.diag(np.arange(1.0, 91))

    def product(x):
        return A @ x * (np.nan if abs(x[-1]) > 0.9 * np.linalg.norm(x) else 1.0)

    operator = LinearOperator((90, 90), matvec=product, rmatvec=product, dtype=float)
    with pytest.raises(ValueError, match=r"^A: wanted finite "):
        leading_triplets(operator, 1)


# --------------------------------------------------------------------- starts

SQUARE = np.diag(np.r_[3.0, np.linspace(1, 2, 89)])
UNIT = np.ones(90)
BAD_STARTS = {
    "a number": 3,
    "text": "abc",
    "a triplet alone": SingularTriplet(1.0, UNIT, UNIT),
    "numbers": [3],
    "vectors": [UNIT],
    "tuples": [(1.0, UNIT, UNIT)],
    "an array": np.ones((90, 3)),
    "a set": {3},
    "short": [SingularTriplet(1.0, np.ones(7), np.ones(7))],
    "columns": [SingularTriplet(1.0, UNIT[:, np.newaxis], UNIT[:, np.newaxis])],
    "NaN": [SingularTriplet(1.0, UNIT * np.nan, UNIT * np.nan)],
    "infinity": [SingularTriplet(1.0, UNIT * np.inf, UNIT * np.inf)],
    "complex": [SingularTriplet(1.0, UNIT * 1j, UNIT * 1j)],
    "texts": [SingularTriplet(1.0, "abc", "abc")],
    "nothing in it": [SingularTriplet(1.0, None, None)],
    "the second": [SingularTriplet(1.0, UNIT, UNIT), None],
}
GOOD_STARTS = {
    "none": None,
    "empty": [],
    "zeros": [SingularTriplet(0.0, 0 * UNIT, 0 * UNIT)],
    "large": [SingularTriplet(1.0, 1e300 * UNIT, 1e300 * UNIT)] * 2,
    "small": (SingularTriplet(1.0, 1e-300 * UNIT, 1e-300 * UNIT),),
    "integers": [SingularTriplet(1, UNIT.astype(int), UNIT.astype(int))],
    "lists": [SingularTriplet(1.0, UNIT.tolist(), UNIT.tolist())],
    "opposite": [SingularTriplet(1.0, UNIT, UNIT), SingularTriplet(1.0, -UNIT, -UNIT)],
}


@pytest.mark.parametrize("kind", BAD_STARTS)
@pytest.mark.parametrize("size", [20, 90])
def test_a_start_that_is_none_is_refused_by_name(kind, size):
    A = SQUARE[:size, :size]
    start = BAD_STARTS[kind]
    with pytest.raises((TypeError, ValueError), match=r"^start: wanted "):
        leading_triplets(A, 1, start=start)


@pytest.mark.parametrize("kind", GOOD_STARTS)
def test_any_start_of_numbers_will_do(kind):
    [found] = leading_triplets(SQUARE, 1, start=GOOD_STARTS[kind])
    assert found.sigma == pytest.approx(3, rel=1e-14)


# --------------------------------------------------------------------- scales

MATRICES = {
    "array": np.asarray,
    "sparse": sp.csr_array,
    "operator": aslinearoperator,
    "symmetric": lambda A: Own(A, A.dtype),
    "bounded": lambda A: Bounded(A, A.dtype),
}
EXPONENTS = [("f8", e) for e in (-1000, -500, 500, 664, 1000)] + [
    ("f4", e) for e in (-110, -100, 50, 100, 110)
]


def scaled_matrix(size, dtype):
    """A symmetric one whose eigenvalue of the largest size is negative."""
    A = np.random.default_rng(7).standard_normal((size, size)).astype(dtype)
    A += A.T
    ends = np.linalg.eigvalsh(A)
    return A if abs(ends[0]) > ends[-1] else -A


@pytest.mark.parametrize(("dtype", "exponent"), EXPONENTS)
@pytest.mark.parametrize("kind", MATRICES)
@pytest.mark.parametrize("size", [5, 150])
def test_triplets_are_the_same_at_every_scale(kind, size, dtype, exponent):
    """To the last bit, if 2^exponent times them are numbers."""
    A = scaled_matrix(size, dtype)
    plain = leading_triplets(MATRICES[kind](A), 2)
    found = leading_triplets(MATRICES[kind](np.ldexp(A, exponent)), 2)
    expected = np.linalg.svd(A.astype(float), compute_uv=False)[:2]
    assert values(plain) == pytest.approx(expected, rel=20 * EPS[A.dtype.type])
    for one, two in zip(plain, found, strict=True):
        assert two.sigma.dtype == A.dtype
        assert two.sigma == np.ldexp(one.sigma, exponent)
        assert two.residual == np.ldexp(one.residual, exponent)
        assert np.array_equal(one.u, two.u)
        assert np.array_equal(one.v, two.v)


@pytest.mark.parametrize("size", [5, 150, 1501])
@pytest.mark.parametrize("kind", MATRICES)
def test_zeros(kind, size):
    A = np.zeros((size, 5 if kind in ("array", "sparse") and size > 150 else size), "f4")
    found = leading_triplets(MATRICES[kind](A), 2)
    assert [(sigma, triplet.residual) for triplet in found for sigma in triplet[:1]] == [(0, 0)] * 2
    for W in (np.stack([u for _, u, _ in found]), np.stack([v for _, _, v in found])):
        assert np.array_equal(W @ W.T, np.eye(2))


def test_large_terms_that_cancel():
    large = aslinearoperator(np.full((5, 5), 1e200))
    for A in (large - large, shifted_gram(1e20 * np.eye(5), 1e40)):
        [found] = leading_triplets(A, 1)
        assert found.sigma <= 1e25


@pytest.mark.parametrize("value", [5e-324, 1e-320, 1e-300, 1e308])
@pytest.mark.parametrize("kind", MATRICES)
def test_the_smallest_and_the_largest_numbers(kind, value):
    [found] = leading_triplets(MATRICES[kind](np.diag([value, 0.0, 0.0])), 1)
    assert (found.sigma, found.residual) == (value, 0)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("size", [5, 90])
@pytest.mark.parametrize("kind", MATRICES)
def test_values_that_do_not_fit_are_refused(kind, size, dtype):
    A = np.full((size, size), np.finfo(dtype).max / 2, dtype)
    with pytest.raises(ValueError, match=r"^A: wanted "):
        leading_triplets(MATRICES[kind](A), 1)


def test_sums_on_the_way_that_do_not_fit():
    """3e37 (1 + 2 cos(pi / 15))^2 is a float32; what a quick product adds up may be none."""
    M = ConvolutionOperator(np.full((3, 3), 3e37, "f4"), 14)
    [found] = leading_triplets(M, 1)
    assert found.sigma.dtype == np.float32
    assert found.sigma == pytest.approx(3e37 * (1 + 2 * np.cos(np.pi / 15)) ** 2, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e15, 1e150])
def test_the_shifted_gram_at_every_scale(scale):
    """Whose products are squares, which float32 has not at 1e-30 and 1e150."""
    A = scaled_matrix(90, "f8")
    sigma = np.linalg.svd(A, compute_uv=False)
    for dtype in ("f8", "f4") if 1e-20 < scale < 1e20 else ("f8",):
        M = (scale * A).astype(dtype)
        for alpha in (0.5 * scale**2, 200.0 * scale**2):
            expected = max(np.abs((scale * sigma) ** 2 - alpha))
            [found] = leading_triplets(shifted_gram(M, alpha), 1, 1e-6)
            assert found.sigma == pytest.approx(expected, rel=1e-5)
            assert found.residual <= 1e-5 * expected


K = np.random.default_rng(3).standard_normal((3, 3, 2, 3))
GEOMETRIES = {
    "formed": (K, 5, {}),
    "wide": (K.swapaxes(2, 3), 5, {}),
    "by Davidson": (K, 28, {}),
    "of one tap": (K[1:2, 1:2], 40, {}),
    "of waves": (K, 30, {"padding": "circular"}),
}


@pytest.mark.parametrize("exponent", [-1000, -500, 500, 664, 1000])
@pytest.mark.parametrize("case", GEOMETRIES)
def test_extreme_values_are_the_same_at_every_scale(case, exponent):
    kernel, N, geometry = GEOMETRIES[case]
    plain = extreme_singular_values(kernel, N, full_output=True, **geometry)
    found = extreme_singular_values(np.ldexp(kernel, exponent), N, full_output=True, **geometry)
    assert found[:2] == tuple(np.ldexp(plain[:2], exponent))
    assert found[2] == tuple(np.ldexp(plain[2], exponent))
    M = ConvolutionOperator(np.ldexp(kernel, exponent), N, **geometry)
    assert extremes(M) == pytest.approx(found[:2], rel=1e-9, abs=0)
    if min(M.shape) > GRAM_LIMIT:
        assert largest_singular_value(M) == pytest.approx(found[0], rel=1e-9, abs=0)
        assert smallest_singular_value(M) == found[1]


def test_extreme_values_are_those_of_the_matrix():
    for kernel, N, _ in (GEOMETRIES["formed"], GEOMETRIES["wide"]):
        sigma = np.linalg.svd(reference_matrix(kernel, N), compute_uv=False)
        found = extreme_singular_values(kernel, N)
        assert found == pytest.approx((sigma[0], sigma[-1]), rel=1e-12)


@pytest.mark.parametrize("case", GEOMETRIES)
def test_extreme_values_that_do_not_fit_are_refused(case):
    kernel, N, geometry = GEOMETRIES[case]
    kernel = np.full(kernel.shape, 1e308)
    with pytest.raises(ValueError, match=r"^K: wanted entries whose singular values"):
        extreme_singular_values(kernel, N, **geometry)
    with pytest.raises(ValueError, match=r"^K: wanted entries whose R_alpha"):
        penalty_bounds(kernel, N, **geometry)


@pytest.mark.parametrize("exponent", [-480, -300, 300, 500])
def test_bounds_are_the_same_at_every_scale(exponent):
    for alpha in (0.5, 100.0):
        plain = penalty_bounds(K, 5, alpha)
        found = penalty_bounds(np.ldexp(K, exponent), 5, np.ldexp(alpha, 2 * exponent))
        assert found == pytest.approx(np.ldexp(plain, 2 * exponent), rel=1e-15, abs=0)


def test_bounds_of_what_fits_though_its_square_does_not():
    """1.96e308 - 1.7e308."""
    lower, upper = penalty_bounds([[1.4e154]], 3, 1.7e308)
    assert lower <= 1.4e154 * (1.4e154 - 1.7e308 / 1.4e154) <= upper
    assert upper - lower <= 1e-11 * upper


@pytest.mark.parametrize("alpha", [5e-324, 1e-310, 1.7e308])
def test_the_bounds_of_theorem_1_at_the_smallest_and_the_largest_alpha(alpha):
    """Though (1 + t) alpha may be no number, or (1 - t) alpha 0."""
    for t in (0.25, 0.75):
        lower, upper, kappa = singular_value_bounds(alpha, t)
        assert lower == pytest.approx((1 - t) ** 0.5 * alpha**0.5, rel=1e-15, abs=0)
        assert upper == pytest.approx((1 + t) ** 0.5 * alpha**0.5, rel=1e-15, abs=0)
        assert kappa == pytest.approx(upper / lower, rel=1e-15)


@pytest.mark.parametrize("function", [extremes, largest_singular_value, smallest_singular_value])
def test_what_is_no_convolution_is_refused_by_name(function):
    for M in (np.eye(3), sp.csr_array(np.eye(3)), aslinearoperator(np.eye(3)), None, "abc", 3):
        with pytest.raises(TypeError, match=r"^M: wanted a ConvolutionOperator, got "):
            function(M)


@pytest.mark.parametrize("function", [extremes, largest_singular_value])
def test_a_tolerance_that_is_none_is_refused_by_name(function):
    kernel, N, _ = GEOMETRIES["by Davidson"]
    for tolerance, error in ((np.nan, ValueError), (-1, ValueError), ("1", TypeError)):
        with pytest.raises(error, match=r"^tolerance: wanted a finite number of at least 0, got "):
            function(ConvolutionOperator(kernel, N), tolerance)
