"""Shared by the tests of the companion: a folder to be in, and what one run in a kernel gives."""

import os

import pytest
from sweeps import BODY, PretendedRuns, swept
from tiny import tiny_notebook

import convreg.companion.sweep
from convreg.companion.notebooks import Notebook
from convreg.companion.runs import execute


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A new folder, which the test is in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


AGAIN = """kernels = {"K": 1}
tolerance = "small"
again = check_parameters(globals())
print(alpha * state, again == given)"""


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """A tiny notebook that was run; it checks its parameters again when other names are set."""
    path = tiny_notebook(tmp_path_factory.mktemp("tiny"), AGAIN)
    return execute(Notebook.read(path), {"alpha": 2})


@pytest.fixture(scope="session")
def patience():
    """The seconds after which a test gives up what should come at once, on however slow a machine.

    Nothing that passes takes so long, and nothing passes by having waited.
    """
    return 900


@pytest.fixture
def place(here, monkeypatch):
    """A folder with a notebook to sweep, and a log to which every run appends its state."""
    monkeypatch.setenv("SWEEP_LOG", str(here / "log"))
    (here / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(here / "tmp"))  # where killed processes leave their folders
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the machine goes on: half of a test's time
    tiny_notebook(here, BODY)
    return here


@pytest.fixture
def runs(monkeypatch):
    """Instead of kernels; see `PretendedRuns`."""
    pretended = PretendedRuns()
    monkeypatch.setattr(convreg.companion.sweep, "execute", pretended.execute)
    return pretended


@pytest.fixture(scope="module")
def broken_locally(tmp_path_factory):
    """A sweep with a setting that fails and one that kills its kernel: its folder, its status."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "broken").write_text("")
    path = tiny_notebook(folder, BODY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_LOG", str(folder / "log"))
        return folder, swept("state=1,2,3,4", notebook=path, out=folder / "out")
