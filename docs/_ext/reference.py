"""The reference: what autodoc shows of classes and named tuples."""

import inspect
import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature

ALIAS = re.compile(r"TypeAliasForwardRef\('(\w+)'\)")


def plain_aliases(
    app: Sphinx,
    what: str,
    name: str,
    thing: Any,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None] | None:
    """An alias of a type within another type has its name alone."""
    if signature is None or not ALIAS.search(f"{signature} {returns}"):
        return None
    return ALIAS.sub(r"\1", signature), returns and ALIAS.sub(r"\1", returns)


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


def skip_imported(
    app: Sphinx, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """What a module imports is described where it is made; autodoc looks at all of it first."""
    code = inspect.isroutine(member) or inspect.isclass(member) or inspect.ismodule(member)
    ours = getattr(member, "__module__", None) == app.env.current_document.autodoc_module
    return True if what == "module" and code and not ours else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.connect("autodoc-process-signature", own_signature)
    app.connect("autodoc-process-signature", plain_aliases)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("autodoc-skip-member", skip_imported)
    return {"parallel_read_safe": True}
