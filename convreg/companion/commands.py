"""The companion from the command line: list the notebooks, run one with your parameters, sweep over many.

::

    python -m convreg list [NOTEBOOK]
    python -m convreg run NOTEBOOK [-p name value ...] [-o OUT.ipynb] [--figure-dir DIR] [--results-dir DIR]
    python -m convreg sweep NOTEBOOK --grid name=value,value ... --out DIR

NOTEBOOK is a number, a name or a path. The exit status is 0, or 1 where a run failed, or 2 where the command
has to be changed.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import nbformat
import psutil

from convreg import __version__
from convreg.companion.executors import executor
from convreg.companion.notebooks import all_notebooks, checked, find_notebook, parameters_of, read_values, title
from convreg.companion.parameters import FOLDERS, RULES, no_folder
from convreg.companion.runs import execute, one_blas_thread
from convreg.companion.sweep import read_grid, read_index, settings, sweep
from convreg.plots.style import save_figure
from convreg.plots.sweep import picture_table, sweep_figure
from convreg.storage.files import write_whole


def list_notebooks(options: argparse.Namespace) -> int:
    """Every notebook, or one, with its parameters: name, type, default, meaning, what is accepted."""
    for path in [find_notebook(options.notebook)] if options.notebook else all_notebooks():
        print(f"{path.stem}: {title(nbformat.read(path, as_version=4))}")
        for name, kind, default, meaning in parameters_of(path).values():
            wanted = f"; {RULES[name].wanted}" if name in RULES and name not in FOLDERS else ""
            print(f"  {name:16} {kind:5} = {default}\n{'':27}{meaning}{wanted}")
    return 0


def run_notebook(options: argparse.Namespace) -> int:
    """One notebook: its files, all of them, or its error."""
    path = find_notebook(options.notebook)
    given = [*options.parameters, *((name, folder) for name in FOLDERS if (folder := getattr(options, name)))]
    texts = dict(given)
    if len(texts) < len(given):
        raise ValueError(f"-p: wanted each name once, got {' '.join(name for name, _ in given)}")
    for name in FOLDERS:
        texts |= {name: str(Path(texts[name]).expanduser().resolve())} if texts.get(name) else {}
    values = read_values(path, texts)
    checked(path, values)
    out = (options.out or Path(f"{path.stem}.run.ipynb")).expanduser().resolve()
    _can_be_written(out, path)
    run = execute(path.read_text(encoding="utf-8"), values, progress=True)
    if run.error:
        print(f"{path.stem} failed after {run.seconds:.0f} s in {run.error}", file=sys.stderr)
        return 1
    contents: dict[Path, bytes] = {}
    for name, files in (("figure_dir", run.figures), ("results_dir", run.results)):
        contents |= (
            {Path(values[name], file): content for file, content in files.items()} if values.get(name) else {}
        )
    write_whole({**contents, out: run.executed})
    print(f"{path.stem} passed in {run.seconds:.0f} s: {out}")
    for name, value in run.headline().items():
        print(f"  {name} = {value}")
    return 0


def sweep_notebook(options: argparse.Namespace) -> int:
    """A notebook over a grid; index.csv, a picture, and which runs failed."""
    notebook, out = find_notebook(options.notebook), options.out.expanduser().resolve()
    if problem := no_folder("--out", str(out)):
        raise ValueError(problem)
    grid = read_grid(notebook, options.grid)
    points = settings(notebook, grid)
    axes = options.picture or [name for name, values in grid.items() if len(values) > 1][:2] or list(grid)[:1]
    if len(axes) > 2 or not set(axes) <= set(grid):
        raise ValueError(f"--picture: wanted one or two of {', '.join(grid)}, got {' '.join(axes)}")
    with one_blas_thread(), executor(options.scheduler, options.workers) as (pool, workers):
        try:
            ended = sweep(notebook, points, out, pool, workers)
        except KeyboardInterrupt:
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):  # it went with its parent
                    if "ipykernel_launcher" in child.cmdline():  # Dask ends its own
                        child.kill()
            raise
    failed = [row for row in ended if row["status"] == "failed"]
    for row in failed[:3]:
        print(f"{row['run']} failed: {row['parameters']}\n{row['error']}\n", file=sys.stderr)
    print(f"{len(ended) - len(failed)} complete, {len(failed)} failed: {out / 'index.csv'}")
    if any(row["headline"] for row in ended):
        others = [name for name, values in grid.items() if len(values) > 1 and name not in axes]
        print(f"picture: {draw(out, {point.key for point in points}, axes, others)}")
    return int(bool(failed))


def draw(out: Path, keys: Collection[str], axes: Sequence[str], others: Sequence[str]) -> Path:
    """The closing picture of the complete runs among these, from index.csv: sweep.png, .pdf and .csv."""
    index = read_index(out / "index.csv")
    chosen = [run in keys for run in index["run"].tolist()]
    index = {name: column[chosen] for name, column in index.items()}
    shown = list(index)[list(index).index("error") + 1 :][:4]
    table = picture_table(index, axes[0], axes[1] if len(axes) > 1 else "", others, shown)
    save_figure(sweep_figure(table), table, str(out), "sweep")
    return out / "sweep.png"


def _can_be_written(out: Path, notebook: Path) -> None:
    """Refuse a place for the executed notebook before anything is run."""
    if out.suffix != ".ipynb" or out.is_dir():
        raise ValueError(f"-o: wanted a file OUT.ipynb, got {out}")
    if out == notebook:
        raise ValueError(f"-o: wanted another file than the notebook itself, got {out}")
    if problem := no_folder("-o", str(out.parent)):
        raise ValueError(problem)


def _count(text: str) -> int:
    """A number of workers."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"wanted an integer from 1, got {text!r}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    first, _, _, *rest = (__doc__ or "").splitlines()
    whole = argparse.ArgumentParser(
        "python -m convreg",
        description=first,
        epilog="\n".join(rest),
        formatter_class=argparse.RawTextHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(required=True, metavar="list, run or sweep")
    one = commands.add_parser("list", help="the notebooks with their parameters")
    one.add_argument("notebook", nargs="?", help="only this one")
    one.set_defaults(command=list_notebooks)
    one = commands.add_parser("run", help="one notebook with your parameters")
    one.add_argument("notebook", help="a number, a name or a path")
    one.add_argument("-p", dest="parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    one.add_argument("-o", "--out", type=Path, help="the executed notebook; else NOTEBOOK.run.ipynb, here")
    one.add_argument("--figure-dir", help="folder for the figures, the same as -p figure_dir DIR")
    one.add_argument("--results-dir", help="folder for the results as JSON, the same as -p results_dir DIR")
    one.set_defaults(command=run_notebook)
    one = commands.add_parser("sweep", help="one notebook over a grid of parameters")
    one.add_argument("notebook", help="a number, a name or a path")
    one.add_argument(
        "--grid", nargs="+", required=True, metavar="NAME=VALUE,VALUE", help="the grid is their product"
    )
    one.add_argument("--out", type=Path, required=True, help="folder for index.csv, runs/ and the picture")
    one.add_argument("--picture", nargs="+", metavar="NAME", help="the parameters of the picture: axis, panels")
    one.add_argument("--workers", type=_count, help="runs at once, else as many as cores")
    one.add_argument("--scheduler", help="of Dask: tcp://HOST:PORT, or local for workers on this machine")
    one.set_defaults(command=sweep_notebook)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    options = parser().parse_args(arguments)
    try:
        return options.command(options)
    except ValueError as error:
        print(f"python -m convreg: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"python -m convreg: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing is half written, and the same sweep goes on", file=sys.stderr)
        return 130
