"""The scorecard's page in a browser: the filter, the links, the badges, the cards of a phone."""

import itertools
import re

import pytest
from browsing import none_of
from pages import page as page_of_docs
from pages import rows

from convreg.claims.scorecard import ORDER

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

TABLE = rows(page_of_docs("scorecard"))[1:]
VERDICTS = [row[2].strip("*") for row in TABLE]
SHOWN = "#scorecard tbody tr:visible"

# The contrast of a text with what is behind it, by WCAG 2; all colours here are opaque.
CONTRAST = """element => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
    const linear = parts.map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4)
    return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2]
  }
  const style = getComputedStyle(element)
  const [dark, bright] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b)
  return (bright + .05) / (dark + .05)
}"""

# Cells and badges of which something is cut, or that reach beyond the window.
CUT = """() => [...document.querySelectorAll("#scorecard :is(form, tbody, tbody *):not(.math *)")]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth
    || e.getBoundingClientRect().right > innerWidth)
  .map(e => e.outerHTML.slice(0, 99))"""


@pytest.fixture
def scorecard(page, address):
    """The page, without its mathematics, which is tested elsewhere."""
    page.route("**/mathjax/**", lambda route: route.abort())
    page.goto(f"{address}scorecard.html")
    return page


def button(page, verdict):
    return page.get_by_role("button", name=re.compile(rf"^{verdict} \d+$"))


def says(page):
    return page.get_by_role("status").inner_text()


def shown_verdicts(page):
    return [text.strip() for text in page.locator(f"{SHOWN} .verdict").all_inner_texts()]


def test_it_has_a_row_for_each_claim_and_a_badge_in_each(scorecard):
    assert scorecard.locator(SHOWN).count() == len(TABLE) > 50
    assert shown_verdicts(scorecard) == VERDICTS
    assert says(scorecard) == f"{len(TABLE)} of {len(TABLE)} shown"
    for verdict in set(VERDICTS):
        assert button(scorecard, verdict).inner_text().endswith(f" {VERDICTS.count(verdict)}")


def test_the_buttons_stand_in_the_order_of_the_tally(scorecard):
    found = scorecard.locator(".scorecard-filter .verdict").all_inner_texts()
    names = [text.rsplit(" ", 1)[0].strip() for text in found]
    assert names == [verdict for verdict in ORDER if verdict in VERDICTS]


def test_the_mouse_filters_by_verdicts_and_by_section(scorecard):
    slip, artefact = (button(scorecard, name) for name in ("slip", "artefact"))
    slip.click()
    assert set(shown_verdicts(scorecard)) == {"slip"}
    assert slip.get_attribute("aria-pressed") == "true"
    artefact.click()
    assert shown_verdicts(scorecard) == [one for one in VERDICTS if one in ("slip", "artefact")]
    scorecard.get_by_label("Section of the paper").select_option("section-3")
    wanted = [row for row in TABLE if row[2].strip("*") in ("slip", "artefact")]
    wanted = [row[0] for row in wanted if row[0].startswith("Section 3")]
    assert scorecard.locator(f"{SHOWN} td:first-child").all_inner_texts() == wanted
    assert says(scorecard) == f"{len(wanted)} of {len(TABLE)} shown"
    slip.click()
    assert slip.get_attribute("aria-pressed") == "false"
    assert set(shown_verdicts(scorecard)) == {"artefact"}
    scorecard.get_by_role("button", name="Show all").click()
    assert shown_verdicts(scorecard) == VERDICTS


def test_the_keyboard_filters_alone(scorecard):
    first, second, *_ = (verdict for verdict in ORDER if verdict in VERDICTS)
    button(scorecard, first).focus()
    scorecard.keyboard.press("Tab")
    scorecard.keyboard.press("Space")
    assert set(shown_verdicts(scorecard)) == {second}
    assert says(scorecard) == f"{VERDICTS.count(second)} of {len(TABLE)} shown"
    scorecard.keyboard.press("Shift+Tab")
    scorecard.keyboard.press("Enter")
    assert set(shown_verdicts(scorecard)) == {first, second}


PLACES = {
    "section-1": r"Sections? 1|\(1\.",
    "section-2": r"Theorem|Lemma|Algorithm|\(2|Sections? (1, )?2",
    "section-3": r"Section 3",
    "example-1": r"Example 1",
    "example-2": r"Example 2",
    "section-4": r"Section 4",
}


def test_a_section_shows_what_stands_in_it(scorecard):
    select = scorecard.get_by_label("Section of the paper")
    for section, places in PLACES.items():
        select.select_option(section)
        wanted = [row[0] for row in TABLE if re.search(places, row[0])]
        assert scorecard.locator(f"{SHOWN} td:first-child").all_inner_texts() == wanted
        chosen = select.locator(f"option[value={section}]").inner_text()
        assert chosen.endswith(f"({len(wanted)})")
    named = select.locator("option").evaluate_all("options => options.map(one => one.value)")
    assert named == ["", *PLACES]


def test_what_is_chosen_stands_in_the_address_and_can_be_linked_to(scorecard, address):
    button(scorecard, "does not hold").click()
    scorecard.get_by_label("Section of the paper").select_option("example-2")
    seen = shown_verdicts(scorecard)
    assert scorecard.url.endswith("?verdict=does-not-hold&section=example-2")
    scorecard.goto("about:blank")
    scorecard.goto(f"{address}scorecard.html?verdict=does-not-hold&section=example-2")
    assert button(scorecard, "does not hold").get_attribute("aria-pressed") == "true"
    assert shown_verdicts(scorecard) == seen == ["does not hold"] * 2
    scorecard.get_by_role("button", name="Show all").click()
    assert scorecard.url.endswith("scorecard.html")


def test_an_address_with_what_is_not_there_shows_every_row(scorecard, address):
    for query in ("?verdict=nonsense", "?section=nonsense", "?highlight=x"):
        scorecard.goto(f"{address}scorecard.html{query}")
        assert says(scorecard) == f"{len(TABLE)} of {len(TABLE)} shown"


def test_without_javascript_every_row_is_shown_and_no_filter(browser, address):
    with browser.browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{address}scorecard.html")
        assert page.locator(SHOWN).count() == len(TABLE)
        assert not page.locator(".scorecard-filter").is_visible()
        assert page.locator(".scorecard-bar").is_visible()


def test_every_row_leads_to_a_section_of_a_notebook_and_to_the_lines_of_its_predicate(
    scorecard, site
):
    found = []
    for row in scorecard.locator("#scorecard tbody tr").all():
        hrefs = [link.get_attribute("href") for link in row.locator("td:last-child a").all()]
        assert len(hrefs) == 2
        assert re.fullmatch(r"notebooks/\d\d_\w+\.html#.+", hrefs[0])
        assert re.fullmatch(r"_modules/convreg/claims/\w+\.html#\w+", hrefs[1])
        assert row.get_attribute("id").startswith(f"claim-{hrefs[1].split('#')[1]}")
        found += hrefs
    texts = {name: (site / name).read_text() for name in {link.split("#")[0] for link in found}}
    links = [link.split("#") for link in found]
    none_of([f"{name}#{to}" for name, to in links if f'id="{to}"' not in texts[name]])


def test_every_row_has_an_anchor_of_its_own(scorecard):
    ids = scorecard.eval_on_selector_all("#scorecard tbody tr", "rows => rows.map(row => row.id)")
    assert len(set(ids)) == len(TABLE)


def test_a_verdict_has_colours_that_can_be_read_in_both_themes(scorecard):
    signs = set()
    tints = set()
    for theme, verdict in itertools.product(("light", "dark"), sorted(set(VERDICTS))):
        scorecard.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        badge = scorecard.locator(f"#scorecard td .verdict.{verdict.replace(' ', '-')}").first
        assert badge.inner_text().strip() == verdict
        assert badge.evaluate(CONTRAST) > 4.5
        pressed = button(scorecard, verdict)
        pressed.click()
        assert pressed.evaluate(CONTRAST) > 4.5
        pressed.click()
        signs.add(badge.evaluate("badge => getComputedStyle(badge, '::before').content"))
        tints.add((theme, badge.evaluate("badge => getComputedStyle(badge).backgroundColor")))
    assert len(signs) == len(set(VERDICTS))
    judged = set(VERDICTS) - {"by definition", "open"}
    assert len(tints) == 2 * (len(judged) + 1)


@pytest.mark.parametrize(("width", "lines"), [(360, 5), (390, 5), (768, 3), (1400, 1), (1920, 1)])
def test_nothing_of_it_is_cut_and_phones_have_cards(width, lines, page, address):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}scorecard.html")
    page.evaluate("MathJax.startup.promise")
    none_of(page.evaluate(CUT))
    cells = page.locator("#scorecard tbody tr").nth(1).locator("td").all()
    assert len({round(cell.bounding_box()["y"]) for cell in cells}) == lines
    labels = [cell.get_attribute("data-label") for cell in cells]
    assert labels == rows(page_of_docs("scorecard"))[0]
    button(page, "slip").click()
    assert set(shown_verdicts(page)) == {"slip"}


@pytest.mark.parametrize("name", ["00_overview", "05_example_1", "06_example_2", "10_training"])
def test_the_tables_of_notebooks_have_badges_and_links_as_well(name, page, address):
    page.route("**/mathjax/**", lambda route: route.abort())
    page.goto(f"{address}notebooks/{name}.html")
    found = page.locator("table.scorecard tbody tr")
    assert found.count() == found.locator("strong.verdict").count() >= 5
    links = page.eval_on_selector_all("table.scorecard a", "links => links.map(link => link.href)")
    assert len(links) == 2 * found.count()
    none_of([link for link in links if page.request.get(link).status != 200 or "#" not in link])
