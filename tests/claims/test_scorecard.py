"""The scorecard as a whole: every claim once, in order, with a place and a notebook; the tally."""

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

from convreg import claims
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
from convreg.claims.scorecard import tally
from convreg.examples import Evidence

NOTEBOOKS = {path.name[:2] for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")}


def test_the_scorecard_has_every_claim_in_order(card, in_order):
    expected = [(claim.where, claim.says, claim.notebook) for claim in in_order]
    assert [(row.where, row.says, row.notebook) for row in card] == expected


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
        assert claim.notebook in NOTEBOOKS
        assert claim.judge.__doc__.strip()


@pytest.mark.parametrize(
    ("where", "notebooks"),
    [
        ("Section 3", {"05", "00"}),
        ("Section 3, Example 1", {"05"}),
        ("Section 3, Example 2", {"06", "07"}),
        ("Section 4", {"05"}),
    ],
)
def test_which_notebooks_show_the_examples(where, notebooks, in_order):
    assert {claim.notebook for claim in in_order if claim.where == where} == notebooks


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
    return [Scored("", "", verdict, "", "", "") for verdict in verdicts]


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
