"""Code that pages and the reference show is at most 88 columns wide: nothing of it is cut."""

import ast
import re

import pytest
from pages import PAGES, ROOT

WIDEST = 88
PRINTED = 104  # what a page of docs/ has room for in a window of 1400 pixels
WRITTEN = ROOT / "benchmarks"  # its pages but README.md are written by its programs
TEXTS = [path for path in PAGES if path.parent != WRITTEN or path.name == "README.md"]
MODULES = sorted((ROOT / "convreg").rglob("*.py"))
FENCED = re.compile(r"^(```+)(.*)\n((?:.*\n)*?)\1$", re.MULTILINE)
INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)


def blocks(text):
    """The lines of each block of code, fenced or indented."""
    for _, kind, lines in FENCED.findall(text):
        if not kind.startswith("{"):
            yield lines.splitlines()
    for lines in INDENTED.findall(FENCED.sub("", text)):
        yield [line[4:] for line in lines.splitlines()]


def too_wide(lines):
    """Code over 88 columns; beside a prompt the lines without one are what is printed."""
    prompted = any(line.startswith(">>> ") for line in lines)
    for line in lines:
        printed = prompted and not line.startswith((">>> ", "... "))
        if len(line) > (PRINTED if printed else WIDEST):
            yield line


def examples(source):
    """The lines of every example in every docstring."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, kinds):
            text = ast.get_docstring(node) or ""
            for paragraph in text.split("\n\n"):
                if paragraph.startswith(">>> "):
                    yield paragraph.splitlines()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_on_pages_fits(path):
    text = path.read_text(encoding="utf-8")
    assert not [line for lines in blocks(text) for line in too_wide(lines)]


def test_examples_of_the_reference_fit():
    found = {}
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        wide = [line for lines in examples(source) for line in lines if len(line) > WIDEST]
        found |= {path.name: wide} if wide else {}
    assert not found


def test_what_is_too_wide_is_seen():
    wide = "x" * (WIDEST + 1)
    assert list(blocks(f"Text\n\n```python\n{wide}\n```\n")) == [[wide]]
    assert list(blocks(f"Text\n\n    {wide}\n")) == [[wide]]
    assert list(too_wide([wide])) == [wide]
    assert list(too_wide([">>> 1", wide])) == []
    assert list(examples(f'def f():\n    """One.\n\n    >>> {wide}\n    1\n    """\n'))
