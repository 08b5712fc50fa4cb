"""Section 3, the barrier: what a small R_alpha costs, the taps off the centre."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from convreg.descent import minimize_penalty
from convreg.extremes import extreme_singular_values
from convreg.learning_rates import polyak_step
from convreg.penalty import penalty
from convreg.storage.tables import Table, from_rows
from convreg.studies.barrier import off_centre_share, squared_off_centre_norms


def price_along_descent(
    K: NDArray, N: int, steps: Iterable[int], alpha: float = 1.0, update: str = "svd"
) -> Table:
    """Section 3, the barrier: where Polyak's step leads on the smaller Gram matrix.

    Columns: steps, kappa, and `off_centre_share`.

    >>> table = price_along_descent(np.diag([0, 1, 0]) + 0.1, 4, [0, 100])
    >>> table["steps"].tolist(), table["off the centre, of |K|"].round(1).tolist()
    ([0, 100], [0.2, 0.0])
    """
    counts = sorted(steps)
    kernels = {0: K}

    def keep(iteration: int, kernel: NDArray, R: float) -> None:
        """The kernels that are asked for."""
        if iteration in counts:
            kernels[iteration] = kernel

    minimize_penalty(
        K,
        N,
        alpha,
        polyak_step,
        counts[-1],
        update=update,
        gram="smaller",
        diagnostics=False,
        callback=keep,
    )
    rows = []
    for count in counts:
        largest, smallest = extreme_singular_values(kernels[count], N)
        kappa = largest / smallest if smallest > 0 else np.inf
        rows.append((count, kappa, off_centre_share(kernels[count])))
    return from_rows(("steps", "kappa", "off the centre, of |K|"), rows)


def off_centre_after(K: NDArray, N: int, alpha: float, steps: int) -> tuple[float, float]:
    """Section 3, the barrier: R_alpha and the largest off-centre norm squared after a descent.

    On the smaller Gram matrix, after so many of Polyak's steps with exact triplets. For N >= k
    the second is at most four times the first.

    >>> R, off = off_centre_after(np.ones((3, 3)), 3, 1.0, 5)
    >>> 0 < off <= 4 * R
    True
    """
    kernel = minimize_penalty(
        K, N, alpha, polyak_step, steps, update="svd", gram="smaller", diagnostics=False
    ).kernel
    off = squared_off_centre_norms(kernel, "smaller")
    return penalty(kernel, N, alpha, "smaller"), float(max(off))
