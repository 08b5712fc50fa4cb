"""The time of ``make reproduce`` beside that of as many empty notebooks, run one after the other.

    .venv/bin/python benchmarks/bench_reproduce.py [--out FOLDER] [--repeats COUNT]

Writes reproduce.md and reproduce.json. The ratio is the time of ``make reproduce``, its environment
being set up already, divided by that of the empty notebooks run through the papermill command: what
starting the kernels costs in any case.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from tables import Item, Measured, environment, measure, paired, write

from convreg.studies.layers import duration

ROOT = Path(__file__).resolve().parents[1]
PAPERMILL = ROOT / ".venv" / "bin" / "papermill"
EMPTY_NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": "trivial",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": "1",
        }
    ],
    "metadata": {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}


def run(*command: str | Path) -> None:
    """Run a command in the root of the project; stop with what it said if it fails."""
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SystemExit(f"{Path(command[0]).name} failed:\n{done.stdout[-2000:]}")


def reproduce() -> None:
    """The project's one command."""
    run("make", "reproduce")


def empty_notebooks(count: int) -> None:
    """Notebooks of one trivial code cell through the papermill command, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "empty.ipynb"
        source.write_text(json.dumps(EMPTY_NOTEBOOK), encoding="utf-8")
        for number in range(count):
            run(PAPERMILL, source, Path(folder) / f"empty_{number}.ipynb")


def against_empty(count: int, repeats: int) -> Measured:
    """`reproduce` against `empty_notebooks`, each run once before anything is timed."""
    contestants = reproduce, partial(empty_notebooks, count)
    for contestant in contestants:
        contestant()
    return paired(*(partial(duration, contestant) for contestant in contestants), repeats=repeats)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="the folder for the two files"
    )
    parser.add_argument("--repeats", type=int, default=7, help="how often each is timed (7)")
    arguments = parser.parse_args()
    count = len(list((ROOT / "notebooks").glob("*.ipynb")))
    if count == 0:
        raise SystemExit("there are no notebooks to reproduce")
    compared = f"`make reproduce` / {count} empty notebooks through papermill"
    item = Item(
        "all notebooks", compared, partial(against_empty, count, arguments.repeats), "at most", 2.5
    )
    setting = environment(["numpy", "scipy", "papermill"])
    write(arguments.out, "reproduce", "Time to reproduce", measure([item]), setting)
