"""Where a Python object stands in the reference."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

KINDS = ("function", "class", "exception")


def find_place(env: BuildEnvironment, name: str) -> ObjectEntry | None:
    """The place of an object by its full name, or by its own where only one has that name."""
    objects = env.domains.python_domain.objects
    if name in objects:
        return objects[name]
    own = name.rpartition(".")[2]
    found = [
        entry
        for full, entry in objects.items()
        if full.endswith(f".{own}") and entry.objtype in KINDS
    ]
    return found[0] if len(found) == 1 else None


def link_to_place(
    app: Sphinx, docname: str, place: ObjectEntry | None, text: nodes.Node
) -> nodes.Node:
    """A link to it; the text alone where the reference does not have it."""
    if place is None:
        return text
    return make_refnode(app.builder, docname, place.docname, place.node_id, text)
