"""`pytest --nbval notebooks` fails at whatever changes: each case breaks a copy of a small notebook or its figure."""

import base64
import io
import itertools
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import nbformat
import pytest
from matplotlib import image

from convreg.companion.notebooks import ROOT
from convreg.companion.runs import execute

CELLS = [
    "import numpy as np\n\nfrom convreg.plots.paper import bounds_figure\nfrom convreg.plots.style import save_figure\nfrom convreg.storage.tables import rounded",
    'figure_dir: str = ""  # folder for the figures',
    'x = np.linspace(0, 1, 5)\nprint(f"half of the last: {x[-1] / 2:.3f}")',
    'table = rounded({"s": x, "sigma_max": 1 + x / 3, "sigma_min": 1 - x / 3, "lower": 1 - x / 2, "upper": 1 + x / 2, "t": x}, 4)\n'
    'saved = save_figure(bounds_figure(table), table, figure_dir, "small")',
]


def shifted(png):
    """A picture moved down by a tenth of its height."""
    pixels = image.imread(io.BytesIO(png))
    pixels[len(pixels) // 10 :] = pixels[: -(len(pixels) // 10)].copy()
    moved = io.BytesIO()
    image.imsave(moved, pixels)
    return moved.getvalue()


def a_printed_number(notebook, figures):
    notebook.cells[2].outputs[0].text = "half of the last: 0.501\n"


def outputs_removed(notebook, figures):
    notebook.cells[2].outputs = []


def a_cell_cleared(notebook, figures):
    notebook.cells[2].outputs, notebook.cells[2].execution_count = [], None


def a_picture_cell_cleared(notebook, figures):
    notebook.cells[3].outputs, notebook.cells[3].execution_count = [], None


def the_picture_removed(notebook, figures):
    del notebook.cells[3].outputs[0].data["image/png"]


def the_picture_in_the_notebook(notebook, figures):
    data = notebook.cells[3].outputs[0].data
    data["image/png"] = base64.b64encode(shifted(base64.b64decode(data["image/png"]))).decode()


def the_picture_of_the_figure(notebook, figures):
    (figures / "small.png").write_bytes(shifted((figures / "small.png").read_bytes()))


def a_number_behind_the_figure(notebook, figures):
    text = (figures / "small.csv").read_text()
    assert "1.083" in text
    (figures / "small.csv").write_text(text.replace("1.083", "1.085"))


def a_row_of_the_figure(notebook, figures):
    *rows, _ = (figures / "small.csv").read_text().splitlines()
    (figures / "small.csv").write_text("\n".join(rows))


def the_figure_missing(notebook, figures):
    (figures / "small.csv").unlink()


def what_the_code_plots(notebook, figures):
    notebook.cells[3].source = notebook.cells[3].source.replace("1 + x / 3", "1 + x / 2.9")


BROKEN = {
    a_printed_number: "0.501", outputs_removed: "Unexpected output", a_cell_cleared: "no execution count",
    a_picture_cell_cleared: "no execution count", the_picture_removed: "1 images, 0 committed",
    the_picture_in_the_notebook: "RMS Value", the_picture_of_the_figure: "RMS Value",
    a_number_behind_the_figure: "sigma_max: 1.083 in row 1, was 1.085", a_row_of_the_figure: "another number of rows",
    the_figure_missing: "small.csv: not in figures", what_the_code_plots: "sigma_max: 1.086 in row 1, was 1.083",
}  # fmt: skip


def nothing(notebook, figures):
    pass


def the_last_digit_of_a_number(notebook, figures):
    text = (figures / "small.csv").read_text()
    (figures / "small.csv").write_text(text.replace("1.083", "1.084"))


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    """What nbval says to a small notebook and to its broken copies: the failures of each by its name."""
    place = tmp_path_factory.mktemp("validated")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    source = nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))
    executed, figures = execute(source).executed.decode(), execute(source, {}).figures
    shutil.copy(ROOT / "conftest.py", place)
    (place / "pytest.ini").write_text("[pytest]\n")
    for change in [*BROKEN, nothing, the_last_digit_of_a_number]:
        for folder in ("notebooks", "figures"):
            (place / change.__name__ / folder).mkdir(parents=True)
        for name, content in figures.items():
            (place / change.__name__ / "figures" / name).write_bytes(content)
        notebook = nbformat.reads(executed, as_version=4)
        change(notebook, place / change.__name__ / "figures")
        nbformat.write(notebook, place / change.__name__ / "notebooks" / "small.ipynb")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--nbval",
        "-p",
        "no:cacheprovider",
        "--junitxml=out.xml",
        ".",
    ]
    assert subprocess.run(command, cwd=place, capture_output=True, check=False).returncode == 1
    tests = [*ElementTree.parse(place / "out.xml").iter("testcase")]
    assert len(tests) == 4 * (len(BROKEN) + 2)
    return {
        name: [failure.text for test in cells for failure in test.iter("failure")]
        for name, cells in itertools.groupby(tests, key=lambda test: test.get("classname").split(".")[0])
    }


@pytest.mark.parametrize("change", BROKEN, ids=lambda change: change.__name__)
def test_nbval_fails_when_something_changes(change, validated):
    (failure,) = validated[change.__name__]
    assert BROKEN[change] in re.sub(r"(\x1b|#x1B)\[\d*m", "", failure)


@pytest.mark.parametrize("change", [nothing, the_last_digit_of_a_number], ids=lambda change: change.__name__)
def test_nbval_passes_what_is_the_same(change, validated):
    assert validated[change.__name__] == []


def test_nbval_skips_a_notebook_that_needs_what_is_not_there(tmp_path):
    cell = nbformat.v4.new_code_cell("1 / 0", execution_count=1, metadata={"tags": ["needs-no_such_package"]})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), tmp_path / "lacking.ipynb"
    )
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "--nbval", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "lacking.ipynb needs no_such_package: pip install 'convreg[torch]'" in done.stdout
