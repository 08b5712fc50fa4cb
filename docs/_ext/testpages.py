"""A page for each file of tests that docs/map.md names: what it tests, and its source.

It is written as sphinx.ext.viewcode writes the sources of modules, with fewer colours: names and
punctuation have none, which makes the pages half as large.
"""

import ast
import posixpath
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from papermap import Row, map_rows, tested
from places import find_place
from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Literal, Name, Text
from sphinx.application import Sphinx

from convreg.companion.notebooks import ROOT

COLOURED = (Comment, Keyword, Literal, Name.Decorator, Name.Function)


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
    lines = highlight(source, lexer, HtmlFormatter(nowrap=True)).splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = f'<span id="{node.name}">{line}</span>'
    return "\n".join(lines)


def links_back(app: Sphinx, page: str, row: Row) -> str:
    """The row of the map, its functions and its notebooks, as an item of a list."""
    to = posixpath.relpath
    here = posixpath.dirname(page)

    def link(target: str, anchor: str, text: str) -> str:
        uri = to(app.builder.get_target_uri(target), here)
        return f'<a class="reference internal" href="{uri}{anchor}">{text}</a>'

    functions = []
    for name in row.functions:
        place = find_place(app.env, name)
        text = f"<code>{name.rpartition('.')[2]}</code>"
        functions.append(link(place.docname, f"#{place.node_id}", text) if place else text)
    notebooks = [
        link(name, "", escape(app.env.titles[name].astext(), quote=False)) for name in row.notebooks
    ]
    item = link("map", f"#{row.anchor}", escape(row.item, quote=False))
    return f"<li>{item}: {', '.join(functions)}; shown in {', '.join(notebooks)}</li>"


def body(app: Sphinx, page: str) -> str:
    """What a page has beside its frame."""
    source = (ROOT / f"{page}.py").read_text(encoding="utf-8")
    says = re.sub(
        r"`+([^`]+)`+",
        r"<code>\1</code>",
        escape(ast.get_docstring(ast.parse(source)) or "", quote=False),
    )
    rows = "\n".join(links_back(app, page, row) for row in map_rows() if page in row.tests)
    return (
        f"<h1>{page}.py</h1>\n"
        f"{''.join(f'<p>{part}</p>' for part in says.split(chr(10) * 2))}\n"
        f'<p>It tests:</p>\n<ul class="simple">\n{rows}\n</ul>\n'
        f'<div class="highlight-python notranslate"><div class="highlight">'
        f"<pre>{coloured(source)}\n</pre></div></div>\n"
    )


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The pages for Sphinx to frame."""
    for page in tested():
        above = {"link": app.builder.get_relative_uri(page, "map"), "title": "Map"}
        title = page.rpartition("/")[2]
        yield page, {"title": title, "parents": [above], "body": body(app, page)}, "page.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": True}
