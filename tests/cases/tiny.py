"""A notebook of our own, run in a second: what the companion's have, and a body to choose."""

import signal
import time

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from convreg.companion.commands import main

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
IMPORTS = """import os
import time
from pathlib import Path

from convreg.companion.parameters import check_parameters
from convreg.storage.files import write_whole
from convreg.storage.results import save_results"""
PARAMETERS = """alpha: float = 1.0  # the shift
state: int = 1  # the seed
alphas: list = [1.0, 2.0]  # the shifts
measure: bool = False  # time it
figure_dir: str = ""  # folder for the figures
results_dir: str = ""  # folder for the results"""
CHECK = """given = check_parameters(globals())
if state == 13:
    raise ValueError("state: wanted another than 13, got 13")"""
FIGURE = """if figure_dir:
    write_whole({Path(figure_dir, "curve.csv"): b"x\\n1\\n"})"""
RESULTS = """headline = {"twice": 2 * alpha, "sum": alpha + state}
save_results(results_dir, "tiny", given, {}, headline, {})"""


def tiny_notebook(folder, body="print(alpha * state)", results=RESULTS, name="tiny"):
    """Write it to a folder; its path. The body is its fifth code cell."""
    cells = [
        new_markdown_cell("# A tiny notebook"),
        new_code_cell(IMPORTS),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_code_cell(CHECK),
        new_code_cell(FIGURE),
        new_markdown_cell("## The body"),
        new_code_cell(body),
        new_code_cell(results),
    ]
    return written(cells, folder / f"{name}.ipynb")


def written(cells, path):
    """Cells as a notebook in a file; its path."""
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    return path


def lacking_notebook(folder):
    """One that needs a package which does not exist; its path."""
    tags = {"tags": ["needs-no_such_package"]}
    cell = new_code_cell("1 / 0", metadata=tags, execution_count=1)
    return written([cell], folder / "lacking.ipynb")


def changed(path, change):
    """Write a notebook again after a change to its cells."""
    notebook = nbformat.read(path, as_version=4)
    change(notebook.cells)
    nbformat.write(notebook, path)


def status(*arguments):
    """The exit status of the command line, also where argparse ends the program."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return ended.code


def as_at_a_terminal():
    """For a child process: Ctrl-C reaches it, also where the tests are a job in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(true, process, patience):
    """Wait for something that a process is to do, no longer than these seconds."""
    end = time.monotonic() + patience
    while not true():
        assert process.poll() is None, "the process has ended"
        assert time.monotonic() < end, f"waited for {patience:.0f} s"
        time.sleep(0.1)


def files_in(folder):
    """The files below a folder, as paths from there."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
