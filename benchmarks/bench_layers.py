"""R_alpha, its gradient and Algorithm 2.1 on real layers, side by side with what one would take
instead.

    python benchmarks/bench_layers.py [--out FOLDER] [--only WORD]

Writes layers.md and layers.json, and the times that notebook 9 draws: updates.csv and products.csv.
Every ratio is formed within this run, on THREADS threads; contestants are first checked to compute
the same. PyTorch and convreg are each timed in a process of its own, in turns, while the threads of
the other are asleep: awake, as they stay for a while after a call, they slow down who comes next.
"""

from __future__ import annotations

import statistics
import tracemalloc
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse.linalg import svds
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
    SingularTriplet,
    conv_matrix,
    extreme_singular_values,
    kernel_gradient,
    leading_triplets,
    penalty,
    penalty_gradient,
    power_update,
    shifted_gram,
)
from convreg._numerics.taps import kept_taps
from convreg._numerics.winograd import kept_tiles
from convreg.storage.tables import as_csv, rounded
from convreg.studies.layers import (
    Layer,
    duration,
    gaussian_kernel,
    gemm_seconds,
    gram_seconds,
    random_triplets,
    resnet18,
    time_products,
    time_updates,
)

try:
    import torch
    from torch.nn.functional import conv2d, conv_transpose2d
except ImportError:
    torch = None

THREADS = 2
# the relative residual of R_alpha, and the relative error of sigma_max for the power iteration
ACCURACY = 1e-6
LEARNING_RATE = 1e-3
NCV = 20  # Lanczos vectors, ARPACK's default for one value


WIDE = [Layer(3, 64, 64, 56), Layer(3, 128, 128, 28), Layer(3, 256, 256, 14), Layer(3, 512, 512, 7)]
LAYERS = [
    Layer(3, 3, 6, 15),
    Layer(5, 6, 16, 14),
    Layer(3, 16, 16, 32),
    *WIDE,
    Layer(7, 3, 64, 112),
]


def iteration(
    K: NDArray, N: int, triplets: list[SingularTriplet]
) -> tuple[NDArray, list[SingularTriplet]]:
    """One iteration of Algorithm 2.1 with alpha = 1: gradient, step, two power iterations of both
    triplets.
    """
    G = kernel_gradient(K, N, triplets[0].u, triplets[0].v)
    K = K - K.dtype.type(LEARNING_RATE) * G
    return K, power_update(shifted_gram(ConvolutionOperator(K, N, copy=False)), triplets, 2)


def torch_iteration(
    kernel: torch.Tensor, U: torch.Tensor, V: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """The same in PyTorch: the gradient of <Mu, Mv> - <u, v> by autograd, both triplets as a batch
    of two.
    """
    pad = kernel.shape[-1] // 2
    kernel.requires_grad_(True)
    R = (conv2d(U[:1], kernel, padding=pad) * conv2d(V[:1], kernel, padding=pad)).sum() - (
        U[:1] * V[:1]
    ).sum()
    (G,) = torch.autograd.grad(R, kernel)
    with torch.no_grad():
        kernel = kernel - LEARNING_RATE * G
        for _ in range(2):
            U = conv_transpose2d(conv2d(V, kernel, padding=pad), kernel, padding=pad) - V
            U = U / torch.linalg.vector_norm(U, dim=(1, 2, 3), keepdim=True)
            V = conv_transpose2d(conv2d(U, kernel, padding=pad), kernel, padding=pad) - U
            sigma = torch.linalg.vector_norm(V, dim=(1, 2, 3), keepdim=True)
            V = V / sigma
    return kernel, U, V, sigma


def to_torch(K: NDArray) -> torch.Tensor:
    """The kernel in PyTorch's order (out, in, row, column)."""
    if torch is None:
        raise Skipped("PyTorch is not installed")
    torch.set_num_threads(THREADS)
    return torch.from_numpy(K.transpose(3, 2, 0, 1).copy())


def images(layer: Layer, vectors: list[NDArray]) -> torch.Tensor:
    """Vectors in vec order as a batch of images [vector, channel, row, column]."""
    return torch.from_numpy(
        np.stack(vectors).reshape(-1, layer.g, layer.N, layer.N).swapaxes(2, 3).copy()
    )


def step_here(layer: Layer, dtype: DTypeLike) -> Callable[[], Any]:
    """Our iteration on a layer."""
    return partial(
        iteration, gaussian_kernel(layer, dtype=dtype), layer.N, random_triplets(layer, dtype)
    )


def step_in_torch(layer: Layer, dtype: DTypeLike) -> Callable[[], Any]:
    """PyTorch's iteration on a layer."""
    kernel, triplets = to_torch(gaussian_kernel(layer, dtype=dtype)), random_triplets(layer, dtype)
    U, V = (images(layer, [triplet[side] for triplet in triplets]) for side in (1, 2))
    return partial(torch_iteration, kernel, U, V)


def step_clock(make: Callable[..., Callable[[], Any]], layer: Layer, dtype: DTypeLike) -> Clock:
    """A clock of one of them."""
    return seconds_per_call(make(layer, dtype), 0.2)


@cache
def step(layer: Layer, dtype: DTypeLike) -> Measured:
    """An iteration in PyTorch against ours."""
    (mine, after), theirs = step_here(layer, dtype)(), step_in_torch(layer, dtype)()
    tolerance = 1e-10 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(
        mine, theirs[0].numpy().transpose(2, 3, 1, 0), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(
        [t.sigma for t in after], theirs[3].flatten().numpy(), rtol=tolerance
    )
    with (
        apart(THREADS, step_clock, step_in_torch, layer, dtype) as other,
        apart(THREADS, step_clock, step_here, layer, dtype) as ours,
    ):
        return paired(other, ours)


def median_step(dtype: DTypeLike) -> Measured:
    """The median of the ratios of all layers."""
    measured = [step(layer, dtype) for layer in LAYERS]
    columns = zip(*(one[:5] for one in measured), strict=True)
    return Measured(*map(statistics.median, columns), measured[0].repeats)


def gemm_fraction(layer: Layer, dtype: DTypeLike) -> Measured:
    """The time for a given number of operations in a large matrix product against that in M'M v."""
    return paired(partial(gemm_seconds, dtype), partial(gram_seconds, layer, dtype))


@cache
def sigma_max(layer: Layer) -> float:
    """The reference that the power iteration has to reach."""
    return leading_triplets(
        ConvolutionOperator(gaussian_kernel(layer), layer.N), 1, tolerance=1e-10
    )[0].sigma


def torch_power_iteration(layer: Layer, kernel: torch.Tensor, right: float) -> float:
    """sigma_max by the power iteration from a random start, until it is right to ACCURACY."""
    torch.manual_seed(0)
    pad = layer.k // 2
    v, sigma = torch.randn(1, layer.g, layer.N, layer.N, dtype=kernel.dtype), 0.0
    with torch.no_grad():
        while abs(sigma - right) > ACCURACY * right:
            v = v / torch.linalg.vector_norm(v)
            image = conv2d(v, kernel, padding=pad)
            sigma = torch.linalg.vector_norm(image).item()
            v = conv_transpose2d(image, kernel, padding=pad)
    return sigma


def penalty_clock(layer: Layer) -> Clock:
    """R_alpha, alpha = 1, by `penalty`."""
    return partial(duration, partial(penalty, gaussian_kernel(layer), layer.N, tolerance=ACCURACY))


def power_clock(layer: Layer, right: float) -> Clock:
    """The same by the power iteration in PyTorch."""
    kernel = to_torch(gaussian_kernel(layer))
    return partial(duration, partial(torch_power_iteration, layer, kernel, right))


def against_power_iteration(layer: Layer) -> Measured:
    """The second against the first."""
    if torch is None:
        raise Skipped("PyTorch is not installed")
    right = sigma_max(layer)
    R = penalty(gaussian_kernel(layer), layer.N, tolerance=ACCURACY)
    assert abs(R + 1 - right**2) <= ACCURACY * right**2
    with (
        apart(THREADS, power_clock, layer, right) as other,
        apart(THREADS, penalty_clock, layer) as ours,
    ):
        return paired(other, ours, repeats=3)


def against_svds(layer: Layer) -> Measured:
    """The same by `svds` of the explicit sparse M, to the same tolerance, against `penalty`."""
    K = gaussian_kernel(layer)
    ours = partial(penalty, K, layer.N, tolerance=ACCURACY)

    def other() -> NDArray:
        return svds(conv_matrix(K, layer.N), 1, tol=ACCURACY, return_singular_vectors=False, rng=0)

    assert abs(ours() + 1 - other()[0] ** 2) <= 2 * ACCURACY * other()[0] ** 2
    return paired(partial(duration, other), partial(duration, ours), repeats=5)


def against_dense_svd(layer: Layer) -> Measured:
    """Both extreme singular values: all of them by NumPy from a dense M against
    `extreme_singular_values`.
    """
    K = gaussian_kernel(layer)
    ours = partial(extreme_singular_values, K, layer.N)

    def other() -> NDArray:
        return np.linalg.svd(conv_matrix(K, layer.N).toarray(), compute_uv=False)[[0, -1]]

    np.testing.assert_allclose(ours(), other(), rtol=1e-8)
    return paired(partial(duration, other), partial(duration, ours), repeats=5)


def memory(layer: Layer) -> Measured:
    """The peak of what `penalty_gradient` allocates and keeps against 8 ((g+h) N^2 (ncv+10) + 3 k^2
    g h).
    """
    k, g, h, N = layer[:4]
    K = gaussian_kernel(layer)
    kept_taps.clear()
    kept_tiles.clear()
    tracemalloc.start()
    penalty_gradient(K, N, tolerance=1e-3)
    peak = float(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    allowed = 8.0 * ((g + h) * N**2 * (NCV + 10) + 3 * k * k * g * h)
    return Measured(*[peak / allowed] * 3, peak, allowed, 1, "B")


def growth(larger: Layer, smaller: Layer) -> Measured:
    """An iteration on a larger layer against one on a smaller layer."""

    def clock(layer: Layer) -> Clock:
        one = partial(
            iteration, gaussian_kernel(layer), layer.N, random_triplets(layer, np.float64)
        )
        return seconds_per_call(one, 0.2)

    return paired(clock(larger), clock(smaller))


def items() -> Iterable[Item]:
    """What is measured; a new item is a new entry here."""
    targets = {np.float64: (1.0, 1.3), np.float32: (0.7, 0.9)}
    for dtype, (each, median) in targets.items():
        name, compared = np.dtype(dtype).name, "PyTorch / iteration"
        for layer in LAYERS:
            yield Item(
                f"step, {name}, {layer}", compared, partial(step, layer, dtype), "at least", each
            )
        yield Item(
            f"step, {name}, median", compared, partial(median_step, dtype), "at least", median
        )
    for dtype in targets:
        for layer in WIDE:
            name, compared = (
                f"GEMM rate, {np.dtype(dtype).name}, {layer}",
                "10^9 operations in A A / in M'M v",
            )
            yield Item(name, compared, partial(gemm_fraction, layer, dtype), "at least", 0.5)
    for layer in WIDE:
        compared = "power iteration in PyTorch / `penalty`"
        yield Item(
            f"R_alpha, {layer}", compared, partial(against_power_iteration, layer), "at least", 10
        )
    for layer in (LAYERS[2], Layer(3, 64, 64, 14)):
        yield Item(
            f"R_alpha, {layer}",
            "`svds` of sparse M / `penalty`",
            partial(against_svds, layer),
            "at least",
            1,
        )
    for layer in LAYERS[:2]:
        compared = "dense SVD / `extreme_singular_values`"
        yield Item(f"extremes, {layer}", compared, partial(against_dense_svd, layer), "at least", 1)
    for layer in WIDE:
        compared = "peak of `penalty_gradient` / 8 ((g+h) N^2 (ncv+10) + 3 k^2 g h)"
        yield Item(f"memory, {layer}", compared, partial(memory, layer), "at most", 1.5)
    base = Layer(3, 64, 64, 28)
    for larger, what in ((Layer(3, 64, 64, 56), "N"), (Layer(3, 128, 128, 28), "g and h")):
        yield Item(
            f"growth, {what} doubled",
            f"{larger} / {base}",
            partial(growth, larger, base),
            "at most",
            4.6,
        )


if __name__ == "__main__":
    arguments = parse_arguments(__doc__)
    with threadpool_limits(THREADS, user_api="blas"):
        setting = environment(["numpy", "scipy", "torch"])
        records = measure(item for item in items() if arguments.only in item.name)
        updates, products = (
            ({}, {}) if arguments.only else (time_updates(), time_products(resnet18()))
        )
    if not arguments.only:
        write(arguments.out, "layers", "Layer-scale benchmarks", records, setting)
        (arguments.out / "updates.csv").write_bytes(as_csv(rounded(updates, 3)))
        (arguments.out / "products.csv").write_bytes(as_csv(rounded(products, 3)))
