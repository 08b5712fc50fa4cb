"""The search finds and shows formulas in plain notation.

Its index has R_alpha, and not TeX, in words and titles; each formula of a page has its plain form
as an attribute, which _static/search.js reads for the summaries.
"""

from collections.abc import Callable
from html import escape
from typing import Any

from docutils import nodes
from plain import in_words, plain
from sphinx.application import Sphinx


def name_formulas(visit: Callable[..., None]) -> Callable[..., None]:
    """A writer of formulas, which then have the attribute data-plain."""

    def visit_formula(writer: Any, node: nodes.Element) -> None:
        start = len(writer.body)
        try:
            visit(writer, node)
        finally:  # it ends with an exception, SkipNode
            name = f' data-plain="{escape(plain(node.astext()))}" class='
            writer.body[start] = writer.body[start].replace(" class=", name, 1)

    return visit_formula


def index_words(index_page: Callable[..., None]) -> Callable[..., None]:
    """What feeds the index with a page, its formulas in words."""

    def index_page_in_words(name: str, doctree: nodes.document, title: str) -> None:
        page = in_words(doctree)
        heading = page.next_node(nodes.title)
        index_page(name, page, heading.astext() if heading else title)

    return index_page_in_words


def connect(app: Sphinx) -> None:
    """Put both in the place of Sphinx's own."""
    if app.builder.format == "html":
        inline, block = (
            app.registry.html_inline_math_renderers,
            app.registry.html_block_math_renderers,
        )
        for renderers in (inline, block):
            visit, depart = renderers["mathjax"]
            renderers["mathjax"] = (name_formulas(visit), depart)
        app.builder.index_page = index_words(app.builder.index_page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.add_js_file("search.js", loading_method="defer")
    app.connect("builder-inited", connect)
    return {"parallel_read_safe": True}
