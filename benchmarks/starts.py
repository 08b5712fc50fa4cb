"""What R_alpha meets where training begins: PyTorch's default start and He's, a batch norm behind
every convolution.

    python benchmarks/starts.py [--out FOLDER]

Writes starts.md and starts.json: of a ResNet-18 for images 3x32x32, alpha = 1, with seed 0 and
random images and labels, in float32. Then what 200 steps of training with 0.03 times the sum do to
five convolutions with batch norms on the digits of scikit-learn, the scale of each kernel being
free or held. No time is measured; some minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from resnets import convolution, resnet18, settled, start_as_he
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrizations import weight_norm

from convreg.torch import PenaltySum, add_penalty

SHAPE = (3, 32, 32)
BATCH = 128
FACTOR = 0.4  # by which all kernels are multiplied
STEPS, LENGTH = 50, 0.01  # of gradient descent on the sum alone
STARTS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "PyTorch's start": lambda model: model,
    "He's start": start_as_he,
}


def weights_of(regularizer: PenaltySum) -> list[Tensor]:
    """The weight of every layer."""
    return [term.layer.weight for term in regularizer]


def scales_of(model: nn.Module) -> dict[str, float]:
    """About the mean square of each layer's singular values: |K|^2 / min(h, s^2 g)."""
    found = {}
    for name, part in model.named_modules():
        if isinstance(part, nn.Conv2d):
            count = min(part.out_channels, part.stride[0] ** 2 * part.in_channels)
            found[name] = part.weight.detach().square().sum().item() / count
    return found


def on_the_plateau(regularizer: PenaltySum) -> int:
    """How many layers are there."""
    return sum(row["plateau"] for row in regularizer.report().to_dict().values())


def gradients(value: Tensor, weights: list[Tensor]) -> list[float]:
    """The norm of the gradient in each weight."""
    return [G.norm().item() for G in torch.autograd.grad(value, weights)]


def descend(start: Callable[[nn.Module], nn.Module]) -> tuple[float, list[float]]:
    """The sum after STEPS steps on it alone, and by what part of its norm each weight has moved."""
    regularizer = add_penalty(started(start), SHAPE)
    weights = weights_of(regularizer)
    before = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.SGD(weights, LENGTH)
    for _ in range(STEPS):
        optimizer.zero_grad()
        regularizer().backward()
        optimizer.step()
    pairs = zip(weights, before, strict=True)
    return regularizer().item(), [((now - old).norm() / old.norm()).item() for now, old in pairs]


def started(start: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """The network from seed 0."""
    torch.manual_seed(0)
    return start(resnet18())


def change(after: Tensor, before: Tensor) -> float:
    """The difference, as a part of the norm."""
    return ((after - before).norm() / before.norm()).item()


def shrink(model: nn.Module, regularizer: PenaltySum, images: Tensor) -> dict[str, float]:
    """The sum and the output after all kernels are multiplied with FACTOR."""
    with torch.no_grad():
        output = settled(model, images)
        in_training = model.train()(images)
        settled(model, images)
        for weight in weights_of(regularizer):
            weight.mul_(FACTOR)
        stale = model.eval()(images)
        found = {"output, in training mode": change(model.train()(images), in_training)}
        found["output, in eval mode"] = change(stale, output)
        found["output, in eval mode, statistics taken anew"] = change(
            settled(model, images), output
        )
    return {"sum": sum(row["R_alpha"] for row in regularizer.report().to_dict().values())} | found


def measured(start: Callable[[nn.Module], nn.Module]) -> dict[str, Any]:
    """A column of the table."""
    model = started(start)
    regularizer = add_penalty(model, SHAPE)
    weights = weights_of(regularizer)
    images, labels = torch.randn(BATCH, *SHAPE), torch.randint(10, (BATCH,))
    rows = regularizer.report().to_dict()
    loss = cross_entropy(model(images), labels)
    scales = scales_of(model)
    scaled = add_penalty(model, SHAPE, alpha=scales)
    found = {
        "sum of R_1": sum(row["R_alpha"] for row in rows.values()),
        "layers on the plateau": on_the_plateau(regularizer),
        "gradient of the sum, median over the layers": statistics.median(
            gradients(regularizer(), weights)
        ),
        "cross entropy": loss.item(),
        "gradient of the cross entropy, median": statistics.median(gradients(loss, weights)),
        "layers on the plateau, alpha = (sum of the squares of K) / min(h, s^2 g)": on_the_plateau(
            scaled
        ),
    }
    after, moved = descend(start)
    found[f"{STEPS} steps on the sum alone: sum"] = after
    found[f"{STEPS} steps on the sum alone: a kernel moves, median"] = statistics.median(moved)
    shrunk = shrink(model, regularizer, images)
    return found | {f"all kernels times {FACTOR}: {name}": it for name, it in shrunk.items()}


def digits_network(width: int) -> nn.Module:
    """Five convolutions of 3 x 3, each with a batch norm."""
    parts: list[nn.Module] = []
    g = 1
    for _ in range(5):
        parts += [convolution(g, width, 3), nn.ReLU()]
        g = width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


def spread(regularizer: PenaltySum) -> float:
    """sigma_max over the root of the mean of sigma^2, the mean over the square layers."""
    rows = list(regularizer.report().to_dict().values())[1:]
    ratios = []
    for row, K in zip(rows, weights_of(regularizer)[1:], strict=True):
        ratios.append(row["sigma_max"] / K.norm().item() * math.sqrt(len(K)))
    return statistics.mean(ratios)


def norms(regularizer: PenaltySum) -> list[float]:
    """Of the kernels."""
    return [weight.norm().item() for weight in weights_of(regularizer)]


def trained(held: bool) -> dict[str, float]:
    """What training with the penalty changes: the scale of the kernels, or their spectrum."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    labels = torch.tensor(digits.target)
    torch.manual_seed(0)
    model = start_as_he(digits_network(16))
    if held:
        for part in model.modules():
            if isinstance(part, nn.Conv2d):
                weight_norm(part, dim=None).parametrizations.weight.original0.requires_grad_(False)
    regularizer = add_penalty(model, (1, 8, 8))
    before = norms(regularizer)
    found = {"sum of R_1 before": regularizer().item(), "spread before": spread(regularizer)}
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(weights, 0.05, 0.9)
    for _ in range(200):
        batch = torch.randint(len(images), (64,))
        optimizer.zero_grad()
        loss = cross_entropy(model(images[batch]), labels[batch])
        (loss + 0.03 * regularizer()).backward()
        optimizer.step()
    ratios = [now / old for now, old in zip(norms(regularizer), before, strict=True)]
    right = settled(model, images).argmax(1) == labels
    return found | {
        "sum of R_1 after": regularizer().item(),
        "spread after": spread(regularizer),
        "norm of a kernel, after / before": statistics.mean(ratios[1:]),
        "accuracy on the images of the training": right.float().mean().item(),
    }


def table(title: str, columns: dict[str, dict[str, float]]) -> list[str]:
    """The lines of a table, a column for each dictionary."""
    lines = ["", f"| {' | '.join([title, *columns])} |", "|---|" + "---:|" * len(columns)]
    for name in next(iter(columns.values())):
        cells = [f"{column[name]:.3g}" for column in columns.values()]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    folder = parser.parse_args().out
    tables = {
        "20 convolutions of a ResNet-18, 3x32x32": {
            name: measured(start) for name, start in STARTS.items()
        },
        "5 convolutions with batch norms, He's start, 200 steps": {
            "scale free": trained(held=False),
            "scale held": trained(held=True),
        },
    }
    lines = ["# R_alpha at the start of training"]
    for title, columns in tables.items():
        lines += table(title, columns)
    text = json.dumps(tables, indent=2)
    (folder / "starts.json").write_text(text + "\n", encoding="utf-8")
    (folder / "starts.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
