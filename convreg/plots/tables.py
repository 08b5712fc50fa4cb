r"""A table for people: Markdown where a page shows it, plain text beside it.

Its columns have the names that readers see. What the names and words say of the mathematics is
set as mathematics in Markdown: ``kappa, end`` becomes :math:`\kappa(M)`, end, and
``N = 8`` becomes :math:`N = 8`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tabulate
from numpy.typing import NDArray

from convreg.storage.tables import Table, checked_table

MATHEMATICS = {
    "R_alpha": r"\mathcal{R}_\alpha",
    "alpha": r"\alpha",
    "kappa": r"\kappa(M)",
    "sigma_max": r"\sigma_{\max}",
    "sigma_min": r"\sigma_{\min}",
    "sigma_max(M)": r"\sigma_{\max}(M)",
    "sigma_min(M)": r"\sigma_{\min}(M)",
    "sigma_max^2": r"\sigma_{\max}^2",
    "theta_1": r"\theta_1",
    "theta_2": r"\theta_2",
    "det F": r"\det F",
    "|K|": r"\lVert K\rVert",
    "|G|": r"\lVert G\rVert",
    "u'v": "u^Tv",
    "M'M": "M^TM",
    "MM'": "MM^T",
    "WW'": "WW^T",
    **{letter: letter for letter in "MNKWcghksuv"},
}
_NAME = "|".join(re.escape(name) for name in sorted(MATHEMATICS, key=len, reverse=True))
_END = r"(?![\w'|^])"
_PART = rf"-?(?:(?:{_NAME}){_END}|\d+(?:\.\d+)?(?![\w.]))"
_FORMULA = re.compile(rf"((?<![\w'|])(?:{_NAME}){_END}(?: [=</>] {_PART})*)")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|$~&#])")
FLOATS = "#.3g"  # three significant digits, with their zeros
NO_NUMBER = "–"
ENDS = {"least": np.min, "greatest": np.max}


@dataclass(frozen=True, repr=False)
class Shown:
    """A table as a notebook shows it."""

    markdown: str
    plain: str

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        return self.plain


def shown(
    table: Table,
    formats: Mapping[str, str] | None = None,
    best: Mapping[str, str] | None = None,
    title: str = "",
) -> Shown:
    r"""A table with a header, numbers to the right, words to the left, the best values marked.

    Parameters
    ----------
    table : dict of arrays of one length
        Columns of numbers or words, by the names that stand in the header.
    formats : dict, optional
        By column, how Python formats its numbers, such as ".2f" or ".1%"; else floats have three
        significant digits. A nan is shown as a dash, for there is no number.
    best : dict, optional
        By column "least" or "greatest": which of its finite numbers is bold, in plain text starred.
        So is each that is shown with the same digits.
    title : str
        A line above.

    Returns
    -------
    Shown
        With the Markdown and the plain text of the table.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> table = {"case": np.array(["a|b", "c"]), "kappa": np.array([12.4, 2.9])}
    >>> shown(table, best={"kappa": "least"})
    case      kappa
    ------  -------
    a|b        12.4
    c         *2.90
    >>> print(shown(table, best={"kappa": "least"}).markdown)
    | case   |   $\kappa(M)$ |
    |:-------|--------------:|
    | a\|b   |          12.4 |
    | $c$    |      **2.90** |
    """
    columns = checked_table("table", table)
    if not columns:
        raise ValueError("table: wanted at least one column, got none")
    if not isinstance(title, str):
        raise TypeError(f"title: wanted a line of text, got {title!r:.80}")
    formats = _by_column("formats", formats, columns)
    best = _by_column("best", best, columns)
    rich: list[list[str]] = []
    plain: list[list[str]] = []
    for name, column in columns.items():
        texts = _texts(name, column, formats.get(name))
        mark = _best(name, column, texts, best[name]) if name in best else None
        rich.append([f"**{text}**" if text == mark else _mathematics(text) for text in texts])
        plain.append([f"*{text}" if text == mark else text for text in texts])
    sides = ["right" if column.dtype.kind in "iuf" else "left" for column in columns.values()]
    markdown = _drawn([_mathematics(name) for name in columns], rich, sides, "pipe")
    text = _drawn([_line(name) for name in columns], plain, sides, "simple")
    if title:
        return Shown(f"**{_mathematics(title)}**\n\n{markdown}", f"{_line(title)}\n{text}")
    return Shown(markdown, text)


def _by_column(argument: str, value: Any, columns: Table) -> dict[str, str]:
    """A dict of words by names of columns; none where it is None."""
    given = {} if value is None else value
    if not isinstance(given, Mapping) or not all(isinstance(one, str) for one in given.values()):
        raise TypeError(f"{argument}: wanted words by names of columns, got {value!r:.80}")
    for name in given:
        if name not in columns:
            found = ", ".join(columns)
            raise ValueError(f"{argument}: wanted names of columns, {found}, got {name!r:.80}")
        if columns[name].dtype.kind not in "iuf":
            raise ValueError(f"{argument}: wanted columns of numbers, got {name!r}")
    return dict(given)


def _texts(name: str, column: NDArray, form: str | None) -> list[str]:
    """The cells as text."""
    if column.dtype.kind == "b":
        return ["yes" if value else "no" for value in column.tolist()]
    if column.dtype.kind == "U":
        return [_line(value) for value in column.tolist()]
    form = form or (FLOATS if column.dtype.kind == "f" else "d")
    try:
        format(column.dtype.type(0).item(), form)
        return [_number(value, form) for value in column.tolist()]
    except ValueError:
        wanted = f"wanted a format of Python's for the numbers of {name!r}"
        raise ValueError(f"formats: {wanted}, got {form!r:.80}") from None


def _number(value: float, form: str) -> str:
    """A number without a point at its end, a zero without a sign."""
    if value != value:
        return NO_NUMBER
    text = format(value, form).strip().removesuffix(".")
    return text if re.search("[1-9a-z]", text) else text.lstrip("+-")


def _best(name: str, column: NDArray, texts: Sequence[str], end: str) -> str | None:
    """How the least or greatest finite number is shown, if there is one."""
    if end not in ENDS:
        wanted = f"wanted {' or '.join(map(repr, ENDS))} for {name!r}"
        raise ValueError(f"best: {wanted}, got {end!r:.80}")
    finite = np.isfinite(column)
    if not finite.any():
        return None
    found = ENDS[end](column[finite])
    return texts[int(np.argmax(column == found))]


def _line(text: str) -> str:
    """Text in one line."""
    return " ".join(text.split())


def _mathematics(text: str) -> str:
    """Text as Markdown: names are mathematics, with what is equal to them; all else is as it is."""
    parts = _FORMULA.split(_line(text))
    for at, part in enumerate(parts):
        if at % 2 == 1:  # so re.split has what it finds
            parts[at] = f"${re.sub(_NAME, lambda name: MATHEMATICS[name[0]], part)}$"
        else:
            sizes = re.sub(r"(?<=\d)x(?=\d)", "×", part)
            parts[at] = _MARKDOWN.sub(r"\\\1", sizes)
    return "".join(parts)


def _drawn(
    names: Sequence[str], columns: Sequence[Sequence[str]], sides: Sequence[str], kind: str
) -> str:
    """What the library makes of it, each cell as it stands."""
    rows = list(zip(*columns, strict=True))
    return tabulate.tabulate(rows, names, kind, colalign=sides, disable_numparse=True)
