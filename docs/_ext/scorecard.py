"""The scorecard: verdicts in colour and word, links to the predicates, a filter on its own page.

The filter works by the classes that the rows get here: their verdict and their sections. Without
JavaScript it stays hidden, and every row is shown.
"""

import re
from collections import Counter
from collections.abc import Iterable
from html import escape

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from convreg.claims.definitions import TITLES
from convreg.claims.scorecard import ORDER

SECTIONS = {
    "section-1": "1. Introduction",
    "section-2": "2. Regularization of convolution kernels",
    "section-3": "3. Numerical experiments",
    "example-1": "3. Example 1",
    "example-2": "3. Example 2",
    "section-4": "4. Conclusions",
}
PLACE = re.compile(r"\b([1-4])(?:\.\d)?\b")  # in the paper, or of an equation
EXAMPLE = re.compile(r"Example ([12])")


def mark_tables(app: Sphinx, doctree: nodes.document) -> None:
    """Every table of claims; on the scorecard's page its rows can be linked to and filtered."""
    for table in list(doctree.findall(nodes.table)):
        (head,) = table.findall(nodes.thead)
        if tuple(entry.astext() for entry in head.findall(nodes.entry)) != TITLES:
            continue
        (body,) = table.findall(nodes.tbody)
        rows = list(body.findall(nodes.row))
        table["classes"].append("scorecard")
        for row in rows:
            mark_verdict(row)
            link_to_source(app, row)
        if app.env.docname == "scorecard":
            name_rows(rows)
            place = table.parent.index(table)
            table.parent.insert(place, nodes.raw("", summary(rows), format="html"))


def mark_verdict(row: nodes.row) -> None:
    """The row and the word have the class of the verdict, the row those of its sections."""
    where, _, verdict, *_ = row.findall(nodes.entry)
    kind = class_of(verdict.astext())
    row["classes"] += [kind, *sections_of(where.astext())]
    (word,) = verdict.findall(nodes.strong)
    word["classes"] += ["verdict", kind]


def class_of(verdict: str) -> str:
    """The class of a verdict: "holds-in-part"."""
    return verdict.replace(" ", "-")


def sections_of(where: str) -> list[str]:
    """The classes of the sections that a place of the paper, or of an equation, belongs to."""
    numbers = sorted(set(PLACE.findall(EXAMPLE.sub("", where))))
    examples = EXAMPLE.findall(where)
    return [f"section-{number}" for number in numbers] + [f"example-{one}" for one in examples]


def link_to_source(app: Sphinx, row: nodes.row) -> None:
    """The name of a predicate leads to its lines in the module."""
    for link in list(row.findall(addnodes.pending_xref)):
        module = re.search(r"(convreg/claims/\w+)\.py$", link["reftarget"])
        if module:
            page = app.builder.get_relative_uri(app.env.docname, f"_modules/{module[1]}")
            address = f"{page}#{link.astext()}"
            new = nodes.reference("", "", *link.children, refuri=address, internal=True)
            link.replace_self(new)


def name_rows(rows: Iterable[nodes.row]) -> None:
    """An id for each row, after its predicate; for the second claim that one judges, with a 2."""
    seen: Counter[str] = Counter()
    for row in rows:
        name = list(row.findall(nodes.literal))[-1].astext()
        seen[name] += 1
        row["ids"].append(f"claim-{name}" + f"-{seen[name]}" * (seen[name] > 1))


def summary(rows: list[nodes.row]) -> str:
    """How many rows have which verdict, as a bar; the buttons and the list of the filter."""
    found = Counter(name for row in rows for name in row["classes"])
    verdicts = [verdict for verdict in ORDER if class_of(verdict) in found]
    bar = []
    buttons = []
    for verdict in verdicts:
        kind = class_of(verdict)
        bar.append(f'<span class="{kind}" style="flex-grow: {found[kind]}"></span>')
        buttons.append(
            f'<button type="button" class="verdict {kind}" value="{kind}" aria-pressed="false">'
            f'{verdict} <span class="count">{found[kind]}</span></button>'
        )
    options = ['<option value="">all</option>']
    for name, title in SECTIONS.items():
        options.append(f'<option value="{name}">{escape(title)} ({found[name]})</option>')
    return (
        f'<div class="scorecard-bar" aria-hidden="true">{"".join(bar)}</div>\n'
        '<form class="scorecard-filter" hidden>\n'
        f'<div role="group" aria-label="Verdicts to show">{" ".join(buttons)}</div>\n'
        f'<label>Section of the paper: <select name="section">{"".join(options)}</select></label>\n'
        '<button type="reset">Show all</button>\n'
        f'<p role="status">{len(rows)} of {len(rows)} shown</p>\n'
        "</form>\n"
    )


def add_filter(app: Sphinx, page: str, template: str, context: object, tree: object) -> None:
    """What moves the filter, on its page alone."""
    if page == "scorecard":
        app.add_js_file("scorecard.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect it, before links.py takes the links."""
    app.connect("doctree-read", mark_tables, priority=80)
    app.connect("html-page-context", add_filter)
    return {"parallel_read_safe": True}
