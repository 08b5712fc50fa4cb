"""Section 1.1 in training: digits, network, loop and measures beside plain code written here."""

import functools
import itertools
import warnings
from collections import Counter

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")
pytest.importorskip("sklearn")

from sklearn.datasets import load_digits  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.functional import avg_pool2d, cross_entropy  # noqa: E402
from torch.nn.utils.parametrizations import spectral_norm  # noqa: E402

from convreg import conv_matrix  # noqa: E402
from convreg.studies import training  # noqa: E402
from convreg.studies.training import (  # noqa: E402
    Digits,
    accuracy,
    convolutions,
    digits,
    measure,
    network,
    train,
    train_all,
)
from convreg.torch import ConvPenalty, add_penalty  # noqa: E402

PENALTIES = ["penalty, M'M", "penalty, smaller", "penalty, values"]
METHODS = ["none", *PENALTIES, "weight decay", "spectral norm"]
LAYERS = ["conv 1 (tall)", "conv 2 (square)", "conv 3 (wide)"]
NOISES = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
COUNT = 101  # three batches
ALPHA = 1.1  # this shift and this rate tell the methods apart
RATE = 0.3
STRENGTH = 0.05
methods = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(autouse=True)
def _one_thread_and_one_start():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    torch.manual_seed(99)  # no training depends on it
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


@functools.cache
def images_of(count=COUNT, seed=3):
    return digits(count, seed)


def with_few_test_images(count, seed):
    data = images_of(count, seed)
    return Digits(data.images, data.labels, data.test_images[:300], data.test_labels[:300])


@pytest.fixture
def few(monkeypatch):
    """Trainings are measured with fewer images."""
    monkeypatch.setattr(training, "digits", with_few_test_images)


def same_tables(found, expected):
    for table, other in zip(found, expected, strict=True):
        assert list(table) == list(other)
        assert all(np.array_equal(table[name], other[name]) for name in table)


def as_rows(images, labels):
    return [
        (*image.flatten().tolist(), label)
        for image, label in zip(images, labels.tolist(), strict=True)
    ]


# the images


@pytest.mark.parametrize(("count", "seed"), [(60, 0), (101, 7), (500, 1)])
def test_images_to_learn_from_and_to_test_on_are_all_digits(count, seed):
    found, known = digits(count, seed), load_digits()
    assert [len(part) for part in found] == [count, count, 1797 - count, 1797 - count]
    assert [tuple(part.shape[1:]) for part in found] == [(1, 8, 8), (), (1, 8, 8), ()]
    assert found.images.dtype == found.test_images.dtype == torch.float64
    assert found.labels.dtype == found.test_labels.dtype == torch.int64
    together = Counter(as_rows(found.images, found.labels)) + Counter(
        as_rows(found.test_images, found.test_labels)
    )
    pixels = torch.from_numpy(known.images / 16)
    assert together == Counter(
        as_rows(pixels, torch.from_numpy(known.target))
    )  # so none is in both


def test_pixels_go_from_0_to_1():
    found = images_of()
    for images in (found.images, found.test_images):
        assert (images.min(), images.max()) == (0, 1)


@pytest.mark.parametrize("count", [60, 101, 500])
def test_every_digit_comes_as_often_as_among_all(count):
    of_each = np.bincount(digits(count, 5).labels, minlength=10)
    assert abs(of_each - count * np.bincount(load_digits().target) / 1797).max() < 1


def test_a_seed_gives_its_images():
    first, again, other = digits(60, 4), digits(60, 4), digits(60, 5)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not any(torch.equal(one, two) for one, two in zip(first, other, strict=True))


# the network


def plain_parts(seed):
    """Three convolutions, of which the weights are then drawn anew after He, and a linear layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        convs = [
            nn.Conv2d(g, h, 3, padding=1, dtype=torch.float64)
            for g, h in ((1, 12), (12, 12), (12, 6))
        ]
        for conv in convs:
            conv.weight.data.normal_(0, 2**0.5 / (9 * conv.in_channels) ** 0.5)
            conv.bias.data[:] = 0
        return *convs, nn.Linear(96, 10, dtype=torch.float64)


def plain_forward(parts, images, outputs=None):
    """The network, by hand; the outputs of the convolutions are appended."""
    first, second, third, last = parts
    outputs = [] if outputs is None else outputs
    outputs.append(first(images))
    outputs.append(second(avg_pool2d(outputs[0].relu(), 2)))
    outputs.append(third(outputs[1].relu()))
    return last(outputs[2].relu().flatten(1))


def test_the_parts_of_the_network():
    model = network(0)
    kinds = [
        nn.Conv2d,
        nn.ReLU,
        nn.AvgPool2d,
        nn.Conv2d,
        nn.ReLU,
        nn.Conv2d,
        nn.ReLU,
        nn.Flatten,
        nn.Linear,
    ]
    assert [type(part) for part in model] == kinds
    assert convolutions(model) == [model[0], model[3], model[5]]
    shapes = [(12, 1, 3, 3), (12, 12, 3, 3), (6, 12, 3, 3)]
    assert [tuple(conv.weight.shape) for conv in convolutions(model)] == shapes
    assert [conv.padding for conv in convolutions(model)] == [(1, 1)] * 3
    assert (model[2].kernel_size, tuple(model[8].weight.shape)) == (2, (10, 96))
    assert {weight.dtype for weight in model.parameters()} == {torch.float64}


@pytest.mark.parametrize("seed", [0, 6])
def test_the_network_starts_from_he_and_its_linear_layer_as_torch_starts_it(seed):
    plain = [weight for part in plain_parts(seed) for weight in part.parameters()]
    ours = list(network(seed).parameters())
    assert all(
        torch.allclose(one, two, rtol=0, atol=1e-14) for one, two in zip(ours, plain, strict=True)
    )


def test_a_network_leaves_the_random_state_of_torch():
    before = torch.get_rng_state()
    network(5)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_network_is_its_parts_one_after_another():
    images = images_of().images
    outputs = []
    assert torch.allclose(
        network(2)(images), plain_forward(plain_parts(2), images, outputs), rtol=0, atol=1e-12
    )
    assert [tuple(output.shape[1:]) for output in outputs] == [(12, 8, 8), (12, 4, 4), (6, 4, 4)]


# the measures


def plain_gradients(parts, data):
    """For each convolution the mean over the images of the norm of d loss_i / d output."""
    norms = []
    for image, label in zip(data.images, data.labels, strict=True):
        outputs = []
        loss = cross_entropy(plain_forward(parts, image[None], outputs), label[None])
        norms.append([float((G**2).sum() ** 0.5) for G in torch.autograd.grad(loss, outputs)])
    return np.mean(norms, axis=0)


def plain_singular_values(convs):
    kernels = [conv.weight.detach().numpy().transpose(2, 3, 1, 0) for conv in convs]
    matrices = [conv_matrix(K, N).toarray() for K, N in zip(kernels, (8, 4, 4), strict=True)]
    return np.array([np.linalg.svd(M, compute_uv=False)[[0, -1]] for M in matrices]).T


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", [0, 8])
def test_measures_are_those_of_the_dense_matrix_and_of_each_image(seed):
    parts, data = plain_parts(seed), images_of(60)
    found = measure(network(seed), data)
    sigma_max, sigma_min = plain_singular_values(parts[:3])
    assert list(found) == ["layer", "sigma_max", "sigma_min", "condition_number", "gradient"]
    assert list(found["layer"]) == LAYERS
    close(found["sigma_max"], sigma_max)
    close(found["sigma_min"], sigma_min)
    close(found["condition_number"], sigma_max / sigma_min)
    close(found["gradient"], plain_gradients(parts, data))


def test_measuring_is_in_eval_mode_and_leaves_no_trace():
    seen = []
    model, data = network(1), images_of(60)
    expected = measure(model, data)
    noisy = nn.Sequential(*model, nn.Dropout(0.5))
    noisy[-1].register_forward_hook(lambda part, *_: seen.append(part.training))
    for weight in noisy.parameters():
        weight.grad = torch.full_like(weight, 7)
    found = measure(noisy, data)
    assert seen == [False]
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    assert all(part.training for part in noisy.modules())
    assert not any(conv._forward_hooks for conv in convolutions(noisy))
    assert all((weight.grad == 7).all() for weight in noisy.parameters())
    assert all(weight.requires_grad for weight in noisy.parameters())


def test_a_condition_number_is_infinite_where_sigma_min_is_zero():
    model = network(0)
    model[3].weight.data.zero_()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = measure(model, images_of(60))
    assert (found["sigma_max"][1], found["sigma_min"][1]) == (0, 0)
    assert found["condition_number"].tolist()[1] == np.inf
    assert np.isfinite(found["condition_number"][[0, 2]]).all()


@pytest.mark.parametrize("gram", ["columns", "smaller"])
def test_what_autograd_leaves_is_the_paper_s_gradient_and_nothing_else_is(gram):
    model = network(2)
    terms = add_penalty(model, (1, 8, 8), ALPHA, gram)
    convs = convolutions(model)
    with pytest.raises(ValueError, match="conv: wanted a convolution with a gradient"):
        training.autograd_gap(terms[0], convs[0])
    terms().backward()
    assert max(training.autograd_gap(*pair) for pair in zip(terms, convs, strict=True)) < 1e-12
    for term, conv in zip(terms, convs, strict=True):
        conv.weight.grad[-1, 0, 2, 1] -= 0.25
        assert training.autograd_gap(term, conv) == pytest.approx(0.25, rel=1e-9)


def nearest_mean(data):
    """A model that reads an image as the digit with the nearest mean: right often, not always."""
    means = torch.stack(
        [data.images[data.labels == digit].mean(dim=0).flatten() for digit in range(10)]
    )
    linear = nn.Linear(64, 10, dtype=torch.float64)
    linear.weight.data, linear.bias.data = means, -(means**2).sum(dim=1) / 2
    return nn.Sequential(nn.Flatten(), linear, nn.Dropout(0.9))


def plain_accuracies(forward, data):
    noise = np.random.default_rng(0).standard_normal((len(data.test_images), 1, 8, 8))
    levels = [data.test_images.numpy() + size * noise for size in NOISES]
    return [np.mean(forward(X).argmax(axis=1) == data.test_labels.numpy()) for X in levels]


def test_the_accuracy_is_of_the_test_images_under_that_very_noise():
    data, asked = images_of(), []
    model = nearest_mean(data)
    model.register_forward_hook(
        lambda part, *_: asked.append((part.training, torch.is_grad_enabled()))
    )
    W, b = (weight.detach().numpy() for weight in model.parameters())
    found = accuracy(model, data)
    assert list(found) == ["noise", "accuracy", "train_accuracy"]
    assert found["noise"].tolist() == NOISES
    expected = plain_accuracies(lambda X: X.reshape(-1, 64) @ W.T + b, data)
    assert len(set(expected)) == 6
    close(found["accuracy"], expected)
    on_train = (data.images.numpy().reshape(-1, 64) @ W.T + b).argmax(axis=1) == data.labels.numpy()
    assert on_train.mean() not in expected
    close(found["train_accuracy"], [on_train.mean()] * 6)
    assert asked == [(False, False)] * 7


# the loop


@functools.cache
def trained(method, strength=STRENGTH, seed=3):
    return train(method, seed, strength, ALPHA, RATE, 2, COUNT)


def plain_penalties(method, convs, seed):
    if "penalty" not in method:
        return []
    gram = ["columns", "columns", "columns" if method == "penalty, M'M" else "rows"]
    form = "values" if method == "penalty, values" else "squares"
    generator = torch.Generator().manual_seed(seed)
    ours = zip(convs, (8, 4, 4), gram, strict=True)
    return [ConvPenalty(conv, N, ALPHA, of, generator=generator, form=form) for conv, N, of in ours]


def plain_step(weights, velocities, decay):
    """Gradient descent with momentum 0.9, in place."""
    with torch.no_grad():
        for i, weight in enumerate(weights):
            velocities[i] = 0.9 * velocities[i] + weight.grad + decay * weight
            weight -= RATE * velocities[i]
            weight.grad = None


def plain_record(parts, data):
    for part in parts:
        part.eval()
    sigma = plain_singular_values(parts[:3])
    gradients = plain_gradients(parts, data)
    for part in parts:
        part.train()
    return [*sigma, sigma[0] / sigma[1], gradients]


def plain_training(method, seed, epochs):
    """The records by epoch, and the network."""
    parts, data, rng = plain_parts(seed), images_of(COUNT, seed), np.random.default_rng(seed)
    penalties = plain_penalties(method, parts[:3], seed)
    if method == "spectral norm":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for conv in parts[:3]:
                spectral_norm(conv)
    weights = [weight for part in parts for weight in part.parameters()]
    velocities, records = (
        [torch.zeros_like(weight) for weight in weights],
        [plain_record(parts, data)],
    )
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(COUNT), 3):
            loss = cross_entropy(plain_forward(parts, data.images[batch]), data.labels[batch])
            for penalty in penalties:
                loss = loss + STRENGTH * penalty()
            loss.backward()
            plain_step(weights, velocities, STRENGTH if method == "weight decay" else 0)
        records.append(plain_record(parts, data))
    return parts, records


@methods
def test_a_training_is_that_of_a_plain_loop(few, method):
    parts, records = plain_training(method, 3, 2)
    found = train(method, 3, STRENGTH, ALPHA, RATE, 2, COUNT)
    assert list(found.layers) == [
        "epoch",
        "layer",
        "sigma_max",
        "sigma_min",
        "condition_number",
        "gradient",
    ]
    assert found.layers["epoch"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert found.layers["layer"].tolist() == LAYERS * 3
    for name, columns in zip(list(found.layers)[2:], zip(*records, strict=True), strict=True):
        close(found.layers[name], np.concatenate(columns))
    assert abs(records[-1][0] / records[0][0] - 1).max() > 1e-3  # it did learn
    data = with_few_test_images(COUNT, 3)
    with torch.no_grad():
        for part in parts:
            part.eval()
        expected = plain_accuracies(
            lambda X: plain_forward(parts, torch.from_numpy(X)).numpy(), data
        )
        on_train = (plain_forward(parts, data.images).argmax(dim=1) == data.labels).numpy().mean()
    assert found.accuracy["noise"].tolist() == NOISES
    close(found.accuracy["accuracy"], expected)
    close(found.accuracy["train_accuracy"], [on_train] * 6)


def test_methods_and_names_are_these():
    assert list(training.METHODS) == METHODS
    assert list(training.LAYERS) == LAYERS
    assert list(training.NOISES) == NOISES


@pytest.mark.parametrize("method", METHODS[1:5])
def test_strength_0_is_no_regularisation(few, method):
    same_tables(trained(method, 0.0), trained("none"))


@pytest.mark.parametrize("method", ["none", "spectral norm"])
def test_without_a_term_the_strength_has_no_meaning(few, method):
    same_tables(trained(method, 0.0), trained(method, 5.0))


@methods
def test_a_training_does_not_touch_the_random_state_of_torch_nor_depend_on_it(few, method):
    torch.manual_seed(11)
    before = torch.get_rng_state()
    found = train(method, 3, STRENGTH, ALPHA, RATE, 1, 60)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    same_tables(found, train(method, 3, STRENGTH, ALPHA, RATE, 1, 60))


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (0, [0]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (5, [0, 1, 2, 3, 4, 5]),
        (8, [0, 2, 3, 5, 6, 8]),
        (15, [0, 3, 6, 9, 12, 15]),
    ],
)
def test_six_epochs_are_recorded_first_and_last_among_them(monkeypatch, epochs, expected):
    weights = []

    def fake(model, data):
        weights.append(model[0].weight.detach().clone())
        return {"layer": "only", "gradient": [float(len(weights))]}

    monkeypatch.setattr(training, "measure", fake)
    monkeypatch.setattr(
        training, "accuracy", lambda model, data: (weights[-1] - model[0].weight).abs().max()
    )
    found = train("none", 0, 0.0, ALPHA, RATE, epochs, 60)
    assert found.layers["epoch"].tolist() == expected
    assert found.layers["gradient"].tolist() == list(range(1, len(expected) + 1))
    assert not any(torch.equal(one, two) for one, two in itertools.pairwise(weights))
    assert found.accuracy == 0  # of the weights that were measured last


@pytest.mark.parametrize(
    ("count", "batches"), [(50, [50]), (51, [25, 26]), (100, [50, 50]), (120, [40, 40, 40])]
)
def test_every_image_is_in_one_batch_of_at_most_50(monkeypatch, count, batches):
    sizes = []

    def noted(output, labels):
        sizes.append(len(labels))
        return cross_entropy(output, labels)

    monkeypatch.setattr(training, "measure", lambda model, data: {"layer": ["only"]})
    monkeypatch.setattr(training, "accuracy", lambda model, data: None)
    monkeypatch.setattr(training, "cross_entropy", noted)
    train("none", 0, 0.0, ALPHA, RATE, 1, count)
    assert sorted(sizes) == batches


@pytest.mark.parametrize(
    ("method", "strength", "words"),
    [
        ("none", 0.0, "none of strength 0"),
        ("penalty, smaller", 0.25, "penalty, smaller of strength 0.25"),
    ],
)
def test_a_training_that_diverges_says_what_to_change(method, strength, words):
    with pytest.raises(
        ValueError,
        match=f"^learning_rate: wanted one with which {words} keeps the weights finite, "
        "got 1e\\+200$",
    ):
        train(method, 0, strength, 1.0, 1e200, 1, 60)


def test_one_weight_that_is_not_finite_is_divergence(monkeypatch):
    spoiled = network(0)
    spoiled[0].bias.data[3] = np.inf
    monkeypatch.setattr(training, "network", lambda seed: spoiled)
    monkeypatch.setattr(training, "measure", lambda model, data: {"layer": ["only"]})
    monkeypatch.setattr(training, "accuracy", lambda model, data: None)
    with pytest.raises(ValueError, match=r"got 0\.5$"):
        train("none", 0, 0.0, 1.0, 0.5, 0, 60)


def test_a_network_that_is_not_finite_is_not_measured(monkeypatch):
    epochs = []
    monkeypatch.setattr(
        training, "measure", lambda model, data: epochs.append(0) or {"layer": ["only"]}
    )
    with pytest.raises(ValueError, match=r"^learning_rate: "):
        train("none", 0, 0.0, 1.0, 1e200, 1, 60)
    assert epochs == [0]


@pytest.mark.parametrize("method", ["penalty", "None", "", 3, None])
def test_another_method_is_an_error_with_the_choices(method):
    with pytest.raises(
        ValueError, match=r"^method: wanted one of 'none', .*'spectral norm', got "
    ) as error:
        train(method, 0, 0.1, 1.0, 0.1, 1, 60)
    assert str(error.value).endswith(repr(method))


# many trainings


RUNS = [
    ("weight decay", 3, STRENGTH),
    ("none", 4, 0.0),
    ("weight decay", 3, 0.5),
    ("penalty, smaller", 1, 0.01),
]


def stacked_by_hand(runs, tables):
    """Column by column: the names of a run repeated, and then what its training gave."""
    names = ("method", "seed", "strength")
    columns = {
        name: [
            run[i]
            for run, table in zip(runs, tables, strict=True)
            for _ in table["accuracy" if "noise" in table else "layer"]
        ]
        for i, name in enumerate(names)
    }
    return {
        **columns,
        **{
            name: [value for table in tables for value in table[name].tolist()]
            for name in tables[0]
        },
    }


def test_many_trainings_are_one_after_another_on_top_of_each_other(few, monkeypatch, capsys):
    monkeypatch.setattr(training, "cpu_count", lambda: 1)
    found = train_all(RUNS, ALPHA, RATE, 1, 60)
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "trainings" in shown.out
    assert f"0/{len(RUNS)}" in shown.out
    alone = [train(*run, ALPHA, RATE, 1, 60) for run in RUNS]
    for i, field in enumerate(("layers", "accuracy")):
        expected = stacked_by_hand(RUNS, [one[i] for one in alone])
        table = getattr(found, field)
        assert list(table) == list(expected)
        assert {name: column.tolist() for name, column in table.items()} == expected
    assert len(found.layers["epoch"]) == len(RUNS) * 2 * 3
    assert len(found.accuracy["noise"]) == len(RUNS) * 6


@pytest.mark.parametrize(("cores", "count", "jobs"), [(8, 1, 1), (2, 3, 2), (8, 3, 3)])
def test_no_more_processes_than_cores_or_trainings(monkeypatch, capsys, cores, count, jobs):
    asked = []

    def here(n_jobs, return_as):
        """Stands in for joblib's Parallel: one call after another, in this process."""
        asked.append((n_jobs, return_as))
        return lambda calls: (function(*given, **named) for function, given, named in calls)

    given = []

    def fake(*parameters):
        given.append(parameters)
        return training.Trained({"layer": np.array(["only"])}, {"noise": np.array([0.5])})

    monkeypatch.setattr(training, "cpu_count", lambda: cores)
    monkeypatch.setattr(training, "Parallel", here)
    monkeypatch.setattr(training, "train", fake)
    runs = [("none", seed, 0.0) for seed in range(count)]
    found = train_all(runs, 1.5, 0.25, 7, 80)
    assert asked == [(jobs, "generator")]
    assert given == [(*run, 1.5, 0.25, 7, 80) for run in runs]
    assert found.layers["seed"].tolist() == found.accuracy["seed"].tolist() == list(range(count))


def test_one_training_can_be_all(few, capsys):
    found = train_all([RUNS[0]], ALPHA, RATE, 1, 60)
    alone = train(*RUNS[0], ALPHA, RATE, 1, 60)
    for table, expected in zip(found, alone, strict=True):
        assert list(table) == ["method", "seed", "strength", *expected]
        assert all(np.array_equal(table[name], expected[name]) for name in expected)
        for name, value in zip(("method", "seed", "strength"), RUNS[0], strict=True):
            assert set(table[name].tolist()) == {value}
