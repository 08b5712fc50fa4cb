"""The companion from the command line: what list, run and sweep do; `main` is the script convreg.

The commands and their options are in `convreg.companion.arguments`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from convreg.companion.arguments import parser, program
from convreg.companion.endings import ended, threads
from convreg.companion.executors import executor
from convreg.companion.grid import read_grid, settings
from convreg.companion.index import Row, read_index
from convreg.companion.kernels import one_blas_thread
from convreg.companion.notebooks import Notebook, all_notebooks, find_notebook
from convreg.companion.parameters import FOLDERS, RULES
from convreg.companion.places import as_place, no_file, no_folder
from convreg.companion.rules import named, shown
from convreg.companion.runs import Run, execute
from convreg.companion.sweep import sweep
from convreg.plots.style import save_figure
from convreg.plots.sweep import picture_table, sweep_figure
from convreg.storage.files import write_whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    commands = {"list": list_notebooks, "run": run_notebook, "sweep": sweep_notebook}
    options = parser().parse_args(arguments)
    command = partial(commands[options.command], options)
    return ended(program(), command, goes_on=options.command == "sweep")


def list_notebooks(options: argparse.Namespace) -> int:
    """Every notebook, or one: the type, default and meaning of each parameter, what it accepts."""
    paths = [find_notebook(options.notebook)] if options.notebook else all_notebooks()
    for notebook in map(Notebook.read, paths):
        print(f"{notebook.path.stem}: {notebook.title}")
        for name, kind, default, meaning in notebook.declared.values():
            ruled = name in RULES and name not in FOLDERS
            wanted = f"; {RULES[name].wanted}" if ruled else ""
            print(f"  {name:16} {kind:5} = {default}")
            print(f"{'':27}{meaning}{wanted}")
    return 0


def run_notebook(options: argparse.Namespace) -> int:
    """One notebook: its files, all of them, or its error."""
    notebook = Notebook.read(find_notebook(options.notebook))
    name = notebook.path.stem
    out = as_place("-o", f"{name}.run.ipynb" if options.out is None else options.out)
    values = notebook.read_values(_texts(options))
    notebook.checked(values)
    _can_be_written(out, notebook, values)
    with threads(1) as pool:  # in the main thread Jupyter would take the signals for itself
        run = pool.submit(execute, notebook, values, progress=True).result()
    if run.error:
        print(f"{name} failed after {run.seconds:.0f} s in {run.error}", file=sys.stderr)
        return 1
    write_whole({**_places(run, values), out: run.executed})
    print(f"{name} passed in {run.seconds:.0f} s: {out}")
    for headline, value in run.headline().items():
        print(f"  {headline} = {value}")
    return 0


def _texts(options: argparse.Namespace) -> dict[str, str]:
    """The parameters as they were typed, the folders as whole paths."""
    given = list(options.parameters)
    for name in FOLDERS:
        if folder := getattr(options, name):
            given.append((name, folder))
    texts = dict(given)
    if len(texts) < len(given):
        names = " ".join(named(name) for name, _ in given[:20])
        raise ValueError(f"-p: wanted each name once, got {names}")
    for name in FOLDERS:
        if texts.get(name):
            texts[name] = str(as_place(name, texts[name]))
    return texts


def _can_be_written(out: Path, notebook: Notebook, values: Mapping[str, Any]) -> None:
    """Refuse a place for the executed notebook before anything is run."""
    if out.suffix != ".ipynb" or os.path.isdir(out):
        raise ValueError(f"-o: wanted a file OUT.ipynb, got {shown(str(out))}")
    if out == notebook.path:
        raise ValueError(f"-o: wanted another file than the notebook itself, got {out}")
    if problem := no_folder("-o", out.parent) or no_file("-o", out):
        raise ValueError(problem)
    for name in FOLDERS:
        if values.get(name) and Path(values[name]).is_relative_to(out):
            raise ValueError(f"-o: wanted another place than that of {name}, got {out}")


def _places(run: Run, values: dict[str, Any]) -> dict[Path, bytes]:
    """The files of a run in the folders that were named."""
    contents: dict[Path, bytes] = {}
    for folder, files in (("figure_dir", run.figures), ("results_dir", run.results)):
        if values.get(folder):
            contents |= {Path(values[folder], name): content for name, content in files.items()}
    return contents


def sweep_notebook(options: argparse.Namespace) -> int:
    """A notebook over a grid; index.csv, a picture, and which runs failed."""
    notebook = Notebook.read(find_notebook(options.notebook))
    out = as_place("--out", options.out)
    if problem := no_folder("--out", out):
        raise ValueError(problem)
    grid = read_grid(notebook, options.grid)
    points = settings(notebook, grid)
    varied = [name for name, values in grid.items() if len(values) > 1]
    axes = options.picture or varied[:2] or list(grid)[:1]
    if len(axes) > 2 or len(axes) > len({*axes} & {*grid}):
        wanted = f"wanted one or two of {', '.join(grid)}"
        raise ValueError(f"--picture: {wanted}, got {' '.join(map(named, axes[:4]))}")
    with one_blas_thread(), executor(options.scheduler, options.workers) as (pool, workers):
        rows = sweep(notebook, points, out, pool, workers)
    failed = _report(rows, out)
    if any(row["headline"] for row in rows):
        others = [name for name in varied if name not in axes]
        print(f"picture: {draw(out, {point.key for point in points}, axes, others)}")
    return int(failed)


def _report(rows: Sequence[Row], out: Path) -> bool:
    """How many runs failed, and the first of them; whether any did."""
    failed = [row for row in rows if row["status"] == "failed"]
    for row in failed[:3]:
        said = f"{row['run']} failed: {row['parameters']}"
        print(f"{said}\n{row['error']}\n", file=sys.stderr)
    complete = len(rows) - len(failed)
    print(f"{complete} complete, {len(failed)} failed: {out / 'index.csv'}")
    return bool(failed)


def draw(out: Path, keys: Collection[str], axes: Sequence[str], others: Sequence[str]) -> Path:
    """The closing picture of the complete runs among these: sweep.png, .pdf and .csv."""
    index = read_index(out / "index.csv")
    chosen = [run in keys for run in index["run"].tolist()]
    index = {name: column[chosen] for name, column in index.items()}
    names = list(index)
    shown = names[names.index("error") + 1 :][:4]
    panels = axes[1] if len(axes) > 1 else ""
    table = picture_table(index, axes[0], panels, others, shown)
    save_figure(sweep_figure(table), table, str(out), "sweep")
    return out / "sweep.png"
