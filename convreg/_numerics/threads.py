"""Pools of BLAS threads that fight with each other, or are slower than threads of our own.

ARPACK calls SciPy's BLAS, its products NumPy's: on few cores the two pools fight. And on many small
matrices the threads of a BLAS are in each other's way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")
Result = TypeVar("Result")


class OneThread:
    """A context in which every BLAS has one thread, or, if it is another than NumPy's, SciPy's.

    Several may be in it at once: the first one in sets the limit, the last one out lifts it.
    """

    def __init__(self, of_scipy: bool) -> None:
        self._of_scipy = of_scipy
        self._lock, self._inside = Lock(), 0

    @cached_property
    def _blas(self) -> ThreadpoolController:
        controller = ThreadpoolController()
        if not self._of_scipy:
            return controller.select(user_api="blas")
        folders = {
            lib.filepath: Path(lib.filepath).parts[-3:-1] for lib in controller.lib_controllers
        }
        own = [
            path
            for path, parts in folders.items()
            if any(part.startswith("scipy") for part in parts)
        ]
        return controller.select(filepath=own)

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._limited = self._blas.limit(limits=1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limited.restore_original_limits()

    @property
    def threads(self) -> int:
        """How many threads there were before, at least 1."""
        with self._lock:
            before = self._limited.get_original_num_threads() if self._inside else {}
        return before.get("blas") or 1


def in_threads(function: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """The results of a function for every part, in as many threads as BLAS had: it has one."""
    with one_thread:
        threads = one_thread.threads
        if threads == 1:
            return [function(part) for part in parts]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(function, parts))


one_thread = OneThread(of_scipy=False)
one_thread_for_scipy = OneThread(of_scipy=True)
