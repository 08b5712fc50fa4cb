"""list and run from the command line; exits with 0, 1 for a failed run, 2 for a wrong command."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from tiny import as_at_a_terminal, changed, files_in, status, tiny_notebook, wait_until

from convreg.companion import commands
from convreg.companion.notebooks import Notebook, all_notebooks, find_notebook, is_tagged
from convreg.companion.runs import Run, execute

COMMAND = [sys.executable, "-m", "convreg"]
PLACES = ["--figure-dir", "figures", "--results-dir", "results", "-o", "out.ipynb"]


@pytest.fixture
def no_kernel(monkeypatch):
    def started(*_, **__):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(commands, "execute", started)


@pytest.fixture
def pretend(monkeypatch):
    """Instead of a kernel: a run that gives a figure and results."""
    figures = {"x.png": b"png", "x.csv": b"csv"}
    results = {"tiny.json": b'{"headline": {"twice": 2.0}}'}
    run = Run(b"{}\n", figures, results, 0.1, "")
    monkeypatch.setattr(commands, "execute", lambda *_, **__: run)


def injected_in(path):
    """What papermill inserted in an executed notebook."""
    cells = nbformat.read(path, as_version=4).cells
    (cell,) = [cell for cell in cells if is_tagged(cell, "injected-parameters")]
    return cell.source


# the program


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/somewhere/bin/convreg", "convreg"),
        ("convreg.exe", "convreg"),
        ("/somewhere/convreg/__main__.py", "python -m convreg"),
    ],
)
def test_the_program_says_the_name_by_which_it_was_called(called, name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [called])
    assert status("list", "77") == 2
    assert capsys.readouterr().err.startswith(f"{name}: notebook: wanted")
    assert status("run") == 2
    assert capsys.readouterr().err.startswith(f"usage: {name} run ")


def test_the_version_is_the_packages(capsys):
    assert status("--version") == 0
    assert capsys.readouterr().out.strip() == version("convreg")


@pytest.mark.parametrize(
    "arguments",
    [[], ["walk", "05"], ["list", "50"], ["list", "05", "06"], ["run"], ["run", "05", "--speed"]],
)
def test_a_command_that_is_none_exits_2(arguments, capsys):
    assert status(*arguments) == 2
    assert "python -m convreg" in capsys.readouterr().err


# list


def blocks(text):
    """What list prints: the lines of each notebook by its name."""
    found = {}
    for line in text.splitlines():
        if line and line[0] != " ":
            own = found.setdefault(line.split(":")[0], [])
        if line:
            own.append(line)
    return found


def test_list_shows_every_notebook_with_what_papermill_reads_in_it(capsys):
    assert status("list") == 0
    shown = blocks(capsys.readouterr().out)
    assert list(shown) == [path.stem for path in all_notebooks()]
    for path in all_notebooks():
        lines = [" ".join(line.split()) for line in shown[path.stem][1:]]
        known = papermill.inspect_notebook(path)
        assert len(lines) == 2 * len(known)
        for line, meaning, (name, entry) in zip(
            lines[::2], lines[1::2], known.items(), strict=True
        ):
            assert line == f"{name} {entry['inferred_type_name']} = {entry['default']}"
            assert meaning.startswith(entry["help"])


@pytest.mark.parametrize("name", ["5", "05", "05_example_1", find_notebook("05")])
def test_list_shows_one_notebook_with_what_it_accepts(name, capsys):
    assert status("list", name) == 0
    text = capsys.readouterr().out
    assert list(blocks(text)) == ["05_example_1"]
    assert "05_example_1: 5. Example 1" in text
    assert "the shift in R_alpha; a number from 1e-6 to 1e6" in text


# 2: the command has to be changed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["05", "-p", "alhpa", "1"], "alhpa: no parameter of this notebook (did you mean alpha?)"),
        (["05", "-p", "alphas", "[1]"], "alphas: no parameter of this notebook"),
        (["05", "-p", "alpha", "fast"], "alpha: wanted a number from 1e-6 to 1e6, got 'fast'"),
        (["05", "-p", "alpha", "-1"], "alpha: wanted a number from 1e-6 to 1e6, got -1"),
        (["05", "-p", "iterations", "2.5"], "iterations: wanted an integer from 0 to 2000"),
        (["05", "-p", "channels", "[3, 1]"], "channels: wanted a list of 1 to 12 different pairs"),
        (["05", "-p", "alpha", "0", "-p", "state", "-1"], "; state: wanted an integer"),
        (["05", "-p", "channels", "[[64, 64]]", "-p", "input_size", "60"], "input_size: wanted at"),
        (["05", "-p", "alpha", "1", "-p", "alpha", "2"], "-p: wanted each name once"),
        (["05", "-p", "figure_dir", "a", "--figure-dir", "b"], "-p: wanted each name once"),
        (["05", "-o", "out.txt"], "-o: wanted a file OUT.ipynb"),
        (["05", "-o", "folder.ipynb"], "-o: wanted a file OUT.ipynb"),
        (["05", "-o", find_notebook("05")], "-o: wanted another file than the notebook itself"),
        (["05", "-o", "file/out.ipynb"], "-o: wanted a folder that can be written to"),
        (["05", "--figure-dir", "file/below"], "figure_dir: wanted a folder that can be written"),
        (["05", "--results-dir", "file"], "results_dir: wanted a folder that can be written to"),
        (["05_exampel_1"], "(did you mean 05_example_1?)"),
        (["77"], "notebook: wanted a path or one of 00_overview"),
        ([""], "notebook: wanted a path or one of 00_overview"),
        (["missing/05_example_1.ipynb"], "notebook: wanted a path or one of"),
        (["words.ipynb"], "does not appear to be JSON"),
        (["05", "-p", "alpha"], "expected 2 arguments"),
    ],
)
def test_a_run_that_cannot_be_is_refused_before_a_kernel_starts(
    arguments, message, here, no_kernel, capsys
):
    (here / "file").write_text("")
    (here / "folder.ipynb").mkdir()
    (here / "words.ipynb").write_text("words")
    before = sorted(here.rglob("*"))
    assert status("run", *arguments) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert sorted(here.rglob("*")) == before


def test_what_the_notebook_itself_refuses_is_refused(here, no_kernel, capsys):
    assert status("run", tiny_notebook(here), "-p", "state", "13") == 2
    said = capsys.readouterr().err
    assert said == "python -m convreg: state: wanted another than 13, got 13\n"
    assert files_in(here) == ["tiny.ipynb"]


@pytest.mark.parametrize(
    "text", ["x", "{}", "[]", '{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}']
)
@pytest.mark.parametrize("command", ["run", "list"])
def test_a_file_that_is_no_notebook_is_refused_by_its_name(command, text, here, no_kernel, capsys):
    (here / "bad.ipynb").write_text(text)
    assert status(command, here / "bad.ipynb") == 2
    assert "notebook: wanted a Jupyter notebook, got bad.ipynb: " in capsys.readouterr().err


# 0: a run that passes


@pytest.mark.kernel
def test_a_notebook_without_folders_is_not_given_any(here):
    path = tiny_notebook(here)

    def without_folders(cells):
        del cells[7], cells[4]  # the results and the figure
        cells[2].source = "alpha: float = 1.0  # the shift\nstate: int = 1  # the seed"

    changed(path, without_folders)
    assert status("run", path, "-p", "alpha", "2", "-o", "out.ipynb") == 0
    assert injected_in(here / "out.ipynb") == "# Parameters\nalpha = 2"


@pytest.mark.kernel
def test_everything_lands_relative_to_the_caller_and_nowhere_else(tmp_path):
    tiny_notebook(tmp_path)
    caller = tmp_path / "caller"
    caller.mkdir()
    values = ["-p", "alpha", "2", "-p", "alphas", "[3, 4]"]
    places = ["--figure-dir", "a/figures", "--results-dir", "b", "-o", "c/d/out.ipynb"]
    arguments = [*COMMAND, "run", "../tiny.ipynb", *values, *places]
    ended = subprocess.run(arguments, cwd=caller, capture_output=True, text=True, check=True)
    assert files_in(tmp_path) == [
        "caller/a/figures/curve.csv",
        "caller/b/tiny.json",
        "caller/c/d/out.ipynb",
        "tiny.ipynb",
    ]
    assert "twice = 4\n" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert injected_in(caller / "c/d/out.ipynb").splitlines()[1:] == [
        "alpha = 2",
        "alphas = [3, 4]",
        f'figure_dir = "{caller}/a/figures"',
        f'results_dir = "{caller}/b"',
    ]
    found = json.loads((caller / "b/tiny.json").read_text())["parameters"]
    assert found == {"alpha": 2.0, "state": 1, "alphas": [3.0, 4.0], "measure": False}


@pytest.mark.kernel
def test_notebook_5_runs_with_other_numbers(here, capsys):
    values = ["-p", "channels", "[[2, 1]]", "-p", "iterations", "3"]
    assert status("run", "5", *values, *PLACES) == 0
    assert files_in(here) == [
        "figures/figure_3_1.csv",
        "figures/figure_3_1.pdf",
        "figures/figure_3_1.png",
        "out.ipynb",
        "results/05_example_1.json",
    ]
    found = json.loads((here / "results/05_example_1.json").read_text())
    assert found["parameters"]["channels"] == [[2, 1]]
    assert found["parameters"]["iterations"] == 3
    assert found["claims"] == []
    executed = nbformat.read("out.ipynb", as_version=4)
    printed = [out.get("text", "") for cell in executed.cells for out in cell.get("outputs", [])]
    assert "not the paper's: no comparison" in "".join(printed)
    shown = capsys.readouterr().out
    assert "05_example_1 passed in" in shown
    for name, value in found["headline"].items():
        assert f"  {name} = {value}\n" in shown


def test_files_go_only_where_a_folder_is_named(here, pretend):
    path = tiny_notebook(here)
    assert status("run", path) == 0
    assert files_in(here) == ["tiny.ipynb", "tiny.run.ipynb"]
    assert status("run", path, *PLACES) == 0
    assert files_in(here) == [
        "figures/x.csv",
        "figures/x.png",
        "out.ipynb",
        "results/tiny.json",
        "tiny.ipynb",
        "tiny.run.ipynb",
    ]


def test_an_old_output_is_replaced_by_a_run_that_passes(here, pretend):
    (here / "out.ipynb").write_text("old")
    assert status("run", tiny_notebook(here), *PLACES) == 0
    assert (here / "out.ipynb").read_bytes() == b"{}\n"


# 1: a run that fails


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("x = 1\nraise KeyError('the third')", "KeyError: 'the third'"),
        ("\n".join(f"x{i} = {i}" for i in range(50)) + "\n1 / 0", "ZeroDivisionError: division"),
        ("raise ValueError('\\n'.join(map(str, range(100))))", "ValueError: 0 1 2 3"),
        ("def f(n):\n    return f(n - 1) if n else 1 / 0\nf(30)", "ZeroDivisionError"),
        ("os._exit(3)", "DeadKernelError"),
    ],
    ids=["raises", "long cell", "long message", "deep", "exits"],
)
def test_a_failing_run_names_its_cell_in_one_screen_and_writes_nothing(body, error, here, capsys):
    path = tiny_notebook(here, body)
    (here / "out.ipynb").write_text("old")
    assert status("run", path, *PLACES) == 1
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert lines[0].startswith("tiny failed after")
    assert 'code cell 5, under "The body":' in lines[0]
    assert lines[1].strip() == body.splitlines()[0]
    assert error in shown.err
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 320
    assert shown.out == ""
    assert files_in(here) == ["out.ipynb", "tiny.ipynb"]
    assert (here / "out.ipynb").read_text() == "old"


@pytest.mark.parametrize(
    ("failures", "attempts", "error"),
    [(1, 2, ""), (9, 3, "RuntimeError: Kernel died before replying to kernel_info")],
)
def test_a_kernel_that_does_not_start_is_started_again(
    failures, attempts, error, here, monkeypatch
):
    begun = []

    def started(notebook, *_, **__):
        begun.append(notebook)
        if len(begun) <= failures:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return notebook

    monkeypatch.setattr(papermill, "execute_notebook", started)
    assert execute(Notebook.read(tiny_notebook(here)), {}).error == error
    assert len(begun) == attempts


@pytest.mark.parametrize("method", ["write_bytes", "replace"])
def test_a_full_disk_exits_1_and_leaves_nothing_half_written(
    method, here, pretend, monkeypatch, capsys
):
    path = tiny_notebook(here)
    real = getattr(Path, method)
    (here / "out.ipynb").write_text("old")

    def full(part, argument):
        if "tiny.json" in part.name or method == "replace":
            raise OSError(28, "No space left on device")
        return real(part, argument)

    monkeypatch.setattr(Path, method, full)
    assert status("run", path, *PLACES) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert files_in(here) == ["out.ipynb", "tiny.ipynb"]
    assert (here / "out.ipynb").read_text() == "old"


def test_an_interruption_exits_130(here, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "execute", interrupted)
    assert status("run", tiny_notebook(here), *PLACES) == 130
    assert files_in(here) == ["tiny.ipynb"]


@pytest.mark.kernel
def test_ctrl_c_in_a_run_ends_its_kernel_too(here, patience):
    body = f"Path(os.environ['PID']).write_text(str(os.getpid()))\ntime.sleep({2 * patience})"
    mark = here / "pid"
    with subprocess.Popen(
        [*COMMAND, "run", tiny_notebook(here, body), *PLACES],
        env={**os.environ, "PID": str(mark)},
        stderr=subprocess.PIPE,
        preexec_fn=as_at_a_terminal,
    ) as run:
        try:
            wait_until(lambda: mark.exists() and mark.read_text(), run, patience)
            run.send_signal(signal.SIGINT)
            assert run.wait(patience) == 130
        finally:
            run.kill()
    assert not psutil.pid_exists(int(mark.read_text()))
    assert files_in(here) == ["pid", "tiny.ipynb"]


@pytest.mark.parametrize("lacking", ["psutil", "papermill", "matplotlib"])
def test_without_what_the_notebooks_need_it_says_what_to_install(lacking):
    lines = [
        "import sys",
        f"sys.modules[{lacking!r}] = None",
        "from convreg.__main__ import main",
        "sys.exit(main())",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
    assert done.returncode == 2
    wanted = "wanted what the notebooks need: pip install 'convreg[notebooks]'"
    assert done.stderr.startswith(f"convreg: {wanted} (no module named {lacking}")
