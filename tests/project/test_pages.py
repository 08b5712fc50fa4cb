"""The pages of docs/ and the other texts: their links, commands, tables and examples."""

import importlib
import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from pages import PAGES, ROOT, commands, page, rows, scorecard_of_notebook_0

import convreg
from convreg.companion import parameters
from convreg.companion.arguments import parser
from convreg.companion.grid import read_grid, settings
from convreg.companion.notebooks import Notebook, all_notebooks, find_notebook

TORCH = find_spec("torch") is not None
BIN = Path(sys.executable).parent
every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def anchors(path):
    """The headings of a page or a notebook as links name them, without their formulas."""
    if path.suffix == ".ipynb":
        cells = Notebook.read(path).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", re.sub(r"\$[^$\n]*\$", "", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def prose(text):
    """A text without its blocks of code."""
    return re.sub(r"^```.*?^```$|^ {4}.*?$", "", text, flags=re.DOTALL | re.MULTILINE)


@every_page
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)]+)\)", prose(path.read_text(encoding="utf-8"))):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


# Commands


def make_targets():
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(re.findall(r"^ *make ([a-z-]+) +\S", printed.stdout, re.MULTILINE))


def test_every_target_of_make_that_is_named_exists_with_a_help_text():
    named = set()
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r"`make ([a-z-]+)", text))
        named |= {line.split()[1] for line in commands(text) if line.startswith("make ")}
    assert {"env", "torch", "reproduce", "test", "test-all", "notebooks", "site"} <= named
    assert named <= make_targets()


def check_run(options):
    """`convreg run`: the notebook takes the values."""
    notebook = Notebook.read(find_notebook(options.notebook))
    notebook.checked(notebook.read_values(dict(options.parameters)))


def check_sweep(options):
    """`convreg sweep`: the notebook takes every point of the grid."""
    notebook = Notebook.read(find_notebook(options.notebook))
    assert len(settings(notebook, read_grid(notebook, options.grid))) > 1


def check_papermill(words):
    """The options are papermill's, the values the notebook's."""
    source, _, *options = words
    values = {}
    while options:
        option, value, *options = options
        if option == "-y":
            values |= yaml.safe_load(value)
        else:
            name, (value, *options) = value, options
            assert option == "-p"
            values[name] = yaml.safe_load(value)
    values.pop("figure_dir", None)
    Notebook.read(ROOT / source).checked(values)


def check_command(line):
    """A line of a page, as far as that goes without a kernel."""
    first, *words = shlex.split(line)
    match first.removeprefix(".venv/bin/"):
        case "make":
            assert words[0] in make_targets()
            if "&&" in words:
                check_command(" ".join(words[words.index("&&") + 1 :]))
        case "convreg":
            options = parser().parse_args(words)
            {"run": check_run, "sweep": check_sweep}.get(words[0], bool)(options)
        case "papermill":
            check_papermill(words)
        case "pytest":
            assert words == ["--nbval", "notebooks"]  # tests/companion/test_validation.py runs it
        case "jupyter":
            assert words == ["lab", "notebooks"]
            assert (BIN / "jupyter-lab").exists()
        case "python":
            path = words[0] if words[0] != "-m" else f"{words[1].replace('.', '/')}.py"
            assert (ROOT / path).exists()
        case "conda":
            assert words[:4] == ["env", "create", "-f", "environment.yml"]
            assert words[-1] == yaml.safe_load((ROOT / "environment.yml").read_text())["name"]
        case "sed":
            assert line == REFRESH
        case _:
            pytest.fail(f"no check for {line}")


COMMANDS = {line for path in PAGES for line in commands(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_a_command_is_one_that_works(line):
    check_command(line)


def test_there_are_commands():
    assert len(COMMANDS) > 15


def test_the_options_that_are_explained_exist(capsys):
    for command in ("list", "run", "sweep"):
        with pytest.raises(SystemExit):
            parser().parse_args([command, "--help"])
    printed = capsys.readouterr().out
    named = re.findall(r"`(--[a-z-]+)", page("rerun") + page("sweep"))
    assert {"--results-dir", "--workers", "--picture", "--scheduler"} <= set(named)
    assert all(re.search(rf"(^|[\s,]){option}\b", printed) for option in named)


# Rerun: the parameters


def test_the_parameter_table_is_the_notebooks():
    table = {}
    for names, where, _ in rows(page("rerun"))[1:]:
        numbers = set()
        for part in where.split(", "):
            first, _, last = part.partition("–")
            numbers |= set(range(int(first), int(last or first) + 1))
        table |= dict.fromkeys(re.findall(r"`(\w+)`", names), numbers)
    assert table.keys() == parameters.RULES.keys()
    for path in all_notebooks():
        given = set(Notebook.read(path).declared)
        assert given == {name for name, where in table.items() if int(path.name[:2]) in where}


# The scorecard

REFRESH = (
    "sed -i '/^| /d' docs/scorecard.md"
    " && .venv/bin/python -m convreg.claims.scorecard >> docs/scorecard.md"
)


def test_the_scorecard_is_that_of_notebook_0():
    tally, table = scorecard_of_notebook_0()
    text = page("scorecard")
    assert text.endswith(f"\n\n{table}\n"), f"to write it anew: {REFRESH}"
    assert f"\n{tally}." in text, f"wanted the line {tally}."


def test_contributing_says_how_to_refresh_the_scorecard():
    assert REFRESH in commands((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


# The map

MAP = rows(page("map"))[1:]


def resolve(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module or "convreg"), attribute)


def test_the_map_names_functions_that_exist_and_every_public_one():
    names = [name for row in MAP for name in re.findall(r"`([\w.]+)`", row[1])]
    needs_torch = re.compile(r"convreg\.(torch|studies\.training)\.")
    here = [name for name in names if TORCH or not needs_torch.match(name)]
    assert all(callable(resolve(name)) for name in here)
    assert {name for name in names if "." not in name} == set(convreg.__all__)


def linked(cell):
    """What the files say that a cell of the map leads to."""
    links = re.findall(r"\]\((\S+?)\)", cell)
    return "".join((ROOT / "docs" / link).read_text(encoding="utf-8") for link in links)


@pytest.mark.parametrize("row", MAP, ids=lambda row: row[0])
def test_the_map_leads_to_notebooks_and_tests_that_use_the_function(row):
    _, functions, notebooks, tests, *_ = row
    names = [name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)`", functions)]
    shown = linked(notebooks)
    tested = linked(tests)
    assert any(re.search(rf"\b{name}\b", shown) for name in names)
    assert all(re.search(rf"\b{name}\b", tested) for name in names), (names, tests)


def test_every_item_of_the_paper_is_in_the_map():
    items = " ".join(row[0] for row in MAP)
    equations = [f"({number})" for number in (1.1, 1.2, 1.3, 1.4, 2.1, 2.2, 2.3, 2.4, 2.5)]
    results = ["Lemma 2.1", "Lemma 2.2", "Theorem 2.1", "Theorem 2.2", "Theorem 2.3"]
    section_3 = ["Algorithm 2.1", "Example 1", "Example 2", "Figure 3.1", "Figure 3.2"]
    assert all(item in items for item in equations + results + section_3)


# Architecture


def test_every_module_and_folder_is_in_the_architecture():
    text = page("architecture")
    names = {path.stem for path in (ROOT / "convreg").glob("*.py")} - {"__init__"}
    assert not {name for name in names if not re.search(rf"\b{name}\b", text)}
    folders = {path.parent.name for path in (ROOT / "convreg").glob("*/__init__.py")}
    assert not {name for name in folders if f"`convreg/{name}`" not in text}


# Contributing


def test_modules_are_as_short_as_contributing_says():
    assert "about 300 at most, half of them below 160" in (ROOT / "CONTRIBUTING.md").read_text()
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("convreg/**/*.py")]
    lengths = sorted(len(text.splitlines()) for text in texts)
    assert lengths[-1] <= 310
    assert lengths[len(lengths) // 2] < 160


def test_there_are_as_many_planted_faults_as_contributing_says():
    faults = json.loads((ROOT / "benchmarks" / "mutants.json").read_text())
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"the {len(faults)} faults of [benchmarks/mutants.json]" in text
