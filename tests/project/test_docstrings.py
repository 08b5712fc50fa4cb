"""The docstrings of the public functions."""

import importlib
import inspect
import re
from importlib.util import find_spec

import pytest
from pages import ROOT

import convreg
from convreg import winding
from convreg.studies import alternatives, barrier, periodic, symbol

TORCH = find_spec("torch") is not None


def functions_of(module):
    """The public functions that a module defines."""
    defined = [value for value in vars(module).values() if inspect.isfunction(value)]
    own = [value for value in defined if value.__module__ == module.__name__]
    return [value for value in own if not value.__name__.startswith("_")]


def public_functions():
    public = [getattr(convreg, name) for name in convreg.__all__]
    functions = [value for value in public if not inspect.isclass(value)]
    for module in (alternatives, barrier, periodic, symbol, winding):
        functions += functions_of(module)
    return functions


NUMBERED = r"(Equations?|Section|Lemma|Theorems?|Algorithm|The chain rule of Theorem) "


@pytest.mark.parametrize("function", public_functions(), ids=lambda function: function.__name__)
def test_docstrings_cite_the_paper_and_say_what_is_raised(function):
    doc = inspect.getdoc(function)
    assert re.match(NUMBERED, doc)
    assert ">>> " in doc
    assert re.search(r"\nRaises\n", doc)


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", ["ConvPenalty", "add_penalty"])
def test_the_docstrings_for_torch_do_so_too(name):
    function = getattr(importlib.import_module("convreg.torch"), name)
    test_docstrings_cite_the_paper_and_say_what_is_raised(function)


def test_what_goes_on_after_a_directive_is_indented():
    lost = re.compile(r"^( *)\.\. math::.*\n(?:\1 +\S.*\n)*\1[^\s\"]", re.MULTILINE)
    for path in ROOT.glob("convreg/**/*.py"):
        found = lost.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.name}: {found[0]}"
