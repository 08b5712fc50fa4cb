"""The notebooks, read but not run: where they are, their parameters, and what their own check says to values."""

from __future__ import annotations

import contextlib
import difflib
import io
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
from nbformat import NotebookNode
from papermill.translators import PythonTranslator

from convreg.companion.parameters import RULES, check_parameters, unknown

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"


class Parameter(NamedTuple):
    """A line of a parameters cell: ``alpha: float = 1.0  # the shift in R_alpha``."""

    name: str
    type: str
    default: str
    help: str


def all_notebooks() -> list[Path]:
    """The companion's notebooks in reading order.

    Raises
    ------
    ValueError
        Where they are not beside the package.
    """
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        raise ValueError(f"notebooks: wanted them in {NOTEBOOKS}, got none; install a checkout: pip install -e .")
    return paths


def find_notebook(name: str) -> Path:
    """A notebook by its number, its name or its path.

    Raises
    ------
    ValueError
        With the nearest names, where there is no such notebook, or what is wrong with the file.

    Examples
    --------
    >>> find_notebook("5").name, find_notebook("05_example_1").name
    ('05_example_1.ipynb', '05_example_1.ipynb')
    """
    if name.endswith(".ipynb") and Path(name).expanduser().is_file():
        path = Path(name).expanduser().resolve()
        try:
            nbformat.validate(nbformat.read(path, as_version=4))
        except Exception as error:  # whatever nbformat stumbles over
            problem = str(error).partition("\n")[0]
            raise ValueError(f"notebook: wanted a Jupyter notebook, got {path.name}: {problem}") from error
        return path
    stem, paths = Path(name).name.removesuffix(".ipynb"), {path.stem: path for path in all_notebooks()}
    numbers = {str(int(stem[:2])): path for stem, path in paths.items()}
    known = paths | numbers | {number.zfill(2): path for number, path in numbers.items()}
    if Path(name).name == name and stem in known:
        return known[stem]
    near = difflib.get_close_matches(stem, paths, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ValueError(f"notebook: wanted a path or one of {', '.join(paths)}{hint}, got {name!r}")


def title(notebook: NotebookNode) -> str:
    """The first heading."""
    return next(line.lstrip("# ") for cell in notebook.cells for line in cell.source.splitlines() if line)


def parameters_of(path: Path) -> dict[str, Parameter]:
    """The parameters of a notebook as its parameters cell has them.

    >>> parameters_of(find_notebook("09"))["seed"]
    Parameter(name='seed', type='int', default='0', help='of the Gaussian kernels')
    """
    inferred = papermill.inspect_notebook(path)
    return {
        name: Parameter(name, entry["inferred_type_name"], entry["default"], entry["help"])
        for name, entry in inferred.items()
    }


def read_values(path: Path, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values that a command line means.

    Raises
    ------
    ValueError
        For a name that is no parameter of the notebook, with the nearest one that is.
    """
    known = parameters_of(path)
    for name in texts:
        if name not in known:
            raise ValueError(f"{name}: {unknown(name, known)}")
        if name not in RULES:
            raise ValueError(
                f"{name}: wanted a parameter with a rule in convreg.companion.parameters, got none in {path.name}"
            )
    return {name: RULES[name].read(text) for name, text in texts.items()}


def checked(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a run, after the notebook's own check of these values; no kernel is started.

    The cells up to the check run here: imports, parameters, what papermill would insert, the check. So the
    ranges, and the rules of a single notebook, stand in one place.

    Raises
    ------
    ValueError
        What the notebook says to a bad value; what it needs and is not installed.

    Examples
    --------
    >>> checked(find_notebook("07"), {"output_channels": 3})
    Traceback (most recent call last):
    ...
    ValueError: output_channels, kernel_size: wanted h < g and 1 < k <= N, got g = 3, h = 3, k = 3, N = 15
    """
    text = path.read_text(encoding="utf-8")
    if why := missing(text):
        raise ValueError(f"notebook: {path.name} {why}")
    cells = [cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code"]
    sources = [cell.source for cell in cells]
    first = next((number for number, cell in enumerate(cells) if is_tagged(cell, "parameters")), len(cells))
    check = next((number for number in range(first, len(cells)) if "check_parameters(" in sources[number]), None)
    if check is None:
        raise ValueError(f"notebook: wanted a cell tagged parameters and a check of them, got {path.name}")
    injected = PythonTranslator.codify(dict(values))
    namespace: dict[str, Any] = {"In": [injected]}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for source in [*sources[: first + 1], injected, *sources[first + 1 : check + 1]]:
                exec(compile(source, path.name, "exec", dont_inherit=True), namespace)
    except ValueError:
        raise
    except Exception as error:  # an import that is missing, a magic, a mistake
        said = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"notebook: wanted one that comes to its check_parameters, got {said} in {path.name}"
        ) from error
    return check_parameters(namespace, largest=sys.maxsize)


def missing(source: str) -> str:
    """What a notebook, given as text, needs and cannot import here, with what brings it; '' if there is nothing.

    A cell that is tagged ``needs-torch`` needs the module torch, which convreg itself can do without.
    """
    tags = [tag for cell in nbformat.reads(source, as_version=4).cells for tag in cell.metadata.get("tags", [])]
    names = [tag.removeprefix("needs-") for tag in tags if tag.startswith("needs-")]
    lacking = [name for name in names if not find_spec(name)]
    return f"needs {', '.join(lacking)}: pip install 'convreg[torch]'" if lacking else ""


def is_tagged(cell: NotebookNode, tag: str) -> bool:
    """Whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])
