"""A notebook that is read and not run: what it needs, and what its own check says to values."""

import pickle

import nbformat
import papermill
import pytest
from tiny import changed, files_in, lacking_notebook, status, tiny_notebook

from convreg.companion.notebooks import Notebook, find_notebook

LACKING = "needs no_such_package: pip install 'convreg[training]'"


def test_a_notebook_declares_what_papermill_reads(tmp_path):
    for path in [find_notebook("05"), tiny_notebook(tmp_path)]:
        declared = Notebook.read(path).declared
        inferred = papermill.inspect_notebook(path)
        assert declared.keys() == inferred.keys()
        for name, entry in inferred.items():
            wanted = (name, entry["inferred_type_name"], entry["default"], entry["help"])
            assert declared[name] == wanted


def test_a_notebook_travels_to_another_process(tmp_path):
    notebook = Notebook.read(tiny_notebook(tmp_path))
    assert notebook.title == "A tiny notebook"
    assert pickle.loads(pickle.dumps(notebook)) == notebook


def test_a_notebook_without_a_title_is_refused(here, capsys):
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("")])
    nbformat.write(empty, here / "empty.ipynb")
    assert status("list", "empty.ipynb") == 2
    assert "notebook: wanted one with a title, got empty.ipynb" in capsys.readouterr().err


# needs


def test_what_a_notebook_needs_is_in_its_tags(tmp_path):
    path = lacking_notebook(tmp_path)
    assert Notebook.read(path).missing == LACKING
    changed(path, lambda cells: cells[0].metadata.update(tags=["needs-json", "parameters"]))
    assert Notebook.read(path).missing == ""


def test_a_run_that_lacks_a_package_is_refused_before_it_starts(here, capsys):
    assert status("run", lacking_notebook(here), "-o", "out.ipynb") == 2
    assert f"lacking.ipynb {LACKING}" in capsys.readouterr().err
    assert files_in(here) == ["lacking.ipynb"]


# the notebook's own check


def test_all_unknown_names_are_named():
    with pytest.raises(ValueError, match=r"alhpa: no .* \(did you mean alpha\?\).*; stat: no "):
        Notebook.read(find_notebook("5")).checked({"alhpa": 1, "stat": 1})


def test_a_good_value_comes_back_with_all_the_others():
    given = Notebook.read(find_notebook("5")).checked({"alpha": 2, "channels": [[2, 1]]})
    assert (given["alpha"], given["channels"], given["iterations"]) == (2.0, [[2, 1]], 20)
    assert "figure_dir" not in given


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import missing_module", "got ModuleNotFoundError: No module named 'missing_module'"),
        ("%matplotlib inline", "got SyntaxError: invalid syntax"),
        ("1 / 0", "got ZeroDivisionError: division by zero"),
    ],
)
def test_a_notebook_that_does_not_come_to_its_check_is_refused(line, message, tmp_path):
    path = tiny_notebook(tmp_path)
    changed(path, lambda cells: cells[1].update(source=f"{cells[1].source}\n{line}"))
    wanted = f"notebook: wanted one that comes to its check_parameters, {message}"
    with pytest.raises(ValueError, match=r"tiny\.ipynb") as refused:
        Notebook.read(path).checked({})
    assert str(refused.value).startswith(wanted)


@pytest.mark.parametrize("number", [2, 3], ids=["parameters", "check"])
def test_a_notebook_without_parameters_or_a_check_is_refused(number, tmp_path):
    path = tiny_notebook(tmp_path)
    changed(path, lambda cells: cells.pop(number))
    with pytest.raises(ValueError, match="wanted a cell tagged parameters and a check of them"):
        Notebook.read(path).checked({})


# the same in a kernel


@pytest.mark.kernel
def test_plain_papermill_stops_at_a_bad_parameter_before_anything_is_written(here):
    values = {"input_sise": 4, "alpha": -1, "figure_dir": "figures"}
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        papermill.execute_notebook(
            find_notebook("03"),
            "out.ipynb",
            values,
            kernel_name="python3",
            progress_bar=False,
            cwd=here,
        )
    assert (
        "input_sise: no parameter of this notebook (did you mean input_size?)"
        in stopped.value.evalue
    )
    assert "; alpha: wanted a number from 1e-6 to 1e6, got -1" in stopped.value.evalue
    assert files_in(here) == ["out.ipynb"]
    cells = nbformat.read("out.ipynb", as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    (check,) = [number for number, cell in enumerate(code) if "check_parameters(" in cell.source]
    assert all(cell.execution_count is None for cell in code[check + 1 :])


@pytest.mark.kernel
def test_a_check_that_is_run_again_says_the_same(tiny_run):
    assert tiny_run.error == ""
    executed = nbformat.reads(tiny_run.executed.decode(), as_version=4)
    printed = [out.text for cell in executed.cells for out in cell.get("outputs", [])]
    assert printed == ["2 True\n"]
