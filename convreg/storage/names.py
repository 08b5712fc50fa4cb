"""What a figure or the results of a notebook may be called: the name of a file, no path."""

from __future__ import annotations

import re
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
