"""The folder of a sweep before anything is run: whose it is, and what stands in our places."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from convreg.companion.grid import Setting
from convreg.companion.notebooks import Notebook
from convreg.companion.records import as_json, read_claim, read_rows
from convreg.companion.rules import named
from convreg.storage.files import remove_parts, write_whole

OWN = ("sweep.json", "index.csv", "sweep.png", "sweep.pdf", "sweep.csv")
KEY = re.compile("[0-9a-f]{12}")


def check_places(out: Path, points: Iterable[Setting]) -> None:
    """Refuse what is in the place of our files or folders: what a link leads to is not ours."""
    for name in (".lock", *OWN):
        path = out / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise ValueError(f"--out: wanted a file or nothing in the place of {path}")
    for path in (out / "runs", *(out / "runs" / point.key for point in points)):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise ValueError(f"--out: wanted a folder or nothing in the place of {path}")
        if path.exists() and not os.access(path, os.W_OK | os.X_OK):
            raise ValueError(f"--out: wanted a folder that can be written to, got {path}")


def clean(out: Path) -> None:
    """Remove what a sweep that was killed left half written."""
    remove_parts(out, (*OWN, "file"))  # with which places.py tries a folder
    for folder in (out / "runs").iterdir():
        if KEY.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            with contextlib.suppress(PermissionError):  # it may be of no point of this grid
                remove_parts(folder)


def code_sha256(notebook: Notebook) -> str:
    """What tells the code of a notebook from that of others."""
    return hashlib.sha256("\n\n".join(notebook.code).encode()).hexdigest()


def claim(out: Path, notebook: Notebook) -> None:
    """Bind a folder to the code of a notebook: runs of different code are no grid."""
    name = notebook.path.stem
    ours = {"schema": 1, "notebook": name, "code_sha256": code_sha256(notebook)}
    record = out / "sweep.json"
    wanted = f"--out: wanted a new folder or one of {name} as it is"
    try:
        theirs = read_claim(record)
    except ValueError as error:  # the runs themselves say of which code they are
        if any(row["code_sha256"] != ours["code_sha256"] for row in read_rows(out)[0].values()):
            raise ValueError(f"{wanted}, got runs of other code, and {record}: {error}") from None
        theirs = ours
        if os.path.lexists(record):
            print(f"warning: {record}: {error}: it is made anew", file=sys.stderr)
    if theirs != ours:
        same = theirs["notebook"] == name
        other = "an earlier version" if same else named(theirs["notebook"])
        raise ValueError(f"{wanted}, got one of {other}: {out}")
    write_whole({record: as_json(ours)})
