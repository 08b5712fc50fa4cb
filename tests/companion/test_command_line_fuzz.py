"""Any text at all: a value or a ValueError from what reads it, 2 from the parser, nothing else."""

import contextlib
import io
import json
from pathlib import Path

import pytest
import strategies  # noqa: F401, loads the profile
from hypothesis import example, given
from hypothesis import strategies as st
from papermill.cli import _resolve_type

from convreg.companion.arguments import parser
from convreg.companion.given import read_given
from convreg.companion.grid import read_grid
from convreg.companion.notebooks import Notebook, find_notebook, injected
from convreg.companion.parameters import RULES
from convreg.companion.places import as_place
from convreg.companion.rules import literal, shown

ANY = st.text(st.characters(), max_size=30)  # with halves of signs, which UTF-8 has not
NEAR = st.text("0123456789.,_+-eExX[]() {}'\"\\#:=\0\n\ud800nulTreaity", max_size=30)
TEXTS = ANY | NEAR | st.floats().map(repr) | st.integers().map(str)
NOTEBOOK = Notebook.read(find_notebook("05"))
NAMES = st.sampled_from([*NOTEBOOK.declared, "alhpa", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY,
    lambda inner: st.lists(inner) | st.dictionaries(ANY | st.sampled_from(["alpha"]), inner),
    max_leaves=8,
)


@given(TEXTS)
@example("[" * 2000)
@example("9" * 5000)
@example("0x" + "f" * 5000)
@example("1\0")
def test_a_text_is_a_value_and_a_rule_takes_it_or_says_why(text):
    for name, rule in RULES.items():
        value = rule.read(text)
        problem = rule.problem(value)
        assert rule.accepts(value) is (problem is None)
        if problem:
            (line,) = problem.splitlines()
            assert line.startswith(f"wanted {rule.wanted}, got ")
            assert len(line) < 300
        elif name not in ("figure_dir", "results_dir"):
            # what papermill inserts is the same value again
            namespace = {}
            exec(injected({name: value}), namespace)
            assert rule.as_kind(namespace[name]) == rule.as_kind(value)


@given(
    TEXTS | st.from_regex(r"[-+]?[0-9_]{1,5}(\.[0-9_]{0,5})?([eE][-+]?[0-9]{1,3})?", fullmatch=True)
)
@example("٣")
@example("1_000")
@example("-.5")
def test_what_papermill_takes_for_a_number_is_the_same_number(text):
    theirs = _resolve_type(text)
    ours = literal(text)
    if isinstance(theirs, (int, float)):
        assert type(ours) is type(theirs)
        assert ours == theirs or (ours != ours and theirs != theirs)


@given(JSON)
def test_what_json_says_is_read_back(value):
    assert json.dumps(literal(json.dumps(value))) == json.dumps(value)


@given(
    JSON | st.binary() | st.complex_numbers() | st.integers(2**20000, 2**20001), st.integers(20, 90)
)
def test_a_value_in_a_message_is_a_line_of_bounded_length(value, most):
    line = shown(value, most)
    assert len(line) <= max(most, 60)
    assert "\n" not in line


def outcome(read, *given):
    """What it gives, and the text of its ValueError; one of them."""
    try:
        return read(*given), ""
    except ValueError as refused:
        return None, str(refused)


@given(st.lists(st.builds("{}{}{}".format, NAMES, st.sampled_from(["=", ""]), TEXTS) | ANY))
def test_a_grid_is_a_list_for_each_name_or_refused(texts):
    grid, refused = outcome(read_grid, NOTEBOOK, texts)
    assert refused.startswith("--grid: ") or [*grid] == [text.partition("=")[0] for text in texts]
    assert refused or all(grid.values())


WORDS = st.sampled_from(
    ["list", "run", "sweep", "05", "-p", "-o", "--grid", "--out", "--picture", "--workers"]
)


@given(st.lists(WORDS | TEXTS, max_size=8))
def test_the_parser_reads_its_words_or_exits_2(words):
    ended = 0
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            assert parser().parse_args(words).command in words
        except SystemExit as ending:
            ended = ending.code
    assert ended in (0, 2)


@given(TEXTS)
def test_a_place_is_a_whole_path_or_refused(text):
    path, refused = outcome(as_place, "--out", text)
    assert refused.startswith("--out: wanted a path, got ") or path.is_absolute()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "given.yml"


YAML = TEXTS | st.dictionaries(st.sampled_from(["05_example_1", "5"]) | ANY, JSON).map(json.dumps)


@given(YAML.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary())
def test_a_file_of_parameters_is_read_or_refused(file, content):
    file.write_bytes(content)
    found, refused = outcome(read_given, str(file), [NOTEBOOK])
    assert "\n" not in refused
    assert refused.startswith("--parameters: ") or {*found} <= {"05_example_1"}


@given(JSON.map(json.dumps) | TEXTS)
def test_a_notebook_is_read_or_refused(file, text):
    path = Path(file).with_suffix(".ipynb")
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(
        ValueError, match=r"^notebook: wanted a Jupyter notebook, got given\.ipynb: "
    ):
        Notebook.read(path)


SOUND = json.loads(find_notebook("05").read_text(encoding="utf-8"))


@given(st.sampled_from(["cells", "metadata", "nbformat", "nbformat_minor"]), JSON)
def test_a_notebook_with_a_part_that_is_something_else_is_read_or_refused(file, part, value):
    path = Path(file).with_suffix(".ipynb")
    path.write_text(json.dumps({**SOUND, part: value}), encoding="utf-8")
    notebook, refused = outcome(Notebook.read, path)
    assert refused.startswith("notebook: wanted a Jupyter notebook, got ") or not notebook.missing
    if notebook:
        title, untitled = outcome(lambda: notebook.title)
        assert title or untitled == "notebook: wanted one with a title, got given.ipynb"
