"""List the notebooks, run one with your parameters, sweep over many.

::

    python -m convreg list [NOTEBOOK]
    python -m convreg run NOTEBOOK [-p NAME VALUE ...] [-o OUT.ipynb]
                      [--figure-dir DIR] [--results-dir DIR]
    python -m convreg sweep NOTEBOOK --grid NAME=VALUE,VALUE ... --out DIR

NOTEBOOK is a number, a name or a path. The script convreg is the same as python -m convreg. The
exit status is 0, or 1 where a run failed, or 2 where the command has to be changed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from convreg import __version__


def parser() -> argparse.ArgumentParser:
    """The commands and their options; the name of the one that was given is ``command``."""
    first, _, _, *rest = (__doc__ or "").splitlines()
    whole = argparse.ArgumentParser(
        program(),
        description=first,
        epilog="\n".join(rest),
        formatter_class=argparse.RawTextHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(dest="command", required=True, metavar="list, run or sweep")
    _list(commands.add_parser("list", help="the notebooks with their parameters"))
    _run(commands.add_parser("run", help="one notebook with your parameters"))
    _sweep(commands.add_parser("sweep", help="one notebook over a grid of parameters"))
    return whole


def program() -> str:
    """What was called: ``convreg``, the script, or ``python -m convreg``."""
    return "convreg" if Path(sys.argv[0]).stem == "convreg" else "python -m convreg"


def _list(options: Any) -> None:
    options.add_argument("notebook", nargs="?", help="only this one")


def _run(options: Any) -> None:
    add = options.add_argument
    pair = ("NAME", "VALUE")
    add("notebook", help="a number, a name or a path")
    add("-p", dest="parameters", nargs=2, action="append", default=[], metavar=pair)
    add("-o", "--out", type=Path, help="the executed notebook; else NOTEBOOK.run.ipynb, here")
    add("--figure-dir", help="folder for the figures, the same as -p figure_dir DIR")
    add("--results-dir", help="folder for the results as JSON, the same as -p results_dir DIR")


def _sweep(options: Any) -> None:
    add = options.add_argument
    values = "NAME=VALUE,VALUE"
    add("notebook", help="a number, a name or a path")
    add("--grid", nargs="+", required=True, metavar=values, help="the grid is their product")
    add("--out", type=Path, required=True, help="folder for index.csv, runs/ and the picture")
    add("--picture", nargs="+", metavar="NAME", help="the parameters of the picture: axis, panels")
    add("--workers", type=_count, help="runs at once, else as many as cores")
    add("--scheduler", help="of Dask: tcp://HOST:PORT, or local for workers on this machine")


def _count(text: str) -> int:
    """A number of workers."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"wanted an integer from 1, got {text!r}")
    return int(text)
