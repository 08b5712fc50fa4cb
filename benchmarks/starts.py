"""What R_alpha meets where training begins: PyTorch's default start and He's, a batch norm behind
every convolution.

    python benchmarks/starts.py [--out FOLDER]

Writes starts.md and starts.json: of a ResNet-18 for images 3x32x32, alpha = 1, with seed 0 and
random images and labels, in float32. Then what 200 steps of training with 0.03 times the sum do to
five convolutions with batch norms on the digits of scikit-learn, the scale of each kernel being
free or held. Then what the penalty alone does to a square layer, 3x3x16x16 on 8x8, in either form
and from several starts, in float32: 400 steps of gradient descent, the rate falling linearly to a
hundredth, the best of six rates, five seeds, and up to which rate all of them stay finite. No time
is measured; some ten minutes.
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

from convreg.torch import ConvPenalty, PenaltySum, add_penalty, delta_orthogonal_
from convreg.torch.report import condition_number

SHAPE = (3, 32, 32)
BATCH = 128
FACTOR = 0.4  # by which all kernels are multiplied
STEPS, LENGTH = 50, 0.01  # of gradient descent on the sum alone
SIDE, CHANNELS = 8, 16  # of the square layer
RATES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SQUARE_STEPS, SEEDS = 400, range(5)
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


def plus_delta(conv: nn.Conv2d) -> nn.Conv2d:
    """An orthogonal matrix is added to the middle tap."""
    before = conv.weight.detach().clone()
    delta_orthogonal_(conv).weight.data += before
    return conv


SQUARE_STARTS: dict[str, Callable[[nn.Conv2d], nn.Module]] = {
    "PyTorch's start": lambda conv: conv,
    "He's start": start_as_he,
    "PyTorch's and an orthogonal middle tap": plus_delta,
    "delta-orthogonal": delta_orthogonal_,
}


def square_layer(start: Callable[[nn.Conv2d], nn.Module], seed: int) -> Any:
    """3x3x16x16, without a bias."""
    torch.manual_seed(seed)
    return start(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False))


def state_of(conv: Any) -> tuple[float, float]:
    """kappa, and the part of |K| that is off the centre."""
    K = conv.weight.detach()
    if not K.isfinite().all():
        return math.inf, math.nan
    kappa = condition_number(ConvPenalty(conv, SIDE), K)
    off = K.clone()
    off[:, :, 1, 1] = 0
    return kappa, (off.norm() / K.norm()).item()


def descended(conv: Any, form: Any, rate: float) -> tuple[float, float]:
    """`state_of` the layer after gradient descent on the penalty alone."""
    term = ConvPenalty(conv, SIDE, form=form)
    optimizer = torch.optim.SGD(conv.parameters(), rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, SQUARE_STEPS)
    for _ in range(SQUARE_STEPS):
        optimizer.zero_grad()
        term().backward()
        optimizer.step()
        falling.step()
    return state_of(conv)


def on_square_layers(start: Callable[[nn.Conv2d], nn.Module]) -> dict[str, float]:
    """Medians over the seeds before, and after descent at the rate with the least median kappa."""
    kappas, shares = zip(*(state_of(square_layer(start, seed)) for seed in SEEDS), strict=True)
    found = {"kappa": statistics.median(kappas), "off the centre": statistics.median(shares)}
    for form in ("squares", "values"):
        ends = []
        for rate in RATES:
            runs = [descended(square_layer(start, seed), form, rate) for seed in SEEDS]
            kappas, shares = zip(*runs, strict=True)
            ends.append((statistics.median(kappas), max(kappas), statistics.median(shares), rate))
        names = ("kappa", "kappa, worst", "off the centre", "rate")
        after = zip(names, min(ends), strict=True)
        found |= {f"{form}: {name}": value for name, value in after}
        found[f"{form}: finite up to the rate"] = max(
            rate for _, worst, _, rate in ends if math.isfinite(worst)
        )
    return found


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
        "square layers, 3x3x16x16 on 8x8, 400 steps on the penalty alone": {
            name: on_square_layers(start) for name, start in SQUARE_STARTS.items()
        },
    }
    lines = ["# R_alpha at the start of training"]
    for title, columns in tables.items():
        lines += table(title, columns)
    text = json.dumps(tables, indent=2)
    (folder / "starts.json").write_text(text + "\n", encoding="utf-8")
    (folder / "starts.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
