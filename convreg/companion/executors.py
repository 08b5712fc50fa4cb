"""Where the runs of a sweep go: this machine's processes, or Dask's workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from convreg.companion.endings import kernels_end, threads
from convreg.companion.rules import cut, shown

ANSWER = 10.0  # seconds in which a scheduler answers
PATIENCE = 60.0  # seconds without any worker, after which nothing is waited for any more
NEEDED = "import convreg.companion.runs"  # on every worker
GOES_ON = "what is complete stays, and the same command goes on"


class ExecutorLost(BrokenExecutor):
    """What ran the notebooks is gone; its text is one line that says so."""


def cpus(root: Path = Path("/")) -> int:
    """The CPUs that this process may use: those it is bound to, or its share of their time.

    Parameters
    ----------
    root : Path
        Where /proc and /sys are.
    """
    bound = getattr(os, "process_cpu_count", None)  # from Python 3.13
    if bound is not None:
        count = bound()
    elif hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count()
    return max(1, math.ceil(min(count or 1, _share(root))))


def _share(root: Path) -> float:
    """How many CPUs' time the control groups of this process leave it; infinity without any."""
    shares = [math.inf]
    with contextlib.suppress(OSError, ValueError):  # there are none but on Linux
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, kinds, group = line.split(":", 2)
            if kinds and "cpu" not in kinds.split(","):
                continue
            top = root / "sys/fs/cgroup" / ("cpu" if kinds else "")
            inside = PurePosixPath(group.lstrip("/"))
            # a container may see its own group as the top
            shares += [_quota(top / part) for part in (inside, *inside.parents)]
    return min(shares)


def _quota(group: Path) -> float:
    """The CPUs' time that a control group has, as version 2 writes it or version 1; or infinity."""
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):  # "max" is no number
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text(encoding="utf-8")
            period = (group / "cpu.cfs_period_us").read_text(encoding="utf-8")
        if int(quota) > 0:  # -1: as much as there is
            return int(quota) / int(period)
    return math.inf


@contextlib.contextmanager
def executor(
    scheduler: str | None = None, workers: int | None = None
) -> Iterator[tuple[Executor, int]]:
    """What runs the notebooks, and how many at once.

    Without a scheduler these are threads, which drive kernel processes here; else Dask's workers.

    Parameters
    ----------
    scheduler : str, optional
        Of Dask: its address, or "local" for workers on this machine, a process each.
    workers : int, optional
        Runs at once; else as many as there are CPUs, or threads of Dask's workers.

    Raises
    ------
    ValueError
        Where Dask is not installed, or no scheduler answers.
    """
    if scheduler is None:
        count = workers or cpus()
        with threads(count) as pool:
            yield pool, count
    else:
        with _dask(scheduler, workers) as client:
            yield DaskExecutor(client), workers or sum(client.nthreads().values()) or 1


class DaskExecutor(Executor):
    """Dask's executor, which notices that its scheduler or all of its workers are gone."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.pool = client.get_executor(pure=False)
        self.missed: float | None = None  # since when there has been no worker

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """Hand over a call, as every executor does."""
        self.missed = None
        try:
            return self.pool.submit(function, *given, **named)
        except Exception:
            self._running()
            raise

    def check(self) -> None:
        """Raise ExecutorLost where what was handed over is waited for in vain."""
        self._running()
        threads = {}
        with contextlib.suppress(OSError):  # a timeout is one: it is asked again
            threads = self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER)
        if threads:
            self.missed = None
        elif self.missed is None:
            self.missed = time.monotonic()
        elif time.monotonic() > self.missed + PATIENCE:
            raise ExecutorLost(f"no worker of Dask for {PATIENCE:.0f} s: {GOES_ON}")

    def _running(self) -> None:
        if self.client.status != "running":
            raise ExecutorLost(f"the scheduler of Dask has ended: {GOES_ON}")


@contextlib.contextmanager
def _dask(scheduler: str, workers: int | None) -> Iterator[Any]:
    """A client of Dask."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        wanted = "wanted Dask, got no such package: pip install 'convreg[dask]'"
        raise ValueError(f"--scheduler: {wanted}") from None
    over = threading.Event()
    with contextlib.ExitStack() as stack:
        stack.callback(over.set)
        stack.enter_context(_silence())
        # A run whose worker was lost is not tried again: what kills one worker would kill others.
        once = dask.config.set({"distributed.scheduler.allowed-failures": 0})
        stack.enter_context(once)
        try:
            if scheduler == "local":
                count, port = workers or cpus(), "127.0.0.1:0"  # any that is free
                # what the workers and their kernels write goes with it, also where they were killed
                place = tempfile.TemporaryDirectory(prefix="convreg-", ignore_cleanup_errors=True)
                folder = stack.enter_context(place)
                stack.enter_context(dask.config.set({"temporary-directory": folder}))
                cluster = LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    dashboard_address=port,
                    silence_logs=logging.CRITICAL,
                    env={"TMPDIR": folder},
                )
                scheduler = stack.enter_context(cluster).scheduler_address
            asked = asyncio.wait_for(_answer(scheduler), ANSWER)
            with ThreadPoolExecutor(1) as thread:  # the caller's may have an event loop
                thread.submit(asyncio.run, asked).result()
            client = stack.enter_context(Client(scheduler, timeout=ANSWER))
            client.wait_for_workers(1, timeout=PATIENCE)
            for error in client.run(exec, NEEDED, on_error="return").values():
                if error is not None:  # a run would end such a worker
                    raise error
        except Exception as error:  # what answers may be anything
            wanted = f"wanted one with workers, got {shown(scheduler)} ({_in_one_line(error)})"
            raise ValueError(f"--scheduler: {wanted}") from None
        with kernels_end(over):
            yield client


async def _answer(scheduler: str) -> None:
    """Come back when a scheduler has answered: a client may wait for it without end."""
    from distributed.comm import connect
    from distributed.security import Security

    secured = Security().get_connection_args("client")
    await (await connect(scheduler, timeout=ANSWER, **secured)).close()


def _in_one_line(error: Exception) -> str:
    """The error's own words, or its kind where it has none."""
    if isinstance(error, MemoryError):  # of what it takes for the length of an answer
        return "another program answers"
    return cut(" ".join(str(error).split()) or type(error).__name__, 200)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Without what Dask logs: whoever is waited for in vain, we say it."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
