"""The tables of the site: their header cells have a scope, every cell the label of its column.

Where there is no room for a table, tables.css shows each row as a card: a cell is a line, label and
value. Then browsers forget that it is a table, so the roles of its parts are written down.
"""

import re
from typing import Any

from bs4 import BeautifulSoup, NavigableString, Tag
from docutils import nodes
from sphinx.application import Sphinx

NUMBER = re.compile(r"[<>~≤≥±]? ?[-+−]?\d[\d.,]*([eE][-+]?\d+)? ?(%|[mµn]?s|min|h|[kMG]i?B|times)?")
WITHIN_NUMBER = re.compile(r"(?<=\S) (?=\S)")
BESIDE_EQUALS = re.compile(r" (?==)|(?<==) ")
NO_NUMBER = ("", "-", "–", "inf", "nan")
LONG = 16  # letters: a longer word may be broken behind one of these
BREAKS = re.compile(r"(?<=[._/,=])(?=\w)")
ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
ROOM = 26  # letters that fit beside each other on a phone


def improve(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Every table of the page with a header."""
    if not isinstance(tree, nodes.document) or "<table" not in context["body"]:
        return
    soup = BeautifulSoup(context["body"], "html.parser")
    for table in soup.find_all("table"):
        if table.thead and table.tbody:
            improve_table(table)
    context["body"] = str(soup)


def improve_table(table: Tag) -> None:
    """Scopes, labels, sides of numbers, places for line breaks, roles."""
    heads = table.thead.find_all("tr")[-1].find_all(["th", "td"])
    rows = [row.find_all(["td", "th"]) for row in table.tbody.find_all("tr")]
    if any(len(row) != len(heads) for row in rows):
        raise ValueError(f"a table whose rows differ in length: {heads}")
    columns = [list(cells) for cells in zip(*rows, strict=True)]
    for head, cells in zip(heads, columns, strict=True):
        label = words(head)
        head.name = "th" if label else "td"
        if label:
            head["scope"] = "col"
        for cell in cells:
            cell["data-label"] = label
        if all(map(is_numeric, cells)) and any(map(words, cells)):
            for cell in [head, *cells]:
                turn_right(cell)
    if columns and (is_corner(heads[0], columns[0]) or names_rows(columns[0])):
        for cell in columns[0]:
            cell.name = "th"
            cell["scope"] = "row"
    for cell in table.find_all(["td", "th"]):
        allow_breaks(cell)
        keep_together(cell)
    make_cards(table, [[head, *cells] for head, cells in zip(heads, columns, strict=True)])


def words(cell: Tag) -> str:
    """The text of a cell, with formulas in plain notation."""
    parts = [
        part.find_parent(class_="math").get("data-plain", str(part))
        if part.find_parent(class_="math")
        else str(part)
        for part in cell.find_all(string=True)
    ]
    return " ".join("".join(parts).split())


def is_numeric(cell: Tag) -> bool:
    """A number, with its unit, or what stands where there is none."""
    text = words(cell)
    return text in NO_NUMBER or bool(NUMBER.fullmatch(text))


def turn_right(cell: Tag) -> None:
    """Numbers stand at the right, unless the page says otherwise."""
    classes = cell.get("class", [])
    if not any(name.startswith("text-") for name in classes):
        cell["class"] = [*classes, "text-right"]


def keep_together(cell: Tag) -> None:
    """A number and its unit, a name and its value are not parted at the end of a line."""
    within = WITHIN_NUMBER if is_numeric(cell) else BESIDE_EQUALS
    for text in cell.find_all(string=within):
        if not text.find_parent(class_="math"):
            text.replace_with(NavigableString(within.sub("\N{NO-BREAK SPACE}", text)))


def is_corner(head: Tag, cells: list[Tag]) -> bool:
    """An empty head above a column of words: they are the heads of their rows."""
    return not words(head) and all(map(words, cells))


def names_rows(cells: list[Tag]) -> bool:
    """A column in which every row has a text of its own."""
    texts = [words(cell) for cell in cells]
    return all(texts) and len(set(texts)) == len(texts)


def allow_breaks(cell: Tag) -> None:
    """A long name may go on in the next line behind its dots and underscores."""
    for text in cell.find_all(string=True):
        parts = BREAKS.split(text)
        if longest(text) <= LONG or len(parts) == 1 or text.find_parent(class_="math"):
            continue
        for part in parts[:-1]:
            text.insert_before(NavigableString(part), Tag(name="wbr", can_be_empty_element=True))
        text.replace_with(NavigableString(parts[-1]))


def longest(text: str) -> int:
    """The letters of the longest word."""
    return max(map(len, text.split()), default=0)


def make_cards(table: Tag, columns: list[list[Tag]]) -> None:
    """A table that does not fit a phone gets the class of those shown as cards, and the roles."""
    need = sum(max(map(least_width, column)) + 2 for column in columns)
    if len(columns) <= 2 and need <= ROOM:
        return
    table["class"] = [*table.get("class", []), "cards"]
    table["role"] = "table"
    for part in table.find_all(["thead", "tbody", "tr", "td"]):
        part["role"] = ROLES[part.name]
    for head in table.find_all("th"):
        head["role"] = "columnheader" if head["scope"] == "col" else "rowheader"


def least_width(cell: Tag) -> int:
    """The letters that have to stand in one line."""
    pieces = BREAKS.sub(" ", words(cell))
    return longest(pieces)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect it."""
    app.connect("html-page-context", improve)
    return {"parallel_read_safe": True}
