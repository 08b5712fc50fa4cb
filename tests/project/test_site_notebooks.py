"""The pages of the notebooks, and the links between equation, function, notebook and test."""

import ast
import doctest
import importlib
import posixpath
import re
import shlex
from functools import cache

import nbformat
import pytest
from browsing import none_of
from pages import ROOT

from convreg.companion.arguments import parser
from convreg.companion.notebooks import Notebook, all_notebooks, find_notebook, is_tagged

with_a_browser = pytest.mark.browser
of_the_site = pytest.mark.kernel  # it is built, which takes half a minute or more
NOTEBOOKS = all_notebooks()
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
GITHUB = "https://github.com/OWNER/NAME"
OURS = ("committed", "papermap", "places", "links", "notebooks", "backlinks", "testpages")


@pytest.fixture
def ext(monkeypatch):
    """The site's own extensions, by name."""
    pytest.importorskip("sphinx", reason="the site needs: pip install -e '.[site]'")
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    return importlib.import_module


@pytest.fixture
def rows(ext):
    """The map, as the site reads it."""
    return ext("papermap").map_rows()


@pytest.fixture(scope="module")
def tree(site):
    """A page of the site by its name, as a tree of elements."""
    bs4 = pytest.importorskip("bs4", reason="the site needs: pip install -e '.[site]'")

    @cache
    def parsed(name):
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        return bs4.BeautifulSoup(text, "html.parser")

    return parsed


def targets(element, name):
    """Where the links in a part of a page lead, from the top of the site."""
    links = [link["href"] for link in element.select("a[href]")]
    folder = posixpath.dirname(name)
    return {posixpath.normpath(posixpath.join(folder, link)) for link in links}


def code_cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# The extensions by themselves


@pytest.mark.parametrize("name", OURS)
def test_the_examples_in_the_extensions_hold(ext, name):
    assert doctest.testmod(ext(name)).failed == 0


@every_notebook
def test_set_up_check_and_results_are_the_folded_cells(path):
    cells = code_cells(path)
    folded = [number for number, cell in enumerate(cells) if is_tagged(cell, "hide-input")]
    assert folded == [0, 2, len(cells) - 1]  # 1 has the parameters, which stay in sight
    assert "check_parameters(globals()" in cells[2].source
    assert "save_results(" in cells[-1].source


@pytest.mark.parametrize("address", [GITHUB, f"{GITHUB}/", f"{GITHUB}.git"])
def test_binder_and_colab_open_the_notebook_of_the_owner(ext, address):
    path = "notebooks/03_gradients.ipynb"
    assert ext("notebooks").launches(address, path) == {
        "Binder": f"https://mybinder.org/v2/gh/OWNER/NAME/main?urlpath=lab/tree/{path}",
        "Colab": f"https://colab.research.google.com/github/OWNER/NAME/blob/main/{path}",
    }
    assert f"{GITHUB} " in ext("notebooks").first_cell(address)


@pytest.mark.parametrize("address", ["", "https://example.org/OWNER/NAME", f"{GITHUB}/tree/main"])
def test_there_is_nothing_to_launch_elsewhere(ext, address):
    assert ext("notebooks").launches(address, "notebooks/03_gradients.ipynb") == {}


@pytest.mark.parametrize("address", [GITHUB, ""])
def test_the_picture_of_a_figure_is_in_the_repository(ext, monkeypatch, address):
    module = ext("notebooks")
    monkeypatch.setattr(module, "REPOSITORY", address)
    pdf = f"{GITHUB}/blob/main/figures/pattern.pdf"
    assert (pdf in str(module.files_of("pattern"))) == bool(address)


@pytest.mark.parametrize("address", [GITHUB, ""])
def test_the_top_of_a_page_has_what_can_be_launched(ext, monkeypatch, address):
    module = ext("notebooks")
    monkeypatch.setattr(module, "REPOSITORY", address)
    top = str(module.bar(module.facts()[3]))
    for words in (
        "Open in Binder",
        "Open in Colab",
        "%pip install -q",
        f"clone -q --depth 1 {address}",
    ):
        assert (words in top) == bool(address)


def test_the_lines_to_run_a_notebook_again_are_accepted(ext):
    for facts in ext("committed").facts():
        program, *words = shlex.split(facts.command)
        assert program == ".venv/bin/convreg"
        options = parser().parse_args(words)
        notebook = Notebook.read(find_notebook(options.notebook))
        assert notebook.path == facts.path
        if not notebook.missing:
            values = notebook.read_values(dict(options.parameters))
            assert bool(values) == bool(set(notebook.declared) - {"figure_dir", "results_dir"})
            notebook.checked(values)


# Notebooks


@of_the_site
@every_notebook
def test_the_notebook_that_is_downloaded_is_the_committed_one(tree, site, path):
    page = f"notebooks/{path.stem}"
    bar = tree(page).select_one(".notebook-bar")
    (link,) = bar.select("a[download]")
    assert (site / "notebooks" / link["href"]).read_bytes() == path.read_bytes()
    list_of_all = targets(tree("notebooks/index"), "notebooks/index")
    assert posixpath.normpath(f"notebooks/{link['href']}") in list_of_all
    assert f"{page}.html" in list_of_all
    runs_in = re.search(r"Runs in (about [^.]+)\.", path.read_text(encoding="utf-8"))[1]
    assert runs_in in bar.text
    assert tree(page).article.text.count("uns in about") == 1
    assert f".venv/bin/convreg run {path.stem} " in bar.select_one("pre").text


@of_the_site
@every_notebook
def test_every_figure_has_its_numbers_below(ext, tree, site, path):
    page = tree(f"notebooks/{path.stem}")
    names = [name for cell in code_cells(path) for name in ext("committed").saved_by(cell.source)]
    assert names
    for name in names:
        cell = page.find(id=f"figure-{name}")
        below = cell.select_one("img").find_all_next(class_="figure-files")[0]
        assert below in cell.select(".figure-files")
        (link,) = below.select("a[download]")
        shipped = (site / "notebooks" / link["href"]).read_bytes()
        assert shipped == (ROOT / "figures" / f"{name}.csv").read_bytes()


@of_the_site
def test_a_file_is_shipped_once(site):
    names = sorted(path.name for path in site.glob("_downloads/*/*"))
    figures = [path.name for path in (ROOT / "figures").glob("*.csv")]
    assert names == sorted([*figures, *(path.name for path in NOTEBOOKS)])


@of_the_site
@every_notebook
def test_the_folded_cells_of_a_page_say_what_they_do(tree, path):
    folded = tree(f"notebooks/{path.stem}").select("details.folded")
    says = [fold.summary.text for fold in folded]
    assert says[0] == "Set-up: imports"
    assert says[1].startswith("Set-up: the parameters are checked")
    assert says[2] == "The results are kept, where results_dir names a folder"
    sources = [fold.select_one("pre").text.strip() for fold in folded]
    cells = code_cells(path)
    assert sources == [cells[0].source, cells[2].source, cells[-1].source]


@with_a_browser
@of_the_site
def test_a_folded_cell_is_opened_and_closed_by_keyboard(page, address):
    page.goto(f"{address}notebooks/03_gradients.html")
    fold = page.locator("details.folded").first
    code = fold.locator("pre")
    assert not code.is_visible()
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    code.wait_for(state="visible")
    page.keyboard.press("Space")
    code.wait_for(state="hidden")


@with_a_browser
@of_the_site
def test_print_has_the_folded_cells_open_and_no_buttons(page, address):
    page.goto(f"{address}notebooks/03_gradients.html")
    page.emulate_media(media="print")
    fold = page.locator("details.folded").first
    assert fold.locator("pre").is_visible()
    assert fold.locator("pre").bounding_box()["height"] > 100
    assert not fold.locator("summary").is_visible()
    assert not page.locator(".notebook-bar p > a, .figure-files").filter(visible=True).count()


@with_a_browser
@of_the_site
def test_a_cell_is_copied_as_it_stands_in_the_notebook(page, address):
    allowed = ["clipboard-read", "clipboard-write"]
    page.context.grant_permissions(allowed, origin=address.rstrip("/"))
    page.goto(f"{address}notebooks/03_gradients.html")
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    cells = page.locator(".cell_input .highlight")
    sources = [cell.source for cell in code_cells(find_notebook("3"))]
    assert cells.count() == len(sources)
    for number in (0, 1, len(sources) - 1):
        cells.nth(number).hover()
        cells.nth(number).locator("button.copybtn").click()
        cells.nth(number).locator("button.copybtn.success").wait_for()
        assert page.evaluate("navigator.clipboard.readText()").strip() == sources[number]


# Both ways


def row_of(tree, row):
    """The cells of a row in the page of the map."""
    return tree("map").find("tr", id=row.anchor).find_all(["th", "td"])


def places_of(ext, tree, row):
    """The functions of a row by their places in the reference: the page and the element's id."""
    (_, functions, *_) = row_of(tree, row)
    places = sorted(targets(functions, "map"))
    assert len(places) == len(set(row.functions)), f"{row.item}: {places}"
    return [place.split(".html#") for place in places]


@of_the_site
def test_every_row_of_the_map_leads_there_and_back(ext, rows, tree):
    problems = []
    for row in rows:
        here = f"map.html#{row.anchor}"
        item, _, notebooks, tests, figures = row_of(tree, row)
        assert f"map.html#{row.anchor}" in {f"map.html{link['href']}" for link in item.select("a")}
        places = places_of(ext, tree, row)
        lines = [
            (page, f"{page}.html#{anchor}", tree(page).find(id=anchor).find_next_sibling("dd"))
            for page, anchor in places
        ]
        assert targets(notebooks, "map") == {f"{name}.html" for name in row.notebooks}
        lines += [(name, name, tree(name).select_one(".shown-here")) for name in row.notebooks]
        assert targets(tests, "map") == {f"{name}.html" for name in row.tests}
        lines += [(name, name, tree(name).select_one("article ul")) for name in row.tests]
        wanted = {f"{page}.html#{anchor}" for page, anchor in places}
        for page, there, part in lines:
            found = targets(part, page)
            if here not in found:
                problems.append(f"{there} does not lead back to {row.item}")
            if not page.startswith("api/") and not wanted <= found:
                problems.append(f"{there} does not lead to all functions of {row.item}")
        shown = {link.partition("#")[2] for link in targets(figures, "map")}
        assert shown == {f"figure-{name}" for name in row.figures}
    none_of(problems)


@of_the_site
def test_a_function_says_where_it_is_shown_and_tested(tree):
    name = "api/gradients"
    entry = tree(name).find(id="convreg.gradients.kernel_gradient").find_next_sibling("dd")
    lines = entry.find_all(class_="in-the-paper")
    assert [line.a.text for line in lines] == ["Theorem 2.2, (2.3)", "Theorem 2.3, (2.5)"]
    section = "theorems-2-2-and-2-3-the-penalty-in-the-kernel"
    assert f"notebooks/03_gradients.html#{section}" in targets(lines[1], name)
    assert {"tests/test_gradients.html", "tests/test_penalty.html"} <= targets(lines[1], name)


@of_the_site
@every_notebook
def test_a_numbered_equation_leads_to_its_code_and_is_led_to(ext, rows, tree, path):
    name = f"notebooks/{path.stem}"
    text = path.read_text(encoding="utf-8")
    for number in re.findall(r"\\tag\{([\d.]+)\}", text):
        anchor = ext("backlinks").equation_id(number)
        equation = tree(name).find(id=anchor)
        assert f"tag{{{number}}}" in equation.text
        (row,) = [row for row in rows if number in row.equations and name in row.notebooks]
        below = targets(equation.find_next_sibling(class_="equation-in-code"), name)
        assert f"map.html#{row.anchor}" in below
        assert len(below) == len(row.functions) + 1
        assert f"{name}.html#{anchor}" in targets(row_of(tree, row)[0], "map")


# The pages of the tests


@of_the_site
def test_a_page_of_a_test_has_its_source_and_is_light(ext, tree, site):
    tests = ext("papermap").tested()
    assert len(tests) > 40
    for name in tests:
        source = (ROOT / f"{name}.py").read_text(encoding="utf-8")
        assert tree(name).select_one("pre").text.strip() == source.strip()
        names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
        assert not [test for test in names if not tree(name).find("span", id=test)]
    assert sum((site / f"{name}.html").stat().st_size for name in tests) < 2_500_000
