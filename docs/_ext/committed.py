"""The notebooks as they are committed: what each says of itself, the figures that it saves."""

import ast
import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from convreg.companion.notebooks import ROOT, Notebook, all_notebooks

OTHERS = ROOT / "tests" / "other_parameters.yml"  # parameters with which the tests run them


class Facts(NamedTuple):
    """What a notebook is, for who looks for one."""

    path: Path
    title: str  # with its number
    sections: str  # of the paper
    answers: str  # a question
    runs_in: str  # 5 seconds
    command: str  # to run it again

    @property
    def page(self) -> str:
        """Its page on the site: notebooks/03_gradients."""
        return f"notebooks/{self.path.stem}"


def read_facts(notebook: Notebook, order: dict[str, tuple[str, str]]) -> Facts:
    """The facts of a notebook; the reading order has what it answers."""
    path = notebook.path
    runs_in = re.search(r"Runs in about ([\w ]+)\.", notebook.cells[0].source)
    if not runs_in:
        raise ValueError(f"{path.name}: wanted 'Runs in about ...', got none")
    sections, answers = order[path.name]
    return Facts(path, notebook.title, sections, answers, runs_in[1], command(notebook))


def reading_order(overview: Notebook) -> dict[str, tuple[str, str]]:
    """Sections of the paper and the question that it answers, for each notebook by its name."""
    row = re.compile(r"^\| \d+ \| \[.+\]\((\S+)\) \| (.+) \| (.+) \|$", re.MULTILINE)
    found = {overview.path.name: ("all of it", "what holds, and what does not?")}
    for cell in overview.cells:
        found |= {name: (where, answers) for name, where, answers in row.findall(cell.source)}
    return found


def command(notebook: Notebook) -> str:
    """The line that runs it with another value of its first parameter, where it has any."""
    others = yaml.safe_load(OTHERS.read_text(encoding="utf-8"))[notebook.path.stem]
    words = [".venv/bin/convreg", "run", notebook.path.stem]
    for name, value in list(others.items())[:1]:
        words += ["-p", name, json.dumps(value)]
    return shlex.join([*words, "-o", "mine.ipynb"])


@cache
def facts() -> list[Facts]:
    """Those of all notebooks, in reading order."""
    notebooks = [Notebook.read(path) for path in all_notebooks()]
    order = reading_order(notebooks[0])
    return [read_facts(notebook, order) for notebook in notebooks]


def saved_by(source: str) -> list[str]:
    """The names under which a cell saves figures.

    >>> saved_by('saved = save_figure(figure, table, figure_dir, "pattern")')
    ['pattern']
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    saves = [call for call in calls if ast.unparse(call.func) == "save_figure"]
    return [ast.literal_eval(call.args[3]) for call in saves]


@cache
def homes() -> dict[str, str]:
    """The page of the notebook that shows a figure, by the figure's name."""
    found: dict[str, str] = {}
    for path in all_notebooks():
        names = [name for source in Notebook.read(path).code for name in saved_by(source)]
        found |= dict.fromkeys(names, f"notebooks/{path.stem}")
    return found
