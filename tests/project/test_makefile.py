"""make: which Python .venv gets, what is left alone, what the two test commands run."""

import configparser
import os
import re
import shutil
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
sys.base_prefix = '{prefix}'
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


def python(folder, *version, wheels=True, prefix="/usr"):
    """The path of a Python that says it is of this version, and where it stands."""
    path = folder.parent / f"python {version} {prefix.strip('/').replace('/', ' ')}"
    answers = {"version": version, "prefix": prefix, "pip": 0 if wheels else 1}
    path.write_text(FAKE.format(path=path, real=sys.executable, **answers))
    path.chmod(0o755)
    return path


def make(folder, *arguments):
    """What make did: its exit status and its lines."""
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "PYTHON")  # of make test itself
    own = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(["make", *arguments], cwd=folder, env=own, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def made(folder):
    """The versions of the Pythons for which .venv has a stamp."""
    return [path.name.split("-")[1] for path in folder.glob(".venv/.python-*")]


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
    code, lines = make(folder, "env", f"PYTHON={python(folder, *version)}")
    assert (code, lines[0]) == (0, f"Making .venv with Python {name} ...")
    assert made(folder) == [name]


@pytest.mark.parametrize(("version", "prefix"), [((3, 12, 1), "/usr"), ((3, 11, 7), "/opt/other")])
def test_the_python_that_is_asked_for_replaces_the_one_that_stands_there(folder, version, prefix):
    make(folder, "env", f"PYTHON={python(folder, 3, 11, 7)}")
    (folder / ".venv" / ".ready-test").touch()
    code, _ = make(folder, "env", f"PYTHON={python(folder, *version, prefix=prefix)}")
    assert code == 0
    assert made(folder) == [".".join(map(str, version))]
    assert not (folder / ".venv" / ".ready-test").exists()  # its packages are gone


def test_a_checkout_that_was_copied_gets_a_venv_of_its_own(folder):
    make(folder, "env", f"PYTHON={python(folder, 3, 12, 1)}")
    other = folder.parent / "a copy"
    shutil.copytree(folder, other)
    code, lines = make(other, "env")
    assert (code, lines[0]) == (0, "Making .venv with Python 3.12.1 ...")
    assert make(other, "env") == (0, ["make: Nothing to be done for 'env'."])


def test_without_a_wish_the_python_that_stands_there_is_kept(folder):
    make(folder, "env", f"PYTHON={python(folder, 3, 12, 1)}")
    (folder / ".venv/.ready-notebooks").unlink()
    code, lines = make(folder, "-n", "env")
    assert code == 0
    assert not any("Making" in line for line in lines)
    assert any("-e '.[notebooks,notebooks]'" in line for line in lines)


def test_a_stamp_keeps_pip_from_running_again(folder):
    make(folder, "env", f"PYTHON={python(folder, 3, 12, 1)}")
    assert make(folder, "env") == (0, ["make: Nothing to be done for 'env'."])
    code, lines = make(folder, "-n", "torch")
    assert code == 0
    assert any("-e '.[notebooks,training]'" in line for line in lines)
    (folder / "constraints.txt").touch()
    _, lines = make(folder, "-n", "env")
    assert any("pip install" in line for line in lines)


@pytest.fixture
def pages(folder):
    """A folder with what `make site` reads; its Sphinx writes one page in a folder."""
    for name in ("docs/notebooks", "benchmarks", "figures", "notebooks", "bin"):
        (folder / name).mkdir(parents=True)
    (folder / "README.md").touch()
    (folder / "notebooks/01_a.ipynb").touch()
    (folder / "figures/a.png").touch()
    program = folder / "bin/python"
    program.write_text('#!/bin/sh\nmkdir -p "$7/sub" && echo page > "$7/sub/a page.html"\n')
    program.chmod(0o755)
    return folder


def site(folder, *arguments):
    return make(folder, "-o", ".venv/.ready-site", "site", "BIN=bin", *arguments)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_environment_that_make_did_not_make_is_left_alone(folder):
    (folder / ".venv").mkdir()
    (folder / ".venv/mine.txt").write_text("mine")
    code, (line,) = make(folder, "env", f"PYTHON={python(folder, 3, 12, 1)}")
    assert code
    assert "make did not make the .venv that stands here" in line
    assert make(folder, "clean") == (0, [])
    assert files(folder / ".venv") == ["mine.txt"]


@pytest.mark.parametrize("name", ["site", "a b", "it's", "-x", "new/deep", "new;touch mine", '"'])
def test_the_site_goes_where_it_is_asked_for_whatever_the_folders_name(pages, name):
    before = files(pages)
    for _ in range(2):  # the second time in the place of the first
        assert site(pages, f"SITE={name}") == (0, [])
        assert files(pages / name) == [".made-by-make", "sub/a page.html"]
    assert make(pages, "clean", f"SITE={name}") == (0, [])
    assert files(pages) == before


@pytest.mark.parametrize(
    "name", ["docs", ".", "..", "a b", "file", "link", "link/", "build", "own"]
)
def test_a_folder_with_anything_that_is_not_makes_is_left_alone(pages, name):
    assert site(pages, "SITE=own") == (0, [])
    for place in ("docs", "a b", "build", "own", "aim"):
        (pages / place).mkdir(exist_ok=True)
        (pages / place / "mine.txt").write_text("mine")
    (pages / "file").touch()
    (pages / "link").symlink_to("aim")
    before = files(pages)
    code, (line, *_) = site(pages, f"SITE={name}")
    assert code
    assert line.startswith(f"make did not make all that is in {name}: name another folder")
    make(pages, "clean", f"SITE={name}")
    assert files(pages) == [name for name in before if not name.startswith("build/site/")]


def test_a_site_without_a_name_is_refused(pages):
    code, (line, *_) = site(pages, "SITE=")
    assert code
    assert line == "SITE: wanted a folder, got ''"


@pytest.mark.parametrize("name", ["build/site", "build/site/html", "build"])
def test_the_folder_of_makes_own_work_is_no_place_for_the_site(pages, name):
    site(pages)
    (pages / "build/mine.txt").touch()
    site(pages, f"SITE={name}")
    assert (pages / "build/mine.txt").exists()


@pytest.mark.parametrize("place", ["build/site", "build/zoo"])
def test_a_folder_in_which_make_would_work_is_left_alone(pages, place):
    path = pages / place / "mine.txt"
    path.parent.mkdir(parents=True)
    path.touch()
    asked = (
        [] if place == "build/site" else ["build/zoo/.ready", f"PYTHON={python(pages, 3, 12, 1)}"]
    )
    (pages / "benchmarks/zoo.txt").touch()
    code, lines = make(pages, *asked) if asked else site(pages)
    assert code
    assert f"make did not make {place}: move it away and try again" in lines
    assert make(pages, "clean") == (0, ["build/ has files that make did not make"])
    assert path.exists()


def test_clean_removes_what_make_made_and_no_more(pages):
    before = files(pages)
    make(pages, "env", f"PYTHON={python(pages, 3, 12, 1)}")
    site(pages)
    for name in ("build/01_a.ipynb", "build/other/01_a.ipynb", "build/other/figures/a.png"):
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        (pages / name).touch()
    (pages / "build/mine.ipynb").touch()
    assert make(pages, "clean") == (0, ["build/ has files that make did not make"])
    assert files(pages) == sorted([*before, "build/mine.ipynb"])
    (pages / "build/mine.ipynb").unlink()
    assert make(pages, "clean") == (0, [])
    assert files(pages) == before
    assert not (pages / "build").exists()


def test_other_peoples_settings_of_pip_and_python_do_not_reach_the_environment(folder, monkeypatch):
    names = {"PIP_USER", "PIP_DRY_RUN", "PYTHONPATH", "PYTHONOPTIMIZE", "PYTEST_ADDOPTS"}
    for name in {*names, "PIP_INDEX_URL"}:
        monkeypatch.setenv(name, "1")
    (folder / "bin").mkdir()
    (folder / "bin/python").write_text("#!/bin/sh\necho $*\nenv\n")
    (folder / "bin/python").chmod(0o755)
    asked = [f"PYTHON={python(folder, 3, 12, 1)}", "BIN=bin"]
    code, lines = make(folder, "env", *asked)
    assert code == 0
    found = {line.split("=")[0] for line in lines}
    assert "PIP_INDEX_URL" in found
    assert not found & names
    settings = configparser.ConfigParser()
    settings.read(folder / ".venv/pip.conf")
    for part in ("global", "install"):
        assert {"user", "target", "prefix", "root", "dry-run", "no-deps"} <= set(settings[part])
        assert set(settings[part].values()) == {""}


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
