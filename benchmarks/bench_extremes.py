"""The extreme singular values of layers without factors: products counted, and the time of all.

A product is one with the smaller of M'M and M M', a convolution and its adjoint. Those of sigma_min
are counted until the Ritz value is right to 1e-6, against a run to 1e-13; noise does not touch
them. kappa is timed for all rectangular layers of ResNet-18 and VGG-16, the convolutions of the
latter as in Simonyan and Zisserman, ICLR 2015, to a relative residual of 1e-4.

    python benchmarks/bench_extremes.py [--only NAME]
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cache, partial

from bench_layers import THREADS
from tables import Item, Measured, environment, measure, parse_arguments, write
from threadpoolctl import threadpool_limits

from convreg import ConvolutionOperator, extreme_singular_values
from convreg import extremes as method
from convreg._numerics.davidson import extreme_eigenpair
from convreg.studies.layers import Layer, gaussian_kernel, resnet18

ACCURACY = 1e-6
RESIDUAL = 1e-4  # of M'M v = sigma^2 v: kappa is right to 2e-6 with it
LAYERS = (Layer(3, 64, 128, 28), Layer(3, 128, 64, 28), Layer(7, 3, 64, 112))
NEAR = Layer(3, 16, 17, 24)
VGG16 = (
    Layer(3, 3, 64, 224),
    Layer(3, 64, 128, 112),
    Layer(3, 128, 256, 56),
    Layer(3, 256, 512, 28),
)


def operator(layer: Layer) -> ConvolutionOperator:
    """M, scaled."""
    M = ConvolutionOperator(gaussian_kernel(layer), layer.N, stride=layer.stride)
    return method.scaled(M)[0]


@cache
def square(layer: Layer) -> float:
    """sigma_min^2."""
    M = operator(layer)
    start = method._random(min(M.shape))
    tight = method._enough(1e-13)
    return extreme_eigenpair(method._gram(M), start, tight, method._gram_inverse(M)).value


def products(layer: Layer, preconditioned: bool) -> Measured:
    """How many until sigma_min is right."""
    M, right = operator(layer), square(layer)
    inverse = method._gram_inverse(M) if preconditioned else None

    def enough(value: float, residual: float, gap: float) -> bool:
        return value <= right * (1 + ACCURACY) ** 2

    pair = extreme_eigenpair(method._gram(M), method._random(min(M.shape)), enough, inverse)
    count = float(pair.products - 1)
    return Measured(count, count, count, count, 1.0, 1, "")


def all_kappas(layers: Iterable[Layer]) -> Measured:
    """The seconds that both extremes of all layers take."""
    start = time.perf_counter()
    for layer in layers:
        K = gaussian_kernel(layer)
        extreme_singular_values(K, layer.N, stride=layer.stride, tolerance=RESIDUAL)
    seconds = time.perf_counter() - start
    return Measured(seconds, seconds, seconds, seconds, 1.0, 1)


def items() -> Iterable[Item]:
    """What is measured; a new item is a new entry here."""
    for layer in LAYERS:
        compared = f"products until sigma_min is right to {ACCURACY:g}"
        yield Item(f"sigma_min, {layer}", compared, partial(products, layer, True), "at most", 90)
    for layer in (*LAYERS, NEAR):
        compared = "the same without the torus"
        count = partial(products, layer, False)
        yield Item(f"sigma_min, plain, {layer}", compared, count, "at most", 1000)
    rectangular = [layer for layer in resnet18() if layer.stride > 1] + list(VGG16)
    compared = f"both extremes of {len(rectangular)} layers, seconds"
    yield Item("kappa", compared, partial(all_kappas, rectangular), "at most", 60)


if __name__ == "__main__":
    arguments = parse_arguments(__doc__)
    with threadpool_limits(THREADS, user_api="blas"):
        setting = environment(["numpy", "scipy"])
        records = measure(item for item in items() if arguments.only in item.name)
    if not arguments.only:
        write(arguments.out, "extremes", "Extreme singular values of layers", records, setting)
