"""Three forms of the penalty against singular value decompositions, and descents on them."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import aslinearoperator
from strategies import (
    DTYPES,
    GRAMS,
    reference_adjoint,
    reference_gram,
    reference_matrix,
    relative_error,
)

from convreg import (
    clipped_polyak_step,
    extreme_singular_values,
    leading_triplets,
    minimize_penalty,
    penalty_gradient,
    polyak_step,
    power_update,
)
from convreg.examples import start_kernel
from convreg.forms import polar_penalty, values_penalty

KINDS = {"dense": np.asarray, "sparse": csr_array, "operator": aslinearoperator}
SHAPES = [(6, 6), (8, 5), (5, 8), (1, 3), (3, 1), (1, 1)]


def matrix(m, n, seed=0):
    return np.random.default_rng(seed).standard_normal((m, n))


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def relevant(M, gram):
    """The roots of the eigenvalues of M'M or M M': zeros too where it is the larger one."""
    m, n = M.shape
    size = {"columns": n, "rows": m, "smaller": min(m, n)}[gram]
    sigma = np.zeros(size)
    sigma[: min(m, n)] = np.linalg.svd(M, compute_uv=False)
    return sigma


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alpha", [0.09, 1.0, 6.25])
def test_the_value_and_the_gradient_of_the_farthest_singular_value(kind, gram, shape, alpha):
    M = matrix(*shape)
    S, w, v = values_penalty(KINDS[kind](M), alpha, gram)
    root = np.sqrt(alpha)
    gaps = relevant(M, gram) - root
    assert S == pytest.approx(np.abs(gaps).max(), rel=1e-12)
    at = int(np.abs(gaps).argmax())
    if at < min(shape):
        U, _, Vt = np.linalg.svd(M)
        expected = np.sign(gaps[at]) * np.outer(U[:, at], Vt[at])
    else:  # a zero that is there for every M of this shape
        expected = np.zeros(shape)
    assert np.allclose(np.outer(w, v), expected, rtol=0, atol=1e-7)


def test_either_end_may_decide():
    """1.4 is farther from 1 in the squares (0.96), 0.3 in the values (0.7)."""
    S, w, v = values_penalty(np.diag([1.4, 0.3]))
    assert S == pytest.approx(0.7, rel=1e-12)
    assert np.outer(w, v) == pytest.approx(np.diag([0.0, -1.0]), abs=1e-12)
    S, w, v = values_penalty(np.diag([1.8, 0.3]))
    assert S == pytest.approx(0.8, rel=1e-12)
    assert np.outer(w, v) == pytest.approx(np.diag([1.0, 0.0]), abs=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 2.0, 60.0])
@pytest.mark.parametrize("shape", [(3, 3, 2, 2), (3, 3, 1, 2)])
def test_the_gradients_of_squares_and_values_have_one_direction(shape, alpha):
    """Where the same end decides: one is 2 sigma times the other."""
    K, N = kernel(*shape), 4
    _, G = penalty_gradient(K, N, alpha)
    M = reference_matrix(K, N)
    sigma = np.linalg.svd(M, compute_uv=False)
    _, w, v = values_penalty(M, alpha)
    upper = np.abs(sigma[0] ** 2 - alpha) > np.abs(sigma[-1] ** 2 - alpha)
    assert upper == (np.abs(sigma[0] - alpha**0.5) > np.abs(sigma[-1] - alpha**0.5))
    deciding = sigma[0] if upper else sigma[-1]
    by_values = reference_adjoint(np.outer(w, v), K.shape, N)
    assert relative_error(G, 2 * deciding * by_values) < 1e-8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alpha", [0.25, 1.0, 4.0])
def test_the_distance_from_the_polar_factor(kind, shape, alpha):
    M = matrix(*shape)
    P, G = polar_penalty(KINDS[kind](M), alpha)
    U, sigma, Vt = np.linalg.svd(M, full_matrices=False)
    nearest = np.sqrt(alpha) * U @ Vt
    assert pytest.approx(np.linalg.norm(M - nearest) ** 2, rel=1e-12) == P
    assert pytest.approx(np.sum((sigma - np.sqrt(alpha)) ** 2), rel=1e-12) == P
    assert pytest.approx(2 * (M - nearest), abs=1e-12) == G


def remainders(value, gradient, M, step):
    """Those of Taylor's formula of order 1, with a step and half of it."""
    E = matrix(*M.shape, seed=9)
    E /= np.linalg.norm(E)
    slope = np.sum(gradient * E)
    return [abs(value(M + t * E) - value(M) - t * slope) for t in (step, step / 2)]


@pytest.mark.parametrize("shape", [(6, 6), (8, 5), (5, 8)])
@pytest.mark.parametrize("form", ["values", "polar"])
def test_the_remainder_falls_as_the_square_of_the_step(shape, form):
    M = matrix(*shape)
    if form == "values":
        _, w, v = values_penalty(M, 1.0, "smaller")
        value, gradient = lambda A: values_penalty(A, 1.0, "smaller")[0], np.outer(w, v)
    else:
        value, gradient = lambda A: polar_penalty(A)[0], polar_penalty(M)[1]
    whole, half = remainders(value, gradient, M, 1e-3)
    assert whole / half == pytest.approx(4, rel=0.05)
    wrong, wrong_half = remainders(value, gradient / 2, M, 1e-3)
    assert wrong / wrong_half == pytest.approx(2, rel=0.05)


def test_a_matrix_without_full_rank_has_a_polar_factor_all_the_same():
    P, G = polar_penalty(np.diag([2.0, 0.0]))
    assert pytest.approx(2.0) == P
    assert np.linalg.norm(G) == pytest.approx(2 * 2**0.5)
    S, w, v = values_penalty(np.zeros((2, 3)))
    assert (S, *w, *v.shape) == (1.0, 0.0, 0.0, 3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_type_is_kept(dtype):
    M = matrix(5, 4).astype(dtype)
    _, w, v = values_penalty(M)
    _, G = polar_penalty(M)
    assert w.dtype == v.dtype == G.dtype == dtype


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("call", [values_penalty, polar_penalty])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_entries_that_are_not_finite_are_named(call, value):
    with pytest.raises(ValueError, match=r"^M: wanted finite entries"):
        call(np.array([[1.0, value], [value, 1.0]]))


@pytest.mark.filterwarnings("error")
def test_entries_whose_squares_overflow():
    """S is of the size of the entries, P of that of their squares."""
    S, w, v = values_penalty(np.diag([1e160, 2e160]))
    assert pytest.approx(2e160, rel=1e-14) == S
    assert np.outer(w, v) == pytest.approx(np.diag([0.0, 1.0]), abs=1e-14)
    with pytest.raises(ValueError, match=r"^M: wanted entries, and an alpha, with which"):
        polar_penalty(np.diag([1e160, 2e160]))


def test_entries_whose_squares_do_not_overflow_will_do():
    P, G = polar_penalty(1e120 * np.eye(2))
    assert pytest.approx(2e240) == P
    assert pytest.approx(2e120 * np.eye(2)) == G


def test_a_matrix_too_large_for_its_polar_factor_is_refused():
    large = aslinearoperator(csr_array((10**5, 10**4)))
    wide = csr_array(([1.0], ([0], [0])), shape=(5, 200000))
    assert polar_penalty(wide)[1].shape == (5, 200000)
    with pytest.raises(MemoryError, match=r"^M: wanted at most 100,000,000 entries.* 100000 x 1"):
        polar_penalty(large)


@pytest.mark.parametrize(
    ("name", "call", "error"),
    [
        ("alpha", lambda: values_penalty(np.eye(2), 0), ValueError),
        ("alpha", lambda: polar_penalty(np.eye(2), -1.0), ValueError),
        ("gram", lambda: values_penalty(np.eye(2), 1.0, "row"), ValueError),
        ("M", lambda: values_penalty([1.0]), ValueError),
        ("M", lambda: polar_penalty([[1j]]), TypeError),
        ("form", lambda: minimize_penalty(np.eye(3), 4, form="value"), ValueError),
        ("form", lambda: minimize_penalty(np.eye(3), 4, form=None), ValueError),
    ],
)
def test_a_bad_argument_is_named(name, call, error):
    with pytest.raises(error, match=f"^{name}: wanted "):
        call()


# the descent


def values_by_hand(K, N, alpha, step, iterations, gram):
    """Two vectors, one for each end, by two iterations in a step: kernels, values, ends."""
    root, history = np.sqrt(alpha), []
    M = reference_matrix(K, N)
    gram_matrix = reference_gram(M, 0.0, gram)
    V = np.linalg.eigh(gram_matrix)[1][:, [-1, 0]]
    rows = gram == "rows" or (gram == "smaller" and M.shape[0] < M.shape[1])
    for iteration in range(iterations + 1):
        A = M.T if rows else M
        if iteration > 0:
            gram_matrix = A.T @ A
            for _ in range(4):  # two iterations, of two products each
                V[:, 0] = gram_matrix @ V[:, 0]
                V[:, 0] /= np.linalg.norm(V[:, 0])
            c = np.linalg.norm(A @ V[:, 0]) ** 2
            for _ in range(4):
                V[:, 1] = gram_matrix @ V[:, 1] - c * V[:, 1]
                V[:, 1] /= np.linalg.norm(V[:, 1])
        sizes = np.linalg.norm(A @ V, axis=0)
        end = int(np.abs(sizes - root).argmax())
        history.append((K, abs(sizes[end] - root), end))
        G = np.sign(sizes[end] - root) / sizes[end] * np.outer(A @ V[:, end], V[:, end])
        K = K - step * reference_adjoint(G.T if rows else G, K.shape, N)
        M = reference_matrix(K, N)
    return history


@pytest.mark.parametrize(
    ("g", "h", "gram"),
    [(2, 2, "columns"), (2, 2, "rows"), (1, 2, "columns"), (2, 1, "rows"), (2, 1, "smaller")],
)
@pytest.mark.parametrize("alpha", [1.0, 30.0])
def test_a_descent_on_the_values_by_hand(g, h, gram, alpha):
    K, N = kernel(3, 3, g, h, seed=1), 4
    expected = values_by_hand(K, N, alpha, 0.1, 5, gram)
    kernels = [K]
    found = minimize_penalty(
        K,
        N,
        alpha,
        0.1,
        5,
        gram=gram,
        form="values",
        callback=lambda iteration, K, estimate: kernels.append(K),
    )
    for mine, (theirs, _, _) in zip(kernels, expected, strict=True):
        assert relative_error(mine, theirs) < 1e-8
    assert found.history.estimate == pytest.approx([value for _, value, _ in expected], rel=1e-8)
    assert list(found.history.selected) == [end for _, _, end in expected]


def test_both_ends_are_met_on_the_way():
    found = minimize_penalty(
        kernel(3, 3, 1, 1, seed=1), 5, 1.0, clipped_polyak_step, 40, form="values"
    )
    assert set(found.history.selected) == {0, 1}
    assert found.history.penalty[-1] < 0.1 * found.history.penalty[0]


@pytest.mark.parametrize("update", ["power", "svd"])
@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize(("g", "h"), [(2, 2), (1, 2), (2, 1)])
def test_the_history_of_the_values(update, gram, g, h):
    """The exact penalty is the largest distance; the estimate is no more than it."""
    K, N, alpha = kernel(3, 3, g, h, seed=3), 4, 2.0
    kernels = [K]
    found = minimize_penalty(
        K,
        N,
        alpha,
        0.05,
        6,
        update=update,
        gram=gram,
        form="values",
        callback=lambda iteration, K, estimate: kernels.append(K),
    )
    for entry, now in zip(found.history, kernels, strict=True):
        sigma = relevant(reference_matrix(now, N), gram)
        exact = np.abs(sigma - np.sqrt(alpha)).max()
        assert entry.penalty == pytest.approx(exact, rel=1e-8)
        assert entry.estimate <= exact * (1 + 1e-9)
        if update == "svd":
            assert entry.estimate == pytest.approx(exact, rel=1e-8)
            assert entry.residual < 1e-8


def test_where_the_zero_of_a_wide_matrix_decides_nothing_moves():
    """M'M is singular for every K with h < g: its S is at least alpha^(1/2)."""
    K = 0.1 * kernel(3, 3, 2, 1)
    found = minimize_penalty(K, 4, 1.0, 0.1, 3, form="values")
    assert np.array_equal(found.kernel, K)
    assert list(found.history.penalty) == [1.0] * 4


def test_any_step_6_serves_both_ends():
    """It is called for the upper end, then for the lower one, with a triplet each."""
    K, N, seen = kernel(3, 3, 2, 2), 4, []

    def own(B, triplets):
        seen.append((B.lowest, len(triplets)))
        return power_update(B, triplets, 2)

    found = minimize_penalty(K, N, 1.0, 0.05, 3, update=own, form="values")
    expected = minimize_penalty(K, N, 1.0, 0.05, 3, form="values")
    assert np.array_equal(found.kernel, expected.kernel)
    assert [count for _, count in seen] == [1] * 6
    assert all(lowest == 0 for lowest, _ in seen[::2])
    assert all(lowest < 0 for lowest, _ in seen[1::2])


def test_a_step_6_with_more_than_one_triplet_gives_its_first():
    K, N = 0.1 * kernel(3, 3, 2, 1), 4
    options = {"update": lambda B, triplets: leading_triplets(B, 2), "form": "values"}
    assert np.array_equal(minimize_penalty(K, N, 1.0, 0.1, 3, **options).kernel, K)
    K = kernel(3, 3, 2, 2)
    found = minimize_penalty(K, N, 1.0, 0.1, 3, **options)
    expected = minimize_penalty(K, N, 1.0, 0.1, 3, update="svd", form="values")
    assert relative_error(found.kernel, expected.kernel) < 1e-8


@pytest.mark.parametrize(("g", "h"), [(2, 2), (1, 2), (2, 1)])
def test_a_descent_on_the_polar_form_by_hand(g, h):
    K, N, alpha = kernel(3, 3, g, h, seed=2), 4, 2.0
    found = minimize_penalty(K, N, alpha, 0.01, 4, form="polar")
    for entry in found.history:
        U, sigma, Vt = np.linalg.svd(reference_matrix(K, N), full_matrices=False)
        P = np.sum((sigma - np.sqrt(alpha)) ** 2)
        assert (entry.estimate, entry.penalty) == pytest.approx((P, P), rel=1e-9)
        assert entry.sigma_min == pytest.approx(sigma[-1], abs=1e-9)
        G = 2 * (reference_matrix(K, N) - np.sqrt(alpha) * U @ Vt)
        before, K = K, K - 0.01 * reference_adjoint(G, K.shape, N)
    assert relative_error(found.kernel, before) < 1e-10


def test_two_dimensions_stand_for_one_channel_in_every_form():
    K = kernel(3, 3)
    for form in ("squares", "values", "polar"):
        flat = minimize_penalty(K, 4, iterations=2, form=form).kernel
        whole = minimize_penalty(K[:, :, None, None], 4, iterations=2, form=form).kernel
        assert np.array_equal(flat, whole[:, :, 0, 0])


@pytest.mark.parametrize("form", ["squares", "values", "polar"])
def test_float32_stays(form):
    K = kernel(3, 3, 2, 2).astype(np.float32)
    result = minimize_penalty(K, 5, 1.0, 0.001, 3, form=form)
    exact = minimize_penalty(K.astype(float), 5, 1.0, 0.001, 3, form=form)
    assert result.kernel.dtype == np.float32
    assert result.history.dtype == exact.history.dtype
    assert relative_error(result.kernel, exact.kernel) < 1e-4


def test_the_square_case_moves_where_the_length_is_limited_and_not_the_rate():
    """A kernel 3x3x2x2, N = 15: kappa in the thousands by one rule, near 1 by the other.

    The same start, the same triplets, the same number of products.
    """
    kappa = {}
    for rule in (polyak_step, clipped_polyak_step):
        result = minimize_penalty(start_kernel(3, 2, 2), 15, 1.0, rule, 200, diagnostics=False)
        largest, smallest = extreme_singular_values(result.kernel, 15)
        kappa[rule] = largest / smallest
    assert kappa[polyak_step] > 1000
    assert kappa[clipped_polyak_step] < 1.1
