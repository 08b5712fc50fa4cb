"""Pools of BLAS threads that fight with each other, or are slower than threads of our own.

ARPACK calls SciPy's BLAS, its products NumPy's: on few cores the two pools fight. And on many small
matrices the threads of a BLAS are in each other's way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import RLock, get_ident
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from convreg._numerics.kept import kept_property

Part = TypeVar("Part")
Result = TypeVar("Result")


class OneThread:
    """A context in which every BLAS has one thread, or, if it is another than NumPy's, SciPy's.

    Several may be in it at once: the first one in sets the limit, the last one out lifts it. While
    a process forks nobody is about to do either.
    """

    def __init__(self, of_scipy: bool) -> None:
        self._of_scipy = of_scipy
        self._lock = RLock()
        self._inside: list[int] = []  # a thread for each time that one is in it
        self._limited: Any = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._forked,
            )

    @kept_property
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
            if not self._inside:
                with self._for_all_threads():
                    self._limited = self._blas.limit(limits=1)
            self._inside.append(get_ident())

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside.remove(get_ident())
            self._lift()

    def _lift(self) -> None:
        """Lift the limit, if nobody is left."""
        if self._limited and not self._inside:
            with self._for_all_threads():
                self._limited.restore_original_limits()
            self._limited = None

    @contextmanager
    def _for_all_threads(self) -> Iterator[None]:
        """Since threadpoolctl 3.8 the first thread that limits OpenBLAS is the only one."""
        self._nobodys()
        yield
        self._nobodys()

    def _nobodys(self) -> None:
        """Whoever comes next may set the limits."""
        for library in self._blas.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)

    def _forked(self) -> None:
        """In the child of a fork the other threads are gone."""
        self._inside = [thread for thread in self._inside if thread == get_ident()]
        self._lift()
        self._lock.release()

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
