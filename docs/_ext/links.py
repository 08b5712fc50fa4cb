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
REPOSITORY = os.environ.get("CONVREG_REPOSITORY", "").rstrip("/")


def site_links(app: Sphinx, docname: str, source: list[str]) -> None:
    """On the site the pages of docs/ stand one folder higher than in the repository."""
    out = "../" * (docname.count("/") + 1)
    if (ROOT / "docs" / f"{docname}.md").exists():
        for before in ("](", "{figure} "):
            source[0] = source[0].replace(before + out, before + out.removeprefix("../"))
    else:
        source[0] = source[0].replace("](docs/", "](").replace("](../docs/", "](../")


def link_files(app: Sphinx, doctree: nodes.document) -> None:
    """A link to a file that is no page leads to the reference, to the repository, or nowhere."""
    docname = app.env.docname
    for node in list(doctree.findall(addnodes.pending_xref)):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(docname), node["reftarget"]))
        if node["reftype"] != "myst" or node["refdomain"] or not (ROOT / path).exists():
            continue
        new: list[nodes.Node] = node.children
        if path.removesuffix(".py") in tested():
            new = [page_reference(app, path.removesuffix(".py"), "", node.children)]
        elif path.startswith("convreg"):
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            new = [python_reference("mod", module, docname, *node.children)]
        elif REPOSITORY:
            new = [nodes.reference("", "", *node.children, refuri=f"{REPOSITORY}/blob/main/{path}")]
        node.replace_self(new)


def page_reference(app: Sphinx, page: str, anchor: str, text: list[nodes.Node]) -> nodes.reference:
    """A link to another page of the site, whether Sphinx or testpages.py writes it."""
    uri = app.builder.get_relative_uri(app.env.docname, page)
    return nodes.reference("", "", *text, refuri=f"{uri}{anchor}", internal=True)


def link_figures(app: Sphinx, doctree: nodes.document) -> None:
    """A link to a picture in figures/ leads to the notebook that shows it."""
    for node in list(doctree.findall(addnodes.download_reference)):
        picture = re.fullmatch(r".*figures/(\w+)\.png", node["reftarget"])
        if picture and picture[1] in homes():
            name = picture[1]
            node.replace_self(page_reference(app, homes()[name], f"#figure-{name}", node.children))


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
    app.connect("doctree-read", link_files)
    app.connect("doctree-read", link_figures, priority=100)  # before Sphinx collects the files
    app.connect("doctree-read", link_code)
    app.connect("missing-reference", short_name)
    return {"parallel_read_safe": True}
