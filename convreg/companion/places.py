"""Where files are to go: a place that cannot be written to is found before anything runs.

It is tried with a file of ours, which goes again, and so does every folder that was made for it.
"""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from convreg.companion.rules import shown


def as_place(name: str, text: str | Path) -> Path:
    """The whole path that a text means, from the folder that the program is in.

    Raises
    ------
    ValueError
        Naming the option: for a NUL, a home of nobody, links in a circle.

    Examples
    --------
    >>> as_place("-o", "a\\0b")
    Traceback (most recent call last):
    ...
    ValueError: -o: wanted a path, got 'a\\x00b' (embedded null byte)
    """
    try:
        if not str(text):
            raise ValueError("nothing")
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{name}: wanted a path, got {shown(str(text))} ({error})") from None


def no_file(name: str, path: Path) -> str | None:
    """What is wrong with a place for a file, or None; it may be there, and is left as it is."""
    why = _refused(path)
    if not why and path.exists() and not path.is_file():
        why = "it is no file"
    return why and f"{name}: wanted a file that can be written, got {shown(str(path))} ({why})"


def no_folder(name: str, folder: str | Path) -> str | None:
    """What is wrong with a folder for files that cannot be made or written to, or None.

    >>> no_folder("figure_dir", __file__ + "/figures")[:50]
    'figure_dir: wanted a folder that can be written to'
    """
    if not str(folder):
        return None
    try:
        why = _refused(as_place(name, folder) / "file")
    except ValueError as error:
        return str(error)
    wanted = "wanted a folder that can be written to"
    return why and f"{name}: {wanted}, got {shown(str(folder))} ({why})"


def _refused(path: Path) -> str | None:
    """Why the file system refuses a file, or None; named as the parts that come before a file."""
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    made: list[Path] = []
    try:
        for folder in reversed(path.parents):
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                made.append(folder)
        part.touch(exist_ok=False)
    except FileExistsError:
        return "a part of it is no folder"
    except OSError as error:
        return error.strerror or str(error)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # another program may use it by now
                folder.rmdir()
    return None
