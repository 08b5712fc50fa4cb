"""The site and a browser, for the tests of its pages; the site is built once in a run of tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browsing import BROWSERS, QUIET, served, visit
from filelock import FileLock
from pages import ROOT

REQUIRED = bool(os.environ.get("CI")) or os.environ.get("CONVREG_BROWSER") == "required"


@pytest.fixture(scope="session")
def browser():
    """Chromium; skipped with the reason where there is none, unless it is required."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    missing = None if path else f"no browser: none of {', '.join(BROWSERS)} is on the PATH"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing = "playwright is not installed: pip install -e '.[site]'"
    if missing:
        (pytest.fail if REQUIRED else pytest.skip)(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
            context.set_default_timeout(10_000)
            yield context
        chromium.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The folder of a fresh site, one for all workers; CONVREG_SITE names one that stands."""
    pytest.importorskip("sphinx", reason="the site needs: pip install -e '.[site]'")
    if built := os.environ.get("CONVREG_SITE"):
        return Path(built).resolve()
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent  # the workers share it
    with FileLock(folder / "site.lock"):
        if not (folder / "site").exists():
            build(folder / "site")
    return folder / "site"


def build(folder):
    """The site by the Makefile's target, with the Python that runs the tests."""
    binaries = Path(sys.executable).parent
    ready = ".venv/.ready-site"  # the environment is there: it runs the tests
    command = ["make", "-s", "-o", ready, "site", f"SITE={folder}", f"BIN={binaries}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or done.stderr:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.fail(done.stdout + done.stderr, pytrace=False)


@pytest.fixture(scope="session")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def visits(browser, site, address):
    """Every page, visited once; minutes, so that a single file of tests asks for it."""
    files = [path for path in site.rglob("*.html") if path.parts[-2] != "_static"]
    names = sorted(path.relative_to(site).as_posix() for path in files)
    with browser.new_page() as page:
        return {address + name: visit(page, address + name) for name in names}


@pytest.fixture
def page(browser):
    with browser.new_page() as page:
        yield page
