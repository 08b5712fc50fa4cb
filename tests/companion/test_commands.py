"""python -m convreg list and run, and their exit statuses: 0, 1 for a failed run, 2 for what has to be changed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from tiny import as_at_a_terminal, files_in, tiny_notebook

import convreg.__main__
from convreg.__main__ import main
from convreg.companion import reproduce
from convreg.companion.notebooks import all_notebooks, find_notebook
from convreg.companion.runs import Run, execute

COMMAND = [sys.executable, "-m", "convreg"]
PLACES = ["--figure-dir", "figures", "--results-dir", "results", "-o", "out.ipynb"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_kernel(monkeypatch):
    def started(*_, **__):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(convreg.__main__, "execute", started)


@pytest.fixture
def pretend(monkeypatch):
    """Instead of a kernel: a run that gives a figure and results."""
    run = Run(b"{}\n", {"x.png": b"png", "x.csv": b"csv"}, {"tiny.json": b'{"headline": {"twice": 2.0}}'}, 0.1, "")
    monkeypatch.setattr(convreg.__main__, "execute", lambda *_, **__: run)


def status(*arguments):
    """The exit status, also where argparse ends the program."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return ended.code


def injected(path):
    (cell,) = (
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if "injected-parameters" in cell.metadata.get("tags", [])
    )
    return cell.source


# list


def blocks(text):
    """What list prints: the lines of each notebook by its name."""
    parts = [part for part in text.split("\n") if part]
    starts = [number for number, line in enumerate(parts) if line[0] != " "]
    return {
        parts[start].split(":")[0]: parts[start:end]
        for start, end in zip(starts, [*starts[1:], None], strict=True)
    }


def test_list_shows_every_notebook_with_what_papermill_reads_in_it(capsys):
    assert status("list") == 0
    shown = blocks(capsys.readouterr().out)
    assert list(shown) == [path.stem for path in all_notebooks()]
    for path in all_notebooks():
        lines = [" ".join(line.split()) for line in shown[path.stem][1:]]
        known = papermill.inspect_notebook(path)
        assert lines[::2] == [
            f"{name} {entry['inferred_type_name']} = {entry['default']}" for name, entry in known.items()
        ]
        assert all(line.startswith(entry["help"]) for line, entry in zip(lines[1::2], known.values(), strict=True))


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
        (["05", "-p", "alphas", "[1]"], "alphas: no parameter of this notebook (did you mean alpha?)"),
        (["05", "-p", "alpha", "fast"], "alpha: wanted a number from 1e-6 to 1e6, got 'fast'"),
        (["05", "-p", "alpha", "-1"], "alpha: wanted a number from 1e-6 to 1e6, got -1"),
        (["05", "-p", "iterations", "2.5"], "iterations: wanted an integer from 0 to 2000, got 2.5"),
        (["05", "-p", "channels", "[3, 1]"], "channels: wanted a list of 1 to 12 different pairs"),
        (["05", "-p", "alpha", "0", "-p", "state", "-1"], "state: wanted an integer"),
        (["07", "-p", "output_channels", "3"], "output_channels, kernel_size: wanted h < g and 1 < k <= N"),
        (["03", "-p", "kernel_size", "1"], "kernel_size"),
        (["05", "-p", "channels", "[[64, 64]]", "-p", "input_size", "60"], "input_size: wanted at most"),
        (["05", "-p", "alpha", "1", "-p", "alpha", "2"], "-p: wanted each name once"),
        (["05", "-p", "figure_dir", "a", "--figure-dir", "b"], "-p: wanted each name once"),
        (["05", "-o", "out.txt"], "-o: wanted a file OUT.ipynb"),
        (["05", "-o", "folder.ipynb"], "-o: wanted a file OUT.ipynb"),
        (["05", "-o", find_notebook("05")], "-o: wanted another file than the notebook itself"),
        (["05", "-o", "file/out.ipynb"], "-o: wanted a folder that can be written to"),
        (["05", "--figure-dir", "file/below"], "figure_dir: wanted a folder that can be written to"),
        (["05", "--results-dir", "file"], "results_dir: wanted a folder that can be written to"),
        (["05_exampel_1"], "(did you mean 05_example_1?)"),
        (["77"], "notebook: wanted a path or one of 00_overview"),
        (["missing/05_example_1.ipynb"], "notebook: wanted a path or one of"),
        (["words.ipynb"], "does not appear to be JSON"),
        (["05", "-p", "alpha"], "expected 2 arguments"),
    ],
)
def test_a_run_that_cannot_be_is_refused_before_a_kernel_starts(arguments, message, here, no_kernel, capsys):
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


@pytest.mark.parametrize(
    ("first_cell", "message"),
    [
        ("import missing_module", "missing_module"),
        ("%matplotlib inline", "invalid syntax"),
        ("1 / 0", "division by zero"),
    ],
)
def test_a_notebook_that_does_not_come_to_its_check_is_refused(first_cell, message, here, no_kernel, capsys):
    path = tiny_notebook(here)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source += f"\n{first_cell}"
    nbformat.write(notebook, path)
    assert status("run", path) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["x", "{}", "[]", '{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}']
)
@pytest.mark.parametrize("command", ["run", "list"])
def test_a_file_that_is_no_notebook_is_refused_by_its_name(command, text, here, no_kernel, capsys):
    (here / "bad.ipynb").write_text(text)
    assert status(command, here / "bad.ipynb") == 2
    assert "notebook: wanted a Jupyter notebook, got bad.ipynb: " in capsys.readouterr().err


def test_a_notebook_without_a_check_is_refused(here, no_kernel, capsys):
    path = tiny_notebook(here)
    notebook = nbformat.read(path, as_version=4)
    del notebook.cells[3]
    nbformat.write(notebook, path)
    assert status("run", path) == 2
    assert "wanted a cell tagged parameters and a check of them" in capsys.readouterr().err


def test_a_notebook_without_folders_is_not_given_any(here):
    path = tiny_notebook(here)
    notebook = nbformat.read(path, as_version=4)
    del notebook.cells[7], notebook.cells[4]  # the results and the figure
    notebook.cells[2].source = "alpha: float = 1.0  # the shift\nstate: int = 1  # the seed"
    nbformat.write(notebook, path)
    assert status("run", path, "-p", "alpha", "2", "-o", "out.ipynb") == 0
    assert injected(here / "out.ipynb") == "# Parameters\nalpha = 2"


@pytest.mark.parametrize(
    "arguments", [[], ["walk", "05"], ["list", "50"], ["list", "05", "06"], ["run"], ["run", "05", "--speed"]]
)
def test_a_command_that_is_none_exits_2(arguments, capsys):
    assert status(*arguments) == 2
    assert "python -m convreg" in capsys.readouterr().err


# 0: a run that passes


def test_everything_lands_relative_to_the_caller_and_nowhere_else(tmp_path):
    tiny_notebook(tmp_path)
    (tmp_path / "caller").mkdir()
    arguments = [
        "../tiny.ipynb",
        "-p",
        "alpha",
        "2",
        "-p",
        "alphas",
        "[3, 4]",
        "--figure-dir",
        "a/figures",
        "--results-dir",
        "b",
        "-o",
        "c/d/out.ipynb",
    ]
    ended = subprocess.run(
        [*COMMAND, "run", *arguments], cwd=tmp_path / "caller", capture_output=True, text=True, check=True
    )
    assert files_in(tmp_path) == [
        "caller/a/figures/curve.csv",
        "caller/b/tiny.json",
        "caller/c/d/out.ipynb",
        "tiny.ipynb",
    ]
    assert "twice = 4\n" in ended.stdout
    assert "Traceback" not in ended.stderr
    given = injected(tmp_path / "caller/c/d/out.ipynb").splitlines()
    assert given[1:] == [
        "alpha = 2",
        "alphas = [3, 4]",
        f'figure_dir = "{tmp_path}/caller/a/figures"',
        f'results_dir = "{tmp_path}/caller/b"',
    ]
    found = json.loads((tmp_path / "caller/b/tiny.json").read_text())
    assert found["parameters"] == {"alpha": 2.0, "state": 1, "alphas": [3.0, 4.0], "measure": False}


def test_notebook_5_runs_with_other_numbers(here, capsys):
    arguments = [
        "-p",
        "channels",
        "[[2, 1]]",
        "-p",
        "iterations",
        "3",
        "--figure-dir",
        "figures",
        "--results-dir",
        "results",
    ]
    assert status("run", "5", *arguments) == 0
    assert files_in(here) == [
        "05_example_1.run.ipynb",
        *(f"figures/figure_3_1.{ending}" for ending in ("csv", "pdf", "png")),
        "results/05_example_1.json",
    ]
    found = json.loads((here / "results/05_example_1.json").read_text())
    assert (found["parameters"]["channels"], found["parameters"]["iterations"], found["claims"]) == (
        [[2, 1]],
        3,
        [],
    )
    shown = capsys.readouterr().out
    assert "05_example_1 passed in" in shown
    assert all(f"  {name} = {value}\n" in shown for name, value in found["headline"].items())


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


def test_plain_papermill_gives_the_same_results_as_run(here):
    plain = ["-p", "input_size", "4", "-p", "figure_dir", "plain", "-p", "results_dir", "plain"]
    subprocess.run(
        [Path(sys.executable).with_name("papermill"), find_notebook("02"), "plain.ipynb", *plain],
        check=True,
        capture_output=True,
    )
    assert status("run", "02", "-p", "input_size", "4", "--figure-dir", "ours", "--results-dir", "ours") == 0
    assert files_in(here / "plain") == files_in(here / "ours")
    assert "02_penalty_and_bounds.json" in files_in(here / "ours")
    for name in files_in(here / "ours"):
        assert (here / "plain" / name).read_bytes() == (here / "ours" / name).read_bytes()


# 1: a run that fails


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("x = 1\nraise KeyError('the third')", "KeyError: 'the third'"),
        ("\n".join(f"x{i} = {i}" for i in range(50)) + "\n1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('\\n'.join(map(str, range(100))))", "ValueError: 0 1 2 3"),
        ("def f(n):\n    return f(n - 1) if n else 1 / 0\nf(30)", "ZeroDivisionError"),
        ("os._exit(3)", "DeadKernelError"),
        ("os.kill(os.getpid(), 9)", "DeadKernelError"),
    ],
    ids=["raises", "long cell", "long message", "deep", "exits", "killed"],
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
def test_a_kernel_that_does_not_start_is_started_again(failures, attempts, error, here, monkeypatch):
    begun = []

    def started(notebook, *_, **__):
        begun.append(notebook)
        if len(begun) <= failures:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return notebook

    monkeypatch.setattr(papermill, "execute_notebook", started)
    assert execute(tiny_notebook(here).read_text(), {}).error == error
    assert len(begun) == attempts


def test_an_old_output_is_replaced_by_a_run_that_passes(here, pretend):
    (here / "out.ipynb").write_text("old")
    assert status("run", tiny_notebook(here), *PLACES) == 0
    assert (here / "out.ipynb").read_bytes() == b"{}\n"


@pytest.mark.parametrize("method", ["write_bytes", "replace"])
def test_a_full_disk_exits_1_and_leaves_nothing_half_written(method, here, pretend, monkeypatch, capsys):
    path, real = tiny_notebook(here), getattr(Path, method)
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

    monkeypatch.setattr(convreg.__main__, "execute", interrupted)
    assert status("run", tiny_notebook(here), *PLACES) == 130
    assert files_in(here) == ["tiny.ipynb"]


def test_ctrl_c_in_a_run_ends_its_kernel_too(here):
    path = tiny_notebook(here, "Path(os.environ['PID']).write_text(str(os.getpid()))\ntime.sleep(60)")
    mark = here / "pid"
    with subprocess.Popen(
        [*COMMAND, "run", path, *PLACES],
        env={**os.environ, "PID": str(mark)},
        stderr=subprocess.PIPE,
        preexec_fn=as_at_a_terminal,
    ) as run:
        while not (mark.exists() and mark.read_text()):
            assert run.poll() is None
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 130
    assert not psutil.pid_exists(int(mark.read_text()))
    assert files_in(here) == ["pid", "tiny.ipynb"]


# reproduce --rewrite


def test_rewriting_gives_the_same_bytes_twice_and_leaves_a_failing_notebook_alone(here, monkeypatch):
    good, bad = tiny_notebook(here), tiny_notebook(here, "1 / 0", name="bad")
    before, failing = good.read_bytes(), bad.read_bytes()
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: [good])
    assert reproduce.main(["--rewrite"]) == 0
    once = good.read_bytes()
    assert once != before
    notebook = nbformat.read(good, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5, 6]
    assert code[4].outputs[0].text == "1.0\n"
    assert [dict(cell.metadata) for cell in code if cell.metadata] == [{"tags": ["parameters"]}]
    assert "papermill" not in notebook.metadata
    assert "version" not in notebook.metadata.language_info
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: [bad, good])
    assert reproduce.main(["--rewrite"]) == 1
    assert good.read_bytes() == once
    assert bad.read_bytes() == failing
    assert files_in(here) == ["bad.ipynb", "tiny.ipynb"]
