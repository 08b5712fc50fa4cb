"""Every notebook through papermill: the figures, one line per notebook, the claims judged.

::

    python -m convreg.companion.reproduce [--figures FOLDER] [--build FOLDER]
                                          [--parameters FILE.yml]
    python -m convreg.companion.reproduce --rewrite

Without a file of parameters the notebooks run with their defaults, which are the paper's. To
rewrite is to put the executed notebooks in the places of the committed ones.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path

from tqdm import tqdm

from convreg.companion.arguments import Once
from convreg.companion.endings import ended, threads
from convreg.companion.executors import cpus
from convreg.companion.given import Given, read_given
from convreg.companion.kernels import one_blas_thread
from convreg.companion.notebooks import ROOT, Notebook, all_notebooks
from convreg.companion.places import as_place, no_folder
from convreg.companion.runs import Run, execute
from convreg.storage.files import write_whole

PROGRAM = "python -m convreg.companion.reproduce"
WORKERS = min(2, cpus())


def run_all(notebooks: list[Notebook], run: Callable[[Notebook], Run]) -> list[Run]:
    """Run all notebooks, a line for each that ends; how each of them ended, in their order."""
    with one_blas_thread(), threads(WORKERS) as pool:
        # the later ones are longer: they go first
        running = {pool.submit(run, notebook): notebook for notebook in reversed(notebooks)}
        ending = as_completed(running)
        bar = tqdm(ending, total=len(notebooks), desc="notebooks", leave=False, disable=None)
        for future in bar:
            name, one = running[future].path.name, future.result()
            bar.write(f"{name:36} {one.seconds:5.1f} s  {'fail' if one.error else 'pass'}")
            if one.error:
                bar.write(one.error)
    return [future.result() for future in reversed(running)]


def rewrite(notebook: Notebook) -> Run:
    """A committed notebook, executed as it stands, in its own place; left alone where it fails."""
    run = execute(notebook)
    if not run.error:
        write_whole({notebook.path: run.executed})
    return run


def run_with(notebook: Notebook, given: Given, figures: Path, build: Path) -> Run:
    """One notebook with its figures; where it fails, what was executed is kept to look at."""
    run = execute(notebook, {**given.get(notebook.path.stem, {}), "figure_dir": figures.name})
    kept = {} if run.error else run.figures
    contents = {figures / name: content for name, content in kept.items()}
    if run.executed:  # there is none where the kernel could not even start
        contents[build / notebook.path.name] = run.executed
    write_whole(contents)
    return run


def claim_lines(runs: Iterable[Run]) -> list[str]:
    """The claims that runs judged, a line each: verdict, claim, numbers; the same line once."""
    lines = []
    for claim in (claim for run in runs for claim in run.claims()):
        said = f"{claim['where']}: {claim['says']} ({claim['measured']})"
        lines.append(f"{claim['verdict']:14} {said}")
    return list(dict.fromkeys(lines))


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(PROGRAM, description=(__doc__ or "\n").splitlines()[0])
    add = options.add_argument
    add("--figures", action=Once, help="where the figures go; else figures/ of the checkout")
    add("--build", action=Once, help="where the executed notebooks go; else build/")
    add("--parameters", action=Once, help="a YAML file: notebook name -> parameters")
    add("--rewrite", action="store_true", help="execute the committed notebooks in their places")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run all notebooks; 0 if every one passed."""
    # before a cell imports matplotlib: what the user has set may stop it
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
    return ended(PROGRAM, partial(reproduce, parser().parse_args(arguments)))


def _places(options: argparse.Namespace) -> list[Path]:
    """The folders of the figures and of the executed notebooks, which can be written to."""
    places = []
    for name in ("figures", "build"):
        text = getattr(options, name)
        places.append(as_place(f"--{name}", ROOT / name if text is None else text))
        if problem := no_folder(f"--{name}", places[-1]):
            raise ValueError(problem)
    return places


def reproduce(options: argparse.Namespace) -> int:
    """What the options say; 1 where a notebook failed."""
    every = [Notebook.read(path) for path in all_notebooks()]
    notebooks = [notebook for notebook in every if not notebook.missing]
    skipped = [notebook for notebook in every if notebook.missing]
    for name in ("parameters", "figures", "build"):
        if options.rewrite and getattr(options, name) is not None:
            raise ValueError(f"--rewrite: wanted without --{name}, which it would ignore")
    given = {} if options.parameters is None else read_given(options.parameters, every)
    figures, build = _places(options)
    as_asked = partial(run_with, given=given, figures=figures, build=build)
    runs = run_all(notebooks, rewrite if options.rewrite else as_asked)
    passed = [one for one in runs if not one.error]
    for notebook in skipped:
        print(f"{notebook.path.name:36}   skipped, {notebook.missing}")
    if not options.rewrite:
        print("\n".join(claim_lines(passed)))
        print(f"figures in {figures.name}/, executed notebooks in {build.name}/")
    total = f"{len(passed)} passed, {len(notebooks) - len(passed)} failed"
    print(f"{total}, {len(skipped)} skipped" if skipped else total)
    return int(len(passed) < len(notebooks))


if __name__ == "__main__":
    sys.exit(main())
