"""A notebook over a grid of parameters: a folder of runs that is whole at every moment.

Every run has a folder DIR/runs/KEY, KEY made of its parameters. Its run.json comes last and says
that the rest is there; index.csv holds a row for each. So a sweep that was stopped, however, goes
on where it was. sweep.json says of which notebook the runs are.
"""

from __future__ import annotations

import errno
import itertools
import math
import secrets
import sys
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from convreg.companion.executors import GOES_ON, DaskExecutor, ExecutorLost
from convreg.companion.folder import check_places, claim, clean, code_sha256
from convreg.companion.grid import Setting
from convreg.companion.index import Row, index_of
from convreg.companion.notebooks import Notebook
from convreg.companion.records import SCHEMA, as_json, problem_of, read_rows
from convreg.companion.runs import Run, execute
from convreg.storage.files import write_whole

NAMES = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)  # a disk that does not take a name


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
        figures, results and run.json. A run.json that cannot be believed is named in a warning, and
        that point is run again.
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
        Where another sweep is writing to the folder, or one of another notebook has written to it,
        or something else is in the place of our files and folders.
    OSError
        Where the folder cannot be written to.
    BrokenExecutor
        Where the executor itself is lost, as a pool of processes is with one of them. What was
        under way has not failed, and the next sweep goes on.
    """
    points = list(points)
    out.mkdir(parents=True, exist_ok=True)
    check_places(out, points)
    try:
        with FileLock(out / ".lock", blocking=False):
            (out / "runs").mkdir(exist_ok=True)
            clean(out)
            claim(out, notebook)
            return _sweep(notebook, points, out, executor, workers, progress)
    except Timeout:
        wanted = "wanted a folder that no other sweep is writing to"
        raise ValueError(f"--out: {wanted}, got {out}") from None


def _sweep(
    notebook: Notebook,
    points: list[Setting],
    out: Path,
    executor: Executor,
    workers: int,
    progress: bool,
) -> list[Row]:
    code = code_sha256(notebook)
    done = _rows(out, {point.key for point in points})
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
            for future in _ended(running, executor):
                point = running.pop(future)
                done[point.key] = _keep(out, point, _outcome(future), code)
                write_whole({out / "index.csv": index_of(done.values())})
                bar.update()
    write_whole({out / "index.csv": index_of(done.values())})
    return [done[point.key] for point in points]


def _rows(out: Path, keys: set[str]) -> dict[str, Row]:
    """The rows of a folder; a warning for each record that cannot be believed."""
    rows, problems = read_rows(out)
    for record, problem in problems.items():
        again = record.parent.name in keys
        consequence = "that point is run again" if again else "left out of index.csv"
        place = str(record) if str(record).isprintable() else repr(str(record))
        print(f"warning: {place}: {problem}: {consequence}", file=sys.stderr)
    return rows


def _ended(running: Iterable[Future[Run]], executor: Executor) -> list[Future[Run]]:
    """The runs that have ended, after a second at most; those lost with the executor come last."""
    ended = wait(running, timeout=1, return_when=FIRST_COMPLETED).done
    if not ended and isinstance(executor, DaskExecutor):
        executor.check()
    return sorted(ended, key=_is_lost)


def _is_lost(future: Future[Run]) -> bool:
    """Whether a run was taken away with its executor: it has not failed, it has not been."""
    return future.cancelled() or isinstance(future.exception(), BrokenExecutor)


def _outcome(future: Future[Run]) -> Run:
    """How a run ended, also where its worker was lost."""
    if _is_lost(future):
        raise ExecutorLost(f"the executor has ended: {GOES_ON}")
    try:
        return future.result()
    except Exception as error:
        return Run(b"", {}, {}, math.nan, f"{type(error).__name__}: {error}")


def _keep(out: Path, point: Setting, run: Run, code: str) -> Row:
    """Write what a run gave to its folder; its row. What cannot be kept has failed."""
    try:
        return _written(out, point, run, code)
    except Exception as error:  # its results may be anything, their names too
        if isinstance(error, OSError) and error.errno not in NAMES:
            raise
        said = f"the results cannot be kept: {type(error).__name__}: {error}"
        return _written(out, point, Run(run.executed, {}, {}, run.seconds, said), code)


def _written(out: Path, point: Setting, run: Run, code: str) -> Row:
    """The row of a run whose files are written."""
    files, row = _record(point, run, code)
    if problem := problem_of(row):
        raise ValueError(problem)
    folder = out / "runs" / point.key
    contents = {folder / name: content for name, content in files.items()}
    contents[folder / "run.json"] = as_json(row)
    for path in contents:
        if path.is_dir() and not path.is_symlink():  # whatever is in it is not ours
            path.rename(path.with_name(f"{path.name}.{secrets.token_hex(4)}.aside"))
    write_whole(contents)
    return row


def _record(point: Setting, run: Run, code: str) -> tuple[dict[str, bytes], Row]:
    """The files of a run's folder but for run.json, and its row."""
    given = [("executed.ipynb", run.executed)] if run.executed else []
    if not run.error:
        given += [*run.figures.items(), *run.results.items()]
    files = dict(given)
    if len(files) < len(given) or "run.json" in files:
        names = " ".join(name for name, _ in given)
        raise ValueError(f"wanted each name once, and none run.json, got {names}")
    row = {
        "schema": SCHEMA,
        "run": point.key,
        "status": "failed" if run.error else "complete",
        "seconds": round(run.seconds, 1) if math.isfinite(run.seconds) else None,
        "error": run.error,
        "parameters": point.parameters,
        "headline": {} if run.error else run.headline(),
        "files": {name: len(content) for name, content in files.items()},
        "code_sha256": code,
    }
    return files, row
