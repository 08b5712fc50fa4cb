"""What takes long to make and is kept for the next time, without a lock.

A lock that another thread holds while a process forks stays locked in the child for ever. So nobody
waits here: work arrays are taken out by the thread that needs them and put back when it is done. A
child finds what was not in use, and what an interrupted product leaves half done is not seen again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from functools import cached_property
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing")
Value = TypeVar("Value")


class Kept(Generic[Thing]):
    """The last few things that a function of some arguments has made, one user at a time.

    >>> lists = Kept(list)
    >>> with lists((1, 2)) as first, lists((1, 2)) as second:
    ...     first is second
    False
    """

    def __init__(self, make: Callable[..., Thing], most: int = 4) -> None:
        self._make = make
        self._kept: deque[tuple[tuple[Hashable, ...], Thing]] = deque(maxlen=most)

    def __call__(self, *arguments: Hashable) -> InUse[Thing]:
        """A context with one that nobody else uses meanwhile."""
        return InUse(self, arguments)

    def give_back(self, arguments: tuple[Hashable, ...], thing: Thing) -> None:
        """Keep it for the next time."""
        self._kept.append((arguments, thing))

    def take(self, arguments: tuple[Hashable, ...]) -> Thing:
        """One that was kept, which is there no longer, or a new one."""
        for kept in self._kept.copy():
            if kept[0] == arguments:
                try:
                    self._kept.remove(kept)
                except ValueError:  # another thread was quicker
                    continue
                return kept[1]
        return self._make(*arguments)

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Keep none of them."""
        self._kept.clear()


class InUse(Generic[Thing]):
    """A context in which something kept is used; where an error ends it, it is kept no longer."""

    __slots__ = ("_arguments", "_kept", "_thing")

    def __init__(self, kept: Kept[Thing], arguments: tuple[Hashable, ...]) -> None:
        self._kept, self._arguments = kept, arguments

    def __enter__(self) -> Thing:
        self._thing = self._kept.take(self._arguments)
        return self._thing

    def __exit__(self, error: object, *_: object) -> None:
        if error is None:
            self._kept.give_back(self._arguments, self._thing)


def kept_property(compute: Callable[[Any], Value]) -> cached_property[Value]:
    """`functools.cached_property` without the lock that it has before Python 3.12."""
    kept = cached_property(compute)
    kept.lock = nullcontext()  # type: ignore[attr-defined]
    return kept
