"""Links of the site.

A link to a file of the repository leads to the page that the site has for it, or to the reference;
to the repository itself where the environment variable CONVREG_REPOSITORY gives its address; else
nowhere.
"""

import os
import posixpath
import re
from pathlib import Path

from committed import homes
from docutils import nodes
from papermap import tested
from places import find_place, link_to_place
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import convreg

ROOT = Path(convreg.__file__).parents[1]
REPOSITORY = os.environ.get("CONVREG_REPOSITORY", "").rstrip("/").removesuffix(".git")


def site_links(app: Sphinx, docname: str, source: list[str]) -> None:
    """On the site the pages of docs/ stand one folder higher than in the repository."""
    out = "../" * (docname.count("/") + 1)
    if (ROOT / "docs" / f"{docname}.md").exists():
        for before in ("](", "{figure} "):
            source[0] = source[0].replace(before + out, before + out.removeprefix("../"))
    else:
        source[0] = source[0].replace("](docs/", "](").replace("](../docs/", "](../")


def link_files(app: Sphinx, doctree: nodes.document) -> None:
    """A link to a file that is no page leads where the site has what is in it."""
    folder = posixpath.dirname(app.env.docname)
    for node in list(doctree.findall(is_to_file)):
        path = posixpath.normpath(posixpath.join(folder, node["reftarget"]))
        if (ROOT / path).exists() and not path.endswith(".ipynb"):
            node.replace_self(link_to_file(app, path, node.children))


def is_to_file(node: nodes.Node) -> bool:
    """A link in Markdown to no page, but maybe to a file that Sphinx would copy."""
    links = addnodes.pending_xref | addnodes.download_reference
    return isinstance(node, links) and node.get("reftype") == "myst" and not node["refdomain"]


def link_to_file(app: Sphinx, path: str, text: list[nodes.Node]) -> list[nodes.Node]:
    """The page of a test, the notebook of a figure, the reference; the repository; the text."""
    figure = re.fullmatch(r"figures/(\w+)\.png", path)
    if path.removesuffix(".py") in tested():
        return [page_reference(app, path.removesuffix(".py"), "", text)]
    if figure and figure[1] in homes():
        return [page_reference(app, homes()[figure[1]], f"#figure-{figure[1]}", text)]
    if path.startswith("convreg"):
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        return [python_reference("mod", module, app.env.docname, *text)]
    if REPOSITORY:
        return [nodes.reference("", "", *text, refuri=f"{REPOSITORY}/blob/main/{path}")]
    return text


def page_reference(app: Sphinx, page: str, anchor: str, text: list[nodes.Node]) -> nodes.reference:
    """A link to another page of the site, whether Sphinx or testpages.py writes it."""
    uri = app.builder.get_relative_uri(app.env.docname, page)
    return nodes.reference("", "", *text, refuri=f"{uri}{anchor}", internal=True)


def link_code(app: Sphinx, doctree: nodes.document) -> None:
    """`convolve` in a page or a notebook leads to its place in the reference."""
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext()
        linked = isinstance(literal.parent, nodes.reference | addnodes.pending_xref)
        if not linked and (name in convreg.__all__ or name.startswith("convreg.")):
            link = python_reference("obj", name, app.env.docname, literal.deepcopy())
            literal.replace_self(link)


def python_reference(
    kind: str, name: str, docname: str, *text: nodes.Node
) -> addnodes.pending_xref:
    """What Sphinx resolves to the place of a Python object, or else leaves as text."""
    where = {"refdomain": "py", "reftype": kind, "reftarget": name, "refdoc": docname}
    return addnodes.pending_xref("", *text, **where, refexplicit=True, refwarn=kind == "mod")


def short_name(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, text: nodes.Element
) -> nodes.Node | None:
    """The place of a function or class named without its module, where only one has that name."""
    if node.get("refdomain") != "py" or node.get("reftype") == "mod":
        return None
    place = find_place(env, node["reftarget"])
    return link_to_place(app, node["refdoc"], place, text) if place else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them all."""
    app.connect("source-read", site_links)
    app.connect("doctree-read", link_files, priority=90)  # before Sphinx collects what is copied
    app.connect("doctree-read", link_code)
    app.connect("missing-reference", short_name)
    return {"parallel_read_safe": True}
