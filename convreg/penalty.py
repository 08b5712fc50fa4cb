"""Section 2: the penalty R_alpha(K) = sigma_max(M'M - alpha I), Theorem 2.1, and the extreme singular values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator, eigsh, splu

from convreg._checks import as_integer, as_kernel, as_matrix, as_number, float_type, gram_of_rows
from convreg.convolution import ConvolutionOperator
from convreg.gradients import kernel_gradient
from convreg.matrix import conv_matrix
from convreg.power import leading_triplets

DENSE_LIMIT = 1500  # up to this size the smaller Gram matrix is formed and all its eigenvalues are taken


def shifted_gram(M: Any, alpha: float = 1.0, gram: str = "columns") -> LinearOperator:
    """Section 2: M'M - alpha I as a symmetric linear operator, from any kind of M.

    Parameters
    ----------
    M : (m, n) array, sparse array or LinearOperator
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller.

    Returns
    -------
    LinearOperator of shape (n, n), or (m, m) for M M'

    Raises
    ------
    ValueError, TypeError
        Where alpha is not positive and finite, or gram is none of the three.

    Examples
    --------
    >>> shifted_gram(np.diag([3.0, 1.0]), alpha=2.0) @ np.eye(2)
    array([[ 7.,  0.],
           [ 0., -1.]])
    """
    M = as_matrix("M", M)
    m, n = M.shape
    return _ShiftedGram(M.T if gram_of_rows(gram, m, n) else M, as_number("alpha", alpha))


class _ShiftedGram(LinearOperator):
    """A'A - alpha I, its own adjoint."""

    def __init__(self, A: Any, alpha: float) -> None:
        self._A, self._At, self._alpha = aslinearoperator(A), aslinearoperator(A.T), alpha
        super().__init__(float_type(A.dtype), (A.shape[1], A.shape[1]))

    def _matmat(self, X: NDArray) -> NDArray:
        gram = self._At.matmat(self._A.matmat(X))
        shifted = np.multiply(X, -self._alpha, dtype=gram.dtype)
        shifted += gram
        return shifted

    def _adjoint(self) -> LinearOperator:
        return self

    def _transpose(self) -> LinearOperator:
        return self


def penalty(K: ArrayLike, N: int, alpha: float = 1.0, gram: str = "columns") -> float:
    """Section 2: R_alpha(K) = sigma_max(M'M - alpha I), M = M(K).

    The eigenvalues of M'M are the squared singular values of M and, where M has more columns than rows,
    zeros: R_alpha is the largest distance of one of them from alpha.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> penalty([[0, 0, 0], [0, 2, 0], [0, 0, 0]], 5)
    3.0
    """
    _, _, g, h = as_kernel(K).shape
    return penalty_from_extremes(*extreme_singular_values(K, N), h, g, alpha, gram)


def penalty_from_extremes(
    sigma_max: float, sigma_min: float, h: int, g: int, alpha: float = 1.0, gram: str = "columns"
) -> float:
    """R_alpha from the extreme singular values of an M that has h x g blocks; see `penalty`."""
    alpha = as_number("alpha", alpha)
    singular = h > g if gram_of_rows(gram, h, g) else h < g
    largest, smallest = sigma_max * sigma_max, 0.0 if singular else sigma_min * sigma_min
    return max(abs(largest - alpha), abs(smallest - alpha))


def penalty_gradient(K: ArrayLike, N: int, alpha: float = 1.0, gram: str = "columns") -> tuple[float, NDArray]:
    """Theorem 2.3: R_alpha(K) and its gradient in K, from the exact leading singular triplet.

    Where the largest singular value is multiple, R_alpha has no gradient, and what comes is that of one of
    the values that meet (a subgradient where they are largest eigenvalues).

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
    alpha : float
        The shift, positive.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller.

    Returns
    -------
    R : float
    G : array of the shape of K

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> penalty_gradient([[2]], 1)
    (3.0, array([[4.]]))
    """
    B = shifted_gram(ConvolutionOperator(K, N), alpha, gram)
    sigma, u, v = leading_triplets(B, count=1)[0]
    return float(sigma), kernel_gradient(K, N, u, v, gram)


def singular_value_bounds(alpha: float, t: float) -> tuple[float, float, float]:
    """Theorem 2.1: what R_alpha(K) < t alpha says of the singular values of M.

    Parameters
    ----------
    alpha : float
        The shift, positive.
    t : float
        0 < t <= 1.

    Returns
    -------
    lower, upper, kappa : float
        sqrt((1 - t) alpha) < sigma_min, sigma_max < sqrt((1 + t) alpha), and sigma_max / sigma_min <
        sqrt((1 + t) / (1 - t)), which is infinite for t = 1.

    Raises
    ------
    ValueError, TypeError
        Where alpha is not positive and finite, or t not in (0, 1].

    Examples
    --------
    >>> lower, upper, kappa = singular_value_bounds(4.0, 0.6)
    >>> round(lower, 4), round(upper, 4), round(kappa, 4)
    (1.2649, 2.5298, 2.0)
    """
    alpha, t = as_number("alpha", alpha), as_number("t", t)
    if t > 1:
        raise ValueError(f"t: wanted a number with 0 < t <= 1, got {t}")
    lower, upper = ((1 - t) * alpha) ** 0.5, ((1 + t) * alpha) ** 0.5
    return lower, upper, ((1 + t) / (1 - t)) ** 0.5 if t < 1 else np.inf


def extreme_singular_values(K: ArrayLike, N: int) -> tuple[float, float]:
    """Section 3: the largest and the smallest of the min(m, n) singular values of the m x n matrix M(K).

    In double precision, whatever the type of K. Small problems take all eigenvalues of the smaller Gram
    matrix. It squares the condition number, so that a small sigma_min would lose digits: then they come from
    a singular value decomposition of M. Large problems stay sparse: Lanczos for sigma_max, shift-invert on
    the smaller Gram matrix for sigma_min.

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

    Examples
    --------
    >>> extreme_singular_values([[0, 0, 0], [0, -2, 0], [0, 0, 0]], 5)
    (2.0, 2.0)
    """
    kernel, N = as_kernel(K).astype(np.float64), as_integer("N", N, 1)
    scale = 2.0 ** (np.frexp(np.abs(kernel).max())[1] - 1)  # exact; keeps M'M from overflow and underflow
    sigma_max, sigma_min = _extremes(conv_matrix(kernel / scale, N))
    return float(scale) * float(sigma_max), float(scale) * float(sigma_min)


def _extremes(M: csr_array) -> tuple[float, float]:
    """`extreme_singular_values` of a matrix whose entries are of the order of 1."""
    M = M if M.shape[0] >= M.shape[1] else M.T.tocsr()
    gram = M.T @ M
    if M.shape[1] > DENSE_LIMIT:
        sigma_max = leading_triplets(M, count=1)[0].sigma
        return sigma_max, _smallest_singular_value(M, gram)
    squares = np.linalg.eigvalsh(gram.toarray())
    if squares[0] < 1e-5 * squares[-1]:
        sigma = np.linalg.svd(M.toarray(), compute_uv=False)
        return sigma[0], sigma[-1]
    return squares[-1] ** 0.5, squares[0] ** 0.5


def _smallest_singular_value(M: csr_array, gram: csr_array) -> float:
    """|M v| for the v with the smallest eigenvalue of M'M, by shift-invert Lanczos."""
    try:
        inverse = _inverse_of_square(M) if M.shape[0] == M.shape[1] else splu(gram.tocsc()).solve
    except RuntimeError:  # SuperLU's word for a pivot that is exactly zero
        return 0.0
    start = np.random.default_rng(0).standard_normal(gram.shape[0])
    _, v = eigsh(gram, k=1, sigma=0.0, OPinv=LinearOperator(gram.shape, inverse, dtype=gram.dtype), v0=start)
    return float(np.linalg.norm(M @ v))


def _inverse_of_square(M: csr_array) -> Callable[[NDArray], NDArray]:
    """x -> (M'M)^-1 x from the factors of M itself, which keeps the digits that forming M'M would lose."""
    factors = splu(M.tocsc())
    return lambda x: factors.solve(factors.solve(x, trans="T"))
