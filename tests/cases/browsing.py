"""A folder of pages as a browser meets it: served, opened at four widths in two themes, everything
wrong noted."""

import functools
import http.server
import threading
import urllib.parse
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

WIDTHS = (360, 768, 1400, 1920)
INSPECT = Path(__file__).with_name("inspect.js").read_text(encoding="utf-8")
# As the theme's switch does it, with the colours that it ends in.
THEME = """theme => {
  document.documentElement.dataset.theme = theme
  for (const change of document.getAnimations()) change.finish()
}"""
# Until what a change asked for is drawn: in the next frame, and what that one asked for.
FRAMES = """async () => {
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)
}"""
# What axe-core is asked: everything, what does not depend on colours, these alone.
ALL: dict = {}
SHAPE = {"rules": {"color-contrast": {"enabled": False}}}
COLOURS = {"runOnly": ["color-contrast"]}
# Its longest work is the contrast of each token of code: a test of its own has each kind once.
CODE = ["pre", "dt.sig"]

# What a printed page cuts off; 900 is the height of a page.
CUT = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise
  const all = selector => [...document.querySelectorAll(selector)]
  const clips = e => getComputedStyle(e).overflowX != "visible" && e.clientWidth > 1
  const scrolls = e => !e.closest("mjx-container") && clips(e)
  const cut = e => scrolls(e) && (e.scrollWidth > e.clientWidth || e.clientHeight > 900)
  const outside = e => e.getBoundingClientRect().right > innerWidth
  const found = [...all("main, main *").filter(cut), ...all("article mjx-math").filter(outside)]
  return found.map(e => e.outerHTML.slice(0, 99))
}"""


class Visit(NamedTuple):
    """What was seen of a page."""

    problems: list[str]
    ids: set[str]
    links: list[str]
    formulas: int


def none_of(problems):
    """Fail with all of them, a line each."""
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


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


def visit(page, url):
    """A page, opened once on a phone and then made wider, with all that went wrong on the way."""
    source = "/_modules/" in url or "/tests/" in url
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    with heard(page, urllib.parse.urlsplit(url).netloc) as problems:
        page.goto(url)
        seen = inspected(page).evaluate("inspect.content()")
        problems += seen["problems"]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found = page.evaluate("inspect.fits()")
            problems += [f"{width}: {problem}" for problem in found]
            if width == 360 and not source:
                problems += accessible(page, "light", SHAPE)
            if width == 1400:
                problems += accessible(page, "light", ALL) + accessible(page, "dark", COLOURS)
    return Visit(problems, set(seen["ids"]), seen["links"], seen["formulas"])


@contextmanager
def heard(page, home):
    """What the console, the requests and the answers of a page complain of, as it comes."""
    problems = []

    def said(message):
        if message.type == "error":
            problems.append(f"console: {message.text}")

    def answered(answer):
        if answer.status >= 400:
            problems.append(f"{answer.status}: {answer.url}")

    def asked(request):
        if foreign(request.url, home):
            problems.append(f"foreign: {request.url}")

    listeners = {
        "console": said,
        "response": answered,
        "request": asked,
        "pageerror": lambda error: problems.append(f"error: {error}"),
        "requestfailed": lambda request: problems.append(f"failed: {request.url}"),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield problems
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def inspected(page):
    """Give an open page our instruments and axe-core."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(INSPECT)
    page.evaluate(AXE_SCRIPT)
    return page


def accessible(page, theme, options, leaving=tuple(CODE)):
    """The serious faults that axe-core finds in a theme."""
    page.evaluate(THEME, theme)
    asked = [options, list(leaving)]
    found = page.evaluate("([options, leaving]) => inspect.accessible(options, leaving)", asked)
    page.evaluate(THEME, "light")
    width = page.viewport_size["width"]
    return [f"{width} {theme}: {problem}" for problem in found]


def foreign(url, home):
    """Is it asked of another host?"""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.netloc != home


def dead_links(visits, folder, address):
    """The links within the site that lead to no file, or to no element of their page."""
    dead = []
    for url, seen in visits.items():
        for link in seen.links:
            if link.startswith(address) and is_dead(link, visits, folder):
                dead.append(f"{url} -> {link}")
    return dead


def is_dead(link, visits, folder):
    """A link of the site without its file, or without its element where the page was visited."""
    target, fragment = urllib.parse.urldefrag(link)
    file = folder / urllib.parse.unquote(urllib.parse.urlsplit(target).path).lstrip("/")
    if not file.is_file():
        return True
    if not fragment or target not in visits:
        return False
    return urllib.parse.unquote(fragment) not in visits[target].ids
