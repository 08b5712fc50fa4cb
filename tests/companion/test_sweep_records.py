"""What a folder says of its runs: a record that was damaged costs its own point alone."""

import contextlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sweeps import PretendedRuns, by_state, swept
from tiny import files_in, tiny_notebook

import convreg.companion.sweep
from convreg.companion import commands
from convreg.companion.grid import settings as points_of
from convreg.companion.notebooks import Notebook
from convreg.companion.records import KINDS as KINDS_OF_FIELDS
from convreg.companion.records import problem_of, read_claim, read_json, read_rows
from convreg.companion.runs import Run
from convreg.companion.sweep import sweep

FOREIGN = "0123456789ab"  # no key of a point


@pytest.fixture(autouse=True)
def _no_picture(monkeypatch):
    monkeypatch.setattr(commands, "draw", lambda out, *_: out / "sweep.png")


def with_field(name, value):
    """A change to a record: one of its fields."""

    def change(text):
        return json.dumps({**json.loads(text), name: value}).encode()

    return change


def without(name):
    """A change to a record: one field is gone."""

    def change(text):
        record = json.loads(text)
        del record[name]
        return json.dumps(record).encode()

    return change


CONTENTS = {
    "empty": lambda text: b"",
    "truncated": lambda text: text[:-20],
    "its first half": lambda text: text[: len(text) // 2],
    "twice": lambda text: text + text,
    "zeros": lambda text: bytes(len(text)),
    "a list": lambda text: b"[]",
    "nothing in it": lambda text: b"{}",
    "null": lambda text: b"null",
    "true": lambda text: b"true",
    "a number": lambda text: b"17",
    "a text": lambda text: b'"run"',
    "a list of it": lambda text: b"[" + text + b"]",
    "no UTF-8": lambda text: b'{"\xff": 1}',
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "NaN": lambda text: b"NaN",
    "lists without end": lambda text: b"[" * 100_000,
    "a number without end": lambda text: b"9" * 10_000,
    "HTML": lambda text: b"<html></html>",
}
FIELDS = {
    **{f"no {name}": without(name) for name in ("schema", "run", "status", "seconds", "error")},
    **{f"no {name}": without(name) for name in ("parameters", "headline", "files", "code_sha256")},
    "another schema": with_field("schema", 3),
    "a later schema": with_field("schema", "2"),
    "another run": with_field("run", FOREIGN),
    "no name of a run": with_field("run", 12),
    "another word": with_field("status", "finished"),
    "failed without an error": with_field("status", "failed"),
    "complete with an error": with_field("error", "ValueError: no"),
    "status of no word": with_field("status", ["complete"]),
    "seconds a text": with_field("seconds", "0.1"),
    "seconds true": with_field("seconds", True),
    "seconds infinite": lambda text: text.replace(b'"seconds": 0.1', b'"seconds": 1e999'),
    "seconds NaN": with_field("seconds", float("nan")),
    "error no text": with_field("error", None),
    "error a number": with_field("error", 0),
    "parameters a list": with_field("parameters", [1.0]),
    "parameters none": with_field("parameters", {}),
    "other parameters": with_field("parameters", {"alpha": 7.0}),
    "headline a list": with_field("headline", ["twice"]),
    "headline a text": with_field("headline", "twice"),
    "headline of a text": with_field("headline", {"twice": "fast"}),
    "headline of true": with_field("headline", {"twice": True}),
    "headline of a huge number": with_field("headline", {"twice": 10**400}),
    "headline like a column": with_field("headline", {"alpha": 1}),
    "headline a mapping": with_field("headline", {"twice": {"x": 1}}),
    "headline NaN": with_field("headline", {"twice": float("nan")}),
    "files a list": with_field("files", ["executed.ipynb"]),
    "files of other sizes": with_field("files", {"executed.ipynb": 1}),
    "files without sizes": with_field("files", {"executed.ipynb": None}),
    "files elsewhere": with_field("files", {"../../../log": 1}),
    "files without a name": with_field("files", {"": 1}),
    "files with a NUL": with_field("files", {"\0": 1}),
    "files with a long name": with_field("files", {"x" * 1000: 1}),
}


def made_folder(record):
    record.unlink()
    record.mkdir()
    (record / "theirs").write_text("precious")


def made_dangling(record):
    record.unlink()
    record.symlink_to(record.parent / "nowhere")


def made_link(record):
    """A link to a file that is a good record."""
    record.rename(record.parents[3] / "good.json")
    record.symlink_to(record.parents[3] / "good.json")


def made_circle(record):
    record.unlink()
    record.symlink_to(record)


def made_pipe(record):
    record.unlink()
    os.mkfifo(record)


KINDS = {
    "a folder": made_folder,
    "a dangling link": made_dangling,
    "a link": made_link,
    "a link to itself": made_circle,
    "a pipe": made_pipe,
}
for name, change in (CONTENTS | FIELDS).items():
    KINDS[name] = lambda record, change=change: record.write_bytes(change(record.read_bytes()))


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A sweep of two points that is complete: its folder, byte for byte."""
    folder = tmp_path_factory.mktemp("complete")
    tiny_notebook(folder)
    notebook = Notebook.read(folder / "tiny.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convreg.companion.sweep, "execute", PretendedRuns().execute)
        with ThreadPoolExecutor(1) as pool:
            points = points_of(notebook, {"state": [1, 2]})
            sweep(notebook, points, folder / "out", pool, 1, progress=False)
    return {name: (folder / "out" / name).read_bytes() for name in files_in(folder / "out")}


@pytest.fixture
def out(complete, place):
    """A copy of it beside the notebook that it is of."""
    tiny_notebook(place)
    for name, content in complete.items():
        (place / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "out" / name).write_bytes(content)
    return place / "out"


def record_of(out, state):
    """The run.json of a state."""
    for record in out.glob("runs/*/run.json"):
        if json.loads(record.read_bytes())["parameters"]["state"] == state:
            return record
    raise AssertionError(state)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_that_cannot_be_believed_costs_its_own_point(kind, out, complete, runs, capsys):
    record = record_of(out, 2)
    KINDS[kind](record)
    assert swept("state=1,2") == 0
    shown = capsys.readouterr()
    assert "2 complete, 0 failed" in shown.out
    (warning,) = [line for line in shown.err.splitlines() if line.startswith("warning")]
    assert str(record) in warning
    assert warning.endswith("that point is run again")
    assert len(warning) < 600
    assert [parameters["state"] for parameters in runs] == [2]
    assert by_state(out) == {1: "complete", 2: "complete"}
    for name, content in complete.items():
        assert (out / name).read_bytes() == content
        assert not (out / name).is_symlink()
    assert swept("state=1,2") == 0
    assert len(runs) == 1
    assert "warning" not in capsys.readouterr().err


def test_a_record_that_may_not_be_read_costs_its_own_point(out, runs, monkeypatch, capsys):
    record = record_of(out, 2)
    read = Path.read_text

    def refused(path, **given):
        if path == record and not runs:  # a test may be run by root, who may read all
            raise PermissionError(13, "Permission denied")
        return read(path, **given)

    monkeypatch.setattr(Path, "read_text", refused)
    assert swept("state=1,2") == 0
    assert f"{record}: Permission denied: that point is run again" in capsys.readouterr().err
    assert [parameters["state"] for parameters in runs] == [2]


@pytest.mark.parametrize("refused", ["iterdir", "lstat"])
def test_a_folder_of_another_point_that_may_not_be_read_stops_nothing(
    refused, out, runs, monkeypatch, capsys
):
    record = record_of(out, 2)
    place = record if refused == "lstat" else record.parent
    allowed = getattr(Path, refused)

    def access(path, *given, **named):
        if path == place:
            raise PermissionError(13, "Permission denied")
        return allowed(path, *given, **named)

    monkeypatch.setattr(Path, refused, access)
    assert swept("state=1") == 0
    assert runs == []
    assert ("left out of index.csv" in capsys.readouterr().err) == (refused == "lstat")


def test_what_was_in_the_place_of_a_record_is_kept_beside_it(out, runs):
    record = record_of(out, 2)
    made_folder(record)
    assert swept("state=1,2") == 0
    (aside,) = record.parent.glob("run.json.*.aside")
    assert (aside / "theirs").read_text() == "precious"


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_record_outside_of_the_grid_is_named_and_left_out(kind, out, complete, runs, capsys):
    record = record_of(out, 2)
    KINDS[kind](record)
    before = record.read_bytes()
    assert swept("state=1") == 0
    assert runs == []
    assert f"{record}: " in capsys.readouterr().err
    text = (out / "index.csv").read_text().splitlines()
    assert text == complete["index.csv"].decode().splitlines()[:2]
    assert record.read_bytes() == before


@pytest.mark.parametrize("name", [FOREIGN, "notes", "notes\nof mine"])
def test_a_record_in_the_folder_of_no_run_is_left_out(name, out, complete, runs, capsys):
    shutil.copytree(record_of(out, 1).parent, out / "runs" / name)
    assert swept("state=1,2") == 0
    assert runs == []
    (warning,) = capsys.readouterr().err.splitlines()[:1]
    assert "left out of index.csv" in warning
    assert (out / "index.csv").read_bytes() == complete["index.csv"]


def test_every_file_in_runs_that_is_no_record_is_let_be(out, complete, runs, capsys):
    (out / "runs/notes.txt").write_text("mine")
    (out / "runs/empty").mkdir()
    (out / f"runs/{FOREIGN}").symlink_to("nowhere")
    assert swept("state=1,2") == 0
    assert runs == []
    assert "warning" not in capsys.readouterr().err
    assert (out / "index.csv").read_bytes() == complete["index.csv"]


@pytest.mark.parametrize("name", ["executed.ipynb", "tiny.json", "x.csv"])
@pytest.mark.parametrize("how", ["gone", "empty", "longer", "a folder", "a link"])
def test_a_file_that_is_missing_from_a_complete_run_is_noticed(
    name, how, out, complete, runs, capsys
):
    path = record_of(out, 2).with_name(name)
    content = path.read_bytes()
    path.unlink()
    if how in ("empty", "longer"):
        path.write_bytes(b"" if how == "empty" else content + b"\n")
    elif how == "a folder":
        path.mkdir()
    elif how == "a link":
        (out.parent / "same").write_bytes(content)
        path.symlink_to(out.parent / "same")
    assert swept("state=1,2") == 0
    assert f"{name} is missing, or is not as it was written" in capsys.readouterr().err
    assert [parameters["state"] for parameters in runs] == [2]
    for kept, expected in complete.items():
        assert (out / kept).read_bytes() == expected
        assert not (out / kept).is_symlink()


def test_a_record_of_version_1_still_counts(out, complete, runs, capsys):
    record = record_of(out, 2)
    first = {**json.loads(record.read_bytes()), "schema": 1}
    del first["files"], first["code_sha256"]
    record.write_text(json.dumps(first))
    assert swept("state=1,2") == 0
    assert runs == []
    assert "warning" not in capsys.readouterr().err
    assert (out / "index.csv").read_bytes() == complete["index.csv"]


# sweep.json

CLAIMS = {
    **CONTENTS,
    **{f"no {name}": without(name) for name in ("schema", "notebook", "code_sha256")},
    "another schema": with_field("schema", 2),
    "notebook a list": with_field("notebook", ["tiny"]),
    "code a number": with_field("code_sha256", 1),
}


@pytest.mark.parametrize("kind", [*CLAIMS, "gone"])
@pytest.mark.parametrize("states", ["1,2", "1,3"])
def test_a_sweep_json_that_is_lost_is_made_anew(kind, states, out, complete, runs, capsys):
    record = out / "sweep.json"
    if kind == "gone":
        record.unlink()
    else:
        record.write_bytes(CLAIMS[kind](record.read_bytes()))
    assert swept(f"state={states}") == 0
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == (kind != "gone")
    assert all(f"warning: {record}: " in warning for warning in warnings)
    assert [str(parameters["state"]) for parameters in runs] == ["3"] * ("3" in states)
    assert record.read_bytes() == complete["sweep.json"]


@pytest.mark.parametrize("kind", ["empty", "no notebook", "gone"])
@pytest.mark.parametrize("version", [1, 2])
def test_without_sweep_json_runs_of_other_code_are_refused(kind, version, out, runs, capsys):
    record = out / "sweep.json"
    if kind == "gone":
        record.unlink()
    else:
        record.write_bytes(CLAIMS[kind](record.read_bytes()))
    if version == 1:  # nobody knows of which code it is
        first = {**json.loads(record_of(out, 1).read_bytes()), "schema": 1}
        record_of(out, 1).write_text(json.dumps(first))
    else:
        tiny_notebook(out.parent, "print(2)")
    before = {name: (out / name).read_bytes() for name in files_in(out)}
    assert swept("state=1,3") == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "--out: wanted a new folder or one of tiny as it is, got runs of other code" in said
    assert str(record) in said
    assert runs == []
    assert {name: (out / name).read_bytes() for name in files_in(out)} == before


# what stands in our places

NAMED = [".lock", "index.csv", "sweep.json", "sweep.png", "sweep.pdf", "sweep.csv"]


@pytest.mark.parametrize("name", ["runs", "runs/KEY", *NAMED])
@pytest.mark.parametrize("how", ["a link", "a dangling link", "another kind"])
def test_what_stands_in_our_places_is_refused_and_not_followed(name, how, out, runs, capsys):
    elsewhere = out.parent / "elsewhere"
    path = out / name.replace("KEY", record_of(out, 2).parent.name)
    path.touch()  # a lock need not be there
    path.rename(elsewhere)
    if how == "another kind" and elsewhere.is_file():
        path.mkdir()
    elif how == "another kind":
        path.write_text("mine")
    else:
        path.symlink_to(elsewhere if how == "a link" else "nowhere")
    before = files_in(out.parent)
    assert swept("state=1,2,3") == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert str(path) in said
    assert runs == []
    assert [name for name in files_in(out.parent) if name != "out/.lock"] == [
        name for name in before if name != "out/.lock"
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions as POSIX has them")
@pytest.mark.parametrize("name", ["runs", "runs/KEY"])
def test_a_folder_that_cannot_be_written_to_is_found_before_a_run(
    name, out, runs, monkeypatch, capsys
):
    path = out / name.replace("KEY", record_of(out, 2).parent.name)
    access = os.access
    # a test may be run by root, for whom permissions do not count
    monkeypatch.setattr(os, "access", lambda place, mode: place != path and access(place, mode))
    assert swept("state=1,2,3") == 2
    assert f"--out: wanted a folder that can be written to, got {path}" in capsys.readouterr().err
    assert runs == []


# what a run leaves

FOUND = {
    "no JSON": (b"half", {}),
    "no mapping": (b"[1]", {}),
    "no headline": (b'{"claims": []}', {}),
    "headline a text": (b'{"headline": "twice"}', {}),
    "headline a list": (b'{"headline": [1]}', {}),
    "a number that is none": (b'{"headline": {"x": NaN}}', {}),
    "an infinite number": (b'{"headline": {"x": 1e999}}', {}),
    "a list": (b'{"headline": {"x": [1]}}', {}),
    "a text": (b'{"headline": {"x": "=1+1"}}', {}),
    "a huge number": (b'{"headline": {"x": 1' + 400 * b"0" + b"}}", {}),
    "named like a column": (b'{"headline": {"status": 1}}', {}),
    "named like a parameter": (b'{"headline": {"alpha": 1}}', {}),
    "lists without end": (b"[" * 100_000, {}),
    "run.json": (b'{"headline": {}}', {"run.json": b"mine"}),
    "executed.ipynb": (b'{"headline": {}}', {"executed.ipynb": b"mine"}),
    "twice": (b'{"headline": {}}', {"tiny.json": b"mine"}),
    "elsewhere": (b'{"headline": {}}', {"../../../x": b"mine"}),
    "a whole path": (b'{"headline": {}}', {"/x": b"mine"}),
    "a NUL": (b'{"headline": {}}', {"a\0b": b"mine"}),
    "a long name": (b'{"headline": {}}', {"x" * 300: b"mine"}),
}


@pytest.mark.parametrize("kind", FOUND)
def test_whatever_a_run_leaves_the_sweep_goes_on(kind, place, monkeypatch):
    results, figures = FOUND[kind]
    before = set(files_in(place))

    def execute(notebook, parameters):
        if parameters["state"] == 1:
            return Run(b"executed", figures, {"tiny.json": results}, 0.1, "")
        return PretendedRuns().execute(notebook, parameters)

    monkeypatch.setattr(convreg.companion.sweep, "execute", execute)
    assert swept("state=1,2") == 1
    assert by_state(place / "out") == {1: "failed", 2: "complete"}
    assert (
        "the results cannot be kept" in json.loads(record_of(place / "out", 1).read_text())["error"]
    )
    assert files_in(record_of(place / "out", 1).parent) == ["executed.ipynb", "run.json"]
    assert {name for name in files_in(place) if not name.startswith("out/")} == before


def test_a_name_of_250_bytes_is_kept(place, monkeypatch):
    name = "x" * 250
    found = Run(b"executed", {name: b"mine"}, {}, 0.1, "")
    monkeypatch.setattr(convreg.companion.sweep, "execute", lambda *_: found)
    assert swept("state=1") == 0
    (kept,) = (place / "out").glob(f"runs/*/{name}")
    assert kept.read_bytes() == b"mine"


# anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = tuple(KINDS_OF_FIELDS)
ROWS = st.fixed_dictionaries({}, optional={name: JSON for name in NAMES})
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def the_readers_name_what_they_cannot_read(folder, content):
    own = folder / "runs" / FOREIGN
    own.mkdir(parents=True, exist_ok=True)
    (own / "run.json").write_bytes(content)
    rows, problems = read_rows(folder)
    assert set(rows) | {path.parent.name for path in problems} == {FOREIGN}
    assert all(isinstance(problem, str) and problem for problem in problems.values())
    for reader in (read_json, read_claim):
        with contextlib.suppress(ValueError):
            reader(own / "run.json")


@QUICK
@given(content=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content, tmp_path):
    the_readers_name_what_they_cannot_read(tmp_path, content)


@QUICK
@given(value=JSON | ROWS)
def test_any_json_is_read_or_refused(value, tmp_path):
    the_readers_name_what_they_cannot_read(tmp_path, json.dumps(value).encode())


@QUICK
@given(change=ROWS)
def test_a_record_with_other_fields_is_refused_or_can_be_indexed(change, complete, tmp_path):
    text = next(content for name, content in complete.items() if name.endswith("run.json"))
    row = {**json.loads(text), **change}
    if not problem_of(row):
        convreg.companion.sweep.index_of([row, json.loads(text)])
