"""R_alpha against its alternatives: the same start kernels, one budget of products with M'M, steps from one grid.

What a step costs is counted in operations, multiplications and additions, over the 4 k^2 g h N^2 of a product M'M
v. Every method may take as many steps as the budget pays for, but no more than ``MOST_STEPS``; its step size is
the one of the grid with the least condition number of M, and the methods are ranked in the same order. Where two
agree in it to two digits, as they do where a method only scales, that with the least ``max(|sigma_max - 1|,
|sigma_min - 1|)`` is taken, the goal of the paper's Section 1. Power iterations count 2 triplets x 2 products, a
gradient 2. The first triplets (step 2 of Algorithm 2.1) are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from convreg.convolution import ConvolutionOperator, vec
from convreg.descent import minimize_penalty, polyak_step
from convreg.extremes import extreme_singular_values
from convreg.studies import alternatives

GRID = tuple(10.0**exponent for exponent in np.arange(-5, -0.75, 0.5))  # Polyak's step is capped at 0.1 as well
MOST_STEPS = 1000
POWER_ITERATIONS = 2

Run = Callable[[NDArray, int, float, int], NDArray]  # kernel, N, step size, number of steps -> kernel
Cost = Callable[[int, int, int, int], float]  # k, g, h, N -> operations of a step


class Method(NamedTuple):
    """A way to regularise a kernel, what it costs, and whether it has a step size."""

    name: str
    run: Run
    operations: Cost
    has_step: bool = True
    most: int = MOST_STEPS
    wide_only: bool = False  # whether it differs from the method before it only where h < g


class Result(NamedTuple):
    """What a method makes of a kernel: its best step, and the zero-padded M that comes out."""

    step: float
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


def _algorithm(gram: str, rule: Callable[[float, NDArray], float] | None = None) -> Run:
    """Algorithm 2.1 as the paper has it, or on the smaller Gram matrix, or with a rule for its steps."""

    def run(K: NDArray, N: int, size: float, steps: int) -> NDArray:
        """K after so many steps."""
        rate = rule or size
        return minimize_penalty(K, N, 1.0, rate, steps, POWER_ITERATIONS, gram=gram, diagnostics=False).kernel

    return run


def _repeated(step: Callable[[NDArray, int, float], NDArray]) -> Run:
    def run(K: NDArray, N: int, size: float, steps: int) -> NDArray:
        """K after so many steps; an entry of 1e50 or more, or NaN, raises FloatingPointError."""
        for _ in range(steps):
            K = step(K, N, size)
            if not np.abs(K).max() < 1e50:
                raise FloatingPointError(f"step: wanted one with which the penalty falls, got {size}")
        return K

    return run


def _descent(penalty: Callable[[NDArray, int], tuple[float, NDArray]]) -> Run:
    return _repeated(lambda K, N, size: K - size * penalty(K, N)[1])


def _products(count: float) -> Cost:
    return lambda k, g, h, N: count * _product(k, g, h, N)


def _product(k: int, g: int, h: int, N: int) -> float:
    """The operations of M'M v."""
    return 4 * k**2 * g * h * N**2


def _matrix_of_kernel(k: int, g: int, h: int, N: int) -> float:
    """WW' or its like, and the result times W; a thin SVD costs a few times as much."""
    return 4 * min(h, g * k**2) * h * g * k**2


METHODS = (
    Method("R, columns", _algorithm("columns"), _products(4 * POWER_ITERATIONS + 2)),
    Method("R, smaller", _algorithm("smaller"), _products(4 * POWER_ITERATIONS + 2), wide_only=True),
    Method("R, Polyak's step", _algorithm("smaller", polyak_step), _products(4 * POWER_ITERATIONS + 2), False),
    Method(
        "Frobenius",
        _descent(alternatives.frobenius_penalty),  # sparse M'M, then M times it
        lambda k, g, h, N: 2 * N**2 * g * h * k**2 * g * (k**2 + (2 * k - 1) ** 2),
    ),
    Method(
        "self-convolution",
        _descent(lambda K, N: alternatives.self_convolution_penalty(K)),
        lambda k, g, h, N: 4 * k**4 * g**2 * h,
    ),
    Method(
        "clipping, periodic",
        _repeated(lambda K, N, size: alternatives.clip_periodic(K, N)),  # two FFTs, N^2 SVDs and products
        lambda k, g, h, N: 10 * g * h * N**2 * np.log2(max(N**2, 2)) + 24 * g * h * min(g, h) * N**2,
        has_step=False,
    ),
    Method("orthogonality of W", _descent(lambda K, N: alternatives.orthogonality_penalty(K)), _matrix_of_kernel),
    Method(
        "Parseval, W / k",  # the layer divides by k what the retraction makes
        lambda K, N, size, steps: (
            _repeated(lambda K, N, size: alternatives.parseval_retraction(K, size))(K, N, size, steps) / len(K)
        ),
        _matrix_of_kernel,
    ),
    Method(
        "spectral norm of W",
        _descent(lambda K, N: alternatives.spectral_norm_penalty(K)),
        lambda k, g, h, N: 6 * _matrix_of_kernel(k, g, h, N),
    ),
    Method(
        "normalised W",
        lambda K, N, size, steps: alternatives.spectral_normalization(K),
        lambda k, g, h, N: 6 * _matrix_of_kernel(k, g, h, N),
        has_step=False,
        most=1,
    ),
)


def steps_within(method: Method, shape: tuple[int, int, int, int], N: int, budget: float) -> int:
    """How many steps a budget of products M'M v pays for, at least one.

    >>> steps_within(METHODS[0], (3, 3, 3, 1), 15, 200)
    20
    """
    k, _, g, h = shape
    affordable = budget * _product(k, g, h, N) / method.operations(k, g, h, N)
    return int(np.clip(affordable, 1, method.most))


def best(method: Method, K: NDArray, N: int, steps: int, grid: Iterable[float] = GRID) -> Result:
    """The result of a method at the step size of the grid with the least condition number of M.

    Of those that are equal to two digits the one with singular values nearest to 1 is taken, and of those that are
    equal to nine digits in that the smallest; where all of them diverge, none.

    >>> best(METHODS[-1], np.ones((1, 1, 1, 1)) * 5, 2, 1)[:4]
    (nan, 1, 1.0, 1.0)
    """
    candidates = []
    for size in grid if method.has_step else [np.nan]:
        try:
            kernel = method.run(K, N, size, steps)
        except FloatingPointError:  # the step is too large
            continue
        candidates.append((*_order(*extreme_singular_values(kernel, N)), size, kernel))
    if not candidates:
        return measured(K, N)
    *_, size, kernel = min(candidates, key=lambda candidate: candidate[:3])
    return measured(kernel, N, size, steps)


def _order(sigma_max: float, sigma_min: float) -> tuple[float, float]:
    """What is better comes first: the condition number to two digits, then the distance from 1 to nine."""
    kappa = sigma_max / sigma_min if sigma_min > 0 else np.inf
    return float(f"{kappa:.2g}"), round(max(abs(sigma_max - 1), abs(sigma_min - 1)), 9)


def measured(kernel: NDArray, N: int, step: float = np.nan, steps: int = 0) -> Result:
    """The singular values of M(K), and how well it keeps the norm of an image.

    >>> measured(np.ones((1, 1, 1, 1)), 8)[:6]
    (nan, 0, 1.0, 1.0, 0.0, 0.0)
    """
    noise, smooth = (norm_error(kernel, N, blur) for blur in (0.0, 2.0))
    return Result(step, steps, *extreme_singular_values(kernel, N), noise, smooth, kernel)


def norm_error(kernel: NDArray, N: int, blur: float = 0.0, images: int = 100) -> float:
    r"""Equation (1.3): the root mean square of ``|vec(Y)| / |vec(X)| - 1`` on random, perhaps blurred images.

    .. math:: \|\mathrm{vec}(Y)\|_2 \approx \|\mathrm{vec}(X)\|_2 \tag{1.3}

    >>> norm_error(2 * np.ones((1, 1, 1, 1)), 8, blur=2.0)
    1.0
    """
    noise = np.random.default_rng(0).standard_normal((images, N, N, kernel.shape[2]))
    X = np.stack([vec(image) for image in gaussian_filter(noise, (0, blur, blur, 0))], axis=1)
    ratio = np.linalg.norm(ConvolutionOperator(kernel, N) @ X, axis=0) / np.linalg.norm(X, axis=0)
    return float(np.sqrt(np.mean((ratio - 1) ** 2)))


def compare(
    kernels: Mapping[str, NDArray], N: int, budgets: Iterable[float]
) -> dict[tuple[float, str, str], Result]:
    """Every method on every kernel: (budget, kernel, method) -> result; "start" is the kernel itself.

    What takes the same number of steps within two budgets is computed once.
    """
    results: dict[tuple[float, str, str], Result] = {}
    known: dict[tuple[str, str, int], Result] = {}
    for budget, (name, K) in product(budgets, kernels.items()):
        _, _, g, h = K.shape
        results[budget, name, "start"] = measured(K, N)
        for method in METHODS:
            if h < g or not method.wide_only:
                key = (name, method.name, steps_within(method, K.shape, N, budget))
                known[key] = known.get(key) or best(method, K, N, key[-1])
                results[budget, name, method.name] = known[key]
    return results


def comparison_lines(results: Mapping[tuple[float, str, str], Result]) -> str:
    """The results with the largest budget as lines of text, and kappa with every budget.

    >>> print(comparison_lines({(200, "1x1x1x1", "start"): measured(np.ones((1, 1, 1, 1)), 8)}))
    1x1x1x1               step  steps  sigma_max  sigma_min  noise  smooth  kappa: 200
      start                  -      0          1          1   0.00    0.00           1
    """
    budgets = sorted({budget for budget, _, _ in results})
    kappas = "  kappa:" + "".join(f"{budget:9}" for budget in budgets).removeprefix("     ")
    lines: list[str] = []
    for kernel in dict.fromkeys(kernel for _, kernel, _ in results):
        lines.append(f"{kernel:21} step  steps  sigma_max  sigma_min  noise  smooth{kappas}")
        for method in (name for budget, case, name in results if (budget, case) == (budgets[-1], kernel)):
            row = results[budgets[-1], kernel, method]
            step = "-" if np.isnan(row.step) else f"{row.step:.0e}"
            kappa = [f"{results[budget, kernel, method].condition_number:.3g}" for budget in budgets]
            lines.append(
                f"  {method:19}{step:>5}{row.steps:7}{row.sigma_max:11.3g}{row.sigma_min:11.2g}"
                f"{row.noise:7.2f}{row.smooth:8.2f}{kappa[0]:>12}{''.join(f'{one:>9}' for one in kappa[1:])}"
            )
    return "\n".join(lines)


def ranking(results: Mapping[tuple[float, str, str], Result], count: int = 4) -> str:
    """The best methods, in the order by which `best` takes a step, a line for each kernel and budget.

    >>> print(ranking({(200, "1x1x1x1", "start"): measured(np.ones((1, 1, 1, 1)), 8)}))
    1x1x1x1, 200 products: start 1
    """
    lines = []
    for kernel, budget in dict.fromkeys((kernel, budget) for budget, kernel, _ in results):
        rows = {key[2]: row for key, row in results.items() if key[:2] == (budget, kernel)}
        names = sorted(rows, key=lambda name: _order(rows[name].sigma_max, rows[name].sigma_min))
        words = "; ".join(f"{name} {rows[name].condition_number:.3g}" for name in names[:count])
        lines.append(f"{kernel}, {budget:g} products: {words}")
    return "\n".join(lines)


def comparison_table(results: Mapping[tuple[float, str, str], Result]) -> dict[str, list]:
    """The columns that the picture and its CSV file hold.

    >>> table = comparison_table({(200, "1x1x1x1", "start"): measured(np.ones((1, 1, 1, 1)), 8)})
    >>> table["kernel"], table["method"], table["kappa"]
    (['1x1x1x1'], ['start'], [1.0])
    """
    rows = [(*key, *result[:-1], result.condition_number) for key, result in results.items()]
    names = ("budget", "kernel", "method", *Result._fields[:-1], "kappa")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
