"""Section 1.1: R_alpha in the training of a small network, beside what one would take instead.

A network of three convolution layers learns the handwritten digits that come with scikit-learn. M
of its first layer is tall, of the second square, of the third wide. Everything is in double
precision: training multiplies rounding errors; the digits that notebook 10 shows have come out the
same on the machines tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from joblib import Parallel, cpu_count, delayed, parallel_config
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrizations import spectral_norm

from convreg._checks import Gram, as_choice
from convreg.convolution import vec
from convreg.extremes import extreme_singular_values
from convreg.gradients import kernel_gradient
from convreg.storage.progress import progress
from convreg.storage.tables import Table, stacked
from convreg.studies.training_tables import COLUMNS, DECAY, METHODS, PENALTY, SPECTRAL, VALUES
from convreg.torch import ConvPenalty, add_penalty, kernel_of
from convreg.torch.forms import FormName

LAYERS = ("conv 1 (tall)", "conv 2 (square)", "conv 3 (wide)")
CHANNELS = ((1, 12), (12, 12), (12, 6))
SIDES = (8, 4, 4)  # of the images that the layers take in
NOISES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)  # standard deviations, of pixels from 0 to 1
BATCH = 50
MOMENTUM = 0.9
RECORDS = 6  # epochs of which the layers are recorded


class Digits(NamedTuple):
    """Images of shape (count, 1, 8, 8) with pixels from 0 to 1, and the digits that they show."""

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


class Trained(NamedTuple):
    """What a training gave.

    ``layers`` has a row for each recorded epoch and layer: epoch, layer, sigma_max, sigma_min,
    condition_number, gradient. ``accuracy`` has one for each size of the noise: noise, accuracy (of
    the test images), train_accuracy (of the training images, without noise).
    """

    layers: Table
    accuracy: Table


def digits(count: int, seed: int) -> Digits:
    """So many images to learn from, every digit equally often; all others are for the test.

    >>> [len(part) for part in digits(500, seed=0)]
    [500, 500, 1297, 1297]
    """
    pixels, y = load_digits(return_X_y=True)
    X = pixels.reshape(-1, 1, 8, 8) / 16
    parts = train_test_split(X, y, train_size=count, random_state=seed, stratify=y)
    images, test_images, labels, test_labels = map(torch.from_numpy, parts)
    return Digits(images, labels, test_images, test_labels)


def network(seed: int) -> nn.Sequential:
    """Convolutions 3x3x1x12, 3x3x12x12, 3x3x12x6, from He's random start, and a linear layer.

    >>> [tuple(conv.weight.shape) for conv in convolutions(network(0))]
    [(12, 1, 3, 3), (12, 12, 3, 3), (6, 12, 3, 3)]
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Conv2d(g, h, 3, padding=1, dtype=torch.float64) for g, h in CHANNELS]
        for conv in layers:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)
        first, second, third = layers
        activated = (first, nn.ReLU(), nn.AvgPool2d(2), second, nn.ReLU(), third, nn.ReLU())
        return nn.Sequential(*activated, nn.Flatten(), nn.Linear(96, 10, dtype=torch.float64))


def convolutions(model: nn.Sequential) -> list[nn.Conv2d]:
    """The convolution layers."""
    return [part for part in model if isinstance(part, nn.Conv2d)]


def train(
    method: str,
    seed: int,
    strength: float,
    alpha: float,
    learning_rate: float,
    epochs: int,
    count: int,
) -> Trained:
    """Train one network by stochastic gradient descent with momentum.

    Parameters
    ----------
    method : one of the METHODS of convreg.studies.training_tables
    seed : int
        Of the images, the start and the order of the batches: the same for every method.
    strength : float
        The weight of the penalty in the loss, or the weight decay; else without meaning.
    alpha : float
        The shift in R_alpha.
    learning_rate : float
    epochs : int
    count : int
        Images to learn from.

    Raises
    ------
    ValueError
        For another method, or where the training diverges.
    """
    model = network(seed)
    data = digits(count, seed)
    rng = np.random.default_rng(seed)
    term, decay = regularized(model, method, seed, strength, alpha)
    optimizer = torch.optim.SGD(model.parameters(), learning_rate, MOMENTUM, weight_decay=decay)
    recorded = set(np.linspace(0, epochs, RECORDS).round().astype(int).tolist())
    rows = []
    for epoch in range(epochs + 1):
        if epoch > 0:
            for batch in batches(rng, count):
                loss = cross_entropy(model(data.images[batch]), data.labels[batch]) + term()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        if not all(weight.isfinite().all() for weight in model.parameters()):
            wanted = f"one with which {method} of strength {strength:g} keeps the weights finite"
            raise ValueError(f"learning_rate: wanted {wanted}, got {learning_rate}")
        if epoch in recorded:
            rows.append({"epoch": epoch, **measure(model, data)})
    return Trained(stacked(rows), accuracy(model, data))


def batches(rng: np.random.Generator, count: int) -> list[NDArray]:
    """The images of an epoch in random order, in parts of `BATCH` or a little less.

    >>> [len(batch) for batch in batches(np.random.default_rng(0), 120)]
    [40, 40, 40]
    """
    parts = -(-count // BATCH)
    return np.array_split(rng.permutation(count), parts)


def regularized(
    model: nn.Sequential, method: str, seed: int, strength: float, alpha: float
) -> tuple[Callable[[], Tensor | float], float]:
    """What a method adds to the loss, and its weight decay.

    For spectral normalisation the model is changed.
    """
    as_choice("method", method, METHODS)
    if method in (COLUMNS, PENALTY, VALUES):
        gram: Gram = "columns" if method == COLUMNS else "smaller"
        form: FormName = "values" if method == VALUES else "squares"
        generator = torch.Generator().manual_seed(seed)
        regularizer = add_penalty(model, (1, 8, 8), alpha, gram, generator=generator, form=form)
        return lambda: strength * regularizer(), 0.0
    if method == SPECTRAL:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of its vectors
            for conv in convolutions(model):
                spectral_norm(conv)
    return lambda: 0.0, strength if method == DECAY else 0.0


def autograd_gap(term: ConvPenalty, conv: nn.Conv2d) -> float:
    """Equation (2.5): how far autograd's gradient of a convolution is from the paper's formula.

    The largest difference of two entries, where no other term has been differentiated.

    >>> conv = nn.Conv2d(1, 2, 3, padding=1, dtype=torch.float64)
    >>> term = ConvPenalty(conv, 4)
    >>> term().backward()
    >>> autograd_gap(term, conv) < 1e-12
    True
    """
    if conv.weight.grad is None:
        raise ValueError("conv: wanted a convolution with a gradient, got none")
    u, v = (vec(vector[0].numpy().transpose(1, 2, 0)) for vector in (term.u, term.v))
    gram: Gram = "rows" if term.gram_of_rows else "columns"
    by_formula = kernel_gradient(kernel_of(conv.weight), term.input_size[0], u, v, gram)
    by_autograd = kernel_of(conv.weight.grad)
    return float(np.abs(by_autograd - by_formula).max())


def measure(model: nn.Sequential, data: Digits) -> dict[str, object]:
    """For each layer the extreme singular values of M, and the mean norm of its gradient.

    That is the gradient of an image's loss with respect to the layer's output.
    """
    model.eval()
    outputs: list[Tensor] = []
    hooks = [
        conv.register_forward_hook(lambda *call: outputs.append(call[2]))
        for conv in convolutions(model)
    ]
    loss = cross_entropy(model(data.images), data.labels, reduction="sum")
    gradients = torch.autograd.grad(loss, outputs)
    for hook in hooks:
        hook.remove()
    extremes = []
    for conv, N in zip(convolutions(model), SIDES, strict=True):
        extremes.append(extreme_singular_values(kernel_of(conv.weight), N))
    sigma_max, sigma_min = np.array(extremes).T
    model.train()  # only now: there each look at a spectrally normalised weight changes it
    kappa = np.full(3, np.inf)
    np.divide(sigma_max, sigma_min, out=kappa, where=sigma_min > 0)
    return {
        "layer": LAYERS,
        "sigma_max": sigma_max,
        "sigma_min": sigma_min,
        "condition_number": kappa,
        "gradient": [gradient.flatten(1).norm(dim=1).mean().item() for gradient in gradients],
    }


@torch.no_grad()
def accuracy(model: nn.Sequential, data: Digits) -> Table:
    """The fraction of the images that are read right, with and without noise.

    The noise is Gaussian, of growing size, on the test images.
    """
    model.eval()
    noise = np.random.default_rng(0).standard_normal(data.test_images.shape)

    def right(images: Tensor, labels: Tensor) -> float:
        """The fraction of the images whose digit is found."""
        return (model(images).argmax(dim=1) == labels).double().mean().item()

    fractions = []
    for size in NOISES:
        noisy = data.test_images + size * torch.from_numpy(noise)
        fractions.append(right(noisy, data.test_labels))
    train_accuracy = right(data.images, data.labels)
    return stacked([{"noise": NOISES, "accuracy": fractions, "train_accuracy": train_accuracy}])


def train_all(
    runs: Sequence[tuple[str, int, float]],
    alpha: float,
    learning_rate: float,
    epochs: int,
    count: int,
) -> Trained:
    """Many trainings, as many at once as there are cores: their tables, one on top of the other.

    Parameters
    ----------
    runs : sequence of (method, seed, strength)
        As of `train`; they become columns of both tables.
    alpha, learning_rate, epochs, count
        As of `train`.
    """
    jobs = (delayed(train)(*run, alpha, learning_rate, epochs, count) for run in runs)
    # one thread each, whatever OMP_NUM_THREADS says
    with parallel_config("loky", inner_max_num_threads=1):
        ended = Parallel(n_jobs=min(cpu_count(), len(runs)), return_as="generator")(jobs)
    layers, accuracies = [], []
    shown = progress(ended, "trainings", len(runs))
    for (method, seed, strength), trained in zip(runs, shown, strict=True):
        run = {"method": method, "seed": seed, "strength": strength}
        layers.append(run | trained.layers)
        accuracies.append(run | trained.accuracy)
    return Trained(stacked(layers), stacked(accuracies))
