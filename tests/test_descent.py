"""Algorithm 2.1: against the steps written out by hand, its history, and two facts about the
paper's kernel.
"""

import re
import sys

import numpy as np
import pytest
from strategies import GRAMS, reference_adjoint, reference_gram, reference_matrix, relative_error

from convreg import (
    ConvolutionOperator,
    DescentResult,
    NotConverged,
    SingularTriplet,
    extreme_singular_values,
    matlab_rand,
    minimize_penalty,
    penalty,
    penalty_gradient,
    power_update,
    shifted_gram,
)

FIELDS = (
    "estimate",
    "penalty",
    "sigma_max",
    "sigma_min",
    "condition_number",
    "residual",
    "selected",
)
EXACT = ("penalty", "sigma_max", "sigma_min", "condition_number")


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def by_hand(K, N, alpha, step, iterations, power_iterations, update, gram):
    """Algorithm 2.1 on dense matrices: the kernels, and of every entry of the history what is not
    exact.
    """
    M = reference_matrix(K, N)
    rows = gram == "rows" or (gram == "smaller" and M.shape[0] < M.shape[1])
    B = reference_gram(M, alpha, gram)
    U, sigma, Vt = np.linalg.svd(B)
    triplets = [(sigma[i], U[:, i], Vt[i]) for i in range(2)]
    u, v = triplets[0][1:]
    kernels, history = [K], [(sigma[0], np.linalg.norm(B @ v - sigma[0] * u), 0)]
    for _ in range(iterations):
        G = (
            np.outer(u, M.T @ v) + np.outer(v, M.T @ u)
            if rows
            else np.outer(M @ u, v) + np.outer(M @ v, u)
        )
        K = K - step * reference_adjoint(G, K.shape, N)
        M = reference_matrix(K, N)
        B = reference_gram(M, alpha, gram)
        if update == "svd":
            U, sigma, Vt = np.linalg.svd(B)
            triplets = [(sigma[i], U[:, i], Vt[i]) for i in range(2)]
        else:
            for i, (_, u, v) in enumerate(triplets):
                for _ in range(power_iterations):
                    u = B @ v / np.linalg.norm(B @ v)
                    s = np.linalg.norm(B.T @ u)
                    v = B.T @ u / s
                triplets[i] = (s, u, v)
        selected = 0 if triplets[0][0] >= triplets[1][0] else 1
        s, u, v = triplets[selected]
        kernels.append(K)
        history.append((s, np.linalg.norm(B @ v - s * u), selected))
    return kernels, history


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("update", ["power", "svd"])
@pytest.mark.parametrize(("g", "h", "seed"), [(2, 1, 3), (1, 2, 1), (2, 2, 0), (1, 1, 35)])
@pytest.mark.parametrize("power_iterations", [1, 2, 3])
def test_the_algorithm_by_hand(gram, update, g, h, seed, power_iterations):
    """With these seeds the second triplet overtakes the first on the way (update = "power")."""
    K, N = kernel(3, 3, g, h, seed=seed), 3
    kernels, history = by_hand(K, N, 2.0, 0.02, 6, power_iterations, update, gram)
    seen = []
    result = minimize_penalty(
        K,
        N,
        2.0,
        0.02,
        6,
        power_iterations,
        update,
        gram,
        callback=lambda i, K, e: seen.append((i, K.copy(), e)),
    )
    assert [i for i, _, _ in seen] == [1, 2, 3, 4, 5, 6]
    for found, expected in zip([K for _, K, _ in seen], kernels[1:], strict=True):
        assert relative_error(found, expected) < 1e-10
    assert relative_error(result.kernel, kernels[-1]) < 1e-10
    estimates, residuals, selected = zip(*history, strict=True)
    assert result.history.estimate == pytest.approx(estimates, rel=1e-10)
    assert [e for _, _, e in seen] == list(result.history.estimate[1:])
    assert result.history.residual == pytest.approx(residuals, abs=1e-8 * max(estimates))
    assert list(result.history.selected) == list(selected)
    for entry, K in zip(result.history, kernels, strict=True):
        sigma = np.linalg.svd(reference_matrix(K, N), compute_uv=False)
        R = np.linalg.norm(reference_gram(reference_matrix(K, N), 2.0, gram), 2)
        assert (entry.penalty, entry.sigma_max) == pytest.approx((R, sigma[0]), rel=1e-9)
        assert entry.sigma_min == pytest.approx(sigma[-1], abs=1e-9 * sigma[0])
        assert entry.condition_number == pytest.approx(sigma[0] / sigma[-1], rel=1e-7)


def test_step_6_may_be_any_function():
    """It gets the new B and the old triplets, in order; step 7 selects among what it returns."""
    K, N, given_triplets = kernel(3, 3, 2, 1, seed=3), 3, []

    def one_product_each(B, triplets):
        given_triplets.append(triplets)
        return power_update(B, triplets, 1)[::-1]

    found = minimize_penalty(K, N, 2.0, 0.02, 4, update=one_product_each)
    expected = minimize_penalty(K, N, 2.0, 0.02, 4, power_iterations=1)
    assert relative_error(found.kernel, expected.kernel) < 1e-12
    assert found.history.estimate == pytest.approx(expected.history.estimate, rel=1e-12)
    assert len(given_triplets) == 4
    assert all(len(triplets) == 2 for triplets in given_triplets)
    turned = np.arange(5) % 2  # every step turns the order round
    assert np.array_equal(found.history.selected, expected.history.selected ^ turned)


def test_the_second_triplet_is_selected_on_the_way():
    selected = minimize_penalty(kernel(3, 3, 2, 1, seed=3), 3, 2.0, 0.02, 6).history.selected
    assert set(selected) == {0, 1}


@pytest.mark.parametrize("update", ["power", "svd"])
def test_the_history(update):
    K = kernel(3, 3, 2, 2)
    result = minimize_penalty(K, 3, alpha=1.5, iterations=4, update=update)
    history = result.history
    assert history.dtype.names == FIELDS
    assert len(history) == 5
    assert not result.converged
    assert history.estimate[0] == pytest.approx(penalty(K, 3, 1.5), rel=1e-13)
    assert history.penalty[0] == penalty(K, 3, 1.5)
    assert (history.sigma_max[0], history.sigma_min[0]) == extreme_singular_values(K, 3)
    assert history.penalty[-1] == penalty(result.kernel, 3, 1.5)
    assert np.array_equal(history.condition_number, history.sigma_max / history.sigma_min)
    assert history.selected[0] == 0
    assert history.residual[0] < 1e-13 * history.estimate[0]
    assert (history.estimate <= history.penalty * (1 + 1e-13)).all()
    assert np.isfinite(history.residual).all()
    if update == "svd":
        assert (history.residual < 1e-12 * history.estimate[0]).all()
        assert (history.selected == 0).all()


@pytest.mark.parametrize("gram", GRAMS)
def test_the_smallest_singular_value_counts_where_alpha_is_large(gram):
    K = kernel(3, 3, 2, 2)
    history = minimize_penalty(K, 3, alpha=100.0, gram=gram, iterations=0).history
    assert (
        history.penalty[0] == penalty(K, 3, 100.0, gram) > abs(history.sigma_max[0] ** 2 - 100) + 10
    )
    assert history.estimate[0] == pytest.approx(history.penalty[0], rel=1e-13)


def test_defaults():
    """alpha = 1, a step of 0.01, 20 iterations, two of the power method, on M'M."""
    K = kernel(3, 3, 2, 1)
    found = minimize_penalty(K, 3)
    expected = minimize_penalty(K, 3, 1.0, 0.01, 20, 2, "power", "columns", 0.0, True, None)
    assert len(found.history) == 21
    assert np.array_equal(found.kernel, expected.kernel)
    assert np.isfinite(found.history.penalty).all()
    for other in (
        minimize_penalty(K, 3, alpha=1.1),
        minimize_penalty(K, 3, power_iterations=1),
        minimize_penalty(K, 3, update="svd"),
        minimize_penalty(K, 3, gram="rows"),
    ):
        assert not np.array_equal(found.kernel, other.kernel)


def test_one_step_is_one_gradient():
    K = kernel(4, 4, 1, 2)
    _, G = penalty_gradient(K, 3, 0.7)
    for update in ("power", "svd"):
        assert (
            relative_error(minimize_penalty(K, 3, 0.7, 0.03, 1, update=update).kernel, K - 0.03 * G)
            < 1e-13
        )


@pytest.mark.parametrize("gram", GRAMS)
def test_without_diagnostics_the_exact_values_are_nan(gram, monkeypatch):
    K = kernel(3, 3, 2, 1)
    full = minimize_penalty(K, 3, gram=gram, iterations=5)
    monkeypatch.setattr(sys.modules["convreg.descent"], "extremes", None)  # they cost nothing
    result = minimize_penalty(K, 3, gram=gram, iterations=5, diagnostics=False)
    for name in FIELDS:
        if name in EXACT:
            assert np.isnan(result.history[name]).all()
        else:
            assert np.array_equal(result.history[name], full.history[name])
    assert np.array_equal(result.kernel, full.kernel)


def test_no_iterations():
    K = kernel(3, 3, 1, 1)
    result = minimize_penalty(K, 3, iterations=0)
    assert len(result.history) == 1
    assert not result.converged
    assert np.array_equal(result.kernel, K)
    assert not np.shares_memory(result.kernel, K)


def test_no_power_iterations_keep_the_triplets():
    result = minimize_penalty(kernel(3, 3, 1, 1), 3, iterations=3, power_iterations=0)
    assert np.array_equal(result.history.estimate, np.full(4, result.history.estimate[0]))


def test_the_tolerance_ends_the_descent():
    """At the first step that changes the estimate by no more than this fraction of it."""
    K = kernel(3, 3, 1, 2, seed=1)
    full = minimize_penalty(K, 3, iterations=12)
    estimate = full.history.estimate
    changes = np.abs(np.diff(estimate)) / estimate[:-1]
    assert not full.converged
    for tolerance in np.sort(changes)[[2, 6, 10]] * (1 + 1e-9):
        first = int(np.argmax(changes <= tolerance)) + 1
        result = minimize_penalty(K, 3, iterations=12, tolerance=tolerance)
        assert result.converged
        assert np.array_equal(result.history.estimate, estimate[: first + 1])
    result = minimize_penalty(K, 3, iterations=12, tolerance=changes.min() * (1 - 1e-9))
    assert not result.converged
    assert len(result.history) == 13


@pytest.mark.parametrize(
    ("K", "step", "change"),
    [
        (3.0, 0.25, 0.84375),  # K becomes 1.5, the estimate K^2 - 1 falls from 8 to 1.25
        (3.0, 1.5, 3.375),  # K becomes -6, the estimate rises to 35
    ],
)
def test_the_tolerance_is_relative_and_takes_either_sign(K, step, change):
    for tolerance, length in ((change, 2), (np.nextafter(change, 0), 3)):
        assert len(minimize_penalty([[K]], 1, 1.0, step, 2, tolerance=tolerance).history) == length


def test_a_tolerance_of_0_takes_all_steps_even_where_nothing_changes():
    K = 0.1 * kernel(3, 3, 2, 1)  # below the barrier: the gradient is zero
    for update in ("power", "svd"):
        result = minimize_penalty(K, 2, iterations=7, update=update)
        assert len(result.history) == 8
        assert not result.converged
        early = minimize_penalty(K, 2, iterations=7, update=update, tolerance=1e-9)
        assert len(early.history) == 2
        assert early.converged


def test_the_callback_sees_every_step_and_may_end_the_descent():
    K, calls = kernel(3, 3, 1, 2), []

    def callback(iteration, kernel, estimate):
        calls.append((iteration, kernel.shape, estimate))
        return iteration == 3

    result = minimize_penalty(K, 3, iterations=9, callback=callback)
    assert [call[0] for call in calls] == [1, 2, 3]
    assert {call[1] for call in calls} == {K.shape}
    assert [call[2] for call in calls] == list(result.history.estimate[1:])
    assert all(isinstance(call[2], float) for call in calls)
    assert len(result.history) == 4
    assert not result.converged


@pytest.mark.parametrize("answer", [True, np.True_])
def test_true_ends_the_descent(answer):
    assert len(minimize_penalty([[2.0]], 1, iterations=3, callback=lambda *_: answer).history) == 2


def test_the_callback_cannot_change_the_kernel():
    def callback(iteration, kernel, estimate):
        kernel[:] = 0

    for K in ([[2.0]], kernel(3, 3, 1, 2)):
        found = minimize_penalty(K, 2, iterations=3, callback=callback)
        expected = minimize_penalty(K, 2, iterations=3)
        assert np.array_equal(found.kernel, expected.kernel)
        assert np.array_equal(found.history.estimate, expected.history.estimate)


@pytest.mark.parametrize("answer", [None, False, np.False_, 0, 1, "yes", [], np.ones(2)])
def test_any_other_answer_goes_on(answer):
    assert len(minimize_penalty([[2.0]], 1, iterations=3, callback=lambda *_: answer).history) == 4


def test_the_kernel_given_is_not_changed():
    K = kernel(3, 3, 2, 2)
    before = K.copy()
    for options in ({}, {"update": "svd"}, {"iterations": 0}):
        result = minimize_penalty(K, 3, **options)
        result.kernel[:] = np.nan
        assert np.array_equal(K, before)


def test_two_dimensions_stand_for_one_channel():
    K, shapes = kernel(3, 3), []
    result = minimize_penalty(K, 3, iterations=3, callback=lambda i, K, e: shapes.append(K.shape))
    expected = minimize_penalty(K[:, :, None, None], 3, iterations=3)
    assert result.kernel.shape == (3, 3)
    assert set(shapes) == {(3, 3)}
    assert np.array_equal(result.kernel, expected.kernel[:, :, 0, 0])
    assert np.array_equal(result.history.estimate, expected.history.estimate)


def test_one_pixel_has_one_triplet():
    """For K > 1 the gradient of K^2 - 1 is 2 K: every step of 0.1 multiplies K by 0.8."""
    result = minimize_penalty([[2.0]], 1, 1.0, 0.1, 3)
    kernels = 2.0 * 0.8 ** np.arange(4)
    assert result.kernel[0, 0] == pytest.approx(kernels[3], rel=1e-14)
    assert result.history.estimate == pytest.approx(np.abs(kernels**2 - 1), rel=1e-13)
    assert not result.history.selected.any()
    wide = minimize_penalty(np.full((1, 1, 3, 1), 2.0), 1, gram="smaller", iterations=2)
    assert not wide.history.selected.any()
    assert minimize_penalty([[2.0]], 1, 1.0, 0.1, 3, update="svd").kernel[0, 0] == pytest.approx(
        kernels[3]
    )


def test_singular_matrices_have_an_infinite_condition_number():
    K = np.zeros((3, 3))
    K[0, 0] = 2
    history = minimize_penalty(K, 3, iterations=0).history
    assert history.sigma_min[0] == 0
    assert history.condition_number[0] == np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("update", ["power", "svd"])
@pytest.mark.parametrize("gram", ["columns", "rows"])
def test_types(dtype, update, gram):
    K = (4 * kernel(3, 3, 2, 1)).astype(dtype)
    seen = []
    result = minimize_penalty(
        K, 3, iterations=3, update=update, gram=gram, callback=lambda i, K, e: seen.append(K.dtype)
    )
    wanted = np.float32 if dtype == np.float32 else np.float64
    assert set(seen) == {result.kernel.dtype} == {np.dtype(wanted)}
    assert all(result.history[name].dtype == np.float64 for name in FIELDS[:-1])
    expected = minimize_penalty(K.astype(float), 3, iterations=3, update=update, gram=gram)
    assert relative_error(result.kernel, expected.kernel) < (1e-5 if dtype == np.float32 else 1e-15)


@pytest.mark.parametrize("update", ["power", "svd"])
@pytest.mark.parametrize("diagnostics", [True, False])
@pytest.mark.parametrize(
    ("dtype", "learning_rate"),
    [(float, 1e308), (float, 1e200), (float, 1e20), (float, 1e5), (np.float32, 1e5)],
)
@pytest.mark.filterwarnings("error")
def test_a_step_that_overflows(update, diagnostics, dtype, learning_rate):
    """Caught before anything is computed from such a kernel: no warning, no estimate that is NaN or
    0.
    """
    K, estimates = matlab_rand(3, 3, 3, 1).astype(dtype), []
    message = (
        rf"^learning_rate: wanted .*, got {re.escape(str(learning_rate))}: .* at iteration (\d+)$"
    )
    with pytest.raises(FloatingPointError, match=message) as caught:
        minimize_penalty(
            K,
            4,
            1.0,
            learning_rate,
            update=update,
            diagnostics=diagnostics,
            callback=lambda i, K, e: estimates.append(e),
        )
    assert int(re.search(message, str(caught.value))[1]) == len(estimates) + 1
    assert np.isfinite(estimates).all()
    assert (np.diff(estimates) > 0).all()


@pytest.mark.parametrize(
    ("dtype", "scale", "alpha"),
    [
        (float, 1.0, 1e200),
        (float, 1e100, 1.0),
        (float, 1e200, 1.0),
        (np.float32, 1.0, 1e25),
        (np.float32, 1e15, 1.0),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_start_that_overflows(dtype, scale, alpha):
    """Otherwise the norms are infinite, the vectors zero, and so is the estimate."""
    K = (scale * matlab_rand(3, 3, 1, 1)).astype(dtype)
    with pytest.raises(ValueError, match=r"^K: wanted entries, and an alpha, "):
        minimize_penalty(K, 3, alpha, iterations=1)


@pytest.mark.parametrize(
    ("size", "alpha"),
    [
        ((np.finfo(float).max / 4000) ** 0.25, 1.0),  # |M|^4 is close to 9^4 = 6561 times size^4
        (1e80, 81e160),  # alpha is the bound on |M|^2
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_start_that_just_overflows(size, alpha):
    """Not the square of |K|^2, but that of |M|^2 <= (3 |K|)^2, or of alpha."""
    with pytest.raises(ValueError, match=r"^K: wanted entries, and an alpha, "):
        minimize_penalty(np.full((3, 3), size), 15, alpha, iterations=1)


def test_large_and_small_starts_that_do_not_overflow():
    """R_alpha is of degree two in K: the descent from c K with c^2 alpha is that from K, c times as
    large.
    """
    K = matlab_rand(3, 3, 2, 2)
    expected = minimize_penalty(K, 3, 1.0, 0.01, 4)
    for c in (2.0**200, 2.0**-200, 2.0**-480):
        found = minimize_penalty(c * K, 3, c**2, 0.01, 4)
        assert relative_error(found.kernel / c, expected.kernel) < 1e-10
        assert found.history.estimate / c**2 == pytest.approx(expected.history.estimate, rel=1e-10)
        assert found.history.condition_number == pytest.approx(
            expected.history.condition_number, rel=1e-8
        )


@pytest.mark.parametrize("gram", GRAMS)
def test_the_residual_bounds_the_estimate(gram):
    """Some singular value of B is within the residual of the estimate."""
    K, kernels = kernel(3, 3, 2, 1, seed=3), []
    result = minimize_penalty(
        K, 3, 2.0, 0.05, 8, 1, gram=gram, callback=lambda i, K, e: kernels.append(K.copy())
    )
    for entry, K in zip(result.history, [kernel(3, 3, 2, 1, seed=3), *kernels], strict=True):
        B = shifted_gram(ConvolutionOperator(K, 3), 2.0, gram)
        values = np.linalg.svd(B @ np.eye(B.shape[0]), compute_uv=False)
        assert np.abs(values - entry.estimate).min() <= entry.residual + 1e-12 * values[0]


@pytest.mark.parametrize(
    ("shape", "alpha", "at", "values"),
    [((3, 1), 0.1, 20, (0.961, 0.066, 1.619)), ((1, 3), 1.0, 17, (0.509, 0.014, 0.792))],
)
def test_the_residual_does_not_bound_the_error_of_the_estimate(shape, alpha, at, values):
    """A singular value of M'M - alpha I is within it, and R_alpha is ten times as far, or more."""
    kernels = []
    K = matlab_rand(3, 3, *shape, state=1)
    history = minimize_penalty(K, 15, alpha, callback=lambda i, K, R: kernels.append(K)).history
    estimate, residual, R = history.estimate[at], history.residual[at], history.penalty[at]
    assert (estimate, residual, R) == pytest.approx(values, abs=6e-4)
    assert R - estimate > 9 * residual
    values = np.linalg.svd(
        reference_gram(reference_matrix(kernels[at - 1], 15), alpha, "columns"), compute_uv=False
    )
    assert np.abs(values - estimate).min() <= residual
    assert values[0] == pytest.approx(R)


@pytest.mark.parametrize(("alpha", "lowest"), [(5.0, 6), (10.0, 4)])
def test_example_2_dips_below_alpha_and_comes_back(alpha, lowest):
    """The dip is the estimate's: the exact penalty of such a kernel is never below alpha."""
    result = minimize_penalty(matlab_rand(3, 3, 3, 1), 15, alpha, diagnostics=False)
    assert result.history.estimate.argmin() == lowest
    assert result.history.estimate[lowest] < alpha
    assert penalty(result.kernel, 15, alpha) >= alpha


def test_the_barrier_of_example_2_is_gone_with_rows(monkeypatch):
    """From 12.4 to about 1.1 with M M'; with M'M the descent stops at about 2.9."""
    monkeypatch.setattr(
        sys.modules["convreg.lanczos"], "DENSE_LIMIT", 100
    )  # quicker than the full SVD here
    K, N = matlab_rand(3, 3, 3, 1), 15
    condition = {}
    for gram in ("rows", "columns"):
        result = minimize_penalty(
            K, N, 1.0, 0.01, 200, update="svd", gram=gram, tolerance=1e-13, diagnostics=False
        )
        top, bottom = extreme_singular_values(result.kernel, N)
        condition[gram] = top / bottom
    top, bottom = extreme_singular_values(K, N)
    assert top / bottom == pytest.approx(12.37, abs=0.01)
    assert 1.05 < condition["rows"] < 1.2
    assert condition["columns"] == pytest.approx(2.88, abs=0.02)


def test_the_result_unpacks_into_kernel_history_and_converged():
    result = minimize_penalty([[2.0]], 1, iterations=1)
    assert isinstance(result, DescentResult)
    kernel, history, converged = result
    assert kernel.shape == (1, 1)
    assert len(history) == 2
    assert converged is False


@pytest.mark.parametrize(("g", "h", "N"), [(2, 2, 15), (2, 2, 17), (4, 4, 10)])
def test_an_update_by_svd_gives_the_penalty_at_every_step(g, h, N):
    """M'M is square and its lower end crowded, from where R_alpha = alpha - sigma_min^2 decides:
    400 to 578 rows.
    """
    history = minimize_penalty(matlab_rand(3, 3, g, h), N, iterations=25, update="svd").history
    assert (history.sigma_max[-1] ** 2 < 2 and history.sigma_min[-1] < 0.1) or g == 4
    assert history.estimate == pytest.approx(history.penalty, rel=1e-10)
    assert (history.residual <= 1e-7 * history.estimate).all()


@pytest.mark.parametrize("update", ["power", "svd"])
def test_a_start_that_misses_machine_precision_will_do(monkeypatch, update):
    """Steps 2 and 6 have two triplets, if not to the last digit; the residual shows it."""
    K, module = matlab_rand(3, 3, 1, 1), sys.modules["convreg.forms"]

    def misses(B, count):
        triplets = [SingularTriplet(1.0, v, v) for v in np.eye(B.shape[0])[:count]]
        raise NotConverged("restarts: wanted more", triplets)

    monkeypatch.setattr(module, "leading_triplets", misses)
    result = minimize_penalty(K, 5, iterations=30, update=update)
    assert result.history.estimate[0] == 1
    assert result.history.residual[0] > 1
    if update == "svd":
        assert (result.history.estimate == 1).all()
        return
    assert result.history.estimate[-1] == pytest.approx(result.history.penalty[-1], rel=0.1)


def test_a_rule_is_given_the_estimate_and_may_stand_still():
    seen = []

    def rule(R, G):
        seen.append(R)
        return 0.01 if len(seen) < 4 else 0.0

    history = minimize_penalty(
        matlab_rand(3, 3, 1, 2), 5, learning_rate=rule, iterations=15, power_iterations=1
    ).history
    assert seen == history.estimate[:-1].tolist()
    assert np.abs(history.estimate[1:4] - history.penalty[1:4]).min() > 1e-5
    assert np.ptp(history.penalty[3:]) < 1e-12


def test_a_callback_that_is_no_function_is_named():
    with pytest.raises(TypeError, match=r"^callback: wanted a function or None, got 3"):
        minimize_penalty([[1.0]], 1, iterations=1, callback=3)


@pytest.mark.parametrize("update", ["power", "svd"])
def test_a_kernel_is_checked_once_however_many_steps_it_takes(monkeypatch, update):
    """At the door; below it travels as the operator M."""
    checked = []
    for name, module in list(sys.modules.items()):
        original = getattr(module, "as_kernel", None)
        if name.startswith("convreg") and original is not None:

            def counted(K, *rest, original=original, **options):
                checked.append(K)
                return original(K, *rest, **options)

            monkeypatch.setattr(module, "as_kernel", counted)
    result = minimize_penalty(kernel(3, 3, 2, 3), 4, iterations=5, update=update)
    assert len(result.history) == 6
    assert len(checked) == 1


@pytest.mark.parametrize("gram", ["columns", "rows"])
@pytest.mark.parametrize("power_iterations", [1, 2, 3])
def test_the_gradient_and_the_residual_share_a_product(monkeypatch, gram, power_iterations):
    """M [u v] and then M'M v, beside four products of the update for each power iteration."""
    counts, taps = [], sys.modules["convreg._numerics.taps"]
    original = taps.Convolution.__call__

    def counted(self, X):
        counts[-1] += 1
        return original(self, X)

    monkeypatch.setattr(taps.Convolution, "__call__", counted)
    for iterations in (2, 5):
        counts.append(0)
        minimize_penalty(
            kernel(3, 3, 2, 3),
            3,
            iterations=iterations,
            power_iterations=power_iterations,
            gram=gram,
            diagnostics=False,
        )
    assert counts[1] - counts[0] == 3 * (4 * power_iterations + 2)


@pytest.mark.parametrize("shape", [(3, 3, 2, 1), (3, 3, 1, 2)])
@pytest.mark.parametrize("dtype", [int, bool, np.float32])
def test_a_step_6_of_ones_own_may_give_vectors_of_any_real_type(shape, dtype):
    K = kernel(*shape)

    def vectors_of(dtype):
        """Step 6 that always gives the first unit vector, twice as long."""

        def update(B, triplets):
            e = np.zeros(B.shape[0], dtype)
            e[0] = 1
            return [SingularTriplet(2.0, e, e) for _ in triplets]

        return minimize_penalty(K, 3, iterations=3, update=update)

    given, expected = vectors_of(dtype), vectors_of(float)
    assert given.kernel.dtype == np.float64
    assert relative_error(given.kernel, expected.kernel) < 1e-15


@pytest.mark.parametrize("side", ["u", "v"])
@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (lambda u: u.astype(complex), "wanted an array of real numbers, got dtype complex128"),
        (lambda u: u[:, np.newaxis], "wanted a vector of length 9, got the shape (9, 1)"),
    ],
)
def test_vectors_of_ones_own_step_6_that_are_none_are_refused(side, bend, said):
    def update(B, triplets):
        bent = []
        for sigma, u, v in triplets:
            pair = (bend(u), v) if side == "u" else (u, bend(v))
            bent.append(SingularTriplet(sigma, *pair))
        return bent

    with pytest.raises((TypeError, ValueError), match=f"^update: {re.escape(said)}$"):
        minimize_penalty(kernel(3, 3, 1, 1), 3, iterations=2, update=update)


def test_a_callback_that_is_an_empty_list_of_what_it_was_called_with():
    class Calls(list):
        def __call__(self, *arguments):
            self.append(arguments)

    calls = Calls()
    minimize_penalty(kernel(3, 3, 1, 1), 3, iterations=2, callback=calls)
    assert [iteration for iteration, *_ in calls] == [1, 2]


def of_vectors(bend, sigma=1.0):
    """Step 6 that bends one vector of each triplet."""
    return lambda B, triplets: [SingularTriplet(sigma, u, bend(v)) for _, u, v in triplets]


def raises(*arguments):
    raise ZeroDivisionError("of one's own")


BAD_UPDATES = {
    "None": lambda B, triplets: None,
    "no triplet": lambda B, triplets: [],
    "a number": lambda B, triplets: 3.0,
    "text": lambda B, triplets: "power",
    "one triplet": lambda B, triplets: triplets[0],
    "an array": lambda B, triplets: np.zeros((2, 3)),
    "a generator": lambda B, triplets: (triplet for triplet in triplets),
    "plain tuples": lambda B, triplets: [tuple(triplet) for triplet in triplets],
    "a None among them": lambda B, triplets: [triplets[0], None],
    "too long": of_vectors(lambda v: np.append(v, 0.0)),
    "too short": of_vectors(lambda v: v[1:]),
    "a matrix": of_vectors(lambda v: np.outer(v, v)),
    "complex": of_vectors(lambda v: 1j * v),
    "text in a vector": of_vectors(lambda v: ["a"] * len(v)),
    "NaN": of_vectors(lambda v: np.nan * v),
    "infinity": of_vectors(lambda v: np.full(len(v), np.inf)),
    "sigma NaN": of_vectors(np.copy, np.nan),
    "sigma infinite": of_vectors(np.copy, np.inf),
    "sigma negative": of_vectors(np.copy, -1.0),
    "sigma None": of_vectors(np.copy, None),
    "raises": raises,
    "no argument": lambda: [],
    "one argument": lambda B: [],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", ["squares", "values"])
@pytest.mark.parametrize("case", BAD_UPDATES)
def test_a_bad_step_6_of_ones_own_is_named(case, form):
    """And neither the learning rate nor anything else is; K is what it was."""
    K = kernel(3, 3, 2, 1)
    with pytest.raises((TypeError, ValueError), match=r"^update: wanted "):
        minimize_penalty(K, 3, iterations=2, update=BAD_UPDATES[case], form=form)
    assert np.array_equal(K, kernel(3, 3, 2, 1))


@pytest.mark.parametrize("rule", [raises, lambda: 0.1, lambda R: 0.1, lambda R, G: 10**400])
def test_a_rule_that_raises_is_named(rule):
    with pytest.raises(ValueError, match=r"^learning_rate: wanted ") as caught:
        minimize_penalty([[2.0]], 1, learning_rate=rule)
    assert rule is not raises or isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("callback", [lambda: None, lambda iteration, kernel: None])
def test_a_callback_of_other_arguments_is_named(callback):
    calls = []
    with pytest.raises(TypeError, match=r"^callback: wanted a function of the iteration, "):
        minimize_penalty([[2.0]], 1, learning_rate=calls.append, callback=callback)
    assert calls == []


def test_what_a_callback_raises_ends_the_descent_as_it_is():
    with pytest.raises(ZeroDivisionError):
        minimize_penalty([[2.0]], 1, callback=raises)
    minimize_penalty([[2.0]], 1, callback=max, iterations=0)  # built in, says nothing
