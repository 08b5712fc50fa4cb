"""Sweeps that meet an accident: each in a process of its own, which counts what it does on disk.

The steps are those that change something below the folder `out`: files that are opened to be
written, halves of files, what is brought to the disk, renamed, removed, and folders that are made.
"""

import contextlib
import errno
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from sweeps import PretendedRuns, swept
from tiny import tiny_notebook

import convreg.companion.sweep
from convreg.companion import commands
from convreg.storage.files import write_whole

MORE_SPACE = ("open", "half", "fsync", "os.mkdir")  # what a full disk has no room for


def drawn(out, *_):
    """In the place of the picture, which takes longer than all else: its files."""
    write_whole({out / f"sweep.{kind}": kind.encode() for kind in ("pdf", "png", "csv")})
    return out / "sweep.png"


def step_of(event, arguments):
    """The place that a step changes, or None where it is none."""
    if event == "open":
        path, _, flags = arguments
        writes = isinstance(path, str) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        return path if writes else None
    if event in ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "half"):
        return os.fspath(arguments[0])
    return "out" if event == "fsync" else None


class Accident:
    """What Python calls before each step, to do an accident or to count."""

    def __init__(self, kind, at, below):
        self.kind = kind
        self.at = at
        self.below = Path(below).absolute()
        self.steps = 0

    def __call__(self, event, arguments):
        """One of Python's audit events."""
        place = step_of(event, arguments)
        if place is None or not Path(place).absolute().is_relative_to(self.below):
            return
        self.steps += 1
        if self.kind == "killed" and self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "full" and self.steps >= self.at and event in MORE_SPACE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place)
        if self.kind == "broken" and self.steps == self.at:
            raise OSError(errno.EIO, os.strerror(errno.EIO), place)
        if self.kind == "read-only":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), place)


def write_in_halves(path, content):
    """Instead of `Path.write_bytes`: with a step in the middle."""
    with open(path, "wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        sys.audit("half", path)
        file.write(content[len(content) // 2 :])


def _sweep(folder, kind, at, below, grid):
    """In a process of its own; what was said goes to `said`, the number of steps to `steps`."""
    os.chdir(folder)
    said = io.StringIO()
    accident = Accident(kind, at, below)
    if kind == "too large":
        resource.setrlimit(resource.RLIMIT_FSIZE, (at, resource.RLIM_INFINITY))
    else:
        sys.addaudithook(accident)
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        ended = swept(grid, more=["--workers", "1"])
    accident.kind = "over"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    Path("said").write_text(said.getvalue())
    Path("steps").write_text(json.dumps(accident.steps))
    os._exit(ended)


def serve():
    """Fork for each line of the standard input; everything is loaded by a first sweep."""
    convreg.companion.sweep.execute = PretendedRuns().execute
    commands.draw = drawn
    Path.write_bytes = write_in_halves
    os.fsync = lambda descriptor: sys.audit("fsync", descriptor)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        tiny_notebook(Path(folder))
        os.chdir(folder)
        swept("state=1")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _sweep(*json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


class Sweeps:
    """A process that has everything loaded; each sweep is a fork of it."""

    def __init__(self):
        command = [sys.executable, __file__]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def close(self):
        """End it."""
        self.process.communicate()

    def sweep(self, folder, kind, at=0, below="out", grid="state=1,2"):
        """The exit status of a sweep in a folder, or minus its signal, and what it said."""
        given = [str(folder), kind, at, str(below), grid]
        print(json.dumps(given), file=self.process.stdin, flush=True)
        ended = int(self.process.stdout.readline())
        return ended, "" if ended < 0 else (folder / "said").read_text()


if __name__ == "__main__":
    serve()
