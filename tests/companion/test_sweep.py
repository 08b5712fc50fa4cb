"""python -m convreg sweep: every setting run once, whatever happens to one of them, and the index of it all."""

import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import Executor, ProcessPoolExecutor

import distributed
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import psutil
import pytest
from tiny import as_at_a_terminal, files_in, tiny_notebook

import convreg.companion.sweep
from convreg.__main__ import main
from convreg.companion.executors import executor
from convreg.companion.runs import Run, one_blas_thread
from convreg.companion.sweep import index_of, read_grid, read_index, settings, sweep
from convreg.plots.sweep import sweep_figure
from convreg.storage.tables import read_table

BODY = """with open(os.environ["SWEEP_LOG"], "a") as log:
    log.write(f"{state} {os.getpid()}\\n")
broken = Path(os.environ["SWEEP_LOG"]).with_name("broken").exists()
if state == 3 and broken:
    raise ValueError(f"state: {state}, no")
if state == 4 and broken:
    os.kill(os.getpid(), 9)
if state == 5 and broken:
    os.kill(os.getppid(), 9)
time.sleep(float(os.environ.get("SWEEP_SLEEP", "0")) * (state > 5))"""
CLIENT = distributed.Client


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the notebook, and a log to which every run appends its state."""
    monkeypatch.setenv("SWEEP_LOG", str(tmp_path / "log"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))  # where killed processes leave their folders
    monkeypatch.chdir(tmp_path)
    tiny_notebook(tmp_path, BODY)
    return tmp_path


@pytest.fixture
def runs(monkeypatch):
    """Instead of kernels: what was run, the parameters of each; `fail` and `during` decide what happens."""

    class Runs(list):
        fail, during = (), staticmethod(lambda parameters: None)

        def execute(self, source, parameters):
            self.append(parameters)
            self.during(parameters)
            if parameters["state"] in self.fail:
                return Run(b"executed", {"x.csv": b""}, {}, 0.2, "code cell 5\nValueError: no")
            found = json.dumps({"headline": {"twice": 2 * parameters["alpha"], "sum": parameters["state"]}})
            return Run(b"executed", {"x.csv": b"x"}, {"tiny.json": found.encode()}, 0.1, "")

    pretended = Runs()
    monkeypatch.setattr(convreg.companion.sweep, "execute", pretended.execute)
    return pretended


def status(*grid, out="out", notebook="tiny.ipynb", more=()):
    return main(["sweep", str(notebook), "--grid", *grid, "--out", str(out), *more])


def index(out):
    with open(out / "index.csv", newline="") as file:
        return list(csv.DictReader(file))


def by_state(out):
    rows = index(out)
    assert len(rows) == len({row["run"] for row in rows}) == len(list(out.glob("runs/*")))
    return {int(row["state"]): row["status"] for row in rows}


def without_seconds(out):
    return [{name: cell for name, cell in row.items() if name != "seconds"} for row in index(out)]


def logged(folder):
    return Counter(int(line.split()[0]) for line in (folder / "log").read_text().splitlines())


def wait_until(true, process):
    for _ in range(300):
        if true():
            return
        assert process.poll() is None
        time.sleep(0.1)
    raise AssertionError("waited for 30 s")


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
    assert read_grid(place / "tiny.ipynb", texts) == grid


@pytest.mark.parametrize(
    ("grid", "messages"),
    [
        (["alpha"], ["wanted name=value,value, each name once, got 'alpha'"]),
        (["alpha="], ["wanted name=value,value"]),
        (["=1"], ["no parameter of this notebook"]),
        (["alpha=1", "alpha=2"], ["each name once, got 'alpha=2'"]),
        (["alhpa=1"], ["alhpa: no parameter of this notebook (did you mean alpha?)"]),
        (["figure_dir=a"], ["figure_dir: no parameter of this notebook, wanted one of alpha, state, alphas, measure\n"]),
        (["results_dir=a"], ["results_dir: no parameter of this notebook"]),
        (["alpha=1,fast"], ["{'alpha': 'fast'}: alpha: wanted a number from 1e-6 to 1e6, got 'fast'"]),
        (["alpha=1,,2"], ["got ''"]),
        (["alpha=1,1"], ["{'alpha': 1}: given twice"]),
        (["alpha=1,1.0"], ["{'alpha': 1.0}: given twice"]),
        (["alpha=NaN,Infinity"], ["got nan", "got inf"]),
        (["state=13,1", "alpha=-1,1"], ["{'state': 13, 'alpha': 1}: state: wanted another than 13", "{'state': 13, 'alpha': -1}: alpha", "{'state': 1, 'alpha': -1}: alpha"]),
        ([f"state={','.join(str(-n) for n in range(1, 20))}"], ["got -1\n", "got -10\n", "... and 9 more"]),
        (["alphas=1,2"], ["alphas: wanted a list", "got 1", "got 2"]),
    ],
)  # fmt: skip
def test_all_bad_settings_are_named_before_anything_is_made(grid, messages, place, runs, capsys):
    before = files_in(place)
    assert status(*grid) == 2
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
        (["--scheduler", "tcp://127.0.0.1:1"], "--scheduler: wanted one with workers, got 'tcp://127.0.0.1:1'"),
    ],
)
def test_bad_options_are_refused_before_anything_is_made(more, message, place, runs, monkeypatch, capsys):
    monkeypatch.setattr(distributed, "Client", lambda address, timeout: CLIENT(address, timeout=0.2))
    assert status("state=1,2", more=more) == 2
    assert message in capsys.readouterr().err
    assert runs == []
    assert not (place / "out").exists()


def test_what_is_no_address_is_refused(place):
    # in a process of its own: a second Client, soon after one that was refused, may wait for ever
    command = [sys.executable, "-m", "convreg", "sweep", "tiny.ipynb", "--grid", "state=1,2", "--out", "out"]
    ended = subprocess.run([*command, "--scheduler", "nonsense"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "--scheduler: wanted one with workers, got 'nonsense'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (place / "out").exists()


@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5"])
def test_workers_are_a_positive_integer(count, capsys):
    with pytest.raises(SystemExit, match="2"):
        status("state=1,2", more=[f"--workers={count}"])
    assert "wanted an integer from 1" in capsys.readouterr().err


def test_without_dask_the_message_says_how_to_get_it(place, runs, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert status("state=1,2", more=["--scheduler", "local"]) == 2
    assert "pip install 'convreg[dask]'" in capsys.readouterr().err
    assert not (place / "out").exists()


def test_a_folder_that_cannot_be_made_is_refused(place, runs, capsys):
    (place / "file").write_text("")
    assert status("state=1,2", out="file/out") == 2
    assert "--out: wanted a folder that can be written to" in capsys.readouterr().err
    assert runs == []


# the index


def test_every_run_has_a_row_with_its_parameters_and_headline(place, runs, capsys):
    runs.fail = [2]
    assert status("alpha=1,0.5", "state=1,2") == 1
    rows = index(place / "out")
    assert list(rows[0]) == [
        "run",
        "alpha",
        "state",
        "alphas",
        "measure",
        "status",
        "seconds",
        "error",
        "twice",
        "sum",
    ]
    assert [list(row.values())[1:] for row in rows] == [
        ["0.5", "1", "[1.0, 2.0]", "False", "complete", "0.1", "", "1.0", "1"],
        ["0.5", "2", "[1.0, 2.0]", "False", "failed", "0.2", "ValueError: no", "", ""],
        ["1.0", "1", "[1.0, 2.0]", "False", "complete", "0.1", "", "2.0", "1"],
        ["1.0", "2", "[1.0, 2.0]", "False", "failed", "0.2", "ValueError: no", "", ""],
    ]
    for row in rows:
        kept = json.loads((place / "out/runs" / row["run"] / "run.json").read_text())
        assert (kept["status"], kept["parameters"]["state"]) == (row["status"], int(row["state"]))
        assert kept["error"] == ("code cell 5\nValueError: no" if row["status"] == "failed" else "")
        others = ["tiny.json", "x.csv"] if row["status"] == "complete" else []
        assert files_in(place / "out/runs" / row["run"]) == ["executed.ipynb", "run.json", *others]
    shown = capsys.readouterr()
    assert "2 complete, 2 failed" in shown.out
    assert shown.err.count("code cell 5\nValueError: no") == 2


def test_the_index_does_not_depend_on_the_order_in_which_runs_end(place, runs):
    notebook, rows = place / "tiny.ipynb", {}
    points = settings(notebook, read_grid(notebook, ["state=3,1,2"]))
    for number, order in enumerate([points, points[::-1], points[1:] + points[:1]]):
        with executor(None, 1) as (pool, _):
            rows[number] = sweep(notebook, order, place / str(number), pool, 1, progress=False)
    indices = {(place / str(number) / "index.csv").read_bytes() for number in rows}
    assert len(indices) == 1
    assert [row["state"] for row in index(place / "0")] == ["1", "2", "3"]
    assert [row["parameters"]["state"] for row in rows[0]] == [3, 1, 2]


def test_rows_without_any_results_are_an_index_too():
    row = {
        "run": "a",
        "status": "failed",
        "seconds": None,
        "error": "E: x\ny",
        "parameters": {"alpha": 1.0},
        "headline": {},
    }
    assert index_of([row]) == b"run,alpha,status,seconds,error\na,1.0,failed,,y\n"
    assert index_of([]) == b"run,status,seconds,error\n"


def test_no_more_runs_than_workers_are_handed_over_at_once(place, runs):
    class Counting(Executor):
        futures, most = (), 0

        def submit(self, function, *arguments):
            future = pool.submit(function, *arguments)
            self.futures = [*(one for one in self.futures if not one.done()), future]
            self.most = max(self.most, len(self.futures))
            return future

    runs.during, counting = lambda parameters: time.sleep(0.02), Counting()
    notebook = place / "tiny.ipynb"
    with executor(None, 5) as (pool, _):
        sweep(notebook, settings(notebook, {"state": range(1, 8)}), place / "out", counting, 2, progress=False)
    assert counting.most == 2
    assert len(runs) == 7


def test_runs_side_by_side_have_one_blas_thread_each(place, runs, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    threads = []
    runs.during = lambda parameters: threads.append(os.environ["OPENBLAS_NUM_THREADS"])
    assert status("state=1,2") == 0
    assert threads == ["1", "1"]
    assert os.environ["OPENBLAS_NUM_THREADS"] == "8"


def test_names_of_runs_that_look_like_numbers_are_names(tmp_path):
    row = {"status": "complete", "seconds": 1.0, "error": "", "headline": {"x": 2}}
    found = [
        row | {"run": run, "parameters": {"alpha": alpha}}
        for run, alpha in (("000000000123", 1.0), ("12345678e123", 2.0))
    ]
    (tmp_path / "index.csv").write_bytes(index_of(found))
    table = read_index(tmp_path / "index.csv")
    assert table["run"].tolist() == ["000000000123", "12345678e123"]
    assert (table["alpha"].tolist(), table["x"].tolist()) == ([1, 2], [2, 2])


# resuming


def test_the_same_grid_again_runs_nothing(place, runs):
    assert status("state=1,2", "alpha=1,2") == 0
    first = (place / "out/index.csv").read_bytes()
    assert len(runs) == 4
    assert status("alpha=2,1.0", "state=2,1") == 0
    assert len(runs) == 4
    assert (place / "out/index.csv").read_bytes() == first


def test_a_failed_setting_is_tried_again_and_no_other(place, runs):
    runs.fail = [2]
    assert status("state=1,2,3") == 1
    assert by_state(place / "out") == {1: "complete", 2: "failed", 3: "complete"}
    runs.fail = []
    runs.clear()
    assert status("state=1,2,3") == 0
    assert [parameters["state"] for parameters in runs] == [2]
    assert by_state(place / "out") == {1: "complete", 2: "complete", 3: "complete"}


def test_a_larger_grid_adds_rows_only(place, runs):
    assert status("state=1,2") == 0
    before = index(place / "out")
    runs.clear()
    assert status("state=1,2,3", "alpha=1,2") == 0
    assert len(runs) == 4
    after = index(place / "out")
    assert len(after) == 6
    assert all(row in after for row in before)


def test_what_failed_outside_of_this_grid_does_not_count(place, runs, capsys):
    runs.fail = [2]
    assert status("state=1,2") == 1
    capsys.readouterr()
    assert status("state=1,3") == 0
    shown = capsys.readouterr()
    assert "2 complete, 0 failed" in shown.out
    assert "ValueError: no" not in shown.err
    assert by_state(place / "out") == {1: "complete", 2: "failed", 3: "complete"}


def test_what_a_killed_sweep_left_beside_its_files_is_removed(place, runs):
    for part in (place / "out/.index.csv.77.part", place / "out/runs/abc/.run.json.77.part"):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text("half")
    assert status("state=1,2") == 0
    assert not [name for name in files_in(place / "out") if name.endswith(".part")]


def test_a_second_sweep_in_the_same_folder_is_refused(place, runs, capsys):
    seconds = []

    def during(parameters):
        runs.during = lambda parameters: None
        seconds.append(status("state=1,2"))

    runs.during = during
    assert status("state=1,2") == 0
    assert seconds == [2]
    assert "--out: wanted a folder that no other sweep is writing to" in capsys.readouterr().err
    assert len(runs) == 2


def test_a_folder_of_another_notebook_or_of_other_code_is_refused(place, runs, capsys):
    assert status("state=1,2") == 0
    before = {name: (place / "out" / name).read_bytes() for name in files_in(place / "out")}
    runs.clear()
    tiny_notebook(place, BODY, name="other")
    assert status("state=3,4", notebook="other.ipynb") == 2
    assert "got one of tiny" in capsys.readouterr().err
    tiny_notebook(place, f"{BODY}\nprint(1)")
    assert status("state=3,4") == 2
    assert "got one of an earlier version" in capsys.readouterr().err
    assert runs == []
    assert {name: (place / "out" / name).read_bytes() for name in files_in(place / "out")} == before
    path = tiny_notebook(place, BODY)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += ", said in other words"
    nbformat.write(notebook, path)
    assert status("state=1,2") == 0


def test_a_full_disk_exits_1_and_leaves_no_run_half_written(place, runs, monkeypatch, capsys):
    write = convreg.companion.sweep.write_whole

    def full(contents):
        if any(path.name == "run.json" for path in contents):
            raise OSError(28, "No space left on device")
        write(contents)

    monkeypatch.setattr(convreg.companion.sweep, "write_whole", full)
    assert status("state=1,2") == 1
    assert "No space left" in capsys.readouterr().err
    assert not list((place / "out").glob("runs/*"))


# the picture


def numbers(out):
    table = read_table(out / "sweep.csv")
    return {
        (row["x"], row["panel"], row["line"], row["result"]): row["value"]
        for row in (
            dict(zip(table, values, strict=True))
            for values in zip(*(column.tolist() for column in table.values()), strict=True)
        )
    }


@pytest.mark.parametrize(
    ("grid", "more", "across", "panels", "lines"),
    [
        (["state=1,2,3"], [], "state", {""}, {""}),
        (["state=1"], [], "state", {""}, {""}),
        (["alpha=0.1,1,10", "state=1,2"], [], "alpha", {"state = 1", "state = 2"}, {""}),
        (["alpha=1,2", "state=1,2"], ["--picture", "state"], "state", {""}, {"alpha = 1.0", "alpha = 2.0"}),
        (["alpha=1,2", "state=1,2", "measure=true,false"], [], "alpha", {"state = 1", "state = 2"}, {"measure = True", "measure = False"}),
        (["alphas=[1,2],[3]", "state=1,2"], [], "alphas", {"state = 1", "state = 2"}, {""}),
    ],
    ids=["one", "single", "two", "lines", "three", "lists"],
)  # fmt: skip
def test_the_picture_shows_the_headline_numbers_over_the_chosen_parameters(
    grid, more, across, panels, lines, place, runs
):
    assert status(*grid, more=more) == 0
    out = place / "out"
    assert {"sweep.csv", "sweep.pdf", "sweep.png"} <= set(files_in(out))
    plotted, rows = numbers(out), index(out)
    assert len(plotted) == 2 * len(rows)
    assert set(read_table(out / "sweep.csv")["across"].tolist()) == {across}
    assert {panel for _, panel, _, _ in plotted} == panels
    assert {line for _, _, line, _ in plotted} == lines
    for row in rows:
        x = row[across] if across == "alphas" else float(row[across])
        (panel,) = (
            panel for panel in panels if not panel or row[panel.partition(" = ")[0]] == panel.partition(" = ")[2]
        )
        (line,) = (line for line in lines if not line or row[line.partition(" = ")[0]] == line.partition(" = ")[2])
        assert plotted[x, panel, line, "twice"] == float(row["twice"])
        assert plotted[x, panel, line, "sum"] == float(row["sum"])
    assert np.ptp(plt.imread(out / "sweep.png")[:, :, :3]) > 0.5


def test_the_picture_is_of_the_complete_runs_of_this_grid(place, runs):
    assert status("state=1,2,3") == 0
    runs.fail = [5]
    assert status("state=2,4,5") == 1
    assert {x for x, *_ in numbers(place / "out")} == {2, 4}
    assert len(index(place / "out")) == 5


def test_without_a_complete_run_there_is_no_picture(place, runs, capsys):
    runs.fail = [1, 2]
    assert status("state=1,2") == 1
    assert "0 complete, 2 failed" in capsys.readouterr().out
    assert not (place / "out/sweep.png").exists()


def test_without_headline_numbers_there_is_no_picture(place, monkeypatch, capsys):
    monkeypatch.setattr(convreg.companion.sweep, "execute", lambda *_: Run(b"executed", {}, {}, 0.1, ""))
    assert status("state=1,2") == 0
    assert "2 complete, 0 failed" in capsys.readouterr().out
    assert not (place / "out/sweep.png").exists()


@pytest.mark.parametrize("headline", [{"x": None}, {"x": "inf"}, {"x": 0, "y": -1.5}, {"x": 1e-300}])
def test_the_picture_copes_with_any_headline(headline, place, monkeypatch):
    found = {"tiny.json": json.dumps({"headline": headline}).encode()}
    monkeypatch.setattr(convreg.companion.sweep, "execute", lambda *_: Run(b"executed", {}, found, 0.1, ""))
    assert status("alpha=1,2,3") == 0
    assert (place / "out/sweep.png").exists()
    assert {x for x, *_ in numbers(place / "out")} == {1, 2, 3}


def drawn(*rows):
    """The axes of a picture, from the x, panel, line and value of each run."""
    names = ("x", "panel", "line", "value")
    table = {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return sweep_figure(
        table | {"across": np.array(["a"] * len(rows)), "result": np.array(["y"] * len(rows))}
    ).axes


def test_a_value_that_is_missing_in_a_panel_keeps_its_place():
    left, right = drawn(("[2.0]", "p", "", 1.0), ("[10.0]", "p", "", 2.0), ("[10.0]", "q", "", 3.0))
    assert [text.get_text() for text in left.get_xticklabels()] == ["[2.0]", "[10.0]"]
    assert left.lines[0].get_xydata().tolist() == [[0, 1], [1, 2]]
    assert right.lines[0].get_xydata().tolist() == [[1, 3]]


def test_a_line_has_the_same_style_and_label_in_every_panel():
    left, right = drawn((1, "p", "b = 1", 1.0), (1, "p", "b = 2", 2.0), (1, "q", "b = 2", 3.0))
    assert (
        [line.get_label() for line in right.lines]
        == ["b = 1", "b = 2"]
        == [text.get_text() for text in right.get_legend().texts]
    )
    assert left.lines[1].get_color() == right.lines[1].get_color() != left.lines[0].get_color()
    assert right.lines[1].get_xydata().tolist() == [[1, 3]]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 100, 3], "log"),
        ([1, 100, -1], "linear"),
        ([1, 100, 0], "linear"),
        ([1, 20, 3], "linear"),
        ([1, 100, np.nan], "log"),
    ],
)
def test_panels_beside_one_another_have_one_scale_that_shows_every_value(values, scale):
    axes = drawn((1, "p", "", values[0]), (2, "p", "", values[1]), (1, "q", "", values[2]))
    assert [ax.get_yscale() for ax in axes] == [scale, scale]


# real kernels


@pytest.fixture(scope="module")
def broken_locally(tmp_path_factory):
    """A sweep with a setting that fails and one that kills its kernel: its folder, and the exit status."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "broken").write_text("")
    path = tiny_notebook(folder, BODY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_LOG", str(folder / "log"))
        return folder, status("state=1,2,3,4", notebook=path, out=folder / "out")


def test_a_failing_run_and_a_killed_kernel_cost_only_themselves(broken_locally):
    folder, ended = broken_locally
    assert ended == 1
    assert by_state(folder / "out") == {1: "complete", 2: "complete", 3: "failed", 4: "failed"}
    assert logged(folder) == {1: 1, 2: 1, 3: 1, 4: 1}
    rows = {row["state"]: row for row in index(folder / "out")}
    assert rows["3"]["error"] == "ValueError: state: 3, no"
    assert rows["4"]["error"].startswith("DeadKernelError")
    for state in "34":
        kept = json.loads((folder / "out/runs" / rows[state]["run"] / "run.json").read_text())
        assert kept["error"].startswith('code cell 5, under "The body":')
        assert files_in(folder / "out/runs" / rows[state]["run"]) == ["executed.ipynb", "run.json"]
    results = folder / "out/runs" / rows["1"]["run"]
    assert files_in(results) == ["curve.csv", "executed.ipynb", "run.json", "tiny.json"]
    assert json.loads((results / "tiny.json").read_text())["parameters"] == {
        "alpha": 1.0,
        "state": 1,
        "alphas": [1.0, 2.0],
        "measure": False,
    }


def test_processes_give_what_threads_give(place):
    notebook = place / "tiny.ipynb"
    points = settings(notebook, {"state": [1, 2]})
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        sweep(notebook, points, place / "processes", pool, 2, progress=False)
    with executor(None, 2) as (pool, _):
        sweep(notebook, points, place / "threads", pool, 2, progress=False)
    assert without_seconds(place / "processes") == without_seconds(place / "threads")
    assert logged(place) == {1: 2, 2: 2}


def test_a_notebook_of_the_companion_can_be_swept(place):
    assert status("alpha=1,2", "input_size=4", notebook="02") == 0
    rows = index(place / "out")
    assert [row["alpha"] for row in rows] == ["1.0", "2.0"]
    assert float(rows[0]["penalty"]) > float(rows[1]["penalty"])
    assert rows[0]["sigma_max"] == rows[1]["sigma_max"]
    assert {"theorem_2_1.png", "02_penalty_and_bounds.json"} <= set(files_in(place / "out/runs" / rows[0]["run"]))
    assert list(read_index(place / "out/index.csv"))[1:7] == [
        "kernel_size",
        "input_channels",
        "output_channels",
        "input_size",
        "alpha",
        "state",
    ]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_sweep_that_was_stopped_goes_on_where_it_was(sent, place):
    command = [
        sys.executable,
        "-m",
        "convreg",
        "sweep",
        "tiny.ipynb",
        "--grid",
        "state=1,2,6,7,8",
        "--out",
        "out",
        "--workers",
        "2",
    ]
    with subprocess.Popen(
        command,
        env={**os.environ, "SWEEP_SLEEP": "60"},
        stderr=subprocess.DEVNULL,
        preexec_fn=as_at_a_terminal,
    ) as started:
        wait_until(
            lambda: len(list(place.glob("out/runs/*/run.json"))) == 2 and logged(place).total() == 4, started
        )
        started.send_signal(sent)
        assert started.wait(20) == {signal.SIGKILL: -9, signal.SIGINT: 130}[sent]
    kernels = [int(line.split()[1]) for line in (place / "log").read_text().splitlines()]
    if sent == signal.SIGINT:
        assert not any(map(psutil.pid_exists, kernels))
    assert by_state(place / "out") == {1: "complete", 2: "complete"}
    (place / "out" / ".index.csv.1.part").write_text("half")
    (place / "log").write_text("")
    assert status("state=1,2,6,7,8") == 0
    assert by_state(place / "out") == dict.fromkeys([1, 2, 6, 7, 8], "complete")
    assert logged(place) == {6: 1, 7: 1, 8: 1}
    assert not [name for name in files_in(place / "out") if name.endswith(".part")]


# Dask


@pytest.fixture
def cluster(place):
    """Of two workers, a process each, that know the log."""
    with (
        one_blas_thread(),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as started,
    ):
        yield started.scheduler_address


def test_dask_gives_what_this_machine_gives(place, cluster, broken_locally):
    folder, _ = broken_locally
    (place / "broken").write_text("")
    assert status("state=1,2,3,4", more=["--scheduler", cluster]) == 1
    assert logged(place) == dict.fromkeys([1, 2, 3, 4], 1)
    assert without_seconds(place / "out") == without_seconds(folder / "out")
    assert files_in(place / "out/runs") == files_in(folder / "out/runs")


def test_a_killed_worker_costs_only_its_own_run(place):
    (place / "broken").write_text("")
    assert status("state=1,5,6,7", more=["--scheduler", "local", "--workers", "2"]) == 1
    lost = [row for row in index(place / "out") if row["status"] == "failed"]
    assert "5" in {row["state"] for row in lost}
    assert all("KilledWorker" in row["error"] for row in lost)
    assert len(lost) <= 2  # at most one more waited at that worker
    assert logged(place) == dict.fromkeys(
        [int(row["state"]) for row in index(place / "out") if row["status"] == "complete"] + [5], 1
    )
    (place / "broken").unlink()
    assert status("state=1,5,6,7") == 0
    assert by_state(place / "out") == dict.fromkeys([1, 5, 6, 7], "complete")
    assert logged(place) == {1: 1, 5: 2, 6: 1, 7: 1}
