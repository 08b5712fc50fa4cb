"""Section 1: R_alpha against its alternatives, from the same start kernels within one budget.

Every method may take as many steps as the budget pays for (`steps_within`). Its learning rate is
the one of the grid with the least condition number of M, and the methods are ranked in the same
order. Where two agree in it to two digits, as they do where a method only scales, that with the
least ``max(|sigma_max - 1|, |sigma_min - 1|)`` is taken, the goal of the paper's Section 1. What is
printed has two digits as well: a descent that passes through a nearly singular M magnifies the
rounding errors of its products.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from convreg._checks import as_integer, as_kernel, as_number
from convreg.convolution import ConvolutionOperator, vec
from convreg.extremes import extreme_singular_values
from convreg.storage.tables import Table, from_rows
from convreg.studies.methods import METHODS, Method, steps_within

GRID = tuple(
    10.0 ** (half / 2) for half in range(-10, -1)
)  # Polyak's step is capped at 0.1 as well


class Result(NamedTuple):
    """What a method makes of a kernel: its best step, and the zero-padded M that comes out."""

    step: float  # the learning rate
    steps: int
    sigma_max: float
    sigma_min: float
    noise: float  # root mean square of |Y| / |X| - 1, equation (1.3), on white noise
    smooth: float  # and on smooth images
    kernel: NDArray

    @property
    def condition_number(self) -> float:
        """sigma_max / sigma_min."""
        return self.sigma_max / self.sigma_min if self.sigma_min > 0 else np.inf


Results = Mapping[tuple[float, str, str], Result]  # by budget, kernel and method


def order(sigma_max: float, sigma_min: float) -> tuple[float, float]:
    """What is better comes first: the condition number to two digits, then the distance from 1.

    The latter to nine digits.

    >>> order(2.04, 1.0), order(1.0, 0.5)
    ((2.0, 1.04), (2.0, 0.5))
    """
    kappa = sigma_max / sigma_min if sigma_min > 0 else np.inf
    distance = max(abs(sigma_max - 1), abs(sigma_min - 1))
    return float(f"{kappa:.2g}"), round(distance, 9)


def best(method: Method, K: NDArray, N: int, steps: int, grid: Iterable[float] = GRID) -> Result:
    """The result of a method with the learning rate of the grid that comes first by `order`.

    Of those that are equal in it the smallest; where all of them diverge, the kernel as it was.

    >>> best(METHODS[-1], np.ones((1, 1, 1, 1)) * 5, 2, 1)[:4]
    (nan, 1, 1.0, 1.0)
    """
    kernels = {}
    for rate in grid if method.has_rate else [np.nan]:
        try:
            kernels[rate] = method.run(K, N, rate, steps)
        except FloatingPointError:  # the rate is too large
            continue
    if not kernels:
        return measured(K, N)

    def rank(rate: float) -> tuple[tuple[float, float], float]:
        """The order, then the rate itself."""
        return order(*extreme_singular_values(kernels[rate], N)), rate

    rate = min(kernels, key=rank)
    return measured(kernels[rate], N, rate, steps)


def measured(kernel: NDArray, N: int, step: float = np.nan, steps: int = 0) -> Result:
    """The singular values of M(K), and how well it keeps the norm of an image.

    >>> measured(np.ones((1, 1, 1, 1)), 8)[:6]
    (nan, 0, 1.0, 1.0, 0.0, 0.0)
    """
    sigma_max, sigma_min = extreme_singular_values(kernel, N)
    noise = norm_error(kernel, N)
    smooth = norm_error(kernel, N, blur=2.0)
    return Result(step, steps, sigma_max, sigma_min, noise, smooth, kernel)


def norm_error(kernel: NDArray, N: int, blur: float = 0.0, images: int = 100) -> float:
    r"""Equation (1.3): the root mean square of ``|vec(Y)| / |vec(X)| - 1`` on random images.

    .. math:: \|\mathrm{vec}(Y)\|_2 \approx \|\mathrm{vec}(X)\|_2 \tag{1.3}

    Where ``blur`` is positive they are blurred.

    >>> norm_error(2 * np.ones((1, 1, 1, 1)), 8, blur=2.0)
    1.0
    """
    M = ConvolutionOperator(as_kernel(kernel, "kernel"), as_integer("N", N, 1))
    images = as_integer("images", images, 1)
    blur = as_number("blur", blur, positive=False)
    noise = np.random.default_rng(0).standard_normal((images, N, N, M.kernel.shape[2]))
    blurred = gaussian_filter(noise, (0, blur, blur, 0))
    X = np.stack([vec(image) for image in blurred], axis=1)
    Y = M @ X
    ratio = np.linalg.norm(Y, axis=0) / np.linalg.norm(X, axis=0)
    return float(np.sqrt(np.mean((ratio - 1) ** 2)))


def compare(
    kernels: Mapping[str, NDArray], N: int, budgets: Iterable[float]
) -> dict[tuple[float, str, str], Result]:
    """Every method on every kernel: (budget, kernel, method) -> result.

    The method "start" is the kernel itself. What takes the same number of steps within two budgets
    is computed once.
    """
    results: dict[tuple[float, str, str], Result] = {}
    known: dict[tuple[str, str, int], Result] = {}
    for budget in budgets:
        for name, K in kernels.items():
            _, _, g, h = K.shape
            results[budget, name, "start"] = measured(K, N)
            for method in METHODS:
                if method.wide_only and h >= g:
                    continue
                steps = steps_within(method, K.shape, N, budget)
                key = (name, method.name, steps)
                if key not in known:
                    known[key] = best(method, K, N, steps)
                results[budget, name, method.name] = known[key]
    return results


def comparison_lines(results: Results) -> str:
    """The results with the largest budget as lines of text, and kappa with every budget.

    >>> result = measured(np.ones((1, 1, 1, 1)), 8)
    >>> print(comparison_lines({(200, "1x1x1x1", "start"): result}))
    1x1x1x1                  step steps sigma_max sigma_min noise smooth kappa: 200
     start                      -     0         1         1  0.00   0.00          1
    """
    budgets = sorted({budget for budget, _, _ in results})
    lines: list[str] = []
    for kernel in dict.fromkeys(kernel for _, kernel, _ in results):
        first, *others = budgets
        kappas = f"kappa:{first:4}" + "".join(f"{budget:9}" for budget in others)
        lines.append(f"{kernel:24} step steps sigma_max sigma_min noise smooth {kappas}")
        for budget, name, method in results:
            if (budget, name) == (budgets[-1], kernel):
                rows = [results[paid, kernel, method] for paid in budgets]
                lines.append(_line(method, rows))
    return "\n".join(lines)


def _line(method: str, rows: list[Result]) -> str:
    """The result with the largest budget, the last, and kappa with every budget."""
    row = rows[-1]
    step = "-" if np.isnan(row.step) else f"{row.step:.0e}"
    sigma = f"{row.sigma_max:10.3g}{row.sigma_min:10.2g}"
    norms = f"{row.noise:6.2f}{row.smooth:7.2f}"
    first, *others = [f"{row.condition_number:.2g}" for row in rows]
    kappas = f"{first:>11}" + "".join(f"{kappa:>9}" for kappa in others)
    return f" {method:23}{step:>5}{row.steps:6}{sigma}{norms}{kappas}"


def ranking(results: Results, count: int = 4) -> str:
    """The best methods, by `order`, a line for each kernel and budget.

    >>> print(ranking({(200, "1x1x1x1", "start"): measured(np.ones((1, 1, 1, 1)), 8)}))
    1x1x1x1, 200 products: start 1
    """
    tables: dict[tuple[str, float], dict[str, Result]] = {}
    for (budget, kernel, method), row in results.items():
        tables.setdefault((kernel, budget), {})[method] = row
    lines = []
    for (kernel, budget), rows in tables.items():
        names = sorted(rows, key=lambda name: order(rows[name].sigma_max, rows[name].sigma_min))
        words = "; ".join(f"{name} {rows[name].condition_number:.2g}" for name in names[:count])
        lines.append(f"{kernel}, {budget:g} products: {words}")
    return "\n".join(lines)


def comparison_table(results: Results) -> Table:
    """The columns that the picture and its CSV file hold.

    >>> result = measured(np.ones((1, 1, 1, 1)), 8)
    >>> table = comparison_table({(200, "1x1x1x1", "start"): result})
    >>> table["kernel"].item(), table["method"].item(), table["kappa"]
    ('1x1x1x1', 'start', array([1.]))
    """
    rows = []
    for key, result in results.items():
        *numbers, _ = result
        rows.append((*key, *numbers, result.condition_number))
    *names, _ = Result._fields
    return from_rows(("budget", "kernel", "method", *names, "kappa"), rows)
