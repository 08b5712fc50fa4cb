"""One run: whatever a notebook does and leaves, an outcome that a sweep can file."""

import json
import os
import tempfile
from pathlib import Path

import nbformat
import papermill
import pytest
from tiny import tiny_notebook

from convreg.companion import runs
from convreg.companion.notebooks import Notebook
from convreg.companion.outcomes import check_outcome, files_in
from convreg.companion.runs import execute

CLAIM = {"says": "1 = 1", "where": "(1.1)", "verdict": "holds", "measured": "0"}


def results(headline=None, claims=()):
    """The text of results."""
    found = {"headline": {} if headline is None else headline, "claims": list(claims)}
    return json.dumps(found).encode()


# what is left


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Expecting value"),
        (b"some words", "Expecting value"),
        (b"\xff\xfe\x00", "'utf-"),
        (b"[" * 100_000, "recursion"),
        (b"9" * 10_000, "digits"),
        (b"null", "wanted an object with headline and claims"),
        (b"[]", "wanted an object with headline and claims"),
        (b"{}", "wanted an object with headline and claims"),
        (b'{"headline": {}}', "wanted an object with headline and claims"),
        (b'{"headline": [], "claims": []}', "wanted an object with headline and claims"),
        (b'{"headline": {}, "claims": {}}', "wanted an object with headline and claims"),
        (b'{"headline": {"n": NaN}, "claims": []}', "wanted JSON, got NaN"),
        (b'{"headline": {"n": -Infinity}, "claims": []}', "wanted JSON, got -Infinity"),
        (b'{"headline": {"n": 1e999}, "claims": []}', "headline: wanted a finite number for n"),
        (results({"n": 10**400}), "headline: wanted a finite number for n, got 1000"),
        (results({"n": "many"}), "headline: wanted a finite number for n, got 'many'"),
        (results({"n": [1]}), "headline: wanted a finite number for n, got [1]"),
        (results({"n": {}}), "headline: wanted a finite number for n, got {}"),
        (results({"n": True}), "headline: wanted a finite number for n, got True"),
        (results({"": 1}), "headline: wanted a name that is no column's, got ''"),
        (results({"a\nb": 1}), "headline: wanted a name that is no column's, got 'a\\nb'"),
        (results({"status": 1}), "headline: wanted a name that is no column's, got 'status'"),
        (results({"run": 1}), "headline: wanted a name that is no column's, got 'run'"),
        (results({"seconds": 1}), "headline: wanted a name that is no column's, got 'seconds'"),
        (results({"error": 1}), "headline: wanted a name that is no column's, got 'error'"),
        (results({"alpha": 1}), "headline: wanted a name that is no column's, got 'alpha'"),
        (results(claims=[1]), "claims: wanted says, where, verdict, measured, got 1"),
        (results(claims=[CLAIM, {}]), "claims: wanted says, where, verdict, measured, got {}"),
        (results(claims=[CLAIM | {"verdict": 1}]), "claims: wanted says, where, verdict"),
        (b'{"headline": {"a": 1, "a": 2}, "claims": []}', "wanted each name once, got ['a', 'a']"),
        (b'{"headline": {}, "claims": [], "claims": []}', "wanted each name once, got ['headline"),
    ],
    ids=range(31),
)
def test_what_is_no_result_is_refused_by_the_name_of_its_file(text, message):
    with pytest.raises(ValueError, match=r"^results_dir/mine\.json: ") as refused:
        check_outcome([], {"mine.json": text}, ["alpha"])
    assert message in str(refused.value)
    assert len(str(refused.value)) < 300


def test_what_save_results_writes_is_accepted():
    headline = {"a": 1, "b, columns": 0.5, "c": None, "d": "inf", "e": "-inf"}
    check_outcome(["a.png"], {"a.json": results(headline, [CLAIM | {"more": ""}])}, ["alpha"])


@pytest.mark.parametrize(
    ("figures", "found", "message"),
    [
        (["run.json"], [], "figure_dir/run.json: wanted another name"),
        ([], ["executed.ipynb"], "results_dir/executed.ipynb: wanted another name"),
        ([".x.0123abcd.part"], [], "figure_dir/.x.0123abcd.part: wanted another name"),
        (["x.json"], ["x.json"], "results_dir/x.json: wanted another name"),
    ],
)
def test_two_files_of_a_run_have_two_names(figures, found, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        check_outcome(figures, dict.fromkeys(found, results()), [])


def test_two_files_have_two_headlines():
    message = "^results_dir/b.json: headline: wanted a name that is no column's, got 'n'"
    with pytest.raises(ValueError, match=message):
        check_outcome([], {"a.json": results({"n": 1}), "b.json": results({"n": 2})}, [])


def a_link(path):
    path.symlink_to(path.parent / "own")


def a_pipe(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "got"), [(a_link, "a link"), (Path.mkdir, "a folder"), (a_pipe, "a special file")]
)
def test_what_is_no_file_is_neither_followed_nor_lost(make, got, tmp_path):
    folder = tmp_path / "figure_dir"
    folder.mkdir()
    (folder / "own").write_text("ours")
    assert files_in(folder) == {"own": b"ours"}
    make(folder / "a.png")
    with pytest.raises(ValueError, match=f"^figure_dir/a.png: wanted a file, got {got}$"):
        files_in(folder)


@pytest.mark.parametrize(("make", "got"), [(a_link, "a link"), (Path.touch, "a file")])
def test_what_is_no_folder_has_no_files(make, got, tmp_path):
    assert files_in(tmp_path / "results_dir") == {}
    make(tmp_path / "results_dir")
    with pytest.raises(ValueError, match=f"^results_dir: wanted a folder, got {got}$"):
        files_in(tmp_path / "results_dir")


# nothing is raised


@pytest.fixture
def notebook(tmp_path):
    return Notebook.read(tiny_notebook(tmp_path))


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (tempfile, "TemporaryDirectory"),
        (Notebook, "fresh"),
        (runs, "_tidy"),
        (runs, "files_in"),
        (papermill, "execute_notebook"),
        (nbformat, "writes"),
    ],
)
@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), MemoryError(), UnicodeEncodeError("x", "", 0, 1, "")],
    ids=["disk", "memory", "text"],
)
def test_whatever_goes_wrong_is_the_error_of_the_run(where, name, error, notebook, monkeypatch):
    def fail(*_, **__):
        raise error

    if name != "execute_notebook":
        executed = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        executed = nbformat.from_dict(executed)
        monkeypatch.setattr(papermill, "execute_notebook", lambda *_, **__: executed)
    assert execute(notebook).error == ""
    monkeypatch.setattr(where, name, fail)
    run = execute(notebook)
    assert type(error).__name__ in run.error or str(error) in run.error
    assert (run.figures, run.results) == ({}, {})
    assert run.seconds >= 0


def test_what_papermill_left_half_written_is_not_read(notebook, monkeypatch):
    def full(_, saved, *__, **___):
        saved.write_text('{"cells": [')
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(papermill, "execute_notebook", full)
    run = execute(notebook)
    assert run.error == "OSError: [Errno 28] No space left on device"
    assert nbformat.reads(run.executed.decode(), as_version=4).cells


@pytest.mark.kernel
def test_an_error_that_cannot_be_sent_is_not_nothing(tmp_path):
    path = tiny_notebook(tmp_path, r"raise ValueError('\ud800')")
    (*_, said) = execute(Notebook.read(path), {}).error.splitlines()
    assert said == "CellExecutionError: an error whose text the kernel could not send"


LEAVES = """import json
Path("executed.ipynb").symlink_to("elsewhere")
Path("results_dir").mkdir()
found = {"headline": {"n": "many"}, "claims": []}
Path("results_dir", "tiny.json").write_text(json.dumps(found))"""


@pytest.mark.kernel
def test_a_notebook_that_leaves_something_else_has_failed(tmp_path):
    path = tiny_notebook(tmp_path, LEAVES, results="pass")
    run = execute(Notebook.read(path), {})
    said = "headline: wanted a finite number for n, got 'many'"
    assert run.error == f"results_dir/tiny.json: {said}"
    assert b"many" in run.executed
