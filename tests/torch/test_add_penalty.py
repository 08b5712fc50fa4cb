"""Equation (1.4): the sum of R_alpha over a network, which layers it has, and what it says."""

import copy
import math
import subprocess
import sys
import warnings

import numpy
import pytest
from strategies import relative_error

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

from torch import nn  # noqa: E402
from torch_layers import (  # noqa: E402
    kernel,
    layer,
    matrix_of,
    same,
    seeded,
    small_net,
    vectors,
)

from convreg import penalty  # noqa: E402
from convreg.torch import CONVOLUTIONS, ConvPenalty, PenaltySum, add_penalty  # noqa: E402
from convreg.torch.report import condition_number  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from one global random state."""
    torch.manual_seed(0)


# ---- whole networks


def test_the_sizes_behind_pooling_are_found():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 2, padding="same"),
        nn.AvgPool2d((1, 3)),
        nn.Conv2d(4, 2, 1),
        nn.Flatten(),
        nn.Linear(24, 2),
    )
    regularizer = add_penalty(model, (3, 12, 16))
    assert isinstance(regularizer, PenaltySum)
    assert regularizer.names == ["0", "2", "4"]
    assert [module.input_size for module in regularizer] == [(12, 16), (6, 8), (6, 2)]
    assert [module.conv for module in regularizer] == [model[0], model[2], model[4]]
    assert list(regularizer.parameters()) == []
    assert len(list(regularizer.buffers())) == 6
    assert regularizer.training
    assert all(module.training for module in regularizer)


def test_the_sum_is_that_of_its_parts_with_the_given_options():
    model, generator = small_net(), seeded(3)
    regularizer = add_penalty(model, (3, 5, 6), 2.0, "rows", 3, seeded(3))
    parts = [ConvPenalty(model[i], (5, 6), 2.0, "rows", 3, generator) for i in (0, 2)]
    for _ in range(2):
        total, expected = regularizer(), parts[0]() + parts[1]()
        assert total.item() == expected.item()
        assert total.shape == ()
        for weight in (model[0].weight, model[2].weight):
            [gradient], [wanted] = (
                torch.autograd.grad(term, weight, retain_graph=True) for term in (total, expected)
            )
            assert torch.equal(gradient, wanted)
    assert [str(part) for part in parts] == [str(module) for module in regularizer]
    assert all(
        same(vectors(part), vectors(module))
        for part, module in zip(parts, regularizer, strict=True)
    )


def test_the_defaults_of_a_network_are_those_of_a_layer():
    for module in add_penalty(small_net(), (3, 5, 5)):
        assert (module.alpha, module.power_iterations) == (1.0, 2)
    assert [module.gram_of_rows for module in add_penalty(small_net(), (3, 5, 5))] == [False, True]


def test_nested_modules_have_dotted_names():
    model = nn.Sequential()
    model.block = nn.Sequential(small_net(), nn.Sequential(nn.Conv2d(2, 2, 1)))
    assert add_penalty(model, (3, 5, 5)).names == ["block.0.0", "block.0.2", "block.1.0"]
    assert add_penalty(model[0], (3, 5, 5), skip=["0.0"]).names == ["0.2", "1.0"]


def test_a_single_convolution_is_a_network():
    conv = layer(3, 2, 3)
    regularizer = add_penalty(conv, (2, 5, 5))
    assert regularizer.names == [""]
    assert regularizer[0].conv is conv


def test_a_layer_used_with_two_sizes_has_two_entries_and_with_one_size_one():
    conv = nn.Conv2d(2, 2, 3, padding=1)
    model = nn.Sequential(conv, nn.ReLU(), conv, nn.MaxPool2d(2), conv, conv)
    regularizer = add_penalty(model, (2, 6, 6), generator=seeded())
    assert regularizer.names == ["0", "0"]
    assert list(regularizer.state_dict()) == ["0.u", "0.v", "0@2.u", "0@2.v"]
    assert [module.input_size for module in regularizer] == [(6, 6), (3, 3)]
    wanted = [torch.autograd.grad(module(), conv.weight)[0] for module in regularizer.eval()]
    regularizer().backward()
    assert relative_error(conv.weight.grad, wanted[0] + wanted[1]) < 1e-6


def wired(forward, **parts):
    """A network of the given parts and forward pass."""
    model = nn.Module()
    for name, part in parts.items():
        model.add_module(name, part)
    model.forward = forward
    return model


def test_layers_that_the_pass_does_not_reach_are_left_out_and_the_order_is_that_of_the_pass():
    a, b, c = (nn.Conv2d(2, 2, 3, padding=1) for _ in range(3))
    model = wired(lambda X: a(c(X)), a=a, b=b, c=c)
    with pytest.warns(UserWarning, match=r"\n  b: not reached"):
        assert add_penalty(model, (2, 4, 4)).names == ["c", "a"]
    with pytest.warns(UserWarning, match=r"\n  b: not reached"):
        assert add_penalty(model, (2, 4, 4), skip={"a"}).names == ["c"]


def test_two_layers_of_one_size_are_two():
    assert add_penalty(
        nn.Sequential(*(nn.Conv2d(2, 2, 3, padding=1) for _ in range(2))), (2, 4, 4)
    ).names == [
        "0",
        "1",
    ]


def busy_model():
    """With BatchNorm, dropout, hooks, gradients, and mixed training flags."""
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.Dropout(0.5),
        nn.Conv2d(4, 2, 3, padding=1),
        nn.Flatten(),
        nn.Linear(32, 2),
    )
    model(torch.randn(5, 3, 4, 4)).square().mean().backward()
    model[0].register_forward_hook(lambda *_: None)
    model[1].eval()
    model[3].eval()
    model[5].eval()
    return model


def everything(model):
    """All that a pass might leave behind."""
    return (
        [part.training for part in model.modules()],
        [w.clone() for w in model.state_dict().values()],
        [w.grad.clone() for w in model.parameters()],
        [
            (len(part._forward_hooks), len(part._forward_pre_hooks), len(part._backward_hooks))
            for part in model.modules()
        ],
        torch.get_rng_state(),
        torch.is_grad_enabled(),
    )


def unchanged(before, after):
    assert before[0] == after[0]
    assert all(
        torch.equal(one, other)
        for one, other in zip(before[1] + before[2], after[1] + after[2], strict=True)
    )
    assert before[3] == after[3]
    assert torch.equal(before[4], after[4])
    assert before[5] == after[5]


@pytest.mark.parametrize("outer", [True, False])
def test_the_model_is_left_as_it_was(outer):
    model = busy_model()
    model.training = outer
    before = everything(model)
    assert add_penalty(model, (3, 4, 4), generator=seeded()).names == ["0", "3"]
    unchanged(before, everything(model))


def test_the_modes_of_a_layer_shared_by_two_blocks_and_of_one_that_refuses_to_train():
    shared, frozen = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
    model = nn.Sequential(nn.Sequential(shared, frozen), nn.Sequential(shared).eval())
    shared.train()
    frozen.train = lambda mode=True: nn.BatchNorm2d.train(frozen, False)
    before = [part.training for part in model.modules()]
    assert before == [True, True, True, True, False]
    assert add_penalty(model, (2, 4, 4)).names == ["0.0"]
    assert [part.training for part in model.modules()] == before


def test_the_model_is_left_as_it_was_even_where_the_pass_fails():
    model = busy_model()
    before = everything(model)
    with pytest.raises(ValueError, match=r"^model: its forward pass of a tensor of ") as error:
        add_penalty(model, (3, 5, 5), generator=seeded())
    assert str(error.value).endswith(str(error.value.__cause__))
    assert isinstance(error.value.__cause__, RuntimeError)
    unchanged(before, everything(model))


def test_one_pass_of_random_numbers_in_eval_mode_without_a_gradient():
    model, seen = small_net(), []
    model[0].register_forward_pre_hook(
        lambda part, images: seen.append((images[0], part.training, torch.is_grad_enabled()))
    )
    for shape in ((3, 5, 6), [numpy.int64(3), 5, 6], torch.Size([3, 5, 6])):
        seen.clear()
        assert [module.input_size for module in add_penalty(model, shape)] == [(5, 6)] * 2
        [(images, training, gradient)] = seen
        assert images.shape == (1, 3, 5, 6)
        assert images.std() > 0.5
        assert not training
        assert not gradient


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_models_of_another_precision(dtype):
    """The first parameter that is a floating-point number tells which."""
    model = small_net(dtype=dtype)
    outer = wired(lambda X: model(X), inner=model)
    outer.register_parameter(
        "count", nn.Parameter(torch.zeros(1, dtype=torch.int64), requires_grad=False)
    )
    assert next(outer.parameters()).dtype == torch.int64
    assert add_penalty(outer, (3, 5, 5))().dtype == torch.promote_types(dtype, torch.float32)


SHAPE_WANTED = r"wanted the shape of the model's input without the batch, such as \(3, 32, 32\)"
BAD_SHAPES = [
    ("3", TypeError, f"input_shape: {SHAPE_WANTED}, got '3'"),
    (8, TypeError, f"input_shape: {SHAPE_WANTED}, got 8"),
    ({3: 8}, TypeError, f"input_shape: {SHAPE_WANTED}, got "),
    ((3, 0, 8), ValueError, "input_shape: wanted an integer of at least 1, got 0"),
    ((3, 8, 2.5), TypeError, "input_shape: wanted an integer of at least 1, got 2.5"),
    (None, TypeError, "input_shape, example_inputs: wanted one of the two, got none"),
]


@pytest.mark.parametrize(("shape", "kind", "message"), BAD_SHAPES)
def test_bad_input_shapes(shape, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        add_penalty(small_net(), shape)
    with pytest.raises(TypeError, match=r"wanted one of the two, got both$"):
        add_penalty(small_net(), (3, 5, 5), example_inputs=torch.zeros(1, 3, 5, 5))


@pytest.mark.parametrize("shape", [(8, 8), (1, 3, 8, 8), (4, 8, 8)])
def test_an_error_of_the_pass_says_what_the_model_was_given_and_what_it_said(shape):
    with pytest.raises(ValueError, match=r"^model: its forward pass of a tensor of shape") as error:
        add_penalty(small_net(), shape)
    given, _, said = str(error.value).partition(
        ", in eval mode and without gradients, ended in RuntimeError "
        "(input_shape or example_inputs gives it another input): "
    )
    assert given == f"model: its forward pass of a tensor of shape {(1, *shape)}"
    assert said == str(error.value.__cause__)


@pytest.mark.parametrize(
    ("skip", "message"),
    [
        (["1"], "got '1', which none of the 2 has; the nearest is '2'"),
        (["0", "first"], "got 'first', which none of the 2 has"),
        ({"2.weight"}, "got '2.weight', which none of the 2 has; the nearest is '2'"),
        ("3*", "got '3*', which none of the 2 has"),
    ],
)
def test_names_that_no_layer_has(skip, message):
    with pytest.raises(ValueError, match=r"^skip: wanted the name of a layer, or a ") as error:
        add_penalty(small_net(), (3, 5, 5), skip=skip)
    assert message in str(error.value)


def test_a_name_that_is_nearly_right():
    model = nn.Sequential()
    model.encoder = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Conv2d(2, 2, 3))
    with pytest.raises(ValueError, match=r"got 'encoder\.2', .*; the nearest is 'encoder\.[01]'"):
        add_penalty(model, (3, 9, 9), skip="encoder.2")


def test_a_layer_of_another_model_cannot_be_skipped():
    with pytest.raises(ValueError, match=r"^skip: wanted a part of the model, got a Conv2d that"):
        add_penalty(small_net(), (3, 5, 5), skip=nn.Conv2d(3, 3, 3))


def test_a_layer_that_needs_what_the_model_sets_meanwhile_is_taken():
    class Needy(nn.Conv2d):
        now = None

        def forward(self, X):
            return super().forward(X) + self.now

    part = Needy(3, 2, 3)

    def forward(X):
        part.now = 0
        Y = part(torch.zeros_like(X))
        part.now = None
        return Y

    assert add_penalty(wired(forward, part=part), (3, 5, 5)).names == ["part"]


@pytest.mark.parametrize("skip", [5, [5], None])
def test_a_skip_that_is_none_of_these(skip):
    with pytest.raises(TypeError, match=r"^skip: wanted .*, got (5|None)$"):
        add_penalty(small_net(), (3, 5, 5), skip=skip)


def several():
    """Layers of three kinds, in two blocks."""
    model = nn.Sequential()
    model.down = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, stride=2))
    model.up = nn.Sequential(nn.ConvTranspose2d(4, 2, 2, stride=2), nn.Flatten(), nn.Linear(72, 5))
    return model


@pytest.mark.parametrize(
    ("skip", "left"),
    [
        ((), ["down.0", "down.1", "up.0"]),
        ("down.0", ["down.1", "up.0"]),
        ("down", ["up.0"]),
        ("*.1", ["down.0", "up.0"]),
        (nn.ConvTranspose2d, ["down.0", "down.1"]),
        ((nn.ConvTranspose2d, "down.1"), ["down.0"]),
        (lambda name, layer: layer.stride == (2, 2), ["down.0"]),
        ({"up.*": 1}.keys(), ["down.0", "down.1"]),
    ],
)
def test_what_skip_may_be(skip, left):
    regularizer = add_penalty(several(), (3, 9, 9), skip=skip)
    assert regularizer.names == left
    assert set(regularizer.left_out) == {"down.0", "down.1", "up.0"} - set(left)
    assert set(regularizer.left_out.values()) <= {"skipped"}


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        (CONVOLUTIONS, ["down.0", "down.1", "up.0"]),
        ((*CONVOLUTIONS, nn.Linear), ["down.0", "down.1", "up.0", "up.2"]),
        (nn.Linear, ["up.2"]),
        ([nn.Conv2d], ["down.0", "down.1"]),
        ("Linear", ["up.2"]),
        (["ConvTranspose2d", nn.Linear], ["up.0", "up.2"]),
    ],
)
def test_kinds(kinds, names):
    regularizer = add_penalty(several(), (3, 9, 9), kinds=kinds)
    assert regularizer.names == names
    assert regularizer.left_out == {}
    regularizer().backward()


@pytest.mark.parametrize("kinds", ["Conv2D", nn.ReLU, (nn.Conv2d, nn.Module), (), 3])
def test_bad_kinds(kinds):
    with pytest.raises(TypeError, match=r"^kinds: wanted classes among torch\.nn's Conv1d, "):
        add_penalty(several(), (3, 9, 9), kinds=kinds)


@pytest.mark.parametrize("skip", [["0"], ("0",), {"0"}, {"0": 1}.keys(), frozenset(["0"])])
def test_skipped_layers_have_no_penalty(skip):
    assert add_penalty(small_net(), (3, 5, 5), skip=skip).names == ["2"]


@pytest.mark.parametrize("model", ["model", None, lambda X: X])
def test_only_modules(model):
    with pytest.raises(
        TypeError, match=f"^model: wanted a torch.nn.Module, got {type(model).__name__}$"
    ):
        add_penalty(model, (3, 5, 5))


class Standardised(nn.Conv2d):
    """With a weight that is standardised on the way."""

    def forward(self, X):
        weight = (self.weight - self.weight.mean((1, 2, 3), keepdim=True)) / self.weight.std()
        return self._conv_forward(X, weight, self.bias)


class Quantised(nn.Linear):
    """With a weight of 8 bits on the way."""

    def forward(self, X):
        step = self.weight.abs().max() / 127
        return nn.functional.linear(X, step * torch.round(self.weight / step), self.bias)


class SameAsTensorFlow(nn.Conv2d):
    """With a padding of its own."""

    def forward(self, X):
        return super().forward(nn.functional.pad(X, (0, 1, 0, 1)))


@pytest.mark.parametrize("zeros", [False, True])
def test_layers_that_compute_something_else_are_all_named_and_can_be_skipped(zeros):
    model = nn.Sequential(
        Standardised(3, 4, 3), nn.Conv2d(4, 4, 3), SameAsTensorFlow(4, 2, 3), Quantised(2, 2)
    )
    hooked = nn.Conv2d(4, 4, 1)
    hooked.register_forward_hook(lambda part, inputs, output: 1.01 * output)
    model.insert(1, hooked)
    given = {"example_inputs": torch.zeros(1, 3, 6, 7)} if zeros else {"input_shape": (3, 6, 7)}
    kinds = (nn.Conv2d, nn.Linear)
    with pytest.raises(ValueError, match=r"^model: ") as error:
        add_penalty(model, kinds=kinds, **given)
    first, *lines = str(error.value).splitlines()
    skip = ["0", "1", "3", "4"]
    assert first == f"model: skip={skip} leaves out the layers that cannot be penalised:"
    assert [line.split(":")[0].strip() for line in lines] == skip
    assert "the output that Conv2d has with the stored weight, of norm" in lines[0]
    assert "that Conv2d has for 2x3, of size 2x0x1, got" in lines[2] or "wanted what" in lines[2]
    regularizer = add_penalty(model, kinds=kinds, skip=skip, **given)
    assert regularizer.names == ["2"]


def test_subclasses_that_compute_what_their_kind_does_are_taken():
    class Own(nn.Conv2d):
        def forward(self, X, scale=1):
            return super().forward(X)

    assert add_penalty(nn.Sequential(Own(3, 4, 3)), (3, 6, 6)).names == ["0"]


def test_every_convolution_of_a_strided_grouped_dilated_network_is_there():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, groups=4, dilation=2),
        nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1, bias=False),
    )
    regularizer = add_penalty(model, (3, 8, 8))
    assert regularizer.names == ["0", "1", "2", "3"]
    assert [term.input_size for term in regularizer] == [(8, 8), (4, 4), (4, 4), (2, 2)]
    assert [term.shape for term in regularizer] == [(64, 192), (64, 64), (16, 64), (32, 16)]
    assert [term.gram_of_rows for term in regularizer] == [True, False, True, False]


@pytest.mark.parametrize(
    ("axes", "shape", "part"),
    [
        (1, (3, 9), nn.Conv1d(3, 2, 3, stride=2)),
        (3, (3, 4, 5, 6), nn.Conv3d(3, 2, 3, padding=1)),
        (0, (7,), nn.Linear(7, 2)),
        (0, (4, 7), nn.Linear(7, 2)),
    ],
)
def test_inputs_of_any_number_of_axes(axes, shape, part):
    [term] = add_penalty(nn.Sequential(part), shape, kinds=type(part))
    assert term.input_size == (shape[1:] if axes else ())


def test_example_inputs():
    model = wired(lambda one, other: inner(one) + inner(other), inner=nn.Conv2d(1, 2, 3))
    inner = model.inner
    images = (torch.zeros(1, 1, 5, 6), torch.zeros(2, 1, 5, 6))
    for given in (images, list(images), {"one": images[0], "other": images[1]}):
        [term] = add_penalty(model, example_inputs=given)
        assert term.input_size == (5, 6)
    [term] = add_penalty(model.inner, example_inputs=images[0])
    assert term.input_size == (5, 6)
    wanted = r"^model: its forward pass of a tensor of shape \(1, 1, 5, 6\), in eval mode and"
    with pytest.raises(ValueError, match=wanted):
        add_penalty(model, example_inputs=images[0])
    with pytest.raises(ValueError, match=r"pass of one=a tensor of shape \(1, 1, 5, 6\), in eval"):
        add_penalty(model, example_inputs={"one": images[0]})


# ---- what the probe compares


class Stale(nn.Conv2d):
    """With another weight where nothing but noise would tell."""

    def forward(self, X):
        weight = torch.cat([self.weight[:, :2], 5 * self.weight[:, 2:]], 1)
        return self._conv_forward(X, weight, self.bias)


def test_channels_that_are_zero_are_compared_on_noise():
    first = nn.Conv2d(3, 4, 3, bias=False)
    first.weight.data[2:] = 0
    seen = []
    with pytest.raises(ValueError, match=r"skip=\['1'\] leaves out"):
        add_penalty(nn.Sequential(first, Stale(4, 2, 3)), (3, 8, 8))
    hooked = nn.Conv2d(4, 2, 3)
    hooked.register_forward_hook(lambda part, inputs, output: 1.5 * output)
    with pytest.raises(ValueError, match=r"skip=\['1'\] leaves out"):
        add_penalty(nn.Sequential(first, hooked), (3, 8, 8))
    plain = nn.Sequential(first, nn.Conv2d(4, 2, 3))
    plain[1].register_forward_hook(lambda part, inputs, output: seen.append(inputs[0]))
    model = wired(lambda X: (seen.clear(), plain(X), *seen), plain=plain)  # of one call
    assert add_penalty(model, (3, 8, 8)).names == ["plain.0", "plain.1"]
    nans = wired(lambda X: plain(torch.log(X)), plain=plain)
    assert add_penalty(nans, (3, 8, 8)).names == ["plain.0", "plain.1"]


class Up(nn.Conv2d):
    """With an output of a higher precision."""

    def forward(self, X):
        return super().forward(X).double()


class Stacked(nn.Conv2d):
    """With two outputs."""

    def forward(self, X):
        return super().forward(X), None


class Halves(nn.Conv2d):
    """Summed in another order."""

    def forward(self, X):
        first = self._conv_forward(X[:, :1], self.weight[:, :1], None)
        return first + self._conv_forward(X[:, 1:], self.weight[:, 1:], self.bias)


def large(X):
    return X + 1e6


def test_honest_layers_are_taken():
    zero_mean = Halves(3, 2, 3, padding=1)
    zero_mean.weight.data -= zero_mean.weight.data.mean((2, 3), keepdim=True)
    zeros = nn.Conv2d(2, 2, 3)
    nn.init.zeros_(zeros.weight)
    biased = nn.Conv2d(2, 3, 3)
    nn.init.constant_(biased.bias, 1e6)
    model = wired(
        lambda X: up(biased(zeros(input=zero_mean(large(X))))),
        zero_mean=zero_mean,
        zeros=zeros,
        biased=biased,
    )
    model.up = up = Up(3, 2, 1)
    assert add_penalty(model, (3, 8, 8)).names == ["zero_mean", "zeros", "biased", "up"]


@pytest.mark.parametrize(
    ("dtype", "factor"),
    [
        (torch.float64, 1 + 1e-13),
        (torch.float32, 1.0001),
        (torch.float16, 1.01),
        (torch.bfloat16, 1.1),
    ],
)
def test_a_weight_that_is_a_little_another_one(dtype, factor):
    class Scaled(nn.Conv2d):
        def forward(self, X):
            return self._conv_forward(X, factor * self.weight, self.bias)

    with pytest.raises(ValueError, match=r"^model: wanted the output that Conv2d has with the"):
        add_penalty(Scaled(3, 4, 3, dtype=dtype), (3, 8, 8))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_honest_layers_of_half_precision_are_taken(dtype):
    model = small_net().to(dtype)
    assert add_penalty(model, (3, 9, 9)).names == ["0", "2"]

    def mixed(X):
        with torch.autocast("cpu", dtype):
            return single(X)

    single = small_net()
    single[0].bias.data[0] = -100  # a channel of zeros behind the ReLU
    assert add_penalty(wired(mixed, single=single), (3, 9, 9)).names == ["single.0", "single.2"]


def test_what_is_wrong_with_a_layer_is_not_said_of_the_model():
    nan = nn.Conv2d(3, 2, 3)
    nan.weight.data[0, 0, 0, 0] = torch.nan
    zeros = Standardised(3, 2, 3)
    nn.init.zeros_(zeros.weight)
    for part, said in (
        (Stacked(3, 2, 3), "wanted a layer from image to image, got Tensor and tuple"),
        (nan, "wanted a weight of finite entries, got NaN or infinity"),
        (zeros, "wanted the output that Conv2d has with the stored weight, of norm 0, got"),
    ):
        with pytest.raises(ValueError, match=r"^model: ") as error:
            add_penalty(part, (3, 5, 5))
        assert str(error.value).startswith(f"model: {said}")


def test_names_of_attributes_aliases_and_odd_ones():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    parts = {
        name: nn.Conv2d(3, 3, 3, padding=1) for name in ("reduction", "reduction2", "a*b", "axb")
    }
    model = nn.ModuleDict({**parts, "x/y": conv, "alias": conv})
    model.forward = lambda X: nn.Sequential(*parts.values(), conv)(X)
    regularizer = add_penalty(model, (3, 4, 4))
    assert regularizer.names == ["reduction", "reduction2", "a*b", "axb", "x/y"]
    assert regularizer.reduction == "sum"
    regularizer().backward()
    assert set(add_penalty(model, (3, 4, 4), skip="alias").left_out) == {"x/y"}
    assert set(add_penalty(model, (3, 4, 4), skip="reduction").left_out) == {"reduction"}
    assert set(add_penalty(model, (3, 4, 4), skip="a*b").left_out) == {"a*b"}
    assert set(add_penalty(model, (3, 4, 4), skip="a?b").left_out) == {"a*b", "axb"}
    assert set(add_penalty(model, (3, 4, 4), skip=conv).left_out) == {"x/y"}
    assert set(add_penalty(model, (3, 4, 4), skip=(n for n in ("x/y", "axb"))).left_out) == {
        "axb",
        "x/y",
    }


def test_the_probe_draws_nothing_and_minds_no_default_device():
    model = wired(lambda X: conv(X + torch.randn_like(X)), conv=nn.Conv2d(3, 2, 3))
    conv = model.conv
    state = torch.get_rng_state()
    with torch.device("meta"):
        regularizer = add_penalty(model, (3, 5, 5))
    assert torch.equal(state, torch.get_rng_state())
    assert not regularizer[0].u.is_meta


def test_a_model_without_numbers_has_a_penalty_without_numbers():
    model = small_net(device="meta")
    regularizer = add_penalty(model, (3, 5, 5))
    assert regularizer().is_meta


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize(
    "computed",
    [
        nn.utils.parametrizations.spectral_norm,
        nn.utils.spectral_norm,
        nn.utils.weight_norm,
        lambda part: nn.utils.prune.random_unstructured(part, "weight", 0.5),
    ],
)
def test_computed_weights_are_left_as_they_were(computed):
    """The vectors of a spectral_norm in training mode; a weight that can be copied."""
    model = nn.Sequential(computed(nn.Conv2d(3, 2, 3)))
    with torch.no_grad():
        model(torch.randn(1, 3, 5, 5))
    before = {name: w.clone() for name, w in model.state_dict().items()}
    regularizer = add_penalty(model, (3, 5, 5))
    regularizer.report(exact=True)
    regularizer.eval()()
    assert same(before.values(), model.state_dict().values())
    copy.deepcopy(model)
    assert model[0].training


# ---- what is left out


def test_nothing_is_left_out_in_silence():
    parts = {name: nn.Conv2d(2, 2, 3, padding=1) for name in ("a", "b", "c", "d", "e")}
    parts["b"].requires_grad_(False)
    parts["c"].weight = parts["a"].weight
    model = wired(lambda X: parts["a"](parts["c"](parts["b"](parts["e"](X)))), **parts)
    with pytest.warns(UserWarning, match=r"^convreg: these have no penalty:\n") as warned:
        regularizer = add_penalty(model, (2, 4, 4), skip="e")
    assert regularizer.left_out == {
        "a": "its weight is that of c",
        "b": "frozen: its weight does not require a gradient",
        "d": "not reached: the forward pass in eval mode does not call it",
        "e": "skipped",
    }
    assert regularizer.names == ["c"]
    [warning] = warned
    assert warning.filename == __file__
    assert str(warning.message).splitlines()[1:] == [
        f"  {name}: {regularizer.left_out[name]}" for name in ("b", "a", "d")
    ]
    parts["d"].requires_grad_(True)
    regularizer.append(ConvPenalty(parts["d"], 4, name="d"), weight=0.5)
    assert regularizer.names == ["c", "d"]


class WithMore(nn.Linear):
    """With two parameters more, as of a low rank."""

    def __init__(self, weight=None):
        super().__init__(4, 4)
        self.weight_free = nn.Parameter(torch.zeros(4))
        self.weight = self.weight if weight is None else weight

    def forward(self, X):
        return super().forward(X) + 0 * self.weight_free


def test_frozen_and_shared_are_said_of_the_weight_itself():
    first = WithMore()
    model = nn.Sequential(first, WithMore(first.weight))
    with pytest.warns(UserWarning, match="1: its weight is that of 0"):
        assert add_penalty(model, (4,), kinds=nn.Linear).left_out == {
            "1": "its weight is that of 0"
        }
    first.weight.requires_grad_(False)
    with pytest.raises(ValueError, match=r"got 0: frozen: .*; 1: frozen"):
        add_penalty(model, (4,), kinds=nn.Linear)


def test_a_class_that_holds_layers_is_skipped_with_them():
    class Block(nn.Sequential):
        pass

    model = nn.Sequential(nn.Conv2d(3, 3, 1), Block(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)))
    assert set(add_penalty(model, (3, 4, 4), skip=Block).left_out) == {"1.0", "1.1"}
    assert set(add_penalty(model, (3, 4, 4), skip=model[1][0]).left_out) == {"1.0"}


def test_a_layer_of_one_tap_has_one_penalty_for_all_sizes():
    conv = nn.Conv2d(2, 2, 1)
    model = nn.Sequential(conv, nn.MaxPool2d(2), conv)
    assert add_penalty(model, (2, 6, 6)).names == ["0"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(75, 2)), "none"),
        (nn.ReLU(), "none"),
        (nn.Conv2d(3, 2, 1).requires_grad_(False), ": frozen: its weight does not"),
    ],
)
def test_a_network_without_a_layer_to_penalise(model, said):
    wanted = "^model: wanted one that uses a layer to penalise, got "
    with pytest.raises(ValueError, match=wanted + said):
        add_penalty(model, (3, 5, 5))


# ---- alpha and weights by layer


def test_alpha_and_weights_of_each_layer():
    model = several()
    alphas = {"down.1": 3.0, "down": 2.0}
    regularizer = add_penalty(model, (3, 9, 9), alphas, weights={"up.*": 0.25, "down.0": 0})
    assert [term.alpha for term in regularizer] == [2.0, 3.0, 1.0]
    values = [term.eval()().item() for term in regularizer]
    assert regularizer.eval()().item() == pytest.approx(values[1] + 0.25 * values[2], rel=1e-6)
    regularizer = add_penalty(model, (3, 9, 9), 2.0, weights=0.5, reduction="mean").eval()
    values = [term().item() for term in regularizer]
    assert {term.alpha for term in regularizer} == {2.0}
    assert regularizer().item() == pytest.approx(sum(values) / 3, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"alpha": {"down.2": 1.0}}, ValueError, "alpha: wanted the name of a layer, .*'down.2'"),
        ({"alpha": {"down.1": 0}}, ValueError, "alpha: wanted a positive finite number, got 0"),
        ({"weights": {"upp": 1.0}}, ValueError, "weights: wanted the name .*nearest is 'up.0'"),
        ({"weights": -1}, ValueError, "weights: wanted a finite number of at least 0, got -1"),
        ({"weights": "1"}, TypeError, "weights: wanted a finite number of at least 0, got '1'"),
        ({"reduction": "max"}, ValueError, "reduction: wanted one of 'sum', 'mean', got 'max'"),
        ({"generator": 1}, TypeError, "generator: wanted a torch.Generator or None, got int"),
    ],
)
def test_bad_options(options, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        add_penalty(several(), (3, 9, 9), **options)


# ---- the sum as a list, and its names


def test_names_survive_slicing_deletion_and_a_state():
    model = several()
    regularizer = add_penalty(model, (3, 9, 9), weights={"up": 2.0}).eval()
    terms = list(regularizer)
    part = regularizer[1:]
    assert part.names == ["down.1", "up.0"]
    assert list(part) == terms[1:]
    assert part().item() == pytest.approx(terms[1]().item() + 2 * terms[2]().item(), rel=1e-6)
    assert not part.training
    assert regularizer["up.0"] is regularizer[-1] is terms[2]
    keys = [f"{name}.{w}" for name in ("down/0", "down/1", "up/0") for w in "uv"]
    assert list(regularizer.state_dict()) == keys
    del regularizer[1]
    assert regularizer.names == ["down.0", "up.0"]
    assert len(regularizer) == 2
    value = terms[0]().item() + 2 * terms[2]().item()
    assert regularizer().item() == pytest.approx(value, rel=1e-6)
    del regularizer["down.0"]
    assert "(up/0): ConvPenalty(2x2x4x2, stride 2, transposed on 3x3" in repr(regularizer)
    other = add_penalty(model, (3, 9, 9))
    other.load_state_dict(regularizer.state_dict(), strict=False)
    assert same(vectors(other["up.0"]), vectors(terms[2]))
    with pytest.raises(KeyError, match=r"wanted one of 'up\.0', got 'down\.0'"):
        regularizer["down.0"]
    with pytest.raises(IndexError):
        regularizer[1]
    del regularizer[0]
    assert regularizer().item() == 0
    deleted = dict.fromkeys(("down.0", "down.1", "up.0"), "its term was deleted")
    assert regularizer.left_out == deleted
    regularizer.append(terms[2])
    assert set(regularizer.left_out) == {"down.0", "down.1"}


def test_only_terms_of_other_names_are_appended():
    model = several()
    regularizer = add_penalty(model, (3, 9, 9))
    with pytest.raises(TypeError, match=r"^term: wanted a ConvPenalty, got Conv2d$"):
        regularizer.append(nn.Conv2d(1, 1, 1))
    again = ConvPenalty(model.down[0], 9, name="down.0")
    regularizer.append(again)  # as a layer at another size
    assert list(regularizer._modules) == ["down/0", "down/1", "up/0", "down/0@2"]
    assert list(regularizer.report().to_dict()) == ["down.0", "down.1", "up.0", "down.0@2"]
    with pytest.raises(ValueError, match=r"^term: wanted one that is not there, got that of 'down"):
        regularizer.append(again)


# ---- the report


def reported():
    """Layers whose spectrum is known: 2 I, the depthwise diag(0.1, 3), and one near 0."""
    model = nn.Sequential(
        nn.Conv2d(2, 2, 3, padding=1, bias=False),
        nn.Conv2d(2, 2, 1, groups=2, bias=False),
        nn.Conv2d(2, 2, 3, padding=1, bias=False),
    ).double()
    nn.init.dirac_(model[0].weight).data.mul_(2)
    model[1].weight.data[:, 0, 0, 0] = torch.tensor([0.1, 3.0])
    nn.init.dirac_(model[2].weight).data.mul_(0.05)
    return model


def test_the_report():
    regularizer = add_penalty(reported(), (2, 4, 4), weights={"2": 0.5})
    before = [w.clone() for w in regularizer.buffers()]
    report = regularizer.report(exact=True)
    assert same(before, regularizer.buffers())
    rows = report.to_dict()
    assert list(rows) == ["0", "1", "2"]
    assert [row["kind"] for row in rows.values()] == ["Conv2d"] * 3
    assert [row["M"] for row in rows.values()] == [(32, 32)] * 3
    assert [row["R_alpha"] for row in rows.values()] == pytest.approx([3, 8, 1 - 0.05**2])
    assert [row["sigma_max"] for row in rows.values()] == pytest.approx([2, 3, 0.05])
    assert [row["end"] for row in rows.values()] == ["upper", "upper", "lower"]
    assert [row["plateau"] for row in rows.values()] == [False, False, True]
    assert [row["kappa"] for row in rows.values()] == pytest.approx([1, 30, 1])
    assert [row["weight"] for row in rows.values()] == [1, 1, 0.5]
    titles, *lines = (line.split() for line in str(report).splitlines())
    assert titles == ["layer", *rows["0"]]
    gradients = [f"{row['gradient']:.4g}" for row in rows.values()]
    assert [line[-3] for line in lines] == gradients
    assert [" ".join(line[:-3]) for line in lines] == [
        "0 Conv2d 32x32 1 1 3 2 upper no",
        "1 Conv2d 32x32 1 1 8 3 upper no",
        "2 Conv2d 32x32 1 0.5 0.9975 0.05 lower yes",
    ]
    assert [line[-2:] for line in lines] == [["trivial", kappa] for kappa in ("1", "30", "1")]
    assert not {"class", "kappa"} & set(regularizer.report().to_dict()["0"])


def test_the_report_where_the_vectors_are_in_the_null_space():
    conv = nn.Conv2d(2, 1, 1, bias=False).double()
    regularizer = PenaltySum()
    regularizer.append(ConvPenalty(conv, 2, 3.0, "columns"))
    row = regularizer.report().to_dict()[""]
    assert row["sigma_max"] == pytest.approx(conv.weight.norm().item(), rel=1e-10)
    assert row["R_alpha"] == pytest.approx(3.0)


def test_the_report_finds_a_value_that_the_vectors_do_not_follow():
    conv = nn.Conv2d(2, 2, 1, bias=False).double()
    conv.weight.data[:, :, 0, 0] = torch.diag(torch.tensor([3.0, 0.2]).double())
    regularizer = add_penalty(conv, (2, 2, 2))
    conv.weight.data[:, :, 0, 0] = torch.diag(torch.tensor([1.1, 0.2]).double())
    for w in (regularizer[0].u, regularizer[0].v):
        w.copy_(torch.tensor([1.0, 0.0]).reshape(w.shape))
    assert regularizer.eval()().item() == pytest.approx(1.1**2 - 1)
    row = regularizer.report().to_dict()[""]
    assert row["R_alpha"] == pytest.approx(0.96)  # 1 - 0.2^2
    assert row["end"] == "lower"


def test_condition_numbers_of_every_kind():
    model = several().double()
    model.wide = nn.Sequential()
    regularizer = add_penalty(model, (3, 9, 9), kinds=(*CONVOLUTIONS, nn.Linear))
    rows = regularizer.report(exact=True).to_dict()
    for name, row in rows.items():
        term = regularizer[name]
        sigma = torch.linalg.svdvals(matrix_of(term.layer, term.input_size))
        assert 1 / row["kappa"] == pytest.approx((sigma[-1] / sigma[0]).item(), rel=1e-8, abs=1e-14)
        assert row["sigma_max"] == pytest.approx(sigma[0].item(), rel=0.02)
    term = regularizer["down.0"]
    assert math.isnan(condition_number(term, term._kernel(), limit=243 * 196 - 1))
    assert condition_number(term, term._kernel(), limit=243 * 196) > 1
    dense = PenaltySum()
    dense.append(ConvPenalty(nn.Linear(200_000, 2).double(), ()))
    sigma = torch.linalg.svdvals(dense[0].layer.weight)
    row = dense.report(exact=True).to_dict()[""]
    assert row["kappa"] == pytest.approx((sigma[0] / sigma[1]).item(), rel=1e-10)


def test_a_step_with_the_sum_lowers_every_penalty():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3, padding=1)
    ).double()
    for i in (0, 3):
        model[i].weight.data.abs_().mul_(3)
    regularizer = add_penalty(model, (3, 8, 8))
    before = [penalty(kernel(model[i]), N, gram="smaller") for i, N in ((0, 8), (3, 4))]
    regularizer().backward()
    torch.optim.SGD(model.parameters(), lr=1e-4).step()
    after = [penalty(kernel(model[i]), N, gram="smaller") for i, N in ((0, 8), (3, 4))]
    assert all(one > other * (1 + 1e-4) for one, other in zip(before, after, strict=True))


def test_a_regularized_loss_trains_the_weights():
    model = small_net()
    regularizer = add_penalty(model, (3, 5, 5), alpha=2)
    images = torch.randn(2, 3, 5, 5)
    loss = model(images).square().mean()
    plain = torch.autograd.grad(loss, model[0].weight, retain_graph=True)[0]
    (loss + 0.5 * regularizer()).backward()
    alone = torch.autograd.grad(regularizer.eval()(), model[0].weight)[0]
    assert relative_error(model[0].weight.grad, plain + 0.5 * alone) < 1e-6
    assert model[0].bias.grad is not None


def test_a_compiled_model_is_accepted_and_the_pass_compiles_nothing():
    torch._dynamo.reset()
    graphs = []
    model = torch.compile(
        small_net(), backend=lambda graph, inputs: graphs.append(graph) or graph.forward
    )
    regularizer = add_penalty(model, (3, 5, 5))
    assert not graphs
    assert [module.conv for module in regularizer] == [model._orig_mod[0], model._orig_mod[2]]
    assert regularizer.names == ["0", "2"]
    assert add_penalty(nn.DataParallel(model), (3, 5, 5), skip="0").names == ["2"]
    model(torch.zeros(1, 3, 5, 5))
    assert graphs  # and afterwards it compiles again
    regularizer().backward()


def test_a_model_that_already_holds_a_regularizer_is_a_model_still():
    model = small_net()
    outer = wired(lambda X: model(X), model=model)
    outer.regularizer = add_penalty(outer, (3, 5, 5))
    assert add_penalty(outer, (3, 5, 5)).names == outer.regularizer.names == ["model.0", "model.2"]


# ---- import


def python(code):
    """What a fresh interpreter makes of it."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_convreg_does_not_import_torch():
    done = python("import convreg, sys; assert not {'torch', 'convreg.torch'} & set(sys.modules)")
    assert done.returncode == 0, done.stderr


def test_without_torch_the_import_says_how_to_install_it():
    done = python("import sys; sys.modules['torch'] = None\nimport convreg\nimport convreg.torch")
    assert done.returncode == 1
    assert (
        done.stderr.rstrip().splitlines()[-1]
        == "ImportError: convreg.torch needs PyTorch: pip install 'convreg[torch]'"
    )


def test_a_slice_of_the_sum_is_a_sum():
    conv = nn.Conv2d(1, 1, 3, padding=1)
    regularizer = add_penalty(nn.Sequential(conv, nn.Conv2d(1, 1, 3, padding=1)), (1, 4, 4)).eval()
    assert torch.equal(regularizer[:1](), regularizer[0]())


def test_lazy_convolutions_are_made_by_the_forward_pass():
    regularizer = add_penalty(nn.Sequential(nn.LazyConv2d(4, 3, padding=1)), (2, 5, 5))
    assert regularizer[0].conv.weight.shape == (4, 2, 3, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": torch.zeros(1, 3, 9, 9)}, "input_shape: .*, got Tensor of shape "),
        ({"alpha": torch.ones(500)}, r"alpha: wanted .*, got Tensor of shape \(500,\)$"),
        ({"skip": [torch.ones(500)]}, r"skip: wanted .*, got Tensor of shape \(500,\)$"),
        ({"power_iterations": torch.ones(500)}, r"power_iterations: .*, got Tensor of shape "),
        ({"kinds": [torch.ones(50, 50)]}, "kinds: wanted classes .* ...$"),
    ],
)
def test_a_tensor_in_the_wrong_place_is_described_by_its_shape(options, message):
    with pytest.raises(TypeError, match=f"(?s)^{message}") as error:
        add_penalty(several(), **{"input_shape": (3, 9, 9), **options})
    assert len(str(error.value)) < 400


def test_a_weight_of_which_only_a_part_is_frozen_has_a_penalty():
    part = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 2, 3), dim=None)
    part.parametrizations.weight.original0.requires_grad_(False)
    model = nn.Sequential(part)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert add_penalty(model, (3, 5, 5)).names == ["0"]


def test_what_was_asked_for_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert add_penalty(small_net(), (3, 5, 5), skip="0").left_out == {"0": "skipped"}


def test_the_output_size_of_a_call_is_that_of_the_penalty():
    up = nn.ConvTranspose2d(3, 2, 3, stride=2)
    model = wired(lambda X: up(X, output_size=(8, 7)), up=up)
    [term] = add_penalty(model, (3, 3, 3))
    assert term.shape == (2 * 8 * 7, 27)
