"""What a figure or the results of a notebook may be called, and the folder that they go to."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any


def checked_name(argument: str, value: Any) -> str:
    """A name that is one file in the folder where it is written.

    Raises
    ------
    ValueError
        For everything else, with the argument's name.

    Examples
    --------
    >>> checked_name("name", "figure_3_1")
    'figure_3_1'
    >>> checked_name("name", "../figure_3_1")
    Traceback (most recent call last):
    ...
    ValueError: name: wanted a file's name without a folder, got '../figure_3_1'
    """
    if isinstance(value, str) and value.isprintable() and re.match(r"\w[^/\\]*$", value):
        return value
    raise ValueError(f"{argument}: wanted a file's name without a folder, got {value!r}")


def checked_folder(argument: str, value: Any) -> Path | None:
    """A folder by its path, ~ for the home; None for '', which is none.

    Raises
    ------
    ValueError, TypeError
        For what is no path, with the argument's name.

    Examples
    --------
    >>> checked_folder("folder", "figures").name, checked_folder("folder", "")
    ('figures', None)
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{argument}: wanted a folder's path or '', got {value!r:.80}")
    if not str(value):
        return None
    try:
        folder = Path(value).expanduser()
    except RuntimeError as error:  # a home of nobody
        raise ValueError(f"{argument}: wanted a folder's path, got {value!r} ({error})") from error
    if "\0" in str(folder):
        raise ValueError(f"{argument}: wanted a folder's path, got {value!r}")
    return folder
