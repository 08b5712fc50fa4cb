"""python -m convreg.companion.reproduce: what it writes and prints of the notebooks it runs."""

import json
import re

import pytest
from tiny import files_in, lacking_notebook, tiny_notebook

from convreg.claims.definitions import FAILS, HOLDS, Scored, as_markdown
from convreg.companion import reproduce
from convreg.companion.notebooks import Notebook
from convreg.companion.runs import Run
from convreg.storage.results import save_results


def reproduced(here, monkeypatch, paths, *arguments):
    """The exit status of all these notebooks; figures and build go to the folder."""
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: paths)
    return reproduce.main(["--build", f"{here}/build", "--figures", f"{here}/figures", *arguments])


def rewritten(monkeypatch, paths):
    """The exit status of all these notebooks, executed in their places."""
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: paths)
    return reproduce.main(["--rewrite"])


SCORED = [
    Scored("(1.1)", "Two is one", FAILS, "at most 1: 2", "2 and 1", "00_a", "Two", "c.two"),
    Scored("Section 3", "One is | one", HOLDS, "", "1 and 1", "05_b", "One", "c.one"),
]


@pytest.fixture
def pretend(monkeypatch, tmp_path):
    """Instead of kernels: runs that judged both claims; 'bad' fails."""

    def execute(notebook, parameters=None):
        save_results(str(tmp_path / "saved"), "x", {}, {}, {}, {}, SCORED)
        results = {"x.json": (tmp_path / "saved" / "x.json").read_bytes()}
        error = "code cell 5" if notebook.path.stem == "bad" else ""
        return Run(json.dumps(parameters).encode(), {"x.png": b"png"}, results, 1.24, error)

    monkeypatch.setattr(reproduce, "execute", execute)


def test_the_claims_are_printed_as_the_scorecard_has_them(here, pretend, monkeypatch, capsys):
    paths = [tiny_notebook(here, name="01_a"), tiny_notebook(here, name="02_b")]
    assert reproduced(here, monkeypatch, paths) == 0
    *ended, first, second, places, total = capsys.readouterr().out.splitlines()
    assert sorted(ended) == [
        "01_a.ipynb                             1.2 s  pass",
        "02_b.ipynb                             1.2 s  pass",
    ]
    assert first == "does not hold  (1.1): Two is one (2 and 1)"
    assert second == "holds          Section 3: One is | one (1 and 1)"
    assert places == "figures in figures/, executed notebooks in build/"
    assert total == "2 passed, 0 failed"
    row = as_markdown(SCORED).splitlines()[2]
    where, says, verdict, measured, _ = row.strip("| ").split(" | ")
    found, _ = measured.split("<br>")
    assert first == f"{verdict.strip('*'):14} {where}: {says} ({found})"


def test_a_run_gets_its_parameters_and_the_name_of_the_folder(here, pretend, monkeypatch):
    (here / "given.yml").write_text("01_a: {alpha: 2}\n")
    paths = [tiny_notebook(here, name="01_a"), tiny_notebook(here, name="02_b")]
    assert reproduced(here, monkeypatch, paths, "--parameters", f"{here}/given.yml") == 0
    given = json.loads((here / "build/01_a.ipynb").read_text())
    assert given == {"alpha": 2, "figure_dir": "figures"}
    assert json.loads((here / "build/02_b.ipynb").read_text()) == {"figure_dir": "figures"}


def test_a_notebook_that_fails_gives_no_claims_and_no_figures(here, pretend, monkeypatch, capsys):
    assert reproduced(here, monkeypatch, [tiny_notebook(here, name="bad")]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "bad.ipynb                              1.2 s  fail",
        "code cell 5",
        "",
        "figures in figures/, executed notebooks in build/",
        "0 passed, 1 failed",
    ]
    assert files_in(here) == ["bad.ipynb", "build/bad.ipynb", "saved/x.json"]


def test_what_cannot_be_imported_is_skipped_with_the_reason(here, monkeypatch, capsys):
    assert reproduced(here, monkeypatch, [lacking_notebook(here)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"lacking.ipynb +skipped, needs no_such_package: pip install", printed)
    assert "0 passed, 0 failed, 1 skipped" in printed
    assert files_in(here) == ["lacking.ipynb"]


@pytest.mark.kernel
def test_rewriting_gives_the_same_bytes_twice_and_leaves_a_failing_notebook_alone(
    here, monkeypatch, capsys
):
    good, bad = tiny_notebook(here), tiny_notebook(here, "1 / 0", name="bad")
    before, failing = good.read_bytes(), bad.read_bytes()
    assert rewritten(monkeypatch, [good]) == 0
    once = good.read_bytes()
    assert once != before
    notebook = Notebook.read(good).fresh()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5, 6]
    assert code[4].outputs[0].text == "1.0\n"
    assert [dict(cell.metadata) for cell in code if cell.metadata] == [{"tags": ["parameters"]}]
    assert "papermill" not in notebook.metadata
    assert "version" not in notebook.metadata.language_info
    capsys.readouterr()
    assert rewritten(monkeypatch, [bad, good]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"bad.ipynb +\d+\.\d s  fail", printed)
    assert "ZeroDivisionError" in printed
    assert printed.endswith("1 passed, 1 failed\n")
    assert good.read_bytes() == once
    assert bad.read_bytes() == failing
    assert files_in(here) == ["bad.ipynb", "tiny.ipynb"]


def test_a_claim_that_two_runs_measure_differently_is_two_lines():
    one, other = (
        json.dumps({"claims": [SCORED[0]._replace(measured=measured)._asdict()]}).encode()
        for measured in ("2 and 1", "3 and 1")
    )
    runs = [Run(b"", {}, {"x.json": found}, 1.0, "") for found in (one, one, other)]
    assert reproduce.claim_lines(runs) == [
        "does not hold  (1.1): Two is one (2 and 1)",
        "does not hold  (1.1): Two is one (3 and 1)",
    ]
