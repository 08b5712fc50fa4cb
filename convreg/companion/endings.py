"""How a command ends: its exit status, one line instead of a traceback, nothing left behind.

The signals that ask a program to end become an exception in the main thread. On its way out it ends
the kernels, so that every run returns and its temporary folder goes.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from typing import Any

import psutil

from convreg.companion.kernels import LAUNCHER

FILES, FILES_OF_A_KERNEL = 64, 24  # that are open: of this process, for each kernel
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Stopped(KeyboardInterrupt):
    """One of the signals came, by its number; what lets Ctrl-C through lets it through."""


def ended(program: str, command: Callable[[], int], goes_on: bool = False) -> int:
    """Do a command, which goes on where it was when it is given again or begins anew; its status.

    2 for what the user has to change, 1 for what failed on the way, 128 and more for a signal, with
    one line that says why.
    """
    with _stopped_by_signals(), _whatever_is_printed():
        said = ""
        try:
            status = command()
            sys.stdout.flush()
        except ValueError as error:
            status, said = 2, f"{program}: {error}"
        except BrokenPipeError:  # nobody reads on, as in `convreg list | head -1`
            status = 128 + 13  # SIGPIPE, which Windows does not know
        except (OSError, BrokenExecutor) as error:
            status, said = 1, f"{program}: {error}"
        except MemoryError:
            status, said = 1, f"{program}: wanted more memory than there is"
        except KeyboardInterrupt as stopped:
            number = stopped.args[0] if isinstance(stopped, Stopped) else signal.SIGINT
            status = 128 + number
            said = "interrupted: nothing is half written"
            if goes_on:
                said += ", and the same command goes on"
        if said:
            with contextlib.suppress(OSError):  # nobody hears it
                print(said, file=sys.stderr)
        return status


@contextlib.contextmanager
def threads(count: int) -> Iterator[Executor]:
    """Threads that drive kernels; where an exception leaves them, they and their kernels end.

    What waits is cancelled. A kernel that has not begun is started again when it dies, so they are
    ended again and again until every thread has returned and removed its folder.

    Raises
    ------
    ValueError
        Where the process may not open the files that so many kernels need.
    """
    _allow_files(FILES + FILES_OF_A_KERNEL * count)
    over = threading.Event()
    pool = ThreadPoolExecutor(count)
    try:
        with kernels_end(over):
            yield pool
            pool.shutdown()
    finally:
        pool.shutdown(cancel_futures=True)
        over.set()


def _allow_files(wanted: int) -> None:
    """Raise the limit of open files to so many, or to what the process may raise it to."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = math.inf if hard == resource.RLIM_INFINITY else hard
    if most < wanted:
        fewer = f"workers: wanted fewer, or a limit of {wanted} open files"
        raise ValueError(f"{fewer}, got one of {hard} (ulimit -n)")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def kernels_end(over: threading.Event) -> Iterator[None]:
    """Where an exception leaves this, the kernels of this process are ended until it is over."""
    try:
        yield
    except BaseException:
        threading.Thread(target=_end_kernels, args=(over,), daemon=True).start()
        raise


def _end_kernels(over: threading.Event) -> None:
    """Kill the kernels that this process started, with all that they started, until it is over."""
    while not over.wait(0.1):
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it went with its parent
                if LAUNCHER in child.cmdline():
                    for process in [*child.children(recursive=True), child]:
                        process.kill()


class _Handler:
    """The first signal stops the program; while it cleans up, only Ctrl-C twice ends it at once."""

    def __init__(self) -> None:
        self.stopping = False
        self.impatient = 0

    def __call__(self, number: int, _frame: Any) -> None:
        """A signal came."""
        if not self.stopping:
            self.stopping = True
            raise Stopped(number)
        self.impatient += number == signal.SIGINT
        if self.impatient > 1:
            os._exit(128 + number)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """The signals raise `Stopped` in the main thread; one that nohup ignores stays ignored."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        handler = _Handler()
        for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def _whatever_is_printed() -> Iterator[None]:
    """What the terminal's encoding has no signs for is escaped; what nobody reads is dropped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    streams = [
        stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)
    ]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            try:
                stream.reconfigure(errors=errors)  # which flushes
            except OSError:  # Python would say so once more at its end
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
