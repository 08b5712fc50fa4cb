"""The site: the pages of docs/, the notebooks as committed, the reference; see `make site`.

A link to a file of the repository leads to the page that the site has for it, or to the reference;
to the repository itself where the environment variable CONVREG_REPOSITORY gives its address; else
nowhere.
"""

import inspect
import os
import posixpath
from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.inspect import stringify_signature
from sphinx.util.nodes import make_refnode

import convreg
import convreg.claims.scorecard  # now: as it is imported it asks SciPy, and SciPy the mocked torch

ROOT = Path(convreg.__file__).parents[1]
REPOSITORY = os.environ.get("CONVREG_REPOSITORY", "").rstrip("/")
SOURCE = [{"name": "Source", "url": REPOSITORY, "icon": "fa-brands fa-github"}]

project = "convreg"
author = "the convreg developers"
copyright = "the convreg developers, MIT licence"
release = version = convreg.__version__
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
]
exclude_patterns = ["README.md"]
default_role = "py:obj"
smartquotes = False  # M'M
add_module_names = False
toc_object_entries_show_parents = "hide"

autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    "exclude-members": "Lock, kstest",  # imported: autodoc stumbles over their signatures
}
autodoc_mock_imports = ["joblib", "sklearn", "torch"]  # the reference is the same without them
viewcode_follow_imported_members = False  # into the mocked torch
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {name: name for name in ("ArrayLike", "NDArray", "Table", "Function")}
python_maximum_signature_line_length = 80  # longer ones have a line for each parameter
numpydoc_show_class_members = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
copybutton_prompt_text = ">>> |\\.\\.\\. "
copybutton_prompt_is_regexp = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

html_theme = "pydata_sphinx_theme"
html_title = "convreg"
html_domain_indices = False
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = html_copy_source = False
html_sidebars = {
    name: [] for name in ("index", "use", "rerun", "sweep", "validate", "scorecard", "map")
}
html_theme_options = {
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "header_links_before_dropdown": 9,
    "footer_end": [],
    "footer_start": ["copyright"],
    "icon_links": SOURCE if REPOSITORY else [],
}


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


def own_signature(
    app: Sphinx,
    what: str,
    name: str,
    thing: Any,
    options: object,
    signature: str | None,
    returns: str,
) -> tuple[str, str] | None:
    """A class whose base is mocked, and takes anything, has its own ``__init__``'s signature."""
    anything = str(signature).startswith("(*args")
    if what != "class" or not anything or "__init__" not in vars(thing):
        return None
    own = list(inspect.signature(thing.__init__).parameters.values())[1:]
    return stringify_signature(inspect.Signature(own), unqualified_typehints=True), returns


def skip_field(
    app: Sphinx, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """The fields of a named tuple without a text of their own stand in its signature."""
    return True if str(member.__doc__).startswith("Alias for field number") else None


def size_images(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Every image with its width and height, so that the page keeps its layout while it loads."""
    for image in doctree.findall(nodes.image):
        with Image.open(Path(app.srcdir) / image["uri"]) as picture:
            width, height = picture.size
        shown = min(width, 760)  # what the notebooks draw, the files in figures/ being finer
        image["width"], image["height"] = str(shown), str(round(height * shown / width))


def setup(app: Sphinx) -> None:
    """Connect them all."""
    app.connect("source-read", site_links)
    app.connect("autodoc-process-signature", own_signature)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("doctree-read", link_files)
    app.connect("doctree-read", link_code)
    app.connect("missing-reference", short_name)
    app.connect("doctree-resolved", size_images)
