"""The site with less: no JavaScript, the colours of the system, the keyboard alone, a finger."""

import pytest
from browsing import COLOURS, FRAMES, accessible, inspected, none_of

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

GROUND = "e => getComputedStyle(e).backgroundColor"
CLEAR = "rgba(0, 0, 0, 0)"
FITTING_STOPS = """() => [...document.querySelectorAll(".math[tabindex]")]
  .filter(e => e.scrollWidth <= e.clientWidth + 2 || e.clientWidth < 2).map(e => e.dataset.plain)"""
CUT = """() => [...document.querySelectorAll("pre, table, main *:has(> table)")]
  .filter(e => e.scrollWidth > e.clientWidth).map(e => e.outerHTML.slice(0, 99))"""
NOTATION = "e => [getComputedStyle(e).fontSize, getComputedStyle(e, '::before').content]"


@pytest.fixture
def without_javascript(browser):
    with browser.browser.new_context(java_script_enabled=False) as context:
        yield context.new_page()


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("name", ["index", "scorecard", "notebooks/07_barrier"])
def test_without_javascript_a_page_has_colours_and_nothing_is_cut(
    without_javascript, address, name, width
):
    page = without_javascript
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}{name}.html")
    assert page.locator(".bd-header").evaluate(GROUND) != CLEAR
    assert not page.evaluate(CUT)


def test_without_javascript_formulas_are_in_plain_notation(without_javascript, address):
    without_javascript.goto(f"{address}scorecard.html")
    formulas = without_javascript.locator("table.scorecard .math").all()
    assert len(formulas) > 50
    for formula in formulas[:5]:
        plain = formula.get_attribute("data-plain")
        assert formula.evaluate(NOTATION) == ["0px", f'"{plain}"']


def test_with_the_colours_of_the_system_it_is_seen_what_is_chosen(page, address):
    page.emulate_media(forced_colors="active")
    page.goto(f"{address}scorecard.html?verdict=slip")
    buttons = page.locator(".scorecard-filter button.verdict")
    pressed = buttons.and_(page.locator("[aria-pressed=true]"))
    others = buttons.and_(page.locator("[aria-pressed=false]"))
    assert pressed.evaluate(GROUND) != others.first.evaluate(GROUND)
    page.goto(f"{address}index.html")
    chosen = page.locator(".explorer input[name=alpha]:checked + span")
    left = page.locator(".explorer input[name=alpha]:not(:checked) + span")
    assert chosen.evaluate(GROUND) != left.first.evaluate(GROUND)


@pytest.mark.parametrize(("name", "width"), [("scorecard", 1400), ("benchmarks/square", 390)])
def test_the_keyboard_stops_at_no_formula_that_fits(page, address, name, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}{name}.html")
    page.evaluate("MathJax.startup.promise.then(() => document.fonts.ready)")
    page.evaluate(FRAMES)
    assert not page.evaluate(FITTING_STOPS)


def test_the_way_back_from_a_source_can_be_read(page, address):
    page.goto(f"{address}_modules/convreg/gradients.html")
    inspected(page)
    page.evaluate("document.querySelector('pre').replaceChildren(document.querySelector('pre a'))")
    for theme in ("light", "dark"):
        none_of(accessible(page, theme, COLOURS, leaving=()))


def test_the_ways_in_are_large_enough_for_a_finger(page, address):
    page.goto(f"{address}index.html")
    inspected(page)
    none_of(accessible(page, "light", {"runOnly": ["target-size"]}))
