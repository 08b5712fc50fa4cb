"""index.csv: cells that a spreadsheet leaves alone, names that are told apart, and the way back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convreg.companion.index import index_of, read_index

# NumPy drops a NUL at the end
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)


def row(run="0123456789ab", parameters=None, headline=None, error=""):
    return {
        "run": run,
        "status": "failed" if error else "complete",
        "seconds": 1.5,
        "error": error,
        "parameters": parameters or {},
        "headline": headline or {},
    }


def read_back(folder, *rows):
    """The table of what `index_of` writes, and its cells as every program reads them."""
    text = index_of(rows)
    (folder / "index.csv").write_bytes(text)
    cells = list(csv.reader(io.StringIO(text.decode(), newline="")))
    return read_index(folder / "index.csv"), cells


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("http://example.org","x")',
        "+a",
        "-a",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "'=1",
        "'",
        "''",
        "a\rb",
        'a"b',
        "a,b",
        "a\r\nb",
        " =1",
        "",
        "é ∞",
    ],
)
def test_no_text_is_a_formula_and_every_text_comes_back(text, tmp_path):
    numbers = {"x": text, text or "y": -2.5}
    table, (names, cells) = read_back(tmp_path, row(parameters={"mode": text}, headline=numbers))
    for cell in names + cells:
        assert cell == "-2.5" or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert table["mode"].tolist() == [text]
    assert table["x"].tolist() == table["mode"].tolist()
    assert table[text or "y"].tolist() == [-2.5]


@given(texts=st.lists(TEXTS, min_size=1, unique=True))
def test_any_names_and_texts_come_back(texts, tmp_path_factory):
    headline = {f"x{text}": f"x{text}" for text in texts}
    table, (names, cells) = read_back(tmp_path_factory.getbasetemp(), row(headline=headline))
    assert names[4:] == cells[4:] == list(headline)
    assert {name: table[name].tolist() for name in headline} == {
        name: [text] for name, text in headline.items()
    }


@pytest.mark.parametrize(("text", "number"), [("-inf", float("-inf")), ("+1", 1), ("-2.5", -2.5)])
def test_a_text_that_is_a_number_is_read_as_one(text, number, tmp_path):
    table, (_, cells) = read_back(tmp_path, row(headline={"x": text}))
    assert cells[4:] == [f"'{text}"]
    assert table["x"].tolist() == [number]


def test_numbers_are_no_texts(tmp_path):
    headline = {"a": -1.5, "b": -3, "c": None, "d": 1e-300}
    table, (_, cells) = read_back(tmp_path, row(headline=headline))
    assert cells[4:] == ["-1.5", "-3", "", "1e-300"]
    assert (table["a"].tolist(), table["b"].tolist()) == ([-1.5], [-3])


def test_names_like_those_of_the_columns_are_told_apart(tmp_path):
    names = ("run", "status", "seconds", "error", "alpha", "alpha_")
    found = row(parameters={"alpha": 1.0, "error": 2}, headline={name: 7 for name in names})
    table, (columns, _) = read_back(tmp_path, found)
    assert len(set(columns)) == len(columns) == 12
    assert columns[:6] == ["run", "alpha", "error_", "status", "seconds", "error"]
    assert table["run"].tolist() == ["0123456789ab"]
    assert table["alpha"].tolist() == [1.0]
    assert table["error_"].tolist() == [2]
    assert [table[name].tolist() for name in columns[6:]] == [[7]] * 6


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5, 10],
        [False, True, 2],
        ["a", "b"],
        [[2], [10], [10, 1]],
        [1.0, "a", [1], ["a"], [[1]]],
        [2, 10**400],
    ],
    ids=str,
)
def test_rows_come_in_the_order_of_their_parameters_whatever_those_are(values):
    rows = [row(parameters={"x": value}, run=f"{place:012}") for place, value in enumerate(values)]
    in_order = index_of(rows)
    assert [line[:12] for line in in_order.decode().splitlines()[1:]] == [r["run"] for r in rows]
    assert index_of(rows[::-1]) == in_order


def test_rows_of_other_parameters_have_empty_cells():
    text = index_of([row(parameters={"x": 1}), row(parameters={"x": 2, "y": 3})]).decode()
    assert [line.split(",")[1:3] for line in text.splitlines()] == [
        ["x", "y"],
        ["1", ""],
        ["2", "3"],
    ]


@pytest.mark.parametrize(
    "error", ["E: \ud800", "E: a\0b", "E: \x1b[31m", "first\nE: " + "x" * 10**6]
)
def test_an_error_of_any_signs_is_a_cell(error, tmp_path):
    table, (_, cells) = read_back(tmp_path, row(error=error))
    assert cells[1] == "failed"
    assert cells[3].startswith("E: ")
    assert len(cells[3]) <= 300
    assert table == {}
