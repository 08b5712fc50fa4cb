"""python -m convreg sweep without kernels: the grid, the index, and what is run again."""

import json
import os
import sys
import threading
from concurrent.futures import BrokenExecutor, Executor, Future

import pytest
from sweeps import BODY, by_state, index, swept
from tiny import changed, files_in, tiny_notebook

import convreg.companion.sweep
from convreg.companion import commands, executors
from convreg.companion.executors import executor
from convreg.companion.grid import read_grid, settings
from convreg.companion.index import index_of, read_index
from convreg.companion.kernels import environment
from convreg.companion.notebooks import Notebook
from convreg.companion.sweep import sweep

ENDED = ["schema", "run", "status", "seconds", "error"]
FIELDS = [*ENDED, "parameters", "headline", "files", "code_sha256"]


@pytest.fixture(autouse=True)
def _no_picture(monkeypatch):
    """It takes longer than all else, and has tests of its own."""
    monkeypatch.setattr(commands, "draw", lambda out, *_: out / "sweep.png")


# the grid


@pytest.mark.parametrize(
    ("texts", "grid"),
    [
        (["alpha=0.1,1,5", "state=3"], {"alpha": [0.1, 1, 5], "state": [3]}),
        (["alpha=1e-3,5E2"], {"alpha": [0.001, 500.0]}),
        (["measure=true,False"], {"measure": [True, False]}),
        (["alphas=[0.1,1],[5]"], {"alphas": [[0.1, 1], [5]]}),
        (["alpha= 1 , 2 "], {"alpha": [1, 2]}),
        (["state=2,1"], {"state": [2, 1]}),
    ],
)
def test_a_grid_is_read_as_the_parameters_types(texts, grid, place):
    assert read_grid(Notebook.read(place / "tiny.ipynb"), texts) == grid


@pytest.mark.parametrize(
    ("grid", "messages"),
    [
        (["alpha"], ["wanted name=value,value, each name once, got 'alpha'"]),
        (["alpha="], ["wanted name=value,value"]),
        (["=1"], ["no parameter of this notebook"]),
        (["alpha=1", "alpha=2"], ["each name once, got 'alpha=2'"]),
        (["alhpa=1"], ["alhpa: no parameter of this notebook (did you mean alpha?)"]),
        (["figure_dir=a"], ["figure_dir: no parameter", "one of alpha, state, alphas, measure\n"]),
        (["results_dir=a"], ["results_dir: no parameter of this notebook"]),
        (
            ["alpha=1,fast"],
            ["{'alpha': 'fast'}: alpha: wanted a number from 1e-6 to 1e6, got 'fast'"],
        ),
        (["alpha=1,,2"], ["got ''"]),
        (["alpha=1,1"], ["{'alpha': 1}: given twice"]),
        (["alpha=1,1.0"], ["{'alpha': 1.0}: given twice"]),
        (["alpha=NaN,Infinity"], ["got nan", "got inf"]),
        (
            ["state=13,1", "alpha=-1,1"],
            [
                "{'state': 13, 'alpha': 1}: state: wanted another than 13",
                "{'state': 13, 'alpha': -1}: alpha",
                "{'state': 1, 'alpha': -1}: alpha",
            ],
        ),
        (
            [f"state={','.join(str(-n) for n in range(1, 20))}"],
            ["got -1\n", "got -10\n", "... and 9 more"],
        ),
        (["alphas=1,2"], ["alphas: wanted a list", "got 1", "got 2"]),
    ],
)
def test_all_bad_settings_are_named_before_anything_is_made(grid, messages, place, runs, capsys):
    before = files_in(place)
    assert swept(*grid) == 2
    shown = capsys.readouterr().err
    assert all(message in shown for message in messages)
    assert "Traceback" not in shown
    assert runs == []
    assert not (place / "out").exists()
    assert files_in(place) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--picture", "state", "speed"], "--picture: wanted one or two of state, got state speed"),
        (["--picture", "alpha"], "--picture: wanted one or two of state, got alpha"),
        (
            ["--scheduler", "tcp://127.0.0.1:1"],
            "--scheduler: wanted one with workers, got 'tcp://127.0.0.1:1'",
        ),
    ],
)
def test_bad_options_are_refused_before_anything_is_made(
    more, message, place, runs, monkeypatch, capsys
):
    monkeypatch.setattr(executors, "ANSWER", 0.2)
    assert swept("state=1,2", more=more) == 2
    assert message in capsys.readouterr().err
    assert runs == []
    assert not (place / "out").exists()


@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5"])
def test_workers_are_a_positive_integer(count, capsys):
    assert swept("state=1,2", more=[f"--workers={count}"]) == 2
    assert "wanted an integer from 1" in capsys.readouterr().err


def test_without_dask_the_message_says_how_to_get_it(place, runs, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert swept("state=1,2", more=["--scheduler", "local"]) == 2
    assert "pip install 'convreg[dask]'" in capsys.readouterr().err
    assert not (place / "out").exists()


def test_a_folder_that_cannot_be_made_is_refused(place, runs, capsys):
    (place / "file").write_text("")
    assert swept("state=1,2", out="file/out") == 2
    assert "--out: wanted a folder that can be written to" in capsys.readouterr().err
    assert runs == []


# the index


def test_every_run_has_a_row_with_its_parameters_and_headline(place, runs, capsys):
    runs.fail = [2]
    assert swept("alpha=1,0.5", "state=1,2") == 1
    rows = index(place / "out")
    parameters = ["run", "alpha", "state", "alphas", "measure"]
    assert list(rows[0]) == [*parameters, "status", "seconds", "error", "twice", "sum"]
    assert [list(row.values())[1:] for row in rows] == [
        ["0.5", "1", "[1.0, 2.0]", "False", "complete", "0.1", "", "1.0", "1"],
        ["0.5", "2", "[1.0, 2.0]", "False", "failed", "0.2", "ValueError: no", "", ""],
        ["1.0", "1", "[1.0, 2.0]", "False", "complete", "0.1", "", "2.0", "1"],
        ["1.0", "2", "[1.0, 2.0]", "False", "failed", "0.2", "ValueError: no", "", ""],
    ]
    shown = capsys.readouterr()
    assert "2 complete, 2 failed" in shown.out
    assert shown.err.count("code cell 5\nValueError: no") == 2


@pytest.mark.parametrize("fails", [False, True])
def test_the_folder_of_a_run_says_how_it_ended(fails, place, runs):
    runs.fail = [2] if fails else []
    assert swept("state=2") == int(fails)
    (row,) = index(place / "out")
    folder = place / "out/runs" / row["run"]
    kept = json.loads((folder / "run.json").read_text())
    assert list(kept) == FIELDS
    assert (kept["schema"], kept["run"], kept["status"]) == (2, row["run"], row["status"])
    assert kept["parameters"]["state"] == 2
    assert kept["error"] == ("code cell 5\nValueError: no" if fails else "")
    others = [] if fails else ["tiny.json", "x.csv"]
    assert files_in(folder) == ["executed.ipynb", "run.json", *others]
    sizes = {name: (folder / name).stat().st_size for name in ["executed.ipynb", *others]}
    assert kept["files"] == sizes


def test_the_folder_of_a_sweep_says_of_which_notebook_it_is(place, runs):
    assert swept("state=1") == 0
    kept = json.loads((place / "out/sweep.json").read_text())
    assert list(kept) == ["schema", "notebook", "code_sha256"]
    assert (kept["schema"], kept["notebook"]) == (1, "tiny")


def test_the_index_does_not_depend_on_the_order_in_which_runs_end(place, runs):
    notebook, rows = Notebook.read(place / "tiny.ipynb"), {}
    points = settings(notebook, read_grid(notebook, ["state=3,1,2"]))
    for number, order in enumerate([points, points[::-1], points[1:] + points[:1]]):
        with executor(None, 1) as (pool, _):
            rows[number] = sweep(notebook, order, place / str(number), pool, 1, progress=False)
    indices = {(place / str(number) / "index.csv").read_bytes() for number in rows}
    assert len(indices) == 1
    assert [row["state"] for row in index(place / "0")] == ["1", "2", "3"]
    assert [row["parameters"]["state"] for row in rows[0]] == [3, 1, 2]


def test_rows_without_any_results_are_an_index_too():
    ended = {"run": "a", "status": "failed", "seconds": None, "error": "E: x\ny"}
    row = {**ended, "parameters": {"alpha": 1.0}, "headline": {}}
    assert index_of([row]) == b"run,alpha,status,seconds,error\na,1.0,failed,,y\n"
    assert index_of([]) == b"run,status,seconds,error\n"


def test_no_more_runs_than_workers_are_handed_over_at_once(place, runs, patience):
    class Counting(Executor):
        futures = ()
        most = 0

        def submit(self, function, *arguments):
            going_on = [future for future in self.futures if not future.done()]
            future = pool.submit(function, *arguments)
            self.futures = [*going_on, future]
            self.most = max(self.most, len(self.futures))
            if self.most == 2:
                two.set()
            return future

    counting = Counting()
    two = threading.Event()
    runs.during = lambda parameters: two.wait(patience)  # until a second is handed over
    notebook = Notebook.read(place / "tiny.ipynb")
    with executor(None, 5) as (pool, _):
        points = settings(notebook, {"state": range(1, 8)})
        sweep(notebook, points, place / "out", counting, 2, progress=False)
    assert counting.most == 2
    assert len(runs) == 7


@pytest.mark.parametrize("how", ["cancelled", "broken", "refused"])
def test_a_run_that_is_lost_with_its_executor_has_not_failed(how, place, runs):
    class Lost(Executor):
        """It does the first run, and is then gone."""

        handed = 0

        def submit(self, function, *arguments):
            self.handed += 1
            future = Future()
            if self.handed == 2:
                future.set_result(function(*arguments))
            elif how == "cancelled":
                future.cancel()
                future.set_running_or_notify_cancel()
            elif how == "broken":
                future.set_exception(BrokenExecutor("a process ended abruptly"))
            else:
                raise BrokenExecutor("a process ended abruptly")
            return future

    notebook = Notebook.read(place / "tiny.ipynb")
    points = settings(notebook, {"state": [1, 2, 3]})
    with pytest.raises(BrokenExecutor):
        sweep(notebook, points, place / "out", Lost(), 2, progress=False)
    if how == "refused":
        assert runs == []
    else:
        assert by_state(place / "out") == {2: "complete"}
    runs.clear()
    assert swept("state=1,2,3") == 0
    assert [parameters["state"] for parameters in runs] == (
        [1, 2, 3] if how == "refused" else [1, 3]
    )


def test_runs_side_by_side_have_one_blas_thread_each(place, runs, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    threads = []
    name = "OPENBLAS_NUM_THREADS"
    runs.during = lambda parameters: threads.append(environment(os.environ, "")[name])
    assert swept("state=1,2") == 0
    assert threads == ["1", "1"]
    assert environment(os.environ, "")[name] == "8"


def test_names_of_runs_that_look_like_numbers_are_names(tmp_path):
    row = {"status": "complete", "seconds": 1.0, "error": "", "headline": {"x": 2}}
    found = [
        {**row, "run": "000000000123", "parameters": {"alpha": 1.0}},
        {**row, "run": "12345678e123", "parameters": {"alpha": 2.0}},
    ]
    (tmp_path / "index.csv").write_bytes(index_of(found))
    table = read_index(tmp_path / "index.csv")
    assert table["run"].tolist() == ["000000000123", "12345678e123"]
    assert (table["alpha"].tolist(), table["x"].tolist()) == ([1, 2], [2, 2])


# resuming


def test_the_same_grid_again_runs_nothing(place, runs):
    assert swept("state=1,2", "alpha=1,2") == 0
    first = (place / "out/index.csv").read_bytes()
    assert len(runs) == 4
    assert swept("alpha=2,1.0", "state=2,1") == 0
    assert len(runs) == 4
    assert (place / "out/index.csv").read_bytes() == first


def test_a_failed_setting_is_tried_again_and_no_other(place, runs):
    runs.fail = [2]
    assert swept("state=1,2,3") == 1
    assert by_state(place / "out") == {1: "complete", 2: "failed", 3: "complete"}
    runs.fail = []
    runs.clear()
    assert swept("state=1,2,3") == 0
    assert [parameters["state"] for parameters in runs] == [2]
    assert by_state(place / "out") == {1: "complete", 2: "complete", 3: "complete"}


def test_a_larger_grid_adds_rows_only(place, runs):
    assert swept("state=1,2") == 0
    before = index(place / "out")
    runs.clear()
    assert swept("state=1,2,3", "alpha=1,2") == 0
    assert len(runs) == 4
    after = index(place / "out")
    assert len(after) == 6
    assert all(row in after for row in before)


def test_what_failed_outside_of_this_grid_does_not_count(place, runs, capsys):
    runs.fail = [2]
    assert swept("state=1,2") == 1
    capsys.readouterr()
    assert swept("state=1,3") == 0
    shown = capsys.readouterr()
    assert "2 complete, 0 failed" in shown.out
    assert "ValueError: no" not in shown.err
    assert by_state(place / "out") == {1: "complete", 2: "failed", 3: "complete"}


def test_what_a_killed_sweep_left_beside_its_files_is_removed_and_nothing_else(place, runs):
    out, elsewhere = place / "out", place / "elsewhere"
    key, other = "0123456789ab", "fedcba987654"
    ours = [
        ".index.csv.0123abcd.part",
        ".sweep.png.0123abcd.part",
        f"runs/{key}/.x y.0123abcd.part",
    ]
    theirs = [
        ".video.mp4.part",
        ".index.csv.77.part",
        ".notes.txt.0123abcd.part",
        "index.csv.0123abcd.part",
        "mine/.index.csv.0123abcd.part",
        "runs/.index.csv.0123abcd.part",
        "runs/mine/.run.json.0123abcd.part",
        f"runs/{key}/.run.json.0123ABCD.part",
        f"runs/{key}/mine/.run.json.0123abcd.part",
        f"runs/{key}/.folder.0123abcd.part/file",
        ".sweep.json.0123abcd.part/file",
        "../elsewhere/.run.json.0123abcd.part",
    ]
    for name in ours + theirs:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(name)
    (out / f"runs/{other}").symlink_to(elsewhere)
    (out / ".sweep.csv.0123abcd.part").symlink_to(elsewhere / ".run.json.0123abcd.part")
    assert swept("state=1,2") == 0
    assert not [name for name in ours if (out / name).exists()]
    assert [(out / name).read_text() for name in theirs] == theirs
    assert (out / ".sweep.csv.0123abcd.part").is_symlink()


def test_a_second_sweep_in_the_same_folder_is_refused(place, runs, capsys):
    seconds = []

    def during(parameters):
        runs.during = lambda parameters: None
        seconds.append(swept("state=1,2"))

    runs.during = during
    assert swept("state=1,2") == 0
    assert seconds == [2]
    assert "--out: wanted a folder that no other sweep is writing to" in capsys.readouterr().err
    assert len(runs) == 2


def test_a_folder_of_another_notebook_or_of_other_code_is_refused(place, runs, capsys):
    assert swept("state=1,2") == 0
    before = {name: (place / "out" / name).read_bytes() for name in files_in(place / "out")}
    runs.clear()
    tiny_notebook(place, BODY, name="other")
    assert swept("state=3,4", notebook="other.ipynb") == 2
    assert "got one of tiny" in capsys.readouterr().err
    tiny_notebook(place, f"{BODY}\nprint(1)")
    assert swept("state=3,4") == 2
    assert "got one of an earlier version" in capsys.readouterr().err
    assert runs == []
    assert {name: (place / "out" / name).read_bytes() for name in files_in(place / "out")} == before
    path = tiny_notebook(place, BODY)
    changed(path, lambda cells: cells[0].update(source="# A notebook in other words"))
    assert swept("state=1,2") == 0


def test_a_full_disk_exits_1_and_leaves_no_run_half_written(place, runs, monkeypatch, capsys):
    write = convreg.companion.sweep.write_whole

    def full(contents):
        if any(path.name == "run.json" for path in contents):
            raise OSError(28, "No space left on device")
        write(contents)

    monkeypatch.setattr(convreg.companion.sweep, "write_whole", full)
    assert swept("state=1,2") == 1
    assert "No space left" in capsys.readouterr().err
    assert not list((place / "out").glob("runs/*"))
