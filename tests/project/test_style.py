"""How long a line may be: 100 columns, 88 in the notebooks; how a file is opened: by encoding."""

import ast
import subprocess
import sys

import nbformat
import pytest
from pages import ROOT


def complaints(path, source):
    """What ruff says of a file that would stand there."""
    if path.endswith(".ipynb"):
        cells = [nbformat.v4.new_code_cell(source)]
        source = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    command = [sys.executable, "-m", "ruff", "check", "-q", "--no-cache", "--output-format=concise"]
    done = subprocess.run(
        [*command, "--stdin-filename", path, "-"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("convreg/new.py", 100),
        ("tests/test_new.py", 100),
        ("tests/studies/test_new.py", 100),
        ("benchmarks/bench_new.py", 100),
        ("notebooks/12_new.ipynb", 88),
    ],
)
def test_a_line_may_have_so_many_columns_and_no_more(path, columns):
    letters = "a" * (columns - len('x = ""'))
    assert complaints(path, f'x = "{letters}"\n') == ""
    longer = complaints(path, f'x = "{letters}a"\n')
    assert f"E501 Line too long ({columns + 1} > {columns})" in longer


def without_encoding(source):
    """The calls in a source that open a file for text in the encoding of the locale."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    found = []
    for call in calls:
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        values = [getattr(value, "value", None) for value in call.args]
        keywords = {keyword.arg: getattr(keyword.value, "value", "") for keyword in call.keywords}
        binary = any("b" in mode for mode in (*values, keywords.get("mode")) if mode in MODES)
        text = name in OPENING and ast.unparse(call.func) != "os.open"
        if text and not binary and "encoding" not in keywords:
            found.append(ast.unparse(call))
    return found


OPENING = ("fdopen", "open", "read_text", "write_text")
MODES = ("r", "w", "a", "x", "rb", "wb", "ab", "xb", "r+b")


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("open(p)", 1),
        ("open(p, 'w')", 1),
        ("p.open(mode='a')", 1),
        ("p.read_text()", 1),
        ("p.write_text(text, newline='')", 1),
        ("os.fdopen(n)", 1),
        ("open(p, 'rb')", 0),
        ("open(p, mode='wb')", 0),
        ("open(p, encoding='utf-8')", 0),
        ("p.read_text('utf-8')", 1),
        ("p.read_text(encoding=name)", 0),
        ("p.read_bytes()", 0),
        ("os.open(p, os.O_WRONLY)", 0),
    ],
)
def test_a_text_is_opened_in_an_encoding_that_has_a_name(source, count):
    assert len(without_encoding(source)) == count


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("convreg/**/*.py"), *ROOT.glob("benchmarks/*.py"), ROOT / "conftest.py"]),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_no_file_depends_on_the_locale(path):
    assert without_encoding(path.read_text(encoding="utf-8")) == []
