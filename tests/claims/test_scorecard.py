"""The scorecard as a whole: every claim once, in order, with its places; formulas; the tally."""

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

from convreg import claims
from convreg.claims import sections
from convreg.claims.definitions import (
    ARTEFACT,
    BY_DEFINITION,
    FAILS,
    HOLDS,
    IN_PART,
    NOT_SEEN,
    OPEN,
    SLIP,
    Scored,
)
from convreg.claims.notation import as_mathematics
from convreg.claims.scorecard import tally
from convreg.claims.sections import Section, anchor
from convreg.claims.training import TRAINING_CLAIMS
from convreg.examples import Evidence

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {path.stem: path for path in (ROOT / "notebooks").glob("*.ipynb")}
# What no text has outside of a formula: signs of it, names, letters that stand alone.
RAW = re.compile(
    r"[_^]|[<>]=?|M'|\b(?:alpha|kappa|sigma|lambda|Omega|vec)\b|\dx\d|\d x \d"
    r"|(?<!')\b[b-zB-Z]\b|\de[-+]\d|(?<![\w.])[-+]\d"
)


def test_the_scorecard_has_every_claim_in_order(card, in_order):
    for claim, row in zip(in_order, card, strict=True):
        assert (row.where, row.says) == (claim.where, claim.says)
        assert (row.notebook, row.section) == claim.shown
        assert row.predicate == f"{claim.judge.__module__}.{claim.judge.__name__}"


def test_no_two_claims_in_one_place_say_the_same(in_order):
    assert len({(claim.where, claim.says) for claim in in_order}) == len(in_order)


def test_every_predicate_judges_a_claim(in_order):
    predicates = set()
    for found in pkgutil.iter_modules(claims.__path__):
        if found.name not in ("definitions", "training"):  # the claims of training: notebook 10
            module = import_module(f"convreg.claims.{found.name}")
            for name, value in vars(module).items():
                own = getattr(value, "__module__", "") == module.__name__
                returns = getattr(value, "__annotations__", {}).get("return")
                if own and returns == "Judged" and name[0] != "_":
                    predicates.add(value)
    assert {claim.judge for claim in in_order} == predicates


def test_a_predicate_without_evidence_judges_one_claim(alone, on_example_1, on_example_2, card):
    assert len(alone) + len(on_example_1) + len(on_example_2) == len(card)


def test_a_claim_has_a_place_a_notebook_and_a_documented_judge(in_order):
    for claim in in_order:
        assert re.match(r"Sections? \d|Theorems? \d|Lemma \d|Algorithm \d|\(\d\.\d\)", claim.where)
        assert claim.shown.notebook in NOTEBOOKS
        assert claim.shown.notebook != "00_overview"  # whose table has them all
        assert claim.judge.__doc__.strip()


@pytest.mark.parametrize(
    ("where", "notebooks"),
    [
        ("Section 3", {"04_power_method", "05_example_1"}),
        ("Section 3, Example 1", {"05_example_1"}),
        ("Section 3, Example 2", {"06_example_2", "07_barrier"}),
        ("Section 4", {"05_example_1"}),
    ],
)
def test_which_notebooks_show_the_examples(where, notebooks, in_order):
    assert {claim.shown.notebook for claim in in_order if claim.where == where} == notebooks


def headings(notebook):
    """The headings of a notebook, as they are written."""
    cells = nbformat.read(NOTEBOOKS[notebook], as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    return re.findall(r"^#+ (.+)$", "\n".join(texts), re.MULTILINE)


def test_every_section_that_is_named_is_in_its_notebook_and_shows_a_claim(in_order):
    named = {value for value in vars(sections).values() if isinstance(value, Section)}
    assert {claim.shown for claim in (*in_order, *TRAINING_CLAIMS)} == named
    for shown in named:
        found = headings(shown.notebook)
        assert found.count(shown.heading) == 1, shown
        assert [anchor(one) for one in found].count(anchor(shown.heading)) == 1, shown


def outside_of_formulas(markdown):
    """A text without its formulas and its code."""
    return re.sub(r"\$[^$]*\$|`[^`]*`", "", markdown)


def test_no_row_has_a_formula_that_is_not_typeset(card):
    for row in card:
        for text in (row.says, row.measured, row.margin):
            shown = as_mathematics(text)
            assert not RAW.findall(outside_of_formulas(shown)), shown


def test_the_claims_of_training_have_no_formula_that_is_not_typeset():
    for claim in TRAINING_CLAIMS:
        assert not RAW.findall(outside_of_formulas(as_mathematics(claim.says)))


@pytest.mark.parametrize(
    "hedge", ["appears", "may", "usual", "mainly", "suggests", "significantly", "aim"]
)
def test_the_hedges_of_the_paper_stand(hedge, in_order):
    places = ("Section 2.1", "Section 3", "Section 4")
    assert any(hedge in claim.says for claim in in_order if claim.where.startswith(places))


def test_the_scorecard_takes_what_predicates_of_one_run_each_measure(card, in_order, evidence_1):
    """They are given nothing but Algorithm 2.1 as it is."""
    alone = {case: Evidence(run.power, run.power, 0.0) for case, run in evidence_1.items()}
    judged = 0
    for claim, row in zip(in_order, card, strict=True):
        if claim.where == "Section 4" or claim.judge.__name__ == "overtaken":
            judged += 1
            assert (row.verdict, row.measured, row.margin) == claim.judge(alone)
    assert judged == 3


def test_a_verdict_is_one_of_seven_and_a_cell_fits_in_a_table(card):
    verdicts = {HOLDS, IN_PART, ARTEFACT, FAILS, SLIP, BY_DEFINITION, OPEN}
    assert {row.verdict for row in card} == verdicts
    assert verdicts | {NOT_SEEN} == {
        "holds",
        "holds in part",
        "artefact",
        "does not hold",
        "slip",
        "not seen here",
        "by definition",
        "open",
    }
    for row in card:
        assert all(cell.strip() for cell in row._replace(margin="-"))
        assert not {"|", "\n"} & set("".join(row))


def rows(*verdicts):
    return [Scored("", "", verdict, "", "", "", "", "") for verdict in verdicts]


def test_a_tally_counts_first_what_holds_and_apart_what_cannot_turn():
    found = tally(rows("slip", "holds", "slip", "open", "slip", "by definition", "open"))
    assert found == "4 claims judged: 1 holds, 3 slip; besides 1 by definition, 2 open"
    assert tally(iter(rows("holds"))) == "1 claims judged: 1 holds"
    assert tally(rows("open")) == "0 claims judged: ; besides 1 open"


def test_the_tally_of_the_scorecard_is_that_of_its_rows(card, in_order):
    judged, apart = tally(card).split("; besides ")
    total, *found = (int(count) for count in re.findall(r"(\d+) [a-z]", judged))
    assert sum(found) == total
    besides = sum(int(count) for count in re.findall(r"(\d+) [a-z]", apart))
    assert total + besides == len(in_order)
    assert apart == "2 by definition, 1 open"
