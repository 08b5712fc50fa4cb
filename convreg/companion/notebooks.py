"""The notebooks, read but not run: where they are, and what each says of itself."""

from __future__ import annotations

import difflib
import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat import NotebookNode
from papermill.translators import PythonTranslator

from convreg.companion.cells import in_silence, run_cells
from convreg.companion.parameters import RULES, check_parameters, problems_of, refuse, unknown_among
from convreg.companion.places import as_place
from convreg.companion.rules import cut, named, shown

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
PYTHON = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python"},
}


def all_notebooks() -> list[Path]:
    """The companion's notebooks in reading order.

    Raises
    ------
    ValueError
        Where they are not beside the package.
    """
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        wanted = f"wanted them in {NOTEBOOKS}, got none; install a checkout: pip install -e ."
        raise ValueError(f"notebooks: {wanted}")
    return paths


def find_notebook(name: str) -> Path:
    """A notebook by its number, its name or its path.

    Raises
    ------
    ValueError
        With the nearest name, where there is no such notebook.

    Examples
    --------
    >>> find_notebook("5").name, find_notebook("05_example_1").name
    ('05_example_1.ipynb', '05_example_1.ipynb')
    """
    path = Path(name)
    if path.suffix == ".ipynb":
        place = as_place("notebook", name)
        if os.path.isfile(place):
            return place
    names = {path.stem: path for path in all_notebooks()}
    numbers: dict[str, Path] = {}
    for stem, known in names.items():
        numbers |= {stem[:2]: known, str(int(stem[:2])): known}
    wanted = path.name.removesuffix(".ipynb")
    if path.name == name and wanted in names | numbers:
        return (names | numbers)[wanted]
    near = difflib.get_close_matches(wanted[:40], names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ValueError(
        f"notebook: wanted a path or one of {', '.join(names)}{hint}, got {shown(name)}"
    )


class Parameter(NamedTuple):
    """A line of a parameters cell: ``alpha: float = 1.0  # the shift in R_alpha``."""

    name: str
    type: str
    default: str
    help: str


@dataclass(frozen=True)
class Notebook:
    """A notebook as its file has it: what it declares and needs, and what its own check says.

    Examples
    --------
    >>> notebook = Notebook.read(find_notebook("9"))
    >>> notebook.declared["seed"]
    Parameter(name='seed', type='int', default='0', help='of the Gaussian kernels')
    """

    path: Path
    source: str

    @classmethod
    def read(cls, path: Path) -> Notebook:
        """A notebook from its file.

        Raises
        ------
        ValueError
            For a file that is no notebook, with what is wrong with it.
        """
        try:
            notebook = cls(path, path.read_text(encoding="utf-8-sig"))
            nbformat.writes(notebook.fresh()).encode()  # what JSON can hold is not all text
        except Exception as error:  # whatever nbformat stumbles over
            problem = "it has not the parts of one"
            if isinstance(error, (OSError, ValueError, RecursionError, nbformat.ValidationError)):
                problem = cut(str(error).partition("\n")[0], 200)
            wanted = f"wanted a Jupyter notebook, got {named(path.name)}: {problem}"
            raise ValueError(f"notebook: {wanted}") from error
        return notebook

    def fresh(self) -> NotebookNode:
        """The notebook for nbformat, of Python whatever it says; changes stay in it.

        What papermill inserted in an earlier run is gone, as papermill itself would replace it.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without an id, which are given one
            converted = nbformat.convert(nbformat.reader.reads(self.source), 4)
            notebook = nbformat.from_dict(converted)  # of one type, whatever version it was
            if isinstance(notebook.get("metadata"), dict):
                notebook.metadata.pop("papermill", None)
                notebook.metadata |= nbformat.from_dict(PYTHON)
            nbformat.validate(notebook)
        notebook.cells = [
            cell for cell in notebook.cells if not is_tagged(cell, "injected-parameters")
        ]
        return notebook

    @cached_property
    def cells(self) -> list[NotebookNode]:
        """Its cells."""
        return self.fresh().cells

    @property
    def code(self) -> list[str]:
        """The sources of its code cells."""
        return [cell.source for cell in self.cells if cell.cell_type == "code"]

    @property
    def title(self) -> str:
        """The first line, without the marks of a heading.

        Raises
        ------
        ValueError
            Where there is none.
        """
        for cell in self.cells:
            for line in cell.source.splitlines():
                if title := line.strip("# "):
                    return cut(title, 200)
        raise ValueError(f"notebook: wanted one with a title, got {named(self.path.name)}")

    @property
    def declared(self) -> dict[str, Parameter]:
        """The parameters as papermill reads them in the cell tagged ``parameters``."""
        tagged = [cell for cell in self.cells if is_tagged(cell, "parameters")]
        with in_silence():
            found = [entry for cell in tagged[:1] for entry in PythonTranslator.inspect(cell)]
        return {entry.name: Parameter(*entry) for entry in found}

    @property
    def missing(self) -> str:
        """What it needs and cannot import here, with what brings it; '' if there is nothing.

        A cell tagged ``needs-torch`` needs the module torch, which convreg can do without; the
        extra [training] has all that notebooks may need.
        """
        tags = [tag for cell in self.cells for tag in cell.metadata.get("tags", [])]
        names = [tag.removeprefix("needs-") for tag in tags if tag.startswith("needs-")]
        lacking = [named(name) for name in names if not _can_be_imported(name)]
        return f"needs {', '.join(lacking)}: pip install 'convreg[training]'" if lacking else ""

    def read_values(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The values that a command line means.

        Raises
        ------
        ValueError
            For a name that is no parameter of the notebook, with the nearest one that is.
        """
        refuse(unknown_among(texts, self.declared))
        for name in texts:
            if name not in RULES:
                wanted = "wanted a parameter with a rule in convreg.companion.parameters"
                raise ValueError(f"{name}: {wanted}, got none in {self.path.name}")
        return {name: RULES[name].read(text) for name, text in texts.items()}

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters of a run, after the notebook's own check; no kernel is started.

        The cells up to the check run here: imports, parameters, what papermill would insert, the
        check. So the ranges, and the rules of a single notebook, stand in one place.

        Raises
        ------
        ValueError
            What the notebook says to a bad value; what it needs and is not installed.

        Examples
        --------
        >>> Notebook.read(find_notebook("5")).checked({"alpha": -1})
        Traceback (most recent call last):
        ...
        ValueError: alpha: wanted a number from 1e-6 to 1e6, got -1
        """
        if self.missing:
            raise ValueError(f"notebook: {named(self.path.name)} {self.missing}")
        refuse(unknown_among(values, self.declared))
        refuse(problems_of(values))
        namespace = run_cells(self._up_to_the_check(values), self.path.name)
        return check_parameters(namespace, largest=sys.maxsize)

    def _up_to_the_check(self, values: Mapping[str, Any]) -> list[str]:
        """The cells to run, with what papermill would insert."""
        sources, has_parameters = [], False
        for cell in self.cells:
            first = is_tagged(cell, "parameters") and not has_parameters
            if cell.cell_type == "code":
                sources.append(cell.source)
            elif first:
                break
            if first:
                sources.append(injected(values))
                has_parameters = True
            if has_parameters and "check_parameters(" in cell.source:
                return sources
        wanted = "wanted a cell tagged parameters and a check of them"
        raise ValueError(f"notebook: {wanted}, got {named(self.path.name)}")


def injected(values: Mapping[str, Any]) -> str:
    """The text of the cell that papermill inserts after the parameters.

    >>> print(injected({"alpha": 2, "alphas": [1.0, 5.0]}))
    # Parameters
    alpha = 2
    alphas = [1.0, 5.0]
    """
    return PythonTranslator.codify(dict(values)).rstrip()


def _can_be_imported(name: str) -> bool:
    """Whether a module is there; for one in a package the package is imported."""
    try:
        return find_spec(name) is not None
    except Exception:  # no such package, or one that stumbles, or no name
        return False


def is_tagged(cell: NotebookNode, tag: str) -> bool:
    """Whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])
