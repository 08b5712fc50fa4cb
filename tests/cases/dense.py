"""R_alpha and its gradient from dense matrices, for kernels with fewer outputs than inputs, too."""

from functools import partial

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from strategies import cases, reference_adjoint, reference_gram, reference_matrix

from convreg import minimize_penalty

alphas = st.floats(0.01, 50)
grams = st.sampled_from(("columns", "rows"))
all_grams = st.sampled_from(("columns", "rows", "smaller"))
small = partial(cases, max_k=4, max_channels=3, max_N=4)


def widened(case):
    g, h = case.K.shape[2:]
    return case._replace(K=case.K.swapaxes(2, 3)) if g < h else case


def wide(**sizes):
    """Cases with h < g."""
    return small(**sizes).map(widened).filter(lambda case: case.K.shape[2] > case.K.shape[3])


def top_square(K, N):
    return np.linalg.norm(reference_matrix(K, N), 2) ** 2


def scaled(case, square):
    """The kernel with this sigma_max^2."""
    top = top_square(case.K, case.N)
    assume(top > 1e-6)
    return case.K * (square / top) ** 0.5


def takes_rows(gram, K):
    return gram == "rows" or (gram == "smaller" and K.shape[3] < K.shape[2])


def dense_gram(K, N, alpha, gram):
    return reference_gram(reference_matrix(K, N), alpha, gram)


def dense_penalty(K, N, alpha, gram):
    return np.linalg.norm(dense_gram(K, N, alpha, gram), 2)


def dense_gradient(K, N, v, sign, gram):
    """The derivative of sign v'(M'M - alpha I)v, or with M M', in K at fixed v."""
    M = reference_matrix(K, N)
    outer = np.outer(v, M.T @ v) if takes_rows(gram, K) else np.outer(M @ v, v)
    return 2 * sign * reference_adjoint(outer, K.shape, N)


def null_rounding(K, N, alpha):
    """|M v| for a null vector v of M as computed from M'M - alpha I: eps alpha over sigma."""
    sigma = np.linalg.svd(reference_matrix(K, N), compute_uv=False)
    return 1e-14 * alpha / sigma[sigma > 1e-14 * sigma[0]][-1]


def centre(k):
    return (k + 1) // 2 - 1


def kernel(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def trace(K, N, alpha, **options):
    """A descent, and the kernel that every entry of its history is about."""
    kernels = [np.array(K)]
    result = minimize_penalty(K, N, alpha, callback=lambda i, K, e: kernels.append(K), **options)
    return result, kernels
