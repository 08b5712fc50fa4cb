"""What R_alpha costs a step of training on an accelerator.

    python benchmarks/bench_accelerator.py [--out FOLDER] [--only WORD]

Writes accelerator.md and accelerator.json; where PyTorch finds no CUDA device its lines say
"skipped". A step is that of bench_torch.py, on the device: the plain one, and that with R_alpha of
every convolution in the loss, from the same weights, by the wall clock, in turns. A call is timed
until the device has nothing left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import partial

from bench_torch import (
    CLASSES,
    LEARNING_RATE,
    MOMENTUM,
    RESNET,
    WIDE,
    Network,
    torch,
    training_step,
)
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

if torch is not None:
    from convreg.torch import add_penalty

# How a step has R_alpha: the form of each; "compiled" by torch.compile, into CUDA graphs.
WAYS = {"squares": "squares", "values": "values", "compiled": "squares"}


def step_of(network: Network, start: torch.nn.Module, way: str) -> Callable[[], None]:
    """A step of training on the device: plain, with R_alpha in a form, or with it compiled."""
    model = deepcopy(start).to("cuda")
    regularizer = None
    if way != "plain":
        regularizer = add_penalty(model, network.shape, form=WAYS[way])
    if way == "compiled":
        regularizer = torch.compile(regularizer, mode="reduce-overhead")
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, MOMENTUM)
    images = torch.randn(network.batch, *network.shape, device="cuda")
    labels = torch.randint(CLASSES, (network.batch,), device="cuda")

    def step() -> None:
        loss = training_step(model, regularizer, optimizer, images, labels)
        torch.cuda.synchronize()
        assert torch.isfinite(loss)

    return step


def compare(network: Network, way: str) -> Measured:
    """A step with R_alpha against one without."""
    if torch is None or not torch.cuda.is_available():
        raise Skipped("PyTorch finds no CUDA device")
    torch.manual_seed(0)
    start = network.build()
    with_it = step_of(network, start, way)
    without = step_of(network, start, "plain")
    seconds = partial(seconds_per_call, at_least=0.5)
    return paired(seconds(with_it), seconds(without), 5)


def items() -> Iterable[Item]:
    """What is measured; a new item is a new entry here."""
    for network in (WIDE, WIDE._replace(batch=1024), RESNET, RESNET._replace(batch=1024)):
        for way, form in WAYS.items():
            compiled = ", compiled" * (way == "compiled")
            compared = f'step with R_alpha, form="{form}"{compiled} / plain'
            yield Item(f"{way}, {network}", compared, partial(compare, network, way), "at most", 2)


if __name__ == "__main__":
    arguments = parse_arguments(__doc__)
    setting = environment(["numpy", "torch"])
    if torch is not None and torch.cuda.is_available():
        setting |= {"device": torch.cuda.get_device_name(), "CUDA": torch.version.cuda}
    records = measure(item for item in items() if arguments.only in item.name)
    if not arguments.only:
        write(
            arguments.out, "accelerator", "R_alpha in training on an accelerator", records, setting
        )
