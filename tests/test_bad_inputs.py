"""Bad values of every argument of every public function, and strange ones that are good.

A bad value ends in an error that names the argument, a strange one in what the plain one gives.
"""

import re

import good_values as good_ones
import numpy as np
import pytest
from bad_values import torch
from public_calls import CALLS
from scipy.sparse import issparse

if torch is not None:
    from torch_calls import TORCH_CALLS

    ALL_CALLS = CALLS | TORCH_CALLS
else:
    ALL_CALLS = CALLS

ARGUMENTS = [(name, argument) for name, call in ALL_CALLS.items() for argument in call.kinds]


def problems(name, argument):
    """What does not end in a ValueError or TypeError whose text begins with the argument."""
    function, good, kinds = ALL_CALLS[name]
    for label, value in kinds[argument](good[argument]).items():
        try:
            with np.errstate(all="ignore"):
                function(**(good | {argument: value}))
        except (ValueError, TypeError) as error:
            if not re.match(rf"{argument}\b", str(error)):
                yield f"{label}: {type(error).__name__}: {error}"
        except Exception as error:
            yield f"{label}: {type(error).__name__}: {error}"
        else:
            yield f"{label}: taken"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_bad_values_are_refused_by_name(name, argument):
    assert list(problems(name, argument)) == []


@pytest.mark.parametrize("name", ALL_CALLS)
def test_the_good_call_is_good(name):
    call = ALL_CALLS[name]
    call.function(**call.good)
    assert set(call.kinds) <= set(call.good)


def parts(result):
    """The numbers and words of a result."""
    if isinstance(result, (tuple, list)):
        for entry in result:
            yield from parts(entry)
    elif isinstance(result, np.recarray):
        for field in result.dtype.names:
            yield result[field]
    elif issparse(result):
        yield result.toarray()
    else:
        yield result


def assert_the_same(one, other, label):
    """Equal in types, and in entries but for the order in which sums are rounded."""
    for a, b in zip(parts(one), parts(other), strict=True):
        if isinstance(a, str):
            assert a == b, label
            continue
        assert np.asarray(a).dtype == np.asarray(b).dtype, label
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13, err_msg=label)


def strange(argument, plain, folder):
    """What means the same as a plain value."""
    if isinstance(plain, np.ndarray):
        same = good_ones.arrays(plain, folder)
        if argument in ("A", "M"):
            same |= good_ones.operators(plain)
        if argument in ("A", "M", "G") and plain.ndim == 2:
            same |= good_ones.sparse_matrices(plain)
        return same
    kinds = {bool: good_ones.flags, int: good_ones.integers, float: good_ones.numbers}
    return kinds[type(plain)](plain) if type(plain) in kinds else {}


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize(("name", "argument"), [pair for pair in ARGUMENTS if pair[0] in CALLS])
def test_strange_values_that_mean_the_same(name, argument, tmp_path):
    function, good, _ = CALLS[name]
    plain = [good[argument]]
    if isinstance(good[argument], float):
        plain = [0.5, 1.0]  # also numbers in few bits
    for value in plain:
        expected = function(**(good | {argument: value}))
        for label, other in strange(argument, value, tmp_path).items():
            assert_the_same(function(**(good | {argument: other})), expected, label)


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if "A" in call.kinds])
@pytest.mark.parametrize("argument", ["A"])
def test_matrices_of_whole_numbers_in_other_types(name, argument):
    function, good, _ = CALLS[name]
    expected = function(**(good | {argument: np.abs(np.round(good[argument]))}))
    for label, other in good_ones.of_whole_numbers(np.round(good[argument])).items():
        assert_the_same(function(**(good | {argument: other})), expected, label)
