"""R_alpha against its alternatives: methods by hand, what a step costs, the best step, reports."""

import sys
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import LinearOperator
from strategies import cases, reference_adjoint, reference_matrix, relative_error

from convreg import (
    ConvolutionOperator,
    SingularTriplet,
    clipped_polyak_step,
    convolve,
    leading_triplets,
    minimize_penalty,
    polyak_step,
    power_update,
    shifted_gram,
)
from convreg.examples import start_kernel
from convreg.storage.tables import rounded
from convreg.studies.alternatives import (
    frobenius_penalty,
    orthogonality_penalty,
    parseval_retraction,
    self_convolution_penalty,
    spectral_norm_penalty,
    spectral_normalization,
)
from convreg.studies.comparison import (
    GRID,
    Result,
    best,
    compare,
    comparison_table,
    kernel_tables,
    measured,
    norm_error,
    ranking,
)
from convreg.studies.methods import (
    METHODS,
    MOST_STEPS,
    POWER_ITERATIONS,
    Method,
    exact_polar_cost,
    steps_within,
)
from convreg.studies.periodic import clip_periodic
from convreg.studies.polar import periodic_polar_penalty

MODULE = sys.modules[compare.__module__]
BY_NAME = {method.name: method for method in METHODS}
OF_R = ("R, columns", "R, smaller", "R, Polyak's step", "R, length limited")
BY_DESCENT = (*OF_R, "values, length limited")
ON_A_TORUS = ("clipping, periodic", "polar, periodic")
ON_W = ("orthogonality of W", "Parseval, W / k", "spectral norm of W", "normalised W")
WITHOUT_STEP = (*BY_DESCENT[2:], *ON_A_TORUS, "normalised W")
SHAPES = [(3, 3, 2, 1), (3, 3, 1, 2), (2, 2, 2, 2)]
MIXED = [(1, 2, 3, 4), (2, 1, 1, 4), (2, 3, 2, 5), (3, 1, 2, 5), (3, 2, 1, 6), (1, 5, 2, 1)]

each_method = pytest.mark.parametrize("name", BY_NAME)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_size = pytest.mark.parametrize(("k", "g", "h", "N"), MIXED)


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape) / shape[0]


def algorithm(gram, rule=None, form="squares"):
    return lambda K, N, size, steps: (
        minimize_penalty(K, N, 1.0, rule or size, steps, 2, gram=gram, form=form).kernel
    )


def repeated(step):
    def run(K, N, size, steps):
        for _ in range(steps):
            K = step(K, N, size)
        return K

    return run


def along(gradient):
    return repeated(lambda K, N, size: K - size * gradient(K, N))


BY_HAND = {
    "R, columns": algorithm("columns"),
    "R, smaller": algorithm("smaller"),
    "R, Polyak's step": algorithm("smaller", polyak_step),
    "R, length limited": algorithm("smaller", clipped_polyak_step),
    "values, length limited": algorithm("smaller", clipped_polyak_step, "values"),
    "Frobenius": along(lambda K, N: frobenius_penalty(K, N, 1.0)[1]),
    "self-convolution": along(lambda K, N: self_convolution_penalty(K)[1]),
    "clipping, periodic": repeated(lambda K, N, size: clip_periodic(K, N, 1.0)),
    "polar, periodic": repeated(lambda K, N, size: K - periodic_polar_penalty(K, N)[1] / 2),
    "orthogonality of W": along(lambda K, N: orthogonality_penalty(K)[1]),
    "Parseval, W / k": lambda K, N, size, steps: (
        repeated(lambda K, N, size: parseval_retraction(K, size))(K, N, size, steps) / K.shape[0]
    ),
    "spectral norm of W": along(lambda K, N: spectral_norm_penalty(K)[1]),
    "normalised W": lambda K, N, size, steps: spectral_normalization(K),
}


def dense_sigma(K, N):
    return np.linalg.svd(reference_matrix(K, N), compute_uv=False)[[0, -1]]


def preference(K, N):
    """The condition number to two digits, then the distance of the singular values from 1."""
    largest, smallest = dense_sigma(K, N)
    return float(f"{largest / smallest:.2g}"), np.abs(np.array([largest, smallest]) - 1).max()


def diagonal(*values):
    """A 1 x 1 kernel with these singular values."""
    return np.diag(np.asarray(values, float))[np.newaxis, np.newaxis]


def fake(run, has_rate=True):
    """A method that records its calls."""
    calls = []

    def recorded(K, N, size, steps):
        calls.append((N, size, steps))
        return run(K, N, size, steps)

    return Method("fake", recorded, lambda k, g, h, N: 1.0, has_rate), calls


def result(step=np.nan, steps=0, sigma_max=1.0, sigma_min=1.0, noise=0.0, smooth=0.0):
    return Result(step, steps, sigma_max, sigma_min, noise, smooth, np.ones((1, 1, 1, 1)))


def test_the_methods_are_those_known_by_hand():
    assert list(BY_NAME) == list(BY_HAND)
    assert len(METHODS) == len(BY_HAND)
    assert tuple(name for name, method in BY_NAME.items() if not method.has_rate) == WITHOUT_STEP
    assert [name for name, method in BY_NAME.items() if method.wide_only] == ["R, smaller"]
    assert POWER_ITERATIONS == 2
    assert MOST_STEPS == 1000


def test_the_grid_has_two_sizes_a_decade():
    assert list(GRID) == pytest.approx(
        [1e-5, 10**-4.5, 1e-4, 10**-3.5, 1e-3, 10**-2.5, 1e-2, 10**-1.5, 0.1]
    )


@each_method
@each_shape
@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_method_is_its_plain_function_repeated(name, shape, steps):
    K, N = kernel(*shape), 4
    before = K.copy()
    found = BY_NAME[name].run(K, N, 0.003, steps)
    assert found.shape == shape
    assert relative_error(found, BY_HAND[name](K, N, 0.003, steps)) < 1e-13
    assert np.array_equal(K, before)


@each_method
def test_every_step_and_its_size_count(name):
    K, N, run = kernel(3, 3, 2, 1), 4, BY_NAME[name].run
    assert relative_error(run(K, N, 0.003, 3), K) > 1e-3
    assert np.array_equal(run(K, N, 0.003, 3), run(K, N, 0.003, 4)) == (name == "normalised W")
    assert np.array_equal(run(K, N, 0.003, 3), run(K, N, 0.002, 3)) == (name in WITHOUT_STEP)


@pytest.mark.parametrize("name", BY_DESCENT)
def test_the_algorithm_computes_no_exact_values_on_the_way(name, monkeypatch):
    def refuse(*_):
        raise AssertionError("diagnostics")

    monkeypatch.setattr("convreg.descent.extremes", refuse)
    BY_NAME[name].run(kernel(3, 3, 2, 1), 4, 0.003, 2)


def test_the_frobenius_step_is_that_of_the_dense_matrix():
    K, N = kernel(3, 3, 2, 1), 4
    M = reference_matrix(K, N)
    G = reference_adjoint(4 * M @ (M.T @ M - np.eye(M.shape[1])), K.shape, N)
    assert relative_error(BY_NAME["Frobenius"].run(K, N, 0.01, 1), K - 0.01 * G) < 1e-12


def first_step(K, N, squares):
    """From the dense SVD: along M*(w v') at the end that decides, no longer than a half."""
    U, sigma, Vt = np.linalg.svd(reference_matrix(K, N), full_matrices=False)
    gaps = sigma**2 - 1 if squares else sigma - 1
    at = np.argmax(np.abs(gaps))
    slope = 2 * sigma[at] if squares else 1
    in_M = np.sign(gaps[at]) * slope * np.outer(U[:, at], Vt[at])
    G = reference_adjoint(in_M, K.shape, N)
    size = np.linalg.norm(G)
    return K - min(abs(gaps[at]) / size, 0.5) * G / size


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("name", ["R, length limited", "values, length limited"])
@pytest.mark.parametrize("shape", [(3, 3, 2, 1), (3, 3, 1, 2), (3, 3, 2, 2)], ids=str)
def test_the_first_step_that_is_limited_in_length_is_that_of_the_dense_matrix(shape, name, scale):
    K, N = scale * kernel(*shape, seed=3), 4
    expected = first_step(K, N, name[0] == "R")
    assert relative_error(BY_NAME[name].run(K, N, np.nan, 1), expected) < 1e-9


@pytest.mark.parametrize("name", [name for name, method in BY_NAME.items() if method.has_rate])
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_a_step_that_diverges_is_an_error(name):
    with pytest.raises(
        FloatingPointError, match=r"wanted one with which the penalty falls, got 10000000000.0"
    ):
        BY_NAME[name].run(kernel(3, 3, 2, 1), 4, 1e10, 200)


@pytest.mark.parametrize("start", [1.0, -1.0])
def test_entries_of_either_sign_may_grow_up_to_1e50(start):
    """One entry, the gradient is K itself, and a step of 11 multiplies it by -10."""
    run = BY_NAME["spectral norm of W"].run
    assert run(diagonal(start), 1, 11.0, 49) == pytest.approx(-start * 1e49)
    for steps in (51, 52):
        with pytest.raises(
            FloatingPointError, match=r"^step: wanted one with which the penalty falls, got 11.0$"
        ):
            run(diagonal(start), 1, 11.0, steps)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_a_kernel_that_is_not_a_number_is_an_error():
    with pytest.raises(FloatingPointError, match=r"^step: wanted "):
        BY_NAME["Parseval, W / k"].run(diagonal(1e10), 1, 1e300, 1)


def pattern_on_a_torus(k, g, h, N):
    """Where M has entries if no pixel is at the border."""
    M = np.zeros((h, N, N, g, N, N), int)
    for p, q, r, s in product(range(k), range(k), range(N), range(N)):
        M[:, r, s, :, (r + p) % N, (s + q) % N] = 1
    return M.reshape(h * N**2, g * N**2)


def operations_of(*factors):
    """Multiplications and additions of a product of sparse matrices, from their patterns."""
    return 2 * (factors[0] @ factors[1]).sum()


def of_a_product(k, g, h, N):
    M, v = pattern_on_a_torus(k, g, h, N), np.ones((g * N**2, 1), int)
    return operations_of(M, v) + operations_of(M.T, M @ v > 0)


def counted(k, g, h, N):
    """The products with M'M - alpha I of one power update, counted by an operator."""
    K, products = kernel(k, k, g, h), []
    B = shifted_gram(ConvolutionOperator(K, N), 1.0)

    def product_with_B(x):
        products.append(x)
        return B @ x

    n = g * N**2
    counting = LinearOperator((n, n), matvec=product_with_B, rmatvec=product_with_B, dtype=float)
    start = [SingularTriplet(np.nan, v, v) for v in np.eye(n)[:2]]
    power_update(counting, start, POWER_ITERATIONS)
    return len(products)


@each_size
def test_a_product_costs_4_operations_an_entry_of_M(k, g, h, N):
    N = max(N, k)
    product_costs = Method("product", None, lambda *_: of_a_product(k, g, h, N))
    assert steps_within(product_costs, (k, k, g, h), N, 7) == 7
    assert of_a_product(k, g, h, N) == 4 * k**2 * g * h * N**2


def test_a_power_update_is_8_products():
    assert counted(2, 2, 2, 3) == counted(3, 2, 1, 4) == 8


@each_size
@pytest.mark.parametrize("name", OF_R)
def test_an_iteration_is_a_power_update_and_a_gradient_of_2_products(name, k, g, h, N):
    """M u and M v are one product M'M v; the outer products, 2 operations an entry, another."""
    N = max(N, k)
    M = pattern_on_a_torus(k, g, h, N)
    gradient = 2 * operations_of(M, np.ones((g * N**2, 1), int)) + 2 * 2 * M.sum()
    assert gradient == 2 * of_a_product(k, g, h, N)
    assert BY_NAME[name].operations(k, g, h, N) == 8 * of_a_product(k, g, h, N) + gradient


@pytest.fixture
def products_of_an_iteration(monkeypatch):
    """The vectors that M or its transpose is multiplied by, in one iteration of a form."""
    counted = []
    for name in ("_matmat", "_rmatmat"):
        plain = getattr(ConvolutionOperator, name)

        def counting(self, X, plain=plain):
            counted.append(X.shape[1])
            return plain(self, X)

        monkeypatch.setattr(ConvolutionOperator, name, counting)

    def of_an_iteration(form):
        totals = []
        for steps in (1, 2):
            counted.clear()
            algorithm("columns", form=form)(kernel(3, 3, 2, 2), 4, 0.01, steps)
            totals.append(sum(counted))
        return totals[1] - totals[0]

    return of_an_iteration


def test_with_a_triplet_for_each_end_an_iteration_takes_one_product_with_M_more(
    products_of_an_iteration,
):
    """M'M v is two of them, so that it is half a product more."""
    assert products_of_an_iteration("values") == products_of_an_iteration("squares") + 1
    for k, g, h, N in MIXED:
        half = BY_NAME["values, length limited"].operations(k, g, h, N)
        half -= BY_NAME["R, columns"].operations(k, g, h, N)
        assert half == 2 * k**2 * g * h * N**2


@each_size
def test_the_exact_polar_factor_takes_a_decomposition_of_the_dense_matrix(k, g, h, N):
    m, n = h * N**2, g * N**2
    assert exact_polar_cost(k, g, h, N) == 24 * m * n * min(m, n)


@each_size
def test_the_frobenius_penalty_takes_two_sparse_products(k, g, h, N):
    N = max(N, 2 * k - 1)
    M = pattern_on_a_torus(k, g, h, N)
    gram = (M.T @ M > 0).astype(int)
    assert BY_NAME["Frobenius"].operations(k, g, h, N) == operations_of(M.T, M) + operations_of(
        M, gram
    )


@each_size
def test_the_self_convolution_takes_two_passes_over_pairs_of_taps(k, g, h, N):
    pairs = list(product(range(k), repeat=4))
    expected = sum(2 * g * h * g + 2 * g * g * h for _ in pairs)
    assert BY_NAME["self-convolution"].operations(k, g, h, N) == expected


@each_size
def test_on_W_the_smaller_square_is_formed_and_multiplied_by_W(k, g, h, N):
    n = g * k**2
    square = min(2 * h * n * h + 2 * h * h * n, 2 * n * h * n + 2 * n * n * h)
    factors = dict(zip(ON_W, (1, 1, 6, 6), strict=True))
    assert {name: BY_NAME[name].operations(k, g, h, N) for name in ON_W} == {
        name: factor * square for name, factor in factors.items()
    }


@pytest.mark.parametrize("name", ON_A_TORUS)
@each_size
def test_on_a_torus_two_transforms_of_each_block_and_a_decomposition_of_each_frequency(
    k, g, h, N, name
):
    """5 n log2(n) operations a transform of n = N^2 numbers, 24 g h min(g, h) a decomposition."""
    n = N * N
    transforms = 2 * g * h * 5 * n * (np.log2(n) if n > 1 else 1)
    expected = transforms + n * 24 * g * h * min(g, h)
    assert BY_NAME[name].operations(k, g, h, N) == pytest.approx(expected, rel=1e-14)


sides = st.integers(1, 6)
shapes = st.tuples(sides, sides, sides).map(lambda sizes: (sizes[0], *sizes))
methods = st.sampled_from(METHODS)


@given(shapes, st.integers(1, 40), st.sampled_from(OF_R))
def test_the_budget_of_the_paper_is_20_steps_whatever_the_shape(shape, N, name):
    assert steps_within(BY_NAME[name], shape, N, 200) == 20
    assert steps_within(BY_NAME[name], shape, N, 500) == 50
    assert steps_within(BY_NAME[name], shape, N, 209) == 20
    assert steps_within(BY_NAME[name], shape, N, 0) == 1


@given(methods, shapes, st.integers(1, 40), st.integers(0, 10**6))
def test_the_steps_are_whole_and_within_the_budget(method, shape, N, budget):
    k, _, g, h = shape
    steps, cost = steps_within(method, shape, N, budget), method.operations(k, g, h, N)
    assert type(steps) is int
    most = 1 if method.name == "normalised W" else 1000
    assert 1 <= steps <= most
    paid = budget * 4 * k**2 * g * h * N**2
    assert steps == 1 or steps * cost <= paid * (1 + 1e-12)
    assert steps == most or (steps + 1) * cost > paid * (1 - 1e-12)


@given(methods, shapes, st.integers(1, 40), st.floats(0, 1e5), st.floats(0, 1e5))
def test_a_larger_budget_never_pays_for_fewer_steps(method, shape, N, first, second):
    less, more = sorted((first, second))
    assert steps_within(method, shape, N, less) <= steps_within(method, shape, N, more)


@each_method
@each_shape
def test_the_best_is_that_of_the_whole_grid(name, shape):
    K, N, method = kernel(*shape, seed=1), 4, BY_NAME[name]
    grid = (1e-4, 1e-3, 0.01, 0.03, 1e10) if method.has_rate else (np.nan,)
    kernels = {size: method.run(K, N, size, 4) for size in grid if size != 1e10}
    size = min(kernels, key=lambda size: preference(kernels[size], N))
    found = best(method, K, N, 4, grid)
    assert found.step == size or (np.isnan(found.step) and not method.has_rate)
    assert found.steps == 4
    assert np.array_equal(found.kernel, kernels[size])
    assert found[2:4] == pytest.approx(dense_sigma(kernels[size], N), rel=1e-9)
    assert found[4:6] == (norm_error(kernels[size], N), norm_error(kernels[size], N, 2.0))


@given(st.lists(st.tuples(*[st.floats(0.01, 3)] * 2), min_size=1, max_size=6))
def test_the_best_has_the_least_condition_number_at_any_scale(pairs):
    method, calls = fake(lambda K, N, size, steps: diagonal(*pairs[size]))
    found = best(method, diagonal(1, 1), 2, 7, range(len(pairs)))
    kappas = [max(pair) / min(pair) for pair in pairs]
    assert calls == [(2, size, 7) for size in range(len(pairs))]
    assert f"{kappas[found.step]:.2g}" == f"{min(kappas):.2g}"
    assert np.array_equal(found.kernel, diagonal(*pairs[found.step]))


@pytest.mark.parametrize(
    ("difference", "step"), [(0.0, 0.1), (1e-11, 0.1), (-1e-11, 0.1), (1e-8, 0.2), (-1e-8, 0.1)]
)
def test_of_equally_good_steps_the_smallest_is_taken(difference, step):
    """Equal to nine digits, so that rounding errors do not decide."""
    values = {0.3: 1.5, 0.1: 1.5 + difference, 0.2: 1.5}
    method, _ = fake(lambda K, N, size, steps: diagonal(1, values[size]))
    assert best(method, diagonal(1, 1), 2, 1, (0.3, 0.1, 0.2)).step == step


def test_of_equal_condition_numbers_the_singular_values_nearest_to_1_decide():
    pairs = {0.1: (2.04, 1.0), 0.2: (2.0, 1.0), 0.3: (1.0, 0.5), 0.4: (0.02, 0.01), 0.5: (1.2, 0.5)}
    method, _ = fake(lambda K, N, size, steps: diagonal(*pairs[size]))
    assert best(method, diagonal(1, 1), 2, 1, pairs).step == 0.3


def test_a_singular_kernel_is_the_last_choice():
    method, _ = fake(lambda K, N, size, steps: diagonal(1, {0.1: 0, 0.2: 1e-9}[size]))
    assert best(method, diagonal(1, 1), 2, 1, (0.1, 0.2)).step == 0.2


def test_where_every_step_diverges_the_kernel_is_left_as_it_is():
    K = 1e3 * kernel(3, 3, 2, 1)
    for name in ("Frobenius", "orthogonality of W"):
        found = best(BY_NAME[name], K, 4, 20)
        assert np.isnan(found.step)
        assert found.steps == 0
        assert np.array_equal(found.kernel, K)
        assert found[2:6] == measured(K, 4)[2:6]


def test_the_grid_is_the_default():
    method, calls = fake(lambda K, N, size, steps: diagonal(1, 1 + abs(np.log10(size) + 3.5)))
    assert best(method, diagonal(1, 1), 2, 3).step == GRID[3]
    assert calls == [(2, size, 3) for size in GRID]


def test_sizes_that_diverge_are_skipped():
    def run(K, N, size, steps):
        if size in (0.1, 0.3):
            raise FloatingPointError("step")
        return diagonal(size, 1)

    method, calls = fake(run)
    found = best(method, diagonal(1, 1), 2, 1, (0.1, 0.2, 0.3, 0.4))
    assert (found.step, found.sigma_min) == (0.4, pytest.approx(0.4))
    assert len(calls) == 4


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError])
def test_another_error_is_not_taken_for_a_step_that_diverges(error):
    def fail(K, N, size, steps):
        raise error("another")

    with pytest.raises(error, match="another"):
        best(fake(fail)[0], diagonal(1), 2, 1)


def test_what_has_no_step_runs_once():
    method, calls = fake(lambda K, N, size, steps: diagonal(2), has_rate=False)
    found = best(method, diagonal(1), 3, 5)
    assert len(calls) == 1
    assert np.isnan(calls[0][1])
    assert np.isnan(found.step)
    assert (found.steps, found.sigma_max) == (5, pytest.approx(2))


@given(cases(max_k=4, max_channels=3, max_N=4, integers=False))
def test_measured_singular_values_are_those_of_the_dense_matrix(case):
    found = measured(case.K, case.N, 0.25, 3)
    top, bottom = dense_sigma(case.K, case.N)
    assert (found.step, found.steps) == (0.25, 3)
    assert found.sigma_max == pytest.approx(top, rel=1e-10)
    assert found.sigma_min == pytest.approx(bottom, rel=1e-8, abs=1e-12 * top)
    assert np.array_equal(found.kernel, case.K)


def test_measured_alone_has_no_step():
    K = kernel(3, 3, 2, 1)
    found = measured(K, 4)
    assert np.isnan(found.step)
    assert found.steps == 0
    assert (found.noise, found.smooth) == (norm_error(K, 4, 0.0), norm_error(K, 4, 2.0))
    assert found.noise != found.smooth


def norm_error_by_loops(K, N, blur, images):
    noise = np.random.default_rng(0).standard_normal((images, N, N, K.shape[2]))
    errors = []
    for image in noise:
        X = np.zeros_like(image)
        for d in range(K.shape[2]):
            X[:, :, d] = gaussian_filter(image[:, :, d], blur)
        errors.append(np.sum(convolve(K, X) ** 2) ** 0.5 / np.sum(X**2) ** 0.5 - 1)
    return (sum(error**2 for error in errors) / images) ** 0.5


@each_shape
@pytest.mark.parametrize("blur", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("images", [1, 5, 100])
def test_the_norm_error_image_by_image_and_channel_by_channel(shape, blur, images):
    K, N = kernel(*shape, seed=2), 5
    found = norm_error(K, N, blur, images)
    assert type(found) is float
    assert found == pytest.approx(norm_error_by_loops(K, N, blur, images), rel=1e-12)


def test_the_norm_error_is_of_100_images_of_noise_unless_told():
    K = kernel(3, 3, 2, 1)
    assert norm_error(K, 5) == pytest.approx(norm_error_by_loops(K, 5, 0.0, 100), rel=1e-12)


@given(st.integers(1, 3), st.integers(0, 2), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_an_orthogonal_kernel_of_one_tap_keeps_every_norm(g, more, N, seed):
    """K[0, 0] is the transpose of the h x g block: orthonormal columns of the block."""
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((g + more, g)))
    found = measured(Q.T[np.newaxis, np.newaxis], N)
    assert found[2:6] == pytest.approx((1, 1, 0, 0), abs=1e-12)
    assert norm_error(3 * Q.T[np.newaxis, np.newaxis], N) == pytest.approx(2)
    assert norm_error(Q.T[np.newaxis, np.newaxis] / 4, N, 1.0) == pytest.approx(0.75)


@given(st.floats(0, 1e3), st.floats(1e-3, 1e3))
def test_the_condition_number_is_the_quotient(more, smallest):
    assert (
        result(sigma_max=smallest + more, sigma_min=smallest).condition_number
        == (smallest + more) / smallest
    )


def test_a_singular_matrix_has_an_infinite_condition_number():
    assert result(sigma_min=0.0).condition_number == np.inf
    assert measured(diagonal(2, 0), 3).condition_number == np.inf


WIDE, TALL, SQUARE = kernel(2, 2, 2, 1), kernel(2, 2, 1, 2), kernel(2, 2, 1, 1)


@pytest.fixture
def runs(monkeypatch):
    """How often `best` is called with what."""
    count = Counter()

    def recorded(method, K, N, steps):
        count[method.name, K.shape, N, steps] += 1
        return result(step=len(count), steps=steps)

    monkeypatch.setattr(MODULE, "best", recorded)
    return count


def test_every_method_on_every_kernel_within_every_budget(runs):
    kernels = {"wide": WIDE, "tall": TALL, "square": SQUARE}
    found = compare(kernels, 4, (200, 500))
    expected = [
        (budget, name, method)
        for budget in (200, 500)
        for name in kernels
        for method in ("start", *BY_NAME)
        if name == "wide" or method != "R, smaller"
    ]
    assert list(found) == expected
    for budget, name, method in expected:
        row = found[budget, name, method]
        if method != "start":
            assert row.steps == steps_within(BY_NAME[method], kernels[name].shape, 4, budget)
    assert {shape for _, shape, _, _ in runs} == {K.shape for K in kernels.values()}
    assert {N for _, _, N, _ in runs} == {4}


def test_what_takes_the_same_steps_within_two_budgets_is_computed_once(runs):
    found = compare({"a": WIDE, "b": WIDE}, 4, (200, 201, 10**6, 10**7))
    assert set(runs.values()) == {2}
    for name in "ab":
        for method in BY_NAME:
            assert found[200, name, method] is not found[10**6, name, method] or method in ON_W
            assert (found[200, name, method] is found[201, name, method]) == (
                found[200, name, method].steps == found[201, name, method].steps
            )
            assert found[10**6, name, method] is found[10**7, name, method]
        assert found[200, name, "R, columns"] is not found[200, name, "R, smaller"]
    assert found[200, "a", "Frobenius"] is not found[200, "b", "Frobenius"]
    assert sum(runs.values()) == len(
        {id(row) for (_, _, method), row in found.items() if method != "start"}
    )


def test_budgets_may_come_from_an_iterator(runs):
    found = compare({"a": WIDE, "b": TALL}, 4, iter((200, 500)))
    assert {(budget, name) for budget, name, _ in found} == {
        (200, "a"),
        (200, "b"),
        (500, "a"),
        (500, "b"),
    }


def test_the_start_is_the_kernel_itself_and_the_rest_the_best(monkeypatch):
    few = {name: method._replace(most=min(4, method.most)) for name, method in BY_NAME.items()}
    monkeypatch.setattr(MODULE, "METHODS", tuple(few.values()))
    kernels = {"wide": WIDE, "tall": TALL}
    for (budget, name, method), row in compare(kernels, 4, (20, 30)).items():
        K = kernels[name]
        if method == "start":
            expected = measured(K, 4)
        else:
            steps = steps_within(few[method], K.shape, 4, budget)
            expected = best(few[method], K, 4, steps)
        assert np.array_equal(row.kernel, expected.kernel)
        assert np.array_equal(row[:-1], expected[:-1], equal_nan=True)


RESULTS = {
    (500, "3x3x2x1", "start"): result(np.nan, 0, 8.066, 0.6523, 0.717, 3.044),
    (500, "3x3x2x1", "clipping, periodic"): result(np.nan, 176, 1.0, 0.0, 0.125, 12.5),
    (500, "1x1", "start"): result(np.nan, 0, 1234.0, 0.5, 0.0, 1.0),
    (200, "3x3x2x1", "clipping, periodic"): result(np.nan, 70, 1.5, 1.25, 0.25, 0.25),
    (200, "3x3x2x1", "start"): result(np.nan, 0, 8.066, 0.6523, 0.717, 3.044),
    (200, "1x1", "start"): result(np.nan, 0, 1234.0, 0.5, 0.0, 1.0),
}


def cells(table):
    """By method the cells of its row."""
    rows = zip(*(column.tolist() for column in table.values()), strict=True)
    return {method: numbers for method, *numbers in rows}


def test_the_tables_by_hand():
    found = kernel_tables(RESULTS)
    assert list(found) == ["3x3x2x1", "1x1"]
    names = ["method", "step", "steps", "sigma_max", "sigma_min", "noise", "smooth"]
    kappas = ["kappa, 200 products", "kappa, 500 products"]
    assert all(list(table) == names + kappas for table in found.values())
    wide = cells(found["3x3x2x1"])
    assert list(wide) == ["start", "clipping, periodic"]
    assert all(np.isnan(row[0]) for row in wide.values())
    kappa = 8.066 / 0.6523
    assert wide["start"][1:] == [0, 8.066, 0.6523, 0.717, 3.044, kappa, kappa]
    assert wide["clipping, periodic"][1:] == [176, 1.0, 0.0, 0.125, 12.5, 1.2, np.inf]
    (row,) = cells(found["1x1"]).values()
    assert row[-2:] == [2468.0, 2468.0]


def test_the_tables_of_one_and_of_three_budgets():
    one = kernel_tables({(7, "a", "start"): result(sigma_max=3.0)})["a"]
    assert one["kappa, 7 products"].tolist() == [3.0]
    table = {(budget, "a", "start"): result(sigma_max=float(budget)) for budget in (30, 2000, 1)}
    found = kernel_tables(table)["a"]
    assert list(found)[-3:] == [f"kappa, {budget} products" for budget in (1, 30, 2000)]
    assert cells(found)["start"][-3:] == [1.0, 30.0, 2000.0]
    assert found["sigma_max"].tolist() == [2000.0]
    assert kernel_tables({}) == {}


def test_the_table_holds_every_number_of_every_result():
    table = comparison_table(RESULTS)
    assert list(table) == [
        "budget", "kernel", "method", "step", "steps",
        "sigma_max", "sigma_min", "noise", "smooth", "kappa",
    ]  # fmt: skip
    rows = zip(*table.values(), strict=True)
    for (*key, step, steps, top, bottom, noise, smooth, kappa), (wanted, row) in zip(
        rows, RESULTS.items(), strict=True
    ):
        assert tuple(key) == wanted
        assert np.isnan(step)
        assert (steps, top, bottom, noise, smooth) == (row.steps, *row[2:6])
        assert kappa == row.condition_number


def test_the_table_can_be_rounded_and_drawn():
    table = rounded(comparison_table({**RESULTS, (9, "a", "b"): result(10**-4.5, 7)}), 3)
    assert table["kappa"].dtype == table["step"].dtype == float
    assert table["steps"].dtype.kind == "i"
    assert np.inf in table["kappa"]
    assert 3.16e-05 in table["step"]


def test_the_pattern_on_a_torus_is_that_of_the_matrix_away_from_the_border():
    M, pattern = reference_matrix(np.ones((3, 3, 2, 1)), 5), pattern_on_a_torus(3, 2, 1, 5)
    assert set(pattern.sum(axis=1)) == {18}
    assert M.sum(axis=1).max() == 18
    assert np.array_equal(pattern_on_a_torus(1, 1, 1, 2), np.eye(4))


def test_the_ranking_is_by_the_condition_number():
    results = {
        (200, "a", "start"): result(sigma_max=4.0, sigma_min=0.5),
        (200, "a", "far from 1"): result(sigma_max=0.0201, sigma_min=0.01),
        (200, "a", "nearer"): result(sigma_max=0.404, sigma_min=0.2),
        (200, "a", "near 1"): result(sigma_max=1.5, sigma_min=0.5),
        (200, "a", "singular"): result(sigma_min=0.0),
        (500, "a", "start"): result(),
        (200, "b", "start"): result(sigma_max=1.25),
    }
    found = ranking(results, 3)
    assert {name: column.tolist() for name, column in found.items()} == {
        "kernel": ["a", "a", "b"],
        "products": [200.0, 500.0, 200.0],
        "place 1": ["nearer 2.0", "start 1.0", "start 1.2"],
        "place 2": ["far from 1 2.0", "", ""],
        "place 3": ["near 1 3.0", "", ""],
    }
    assert [column[0].item() for column in ranking(results, 5).values()][-2:] == [
        "start 8.0",
        "singular inf",
    ]


class Counting(LinearOperator):
    """M'M - alpha I that counts its products."""

    def __init__(self, B):
        super().__init__(B.dtype, B.shape)
        self.B, self.lowest, self.products = B, B.lowest, 0

    def _matmat(self, X):
        self.products += X.shape[1]
        return self.B @ X

    def _adjoint(self):
        return self

    def _transpose(self):
        return self


@pytest.mark.parametrize(("g", "h"), [(3, 1), (3, 6), (6, 3), (2, 2)])
def test_step_2_which_is_not_counted_costs_about_as_much_as_the_paper_s_20_steps(g, h):
    B = Counting(shifted_gram(ConvolutionOperator(start_kernel(3, g, h), 15)))
    leading_triplets(B, 2)
    assert 100 < B.products < 400


@pytest.mark.parametrize(("difference", "step"), [(4e-10, 0.1), (2e-9, 0.2), (-2e-9, 0.1)])
def test_equally_good_is_equal_to_nine_digits(difference, step):
    values = {0.3: 1.5, 0.1: 1.5 + difference, 0.2: 1.5}
    method, _ = fake(lambda K, N, size, steps: diagonal(1, values[size]))
    assert best(method, diagonal(1, 1), 2, 1, (0.3, 0.1, 0.2)).step == step


def test_a_size_may_stand_in_the_grid_twice():
    method, calls = fake(lambda K, N, size, steps: diagonal(1, 1 + size))
    assert best(method, diagonal(1, 1), 2, 1, (0.2, 0.1, 0.1)).step == 0.1
    assert len(calls) == 3


def test_the_ranking_has_four_methods_unless_told():
    results = {(200, "a", name): result(sigma_max=1.0 + i) for i, name in enumerate("uvwxyz")}
    found = [column.item() for column in ranking(results).values()]
    assert found == ["a", 200.0, "u 1.0", "v 2.0", "w 3.0", "x 4.0"]
    assert [column.item() for column in ranking(results, 6).values()][-2:] == ["y 5.0", "z 6.0"]
