"""The tables that notebooks show: what is right and bold, what Markdown makes of the cells."""

import numpy as np
import pytest
from bs4 import BeautifulSoup
from nbconvert.filters import markdown2html

from convreg.plots.tables import MATHEMATICS, Shown, shown
from convreg.storage.tables import from_rows


def cells(table):
    """The header and the rows of the Markdown, as a page has them: the cells' contents as HTML."""
    html = markdown2html(table.markdown)
    rows = BeautifulSoup(html, "html.parser").find_all("tr")
    header, *body = [[cell.decode_contents() for cell in row(["th", "td"])] for row in rows]
    return header, body


def text_of(html):
    return BeautifulSoup(html, "html.parser").get_text()


def column(values, **options):
    """How the cells of one column come out."""
    _, body = cells(shown({"x": np.array(values)}, **options))
    return [cell for (cell,) in body]


def test_a_table_by_hand():
    table = from_rows(("case", "kappa, end", "steps"), [("a", 12.41, 3), ("b", 2.9, 20)])
    found = shown(table, {"kappa, end": ".2f"}, {"kappa, end": "least", "steps": "greatest"})
    assert found.markdown.splitlines() == [
        r"| case   |   $\kappa(M)$, end |   steps |",
        "|:-------|-------------------:|--------:|",
        "| a      |              12.41 |       3 |",
        "| b      |           **2.90** |  **20** |",
    ]
    assert repr(found).splitlines() == [
        "case      kappa, end    steps",
        "------  ------------  -------",
        "a              12.41        3",
        "b              *2.90      *20",
    ]
    assert found._repr_markdown_() == found.markdown
    assert isinstance(found, Shown)


def test_a_title_stands_above():
    found = shown({"x": np.array([1])}, title="g = h,  alpha | 1\n")
    assert found.markdown.splitlines()[:3] == [
        r"**$g = h$, $\alpha$ \| 1**",
        "",
        "|   x |",
    ]
    assert found.plain.splitlines()[:2] == ["g = h, alpha | 1", "  x"]


def test_numbers_are_to_the_right_and_words_to_the_left():
    table = from_rows(("word", "whole", "float", "true"), [("a", 1, 2.0, True)])
    rule = shown(table).markdown.splitlines()[1]
    sides = [cell.endswith(":") for cell in rule.strip("|").split("|")]
    assert sides == [False, True, True, False]
    assert cells(shown(table))[1] == [["a", "1", "2.00", "yes"]]
    assert column([True, False]) == ["yes", "no"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.00"),
        (0.9996, "1.00"),
        (0.45, "0.450"),
        (123.4, "123"),
        (12345.0, "1.23e+04"),
        (2.344e-7, "2.34e-07"),
        (1e300, "1.00e+300"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (-0.5, "-0.500"),
        (np.nan, "–"),
        (np.inf, "inf"),
        (-np.inf, "-inf"),
    ],
)
def test_floats_have_three_digits(value, text):
    assert column([value]) == [text]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.8164, ".1%", "81.6%"),
        (-0.004, ".2f", "0.00"),
        (-0.006, ".2f", "-0.01"),
        (0.003, "+.1f", "0.0"),
        (802816, ",d", "802,816"),
        (802816, ".1e", "8.0e+05"),
        (10**18, "d", "1" + "0" * 18),
        (12.0, "#.2g", "12"),
        (np.nan, ".0f", "–"),
    ],
)
def test_formats(value, form, text):
    assert column([value], formats={"x": form}) == [text]
    assert shown({"x": np.array([value])}, {"x": form}).plain.split()[-1] == text


@pytest.mark.parametrize(
    ("values", "end", "bold"),
    [
        ([3.0, 1.0, 2.0], "least", [1]),
        ([3.0, 1.0, 2.0], "greatest", [0]),
        ([1.004, 1.001, 2.0], "least", [0, 1]),  # as they are shown
        ([np.nan, np.inf, 7.0], "greatest", [2]),
        ([np.nan, -np.inf, 7.0], "least", [2]),
        ([np.nan, np.nan], "least", []),
        ([np.inf], "least", []),
        ([5], "least", [0]),
        ([-0.001, 0.001], "greatest", [0, 1]),
        ([], "least", []),
    ],
)
def test_the_best_is_bold_in_all_its_places(values, end, bold):
    if -0.001 in values:
        found = column(values, formats={"x": ".1f"}, best={"x": end})
    else:
        found = column(
            np.array(values, dtype=type(values[0]) if values else float), best={"x": end}
        )
    assert [place for place, cell in enumerate(found) if cell.startswith("<strong>")] == bold


STRANGE = [
    "a|b",
    "\\|",
    "*a*",
    "__a__",
    "`a`",
    "[a](b)",
    "<b>a</b>",
    "&amp;",
    "a$b$",
    "~~a~~",
    "{a}`b`",
    "# a",
    "- a",
    "|K",
]


@pytest.mark.parametrize("text", STRANGE)
def test_what_markdown_would_read_is_shown_as_it_is(text):
    table = {text: np.array([text]), "x": np.array([1])}
    header, ((cell, number),) = cells(shown(table))
    assert [text_of(header[0]), text_of(cell), number] == [text, text, "1"]
    assert shown(table).markdown.count("\n") == 2
    assert BeautifulSoup(cell, "html.parser").find() is None


def test_lines_are_one_line():
    found = shown({"a\nb": np.array(["x\n\ny", "e\t f"])})
    assert cells(found) == (["a b"], [["x y"], ["e f"]])
    assert found.plain.splitlines() == ["a b", "-----", "x y", "e f"]


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("kappa, end", r"$\kappa(M)$, end"),
        ("lowest R_alpha / alpha", r"lowest $\mathcal{R}_\alpha / \alpha$"),
        ("3x3x3x1, alpha = 1", r"3×3×3×1, $\alpha = 1$"),
        ("sigma_max(M)", r"$\sigma_{\max}(M)$"),
        ("sigma_max^2 at least", r"$\sigma_{\max}^2$ at least"),
        ("lowest, MM'", "lowest, $MM^T$"),
        ("M'M", "$M^TM$"),
        ("off the centre, of |K|", r"off the centre, of $\lVert K\rVert$"),
        ("g = h = 2", "$g = h = 2$"),
        ("u = -v", "$u = -v$"),
        ("N = 15, 2x2", "$N = 15$, 2×2"),
        ("kappa < 1.1 after 2 steps", r"$\kappa(M) < 1.1$ after 2 steps"),
        ("alpha = 1e-05", r"$\alpha$ = 1e-05"),
        ("alpha = 1.5.", r"$\alpha$ = 1.5."),
        ("c = d", "$c$ = d"),
        ("Parseval, W / k", "Parseval, $W / k$"),
        ("Polyak's step", "Polyak's step"),
        ("kappas", "kappas"),
        ("sigma_max_2", r"sigma\_max\_2"),
        ("Mv", "Mv"),
        ("sigma", "sigma"),
    ],
)
def test_names_are_mathematics_and_nothing_else_is(text, markdown):
    found = shown({text: np.array([text])}).markdown.splitlines()
    assert found[0].strip("| ") == found[2].strip("| ") == markdown
    assert text in shown({text: np.array([text])}).plain


def test_no_formula_cuts_a_cell():
    assert all("|" not in tex for tex in MATHEMATICS.values())


def test_no_row_is_a_header():
    found = shown(from_rows(("case", "kappa"), []), {"kappa": ".2f"}, {"kappa": "least"})
    assert cells(found) == (["case", r"$\kappa(M)$"], [])
    assert found.plain.splitlines()[0].split() == ["case", "kappa"]


TABLE = {"case": np.array(["a"]), "kappa": np.array([1.0])}
BAD = [
    ({"table": [1]}, TypeError, "table: wanted columns by their names"),
    ({"table": {}}, ValueError, "table: wanted at least one column"),
    ({"table": {"x": [1.0]}}, TypeError, "table: wanted a plain array"),
    ({"table": {"x": np.zeros(2), "y": np.zeros(1)}}, ValueError, "columns of one length"),
    ({"formats": [".2f"]}, TypeError, "formats: wanted words by names of columns"),
    ({"formats": {"kappa": 2}}, TypeError, "formats: wanted words by names of columns"),
    ({"formats": {"kapa": ".2f"}}, ValueError, "formats: wanted names of columns, case, kappa"),
    ({"formats": {"case": ".2f"}}, ValueError, "formats: wanted columns of numbers, got 'case'"),
    ({"formats": {"kappa": ".2q"}}, ValueError, "formats: wanted a format of Python's"),
    ({"formats": {"kappa": "d"}}, ValueError, "formats: wanted a format of Python's"),
    ({"best": "least"}, TypeError, "best: wanted words by names of columns"),
    ({"best": {"kapa": "least"}}, ValueError, "best: wanted names of columns, .* got 'kapa'"),
    ({"best": {"case": "least"}}, ValueError, "best: wanted columns of numbers, got 'case'"),
    ({"best": {"kappa": "most"}}, ValueError, "best: wanted 'least' or 'greatest' for 'kappa'"),
    ({"title": 3}, TypeError, "title: wanted a line of text, got 3"),
]


@pytest.mark.parametrize(("change", "error", "words"), BAD)
def test_what_is_wrong_is_refused_by_name(change, error, words):
    with pytest.raises(error, match=words):
        shown(**{"table": TABLE} | change)


def test_a_bad_format_is_refused_where_there_is_no_row():
    with pytest.raises(ValueError, match="formats: "):
        shown({"x": np.array([])}, {"x": "d"})
