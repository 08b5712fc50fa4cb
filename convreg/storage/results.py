"""What a notebook found, as JSON: the numbers behind its figures and verdicts, and their origin."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_info

from convreg.storage.files import write_whole
from convreg.storage.names import checked_folder, checked_name
from convreg.storage.tables import Table

SCHEMA = 1  # the version of the fields of notebook.json


class Record(Protocol):
    """A named tuple: its fields by their names."""

    def _asdict(self) -> dict[str, Any]: ...


def save_results(
    folder: str,
    notebook: str,
    parameters: Mapping[str, Any],
    kernels: Mapping[str, ArrayLike],
    headline: Mapping[str, Any],
    tables: Mapping[str, Table],
    claims: Iterable[Record] = (),
) -> None:
    """Write notebook.json to a folder, which is made; nothing if it is ''.

    It begins with ``"schema": 1``, the version of its fields.

    Parameters
    ----------
    folder : str
    notebook : str
        Its name, without the ending.
    parameters : mapping
        What `check_parameters` gives.
    kernels : mapping from str to array
        The kernels that the notebook starts from; the SHA-256 of each is kept.
    headline : mapping from str to number
        What a table of many runs shows of this one, to 6 significant digits.
    tables : mapping from str to table
        The numbers behind each figure.
    claims : iterable of named tuples
        The claims with their verdicts, from `convreg.claims`.

    Raises
    ------
    ValueError, TypeError
        With the name of what is wrong: a notebook's name that is a path, a headline that is no
        number, what JSON cannot hold.
    OSError
        Where the file cannot be written; nothing is left half written.
    """
    checked_name("notebook", notebook)
    place = checked_folder("folder", folder)
    mappings = {"parameters": parameters, "kernels": kernels, "headline": headline}
    for name, value in {**mappings, "tables": tables}.items():
        if not isinstance(value, Mapping):
            raise TypeError(f"{name}: wanted a mapping, got {value!r:.80}")
        if not all(isinstance(key, str) for key in value):  # JSON would make one name of 1 and "1"
            raise TypeError(f"{name}: wanted texts for names, got {value!r:.80}")
    if not place:
        return
    found = {
        "schema": SCHEMA,
        "notebook": notebook,
        "parameters": parameters,
        "kernel_sha256": {name: kernel_sha256(K) for name, K in kernels.items()},
        "versions": versions(),
        "headline": {name: rounded_number(value) for name, value in headline.items()},
        "tables": tables,
        "claims": _as_mappings(claims),
    }
    for field in found:
        try:
            found[field] = _plain(found[field])
            json.dumps(found[field], ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError(f"{field}: wanted what JSON can hold, got {error}") from error
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole({place / f"{notebook}.json": f"{text}\n".encode()})


def _as_mappings(claims: Iterable[Record]) -> list[dict[str, Any]]:
    """The fields of claims by their names."""
    try:
        return [scored._asdict() for scored in claims]
    except (AttributeError, TypeError) as error:
        raise TypeError(f"claims: wanted named tuples, got {claims!r:.80}") from error


def kernel_sha256(K: ArrayLike) -> str:
    """The SHA-256 of a kernel's numbers as MATLAB's ``fwrite(f, K, 'double')`` writes them.

    That is column by column, in little-endian double precision.

    >>> kernel_sha256([[0.0, 1.0], [2.0, 3.0]])[:16]
    'b9a507ae81ba5539'
    """
    numbers = np.asarray(K)
    if numbers.dtype.kind not in "biuf":
        raise TypeError(f"K: wanted real numbers, got {numbers.dtype}")
    return hashlib.sha256(numbers.astype("<f8").tobytes(order="F")).hexdigest()


def versions() -> dict[str, Any]:
    """What computed: Python, the packages, and every BLAS with the kernel that it picked."""
    names = ["numpy", "scipy", "matplotlib"]
    if "torch" in sys.modules:
        names.append("torch")
    own = sys.modules["convreg"].__version__  # also where it is not installed
    packages = {"convreg": own} | {name: version(name) for name in names}
    kernels = set()
    for library in threadpool_info():
        if library["user_api"] == "blas":
            named = (library["internal_api"], library["version"], library.get("architecture"))
            kernels.add(" ".join(str(part) for part in named if part))
    return {"python": platform.python_version(), **packages, "blas": sorted(kernels)}


def rounded_number(value: Any) -> int | float:
    """An integer as it is, another number to 6 significant digits.

    >>> rounded_number(np.int64(7)), rounded_number(2 / 3)
    (7, 0.666667)
    """
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}")
    raise TypeError(f"headline: wanted numbers, got {value!r:.80}")


def _plain(value: Any) -> Any:
    """What JSON knows: arrays become lists, NaN null, infinity the string "inf"."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else str(value)
    return value
