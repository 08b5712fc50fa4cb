"""Where a line may break, and where not.

For a browser a formula is a box of its own, behind which a line may end: not before a comma. The
name of a function or a module is one word: behind its underscores and dots a line of the page's
list may end, and of a heading.
"""

import re
from typing import Any

from sphinx.application import Sphinx

FORMULA = r'<span [^>]*class="math notranslate nohighlight"[^>]*>[^<]*</span>'
WITH_ITS_SIGNS = re.compile(rf"\(?{FORMULA}(?:[,.;:%)?!]+|-[a-z]+)|\({FORMULA}")
WITHIN_NAMES = re.compile(r"(?<=_)(?=\w[^<>]*</span>)|(?<=[a-z]\.)(?=[a-z_][^<>]*</a>)")

HEADING = re.compile(r"<h[2-4]>[\w.]+<a")
BEHIND_DOTS = re.compile(r"(?<=[a-z]\.)(?=[a-z_])")


def break_names(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Names in the list of what is on the page may go on in the next line."""
    if "toc" in context:
        context["toc"] = WITHIN_NAMES.sub("<wbr>", context["toc"])


def keep_beside(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Brackets, commas and the like stay beside their formula; the name of a module may break."""
    body = HEADING.sub(lambda found: BEHIND_DOTS.sub("<wbr>", found[0]), context.get("body", ""))
    context["body"] = WITH_ITS_SIGNS.sub(r'<span class="together">\g<0></span>', body)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.connect("html-page-context", break_names)
    app.connect("html-page-context", keep_beside)
    return {"parallel_read_safe": True}
