"""The alternative text of every figure says what the figure's numbers say, on every page.

The clauses, with the numbers that they take from figures/*.csv and what has to hold for each, stand
in the modules `described_*` of tests/cases.
"""

import ast
import re

import described_beyond
import described_descents
import described_estimates
import described_gradients
import described_layers
import described_matrices
import described_square
import described_training
import nbformat
import numpy as np
import pytest
from pages import PAGES, ROOT

from convreg.storage.tables import read_table

DESCRIBED = {
    **described_matrices.DESCRIBED,
    **described_gradients.DESCRIBED,
    **described_descents.DESCRIBED,
    **described_estimates.DESCRIBED,
    **described_beyond.DESCRIBED,
    **described_square.DESCRIBED,
    **described_layers.DESCRIBED,
    **described_training.DESCRIBED,
}
TABLES = {name: ROOT / "figures" / f"{name}.csv" for name in DESCRIBED}
OF_FIGURE_3_2 = {"glance": described_descents.glance, "in short": described_descents.in_short}
TABLES |= dict.fromkeys(OF_FIGURE_3_2, TABLES["figure_3_2"])  # the first page, and the README
DESCRIBED |= OF_FIGURE_3_2
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = [
    r"!\[([^\]]*)\]\(([^)]+\.(?:png|svg|jpe?g))\)",
    r"```\{(?:figure|image)\} (?P<path>\S+)\n(?::(?!alt:).*\n)*:alt: (?P<alt>.*)",
]


def clauses_of(name):
    """The clauses of a figure, from its table."""
    return DESCRIBED[name](read_table(TABLES[name]))


def joined(clauses):
    """The text that they make."""
    return " ".join(clause.text for clause in clauses)


def saved_by(source):
    """The names of the figures that a cell saves."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call.args[3].value for call in calls if ast.unparse(call.func) == "save_figure"]


def in_notebooks():
    """(notebook, figure, alternative text), of every cell with a picture in its outputs."""
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            outputs = [output.get("data", {}) for output in cell.get("outputs", [])]
            if any(kind.startswith("image/") for data in outputs for kind in data):
                text = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
                (name,) = saved_by(cell.source)
                yield path.name, name, text


def in_pages():
    """(page, figure, alternative text), of every picture in the Markdown pages."""
    markdown, directive = PICTURES
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        found = re.findall(markdown, text)
        found += [(one["alt"], one["path"]) for one in re.finditer(directive, text)]
        for alt, picture in found:
            name = picture.rpartition("/")[2].partition(".")[0]
            yield path.name, "in short" if path.name == "README.md" else name, alt


SHOWN = [*in_notebooks(), *in_pages()]


def test_every_picture_is_described_and_every_description_shown():
    assert {name for _, name, _ in SHOWN} == set(DESCRIBED)
    directives = sum(
        len(re.findall(r"^```\{(?:figure|image)\}", path.read_text(encoding="utf-8"), re.M))
        for path in PAGES
    )
    images = sum(len(re.findall(r"!\[", path.read_text(encoding="utf-8"))) for path in PAGES)
    assert len(list(in_pages())) == directives + images


@pytest.mark.parametrize(("place", "name", "text"), SHOWN, ids=lambda value: str(value)[:40])
def test_an_alternative_text_is_its_clauses(place, name, text):
    assert text == joined(clauses_of(name))


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_clause_holds(name):
    assert [clause.text for clause in clauses_of(name) if not clause.holds] == []


# that a changed number is noticed

NOT_DRAWN = {  # or, of the iterations, the networks and the like, what is on no axis
    "barrier_seeds": ("state", "lowest"),
    "alternatives": ("budget", "step", "steps", "noise", "smooth"),
    "training_sigma_max": ("seed", "strength", "sigma_min", "condition_number", "gradient"),
    "training_gradients": ("seed", "strength", "sigma_max", "sigma_min", "condition_number"),
    "glance": ("sigma_max", "sigma_min", "condition_number"),
    "in short": ("iteration", "sigma_max", "sigma_min", "condition_number"),
}


def columns():
    """(figure, column) of every number that is drawn."""
    for name in DESCRIBED:
        for column, entries in read_table(TABLES[name]).items():
            if entries.dtype.kind in "fi" and column not in NOT_DRAWN.get(name, ()):
                yield name, column


def said_of(name, table):
    """The text of a figure with another table and which clauses hold; None where none can be."""
    try:
        with np.errstate(all="ignore"):
            clauses = DESCRIBED[name](table)
    except (AssertionError, IndexError, KeyError, StopIteration, ValueError):
        return None
    return joined(clauses), [bool(clause.holds) for clause in clauses]


@pytest.mark.parametrize(("name", "column"), list(columns()))
def test_other_numbers_are_noticed(name, column):
    """In the text, which is another then, or in a clause, which does not hold."""
    table = read_table(TABLES[name])
    entries = table[column]
    others = table | {column: entries * 2 if entries.dtype.kind == "i" else entries * 1.6}
    assert said_of(name, table)[0] == joined(clauses_of(name))
    assert said_of(name, others) != said_of(name, table)
