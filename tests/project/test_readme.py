"""The README: its length, its figure, its examples, its five verdicts."""

import doctest
import re
from importlib.util import find_spec

import pytest
from pages import README, ROOT, page, rows, scorecard_of_notebook_0, section

TORCH = find_spec("torch") is not None


def test_it_has_at_most_1200_words():
    assert len(README.split()) <= 1200  # as `wc -w README.md` counts them


def test_the_first_screen_has_what_it_is_the_figure_and_the_two_commands():
    first = "\n".join(README.splitlines()[:25])
    assert "The executable companion to one paper" in first
    assert re.search(r"!\[Figure 3\.2: .+\]\(figures/figure_3_2\.png\)", first)
    assert re.search(r"^ {4}make reproduce +#.*\n {4}make test +#", first, re.MULTILINE)


def test_the_tally_is_that_of_notebook_0():
    tally, _ = scorecard_of_notebook_0()
    assert f"[scorecard](docs/scorecard.md), {tally}." in README


FIVE = rows(section(README, "What comes out"))[1:]


def test_five_verdicts_are_shown():
    assert len(FIVE) == 5


@pytest.mark.parametrize("row", FIVE, ids=lambda row: row[1])
def test_a_verdict_that_surprises_is_a_row_of_the_scorecard(row):
    where, says, verdict, why = row
    (found,) = (line for line in rows(page("scorecard")) if line[:2] == [where, says])
    assert verdict == found[2]
    words = re.sub(r"\[[^]]*\]\([^)]*\)", "", why)  # a link has the number of a notebook
    measured = " ".join(found)
    for number in re.findall(r"\d+%?", words):
        assert number in measured, number


def test_every_notebook_is_in_the_reading_order():
    names = re.findall(r"^(\d+)\. \[.+?\]\(notebooks/(.+?)\.ipynb\)", README, re.MULTILINE)
    assert [stem for _, stem in names] == sorted(
        path.stem for path in (ROOT / "notebooks").glob("*.ipynb")
    )
    assert all(int(stem[:2]) == int(number) for number, stem in names)


def test_the_examples_give_what_they_say():
    test = doctest.DocTestParser().get_doctest(README, {}, "README", None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0
    assert len(test.examples) == 9


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
def test_the_lines_for_a_training_loop_lower_the_loss_and_the_penalty():
    import torch

    (lines,) = re.findall(r"```python\n(from convreg.torch .*?)```", README, re.DOTALL)
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(3, 4, 3, padding=1)
    model = torch.nn.Sequential(convolution, torch.nn.Flatten(), torch.nn.Linear(4096, 2))
    batch = torch.randn(20, 3, 32, 32), torch.arange(20) % 2
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    losses = []

    def step(loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    given = {"model": model, "batches": [batch] * 5, "step": step}
    given["criterion"] = torch.nn.functional.cross_entropy
    exec(lines.replace("    ...  ", "    step(loss)  "), given)
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    assert convolution.weight.grad is not None
    assert len(given["regularizer"]) == 1
