"""What Sphinx writes that a screen reader cannot make sense of."""

import re
from typing import Any

from sphinx.application import Sphinx

# Where each parameter has a line, Sphinx writes a list of descriptions without terms.
PARAMETERS = re.compile(r'<dl>\n(<dd><em class="sig-param">.*?)</dl>', re.DOTALL)


def plain_parameters(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any
) -> None:
    """The lines of a long signature are lines, not such a list."""
    context["body"] = PARAMETERS.sub(lines, context.get("body", ""))


def lines(found: re.Match[str]) -> str:
    """The same with elements that may stand alone."""
    inner = found[1].replace("<dd>", '<div class="sig-line">').replace("</dd>", "</div>")
    return f"<div>{inner}</div>"


def flat_list(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Of all modules with a source one list: Sphinx puts lists into a list without an item."""
    if page == "_modules/index":
        title, _, items = context["body"].partition("<ul>")
        context["body"] = f"{title}<ul>{re.sub('</?ul>', '', items)}</ul>"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.connect("html-page-context", plain_parameters)
    app.connect("html-page-context", flat_list)
    return {"parallel_read_safe": True}
