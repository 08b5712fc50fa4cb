"""Section 3, the barrier: what a small R_alpha costs, the taps off the centre."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from numpy.typing import NDArray

from convreg.descent import minimize_penalty
from convreg.extremes import extreme_singular_values
from convreg.learning_rates import polyak_step
from convreg.penalty import penalty
from convreg.studies.barrier import off_centre_share, squared_off_centre_norms


def price_along_descent(
    K: NDArray, N: int, steps: Iterable[int], alpha: float = 1.0, update: str = "svd"
) -> dict[str, list]:
    """Section 3, the barrier: where Polyak's step leads on the smaller Gram matrix.

    Columns of a table: steps, kappa, `off_centre_share`.

    >>> import numpy as np
    >>> table = price_along_descent(np.diag([0, 1, 0]) + 0.1, 4, [0, 100])
    >>> table["steps"], [f"{share:.1f}" for share in table["off_centre_share"]]
    ([0, 100], ['0.2', '0.0'])
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
    kappas = []
    for count in counts:
        largest, smallest = extreme_singular_values(kernels[count], N)
        kappas.append(largest / smallest)
    shares = [off_centre_share(kernels[count]) for count in counts]
    return {"steps": counts, "kappa": kappas, "off_centre_share": shares}


def price_lines(table: Mapping[str, Sequence[float]], N: int) -> str:
    """Section 3, the barrier: a line for each row of `price_along_descent`.

    >>> print(price_lines({"steps": [50], "kappa": [1.234], "off_centre_share": [0.456]}, 8))
      50 steps, N = 8: kappa  1.2, the taps off the centre have 0.46 of |K|
    """
    lines = []
    for steps, kappa, share in zip(*table.values(), strict=True):
        price = f"the taps off the centre have {share:.2f} of |K|"
        lines.append(f"{steps:4} steps, N = {N}: kappa {kappa:4.1f}, {price}")
    return "\n".join(lines)


def off_centre_after(K: NDArray, N: int, alpha: float, steps: int) -> tuple[float, float]:
    """Section 3, the barrier: R_alpha and the largest off-centre norm squared after a descent.

    On the smaller Gram matrix, after so many of Polyak's steps with exact triplets. For N >= k
    the second is at most four times the first.

    >>> import numpy as np
    >>> R, off = off_centre_after(np.ones((3, 3)), 3, 1.0, 5)
    >>> 0 < off <= 4 * R
    True
    """
    kernel = minimize_penalty(
        K, N, alpha, polyak_step, steps, update="svd", gram="smaller", diagnostics=False
    ).kernel
    off = squared_off_centre_norms(kernel, "smaller")
    return penalty(kernel, N, alpha, "smaller"), float(max(off))
