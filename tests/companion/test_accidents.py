"""Accidents at every step of a sweep: what was complete stays, and the same command goes on."""

import json
import shutil

import pytest
from accidents import Sweeps, drawn
from sweeps import index, swept
from tiny import files_in, tiny_notebook

from convreg.companion import commands
from convreg.companion.records import read_rows


@pytest.fixture(scope="module")
def sweep_with():
    """A sweep with an accident, in a process of its own: its exit status, what it said."""
    sweeps = Sweeps()
    yield sweeps.sweep
    sweeps.close()


@pytest.fixture(scope="module")
def reference(tmp_path_factory, sweep_with):
    """A sweep without accidents, and the number of its steps."""
    folder = tmp_path_factory.mktemp("reference")
    tiny_notebook(folder)
    assert sweep_with(folder, "none") == (0, (folder / "said").read_text())
    return folder / "out", json.loads((folder / "steps").read_text())


@pytest.fixture(autouse=True)
def _quick_picture(monkeypatch):
    monkeypatch.setattr(commands, "draw", drawn)


@pytest.fixture
def fresh(place, runs):
    """Make the folder of the test as it was, with no sweep in it or a copy of one."""

    def make(copied=None):
        shutil.rmtree(place / "out", ignore_errors=True)
        runs.clear()
        if copied:
            shutil.copytree(copied, place / "out")
        return place

    tiny_notebook(place)
    return make


def complete_runs(out, reference):
    """The states that a folder says are complete: whatever has its name there is whole."""
    if not (out / "runs").is_dir():
        return set()
    rows, problems = read_rows(out)
    assert problems == {}
    for name in files_in(out):
        if not name.endswith(".part") and name != "index.csv":
            assert (out / name).read_bytes() == (reference / name).read_bytes()
    if (out / "index.csv").exists():
        assert all(row in index(reference) for row in index(out))
    return {row["parameters"]["state"] for row in rows.values()}


def goes_on(place, reference, runs, states="12"):
    """The same command completes it, runs nothing again that was complete, leaves nothing else."""
    done = complete_runs(place / "out", reference)
    assert swept("state=1,2") == 0
    assert {str(run["state"]) for run in runs} == set(states) - {str(state) for state in done}
    assert len(runs) == len(states) - len(done)
    assert files_in(place / "out") == files_in(reference)
    assert complete_runs(place / "out", reference) == {1, 2}
    assert (place / "out/index.csv").read_bytes() == (reference / "index.csv").read_bytes()
    return done


def test_a_sweep_that_is_killed_at_any_step_goes_on(fresh, runs, reference, sweep_with):
    out, steps = reference
    seen = []
    for at in range(1, steps + 1):
        place = fresh()
        assert sweep_with(place, "killed", at)[0] == -9
        seen.append(len(goes_on(place, out, runs)))
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}


@pytest.mark.parametrize("kind", ["full", pytest.param("broken", marks=pytest.mark.kernel)])
def test_a_disk_that_fails_at_any_step_ends_the_sweep_in_one_line(
    kind, fresh, runs, reference, sweep_with
):
    out, steps = reference
    said_so = {"full": "No space left on device", "broken": "Input/output error"}[kind]
    for at in range(1, steps + 1):
        place = fresh()
        ended, said = sweep_with(place, kind, at)
        assert "Traceback" not in said
        assert ended in (0, 1, 2)
        assert (ended == 0) == (said_so not in said)
        assert [name for name in files_in(place / "out") if name.endswith(".part")] == []
        goes_on(place, out, runs)


@pytest.mark.parametrize("limit", [0, 1, 20, 100, 200, 250])
def test_files_that_are_too_large_for_the_disk_leave_nothing(
    limit, fresh, runs, reference, sweep_with
):
    out, _ = reference
    place = fresh()
    ended, said = sweep_with(place, "too large", limit)
    assert ended in (1, 2)
    assert "File too large" in said
    assert "Traceback" not in said
    assert [name for name in files_in(place / "out") if name.endswith(".part")] == []
    goes_on(place, out, runs)


def test_a_read_only_folder_at_any_level_ends_the_sweep_in_one_line(
    fresh, runs, reference, sweep_with
):
    out, _ = reference
    (key,) = (row["run"] for row in index(out) if row["state"] == "2")
    for level in (".", "out", "out/runs", f"out/runs/{key}", "out/index.csv", "out/sweep.json"):
        place = fresh(out)
        (place / f"out/runs/{key}/run.json").unlink()
        before = {name: (place / "out" / name).read_bytes() for name in files_in(place / "out")}
        ended, said = sweep_with(place, "read-only", below=level)
        if level in ("out/index.csv", "out/sweep.json"):  # a file is replaced, whatever its mode
            assert ended == 0
        else:
            assert ended in (1, 2)
            assert "Read-only file system" in said
            assert "Traceback" not in said
            after = {name: (place / "out" / name).read_bytes() for name in files_in(place / "out")}
            assert after == before
        goes_on(place, out, runs)


def test_a_new_folder_that_cannot_be_made_is_refused(fresh, runs, reference, sweep_with):
    place = fresh()
    ended, said = sweep_with(place, "read-only", below=".")
    assert ended == 2
    assert "--out" in said
    assert not (place / "out").exists()
    goes_on(place, reference[0], runs)
