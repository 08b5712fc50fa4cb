"""ARPACK calls SciPy's BLAS, its products NumPy's: on few cores two pools of threads fight."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from threading import Lock

from threadpoolctl import ThreadpoolController


class OneThread:
    """A context in which SciPy's BLAS, where it is another than NumPy's, has one thread.

    Several may be in it at once: the first one in sets the limit, the last one out lifts it.
    """

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0

    @cached_property
    def _blas(self) -> ThreadpoolController:
        controller = ThreadpoolController()
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


one_thread_for_scipy = OneThread()
