"""Algorithm 2.1: another reading of its step 6, and how far the estimate may be off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from convreg.power import SingularTriplet, power_update


def deflated_update(
    B: LinearOperator, pair: Sequence[SingularTriplet], iterations: int = 2
) -> list[SingularTriplet]:
    """Algorithm 2.1, step 6, as it may be read: the second triplet is of B less the first.

    >>> B = aslinearoperator(np.diag([3.0, 2.0]))
    >>> start = SingularTriplet(0.0, np.ones(2), np.array([1.0, 0.1]))
    >>> triplets = deflated_update(B, [start, start], 20)
    >>> [round(float(triplet.sigma), 3) for triplet in triplets]
    [3.0, 2.0]
    """
    (first,) = power_update(B, pair[:1], iterations)
    rest = B - aslinearoperator(first.sigma * np.outer(first.u, first.v))
    return [first, *power_update(rest, pair[1:], iterations)]


def lag_lines(history: np.recarray) -> str:
    """Algorithm 2.1: how far the residual is from bounding the error, at its worst.

    The error is R_alpha less the estimate. Errors below a millionth of R_alpha do not count.

    >>> columns = [np.array(values) for values in ([9.0, 5.0], [0.5, 2.0], [9.0, 8.0])]
    >>> print(lag_lines(np.rec.fromarrays(columns, names="estimate, residual, penalty")))
    the error exceeds the residual in 1 of 2 iterations; most in iteration 1:
    estimate 5.000, residual 2.000, R_alpha 8.000
    """
    error = history.penalty - history.estimate
    times = np.where(error > 1e-6 * history.penalty, error / history.residual, 0)
    at = int(np.argmax(times))
    return (
        f"the error exceeds the residual in {np.sum(times > 1)} of {len(history)} iterations; "
        f"most in iteration {at}:\n"
        f"estimate {history.estimate[at]:.3f}, residual {history.residual[at]:.3f}, "
        f"R_alpha {history.penalty[at]:.3f}"
    )
