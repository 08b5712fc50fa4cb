"""Nothing lies in the site that no page loads, and the pages of sources have fewer tags."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

# Of MathJax, below _static/mathjax: TeX in, HTML out, and what screen readers get; its fonts. The
# rest is other builds, and what its menu would load.
MATHJAX = (
    "startup.js",
    "core.js",
    "input/tex.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "output/chtml/fonts/woff-v2/*",
    "a11y/assistive-mml.js",
)
COMPONENTS = ["input/tex", "output/chtml", "a11y/assistive-mml"]
ICON = re.compile(r"\bfa-[a-z0-9-]+")
ICON_RULE = re.compile(r'((?:\.fa-[a-z0-9-]+,?)+)\{--fa:"[^"]*"\}')
# Names, punctuation, operators and blanks have the colour of the text.
UNCOLOURED = re.compile(r'<span class="(?:n|p|o|w|nn)">([^<]*)</span>')


def thin_source(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """A module's source without a tag for each word, which halves its page."""
    if page.startswith("_modules/"):
        context["body"] = UNCOLOURED.sub(r"\1", context["body"])


def lean_head(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """The styles of notebooks are for notebooks."""
    sheets = context["css_files"]
    if not page.startswith("notebooks/"):
        sheets = [sheet for sheet in sheets if "mystnb" not in str(sheet.filename)]
    context["css_files"] = sheets


def drop_unused(app: Sphinx, error: Exception | None) -> None:
    """Other parts of MathJax, and the maps that lead from packed scripts to their sources."""
    static = Path(app.outdir, "_static")
    kept = {path for pattern in MATHJAX for path in (static / "mathjax").glob(pattern)}
    for path in (static / "mathjax").rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()
    for path in static.rglob("*.map"):
        path.unlink()


def drop_icons(app: Sphinx, error: Exception | None) -> None:
    """Of the two thousand icons that the theme's style sheet names, those that pages show."""
    pages = [*Path(app.outdir).rglob("*.html"), *Path(app.outdir).rglob("*.js")]
    shown = {icon for page in pages for icon in ICON.findall(page.read_text(encoding="utf-8"))}
    sheet = Path(app.outdir, "_static", "styles", "pydata-sphinx-theme.css")
    rules = sheet.read_text(encoding="utf-8")

    def kept(rule: re.Match[str]) -> str:
        return rule[0] if shown.intersection(ICON.findall(rule[1])) else ""

    sheet.write_text(ICON_RULE.sub(kept, rules), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them, the last behind those who copy."""
    app.config.mathjax_path = "mathjax/startup.js"  # also sphinx-mathjax-offline sets it here
    app.connect("html-page-context", thin_source)
    app.connect("html-page-context", lean_head)
    app.connect("build-finished", drop_unused, priority=900)
    app.connect("build-finished", drop_icons, priority=900)
    return {"parallel_read_safe": True}
