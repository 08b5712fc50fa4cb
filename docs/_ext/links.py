"""Links of the site.

A link to a file of the repository leads to the page that the site has for it, or to the reference;
to the repository itself where the environment variable CONVREG_REPOSITORY gives its address; else
nowhere.
"""

import os
import posixpath
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

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
        if path.startswith("convreg"):
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            new = [python_reference("mod", module, docname, *node.children)]
        elif REPOSITORY:
            new = [nodes.reference("", "", *node.children, refuri=f"{REPOSITORY}/blob/main/{path}")]
        node.replace_self(new)


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
    if node.get("refdomain") != "py":
        return None
    found = [
        entry
        for name, entry in env.domains.python_domain.objects.items()
        if name.endswith(f".{node['reftarget']}")
        and entry.objtype in ("function", "class", "exception")
    ]
    if len(found) != 1:
        return None
    return make_refnode(app.builder, node["refdoc"], found[0].docname, found[0].node_id, text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them all."""
    app.connect("source-read", site_links)
    app.connect("doctree-read", link_files)
    app.connect("doctree-read", link_code)
    app.connect("missing-reference", short_name)
    return {"parallel_read_safe": True}
