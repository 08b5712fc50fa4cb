"""Layer scale: the convolutions of ResNet-18, and how long one update takes with M dense, sparse or never formed.

ResNet-18 is table 1 of He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016. Its
strided layers are taken with stride 1 on images of the size that they put out, and with zero padding.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convreg.convolution import ConvolutionOperator
from convreg.matrix import conv_matrix
from convreg.penalty import shifted_gram
from convreg.power import SingularTriplet, power_update
from convreg.storage.progress import progress


class Layer(NamedTuple):
    """A convolution of k x k x g x h on N x N images, and how often its network has it."""

    k: int
    g: int
    h: int
    N: int
    count: int = 1  # type: ignore[assignment]  # hides the tuple's method, which nothing calls

    def __str__(self) -> str:
        return f"{self.k}x{self.k}x{self.g}x{self.h}, N = {self.N}"

    @property
    def operations(self) -> int:
        """Multiplications and additions of one product with M: two for each entry of K and pixel."""
        return 2 * self.k**2 * self.g * self.h * self.N**2


def resnet18(image_size: int = 224) -> list[Layer]:
    """The 11 shapes of the 20 convolutions of ResNet-18 for images of a given size.

    >>> sum(layer.count for layer in resnet18()), str(resnet18()[0])
    (20, '7x7x3x64, N = 112')
    """
    N = [-(-image_size // 2**halvings) for halvings in range(6)]
    layers = [Layer(7, 3, 64, N[1]), Layer(3, 64, 64, N[2], 4)]
    for g, size in ((64, N[3]), (128, N[4]), (256, N[5])):
        layers += [Layer(3, g, 2 * g, size), Layer(3, 2 * g, 2 * g, size, 3), Layer(1, g, 2 * g, size)]
    return layers


def gaussian_kernel(layer: Layer, seed: int = 0, dtype: DTypeLike = np.float64) -> NDArray:
    """Independent normal entries of variance 1 / (k^2 g): an image keeps its size on average.

    >>> gaussian_kernel(Layer(3, 2, 4, 8)).shape
    (3, 3, 2, 4)
    """
    k, g, h = layer[:3]
    return (np.random.default_rng(seed).standard_normal((k, k, g, h)) / (k * k * g) ** 0.5).astype(dtype)


def random_triplets(layer: Layer, dtype: DTypeLike = np.float64) -> list[SingularTriplet]:
    """Two triplets of random unit vectors."""
    vectors = np.random.default_rng(1).standard_normal((4, layer.g * layer.N**2)).astype(dtype)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [SingularTriplet(vectors.dtype.type(1), *pair) for pair in (vectors[:2], vectors[2:])]


REPRESENTATIONS: dict[str, Callable[[NDArray, int], Any]] = {
    "dense": lambda K, N: conv_matrix(K, N).toarray(),
    "sparse": conv_matrix,
    "matrix-free": ConvolutionOperator,
}


def entries(layer: Layer, representation: str) -> int:
    """How many numbers a representation of M holds."""
    k, g, h, N = layer[:4]
    return {"dense": g * h * N**4, "sparse": k * k * g * h * N**2, "matrix-free": k * k * g * h}[representation]


def seconds(function: Callable[[], object], repeats: int = 5, at_least: float = 0.02) -> float:
    """The median time of a call, each reading of as many calls as last so long."""
    calls = 1
    while (spent := _spent(function, calls)) < at_least:
        calls = max(2 * calls, int(calls * at_least / max(spent, 1e-9)))
    return statistics.median(_spent(function, calls) / calls for _ in range(repeats))


def _spent(function: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return time.perf_counter() - start


def update_seconds(layer: Layer, representation: str) -> float:
    """Algorithm 2.1, step 6, for a new kernel: M in a representation, two power iterations of two triplets."""
    K, triplets, represent = gaussian_kernel(layer), random_triplets(layer), REPRESENTATIONS[representation]
    return seconds(lambda: power_update(shifted_gram(represent(K, layer.N)), triplets, 2))


def gemm_seconds(dtype: DTypeLike, size: int = 2000) -> float:
    """The seconds for 10^9 operations in a product of two square matrices: what the machine can do."""
    A = np.random.default_rng(0).standard_normal((size, size)).astype(dtype)
    return seconds(lambda: A @ A) / (2 * size**3) * 1e9


def gram_seconds(layer: Layer, dtype: DTypeLike) -> float:
    """The seconds for 10^9 operations in M'M v."""
    M = ConvolutionOperator(gaussian_kernel(layer, dtype=dtype), layer.N)
    adjoint, v = M.T, random_triplets(layer, dtype)[0].v
    return seconds(lambda: adjoint @ (M @ v)) / (2 * layer.operations) * 1e9


def time_updates(largest: int = 2 * 10**7) -> dict[str, list]:
    """`update_seconds` against N (16 channels) and against the channels (N = 14), 3 x 3, as columns of a table.

    A representation of M with more than ``largest`` entries is left out.
    """
    against_N = [("N", N, Layer(3, 16, 16, N)) for N in (4, 7, 10, 14, 20, 28, 40, 56, 80, 112)]
    channels = [("channels", c, Layer(3, c, c, 14)) for c in (2, 4, 8, 16, 32, 64, 128, 256)]
    points = [
        (against, x, layer, representation)
        for against, x, layer in against_N + channels
        for representation in REPRESENTATIONS
        if entries(layer, representation) <= largest
    ]
    rows = [
        (against, representation, x, update_seconds(layer, representation))
        for against, x, layer, representation in progress(points, "timing updates")
    ]
    names = ("against", "representation", "x", "seconds")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def time_products(layers: Iterable[Layer]) -> dict[str, list]:
    """The fraction of the machine's GEMM rate that M'M v reaches on each layer, as columns of a table."""
    tasks = [(layer, dtype) for layer in layers for dtype in (np.float64, np.float32)]
    timed = progress(tasks, "timing products")
    fractions = [gemm_seconds(dtype) / gram_seconds(layer, dtype) for layer, dtype in timed]
    names, types = zip(*((str(layer), np.dtype(dtype).name) for layer, dtype in tasks), strict=True)
    return {"layer": list(names), "type": list(types), "fraction": fractions}


def slope(x: Sequence[float] | NDArray, y: Sequence[float] | NDArray, last: int = 4) -> float:
    """The exponent p of y ~ x^p, fitted to the logarithms of the last points.

    >>> round(slope([1, 2, 4, 8], [3, 12, 48, 192]), 6)
    2.0
    """
    return float(np.polyfit(np.log(x[-last:]), np.log(y[-last:]), 1)[0])
