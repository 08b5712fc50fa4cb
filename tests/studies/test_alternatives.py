"""The alternatives of Section 1, against dense matrices, plain loops and finite differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate2d
from strategies import DTYPES, cases, reference_gram, reference_matrix, relative_error

from convreg.studies.alternatives import (
    frobenius_penalty,
    orthogonality_penalty,
    parseval_retraction,
    reshaped,
    self_convolution_penalty,
    spectral_norm_penalty,
    spectral_normalization,
)
from convreg.studies.periodic import (
    clip_periodic,
    periodic_singular_values,
    unit_modulus_kernel,
)

SHAPES = [
    (1, 1, 2, 3),
    (2, 2, 3, 2),
    (3, 3, 1, 2),
    (3, 3, 2, 2),
    (4, 4, 2, 1),
    (2, 2, 1, 5),
    (3, 3),
    (4, 4),
]

PENALTIES = {
    "spectral norm": spectral_norm_penalty,
    "orthogonality": orthogonality_penalty,
    "frobenius": lambda K: frobenius_penalty(K, 3, 0.7),
    "self-convolution": self_convolution_penalty,
}
NEW_KERNELS = {
    "spectral normalization": spectral_normalization,
    "retraction": parseval_retraction,
    "clipping": lambda K: clip_periodic(K, 5),
}
GRADIENTS = {name: lambda K, f=f: f(K)[1] for name, f in PENALTIES.items()}
OF_A_KERNEL = {
    **PENALTIES,
    **NEW_KERNELS,
    "reshaped": reshaped,
    "periodic singular values": lambda K: periodic_singular_values(K, 5),
}

each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def random_kernel(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def in_four_dimensions(K):
    return K.reshape(*K.shape[:2], *(K.shape[2:] or (1, 1)))


def W_by_loops(K):
    K = in_four_dimensions(K)
    k, _, g, h = K.shape
    W = np.zeros((h, g * k * k))
    for p, q, d, c in np.ndindex(K.shape):
        W[c, (p * k + q) * g + d] = K[p, q, d, c]
    return W


def kernel_by_loops(W, shape):
    K = np.zeros((*shape[:2], *(shape[2:] or (1, 1))))
    k, _, g, _ = K.shape
    for p, q, d, c in np.ndindex(K.shape):
        K[p, q, d, c] = W[c, (p * k + q) * g + d]
    return K.reshape(shape)


def dense_matrix(K, N):
    return reference_matrix(in_four_dimensions(K), N)


def gap_of_rows(K):
    W = W_by_loops(K)
    return np.linalg.norm(W @ W.T - np.eye(len(W))) ** 2


def gap_of_columns(K):
    W = W_by_loops(K)
    return np.linalg.norm(W.T @ W - np.eye(W.shape[1])) ** 2


def gap_of_matrix(K, N, alpha, gram="columns"):
    return np.linalg.norm(reference_gram(dense_matrix(K, N), alpha, gram)) ** 2


def gap_of_taps(K, swapped=False):
    """All correlations of channel d with channel e, over the outputs, or (swapped) of outputs."""
    K = in_four_dimensions(K)
    K = K.swapaxes(2, 3) if swapped else K
    k, _, g, h = K.shape
    total = 0.0
    for d, e in np.ndindex(g, g):
        taps = sum(correlate2d(K[:, :, d, c], K[:, :, e, c], mode="full") for c in range(h))
        taps[k - 1, k - 1] -= d == e
        total += np.sum(taps**2)
    return total


def periodic_matrix(K, N):
    """[c, r, s, d, i, j]: what the output pixel (r, s) reads of the input pixel (i, j)."""
    K = in_four_dimensions(K)
    k, _, g, h = K.shape
    m = (k + 1) // 2
    pixels = np.eye(N * N).reshape(N, N, N, N)
    P = np.zeros((h, N, N, g, N, N))
    for p, q in np.ndindex(k, k):
        read = np.roll(pixels, (m - 1 - p, m - 1 - q), axis=(0, 1))
        P += np.einsum("dc,rsij->crsdij", K[p, q], read)
    return P


def as_matrix(P):
    return P.reshape(np.prod(P.shape[:3]), -1)


def clipped_by_svd(K, N, high):
    """The explicit periodic matrix clipped, and what its first output pixel then reads."""
    P = periodic_matrix(K, N)
    U, sigma, Vt = np.linalg.svd(as_matrix(P), full_matrices=False)
    P = (U @ np.diag(np.minimum(sigma, high)) @ Vt).reshape(P.shape)
    four = in_four_dimensions(K)
    m, clipped = (len(K) + 1) // 2, np.zeros(four.shape)
    for p, q, d, c in np.ndindex(four.shape):
        clipped[p, q, d, c] = P[c, 0, 0, d, (p - m + 1) % N, (q - m + 1) % N]
    return clipped.reshape(K.shape)


def central_difference(f, K, step=1e-5):
    """The gradient of f at K, entry by entry; the error is of the order step^2."""
    G = np.zeros(K.shape)
    for index in np.ndindex(K.shape):
        E = np.zeros(K.shape)
        E[index] = step
        G[index] = (f(K + E) - f(K - E)) / (2 * step)
    return G


def assert_value_and_gradient(penalty, expected, K):
    value, G = penalty(K)
    assert type(value) is float
    assert value == pytest.approx(expected(K), rel=1e-12)
    assert G.shape == K.shape
    assert relative_error(G, central_difference(expected, K)) < 1e-8


@each_shape
def test_reshaped_by_its_formula(shape):
    K = random_kernel(shape)
    assert np.array_equal(reshaped(K), W_by_loops(K))


@given(cases(max_k=4, max_channels=3, max_N=3))
def test_W_is_what_one_output_pixel_reads(case):
    """Where N >= k, the rows of M for a pixel whose taps all land hold W and zeros."""
    k, _, g, h = case.K.shape
    N, m = k + case.N - 1, (k + 1) // 2
    M = reference_matrix(case.K, N).reshape(h, N, N, g, N, N)
    rows = M[:, m - 1, m - 1].transpose(0, 3, 2, 1)
    W = reshaped(case.K)
    assert np.array_equal(rows[:, :k, :k].reshape(h, -1), W)
    assert np.count_nonzero(rows) == np.count_nonzero(W)


@given(cases(max_k=4, max_channels=3, max_N=3))
def test_W_bounds_sigma_max_of_M_from_both_sides(case):
    k = len(case.K)
    of_W = np.linalg.norm(reshaped(case.K), 2)
    of_M = np.linalg.norm(reference_matrix(case.K, k + case.N - 1), 2)
    assert of_W * (1 - 1e-13) <= of_M <= k * of_W * (1 + 1e-13)


@each_shape
def test_spectral_norm_penalty_is_half_the_square_of_sigma_max(shape):
    assert_value_and_gradient(
        spectral_norm_penalty,
        lambda K: np.linalg.norm(W_by_loops(K), 2) ** 2 / 2,
        random_kernel(shape, 1),
    )


def test_the_spectral_norm_alone_only_shrinks():
    value, G = spectral_norm_penalty(np.zeros((3, 3, 2, 2)))
    assert value == 0
    assert not G.any()
    K = random_kernel((3, 3, 2, 2), 2)
    value, G = spectral_norm_penalty(K)
    assert np.sum(G * K) == pytest.approx(2 * value, rel=1e-13)


@each_shape
def test_orthogonality_penalty_is_the_distance_of_the_rows(shape):
    assert_value_and_gradient(orthogonality_penalty, gap_of_rows, random_kernel(shape, 3))


@each_shape
def test_the_columns_of_W_have_the_same_gradient(shape):
    K = random_kernel(shape, 4)
    assert relative_error(orthogonality_penalty(K)[1], central_difference(gap_of_columns, K)) < 1e-8


@each_shape
@pytest.mark.parametrize("N", [1, 2, 3])
def test_frobenius_penalty_is_that_of_the_dense_matrix(shape, N):
    assert_value_and_gradient(
        lambda K: frobenius_penalty(K, N, 0.7),
        lambda K: gap_of_matrix(K, N, 0.7),
        random_kernel(shape, 5),
    )


@given(cases(max_k=5, max_channels=3, max_N=4), st.floats(0.1, 9))
def test_frobenius_penalty_of_any_kernel(case, alpha):
    value, _ = frobenius_penalty(case.K, case.N, alpha)
    assert value == pytest.approx(gap_of_matrix(case.K, case.N, alpha), rel=1e-12)


def test_frobenius_penalty_shifts_by_1_unless_told():
    K = random_kernel((3, 3, 2, 2), 6)
    value, G = frobenius_penalty(K, 3)
    assert value == pytest.approx(gap_of_matrix(K, 3, 1.0), rel=1e-12)
    assert np.array_equal(G, frobenius_penalty(K, 3, 1.0)[1])


@each_shape
def test_M_times_its_transpose_adds_a_constant_to_the_frobenius_penalty(shape):
    """alpha^2 N^2 for every output channel more than there are input channels."""
    K, alpha, N = random_kernel(shape, 7), 1.3, 3
    g, h = in_four_dimensions(K).shape[2:]
    value, G = frobenius_penalty(K, N, alpha)
    of_rows = gap_of_matrix(K, N, alpha, "rows")
    assert of_rows - value == pytest.approx(alpha**2 * N**2 * (h - g), abs=1e-12 * of_rows)
    assert (
        relative_error(G, central_difference(lambda K: gap_of_matrix(K, N, alpha, "rows"), K))
        < 1e-8
    )


@each_shape
def test_self_convolution_penalty_is_the_correlation_of_scipy(shape):
    assert_value_and_gradient(self_convolution_penalty, gap_of_taps, random_kernel(shape, 8))


@each_shape
def test_the_other_self_convolution_adds_a_constant(shape):
    """1 for every output channel more than there are input channels."""
    K = random_kernel(shape, 9)
    g, h = in_four_dimensions(K).shape[2:]
    value, G = self_convolution_penalty(K)
    of_rows = gap_of_taps(K, swapped=True)
    assert of_rows - value == pytest.approx(h - g, abs=1e-12 * of_rows)
    assert relative_error(G, central_difference(lambda K: gap_of_taps(K, swapped=True), K)) < 1e-8


@given(cases(max_k=4, max_channels=2))
def test_self_convolution_penalty_is_a_central_pixel_of_M(case):
    """Of M'M - I, and of MM' - I but for h - g, at a pixel that does not feel the border."""
    k, _, g, h = case.K.shape
    N = 2 * k - 1
    M = reference_matrix(case.K, N)
    centre = (k - 1) * N + k - 1
    value, _ = self_convolution_penalty(case.K)
    rows = reference_gram(M, 1.0, "columns")[centre :: N * N]
    assert len(rows) == g
    assert value == pytest.approx(np.sum(rows**2), rel=1e-12)
    rows = reference_gram(M, 1.0, "rows")[centre :: N * N]
    assert value + h - g == pytest.approx(np.sum(rows**2), rel=1e-12, abs=1e-12 * (1 + value))


@each_shape
def test_spectral_normalization_divides_by_sigma_max(shape):
    K = random_kernel(shape, 10)
    normalized = spectral_normalization(K)
    assert normalized.shape == shape
    assert np.linalg.norm(W_by_loops(normalized), 2) == pytest.approx(1, rel=1e-14)
    assert relative_error(normalized * np.linalg.norm(W_by_loops(K), 2), K) < 1e-14


@each_shape
@pytest.mark.parametrize("beta", [0.01, 0.4])
def test_parseval_retraction_by_loops(shape, beta):
    K = random_kernel(shape, 11)
    W = W_by_loops(K)
    expected = np.zeros(W.shape)
    for c, j in np.ndindex(W.shape):
        cube = sum(W[c, i] * W[b, i] * W[b, j] for b in range(len(W)) for i in range(W.shape[1]))
        expected[c, j] = (1 + beta) * W[c, j] - beta * cube
    assert relative_error(parseval_retraction(K, beta), kernel_by_loops(expected, shape)) < 1e-14


@each_shape
def test_parseval_retraction_is_a_gradient_step(shape):
    K, beta = random_kernel(shape, 12), 0.3
    step = K - beta / 4 * central_difference(gap_of_rows, K)
    assert relative_error(parseval_retraction(K, beta), step) < 1e-8
    assert (
        relative_error(parseval_retraction(K, beta), K - beta / 4 * orthogonality_penalty(K)[1])
        < 1e-14
    )


def test_parseval_retraction_takes_a_hundredth_unless_told():
    K = random_kernel((3, 3, 2, 2), 13)
    assert np.array_equal(parseval_retraction(K), parseval_retraction(K, 0.01))


@pytest.mark.parametrize(
    "shape", [shape for shape in SHAPES if np.less_equal(*W_by_loops(np.ones(shape)).shape)]
)
def test_parseval_retraction_leads_to_orthonormal_rows(shape):
    K = random_kernel(shape, 14) / 4
    for _ in range(200):
        K = parseval_retraction(K, 0.3)
    assert gap_of_rows(K) < 1e-24


@given(cases(max_k=5, max_channels=3, max_N=4))
def test_periodic_singular_values_are_those_of_the_explicit_matrix(case):
    g, h = case.K.shape[2:]
    values = periodic_singular_values(case.K, case.N)
    expected = np.linalg.svd(as_matrix(periodic_matrix(case.K, case.N)), compute_uv=False)
    assert values.shape == (min(g, h) * case.N**2,)
    assert (np.diff(values) <= 0).all()
    assert np.abs(values - expected).max() <= 1e-13 * max(1, expected[0])


@pytest.mark.parametrize(
    ("k", "N"), [(3, 1), (3, 2), (4, 2), (5, 2), (6, 4), (7, 3), (2, 5), (4, 5)]
)
def test_periodic_singular_values_of_one_channel(k, N):
    """Also a kernel wrapped around the torus, once or more often."""
    K = random_kernel((k, k), 15)
    expected = np.linalg.svd(as_matrix(periodic_matrix(K, N)), compute_uv=False)
    assert relative_error(periodic_singular_values(K, N), expected) < 1e-13


def full_spectrum(K, N):
    """The h x g matrices of every frequency, N^2 of them."""
    K = in_four_dimensions(K)
    torus = np.zeros((N, N, *K.shape[:1:-1]))
    m = (len(K) + 1) // 2
    for p, q in np.ndindex(K.shape[:2]):
        torus[(p - m + 1) % N, (q - m + 1) % N] += K[p, q].T
    return np.fft.fft2(torus, axes=(0, 1))


@pytest.mark.parametrize("N", [1, 2, 3, 4, 5, 8, 9, 20, 21])
@pytest.mark.parametrize("shape", [(3, 3, 4, 6), (4, 4, 5, 2), (3, 3), (7, 7, 1, 3)])
def test_half_the_spectrum_has_all_singular_values(shape, N):
    """The others are those of the conjugates: none is lost and none is counted twice."""
    K = random_kernel(shape, 26)
    expected = np.linalg.svd(full_spectrum(K, N), compute_uv=False)
    found = periodic_singular_values(K, N)
    assert np.abs(found - np.sort(expected.ravel())[::-1]).max() <= 4e-15 * expected.max()


@pytest.mark.parametrize("more", [0, 1, 6])
@pytest.mark.parametrize("shape", [(3, 3, 4, 6), (4, 4, 5, 2), (3, 3)])
def test_clipping_half_the_spectrum_clips_all_of_it(shape, more):
    K = random_kernel(shape, 27)
    k, N = len(K), len(K) + more
    U, sigma, Vt = np.linalg.svd(full_spectrum(K, N), full_matrices=False)
    high = np.median(sigma)
    clipped = np.fft.ifft2((U * np.minimum(sigma, high)[..., None, :]) @ Vt, axes=(0, 1))
    offsets = np.arange(k) - (k + 1) // 2 + 1
    expected = clipped[np.ix_(offsets % N, offsets % N)].swapaxes(2, 3).reshape(K.shape)
    assert np.abs(expected.imag).max() <= 1e-14
    found = clip_periodic(K, N, high)
    assert np.abs(found - expected.real).max() <= 4e-15 * sigma.max()


@given(cases(max_k=5, max_channels=2, max_N=4), st.integers(0, 2))
def test_M_is_a_part_of_a_large_enough_periodic_matrix(case, more):
    k, _, g, h = case.K.shape
    N = case.N
    P = periodic_matrix(case.K, N + k // 2 + more)[:, :N, :N, :, :N, :N]
    M = reference_matrix(case.K, N).reshape(h, N, N, g, N, N).transpose(0, 2, 1, 3, 5, 4)
    assert np.abs(P - M).max() < 1e-14


@given(cases(max_k=6, max_channels=3, max_N=4), st.integers(0, 2))
def test_a_large_enough_torus_bounds_sigma_max(case, more):
    bound = periodic_singular_values(case.K, case.N + len(case.K) // 2 + more)[0]
    assert np.linalg.norm(reference_matrix(case.K, case.N), 2) <= bound * (1 + 1e-13)


@pytest.mark.parametrize("N", [3, 5, 7])
def test_the_torus_of_the_image_itself_bounds_nothing(N):
    """Second differences: an odd torus lacks the highest frequency, at which they come to 4."""
    K = np.zeros((3, 3, 1, 1))
    K[1, :, 0, 0] = -1, 2, -1
    periodic, padded = periodic_singular_values(K, N)[0], np.linalg.norm(reference_matrix(K, N), 2)
    assert periodic == pytest.approx(2 + 2 * np.cos(np.pi / N), rel=1e-13)
    assert padded == pytest.approx(2 + 2 * np.cos(np.pi / (N + 1)), rel=1e-13)
    assert periodic < padded <= periodic_singular_values(K, N + 1)[0]


@given(cases(max_k=4, max_channels=3, max_N=3), st.floats(0.1, 3))
def test_clip_periodic_is_the_explicit_matrix_clipped(case, high):
    N = len(case.K) + case.N - 1
    expected = clipped_by_svd(case.K, N, high)
    clipped = clip_periodic(case.K, N, high)
    assert clipped.shape == case.K.shape
    assert relative_error(clipped, expected) < 1e-10


@pytest.mark.filterwarnings("error")
@each_shape
@pytest.mark.parametrize("more", [0, 1, 2])
def test_clip_periodic_clips_at_1_unless_told(shape, more):
    K = random_kernel(shape, 16)
    N = len(K) + more
    assert relative_error(clip_periodic(K, N), clipped_by_svd(K, N, 1)) < 1e-12
    assert relative_error(clip_periodic(K, N, high=0.5), clipped_by_svd(K, N, 0.5)) < 1e-12


@each_shape
def test_nothing_is_cut_off_where_the_kernel_fills_the_torus(shape):
    K = random_kernel(shape, 17)
    before = np.linalg.svd(as_matrix(periodic_matrix(K, len(K))), compute_uv=False)
    high = np.quantile(before, 0.7)
    clipped = clip_periodic(K, len(K), high)
    after = np.linalg.svd(as_matrix(periodic_matrix(clipped, len(K))), compute_uv=False)
    assert relative_error(after, np.minimum(before, high)) < 1e-13


@each_shape
def test_values_within_the_bound_leave_the_kernel(shape):
    K = random_kernel(shape, 18)
    values = np.linalg.svd(as_matrix(periodic_matrix(K, 5)), compute_uv=False)
    clipped = clip_periodic(K, 5, 1.01 * values[0])
    assert clipped is not K
    assert relative_error(clipped, K) < 1e-13


@pytest.mark.parametrize("shape", [(3, 3, 2, 2), (4, 4, 2, 3), (2, 2), (3, 3)], ids=str)
def test_clipping_again_and_again_bounds_the_periodic_values(shape):
    K = random_kernel(shape, 19)
    once = np.linalg.norm(as_matrix(periodic_matrix(clip_periodic(K, 6), 6)), 2)
    for _ in range(300):
        K = clip_periodic(K, 6)
    assert np.linalg.norm(as_matrix(periodic_matrix(K, 6)), 2) <= min(1 + 1e-3, once)


@pytest.mark.parametrize("N", [1, 2, 3, 4, 7, 10])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_unit_modulus_kernel_is_orthogonal_on_the_torus(N, seed):
    K = unit_modulus_kernel(N, seed)
    assert K.shape == (N, N)
    assert K.dtype == np.float64
    P = as_matrix(periodic_matrix(K, N))
    assert np.abs(P.T @ P - np.eye(N * N)).max() < 1e-12


def test_the_unit_modulus_kernel_has_the_phases_of_white_noise():
    N, seed = 5, 3
    noise = np.random.default_rng(seed).standard_normal((N, N))
    F = np.exp(-2j * np.pi * np.outer(np.arange(N), np.arange(N)) / N)
    expected = F @ noise @ F
    coefficients = F @ unit_modulus_kernel(N, seed) @ F
    assert np.abs(coefficients * np.abs(expected) - expected).max() < 1e-12


def test_the_unit_modulus_kernel_goes_by_its_seed():
    assert np.array_equal(unit_modulus_kernel(4, 2), unit_modulus_kernel(4, 2))
    assert np.array_equal(unit_modulus_kernel(4), unit_modulus_kernel(4, 0))
    assert np.abs(unit_modulus_kernel(4, 2) - unit_modulus_kernel(4, 3)).max() > 0.1


@pytest.mark.parametrize("name", GRADIENTS | NEW_KERNELS | {"reshaped": reshaped})
@pytest.mark.parametrize("dtype", DTYPES)
@each_shape
def test_the_type_of_the_kernel_is_kept(name, dtype, shape):
    f = {**GRADIENTS, **NEW_KERNELS, "reshaped": reshaped}[name]
    K = random_kernel(shape, 20).astype(dtype)
    result = f(K)
    assert result.dtype == dtype
    assert relative_error(result, f(K.astype(float))) < 1e-4


@pytest.mark.parametrize("name", PENALTIES)
def test_the_value_is_a_float_in_single_precision(name):
    K = random_kernel((3, 3, 2, 2), 21).astype(np.float32)
    value, _ = PENALTIES[name](K)
    assert type(value) is float
    assert value == pytest.approx(PENALTIES[name](K.astype(float))[0], rel=1e-4)


@pytest.mark.parametrize("name", OF_A_KERNEL)
def test_whole_numbers_and_two_dimensions_are_a_kernel(name):
    f = OF_A_KERNEL[name]
    K = np.random.default_rng(22).integers(1, 9, (3, 3))
    results = [f(given_as) for given_as in (K.tolist(), K, K.astype(float), K[:, :, None, None])]
    results = [result[1] if isinstance(result, tuple) else result for result in results]
    for result in results:
        assert result.dtype == np.float64
        assert np.array_equal(result.ravel(), results[0].ravel())


@pytest.mark.parametrize("name", OF_A_KERNEL)
def test_the_kernel_given_is_left_alone(name):
    K = random_kernel((3, 3, 2, 2), 23)
    OF_A_KERNEL[name](K)
    assert np.array_equal(K, random_kernel((3, 3, 2, 2), 23))


@pytest.mark.parametrize("name", OF_A_KERNEL)
@pytest.mark.parametrize(
    ("error", "K"),
    [
        (ValueError, [[np.nan]]),
        (ValueError, np.full((3, 3, 1, 1), np.inf)),
        (ValueError, np.ones(3)),
        (ValueError, np.ones((3, 2))),
        (ValueError, np.ones((3, 3, 2))),
        (ValueError, np.ones((3, 3, 0, 1))),
        (ValueError, [[1, 2], [3]]),
        (TypeError, [[1j]]),
        (TypeError, "kernel"),
        (TypeError, None),
    ],
    ids=repr,
)
def test_no_kernel_is_refused(name, error, K):
    with pytest.raises(error, match=r"^K: "):
        OF_A_KERNEL[name](K)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3, 2, 2)])
def test_a_zero_kernel_cannot_be_normalized(shape):
    with pytest.raises(ValueError, match=r"^K: .*zero"):
        spectral_normalization(np.zeros(shape))


ONES = np.ones((3, 3))
TAKES_N = {
    "periodic singular values": lambda N: periodic_singular_values(ONES, N),
    "clipping": lambda N: clip_periodic(ONES, N),
    "frobenius": lambda N: frobenius_penalty(ONES, N),
    "unit modulus": unit_modulus_kernel,
}
TAKES_A_POSITIVE_NUMBER = {
    "alpha": lambda alpha: frobenius_penalty(ONES, 3, alpha),
    "beta": lambda beta: parseval_retraction(ONES, beta),
    "high": lambda high: clip_periodic(ONES, 3, high=high),
}
NOT_A_NUMBER = [
    (ValueError, np.nan),
    (ValueError, np.inf),
    (TypeError, "1"),
    (TypeError, True),
    (TypeError, None),
]


@pytest.mark.parametrize("name", TAKES_N)
@pytest.mark.parametrize(
    ("error", "N"),
    [(ValueError, 0), (ValueError, -3), (TypeError, 3.0), (TypeError, "3"), (TypeError, True)],
)
def test_a_bad_size_is_refused(name, error, N):
    with pytest.raises(error, match=r"^N: "):
        TAKES_N[name](N)


@pytest.mark.parametrize("name", TAKES_A_POSITIVE_NUMBER)
@pytest.mark.parametrize(("error", "value"), [(ValueError, 0), (ValueError, -1), *NOT_A_NUMBER])
def test_a_number_that_is_not_positive_is_refused(name, error, value):
    with pytest.raises(error, match=rf"^{name}: "):
        TAKES_A_POSITIVE_NUMBER[name](value)


@pytest.mark.parametrize("k", [2, 3, 6])
def test_clipping_needs_a_torus_as_large_as_the_kernel(k):
    with pytest.raises(ValueError, match=rf"^N: .*{k}, got {k - 1}"):
        clip_periodic(np.ones((k, k)), k - 1)


@pytest.mark.parametrize(
    ("error", "seed"), [(ValueError, -1), (TypeError, 0.5), (TypeError, None), (TypeError, True)]
)
def test_a_bad_seed_is_refused(error, seed):
    with pytest.raises(error, match=r"^seed: "):
        unit_modulus_kernel(3, seed)


def test_the_frobenius_penalty_is_never_below_zero():
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0].reshape(1, 1, 4, 4)
    assert 0 <= frobenius_penalty(Q, 16)[0] < 1e-9


def test_the_reshaped_kernel_is_a_copy():
    K = random_kernel((3, 3), 25)
    before = K.copy()
    reshaped(K)[:] = 0
    assert np.array_equal(K, before)
