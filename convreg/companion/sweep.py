"""A notebook over a grid of parameters: a folder of runs that is whole at every moment, and an index of it.

Every run has a folder DIR/runs/KEY, KEY made of its parameters. Its run.json comes last and says that the rest
is there; index.csv holds a row for each. So a sweep that was stopped, however, goes on where it was.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np
from filelock import FileLock, Timeout
from tqdm import tqdm

from convreg.companion.notebooks import checked, parameters_of, read_values
from convreg.companion.parameters import FOLDERS, RULES, unknown
from convreg.companion.runs import Run, execute
from convreg.storage.files import write_whole
from convreg.storage.tables import Table, as_column

Row = dict[str, Any]  # "run", "status", "seconds", "error", "parameters", "headline"


class Setting(NamedTuple):
    """A point of the grid: what is set there, and all parameters of the run."""

    given: dict[str, Any]
    parameters: dict[str, Any]

    @property
    def key(self) -> str:
        """The name of the run's folder.

        >>> Setting({"alpha": 1}, {"alpha": 1.0}).key
        '71c17ad9ba6b'
        """
        return hashlib.sha256(json.dumps(self.parameters, sort_keys=True).encode()).hexdigest()[:12]


def read_grid(notebook: Path, texts: Sequence[str]) -> dict[str, list[Any]]:
    """The values of each parameter, from ``name=value,value``.

    Raises
    ------
    ValueError
        For what is no such text, for an unknown or repeated name, and for a folder.

    Examples
    --------
    >>> from convreg.companion.notebooks import find_notebook
    >>> read_grid(find_notebook("05"), ["alpha=0.1,1", "channels=[[3, 1]],[[1, 3]]"])
    {'alpha': [0.1, 1], 'channels': [[[3, 1]], [[1, 3]]]}
    """
    known, grid = [name for name in parameters_of(notebook) if name not in FOLDERS], {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not values.strip() or name in grid:
            raise ValueError(f"--grid: wanted name=value,value, each name once, got {text!r}")
        if name not in known:
            raise ValueError(f"--grid: {name}: {unknown(name, known)}")
        entries = read_values(notebook, {name: f"[{values}]"})[name]
        grid[name] = entries if isinstance(entries, list) else [RULES[name].read(one) for one in values.split(",")]
    return grid


def settings(notebook: Path, grid: Mapping[str, Sequence[Any]]) -> list[Setting]:
    """Every point of the grid, checked as the notebook itself would check it, before anything starts.

    Raises
    ------
    ValueError
        With all points that the notebook refuses, or that are the same run.
    """
    points, problems = {}, []
    for values in itertools.product(*grid.values()):
        given = dict(zip(grid, values, strict=True))
        try:
            setting = Setting(given, checked(notebook, given))
        except ValueError as error:
            problems.append(f"{given}: {error}")
            continue
        if setting.key in points:
            problems.append(f"{given}: given twice")
        points[setting.key] = setting
    if problems:
        more = f"\n... and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise ValueError("--grid: " + "\n".join(problems[:10]) + more)
    return list(points.values())


def sweep(
    notebook: Path, points: Iterable[Setting], out: Path, executor: Executor, workers: int, progress: bool = True
) -> list[Row]:
    """Run every setting that is not complete in a folder, at most so many at once; the rows of these settings.

    Parameters
    ----------
    notebook : Path
    points : iterable of Setting
    out : Path
        Made if need be; gets index.csv, and runs/KEY with the executed notebook, figures, results, run.json.
    executor : concurrent.futures.Executor
        Threads are enough: every run has a kernel process of its own. Processes and Dask's executor do as well.
    workers : int
        So many runs are handed to the executor at once. What it loses with a worker is no more than these.
    progress : bool
        Whether to show a bar.

    Raises
    ------
    ValueError
        Where another sweep is writing to the folder, or one of another notebook has written to it.
    OSError
        Where the folder cannot be written to.
    BrokenExecutor
        Where the executor itself is lost, as a pool of processes is with one of them; the next sweep goes on.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", blocking=False):
            _claim(out, notebook)
            return _sweep(notebook, list(points), out, executor, workers, progress)
    except Timeout:
        raise ValueError(f"--out: wanted a folder that no other sweep is writing to, got {out}") from None


def _claim(out: Path, notebook: Path) -> None:
    """Bind a folder to the code of a notebook: runs of different code are no grid."""
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    ours = {"notebook": notebook.stem, "code_sha256": hashlib.sha256("\n\n".join(cells).encode()).hexdigest()}
    record = out / "sweep.json"
    theirs = json.loads(record.read_text()) if record.exists() else ours
    if theirs != ours:
        other = "an earlier version" if theirs["notebook"] == notebook.stem else theirs["notebook"]
        raise ValueError(
            f"--out: wanted a new folder or one of {notebook.stem} as it is, got one of {other}: {out}"
        )
    write_whole({record: _as_json(ours)})


def _sweep(
    notebook: Path, points: list[Setting], out: Path, executor: Executor, workers: int, progress: bool
) -> list[Row]:
    for part in out.rglob(".*.part"):  # of a sweep that was killed
        part.unlink()
    source, done = notebook.read_text(encoding="utf-8"), {row["run"]: row for row in rows(out)}
    missing = [point for point in points if done.get(point.key, {}).get("status") != "complete"]
    waiting, running, complete = iter(missing), dict[Future[Run], Setting](), len(points) - len(missing)
    with tqdm(total=len(points), initial=complete, desc="runs", disable=None if progress else True) as bar:
        while True:
            for point in itertools.islice(waiting, workers - len(running)):
                running[executor.submit(execute, source, point.parameters)] = point
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
        return Run(b"", {}, {}, float("nan"), f"{type(error).__name__}: {error}")


def _keep(out: Path, point: Setting, run: Run) -> Row:
    """Write what a run gave to its folder; its row."""
    folder = out / "runs" / point.key
    row = {
        "run": point.key,
        "status": "failed" if run.error else "complete",
        "seconds": None if run.seconds != run.seconds else round(run.seconds, 1),
        "error": run.error,
        "parameters": point.parameters,
        "headline": {} if run.error else run.headline(),
    }
    executed = {folder / "executed.ipynb": run.executed} if run.executed else {}
    found = {} if run.error else {folder / name: content for name, content in (run.figures | run.results).items()}
    write_whole({**executed, **found, folder / "run.json": _as_json(row)})
    return row


def _as_json(value: Any) -> bytes:
    return f"{json.dumps(value, indent=1)}\n".encode()


def rows(out: Path) -> Iterator[Row]:
    """The row of every run in a folder."""
    return (json.loads(path.read_text()) for path in out.glob("runs/*/run.json"))


def index_of(found: Iterable[Row]) -> bytes:
    """index.csv: a row a run in the order of the parameters, whatever the order in which they ended."""
    sorted_rows = sorted(found, key=lambda row: list(row["parameters"].values()))
    names = list(dict.fromkeys(name for row in sorted_rows for name in row["headline"]))
    parameters = list(dict.fromkeys(name for row in sorted_rows for name in row["parameters"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", *parameters, "status", "seconds", "error", *names])
    for row in sorted_rows:
        settled = [_cell(row["parameters"][name]) for name in parameters]
        last = row["error"].splitlines()[-1:] or [""]
        ended = [row["status"], _cell(row["seconds"]), *last]
        writer.writerow([row["run"], *settled, *ended, *(_cell(row["headline"].get(name)) for name in names)])
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A list as JSON, nothing as an empty cell."""
    return "" if value is None else json.dumps(value) if isinstance(value, list) else value


def read_index(path: Path) -> Table:
    """The complete runs of an index.csv, a column each of its parameters and headline numbers."""
    with open(path, newline="", encoding="utf-8") as file:
        complete = [row for row in csv.DictReader(file) if row["status"] == "complete"]
    names = list(complete[0]) if complete else []
    columns = {name: [row[name] for row in complete] for name in names}
    return {name: np.array(cells) if name == "run" else as_column(cells) for name, cells in columns.items()}
