"""One notebook run with given parameters, in a folder of its own: all that it gives, or its error.

Whoever asked for the run decides where the files go, on whatever machine it was done.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import nbformat
import papermill
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from convreg.companion.notebooks import Notebook, injected, is_tagged
from convreg.companion.parameters import FOLDERS

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


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
        Its ``error`` is '' or names the cell; whatever stops the kernel, nothing is raised.
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="convreg-", ignore_cleanup_errors=True) as place:
        for _ in range(3):  # a kernel does not start where another program took its port
            ended, error = _attempt(notebook, parameters, progress, place)
            if not error or any(_began(cell) for cell in ended.cells):
                break
        figures, results = (_files(Path(place, name)) for name in FOLDERS)
    executed = nbformat.writes(_tidy(ended, parameters or {})).encode() + b"\n"
    return Run(executed, figures, results, time.perf_counter() - started, error)


def _files(folder: Path) -> dict[str, bytes]:
    """The files of a folder by their names; none where there is no such folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()}


def _attempt(
    notebook: Notebook, parameters: Mapping[str, Any] | None, progress: bool, place: str
) -> tuple[NotebookNode, str]:
    """The notebook as far as it ran, and its error."""
    saved = Path(place, "executed.ipynb")
    folders = {name: name for name in FOLDERS if name in notebook.declared}
    bar = {"desc": "cells", "leave": False, "disable": None}
    try:
        ended = papermill.execute_notebook(
            notebook.fresh(),
            saved,
            {} if parameters is None else {**parameters, **folders},
            kernel_name="python3",
            progress_bar=bar if progress else False,
            resources={"metadata": {"path": place}},
            coalesce_streams=True,
            extra_arguments=["--IPKernelApp.log_level=50"],
        )
    except (
        Exception
    ) as stopped:  # a cell's error, a dead kernel, a full disk: this run alone is lost
        ended = nbformat.read(saved, as_version=4) if saved.exists() else notebook.fresh()
        return ended, in_one_screen(stopped, ended)
    return ended, ""


def _began(cell: NotebookNode) -> bool:
    """Whether papermill came to a cell."""
    return cell.cell_type == "code" and bool(cell.metadata.get("papermill", {}).get("start_time"))


def in_one_screen(stopped: Exception, notebook: NotebookNode) -> str:
    """Where a run stopped and why: the cell's number and heading, its source, the traceback."""
    if isinstance(stopped, PapermillExecutionError):
        trace = strip_ansi("\n".join(stopped.traceback)).splitlines()
        trace = trace[: -1 - stopped.evalue.count("\n")]  # without the error itself
        error = f"{stopped.ename}: {stopped.evalue}"
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
    return notebook


def one_blas_thread() -> AbstractContextManager[Any]:
    """For runs side by side, whose BLAS threads would wait for one another on few cores."""
    return patch.dict(os.environ, dict.fromkeys(THREADS, "1"))
