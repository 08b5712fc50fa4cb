"""The interactive figure on the first page: by keyboard, by mouse, in both themes, without it."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import FRAMES, THEME, none_of
from pages import ROOT
from PIL import Image

from convreg import matlab_rand, minimize_penalty

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
RECORD = json.loads((ROOT / "docs/explorer.json").read_text(encoding="utf-8"))
FIGURE = "figure.explorer"
HIDDEN = ".explorer-live:not([hidden])"
MOST = 120_000  # bytes
FITS = """figure => {
  const all = [...figure.querySelectorAll("*")].filter(e => e.getClientRects().length)
  const seen = all.filter(e => !e.closest(".explorer-status"))
  const wide = seen.filter(e => e.getBoundingClientRect().right > innerWidth)
  const cut = seen.filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1)
  return [...wide, ...cut].map(e => e.outerHTML.slice(0, 99))
}"""
LOADED = """async image => {
  image.loading = "eager" // else it may come later than the page
  await image.decode()
  return image.naturalWidth
}"""
COLOUR = """([canvas, red, green, blue]) => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  let count = 0
  for (let i = 0; i < data.length; i += 4)
    count += data[i] == red && data[i + 1] == green && data[i + 2] == blue && data[i + 3] == 255
  return count
}"""


@pytest.fixture
def first(page, address):
    """The first page with the figure at work."""
    page.goto(f"{address}index.html")
    page.locator(HIDDEN).wait_for()
    return page


def numbers(page):
    """What the figure shows, as numbers."""
    cells = page.locator(f"{FIGURE} [data-line]").all()
    return {cell.get_attribute("data-line"): number(cell.inner_text()) for cell in cells}


def number(text):
    return float(text.replace(",", "").replace("−", "-"))


def at_iteration(page):
    return int(page.locator(f"{FIGURE} output").inner_text())


def taps(page):
    """The taps of each pair of channels, row by row."""
    grids = page.locator(".explorer-taps > [role=group]").all()
    return [[number(text) for text in it.locator("span").all_inner_texts()] for it in grids]


def computed(size, alpha, gram, update, iteration):
    """What Algorithm 2.1 gives: the numbers as they should be shown, and the kernel."""
    how = {"update": "svd"} if update == "svd" else {"power_iterations": int(update)}
    K = matlab_rand(*map(int, size.split("x")), state=1)
    result = minimize_penalty(K, 15, float(alpha), 0.01, iteration, gram=gram, **how)
    last = result.history[-1]
    names = ("sigma_max", "sigma_min", "condition_number", "estimate", "penalty")
    shown = {name: float(f"{last[name]:.3g}") for name in names}
    return shown | {"alpha": float(alpha)}, result.kernel


def agree(page, size, alpha, gram, update, iteration):
    """The numbers and the taps shown are those of Algorithm 2.1."""
    shown, K = computed(size, alpha, gram, update, iteration)
    assert at_iteration(page) == iteration
    assert numbers(page) == pytest.approx(shown, rel=0.0101)  # a last digit may turn
    pairs = RECORD["kernels"][size]
    wanted = [[round(tap, 2) for tap in K[:, :, i, j].ravel().tolist()] for i, j in pairs]
    assert taps(page) == [pytest.approx(pair, abs=0.0101) for pair in wanted]
    run = RECORD["runs"][f"{size} {alpha} {gram} {update}"]
    assert page.locator(".explorer-words").inner_text() == " ".join(run["words"])
    said = page.locator(".explorer-status").inner_text()
    assert said.startswith(f"Iteration {iteration},")
    for value in page.locator(f"{FIGURE} [data-line]").all_inner_texts():
        assert f" {value}" in said


def choose(page, **chosen):
    for name, value in chosen.items():
        page.locator(f"{FIGURE} label:has(input[name={name}][value='{value}'])").click()


def test_it_opens_with_the_dip_of_the_papers_first_kernel(first):
    agree(first, "3x3x3x1", "1", "columns", "2", 17)
    assert numbers(first)["estimate"] < 1 <= numbers(first)["penalty"]


def test_by_keyboard_alone(first):
    press = first.keyboard.press
    focused = "document.activeElement.name || document.activeElement.id"
    first.locator(f"{FIGURE} input:checked").first.focus()
    press("ArrowRight")
    for name in ("alpha", "gram", "update", "explorer-iteration"):
        press("Tab")
        assert first.evaluate(focused) == name
    press("Home")
    agree(first, "3x3x1x3", "1", "columns", "2", 0)
    for _ in range(8):
        press("ArrowRight")
    agree(first, "3x3x1x3", "1", "columns", "2", 8)
    for _ in range(3):
        press("Shift+Tab")
    press("ArrowRight")
    press("Tab")
    press("ArrowRight")
    press("Tab")
    press("ArrowLeft")
    press("Tab")
    press("End")
    agree(first, "3x3x1x3", "5", "rows", "1", 20)


def test_the_focus_is_seen(first):
    radio = first.locator(f"{FIGURE} input:checked").first
    radio.focus()
    first.keyboard.press("ArrowRight")
    outline = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert first.evaluate(outline) == "solid"


@pytest.mark.parametrize("panel", ["values", "penalties"])
def test_by_mouse(first, panel):
    choose(first, kernel="3x3x1x1", alpha="0.1", gram="rows", update="svd")
    plot = first.locator(f"[data-plot={panel}] .u-over")
    box = plot.bounding_box()
    for iteration in (4, 13):
        plot.hover(position={"x": box["width"] * iteration / 20 + 2, "y": 20})
        agree(first, "3x3x1x1", "0.1", "rows", "svd", iteration)
    first.mouse.move(0, 0)
    assert at_iteration(first) == 13


def test_large_kernels_show_some_pairs(first):
    choose(first, kernel="3x3x6x3", alpha="10", update="4")
    agree(first, "3x3x6x3", "10", "columns", "4", 17)
    title = first.locator(".explorer-taps > p").inner_text()
    assert title == "Taps at iteration 17 input → output channel (3 of 18 pairs)"


def drawn(page, colour):
    """How many pixels of the two plots have a colour."""
    canvases = page.locator(f"{FIGURE} canvas").element_handles()
    return [page.evaluate(COLOUR, [canvas, *colour]) for canvas in canvases]


def test_the_theme_redraws_it(first):
    light = (0, 114, 178)
    dark = (86, 180, 240)
    assert drawn(first, light)[0] > 200
    first.evaluate("document.documentElement.dataset.theme = 'dark'")
    first.evaluate(FRAMES)
    assert drawn(first, light) == [0, 0]
    assert drawn(first, dark)[0] > 200
    first.emulate_media(media="print")
    first.evaluate(FRAMES)
    assert drawn(first, light)[0] > 200
    first.emulate_media(media="screen")


def test_the_marks_move_with_the_iteration(first):
    canvas = "document.querySelector('[data-plot=penalties] canvas').toDataURL()"
    before = first.evaluate(canvas)
    first.locator("#explorer-iteration").press("ArrowLeft")
    first.evaluate(FRAMES)
    assert first.evaluate(canvas) != before


@pytest.mark.parametrize("width", [360, 768, 1400, 1920])
def test_nothing_overflows(first, width):
    first.set_viewport_size({"width": width, "height": 900})
    first.evaluate(FRAMES)
    for kernel in RECORD["kernels"]:
        choose(first, kernel=kernel)
        none_of(first.locator(FIGURE).evaluate(FITS))
    plots = first.locator(f"{FIGURE} .u-wrap").all()
    boxes = [plot.bounding_box() for plot in plots]
    assert min(box["width"] for box in boxes) > 250
    assert (boxes[0]["y"] == boxes[1]["y"]) == (width > 700)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_axe_finds_nothing(first, theme, width):
    first.set_viewport_size({"width": width, "height": 900})
    first.evaluate(THEME, theme)
    found = Axe().run(first, context=FIGURE).response["violations"]
    none_of([f"{it['id']}: {node['html']}" for it in found for node in it["nodes"]])


def static(page):
    """The picture with its text, where there is one."""
    picture = page.locator(f"{FIGURE} img")
    words = " ".join(RECORD["runs"]["3x3x3x1 1 columns 2"]["words"])
    assert picture.evaluate(LOADED) > 700
    assert picture.get_attribute("alt").endswith(words)
    assert words in page.locator(FIGURE).inner_text()
    links = page.locator(f"{FIGURE} figcaption a").evaluate_all("all => all.map(a => a.href)")
    assert re.findall(r"notebooks/(\d\d)", " ".join(links)) == ["06", "07"]
    assert not page.locator(HIDDEN).count()


def test_without_javascript_there_is_a_picture(browser, address):
    with browser.browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{address}index.html")
        static(page)


def test_where_it_cannot_be_unpacked_there_is_a_picture(page, address):
    page.add_init_script("delete window.DecompressionStream")
    page.goto(f"{address}index.html")
    page.locator(f"{FIGURE} img").wait_for()
    static(page)


def test_it_works_without_a_server(page, site):
    page.goto((site / "index.html").as_uri())
    page.locator(HIDDEN).wait_for()
    agree(page, "3x3x3x1", "1", "columns", "2", 17)


def test_only_its_page_loads_it_and_it_is_light(page, site, address):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}use.html")
    assert not ours(asked)
    page.goto(f"{address}index.html")
    page.locator(HIDDEN).wait_for()
    files = [site / url.removeprefix(address).partition("?")[0] for url in ours(asked)]
    names = ["explorer.css", "explorer.js", "uPlot.iife.min.js", "uPlot.min.css"]
    assert sorted(file.name for file in files) == names
    within = page.locator(FIGURE).evaluate("figure => figure.outerHTML.length")
    assert within + sum(file.stat().st_size for file in files) <= MOST


def ours(urls):
    return [url for url in urls if "uplot" in url.lower() or "explorer" in url]


def test_the_picture_is_small_and_the_library_has_its_licence(site):
    with Image.open(site / "_images" / "explorer.png") as picture:
        assert picture.size[0] > 1000
    assert (site / "_images" / "explorer.png").stat().st_size < 100_000
    licence = (site / "_static/vendor/uplot/LICENSE").read_text(encoding="utf-8")
    assert "Leon Sorokin" in licence
    script = (site / "_static/vendor/uplot/uPlot.iife.min.js").read_text(encoding="utf-8")
    assert "v1.6.32" in script[:100]
