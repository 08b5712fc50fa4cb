"""How many CPUs there are for us, and who is no scheduler: in one line, within seconds."""

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import random
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from sweeps import swept

from convreg.companion import executors, reproduce
from convreg.companion.executors import DaskExecutor, ExecutorLost, cpus, executor

# CPUs


@pytest.fixture
def of_eight(monkeypatch):
    """A process that is bound to 8 CPUs, whatever Python this is."""
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)


def written(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


VERSION_2 = "sys/fs/cgroup"
VERSION_1 = "sys/fs/cgroup/cpu"
DEEP = {"proc/self/cgroup": "0::/a/b\n"}
OLD = {"proc/self/cgroup": "9:name=systemd:/x\n3:cpu,cpuacct:/docker/1\n1:cpuset:/\n0::/\n"}


def old_quota(group, quota, period="100000"):
    folder = f"{VERSION_1}{group}"
    return {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": period}


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 8),
        ({"proc/self/cgroup": "nonsense\n"}, 8),
        ({**DEEP}, 8),
        ({**DEEP, f"{VERSION_2}/a/b/cpu.max": "max 100000\n"}, 8),
        ({**DEEP, f"{VERSION_2}/a/b/cpu.max": "300000 100000\n"}, 3),
        ({**DEEP, f"{VERSION_2}/a/b/cpu.max": "250000 100000\n"}, 3),
        ({**DEEP, f"{VERSION_2}/a/b/cpu.max": "1000 100000\n"}, 1),
        ({**DEEP, f"{VERSION_2}/a/b/cpu.max": "6400000 100000\n"}, 8),
        ({**DEEP, f"{VERSION_2}/a/cpu.max": "200000 100000\n"}, 2),
        ({**DEEP, f"{VERSION_2}/cpu.max": "200000 100000\n"}, 2),
        ({**DEEP, f"{VERSION_2}/a/cpu.max": "2 1", f"{VERSION_2}/a/b/cpu.max": "4 1"}, 2),
        ({**DEEP, f"{VERSION_2}/a/b/cpu.max": "nonsense"}, 8),
        ({**DEEP, f"{VERSION_2}/a/b/cpu.max": "1 0"}, 8),
        ({**OLD, **old_quota("/docker/1", "-1")}, 8),
        ({**OLD, **old_quota("/docker/1", "200000\n")}, 2),
        ({**OLD, **old_quota("", "400000\n")}, 4),
    ],
)
def test_the_cpus_are_those_of_the_control_group(files, count, of_eight, tmp_path):
    written(tmp_path, files)
    assert cpus(tmp_path) == count


def test_the_cpus_are_those_that_the_process_is_bound_to():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity here")
    one = min(os.sched_getaffinity(0))
    said = (
        "import os, sys; os.sched_setaffinity(0, [int(sys.argv[1])])\n"
        "from convreg.companion.executors import cpus, executor\n"
        "with executor() as (_, workers): print(cpus(), workers)"
    )
    shown = subprocess.check_output([sys.executable, "-c", said, str(one)], text=True)
    assert shown.split() == ["1", "1"]


def test_every_count_of_workers_is_this_one(monkeypatch, tmp_path):
    monkeypatch.setattr(executors, "cpus", lambda: 3)
    with executor() as (_, workers):
        assert workers == 3
    with executor(workers=5) as (_, workers):
        assert workers == 5
    assert reproduce.WORKERS == min(2, cpus())


# who is no scheduler


def silent(connection):
    connection.recv(1)
    time.sleep(60)


def of_http(connection):
    connection.recv(1)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"<html>" * 200)


def of_random_bytes(connection):
    connection.sendall(random.Random(1).randbytes(5000))
    connection.recv(1)


def of_zeros(connection):
    connection.sendall(bytes(5000))
    connection.recv(1)


def closing(connection):
    connection.close()


@contextlib.contextmanager
def answering(how):
    """A port where each connection is answered so."""

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:  # it is closed
                return
            threading.Thread(target=how, args=[connection], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("how", [silent, of_http, of_random_bytes, of_zeros, closing])
def test_a_port_that_is_no_scheduler_is_refused_in_one_line(
    how, place, runs, monkeypatch, capfd, caplog
):
    monkeypatch.setattr(executors, "ANSWER", 0.5)
    with answering(how) as address:
        assert swept("state=1", more=["--scheduler", address]) == 2
    (said,) = capfd.readouterr().err.splitlines()
    assert f"--scheduler: wanted one with workers, got '{address}'" in said
    assert len(said) < 400
    assert "EiB" not in said
    assert caplog.records == []
    assert logging.root.manager.disable == 0
    assert runs == []
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    "address", ["", "nonsense", "tcp://127.0.0.1", "foo://1", "tls://127.0.0.1:1", "inproc://1"]
)
def test_what_is_no_address_is_refused(address, place, runs, monkeypatch, capfd):
    monkeypatch.setattr(executors, "ANSWER", 0.5)
    assert swept("state=1", more=["--scheduler", address]) == 2
    (said,) = capfd.readouterr().err.splitlines()
    assert f"--scheduler: wanted one with workers, got {address!r}" in said
    assert runs == []


def test_the_caller_may_have_an_event_loop(place, runs, monkeypatch, capfd):
    async def called_as_in_a_notebook():
        return swept("state=1", more=["--scheduler", "tcp://127.0.0.1:1"])

    monkeypatch.setattr(executors, "ANSWER", 0.5)
    with ThreadPoolExecutor(1) as thread:  # in this one a browser of another test may have a loop
        assert thread.submit(asyncio.run, called_as_in_a_notebook()).result() == 2
    (said,) = capfd.readouterr().err.splitlines()
    assert "event loop" not in said


# an executor that is lost


class Client:
    """As far as `DaskExecutor` needs one of Dask."""

    status = "running"
    threads = ()
    scheduler = type("Scheduler", (), {"ncores": None})

    def get_executor(self, pure):
        return concurrent.futures.ThreadPoolExecutor(1)

    def sync(self, function, callback_timeout):
        if self.threads is None:
            raise TimeoutError("no answer")
        return dict.fromkeys(self.threads, 1)


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(executors, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.mark.parametrize("gone", [(), None], ids=["no workers", "no answer"])
def test_workers_are_waited_for_so_long(gone, clock):
    client = Client()
    client.threads = ["tcp://worker"]
    watched = DaskExecutor(client)
    clock[0] += 1000
    watched.check()
    client.threads = gone
    clock[0] += 1000  # nobody has looked for so long
    watched.check()
    clock[0] += executors.PATIENCE - 1
    watched.check()
    client.threads = ["tcp://worker"]
    watched.check()
    client.threads = gone
    watched.check()
    clock[0] += executors.PATIENCE + 1
    with pytest.raises(ExecutorLost, match="no worker of Dask for 60 s: what is complete stays"):
        watched.check()


def test_a_scheduler_that_has_ended_is_noticed():
    client = Client()
    watched = DaskExecutor(client)
    client.status = "closed"
    with pytest.raises(ExecutorLost, match="Dask has ended: what is complete stays"):
        watched.check()
    watched.pool.shutdown()
    with pytest.raises(ExecutorLost, match="Dask has ended: what is complete stays"):
        watched.submit(print)


def test_what_cannot_be_handed_over_is_said_as_it_is():
    watched = DaskExecutor(Client())
    watched.pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        watched.submit(print)
