"""Weights of every type, and of every size: the kernel and the penalty are right, or refused."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402

from convreg.torch import ConvPenalty, PenaltySum, add_penalty, kernel_of  # noqa: E402
from convreg.torch.forms import FORMS, normalised, size_of  # noqa: E402

# ---- kernel_of


def weight():
    torch.manual_seed(0)
    return torch.randn(3, 2, 3, 5)


class Named(torch.Tensor):
    """A tensor of another name."""


class Empty(torch.Tensor):
    """As other packages have them: a tensor whose numbers are not those of its storage."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function in (torch.Tensor.detach, torch.Tensor.to):
            raise NotImplementedError("it has none")
        return super().__torch_function__(function, types, args, kwargs)


def normed():
    layer = parametrizations.weight_norm(nn.Conv2d(2, 3, (3, 5)))
    return layer.weight


def pruned():
    return prune.random_unstructured(nn.Conv2d(2, 3, (3, 5)), "weight", 0.5).weight


def in_inference_mode():
    with torch.inference_mode():
        return weight()


TAKEN = {
    "float32": weight,
    "float64": lambda: weight().double(),
    "float16": lambda: weight().half(),
    "bfloat16": lambda: weight().bfloat16(),
    "float8, 4 bits of exponent": lambda: weight().to(torch.float8_e4m3fn),
    "float8, 5 bits of exponent": lambda: weight().to(torch.float8_e5m2),
    "int64": lambda: (8 * weight()).long(),
    "int8": lambda: (8 * weight()).to(torch.int8),
    "uint8": lambda: (8 * weight()).abs().to(torch.uint8),
    "bool": lambda: weight() > 0,
    "parameter": lambda: nn.Parameter(weight()),
    "with a graph": lambda: 2 * nn.Parameter(weight()),
    "parametrized": normed,
    "pruned": pruned,
    "subclass": lambda: weight().as_subclass(Named),
    "of inference mode": in_inference_mode,
    "negated view": lambda: torch._neg_view(weight()),
    "channels last": lambda: weight().to(memory_format=torch.channels_last),
    "strided": lambda: torch.randn(6, 2, 3, 5)[::2],
    "expanded": lambda: torch.randn(3, 1, 3, 5).expand(3, 2, 3, 5),
    "one tap": lambda: torch.randn(3, 2, 1, 1),
}


@pytest.mark.parametrize("make", TAKEN.values(), ids=list(TAKEN))
def test_a_kernel_of_every_real_type(make):
    given = make()
    K = kernel_of(given)
    assert type(K) is np.ndarray
    assert K.dtype == (np.float32 if given.dtype == torch.float32 else np.float64)
    h, g, k1, k2 = given.shape
    assert K.shape == (k1, k2, g, h)
    for p, q, z, y in np.ndindex(K.shape):
        assert K[p, q, z, y] == given[y, z, p, q].item()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_kernel_is_a_copy(dtype):
    """What training does to the weight later is not seen in it, nor the other way round."""
    conv = nn.Conv2d(2, 3, 3, dtype=dtype)
    K = kernel_of(conv.weight)
    before, held = K.copy(), conv.weight.detach().clone()
    K *= 2
    assert torch.equal(conv.weight, held)
    conv.weight.data.zero_()
    assert np.array_equal(K, 2 * before)


REFUSED = {
    "complex": lambda: weight().to(torch.complex64),
    "complex half": lambda: weight().to(torch.complex32),
    "conjugate": lambda: weight().to(torch.complex64).conj(),
    "sparse": lambda: weight().to_sparse(),
    "quantised": lambda: torch.quantize_per_tensor(weight(), 0.1, 0, torch.qint8),
    "meta": lambda: weight().to("meta"),
    "lazy": lambda: nn.LazyConv2d(3, 3).weight,
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2, 3, 3), torch.ones(1, 3, 3)]),
    "masked": lambda: torch.masked.masked_tensor(weight(), weight() > 0),
    "of no numbers": lambda: weight().as_subclass(Empty),
    "one dimension": lambda: torch.ones(9),
    "two dimensions": lambda: nn.Linear(2, 3).weight,
    "three dimensions": lambda: nn.Conv1d(2, 3, 3).weight,
    "five dimensions": lambda: nn.Conv3d(2, 3, 3).weight,
    "a number": lambda: torch.tensor(1.0),
    "no outputs": lambda: weight()[:0],
    "no taps": lambda: weight()[:, :, :0],
    "nan": lambda: torch.nan * weight(),
    "one infinity in bfloat16": lambda: torch.tensor([[[[1.0, torch.inf]]]]).bfloat16(),
    "array": lambda: weight().numpy(),
    "list": lambda: weight().tolist(),
    "layer": lambda: nn.Conv2d(2, 3, 3),
    "no gradient yet": lambda: nn.Conv2d(2, 3, 3).weight.grad,
}


@pytest.mark.filterwarnings("ignore")  # of prototypes, and of what will be removed
@pytest.mark.parametrize("make", REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_kernel(make):
    with pytest.raises((TypeError, ValueError), match=r"^weight: wanted a tensor"):
        kernel_of(make())


# ---- the penalty of weights of every size

FORM = pytest.mark.parametrize("form", FORMS)
POWERS = {  # of two, by which weights are multiplied that are about 1
    torch.float64: (-500, -100, 100, 500),
    torch.float32: (-110, -60, -30, -15, 15, 30, 50, 60, 120),
    torch.bfloat16: (-110, -60, 30, 60, 120),
    torch.float16: (-6, 6, 12),
}
SCALES = [(dtype, power) for dtype, powers in POWERS.items() for power in powers]


def arithmetic(dtype):
    return torch.finfo(torch.promote_types(dtype, torch.float32))


def layer(dtype, groups=1):
    torch.manual_seed(0)
    conv = nn.Conv2d(2 * groups, 3 * groups, 3, padding=1, groups=groups, bias=False)
    conv.weight.data.sign_().mul_(torch.rand(conv.weight.shape) / 2 + 0.5)
    return conv.to(dtype)


def penalised(conv, alpha, form):
    """The value and its gradient after a few calls."""
    module = ConvPenalty(conv, 6, alpha, form=form)
    for _ in range(3):
        value = module()
    conv.weight.grad = None
    value.backward()
    return value.item(), conv.weight.grad.double()


@FORM
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("dtype", "power"), SCALES)
@pytest.mark.parametrize("shift", [1.0, 400.0])
def test_the_scale_of_the_weights_makes_no_difference(dtype, power, groups, form, shift):
    """A power of two comes out again, wherever value and gradient can be held."""
    conv, limits = layer(dtype, groups), arithmetic(dtype)
    scale = 2.0**power
    value, G = penalised(conv, shift, form)
    conv.weight.data.mul_(scale)
    alpha, zeros = shift * scale**2, shift * scale**2 if form == "squares" else shift**0.5 * scale
    if not limits.tiny <= zeros <= limits.max:
        with pytest.raises(ValueError, match=r"^alpha: wanted one with which torch\.float"):
            ConvPenalty(conv, 6, alpha, form=form)
        return
    scaled, scaled_G = penalised(conv, alpha, form)
    factor = scale**2 if form == "squares" else scale
    assert scaled == pytest.approx(value * factor, rel=1e-6, abs=0)
    slope = scale if form == "squares" else 1.0  # weights of float16 have gradients of float16
    if G.abs().max() * slope < torch.finfo(dtype).max:
        assert torch.allclose(scaled_G, G * slope, rtol=4 * torch.finfo(dtype).eps, atol=0)


@FORM
@pytest.mark.parametrize(("dtype", "power"), SCALES)
def test_beside_an_alpha_of_1_weights_may_be_of_any_size(dtype, power, form):
    """M = W (x) I has the singular values 4 and 2, or 4 alone, times the scale."""
    conv = nn.Conv2d(2, 2, 1, bias=False, dtype=dtype)
    high, low = 4 * 2.0**power, 2 * 2.0**power
    W = torch.tensor([[high, 0.0], [0.0, low]], dtype=torch.float64)
    conv.weight.data.copy_(W[..., None, None])
    exact = max(FORMS[form].of(high, 1.0), FORMS[form].of(low, 1.0))
    expected = exact if exact <= arithmetic(dtype).max else torch.inf
    value = ConvPenalty(conv, 3, 1.0, power_iterations=1000, form=form)()
    assert value.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("dtype", "power"), SCALES)
def test_the_report_at_every_scale(dtype, power):
    """sigma_max and the gradient can be held where the square cannot."""
    conv = layer(dtype)
    (plain,) = add_penalty(conv, (2, 6, 6)).report(exact=True).to_dict().values()
    conv.weight.data.mul_(2.0**power)
    terms = PenaltySum()
    terms.append(ConvPenalty(conv, 6, 1.0))
    (row,) = terms.report(exact=True).to_dict().values()
    assert row["sigma_max"] == pytest.approx(plain["sigma_max"] * 2.0**power, rel=1e-5)
    assert row["kappa"] == pytest.approx(plain["kappa"], rel=1e-9)
    square = row["sigma_max"] ** 2
    if square > 1e3:  # 36 pixels add to the gradient of a tap
        assert row["R_alpha"] == pytest.approx(square, rel=1e-3)
        assert 1 <= row["gradient"] / row["sigma_max"] <= 72


@pytest.mark.parametrize(("dtype", "power"), SCALES)
def test_a_network_whose_layers_are_of_any_size(dtype, power):
    """The comparison with the layer's own output refuses none, not where outputs overflow."""
    first, second = layer(dtype), nn.Conv2d(3, 2, 3, dtype=dtype)
    for conv in (first, second):
        conv.weight.data.mul_(2.0**power)
    terms = add_penalty(nn.Sequential(first, second), (2, 6, 6))
    assert terms.names == ["0", "1"]
    assert not terms().isnan()


@pytest.mark.parametrize("size", [1e-45, 1e-38, 1e-20, 1.0, 1e20, 3e38])
def test_a_vector_of_any_size_is_normalised(size):
    w = torch.tensor([[3.0, -4.0], [0.0, 0.0], [torch.inf, 1.0], [torch.nan, 1.0]])
    w[0] *= size / 4 if size > 1 else size
    before = torch.eye(4)[:, :2]
    unit = normalised(w, before)
    assert torch.equal(unit[1:], before[1:])
    assert unit[0].norm().item() == pytest.approx(1.0, rel=1e-6)
    if size > 1e-40:
        assert unit[0].tolist() == pytest.approx([0.6, -0.8], rel=1e-6)


def test_a_size_is_a_power_of_two():
    x = torch.tensor([[0.75, -3.0], [1e-45, 0.0], [0.0, 0.0], [3e38, 1.0], [torch.nan, 1.0]])
    assert size_of(x, 1).flatten().tolist() == [2.0, 2.0**-149, 1.0, 2.0**127, 1.0]
    assert size_of(x[:2]) == 2.0


@pytest.mark.parametrize("factor", [1e300, 1e39, 1e-39])
def test_a_factor_that_the_precision_cannot_hold(factor):
    """Named by the argument; it would be infinite, or 0, in silence."""
    conv = layer(torch.float32)
    with pytest.raises(ValueError, match=r"^weights: wanted what torch\.float32 can hold"):
        add_penalty(conv, (2, 6, 6), weights=factor)
    with pytest.raises(ValueError, match=r"^weight: wanted one that torch\.float32 can hold"):
        PenaltySum().append(ConvPenalty(conv, 6), factor)
    assert add_penalty(conv.double(), (2, 6, 6), weights=factor)() > 0
    assert add_penalty(conv, (2, 6, 6), weights=0.0)() == 0
