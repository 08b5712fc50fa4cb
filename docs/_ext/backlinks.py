"""Links both ways between the equations, functions, notebooks and tests of docs/map.md.

A row of the map has an anchor. The functions that it names say in the reference where they are in
the paper, its notebooks end with what they show of it, and its equations, where a notebook numbers
them, lead to the code.
"""

import re
from collections.abc import Iterable

from docutils import nodes
from papermap import Row, map_rows
from places import find_place, link_to_place
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

NUMBER = re.compile(r"\((\d\.\d)\)")
TAG = re.compile(r"\\tag\{(\d\.\d)\}")


def to_page(
    app: Sphinx, docname: str, page: str, anchor: str, *text: nodes.Node
) -> nodes.reference:
    """A link from a page to another of the site, whether Sphinx or tests.py wrote it."""
    return make_refnode(app.builder, docname, page, anchor, list(text))


def to_row(app: Sphinx, docname: str, row: Row) -> nodes.reference:
    """A link to a row of the map."""
    return to_page(app, docname, "map", row.anchor, nodes.Text(row.item))


def to_test(app: Sphinx, docname: str, test: str) -> nodes.reference:
    """A link to the page of a test."""
    return to_page(app, docname, test, "", nodes.literal("", test.rpartition("/")[2]))


def to_function(app: Sphinx, docname: str, name: str) -> nodes.reference:
    """A link to the place of a function in the reference."""
    text = nodes.literal("", name.rpartition(".")[2])
    return link_to_place(app, docname, find_place(app.env, name), text)


def to_notebook(app: Sphinx, docname: str, notebook: str, section: str) -> nodes.reference:
    """A link to a notebook, or to a section of it, by the notebook's title."""
    title = [child.deepcopy() for child in app.env.titles[notebook].children]
    return to_page(app, docname, notebook, section, *title)


def listed(links: Iterable[nodes.Node]) -> list[nodes.Node]:
    """Links with commas between them."""
    parts: list[nodes.Node] = []
    for link in links:
        parts += [nodes.Text(", "), link] if parts else [link]
    return parts


# The map


def anchor_rows(app: Sphinx, doctree: nodes.document) -> None:
    """Every row of the map has an id and a link to itself; its equations lead to a notebook."""
    (body,) = doctree.findall(nodes.tbody)
    for found, row in zip(body.findall(nodes.row), map_rows(), strict=True):
        found["ids"].append(row.anchor)
        paragraph = next(found.findall(nodes.paragraph))
        for text in list(paragraph.findall(nodes.Text)):
            text.parent.replace(text, list(linked_numbers(app, text, row)))
        own = nodes.reference("", "#", refid=row.anchor, classes=["headerlink"])
        own["reftitle"] = "Link to this row"
        paragraph += own


def linked_numbers(app: Sphinx, text: nodes.Text, row: Row) -> Iterable[nodes.Node]:
    """A text in which the equations that a notebook of the row numbers are links to it."""
    for part in re.split(r"(\(\d\.\d\))", text.astext()):
        number = NUMBER.fullmatch(part)
        homes = [name for name in row.notebooks if number and number[1] in numbered(app, name)]
        if homes:
            yield to_page(app, "map", homes[0], equation_id(number[1]), nodes.Text(part))
        elif part:
            yield nodes.Text(part)


def numbered(app: Sphinx, docname: str) -> set[str]:
    """The numbers that the display equations of a page have."""
    blocks = app.env.get_doctree(docname).findall(nodes.math_block)
    return {number for block in blocks for number in TAG.findall(block.astext())}


def equation_id(number: str) -> str:
    """The id of an equation in its page.

    >>> equation_id("2.5")
    'equation-2-5'
    """
    return f"equation-{number.replace('.', '-')}"


# The reference


def describe_functions(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """What the map names says in the reference where it is in the paper, shown and tested."""
    rows: dict[str, list[tuple[Row, str]]] = {}
    for row in map_rows():
        for name in row.functions:
            if place := find_place(app.env, name):
                rows.setdefault(place.node_id, []).append((row, name))
    for description in list(doctree.findall(addnodes.desc)):
        signature = next(description.findall(addnodes.desc_signature))
        content = next(description.findall(addnodes.desc_content))
        entries = [entry for name in signature["ids"] for entry in rows.get(name, [])]
        lines = [in_the_paper(app, docname, row, name) for row, name in entries]
        fields = content.first_child_matching_class(nodes.field_list)
        end = len(content) if fields is None else fields
        content[end:end] = lines  # below what it is, above what it takes


def in_the_paper(app: Sphinx, docname: str, row: Row, name: str) -> nodes.paragraph:
    """A line of the reference: the row of the map, the notebooks and the tests of a function."""
    line = nodes.paragraph("", "In the paper: ", classes=["in-the-paper"])
    line += to_row(app, docname, row)
    line += nodes.Text("; shown in ")
    short = name.rpartition(".")[2]
    homes = [(page, section_with(app, page, short)) for page in row.notebooks]
    line += listed(to_notebook(app, docname, page, section) for page, section in homes)
    line += nodes.Text("; tested in ")
    line += listed(to_test(app, docname, test) for test in row.tests)
    return line


def section_with(app: Sphinx, docname: str, name: str) -> str:
    """The id of the section of a notebook whose code uses a name, imports aside; else ''."""
    for block in app.env.get_doctree(docname).findall(nodes.literal_block):
        used = [line for line in block.astext().splitlines() if re.search(rf"\b{name}\b", line)]
        if any("import" not in line for line in used):
            node = block.parent
            while not isinstance(node, nodes.section):
                node = node.parent
            return str(node["ids"][0])
    return ""


# The notebooks


def link_equations(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """A numbered equation has an id, and below it the functions that compute it."""
    for block in list(doctree.findall(nodes.math_block)):
        for number in TAG.findall(block.astext()):
            block["ids"].append(equation_id(number))
            for row in map_rows():
                if number in row.equations and docname in row.notebooks:
                    below = block.parent.index(block) + 1
                    block.parent.insert(below, in_code(app, docname, row, number))


def in_code(app: Sphinx, docname: str, row: Row, number: str) -> nodes.paragraph:
    """The line below an equation: its functions, and its row of the map."""
    line = nodes.paragraph("", f"({number}) in code: ", classes=["equation-in-code"])
    line += listed(to_function(app, docname, name) for name in row.functions)
    line += nodes.Text("; in the map: ")
    line += to_row(app, docname, row)
    return line


def end_with_what_is_shown(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """A notebook ends with the rows of the map that lead to it, their functions and tests."""
    shown = nodes.bullet_list(classes=["shown-here"])
    for row in map_rows():
        if docname in row.notebooks:
            line = nodes.paragraph("", "", to_row(app, docname, row), nodes.Text(": "))
            line += listed(to_function(app, docname, name) for name in row.functions)
            line += nodes.Text("; tested in ")
            line += listed(to_test(app, docname, test) for test in row.tests)
            shown += nodes.list_item("", line)
    if shown.children:
        title = nodes.rubric("", "Shown here", ids=["shown-here"])
        title["heading-level"] = 2
        next(doctree.findall(nodes.section)).extend([title, shown])


def link_both_ways(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """What a page has of this."""
    if docname == "map":
        anchor_rows(app, doctree)
    elif docname.startswith("api/"):
        describe_functions(app, doctree, docname)
    elif docname.startswith("notebooks/"):
        link_equations(app, doctree, docname)
        end_with_what_is_shown(app, doctree, docname)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect it."""
    app.connect("doctree-resolved", link_both_ways)
    return {"parallel_read_safe": True}
