"""`pytest --nbval notebooks` fails at whatever changes: one cell, picture or file for each way."""

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
from nbformat.v4 import new_code_cell
from tiny import lacking_notebook, written

from convreg.companion.notebooks import ROOT, Notebook, is_tagged
from convreg.companion.runs import execute

pytestmark = pytest.mark.kernel

SET_UP = """import matplotlib.pyplot as plt
import numpy as np

from convreg.plots.style import save_figure
from convreg.storage.progress import progress
from convreg.storage.tables import rounded


def draw(name, third):
    x = np.linspace(0, 1, 5)
    table = rounded({"x": x, "y": 1 + x / third}, 4)
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot(table["x"], table["y"])
    axes.set_ylim(1, 1.5)
    save_figure(figure, table, figure_dir, name)


for _ in progress(range(3), "a bar that is taken back"):
    pass"""
PARAMETERS = 'figure_dir: str = ""  # folder for the figures'
PRINTS = 'print(f"half: {1 / 2:.3f}")'
DRAWS = 'draw("{name}", third=3)'


def shifted(png):
    """A picture moved down by a tenth of its height."""
    pixels = image.imread(io.BytesIO(png))
    pixels[len(pixels) // 10 :] = pixels[: -(len(pixels) // 10)].copy()
    moved = io.BytesIO()
    image.imsave(moved, pixels)
    return moved.getvalue()


# changes to a committed cell: what nbval then says of that cell


def a_printed_number(cell):
    cell.outputs[0].text = "half: 0.501\n"


def outputs_removed(cell):
    cell.outputs = []


def a_cell_cleared(cell):
    cell.outputs = []
    cell.execution_count = None


def a_picture_cell_cleared(cell):
    cell.outputs = []
    cell.execution_count = None


def the_picture_removed(cell):
    del cell.outputs[0].data["image/png"]


def the_picture_in_the_notebook(cell):
    data = cell.outputs[0].data
    data["image/png"] = base64.b64encode(shifted(base64.b64decode(data["image/png"]))).decode()


def what_the_code_plots(cell):
    cell.source = cell.source.replace("third=3", "third=2")


IN_A_CELL = {
    a_printed_number: (PRINTS, "0.501"),
    outputs_removed: (PRINTS, "Unexpected output"),
    a_cell_cleared: (PRINTS, "no execution count"),
    a_picture_cell_cleared: (DRAWS, "no execution count"),
    the_picture_removed: (DRAWS, "1 images, 0 committed"),
    the_picture_in_the_notebook: (DRAWS, "RMS Value"),
    what_the_code_plots: (DRAWS, "RMS Value"),
}

# changes to a committed figure: what nbval then says of the notebook's last cell


def the_picture_of_the_figure(figures, name):
    path = figures / f"{name}.png"
    path.write_bytes(shifted(path.read_bytes()))


def a_number_behind_the_figure(figures, name):
    replace(figures / f"{name}.csv", "1.083", "1.085")


def a_row_of_the_figure(figures, name):
    path = figures / f"{name}.csv"
    *rows, _ = path.read_text().splitlines()
    path.write_text("\n".join(rows))


def the_figure_missing(figures, name):
    (figures / f"{name}.csv").unlink()


IN_A_FILE = {
    the_picture_of_the_figure: "/the_picture_of_the_figure-failed-diff.png",
    a_number_behind_the_figure: "a_number_behind_the_figure.csv: y: 1.083 in row 1, was 1.085",
    a_row_of_the_figure: "a_row_of_the_figure.csv: columns ['x', 'y'], were ['x', 'y'], or another",
    the_figure_missing: "the_figure_missing.csv: not in figures",
}


def replace(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


NAMES = [change.__name__ for change in [*IN_A_CELL, *IN_A_FILE]]
FIRST = 2  # the cells of the set-up and the parameters


def sound_notebook(folder):
    """A cell for every change; the last one prints."""
    cells = [new_code_cell(SET_UP), new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    bodies = [body for body, _ in IN_A_CELL.values()] + [DRAWS] * len(IN_A_FILE)
    for body, name in zip(bodies, NAMES, strict=True):
        cells.append(new_code_cell(body.replace("{name}", name)))
    cells.append(new_code_cell('print("the end")'))
    return Notebook.read(written(cells, folder / "sound.ipynb"))


def committed(folder, notebook, figures):
    """A folder like the repository's, with this executed notebook and its figures."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "figures").mkdir()
    for name, content in figures.items():
        (folder / "figures" / name).write_bytes(content)
    nbformat.write(notebook, folder / "notebooks" / "small.ipynb")


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    """What nbval says to each cell of three notebooks: sound, broken and one that lacks a package.

    A list for each; of '' where the cell passed, else what failed or why it was skipped.
    """
    place = tmp_path_factory.mktemp("validated")
    notebook = sound_notebook(place)
    run = execute(notebook, {})
    assert run.error == ""
    executed = nbformat.reads(run.executed.decode(), as_version=4)
    executed.cells = [cell for cell in executed.cells if not is_tagged(cell, "injected-parameters")]
    (place / "sound.ipynb").unlink()
    committed(place / "sound", executed, run.figures)
    replace(place / "sound/figures/the_picture_removed.csv", "1.083", "1.084")  # the last digit
    for number, change in enumerate(IN_A_CELL, start=FIRST):
        change(executed.cells[number])
    committed(place / "broken", executed, run.figures)
    for change in IN_A_FILE:
        change(place / "broken" / "figures", change.__name__)
    lacking_notebook(place)
    shutil.copy(ROOT / "conftest.py", place)
    (place / "pytest.ini").write_text("[pytest]\n")
    options = ["-q", "--nbval", "-p", "no:cacheprovider", "--junitxml=out.xml"]
    command = [sys.executable, "-m", "pytest", *options, "."]
    assert subprocess.run(command, cwd=place, capture_output=True, check=False).returncode == 1
    tests = ElementTree.parse(place / "out.xml").iter("testcase")
    said = {}
    for name, own in itertools.groupby(tests, key=notebook_of):
        said[name] = [problem_of(test) for test in own]
    return said


def notebook_of(test):
    """The folder or the name of a test's notebook."""
    return re.match(r"\w+", test.get("classname")).group()


def problem_of(test):
    """What failed, or why it was skipped, without colours; '' where it passed."""
    failed = " ".join(failure.text for failure in test.iter("failure"))
    skipped = " ".join(skip.get("message") for skip in test.iter("skipped"))
    return re.sub(r"(\x1b|#x1B)\[\d*m", "", failed + skipped)


@pytest.mark.parametrize("change", IN_A_CELL, ids=lambda change: change.__name__)
def test_nbval_fails_when_a_cell_changes(change, validated):
    number = FIRST + NAMES.index(change.__name__)
    _, message = IN_A_CELL[change]
    assert message in validated["broken"][number]


@pytest.mark.parametrize("change", IN_A_FILE, ids=lambda change: change.__name__)
def test_nbval_fails_when_a_figure_changes(change, validated):
    lines = validated["broken"][-1].splitlines()
    assert any(IN_A_FILE[change] in line for line in lines)


def test_nbval_names_every_figure_that_changed_and_no_other(validated):
    said = validated["broken"][-1]
    named = {name for name in NAMES if f"/{name}.png" in said or f"{name}.csv:" in said}
    changed = {change.__name__ for change in [what_the_code_plots, *IN_A_FILE]}
    assert named == changed


def test_nbval_passes_every_cell_that_is_the_same(validated):
    first = FIRST + len(IN_A_CELL)
    assert validated["broken"][:FIRST] == [""] * FIRST
    assert validated["broken"][first:-1] == [""] * len(IN_A_FILE)
    assert validated["sound"] == [""] * (FIRST + len(NAMES) + 1)


def test_nbval_skips_a_notebook_that_needs_what_is_not_there(validated):
    (said,) = validated["lacking"]
    assert said == "lacking.ipynb needs no_such_package: pip install 'convreg[training]'"
