"""One notebook run with given parameters, in a folder of its own: all that it gives, or its error.

Whoever asked for the run decides where the files go, on whatever machine it was done.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from convreg.companion.kernels import OurAsyncKernel
from convreg.companion.notebooks import Notebook, injected, is_tagged
from convreg.companion.outcomes import check_outcome, files_in
from convreg.companion.parameters import FOLDERS


class Run(NamedTuple):
    """How a run ended."""

    executed: bytes  # the notebook with its outputs
    figures: dict[str, bytes]  # the files written to figure_dir, by name
    results: dict[str, bytes]  # the file written to results_dir, by name
    seconds: float
    error: str  # '' if it passed, else the cell and its error

    def headline(self) -> dict[str, Any]:
        """The headline numbers of its results."""
        found: dict[str, Any] = {}
        for text in self.results.values():
            found |= json.loads(text)["headline"]
        return found

    def claims(self) -> list[dict[str, str]]:
        """The claims that it judged, with their verdicts."""
        return [claim for text in self.results.values() for claim in json.loads(text)["claims"]]


def execute(
    notebook: Notebook, parameters: Mapping[str, Any] | None = None, progress: bool = False
) -> Run:
    """Run a notebook in a kernel of its own, through papermill; only the Run holds what it wrote.

    Parameters
    ----------
    notebook : Notebook
    parameters : mapping, optional
        As for papermill; figure_dir and results_dir only enter the text of the executed notebook.
        Without any the notebook runs as it stands.
    progress : bool
        Whether to show papermill's progress bar.

    Returns
    -------
    Run
        Its ``error`` is '' or names the cell, or the file that is none of a run; nothing is
        raised, whatever stops it. Without a place for temporary files nothing is executed.
    """
    started = time.perf_counter()
    try:
        run = _run(notebook, parameters, progress)
    except Exception as stopped:  # no temporary folder, no space, a file that cannot be read
        run = Run(b"", {}, {}, 0.0, f"{type(stopped).__name__}: {stopped}")
    return run._replace(seconds=time.perf_counter() - started)


def _run(notebook: Notebook, parameters: Mapping[str, Any] | None, progress: bool) -> Run:
    """As `execute`, without the time."""
    figures, results = {}, {}
    with tempfile.TemporaryDirectory(prefix="convreg-", ignore_cleanup_errors=True) as place:
        for _ in range(3):  # a kernel does not start where another program took its port
            ended, error = _attempt(notebook, parameters, progress, Path(place))
            if not error or any(_began(cell) for cell in ended.cells):
                break
        if not error:
            try:
                figures, results = (files_in(Path(place, "notebook", name)) for name in FOLDERS)
                check_outcome(figures, results, notebook.declared)
            except (OSError, ValueError) as refused:
                error = str(refused)
    executed = nbformat.writes(_tidy(ended, parameters or {}))
    return Run(executed.encode(errors="backslashreplace") + b"\n", figures, results, 0.0, error)


def _attempt(
    notebook: Notebook, parameters: Mapping[str, Any] | None, progress: bool, place: Path
) -> tuple[NotebookNode, str]:
    """The notebook as far as it ran, and its error."""
    saved = place / "executed.ipynb"
    folder = place / "notebook"
    folder.mkdir(exist_ok=True)
    folders = {name: name for name in FOLDERS if name in notebook.declared}
    bar = {"desc": "cells", "leave": False, "disable": None}
    try:
        ended = papermill.execute_notebook(
            notebook.fresh(),
            saved,
            {} if parameters is None else {**parameters, **folders},
            kernel_name="python3",
            language="python",
            progress_bar=bar if progress else False,
            resources={"metadata": {"path": str(folder)}},
            coalesce_streams=True,
            kernel_manager_class=OurAsyncKernel,
        )
    except Exception as stopped:  # a cell's error, a dead kernel, a full disk: this run is lost
        ended = _as_far_as(saved) or notebook.fresh()
        return ended, in_one_screen(stopped, ended)
    return ended, ""


def _as_far_as(saved: Path) -> NotebookNode | None:
    """What papermill had saved of a notebook that stopped, if it had, and whole."""
    try:
        return nbformat.read(saved, as_version=4)
    except Exception:
        return None


def _began(cell: NotebookNode) -> bool:
    """Whether papermill came to a cell."""
    return cell.cell_type == "code" and bool(cell.metadata.get("papermill", {}).get("start_time"))


def in_one_screen(stopped: Exception, notebook: NotebookNode) -> str:
    """Where a run stopped and why: the cell's number and heading, its source, the traceback."""
    if isinstance(stopped, PapermillExecutionError):
        trace = strip_ansi("\n".join(stopped.traceback)).splitlines()
        trace = trace[: -1 - stopped.evalue.count("\n")]  # without the error itself
        unsaid = "an error whose text the kernel could not send"
        nameless = stopped.ename == "CellExecutionError" and not stopped.evalue
        error = f"{stopped.ename}: {unsaid if nameless else stopped.evalue}"
    else:
        trace = []
        error = f"{type(stopped).__name__}: {strip_ansi(str(stopped))}"
    ends = [line for line in trace if line.strip()][-8:]
    lines = [*_last_cell_begun(notebook), *ends, " ".join(error.split())]
    return "\n".join(line[:300] for line in lines)


def _last_cell_begun(notebook: NotebookNode) -> list[str]:
    """The cell that ran last: its number among the notebook's own, its heading, its first lines."""
    lines: list[str] = []
    heading, number = "", 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = [line for line in cell.source.splitlines() if line.startswith("#")]
            heading = titles[-1].lstrip("# ") if titles else heading
        elif cell.cell_type == "code" and not is_tagged(cell, "injected-parameters"):
            number += 1
        if _began(cell):
            source = cell.source.splitlines()
            shown = source if len(source) <= 8 else [*source[:8], "..."]
            indented = [f"    {line}" for line in shown]
            lines = [f'code cell {number}, under "{heading}":', *indented]
    return lines


def _tidy(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """The executed notebook without times, versions and marks, its parameters as were given."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    marked = [cell for cell in notebook.cells if is_tagged(cell, "papermill-error-cell-tag")]
    notebook.cells = [cell for cell in notebook.cells if cell not in marked]
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.metadata.get("tags") == []:
            del cell.metadata["tags"]
        if is_tagged(cell, "injected-parameters"):
            cell.source = injected(parameters)
            cell.id = "injected-parameters"  # papermill's is drawn by chance
    return notebook
