"""Where the runs of a sweep go: this machine's processes, or Dask's workers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any


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
        Runs at once; else as many as there are cores, or threads of Dask's workers.

    Raises
    ------
    ValueError
        Where Dask is not installed, or no scheduler answers.
    """
    if scheduler is None:
        count = workers or os.cpu_count() or 1
        with ThreadPoolExecutor(count) as pool:
            yield pool, count
    else:
        with _dask(scheduler, workers) as client:
            yield client.get_executor(pure=False), workers or sum(client.nthreads().values()) or 1


@contextlib.contextmanager
def _dask(scheduler: str, workers: int | None) -> Iterator[Any]:
    """A client of Dask."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        wanted = "wanted Dask, got no such package: pip install 'convreg[dask]'"
        raise ValueError(f"--scheduler: {wanted}") from None
    with contextlib.ExitStack() as stack:
        # A run whose worker was lost is not tried again: what kills one worker would kill others.
        once = dask.config.set({"distributed.scheduler.allowed-failures": 0})
        stack.enter_context(once)
        if scheduler == "local":
            count, port = workers or os.cpu_count(), "127.0.0.1:0"  # any that is free
            cluster = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=port)
            scheduler = stack.enter_context(cluster).scheduler_address
        try:
            client = stack.enter_context(Client(scheduler, timeout=10))
            client.wait_for_workers(1, timeout=60)
        except (OSError, ValueError) as error:  # a timeout is an OSError
            wanted = f"wanted one with workers, got {scheduler!r} ({error})"
            raise ValueError(f"--scheduler: {wanted}") from None
        yield client
