"""A notebook of our own, run in a second: what the companion's notebooks have, and a body that a test chooses."""

import signal

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

IMPORTS = """import os
import time
from pathlib import Path

from convreg.storage.files import write_whole
from convreg.companion.parameters import check_parameters
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
FIGURE = 'if figure_dir:\n    write_whole({Path(figure_dir, "curve.csv"): b"x\\n1\\n"})'
RESULTS = 'save_results(results_dir, "tiny", given, {}, {"twice": 2 * alpha, "sum": alpha + state}, {})'


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
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def as_at_a_terminal():
    """For a child process: Ctrl-C reaches it, also where these tests are a shell's background job, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def files_in(folder):
    """The files below a folder, as paths from there."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
