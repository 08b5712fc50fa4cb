"""What each page says of itself, to searches and where somebody links to it.

The first sentences of its text, formulas in plain notation; _templates/layout.html writes them.
"""

import re
from html import unescape
from typing import Any

from docutils import nodes
from plain import in_words, plain
from sphinx.application import Sphinx

FORMULA = re.compile(r"`*\$([^$]+)\$`*")
LEAST, MOST = 40, 200  # letters
OWN = {
    "index": "The paper of Guo and Ye on the regularization of convolutional kernels, as code:"
    " every equation, theorem, algorithm step and figure runs and is checked.",
    "use": "The penalty R_alpha of a convolution in NumPy and in PyTorch: singular values,"
    " gradients, bounds that are proved, descents, and a term of the loss.",
    "rerun": "How to run a notebook with your own numbers: the command, every parameter with its"
    " range, and what comes out.",
    "sweep": "How to run a notebook over every combination of its parameters, here or on many"
    " machines, into one table.",
    "validate": "What the tests compare, how to repeat them, and on which systems they were run.",
    "scorecard": "Each sentence of the paper that can be checked, with a verdict that code computes"
    " and the numbers behind it.",
    "project": "How convreg is built, measured and changed: architecture, benchmarks, changelog.",
    "CHANGELOG": "What was added, changed and mended in each version of convreg.",
    "CONTRIBUTING": "What belongs into convreg, how to add a notebook or change a number, and the"
    " tests in their tiers.",
    "benchmarks/starts": "What R_alpha is at the start of a ResNet-18, and what a batch norm does.",
    "api/companion": "How a notebook is run as a program: its parameters, one run, a sweep, all of"
    " them, the command line.",
    "benchmarks/README": "What convreg is measured against, item by item, with the targets and the"
    " commands that measure it again.",
    "benchmarks/coverage": "The layers of the networks of torchvision and timm that have a penalty,"
    " and why the others have none.",
    "search": "Search the notebooks, the pages and the reference of convreg.",
    "genindex": "Every function, class and module of convreg, in alphabetical order.",
    "_modules/index": "The source of every module of convreg, with links to the reference.",
}
TITLES = {"search": "Search", "genindex": "Index"}  # theirs come too late for the breadcrumbs
CARD = (
    "The penalty over 20 iterations for alpha = 10: the power method's estimate dips below alpha"
    " and comes back, the exact penalty comes down to alpha and stays there."
)


def describe(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give the template its words."""
    text = OWN.get(pagename) or (paragraphs(doctree) if doctree else of_source(context))
    if text.startswith("python 3"):  # a report begins with the versions
        text = f"{context['title']}: what was measured, as ratios within one run, and on what."
    context["description"] = shortened(text)
    if pagename in TITLES:
        context["title"] = TITLES[pagename]
    context["card_text"] = CARD if doctree else ""  # sources are not what people share
    context["html_baseurl"] = app.config.html_baseurl


def paragraphs(doctree: nodes.document) -> str:
    """The text of a page, formulas in plain notation."""
    free = (node for node in doctree.findall(nodes.paragraph) if stands_free(node))
    return " ".join(in_words(node).astext() for node in free)


def of_source(context: dict[str, Any]) -> str:
    """For the source of a module: the first paragraph that it says of itself."""
    said = re.search(r'"""(.+?)(?:"""|\n\n|</span>\n\n)', context.get("body", ""), re.DOTALL)
    text = unescape(re.sub(r"<[^>]+>", "", said[1])) if said else ""
    words = FORMULA.sub(lambda found: plain(found[1]), text)
    return f"Source of {context['title']}. {words.replace('`', '')}"


def stands_free(paragraph: nodes.paragraph) -> bool:
    """Is it text of the page, and of no table, list, caption or function?"""
    return isinstance(paragraph.parent, nodes.section)


def shortened(text: str) -> str:
    """The first sentence, with the next where it is short; a long one as far as there is place.

    >>> shortened("One. Two and three go on for more than forty letters. Four.")
    'One. Two and three go on for more than forty letters.'
    """
    first, *others = re.split(r"(?<=[\w)]{2}[.?!]) ", " ".join(text.split()))
    while others and len(first) < LEAST:
        first = f"{first} {others.pop(0)}"
    if len(first) <= MOST:
        return first
    start = first[: MOST - 1]
    part, _, _ = start.rpartition("; ")
    if len(part) < MOST / 2:
        part, _, _ = start.rpartition(" ")
    return part.rstrip(",;:") + "…"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect it."""
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True}
