"""The page "Use and train": its examples, and the numbers that benchmarks have recorded."""

import doctest
import json
import re
from importlib.util import find_spec

import pytest
from pages import README, ROOT, page, rows, section

TORCH = find_spec("torch") is not None
BENCHMARKS = ROOT / "benchmarks"
IN_NUMPY, IN_TORCH = page("use").split("(train)=")
STARTS = json.loads((BENCHMARKS / "starts.json").read_text())
RESNET = STARTS["20 convolutions of a ResNet-18, 3x32x32"]
DIGITS = STARTS["5 convolutions with batch norms, He's start, 200 steps"]
SQUARE = STARTS["square layers, 3x3x16x16 on 8x8, 400 steps on the penalty alone"]
COVERAGE = (BENCHMARKS / "coverage.md").read_text(encoding="utf-8")
FORMS = ("", "squares: ", "values: ")  # before, and after each
FITTING = "alpha = (sum of the squares of K) / min(h, s^2 g)"


def examples_that_fail(text, number):
    """How many examples of a text give something else than it says; it has so many."""
    test = doctest.DocTestParser().get_doctest(text, {}, "use", None, 0)
    assert len(test.examples) == number
    return doctest.DocTestRunner().run(test).failed


def test_the_examples_of_use_give_what_they_say():
    assert examples_that_fail(IN_NUMPY, 34) == 0


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
def test_the_examples_for_training_give_what_they_say():
    assert examples_that_fail(IN_TORCH, 28) == 0


def test_use_has_the_examples_of_the_readme():
    blocks = re.findall(r"```python\n.*?```", README, re.DOTALL)
    assert len(blocks) == 3
    assert all(block in page("use") for block in blocks)


def test_the_cost_of_a_step_is_the_recorded_one():
    pattern = r"\| ([^|]*)convolutions, images (\w+), (batch \d+).*? \| ([\d.]+) \| ([\d.]+) \|"
    costs = re.findall(pattern, page("use"))
    items = json.loads((BENCHMARKS / "torch.json").read_text())["items"]
    ratios = {item["name"]: item["ratio"] for item in items}
    assert len(costs) == 4
    for title, shape, batch, *shown in costs:
        network = "ResNet-18, " if title.startswith("ResNet-18") else ""
        names = [f"{kind}, {network}{shape}, {batch}" for kind in ("R_alpha", "spectral_norm")]
        assert shown == [f"{ratios[name]:.2f}" for name in names]


def test_the_cost_of_the_form_in_values_is_the_recorded_one():
    items = json.loads((BENCHMARKS / "torch.json").read_text())["items"]
    ratios = {item["name"]: item["ratio"] for item in items}
    small, wide = "values, 1x8x8, batch 50", "values, 3x32x32, batch 128"
    if small not in ratios:
        pytest.skip("benchmarks/torch.json has no step with the form in values")
    assert ratios[small] == pytest.approx(1.3, abs=0.1)
    assert ratios[wide] == pytest.approx(1, abs=0.1)


def test_the_cost_on_an_accelerator_is_the_recorded_one():
    items = json.loads((BENCHMARKS / "accelerator.json").read_text())["items"]
    steps = {item["name"]: item for item in items}
    first, second = (steps[f"squares, ResNet-18, 3x32x32, batch {size}"] for size in (128, 1024))
    text = section(page("use"), "What a step takes")
    assert f"is {first['ratio']:.2f} times a plain one with batches of 128" in text
    assert f"{second['ratio']:.2f} times with 1024" in text
    for item, layers in ((first, 20), (second, 20), (steps["squares, 3x32x32, batch 128"], 6)):
        assert 1e3 * (item["numerator"] - item["denominator"]) / layers == pytest.approx(4, abs=0.5)
    assert "about 4 ms a layer" in text


def test_what_the_starts_do_is_what_was_recorded():
    columns = list(RESNET.values())
    shown = rows(section(page("use"), "The start decides whether anything happens"))[1:]
    names = [
        "sum of R_1",
        "layers on the plateau",
        "gradient of the sum, median over the layers",
        "50 steps on the sum alone: sum",
        "50 steps on the sum alone: a kernel moves, median",
    ]
    assert len(shown) == len(names)
    for (_, *cells), name in zip(shown, names, strict=True):
        assert cells == [f"{column[name]:.3g}" for column in columns]
    assert [column["layers on the plateau, " + FITTING] for column in columns] == [0, 0]


def test_what_becomes_of_square_layers_is_what_was_recorded():
    text = section(page("use"), "As many output as input channels")
    titles, *shown = rows(text)
    assert titles[1:] == list(SQUARE)[:3]
    columns = [SQUARE[title] for title in titles[1:]]
    names = ["kappa"]
    for form in FORMS[1:]:
        names += [f"{form}{name}" for name in ("kappa", "kappa, worst", "rate")]
    names += [f"{form}off the centre" for form in FORMS]
    assert len(shown) == len(names)
    for (_, *cells), name in zip(shown, names, strict=True):
        assert cells == [f"{column[name]:.3g}" for column in columns]
    plain, _, both = columns
    assert {f"{both[f'{form}kappa']:.3g}" for form in FORMS[1:]} == {"1.04"}
    share = [both[f"{form}off the centre"] for form in FORMS]
    assert [f"{one:.1g}" for one in share[1:]] == ["0.2", "0.2"]
    for words in (
        "ends at 1.04 here",
        f'the worst seed of the paper\'s, `"squares"`, at {both["squares: kappa, worst"]:.3g})',
        f"from {plain['kappa']:.3g} to {plain['values: kappa']:.3g} (in the worst seed to "
        f"{plain['values: kappa, worst']:.3g}) where the other stays at "
        f"{plain['squares: kappa']:.3g};",
        f"from {plain['off the centre']:.3g} of the norm to {plain['values: off the centre']:.3g}, "
        f"or from {share[0]:.3g} to 0.2.",
    ):
        assert words in text
    delta = SQUARE["delta-orthogonal"]
    assert (round(delta["kappa"], 4), delta["off the centre"]) == (1, 0)


def test_from_which_rate_on_the_squares_diverge_is_what_was_recorded():
    text = section(page("use"), "As many output as input channels")
    assert "six rates from 0.02 to 1 " in text
    assert "And 1.13 is at 1, the largest of the rates tried." in text
    assert SQUARE["PyTorch's start"]["values: rate"] == 1
    assert "seed or all of them diverge at the rates 0.5 and 1, from each of these" in text
    for column in SQUARE.values():
        assert column["squares: finite up to the rate"] == 0.2
        assert column["values: finite up to the rate"] == 1


def test_the_step_limited_in_its_length_does_what_was_recorded():
    text = section(page("use"), "As many output as input channels")
    record = (BENCHMARKS / "square.md").read_text(encoding="utf-8")
    tables = re.findall(r"\*\*\$g = h = \d\$, \$N = 15\$\*\*\n\n(.*?)\n\n", record, re.DOTALL)
    assert len(tables) == 3
    runs = 0
    rate_limited = []
    for table in tables:
        lines = {method: numbers for method, *numbers in rows(table)}
        *shares, states, products = lines["R, length limited"]
        assert set(shares) == {"1.00"}
        assert products == lines["R, rate limited"][-1] == "10"
        runs += len(shares) * int(states)
        rate_limited.append(lines["R, rate limited"][0])
    for words in (
        f"leads each of {runs} random kernels below",
        f"{min(rate_limited)} to {max(rate_limited)} of those to whose centre nothing was added",
        "takes 10 products",
    ):
        assert words in text


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
def test_how_many_layers_of_a_resnet_18_are_square(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from resnets import resnet18
    from torch import nn

    layers = [part for part in resnet18().modules() if isinstance(part, nn.Conv2d)]
    square = [
        conv for conv in layers if conv.in_channels == conv.out_channels and conv.stride == (1, 1)
    ]
    words = f"at stride 1: {len(square)} of the {len(layers)} of a ResNet-18"
    assert words in section(page("use"), "As many output as input channels")


def test_what_a_batch_norm_does_is_what_was_recorded():
    text = section(page("use"), "Behind a batch norm")
    he = RESNET["He's start"]
    free, held = DIGITS.values()
    shrunk = "all kernels times 0.4: "
    in_eval = he[shrunk + "output, in eval mode"]
    anew = he[shrunk + "output, in eval mode, statistics taken anew"]
    for words in (
        f"from {he['sum of R_1']:.3g} to {he[shrunk + 'sum']:.3g},",
        f"in training mode changes by {he[shrunk + 'output, in training mode']:.2g} of its norm",
        f"In eval mode it changes by {in_eval:.3g} of its norm",
        f"taken anew, by {anew:.2g}.",
        f"to {free['norm of a kernel, after / before']:.3g} of their norm",
        f"from {free['spread before']:.3g} to {free['spread after']:.3g}; where it is held, "
        f"from {held['spread before']:.3g} to {held['spread after']:.3g}.",
    ):
        assert words in text


def test_the_sums_and_gradients_that_a_weight_is_chosen_by_are_recorded():
    text = section(page("use"), "Which weight")
    he = RESNET["He's start"]
    of_networks = {name: float(total) for name, *_, total in rows(COVERAGE)[1:]}
    gradient = 0.01 * he["gradient of the sum, median over the layers"]
    for words in (
        f"the sum is {he['sum of R_1']:.3g} for that ResNet-18",
        f"{of_networks['resnet18']:.0f} for ResNet-18 and {of_networks['resnet50']:.0f} for",
        f"the term is {0.01 * he['sum of R_1']:.2g} for the first",
        f"a cross entropy of {he['cross entropy']:.3g} for",
        f"{gradient:.3g} in the median layer, beside "
        f"{he['gradient of the cross entropy, median']:.3g},",
    ):
        assert words in text
