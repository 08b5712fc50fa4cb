"""Any stride, dilation and padding, kernels and images that are not square: where a tap reads, M
against SciPy and PyTorch, and Lemma 2.2 and Theorem 2.3, which need M linear in K and nothing else.
"""

import sys

import numpy as np
import pytest
from dense import all_grams, alphas
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array
from strategies import (
    DTYPES,
    GRAMS,
    Setting,
    both,
    margins,
    padded_by_numpy,
    reference_gram,
    relative_error,
    setting_matrix,
    settings_of,
)

from convreg import (
    ConvolutionOperator,
    conv_matrix,
    conv_matrix_adjoint,
    convolve,
    entry_positions,
    extreme_singular_values,
    kernel_gradient,
    kernel_gradient_index_sum,
    minimize_penalty,
    penalty,
    penalty_gradient,
    penalty_matrix_gradient,
    unvec,
    vec,
)
from convreg.examples import identity
from convreg.geometry import Axis, Geometry, geometry_of, mirrored, padding, tap_offsets
from convreg.studies import alternatives, barrier, kinks, periodic, surrogates, symbol
from convreg.winding import winding_numbers


@pytest.mark.parametrize("k", range(1, 9))
def test_where_a_tap_reads_is_as_in_the_papers_1_2(k):
    """In its indices, from 1, tap p of pixel r reads r - m + p, m = ceil(k/2)."""
    m = int(np.ceil(k / 2))
    r = 100
    reads = [r - m + p for p in range(1, k + 1)]
    assert [r + offset for offset in tap_offsets(k)] == reads
    assert padding(k) == (r - reads[0], reads[-1] - r)


@pytest.mark.parametrize(
    ("k", "margins"),
    [(1, (0, 0)), (2, (0, 1)), (3, (1, 1)), (4, (1, 2)), (5, (2, 2)), (6, (2, 3)), (7, (3, 3))],
)
def test_padding(k, margins):
    assert padding(k) == margins


axes = st.builds(
    Axis,
    N=st.integers(1, 6),
    k=st.integers(1, 5),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    before=st.integers(0, 5),
    after=st.integers(0, 5),
    circular=st.booleans(),
).filter(lambda axis: axis.before + axis.N + axis.after > axis.dilation * (axis.k - 1))


def triples(axis):
    """(output, tap, pixel) of every read, index by index."""
    found, r = set(), 0
    while r * axis.stride + axis.dilation * (axis.k - 1) < axis.before + axis.N + axis.after:
        for p in range(axis.k):
            i = r * axis.stride + p * axis.dilation - axis.before
            if axis.circular:
                i %= axis.N
            if 0 <= i < axis.N:
                found.add((r, p, i))
        r += 1
    return found, r


def as_triples(reads):
    return {(int(r), int(p), int(i)) for (r, p), i in np.ndenumerate(reads) if i >= 0}


@given(axes)
def test_the_reads_of_an_axis_index_by_index(axis):
    expected, outputs = triples(axis)
    reads = axis.reads()
    assert axis.outputs == outputs
    assert reads.shape == (outputs, axis.k)
    assert reads.min() >= -1
    assert as_triples(reads) == expected


@given(axes)
def test_the_readers_are_the_reads_the_other_way_round(axis):
    expected, _ = triples(axis)
    last = {}
    for r, p, i in sorted(expected):
        last[r, i] = p
    readers = axis.readers()
    assert readers.shape == (axis.outputs, axis.N)
    assert {(r, i): p for (r, i), p in np.ndenumerate(readers) if p >= 0} == last


@given(st.integers(1, 7), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3))
def test_same_and_circular_give_an_output_for_every_stride_of_pixels(k, N, stride, dilation):
    for kind in ("same", "circular"):
        rows, columns = geometry_of((k, k), N, stride, dilation, kind)
        assert rows == columns
        assert rows.outputs == -(-N // stride)
        assert (rows.before, rows.after) == margins(k, dilation, "same")
        assert rows.circular == (kind == "circular")


@pytest.mark.parametrize(("padding", "beside"), [("valid", 0), (0, 0), (1, 1), (3, 3)])
def test_valid_is_without_padding_and_an_integer_pads_both_sides(padding, beside):
    rows, columns = geometry_of((3, 2), (9, 8), padding=padding)
    assert rows == Axis(9, 3, 1, 1, beside, beside)
    assert columns == Axis(8, 2, 1, 1, beside, beside)


def test_pairs_are_of_rows_and_columns():
    rows, columns = geometry_of((3, 4), [9, 8], (2, 1), [1, 2], ("circular", 3))
    assert rows == Axis(9, 3, 2, 1, 1, 1, circular=True)
    assert columns == Axis(8, 4, 1, 2, 3, 3)


def without_stride(axis):
    """A stride of 1, and no padding wider than the kernel."""
    span = axis.dilation * (axis.k - 1)
    return axis._replace(
        stride=1, before=min(axis.before, span), after=max(0, min(axis.after, span))
    )


@given(axes.map(without_stride), axes.map(without_stride))
def test_the_mirror_image_reads_where_it_is_read(rows, columns):
    """Tap k - 1 - p of pixel i reads the output r where tap p of r reads i. Around a circle it does
    where the circle is closed, with as many outputs as pixels.
    """
    for axis in (rows, columns):
        assume(axis.padded > axis.span)
        assume(not axis.circular or axis.before + axis.after == axis.span)
    mirror = mirrored(
        rows_and_columns := geometry_of((1, 1), 1)._replace(rows=rows, columns=columns)
    )
    assert rows_and_columns.image == mirror.outputs
    assert rows_and_columns.outputs == mirror.image
    for axis, other in zip(rows_and_columns, mirror, strict=True):
        turned = {(r, axis.k - 1 - p, i) for i, p, r in as_triples(other.reads())}
        assert turned == as_triples(axis.reads())


@pytest.mark.parametrize(
    "keywords", [{"stride": (1, 2)}, {"stride": (2, 1)}, {"padding": 3}, {"padding": (0, 3)}]
)
def test_there_is_no_mirror_image_with_a_stride_or_with_more_padding_than_kernel(keywords):
    assert mirrored(geometry_of((3, 3), 5, **keywords)) is None


def test_the_padding_on_either_side_can_be_more_than_the_kernel():
    enough = Axis(5, 3, before=2, after=2)
    assert mirrored(Geometry(enough, enough)).image == (7, 7)
    for axis in (Axis(5, 3, before=3, after=2), Axis(5, 3, before=2, after=3)):
        assert mirrored(Geometry(enough, axis)) is None
        assert mirrored(Geometry(axis, enough)) is None


# M


@given(settings_of())
def test_M_is_what_scipy_correlates(setting):
    K, N, keywords, rng = setting
    expected = setting_matrix(K, N, **keywords)
    M = ConvolutionOperator(K, N, **keywords)
    assert M.shape == expected.shape
    assert np.array_equal(conv_matrix(K, N, **keywords).toarray(), expected)
    X, Y = (rng.integers(-9, 10, (size, 2)).astype(float) for size in expected.shape[::-1])
    assert np.array_equal(M @ X, expected @ X)
    assert np.array_equal(M.T @ Y, expected.T @ Y)
    image = unvec(X[:, 0], N)
    assert np.array_equal(vec(convolve(K, image, **keywords)), expected @ X[:, 0])


@given(settings_of(max_channels=1))
def test_M_is_what_scipy_correlates_in_two_dimensions(setting):
    K, N, keywords, rng = setting
    X = rng.integers(-9, 10, N)
    (s1, s2), (d1, d2) = both(keywords["stride"]), both(keywords["dilation"])
    expected = setting_matrix(K, N, **keywords) @ X.ravel(order="F")
    flat = K[:, :, 0, 0]
    Y = convolve(flat, X, **keywords)
    assert Y.shape == ConvolutionOperator(flat, N, **keywords).geometry.outputs
    assert np.array_equal(vec(Y), expected)
    padded = padded_by_numpy(X, K, (d1, d2), keywords["padding"])
    for r, s in np.ndindex(Y.shape):
        reads = [
            padded[r * s1 + p * d1, s * s2 + q * d2] * flat[p, q] for p, q in np.ndindex(flat.shape)
        ]
        assert Y[r, s] == sum(reads)


@given(settings_of())
def test_M_is_that_of_torch_on_unit_images(setting):
    torch = pytest.importorskip("torch")
    K, N, keywords, _ = setting
    kinds = both(keywords["padding"])
    g = K.shape[2]
    # the images with a one in them, in the order of vec, as torch has it: channels, rows, columns
    images = torch.eye(g * N[0] * N[1], dtype=torch.float64)
    images = images.reshape(-1, g, N[1], N[0]).transpose(2, 3)
    for axis, d, kind in zip((0, 1), both(keywords["dilation"]), kinds, strict=True):
        before, after = margins(K.shape[axis], d, kind)
        assume(kind != "circular" or max(before, after) <= N[axis])
        widths = (0, 0, before, after) if axis == 0 else (before, after, 0, 0)
        mode = "circular" if kind == "circular" else "constant"
        images = torch.nn.functional.pad(images, widths, mode)
    weight = torch.tensor(K).permute(3, 2, 0, 1)
    outputs = torch.nn.functional.conv2d(
        images, weight, stride=keywords["stride"], dilation=keywords["dilation"]
    )
    columns = outputs.transpose(2, 3).reshape(len(images), -1)
    assert np.array_equal(conv_matrix(K, N, **keywords).toarray(), columns.numpy().T)


@given(settings_of(integers=False))
def test_the_operator_passes_the_dot_test(setting):
    K, N, keywords, rng = setting
    M = ConvolutionOperator(K, N, **keywords)
    x, y = rng.standard_normal(M.shape[1]), rng.standard_normal(M.shape[0])
    scale = np.linalg.norm(K) * K[..., 0, 0].size * np.linalg.norm(x) * np.linalg.norm(y)
    assert abs((M @ x) @ y - x @ (M.T @ y)) <= 1e-14 * scale


@given(settings_of())
def test_the_stored_form(setting):
    """Sorted, none twice, and a pattern of positions, also where several taps read one pixel."""
    K, N, keywords, _ = setting
    M, zero = conv_matrix(K, N, **keywords), conv_matrix(0 * K, N, **keywords)
    assert isinstance(M, csr_array)
    for start, end in zip(M.indptr[:-1], M.indptr[1:], strict=True):
        assert (np.diff(M.indices[start:end]) > 0).all()
    assert np.array_equal(M.indices, zero.indices)
    assert np.array_equal(M.indptr, zero.indptr)
    assert M.has_sorted_indices
    assert M.has_canonical_format


@given(settings_of())
def test_the_indices_are_long_enough(setting):
    """With a stride M can have more columns than entries."""
    K, N, keywords, _ = setting
    asked = []

    def get_index_dtype(maxval):
        asked.append(maxval)
        return np.int32

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["convreg.matrix"], "get_index_dtype", get_index_dtype)
        M = conv_matrix(K, N, **keywords)
    assert asked[0] >= max(M.nnz, *M.shape)


@given(settings_of(max_k=3))
@example(Setting(np.ones((4, 1, 1, 1)), (2, 1), {"padding": "circular"}, np.random.default_rng(0)))
def test_omega_is_the_derivative_of_M(setting):
    K, N, keywords, _ = setting
    for index in np.ndindex(K.shape):
        E = np.zeros(K.shape)
        E[index] = 1
        rows, columns = entry_positions(K.shape, N, *index, **keywords)
        ones = coo_array(
            (np.ones(len(rows)), (rows, columns)), setting_matrix(E, N, **keywords).shape
        )
        assert np.array_equal(ones.toarray(), setting_matrix(E, N, **keywords))
        assert len(set(zip(rows, columns, strict=True))) == len(rows)


@given(settings_of(max_k=3), st.integers(1, 3))
def test_both_adjoints_of_M_are_the_sums_over_omega(setting, count):
    K, N, keywords, rng = setting
    M = ConvolutionOperator(K, N, **keywords)
    Y, X = (rng.integers(-5, 6, (size, count)).astype(float) for size in M.shape)
    G = Y @ X.T
    expected = np.zeros(K.shape)
    for index in np.ndindex(K.shape):
        rows, columns = entry_positions(K.shape, N, *index, **keywords)
        expected[index] = G[rows, columns].sum()
    assert np.array_equal(M.kernel_adjoint(X, Y), expected)
    for given_as in (G, csr_array(G)):
        assert np.array_equal(conv_matrix_adjoint(given_as, K.shape, N, **keywords), expected)


@given(settings_of(integers=False))
def test_the_norm_of_M_is_at_most_that_of_K_times_the_root_of_the_number_of_taps(setting):
    """What `minimize_penalty` takes for its guard against overflow: |M|^2 <= k1 k2 |K|^2."""
    K, N, keywords, _ = setting
    norm = np.linalg.norm(setting_matrix(K, N, **keywords), 2)
    assert norm <= (K.shape[0] * K.shape[1]) ** 0.5 * np.linalg.norm(K) * (1 + 1e-14)


def test_the_bound_of_the_norm_is_reached_by_ones():
    """Around a circle all taps of a constant kernel add up."""
    K = np.ones((3, 2, 1, 1))
    largest, _ = extreme_singular_values(K, (6, 5), padding="circular")
    assert largest == pytest.approx(6, rel=1e-14)
    assert largest == pytest.approx(6**0.5 * np.linalg.norm(K), rel=1e-14)


@given(
    st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.integers(0, 9)
)
def test_circular_is_the_convolution_on_a_torus(k, g, h, N, seed):
    """Its singular values are those of the symbol at the frequencies of the torus."""
    K = np.random.default_rng(seed).standard_normal((k, k, g, h))
    assume(N >= k)
    sigma = np.linalg.svd(conv_matrix(K, N, padding="circular").toarray(), compute_uv=False)
    expected = np.sort(periodic.periodic_singular_values(K, N).ravel())[::-1]
    assert np.abs(sigma - expected).max() <= 1e-12 * expected[0]


# the paper's case


def results(K, N, image, u, **keywords):
    """What every function gives that takes a geometry."""
    M = ConvolutionOperator(K, N, **keywords)
    positions = entry_positions(K.shape, N, 2, 1, **keywords)
    descent = minimize_penalty(K, N, iterations=3, **keywords)
    return [
        convolve(K, image, **keywords),
        M @ u,
        M.T @ (M @ u),
        conv_matrix(K, N, **keywords).toarray(),
        *positions,
        conv_matrix_adjoint(conv_matrix(K, N, **keywords), K.shape, N, **keywords),
        kernel_gradient(K, N, u, u, **keywords),
        kernel_gradient_index_sum(K, N, u, u, **keywords),
        penalty(K, N, **keywords),
        *penalty_gradient(K, N, **keywords),
        extreme_singular_values(K, N, **keywords),
        descent.kernel,
        np.array(descent.history.tolist()),
    ]


@pytest.mark.parametrize("shape", [(3, 3, 2, 1), (4, 4, 1, 2), (5, 5, 1, 1)])
def test_the_default_is_the_papers_and_a_pair_of_equal_sides_an_integer(shape):
    """To the last bit."""
    rng = np.random.default_rng(0)
    K, N = rng.standard_normal(shape), 5
    image = rng.standard_normal((N, N, shape[2]))
    expected = results(K, N, image, vec(image))
    words = {"stride": 1, "dilation": 1, "padding": "same"}
    pairs = {name: (value, value) for name, value in words.items()}
    for size, keywords in ((N, words), (N, pairs), ((N, N), {}), ([N, N], pairs)):
        found = results(K, size, image, vec(image), **keywords)
        assert all(map(np.array_equal, found, expected))


def test_the_operator_keeps_the_size_as_it_was_given():
    K = np.ones((3, 2))
    assert ConvolutionOperator(K, 4).N == 4
    assert ConvolutionOperator(K, (4, 5)).N == (4, 5)
    M = ConvolutionOperator(K, [4, 5], stride=2)
    assert M.N == (4, 5)
    assert (M.geometry.image, M.geometry.outputs) == ((4, 5), (2, 3))
    assert M.with_kernel(np.zeros((3, 2, 1, 1))).shape == M.shape == (6, 20)


def test_vec_and_unvec_of_rectangles():
    X = np.arange(24.0).reshape(2, 3, 4)
    x = vec(X)
    for r, s, d in np.ndindex(X.shape):
        assert x[d * 6 + s * 2 + r] == X[r, s, d]
    assert np.array_equal(unvec(x, (2, 3)), X)
    assert np.array_equal(vec(X[:, :, 0]), x[:6])


# the theorems


@given(settings_of(max_k=3, integers=False))
def test_three_ways_to_the_kernel_gradient(setting):
    """The fast form, the literal sums (2.3) and (2.5), and M* of Lemma 2.2, for any u and v."""
    K, N, keywords, rng = setting
    M = setting_matrix(K, N, **keywords)
    u, v = rng.standard_normal((2, M.shape[1]))
    fast = kernel_gradient(K, N, u, v, **keywords)
    by_lemma = conv_matrix_adjoint(penalty_matrix_gradient(M, u, v), K.shape, N, **keywords)
    assert fast.shape == K.shape
    assert relative_error(fast, by_lemma) < 1e-13
    assert relative_error(fast, kernel_gradient_index_sum(K, N, u, v, **keywords)) < 1e-13
    u, v = rng.standard_normal((2, M.shape[0]))
    of_rows = np.outer(u, M.T @ v) + np.outer(v, M.T @ u)
    by_lemma = conv_matrix_adjoint(of_rows, K.shape, N, **keywords)
    assert relative_error(kernel_gradient(K, N, u, v, "rows", **keywords), by_lemma) < 1e-13


@given(settings_of(integers=False), alphas, all_grams)
def test_the_penalty_is_that_of_the_dense_matrix(setting, alpha, gram):
    K, N, keywords, _ = setting
    M = setting_matrix(K, N, **keywords)
    expected = np.linalg.norm(reference_gram(M, alpha, gram), 2)
    rounding = 1e-12 * (alpha + np.linalg.norm(M, 2) ** 2)
    assert penalty(K, N, alpha, gram, **keywords) == pytest.approx(expected, abs=rounding)
    R, G, triplet = penalty_gradient(K, N, alpha, gram, full_output=True, **keywords)
    assert pytest.approx(expected, abs=rounding) == R == triplet.sigma
    by_formula = kernel_gradient(K, N, triplet.u, triplet.v, gram, **keywords)
    assert np.array_equal(G, by_formula)


@given(settings_of(integers=False))
def test_the_extreme_singular_values_are_those_of_the_dense_matrix(setting):
    K, N, keywords, _ = setting
    sigma = np.linalg.svd(setting_matrix(K, N, **keywords), compute_uv=False)
    found = extreme_singular_values(K, N, **keywords)
    assert found == pytest.approx((sigma[0], sigma[-1]), rel=1e-9, abs=1e-13 * sigma[0])


@settings(max_examples=30)
@given(settings_of(max_k=3, integers=False), st.sampled_from((0.2, 0.9, 3.0)), all_grams)
def test_theorem_2_3_by_central_differences(setting, relative, gram):
    """Entry by entry, where the largest singular value is simple; alpha relative to |M|^2."""
    K, N, keywords, _ = setting
    M = setting_matrix(K, N, **keywords)
    alpha = relative * np.linalg.norm(M, 2) ** 2
    assume(alpha > 1e-3)
    sizes = np.sort(np.linalg.svd(reference_gram(M, alpha, gram), compute_uv=False))[::-1]
    if len(sizes) > 1:
        assume(sizes[1] < 0.99 * sizes[0])
    _, G = penalty_gradient(K, N, alpha, gram, **keywords)
    step = 1e-6 * max(1, np.linalg.norm(K))
    for index in np.ndindex(K.shape):
        E = np.zeros(K.shape)
        E[index] = step
        ahead, behind = (
            np.linalg.norm(reference_gram(setting_matrix(L, N, **keywords), alpha, gram), 2)
            for L in (K + E, K - E)
        )
        assert G[index] == pytest.approx((ahead - behind) / (2 * step), abs=1e-5 * (1 + alpha))


DESCENTS = {
    "stride": ((3, 3, 2, 3), 7, {"stride": 2}),
    "stem": ((5, 5, 1, 4), (9, 8), {"stride": (2, 2), "padding": 2}),
    "rectangle": ((1, 4, 2, 2), (4, 6), {"padding": "valid"}),
    "dilation": ((3, 3, 1, 2), 6, {"dilation": 2}),
    "circular": ((3, 2, 2, 2), (5, 6), {"padding": "circular"}),
}


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("name", DESCENTS)
def test_algorithm_2_1_lowers_the_penalty(name, gram):
    """From a kernel with sigma_max^2 = 4, alpha = 1; its history is that of the dense M."""
    shape, N, keywords = DESCENTS[name]
    K = np.random.default_rng(1).standard_normal(shape)
    size = (N, N) if isinstance(N, int) else N
    K *= 2 / np.linalg.norm(setting_matrix(K, size, **keywords), 2)
    kernels = [K]
    result = minimize_penalty(
        K, N, 1.0, 0.02, 12, gram=gram, callback=lambda i, L, e: kernels.append(L), **keywords
    )
    assert result.kernel.shape == shape
    assert result.history.penalty[0] == pytest.approx(3, rel=1e-12)
    assert result.history.penalty[-1] < 2.5
    for kernel, row in zip(kernels, result.history, strict=True):
        M = setting_matrix(kernel, size, **keywords)
        sigma = np.linalg.svd(M, compute_uv=False)
        assert row.penalty == pytest.approx(
            np.linalg.norm(reference_gram(M, 1, gram), 2), rel=1e-11
        )
        assert (row.sigma_max, row.sigma_min) == pytest.approx((sigma[0], sigma[-1]), rel=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", DESCENTS)
def test_the_type_is_kept(name, dtype):
    shape, N, keywords = DESCENTS[name]
    K = np.random.default_rng(2).standard_normal(shape)
    M = ConvolutionOperator(K.astype(dtype), N, **keywords)
    x = np.random.default_rng(3).standard_normal((M.shape[1], 2))
    dense = conv_matrix(K, N, **keywords).toarray()
    tolerance = {np.float64: 1e-14, np.float32: 1e-5}[dtype]
    y = dense @ x
    u, v = x.T
    for found, expected in (
        (M @ x.astype(dtype), y),
        (M.T @ y.astype(dtype), dense.T @ y),
        (conv_matrix(K.astype(dtype), N, **keywords).toarray(), dense),
        (
            kernel_gradient(K.astype(dtype), N, u.astype(dtype), v.astype(dtype), **keywords),
            kernel_gradient(K, N, u, v, **keywords),
        ),
        (
            penalty_gradient(K.astype(dtype), N, **keywords)[1],
            penalty_gradient(K, N, **keywords)[1],
        ),
    ):
        assert found.dtype == dtype
        assert relative_error(found, expected) < 100 * tolerance
    assert minimize_penalty(K.astype(dtype), N, iterations=1, **keywords).kernel.dtype == dtype


SQUARE_ONLY = {
    function.__name__: (function, arguments)
    for function, *arguments in (
        (alternatives.reshaped,),
        (alternatives.spectral_norm_penalty,),
        (alternatives.spectral_normalization,),
        (alternatives.orthogonality_penalty,),
        (alternatives.parseval_retraction,),
        (alternatives.frobenius_penalty, 4),
        (alternatives.self_convolution_penalty,),
        (barrier.squared_column_norms, 4),
        (barrier.column_norm_bound, 4),
        (barrier.squared_off_centre_norms,),
        (barrier.off_centre_share,),
        (kinks.mean_gradient, 4),
        (periodic.periodic_singular_values, 5),
        (periodic.clip_periodic, 5, 1.0),
        (surrogates.bounded_by_reshaped, 4),
        (symbol.symbol, [0.0], [0.0]),
        (symbol.plane_wave_bound, 5, [0.0], [0.0]),
        (symbol.hermitian_part_bound, [0.0], [0.0]),
    )
}


@pytest.mark.parametrize("name", SQUARE_ONLY)
def test_what_is_about_square_kernels_refuses_others(name):
    function, arguments = SQUARE_ONLY[name]
    function(np.ones((3, 3, 1, 1)), *arguments)
    with pytest.raises(ValueError, match=r"^K: wanted the shape \(k, k, g, h\) or \(k, k\), "):
        function(np.ones((3, 2, 1, 1)), *arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: geometry_of((3, 3), 4, dilation=2**31), "dilation: wanted one with at most"),
        (lambda: geometry_of((3, 3), 4, dilation=(1, 2**35)), "dilation: wanted one with at most"),
        (lambda: geometry_of((3, 3), 4, padding=2**31), "padding: wanted one with at most"),
        (lambda: tap_offsets(2**62), "k: wanted an integer from 1 to"),
        (lambda: identity(2**31), "k, g, h: wanted at most"),
        (lambda: winding_numbers(np.ones((3, 3)), 2**62), "points: wanted an integer from 4 to"),
    ],
)
def test_what_no_memory_holds_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def test_a_line_of_many_pixels_is_an_image():
    assert geometry_of((1, 3), (1, 2**20)).outputs == (1, 2**20)
