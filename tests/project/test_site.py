"""The site as its readers meet it: built by `make site`, every page opened in a headless browser."""

import functools
import http.server
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import threading
import urllib.parse
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

import convreg

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
REQUIRED = bool(os.environ.get("CI")) or os.environ.get("CONVREG_BROWSER") == "required"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # fmt: skip
EQUATIONS = {"1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3", "2.4", "2.5"}  # what the paper numbers
INSPECT = r"""async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise
  const problems = [], all = selector => [...document.querySelectorAll(selector)], root = document.documentElement
  const raw = /\$|\\\(|\\\[|\\begin|\\frac|\\sigma|\\mathcal/
  if (raw.test(document.title)) problems.push(`raw mathematics in the title: ${document.title}`)
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode())
    if (raw.test(walk.currentNode.data) && !walk.currentNode.parentElement.closest("code, pre, script, style"))
      problems.push(`raw mathematics: ${walk.currentNode.data.trim().slice(0, 60)}`)
  for (const e of all(".math")) if (!e.querySelector("mjx-container")) problems.push(`not typeset: ${e.textContent}`)
  for (const e of all("mjx-merror, [data-mjx-error]")) problems.push(`MathJax error: ${e.textContent}`)
  for (const e of all("img")) {
    if (!e.naturalWidth) problems.push(`image not loaded: ${e.src}`)
    if (!e.alt.trim()) problems.push(`image without alt: ${e.src}`)
    if (!(e.getAttribute("width") > 0 && e.getAttribute("height") > 0)) problems.push(`image without size: ${e.src}`)
  }
  for (const e of [root, document.body, ...all("main, .bd-article-container, .bd-article")])
    if (e.scrollWidth > Math.min(e.clientWidth, innerWidth)) problems.push(`scrolls sideways: ${e.localName}`)
  const box = e => e.getBoundingClientRect()
  for (const e of all(".math")) {
    const formula = e.querySelector("mjx-math")
    if (getComputedStyle(e).overflowX == "hidden" && e.scrollWidth > e.clientWidth + 1) problems.push(`cut: ${e.title}`)
    if (formula && box(formula).left < box(e).left - 1) problems.push(`begins out of reach: ${formula.textContent}`)
  }
  const ids = all("[id]").map(e => e.id), links = all("a[href]").map(e => e.href)
  return {problems: [...new Set(problems)], ids, links, formulas: all("mjx-container").length}
}"""

CUT = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise
  const all = selector => [...document.querySelectorAll(selector)], box = e => e.getBoundingClientRect()
  const scrolls = e => !e.closest("mjx-container") && getComputedStyle(e).overflowX != "visible" && e.clientWidth > 0
  const cut = e => scrolls(e) && (e.scrollWidth > e.clientWidth || e.clientHeight > 900)  // a page's height
  const found = [...all("main, main *").filter(cut), ...all("article mjx-math").filter(e => box(e).right > innerWidth)]
  return found.map(e => e.outerHTML.slice(0, 99))
}"""


class Visit(NamedTuple):
    """What was seen of a page."""

    problems: list[str]
    ids: set[str]
    links: list[str]
    formulas: int


@contextmanager
def served(folder):
    """The address at which a folder is served."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.func.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def visit(browser, url):
    """A page on a phone, with all that went wrong on the way."""
    home, problems = urllib.parse.urlsplit(url).netloc, []
    with browser.new_page() as page:
        page.set_viewport_size({"width": 360, "height": 740})
        page.on("console", lambda message: message.type == "error" and problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
        page.on(
            "response", lambda answer: answer.status >= 400 and problems.append(f"{answer.status}: {answer.url}")
        )
        page.on(
            "request", lambda request: foreign(request.url, home) and problems.append(f"foreign: {request.url}")
        )
        page.goto(url)
        seen = page.evaluate(INSPECT)
    return Visit(problems + seen["problems"], set(seen["ids"]), seen["links"], seen["formulas"])


def foreign(url, home):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.netloc != home


def none_of(problems):
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def dead_links(visits, folder, address):
    """The links within the site that lead to no file, or to no element of their page."""
    dead = []
    for url, seen in visits.items():
        for link in seen.links:
            target, fragment = urllib.parse.urldefrag(link)
            if not link.startswith(address):
                continue
            file = folder / urllib.parse.unquote(urllib.parse.urlsplit(target).path).lstrip("/")
            lost = fragment and target in visits and urllib.parse.unquote(fragment) not in visits[target].ids
            if not file.is_file() or lost:
                dead.append(f"{url} -> {link}")
    return dead


@pytest.fixture(scope="module")
def browser():
    """Chromium; skipped with the reason where there is none, unless it is required."""
    path, missing = next(filter(None, map(shutil.which, BROWSERS)), None), None
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing = "playwright is not installed: pip install -e '.[site]'"
    if not path:
        missing = f"no browser: none of {', '.join(BROWSERS)} is on the PATH"
    if missing:
        (pytest.fail if REQUIRED else pytest.skip)(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
            context.set_default_timeout(10_000)
            yield context
        chromium.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a fresh site, from the Makefile's target, with the Python that runs the tests."""
    pytest.importorskip("sphinx", reason="the site needs: pip install -e '.[site]'")
    folder = tmp_path_factory.mktemp("site")
    command = ["make", "-s", "-o", ".venv/.ready", "site", f"SITE={folder}", f"BIN={Path(sys.executable).parent}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or done.stderr:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    return folder


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def visits(browser, site, address):
    pages = sorted(
        path.relative_to(site).as_posix() for path in site.rglob("*.html") if path.parts[-2] != "_static"
    )
    return {address + page: visit(browser, address + page) for page in pages}


@pytest.fixture
def page(browser):
    with browser.new_page() as page:
        yield page


def test_every_page_loads_typesets_and_fits_a_phone(visits):
    assert len(visits) > 40
    none_of([f"{url}: {problem}" for url, seen in visits.items() for problem in seen.problems])


def test_every_link_and_anchor_leads_somewhere(visits, site, address):
    assert sum(link.startswith(address) for seen in visits.values() for link in seen.links) > 1000
    none_of(dead_links(visits, site, address))


def test_every_page_with_mathematics_has_it(visits, address):
    for path in NOTEBOOKS:
        assert visits[f"{address}notebooks/{path.stem}.html"].formulas > 5
    assert visits[f"{address}index.html"].formulas > 5


def test_the_reference_has_every_public_module_and_name(visits):
    ids = set().union(*(seen.ids for seen in visits.values()))
    modules = [found.name for found in pkgutil.walk_packages(convreg.__path__, "convreg.")]
    private = {name for name in modules if "._" in name.replace(".__main__", "")}
    assert not {name for name in modules if f"module-{name}" not in ids} - private
    assert not [name for name in convreg.__all__ if f"{getattr(convreg, name).__module__}.{name}" not in ids]


def test_equation_numbers_are_the_papers(site):
    numbers = [re.findall(r"\\tag\{([^}]*)\}", path.read_text()) for path in site.rglob("*.html")]
    assert {"1.2", "2.2", "2.5"} <= set().union(*numbers) <= EQUATIONS


PAGE = '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Page</title><body>{}</body></html>'
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
IMAGE = f'<img src="{PIXEL}" width="1" height="1" alt="a pixel">'
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
    "<mjx-merror>Undefined control sequence</mjx-merror>": "MathJax error",
    "<script>console.error('no theme')</script>": "console: no theme",
    "<script>throw new Error('oops')</script>": "error: oops",
    '<div style="width: 400px">wide</div>': "scrolls sideways",
    '<main style="overflow-x: auto"><div style="width: 400px">wide</div></main>': "scrolls sideways: main",
}


@pytest.mark.parametrize(("body", "wanted"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_page_is_seen(browser, tmp_path, body, wanted):
    page = PAGE.replace("<title>Page</title>", "") if "<title>" in body else PAGE
    (tmp_path / "page.html").write_text(page.format(body))
    with served(tmp_path) as address:
        assert any(wanted in problem for problem in visit(browser, f"{address}page.html").problems)


def test_a_sound_page_has_no_problem_and_its_dead_links_are_seen(browser, tmp_path):
    links = '<a href="#here">1</a><a href="page.html#here">2</a><a href="#nowhere">3</a><a href="none.html">4</a>'
    (tmp_path / "page.html").write_text(PAGE.format(f'<p id="here"><code>echo $HOME</code></p>{IMAGE}{links}'))
    with served(tmp_path) as address:
        url = f"{address}page.html"
        seen = visit(browser, url)
        assert not seen.problems
        assert dead_links({url: seen}, tmp_path, address) == [
            f"{url} -> {url}#nowhere",
            f"{url} -> {address}none.html",
        ]


def test_index_shows_the_scorecard_and_both_figures(page, address):
    page.goto(f"{address}index.html")
    rows = (ROOT / "README.md").read_text().split("## Scorecard")[1].count("\n| ") - 2
    assert page.locator("#scorecard tbody tr").count() == rows > 50
    assert page.locator("figure figcaption").all_inner_texts()[0].startswith("Figure 3.1")
    assert page.locator("figure figcaption").all_inner_texts()[1].startswith("Figure 3.2")
    assert page.locator("#reading-order li").count() == len(NOTEBOOKS)


def test_the_citation_is_copied_with_one_click(page, address):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address.rstrip("/"))
    page.goto(f"{address}index.html")
    button = page.locator("#cite .highlight button.copybtn").first
    button.hover()
    button.click()
    page.wait_for_function("document.querySelector('#cite button.copybtn.success')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("@misc{guo2019,")
    assert "doi     = {10.1080/03081087.2020.1795058}" in copied


def test_previous_and_next_walk_through_the_notebooks(page, address):
    names = [f"{path.stem}.html" for path in NOTEBOOKS]
    page.route("**/mathjax/**", lambda route: route.abort())  # only to be quicker
    page.goto(f"{address}notebooks/{names[0]}")
    for along, link in ((names[1:], "a.right-next"), (names[-2::-1], "a.left-prev")):
        for name in along:
            page.locator(link).click()
            page.wait_for_url(f"**/{name}", wait_until="commit")


def test_the_theme_switch_gives_a_dark_page_that_stays(page, address):
    background = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    page.goto(f"{address}index.html")
    assert min(page.evaluate(background)) > 200
    page.locator(".theme-switch-button:visible").click()
    page.locator(".theme-change-button[data-mode=dark]:visible").click()
    assert max(page.evaluate(background)) < 60
    page.goto(f"{address}notebooks/05_example_1.html")
    assert max(page.evaluate(background)) < 60
    page.evaluate("localStorage.clear()")


def test_search_finds_a_word(page, address):
    page.goto(f"{address}index.html")
    page.locator(".search-button__button:visible").click()
    page.locator("input[name=q]:visible").fill("penalty")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=penalty")
    page.locator("#search-results li a").first.wait_for()
    assert page.locator("#search-results li a").count() > 3


def test_in_print_there_is_the_article_alone_uncut(page, address):
    page.set_viewport_size({"width": 680, "height": 900})  # a sheet of A4 within its margins
    hidden = page.locator(".bd-header, .bd-sidebar-primary, .bd-sidebar-secondary, .prev-next-footer")
    for name in ("index", "notebooks/03_gradients", "api/gradients", "api/convolution"):
        page.emulate_media(media="screen")
        page.goto(f"{address}{name}.html")
        page.emulate_media(media="print")
        assert not hidden.filter(visible=True).count()
        none_of(page.evaluate(CUT))
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf())) >= 2
