"""The texts of the repository as tests read them."""

import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("benchmarks/*.md")])


def page(name):
    """The text of a page of docs/."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def rows(text):
    """The cells of every row of every table, the titles included."""
    lines = [line for line in text.splitlines() if re.match(r"\| [^-]", line)]
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]


def section(text, title):
    """What stands under a heading, up to the next one of any level."""
    return re.split(r"^#+ ", text.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def commands(text):
    """The command lines of the indented blocks, each in one line, without their comments."""
    joined = re.sub(r" \\\n +", " ", text)
    lines = re.findall(r"^ {4}((?:make|\.venv/bin/\w+|python|conda|jupyter|sed) .*)$", joined, re.M)
    return [re.sub(r"\s+# .*", "", line) for line in lines]


def scorecard_of_notebook_0():
    """The line and the table that the cell tagged "claims" shows."""
    notebook = nbformat.read(ROOT / "notebooks" / "00_overview.ipynb", as_version=4)
    (cell,) = (cell for cell in notebook.cells if "claims" in cell.metadata.get("tags", []))
    printed, shown = cell.outputs
    return " ".join(printed.text.split()), shown.data["text/markdown"]
