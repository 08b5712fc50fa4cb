"""Layers with known weights for the tests of convreg.torch, their kernels, and a dense M."""

import copy

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

from torch import nn  # noqa: E402
from torch.nn.functional import conv2d  # noqa: E402


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def layer(k, g, h, seed=0, dtype=torch.float64, bias=False):
    """A convolution with normal weights."""
    conv = nn.Conv2d(g, h, k, padding=k // 2 if k % 2 else "same", bias=bias, dtype=dtype)
    conv.weight.data = torch.randn(h, g, k, k, generator=seeded(seed), dtype=torch.float64).to(
        dtype
    )
    return conv


def layer_of(K):
    """The convolution of a kernel of shape (k, k, g, h)."""
    k, _, g, h = K.shape
    conv = layer(k, g, h)
    conv.weight.data = torch.tensor(K.transpose(3, 2, 0, 1))
    return conv


def kernel(conv):
    """The kernel (k, k, g, h) of a convolution."""
    return conv.weight.detach().numpy().transpose(2, 3, 1, 0)


def kernel_gradient_of(conv):
    return conv.weight.grad.numpy().transpose(2, 3, 1, 0)


def vector(u):
    """The paper's vec."""
    return u[0].numpy().transpose(1, 2, 0).ravel(order="F")


def randomised(module, seed=1):
    """The module with random unit vectors, u and v far from each other."""
    for w, number in ((module.u, seed), (module.v, seed + 1)):
        start = torch.randn(w.shape, generator=seeded(number), dtype=torch.float64)
        w.copy_(start / start.norm())
    return module


def vectors(module):
    return module.u.clone(), module.v.clone()


def same(pair, other):
    """Bit for bit."""
    return all(torch.equal(one, two) for one, two in zip(pair, other, strict=True))


def dense(weight, height, width):
    """M as a function of the weights, column by column: what conv2d makes of every impulse."""
    g = weight.shape[1]
    impulses = torch.eye(g * height * width, dtype=weight.dtype).reshape(-1, g, height, width)
    return conv2d(impulses, weight, padding="same").flatten(1).T


def dense_gram(M, alpha, rows):
    square = M @ M.T if rows else M.T @ M
    return square - alpha * torch.eye(len(square), dtype=M.dtype)


def small_net(**options):
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, **options),
        nn.ReLU(),
        nn.Conv2d(4, 2, 3, padding=1, **options),
    )


def matrix_of(part, size):
    """M of any layer, from its own outputs for unit images; differentiable in the weight."""
    if isinstance(part, nn.Linear):
        shape = (part.in_features,)
    else:
        shape = (part.in_channels, *size)
    count = torch.Size(shape).numel()
    impulses = torch.eye(count, dtype=part.weight.dtype).reshape(count, *shape)
    return (part(impulses) - part(torch.zeros_like(impulses))).flatten(1).T


DOUBLE = {"dtype": torch.float64}
KINDS = {
    "strided": (nn.Conv2d(2, 3, 3, stride=2, padding=1, **DOUBLE), (5, 4)),
    "strided, an end unread": (nn.Conv2d(2, 3, 2, stride=3, **DOUBLE), (6, 7)),
    "strided by axis": (nn.Conv2d(2, 2, (3, 2), stride=(1, 2), padding=(0, 1), **DOUBLE), (4, 3)),
    "one tap, strided": (nn.Conv2d(2, 4, 1, stride=2, **DOUBLE), 3),
    "one tap, padded": (nn.Conv2d(2, 3, 1, padding=1, **DOUBLE), 2),
    "dilated": (nn.Conv2d(2, 3, 3, padding=2, dilation=2, **DOUBLE), 5),
    "groups": (nn.Conv2d(4, 6, 3, padding=1, groups=2, **DOUBLE), (3, 4)),
    "depthwise": (nn.Conv2d(3, 6, 3, padding=1, groups=3, stride=2, **DOUBLE), 4),
    "circular": (nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular", **DOUBLE), (4, 3)),
    "reflect": (nn.Conv2d(2, 3, 3, padding=2, padding_mode="reflect", **DOUBLE), (4, 3)),
    "replicate": (
        nn.Conv2d(2, 3, (4, 3), 1, "same", (1, 2), padding_mode="replicate", **DOUBLE),
        (4, 5),
    ),
    "valid, 3 x 1": (nn.Conv2d(3, 2, (3, 1), **DOUBLE), (4, 3)),
    "1 x 7": (nn.Conv2d(2, 2, (1, 7), padding=(0, 3), **DOUBLE), (2, 5)),
    "even and dilated": (nn.Conv2d(2, 2, 4, padding="same", dilation=(3, 1), **DOUBLE), (5, 4)),
    "1-D": (nn.Conv1d(3, 4, 5, stride=3, padding=2, **DOUBLE), 8),
    "1-D, circular": (nn.Conv1d(2, 2, 4, padding=3, padding_mode="circular", **DOUBLE), 5),
    "3-D": (nn.Conv3d(2, 3, (3, 2, 1), stride=(1, 2, 1), padding=(1, 0, 0), **DOUBLE), (3, 4, 2)),
    "transposed": (nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1, **DOUBLE), 3),
    "transposed, grouped": (
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, **DOUBLE),
        (2, 3),
    ),
    "transposed, dilated": (
        nn.ConvTranspose2d(2, 3, 3, dilation=3, output_padding=2, **DOUBLE),
        (2, 3),
    ),
    "transposed, 1-D": (nn.ConvTranspose1d(3, 2, 3, stride=3, padding=2, **DOUBLE), 5),
    "transposed, 3-D": (nn.ConvTranspose3d(2, 1, 2, stride=2, **DOUBLE), (2, 1, 2)),
    "transposed, one tap": (nn.ConvTranspose2d(3, 2, 1, **DOUBLE), 3),
    "dense": (nn.Linear(5, 3, **DOUBLE), ()),
    "dense, tall": (nn.Linear(2, 4, bias=False, **DOUBLE), ()),
}


def of_kind(kind, seed=3):
    """The layer, its weight normal, and the size of its image."""
    part, size = KINDS[kind]
    part = copy.deepcopy(part)
    weight = torch.randn(part.weight.shape, generator=seeded(seed), dtype=torch.float64)
    part.weight.data = weight / (weight[0].numel() ** 0.5)
    return part, size


def by_group(w, groups):
    """Of norm 1 in every group."""
    rows = w.reshape(groups, -1)
    return (rows / rows.norm(dim=1, keepdim=True)).flatten()
