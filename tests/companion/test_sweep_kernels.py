"""python -m convreg sweep with kernels: what one run costs the others, being stopped, Dask."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import psutil
import pytest
from sweeps import by_state, index, logged, swept, without_seconds
from tiny import as_at_a_terminal, files_in, wait_until

from convreg.companion.grid import settings
from convreg.companion.index import read_index
from convreg.companion.kernels import LAUNCHER
from convreg.companion.notebooks import Notebook, find_notebook
from convreg.companion.sweep import sweep

pytestmark = pytest.mark.kernel
COMMAND = [sys.executable, "-m", "convreg", "sweep", "tiny.ipynb", "--out", "out", "--grid"]


def test_a_failing_run_and_a_killed_kernel_cost_only_themselves(broken_locally):
    folder, ended = broken_locally
    assert ended == 1
    ways = {1: "complete", 2: "complete", 3: "failed", 4: "failed"}
    assert by_state(folder / "out") == ways
    assert logged(folder) == {1: 1, 2: 1, 3: 1, 4: 1}
    rows = {row["state"]: row for row in index(folder / "out")}
    assert rows["3"]["error"] == "ValueError: state: 3, no"
    assert rows["4"]["error"].startswith("DeadKernelError")
    for state in "34":
        own = folder / "out/runs" / rows[state]["run"]
        kept = json.loads((own / "run.json").read_text())
        assert kept["error"].startswith('code cell 5, under "The body":')
        assert files_in(own) == ["executed.ipynb", "run.json"]
    own = folder / "out/runs" / rows["1"]["run"]
    assert files_in(own) == ["curve.csv", "executed.ipynb", "run.json", "tiny.json"]
    found = json.loads((own / "tiny.json").read_text())["parameters"]
    assert found == {"alpha": 1.0, "state": 1, "alphas": [1.0, 2.0], "measure": False}


def test_a_process_gives_what_threads_give(place, broken_locally):
    folder, _ = broken_locally
    (place / "broken").write_text("")
    notebook = Notebook.read(place / "tiny.ipynb")
    points = settings(notebook, {"state": [1, 3]})
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        sweep(notebook, points, place / "out", pool, 1, progress=False)
    local = [row for row in without_seconds(folder / "out") if row["state"] in "13"]
    assert without_seconds(place / "out") == local
    assert logged(place) == {1: 1, 3: 1}


def test_a_notebook_of_the_companion_is_swept_and_plain_papermill_gives_the_same(place):
    assert swept("alpha=1,2", "input_size=4", notebook="02") == 0
    rows = index(place / "out")
    assert [row["alpha"] for row in rows] == ["1.0", "2.0"]
    assert float(rows[0]["penalty"]) > float(rows[1]["penalty"])
    assert rows[0]["sigma_max"] == rows[1]["sigma_max"]
    sizes = ["kernel_size", "input_channels", "output_channels", "input_size"]
    assert list(read_index(place / "out/index.csv"))[1:7] == [*sizes, "alpha", "state"]

    values = ["-p", "input_size", "4", "-p", "alpha", "2"]
    places = ["-p", "figure_dir", "plain", "-p", "results_dir", "plain"]
    command = [sys.executable, "-m", "papermill", find_notebook("02"), "plain.ipynb"]
    subprocess.run([*command, *values, *places], check=True, capture_output=True)
    ours = place / "out/runs" / rows[1]["run"]
    plain = files_in(place / "plain")
    assert sorted([*plain, "executed.ipynb", "run.json"]) == files_in(ours)
    assert "02_penalty_and_bounds.json" in plain
    assert "theorem_2_1.png" in plain
    for name in plain:
        assert (place / "plain" / name).read_bytes() == (ours / name).read_bytes()


def is_a_kernel(number):
    """Whether a process is one of ours: neither dead, waiting to be noticed, nor a later one."""
    try:
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and LAUNCHER in process.cmdline()
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_sweep_that_was_stopped_goes_on_where_it_was(sent, place, patience, runs):
    # what is stopped is a process with kernels; it goes on in this one, where `runs` takes note
    def is_halfway():
        """State 1 has ended, 6 and 7 are running, 8 is to come."""
        ended = list(place.glob("out/runs/*/run.json"))
        return len(ended) == 1 and logged(place).total() == 3

    with subprocess.Popen(
        [*COMMAND, "state=1,6,7,8", "--workers", "2"],
        env={**os.environ, "SWEEP_SLEEP": str(2 * patience)},
        stderr=subprocess.DEVNULL,
        preexec_fn=as_at_a_terminal,
    ) as started:
        try:
            wait_until(is_halfway, started, patience)
            started.send_signal(sent)
            assert started.wait(patience) == {signal.SIGKILL: -9, signal.SIGINT: 130}[sent]
        finally:
            started.kill()
    if sent == signal.SIGINT:
        kernels = [int(line.split()[1]) for line in (place / "log").read_text().splitlines()]
        assert not any(map(is_a_kernel, kernels))
    assert by_state(place / "out") == {1: "complete"}
    (place / "out" / ".index.csv.0123abcd.part").write_text("half")
    assert swept("state=1,6,7,8") == 0
    assert by_state(place / "out") == dict.fromkeys([1, 6, 7, 8], "complete")
    assert sorted(parameters["state"] for parameters in runs) == [6, 7, 8]
    assert not [name for name in files_in(place / "out") if name.endswith(".part")]
