"""A folder of pages as a browser meets it: served, opened on a phone, everything wrong noted."""

import functools
import http.server
import threading
import urllib.parse
from contextlib import contextmanager
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

# What is wrong with a page; its ids, its links and how many formulas it has.
INSPECT = r"""async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise
  const problems = [], root = document.documentElement
  const all = selector => [...document.querySelectorAll(selector)]
  const box = e => e.getBoundingClientRect()

  const raw = /\$|\\\(|\\\[|\\begin|\\frac|\\sigma|\\mathcal/
  if (raw.test(document.title)) problems.push(`raw mathematics in the title: ${document.title}`)
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    const text = walk.currentNode
    if (raw.test(text.data) && !text.parentElement.closest("code, pre, script, style"))
      problems.push(`raw mathematics: ${text.data.trim().slice(0, 60)}`)
  }
  for (const e of all(".math"))
    if (!e.querySelector("mjx-container")) problems.push(`not typeset: ${e.textContent}`)
  for (const e of all("mjx-merror, [data-mjx-error]"))
    problems.push(`MathJax error: ${e.textContent}`)

  for (const e of all("img")) {
    const sized = e.getAttribute("width") > 0 && e.getAttribute("height") > 0
    if (!e.naturalWidth) problems.push(`image not loaded: ${e.src}`)
    if (!e.alt.trim()) problems.push(`image without alt: ${e.src}`)
    if (!sized) problems.push(`image without size: ${e.src}`)
  }

  for (const e of [root, document.body, ...all("main, .bd-article-container, .bd-article")])
    if (e.scrollWidth > Math.min(e.clientWidth, innerWidth))
      problems.push(`scrolls sideways: ${e.localName}`)
  for (const e of all(".math")) {
    const formula = e.querySelector("mjx-math")
    const hidden = getComputedStyle(e).overflowX == "hidden"
    if (hidden && e.scrollWidth > e.clientWidth + 1) problems.push(`cut: ${e.title}`)
    if (formula && box(formula).left < box(e).left - 1)
      problems.push(`begins out of reach: ${formula.textContent}`)
  }

  const ids = all("[id]").map(e => e.id), links = all("a[href]").map(e => e.href)
  return {problems: [...new Set(problems)], ids, links, formulas: all("mjx-container").length}
}"""

# What a printed page cuts off; 900 is the height of a page.
CUT = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise
  const all = selector => [...document.querySelectorAll(selector)]
  const clips = e => getComputedStyle(e).overflowX != "visible" && e.clientWidth > 0
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


def visit(browser, url):
    """A page on a phone, with all that went wrong on the way."""
    problems = []

    def heard(message):
        if message.type == "error":
            problems.append(f"console: {message.text}")

    def answered(answer):
        if answer.status >= 400:
            problems.append(f"{answer.status}: {answer.url}")

    def asked(request):
        if foreign(request.url, urllib.parse.urlsplit(url).netloc):
            problems.append(f"foreign: {request.url}")

    with browser.new_page() as page:
        page.set_viewport_size({"width": 360, "height": 740})
        page.on("console", heard)
        page.on("response", answered)
        page.on("request", asked)
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
        page.goto(url)
        seen = page.evaluate(INSPECT)
    return Visit(problems + seen["problems"], set(seen["ids"]), seen["links"], seen["formulas"])


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
