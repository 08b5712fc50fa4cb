"""Files are written whole or not at all: first beside their places, then they are renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

PART = re.compile(r"\.(.+)\.[0-9a-f]{8}\.part", re.DOTALL)  # the name of one that is being written


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write every file, in folders that are made; until all are on the disk, none has its name.

    Parameters
    ----------
    contents : mapping from Path to bytes
        They are renamed in this order: the last one says that the others are there. A link in the
        place of a file is replaced; what it leads to is left alone.

    Raises
    ------
    OSError
        Where a file cannot be written; nothing is left beside the places.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole({Path(folder, "new", "x.csv"): b"x"})
    ...     Path(folder, "new", "x.csv").read_bytes()
    b'x'
    """
    parts = {path: _part(path) for path in contents}
    try:
        for path, part in parts.items():
            _make(part.parent)
            if path.is_dir() and not path.is_symlink():  # else the files before it were replaced
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            part.write_bytes(contents[path])
            with open(part, "r+b") as file:
                os.fsync(file.fileno())
        for path, part in parts.items():
            part.replace(path)
    except BaseException:
        for part in parts.values():
            with contextlib.suppress(OSError):  # not made yet, or in its place already
                part.unlink()
        raise
    for folder in {path.parent for path in contents}:
        _sync(folder)


def _part(path: Path) -> Path:
    """A name beside a file's place, which no other thread takes; never too long where that is not.

    >>> part = _part(Path("runs", "run.json"))
    >>> PART.fullmatch(part.name)[1]
    'run.json'
    """
    return path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}.part")


def remove_parts(folder: Path, names: Iterable[str] | None = None) -> None:
    """Remove what a killed `write_whole` left in a folder, not below; of these files, or of all."""
    wanted = None if names is None else set(names)
    for path in folder.iterdir():
        match = PART.fullmatch(path.name)
        if not match or path.is_symlink() or not path.is_file():
            continue
        if wanted is None or match[1] in wanted:
            path.unlink()


def _make(folder: Path) -> None:
    """A folder and those above it; each of them lasts, as its files do."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)  # another thread may have made it
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can."""
    with contextlib.suppress(OSError):  # network disks and Windows may not
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
