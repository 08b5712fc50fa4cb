"""How far a long computation is, in a notebook or in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from IPython.display import clear_output
from tqdm import tqdm


def progress(items: Iterable[Any], description: str, total: int | None = None) -> Iterator[Any]:
    """The items, as they come, with a progress bar that leaves nothing behind in a notebook."""
    yield from tqdm(items, desc=description, total=total, file=sys.stdout, leave=False)
    clear_output()
