"""R_alpha on an accelerator is R_alpha on the processor; skipped where PyTorch finds none."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

from torch import nn  # noqa: E402
from torch_layers import KINDS, of_kind, seeded, small_net  # noqa: E402

from convreg.torch import ConvPenalty, add_penalty, delta_orthogonal_  # noqa: E402

SHAPE = (3, 8, 8)  # of an image
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def value_and_gradient(penalty, layer):
    """R_alpha and its gradient, both on the processor."""
    R = penalty()
    layer.weight.grad = None
    R.backward()
    return R.detach().cpu(), layer.weight.grad.cpu()


@pytest.mark.parametrize("form", ["squares", "values"])
@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradient_are_those_of_the_processor(kind, form):
    found = {}
    for device in ("cpu", "cuda"):
        layer, size = of_kind(kind)
        penalty = ConvPenalty(layer, size, form=form)
        layer.to(device)
        penalty.to(device)
        for _ in range(3):
            found[device] = value_and_gradient(penalty, layer)
    for ours, theirs in zip(found["cuda"], found["cpu"], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-9)


def descend(device, dtype):
    """The penalty's sum before each of ten steps of a network's training with it alone."""
    torch.manual_seed(0)
    model = small_net()
    model.to(device, dtype)
    regularizer = add_penalty(model, SHAPE)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    values = []
    for _ in range(10):
        optimizer.zero_grad()
        value = regularizer()
        value.backward()
        optimizer.step()
        values.append(value.item())
    return values


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-8), (torch.float32, 1e-2)])
def test_a_descent_goes_the_way_of_the_processors(dtype, rtol):
    ours = descend("cuda", dtype)
    theirs = descend("cpu", dtype)
    assert ours == pytest.approx(theirs, rel=rtol)


def test_a_state_from_the_accelerator_serves_on_the_processor():
    torch.manual_seed(0)
    model = small_net()
    regularizer = add_penalty(model, SHAPE)
    model.to("cuda")
    regularizer.to("cuda")
    assert regularizer().device.type == "cuda"
    state = {name: value.cpu().clone() for name, value in regularizer.state_dict().items()}
    there = regularizer().item()
    model.to("cpu")
    regularizer.to("cpu")
    regularizer.load_state_dict(state)
    assert regularizer().item() == pytest.approx(there, rel=1e-5)


def test_a_layer_is_started_on_the_accelerator():
    layer = nn.Conv2d(4, 8, 3, padding=1, device="cuda")
    delta_orthogonal_(layer)
    nn.init.zeros_(layer.bias)
    image = torch.randn(1, 4, 7, 7, generator=seeded(0)).to("cuda")
    kept = layer(image).norm() / image.norm()
    assert kept.item() == pytest.approx(1, rel=1e-5)


def test_the_random_state_of_the_accelerator_is_left_alone():
    torch.cuda.manual_seed(3)
    model = small_net()
    model.to("cuda")
    state = torch.cuda.get_rng_state()
    add_penalty(model, SHAPE)()
    assert torch.equal(torch.cuda.get_rng_state(), state)
