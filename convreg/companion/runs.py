"""One notebook run with given parameters, in a folder of its own: what it gives comes back whole, or its error.

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
from papermill.translators import PythonTranslator

from convreg.companion.notebooks import is_tagged
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
        return {
            name: value for text in self.results.values() for name, value in json.loads(text)["headline"].items()
        }


def execute(source: str, parameters: Mapping[str, Any] | None = None, progress: bool = False) -> Run:
    """Run a notebook in a kernel of its own, through papermill; nothing is written but what the Run holds.

    Parameters
    ----------
    source : str
        The notebook's text.
    parameters : mapping, optional
        As for papermill; figure_dir and results_dir only enter the text of the executed notebook. Without any the
        notebook runs as it stands.
    progress : bool
        Whether to show papermill's progress bar.

    Returns
    -------
    Run
        Its ``error`` is '' or names the cell; whatever stops the kernel, nothing is raised.
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="convreg-", ignore_cleanup_errors=True) as place:
        for _ in range(3):  # a kernel does not start where another program was faster to take its port
            notebook, error = _attempt(source, parameters, progress, place)
            if not error or any(_began(cell) for cell in notebook.cells):
                break
        figures, results = (
            {path.name: path.read_bytes() for path in sorted(Path(place, name).glob("*")) if path.is_file()}
            for name in FOLDERS
        )
    executed = nbformat.writes(_tidy(notebook, parameters or {})).encode() + b"\n"
    return Run(executed, figures, results, time.perf_counter() - started, error)


def _attempt(
    source: str, parameters: Mapping[str, Any] | None, progress: bool, place: str
) -> tuple[NotebookNode, str]:
    """The notebook as far as it ran, and its error."""
    saved = Path(place, "executed.ipynb")
    folders = {name: name for name in FOLDERS if f"{name}: " in source}
    try:
        notebook = papermill.execute_notebook(
            nbformat.reads(source, as_version=4),
            saved,
            {} if parameters is None else {**parameters, **folders},
            kernel_name="python3",
            progress_bar={"desc": "cells", "leave": False, "disable": None} if progress else False,
            resources={"metadata": {"path": place}},
            coalesce_streams=True,
            extra_arguments=["--IPKernelApp.log_level=50"],
        )
    except Exception as stopped:  # a cell's error, a dead kernel, a full disk: this run is lost, no other
        notebook = nbformat.reads(saved.read_text("utf-8") if saved.exists() else source, as_version=4)
        return notebook, in_one_screen(stopped, notebook)
    return notebook, ""


def _began(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.metadata.get("papermill", {}).get("start_time"))


def in_one_screen(stopped: Exception, notebook: NotebookNode) -> str:
    """Where a run stopped and why: the cell's number among the notebook's own, its heading, source, traceback."""
    trace, error = [], f"{type(stopped).__name__}: {strip_ansi(str(stopped)).strip()}"
    if isinstance(stopped, PapermillExecutionError):
        trace = strip_ansi("\n".join(stopped.traceback)).splitlines()[: -1 - stopped.evalue.count("\n")]
        error = f"{stopped.ename}: {stopped.evalue}"
    lines, heading, number = [], "", 0
    for cell in notebook.cells:
        titles = [line for line in cell.source.splitlines() if cell.cell_type == "markdown" and line[:1] == "#"]
        heading = titles[-1].lstrip("# ") if titles else heading
        number += cell.cell_type == "code" and not is_tagged(cell, "injected-parameters")
        if _began(cell):  # the last that did
            lines = [f'code cell {number}, under "{heading}":', *_first(cell.source.splitlines(), 8)]
    return "\n".join(line[:300] for line in [*lines, *_last(trace, 8), " ".join(error.split())])


def _first(lines: list[str], count: int) -> list[str]:
    return [f"    {line}" for line in (lines if len(lines) <= count else [*lines[:count], "..."])]


def _last(lines: list[str], count: int) -> list[str]:
    return [line for line in lines if line.strip()][-count:]


def _tidy(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """The executed notebook without times, versions and marks, its parameters as they were given."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    notebook.cells = [cell for cell in notebook.cells if not is_tagged(cell, "papermill-error-cell-tag")]
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if not cell.metadata.get("tags", ["one"]):
            del cell.metadata["tags"]
        if is_tagged(cell, "injected-parameters"):
            cell.source = PythonTranslator.codify(dict(parameters)).rstrip()
    return notebook


def one_blas_thread() -> AbstractContextManager[Any]:
    """For runs side by side: the BLAS threads of several kernels on few cores wait for one another."""
    return patch.dict(
        os.environ, dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    )
