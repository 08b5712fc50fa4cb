"""Small networks of the kinds that people train, each a function: the model and what it takes in.

NETWORKS take one image of the given shape; what WITH_EXAMPLES take is given as example inputs.
All are narrow, on small images, so that the matrix of every layer can be formed.
"""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402

# ---- parts


def convolved(g, h, k=3, stride=1, relu=nn.ReLU, padding=None, **options):
    """Convolution, batch norm, ReLU."""
    if padding is None:
        padding = k // 2
    conv = nn.Conv2d(g, h, k, stride, padding, bias=False, **options)
    return nn.Sequential(conv, nn.BatchNorm2d(h), relu())


class Residual(nn.Module):
    """What its branch gives, on top of its input or what the shortcut makes of that."""

    def __init__(self, branch, shortcut=None):
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut or nn.Identity()

    def forward(self, X):
        return self.branch(X) + self.shortcut(X)


class Beside(nn.Module):
    """The channels of several branches side by side."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, X):
        return torch.cat([branch(X) for branch in self.branches], 1)


class Rearranged(nn.Module):
    """The axes in another order."""

    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, X):
        return X.permute(self.order)


def classified(*parts, features, classes=3):
    """A classifier behind the mean over the image."""
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes)]
    return nn.Sequential(*parts, *head)


def projected(g, h, stride):
    """The shortcut of a block, where one is needed."""
    return None if g == h and stride == 1 else convolved(g, h, 1, stride, nn.Identity)


def basic_block(g, h, stride=1):
    branch = nn.Sequential(convolved(g, h, 3, stride), convolved(h, h, relu=nn.Identity))
    return nn.Sequential(Residual(branch, projected(g, h, stride)), nn.ReLU())


def bottleneck_block(g, middle, h, stride=1, **options):
    """1 x 1, k x k, 1 x 1; with groups that of ResNeXt, with dilation that of DeepLab."""
    between = convolved(middle, middle, 3, stride, **options)
    branch = nn.Sequential(
        convolved(g, middle, 1), between, convolved(middle, h, 1, relu=nn.Identity)
    )
    return nn.Sequential(Residual(branch, projected(g, h, stride)), nn.ReLU())


def inverted_residual(g, h, stride=1, expand=2, k=3, relu=nn.ReLU6, excited=False):
    """1 x 1, depthwise, 1 x 1."""
    middle = expand * g
    parts = [
        convolved(g, middle, 1, relu=relu),
        convolved(middle, middle, k, stride, relu, groups=middle),
    ]
    if excited:
        parts.append(SqueezeExcitation(middle, max(1, g // 2)))
    parts.append(convolved(middle, h, 1, relu=nn.Identity))
    branch = nn.Sequential(*parts)
    return Residual(branch) if g == h and stride == 1 else branch


class SqueezeExcitation(nn.Module):
    """1 x 1 convolutions of the mean over the image."""

    def __init__(self, channels, squeezed):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, X):
        mean = X.mean((2, 3), keepdim=True)
        return X * self.excite(self.squeeze(mean).relu()).sigmoid()


# ---- networks for classes


def resnet18_stages(width):
    """4 stages of 2 basic blocks."""
    blocks = []
    before = width
    for stage in range(4):
        h = width * 2**stage
        blocks += [basic_block(before, h, 1 if stage == 0 else 2), basic_block(h, h)]
        before = h
    return blocks


def cifar_resnet18(width=2, side=16):
    """20 convolutions; width 64 and side 32 are those of CIFAR."""
    stages = resnet18_stages(width)
    return classified(convolved(3, width), *stages, features=8 * width), (3, side, side)


def imagenet_resnet18(width=2, side=24):
    """20 convolutions; width 64 and side 224 are those of ImageNet."""
    stem = [convolved(3, width, 7, 2), nn.MaxPool2d(3, 2, 1)]
    stages = resnet18_stages(width)
    return classified(*stem, *stages, features=8 * width), (3, side, side)


def bottlenecks():
    blocks = [bottleneck_block(4, 2, 8), bottleneck_block(8, 4, 16, 2), bottleneck_block(16, 4, 16)]
    return classified(convolved(3, 4), *blocks, features=16), (3, 8, 8)


def resnext():
    """Grouped."""
    blocks = [
        bottleneck_block(4, 4, 8, groups=2),
        bottleneck_block(8, 8, 16, 2, groups=4),
    ]
    return classified(convolved(3, 4), *blocks, features=16), (3, 8, 8)


def mobilenet():
    """As MobileNetV2."""
    blocks = [inverted_residual(4, 4), inverted_residual(4, 6, 2), inverted_residual(6, 6)]
    stem = convolved(3, 4, 3, 2, nn.ReLU6)
    return classified(stem, *blocks, features=6), (3, 12, 12)


def efficientnet():
    """With squeeze and excitation, and a 5 x 5 depthwise."""
    options = {"relu": nn.SiLU, "excited": True}
    blocks = [inverted_residual(4, 4, **options), inverted_residual(4, 6, 2, k=5, **options)]
    return classified(convolved(3, 4, 3, 2, nn.SiLU), *blocks, features=6), (3, 12, 12)


def densenet():
    layers = []
    channels = 4
    for _ in range(3):
        layer = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), convolved(channels, 4, 1))
        layer.append(nn.Conv2d(4, 2, 3, padding=1, bias=False))
        layers.append(Beside(nn.Identity(), layer))
        channels += 2
    transition = [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
    stem = convolved(3, 4)
    return classified(stem, *layers, *transition, features=channels // 2), (3, 8, 8)


def inception():
    """1 x 7 and 7 x 1, and a reduction without padding."""
    long = nn.Sequential(
        convolved(4, 3, 1),
        convolved(3, 3, (1, 7), padding=(0, 3)),
        convolved(3, 4, (7, 1), padding=(3, 0)),
    )
    pooled = nn.Sequential(nn.AvgPool2d(3, 1, 1), convolved(4, 2, 1))
    mixed = Beside(convolved(4, 2, 1), long, pooled)
    reduced = Beside(convolved(8, 4, 3, 2, padding=0), nn.MaxPool2d(3, 2))
    return classified(convolved(3, 4, padding=0), mixed, reduced, features=12), (3, 11, 11)


def lenet():
    """Valid padding, and three linear layers."""
    features = [nn.Conv2d(1, 3, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(3, 4, 5), nn.Tanh()]
    linear = [nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3)]
    return nn.Sequential(*features, nn.Flatten(), *linear), (1, 16, 16)


def convnext():
    """7 x 7 depthwise; what is pointwise is linear, the channels last."""
    block = nn.Sequential(
        nn.Conv2d(4, 4, 7, padding=3, groups=4),
        Rearranged(0, 2, 3, 1),
        nn.LayerNorm(4),
        nn.Linear(4, 16),
        nn.GELU(),
        nn.Linear(16, 4),
        Rearranged(0, 3, 1, 2),
    )
    return classified(nn.Conv2d(3, 4, 4, 4), Residual(block), features=4), (3, 24, 24)


def vision_transformer():
    """A patch is a convolution whose stride is its kernel's side."""
    patches = [nn.Conv2d(3, 8, 4, 4), nn.Flatten(2), Rearranged(0, 2, 1)]
    block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0, batch_first=True)
    return nn.Sequential(*patches, block, nn.Linear(8, 3)), (3, 12, 12)


def group_normed():
    parts = [nn.Conv2d(3, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.ReLU()]
    return nn.Sequential(*parts, nn.Conv2d(4, 2, 3, 2, padding=1)), (3, 8, 8)


def around():
    """Every way of padding, and more than the kernel asks for."""
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(2, 3, (5, 3), 2, padding=(2, 1), padding_mode="replicate"),
        nn.Conv2d(3, 2, 2, padding="same"),
        nn.Conv2d(2, 2, (1, 3), padding=(2, 0)),
    ), (2, 7, 8)


class TwoHeads(nn.Module):
    """A second head that is used in training alone."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Conv2d(4, 2, 1)
        self.auxiliary = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1))

    def forward(self, X):
        X = self.trunk(X).relu()
        if self.training:
            return self.head(X), self.auxiliary(X)
        return self.head(X)


def two_heads():
    return TwoHeads(), (3, 6, 6)


# ---- networks whose output is an image


def deeplab():
    """Dilated in the last blocks, and at several rates side by side."""
    blocks = [bottleneck_block(4, 2, 6, 2), bottleneck_block(6, 2, 6, dilation=2, padding=2)]
    rates = [convolved(6, 2, 3, dilation=rate, padding=rate) for rate in (2, 3, 5)]
    pyramid = Beside(convolved(6, 2, 1), *rates)
    return nn.Sequential(convolved(3, 4), *blocks, pyramid, nn.Conv2d(8, 3, 1)), (3, 14, 14)


def dcgan_generator():
    parts = [
        nn.ConvTranspose2d(5, 6, 4, 1, 0, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.ConvTranspose2d(6, 4, 4, 2, 1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 3, 4, 2, 1, bias=False),
    ]
    return nn.Sequential(*parts, nn.Tanh()), (5, 1, 1)


def dcgan_discriminator():
    parts = [
        nn.Conv2d(3, 4, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2),
        *convolved(4, 6, 4, 2, padding=1),
        nn.Conv2d(6, 1, 4, 1, 0, bias=False),
    ]
    return nn.Sequential(*parts, nn.Sigmoid()), (3, 16, 16)


class UNet(nn.Module):
    """Two sizes; the way up is a transposed convolution."""

    def __init__(self, gives_size=False):
        super().__init__()
        self.gives_size = gives_size
        self.down = convolved(2, 3)
        self.inner = nn.Sequential(nn.MaxPool2d(2), convolved(3, 4))
        options = {"padding": 1} if gives_size else {}
        k = 3 if gives_size else 2  # of 3, the output is 7 x 5 where nothing is asked for
        self.up = nn.ConvTranspose2d(4, 3, k, 2, **options)
        self.merge = convolved(6, 2)

    def forward(self, X):
        wide = self.down(X)
        narrow = self.inner(wide)
        size = {"output_size": wide.shape[2:]} if self.gives_size else {}
        return self.merge(torch.cat([wide, self.up(narrow, **size)], 1))


def unet():
    return UNet(), (2, 8, 6)


def unet_with_output_size():
    """The size of the image upstairs decides between the two that a stride of 2 allows."""
    return UNet(gives_size=True), (2, 8, 6)


# ---- other numbers of axes


def audio():
    """1-D: strided on the way down, transposed on the way up."""
    return nn.Sequential(
        nn.Conv1d(1, 4, 8, 4, padding=2),
        nn.GELU(),
        nn.Conv1d(4, 4, 3, padding=2, dilation=2, groups=2),
        nn.GELU(),
        nn.ConvTranspose1d(4, 1, 8, 4, padding=2, output_padding=1),
    ), (1, 40)


def volumes():
    """3-D, down and up again."""
    return nn.Sequential(
        nn.Conv3d(1, 3, 3, padding=1),
        nn.ReLU(),
        nn.Conv3d(3, 4, (1, 3, 3), (1, 2, 2), padding=(0, 1, 1)),
        nn.ReLU(),
        nn.ConvTranspose3d(4, 2, 2, 2, groups=2),
    ), (1, 4, 5, 6)


# ---- weights that are made from others


class WeightStandardised(nn.Conv2d):
    """Its forward pass takes the mean out of the weights, and scales them."""

    def forward(self, X):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        weight = weight / (weight.std((1, 2, 3), keepdim=True) + 1e-5)
        return functional.conv2d(X, weight, self.bias, self.stride, self.padding)


class FakeQuantised(nn.Conv2d):
    """Its forward pass rounds the weights to multiples of a tenth."""

    def forward(self, X):
        steps = torch.fake_quantize_per_tensor_affine(self.weight, 0.1, 0, -128, 127)
        return self._conv_forward(X, steps, self.bias)


def two_layers(kind=nn.Conv2d, wrap=lambda layer: layer):
    parts = [wrap(kind(3, 4, 3, padding=1)), nn.ReLU(), wrap(kind(4, 2, 3, padding=1))]
    return nn.Sequential(*parts), (3, 6, 6)


def weight_normed():
    return two_layers(wrap=parametrizations.weight_norm)


def spectral_normed():
    return two_layers(wrap=parametrizations.spectral_norm)


def weight_normed_by_hooks():
    return two_layers(wrap=nn.utils.weight_norm)


def spectral_normed_by_hooks():
    return two_layers(wrap=nn.utils.spectral_norm)


def pruned():
    return two_layers(wrap=lambda layer: prune.l1_unstructured(layer, "weight", 0.4))


def weight_standardised():
    return two_layers(WeightStandardised)


def fake_quantised():
    return two_layers(FakeQuantised)


def one_parameter_in_two_layers():
    """The second layer has the weights of the first."""
    model = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1))
    model[2].weight = model[0].weight
    return model, (2, 6, 6)


def one_layer_at_two_sizes():
    shared = nn.Conv2d(2, 2, 3, padding=1)
    return nn.Sequential(shared, nn.ReLU(), nn.MaxPool2d(2), shared), (2, 6, 6)


# ---- more than one image


class Siamese(nn.Module):
    """Two images, one trunk."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(convolved(1, 3, 3, 2), nn.Conv2d(3, 2, 3, padding=1))

    def forward(self, left, right):
        return (self.trunk(left) - self.trunk(right)).square().sum((1, 2, 3))


def siamese():
    return Siamese(), (torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))


class TextCNN(nn.Module):
    """Convolutions of several lengths over the vectors of words."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 5)
        self.convolutions = nn.ModuleList([nn.Conv1d(5, 3, k) for k in (3, 4, 5)])
        self.classes = nn.Linear(9, 2)

    def forward(self, numbers):
        X = self.words(numbers).mT
        return self.classes(torch.cat([conv(X).amax(2) for conv in self.convolutions], 1))


def text_cnn():
    return TextCNN(), torch.arange(12)[None]


NETWORKS = [
    cifar_resnet18,
    imagenet_resnet18,
    bottlenecks,
    resnext,
    mobilenet,
    efficientnet,
    densenet,
    inception,
    lenet,
    convnext,
    vision_transformer,
    group_normed,
    around,
    two_heads,
    deeplab,
    dcgan_generator,
    dcgan_discriminator,
    unet,
    unet_with_output_size,
    audio,
    volumes,
    weight_normed,
    spectral_normed,
    weight_normed_by_hooks,
    spectral_normed_by_hooks,
    pruned,
    one_parameter_in_two_layers,
    one_layer_at_two_sizes,
]
WITH_EXAMPLES = [siamese, text_cnn]
OWN_FORWARD = [weight_standardised, fake_quantised]
