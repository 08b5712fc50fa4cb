"""The interactive figure: a directive, with the caption as its content.

It shows the runs of explorer.json, which convreg.studies.explorer writes. They travel within the
page, packed: so they are small and need no server. Without JavaScript there is a picture of the
first run.
"""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from home import draw
from jinja2 import Template
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from convreg.plots.paper import convergence_figure
from convreg.storage.tables import PAPERS_LINES

RECORD = "explorer.json"
TEMPLATE = "_templates/explorer.html"
START = {"kernel": "3x3x3x1", "alpha": "1", "gram": "columns", "update": "2"}
PICTURE = "explorer.png"


def read(app: Sphinx) -> dict[str, Any]:
    """What was recorded."""
    text = (Path(app.srcdir) / RECORD).read_text(encoding="utf-8")
    record: dict[str, Any] = json.loads(text)
    return record


def first_run(record: dict[str, Any]) -> dict[str, Any]:
    """The run that is shown before anything is chosen."""
    run: dict[str, Any] = record["runs"][" ".join(START.values())]
    return run


def draw_picture(app: Sphinx) -> None:
    """Draw the first run as Figure 3.2 does."""
    record = read(app)
    steps = record["iterations"] + 1
    run = first_run(record)
    table = {
        "case": np.array([f"{START['kernel']}, alpha = {START['alpha']}"] * steps),
        "alpha": np.full(steps, float(START["alpha"])),
        "iteration": np.arange(steps),
        **{line: np.array(run[line]) for line in PAPERS_LINES},
    }
    draw(convergence_figure(table), Path(app.srcdir) / PICTURE)


class Explorer(SphinxDirective):
    """``{explorer}``: the figure, and below it the caption."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The figure as HTML around the picture and the caption."""
        record = read(self.env.app)
        for file in (RECORD, TEMPLATE):
            self.env.note_dependency(file)
        words = " ".join(first_run(record)["words"])
        alt = f"Singular values, condition number and penalty over the iterations. {words}"
        picture = nodes.image("", uri=PICTURE, alt=alt)
        caption = self.parse_content_to_nodes()
        return [
            _html(f'<figure class="explorer">\n{self._live(record)}\n<noscript>'),
            picture,
            _html(f"<p>{words}</p>\n</noscript>\n<figcaption>"),
            *caption,
            _html("</figcaption>\n</figure>"),
        ]

    def _live(self, record: dict[str, Any]) -> str:
        """What explorer.js moves, with the record."""
        estimate = first_run(record)["estimate"]
        lowest = estimate.index(min(estimate))
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
        template = Path(self.env.srcdir) / TEMPLATE
        return Template(template.read_text(encoding="utf-8"), autoescape=True).render(
            record=record,
            start=START | {"iteration": lowest},
            packed=packed,
            kernels=[(name, name.replace("x", "×")) for name in record["kernels"]],
            alphas=[(f"{alpha:g}",) * 2 for alpha in record["alphas"]],
            grams=record["grams"].items(),
            updates=[(str(update), str(update).upper()) for update in record["updates"]],
        )


def _html(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def add_files(app: Sphinx, page: str, template: str, context: Any, tree: Any) -> None:
    """The scripts and style sheets, on pages with the figure alone."""
    if 'class="explorer"' not in context.get("body", ""):
        return
    app.add_js_file("vendor/uplot/uPlot.iife.min.js", loading_method="defer")
    app.add_js_file("explorer.js", loading_method="defer")
    app.add_css_file("vendor/uplot/uPlot.min.css")
    app.add_css_file("explorer.css")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect it."""
    app.add_directive("explorer", Explorer)
    app.connect("builder-inited", draw_picture)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True}
