"""Where a line may not break: between a formula and the punctuation around it.

For a browser a formula is a box of its own, behind which a line may end.
"""

import re
from typing import Any

from sphinx.application import Sphinx

FORMULA = r'<span class="math notranslate nohighlight"[^>]*>[^<]*</span>'
WITH_ITS_SIGNS = re.compile(rf"\(?{FORMULA}(?:[,.;:%)?!]+|-[a-z]+)|\({FORMULA}")


def keep_beside(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Brackets, commas and the like stay beside their formula."""
    body = context.get("body", "")
    context["body"] = WITH_ITS_SIGNS.sub(r'<span class="together">\g<0></span>', body)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect it."""
    app.connect("html-page-context", keep_beside)
    return {"parallel_read_safe": True}
