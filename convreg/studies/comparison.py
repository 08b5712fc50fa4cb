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


def kernel_tables(results: Results) -> dict[str, Table]:
    """By kernel: the results of each method with the largest budget, and kappa with every budget.

    >>> result = measured(np.ones((1, 1, 1, 1)), 8)
    >>> table = kernel_tables({(200, "1x1x1x1", "start"): result})["1x1x1x1"]
    >>> [*table]  # doctest: +NORMALIZE_WHITESPACE
    ['method', 'step', 'steps', 'sigma_max', 'sigma_min', 'noise', 'smooth',
     'kappa, 200 products']
    >>> table["method"].item(), table["kappa, 200 products"].item()
    ('start', 1.0)
    """
    budgets = sorted({budget for budget, _, _ in results})
    kappas = [f"kappa, {budget:g} products" for budget in budgets]
    rows: dict[str, list[tuple]] = {}
    for budget, kernel, method in results:
        if budget == budgets[-1]:
            *numbers, _ = results[budget, kernel, method]
            found = [results[paid, kernel, method].condition_number for paid in budgets]
            rows.setdefault(kernel, []).append((method, *numbers, *found))
    *names, _ = Result._fields
    return {
        kernel: from_rows(("method", *names, *kappas), of_kernel)
        for kernel, of_kernel in rows.items()
    }


def ranking(results: Results, count: int = 4) -> Table:
    """The best methods, by `order`, a row for each kernel and budget, each with its kappa.

    >>> result = measured(np.ones((1, 1, 1, 1)), 8)
    >>> table = ranking({(200, "1x1x1x1", "start"): result}, 1)
    >>> {name: column.item() for name, column in table.items()}
    {'kernel': '1x1x1x1', 'products': 200.0, 'place 1': 'start 1.0'}
    """
    tables: dict[tuple[str, float], dict[str, Result]] = {}
    for (budget, kernel, method), row in results.items():
        tables.setdefault((kernel, budget), {})[method] = row
    lines = []
    for (kernel, budget), rows in tables.items():
        names = sorted(rows, key=lambda name: order(rows[name].sigma_max, rows[name].sigma_min))
        words = [f"{name} {rows[name].condition_number:#.2g}" for name in names[:count]]
        missing = [""] * (count - len(words))
        lines.append((kernel, float(budget), *(word.removesuffix(".") for word in words), *missing))
    places = [f"place {place}" for place in range(1, count + 1)]
    return from_rows(("kernel", "products", *places), lines)


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
