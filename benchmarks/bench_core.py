"""The mathematics of convreg side by side with what one would otherwise write.

    python benchmarks/bench_core.py [--out FOLDER] [--only WORD]

Writes core.md and core.json. Every ratio is the other contestant's time divided by convreg's,
formed within this run; both are first checked to compute the same. PyTorch and convreg are each
timed in a process of its own, in turns, while the threads of the other are asleep.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array, eye_array, kron
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

from convreg import (
    ConvolutionOperator,
    SingularTriplet,
    conv_matrix,
    kernel_gradient,
    kernel_gradient_index_sum,
    leading_triplets,
    minimize_penalty,
    shifted_gram,
    unvec,
)
from convreg.examples import EXAMPLE_1, start_kernel
from convreg.studies.layers import duration

try:
    import torch
    from torch.nn.functional import conv2d, conv_transpose2d
except ImportError:
    torch = None

THREADS = 2
SHORT, LONG = 20, 220  # iterations of two runs whose difference is free of the start


def kronecker_sum(K: NDArray, N: int) -> csr_array:
    """M(K) block by block, each the sum over the taps of K[p, q, d, c] kron(S_q, S_p), S a shifted
    identity.
    """
    k, _, g, h = K.shape
    shifts = [eye_array(N, N, k=p - (k - 1) // 2) for p in range(k)]
    taps = {(p, q): kron(shifts[q], shifts[p], "csr") for p in range(k) for q in range(k)}

    def block(c: int, d: int) -> csr_array:
        return sum(K[p, q, d, c] * tap for (p, q), tap in taps.items())

    return block_array([[block(c, d) for d in range(g)] for c in range(h)]).tocsr()


def kronecker_sum_by_taps(K: NDArray, N: int) -> csr_array:
    """M(K) as the sum over the taps of kron(K[p, q]', S_q, S_p): no block_array, and the quickest
    such form.
    """
    k = len(K)
    shifts = [eye_array(N, N, k=p - (k - 1) // 2) for p in range(k)]
    return sum(
        kron(K[p, q].T, kron(shifts[q], shifts[p], "csr"), "csr")
        for p in range(k)
        for q in range(k)
    )


def matrix(contestant: Callable[[NDArray, int], csr_array], g: int, h: int, N: int) -> Measured:
    """`conv_matrix` against a sum of Kronecker products."""
    K = start_kernel(3, g, h)
    ours, other = partial(conv_matrix, K, N), partial(contestant, K, N)
    assert abs(ours() - other()).max() == 0
    return paired(seconds_per_call(other), seconds_per_call(ours))


def gradient(g: int, h: int, N: int) -> Measured:
    """`kernel_gradient` against the index sum of (2.5)."""
    K = start_kernel(3, g, h)
    _, u, v = leading_triplets(shifted_gram(ConvolutionOperator(K, N)))[0]
    ours, other = (
        partial(kernel_gradient, K, N, u, v),
        partial(kernel_gradient_index_sum, K, N, u, v),
    )
    np.testing.assert_allclose(ours(), other(), rtol=1e-10, atol=1e-12)
    return paired(seconds_per_call(other), seconds_per_call(ours), repeats=7)


def seconds_per_step(descend: Callable[[int], object]) -> Clock:
    """A clock of one iteration of ``descend(iterations)``, from the difference of a long and a
    short run. A run that is not timed comes first.
    """

    def clock() -> float:
        descend(SHORT)
        short, long = (duration(partial(descend, iterations)) for iterations in (SHORT, LONG))
        return (long - short) / (LONG - SHORT)

    return clock


def torch_descent(
    K: NDArray, N: int, triplets: list[SingularTriplet], iterations: int
) -> tuple[NDArray, list[float]]:
    """Algorithm 2.1 (alpha = 1) from step 3 on in PyTorch, the gradient by autograd; the kernel and
    estimates.
    """
    alpha, rate, pad, channels_first = (
        1.0,
        EXAMPLE_1.learning_rate,
        (K.shape[0] - 1) // 2,
        (2, 0, 1),
    )
    kernel = torch.from_numpy(K.transpose(3, 2, 0, 1).copy())
    U, V = (
        torch.from_numpy(
            np.stack([unvec(triplet[side], N).transpose(channels_first) for triplet in triplets])
        )
        for side in (1, 2)
    )
    selected, estimates = 0, []

    def gram(X):
        return conv_transpose2d(conv2d(X, kernel, padding=pad), kernel, padding=pad) - alpha * X

    for _ in range(iterations):
        kernel.requires_grad_(True)
        u, v = U[selected : selected + 1], V[selected : selected + 1]
        R = (conv2d(u, kernel, padding=pad) * conv2d(v, kernel, padding=pad)).sum() - alpha * (
            u * v
        ).sum()
        (G,) = torch.autograd.grad(R, kernel)
        with torch.no_grad():
            kernel = kernel - rate * G
            for _ in range(EXAMPLE_1.power_iterations):
                U = gram(V)
                U = U / torch.linalg.vector_norm(U, dim=(1, 2, 3), keepdim=True)
                V = gram(U)
                sigma = torch.linalg.vector_norm(V, dim=(1, 2, 3), keepdim=True)
                V = V / sigma
        values = sigma.flatten().tolist()
        selected = 0 if values[0] >= values[1] else 1
        estimates.append(values[selected])
    return kernel.numpy().transpose(2, 3, 1, 0), estimates


def descent(K: NDArray, N: int, iterations: int) -> tuple[NDArray, NDArray]:
    """The same by `minimize_penalty` without diagnostics."""
    result = minimize_penalty(K, N, iterations=iterations, diagnostics=False)
    return result.kernel, result.history.estimate[1:]


def descent_clock(K: NDArray, N: int) -> Clock:
    """A clock of one iteration of ours."""
    return seconds_per_step(partial(descent, K, N))


def torch_clock(K: NDArray, N: int, triplets: list[SingularTriplet]) -> Clock:
    """A clock of one iteration of PyTorch's."""
    torch.set_num_threads(THREADS)
    return seconds_per_step(partial(torch_descent, K, N, triplets))


def step(g: int, h: int, N: int) -> Measured:
    """An iteration in PyTorch against ours."""
    if torch is None:
        raise Skipped("PyTorch is not installed")
    K = start_kernel(3, g, h)
    triplets = leading_triplets(shifted_gram(ConvolutionOperator(K, N)))
    for mine, theirs in zip(descent(K, N, 20), torch_descent(K, N, triplets, 20), strict=True):
        assert np.linalg.norm(mine - theirs) <= 1e-10 * np.linalg.norm(mine)
    with (
        apart(THREADS, torch_clock, K, N, triplets) as other,
        apart(THREADS, descent_clock, K, N) as ours,
    ):
        return paired(other, ours, repeats=15)


def memory(g: int, h: int, N: int) -> Measured:
    """A dense M against the growth of a process that computes R_alpha, its gradient and both
    extremes.
    """
    if not Path("/proc/self/status").exists():
        raise Skipped("the peak memory of a process is read from /proc")
    work = (
        "import re\n"
        "from pathlib import Path\n"
        "from convreg import extreme_singular_values, matlab_rand, penalty_gradient\n"
        "status = Path('/proc/self/status')\n"
        "peak = lambda: 1024 * int(re.search(r'VmHWM:\\s+(\\d+) kB', status.read_text())[1])\n"
        f"before, K = peak(), matlab_rand(3, 3, {g}, {h})\n"
        f"extreme_singular_values(K, {N}), penalty_gradient(K, {N})\n"
        "print(peak() - before)\n"
    )
    run = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=True)
    dense, growth = 8.0 * g * h * N**4, float(run.stdout)
    return Measured(dense / growth, dense / growth, dense / growth, dense, growth, 1, "B")


def items() -> list[Item]:
    """What is measured; a new item is a new entry here."""
    N = EXAMPLE_1.input_size
    index_sum = "index sum (2.5) / `kernel_gradient`"
    torch_step = f"PyTorch, {THREADS} threads / `minimize_penalty`"
    matrices = [
        Item(
            f"M, 3x3x{g}x{h}, N = {size}",
            compared,
            partial(matrix, contestant, g, h, size),
            "at least",
            target,
        )
        for contestant, compared, target in (
            (kronecker_sum, "sum of Kronecker products, block_array / `conv_matrix`", 20),
            (kronecker_sum_by_taps, "one Kronecker product a tap / `conv_matrix`", 1),
        )
        for g, h in ((3, 6), (16, 16))
        for size in (15, 28)
    ]
    gradients = [
        Item(f"gradient, 3x3x3x6, N = {N}", index_sum, partial(gradient, 3, 6, N), "at least", 100)
    ]
    steps = [
        Item(f"step, 3x3x{g}x{h}, N = {N}", torch_step, partial(step, g, h, N), "at least", 1)
        for g, h in EXAMPLE_1.channels
    ]
    sizes = [
        Item(
            "memory, 3x3x3x3, N = 60",
            "dense M / peak growth",
            partial(memory, 3, 3, 60),
            "at least",
            10,
        )
    ]
    return matrices + gradients + steps + sizes


if __name__ == "__main__":
    arguments = parse_arguments(__doc__)
    records = measure(item for item in items() if arguments.only in item.name)
    if not arguments.only:
        setting = environment(["numpy", "scipy", "torch"])
        write(arguments.out, "core", "Core benchmarks", records, setting)
