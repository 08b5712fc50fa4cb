"""Where the runs of a sweep go: this machine's processes, or Dask's workers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor


@contextlib.contextmanager
def executor(scheduler: str | None = None, workers: int | None = None) -> Iterator[tuple[Executor, int]]:
    """What runs the notebooks, and how many at once: threads that drive kernel processes here, or Dask's workers.

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
        return
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise ValueError("--scheduler: wanted Dask, got no such package: pip install 'convreg[dask]'") from None
    with contextlib.ExitStack() as stack:
        # A run whose worker was lost is not tried again by itself: what kills one worker would kill others.
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 0}))
        if scheduler == "local":
            cluster = LocalCluster(
                n_workers=workers or os.cpu_count(), threads_per_worker=1, dashboard_address="127.0.0.1:0"
            )
            scheduler = stack.enter_context(cluster).scheduler_address
        try:
            client = stack.enter_context(Client(scheduler, timeout=10))
            client.wait_for_workers(1, timeout=60)
        except (OSError, ValueError) as error:  # a timeout is an OSError
            raise ValueError(f"--scheduler: wanted one with workers, got {scheduler!r} ({error})") from None
        yield client.get_executor(pure=False), workers or sum(client.nthreads().values()) or 1
