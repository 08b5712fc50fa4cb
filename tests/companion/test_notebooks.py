"""The notebooks: their anatomy, their outputs, their figures, and how they stop at a bad parameter."""

import ast
import json
import re
import subprocess
import sys

import nbformat
import papermill
import pytest
import yaml

from convreg.__main__ import main as convreg_main
from convreg.companion import parameters, reproduce
from convreg.companion.notebooks import all_notebooks, missing
from convreg.storage.tables import read_table

NOTEBOOKS = all_notebooks()
FIGURES = reproduce.ROOT / "figures"
OTHERS = yaml.safe_load((reproduce.ROOT / "tests" / "other_parameters.yml").read_text())
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind="code"):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def parameters_of(path):
    (cell,) = (cell for cell in cells(path) if "parameters" in cell.metadata.get("tags", []))
    return {node.target.id: node for node in ast.parse(cell.source).body}, cell


@every_notebook
def test_anatomy(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = cells(path)
    text = path.read_text()
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.language_info
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum(len([line for line in cell.source.splitlines() if line.strip()]) for cell in code) <= 60
    assert not any(cell.source.rstrip().endswith(";") for cell in code)
    assert all(set(cell.metadata) <= {"tags", "mystnb"} for cell in notebook.cells)
    assert not re.search(r"(/home/|/root/|/tmp/|/Users/|[A-Z]:\\\\)", text)
    assert not any(
        out.get("name") == "stderr" or out.output_type == "error" for cell in code for out in cell.outputs
    )
    title, *_ = cells(path, "markdown")
    assert title.source.startswith(f"# {int(path.name[:2])}. ")
    assert "1906.04866" in title.source
    assert "Runs in about" in title.source


@every_notebook
def test_links_lead_somewhere(path):
    for cell in cells(path, "markdown"):
        for link in re.findall(r"\]\(([^)]+)\)", cell.source):
            assert link.startswith("https://") or (path.parent / link).exists(), link


@every_notebook
def test_parameters_are_typed_commented_literals_that_the_check_knows(path):
    given, cell = parameters_of(path)
    assert given.keys() <= parameters.RULES.keys()
    assert list(given)[-2:] == list(parameters.FOLDERS)
    assert all("  # " in line for line in cell.source.splitlines())
    values = {name: ast.literal_eval(node.value) for name, node in given.items()}
    for name, node in given.items():
        assert node.annotation.id == type(values[name]).__name__
    parameters.check_parameters({"__annotations__": given, **values})
    code = cells(path)
    assert "given = check_parameters(globals()" in code[code.index(cell) + 1].source


@every_notebook
def test_papermill_reads_the_same_parameters(path):
    given, _ = parameters_of(path)
    inferred = papermill.inspect_notebook(path)
    assert inferred.keys() == given.keys()
    assert all(entry["help"] and entry["inferred_type_name"] != "None" for entry in inferred.values())


def joined(outputs):
    """The outputs with what was printed in one piece: where the kernel divides it is up to its clock."""
    pieces = []
    for out in outputs:
        if pieces and out.output_type == "stream" == pieces[-1].output_type and out.name == pieces[-1].name:
            pieces[-1].text += out.text
        else:
            pieces.append(out)
    return pieces


@every_notebook
def test_the_last_cell_keeps_the_results(path):
    assert cells(path)[-1].source.startswith(f'save_results(results_dir, "{path.stem}", given, ')


def test_every_figure_is_of_a_notebook_and_complete():
    source = "".join(cell.source for path in NOTEBOOKS for cell in cells(path))
    saved = re.findall(r'figure_dir, "(\w+)"\)', source)
    assert len(saved) == len(set(saved)) == source.count("save_figure(")
    names = sorted(path.name for path in FIGURES.iterdir())
    assert names == sorted(f"{name}.{ending}" for name in saved for ending in ("csv", "pdf", "png"))


@every_notebook
def test_every_figure_is_shown(path):
    shown = [out for cell in cells(path) for out in cell.outputs if "image/png" in out.get("data", {})]
    assert len(shown) == sum(cell.source.count("save_figure(") for cell in cells(path)) >= 1


def scorecard_of(path):
    """The table that the cell tagged "claims" shows, and the line that it prints above."""
    (cell,) = (cell for cell in cells(path) if "claims" in cell.metadata.get("tags", []))
    printed, table = cell.outputs
    return table.data["text/markdown"], printed.text.strip()


def test_reproduce_prints_the_scorecard(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: NOTEBOOKS[:1])
    assert reproduce.main(["--build", str(tmp_path / "build"), "--figures", str(tmp_path / "figures")]) == 0
    assert len(list((tmp_path / "figures").iterdir())) == 6
    passed, *lines, _, total = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"00_overview.ipynb +\d+\.\d s  pass", passed)
    assert total == "1 passed, 0 failed"
    rows = scorecard_of(NOTEBOOKS[0])[0].splitlines()[2:]
    assert len(lines) == len(rows) > 50
    for line, row in zip(lines, rows, strict=True):
        where, says, verdict, _, measured, _ = row.strip("| ").split(" | ")
        assert line == f"{verdict.strip('*'):14} {where}: {says} ({measured})"


def test_the_readme_carries_the_scorecard_of_notebook_0():
    table, tally = scorecard_of(NOTEBOOKS[0])
    readme = (reproduce.ROOT / "README.md").read_text()
    assert f"\n\n{table}\n\n" in readme
    assert f"[scorecard](#scorecard), {tally}." in readme


def test_figures_3_1_and_3_2_hold_the_papers_numbers_to_six_digits():
    for name, cases in (("figure_3_1", 4), ("figure_3_2", 4)):
        table = read_table(FIGURES / f"{name}.csv")
        assert len(table["iteration"]) == 21 * cases
        assert all(float(f"{x:.5e}") == x for x in table["sigma_max"])


def run(path, tmp_path, *arguments):
    command = [sys.executable, "-m", "papermill", str(path), str(tmp_path / "out.ipynb"), "-k", "python3"]
    return subprocess.run(
        [*command, "--no-progress-bar", *arguments], capture_output=True, text=True, cwd=tmp_path
    )


BAD = [
    ("00", ["-p", "alpha", "2"], "alpha: no parameter of this notebook"),
    ("01", ["-p", "input_size", "0"], "input_size: wanted an integer from 1 to 60, got 0"),
    ("02", ["-r", "alpha", "1"], "alpha: wanted a number from 1e-6 to 1e6, got '1'"),
    ("03", ["-p", "input_sise", "4"], "did you mean input_size?"),
    ("04", ["-p", "iterations", "2.5"], "iterations: wanted an integer from 0 to 2000, got 2.5"),
    ("05", ["-p", "channels", "[[3, 1]]"], "channels: wanted a list of 1 to 12 different pairs"),
    ("09", ["-p", "measure", "maybe"], "measure: wanted true or false, got 'maybe'"),
    (
        "07",
        ["-p", "output_channels", "3"],
        "output_channels, kernel_size: wanted h < g and 1 < k <= N, got g = 3, h = 3",
    ),
    ("08", ["-y", "{budgets: [5]}"], "budgets: wanted a list of 1 to 12 different numbers from 10 to 10000"),
    ("06", ["-y", "{alphas: [1, -1]}"], "alphas: wanted a list of 1 to 12 different numbers"),
    ("10", ["-p", "training_images", "1797"], "training_images: wanted an integer from 50 to 1700, got 1797"),
    ("10", ["-p", "seed", "4294967295"], "seed, networks: wanted a last seed below 2^32, got 4294967299"),
]


@pytest.mark.parametrize(
    ("number", "arguments", "message"), BAD, ids=[f"{number}-{arguments[1]}" for number, arguments, _ in BAD]
)
def test_a_bad_parameter_stops_the_run_before_anything_is_written(number, arguments, message, tmp_path):
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(number))
    if why := missing(path.read_text()):
        pytest.skip(f"{path.name} {why}")
    ended = run(path, tmp_path, *arguments, "-p", "figure_dir", str(tmp_path / "figures"))
    assert ended.returncode != 0
    assert message in ended.stderr
    assert not (tmp_path / "figures").exists()
    assert not any(cell.outputs for cell in cells(tmp_path / "out.ipynb")[5:])


def test_other_parameters_skip_the_comparison_and_write_where_asked(tmp_path):
    (path,) = (path for path in NOTEBOOKS if path.name.startswith("05"))
    ended = run(path, tmp_path, "-y", json.dumps(OTHERS[path.stem]), "-p", "figure_dir", "new/figures")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "new" / "figures" / "figure_3_1.png").exists()
    printed = "".join(out.get("text", "") for cell in cells(tmp_path / "out.ipynb") for out in cell.outputs)
    assert "not the paper's: no comparison" in printed


def test_there_are_other_parameters_for_every_notebook():
    assert list(OTHERS) == [path.stem for path in NOTEBOOKS]
    for path in NOTEBOOKS:
        given, _ = parameters_of(path)
        assert OTHERS[path.stem].keys() <= given.keys()


def notebook_with(tags, source):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": tags})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})


def test_what_a_notebook_needs_is_in_its_tags():
    assert missing(nbformat.writes(notebook_with(["needs-json"], ""))) == ""
    lacking = missing(nbformat.writes(notebook_with(["needs-json", "needs-no_such_package", "parameters"], "")))
    assert lacking == "needs no_such_package: pip install 'convreg[torch]'"
    for path in NOTEBOOKS:
        tags = {tag for cell in cells(path) for tag in cell.metadata.get("tags", [])}
        assert ("needs-torch" in tags) == ("import torch" in path.read_text())


def test_a_run_that_lacks_a_package_is_refused_before_it_starts(tmp_path, capsys):
    nbformat.write(notebook_with(["needs-no_such_package"], "1 / 0"), tmp_path / "lacking.ipynb")
    assert convreg_main(["run", str(tmp_path / "lacking.ipynb"), "-o", str(tmp_path / "out.ipynb")]) == 2
    assert "lacking.ipynb needs no_such_package: pip install 'convreg[torch]'" in capsys.readouterr().err
    assert not (tmp_path / "out.ipynb").exists()


def test_reproduce_skips_what_cannot_be_imported_and_says_why(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "skipped.ipynb"
    nbformat.write(notebook_with(["needs-no_such_package"], "1 / 0"), path)
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: [path])
    assert reproduce.main(["--build", str(tmp_path / "build"), "--figures", str(tmp_path / "figures")]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"skipped.ipynb +skipped, needs no_such_package: pip install", printed)
    assert "0 passed, 0 failed, 1 skipped" in printed
    assert not (tmp_path / "build" / path.name).exists()


def test_a_failing_notebook_makes_reproduce_fail(tmp_path, monkeypatch, capsys):
    bad = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")], metadata={"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}})  # fmt: skip
    (tmp_path / "notebooks").mkdir()
    nbformat.write(bad, tmp_path / "notebooks" / "bad.ipynb")
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: [tmp_path / "notebooks" / "bad.ipynb"])
    assert reproduce.main(["--build", str(tmp_path / "build"), "--figures", str(tmp_path / "figures")]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"bad.ipynb +\d+\.\d s  fail", printed)
    assert "ZeroDivisionError" in printed
    assert "0 passed, 1 failed" in printed
