"""Bounds of the eigenvalues of a sparse symmetric matrix by Sylvester's law of inertia.

Where t I - A = L D L' with a positive diagonal D, no eigenvalue of A is above t. Rounding is
included.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, diags_array, eye_array
from scipy.sparse.linalg import splu

from convreg._numerics.arpack import random_vector

EPS = float(np.finfo(float).eps)


def proved_bound(A: csc_array, value: float, sign: float) -> tuple[float, NDArray]:
    """A bound of the eigenvalues of A, from above or (sign -1) below, near the extreme one.

    And a vector whose Rayleigh quotient is near it, by inverse iteration with the same factors.
    """
    n = A.shape[0]
    size = float(abs(A).sum(axis=0).max())
    for part in 10.0 ** np.arange(-12, -2):
        shift = value + sign * part * size
        solved = positive(csc_array(sign * (shift * eye_array(n) - A)))
        if solved is not None:
            solve, error = solved
            v = random_vector(n, float)
            for _ in range(3):
                v = solve(v / np.linalg.norm(v))
            return shift + sign * (error + EPS * abs(shift)), v
    return sign * np.inf, random_vector(n, float)


def positive(B: csc_array) -> tuple[Callable[[NDArray], NDArray], float] | None:
    """B^-1, and an e >= 0 for which B + e I is positive semidefinite; None where no e is seen.

    SuperLU without pivoting gives a unit triangle L, and U = D (L + E)'. L D L' >= 0, and
    B = L D L' + L D E' + R with ``|R| <= w eps |L| |U|`` entry by entry, w being the longest row of
    L (N. J. Higham, Accuracy and stability of numerical algorithms, 2002, theorem 9.3).
    """
    n = B.shape[0]
    try:
        factors = splu(B, "MMD_AT_PLUS_A", 0.0, options={"SymmetricMode": True})
    except RuntimeError:  # SuperLU's word for a pivot that is exactly zero
        return None
    L, U = abs(factors.L), abs(factors.U)
    D = factors.U.diagonal()
    if (factors.perm_r != factors.perm_c).any() or D.min() <= 0:
        return None
    E = abs((diags_array(1 / D) @ factors.U).T - factors.L)
    ones = np.ones(n)
    longest = int(np.diff(csc_array(L.T).indptr).max())
    asymmetry = _norm(L @ (D * (E.T @ ones)), E @ (D * (L.T @ ones)))
    rounding = _norm(L @ (U @ ones), U.T @ (L.T @ ones))
    return factors.solve, 2 * (asymmetry + (longest + 2) * EPS * rounding)


def _norm(rows: NDArray, columns: NDArray) -> float:
    """A bound of ``|A|``, from the sums of the rows and of the columns of ``|A|``."""
    return float(np.sqrt(rows.max() * columns.max()))
