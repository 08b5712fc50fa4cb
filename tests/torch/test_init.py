"""The delta-orthogonal start: a multiple of an isometry, of every kind of layer."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

from torch import nn  # noqa: E402
from torch.nn.utils.parametrizations import weight_norm  # noqa: E402
from torch_layers import KINDS, matrix_of, of_kind, seeded  # noqa: E402

from convreg.torch import add_penalty, delta_orthogonal_  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
DOUBLE = {"dtype": torch.float64}
ISOMETRIES = {
    "square": (nn.Conv2d(3, 3, 3, padding=1, **DOUBLE), (4, 5)),
    "tall": (nn.Conv2d(2, 5, 5, padding=2, **DOUBLE), (4, 3)),
    "wide": (nn.Conv2d(5, 2, (3, 1), padding=(1, 0), **DOUBLE), (4, 3)),
    "even": (nn.Conv2d(3, 3, (2, 4), padding="same", **DOUBLE), (4, 5)),
    "dilated": (nn.Conv2d(3, 3, 3, padding=2, dilation=2, **DOUBLE), (5, 5)),
    "circular": (nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular", **DOUBLE), (4, 5)),
    "even, dilated, circular": (
        nn.Conv2d(2, 2, 2, padding="same", dilation=3, padding_mode="circular", **DOUBLE),
        (5, 5),
    ),
    "groups": (nn.Conv2d(4, 6, 3, padding=1, groups=2, **DOUBLE), (4, 3)),
    "depthwise": (nn.Conv2d(4, 4, 3, padding=1, groups=4, **DOUBLE), (4, 3)),
    "1-D": (nn.Conv1d(3, 3, 5, padding=2, **DOUBLE), (7,)),
    "3-D": (nn.Conv3d(2, 2, 3, padding=1, **DOUBLE), (3, 2, 3)),
    "transposed": (nn.ConvTranspose2d(3, 3, 3, padding=1, **DOUBLE), (4, 5)),
    "transposed, groups": (nn.ConvTranspose2d(4, 6, 3, padding=1, groups=2, **DOUBLE), (4, 3)),
    "transposed, strided": (nn.ConvTranspose2d(2, 4, 4, stride=2, padding=1, **DOUBLE), (3, 4)),
    "strided, wide": (nn.Conv2d(4, 2, 3, stride=2, padding=1, **DOUBLE), (5, 4)),
    "larger output": (nn.Conv2d(2, 3, 3, padding=2, **DOUBLE), (4, 3)),
    "smaller output": (nn.Conv2d(3, 2, 3, **DOUBLE), (4, 5)),
    "dense": (nn.Linear(3, 5, **DOUBLE), ()),
}


@pytest.mark.parametrize("kind", ISOMETRIES)
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_all_singular_values_are_the_gain(kind, gain):
    part, size = ISOMETRIES[kind]
    torch.manual_seed(0)
    assert delta_orthogonal_(part, gain) is part
    sigma = torch.linalg.svdvals(matrix_of(part, size))
    assert (sigma - gain).abs().max() < 1e-13


def test_at_stride_1_the_layer_reads_the_pixel_that_it_writes():
    for kind in ("square", "even", "dilated", "circular", "1-D", "3-D", "transposed"):
        part, size = ISOMETRIES[kind]
        delta_orthogonal_(part)
        M = matrix_of(part, size)
        W = M.reshape(part.out_channels, -1, part.in_channels, M.shape[1] // part.in_channels)
        pixels = W.abs().amax((0, 2)) > 0
        assert torch.equal(pixels, torch.eye(len(pixels), dtype=torch.bool))


def test_what_a_stride_leaves_unread_is_zero():
    conv = delta_orthogonal_(nn.Conv2d(2, 4, 3, stride=2, padding=1, **DOUBLE))
    sigma = torch.linalg.svdvals(matrix_of(conv, (4, 4)))
    assert sigma.round(decimals=12).tolist() == 8 * [1] + 8 * [0]


def test_of_a_transposed_layer_more_input_channels_leave_zeros():
    conv = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1, **DOUBLE)
    sigma = torch.linalg.svdvals(matrix_of(delta_orthogonal_(conv), (4, 4)))
    assert sigma.round(decimals=12).tolist() == 64 * [1] + 64 * [0]


def test_circular_padding_of_another_size_repeats_pixels():
    conv = delta_orthogonal_(nn.Conv2d(2, 2, 3, padding=2, padding_mode="circular", **DOUBLE))
    sigma = torch.linalg.svdvals(matrix_of(conv, (4, 4)))
    assert sigma.max().item() == pytest.approx(2)  # a corner is read four times


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer_has_one_tap_with_orthonormal_rows_or_columns(kind):
    part, _ = of_kind(kind)
    bias = None if part.bias is None else part.bias.clone()
    delta_orthogonal_(part, 3.0)
    for block in part.weight.chunk(getattr(part, "groups", 1)):
        taps = block.flatten(2) if block.ndim > 2 else block[:, :, None]
        (used,) = (taps != 0).any(0).any(0).nonzero()
        W = taps[:, :, used.item()]
        W = W if W.shape[0] <= W.shape[1] else W.T
        assert (W @ W.T - 9 * torch.eye(len(W), **DOUBLE)).abs().max() < 1e-13
    assert bias is None or torch.equal(part.bias, bias)


def test_groups_have_matrices_of_their_own():
    conv = delta_orthogonal_(nn.Conv2d(4, 4, 3, padding=1, groups=2))
    first, second = conv.weight[:, :, 1, 1].chunk(2)
    assert not torch.allclose(first, second)


def test_the_matrix_is_random_and_as_often_of_either_determinant():
    generator = seeded(0)
    signs = []
    for _ in range(200):
        conv = delta_orthogonal_(nn.Conv2d(3, 3, 1, **DOUBLE), generator=generator)
        signs.append(torch.linalg.det(conv.weight[:, :, 0, 0]).sign().item())
    assert 70 < signs.count(1.0) < 130


def test_the_generator_and_without_it_the_global_state():
    convs = [nn.Conv2d(3, 3, 3) for _ in range(3)]
    state = torch.get_rng_state()
    for conv, seed in zip(convs, (1, 1, 2), strict=True):
        delta_orthogonal_(conv, generator=seeded(seed))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(convs[0].weight, convs[1].weight)
    assert not torch.equal(convs[0].weight, convs[2].weight)
    for conv in convs[:2]:
        torch.manual_seed(5)
        delta_orthogonal_(conv)
    assert torch.equal(convs[0].weight, convs[1].weight)
    assert not torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_the_precision_stays(dtype):
    conv = nn.Conv2d(4, 4, 3, dtype=dtype)
    old = conv.weight
    delta_orthogonal_(conv)
    assert conv.weight is old
    assert conv.weight.dtype == dtype
    assert conv.weight.requires_grad
    W = conv.weight[:, :, 1, 1].double()
    assert (W @ W.T - torch.eye(4)).abs().max() < 8 * torch.finfo(dtype).eps


def test_the_penalty_is_zero_there_in_both_forms():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1))
    for conv in model:
        delta_orthogonal_(conv.double())
    for form in ("squares", "values"):
        assert add_penalty(model, (3, 6, 6), form=form)().item() == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize(
    ("part", "options", "kind", "message"),
    [
        (nn.LazyConv2d(1, 1), {}, ValueError, "layer: wanted a layer that has seen an input"),
        (weight_norm(nn.Conv2d(2, 2, 3)), {}, ValueError, "layer: wanted one whose weight is a P"),
        (
            nn.utils.prune.random_unstructured(nn.Conv2d(2, 2, 3), "weight", 0.5),
            {},
            ValueError,
            "layer: wanted one whose weight is a Parameter, got one whose weight is computed",
        ),
        (nn.Embedding(2, 2), {}, TypeError, "layer: wanted one of Conv1d, .*, got Embedding"),
        (torch.zeros(2, 2), {}, TypeError, "layer: wanted one of Conv1d, .*, got Tensor"),
        (nn.Conv2d(2, 2, 3), {"gain": -1}, ValueError, "gain: wanted a positive finite number"),
        (
            nn.Conv2d(2, 2, 3),
            {"gain": 1e39},
            ValueError,
            r"gain: wanted at most 3.4e\+38 for torch",
        ),
        (nn.Conv2d(2, 2, 3), {"generator": 3}, TypeError, "generator: wanted a torch.Generator"),
        (
            nn.Conv2d(2, 2, 3, dtype=torch.complex64),
            {},
            ValueError,
            r"layer: wanted real weights of at least 16 bits, got torch\.complex64",
        ),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(part, options, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        delta_orthogonal_(part, **options)


def test_a_refused_layer_is_left_as_it_was():
    conv = nn.Conv2d(2, 2, 3)
    old = conv.weight.detach().clone()
    for options in ({"gain": 0}, {"generator": 3}):
        with pytest.raises((TypeError, ValueError)):
            delta_orthogonal_(conv, **options)
        assert torch.equal(conv.weight, old)
