"""The first page: its picture, its formulas; the picture of the cards that others show of a page.

No formula of it needs MathJax: each becomes MathML, which the browser draws itself.
"""

from html import escape
from io import BytesIO
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from matplotlib.figure import Figure
from PIL import Image
from plain import plain
from sphinx.application import Sphinx

from convreg.plots.glance import card_figure, glance_figure
from convreg.storage.tables import groups, read_table

ALPHA = 10  # of Figure 3.2, the value with the deepest dip


def draw_pictures(app: Sphinx) -> None:
    """Draw glance.png and _static/card.png, from the numbers of Figure 3.2."""
    table = groups(read_table(Path(app.srcdir) / "figures" / "figure_3_2.csv"), "alpha")[ALPHA]
    draw(glance_figure(table), Path(app.srcdir) / "glance.png")
    draw(card_figure(table), Path(app.srcdir) / "_static" / "card.png")


def draw(figure: Figure, path: Path) -> None:
    """A picture of few colours, and a third of the size; the file as it was if it is the same."""
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, dpi=200)
    Image.open(drawn).convert("RGB").quantize(64).save(small, "png", optimize=True)
    if not path.exists() or path.read_bytes() != small.getvalue():
        path.write_bytes(small.getvalue())


def native_formulas(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make MathML of the formulas of the first page."""
    if docname != app.config.root_doc or app.builder.format != "html":
        return
    for kind, display in ((nodes.math, "inline"), (nodes.math_block, "block")):
        for formula in list(doctree.findall(kind)):
            tex = formula.astext()
            name = plain(tex)
            mathml = convert(tex, display=display).replace(
                "<math", f'<math data-plain="{escape(name)}"', 1
            )
            formula.replace_self(nodes.raw("", mathml, format="html", plain=name))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.connect("builder-inited", draw_pictures)
    app.connect("doctree-resolved", native_formulas)
    return {"parallel_read_safe": True}
