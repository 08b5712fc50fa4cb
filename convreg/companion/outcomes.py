"""What a run may leave: files of its own, and results as `save_results` writes them.

A notebook may be anybody's. What it leaves is read once, when it has run, and checked: so nothing
that comes after a run, a table of many or a list of claims, can stumble over it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from convreg.storage.files import PART

COLUMNS = ("run", "status", "seconds", "error")  # of the index of a sweep
OWN_FILES = ("executed.ipynb", "run.json")  # of the folder of a run
CLAIM = ("says", "where", "verdict", "measured")  # what is printed of one


def files_in(folder: Path) -> dict[str, bytes]:
    """The files of a folder by their names; none where there is no such folder.

    Raises
    ------
    ValueError
        For what is no file: a link, which leads to what the run did not write, or a folder, whose
        files would be lost.
    OSError
        For what cannot be read.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ValueError(f"{folder.name}: wanted a folder, got {_kind(folder)}")
    files = {}
    for path in sorted(folder.iterdir()) if folder.exists() else []:
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"{folder.name}/{path.name}: wanted a file, got {_kind(path)}")
        files[path.name] = path.read_bytes()
    return files


def _kind(path: Path) -> str:
    """What stands at a path, in words."""
    if path.is_symlink():
        return "a link"
    return "a folder" if path.is_dir() else "a file" if path.is_file() else "a special file"


def check_outcome(
    figures: Collection[str], results: dict[str, bytes], parameters: Collection[str]
) -> None:
    """Refuse what cannot be kept: two files of one name, results that are none.

    Parameters
    ----------
    figures : collection of str
        The names of the files in figure_dir.
    results : dict
        The contents of the files in results_dir by their names.
    parameters : collection of str
        Those of the notebook, whose names are taken.

    Raises
    ------
    ValueError
        With the file's name.

    Examples
    --------
    >>> results = b'{"headline": {"n": "many"}, "claims": []}'
    >>> check_outcome(["a.png"], {"a.json": results}, [])
    Traceback (most recent call last):
    ...
    ValueError: results_dir/a.json: headline: wanted a finite number for n, got 'many'
    """
    for folder, names in (("figure_dir", figures), ("results_dir", results)):
        for name in names:
            if name in OWN_FILES or PART.fullmatch(name):
                raise ValueError(f"{folder}/{name}: wanted another name, which is a sweep's own")
    taken = [*COLUMNS, *parameters]
    for name, text in results.items():
        if name in figures:
            raise ValueError(f"results_dir/{name}: wanted another name, got that of a figure")
        try:
            found = json.loads(text, parse_constant=_refuse, object_pairs_hook=_each_once)
            _check_results(found, taken)
            taken += found["headline"]
        except (ValueError, RecursionError) as error:
            raise ValueError(f"results_dir/{name}: {error}") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"wanted JSON, got {constant}")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The fields of an object, of which JSON may have two of one name."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError(f"wanted each name once, got {[name for name, _ in pairs]!r:.80}")
    return fields


def _check_results(found: Any, taken: Collection[str]) -> None:
    """Refuse what is not from `save_results`, or has a headline number that a table cannot show."""
    fields = found if isinstance(found, dict) else {}
    headline, claims = fields.get("headline"), fields.get("claims")
    if not isinstance(headline, dict) or not isinstance(claims, list):
        raise ValueError("wanted an object with headline and claims, as save_results writes it")
    check_headline(headline, taken)
    for claim in claims:
        said = claim if isinstance(claim, dict) else {}
        if not all(isinstance(said.get(name), str) for name in CLAIM):
            raise ValueError(f"claims: wanted {', '.join(CLAIM)}, got {claim!r:.80}")


def check_headline(headline: Mapping[str, Any], taken: Collection[str]) -> None:
    """Refuse a headline that no table can show beside columns whose names are taken.

    Raises
    ------
    ValueError
        For a name that is taken or cannot be printed, and for what is no finite number; null and
        the strings "inf" and "-inf" are numbers, as `save_results` writes them.

    Examples
    --------
    >>> check_headline({"penalty": 4.3, "kappa": "inf"}, COLUMNS)
    """
    for name, value in headline.items():
        if not name or not name.isprintable() or name in taken:
            raise ValueError(f"headline: wanted a name that is no column's, got {name!r}")
        if not _is_number(value):
            raise ValueError(f"headline: wanted a finite number for {name}, got {value!r:.80}")


def _is_number(value: Any) -> bool:
    """Whether a number is finite in double precision; or null or "inf", as results have them."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value is None or value in ("inf", "-inf")
    return abs(value) <= sys.float_info.max
