"""Who may import whom: the contracts hold, and an import that breaks one is found."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from pages import ROOT

LINTER = Path(sysconfig.get_path("scripts"), "lint-imports")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {entry["id"]: entry for entry in PROJECT["tool"]["importlinter"]["contracts"]}
PAPER = {path.stem for path in (ROOT / "convreg").glob("[!_]*.py")}  # folders are something else


@pytest.fixture
def copy(tmp_path):
    """The package and its contracts, to be broken."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "convreg", tmp_path / "convreg", ignore=ignored)
    return tmp_path


def linted(folder):
    """What lint-imports says of a folder: the names of the broken contracts, and its words."""
    done = subprocess.run(
        [LINTER, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True
    )
    words = done.stdout + done.stderr
    broken = {entry["name"] for entry in CONTRACTS.values() if f"{entry['name']} BROKEN" in words}
    assert bool(done.returncode) == bool(broken), words
    return broken, words


def test_the_contracts_are_kept():
    broken, words = linted(ROOT)
    assert not broken, words
    assert "3 kept, 0 broken" in words


@pytest.mark.parametrize(
    ("contract", "module", "line"),
    [
        ("floors", "_checks.py", "from convreg.matrix import conv_matrix"),
        ("floors", "_checks.py", "from convreg.geometry import Axis"),
        ("floors", "geometry.py", "from convreg.convolution import convolve"),
        ("floors", "geometry.py", "def f():\n    from convreg._numerics import taps"),
        ("floors", "_numerics/taps.py", "import convreg.convolution"),
        ("floors", "penalty.py", "from convreg.studies import barrier"),
        ("floors", "torch/layer.py", "from convreg.studies import symbol"),
        ("floors", "studies/barrier.py", "from convreg.claims import scorecard"),
        ("floors", "claims/scorecard.py", "def f():\n    from convreg.companion import commands"),
        ("wings", "companion/notebooks.py", "from convreg.gradients import kernel_gradient"),
        ("wings", "companion/sweep.py", "from convreg import kernel_gradient"),
        ("wings", "storage/results.py", "from convreg.claims import scorecard"),
        ("wings", "plots/style.py", "def f():\n    import convreg._numerics"),
        ("wings", "storage/tables.py", "from convreg.geometry import geometry_of"),
        ("paper", "power.py", "import matplotlib.pyplot"),
        ("paper", "_numerics/taps.py", "def f():\n    import torch"),
        ("paper", "geometry.py", "import pandas"),
        ("paper", "descent.py", "from convreg.storage import progress"),
    ],
)
def test_an_import_that_is_not_allowed_breaks_its_contract(copy, contract, module, line):
    path = copy / "convreg" / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    broken, words = linted(copy)
    assert CONTRACTS[contract]["name"] in broken, words


def test_a_new_module_has_to_be_given_its_place(copy):
    (copy / "convreg" / "helpers.py").write_text("import numpy\n")
    broken, words = linted(copy)
    assert broken == {CONTRACTS["floors"]["name"]}
    assert "not listed as layers:\n\n- convreg.helpers\n" in words


def test_the_contracts_name_every_module_and_package():
    mathematics = PAPER | {"_checks", "_matrices", "_numerics"}
    beyond = {"claims", "studies", "torch"}
    paper = CONTRACTS["paper"]
    assert set(paper["source_modules"]) == {f"convreg.{name}" for name in mathematics}
    forbidden = set(CONTRACTS["wings"]["forbidden_modules"])
    assert forbidden == {f"convreg.{name}" for name in mathematics | beyond}


def test_the_paper_is_forbidden_every_package_of_the_extras():
    """What a package is called in an import, where that is not its name in an extra."""
    imported = {"pyyaml": "yaml", "scikit-learn": "sklearn"}
    extras = PROJECT["project"]["optional-dependencies"]
    entries = {entry for name in ("notebooks", "training", "dask") for entry in extras[name]}
    names = {entry.split()[0] for entry in entries}
    wanted = {imported.get(name, name) for name in names}
    assert wanted <= set(CONTRACTS["paper"]["forbidden_modules"])


LOADED = """
import sys
import numpy, scipy.sparse.linalg, threadpoolctl
before = set(sys.modules)
import convreg
print(*sorted(set(sys.modules) - before))
"""


def test_to_import_convreg_loads_the_paper_and_nothing_that_is_not_there_anyway():
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    ours = {name for name in loaded if re.match(r"convreg(\.|$)", name)}
    below = {"_checks", "_matrices", "_numerics"}
    assert {name.split(".")[1] for name in ours if "." in name} <= PAPER | below
    known = {"numpy", "scipy", "threadpoolctl", *sys.stdlib_module_names}
    others = {name for name in loaded if name not in ours}
    assert {name for name in others if name.split(".")[0] not in known} == set()
