"""Which convolutions of torchvision's and timm's networks have a penalty: `make zoo`.

It writes coverage.md. Every network is made with its own random start and without trained weights.
One that has a convolution which neither has a term nor is left out with a reason ends the run.
"""

import ast
import collections
import os
import re
import sys
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import timm
import torch
import torchvision
from torchvision.models import get_model

from convreg.torch import CONVOLUTIONS, PenaltySum, add_penalty

HERE = Path(__file__).parent
TABLE = HERE / "coverage.md"
ITERATIONS = 10  # in one call, after those of the start

# The shape of an image: of most networks the usual one, of the slowest a smaller one.
MODELS = {
    "alexnet": (3, 224, 224),
    "vgg11": (3, 64, 64),
    "vgg16_bn": (3, 64, 64),
    "squeezenet1_1": (3, 224, 224),
    "googlenet": (3, 224, 224),
    "inception_v3": (3, 299, 299),
    "resnet18": (3, 224, 224),
    "resnet50": (3, 224, 224),
    "wide_resnet50_2": (3, 64, 64),
    "resnext50_32x4d": (3, 64, 64),
    "densenet121": (3, 64, 64),
    "mobilenet_v2": (3, 224, 224),
    "mobilenet_v3_large": (3, 224, 224),
    "mnasnet1_0": (3, 224, 224),
    "shufflenet_v2_x1_0": (3, 224, 224),
    "efficientnet_b0": (3, 224, 224),
    "efficientnet_v2_s": (3, 64, 64),
    "regnet_y_400mf": (3, 224, 224),
    "convnext_tiny": (3, 224, 224),
    "swin_t": (3, 224, 224),
    "vit_b_16": (3, 224, 224),
    "maxvit_t": (3, 224, 224),
    "deeplabv3_resnet50": (3, 64, 64),
    "fcn_resnet50": (3, 64, 64),
    "lraspp_mobilenet_v3_large": (3, 64, 64),
    "fasterrcnn_mobilenet_v3_large_320_fpn": (3, 64, 64),
    "ssdlite320_mobilenet_v3_large": (3, 320, 320),
    "retinanet_resnet50_fpn": (3, 64, 64),
    "raft_small": (3, 128, 128),
    "r3d_18": (3, 4, 32, 32),
    "mc3_18": (3, 4, 32, 32),
    "r2plus1d_18": (3, 4, 32, 32),
    "swin3d_t": (3, 4, 32, 32),
    "timm/resnetv2_50": (3, 64, 64),
    "timm/hrnet_w18_small": (3, 64, 64),
    "timm/res2net50_26w_4s": (3, 64, 64),
    "timm/ghostnet_100": (3, 224, 224),
    "timm/repvgg_a0": (3, 64, 64),
    "timm/convnextv2_atto": (3, 224, 224),
    "timm/mobilevit_s": (3, 64, 64),
    "timm/tf_efficientnet_b0": (3, 224, 224),
    "timm/nf_resnet50": (3, 64, 64),
}
WITH_BACKBONE = ("deeplabv3_", "fcn_", "lraspp_", "fasterrcnn_", "ssdlite", "retinanet_")
OF_LISTS = ("fasterrcnn_", "ssdlite", "retinanet_")  # detectors take a list of images
OF_PAIRS = ("raft_",)
OPTIONS = {"retinanet_resnet50_fpn": {"min_size": 64, "max_size": 64}}  # to which it resizes

PAGE = """# Networks of torchvision and timm

`make zoo` made this table, with torchvision {torchvision}, timm {timm} and PyTorch {torch}: \
`add_penalty` on each network, one random start (seed 0) and no trained weights. *Not reached* are \
layers that the forward pass in eval mode does not call: heads that are used in training alone. \
*Refused* are layers that compute something else than their stored weight does, so that \
`add_penalty` asks to skip them by name: in nf_resnet50 the weights are standardised, in \
tf_efficientnet_b0 the padding depends on the size of the image. *Terms* are more than layers \
where one layer is called with images of several sizes. The sum is that of $\\mathcal{{R}}_1$ \
after {iterations} iterations of the power method: a lower bound.

| network | image | convolutions | with a term | left out | terms | sum |
| --- | --- | --- | --- | --- | --- | --- |
{rows}
"""


def made(name):
    """A network with its own random start."""
    options = {"weights": None, **OPTIONS.get(name, {})}
    if name.startswith(WITH_BACKBONE):
        options["weights_backbone"] = None
    torch.manual_seed(0)
    if name.startswith("timm/"):
        return timm.create_model(name.removeprefix("timm/"), pretrained=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of starts that will change
        return get_model(name, **options)


def taken(name):
    """What `add_penalty` is told of a network's input."""
    shape = MODELS[name]
    generator = torch.Generator().manual_seed(1)
    if name.startswith(OF_LISTS):
        return {"example_inputs": ([torch.rand(shape, generator=generator)],)}
    if name.startswith(OF_PAIRS):
        pair = [torch.rand(1, *shape, generator=generator) for _ in range(2)]
        return {"example_inputs": tuple(pair)}
    return {"input_shape": shape}


def covered(name):
    """A network's regularizer, the names of its convolutions and of those that are refused."""
    model = made(name)
    names = [key for key, part in model.named_modules() if isinstance(part, CONVOLUTIONS)]
    refused = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is left out
        try:
            regularizer = add_penalty(model, **taken(name))
        except ValueError as error:
            refused = ast.literal_eval(re.search(r"skip=(\[.*?\])", str(error))[1])
            regularizer = PenaltySum()
            if set(refused) != set(names):
                regularizer = add_penalty(model, **taken(name), skip=refused)
    accounted = {*regularizer.names, *regularizer.left_out, *refused}
    if accounted != set(names):
        raise SystemExit(f"{name}: no word of {sorted(set(names) - accounted)}")
    return regularizer, names, refused


def row(name):
    """What the table says of a network."""
    regularizer, names, refused = covered(name)
    reasons = collections.Counter()
    for key, reason in regularizer.left_out.items():
        if key not in refused:
            reasons[reason.split(":")[0]] += 1
    reasons["refused"] = len(refused)
    for term in regularizer:
        term.power_iterations = ITERATIONS
    with torch.no_grad():
        total = regularizer().item()
    shape = " x ".join(map(str, MODELS[name]))
    left_out = ", ".join(f"{number} {reason}" for reason, number in reasons.items() if number)
    counts = len(names), len(set(regularizer.names)), left_out or "0", len(regularizer)
    return " | ".join(map(str, (name, shape, *counts, f"{total:.1f}")))


def main():
    """The table; the names of networks as arguments print their rows alone."""
    rows = []
    for name in sys.argv[1:] or MODELS:
        rows.append(f"| {row(name)} |")
        print(rows[-1], flush=True)
    if len(sys.argv) == 1:
        packages = {"torchvision": torchvision, "timm": timm, "torch": torch}
        versions = {key: part.__version__.split("+")[0] for key, part in packages.items()}
        page = PAGE.format(rows="\n".join(rows), iterations=15 + ITERATIONS, **versions)
        TABLE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
