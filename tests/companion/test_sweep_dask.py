"""python -m convreg sweep with Dask: its workers give what this machine gives, and may go."""

import json
import os
import subprocess
import sys

import distributed
import pytest
from sweeps import PretendedRuns, by_state, index, logged, swept, without_seconds
from tiny import files_in, wait_until

import convreg.companion.sweep
from convreg.companion import executors
from convreg.companion.kernels import one_blas_thread

pytestmark = pytest.mark.kernel


@pytest.fixture
def cluster(place):
    """Of two workers, a process each, that know the log."""
    port = "127.0.0.1:0"
    with (
        one_blas_thread(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=port
        ) as started,
    ):
        yield started.scheduler_address


def test_dask_gives_what_this_machine_gives(place, cluster, broken_locally):
    folder, _ = broken_locally
    (place / "broken").write_text("")
    assert swept("state=1,2,3,4", more=["--scheduler", cluster]) == 1
    assert logged(place) == dict.fromkeys([1, 2, 3, 4], 1)
    assert without_seconds(place / "out") == without_seconds(folder / "out")
    assert files_in(place / "out/runs") == files_in(folder / "out/runs")


def test_a_killed_worker_costs_only_its_own_run(place, monkeypatch):
    (place / "broken").write_text("")
    assert swept("state=1,5,6,7", more=["--scheduler", "local", "--workers", "2"]) == 1
    rows = index(place / "out")
    lost = [row for row in rows if row["status"] == "failed"]
    assert "5" in {row["state"] for row in lost}
    assert all("KilledWorker" in row["error"] for row in lost)
    assert len(lost) <= 2  # at most one more waited at that worker
    complete = [int(row["state"]) for row in rows if row["status"] == "complete"]
    assert logged(place) == dict.fromkeys([*complete, 5], 1)
    again = PretendedRuns()
    monkeypatch.setattr(convreg.companion.sweep, "execute", again.execute)
    assert swept("state=1,5,6,7") == 0
    assert by_state(place / "out") == dict.fromkeys([1, 5, 6, 7], "complete")
    assert {str(parameters["state"]) for parameters in again} == {row["state"] for row in lost}


# a cluster that goes

SWEEP = """import sys
from convreg.companion import executors
from convreg.companion.commands import main

check = executors.DaskExecutor.check


def soon(self):
    executors.PATIENCE = 3  # once all is there
    check(self)


executors.ANSWER = 900
executors.DaskExecutor.check = soon
sys.exit(main())
"""


@pytest.fixture
def parts(place, patience):
    """A scheduler, two workers and a sweep, each a process: state 1 has ended, 6 and 7 run."""
    environment = {**os.environ, "SWEEP_SLEEP": str(4 * patience)}
    started = []

    def start(*command, **options):
        started.append(subprocess.Popen([sys.executable, *command], env=environment, **options))
        return started[-1]

    def halfway():
        ended = list(place.glob("out/runs/*/run.json"))
        return len(ended) == 1 and logged(place).total() == 3

    dask = ["--no-dashboard", "--scheduler-file", "cluster.json"]
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    try:
        scheduler = start("-m", "distributed.cli.dask_scheduler", "--port", "0", *dask, **quiet)
        wait_until((place / "cluster.json").exists, scheduler, patience)
        worker = ["-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *dask]
        workers = [start(*worker, **quiet) for _ in range(2)]
        address = json.loads((place / "cluster.json").read_text())["address"]
        with distributed.Client(address) as client:
            client.wait_for_workers(2, timeout=patience)
        given = ["sweep", "tiny.ipynb", "--out", "out", "--grid", "state=1,6,7,8"]
        command = ["-c", SWEEP, *given, "--scheduler", address]
        sweep = start(*command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        wait_until(halfway, sweep, patience)
        yield scheduler, workers, sweep
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.parametrize("gone", ["the scheduler", "the workers"])
def test_a_cluster_that_goes_is_said_in_one_line_and_no_run_has_failed(
    gone, place, parts, patience, runs
):
    scheduler, workers, sweep = parts
    for process in [scheduler] if gone == "the scheduler" else workers:
        process.kill()
    _, said = sweep.communicate(timeout=patience)
    assert sweep.returncode == 1
    (line,) = said.splitlines()
    assert line.endswith("what is complete stays, and the same command goes on")
    assert by_state(place / "out") == {1: "complete"}
    assert swept("state=1,6,7,8") == 0
    assert sorted(parameters["state"] for parameters in runs) == [6, 7, 8]


def test_workers_without_what_a_run_needs_are_refused(place, monkeypatch, capfd):
    monkeypatch.setattr(executors, "NEEDED", "import no_such_module")
    assert swept("state=1", more=["--scheduler", "local", "--workers", "1"]) == 2
    assert "(No module named 'no_such_module')" in capfd.readouterr().err
    assert not (place / "out").exists()
