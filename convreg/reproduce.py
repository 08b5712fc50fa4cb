"""Every notebook through papermill: the figures, one line per notebook, and the claims with their verdicts.

    python -m convreg.reproduce [--figures FOLDER] [--build FOLDER] [--parameters FILE.yml]

Without a file of parameters the notebooks run with their defaults, which are the paper's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import yaml
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
WORKERS = min(2, os.cpu_count() or 1)
# BLAS threads of several kernels on few cores wait for one another: one each is quicker.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Outcome(NamedTuple):
    """How the run of a notebook ended: the executed notebook, its seconds, and the error ('' if it passed)."""

    executed: Path
    seconds: float
    error: str

    def __str__(self) -> str:
        return f"{self.executed.name:36} {self.seconds:5.1f} s  {'fail' if self.error else 'pass'}"


def run_notebook(notebook: Path, figures: Path, build: Path, parameters: dict[str, Any]) -> Outcome:
    """One notebook through papermill, in a process of its own."""
    executed, start = build / notebook.name, time.perf_counter()
    settings = yaml.safe_dump({**parameters, "figure_dir": str(figures)})
    command = [sys.executable, "-m", "papermill", str(notebook), str(executed), "-k", "python3", "-y", settings]
    command += ["--no-progress-bar"]
    run = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False)
    return Outcome(executed, time.perf_counter() - start, run.stderr if run.returncode else "")


def claims(executed: Path) -> list[str]:
    """The claims that an executed notebook judged, a line each: verdict, claim, numbers."""
    cells = nbformat.read(executed, as_version=4).cells
    outputs = [out for cell in cells if "claims" in cell.metadata.get("tags", []) for out in cell.outputs]
    tables = [out["data"]["text/markdown"] for out in outputs if "text/markdown" in out.get("data", {})]
    rows = [line.strip("| ").split(" | ") for table in tables for line in table.splitlines()[2:]]
    return [f"{verdict.strip('*'):14} {where}: {says} ({measured})" for where, says, verdict, measured, _ in rows]


def main(arguments: list[str] | None = None) -> int:
    """Run all notebooks; 0 if every one passed."""
    parser = argparse.ArgumentParser(prog="python -m convreg.reproduce", description=__doc__.splitlines()[0])
    parser.add_argument("--figures", type=Path, default=ROOT / "figures", help="where the figures go")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where the executed notebooks go")
    parser.add_argument("--parameters", type=Path, help="a YAML file: notebook name -> parameters")
    options = parser.parse_args(arguments)
    given = yaml.safe_load(options.parameters.read_text()) if options.parameters else {}
    figures, build = options.figures.resolve(), options.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    notebooks = sorted(NOTEBOOKS.glob("*.ipynb"))

    def run(notebook: Path) -> Outcome:
        """One notebook with what the options say."""
        return run_notebook(notebook, figures, build, given.get(notebook.stem, {}))

    with ThreadPoolExecutor(WORKERS) as pool:
        running = [pool.submit(run, notebook) for notebook in reversed(notebooks)]  # the later ones take longer
        bar = tqdm(as_completed(running), total=len(notebooks), desc="notebooks", leave=False)
        for outcome in (future.result() for future in bar):
            bar.write(f"{outcome}\n{outcome.error}" if outcome.error else str(outcome))
    outcomes = [future.result() for future in reversed(running)]
    passed = [outcome for outcome in outcomes if not outcome.error]
    for outcome in passed:
        for line in claims(outcome.executed):
            print(line)
    print(f"figures in {options.figures.name}/, executed notebooks in {options.build.name}/")
    print(f"{len(passed)} passed, {len(outcomes) - len(passed)} failed")
    return int(len(passed) < len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
