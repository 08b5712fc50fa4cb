"""A notebook over a grid of parameters: a folder of runs that is whole at every moment.

Every run has a folder DIR/runs/KEY, KEY made of its parameters. Its run.json comes last and says
that the rest is there; index.csv holds a row for each. So a sweep that was stopped, however, goes
on where it was. sweep.json says of which notebook the runs are. Both JSON files begin with
``"schema": 1``, the version of their fields.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from convreg.companion.grid import Setting
from convreg.companion.index import Row, index_of, rows
from convreg.companion.notebooks import Notebook
from convreg.companion.runs import Run, execute
from convreg.storage.files import write_whole

SCHEMA = 1


def sweep(
    notebook: Notebook,
    points: Iterable[Setting],
    out: Path,
    executor: Executor,
    workers: int,
    progress: bool = True,
) -> list[Row]:
    """Run every setting that is not complete in a folder, at most so many at once; their rows.

    Parameters
    ----------
    notebook : Notebook
    points : iterable of Setting
    out : Path
        Made if need be; gets sweep.json, index.csv, and runs/KEY with the executed notebook,
        figures, results and run.json.
    executor : concurrent.futures.Executor
        Threads are enough: every run has a kernel process of its own. Processes and Dask's
        executor do as well.
    workers : int
        So many runs are handed to the executor at once; it loses no more with a worker.
    progress : bool
        Whether to show a bar.

    Raises
    ------
    ValueError
        Where another sweep is writing to the folder, or one of another notebook has written to it.
    OSError
        Where the folder cannot be written to.
    BrokenExecutor
        Where the executor itself is lost, as a pool of processes is with one of them; the next
        sweep goes on.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", blocking=False):
            _claim(out, notebook)
            return _sweep(notebook, list(points), out, executor, workers, progress)
    except Timeout:
        wanted = "wanted a folder that no other sweep is writing to"
        raise ValueError(f"--out: {wanted}, got {out}") from None


def _claim(out: Path, notebook: Notebook) -> None:
    """Bind a folder to the code of a notebook: runs of different code are no grid."""
    name = notebook.path.stem
    code = "\n\n".join(notebook.code).encode()
    ours = {"schema": SCHEMA, "notebook": name, "code_sha256": hashlib.sha256(code).hexdigest()}
    record = out / "sweep.json"
    theirs = json.loads(record.read_text()) if record.exists() else ours
    if theirs != ours:
        other = "an earlier version" if theirs["notebook"] == name else theirs["notebook"]
        wanted = f"wanted a new folder or one of {name} as it is"
        raise ValueError(f"--out: {wanted}, got one of {other}: {out}")
    write_whole({record: _as_json(ours)})


def _sweep(
    notebook: Notebook,
    points: list[Setting],
    out: Path,
    executor: Executor,
    workers: int,
    progress: bool,
) -> list[Row]:
    for part in out.rglob(".*.part"):  # of a sweep that was killed
        part.unlink()
    done = {row["run"]: row for row in rows(out)}
    complete = {key for key, row in done.items() if row["status"] == "complete"}
    missing = [point for point in points if point.key not in complete]
    waiting = iter(missing)
    running: dict[Future[Run], Setting] = {}
    there = len(points) - len(missing)
    disable = None if progress else True
    with tqdm(total=len(points), initial=there, desc="runs", disable=disable) as bar:
        while True:
            for point in itertools.islice(waiting, workers - len(running)):
                running[executor.submit(execute, notebook, point.parameters)] = point
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                point = running.pop(future)
                done[point.key] = _keep(out, point, _outcome(future))
                write_whole({out / "index.csv": index_of(done.values())})
                bar.update()
    write_whole({out / "index.csv": index_of(done.values())})
    return [done[point.key] for point in points]


def _outcome(future: Future[Run]) -> Run:
    """How a run ended, also where its worker was lost."""
    try:
        return future.result()
    except Exception as error:
        return Run(b"", {}, {}, math.nan, f"{type(error).__name__}: {error}")


def _keep(out: Path, point: Setting, run: Run) -> Row:
    """Write what a run gave to its folder; its row."""
    row = {
        "schema": SCHEMA,
        "run": point.key,
        "status": "failed" if run.error else "complete",
        "seconds": None if math.isnan(run.seconds) else round(run.seconds, 1),
        "error": run.error,
        "parameters": point.parameters,
        "headline": {} if run.error else run.headline(),
    }
    files = {"executed.ipynb": run.executed} if run.executed else {}
    if not run.error:
        files |= run.figures | run.results
    files["run.json"] = _as_json(row)
    folder = out / "runs" / point.key
    write_whole({folder / name: content for name, content in files.items()})
    return row


def _as_json(value: Any) -> bytes:
    return f"{json.dumps(value, indent=1)}\n".encode()
