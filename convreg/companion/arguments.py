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
from convreg.companion.rules import shown

MOST = 1000  # workers


class Once(argparse.Action):
    """An option with one value, refused when it comes twice: the first would be lost in silence."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """Keep the value."""
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, "wanted once, got twice")
        setattr(namespace, self.dest, values)


def parser() -> argparse.ArgumentParser:
    """The commands and their options; the name of the one that was given is ``command``."""
    first, _, _, *rest = (__doc__ or "\n\n\n").splitlines()  # python -OO has none
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
    add("-o", "--out", action=Once, help="the executed notebook; else NOTEBOOK.run.ipynb, here")
    add("--figure-dir", action=Once, help="folder for the figures, as -p figure_dir DIR")
    add("--results-dir", action=Once, help="folder for the results, as -p results_dir DIR")


def _sweep(options: Any) -> None:
    add = options.add_argument
    several: dict[str, Any] = {"nargs": "+", "action": "extend"}
    values = "NAME=VALUE,VALUE"
    add("notebook", help="a number, a name or a path")
    add("--grid", **several, required=True, metavar=values, help="the grid is their product")
    add("--out", action=Once, required=True, help="folder for index.csv, runs/ and the picture")
    add("--picture", **several, metavar="NAME", help="the parameters of the picture: axis, panels")
    add("--workers", action=Once, type=_count, help="runs at once, else as many as cores")
    add("--scheduler", action=Once, help="of Dask: tcp://HOST:PORT, or local: workers here")


def _count(text: str) -> int:
    """A number of workers."""
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"wanted an integer from 1 to {MOST}, got {shown(text)}")
    return int(text)
