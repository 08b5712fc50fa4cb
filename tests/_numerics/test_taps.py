"""Equations (1.1), (2.4), (2.5) as products of matrices: both mechanisms, in blocks, with what is
kept between calls.
"""

import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import (
    DTYPES,
    Case,
    cases,
    reference_adjoint,
    reference_matrix,
    relative_error,
    setting_matrix,
    settings_of,
)
from threadpoolctl import threadpool_limits

from convreg import (
    ConvolutionOperator,
    conv_matrix,
    conv_matrix_adjoint,
    kernel_gradient,
    kernel_gradient_index_sum,
    leading_triplets,
    penalty_gradient,
    shifted_gram,
)
from convreg._numerics.taps import Convolution, correlate, kept_taps
from convreg.geometry import geometry_of

MODULE = sys.modules["convreg._numerics.taps"]

works = st.sampled_from([1, 50, 1000, MODULE.WORK])  # with 1, a single line of the image at a time
reads = st.sampled_from([0, MODULE.READ, 100])  # always adding, whichever is less, always reading
dtypes = st.sampled_from(DTYPES)
accuracy = {np.float64: 1e-13, np.float32: 2e-5}


@contextmanager
def limits(WORK=MODULE.WORK, READ=MODULE.READ):
    """Other limits, and no arrays kept from before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "WORK", WORK)
        patch.setattr(MODULE, "READ", READ)
        kept_taps.clear()
        try:
            yield
        finally:
            kept_taps.clear()


def convolution(K, N, transposed):
    return Convolution(K, geometry_of(K.shape, N), transposed)


def adjoint(shape, N, X, Y):
    return correlate(shape, geometry_of(shape, N), X, Y)


def case_of(k, g, h, N, seed=0):
    rng = np.random.default_rng(seed)
    return Case(rng.standard_normal((k, k, g, h)), N, rng)


def vectors(case, count, transposed=False, dtype=np.float64):
    size = case.K.shape[3 if transposed else 2] * case.N**2
    return case.rng.standard_normal((size, count)).astype(dtype)


def peak_of(function):
    """The most memory that numpy held meanwhile, in bytes; arrays kept by convreg are allocated
    anew.
    """
    kept_taps.clear()
    tracemalloc.start()
    try:
        result = function()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


@given(cases(max_channels=5, max_N=12), st.integers(1, 40), works, reads, dtypes)
@example(case_of(7, 5, 5, 12), 40, 1, 0, np.float64)
@example(case_of(6, 5, 2, 12), 40, 1000, 100, np.float64)
@example(case_of(6, 1, 1, 2), 3, 1, 0, np.float32)
def test_products_are_those_of_the_matrix(case, count, work, read, dtype):
    K = case.K.astype(dtype)
    M = conv_matrix(K, case.N)
    with limits(work, read):
        for transposed, matrix in ((False, M), (True, M.T)):
            product, X = convolution(K, case.N, transposed), vectors(case, count, transposed, dtype)
            before = X.copy()
            Y = product(X)
            assert Y.dtype == dtype
            assert relative_error(Y, matrix @ X) < accuracy[dtype]
            assert np.array_equal(X, before)
            assert read == MODULE.READ or product.reads == (read == 100)


@given(cases(max_channels=3, max_N=5, integers=True), works, reads)
def test_products_of_integers_are_exactly_the_reference(case, work, read):
    """Both directions, and with them the dot test: no rounding, so that the adjoint is exact."""
    M = reference_matrix(case.K, case.N)
    X, Y = (case.rng.integers(-9, 10, (size, 3)).astype(float) for size in M.shape[::-1])
    with limits(work, read):
        MX, MtY = convolution(case.K, case.N, False)(X), convolution(case.K, case.N, True)(Y)
    assert np.array_equal(MX, M @ X)
    assert np.array_equal(MtY, M.T @ Y)
    assert np.array_equal(MX.T @ Y, X.T @ MtY)


@given(settings_of(max_k=5, max_channels=3), st.integers(1, 4), works, reads)
def test_products_of_any_geometry_are_exactly_the_reference(setting, count, work, read):
    """The gradient in the kernel too: a line at a time, more vectors than go through together."""
    K, N, keywords, rng = setting
    M = setting_matrix(K, N, **keywords)
    X, Y = (rng.integers(-9, 10, (size, count)).astype(float) for size in M.shape[::-1])
    geometry = geometry_of(K.shape, N, **keywords)
    with limits(work, read):
        MX = Convolution(K, geometry, transposed=False)(X)
        MtY = Convolution(K, geometry, transposed=True)(Y)
        G = correlate(K.shape, geometry, X, Y)
    assert np.array_equal(MX, M @ X)
    assert np.array_equal(MtY, M.T @ Y)
    assert np.array_equal(G, conv_matrix_adjoint(Y @ X.T, K.shape, N, **keywords))


@pytest.mark.parametrize(
    ("keywords", "always"),
    [({"stride": 2}, True), ({"padding": 4}, True), ({"dilation": 2}, False)],
)
def test_without_a_mirror_image_M_reads_and_its_transpose_adds(keywords, always):
    """Whatever the numbers of channels."""
    for g, h in ((1, 8), (8, 1)):
        geometry = geometry_of((3, 3), 9, **keywords)
        K = np.ones((3, 3, g, h))
        forward = Convolution(K, geometry, transposed=False)
        backward = Convolution(K, geometry, transposed=True)
        assert (forward.reads, backward.reads) == ((True, False) if always else (g == 1, h == 1))
        assert forward.channels == (g if always else 1)
        assert backward.channels == (g if always else 1)


@pytest.mark.parametrize(
    ("g", "h", "keywords", "channels"),
    [(2, 5, {}, 2), (5, 2, {}, 2), (5, 2, {"stride": 2}, 5), (5, 2, {"padding": 4}, 5)],
)
def test_the_gradient_reads_whichever_has_fewer_channels(g, h, keywords, channels, monkeypatch):
    """Without a mirror image the inputs, whatever their number."""
    asked = []

    def counted(geometry, mirrored, channels, *rest):
        asked.append(channels)
        return kept_taps(geometry, mirrored, channels, *rest)

    monkeypatch.setattr(MODULE, "kept_taps", counted)
    geometry = geometry_of((3, 3), 6, **keywords)
    m, n = geometry.shape_of_matrix(g, h)
    correlate((3, 3, g, h), geometry, np.ones((n, 1)), np.ones((m, 1)))
    assert asked == [channels]


@pytest.mark.parametrize(
    ("inputs", "outputs", "reading"),
    [
        (1, 1, True),
        (1, 5, True),
        (3, 1, True),
        (4, 1, False),
        (6, 2, True),
        (7, 2, False),
        (12, 5, True),
        (5, 1, False),
    ],
)
def test_it_reads_where_that_is_at_most_three_times_the_channels(inputs, outputs, reading):
    assert MODULE.READ == 3
    forward = convolution(np.ones((3, 3, inputs, outputs)), 4, False)
    backward = convolution(np.ones((3, 3, outputs, inputs)), 4, True)
    assert forward.reads == backward.reads == reading
    assert forward.channels == backward.channels == (inputs if reading else outputs)
    assert (forward.mirrored, backward.mirrored) == (not reading, reading)


@given(cases(max_channels=3, max_N=6), works, reads)
def test_any_memory_order(case, work, read):
    K, N, rng = case
    g, h = K.shape[2:]
    views = (
        np.repeat(K, 2, axis=1)[:, ::2],
        K[::-1, ::-1].copy()[::-1, ::-1],
        np.asfortranarray(K),
    )
    with limits(work, read):
        for transposed, n in ((False, g * N**2), (True, h * N**2)):
            wide = rng.standard_normal((3, 2 * n))
            for X in (wide[:, ::2].T, wide[:, ::-2].T, wide[:, :n].T, wide[::2, :n].T):
                expected = convolution(K, N, transposed)(np.ascontiguousarray(X))
                for view in views:
                    assert relative_error(convolution(view, N, transposed)(X), expected) < 1e-14
        X, Y = rng.standard_normal((2 * g * N**2, 2))[::2], rng.standard_normal((2, h * N**2)).T
        expected = adjoint(K.shape, N, X.copy(), np.ascontiguousarray(Y))
        assert relative_error(adjoint(K.shape, N, X, Y), expected) < 1e-14


@given(cases(max_channels=5, max_N=6), st.integers(1, 5), works, dtypes)
@example(case_of(7, 2, 5, 3), 2, 1, np.float64)
@example(case_of(6, 5, 2, 3), 2, 1, np.float64)
def test_correlate_is_the_adjoint_of_a_sum_of_outer_products(case, count, work, dtype):
    X, Y = vectors(case, count, False, dtype), vectors(case, count, True, dtype)
    with limits(work):
        G = adjoint(case.K.shape, case.N, X, Y)
    assert G.dtype == dtype
    assert G.shape == case.K.shape
    expected = conv_matrix_adjoint(Y.astype(float) @ X.T.astype(float), case.K.shape, case.N)
    assert relative_error(G, expected) < accuracy[dtype]


@pytest.mark.parametrize(("g", "h"), [(2, 3), (3, 3), (3, 2)])
@pytest.mark.parametrize(("k", "N"), [(1, 3), (3, 4), (4, 3), (5, 2), (6, 4), (7, 3)])
@pytest.mark.parametrize("work", [1, 300, MODULE.WORK])
@pytest.mark.parametrize("dtype", DTYPES)
def test_kernel_gradient_for_every_order_of_the_channels(g, h, k, N, work, dtype):
    K, N, rng = case_of(k, g, h, N)
    M = reference_matrix(K, N)
    with limits(work):
        for gram, A in (("columns", M), ("rows", M.T)):
            u, v = rng.standard_normal((2, A.shape[1]))
            G = kernel_gradient(K.astype(dtype), N, u.astype(dtype), v.astype(dtype), gram)
            outer = np.outer(A @ u, v) + np.outer(A @ v, u)
            expected = reference_adjoint(outer if gram == "columns" else outer.T, K.shape, N)
            assert G.dtype == dtype
            assert relative_error(G, expected) < accuracy[dtype]
            if gram == "columns":
                assert relative_error(G, kernel_gradient_index_sum(K, N, u, v)) < accuracy[dtype]


def test_what_is_kept_does_not_show():
    """Many shapes, counts and types in turn, more than are kept; and no result changes after it was
    given.
    """
    rng = np.random.default_rng(1)
    calls = []
    for k, g, h, N in (
        (1, 1, 1, 4),
        (1, 3, 3, 4),
        (3, 2, 2, 5),
        (4, 1, 3, 5),
        (3, 3, 1, 5),
        (5, 2, 2, 2),
    ):
        for count, dtype in ((1, np.float64), (3, np.float64), (1, np.float32)):
            K, N, _ = case = case_of(k, g, h, N, seed=g)
            X, Y = vectors(case, count, False, dtype), vectors(case, count, True, dtype)
            M, Mt = convolution(K.astype(dtype), N, False), convolution(K.astype(dtype), N, True)
            calls += [
                (M, X),
                (Mt, Y),
                (lambda X, Y, case=case: adjoint(case.K.shape, case.N, X, Y), X, Y),
            ]
    fresh = []
    for function, *blocks in calls:
        kept_taps.clear()
        fresh.append(function(*blocks))
    copies = [result.copy() for result in fresh]
    for index in rng.integers(len(calls), size=600):
        function, *blocks = calls[index]
        result = function(*blocks)
        assert result.dtype == fresh[index].dtype
        assert relative_error(result, fresh[index]) < accuracy[result.dtype.type]
        function(*(7 * block for block in blocks))  # other data, the same work arrays
    assert all(map(np.array_equal, fresh, copies))
    assert len(kept_taps) == 4


@pytest.mark.parametrize("read", [0, 100])
@pytest.mark.parametrize("k", [1, 3, 4])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("padding", ["same", "circular"])
def test_nan_does_not_outlive_its_call(read, k, bad, padding):
    case = case_of(k, 2, 2, 4)
    X, Y = vectors(case, 2), vectors(case, 2, True)
    geometry = geometry_of(case.K.shape, 4, padding=padding)
    with limits(READ=read):
        functions = [
            lambda Z, transposed=t: Convolution(case.K, geometry, transposed)(Z)
            for t in (False, True)
        ]
        functions.append(lambda Z: correlate(case.K.shape, geometry, Z, Y))
        expected = [function(X) for function in functions]
        for poison in functions:
            with np.errstate(invalid="ignore"):
                assert not np.isfinite(poison(bad * np.ones_like(X))).all()
            assert all(map(np.array_equal, (function(X) for function in functions), expected))


@pytest.mark.parametrize("read", [0, 100])
def test_two_threads_at_once(read):
    """Operators of one kind share the kept arrays: each thread has its own meanwhile."""
    first, second = case_of(3, 4, 4, 20, seed=1), case_of(3, 4, 4, 20, seed=2)
    X, Y = vectors(first, 2), vectors(second, 2)
    with limits(5000, read):
        jobs = []
        for case, Z in ((first, X), (second, Y), (first, Y), (second, X)):
            jobs += [(convolution(case.K, 20, transposed), Z) for transposed in (False, True)]
            jobs.append((lambda Z, case=case: adjoint(case.K.shape, 20, Z, Z[::-1]), Z))
        expected = [function(Z) for function, Z in jobs]
        with threadpool_limits(1), ThreadPoolExecutor(2) as pool:
            for _ in range(20):
                results = list(pool.map(lambda job: job[0](job[1]), jobs))
                assert all(
                    relative_error(*pair) < 1e-13 for pair in zip(results, expected, strict=True)
                )
        assert 2 <= len(kept_taps) <= 4  # mirrored or not, for at most two threads


@pytest.mark.parametrize(
    ("k", "channels", "N", "share"), [(3, 32, 40, 0.85), (7, 16, 48, 0.25), (5, 32, 64, 0.2)]
)
@pytest.mark.parametrize("read", [0, 100])
def test_the_whole_im2col_is_never_there(k, channels, N, share, read):
    case = case_of(k, channels, channels, N)
    X = vectors(case, 2)
    with limits(READ=read):
        for M in (ConvolutionOperator(case.K, N), ConvolutionOperator(case.K, N).T):
            peak, Y = peak_of(lambda M=M: M @ X)
            arrays = MODULE.WORK + 2 * channels * (N + k - 1) ** 2 + Y.size
            assert peak <= 8 * 1.1 * arrays
            assert peak <= share * 8 * k**2 * X.size


def test_what_is_kept_of_many_vectors_is_bounded():
    case = case_of(3, 16, 16, 40)
    M, X = ConvolutionOperator(case.K, 40), vectors(case, 150)
    M @ X[:, :1]
    kept_taps.clear()
    tracemalloc.start()
    Y = M @ X
    kept = tracemalloc.get_traced_memory()[0] - Y.nbytes
    tracemalloc.stop()
    assert (
        kept <= 2 * 8 * 2.3 * MODULE.WORK
    )  # images and work arrays, of the full groups and of the last one
    assert relative_error(Y[:, ::30], M @ X[:, ::30]) < 1e-13


def test_memory_of_the_gradient_of_a_layer():
    """Some vectors and kernels: nothing of the size of k^2 g N^2."""
    (K, N, _), ncv = case_of(3, 64, 64, 28), 20
    small = case_of(3, 2, 2, 12)
    penalty_gradient(small.K, small.N, tolerance=1e-3)  # whatever is loaded at first
    peak, _ = peak_of(lambda: penalty_gradient(K, N, tolerance=1e-3))
    assert peak <= 1.5 * 8 * ((64 + 64) * N**2 * (ncv + 10) + 3 * K.size)


def test_threads_of_the_blas_change_only_the_rounding():
    K, N, _ = case = case_of(3, 16, 24, 16)
    X, Y = vectors(case, 2), vectors(case, 2, True)
    M = ConvolutionOperator(K, N)
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            [triplet] = leading_triplets(shifted_gram(M), 1)
            gradients = [
                kernel_gradient(K, N, *pair.T, gram) for pair, gram in ((X, "columns"), (Y, "rows"))
            ]
            results.append(
                [M @ X, M.T @ Y, *gradients, np.outer(triplet.u, triplet.v[:9]) * triplet.sigma]
            )
    for one, two in zip(*results, strict=True):
        assert np.linalg.norm(one - two) <= 1e-12 * np.linalg.norm(one)
