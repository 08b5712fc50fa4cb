"""What the site weighs, what a reader loads with a page, and that it lacks nothing."""

import re

import pytest

pytestmark = pytest.mark.kernel
MEGABYTE = 1_000_000
NEEDLESS = (".map", "tex-chtml.js", ".pdf", "macros.html")
PAGES = ("index", "notebooks/08_alternatives", "api/penalty", "map", "search")


def weights(site):
    """The bytes of every file."""
    files = [path for path in site.rglob("*") if path.is_file()]
    return {path.relative_to(site).as_posix(): path.stat().st_size for path in files}


def largest(found):
    """The heaviest, to be told with a failure."""
    return sorted(found.items(), key=lambda item: -item[1])[:12]


def loaded(page, url):
    """The bytes of every answer to the first visit of a page, all its pictures loaded."""
    found = {}
    page.on("response", lambda answer: found.update({answer.url: len(answer.body())}))
    page.goto(url)
    for image in page.locator("img").all():
        image.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    return found


def test_the_site_has_at_most_15_megabytes_without_the_fonts_of_mathjax(site):
    found = weights(site)
    assert len(found) > 300
    fonts = {name for name in found if re.match(r"_static/mathjax/.*\.woff2?$", name)}
    assert len(fonts) > 10
    assert sum(size for name, size in found.items() if name not in fonts) <= 15 * MEGABYTE, largest(
        found
    )


def test_no_file_is_there_twice_or_for_nothing(site):
    found = weights(site)
    assert not [name for name in found if name.endswith(NEEDLESS)]
    pictures = [path.read_bytes() for path in (site / "_images").glob("*.png")]
    assert len(set(pictures)) == len(pictures)
    assert max(map(len, pictures)) < 100_000


@pytest.mark.browser
def test_the_first_page_loads_less_than_a_megabyte(page, address):
    found = loaded(page, f"{address}index.html")
    assert sum(found.values()) < MEGABYTE, largest(found)
    assert not [url for url in found if re.search("mathjax|searchindex|searchtools", url)]


@pytest.mark.browser
def test_the_index_of_the_search_is_loaded_to_search(page, address):
    assert not [url for url in loaded(page, f"{address}map.html") if "searchindex" in url]
    assert [url for url in loaded(page, f"{address}search.html") if "searchindex" in url]


@pytest.mark.browser
def test_every_icon_has_its_letter(page, address):
    for name in PAGES:
        page.goto(f"{address}{name}.html")
        icons = "[...document.querySelectorAll('[class*=\" fa-\"], [class^=fa-]')]"
        letters = f"{icons}.map(e => getComputedStyle(e, '::before').content)"
        assert {"none", "normal", '""'}.isdisjoint(page.evaluate(letters))
        assert page.evaluate(f"{icons}.length") > 3


@pytest.mark.browser
def test_formulas_are_there_for_eyes_and_ears_and_load_nothing_else(page, address):
    found = loaded(page, f"{address}notebooks/03_gradients.html")
    assert page.locator("mjx-container mjx-assistive-mml math").count() > 20
    names = {url.rpartition("/mathjax/")[2] for url in found if "/mathjax/" in url}
    scripts = {name.partition("?")[0] for name in names if ".woff" not in name}
    assert "startup.js" in scripts
    assert not [name for name in scripts if re.search("menu|sre|explorer|complexity", name)]
