"""Everything that convreg hands out or raises survives pickle, copy and deepcopy.

A process pool, joblib and Dask pickle what they send. The classes are found by a walk through the
package: a new one is tested too, or has to be named here among those that nobody is given.
"""

import copy
import importlib
import inspect
import pickle
import pkgutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import convreg
from convreg import ConvolutionOperator, NotConverged, SingularTriplet, leading_triplets
from convreg.companion.rules import Integer

HANDED_TO_NOBODY = (  # of no interest once the work is done; and private classes
    "convreg._numerics.",
    "convreg.steps.",
    "convreg.torch.forms.",
    "convreg.companion.arguments.Once",
    "convreg.companion.executors.DaskExecutor",
    "convreg.companion.kernels.",
)


NOT_NEEDED = ("torch", "joblib", "sklearn")  # whose modules are left out where they are not


def own_classes():
    """The classes that the modules of convreg define, by their names with the module."""
    found = {}
    for module in pkgutil.walk_packages(convreg.__path__, "convreg."):
        try:
            names = vars(importlib.import_module(module.name))
        except ImportError as error:
            if not set(NOT_NEEDED) & {error.name, getattr(error.__cause__, "name", None)}:
                raise
            continue
        for thing in names.values():
            if inspect.isclass(thing) and thing.__module__ == module.name:
                found[f"{module.name}.{thing.__qualname__}"] = thing
    return found


CLASSES = own_classes()
EXCEPTIONS = {name: thing for name, thing in CLASSES.items() if issubclass(thing, BaseException)}
TUPLES = {name: thing for name, thing in CLASSES.items() if hasattr(thing, "_fields")}

WAYS = {
    f"pickle {protocol}": lambda thing, protocol=protocol: pickle.loads(
        pickle.dumps(thing, protocol)
    )
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
} | {"copy": copy.copy, "deepcopy": copy.deepcopy}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))


def same(one, other, seen=()):
    """Of one class, with the same numbers, entries and attributes, all the way down."""
    pair = id(one), id(other)
    if one is other or pair in seen:
        return True
    if type(one) is not type(other):
        return False
    seen = (*seen, pair)
    if isinstance(one, np.ndarray):
        alike = one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    elif isinstance(one, (tuple, list)):
        alike = len(one) == len(other)
        alike = alike and all(same(*both, seen) for both in zip(one, other, strict=True))
    elif isinstance(one, dict):
        alike = one.keys() == other.keys() and all(same(one[k], other[k], seen) for k in one)
    elif isinstance(one, BaseException):
        alike = same(one.args, other.args, seen)
    elif callable(getattr(one, "detach", None)):  # a tensor
        alike = same(one.detach().numpy(), other.detach().numpy())
    elif hasattr(one, "__dict__"):
        alike = True
    else:
        alike = one == other or one != one
    return alike and (not hasattr(one, "__dict__") or same(vars(one), vars(other), seen))


# every class of exceptions, and of named tuples


def values(fields):
    """One for each field: all of another kind."""
    kinds = (1.5, np.arange(3.0), "text", {"of": (1, None)}, [np.float32(2.0)], True)
    return [kinds[i % len(kinds)] for i in range(len(fields))]


@every_way
@pytest.mark.parametrize("kind", EXCEPTIONS.values(), ids=list(EXCEPTIONS))
def test_exceptions(kind, way):
    error = kind("what happened")
    error.more = np.arange(3.0)
    again = way(error)
    assert same(again, error)
    assert str(again) == "what happened"


@every_way
@pytest.mark.parametrize("kind", TUPLES.values(), ids=list(TUPLES))
def test_named_tuples(kind, way):
    result = kind(*values(kind._fields))
    if hasattr(result, "__dict__"):
        result.more = np.arange(4.0)
    assert same(way(result), result)


@pytest.mark.parametrize("kind", TUPLES.values(), ids=list(TUPLES))
def test_a_replaced_field_keeps_all_else(kind):
    result = kind(*values(kind._fields))
    if hasattr(result, "__dict__"):
        result.residual = 0.25
    first = kind._fields[0]
    replaced = result._replace(**{first: "another"})
    assert type(replaced) is kind
    assert replaced[0] == "another"
    assert same(list(replaced[1:]), list(result[1:]))
    assert getattr(replaced, "__dict__", {}) == getattr(result, "__dict__", {})


def triplet():
    found = SingularTriplet(2.0, np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    found.residual = 1e-9
    return found


@every_way
def test_the_residual_goes_with_a_triplet(way):
    assert way(triplet()).residual == 1e-9
    again = way(NotConverged("restarts: no", [triplet()]))
    assert [found.residual for found in again.triplets] == [1e-9]
    assert np.isnan(way(SingularTriplet(1.0, np.ones(1), np.ones(1))).residual)


def test_the_residual_stays_where_the_sign_is_replaced():
    found = triplet()
    assert found._replace(sigma=-found.sigma).residual == 1e-9


def test_an_exception_from_another_process():
    """With its triplets and their residuals: a pool that cannot unpickle one breaks for ever."""
    M = ConvolutionOperator(np.random.default_rng(0).standard_normal((3, 3, 2, 2)), 30)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        with pytest.raises(NotConverged, match="restarts: ") as raised:
            pool.submit(leading_triplets, M, 1, 1e-15, restarts=1).result()
        [found] = raised.value.triplets
        assert found.residual > 0
        [found] = pool.submit(leading_triplets, M, 1, 1e-3).result()  # the pool is whole
    assert abs(found.sigma - leading_triplets(M, 1)[0].sigma) <= 1e-2 * found.sigma


# all other classes: objects of each, and what they give


def gaussian(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def operators(kind):
    """Of every kind of product; used, which leaves something behind."""
    taps = kind(gaussian(3, 3, 2, 3), (6, 5), stride=2)
    wide, deep = kind(gaussian(15, 15, 1, 1), 20), kind(np.ones((3, 3, 128, 128)), 10)
    single = kind(gaussian(3, 3, 2, 3).astype(np.float32), 6, padding="circular")
    for M in (taps, wide, deep, single):
        products(M)
    return [taps, taps.T, wide, wide.T, deep, deep.T, single]


def products(M):
    return [M @ np.ones(M.shape[1]), M.T @ np.ones((M.shape[0], 2)), M.T is M]


def layer():
    nn = pytest.importorskip("torch").nn
    return nn.Conv2d(2, 3, 3, padding=1)


NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
M = ConvolutionOperator(gaussian(3, 3, 2, 3), 6)


def rule(rule):
    return [rule.problem(value) for value in (1, [1], [1, 1], True, "text")]


OTHERS = {
    "convreg.convolution.ConvolutionOperator": (operators, products),
    "convreg.gram.ShiftedGram": (
        lambda kind: [kind(M, 1.0, False), kind(M, 2.0, True)],
        products,
    ),
    "convreg._matrices.RealOperator": (lambda kind: [kind("A", M)], products),
    "convreg.symbol.Symbol": (lambda kind: [kind(M)], lambda F: [F.peaks, F.at(0.5, 0.5)]),
    "convreg.plots.tables.Shown": (lambda kind: [kind("| $x$ |", "x")], repr),
    "convreg.companion.rules.Real": (lambda kind: [kind(0.0, 2.0)], rule),
    "convreg.companion.rules.Integer": (lambda kind: [kind(0, 2)], rule),
    "convreg.companion.rules.Pair": (lambda kind: [kind(Integer(0, 2))], rule),
    "convreg.companion.rules.ListOf": (lambda kind: [kind(Integer(0, 2))], rule),
    "convreg.companion.rules.Flag": (lambda kind: [kind()], rule),
    "convreg.companion.rules.Folder": (lambda kind: [kind("figures")], rule),
    "convreg.companion.notebooks.Notebook": (
        lambda kind: [kind(Path("a.ipynb"), NOTEBOOK)],
        lambda notebook: [notebook.path, notebook.cells, notebook.cells],
    ),
    "convreg.torch.maps.LayerMap": (lambda kind: [kind(layer(), 4)], lambda A: [A.outputs]),
    "convreg.torch.layer.ConvPenalty": (
        lambda kind: [kind(layer(), 4, form=form).eval() for form in ("squares", "values")],
        lambda term: [term().item(), term.u.numpy(), repr(term)],
    ),
    "convreg.torch.total.PenaltySum": (
        lambda kind: [ours("convreg.torch.add_penalty")(layer(), (2, 5, 5)).eval()],
        lambda terms: [terms().item(), str(terms.report()), terms.names, terms.left_out],
    ),
    "convreg.torch.report.Report": (
        lambda kind: [kind({"conv": {"R_alpha": 2.0, "M": (3, 2)}})],
        lambda report: [str(report), report.to_dict()],
    ),
}


def ours(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def test_no_class_is_forgotten():
    """One that is neither an exception nor a named tuple is among the others, or nobody gets it."""
    left = set()
    for name, kind in CLASSES.items():
        abstract = inspect.isabstract(kind) or getattr(kind, "_is_protocol", False)
        if not (abstract or kind.__name__.startswith("_") or name.startswith(HANDED_TO_NOBODY)):
            left.add(name)
    assert left - set(EXCEPTIONS) - set(TUPLES) <= set(OTHERS)
    assert {name for name in OTHERS if "torch" not in name} <= set(CLASSES)


@every_way
@pytest.mark.parametrize("name", OTHERS)
def test_all_other_objects(name, way):
    """The copy has the same inside, gives the same, and so does the original after that."""
    if name.startswith("convreg.torch."):
        pytest.importorskip("torch")
    make, given = OTHERS[name]
    for thing in make(CLASSES[name]):
        again = way(thing)
        assert same(again, thing)
        assert same(given(way(thing)), given(thing))


@every_way
def test_a_penalty_stays_with_the_model_that_is_copied_with_it(way):
    """By pickle and deepcopy, both at once; a shallow copy of a pair is of the same two."""
    model = layer()
    model, terms = way((model, ours("convreg.torch.add_penalty")(model, (2, 5, 5))))
    assert terms[0].layer is model
    terms().backward()
    assert model.weight.grad.norm() > 0
