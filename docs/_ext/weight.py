"""Nothing lies in the site that no page loads, and pages have no tag that does nothing."""

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
# In code, what has the colour of text; on pages of sources numbers and operators have it, too. And
# what signatures and literals say twice.
PLAIN_CODE = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')
PLAIN_SOURCE = re.compile(r'<span class="(?:n|nn|p|w|o|ow|mi|mf|nb|bp|si)">([^<]*)</span>')
TWICE = re.compile(r'<(span|code) class="([^"]+)"><span class="pre">([^<]*)</span></\1>')


def fewer_tags(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Code with a tag for what has a colour of its own, not for each word; no empty last line."""
    body = TWICE.sub(r'<\1 class="\2">\3</\1>', context.get("body", ""))
    body = re.sub(r"\n+</pre>", "\n</pre>", PLAIN_CODE.sub(r"\1", body))
    if page.startswith(("_modules/", "tests/")):
        above, tag, source = PLAIN_SOURCE.sub(r"\1", body).partition("<pre>")
        body = above + tag + source.replace("&quot;", '"').replace("&#39;", "'")
    context["body"] = body


def lean_head(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """The styles of notebooks are for notebooks."""
    sheets = context["css_files"]
    if not page.startswith("notebooks/"):
        sheets = [sheet for sheet in sheets if "mystnb" not in str(sheet.filename)]
    context["css_files"] = sheets


def drop_unused(app: Sphinx, error: Exception | None) -> None:
    """Other parts of MathJax, maps from packed scripts to their sources, icons by script."""
    static = Path(app.outdir, "_static")
    kept = {path for pattern in MATHJAX for path in (static / "mathjax").glob(pattern)}
    for path in (static / "mathjax").rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()
    for path in static.rglob("*.map"):
        path.unlink()
    for name in ("scripts/fontawesome.js", "webpack-macros.html"):
        (static / name).unlink(missing_ok=True)


def drop_icons(app: Sphinx, error: Exception | None) -> None:
    """Of the two thousand icons that the theme's style sheet names, those that pages show."""
    pages = [*Path(app.outdir).rglob("*.html"), *Path(app.outdir).rglob("*.js")]
    shown = {icon for page in pages for icon in ICON.findall(page.read_text(encoding="utf-8"))}
    sheet = Path(app.outdir, "_static", "styles", "pydata-sphinx-theme.css")
    rules = sheet.read_text(encoding="utf-8")

    def kept(rule: re.Match[str]) -> str:
        return rule[0] if shown.intersection(ICON.findall(rule[1])) else ""

    sheet.write_text(ICON_RULE.sub(kept, rules), encoding="utf-8")
    for family in {"brands", "regular"} - {icon.removeprefix("fa-") for icon in shown}:
        for font in Path(app.outdir, "_static", "vendor", "fontawesome").rglob(f"*-{family}-*"):
            font.unlink()


def squeeze_frames(app: Sphinx, error: Exception | None) -> None:
    """Around the article no blank lines and no indentation, which the templates leave.

    Without JavaScript the theme "auto" has no colours: there a page is light.
    """
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        before, opened, rest = text.partition("<article")
        article, closed, after = rest.rpartition("</article>")
        frame = [re.sub(r"\s*\n\s*", "\n", part) for part in (before, after)]
        squeezed = frame[0] + opened + article + closed + frame[1]
        coloured = squeezed.replace('data-theme="auto"', 'data-theme="light"', 1)
        path.write_text(coloured, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them, the last behind those who copy."""
    app.config.mathjax_path = "mathjax/startup.js"  # also sphinx-mathjax-offline sets it here
    app.connect("html-page-context", fewer_tags)
    app.connect("html-page-context", lean_head)
    app.connect("build-finished", drop_unused, priority=900)
    app.connect("build-finished", drop_icons, priority=900)
    app.connect("build-finished", squeeze_frames, priority=900)
    return {"parallel_read_safe": True}
