"""README, environment.yml and the rest of the frame say what is so."""

import doctest
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

import convreg
from convreg.companion import parameters, reproduce
from convreg.companion.notebooks import all_notebooks
from convreg.studies import alternatives, barrier, periodic, symbol

ROOT = reproduce.ROOT
README = (ROOT / "README.md").read_text()
TORCH = find_spec("torch") is not None
MAP = [
    line.strip("| ").split(" | ")
    for line in README.split("## Map")[1].split("## Scorecard")[0].splitlines()
    if line.startswith("| ")
][1:]


def resolve(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module or "convreg"), attribute)


def test_links_lead_somewhere():
    sections = {f"#{title.lower()}" for title in re.findall(r"^## (\w+)$", README, re.MULTILINE)}
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert link.startswith("https://") or link in sections or (ROOT / link).exists(), link


def test_the_map_names_functions_that_exist_and_every_public_one():
    names = [name for row in MAP for name in re.findall(r"`([\w.]+)`", row[1])]
    here = [name for name in names if TORCH or not re.match(r"convreg\.(torch|training)\.", name)]
    assert all(callable(resolve(name)) for name in here)
    assert {name for name in names if "." not in name} == set(convreg.__all__)


@pytest.mark.parametrize("row", MAP, ids=lambda row: row[0])
def test_the_map_leads_to_notebooks_and_tests_that_use_the_function(row):
    _, functions, notebooks, tests, *_ = row
    names = [name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)`", functions)]
    used = {kind: "".join((ROOT / link).read_text() for link in re.findall(r"\]\((\S+?)\)", text))
            for kind, text in (("notebook", notebooks), ("test", tests))}  # fmt: skip
    assert any(re.search(rf"\b{name}\b", used["notebook"]) for name in names)
    assert all(re.search(rf"\b{name}\b", used["test"]) for name in names), (names, tests)


def test_every_item_of_the_paper_is_in_the_map():
    items = " ".join(row[0] for row in MAP)
    wanted = ["(1.1)", "(1.2)", "(1.3)", "(1.4)", "(2.1)", "(2.2)", "(2.3)", "(2.4)", "(2.5)", "Lemma 2.1", "Lemma 2.2", "Theorem 2.1",
              "Theorem 2.2", "Theorem 2.3", "Algorithm 2.1", "Example 1", "Example 2", "Figure 3.1", "Figure 3.2"]  # fmt: skip
    assert all(item in items for item in wanted)


def test_the_parameter_table_is_the_notebooks():
    rows = [line.strip("| ").split(" | ") for line in README.splitlines() if (line.startswith("| `") and "–" in line)
            or re.match(r"\| `[\w`, ]+` \| \d\d", line)]  # fmt: skip
    table = {}
    for names, where, _ in rows:
        numbers = set()
        for part in where.split(", "):
            first, _, last = part.partition("–")
            numbers |= set(range(int(first), int(last or first) + 1))
        table |= dict.fromkeys(re.findall(r"`(\w+)`", names), numbers)
    assert table.keys() == parameters.RULES.keys()
    for path in all_notebooks():
        given = set(re.findall(r'"(\w+): \w+ = .*?#', path.read_text()))
        assert given == {name for name, numbers in table.items() if int(path.name[:2]) in numbers}


def test_the_example_gives_what_it_says():
    test = doctest.DocTestParser().get_doctest(README, {}, "README", None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0
    assert len(test.examples) == 16


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
def test_the_lines_for_a_training_loop_lower_the_loss_and_the_penalty():
    import torch

    (lines,) = re.findall(r"```python\n(from convreg.torch .*?)```", README, re.DOTALL)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(4096, 2))
    batch = torch.randn(20, 3, 32, 32), torch.arange(20) % 2
    optimizer, losses = torch.optim.SGD(model.parameters(), 0.01), []

    def step(loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    given = {"model": model, "batches": [batch] * 5, "criterion": torch.nn.functional.cross_entropy, "step": step}
    exec(lines.replace("    ...  ", "    step(loss)  "), given)
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    assert model[0].weight.grad is not None
    assert len(given["regularizer"]) == 1


def test_the_cost_of_a_step_is_the_recorded_one():
    rows = re.findall(r"\| [\w ]+ convolutions, images (\w+), (batch \d+).*? \| ([\d.]+) \| ([\d.]+) \|", README)
    items = json.loads((ROOT / "benchmarks" / "torch.json").read_text())["items"]
    ratios = {item["name"]: item["ratio"] for item in items}
    assert len(rows) == 3
    for shape, batch, *costs in rows:
        names = [f"{kind}, {shape}, {batch}" for kind in ("R_alpha", "spectral_norm")]
        assert costs == [f"{ratios[name]:.2f}" for name in names]


def test_torch_is_asked_for_where_the_readme_says():
    extras = requirements()[1]["optional-dependencies"]
    assert [entry.split()[0] for entry in extras["torch"]] == ["joblib", "scikit-learn", "torch"]
    assert "make torch\n" in (ROOT / ".ci" / "run").read_text()
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text()


def test_the_commands_are_targets_of_make_with_a_help_text():
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("env", "torch", "reproduce", "test", "notebooks", "site", "bench", "clean", "help"):
        assert re.search(rf"make {target} +\S", printed)
    assert "make reproduce" in README
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["test"]
    return dict(entry.split(" ", 1) for entry in listed), project


def test_dask_is_tested_as_it_is_offered():
    extras = requirements()[1]["optional-dependencies"]
    assert set(extras["dask"]) < set(extras["test"])


def test_environment_yml_names_the_same_packages_and_bounds():
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    wanted, project = requirements()
    given = dict([*entry.split(" ", 1), ""][:2] for entry in conda if entry != "pip")
    assert given.pop("python=3.12") == ""  # repo2docker reads a minor version, and only after an equals sign
    assert "3.12" in SpecifierSet(project["requires-python"])
    assert given == wanted
    assert pip == {"pip": ["-e ."]}


def test_binder_runs_post_build():
    assert os.access(ROOT / "postBuild", os.X_OK)
    assert not (ROOT / "binder").exists()  # it would hide environment.yml and postBuild
    assert "mybinder.org/v2/gh/OWNER/convreg/HEAD" in README
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["bash", str(ROOT / "postBuild")], check=True, env={**os.environ, "PATH": path})


def test_the_hooks_use_the_pinned_versions():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    revisions = {hook["repo"].rpartition("/")[2]: hook.get("rev", "").lstrip("v") for hook in hooks}
    assert revisions == {"ruff-pre-commit": pins["ruff"], "nbstripout": pins["nbstripout"], "local": ""}


def test_the_commands_of_the_readme_are_those_of_the_program():
    options = {
        option
        for text in re.findall(r"python -m convreg (.+)", README)
        for option in re.findall(r" (--?[a-z-]+)", text)
    }
    printed = "".join(subprocess.run([sys.executable, "-m", "convreg", command, "--help"], capture_output=True, text=True,
                                     check=True).stdout for command in ("list", "run", "sweep"))  # fmt: skip
    assert options == {"-p", "-o", "--figure-dir", "--grid", "--out"}
    assert all(
        re.search(rf"(^|[\s,]){option}\b", printed)
        for option in options | {"--results-dir", "--workers", "--picture", "--scheduler"}
    )


def test_constraints_pin_every_package_within_its_bounds():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().lower().splitlines())
    wanted, project = requirements()
    extras = project["optional-dependencies"]
    more = dict(entry.split(" ", 1) for entry in extras["site"] + extras["torch"])
    for name, bound in (wanted | more).items():
        low = [int(part) for part in bound.removeprefix(">=").split(".")]
        assert [int(part) for part in pins[name].split(".")[: len(low)]] >= low


ARXIV = "On Regularization of Convolutional Kernels in Neural Networks"
JOURNAL = "On the regularization of convolutional kernel tensors in neural networks"
DOI, EPRINT = "10.1080/03081087.2020.1795058", "1906.04866"


@pytest.mark.parametrize("path", ["README.md", "docs/index.md", "notebooks/00_overview.ipynb"])
def test_each_title_of_the_paper_stands_with_its_own_identifier(path):
    text = (ROOT / path).read_text()
    for title, identifier, other in ((ARXIV, f"arXiv:{EPRINT}", DOI), (JOURNAL, DOI, EPRINT)):
        after = text.split(f"*{title}*", 1)[1]
        assert after.index(identifier) < (after.index(other) if other in after else len(after))
    assert re.search(r"equation numbers are (its own|used)", text)
    assert not re.search(r"regularization of convolutional kernels in neural networks", text)  # neither of the two


def bibtex():
    """The entries of the README: type -> field -> value."""
    (block,) = re.findall(r"```bibtex\n(.*?)```", README, re.DOTALL)
    entries = re.findall(r"@(\w+)\{\w+,\n(.*?)\n\}", block, re.DOTALL)
    return {kind: dict(re.findall(r"(\w+) *= \{(.*?)\}", fields)) for kind, fields in entries}


def test_citations_name_both_texts():
    preprint, article = bibtex()["misc"], bibtex()["article"]
    assert (preprint["title"], preprint["eprint"], preprint["archiveprefix"]) == (ARXIV, EPRINT, "arXiv")
    assert (article["title"], article["doi"]) == (JOURNAL, DOI)
    where = {"journal": "Linear and Multilinear Algebra", "volume": "70", "number": "12", "pages": "2318--2330"}
    assert {name: article[name] for name in where} == where
    assert article["year"] == "2022"
    assert preprint["author"] == article["author"] == "Guo, Pei-Chang and Ye, Qiang"
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    preferred, (reference,) = cff["preferred-citation"], cff["references"]
    assert (preferred["type"], preferred["title"], preferred["doi"]) == ("article", JOURNAL, DOI)
    pages = f"{preferred['start']}--{preferred['end']}"
    assert (str(preferred["volume"]), preferred["issue"], pages) == ("70", "12", "2318--2330")
    assert (reference["title"], reference["identifiers"][0]["value"]) == (ARXIV, f"arXiv:{EPRINT}")


def test_the_versions_agree():
    assert f"version: {convreg.__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {convreg.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def public_functions():
    names = [(convreg, name) for name in convreg.__all__]
    for module in (alternatives, barrier, periodic, symbol):
        names += [(module, name) for name, value in vars(module).items()
                  if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"]  # fmt: skip
    return [getattr(module, name) for module, name in names if not inspect.isclass(getattr(module, name))]


@pytest.mark.parametrize("function", public_functions(), ids=lambda function: function.__name__)
def test_docstrings_cite_the_paper_and_say_what_is_raised(function):
    doc = inspect.getdoc(function)
    assert re.match(r"(Equations?|Section|Lemma|Theorems?|Algorithm|The chain rule of Theorem) ", doc)
    assert ">>> " in doc
    assert re.search(r"\nRaises\n", doc)


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", ["ConvPenalty", "add_penalty"])
def test_the_docstrings_for_torch_do_so_too(name):
    test_docstrings_cite_the_paper_and_say_what_is_raised(resolve(f"convreg.torch.{name}"))


def test_the_mathematics_imports_neither_drawing_nor_notebooks():
    mathematics = ("convolution", "matrix", "gradients", "penalty", "power", "descent", "matlab_random", "taps",
                   "lanczos", "extremes", "_checks", "barrier", "alternatives", "periodic", "symbol", "torch", "torch_layer", "training")  # fmt: skip
    runs = (
        "examples",
        "barrier_runs",
        "comparison",
        "square",
        "surrogates",
        "barrier_reports",
        "patterns",
        "readings",
    )
    claims = (ROOT / "convreg" / "claims").glob("*.py")
    for path in (*(ROOT / "convreg" / f"{name}.py" for name in mathematics + runs), *claims):
        source = path.read_text()
        assert not re.search(
            r"import (matplotlib|IPython|papermill|nbformat)|from (matplotlib|IPython|papermill)", source
        )
