"""A page for each file of tests that docs/map.md names: what it tests, and its source.

It is written as sphinx.ext.viewcode writes the sources of modules, with fewer colours: names,
numbers and punctuation have none, which makes the pages half as large.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

from backlinks import listed, to_function, to_notebook, to_row
from docutils import nodes
from papermap import map_rows, tested
from plain import in_words
from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Name, String, Text
from sphinx.application import Sphinx

from convreg.companion.notebooks import ROOT

COLOURED = (Comment, Keyword, Name.Decorator, Name.Function, String)


class FewColours(Filter):
    """Tokens that are read as plain text are plain text."""

    def filter(self, lexer: Any, stream: Any) -> Iterator[tuple[Any, str]]:
        """The tokens."""
        for kind, value in stream:
            coloured = any(kind in known for known in COLOURED)
            yield (kind if coloured else Text), value


def coloured(source: str) -> str:
    """The source as HTML; a test has its name as id.

    >>> coloured("def test_it():\\n    pass\\n").splitlines()[0]
    '<span id="test_it"><span class="k">def</span> <span class="nf">test_it</span>():</span>'
    """
    lexer = PythonLexer()
    lexer.add_filter(FewColours())
    text = highlight(source, lexer, HtmlFormatter(nowrap=True))
    lines = text.replace("&quot;", '"').replace("&#39;", "'").splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = f'<span id="{node.name}">{line}</span>'
    return "\n".join(lines)


def says(source: str) -> nodes.paragraph:
    """The first paragraph of a module's docstring."""
    first = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0]
    paragraph = nodes.paragraph()
    for number, part in enumerate(re.split("`+", first)):
        paragraph += nodes.literal("", part) if number % 2 else nodes.Text(part)
    return paragraph


def what_it_tests(app: Sphinx, page: str) -> nodes.bullet_list:
    """The rows of the map that name it, with their functions and notebooks."""
    rows = nodes.bullet_list()
    for row in map_rows():
        if page in row.tests:
            line = nodes.paragraph("", "", to_row(app, page, row), nodes.Text(": "))
            line += listed(to_function(app, page, name) for name in row.functions)
            line += nodes.Text("; shown in ")
            line += listed(to_notebook(app, page, notebook, "") for notebook in row.notebooks)
            rows += nodes.list_item("", in_words(line))
    return rows


def body(app: Sphinx, page: str) -> str:
    """What a page has beside its frame."""
    source = (ROOT / f"{page}.py").read_text(encoding="utf-8")
    tests = nodes.paragraph("", "It tests:")
    top = nodes.container("", says(source), tests, what_it_tests(app, page))
    title = re.sub("([/_])", r"\1<wbr>", page)
    return (
        f"<h1>{title}.py</h1>\n{app.builder.render_partial(top)['fragment']}\n"
        '<div class="highlight-python notranslate"><div class="highlight">'
        f"<pre>{coloured(source)}\n</pre></div></div>\n"
    )


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The pages for Sphinx to frame."""
    for page in tested():
        above = {"link": app.builder.get_relative_uri(page, "map"), "title": "Map"}
        title = page.removeprefix("tests/")
        yield page, {"title": title, "parents": [above], "body": body(app, page)}, "page.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": True}
