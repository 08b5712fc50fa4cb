"""Section 3: the largest and the smallest singular value of M(K), small, sparse or too large to factorise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, eigsh, splu

from convreg._checks import as_integer, as_kernel
from convreg.convolution import ConvolutionOperator
from convreg.lanczos import leading_triplets, one_thread_for_scipy
from convreg.matrix import conv_matrix

DENSE_LIMIT = 1500  # up to this size the smaller Gram matrix is formed and all its eigenvalues are taken
FACTOR_LIMIT = 10**8  # entries of sparse factors, as estimated: about a gigabyte and half a minute


def extreme_singular_values(K: ArrayLike, N: int) -> tuple[float, float]:
    r"""Section 3: the largest and the smallest of the min(m, n) singular values of the m x n matrix M(K).

    .. math:: \sigma_{\max}(M)^2 = \lambda_{\max}(B), \quad \sigma_{\min}(M)^2 = \lambda_{\min}(B), \quad
       B = M^T M \text{ or, where } m < n, \; M M^T

    In double precision, for every type of K. Up to 1500 unknowns all eigenvalues of the smaller Gram matrix are
    taken. It squares the condition number, so that a small sigma_min would lose digits: then they come from a
    singular value decomposition of M. Larger problems take Lanczos for sigma_max, and for sigma_min shift-invert,
    as long as the sparse factors fit in memory: of M itself where it is square, else of the smaller Gram matrix,
    which loses a sigma_min below about 1e-7 sigma_max.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int

    Returns
    -------
    sigma_max, sigma_min : float

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel or N no positive integer.
    MemoryError
        Where sigma_min is out of reach; it says how large the factors would be, and what to take instead.

    Examples
    --------
    >>> extreme_singular_values([[0, 0, 0], [0, -2, 0], [0, 0, 0]], 5)
    (2.0, 2.0)
    """
    kernel, N = as_kernel(K).astype(np.float64), as_integer("N", N, 1)
    if not is_small(kernel.shape, N):
        smallest = smallest_singular_value(kernel, N)  # first, as it may not fit
        return largest_singular_value(kernel, N), smallest
    kernel, scale = _scaled(kernel)
    M = _tall(kernel, N)
    squares = np.linalg.eigvalsh((M.T @ M).toarray())
    if squares[0] >= 1e-5 * squares[-1]:
        sigma = squares[[-1, 0]] ** 0.5
    else:
        sigma = np.linalg.svd(M.toarray(), compute_uv=False)[[0, -1]]
    return scale * float(sigma[0]), scale * float(sigma[1])


def is_small(shape: tuple[int, ...], N: int) -> bool:
    """Whether the smaller Gram matrix of M is taken as a dense one."""
    return min(shape[2:]) * N**2 <= DENSE_LIMIT


def factors_fit(shape: tuple[int, ...], N: int) -> bool:
    """Whether sigma_min can be computed."""
    return is_small(shape, N) or _factor_entries(shape, N) <= FACTOR_LIMIT


def _factor_entries(shape: tuple[int, ...], N: int) -> int:
    """About what sparse factors hold: all within the band of the matrix, pixel after pixel.

    A square M couples pixels up to k/2 lines apart, a Gram matrix up to k - 1.
    """
    k, _, g, h = shape
    lines, channels = k // 2 if g == h else k - 1, min(g, h)
    return 2 * channels * N**2 * min(channels * N * max(1, lines), channels * N**2)


def largest_singular_value(kernel: NDArray, N: int, tolerance: float = 0.0) -> float:
    """sigma_max of M by Lanczos, without forming M."""
    kernel, scale = _scaled(kernel)
    return scale * float(leading_triplets(ConvolutionOperator(kernel, N), 1, tolerance)[0].sigma)


def smallest_singular_value(kernel: NDArray, N: int) -> float:
    """sigma_min of M, ``|M v|`` for the v with the smallest eigenvalue of M'M, by shift-invert Lanczos."""
    if not factors_fit(kernel.shape, N):
        raise MemoryError(
            f"K, N: wanted sparse factors of at most {FACTOR_LIMIT:.0e} entries for sigma_min, "
            f"got about {_factor_entries(kernel.shape, N):.1e} for {min(kernel.shape[2:]) * N**2} unknowns; "
            "without sigma_min there are penalty(K, N, tolerance=1e-6) for R_alpha, "
            "leading_triplets(ConvolutionOperator(K, N), 1) for sigma_max, "
            "and minimize_penalty(K, N, diagnostics=False)"
        )
    kernel, scale = _scaled(kernel)
    M = _tall(kernel, N)
    gram = M.T @ M
    try:
        inverse = _inverse_of_square(M) if M.shape[0] == M.shape[1] else splu(gram.tocsc()).solve
    except RuntimeError:  # SuperLU's word for a pivot that is exactly zero
        return 0.0
    start = np.random.default_rng(0).standard_normal(gram.shape[0])
    inverse = LinearOperator(gram.shape, inverse, dtype=gram.dtype)
    with one_thread_for_scipy:
        _, v = eigsh(gram, k=1, sigma=0.0, OPinv=inverse, v0=start, rng=0)
    return scale * float(np.linalg.norm(M @ v))


def _scaled(kernel: NDArray) -> tuple[NDArray, float]:
    """The kernel over a power of two that keeps M'M from overflow and underflow, and that power; exact."""
    scale = 2.0 ** (np.frexp(np.abs(kernel).max())[1] - 1)
    return kernel / scale, float(scale)


def _tall(kernel: NDArray, N: int) -> csr_array:
    """M, or its transpose where M has more columns than rows."""
    M = conv_matrix(kernel, N)
    return M if M.shape[0] >= M.shape[1] else M.T.tocsr()


def _inverse_of_square(M: csr_array) -> Callable[[NDArray], NDArray]:
    """x -> (M'M)^-1 x from the factors of M itself, which keeps the digits that forming M'M would lose."""
    factors = splu(M.tocsc())
    return lambda x: factors.solve(factors.solve(x, trans="T"))
