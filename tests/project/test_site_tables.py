"""Tables that are read aloud, and on a phone; code that fits; figures in the dark."""

import io

import pytest
from browsing import inspected

bs4 = pytest.importorskip("bs4", reason="the site needs: pip install -e '.[site]'")
pytestmark = pytest.mark.kernel
PAGES = ("map", "rerun", "use", "scorecard", "benchmarks/square", "notebooks/05_example_1")
NARROW = {"width": 390, "height": 800}
WIDE = {"width": 1400, "height": 900}

WIDTH_OF = """(element, word) => {
  const copy = element.cloneNode()
  copy.style.cssText = "position: absolute; white-space: nowrap"
  copy.textContent = word
  element.after(copy)
  const {width} = copy.getBoundingClientRect()
  copy.remove()
  return width
}"""


def tables(site):
    """Every table with a header, with the page that has it."""
    for path in sorted(site.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        if "<thead" in text:
            for table in bs4.BeautifulSoup(text, "html.parser").find_all("table"):
                if table.thead and "explorer" not in str(table.parent.get("class")):
                    yield path.relative_to(site), table


def first_words(table):
    """The text at the beginning of each row."""
    return [row.find(["th", "td"]).text.strip() for row in table.tbody.find_all("tr")]


def rows_are_named(table):
    """Does each row begin with its header?"""
    return all(row.find(["th", "td"]).name == "th" for row in table.tbody.find_all("tr"))


def test_every_header_says_of_what_and_every_cell_has_its_label(site):
    seen = 0
    for path, table in tables(site):
        heads = [" ".join(head.text.split()) for head in table.thead.find_all(["th", "td"])]
        assert all(head["scope"] == "col" for head in table.thead.find_all("th")), path
        assert all(head["scope"] == "row" for head in table.tbody.find_all("th")), path
        for row in table.tbody.find_all("tr"):
            cells = row.find_all(["th", "td"])
            labels = [cell["data-label"] for cell in cells]
            assert [bool(label) for label in labels] == [bool(head) for head in heads], path
            assert not any(sign in label for label in labels for sign in "\\$"), path
        assert heads[0] or rows_are_named(table) or not all(first_words(table)), path
        seen += 1
    assert seen > 25


def test_a_name_in_the_list_of_a_page_goes_on_behind_its_underscores(site):
    page = bs4.BeautifulSoup((site / "api/penalty.html").read_text(encoding="utf-8"), "html.parser")
    names = page.select("#pst-page-toc-nav .pre")
    assert "extreme_singular_values()" in [name.text for name in names]
    for name in names:
        assert len(name.find_all("wbr")) == name.text.strip("_").count("_"), name.text


def test_the_name_of_a_module_goes_on_behind_its_dots(site):
    page = bs4.BeautifulSoup((site / "api/barrier.html").read_text(encoding="utf-8"), "html.parser")
    names = [name for name in page.select("#pst-page-toc-nav a") if "module-" in name["href"]]
    assert "convreg.studies.barrier" in [name.text for name in names]
    for name in [*names, *page.select("section[id^='module-'] > h2")]:
        text = name.text.removesuffix("#")
        assert len(name.find_all("wbr")) == text.count("."), text


@pytest.mark.browser
def test_the_name_of_a_parameter_stays_whole_on_a_phone(page, address):
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{address}api/convolution.html")
    names = page.locator("dl.simple > dt:has(> .classifier) > strong").all()
    heights = {name.inner_text(): name.bounding_box()["height"] for name in names}
    assert heights["padding"] == heights["N"]


def test_a_comma_stays_beside_its_formula(site):
    seen = 0
    for path in [*site.glob("*.html"), *site.glob("notebooks/*.html")]:
        page = bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for formula in page.select("article span.math"):
            if str(formula.next_sibling or "")[:1] in tuple(",.;:)"):
                assert "together" in formula.parent["class"], (path.name, formula.parent.text)
                seen += 1
    assert seen > 300


def test_numbers_stand_at_the_right(site):
    columns = dict.fromkeys(("0.1", "0.6"), 0)
    for path, table in tables(site):
        for cell in table.tbody.find_all("td"):
            if path.name == "square.html" and cell["data-label"] in columns:
                assert "text-right" in cell["class"]
                columns[cell["data-label"]] += 1
    assert all(columns.values())


def test_a_number_keeps_its_unit_and_a_name_its_value(site):
    cells = {
        cell.text for path, table in tables(site) for cell in table.tbody.find_all(["td", "th"])
    }
    space = "\N{NO-BREAK SPACE}"
    for text in (f"9.78{space}ms", f"M, 3x3x3x6, N{space}={space}15"):
        assert text in cells
        assert text.replace(space, " ") not in cells


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_where_there_is_no_room_a_row_is_a_card(page, address, name):
    page.goto(f"{address}{name}.html")
    table = page.locator("article table.cards").first
    row = table.locator("tbody tr").first
    cell = row.locator("td").last
    label = "e => getComputedStyle(e, '::before').content"
    for size, kind in ((WIDE, "table-row"), (NARROW, "block")):
        page.set_viewport_size(size)
        assert row.evaluate("e => getComputedStyle(e).display") == kind
        fits = "e => e.parentElement.scrollWidth <= e.parentElement.clientWidth"
        assert table.evaluate(fits)
        assert (cell.evaluate(label) == "none") == (kind == "table-row")
    assert cell.get_attribute("data-label") in cell.evaluate(label)
    wraps = "e => getComputedStyle(e, '::before').whiteSpace"
    assert cell.evaluate(wraps) == "normal"  # else it would run into the value
    assert table.get_attribute("role") == "table"
    assert row.get_attribute("role") == "row"
    assert cell.get_attribute("role") == "cell"


@pytest.mark.browser
def test_code_of_88_columns_stands_in_one_line_where_the_window_is_wide(page, address):
    height = "(e, columns) => { e.textContent = 'x'.repeat(columns); return e.clientHeight }"
    for name in ("notebooks/08_alternatives", "use", "api/penalty"):
        page.goto(f"{address}{name}.html")
        code = inspected(page).locator("article pre").first
        for width in (360, 1400, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("inspect.fits()")  # it waits until the sidebars have slid
            lines = code.evaluate(height, 88) / code.evaluate(height, 1)
            assert (lines == 1) == (width > 1000)
            code.evaluate(height, 88)
            assert code.evaluate("e => e.scrollWidth <= e.clientWidth")


@pytest.mark.browser
def test_running_text_has_75_to_85_letters_a_line(page, address):
    page.goto(f"{address}use.html")
    letters = """e => {
      const style = getComputedStyle(e), line = parseFloat(style.lineHeight)
      return e.textContent.length / Math.round(e.clientHeight / line)
    }"""
    for width in (1400, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        counts = [one.evaluate(letters) for one in page.locator("article section > p").all()]
        longest = sorted(counts)[-len(counts) // 3 :]
        assert 65 < sum(longest) / len(longest) < 90


@pytest.mark.browser
def test_the_name_of_a_folder_heads_its_row_whole(page, address):
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(f"{address}architecture.html")
    names = page.locator("table.cards tbody th code").all()
    assert "convreg/_numerics" in [name.inner_text().strip("/") for name in names]
    assert max(name.bounding_box()["height"] for name in names) < 30  # one line


@pytest.mark.browser
@pytest.mark.parametrize("name", ["project", "notebooks/00_overview"])
def test_the_titles_of_the_ways_on_break_between_words(page, address, name):
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{address}{name}.html")
    for title in page.locator(".prev-next-title").all():
        longest = max(title.inner_text().split(), key=len)
        width = title.bounding_box()["width"]
        assert title.evaluate(WIDTH_OF, longest) <= width + 0.5, longest


@pytest.mark.browser
def test_in_the_dark_a_figure_is_drawn_on_the_page(page, address):
    image = pytest.importorskip("PIL.Image")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}notebooks/08_alternatives.html")
    figure = page.locator("article img").first
    figure.scroll_into_view_if_needed()
    page.wait_for_function("e => e.complete", arg=figure.element_handle())
    shot = image.open(io.BytesIO(figure.screenshot())).convert("RGB")
    colour = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    wanted = page.evaluate(colour)
    corners = [shot.getpixel((x, y)) for x in (2, shot.width - 3) for y in (2, shot.height - 3)]
    for corner in corners:
        assert max(abs(one - other) for one, other in zip(corner, wanted, strict=False)) <= 6
    assert max(shot.convert("L").getextrema()) > 150
