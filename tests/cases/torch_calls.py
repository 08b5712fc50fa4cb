"""The same as `public_calls` for `convreg.torch`."""

import bad_values as bad
import torch
from public_calls import Call
from torch import nn

from convreg.torch import ConvPenalty, add_penalty, delta_orthogonal_, kernel_of


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 3, 3))


MODEL = network()
LAYER = MODEL[0]
MODULES = (
    bad.OBJECTS
    | bad.NUMBERS
    | bad.TENSORS
    | {
        "number": 3,
        "class": nn.Conv2d,
        "list": [nn.Conv2d(1, 1, 1)],
    }
)
LAYERS = MODULES | {
    "activation": nn.ReLU(),
    "network": network(),
    "lazy": nn.LazyConv2d(2, 3),
    "complex layer": nn.Conv2d(1, 1, 3, dtype=torch.complex64),
    "batch norm": nn.BatchNorm2d(2),
}


def layers(good):
    return LAYERS


def models(good):
    return bad.without(MODULES, "list") | {"activation": nn.ReLU(), "pool": nn.MaxPool2d(2)}


def layer_sizes(good):
    product = {"2^40 squared": (2**40, 2**40), "list of floats": [4.0, 4.0]}
    return bad.pairs_from(1)(good) | product


MEMORY = "memory", "memory of integers"


def input_shapes(good):
    """What is no shape; of shapes that the model does not take the model is blamed."""
    return bad.without(bad.shapes(good), "empty", "one", "three", "five", *MEMORY) | {
        "number": 3,
        "no channels": (0, 8, 8),
        "huge image": (2, 2**40, 2**40),
    }


def generators(good):
    return bad.without(bad.OBJECTS, "None") | bad.NUMBERS | bad.TENSORS | {"seed": 3}


def texts(good):
    return bad.without(bad.WORDS, "text", "empty text", "upper case", "with a space")


def skips(good):
    """What names no layer."""
    return bad.without(bad.OBJECTS, "function", "type", "empty text", "set", "dict", "triplet") | {
        **bad.NUMBERS,
        **bad.TENSORS,
        "another layer": nn.Conv2d(1, 1, 1),
        "number": 3,
        "bytes of it": b"0",
        "list of numbers": [0],
        "list with None": ["0", None],
        "pattern": "layer*",
    }


def by_layers(positive):
    def bad_values(good):
        numbers = (bad.positive if positive else bad.not_negative)(good)
        return bad.without(numbers, "dict", "map") | {
            "mapping of text": {"0": "1"},
            "mapping of nan": {"0": float("nan")},
            "mapping of numbers": {0: 1.0},
            "mapping of another layer": {"none": 1.0},
            "mapping of None": {"0": None},
            "mapping of negative": {"0": -1.0},
            "mapping of raises": {"0": bad.Raises()},
        }

    return bad_values


def kinds_of_layers(good):
    return (
        bad.OBJECTS
        | bad.NUMBERS
        | bad.TENSORS
        | {
            "activation": nn.ReLU,
            "name": "Conv9d",
            "layer": nn.Conv2d(1, 1, 1),
            "list of names": ["Conv2d", "none"],
        }
    )


def weights(good):
    """What is no weight of a convolution of two dimensions."""
    return (
        bad.without(bad.OBJECTS)
        | bad.NUMBERS
        | {
            "list": [[[[1.0]]]],
            "layer": LAYER,
            "bias": LAYER.bias,
            "one dimension less": torch.ones(2, 2, 3),
            "one dimension more": torch.ones(2, 2, 3, 3, 3),
            "empty": torch.ones(0, 2, 3, 3),
            "complex": torch.ones(2, 2, 3, 3, dtype=torch.complex64),
            "sparse": torch.ones(2, 2, 3, 3).to_sparse(),
            "meta": torch.ones(2, 2, 3, 3, device="meta"),
            "nan": torch.full((2, 2, 3, 3), float("nan")),
            "no gradient yet": nn.Conv2d(1, 1, 3).weight.grad,
        }
    )


LAYER_OPTIONS = {
    "alpha": bad.positive,
    "gram": bad.words,
    "power_iterations": bad.integers_from(1),
    "generator": generators,
}


def penalty_of_layer(**arguments):
    return ConvPenalty(**arguments)()


def penalty_of_model(**arguments):
    return add_penalty(**arguments)()


TORCH_CALLS = {
    "torch.ConvPenalty": Call(
        penalty_of_layer,
        {
            "layer": LAYER,
            "input_size": 4,
            "alpha": 1.0,
            "gram": "smaller",
            "power_iterations": 2,
            "generator": None,
            "output_size": None,
            "name": "",
            "form": "squares",
        },
        {
            "layer": layers,
            "input_size": layer_sizes,
            **LAYER_OPTIONS,
            "output_size": lambda good: bad.without(layer_sizes(good), "None"),
            "name": texts,
            "form": bad.words,
        },
    ),
    "torch.add_penalty": Call(
        penalty_of_model,
        {
            "model": MODEL,
            "input_shape": (2, 6, 6),
            "alpha": 1.0,
            "gram": "smaller",
            "power_iterations": 2,
            "generator": None,
            "skip": (),
            "kinds": (nn.Conv2d,),
            "weights": 1.0,
            "reduction": "sum",
            "form": "squares",
        },
        {
            **LAYER_OPTIONS,
            "model": models,
            "input_shape": input_shapes,
            "alpha": by_layers(positive=True),
            "skip": skips,
            "kinds": kinds_of_layers,
            "weights": by_layers(positive=False),
            "reduction": bad.words,
            "form": bad.words,
        },
    ),
    "torch.report": Call(
        lambda exact: add_penalty(MODEL, (2, 6, 6)).report(exact),
        {"exact": False},
        {"exact": bad.flags},
    ),
    "torch.delta_orthogonal_": Call(
        delta_orthogonal_,
        {"layer": nn.Conv2d(2, 2, 3), "gain": 1.0, "generator": None},
        {"layer": layers, "gain": bad.positive, "generator": generators},
    ),
    "torch.kernel_of": Call(kernel_of, {"weight": LAYER.weight}, {"weight": weights}),
}
