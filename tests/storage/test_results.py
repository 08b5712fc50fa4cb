"""The results of a notebook as JSON: every field, and where its numbers come from."""

import hashlib
import importlib.metadata
import json
import math
import platform

import numpy as np
import pytest

from convreg import matlab_rand
from convreg.claims.definitions import HOLDS, IN_PART, Scored
from convreg.companion.notebooks import find_notebook, parameters_of
from convreg.companion.runs import execute
from convreg.storage.results import kernel_sha256, rounded_number, save_results
from convreg.storage.tables import read_table

FIELDS = ["notebook", "parameters", "kernel_sha256", "versions", "headline", "tables", "claims"]


def strict(text):
    """JSON without the NaN and Infinity that Python alone reads."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def saved(folder, **given):
    fields = {"parameters": {}, "kernels": {}, "headline": {}, "tables": {}} | given
    save_results(str(folder), "mine", **fields)
    return strict((folder / "mine.json").read_text())


@pytest.fixture(scope="module")
def example_1():
    return execute(find_notebook("05").read_text(), {})


@pytest.fixture(scope="module")
def found(example_1):
    assert example_1.error == ""
    assert list(example_1.results) == ["05_example_1.json"]
    return strict(example_1.results["05_example_1.json"])


def test_notebook_5_has_every_field(found):
    assert list(found) == FIELDS
    assert found["notebook"] == "05_example_1"


def test_the_parameters_are_the_notebooks_own(found):
    known = parameters_of(find_notebook("05"))
    assert list(found["parameters"]) == [name for name in known if not name.endswith("_dir")]
    assert all(value == json.loads(known[name].default) for name, value in found["parameters"].items())


def test_the_kernels_are_named_by_their_bytes_column_by_column(found):
    shapes = {"3x3x3x1": (3, 1), "3x3x1x3": (1, 3), "3x3x3x6": (3, 6), "3x3x6x3": (6, 3)}
    hashes = {
        name: hashlib.sha256(matlab_rand(3, 3, *shape, state=1).tobytes(order="F")).hexdigest()
        for name, shape in shapes.items()
    }
    assert sorted(found["kernel_sha256"].values()) == sorted(hashes.values())


def test_the_versions_are_those_of_this_environment(found):
    packages = {name: importlib.metadata.version(name) for name in ("convreg", "numpy", "scipy", "matplotlib")}
    assert found["versions"].pop("blas")
    assert found["versions"] == {"python": platform.python_version(), **packages}


def test_the_headline_has_six_digits(found):
    assert found["headline"]
    for value in found["headline"].values():
        assert value == float(f"{value:.6g}")


def test_the_claims_come_with_their_verdicts(found):
    assert len(found["claims"]) >= 6
    assert {tuple(claim) for claim in found["claims"]} == {Scored._fields}
    assert {claim["verdict"] for claim in found["claims"]} == {HOLDS, IN_PART}


def test_the_tables_are_those_of_the_figures(found, example_1, tmp_path):
    assert sorted(example_1.figures) == ["figure_3_1.csv", "figure_3_1.pdf", "figure_3_1.png"]
    (tmp_path / "figure.csv").write_bytes(example_1.figures["figure_3_1.csv"])
    table = read_table(tmp_path / "figure.csv")
    assert found["tables"] == {"figure_3_1": {name: column.tolist() for name, column in table.items()}}


def test_no_folder_no_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_results("", "mine", {}, {}, {}, {})
    assert list(tmp_path.iterdir()) == []


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


def test_a_kernel_in_another_order_of_memory_is_the_same_kernel_and_its_transpose_is_not():
    K = matlab_rand(2, 3, state=1)
    assert kernel_sha256(np.ascontiguousarray(K)) == kernel_sha256(np.asfortranarray(K))
    assert kernel_sha256(K) == hashlib.sha256(K.ravel(order="F").astype("<f8").tobytes()).hexdigest()
    assert kernel_sha256(K) != kernel_sha256(K.T)
