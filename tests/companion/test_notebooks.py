"""The notebooks as they stand: what a person reads, the parameters, the outputs, the figures.

No kernel is started here; that the outputs are what the cells give is shown by `pytest --nbval`.
"""

import ast
import re

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from convreg.companion import parameters
from convreg.companion.notebooks import ROOT, Notebook, all_notebooks, is_tagged
from convreg.storage.tables import read_table

NOTEBOOKS = all_notebooks()
FIGURES = ROOT / "figures"
OTHERS = yaml.safe_load((ROOT / "tests" / "other_parameters.yml").read_text())
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind="code"):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def numbered(number):
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(number))
    return path


def parameters_of(path):
    """The assignments in the cell tagged parameters, by name, and the cell."""
    (cell,) = (cell for cell in cells(path) if is_tagged(cell, "parameters"))
    return {node.target.id: node for node in ast.parse(cell.source).body}, cell


# A cell is read aloud in one breath.

COLUMNS, LINES, SET_UP_LINES = 88, 15, 14


def lines_of(source):
    return [line for line in source.splitlines() if line.strip()]


def nodes(tree, kind):
    return [node for node in ast.walk(tree) if isinstance(node, kind)]


def too_wide(source, tree):
    return any(len(line) > COLUMNS for line in source.splitlines())


def too_long(source, tree):
    return len(lines_of(source)) > LINES


def has_a_walrus(source, tree):
    return bool(nodes(tree, ast.NamedExpr))


def nests_f_strings(source, tree):
    """A field of an f-string holds another; the format after a colon is no other."""
    fields = nodes(tree, ast.FormattedValue)
    return any(nodes(field.value, ast.JoinedStr) for field in fields)


def nests_comprehensions(source, tree):
    """A comprehension, with those inside of it, has more than two `for`."""
    kinds = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    return any(len(nodes(node, ast.comprehension)) > 2 for node in nodes(tree, kinds))


def assigns_several(source, tree):
    """a, b = 1, 2 or a = b = 1 or a = 1; b = 2; but a, b = function() is one."""
    for node in nodes(tree, ast.Assign):
        pairs = isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
        if pairs or len(node.targets) > 1:
            return True
    begins = [node.lineno for node in nodes(tree, ast.stmt)]
    return len(begins) > len(set(begins))


def hides_a_check(source, tree):
    """A confirm that is not a line of its own."""
    calls = [node for node in nodes(tree, ast.Call) if ast.unparse(node.func) == "confirm"]
    statements = [node.value for node in nodes(tree, ast.Expr)]
    return any(call not in statements for call in calls)


CELL_RULES = {
    too_wide: f"a line of more than {COLUMNS} columns",
    too_long: f"more than {LINES} lines of code",
    has_a_walrus: "a walrus",
    nests_f_strings: "an f-string in an f-string",
    nests_comprehensions: "a comprehension with more than two for",
    assigns_several: "more than one assignment or statement in a line",
    hides_a_check: "a confirm that is no line of its own",
}


def cell_problems(source):
    """What is wrong with a code cell for a reader."""
    tree = ast.parse(source)
    return [problem for rule, problem in CELL_RULES.items() if rule(source, tree)]


def is_only_imports(source):
    return all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in ast.parse(source).body)


def order_problems(all_cells):
    """What is wrong with the beginning: title, first idea, set-up, parameters, their check."""
    first = next(i for i, cell in enumerate(all_cells) if cell.cell_type == "code")
    before = [line for cell in all_cells[1:first] for line in lines_of(cell.source)]
    set_up, given, check = [cell for cell in all_cells if cell.cell_type == "code"][:3]
    problems = []
    if all(line.startswith("#") for line in before):
        problems.append("code before the first idea")
    if not is_only_imports(set_up.source) or len(lines_of(set_up.source)) > SET_UP_LINES:
        problems.append(f"a set-up of other than {SET_UP_LINES} lines of imports or fewer")
    if not is_tagged(given, "parameters"):
        problems.append("no parameters after the set-up")
    if not check.source.startswith("given = check_parameters(globals()"):
        problems.append("no check after the parameters")
    return problems


def problems_of(notebook):
    """What is wrong with a notebook for a reader, with the code cell."""
    found = order_problems(notebook.cells)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for number, source in enumerate(code, 1):
        found += [f"code cell {number}: {problem}" for problem in cell_problems(source)]
    return found


@every_notebook
def test_a_person_can_read_it(path):
    assert problems_of(nbformat.read(path, as_version=4)) == []


def sound():
    """A small notebook with which nothing is wrong."""
    cells = [
        new_markdown_cell("# 1. A title"),
        new_markdown_cell("## An idea\n\n$a+b$"),
        new_code_cell("import numpy as np"),
        new_code_cell("alpha: float = 1.0  # the shift", metadata={"tags": ["parameters"]}),
        new_code_cell("given = check_parameters(globals())"),
        new_code_cell('a, b = np.eye(2)\nc = [x * y for x in a for y in b]\nprint(f"{a[0]:{5}}")'),
    ]
    return new_notebook(cells=cells)


def test_a_sound_notebook_passes():
    assert problems_of(sound()) == []


LONG = "\n".join(f"a_{i} = {i}" for i in range(LINES + 1))
BAD_CELLS = [
    ("a = 1" + " + 1" * 21, "a line of more than 88 columns"),
    (LONG, "more than 15 lines of code"),
    ("print(a := 1)", "a walrus"),
    ("""print(f"{f'{a}'}")""", "an f-string in an f-string"),
    ("""print(f"{'-'.join(f'{x}' for x in a)}")""", "an f-string in an f-string"),
    ("[x for a in b for c in a for x in c]", "a comprehension with more than two for"),
    ("[[sum(x for x in c) for c in a] for a in b]", "a comprehension with more than two for"),
    ("a, b = 1, 2", "more than one assignment or statement in a line"),
    ("a = b = 1", "more than one assignment or statement in a line"),
    ("a = 1; b = 2", "more than one assignment or statement in a line"),
    ("def f(x): return x", "more than one assignment or statement in a line"),
    ('[confirm("a", x) for x in y]', "a confirm that is no line of its own"),
]


@pytest.mark.parametrize(("source", "problem"), BAD_CELLS)
def test_a_cell_that_is_hard_to_read_is_found(source, problem):
    notebook = sound()
    notebook.cells[-1].source = source
    assert problems_of(notebook) == [f"code cell 4: {problem}"]


def without_an_idea(cells):
    del cells[1]


def with_a_heading_alone(cells):
    cells[1].source = "## An idea"


def with_the_idea_after_the_set_up(cells):
    cells[1], cells[2] = cells[2], cells[1]


def with_much_to_import(cells):
    cells[2].source = "\n".join(f"import a_{i}" for i in range(SET_UP_LINES + 1))


def with_more_than_imports(cells):
    cells[2].source += "\nrng = np.random.default_rng(0)"


def with_parameters_that_are_not_tagged(cells):
    del cells[3].metadata["tags"]


def with_something_before_the_check(cells):
    cells[4], cells[5] = cells[5], cells[4]


SET_UP = f"a set-up of other than {SET_UP_LINES} lines of imports or fewer"
BAD_BEGINNINGS = [
    (without_an_idea, "code before the first idea"),
    (with_a_heading_alone, "code before the first idea"),
    (with_the_idea_after_the_set_up, "code before the first idea"),
    (with_much_to_import, SET_UP),
    (with_more_than_imports, SET_UP),
    (with_parameters_that_are_not_tagged, "no parameters after the set-up"),
    (with_something_before_the_check, "no check after the parameters"),
]


@pytest.mark.parametrize(("change", "problem"), BAD_BEGINNINGS)
def test_a_beginning_in_another_order_is_found(change, problem):
    notebook = sound()
    change(notebook.cells)
    assert problem in problems_of(notebook)


# What every notebook is made of.


@every_notebook
def test_anatomy(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.language_info
    assert all(set(cell.metadata) <= {"tags", "mystnb"} for cell in notebook.cells)
    title = notebook.cells[0].source
    assert title.startswith(f"# {int(path.name[:2])}. ")
    assert "1906.04866" in title
    assert "Runs in about" in title


@every_notebook
def test_it_is_committed_with_its_outputs(path):
    code = cells(path)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(cell.source.rstrip().endswith(";") for cell in code)
    for output in (output for cell in code for output in cell.outputs):
        assert output.output_type != "error"
        assert output.get("name") != "stderr"
    assert not re.search(r"(/home/|/root/|/tmp/|/Users/|[A-Z]:\\\\)", path.read_text())


@every_notebook
def test_links_lead_somewhere(path):
    for cell in cells(path, "markdown"):
        for link in re.findall(r"\]\(([^)]+)\)", cell.source):
            assert link.startswith("https://") or (path.parent / link).exists(), link


@every_notebook
def test_what_it_imports_exists(path):
    """Also what is imported where it is first used, which the check does not reach."""
    notebook = Notebook.read(path)
    if notebook.missing:
        pytest.skip(f"{path.name} {notebook.missing}")
    for source in notebook.code:
        for node in nodes(ast.parse(source), (ast.Import, ast.ImportFrom)):
            exec(ast.unparse(node), {})


def calls(source, name):
    """The calls of a function, by its plain name."""
    found = nodes(ast.parse(source), ast.Call)
    return [call for call in found if ast.unparse(call.func) == name]


@every_notebook
def test_the_last_cell_keeps_the_results(path):
    (call,) = calls(cells(path)[-1].source, "save_results")
    first = [ast.unparse(argument) for argument in call.args[:3]]
    assert first == ["results_dir", repr(path.stem), "given"]
    judges = [cell for cell in cells(path) if "as_markdown(scored)" in cell.source]
    assert [ast.unparse(argument) for argument in call.args[6:]] == ["scored"] * len(judges)


ELSEWHERE = {"00": "", "06": "04_power_method.ipynb", "11": "07_barrier.ipynb"}


@every_notebook
def test_the_central_step_is_written_out_and_checked(path):
    """By hand, against the function; or the notebook links to the one that does."""
    checks = [call.args[0] for cell in cells(path) for call in calls(cell.source, "confirm")]
    by_hand = any("by hand" in ast.unparse(statement) for statement in checks)
    assert by_hand == (path.name[:2] not in ELSEWHERE)
    linked = ELSEWHERE.get(path.name[:2], "")
    assert any(linked in cell.source for cell in cells(path, "markdown")[1:-1])


def saved_by(cell):
    """The names of the figures that a cell saves."""
    found = []
    for call in calls(cell.source, "save_figure"):
        assert ast.unparse(call.args[2]) == "figure_dir"
        found.append(ast.literal_eval(call.args[3]))
    return found


def test_every_figure_is_of_a_notebook_and_complete():
    saved = [name for path in NOTEBOOKS for cell in cells(path) for name in saved_by(cell)]
    assert len(saved) == len(set(saved))
    names = sorted(path.name for path in FIGURES.iterdir())
    assert names == sorted(f"{name}.{ending}" for name in saved for ending in ("csv", "pdf", "png"))


@every_notebook
def test_every_figure_is_shown_and_described(path):
    count = 0
    for cell in cells(path):
        saved = saved_by(cell)
        shown = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        described = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert len(shown) == len(saved)
        assert bool(described) == bool(saved)
        count += len(saved)
    assert count >= 1


def test_figures_3_1_and_3_2_hold_the_papers_numbers_to_six_digits():
    for name, cases in (("figure_3_1", 4), ("figure_3_2", 4)):
        table = read_table(FIGURES / f"{name}.csv")
        assert len(table["iteration"]) == 21 * cases
        assert all(float(f"{x:.5e}") == x for x in table["sigma_max"])


def test_the_pages_carry_the_scorecard_of_notebook_0():
    (cell,) = (cell for cell in cells(NOTEBOOKS[0]) if is_tagged(cell, "claims"))
    printed, shown = cell.outputs
    table, tally = shown.data["text/markdown"], " ".join(printed.text.split())
    assert f"\n\n{table}\n" in (ROOT / "docs" / "scorecard.md").read_text()
    assert tally in (ROOT / "README.md").read_text()


# The parameters.


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


BAD = [
    ("00", {"alpha": 2}, "alpha: no parameter of this notebook"),
    ("01", {"input_size": 0}, "input_size: wanted an integer from 1 to 60, got 0"),
    ("02", {"alpha": "1"}, "alpha: wanted a number from 1e-6 to 1e6, got '1'"),
    ("03", {"input_sise": 4}, "did you mean input_size?"),
    ("03", {"kernel_size": 1}, "kernel_size: wanted at least 2, got 1"),
    (
        "03",
        {"input_channels": 3, "output_channels": 1, "alpha": 1000},
        "alpha: wanted less than sigma_max^2 / 2 with h < g, for a gradient, got 1000",
    ),
    ("04", {"iterations": 2.5}, "iterations: wanted an integer from 0 to 2000, got 2.5"),
    ("04", {"input_size": 1}, "input_size: wanted at least 2 with one input channel"),
    ("05", {"channels": [[3, 1], [3, 1]]}, "channels: wanted a list of 1 to 12 different pairs"),
    ("06", {"alphas": [1, -1]}, "alphas: wanted a list of 1 to 12 different numbers"),
    (
        "07",
        {"output_channels": 3},
        "output_channels, kernel_size: wanted h < g and 1 < k <= N, got g = 3, h = 3",
    ),
    (
        "08",
        {"budgets": [5]},
        "budgets: wanted a list of 1 to 12 different numbers from 10 to 10000",
    ),
    ("09", {"measure": "maybe"}, "measure: wanted true or false, got 'maybe'"),
    (
        "10",
        {"training_images": 1797},
        "training_images: wanted an integer from 50 to 1700, got 1797",
    ),
    (
        "12",
        {"stride": 3},
        "stride: wanted 1 < stride <= k // 2 + 1, k <= min(N, 8), and N a multiple of stride, "
        "got 3, k = 3, N = 16",
    ),
    ("12", {"input_size": 15}, "and N a multiple of stride, got 2, k = 3, N = 15"),
    ("12", {"output_channels": 4}, "output_channels: wanted less than 4, got 4"),
    ("12", {"image_size": 48}, "image_size: wanted a multiple of 32, got 48"),
    ("12", {"alpha": 5}, "alpha: wanted less than sigma_max^2 / 2 (stride 3), got 5"),
    (
        "10",
        {"seed": 4294967295},
        "seed, networks: wanted a last seed below 2^32, got 4294967299",
    ),
]


@pytest.mark.parametrize(("number", "values", "message"), BAD)
def test_a_bad_parameter_stops_the_run(number, values, message):
    notebook = Notebook.read(numbered(number))
    if notebook.missing:
        pytest.skip(f"{notebook.path.name} {notebook.missing}")
    with pytest.raises(ValueError, match=re.escape(message)):
        notebook.checked(values)


def test_there_are_other_parameters_for_every_notebook():
    assert list(OTHERS) == [path.stem for path in NOTEBOOKS]
    for path in NOTEBOOKS:
        given, _ = parameters_of(path)
        assert OTHERS[path.stem].keys() <= given.keys()


@every_notebook
def test_what_it_prints_is_no_wider_than_its_code(path):
    for cell in cells(path):
        for output in cell.outputs:
            assert all(len(line) <= COLUMNS for line in output.get("text", "").splitlines())
