"""SciPy's Fourier transforms, while no process is forked.

SciPy keeps the plans of its transforms behind a lock of its own. A child that is forked while
another thread holds it would wait there for ever. So a fork waits for the transforms that have
begun, and those that are to begin wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from threading import Condition, get_ident

import scipy.fft
from numpy.typing import NDArray


class Gate:
    """A context that a process is not forked from, but by the thread that is in it."""

    def __init__(self) -> None:
        self._changed = Condition()  # with an RLock
        self._inside: list[int] = []  # a thread for each time that one is in it
        self._closing = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._close, after_in_parent=self._open, after_in_child=self._forked
            )

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._closing or get_ident() in self._inside)
            self._inside.append(get_ident())

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside.remove(get_ident())
            self._changed.notify_all()

    def _close(self) -> None:
        """Wait for the other threads, and let none in."""
        self._changed.acquire()
        self._closing = True
        self._changed.wait_for(lambda: set(self._inside) <= {get_ident()})

    def _open(self) -> None:
        """Let everybody in."""
        self._closing = False
        self._changed.notify_all()
        self._changed.release()

    def _forked(self) -> None:
        """In the child of a fork the other threads are gone."""
        self._inside = [thread for thread in self._inside if thread == get_ident()]
        self._open()


gate = Gate()


def _gated(transform: Callable[..., NDArray]) -> Callable[..., NDArray]:
    """A transform that no fork interrupts."""

    @wraps(transform)
    def gated(*arguments: object, **keywords: object) -> NDArray:
        """The transform, in the gate."""
        with gate:
            return transform(*arguments, **keywords)

    return gated


rfftn = _gated(scipy.fft.rfftn)
irfftn = _gated(scipy.fft.irfftn)
