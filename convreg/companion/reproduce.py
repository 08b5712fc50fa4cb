"""Every notebook through papermill: the figures, one line per notebook, and the claims with their verdicts.

::

    python -m convreg.companion.reproduce [--figures FOLDER] [--build FOLDER] [--parameters FILE.yml]
    python -m convreg.companion.reproduce --rewrite

Without a file of parameters the notebooks run with their defaults, which are the paper's. To rewrite is to put
the executed notebooks in the places of the committed ones.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
import yaml
from tqdm import tqdm

from convreg.companion.notebooks import ROOT, all_notebooks, is_tagged, missing
from convreg.companion.runs import Run, execute, one_blas_thread
from convreg.storage.files import write_whole

WORKERS = min(2, os.cpu_count() or 1)


def run_all(notebooks: list[Path], run: Callable[[Path], Run]) -> list[Path]:
    """Run all notebooks, a line for each that ends; those that passed."""
    with one_blas_thread(), ThreadPoolExecutor(WORKERS) as pool:
        running = {
            pool.submit(run, notebook): notebook for notebook in reversed(notebooks)
        }  # the later are longer
        bar = tqdm(as_completed(running), total=len(notebooks), desc="notebooks", leave=False, disable=None)
        for future in bar:
            name, ended = running[future].name, future.result()
            bar.write(f"{name:36} {ended.seconds:5.1f} s  {'fail' if ended.error else 'pass'}")
            if ended.error:
                bar.write(ended.error)
    return sorted(notebook for future, notebook in running.items() if not future.result().error)


def rewrite(notebook: Path) -> Run:
    """A committed notebook, executed as it stands, in its own place; left alone where it fails."""
    run = execute(notebook.read_text(encoding="utf-8"))
    if not run.error:
        write_whole({notebook: run.executed})
    return run


def claims(executed: Path) -> list[str]:
    """The claims that an executed notebook judged, a line each: verdict, claim, numbers."""
    cells = nbformat.read(executed, as_version=4).cells
    outputs = [out for cell in cells if is_tagged(cell, "claims") for out in cell.outputs]
    tables = [out["data"]["text/markdown"] for out in outputs if "text/markdown" in out.get("data", {})]
    rows = [line.strip("| ").split(" | ") for table in tables for line in table.splitlines()[2:]]
    return [
        f"{verdict.strip('*'):14} {where}: {says} ({measured})" for where, says, verdict, _, measured, _ in rows
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run all notebooks; 0 if every one passed."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m convreg.companion.reproduce", description=summary)
    parser.add_argument("--figures", type=Path, default=ROOT / "figures", help="where the figures go")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where the executed notebooks go")
    parser.add_argument("--parameters", type=Path, help="a YAML file: notebook name -> parameters")
    parser.add_argument("--rewrite", action="store_true", help="execute the committed notebooks in their places")
    options = parser.parse_args(arguments)
    given = yaml.safe_load(options.parameters.read_text()) if options.parameters else {}
    figures, build = options.figures.resolve(), options.build.resolve()
    lacking = {notebook: missing(notebook.read_text(encoding="utf-8")) for notebook in all_notebooks()}
    notebooks = [notebook for notebook, why in lacking.items() if not why]
    skipped = [f"{notebook.name:36}   skipped, {why}" for notebook, why in lacking.items() if why]

    def run(notebook: Path) -> Run:
        """One notebook with its figures; where it fails, what was executed is kept to look at."""
        parameters = {**given.get(notebook.stem, {}), "figure_dir": figures.name}
        ended = execute(notebook.read_text(encoding="utf-8"), parameters)
        contents = {} if ended.error else {figures / name: content for name, content in ended.figures.items()}
        write_whole({**contents, build / notebook.name: ended.executed})
        return ended

    passed = run_all(notebooks, rewrite if options.rewrite else run)
    print("".join(f"{line}\n" for line in skipped), end="")
    if not options.rewrite:
        print("\n".join(line for notebook in passed for line in claims(build / notebook.name)))
        print(f"figures in {options.figures.name}/, executed notebooks in {options.build.name}/")
    ended = f"{len(passed)} passed, {len(notebooks) - len(passed)} failed"
    print(f"{ended}, {len(skipped)} skipped" if skipped else ended)
    return int(len(passed) < len(notebooks))


if __name__ == "__main__":
    sys.exit(main())
