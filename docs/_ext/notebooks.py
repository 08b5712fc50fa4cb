"""The pages of the notebooks: what stands at the top, below a figure and in a folded cell."""

import ast
import re

from committed import Facts, facts, homes, saved_by
from docutils import nodes
from links import REPOSITORY
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

FIRST = "run this first, and again where it asks to restart the session"
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")


def launches(repository: str, path: str) -> dict[str, str]:
    """Where a notebook can be run without an installation, by name; none but from GitHub.

    >>> launches("https://github.com/OWNER/NAME", "notebooks/03_gradients.ipynb")["Colab"]
    'https://colab.research.google.com/github/OWNER/NAME/blob/main/notebooks/03_gradients.ipynb'
    >>> launches("", "notebooks/03_gradients.ipynb")
    {}
    """
    found = GITHUB.fullmatch(repository)
    if not found:
        return {}
    binder = f"https://mybinder.org/v2/gh/{found[1]}/main?urlpath=lab/tree/{path}"
    colab = f"https://colab.research.google.com/github/{found[1]}/blob/main/{path}"
    return {"Binder": binder, "Colab": colab}


def first_cell(repository: str) -> str:
    """What a notebook on Colab needs first: the files and what they import.

    >>> print(first_cell("https://github.com/OWNER/NAME.git"))
    !git clone -q --depth 1 https://github.com/OWNER/NAME /content/convreg
    %pip install -q /content/convreg papermill
    %cd -q /content/convreg
    """
    address = repository.removesuffix("/").removesuffix(".git")
    return "\n".join(
        [
            f"!git clone -q --depth 1 {address} /content/convreg",
            "%pip install -q /content/convreg papermill",
            "%cd -q /content/convreg",
        ]
    )


def download(file: str, text: str) -> addnodes.download_reference:
    """A link to a file of the repository, which goes with the site once."""
    return addnodes.download_reference("", text, reftarget=f"/{file}", refdoc="")


# At the top


def bar(notebook: Facts) -> nodes.container:
    """Download and launch, the time it takes, the command to run it with another value."""
    path = f"notebooks/{notebook.path.name}"
    links = nodes.paragraph("", "", download(path, "Download notebook"))
    for name, address in launches(REPOSITORY, path).items():
        links += nodes.reference("", f"Open in {name}", refuri=address)
    links += how_to_run(notebook)
    again = code("sh", notebook.command)
    parts = nodes.container("", links, again, classes=["notebook-bar"])
    if launches(REPOSITORY, path):
        first = code("ipython3", first_cell(REPOSITORY))
        parts += HideCodeCellNode("", first, prompt_show=f"On Colab {FIRST}")
    return parts


def how_to_run(notebook: Facts) -> nodes.inline:
    """The time it takes, and what the command does that follows."""
    says = nodes.inline("", f"Runs in about {notebook.runs_in}; ")
    if " -p " in notebook.command:
        own = nodes.reference("", "your own numbers", refuri="../rerun.html#parameters")
        says += [nodes.Text("with "), own, nodes.Text(":")]
    else:
        says += nodes.Text("again:")
    return says


def code(language: str, text: str) -> nodes.literal_block:
    """Code in a box with a button that copies it."""
    return nodes.literal_block(text, text, language=language)


def say_once(doctree: nodes.document, sentence: str) -> None:
    """Leave out of the text what now stands above it."""
    for text in list(doctree.findall(nodes.Text)):
        if sentence in text:
            text.parent.replace(text, nodes.Text(text.replace(sentence, "", 1)))
            return


# In the cells


def summary(source: str) -> str:
    """What a folded cell is said to do.

    >>> summary("import numpy as np")
    'Set-up: imports'
    >>> summary("given = check_parameters(globals())\\nN = input_size\\nK = kernel(N)")
    'Set-up: the parameters are checked; N, K'
    """
    statements = ast.parse(source).body
    if all(isinstance(node, ast.Import | ast.ImportFrom) for node in statements):
        return "Set-up: imports"
    if "save_results(" in source:
        return "The results are kept, where results_dir names a folder"
    assignments = [node for node in statements if isinstance(node, ast.Assign)]
    names = [ast.unparse(node.targets[0]) for node in assignments]
    made = ", ".join(name for name in names if name != "given")
    return f"Set-up: the parameters are checked; {made}".removesuffix("; ")


def open_fold(self: HTML5Translator, node: nodes.Element) -> None:
    """A folded cell begins."""
    says = self.encode(node["prompt_show"])
    self.body.append(f'<details class="folded"><summary>{says}</summary>\n')


def close_fold(self: HTML5Translator, node: nodes.Element) -> None:
    """A folded cell ends."""
    self.body.append("</details>\n")


def files_of(name: str) -> nodes.paragraph:
    """The line below a figure: its numbers, and its PDF, which only the repository has."""
    line = nodes.paragraph("", f"{name}: ", classes=["figure-files"])
    line += download(f"figures/{name}.csv", "numbers (CSV)")
    if REPOSITORY:
        address = f"{REPOSITORY}/blob/main/figures/{name}.pdf"
        line += [nodes.Text(", "), nodes.reference("", "picture (PDF)", refuri=address)]
    return line


def finish_cells(doctree: nodes.document) -> None:
    """Folded cells say what they do; figures have an anchor and their numbers."""
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code":
            continue
        source = next(cell.findall(nodes.literal_block)).astext()
        if cell.get("hide_mode") == "input":
            cell["prompt_show"] = summary(source)
        for name in saved_by(source):
            cell["ids"].append(f"figure-{name}")
            cell += files_of(name)


def finish_figures(doctree: nodes.document) -> None:
    """A figure in a page of docs/ that is one of figures/ has the same line."""
    for figure in doctree.findall(nodes.figure):
        name = next(figure.findall(nodes.image))["uri"].rpartition("/")[2].partition(".")[0]
        if name in homes():
            figure += nodes.legend("", files_of(name))


def finish_pages(app: Sphinx, doctree: nodes.document) -> None:
    """What a page has of this."""
    for notebook in facts():
        if notebook.page == app.env.docname:
            say_once(doctree, f" Runs in about {notebook.runs_in}.")
            next(doctree.findall(nodes.section)).insert(1, bar(notebook))
            finish_cells(doctree)
    finish_figures(doctree)


# The list of them


class Notebooks(SphinxDirective):
    """All notebooks: what each answers, where it is in the paper, how long it runs."""

    def run(self) -> list[nodes.Node]:
        """A table, written as Markdown."""
        lines = [
            "| notebook | answers | in the paper | runs in about | file |",
            "|---|---|---|---|---|",
        ]
        for notebook in facts():
            name = notebook.path.name
            cells = [
                f"[{notebook.title}]({name})",
                notebook.answers,
                notebook.sections,
                notebook.runs_in,
                f"[Download](path:{name})",
            ]
            lines.append(f"| {' | '.join(cells)} |")
        return self.parse_text_to_nodes("\n".join(lines))


class Launch(SphinxDirective):
    """How to open the notebooks without an installation, where the repository is on GitHub."""

    def run(self) -> list[nodes.Node]:
        """A paragraph, or nothing."""
        places = launches(REPOSITORY, "notebooks/00_overview.ipynb")
        if not places:
            return []
        first = f"```ipython3\n{first_cell(REPOSITORY)}\n```"
        text = (
            f"Without an installation: on [Binder]({places['Binder']}), or on"
            f" [Colab]({places['Colab']}). There {FIRST}:\n\n{first}"
        )
        return self.parse_text_to_nodes(text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.add_directive("notebooks", Notebooks)
    app.add_directive("launch", Launch)
    app.add_node(HideCodeCellNode, override=True, html=(open_fold, close_fold))
    app.connect("doctree-read", finish_pages, priority=100)  # before Sphinx collects the files
    return {"parallel_read_safe": True}
