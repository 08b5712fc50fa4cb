"""R_alpha as a term of the loss, side by side with torch's spectral_norm: what a step of training
costs.

    python benchmarks/bench_torch.py [--out FOLDER] [--only WORD]

Writes torch.md and torch.json. A step is zero_grad, forward, cross entropy, backward and SGD with
momentum, in float32 on one fixed batch of random images: plain; with COEFFICIENT times
`add_penalty`, its arguments the default ones, or with form="values"; with
`torch.nn.utils.parametrizations.spectral_norm`, as it comes, on every convolution. Every ratio is
formed within this run, of the processor's seconds on one thread, which other programs disturb
least; values and gradients are first checked against those in NumPy.

R_alpha and spectral_norm do not do the same. The latter divides a layer's weights by an estimate of
the norm of W, the kernel reshaped to h x k^2 g: one power iteration, two products of W with a
vector, whatever the size of the image. R_alpha bounds the singular values of the true M(K), from
both sides: two iterations, four products with M'M of one image, then value and gradient. Neither
depends on the size of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cache, partial
from time import process_time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tables import (
    Item,
    Measured,
    Skipped,
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
    kernel_gradient,
    power_update,
    shifted_gram,
)
from convreg.studies.layers import Layer

try:
    import torch
    from resnets import resnet18, start_as_he
    from torch import nn
    from torch.nn.functional import conv2d, conv_transpose2d, cross_entropy
    from torch.nn.utils.parametrizations import spectral_norm

    from convreg.torch import ConvPenalty, PenaltySum, add_penalty, kernel_of
except ImportError:
    torch = None

THREADS = 1
COEFFICIENT = 0.01  # of R_alpha in the loss
LEARNING_RATE = 1e-3
MOMENTUM = 0.9
CLASSES = 10


def convolutions(channels: int, *parts: int | nn.Module) -> list[nn.Module]:
    """Of each number a 3 x 3 convolution to as many channels, with a ReLU; modules as they are."""
    layers: list[nn.Module] = []
    for part in parts:
        if isinstance(part, int):
            layers += [nn.Conv2d(channels, part, 3, padding=1), nn.ReLU()]
            channels = part
        else:
            layers.append(part)
    return layers


def small() -> nn.Module:
    """Three convolutions for the digits of scikit-learn, 8 x 8."""
    layers = convolutions(1, 12, nn.AvgPool2d(2), 12, 6)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 4 * 4, CLASSES))


def wide() -> nn.Module:
    """Six convolutions for images like CIFAR's, 32 x 32 in three colours."""
    layers = convolutions(3, 64, 64, nn.MaxPool2d(2), 128, 128, nn.MaxPool2d(2), 256, 256)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, CLASSES))


def residual() -> nn.Module:
    """ResNet-18 for such images, from He's start: 20 convolutions, six of them with stride 2."""
    return start_as_he(resnet18(CLASSES))


class Network(NamedTuple):
    """How a network is built, the shape of its images and the size of a batch."""

    build: Callable[[], nn.Module]
    shape: tuple[int, int, int]
    batch: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name}{'x'.join(map(str, self.shape))}, batch {self.batch}"


SMALL = Network(small, (1, 8, 8), 50)
WIDE, WIDE_32 = (Network(wide, (3, 32, 32), batch) for batch in (128, 32))
RESNET = Network(residual, (3, 32, 32), 128, "ResNet-18, ")


def training_step(
    model: nn.Module,
    regularizer: PenaltySum | None,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """A step of training, whole; its loss."""
    optimizer.zero_grad()
    loss = cross_entropy(model(images), labels)
    if regularizer is not None:
        loss = loss + COEFFICIENT * regularizer()
    loss.backward()
    optimizer.step()
    return loss.detach()


@cache
def steps(network: Network) -> dict[str, Callable[[], torch.Tensor]]:
    """The contestants, from the same weights, on the same batch; each has taken the step that was
    checked.
    """
    set_up()
    images = torch.randn(network.batch, *network.shape)
    labels = torch.randint(CLASSES, (network.batch,))
    start = network.build()
    models = {name: deepcopy(start) for name in ("plain", "R_alpha", "values", "spectral_norm")}
    for conv in layers_of(models["spectral_norm"]):
        spectral_norm(conv)
    regularizer = add_penalty(models["R_alpha"], network.shape)
    check_values(regularizer)
    terms = {"R_alpha": regularizer}
    terms["values"] = add_penalty(models["values"], network.shape, form="values")
    contestants = {}
    for name, model in models.items():
        optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, MOMENTUM)
        contestants[name] = partial(
            training_step, model, terms.get(name), optimizer, images, labels
        )
        contestants[name]()
    check_gradients(start, models["plain"], models["R_alpha"], regularizer)
    for conv in layers_of(models["spectral_norm"]):
        with torch.no_grad():
            norm = torch.linalg.matrix_norm(conv.weight.flatten(1), 2).item()
        assert 0.99 <= norm <= 1.2, (
            norm
        )  # sixteen power iterations from a random start are a lower bound
    return contestants


def set_up() -> None:
    """Threads and random numbers."""
    if torch is None:
        raise Skipped("PyTorch is not installed")
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)


def layers_of(model: nn.Module) -> list[nn.Conv2d]:
    """The convolutions, in order."""
    return [part for part in model.modules() if isinstance(part, nn.Conv2d)]


def as_kernel(weight: torch.Tensor) -> NDArray:
    """The weights as a kernel, in double precision."""
    return kernel_of(weight).astype(np.float64)


def as_vectors(one: ConvPenalty) -> list[NDArray]:
    """u and v in vec order, in double precision."""
    return [
        image[0].numpy().swapaxes(1, 2).flatten().astype(np.float64) for image in (one.u, one.v)
    ]


def gram(one: ConvPenalty) -> str:
    """The Gram matrix that "smaller" has come to."""
    return "rows" if one.gram_of_rows else "columns"


def geometry(conv: nn.Conv2d) -> dict[str, tuple[int, int]]:
    """Stride and padding as NumPy's side takes them."""
    return {"stride": conv.stride, "padding": conv.padding}


def check_values(regularizer: Iterable[ConvPenalty]) -> None:
    """The value of each layer is the sigma of `power_update` from the same vectors."""
    for one in regularizer:
        K = as_kernel(one.layer.weight)
        M = ConvolutionOperator(K, one.map.size, **geometry(one.layer))
        B = shifted_gram(M, one.alpha, gram(one))
        (wanted,) = power_update(B, [SingularTriplet(0.0, *as_vectors(one))], one.power_iterations)
        np.testing.assert_allclose(one().item(), wanted.sigma, rtol=1e-4)


def check_gradients(
    start: nn.Module, plain: nn.Module, penalised: nn.Module, regularizer: Iterable[ConvPenalty]
) -> None:
    """After one step from the same weights the gradients differ by COEFFICIENT times that of
    R_alpha.
    """
    for before, without, conv, one in zip(
        *map(layers_of, (start, plain, penalised)), regularizer, strict=True
    ):
        assert one.layer is conv
        found = as_kernel(conv.weight.grad - without.weight.grad) / COEFFICIENT
        K = as_kernel(before.weight)
        vectors = as_vectors(one)
        wanted = kernel_gradient(K, one.map.size, *vectors, gram(one), **geometry(conv))
        assert np.linalg.norm(found - wanted) <= 1e-3 * np.linalg.norm(wanted)


seconds = partial(seconds_per_call, at_least=0.2, timer=process_time)


def compare(network: Network, numerator: str, denominator: str, repeats: int) -> Measured:
    """A step of one contestant against one of another."""
    pair = [steps(network)[name] for name in (numerator, denominator)]
    measured = paired(*map(seconds, pair), repeats)
    assert all(torch.isfinite(step()) for step in pair)
    return measured


def plain_penalty(
    kernel: torch.Tensor, u: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a call of `ConvPenalty` computes, alpha = 1, k odd, and its gradient, in functions of
    PyTorch alone.
    """
    pad = kernel.shape[-1] // 2
    with torch.no_grad():
        for _ in range(2):
            u = conv_transpose2d(conv2d(v, kernel, padding=pad), kernel, padding=pad) - v
            u = u / torch.linalg.vector_norm(u)
            v = conv_transpose2d(conv2d(u, kernel, padding=pad), kernel, padding=pad) - u
            v = v / torch.linalg.vector_norm(v)
    Mu, Mv = conv2d(torch.cat([u, v]), kernel, padding=pad)
    R = (Mu * Mv).sum() - (u * v).sum()
    (G,) = torch.autograd.grad(R, kernel)
    return R, G, u, v


def overhead(layer: Layer) -> Measured:
    """Value and gradient from `ConvPenalty` against the same without the module; the weights stay
    as they are.
    """
    set_up()
    conv = nn.Conv2d(layer.g, layer.h, layer.k, padding=layer.k // 2, bias=False)
    one = ConvPenalty(conv, layer.N)
    state = [one.u.clone(), one.v.clone()]

    def module() -> tuple[torch.Tensor, torch.Tensor]:
        R = one()
        (G,) = torch.autograd.grad(R, conv.weight)
        return R, G

    def other() -> tuple[torch.Tensor, torch.Tensor]:
        R, G, *state[:] = plain_penalty(conv.weight, *state)
        return R, G

    for mine, theirs in zip(module(), other(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    return paired(seconds(module), seconds(other))


def items() -> Iterable[Item]:
    """What is measured; a new item is a new entry here."""
    for network, repeats, target, against, form in (
        (SMALL, 9, 4, 3, 1.5),
        (WIDE, 5, 1.5, 1.5, 1.1),
        (WIDE_32, 7, 2, 2, 1.1),
        (RESNET, 5, 1.25, None, 1.1),
    ):
        for name, compared, numerator, denominator, bound in (
            ("R_alpha", "step with R_alpha / plain", "R_alpha", "plain", target),
            ("spectral_norm", "step with spectral_norm / plain", "spectral_norm", "plain", target),
            ("both", "step with R_alpha / with spectral_norm", "R_alpha", "spectral_norm", against),
            ("values", 'step with form="values" / with "squares"', "values", "R_alpha", form),
        ):
            if bound is None:
                continue
            measured = partial(compare, network, numerator, denominator, repeats)
            yield Item(f"{name}, {network}", compared, measured, "at most", bound)
    layer = Layer(3, 64, 64, 28)
    yield Item(
        f"module, {layer}",
        "`ConvPenalty` / without the module",
        partial(overhead, layer),
        "at most",
        1.2,
    )


if __name__ == "__main__":
    arguments = parse_arguments(__doc__)
    with threadpool_limits(THREADS, user_api="blas"):
        setting = environment(["numpy", "torch"]) | {"PyTorch threads": THREADS}
        records = measure(item for item in items() if arguments.only in item.name)
    if not arguments.only:
        write(arguments.out, "torch", "R_alpha in training", records, setting)
