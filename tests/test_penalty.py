"""Section 2: R_alpha and its gradient, Theorem 2.1, and the extreme singular values."""

import sys
from functools import partial

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix
from scipy.sparse.linalg import aslinearoperator
from strategies import (
    DTYPES,
    GRAMS,
    cases,
    reference_adjoint,
    reference_gram,
    reference_matrix,
    relative_error,
    separable_kernel,
    separable_singular_values,
)

from convreg import (
    ConvolutionOperator,
    extreme_singular_values,
    leading_triplets,
    matlab_rand,
    minimize_penalty,
    penalty,
    penalty_gradient,
    polyak_step,
    power_update,
    shifted_gram,
    singular_value_bounds,
)

MODULE = sys.modules["convreg.penalty"]  # as an attribute of the package, the name is the function

alphas = st.floats(0.01, 50)
small = partial(cases, max_k=4, max_channels=3, max_N=4)


def exact_penalty(K, N, alpha, gram):
    return np.linalg.svd(reference_gram(reference_matrix(K, N), alpha, gram), compute_uv=False)[0]


@given(small(), alphas, st.sampled_from(GRAMS))
def test_penalty_is_the_largest_singular_value(case, alpha, gram):
    expected = exact_penalty(case.K, case.N, alpha, gram)
    scale = alpha + np.linalg.norm(reference_matrix(case.K, case.N), 2) ** 2
    assert abs(penalty(case.K, case.N, alpha, gram) - expected) <= 1e-12 * scale


@given(small(), alphas, st.sampled_from(GRAMS))
def test_penalty_gradient_gives_the_penalty(case, alpha, gram):
    expected = penalty(case.K, case.N, alpha, gram)
    scale = alpha + np.linalg.norm(reference_matrix(case.K, case.N), 2) ** 2
    assert abs(penalty_gradient(case.K, case.N, alpha, gram)[0] - expected) <= 1e-12 * scale


def test_defaults_are_alpha_1_and_columns():
    K = 0.1 * matlab_rand(2, 2, 2, 1)
    assert penalty(K, 2) == penalty(K, 2, 1.0, "columns") != penalty(K, 2, 1.0, "rows")
    assert penalty_gradient(K, 2)[0] == penalty_gradient(K, 2, 1.0, "columns")[0]
    assert shifted_gram(np.eye(2)).shape == (2, 2)
    assert np.array_equal(shifted_gram(np.ones((1, 2))) @ np.eye(2), [[0, 1], [1, 0]])
    assert np.array_equal(shifted_gram(np.ones((2, 1))) @ np.eye(1), [[1]])


@pytest.mark.parametrize(
    ("g", "h", "gram", "expected"),
    [
        (1, 1, "columns", 7.0),
        (1, 1, "rows", 7.0),
        (2, 1, "columns", 15.0),  # sigma^2 = 18, and a zero
        (2, 1, "rows", 15.0),
        (1, 2, "columns", 15.0),
    ],
)
def test_penalty_by_hand(g, h, gram, expected):
    """Every M is 3 or (3, 3) times the identity; alpha = 2 or 3."""
    alpha = 2.0 if g == h else 3.0
    assert penalty(np.full((1, 1, g, h), 3.0), 2, alpha, gram) == pytest.approx(expected, rel=1e-15)


@given(small(), alphas)
def test_a_kernel_with_fewer_rows_than_columns_cannot_beat_alpha(case, alpha):
    """Example 2: for h < g, M'M is singular, and R_alpha >= alpha, with equality for sigma_max^2 <=
    2 alpha.
    """
    K = case.K
    g, h = K.shape[2:]
    top = np.linalg.norm(reference_matrix(K, case.N), 2) ** 2
    for singular, gram in ((h < g, "columns"), (h > g, "rows")):
        if singular:
            R = penalty(K, case.N, alpha, gram)
            assert R == pytest.approx(max(alpha, top - alpha), rel=1e-12)
            assert R >= alpha


def test_descent_has_nowhere_to_go_below_the_barrier():
    """There v lies in the null space of M and the gradient (2.5) is zero; with M M' it is not."""
    K = 0.1 * matlab_rand(3, 3, 2, 1)
    R, G = penalty_gradient(K, 4, 1.0)
    assert pytest.approx(1.0, rel=1e-14) == R
    assert np.abs(G).max() < 1e-14
    R, G = penalty_gradient(K, 4, 1.0, "rows")
    assert R < 1
    assert np.linalg.norm(G) > 1e-3
    assert penalty(np.zeros((3, 3, 2, 1)), 4, 0.3) == 0.3


@given(small(), alphas, st.sampled_from(GRAMS))
def test_penalty_gradient_against_a_dense_computation(case, alpha, gram):
    """The subgradient of the dense singular triplet, where the largest singular value is simple."""
    K, N = case.K, case.N
    M = reference_matrix(K, N)
    U, sigma, Vt = np.linalg.svd(reference_gram(M, alpha, gram))
    assume(len(sigma) == 1 or sigma[0] - sigma[1] > 1e-3 * sigma[0])
    u, v = U[:, 0], Vt[0]
    rows = gram == "rows" or (gram == "smaller" and M.shape[0] < M.shape[1])
    outer = np.outer(u, M.T @ v) if rows else np.outer(M @ u, v)
    expected = 2 * reference_adjoint(outer, K.shape, N)  # u = v or u = -v: both terms are the same
    R, G = penalty_gradient(K, N, alpha, gram)
    assert isinstance(R, float)
    assert G.shape == K.shape
    assert np.linalg.norm(G - expected) <= 1e-10 * (1 + np.linalg.norm(K)) * len(sigma)


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize(("g", "h"), [(1, 1), (2, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize(("alpha", "low"), [(1.0, False), (100.0, True)])
def test_penalty_gradient_by_finite_differences(gram, g, h, alpha, low):
    """Where the smallest eigenvalue leads (low), only where M'M or M M' has no zero that never
    moves.
    """
    K, N, step = np.random.default_rng(7).standard_normal((3, 3, g, h)), 2, 1e-5
    R, G = penalty_gradient(K, N, alpha, gram)
    for direction in np.random.default_rng(8).standard_normal((3, *K.shape)):
        ahead, behind = (exact_penalty(K + t * direction, N, alpha, gram) for t in (step, -step))
        assert abs((ahead - behind) / (2 * step) - (G * direction).sum()) < 1e-7
    assert (R <= alpha * (1 + 1e-14)) == low


@given(small(), alphas, st.floats(0.1, 10), st.sampled_from(GRAMS))
def test_scaling(case, alpha, c, gram):
    """R_{c^2 alpha}(c K) = c^2 R_alpha(K); the gradient takes one factor c (where it exists)."""
    K, N = case.K, case.N
    R, G = penalty_gradient(K, N, alpha, gram)
    scaled, G_scaled = penalty_gradient(c * K, N, c**2 * alpha, gram)
    assert scaled == pytest.approx(c**2 * R, rel=1e-11)
    sigma = np.linalg.svd(reference_gram(reference_matrix(K, N), alpha, gram), compute_uv=False)
    if len(sigma) == 1 or sigma[0] - sigma[1] > 1e-3 * sigma[0]:
        assert np.linalg.norm(G_scaled - c * G) <= 1e-10 * c * (1 + np.linalg.norm(K)) * len(sigma)


@pytest.mark.parametrize("alpha", [1, 30])
def test_one_case_in_fifty_digits(alpha):
    """R_alpha and its derivative by a central difference in 50 digits (its own error: some 1e-30).

    With alpha = 1 the largest eigenvalue leads (u = v), with alpha = 30 the smallest (u = -v).
    """
    K = np.array([[3.0, -1, 2], [1, 4, -2], [-1, 1, 0.5]])
    N = 2

    def R_in_digits(K):
        M = mpmath.matrix(4, 4)
        for r, s, i, j in np.ndindex(2, 2, 2, 2):
            p, q = i - r + 1, j - s + 1
            M[2 * s + r, 2 * j + i] = K[p][q]
        eigenvalues = mpmath.eigsy(M.T * M - alpha * mpmath.eye(4), eigvals_only=True)
        return max(abs(eigenvalue) for eigenvalue in eigenvalues)

    with mpmath.workdps(50):
        exact = [[mpmath.mpf(entry) for entry in row] for row in K.tolist()]
        R, G = penalty_gradient(K, N, alpha)
        expected = R_in_digits(exact)
        assert abs(mpmath.mpf(R) - expected) < 1e-12 * expected
        assert abs(mpmath.mpf(penalty(K, N, alpha)) - expected) < 1e-12 * expected
        assert (expected <= alpha) == (alpha == 30)
        step = mpmath.mpf(10) ** -15
        for p, q in np.ndindex(3, 3):
            ahead, behind = ([row.copy() for row in exact] for _ in range(2))
            ahead[p][q] += step
            behind[p][q] -= step
            derivative = (R_in_digits(ahead) - R_in_digits(behind)) / (2 * step)
            assert abs(derivative - mpmath.mpf(float(G[p, q]))) < 1e-12 * max(1, abs(derivative))


@given(st.floats(0.01, 100), st.floats(0.001, 1))
def test_bounds_of_theorem_2_1(alpha, t):
    lower, upper, kappa = singular_value_bounds(alpha, t)
    assert lower**2 == pytest.approx((1 - t) * alpha, abs=1e-14 * alpha)
    assert upper**2 == pytest.approx((1 + t) * alpha, rel=1e-14)
    assert kappa == (np.inf if t == 1 else pytest.approx(upper / lower, rel=1e-12))


def test_bounds_by_hand():
    assert singular_value_bounds(2.0, 1.0) == (0.0, 2.0, np.inf)
    assert singular_value_bounds(1, 0.6) == pytest.approx((0.4**0.5, 1.6**0.5, 2.0), rel=1e-15)


@given(cases(max_k=4, max_channels=3, max_N=4), st.floats(0.05, 0.3), alphas)
def test_theorem_2_1_holds(case, noise, alpha):
    """For kernels near a multiple of the identity, so that R_alpha < alpha."""
    k = len(case.K)
    K = noise * case.K / np.linalg.norm(case.K.ravel(), 1) if case.K.any() else case.K.copy()
    g, h = K.shape[2:]
    K[(k + 1) // 2 - 1, (k + 1) // 2 - 1, range(min(g, h)), range(min(g, h))] += 1
    K *= alpha**0.5
    gram = "rows" if h < g else "columns"
    R = penalty(K, case.N, alpha, gram)
    assert R < alpha
    t = R / alpha * (1 + 1e-9) + 1e-14
    lower, upper, kappa = singular_value_bounds(alpha, t)
    sigma = np.linalg.svd(reference_matrix(K, case.N), compute_uv=False)
    assert lower < sigma[-1] <= sigma[0] < upper
    assert sigma[0] / sigma[-1] < kappa


@given(small(), alphas, st.sampled_from(GRAMS), st.integers(0, 4))
def test_the_estimate_is_never_above_the_penalty(case, alpha, gram, iterations):
    before = shifted_gram(ConvolutionOperator(case.K, case.N), alpha, gram)
    K = case.K + 0.1 * case.rng.standard_normal(case.K.shape)
    after = shifted_gram(ConvolutionOperator(K, case.N), alpha, gram)
    triplets = leading_triplets(before, min(2, before.shape[0]))
    if iterations:
        R = penalty(K, case.N, alpha, gram)
        estimates = [t.sigma for t in power_update(after, triplets, iterations)]
    else:
        R = penalty(case.K, case.N, alpha, gram)
        estimates = [t.sigma for t in triplets]
    assert max(estimates) <= R + 1e-12 * (alpha + np.linalg.norm(K) ** 2 * len(K) ** 2)


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize(("m", "n"), [(4, 3), (3, 4), (3, 3)])
def test_shifted_gram_takes_any_kind_of_matrix(gram, m, n):
    rng = np.random.default_rng(m)
    M, alpha = rng.standard_normal((m, n)), 1.7
    expected = reference_gram(M, alpha, gram)
    X = rng.standard_normal((len(expected), 2))
    for given_as in (M, M.tolist(), csr_array(M), csr_matrix(M), aslinearoperator(M)):
        B = shifted_gram(given_as, alpha, gram)
        assert B.shape == expected.shape
        assert B.dtype == np.float64
        for A in (B, B.T, B.H):
            assert relative_error(A @ X, expected @ X) < 1e-14
            assert relative_error(A @ X[:, 0], expected @ X[:, 0]) < 1e-14
        assert relative_error(B.rmatvec(X[:, 0]), expected @ X[:, 0]) < 1e-14
        assert relative_error(B.rmatmat(X), expected @ X) < 1e-14


def test_shifted_gram_of_a_square_matrix():
    """Where both are of one size, "smaller" is the paper's M'M."""
    M = np.array([[1.0, 2.0], [0.0, 3.0]])
    assert np.array_equal(shifted_gram(M, 1.0, "smaller") @ np.eye(2), M.T @ M - np.eye(2))
    assert np.array_equal(shifted_gram(M, 1.0, "rows") @ np.eye(2), M @ M.T - np.eye(2))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gram", GRAMS)
def test_types(dtype, gram):
    K = matlab_rand(3, 3, 2, 1).astype(dtype)
    B = shifted_gram(ConvolutionOperator(K, 3), 1.0, gram)
    assert B.dtype == (B @ np.ones(B.shape[1], dtype)).dtype == dtype
    assert shifted_gram(K[:, :, 0, 0], 1.0, gram).dtype == dtype
    for integers in (
        np.eye(2, dtype=int),
        csr_array(np.eye(2, dtype=int)),
        aslinearoperator(np.eye(2, dtype=int)),
    ):
        assert shifted_gram(integers).dtype == np.float64
    R, G = penalty_gradient(K, 3, 1.0, gram)
    assert G.dtype == dtype
    assert pytest.approx(penalty(K, 3, 1.0, gram), rel=1e-12 if dtype == np.float64 else 1e-5) == R
    assert isinstance(penalty(K, 3, 1.0, gram), float)


@given(cases(max_k=5, max_channels=3, max_N=5))
def test_extreme_singular_values_are_those_of_numpy(case):
    sigma = np.linalg.svd(reference_matrix(case.K, case.N), compute_uv=False)
    found = extreme_singular_values(case.K, case.N)
    assert np.abs(np.subtract(found, sigma[[0, -1]])).max() <= 1e-11 * max(sigma[0], 1e-300)
    assert all(isinstance(value, float) for value in found)


@pytest.mark.parametrize("side", [0.49, 0.499, 0.4999, 0.49999, 0.5])
@pytest.mark.parametrize(("g", "h"), [(1, 1), (2, 1), (1, 2)])
def test_ill_conditioned_kernels_keep_their_digits(side, g, h):
    """Condition numbers of 600 to 11000: from M'M alone sigma_min would keep eight digits or so."""
    W = np.ones((h, g))
    K = separable_kernel(W, (1.0, side), (1.0, side))
    top, bottom = extreme_singular_values(K, 15)
    sigma = np.linalg.svd(reference_matrix(K, 15), compute_uv=False)
    expected = separable_singular_values(W[:1, :1], (1.0, side), (1.0, side), 15) * (g * h) ** 0.5
    assert top == pytest.approx(sigma[0], rel=1e-12)
    assert bottom == pytest.approx(sigma[-1], rel=1e-10)
    assert bottom == pytest.approx(expected[-1], rel=1e-10)


def test_well_conditioned_kernels_need_no_decomposition_of_m(monkeypatch):
    K = separable_kernel(np.eye(1), (1.0, 0.3), (1.0, 0.4))
    expected = separable_singular_values(np.eye(1), (1.0, 0.3), (1.0, 0.4), 5)
    monkeypatch.setattr(np.linalg, "svd", None)  # the slower way
    assert extreme_singular_values(K, 5) == pytest.approx((expected[0], expected[-1]), rel=1e-13)


def test_extreme_singular_values_are_in_double_precision():
    K = matlab_rand(3, 3, 2, 1).astype(np.float32)
    assert extreme_singular_values(K, 4) == extreme_singular_values(K.astype(np.float64), 4)


@pytest.mark.parametrize("N", [4, 40])
@pytest.mark.parametrize("side", [0.4, 0.5])
def test_extreme_singular_values_at_any_scale(N, side):
    """Scaling by a power of two is exact; so is the result, where M'M alone would overflow or
    underflow.
    """
    K = separable_kernel(np.eye(1), (1.0, side), (1.0, side))
    top, bottom = extreme_singular_values(K, N)
    for scale in (2.0**-900, 2.0**-10, -(2.0**10), 2.0**900):
        found = extreme_singular_values(scale * K, N)
        assert found == (abs(scale) * top, abs(scale) * bottom)


def test_the_scale_is_that_of_the_largest_entry():
    K = np.array([[0.0, 0, 0], [0, -(2.0**900), 1], [0, 0, 0]])
    assert extreme_singular_values(K, 3) == pytest.approx((2.0**900, 2.0**900), rel=1e-15)


@pytest.mark.filterwarnings("error")
def test_the_penalty_of_a_huge_kernel_names_it():
    with pytest.raises(ValueError, match=r"^K: wanted entries whose R_alpha does not overflow"):
        penalty(1e200 * matlab_rand(3, 3, 1, 1), 3)


@pytest.mark.parametrize(
    ("shape", "rows", "expected"),
    [
        ((1, 1), False, 0.75),
        ((1, 2), False, 1.0),
        ((2, 1), False, 0.75),
        ((1, 2), True, 0.75),
        ((2, 1), True, 1.0),
        ((1, 1), True, 0.75),
    ],
)
def test_sigma_min_counts_only_where_the_gram_matrix_is_not_singular(shape, rows, expected):
    assert MODULE.from_extremes(0.9, 0.5, shape, 1.0, rows) == expected


@pytest.mark.parametrize("K", [np.zeros((3, 3)), np.zeros((2, 2, 3, 1))])
def test_the_zero_kernel(K):
    assert extreme_singular_values(K, 3) == (0.0, 0.0)


@given(case=cases(max_k=5, max_channels=3, max_N=5, min_N=3))
def test_the_sparse_path_agrees_with_numpy(case):
    sigma = np.linalg.svd(reference_matrix(case.K, case.N), compute_uv=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["convreg.extremes"], "GRAM_LIMIT", 1)
        patch.setattr(np.linalg, "eigvalsh", None)  # the dense path is not taken
        found = extreme_singular_values(case.K, case.N)
    assert np.abs(np.subtract(found, sigma[[0, -1]])).max() <= 1e-11 * max(sigma[0], 1e-300)


@pytest.mark.parametrize(
    ("g", "h", "N", "outer", "inner"),
    [
        (1, 1, 40, (1.0, 0.3), (1.0, 0.4)),
        (1, 1, 41, (1.0, 0.5), (1.0, 0.5)),  # a condition number of 5e5
        (2, 1, 40, (1.0, 0.3), (1.0, 0.4)),
        (1, 2, 40, (1.0, 0.3), (1.0, 0.4)),
    ],
)
@pytest.mark.filterwarnings("error")
def test_large_problems_in_closed_form(g, h, N, outer, inner):
    W = np.arange(1.0, 1 + g * h).reshape(h, g)
    expected = separable_singular_values(W, outer, inner, N)[: min(g, h) * N**2]
    top, bottom = extreme_singular_values(separable_kernel(W, outer, inner), N)
    assert top == pytest.approx(expected[0], rel=1e-10)
    assert bottom == pytest.approx(expected[-1], rel=1e-9)


def test_a_large_problem_that_is_nearly_singular():
    """A condition number of 4e10: the factors of M keep what M'M, with 1.6e21, would lose."""
    N = 40
    side = (1e-5 - 1) / (2 * np.cos(N * np.pi / (N + 1)))  # the smallest factor is 1e-5
    K = separable_kernel(np.eye(1), (1.0, side), (1.0, side))
    top, bottom = extreme_singular_values(K, N)
    assert bottom == pytest.approx(1e-10, rel=1e-4)
    assert top == pytest.approx((2 - 1e-5) ** 2, rel=1e-12)


@pytest.mark.parametrize("shape", [(3, 3, 1, 1), (3, 3, 2, 1), (3, 3, 1, 2)])
def test_large_problems_that_are_exactly_singular(shape):
    K = np.zeros(shape)
    assert extreme_singular_values(K, 40) == (0.0, 0.0)
    K[0, 0, 0, 0] = 2  # a shift: nilpotent
    top, bottom = extreme_singular_values(K, 40)
    assert top == pytest.approx(2, rel=1e-12)
    assert bottom == pytest.approx(0, abs=1e-12)
    K[0, 0, 0, 0] = 0
    K[1] = np.array([1.0, 0, 1]).reshape(
        3, 1, 1
    )  # (1, 0, 1) along one axis: cos(pi/2) = 0 for odd N
    top, bottom = extreme_singular_values(K, 41)
    assert bottom == pytest.approx(0, abs=1e-12)
    channels = (shape[2] * shape[3]) ** 0.5
    assert top == pytest.approx(2 * np.cos(np.pi / 42) * channels, rel=1e-10)


CROWDED = [
    (3, 3, 12, 150.0), (2, 2, 12, 150.0), (1, 1, 20, 1000.0), (2, 4, 13, 300.0),
    (4, 2, 12, 300.0), (1, 1, 17, 50.0), (1, 1, 22, 150.0), (2, 2, 13, 100.0),
    (2, 2, 15, 1000.0), (4, 4, 9, 1000.0), (3, 3, 15, 300.0), (1, 2, 18, 100.0),
]  # fmt: skip


@pytest.mark.parametrize("tolerance", [0.0, 1e-6])
@pytest.mark.parametrize(("g", "h", "N", "alpha"), CROWDED)
def test_a_crowded_lower_end_that_decides(g, h, N, alpha, tolerance):
    """288 to 512 unknowns, the decisive values within 1e-6 alpha of one another: Lanczos alone
    can't part them.
    """
    K = matlab_rand(3, 3, g, h, state=1)
    B = reference_gram(reference_matrix(K, N), alpha, "smaller")
    R, G, triplet = penalty_gradient(K, N, alpha, "smaller", tolerance, full_output=True)
    assert pytest.approx(np.abs(np.linalg.eigvalsh(B)).max(), rel=max(tolerance, 1e-13)) == R
    assert triplet.residual <= max(10 * tolerance, 1e-7) * R
    assert penalty(K, N, alpha, "smaller", start=triplet) == pytest.approx(
        R, rel=max(tolerance, 1e-13)
    )
    assert np.linalg.norm(G) <= 2 * 3 * np.sqrt(alpha - R) + 1e-6 * R  # 2 k sigma_min


@pytest.mark.parametrize("tolerance", [0.0, 1e-6])
@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize(("g", "h", "N"), [(1, 1, 20), (2, 2, 15), (1, 3, 20), (1, 1, 45)])
def test_a_penalty_near_0_counts_its_rounding_against_the_norm_of_m(g, h, N, noise, tolerance):
    """Identity tap and noise: R_alpha is far below ``|M|^2 + alpha = 2``, whose rounding its own
    error is.
    """
    K = noise * np.random.default_rng(0).standard_normal((3, 3, g, h))
    K[1, 1, range(min(g, h)), range(min(g, h))] += 1
    R, G, triplet = penalty_gradient(K, N, tolerance=tolerance, full_output=True)
    assert pytest.approx(penalty(K, N), rel=1e-6, abs=1e-14) == R
    assert triplet.residual <= max(10 * tolerance, 1.5e-8) * R + 1e-14
    assert np.isfinite(G).all()


def test_a_step_does_not_fail_where_the_descent_succeeds():
    K = np.zeros((3, 3, 1, 1))
    K[1, 1] = 1
    K += 1e-9 * np.random.default_rng(0).standard_normal(K.shape)
    history = minimize_penalty(
        K, 20, learning_rate=polyak_step, iterations=20, update="svd"
    ).history
    assert history.penalty[0] > 5e-9
    assert history.penalty[-1] < history.penalty[0]
    assert np.abs(history.estimate - history.penalty).max() < 1e-14


def test_the_gram_matrix_of_a_double_m_is_double_whatever_it_is_applied_to():
    y = shifted_gram(np.diag([3.0, 1.0]), 0.1) @ np.ones(2, np.float32)
    assert y.dtype == np.float64
    assert y == pytest.approx([8.9, 0.9], rel=1e-15)


def test_an_alpha_of_single_precision_is_a_number_like_any_other():
    K = np.random.default_rng(0).standard_normal((3, 3, 2, 1))
    alpha = np.float32(0.1)
    R = penalty(K, 4, alpha)
    assert type(R) is float
    assert R == penalty(K, 4, float(alpha))
