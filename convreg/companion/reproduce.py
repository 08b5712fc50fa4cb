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
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import yaml
from tqdm import tqdm

from convreg.companion.notebooks import ROOT, Notebook, all_notebooks
from convreg.companion.runs import Run, execute, one_blas_thread
from convreg.storage.files import write_whole

WORKERS = min(2, os.cpu_count() or 1)


def run_all(notebooks: list[Notebook], run: Callable[[Notebook], Run]) -> list[Run]:
    """Run all notebooks, a line for each that ends; how each of them ended, in their order."""
    with one_blas_thread(), ThreadPoolExecutor(WORKERS) as pool:
        # the later ones are longer: they go first
        running = {pool.submit(run, notebook): notebook for notebook in reversed(notebooks)}
        ending = as_completed(running)
        bar = tqdm(ending, total=len(notebooks), desc="notebooks", leave=False, disable=None)
        for future in bar:
            name, ended = running[future].path.name, future.result()
            bar.write(f"{name:36} {ended.seconds:5.1f} s  {'fail' if ended.error else 'pass'}")
            if ended.error:
                bar.write(ended.error)
    return [future.result() for future in reversed(running)]


def rewrite(notebook: Notebook) -> Run:
    """A committed notebook, executed as it stands, in its own place; left alone where it fails."""
    run = execute(notebook)
    if not run.error:
        write_whole({notebook.path: run.executed})
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
    summary = (__doc__ or "").splitlines()[0]
    options = argparse.ArgumentParser("python -m convreg.companion.reproduce", description=summary)
    options.add_argument(
        "--figures", type=Path, default=ROOT / "figures", help="where the figures go"
    )
    options.add_argument(
        "--build", type=Path, default=ROOT / "build", help="where the executed notebooks go"
    )
    options.add_argument("--parameters", type=Path, help="a YAML file: notebook name -> parameters")
    options.add_argument(
        "--rewrite", action="store_true", help="execute the committed notebooks in their places"
    )
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run all notebooks; 0 if every one passed."""
    options = parser().parse_args(arguments)
    given = yaml.safe_load(options.parameters.read_text()) if options.parameters else {}
    figures, build = options.figures.resolve(), options.build.resolve()
    every = [Notebook.read(path) for path in all_notebooks()]
    notebooks = [notebook for notebook in every if not notebook.missing]
    skipped = [notebook for notebook in every if notebook.missing]

    def run(notebook: Notebook) -> Run:
        """One notebook with its figures; where it fails, what was executed is kept to look at."""
        parameters = {**given.get(notebook.path.stem, {}), "figure_dir": figures.name}
        ended = execute(notebook, parameters)
        kept = {} if ended.error else ended.figures
        contents = {figures / name: content for name, content in kept.items()}
        write_whole({**contents, build / notebook.path.name: ended.executed})
        return ended

    runs = run_all(notebooks, rewrite if options.rewrite else run)
    passed = [ended for ended in runs if not ended.error]
    for notebook in skipped:
        print(f"{notebook.path.name:36}   skipped, {notebook.missing}")
    if not options.rewrite:
        print("\n".join(claim_lines(passed)))
        print(f"figures in {options.figures.name}/, executed notebooks in {options.build.name}/")
    total = f"{len(passed)} passed, {len(notebooks) - len(passed)} failed"
    print(f"{total}, {len(skipped)} skipped" if skipped else total)
    return int(len(passed) < len(notebooks))


if __name__ == "__main__":
    sys.exit(main())
