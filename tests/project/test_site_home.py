"""The first page, what every page says of itself, and the search, in a browser."""

import html
import json
import re

import pytest
from bs4 import BeautifulSoup
from pages import ROOT
from pages import page as page_of_docs
from PIL import Image

import convreg

with_a_browser = [pytest.mark.browser, pytest.mark.kernel]
BROKEN_WORDS = re.compile(r"[\\${}]")


def bottom(page, selector):
    """How far down an element reaches, all of it being shown."""
    box = page.locator(selector).first.bounding_box()
    assert box["width"] > 0
    assert box["height"] > 0
    return box["y"] + box["height"]


def in_view(page, *selectors):
    return all(bottom(page, selector) <= page.viewport_size["height"] for selector in selectors)


# The first screen

SENTENCE, PICTURE = "#convreg > p", "#glance img"
COMMANDS = "#convreg > div[class*=highlight] pre"


class TestFirstScreen:
    pytestmark = with_a_browser

    @pytest.mark.parametrize("size", [(1400, 900), (1920, 1080)])
    def test_it_has_sentence_picture_commands_and_three_ways_in(self, page, address, size):
        page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        page.goto(f"{address}index.html")
        assert in_view(page, SENTENCE, PICTURE, COMMANDS)
        cards = page.locator("#three-ways-in > section")
        assert cards.count() == 3
        boxes = [card.bounding_box() for card in cards.all()]
        assert max(box["y"] + box["height"] for box in boxes) <= size[1]
        assert boxes[0]["y"] == boxes[1]["y"] == boxes[2]["y"]

    def test_a_phone_shows_sentence_picture_and_commands(self, page, address):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{address}index.html")
        assert in_view(page, SENTENCE, PICTURE, COMMANDS)

    def test_each_way_has_its_notebooks_in_its_order(self, page, address):
        page.goto(f"{address}index.html")
        orders = {}
        for card in page.locator("#three-ways-in > section").all():
            links = card.locator("li a").evaluate_all("links => links.map(a => a.href)")
            found = [re.search(r"notebooks/(\d+)_", link) for link in links]
            orders[card.locator("h3").inner_text()] = [int(it[1]) for it in found if it]
        read, analyse, train = orders.values()
        assert read == [0, 2, 5, 6, 7]
        assert analyse == [1, 2, 3, 4, 7, 9, 13, 12, 11]
        assert train[:2] == [10, 7]

    def test_the_commands_are_copied_with_one_click(self, page, address):
        assert copied(page, address, "#convreg > div[class*=highlight]") == (
            "make reproduce\nmake test"
        )

    def test_it_weighs_less_than_a_megabyte_to_its_end(self, page, address):
        answers = []
        page.on("response", lambda answer: answers.append(answer))
        page.goto(f"{address}index.html")
        for image in page.locator("article img:visible").all():
            image.scroll_into_view_if_needed()
        page.wait_for_function("[...document.images].every(image => image.complete)")
        page.mouse.wheel(0, 20_000)
        page.wait_for_load_state("networkidle")
        weights = {answer.url.removeprefix(address): len(answer.body()) for answer in answers}
        assert any("figure_3_2" in name for name in weights)
        assert sum(weights.values()) < 1_000_000, weights
        assert not [name for name in weights if "mathjax" in name or "searchindex" in name]

    def test_its_formulas_are_mathml(self, page, address):
        page.goto(f"{address}index.html")
        text = re.sub(r"^```.*?^```$", "", page_of_docs("index"), flags=re.DOTALL | re.MULTILINE)
        assert page.locator("math").count() >= len(re.findall(r"\$+[^$]+\$+", text)) > 15
        assert not page.locator(".math, mjx-container").count()
        page.evaluate("document.fonts.ready")
        assert page.evaluate("document.fonts.check('16px \"convreg math\"', 'M')")

    def test_it_shows_both_figures_and_the_reading_order(self, page, address):
        page.goto(f"{address}index.html")
        captions = " ".join(page.locator("figure figcaption").all_inner_texts())
        assert "Figure 3.1, " in captions
        assert "Figure 3.2, " in captions
        notebooks = [*ROOT.glob("notebooks/*.ipynb")]
        assert page.locator("#reading-order li").count() == len(notebooks)


def copied(page, address, selector):
    """What the button of a block of code copies."""
    allowed = ["clipboard-read", "clipboard-write"]
    page.context.grant_permissions(allowed, origin=address.rstrip("/"))
    page.goto(f"{address}index.html")
    page.locator(f"{selector} button.copybtn").first.click()
    page.wait_for_function("document.querySelector('button.copybtn.success')")
    return page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize(
    ("report", "item"),
    [
        ("torch", "R_alpha, ResNet-18, 3x32x32, batch 128"),
        ("accelerator", "squares, ResNet-18, 3x32x32, batch 128"),
    ],
)
def test_what_a_step_costs_is_what_was_measured(report, item):
    items = json.loads((ROOT / "benchmarks" / f"{report}.json").read_text())["items"]
    (ratio,) = [it["ratio"] for it in items if it["name"] == item]
    assert f"[{ratio:.2f} times](../benchmarks/{report}.md)" in page_of_docs("index")


def test_a_step_in_a_cuda_graph_costs_what_use_says():
    assert "[about 1.5](use.md#what-a-step-takes)" in page_of_docs("index")
    assert "Compiled into a CUDA graph it is about 1.5 times" in page_of_docs("use")


def test_what_training_does_is_what_notebook_10_says():
    claim = (ROOT / "notebooks" / "10_training.ipynb").read_text(encoding="utf-8")
    for words in ("at 0.4 to 0.6 of what it is without", "stays tiny", "no better at first"):
        assert words in claim
        assert words in page_of_docs("index")


# Cite


class TestCite:
    pytestmark = with_a_browser

    def test_the_papers_entries_are_copied_with_one_click(self, page, address):
        text = copied(page, address, "#cite .highlight-bibtex")
        assert text.startswith("@misc{guo2019,")
        assert "doi     = {10.1080/03081087.2020.1795058}" in text

    def test_the_softwares_entry_stands_beside_them(self, page, address):
        page.goto(f"{address}index.html")
        entry = page.locator("#cite .highlight-bibtex pre").nth(1).inner_text()
        assert entry.startswith("@software{convreg,")


def test_the_softwares_entry_has_its_version():
    (version,) = re.findall(r"version = \{(.*)\}", page_of_docs("index"))
    assert version == convreg.__version__


# What every page says of itself


@pytest.fixture(scope="module")
def heads(site):
    """The head of every page, by its name."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if not name.startswith(("_static/", "_downloads/")):
            text = path.read_text(encoding="utf-8")
            found[name] = BeautifulSoup(text.split("</head>")[0], "html.parser")
    return found


def content(head, name):
    (tag,) = head.select(f'meta[name="{name}"], meta[property="{name}"]')
    return tag["content"]


@pytest.mark.kernel
class TestHeads:
    def test_every_page_has_a_description_in_words(self, heads):
        assert len(heads) > 100
        texts = {name: content(head, "description") for name, head in heads.items()}
        wrong = {name: text for name, text in texts.items() if not 40 <= len(text) <= 200}
        assert not wrong
        assert not {name: text for name, text in texts.items() if BROKEN_WORDS.search(text)}
        assert not [text for text in texts.values() if not re.match(r"[A-Z(]", text)]
        same = {name: text for name, text in texts.items() if [*texts.values()].count(text) > 1}
        assert not same

    def test_a_notebooks_description_is_its_claim(self, heads):
        text = content(heads["notebooks/06_example_2.html"], "description")
        assert text.startswith("The dip of the penalty below alpha, and its return, are the power")
        text = content(heads["notebooks/02_penalty_and_bounds.html"], "og:description")
        assert text.startswith("R_alpha(K)=sigma_max(M'M-alpha I) is the largest distance")

    def test_every_page_has_a_card(self, heads, site):
        for name, head in heads.items():
            title = html.unescape(head.title.get_text())
            assert content(head, "og:title") in title
            assert content(head, "og:type") in ("article", "website")
            assert content(head, "og:description") == content(head, "description")
            picture = content(head, "og:image")
            if not picture.startswith("https://"):
                assert (site / name).parent.joinpath(picture).resolve() == card(site)
            assert head.html["lang"] == "en"
            assert head.select_one('link[rel="icon"]')

    def test_the_cards_picture_is_small(self, site):
        assert card(site).stat().st_size <= 60_000
        with Image.open(card(site)) as picture:
            assert picture.size == (1200, 630)


def card(site):
    return site / "_static" / "card.png"


# The way back


class TestWays:
    pytestmark = with_a_browser

    def test_breadcrumbs_lead_up_from_a_notebook_and_from_the_reference(self, page, address):
        page.goto(f"{address}api/penalty.html")
        crumbs = page.locator("nav[aria-label=Breadcrumb] li")
        assert crumbs.count() == 3
        assert crumbs.nth(1).inner_text().strip() == "Reference"
        crumbs.nth(1).locator("a").click()
        page.wait_for_url("**/api/index.html")
        page.locator("nav[aria-label=Breadcrumb] li a").first.click()
        page.wait_for_url("**/index.html")
        assert not page.locator("nav[aria-label=Breadcrumb]").count()

    def test_a_page_that_is_not_there_leads_on(self, page, address):
        page.goto(f"{address}404.html")
        links = page.locator("article a:not(.headerlink)")
        assert links.count() == 3
        links.first.click()
        page.wait_for_url("**/index.html")

    def test_its_way_to_the_content_is_on_itself_at_any_depth(self, page, site, address):
        text = (site / "404.html").read_text(encoding="utf-8")
        text = text.replace("<title>", f'<base href="{address}">\n<title>', 1)  # as published
        nowhere = f"{address}no/such/page.html"
        page.route(nowhere, lambda route: route.fulfill(body=text, content_type="text/html"))
        page.goto(nowhere)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.url == f"{nowhere}#main-content"
        assert page.locator("h1").inner_text().startswith("There is no such page")


@pytest.mark.kernel
def test_every_page_but_the_first_has_breadcrumbs(site, heads):
    without = {
        name
        for name in heads
        if 'aria-label="Breadcrumb"' not in (site / name).read_text(encoding="utf-8")
    }
    assert without == {"index.html"}


# The search


class TestSearch:
    pytestmark = with_a_browser
    # each result has its summary, or says what kind of object it is
    ALL_SHOWN = """[...document.querySelectorAll("#search-results li")]
        .every(result => result.querySelector("p.context, a + span"))"""

    @pytest.mark.parametrize("word", ["penalty", "sigma", "barrier"])
    def test_results_are_words_without_tex(self, page, address, word):
        page.goto(f"{address}api/penalty.html")
        page.locator(".search-button__button:visible").click()
        page.locator("input[name=q]:visible").fill(word)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/search.html?q={word}")
        page.get_by_text("Search finished").wait_for()
        page.wait_for_function(self.ALL_SHOWN, timeout=30_000)
        results = page.locator("#search-results li").all_inner_texts()
        assert len(results) > 3
        assert not [text for text in results if BROKEN_WORDS.search(text)]
        assert any("notebooks/" in link for link in self.links(page))
        assert any(word in text.lower() for text in results)

    def links(self, page):
        return page.locator("#search-results li a").evaluate_all("all => all.map(a => a.href)")

    def test_the_index_has_no_tex(self, site):
        text = (site / "searchindex.js").read_text(encoding="utf-8")
        index = json.loads(text[text.index("{") : text.rindex("}") + 1])
        assert not [title for title in index["titles"] if BROKEN_WORDS.search(title)]
        assert not [title for title in index["alltitles"] if BROKEN_WORDS.search(title)]
        words = {word for word, pages in index["terms"].items() if pages != []}
        assert not {"mathcal", "mathrm", "frac", "pmatrix"} & words
        assert {"sigma_max", "r_alpha"} <= words
