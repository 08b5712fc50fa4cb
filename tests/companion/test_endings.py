"""How commands end: by a status and a line, and with signals without kernels or folders behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor

import nbformat
import psutil
import pytest
from tiny import as_at_a_terminal, files_in, status, tiny_notebook, wait_until

from convreg.companion import commands, endings
from convreg.companion.endings import SIGNALS, Stopped, ended, threads

NUMBERS = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]


@pytest.fixture
def old_handlers():
    """What was there before has to be there again."""
    before = [signal.getsignal(number) for number in NUMBERS]
    yield
    assert [signal.getsignal(number) for number in NUMBERS] == before


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("alpha: wanted"), 2, "convreg: alpha: wanted"),
        (OSError(28, "No space left on device"), 1, "convreg: [Errno 28] No space left on device"),
        (BrokenExecutor("the scheduler is gone"), 1, "convreg: the scheduler is gone"),
        (MemoryError(), 1, "convreg: wanted more memory than there is"),
        (BrokenPipeError(), 141, ""),
        (KeyboardInterrupt(), 130, "interrupted: nothing is half written"),
        (KeyboardInterrupt("x"), 130, "interrupted: nothing is half written"),
        (Stopped(signal.SIGTERM), 143, "interrupted: nothing is half written"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_exception_is_a_status_and_a_line(error, code, line, capsys, old_handlers):
    assert ended("convreg", raising(error)) == code
    said = capsys.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == bool(line)


@pytest.mark.parametrize(
    ("command", "goes_on"),
    [("list_notebooks", False), ("sweep_notebook", True)],
)
def test_what_an_interruption_says(command, goes_on, monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, command, interrupted)
    arguments = ["sweep", "5", "--grid", "alpha=1", "--out", "out"] if goes_on else ["list"]
    assert status(*arguments) == 130
    assert capsys.readouterr().err.endswith(
        "half written, and the same command goes on\n" if goes_on else "half written\n"
    )


def test_what_a_command_returns_is_its_status(old_handlers):
    assert [ended("convreg", lambda code=code: code) for code in (0, 1)] == [0, 1]


def test_a_mistake_of_ours_is_not_hidden(old_handlers):
    with pytest.raises(KeyError):
        ended("convreg", raising(KeyError("x")))


# signals


def sent(number):
    """This process gets a signal."""
    os.kill(os.getpid(), number)
    time.sleep(10)  # it comes at once


@pytest.mark.parametrize("number", NUMBERS, ids=SIGNALS)
def test_a_signal_ends_a_command_with_its_number(number, monkeypatch, capsys, old_handlers):
    monkeypatch.setattr(commands, "list_notebooks", lambda _: sent(number))
    assert status("list") == 128 + number
    assert capsys.readouterr().err.startswith("interrupted: ")


def test_a_second_signal_does_not_disturb_what_the_first_has_begun(old_handlers):
    cleaned = []

    def command():
        try:
            sent(signal.SIGTERM)
        finally:
            for number in (*NUMBERS, signal.SIGTERM):
                os.kill(os.getpid(), number)
            cleaned.append(True)

    assert ended("convreg", command) == 128 + signal.SIGTERM
    assert cleaned == [True]


def test_ctrl_c_twice_more_ends_everything_at_once(monkeypatch):
    codes = []
    monkeypatch.setattr(endings.os, "_exit", codes.append)
    handler = endings._Handler()
    with pytest.raises(Stopped):
        handler(signal.SIGINT, None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        handler(number, None)
    assert codes == []
    handler(signal.SIGINT, None)
    assert codes == [130]


def test_a_signal_that_is_ignored_stays_ignored(monkeypatch):
    """As nohup has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert ended("convreg", lambda: os.kill(os.getpid(), signal.SIGHUP) or 0) == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_command_in_a_thread_leaves_the_signals_alone(old_handlers):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ended, "convreg", lambda: 7).result() == 7


def test_where_an_exception_leaves_the_threads_what_waits_does_not_begin():
    going_on = threading.Event()
    runs = []

    def first():
        going_on.set()
        end = time.monotonic() + 900
        while not (len(runs) == 2 and runs[1].cancelled()):
            assert time.monotonic() < end
            time.sleep(0.01)

    def left():
        with threads(1) as pool:
            runs.append(pool.submit(first))
            runs.append(pool.submit(print))
            assert going_on.wait(900)
            raise KeyError

    with pytest.raises(KeyError):
        left()
    assert runs[0].result() is None


BODY = """Path(os.environ["PIDS"], str(os.getpid())).touch()
time.sleep(float(os.environ["SLEEP"]))"""
RUN = ["-m", "convreg", "run", "tiny.ipynb", "-o", "out.ipynb", "--figure-dir", "figures"]
SWEEP = ["-m", "convreg", "sweep", "tiny.ipynb", "--grid", "state=1,2,3", "--out", "out"]
ALL = """import sys
from pathlib import Path
from convreg.companion import reproduce
reproduce.WORKERS = 2
reproduce.all_notebooks = lambda: sorted(Path.cwd().glob("*.ipynb"))
sys.exit(reproduce.main(["--figures", "figures", "--build", "build"]))"""


@pytest.mark.kernel
@pytest.mark.parametrize("number", NUMBERS, ids=SIGNALS)
@pytest.mark.parametrize(
    ("arguments", "kernels"),
    [(RUN, 1), ([*SWEEP, "--workers", "2"], 2), (["-c", ALL], 2)],
    ids=["run", "sweep", "reproduce"],
)
def test_a_signal_leaves_no_kernel_and_no_folder(arguments, kernels, number, here, patience):
    for name in ("pids", "tmp"):
        (here / name).mkdir()
    for name in ("tiny", "other", "third"):
        tiny_notebook(here, BODY, name=name)
    own = {"PIDS": str(here / "pids"), "TMPDIR": str(here / "tmp"), "SLEEP": str(2 * patience)}
    with subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **own},
        stderr=subprocess.DEVNULL,
        preexec_fn=as_at_a_terminal,
    ) as started:
        try:
            wait_until(lambda: len(files_in(here / "pids")) == kernels, started, patience)
            started.send_signal(number)
            started.send_signal(number)
            assert started.wait(patience) == 128 + number
        finally:
            started.kill()
    assert not any(psutil.pid_exists(int(pid)) for pid in files_in(here / "pids"))
    assert files_in(here / "tmp") == []
    written = {name for name in files_in(here) if "/" not in name or name.startswith("out/")}
    assert written - {"out/.lock", "out/sweep.json"} == {
        "other.ipynb",
        "third.ipynb",
        "tiny.ipynb",
    }


# what is printed

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def printed(*arguments, **options):
    """A command in a process of its own that has ended: its status, and what it said of errors."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, **options)
    return done.returncode, done.stderr.decode()


@pytest.mark.kernel
def test_what_nobody_reads_is_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    assert printed("convreg", "list", stdout=writing) == (141, "")
    os.close(writing)
    with open("/dev/full", "w") as full:
        code, line = printed("convreg", "list", stdout=full)
    assert (code, line.count("\n"), "No space left" in line) == (1, 1, True)
    assert printed("convreg", "list", "5", preexec_fn=lambda: os.close(1)) == (0, "")


@pytest.mark.kernel
@pytest.mark.parametrize("closed", [1, 2])
def test_a_kernel_needs_no_terminal(closed, here):
    tiny_notebook(here, "os.write(1, b'out'); os.write(2, b'err')")
    code, said = printed("convreg", "run", "tiny.ipynb", preexec_fn=lambda: os.close(closed))
    assert (code, said) == (0, "")
    assert files_in(here) == ["tiny.ipynb", "tiny.run.ipynb"]


@pytest.mark.kernel
@pytest.mark.parametrize("program", ["convreg", "convreg.companion.reproduce"])
def test_a_backend_that_is_none_is_not_ours(program):
    env = {**os.environ, "MPLBACKEND": "nonsense"}
    code, line = printed(program, "--no-such-option", env=env)
    assert (code, "usage: " in line) == (2, True)


@pytest.mark.kernel
@pytest.mark.parametrize("program", ["convreg", "convreg.companion.reproduce"])
def test_python_without_docstrings_has_the_options_too(program):
    env = {**os.environ, "PYTHONOPTIMIZE": "2"}
    code, line = printed(program, "--no-such-option", env=env)
    assert (code, "usage: " in line) == (2, True)


@pytest.mark.kernel
def test_signs_that_the_terminal_has_not_are_no_traceback(here):
    path = tiny_notebook(here, name="à")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "# Größe – α"
    nbformat.write(notebook, path)
    ascii_only = {**os.environ, **ASCII}
    done = subprocess.run(
        [sys.executable, "-m", "convreg", "list", "à.ipynb"], env=ascii_only, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Gr\\xf6\\xdfe \\u2013 \\u03b1\n" in done.stdout
    (here / "é.yml").write_text("# é\n01_ä: {alpha: 1}\n", encoding="utf-8")
    reproduce = "convreg.companion.reproduce"
    code, line = printed(reproduce, "--parameters", "é.yml", env=ascii_only)
    assert (code, line.count("\n")) == (2, 1)
    assert "--parameters: 01_\\xe4: no notebook" in line


# open files


@pytest.mark.parametrize(
    ("limits", "raised"),
    [((256, 4096), [(400, 4096)]), ((1024, 4096), []), ((256, -1), [(400, -1)]), ((-1, -1), [])],
)
def test_as_many_files_may_be_open_as_the_kernels_need(limits, raised, monkeypatch):
    resource = pytest.importorskip("resource")
    calls = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: calls.append(limits))
    with threads(14):
        pass
    assert calls == raised


def test_more_kernels_than_files_may_be_open_are_refused(monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 256))
    message = r"^workers: wanted fewer, .* open files, got one of 256"
    with pytest.raises(ValueError, match=message), threads(14):
        pass
