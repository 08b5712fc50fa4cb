"""What people type, name and leave about: taken for what it means, or refused in one line, with 2.

No kernel is started here; the signals and the pipes are in test_endings.
"""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_raw_cell
from sweeps import swept
from tiny import CHECK, files_in, status, tiny_notebook, written

from convreg.companion import commands, reproduce
from convreg.companion.given import read_given
from convreg.companion.grid import read_grid
from convreg.companion.notebooks import Notebook, find_notebook
from convreg.companion.places import as_place, no_file, no_folder
from convreg.companion.runs import Run


@pytest.fixture
def ran(monkeypatch):
    """Instead of kernels: the values of every run."""
    values = []

    def execute(notebook, parameters, progress=False):
        values.append(parameters)
        return Run(b"{}\n", {"x.png": b"png"}, {}, 0.1, "")

    monkeypatch.setattr(commands, "execute", execute)
    return values


def refused(capsys, code):
    """The one line of a command that was refused."""
    shown = capsys.readouterr()
    assert code == 2, shown.err
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert len(line) < 600
    return line.removeprefix("python -m convreg: ")


# values


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("alpha", ".5", 0.5),
        ("alpha", "1.", 1.0),
        ("alpha", "+5", 5),
        ("alpha", "1_000", 1000),
        ("alpha", " 1e-3 ", 0.001),
        ("state", "007", 7),
        ("alphas", "[.5, 1.]", [0.5, 1.0]),
        ("alphas", "(1, 2)", [1, 2]),
        ("alphas", "[1,]", [1]),
        ("measure", "TRUE", True),
        ("figure_dir", "12", str(Path("12").absolute())),
    ],
)
def test_a_value_is_what_it_means(name, text, value, here, ran):
    assert status("run", tiny_notebook(here), "-p", name, text) == 0
    (given,) = ran
    found = given[name]
    assert (found, type(found)) == (value if name != "figure_dir" else f"{here}/12", type(value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 2000,
        "[" * 100 + "]" * 100,
        "(" * 100_000,
        "9" * 5000,
        "0x" + "f" * 5000,
        "a" * 100_000,
        "1\0",
        "\0",
        "\ud800",
        "a\nb",
        "'\\d'",
        "nan",
        "inf",
        "1e999",
        "1j",
        "1 + 1",
        "None",
        "'1'",
        "{1: 2}",
        "{[]: 1}",
        "[1]",
        "__import__('os').mkdir('made')",
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_a_value_that_is_none_is_refused_by_name_in_a_line(text, here, ran, capsys, recwarn):
    line = refused(capsys, status("run", tiny_notebook(here), "-p", "alpha", text))
    assert line.startswith("alpha: wanted a number from 1e-6 to 1e6, got ")
    assert (ran, files_in(here)) == ([], ["tiny.ipynb"])
    assert not recwarn.list


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a" * 5000, "\0", "\ud800", "alpha=1"])
def test_a_name_that_is_none_is_refused_in_a_line(name, here, ran, capsys):
    line = refused(capsys, status("run", tiny_notebook(here), "-p", name, "1"))
    assert "no parameter of this notebook" in line
    assert line.endswith("wanted one of alpha, state, alphas, measure, figure_dir, results_dir")


def test_a_thousand_wrong_names_are_a_line_too(here, ran, capsys):
    wrong = [part for number in range(1000) for part in ("-p", f"x{number}", "1")]
    code = status("run", tiny_notebook(here), *wrong)
    (line,) = capsys.readouterr().err.splitlines()
    assert (code, line.endswith("; and 990 more")) == (2, True)
    assert len(line) < 2000


@pytest.mark.parametrize(
    "name",
    ["\0", "a\0.ipynb", "\ud800.ipynb", "~nobody_at_all/a.ipynb", "a" * 5000, f"{'a' * 300}.ipynb"],
    ids=lambda name: ascii(name[:12]),
)
@pytest.mark.parametrize("command", ["run", "list"])
def test_a_name_of_no_notebook_is_refused_in_a_line(command, name, here, ran, capsys):
    assert refused(capsys, status(command, name)).startswith("notebook: wanted a path")


# grids and options


@pytest.mark.parametrize(
    ("texts", "grid"),
    [
        (["alpha=.005,1.,+2,1_0"], {"alpha": [0.005, 1.0, 2, 10]}),
        (["state=1", "alpha=.5"], {"state": [1], "alpha": [0.5]}),
        (["alphas=[.5, 1.],(2,)"], {"alphas": [[0.5, 1.0], [2]]}),
        (["state= 007 , 8 "], {"state": [7, 8]}),
        (["alpha=1,"], {"alpha": [1, ""]}),
        (["alpha=[1,2"], {"alpha": ["[1,2"]}),
        (["alpha=1],[2"], {"alpha": ["1],[2"]}),
        (["alpha='1','2'"], {"alpha": ["1", "2"]}),
    ],
)
def test_a_grid_is_read_at_its_commas(texts, grid, tmp_path):
    assert read_grid(Notebook.read(tiny_notebook(tmp_path)), texts) == grid


@pytest.mark.parametrize(
    "text",
    ["alpha=1,", "alpha=,1", "alpha=[1,2", "alpha=1],[2", "alpha='1'", "alpha=[", "alpha=1 2"],
)
def test_a_grid_that_is_half_typed_is_refused(text, place, runs, capsys):
    assert swept(text) == 2
    assert "alpha: wanted a number" in capsys.readouterr().err
    assert (runs, (place / "out").exists()) == ([], False)


@pytest.mark.parametrize("text", ["", "=", "a\nb", "x" * 100_000, "alpha=\0", "\ud800=1"])
def test_what_is_no_grid_is_refused_in_a_line(text, place, runs, capsys):
    assert refused(capsys, swept(text)).startswith("--grid: ")
    assert runs == []


def test_two_grids_are_one(place, runs, monkeypatch):
    monkeypatch.setattr(commands, "draw", lambda out, *_: out / "sweep.png")
    assert swept("alpha=1,2,3", more=["--grid", "state=1,2", "--grid", "measure=true"]) == 0
    assert len(runs) == 6
    assert all(parameters["measure"] for parameters in runs)


def test_a_name_in_two_grids_is_refused(place, runs, capsys):
    line = refused(capsys, swept("alpha=1", more=["--grid", "alpha=2"]))
    assert line == "--grid: wanted name=value,value, each name once, got 'alpha=2'"


def test_two_pictures_are_one(place, runs, capsys):
    more = ["--picture", "alpha", "--picture", "state", "--picture", "speed"]
    line = refused(capsys, swept("alpha=1", "state=1", more=more))
    assert line == "--picture: wanted one or two of alpha, state, got alpha state speed"


def test_a_picture_of_the_same_twice_is_refused(place, runs, capsys):
    line = refused(capsys, swept("alpha=1,2", more=["--picture", "alpha", "alpha"]))
    assert line == "--picture: wanted one or two of alpha, got alpha alpha"


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("run", "-o"),
        ("run", "--figure-dir"),
        ("run", "--results-dir"),
        ("sweep", "--out"),
        ("sweep", "--workers"),
        ("sweep", "--scheduler"),
    ],
)
def test_an_option_with_one_value_comes_once(command, option, here, ran, capsys):
    assert status(command, tiny_notebook(here), option, "1", option, "1") == 2
    assert "wanted once, got twice" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "1001", "1" * 20, "9" * 5000, "1e2", "²", "", "\0"])
def test_workers_are_a_number_that_can_be(count, place, runs, capsys):
    assert swept("state=1", more=["--workers", count]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "--workers: wanted an integer from 1 to 1000, got " in last
    assert len(last) < 300


# notebooks


def as_version_3(notebook):
    version_4 = nbformat.reads(json.dumps(notebook), as_version=4)
    return json.loads(nbformat.writes(nbformat.convert(version_4, 3), version=3))


def without(*names):
    def change(notebook):
        for name in names:
            notebook["metadata"].pop(name, None)
        return notebook

    return change


def as_minor(minor):
    def change(notebook):
        for cell in notebook["cells"]:
            del cell["id"]
        return {**notebook, "nbformat_minor": minor}

    return change


def with_an_old_injection(notebook):
    """As an executed notebook has it: what an earlier run was given."""
    old = nbformat.v4.new_code_cell(
        "# Parameters\nstate = 13", metadata={"tags": ["injected-parameters"]}
    )
    return {**notebook, "cells": [*notebook["cells"][:3], old, *notebook["cells"][3:]]}


def with_metadata(**changes):
    def change(notebook):
        return {**notebook, "metadata": changes}

    return change


ODD = {
    "of a kernel that is none": with_metadata(kernelspec={}, language_info=None),
    "of another language": with_metadata(kernelspec="ir", language_info={"name": "R"}),
    "of papermill's own": with_metadata(papermill="x"),
    "without a kernelspec": without("kernelspec"),
    "without a language": without("language_info"),
    "without both": without("kernelspec", "language_info"),
    "version 3": as_version_3,
    "version 4.0": as_minor(0),
    "version 4.4": as_minor(4),
    "version 4.5 without ids": as_minor(5),
    "executed": with_an_old_injection,
}


def odd_notebook(folder, way):
    path = tiny_notebook(folder)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(ODD[way](notebook)), encoding="utf-8")
    return path


@pytest.mark.parametrize("way", ODD)
def test_an_odd_notebook_is_read_as_python(way, here, ran, capsys, recwarn):
    path = odd_notebook(here, way)
    assert status("list", path) == 0
    assert "the shift; a number" in capsys.readouterr().out
    assert status("run", path, "-p", "alpha", "2") == 0
    assert ran == [{"alpha": 2}]
    metadata = Notebook.read(path).fresh().metadata
    assert (metadata.kernelspec.name, metadata.language_info.name) == ("python3", "python")
    assert not recwarn.list


@pytest.mark.kernel
@pytest.mark.parametrize("way", ["without both", "version 3", "executed", "of papermill's own"])
def test_an_odd_notebook_runs(way, here):
    assert status("run", odd_notebook(here, way), "-p", "alpha", "2", "-o", "out.ipynb") == 0
    assert Notebook.read(here / "out.ipynb").declared["alpha"].default == "1.0"


def test_a_byte_order_mark_is_no_part_of_a_notebook(here, ran):
    path = tiny_notebook(here)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert status("run", path) == 0


@pytest.mark.parametrize("content", ["null", "1", "{}", '{"cells": []}', '{"nbformat": 4}'])
def test_a_part_that_is_missing_is_said_in_words(content, here, ran, capsys):
    (here / "odd.ipynb").write_text(content)
    line = refused(capsys, status("run", "odd.ipynb"))
    assert "'NoneType'" not in line
    assert "local variable" not in line


def tiny_with(folder, source):
    """The tiny notebook with other text in its cell of imports."""
    path = tiny_notebook(folder)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source = f"{source}\n{notebook.cells[1].source}"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import sys; sys.exit(0)", "SystemExit"),
        ("quit()", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise MemoryError", "MemoryError"),
        ("class Odd(BaseException): ...\nraise Odd('a\\nb')", "Odd: a b"),
        ("def f(): f()\nf()", "RecursionError"),
        ("input()", "EOFError"),
        ("int('x')", "ValueError: invalid literal"),
        ("print('a' * 10**6); raise OSError('a' * 10**6)", "OSError: aaa"),
        ("x = 1\0", "SyntaxError"),
        ("(" * 1000, "SyntaxError"),
        ("await x", "SyntaxError"),
        ("import no.such", "ModuleNotFoundError"),
    ],
)
def test_what_stops_the_cells_before_the_check_stops_nothing_else(source, name, here, ran, capsys):
    line = refused(capsys, status("run", tiny_with(here, source)))
    wanted = "notebook: wanted one that comes to its check_parameters, got "
    assert line.startswith(wanted + name)
    assert line.endswith(" in tiny.ipynb")
    assert ran == []


@pytest.mark.filterwarnings("ignore")
def test_what_the_cells_before_the_check_say_and_where_they_go_is_not_noticed(here, ran, capsys):
    source = "import os, sys, warnings\nprint('out')\nprint('err', file=sys.stderr)"
    path = tiny_with(here, f"{source}\nwarnings.warn('old')\nos.chdir('/')\nx = '\\d'")
    assert status("run", path) == 0
    shown = capsys.readouterr()
    assert (shown.err, os.getcwd()) == ("", str(here))
    assert shown.out.startswith("tiny passed in 0 s: ")
    assert (here / "tiny.run.ipynb").exists()


def notebook_of(cells, /, **changes):
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return {**whole, **changes}


RAW = new_raw_cell("alpha: float = 1.0", metadata={"tags": ["parameters"]})
CODE = nbformat.v4.new_code_cell("alpha: float = 1.0", metadata={"tags": ["parameters"]})
TITLE = new_markdown_cell("# A title")


@pytest.mark.parametrize(
    ("notebook", "message"),
    [
        (notebook_of([]), "wanted a cell tagged parameters and a check"),
        (notebook_of([TITLE]), "wanted a cell tagged parameters and a check"),
        (notebook_of([RAW, nbformat.v4.new_code_cell(CHECK)]), "wanted a cell tagged"),
        (notebook_of([RAW, CODE, nbformat.v4.new_code_cell(CHECK)]), "wanted a cell tagged"),
        (notebook_of([CODE]), "wanted a cell tagged parameters and a check"),
        (notebook_of([], cells=None), "wanted a Jupyter notebook"),
        (notebook_of([], nbformat=5), "wanted a Jupyter notebook"),
        (notebook_of([], nbformat="4"), "wanted a Jupyter notebook"),
        (notebook_of([], metadata=[]), "wanted a Jupyter notebook"),
        (notebook_of([{**TITLE, "metadata": {"tags": "needs-x"}}]), "wanted a Jupyter notebook"),
        (notebook_of([{**TITLE, "metadata": {"tags": [1]}}]), "wanted a Jupyter notebook"),
        (notebook_of([{**TITLE, "source": "\ud800"}]), "wanted a Jupyter notebook"),
        ([], "wanted a Jupyter notebook"),
        (None, "wanted a Jupyter notebook"),
    ],
)
def test_what_is_no_notebook_for_us_is_refused_in_a_line(notebook, message, here, ran, capsys):
    (here / "odd.ipynb").write_text(json.dumps(notebook))
    line = refused(capsys, status("run", "odd.ipynb"))
    assert line.startswith("notebook: ")
    assert message in line
    assert "odd.ipynb" in line
    assert ran == []


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe", b"", b"null", b"1" * 5000])
@pytest.mark.parametrize("command", ["run", "list"])
def test_bytes_that_are_no_notebook_are_refused_in_a_line(command, content, here, ran, capsys):
    (here / "odd.ipynb").write_bytes(content)
    line = refused(capsys, status(command, "odd.ipynb"))
    assert line.startswith("notebook: wanted a Jupyter notebook, got odd.ipynb: ")


@pytest.mark.parametrize("tag", ["needs-no.such", "needs-", "needs-.", "needs-a\nb"])
def test_a_need_that_cannot_be_looked_up_is_missing(tag, here, ran, capsys):
    (here / "odd.ipynb").write_text(
        json.dumps(notebook_of([{**TITLE, "metadata": {"tags": [tag]}}]))
    )
    line = refused(capsys, status("run", "odd.ipynb"))
    assert line.startswith("notebook: odd.ipynb needs ")
    assert status("list", "odd.ipynb") == 0


@pytest.mark.parametrize("cells", [[], [new_markdown_cell("# \n\n")]], ids=["no cells", "no words"])
def test_list_refuses_a_notebook_without_a_title(cells, here, capsys):
    (here / "odd.ipynb").write_text(json.dumps(notebook_of(cells)))
    line = refused(capsys, status("list", "odd.ipynb"))
    assert line == "notebook: wanted one with a title, got odd.ipynb"


# places


@pytest.fixture
def bad_places(here):
    """Paths that no folder and no file can have."""
    (here / "file").write_text("")
    (here / "loop").symlink_to("loop")
    (here / "dangling").symlink_to("file/below")
    names = [
        "",
        "a\0b",
        "\ud800",
        "~nobody_at_all/x",
        "x" * 300,
        f"{'x' * 200}/" * 30,
        "file/x",
        "loop/x",
    ]
    return [*names, "dangling/x", "/dev/full/x", "/proc/self/x"]


def test_a_place_that_the_file_system_refuses_is_found_before_a_run(here, bad_places, ran, capsys):
    path = tiny_notebook(here)
    before = sorted(here.rglob("*"))
    options = [("run", "-o", "-o: "), ("run", "--figure-dir", "figure_dir: ")]
    for command, option, name in [*options, ("run", "--results-dir", "results_dir: ")]:
        for place in bad_places:
            if place or option == "-o":
                given = f"{place}.ipynb" if option == "-o" and place else place
                line = refused(capsys, status(command, path, option, given))
                assert line.startswith(f"{name}wanted ")
    assert sorted(here.rglob("*")) == before
    assert ran == []


def test_a_sweeps_place_that_the_file_system_refuses_is_found(place, bad_places, runs, capsys):
    for name in bad_places:
        assert refused(capsys, swept("state=1", out=name)).startswith("--out: wanted ")
    assert runs == []


@pytest.mark.parametrize("number", [243, 300])
def test_a_name_that_leaves_no_room_for_its_part_is_too_long(number, here, ran, capsys):
    path = tiny_notebook(here)
    line = refused(capsys, status("run", path, "-o", "o" * (number - 6) + ".ipynb"))
    assert line.endswith("(File name too long)")
    assert status("run", path, "-o", "o" * 200 + ".ipynb") == 0


def test_what_is_there_and_no_file_is_refused(here, ran, capsys):
    os.mkfifo(here / "pipe.ipynb")
    path = tiny_notebook(here)
    assert "it is no file" in refused(capsys, status("run", path, "-o", "pipe.ipynb"))
    line = refused(capsys, status("run", path, "-o", "a.ipynb", "--figure-dir", "a.ipynb/b"))
    assert line.startswith("-o: wanted another place than that of figure_dir, got ")


def test_a_dangling_link_is_the_place_that_it_names(here, ran):
    (here / "link.ipynb").symlink_to("new/out.ipynb")
    assert status("run", tiny_notebook(here), "-o", "link.ipynb") == 0
    assert files_in(here) == ["link.ipynb", "new/out.ipynb", "tiny.ipynb"]


def test_to_try_a_place_leaves_nothing_and_touches_nothing(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("old")
    before = sorted(tmp_path.rglob("*"))
    assert no_folder("--out", tmp_path / "there") is None
    assert no_folder("--out", tmp_path / "a" / "b" / "c") is None
    assert no_file("-o", tmp_path / "there" / "file") is None
    assert no_file("-o", tmp_path / "there" / "d" / "new") is None
    assert no_folder("--out", "") is None
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "there" / "file").read_text() == "old"
    assert as_place("--out", tmp_path / "a" / ".." / "b") == tmp_path / "b"


@pytest.mark.parametrize("method", ["touch", "mkdir"])
def test_a_place_is_tried_and_not_only_looked_at(method, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, method, full)
    assert no_folder("--out", tmp_path / "new").endswith("(No space left on device)")
    assert list(tmp_path.iterdir()) == []


# reproduce


@pytest.fixture
def reproduced(here, monkeypatch, capsys):
    """The line that refuses a file of parameters."""
    paths = [tiny_notebook(here, name="01_a"), find_notebook("05")]
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: paths)

    def execute(*_, **__):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(reproduce, "execute", execute)

    def line(*options):
        places = [] if "--build" in options else ["--build", "build"]
        places += [] if "--figures" in options else ["--figures", "figures"]
        found = refused(capsys, reproduce.main([*places, *options]))
        return found.removeprefix("python -m convreg.companion.reproduce: ")

    return line


NAMES = "the names of notebooks with their parameters"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"wanted {NAMES}, got None"),
        ("[]", f"wanted {NAMES}, got []"),
        ("01_a", f"wanted {NAMES}, got '01_a'"),
        ("&a [*a]", "wanted a YAML file"),
        ("a: [1", "wanted a YAML file, got 'given.yml' (while parsing a flow sequence"),
        ("\0", "wanted a YAML file, got 'given.yml' (unacceptable character"),
        (b"\xff\xfe\xff", "wanted a YAML file, got 'given.yml' ('utf-8' codec"),
        ("[" * 2000, "wanted a YAML file"),
        ("!!bool x", "wanted the names of notebooks"),
        ("!!python/object/apply:os.getcwd []", "wanted the names of notebooks"),
        ("{? [1] : 2}", "wanted a YAML file"),
        ("01_a: {alpha: 1}\n01_a: {alpha: 2}", "(01_a comes twice)"),
        ("01_a: {alpha: 1, alpha: 2}", "(alpha comes twice)"),
        ("01_b: {alpha: 1}", "01_b: no notebook (did you mean 01_a?), wanted one of 01_a, 05_"),
        ("5: {alpha: 1}", "5: no notebook"),
        ("01_a:", "01_a: wanted parameters with their values, got ''"),
        ("01_a: [alpha]", "01_a: wanted parameters with their values, got ['alpha']"),
        ("01_a: {alhpa: 1}", "01_a: alhpa: no parameter of this notebook (did you mean alpha?)"),
        ("01_a: {1: 1}", "01_a: 1: no parameter of this notebook"),
        ("01_a: {alpha: fast}", "01_a: alpha: wanted a number from 1e-6 to 1e6, got 'fast'"),
        ("01_a: &a {alpha: *a}", "wanted a YAML file"),
        (f"01_a: {{alpha: 0x{'f' * 5000}}}", "alpha: wanted a number"),
        ("01_a: {alpha: 2001-01-01}", "01_a: alpha: wanted a number"),
        ("01_a: {state: 13}", "01_a: state: wanted another than 13, got 13"),
        ("01_a: {figure_dir: é}", "01_a: figure_dir: wanted --figures and --build, got 'é'"),
        ("01_a: {alpha: 0}\n05_example_1: {state: -1}", "; 05_example_1: state: wanted"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_file_of_parameters_is_checked_whole(text, message, here, reproduced):
    content = text if isinstance(text, bytes) else text.encode()
    (here / "given.yml").write_bytes(content)
    line = reproduced("--parameters", "given.yml")
    assert line.startswith("--parameters: ")
    assert message in line
    assert files_in(here) == ["01_a.ipynb", "given.yml"]


@pytest.mark.parametrize("path", ["missing.yml", ".", "", "a\0b", "~nobody_at_all/x"])
def test_a_file_of_parameters_that_is_not_there_is_named(path, reproduced):
    assert reproduced("--parameters", path).startswith("--parameters: wanted a ")


def test_the_folders_of_reproduce_are_tried(here, reproduced):
    (here / "file").write_text("")
    assert reproduced("--build", "file/x").startswith("--build: wanted a folder that can be")
    assert reproduced("--figures", "/dev/full").startswith("--figures: wanted a folder that can")


@pytest.mark.parametrize("option", ["--parameters", "--figures", "--build"])
def test_to_rewrite_takes_nothing_else(option, here, monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: [tiny_notebook(here)])
    assert reproduce.main(["--rewrite", option, "x"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"--rewrite: wanted without {option}, which it would ignore")


def test_values_in_a_file_are_those_of_the_command_line(here):
    path = tiny_notebook(here)
    values = "alpha: 1e-3, alphas: [.5, 1., 1_0], measure: true, state: 010"
    (here / "given.yml").write_text(f"tiny: {{{values}}}")
    read = read_given(str(here / "given.yml"), [Notebook.read(path)])
    assert read == {"tiny": {"alpha": 1e-3, "alphas": [0.5, 1.0, 10], "measure": True, "state": 10}}
    (here / "given.yml").write_text("tiny: {alpha: 1:30}")  # YAML's 90
    with pytest.raises(ValueError, match="alpha: wanted a number from 1e-6 to 1e6, got '1:30'"):
        read_given(str(here / "given.yml"), [Notebook.read(path)])


def test_what_is_needed_and_not_there_is_no_problem_of_its_parameters(here, monkeypatch, capsys):
    tags = {"tags": ["needs-no_such_package"]}
    cells = [TITLE, nbformat.v4.new_code_cell("", metadata=tags), CODE]
    path = written(cells, here / "01_a.ipynb")
    monkeypatch.setattr(reproduce, "all_notebooks", lambda: [path])
    (here / "given.yml").write_text("01_a: {alpha: 1}\n")
    places = ["--build", "build", "--figures", "figures"]
    assert reproduce.main([*places, "--parameters", "given.yml"]) == 0
    assert "1 skipped" in capsys.readouterr().out
    (here / "given.yml").write_text("01_a: {alhpa: 1}\n")
    assert reproduce.main([*places, "--parameters", "given.yml"]) == 2
