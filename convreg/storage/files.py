"""Files are written whole or not at all: first beside their places, then they are renamed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write every file, in folders that are made; until all are on the disk, none has its name.

    Parameters
    ----------
    contents : mapping from Path to bytes
        They are renamed in this order: the last one says that the others are there.

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
    own = secrets.token_hex(4)  # two threads may write the same file
    parts = {path: path.with_name(f".{path.name}.{own}.part") for path in contents}
    try:
        for path, part in parts.items():
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(contents[path])
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
