"""How long a line may be: 100 columns of code, tests included, and 88 in the notebooks."""

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
