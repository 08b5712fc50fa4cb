"""What docs/use.md advises: the start, the scale behind a batch norm, held or free."""

import math

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

from torch import nn  # noqa: E402
from torch.nn.utils.parametrizations import weight_norm  # noqa: E402

from convreg.torch import ConvPenalty, PenaltySum, add_penalty  # noqa: E402


def convolution(he=False, g=16, h=16, **options):
    """A convolution from PyTorch's default start, or from He's."""
    torch.manual_seed(0)
    conv = nn.Conv2d(g, h, 3, padding=1, bias=False, **options)
    if he:
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


def row_of(term):
    """The row of a term in the report."""
    alone = PenaltySum()
    alone.append(term)
    (row,) = alone.report().to_dict().values()
    return row


def descended(conv, alpha=1.0, steps=50):
    """The terms before and after gradient descent on the penalty alone, each as a row."""
    term = ConvPenalty(conv, 8, alpha)
    before = row_of(term)
    weights = [weight for weight in conv.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(weights, 0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        term().backward()
        optimizer.step()
    return before, row_of(term)


def moved(conv, old):
    """By what part of its norm the kernel has."""
    return ((conv.weight - old).norm() / old.norm()).item()


def test_the_default_start_is_on_the_plateau_and_hardly_moves():
    parts = []
    for he in (False, True):
        conv = convolution(he)
        old = conv.weight.detach().clone()
        before, after = descended(conv)
        assert before["plateau"] is not he
        assert after["plateau"] is not he
        assert before["sigma_max"] ** 2 == pytest.approx(8 if he else 4 / 3, rel=0.15)
        parts.append(moved(conv, old))
    assert parts[0] < parts[1] / 20


@pytest.mark.parametrize(("he", "alpha"), [(True, 1.0), (False, 1 / 3)])
def test_from_he_s_start_or_with_a_fitting_alpha_the_penalty_descends(he, alpha):
    conv = convolution(he)
    mean = conv.weight.square().sum().item() / 16
    assert mean == pytest.approx(2.0 if he else 1 / 3, rel=0.1)
    before, after = descended(conv, alpha, steps=10)
    assert before["end"] == "upper"
    assert after["R_alpha"] < 0.9 * before["R_alpha"]


def test_where_sigma_max_squared_is_twice_alpha_the_upper_end_decides():
    conv = convolution()
    square = row_of(ConvPenalty(conv, 8))["sigma_max"] ** 2
    assert row_of(ConvPenalty(conv, 8, 0.49 * square))["end"] == "upper"
    assert row_of(ConvPenalty(conv, 8, 0.51 * square))["end"] == "lower"


def test_behind_batch_norms_the_sum_falls_with_the_scale_and_the_output_stays():
    parts = [convolution(True, g=3), nn.BatchNorm2d(16), nn.ReLU()]
    parts += [convolution(True), nn.BatchNorm2d(16)]
    model = nn.Sequential(*parts).train()
    regularizer = add_penalty(model, (3, 8, 8))
    images = torch.randn(20, 3, 8, 8)
    with torch.no_grad():
        model(images)  # the statistics
        before = {mode: model.train(mode)(images) for mode in (True, False)}
        sum_before = sum(row["R_alpha"] for row in regularizer.report().to_dict().values())
        for term in regularizer:
            term.layer.weight.mul_(0.4)
        changes = {mode: model.train(mode)(images) - before[mode] for mode in (False, True)}
        sum_after = sum(row["R_alpha"] for row in regularizer.report().to_dict().values())
    assert sum_after < sum_before / 3
    assert changes[True].norm() < 1e-3 * before[True].norm()
    assert changes[False].norm() > 0.3 * before[False].norm()


def test_with_the_norm_held_the_spectrum_changes_and_the_scale_does_not():
    free = convolution(True)
    held = weight_norm(convolution(True), dim=None)
    held.parametrizations.weight.original0.requires_grad_(False)
    size = free.weight.norm().item()
    assert math.isclose(held.weight.norm().item(), size, rel_tol=1e-5)
    before, after = descended(free, steps=100)
    assert after["plateau"]
    assert free.weight.norm() < 0.8 * size
    before, after = descended(held, steps=100)
    assert math.isclose(held.weight.norm().item(), size, rel_tol=1e-5)
    assert after["sigma_max"] < 0.8 * before["sigma_max"]
    assert not after["plateau"]
