"""The results of a notebook as JSON: every field, and where its numbers come from."""

import hashlib
import importlib.metadata
import json
import math
import platform
from typing import NamedTuple

import numpy as np
import pytest

from convreg import matlab_rand
from convreg.storage.results import kernel_sha256, rounded_number, save_results

FIELDS = [
    "schema",
    "notebook",
    "parameters",
    "kernel_sha256",
    "versions",
    "headline",
    "tables",
    "claims",
]


class Verdict(NamedTuple):
    """As `convreg.claims` has them."""

    says: str
    verdict: str


def strict(text):
    """JSON without the NaN and Infinity that Python alone reads."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def saved(folder, **given):
    empty = {"parameters": {}, "kernels": {}, "headline": {}, "tables": {}}
    save_results(str(folder), "mine", **{**empty, **given})
    return strict((folder / "mine.json").read_text())


def test_the_fields_begin_with_their_version(tmp_path):
    found = saved(tmp_path, parameters={"alpha": 1.0})
    assert list(found) == FIELDS
    assert found["schema"] == 1
    assert found["notebook"] == "mine"
    assert found["parameters"] == {"alpha": 1.0}


def test_no_folder_no_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_results("", "mine", {}, {}, {}, {})
    assert list(tmp_path.iterdir()) == []


def test_the_versions_are_those_of_this_environment(tmp_path):
    names = ("convreg", "numpy", "scipy", "matplotlib")
    packages = {name: importlib.metadata.version(name) for name in names}
    found = saved(tmp_path)["versions"]
    assert found.pop("blas")
    found.pop("torch", None)  # where another test has imported it
    assert found == {"python": platform.python_version(), **packages}


def test_claims_are_kept_by_the_names_of_their_fields(tmp_path):
    found = saved(tmp_path, claims=[Verdict("One is two", "does not hold")])
    assert found["claims"] == [{"says": "One is two", "verdict": "does not hold"}]


def test_what_is_no_number_is_still_json(tmp_path):
    found = saved(
        tmp_path / "new",
        headline={"a": math.nan, "b": np.inf, "c": -np.inf},
        tables={"t": {"x": np.array([1.5, np.nan, np.inf])}},
    )
    assert found["headline"] == {"a": None, "b": "inf", "c": "-inf"}
    assert found["tables"] == {"t": {"x": [1.5, None, "inf"]}}


def test_tables_keep_all_their_digits_and_their_types(tmp_path):
    found = saved(
        tmp_path,
        tables={"t": {"x": np.array([1 / 3]), "n": np.arange(2), "word": ["α"]}},
        headline={"third": 1 / 3, "n": np.int64(3)},
    )
    assert found["tables"]["t"] == {"x": [1 / 3], "n": [0, 1], "word": ["α"]}
    assert found["headline"] == {"third": 0.333333, "n": 3}
    assert isinstance(found["headline"]["n"], int)


@pytest.mark.parametrize(
    ("value", "kept"), [(1234567, 1234567), (1234567.0, 1234570.0), (2 / 3e9, 6.66667e-10), (0, 0)]
)
def test_a_headline_number_is_rounded_but_for_an_integer(value, kept):
    assert rounded_number(value) == kept


def test_a_kernel_is_named_by_its_bytes_column_by_column(tmp_path):
    K = matlab_rand(2, 3, state=1)
    columns = hashlib.sha256(K.ravel(order="F").astype("<f8").tobytes()).hexdigest()
    assert saved(tmp_path, kernels={"K": K})["kernel_sha256"] == {"K": columns}
    assert kernel_sha256(np.ascontiguousarray(K)) == columns
    assert kernel_sha256(np.asfortranarray(K)) == columns
    assert kernel_sha256(K.T) != columns


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"headline": {"n": "many"}}, "headline: wanted numbers, got 'many'"),
        ({"headline": {"n": [1, 2]}}, r"headline: wanted numbers, got \[1, 2\]"),
        ({"headline": {"n": 1j}}, "headline: wanted numbers, got 1j"),
        ({"parameters": {"x": object()}}, "parameters: wanted what JSON can hold, got Object of"),
        ({"parameters": {(1, 2): 3}}, "parameters: wanted texts for names"),
        ({"tables": {"t": {"x": np.array([object()])}}}, "tables: wanted what JSON can hold"),
        ({"claims": [Verdict(1j, "holds")]}, "claims: wanted what JSON can hold"),
        ({"claims": 3}, "claims: wanted named tuples, got 3"),
        ({"claims": [3]}, r"claims: wanted named tuples, got \[3\]"),
        ({"headline": {1: 2.0, "1": 3.0}}, "headline: wanted texts for names"),
        ({"headline": None}, "headline: wanted a mapping, got None"),
        ({"kernels": [1]}, r"kernels: wanted a mapping, got \[1\]"),
        ({"kernels": {"K": [1j]}}, "K: wanted real numbers, got complex128"),
        ({"parameters": {"x": "\ud800"}}, "parameters: wanted what JSON can hold"),
    ],
)
def test_what_results_cannot_hold_is_named_and_nothing_is_written(given, message, tmp_path):
    with pytest.raises(TypeError, match=f"^{message}"):
        saved(tmp_path / "new", **given)
    assert list(tmp_path.iterdir()) == []


def test_scalars_of_numpy_are_numbers(tmp_path):
    found = saved(tmp_path, parameters={"n": np.int64(3), "x": np.float32(0.5), "y": np.True_})
    assert found["parameters"] == {"n": 3, "x": 0.5, "y": True}


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\0", None])
def test_a_notebooks_name_is_no_path(name, tmp_path):
    with pytest.raises(ValueError, match=r"^notebook: wanted a file's name without a folder, got "):
        save_results(str(tmp_path / "new"), name, {}, {}, {}, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", [3, None, b"folder", ["a"], "~no such user/here", "a\0b"])
def test_a_folder_is_a_path(folder):
    with pytest.raises((TypeError, ValueError), match=r"^folder: wanted a folder's path"):
        save_results(folder, "mine", {}, {}, {}, {})
