"""make: which Python .venv gets, what is left alone, what the two test commands run."""

import os
import re
import subprocess
import sys

import pytest
from pages import ROOT

# A Python of another version: what it is asked about itself is answered, pip and venv are not real.
FAKE = """#!/bin/sh
case "$1 $2" in
  "-m pip") exit {pip} ;;
  "-m venv") mkdir -p "$3/bin" && cp "{path}" "$3/bin/python" ;;
  *) exec "{real}" -c "import sys
sys.version_info = {version}
sys._base_executable = '{path}'
exec(sys.argv[1])" "$2" ;;
esac
"""
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture
def folder(tmp_path):
    """A folder with a Makefile; its name has a space."""
    here = tmp_path / "a checkout"
    here.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (here / name).write_text((ROOT / name).read_text())
    return here


def python(folder, *version, wheels=True):
    """The path of a Python that says it is of this version."""
    path = folder.parent / f"python {version}"
    path.write_text(
        FAKE.format(path=path, real=sys.executable, version=version, pip=0 if wheels else 1)
    )
    path.chmod(0o755)
    return path


def make(folder, *arguments):
    """What make did: its exit status and its lines."""
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "PYTHON")  # of make test itself
    own = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(["make", *arguments], cwd=folder, env=own, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def made(folder):
    """The Pythons for which .venv has a stamp."""
    return [path.name for path in folder.glob(".venv/.python-*")]


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ((2, 7, 18), "is Python 2.7.18, too old"),
        ((3, 9, 1), "is Python 3.9.1, too old"),
        ((3, 10, 99), "is Python 3.10.99, too old"),
        ((3, 16, 0), "no wheels of NumPy, SciPy and matplotlib for Python 3.16.0 here"),
        ((4, 0, 0), "no wheels of NumPy, SciPy and matplotlib for Python 4.0.0 here"),
    ],
)
def test_a_python_that_will_not_do_gets_one_line_and_no_venv(folder, version, problem):
    asked = python(folder, *version, wheels=False)
    code, (line,) = make(folder, "env", f"PYTHON={asked}")
    assert code
    assert problem in line
    assert "; wanted 3.11 to 3.15: make env PYTHON=python3.12, for one" in line
    assert not (folder / ".venv").exists()


def test_a_python_that_is_not_there_gets_one_line_and_no_venv(folder):
    code, (line,) = make(folder, "env", "PYTHON=python3.99")
    assert code
    assert "there is no python3.99; wanted 3.11 to 3.15" in line
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 15, 2), (3, 16, 0)])
def test_other_pythons_are_taken_new_ones_too_once_there_are_wheels(folder, version):
    name = ".".join(map(str, version))
    code, lines = make(folder, f".venv/.python-{name}", f"PYTHON={python(folder, *version)}")
    assert (code, lines) == (0, [f"Making .venv with Python {name} ..."])
    assert made(folder) == [f".python-{name}"]


def test_the_python_that_is_asked_for_replaces_the_one_that_stands_there(folder):
    old, new = python(folder, 3, 11, 7), python(folder, 3, 12, 1)
    make(folder, ".venv/.python-3.11.7", f"PYTHON={old}")
    (folder / ".venv" / ".ready-test").touch()
    code, _ = make(folder, ".venv/.python-3.12.1", f"PYTHON={new}")
    assert code == 0
    assert made(folder) == [".python-3.12.1"]
    assert not (folder / ".venv" / ".ready-test").exists()  # its packages are gone


def test_without_a_wish_the_python_that_stands_there_is_kept(folder):
    make(folder, ".venv/.python-3.12.1", f"PYTHON={python(folder, 3, 12, 1)}")
    code, lines = make(folder, "-n", "env")
    assert code == 0
    assert not any("Making" in line for line in lines)
    assert any("-e '.[notebooks,notebooks]'" in line for line in lines)


def test_a_stamp_keeps_pip_from_running_again(folder):
    make(folder, ".venv/.python-3.12.1", f"PYTHON={python(folder, 3, 12, 1)}")
    (folder / ".venv" / ".ready-notebooks").touch()
    assert make(folder, "env") == (0, ["make: Nothing to be done for 'env'."])
    code, lines = make(folder, "-n", "torch")
    assert code == 0
    assert any("-e '.[notebooks,training]'" in line for line in lines)
    (folder / "constraints.txt").touch()
    _, lines = make(folder, "-n", "env")
    assert any("pip install" in line for line in lines)


def test_what_make_did_not_make_is_left_alone(folder):
    kept = [folder / name / "mine.txt" for name in (".venv", "site", "build")]
    for path in kept:
        path.parent.mkdir()
        path.write_text("mine")
    code, (line,) = make(folder, "env", f"PYTHON={python(folder, 3, 12, 1)}")
    assert code
    assert "make did not make the .venv that stands here" in line
    code, lines = make(folder, "-o", ".venv/.ready-site", "site", f"BIN={folder}")
    assert code
    assert "make did not make what is in site: name another folder" in lines[0]
    assert make(folder, "clean") == (0, ["build/ has files that make did not make"])
    assert all(path.read_text() == "mine" for path in kept)


def test_clean_removes_what_make_made(folder):
    make(folder, ".venv/.python-3.12.1", f"PYTHON={python(folder, 3, 12, 1)}")
    for name in ("site/.made-by-make", "build/docs/index.md", "build/00_overview.ipynb"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert make(folder, "clean") == (0, [])
    left = {path.name for path in folder.iterdir()}
    assert left == {"Makefile", "pyproject.toml", "constraints.txt"}


def ran(folder, target, torch=True):
    """The lines of a target whose programs only say how they were called."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    shown = " ".join(f"${name}" for name in THREADS)
    asked = f'[ "$1" = -c ] && exit {0 if torch else 1}'  # import torch
    for name in ("python", "lint-imports"):
        (programs / name).write_text(f'#!/bin/sh\n{asked}\necho "{shown} {name} $*"\n')
        (programs / name).chmod(0o755)
    stamps = [word for name in ("test", "site") for word in ("-o", f".venv/.ready-{name}")]
    code, lines = make(folder, "-s", *stamps, target, "BIN=programs")
    assert code == 0
    return lines


@pytest.mark.parametrize("target", ["test", "test-all"])
def test_the_tests_run_with_one_blas_thread(folder, target, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    lines = ran(folder, target)
    programs = [line for line in lines if "python" in line or "lint-imports" in line]
    assert len(programs) >= 6
    assert all(line.startswith("1 1 1 ") for line in programs)


def test_the_thorough_command_runs_all_that_the_quick_one_runs(folder):
    *quick, left = ran(folder, "test")
    thorough = ran(folder, "test-all")
    some = " -m not kernel and not browser and not network"
    assert any(line.endswith(some) for line in quick)
    assert {line.replace(some, "") for line in quick} < set(thorough)
    for name in ("ruff check", "ruff format --check", "mypy", "lint-imports", "--nbval"):
        assert any(name in line for line in quick)
    assert left.startswith("Left out: ")
    assert left.endswith(": make test-all")


@pytest.mark.parametrize("target", ["test", "test-all"])
def test_what_is_left_out_without_pytorch_is_said(folder, target):
    line = "Left out: what needs PyTorch: make torch"
    assert line not in ran(folder, target)
    assert ran(folder, target, torch=False)[-1] == line


def test_help_names_every_target(folder):
    code, lines = make(folder, "help")
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert code == 0
    assert [line.split()[1] for line in lines] == phony.split()
