"""Cells of a notebook that are run in this process, in silence, before a kernel is started."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

from convreg.companion.endings import Stopped
from convreg.companion.rules import cut, named


def run_cells(cells: Sequence[str], name: str) -> dict[str, Any]:
    """What cells define, the last of which is a check; the name is that of their notebook.

    Raises
    ------
    ValueError
        In the words of the check where it raises one; else naming the notebook, where a cell does
        not pass, whatever stops it.

    Examples
    --------
    >>> run_cells(["x = 1", "y = x + 1"], "x.ipynb")["y"]
    2
    >>> run_cells(["1 / 0", ""], "x.ipynb")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: notebook: wanted ..., got ZeroDivisionError: division by zero in x.ipynb
    """
    namespace: dict[str, Any] = {}
    refusal = False
    try:
        with in_silence(), contextlib.chdir("."):
            for cell in cells:
                refusal = cell is cells[-1]
                # with it cells keep their annotations from Python 3.14 on, too
                source = f"from __future__ import annotations\n{cell}"
                exec(compile(source, name, "exec", dont_inherit=True), namespace)
    except Stopped:
        raise
    except BaseException as error:  # an import that is missing, a magic, a mistake, an exit
        said = " ".join(str(error).split())
        if refusal and isinstance(error, ValueError):
            raise ValueError(cut(said, 2000)) from error
        got = f"{type(error).__name__}: {cut(said, 200)} in {named(name)}"
        wanted = "wanted one that comes to its check_parameters"
        raise ValueError(f"notebook: {wanted}, got {got}") from error
    return namespace


@contextlib.contextmanager
def in_silence() -> Iterator[None]:
    """Nothing is printed, and nobody is asked."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        patch.object(sys, "stdin", io.StringIO()),
    ):
        yield
