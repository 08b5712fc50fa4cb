"""ResNet-18, 20 convolutions, each with a batch norm behind it: what the benchmarks train."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


def convolution(g: int, h: int, k: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size at stride 1, and a batch norm."""
    return nn.Sequential(nn.Conv2d(g, h, k, stride, padding=k // 2, bias=False), nn.BatchNorm2d(h))


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is 1 x 1 where the shape changes."""

    def __init__(self, g: int, h: int, stride: int) -> None:
        super().__init__()
        self.first = convolution(g, h, 3, stride)
        self.second = convolution(h, h, 3)
        self.shortcut = nn.Identity() if g == h else convolution(g, h, 1, stride)

    def forward(self, X: Tensor) -> Tensor:
        return relu(self.second(relu(self.first(X))) + self.shortcut(X))


def resnet18(classes: int = 10, large: bool = False) -> nn.Sequential:
    """For images 3x32x32, or with the 7 x 7 convolution of stride 2 that larger ones ask for."""
    stem = [convolution(3, 64, 7, 2) if large else convolution(3, 64, 3), nn.ReLU()]
    if large:
        stem.append(nn.MaxPool2d(3, 2, 1))
    blocks = []
    g = 64
    for h, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [Block(g, h, stride), Block(h, h, 1)]
        g = h
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes)]
    return nn.Sequential(*stem, *blocks, *head)


def start_as_he(model: nn.Module) -> nn.Module:
    """He's start of every convolution: variance 2 over the outputs of a kernel."""
    for part in model.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
    return model


def settled(model: nn.Module, images: Tensor) -> Tensor:
    """The output in eval mode, after the statistics of the batch norms are taken anew."""
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches, here one
    model.train()
    with torch.no_grad():
        model(images)
        return model.eval()(images)
