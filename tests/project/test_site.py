"""The site as its readers meet it: built by `make site`, every page opened in a browser."""

import pkgutil
import re

import pytest
from browsing import (
    COLOURS,
    CUT,
    THEME,
    accessible,
    dead_links,
    inspected,
    none_of,
    served,
    visit,
)
from pages import ROOT, rows
from pages import page as page_of_docs

import convreg

with_a_browser = pytest.mark.browser
of_the_site = pytest.mark.kernel  # it is built, which takes half a minute or more
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# What the paper numbers.
EQUATIONS = {"1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3", "2.4", "2.5"}


# Every page


@with_a_browser
@of_the_site
def test_every_page_loads_typesets_fits_and_is_accessible(visits):
    assert len(visits) > 40
    none_of([f"{url}: {problem}" for url, seen in visits.items() for problem in seen.problems])


@with_a_browser
@of_the_site
def test_every_link_and_anchor_leads_somewhere(visits, site, address):
    links = [link for seen in visits.values() for link in seen.links]
    assert sum(link.startswith(address) for link in links) > 1000
    none_of(dead_links(visits, site, address))


@with_a_browser
@of_the_site
def test_every_page_with_mathematics_has_it(visits, address):
    for path in NOTEBOOKS:
        assert visits[f"{address}notebooks/{path.stem}.html"].formulas > 5
    assert visits[f"{address}index.html"].formulas > 5
    assert visits[f"{address}use.html"].formulas > 5


@with_a_browser
@of_the_site
def test_the_reference_has_every_public_module_and_name(visits):
    ids = set().union(*(seen.ids for seen in visits.values()))
    modules = [found.name for found in pkgutil.walk_packages(convreg.__path__, "convreg.")]
    private = {name for name in modules if "._" in name.replace(".__main__", "")}
    assert not {name for name in modules if f"module-{name}" not in ids} - private
    public = [getattr(convreg, name) for name in convreg.__all__]
    assert not [it for it in public if f"{it.__module__}.{it.__name__}" not in ids]


@of_the_site
def test_equation_numbers_are_the_papers(site):
    texts = [path.read_text() for path in site.rglob("*.html")]
    numbers = [re.findall(r"\\tag\{([^}]*)\}", text) for text in texts]
    assert {"1.2", "2.2", "2.5"} <= set().union(*numbers) <= EQUATIONS


@with_a_browser
@of_the_site
def test_every_kind_of_token_in_code_can_be_read(page, site, address):
    """Once each, as axe-core takes seconds for the contrast of a page of code."""
    texts = [path.read_text(encoding="utf-8") for path in site.rglob("*.html")]
    kinds = sorted(set(re.findall(r'<span class="([a-z][a-z0-9]?)">', "".join(texts))))
    assert len(kinds) > 20
    tokens = " ".join(f'<span class="{kind}">{kind}</span>' for kind in kinds)
    show = "([pre, tokens]) => document.querySelector(pre).innerHTML = tokens"
    for name, pre in CODE_BLOCKS.items():
        page.goto(address + name)
        inspected(page)
        page.evaluate(show, [pre, tokens])
        for theme in ("light", "dark"):
            none_of(accessible(page, theme, COLOURS, leaving=()))


CODE_BLOCKS = {
    "notebooks/01_convolution_as_a_matrix.html": ".cell_input pre",
    "_modules/convreg/gradients.html": "article pre",
    "api/convolution.html": "dd pre",
}


@with_a_browser
@of_the_site
def test_code_is_copied_as_it_stands(page, address):
    allowed = ["clipboard-read", "clipboard-write"]
    page.context.grant_permissions(allowed, origin=address.rstrip("/"))
    for name, block in CODE_BLOCKS.items():
        page.goto(address + name)
        pre = page.locator(f"{block}:visible").first
        wanted = re.sub(r"^(>>>|\.\.\.) ?", "", pre.inner_text(), flags=re.M).strip()
        button = pre.locator("xpath=following-sibling::button")
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('button.copybtn.success')")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.strip()
        assert set(copied.splitlines()) <= set(wanted.splitlines())


@with_a_browser
@of_the_site
def test_what_the_keyboard_reaches_is_outlined(page, address):
    for name in ("index", "notebooks/05_example_1", "scorecard", "api/penalty"):
        for theme in ("light", "dark"):
            page.goto(f"{address}{name}.html")
            inspected(page)
            page.evaluate(THEME, theme)
            reached = []
            for _ in range(30):
                page.keyboard.press("Tab")
                reached.append(page.evaluate("inspect.focus()"))
            none_of([f"{name} {theme}: {it['element']}" for it in reached if not it["seen"]])
            assert len({it["element"] for it in reached}) > 20


# The instruments


PAGE = (
    '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Page</title>'
    "<style>html {{ color: black; background: white }}</style>"
    "<body><main><h1>Page</h1>{}</main></body></html>"
)
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
IMAGE = f'<img src="{PIXEL}" width="1" height="1" alt="a pixel">'
WIDE = '<div style="width: 400px">wide</div>'
BROKEN = {
    IMAGE.replace('alt="a pixel"', ""): "image without alt",
    IMAGE.replace('width="1"', ""): "image without size",
    IMAGE.replace(PIXEL, "none.png"): "404",
    IMAGE.replace(PIXEL, "data:image/png,"): "image not loaded",
    IMAGE.replace(PIXEL, "https://example.org/x.png"): "foreign: https://example.org",
    '<script src="http://127.0.0.1:9/x.js"></script>': "failed: http://127.0.0.1:9",
    "<p>the matrix $M$</p>": "raw mathematics: the matrix",
    r"<p>\begin{pmatrix}</p>": "raw mathematics",
    r"<title>\(M\)</title>": "raw mathematics in the title",
    r'<span class="math">M</span>': "not typeset",
    "<mjx-merror>Undefined control sequence</mjx-merror>": "error in mathematics",
    "<script>console.error('no theme')</script>": "console: no theme",
    "<script>throw new Error('oops')</script>": "error: oops",
    WIDE: "scrolls sideways",
    f'<div style="overflow-x: auto">{WIDE}</div>': "cut: div: wide",
    f'<pre style="overflow-x: auto">{"x" * 200}</pre>': "360: cut: pre: xx",
    f'<pre style="white-space: pre-wrap">{"some words " * 30}</pre>': "1920: a line wraps",
    "<style>@media (min-width: 1900px) { main { width: 3000px } }</style>": "1920: scrolls side",
    "<style>@media (width: 768px) { main { width: 900px } }</style>": "768: scrolls sideways",
    "<table><tr><td>1</td></tr></table>": "table without a header",
    "<table><tr><th>N</th></tr></table>": "header without a scope",
    "<article><div class='highlight'><pre>1</pre></div></article>": "without a copy button",
    "<h1>Another</h1>": "2 headings of level 1",
    "<h3>Part</h3>": "a level is skipped before h3",
    '<p id="x"></p><p id="x"></p>': "stands twice: x",
    '<p style="color: #aaa">grey</p>': "1400 light: color-contrast: p",
    "<style>[data-theme=dark] p { background: #666 }</style><p>grey</p>": "1400 dark: color",
    "<button></button>": "360 light: button-name: button",
}


@with_a_browser
@pytest.mark.parametrize(("body", "wanted"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_page_is_seen(page, tmp_path, body, wanted):
    text = PAGE.replace("<title>Page</title>", "") if "<title>" in body else PAGE
    (tmp_path / "page.html").write_text(text.format(body))
    with served(tmp_path) as address:
        assert any(wanted in problem for problem in visit(page, f"{address}page.html").problems)


@with_a_browser
def test_a_sound_page_has_no_problem_and_its_dead_links_are_seen(page, tmp_path):
    targets = ("#here", "page.html#here", "#nowhere", "none.html")
    links = "".join(f'<a href="{target}">to</a>' for target in targets)
    body = f'<p id="here"><code>echo $HOME</code></p>{IMAGE}{links}'
    (tmp_path / "page.html").write_text(PAGE.format(body))
    with served(tmp_path) as address:
        url = f"{address}page.html"
        seen = visit(page, url)
        assert not seen.problems
        assert dead_links({url: seen}, tmp_path, address) == [
            f"{url} -> {url}#nowhere",
            f"{url} -> {address}none.html",
        ]


# Single pages


@with_a_browser
@of_the_site
def test_every_page_leads_to_the_others(page, address):
    page.goto(f"{address}api/penalty.html")
    shown = page.locator(".bd-header .navbar-nav a:visible").all_inner_texts()
    titles = "Read Use Rerun Sweep Validate Scorecard Map Reference Project"
    assert [text.strip() for text in shown if text.strip()] == titles.split()


@with_a_browser
@of_the_site
def test_the_scorecard_has_its_rows(page, address):
    page.goto(f"{address}scorecard.html")
    wanted = len(rows(page_of_docs("scorecard"))) - 1
    assert page.locator("#scorecard tbody tr").count() == wanted > 50


@of_the_site
def test_an_alias_of_a_type_has_its_name_alone(site):
    pages = {path.stem: path.read_text(encoding="utf-8") for path in site.glob("api/*.html")}
    assert "Table" in pages["plots"]
    assert not [name for name, text in pages.items() if "ForwardRef" in text]


@with_a_browser
@of_the_site
def test_the_reference_shows_types(page, address):
    page.goto(f"{address}api/penalty.html")
    shown = page.locator("dt[id='convreg.penalty.penalty']").inner_text()
    signature = re.sub(r"\s+", " ", shown)
    assert "K: ArrayLike, N: int | Sequence[int], alpha: float = 1.0" in signature


@with_a_browser
@of_the_site
def test_previous_and_next_walk_through_the_notebooks(page, address):
    names = [f"{path.stem}.html" for path in NOTEBOOKS]
    page.route("**/mathjax/**", lambda route: route.abort())  # only to be quicker
    page.goto(f"{address}notebooks/{names[0]}")
    for along, link in ((names[1:], "a.right-next"), (names[-2::-1], "a.left-prev")):
        for name in along:
            page.locator(link).click()
            page.wait_for_url(f"**/{name}", wait_until="commit")


BACKGROUND = (
    "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
)


@with_a_browser
@of_the_site
def test_the_theme_switch_gives_a_dark_page_that_stays(page, address):
    page.goto(f"{address}index.html")
    assert min(page.evaluate(BACKGROUND)) > 200
    page.locator(".theme-switch-button:visible").click()
    page.locator(".theme-change-button[data-mode=dark]:visible").click()
    assert max(page.evaluate(BACKGROUND)) < 60
    page.goto(f"{address}notebooks/05_example_1.html")
    assert max(page.evaluate(BACKGROUND)) < 60
    page.evaluate("localStorage.clear()")


@with_a_browser
@of_the_site
def test_in_print_there_is_the_article_alone_uncut(page, address):
    page.set_viewport_size({"width": 680, "height": 900})  # a sheet of A4 within its margins
    parts = ".bd-header, .bd-sidebar-primary, .bd-sidebar-secondary, .prev-next-footer"
    hidden = page.locator(parts)
    for name in ("index", "notebooks/03_gradients", "api/gradients", "api/convolution"):
        page.emulate_media(media="screen")
        page.goto(f"{address}{name}.html")
        page.emulate_media(media="print")
        assert not hidden.filter(visible=True).count()
        none_of(page.evaluate(CUT))
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf())) >= 2
