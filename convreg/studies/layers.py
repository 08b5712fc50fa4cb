"""Layer scale: the convolutions of ResNet-18, bounds of sigma_max, and the time of an update.

ResNet-18 is table 1 of He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR
2016. Its convolutions are taken as they are. All have odd kernels with (k - 1) / 2 zeros on each
side, the paper's padding; seven have stride 2.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.optimize import minimize

from convreg.convolution import ConvolutionOperator
from convreg.extremes import largest_singular_value
from convreg.gram import shifted_gram
from convreg.matrix import conv_matrix
from convreg.power import SingularTriplet, power_update
from convreg.storage.progress import progress
from convreg.storage.tables import Table, from_rows, groups, stacked
from convreg.symbol import Symbol, symbol
from convreg.verify import observed_order


class Layer(NamedTuple):
    """A convolution of k x k x g x h on N x N images, and how often its network has it.

    >>> layer = Layer(3, 2, 5, 7, stride=2)
    >>> str(layer), layer.outputs, layer.shape
    ('3x3x2x5, N = 7, stride 2', 4, (80, 98))
    """

    k: int
    g: int
    h: int
    N: int
    stride: int = 1
    count: int = 1  # type: ignore[assignment]  # hides the tuple's method, which nothing calls

    def __str__(self) -> str:
        stride = f", stride {self.stride}" if self.stride > 1 else ""
        return f"{self.k}x{self.k}x{self.g}x{self.h}, N = {self.N}{stride}"

    @property
    def outputs(self) -> int:
        """The side of the image that it puts out: N / stride, rounded up."""
        return -(-self.N // self.stride)

    @property
    def shape(self) -> tuple[int, int]:
        """The rows and columns of M."""
        return self.h * self.outputs**2, self.g * self.N**2

    @property
    def operations(self) -> int:
        """What a product with M takes: two for each entry of K and pixel that is put out."""
        return 2 * self.k**2 * self.g * self.h * self.outputs**2


def resnet18(image_size: int = 224) -> list[Layer]:
    """The 11 kinds of the 20 convolutions of ResNet-18 for images of a given size.

    >>> sum(layer.count for layer in resnet18()), str(resnet18()[0])
    (20, '7x7x3x64, N = 224, stride 2')
    """
    N = [-(-image_size // 2**halvings) for halvings in range(6)]
    layers = [Layer(7, 3, 64, N[0], stride=2), Layer(3, 64, 64, N[2], count=4)]
    for g, size, half in ((64, N[2], N[3]), (128, N[3], N[4]), (256, N[4], N[5])):
        layers += [
            Layer(3, g, 2 * g, size, stride=2),
            Layer(3, 2 * g, 2 * g, half, count=3),
            Layer(1, g, 2 * g, size, stride=2),
        ]
    return layers


def gaussian_kernel(layer: Layer, seed: int = 0, dtype: DTypeLike = np.float64) -> NDArray:
    """Independent normal entries of variance 1 / (k^2 g): a pixel keeps its size on average.

    >>> gaussian_kernel(Layer(3, 2, 4, 8)).shape
    (3, 3, 2, 4)
    """
    k, g, h = layer.k, layer.g, layer.h
    entries = np.random.default_rng(seed).standard_normal((k, k, g, h))
    return (entries / (k * k * g) ** 0.5).astype(dtype)


def random_triplets(layer: Layer, dtype: DTypeLike = np.float64) -> list[SingularTriplet]:
    """Two triplets of random unit vectors."""
    size = layer.g * layer.N**2
    vectors = np.random.default_rng(1).standard_normal((4, size)).astype(dtype)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    one = vectors.dtype.type(1)
    return [
        SingularTriplet(one, vectors[0], vectors[1]),
        SingularTriplet(one, vectors[2], vectors[3]),
    ]


def operator(K: NDArray, layer: Layer) -> ConvolutionOperator:
    """M(K) of a layer, never formed."""
    return ConvolutionOperator(K, layer.N, stride=layer.stride)


def symbol_maximum(K: NDArray, points: int = 64) -> float:
    """The largest sigma_max(F)^2 over all angles: climbed to from the largest on a grid.

    >>> round(symbol_maximum(np.array([[0, 0, 0], [1, 2, 1], [0, 0, 0.0]])), 6)
    16.0
    """
    circle = 2 * np.pi * np.arange(points) / points
    half = circle[: points // 2 + 1]  # F(-theta) is the conjugate of F(theta)
    sigma = np.linalg.norm(symbol(K, circle[:, np.newaxis], half), 2, axis=(2, 3))
    row, column = np.unravel_index(np.argmax(sigma), sigma.shape)
    start = circle[row], half[column]
    climbed = minimize(
        lambda angles: -np.linalg.norm(symbol(K, *angles), 2),
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-12},
    )
    return float(climbed.fun) ** 2


def bound_gaps(K: NDArray, sides: Sequence[int], tolerance: float = 1e-8) -> Table:
    """How far two upper bounds of sigma_max(M)^2 are above it, relative, as the image grows.

    Columns: bound ("symbol": its maximum over all angles; "torus": over the frequencies of the
    torus that `penalty_bounds` takes), N, gap, and the p of gap ~ N^p: slope. sigma_max is right to
    the tolerance.
    """
    top = symbol_maximum(K)
    gaps: dict[str, list[float]] = {"symbol": [], "torus": []}
    for N in sides:
        M = ConvolutionOperator(K, N)
        square = largest_singular_value(M, tolerance) ** 2
        gaps["symbol"].append(top / square - 1)
        gaps["torus"].append(Symbol(M).largest_on_torus() / square - 1)
    lines = []
    for bound, gap in gaps.items():
        slope = observed_order(sides, gap)
        lines.append({"bound": bound, "N": list(sides), "gap": gap, "slope": slope})
    return stacked(lines)


REPRESENTATIONS: dict[str, Callable[[NDArray, Layer], Any]] = {
    "dense": lambda K, layer: conv_matrix(K, layer.N, stride=layer.stride).toarray(),
    "sparse": lambda K, layer: conv_matrix(K, layer.N, stride=layer.stride),
    "matrix-free": operator,
}


def entries(layer: Layer, representation: str) -> int:
    """How many numbers a representation of M holds."""
    kernel = layer.k**2 * layer.g * layer.h
    rows, columns = layer.shape
    return {
        "dense": rows * columns,
        "sparse": kernel * layer.outputs**2,
        "matrix-free": kernel,
    }[representation]


def duration(function: Callable[[], object], calls: int = 1) -> float:
    """The seconds that so many calls take together."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return time.perf_counter() - start


def seconds(function: Callable[[], object], repeats: int = 5, at_least: float = 0.02) -> float:
    """The median time of a call, each reading of as many calls as last so long."""
    calls = 1
    spent = duration(function)
    while spent < at_least:
        calls = max(2 * calls, int(calls * at_least / max(spent, 1e-9)))
        spent = duration(function, calls)
    return statistics.median(duration(function, calls) / calls for _ in range(repeats))


def update_seconds(layer: Layer, representation: str) -> float:
    """Algorithm 2.1, step 6, for a new kernel: two power iterations of two triplets.

    The time to make M in that representation is part of it.
    """
    K = gaussian_kernel(layer)
    triplets = random_triplets(layer)
    represent = REPRESENTATIONS[representation]
    return seconds(lambda: power_update(shifted_gram(represent(K, layer)), triplets, 2))


def gemm_seconds(dtype: DTypeLike, size: int = 2000) -> float:
    """The seconds for 10^9 operations in a product of square matrices: what the machine can do."""
    A = np.random.default_rng(0).standard_normal((size, size)).astype(dtype)
    return seconds(lambda: A @ A) / (2 * size**3) * 1e9


def gram_seconds(layer: Layer, dtype: DTypeLike) -> float:
    """The seconds for 10^9 operations in M'M v."""
    M = operator(gaussian_kernel(layer, dtype=dtype), layer)
    adjoint = M.T
    v = random_triplets(layer, dtype)[0].v
    return seconds(lambda: adjoint @ (M @ v)) / (2 * layer.operations) * 1e9


def time_updates(largest: int = 2 * 10**7) -> Table:
    """`update_seconds` for 3 x 3 kernels, against N (16 channels) and the channels (N = 14).

    Columns: against, representation, x, seconds. A representation of M with more than ``largest``
    entries is left out.
    """
    lines = [("N", N, Layer(3, 16, 16, N)) for N in (4, 7, 10, 14, 20, 28, 40, 56, 80, 112)]
    lines += [("channels", c, Layer(3, c, c, 14)) for c in (2, 4, 8, 16, 32, 64, 128, 256)]
    points = []
    for against, x, layer in lines:
        for representation in REPRESENTATIONS:
            if entries(layer, representation) <= largest:
                points.append((against, x, layer, representation))
    rows = []
    for against, x, layer, representation in progress(points, "timing updates"):
        rows.append((against, representation, x, update_seconds(layer, representation)))
    return from_rows(("against", "representation", "x", "seconds"), rows)


def with_slopes(times: Table, last: int = 4) -> Table:
    """The table of `time_updates`, and for each line the exponent p of seconds ~ x^p at its end.

    It is fitted to the last points of the line: a column ``slope``.

    >>> line = {"against": ["N"] * 3, "representation": ["dense"] * 3, "x": [1, 2, 4]}
    >>> table = {name: np.array(column) for name, column in line.items()}
    >>> with_slopes(table | {"seconds": np.array([3.0, 12.0, 48.0])})["slope"]
    array([2., 2., 2.])
    """
    slopes = {}
    for against, rows in groups(times, "against").items():
        for representation, line in groups(rows, "representation").items():
            slope = observed_order(line["x"][-last:], line["seconds"][-last:])
            slopes[against, representation] = slope
    lines = zip(times["against"].tolist(), times["representation"].tolist(), strict=True)
    return times | {"slope": np.array([slopes[line] for line in lines])}


def time_products(layers: Iterable[Layer]) -> Table:
    """The fraction of the machine's GEMM rate that M'M v reaches on each layer.

    Columns: layer, type, fraction.
    """
    tasks = [(layer, dtype) for layer in layers for dtype in (np.float64, np.float32)]
    rows = []
    for layer, dtype in progress(tasks, "timing products"):
        fraction = gemm_seconds(dtype) / gram_seconds(layer, dtype)
        rows.append((str(layer), np.dtype(dtype).name, fraction))
    return from_rows(("layer", "type", "fraction"), rows)
