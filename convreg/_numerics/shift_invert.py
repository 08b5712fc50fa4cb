"""The right singular vector of the smallest singular value of a sparse matrix, by shift-invert.

A square M is factorised itself, another one as M'M. That squares the condition number, and what is
below rounding is lost. It is not in the augmented matrix of Bjorck (1967): as y = -M x / d,

    [d I  M] [y]   [0]
    [M'   0] [x] = [b]    has the solution    x = -d (M'M)^-1 b

Whatever the factors lose, ``|M v|`` of a unit vector v is at least sigma_min: the least is best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array, eye_array
from scipy.sparse.csgraph import structural_rank
from scipy.sparse.linalg import ArpackError, LinearOperator, SuperLU, eigsh, splu

from convreg._numerics.threads import one_thread_for_scipy

Solve = Callable[[NDArray], NDArray]
SINGULAR = 1e-13  # pivots below this part of the largest are rounding
SHIFT = 1e-9  # then M'M + shift is factorised, for rounding is small beside it: the vectors stay
COARSE = 1e-3  # the same where sigma_min is 0 for sure, many times perhaps: less rounding
LOST = 1e-5  # part of sigma_max, about: a smaller sigma_min has lost digits in M'M
CORNER = 1e-12  # d as a part of it: sigma_min down to 1e-13 was right to 1e-3 of it


def smallest_right_vector(M: csr_array) -> NDArray:
    """A unit vector v with the least ``|M v|``, for a tall or a square M."""
    M.eliminate_zeros()
    gram = (M.T @ M).tocsc()
    size = abs(gram).max() ** 0.5
    best, least = np.eye(1, M.shape[1])[0], np.inf
    if size == 0:
        return best
    for solve in _inverses(M, gram, size):
        v = _inverse_iteration(gram, solve)
        norm = float(np.linalg.norm(M @ v))
        if norm < least:
            best, least = v, norm
        if norm > LOST * size:
            break
    return best


def _inverses(M: csr_array, gram: csr_array, size: float) -> Iterator[Solve]:
    """x -> (M'M)^-1 x, one after the other for smaller and smaller sigma_min."""
    m, n = M.shape
    # SuperLU writes where it must not if zeros alone make a matrix singular
    regular = structural_rank(M) == n
    factors = None
    if regular:
        factors = _factors(M, "COLAMD") if m == n else _factors(gram, "MMD_AT_PLUS_A")
    if factors is None:
        shift = (SHIFT if regular else COARSE) * size**2 * eye_array(n)
        yield splu((gram + shift).tocsc()).solve
    elif m == n:
        yield partial(_inverse_of_square, factors)
        return  # nothing was lost, as M'M was not formed
    else:
        yield factors.solve
    if not regular:
        return
    factors = None  # before there are larger ones
    corner = CORNER * size * eye_array(m)
    try:
        augmented = splu(block_array([[corner, M], [M.T, None]]).tocsc())
    except RuntimeError:  # SuperLU's word for a pivot that is exactly zero
        return
    yield lambda x: augmented.solve(np.concatenate([np.zeros(m), x]))[m:]


def _inverse_of_square(factors: SuperLU, x: NDArray) -> NDArray:
    """(M'M)^-1 x from the factors of M itself."""
    return factors.solve(factors.solve(x, trans="T"))


def _factors(A: csr_array, ordering: str) -> SuperLU | None:
    """Sparse factors of A, None where a pivot is nothing but rounding.

    A symmetric A is ordered by its own pattern, which takes half the time.
    """
    try:
        factors = splu(A.tocsc(), permc_spec=ordering)
    except RuntimeError:  # SuperLU's word for a pivot that is exactly zero
        return None
    pivots = np.abs(factors.U.diagonal())
    return factors if pivots.min() >= SINGULAR * pivots.max() else None


def _inverse_iteration(gram: csr_array, solve: Solve) -> NDArray:
    """The eigenvector of the smallest eigenvalue of a Gram matrix from its inverse, by Lanczos."""
    start = np.random.default_rng(0).standard_normal(gram.shape[0])
    inverse = LinearOperator(gram.shape, solve, dtype=gram.dtype)
    with one_thread_for_scipy:
        try:
            _, v = eigsh(gram, k=1, sigma=0.0, OPinv=inverse, v0=start, rng=0)
        except ArpackError:  # many values as small: one that is as good by any measure
            _, v = eigsh(gram, k=1, sigma=0.0, OPinv=inverse, v0=start, rng=0, tol=10.0)
    return v[:, 0]
