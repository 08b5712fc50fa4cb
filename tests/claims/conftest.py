"""The scorecard, computed once: all rows, and by predicate those that some evidence decides."""

import pytest

from convreg.claims import (
    algorithm,
    bounds,
    convolutions,
    example_1,
    example_2,
    goals,
    gradient_slips,
    gradients,
    other_methods,
    scorecard,
    signals,
    slips,
)
from convreg.examples import EXAMPLE_1, EXAMPLE_2, gather, run, start_kernel

IN_ORDER = (
    *convolutions.SECTION_1_CLAIMS,
    *goals.GOAL_CLAIMS,
    *other_methods.OTHER_METHODS_CLAIMS,
    *signals.SIGNAL_CLAIMS,
    *bounds.SECTION_2_CLAIMS,
    *gradients.GRADIENT_CLAIMS,
    *algorithm.ALGORITHM_CLAIMS,
    *algorithm.TRACKING_CLAIMS,
    *example_1.START_CLAIMS,
    *example_1.EXAMPLE_1_CLAIMS,
    *example_2.EXAMPLE_2_CLAIMS,
    *example_1.SECTION_4_CLAIMS,
    *slips.SLIPS,
    *gradient_slips.GRADIENT_SLIPS,
)
ON_EXAMPLE_1 = (
    *algorithm.TRACKING_CLAIMS,
    *example_1.EXAMPLE_1_CLAIMS,
    *example_1.SECTION_4_CLAIMS,
)
ON_EXAMPLE_2 = example_2.EXAMPLE_2_CLAIMS


@pytest.fixture(scope="session")
def in_order():
    """Every claim of the scorecard, in the paper's order and then the slips."""
    return IN_ORDER


@pytest.fixture(scope="session")
def evidence_1():
    return gather(EXAMPLE_1, run(EXAMPLE_1))


@pytest.fixture(scope="session")
def evidence_2():
    return gather(EXAMPLE_2, run(EXAMPLE_2))


@pytest.fixture(scope="session")
def card(evidence_1, evidence_2):
    """The scorecard, from the evidence that is gathered once."""
    known = {EXAMPLE_1: evidence_1, EXAMPLE_2: evidence_2}

    def gathered(example, runs):
        for case, evidence in known[example].items():
            assert runs[case] is evidence.power
        return known[example]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorecard, "gather", gathered)
        return scorecard.scorecard(histories(evidence_1), histories(evidence_2))


def histories(evidence):
    """What `run` gives: Algorithm 2.1 as it is."""
    return {case: one.power for case, one in evidence.items()}


def by_name(card, claims):
    """The rows of these claims, by the name of the predicate."""
    return {claim.judge.__name__: card[IN_ORDER.index(claim)] for claim in claims}


@pytest.fixture(scope="session")
def alone(card):
    """The rows of the claims that need no evidence."""
    return by_name(card, [one for one in IN_ORDER if one not in ON_EXAMPLE_1 + ON_EXAMPLE_2])


@pytest.fixture(scope="session")
def on_example_1(card):
    return by_name(card, ON_EXAMPLE_1)


@pytest.fixture(scope="session")
def on_example_2(card):
    return by_name(card, ON_EXAMPLE_2)


@pytest.fixture
def judged_with(monkeypatch):
    """A predicate's verdict where another function stands in the place of one that it uses."""

    def judge_with(judge, used, wrong):
        where = used if used.startswith("convreg.") else f"{judge.__module__}.{used}"
        monkeypatch.setattr(where, wrong)
        return judge()

    return judge_with


@pytest.fixture
def kernels_of(monkeypatch):
    """The sizes and states of the start kernels that a predicate asks for, and what it measures."""

    def recorded_of(judge, *evidence):
        made = []

        def recorded(k, g, h, state=1):
            made.append((k, g, h, state))
            return start_kernel(k, g, h, state)

        monkeypatch.setattr("convreg.examples.start_kernel", recorded)
        monkeypatch.setattr(f"{judge.__module__}.start_kernel", recorded, raising=False)
        return made, judge(*evidence).measured

    return recorded_of
