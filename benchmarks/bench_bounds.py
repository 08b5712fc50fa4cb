"""How few products R_alpha takes, how tight its proved bounds are, and what they cost.

    python benchmarks/bench_bounds.py [--out FOLDER] [--only WORD]

Writes bounds.md and bounds.json. Gaussian kernels, alpha = 1, THREADS threads for everyone.

* products: all that M and M' are multiplied with, counted in the core, two for one with M'M. Both
  sides end at a relative residual of ACCURACY, and are checked to agree. No time enters.
* enclosure: `penalty_bounds` gives two bounds of R_alpha = sigma_max(M)^2 - 1, hence of
  sigma_max(M). They are checked to enclose what Lanczos finds. Ratios are shown less 1.
* cost: the time of `penalty_bounds` over that of one product M'M v, each in its own process.
* Gram: the bound of Delattre, Barthelemy, Araujo and Allauzen, Efficient bound of Lipschitz
  constant for convolutional layers by Gram iteration, ICML 2023, in PyTorch and float64, on the
  least torus of which M is a part: on one of N x N, as for circular layers, it bounds no M with
  zero padding. It has as many iterations as make it no quicker than ours; or as it takes to be as
  tight as ours or, as this torus need not allow it, to stand still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from tables import (
    Clock,
    Item,
    Measured,
    Skipped,
    apart,
    environment,
    measure,
    paired,
    parse_arguments,
    seconds_per_call,
    write,
)
from threadpoolctl import threadpool_limits

from convreg import (
    ConvolutionOperator,
    leading_triplets,
    penalty,
    penalty_bounds,
    shifted_gram,
)
from convreg._numerics.taps import Convolution
from convreg.studies.layers import Layer, gaussian_kernel, random_triplets

try:
    import torch
except ImportError:
    torch = None

THREADS = 2
ACCURACY = 1e-6  # the relative residual of R_alpha
STILL = 1e-5  # a bound that an iteration lowers by less stands still

LAYER = Layer(3, 64, 64, 28)
# with the products that are allowed, as a part of those from a random start
PRODUCTS = {Layer(3, 64, 64, 56): 0.5, LAYER: 0.65, Layer(3, 16, 16, 32): 0.75}
# with the distance that is allowed between the bounds of sigma_max
TIGHTNESS = {
    Layer(3, 64, 64, 56): 0.003,
    LAYER: 0.01,
    Layer(3, 128, 128, 28): 0.01,
    Layer(3, 64, 128, 28): 0.01,
    Layer(3, 128, 64, 28): 0.01,
}


def counted(function: Callable[[], float]) -> tuple[float, float]:
    """What it gives, and how many products with M'M, or as many halves of them, it takes."""
    multiply, count = Convolution.__call__, 0

    def counting(self: Convolution, X: NDArray) -> NDArray:
        nonlocal count
        if X.shape[1] <= self.most:  # else it comes again in pieces
            count += X.shape[1]
        return multiply(self, X)

    with patch.object(Convolution, "__call__", counting):
        value = function()
    return value, count / 2


def products(layer: Layer) -> Measured:
    """R_alpha by `penalty` against Lanczos from a random start."""
    K = gaussian_kernel(layer)

    def from_random_start() -> float:
        B = shifted_gram(ConvolutionOperator(K, layer.N))
        return float(leading_triplets(B, 1, ACCURACY)[0].sigma)

    ours, count = counted(partial(penalty, K, layer.N, tolerance=ACCURACY))
    other, of_random = counted(from_random_start)
    assert abs(ours - other) <= 2 * ACCURACY * other
    ratio = count / of_random
    return Measured(ratio, ratio, ratio, count, of_random, 1, " products")


@cache
def sigma_max(layer: Layer) -> float:
    """What the bounds have to enclose."""
    M = ConvolutionOperator(gaussian_kernel(layer), layer.N)
    return float(leading_triplets(M, 1, tolerance=1e-10)[0].sigma)


@cache
def bounds(layer: Layer) -> tuple[float, float]:
    """Of sigma_max, from those of R_alpha: with alpha = 1 its upper end decides."""
    lower, upper = penalty_bounds(gaussian_kernel(layer), layer.N)
    low, high = float(np.sqrt(lower + 1)), float(np.sqrt(upper + 1))
    assert low * (1 - 1e-9) <= sigma_max(layer) <= high * (1 + 1e-9)
    return low, high


def less_one(upper: float, lower: float) -> Measured:
    """How far two bounds are apart, relative."""
    distance = upper / lower - 1
    return Measured(distance, distance, distance, upper, lower, 1, "")


def enclosure(layer: Layer) -> Measured:
    """The upper bound over the lower one."""
    low, high = bounds(layer)
    return less_one(high, low)


def upper_bound(layer: Layer) -> Measured:
    """The upper bound over sigma_max."""
    return less_one(bounds(layer)[1], sigma_max(layer))


def clock_of_bounds(layer: Layer) -> Clock:
    """Of `penalty_bounds`."""
    return seconds_per_call(partial(penalty_bounds, gaussian_kernel(layer), layer.N), 0.2)


def clock_of_product(layer: Layer) -> Clock:
    """Of M'M v."""
    M = ConvolutionOperator(gaussian_kernel(layer), layer.N)
    adjoint, v = M.T, random_triplets(layer)[0].v
    return seconds_per_call(lambda: adjoint @ (M @ v), 0.2)


def clock_of_gram(layer: Layer, iterations: int) -> Clock:
    """Of so many Gram iterations."""
    return seconds_per_call(partial(gram_iteration_of(layer), iterations), 0.2)


def cost(layer: Layer) -> Measured:
    """The time of `penalty_bounds` over that of a product."""
    with (
        apart(THREADS, clock_of_bounds, layer) as ours,
        apart(THREADS, clock_of_product, layer) as product,
    ):
        return paired(ours, product, repeats=5)


def gram_against_bounds(layer: Layer, iterations: int) -> Measured:
    """The time of so many Gram iterations over that of `penalty_bounds`."""
    with (
        apart(THREADS, clock_of_gram, layer, iterations) as theirs,
        apart(THREADS, clock_of_bounds, layer) as ours,
    ):
        return paired(theirs, ours, repeats=5)


def gram_iteration(kernel: torch.Tensor, side: int, iterations: int) -> float:
    """The bound of sigma_max on a torus: of ``|G_t|_F^(1 / 2^t)`` the largest over its frequencies.

    G_0 is the symbol, G_t = G' G of the one before, each time over its Frobenius norm, whose
    logarithm is kept.
    """
    G = torch.fft.rfft2(kernel, s=(side, side)).flatten(2).permute(2, 0, 1).contiguous()
    logarithm = torch.zeros(len(G), dtype=kernel.dtype)  # of what G was divided by
    for _ in range(iterations):
        norm = frobenius_norms(G)
        G /= norm[:, None, None]
        G = torch.bmm(G.mH, G)
        logarithm = 2 * (logarithm + norm.log())
    logarithm += frobenius_norms(G).log()
    return float((logarithm.max() / 2**iterations).exp())


def frobenius_norms(G: torch.Tensor) -> torch.Tensor:
    """Of complex matrices, as real ones: twenty times quicker."""
    return torch.linalg.vector_norm(torch.view_as_real(G).flatten(1), dim=1)


def gram_iteration_of(layer: Layer) -> Callable[[int], float]:
    """`gram_iteration` of a layer by its iterations; G_0 has no more columns than rows."""
    if torch is None:
        raise Skipped("PyTorch is not installed")
    torch.set_num_threads(THREADS)
    order = (3, 2, 0, 1) if layer.g <= layer.h else (2, 3, 0, 1)
    kernel = torch.from_numpy(gaussian_kernel(layer).transpose(order).copy())
    return partial(gram_iteration, kernel, layer.N + layer.k // 2)


def at_the_same_cost(layer: Layer) -> Measured:
    """How far from sigma_max Gram iterations are that take no less time than ours, and ours."""
    bound, right = gram_iteration_of(layer), sigma_max(layer)
    iterations = 1
    while gram_against_bounds(layer, iterations).ratio < 1:
        iterations += 1
    theirs, mine = bound(iterations) / right - 1, bounds(layer)[1] / right - 1
    ratio = theirs / mine
    return Measured(ratio, ratio, ratio, theirs, mine, 1, "")


def until_as_tight(layer: Layer) -> Measured:
    """The time of Gram iterations until they are as tight as ours, or stand still, against ours."""
    bound, ours = gram_iteration_of(layer), bounds(layer)[1]
    iterations, last, found = 1, np.inf, bound(1)
    while found > ours and last - found > STILL * found:
        iterations += 1
        last, found = found, bound(iterations)
    return gram_against_bounds(layer, iterations)


def items() -> Iterable[Item]:
    """What is measured; a new item is a new entry here."""
    compared = "`penalty` / Lanczos from a random start"
    for layer, target in PRODUCTS.items():
        yield Item(f"products, {layer}", compared, partial(products, layer), "at most", target)
    compared = "`penalty_bounds` of sigma_max, upper / lower, less 1"
    for layer, target in TIGHTNESS.items():
        yield Item(f"enclosure, {layer}", compared, partial(enclosure, layer), "at most", target)
    compared = "upper bound / sigma_max, less 1"
    yield Item(f"upper, {LAYER}", compared, partial(upper_bound, LAYER), "at most", 0.0016)
    for layer in TIGHTNESS:
        compared = "`penalty_bounds` / a product M'M v"
        yield Item(f"cost, {layer}", compared, partial(cost, layer), "at most", 20)
    compared = "upper bound / sigma_max, less 1: Gram iteration / ours, at the same cost"
    yield Item(f"Gram, {LAYER}", compared, partial(at_the_same_cost, LAYER), "at least", 1)
    compared = "Gram iteration until as tight, or still / `penalty_bounds`"
    yield Item(f"Gram, {LAYER}, time", compared, partial(until_as_tight, LAYER), "at least", 1)


if __name__ == "__main__":
    arguments = parse_arguments(__doc__)
    with threadpool_limits(THREADS, user_api="blas"):
        setting = environment(["numpy", "scipy", "torch"])
        records = measure(item for item in items() if arguments.only in item.name)
    if not arguments.only:
        write(arguments.out, "bounds", "Bounds of R_alpha", records, setting)
