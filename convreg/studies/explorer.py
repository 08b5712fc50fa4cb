"""Section 3 with other choices: the runs of Algorithm 2.1 that the site's first figure can show.

    python -m convreg.studies.explorer > docs/explorer.json

writes them anew, in a minute or two.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._checks import Gram
from convreg.examples import EXAMPLE_1, EXAMPLE_2, Case
from convreg.gram import gram_is_singular
from convreg.storage.tables import PAPERS_LINES, rounded

KERNELS = (*EXAMPLE_1.channels, (1, 1))  # the paper's four, and a square matrix
EXPLORED = EXAMPLE_1._replace(channels=KERNELS, alphas=EXAMPLE_2.alphas)
GRAMS: dict[Gram, str] = {"columns": "MᵀM", "rows": "MMᵀ"}
UPDATES: tuple[int | str, ...] = (1, 2, 4, "svd")  # iterations of the power method, or none


class Choice(NamedTuple):
    """What a reader chooses: kernel and alpha, the Gram matrix, how triplets are updated."""

    case: Case
    gram: Gram
    update: int | str

    def name(self) -> str:
        """The four choices in a row.

        >>> Choice(Case(3, 1, 0.1), "rows", 2).name()
        '3x3x3x1 0.1 rows 2'
        """
        size = EXPLORED.kernel_size
        g, h, alpha = self.case
        return f"{size}x{size}x{g}x{h} {alpha:g} {self.gram} {self.update}"


def choices() -> list[Choice]:
    """Everything that can be chosen.

    >>> len(choices()), choices()[5].name()
    (160, '3x3x3x1 0.1 rows 2')
    """
    chosen = product(EXPLORED.cases(), GRAMS, UPDATES)
    return [Choice(case, gram, update) for case, gram, update in chosen]


def shown_pairs(g: int, h: int) -> list[tuple[int, int]]:
    """The pairs of channels whose taps are shown: from 0 to 0, 1 to 1, 2 to 2.

    Where there is no channel 1 or 2, the last one stands in for it.

    >>> shown_pairs(3, 1), shown_pairs(3, 6)
    ([(0, 0), (1, 0), (2, 0)], [(0, 0), (1, 1), (2, 2)])
    """
    count = min(3, max(g, h))
    return [(min(c, g - 1), min(c, h - 1)) for c in range(count)]


def explore(choice: Choice) -> dict[str, Any]:
    """Algorithm 2.1 as chosen: what is shown of it, from before the first step to the last.

    Parameters
    ----------
    choice : Choice

    Returns
    -------
    dict
        ``sigma_max``, ``sigma_min``, ``condition_number``, ``estimate`` and ``penalty``, the exact
        R_alpha, each a list with a value before the first step and after every step, to three
        digits; ``taps``, as often, those of every pair of `shown_pairs`, row by row, in hundredths;
        ``words``, what `in_words` says.

    Examples
    --------
    >>> run = explore(Choice(Case(3, 1, 10.0), "columns", 2))
    >>> run["estimate"][4], run["penalty"][4], len(run["taps"][4])
    (6.04, 10.0, 27)
    """
    case, gram, update = choice
    kernels = [EXPLORED.start(case)]
    changes: dict[str, Any] = {"power_iterations": update}
    if update == "svd":
        changes = {"update": "svd"}
    descent = EXPLORED.descend(
        case,
        gram=gram,
        callback=lambda iteration, kernel, estimate: kernels.append(kernel),
        **changes,
    )
    table = rounded({name: descent.history[name] for name in PAPERS_LINES}, 3)
    lines = {name: column.tolist() for name, column in table.items()}
    taps = _taps(np.array(kernels), shown_pairs(case.g, case.h))
    return {**lines, "taps": taps, "words": in_words(choice, table["estimate"], table["penalty"])}


def _taps(kernels: NDArray, pairs: list[tuple[int, int]]) -> list[list[int]]:
    """The taps of some pairs of channels of each kernel, in hundredths."""
    chosen = [kernels[..., i, j].reshape(len(kernels), -1) for i, j in pairs]
    hundredths: list[list[int]] = (100 * np.hstack(chosen)).round().astype(int).tolist()
    return hundredths


def in_words(choice: Choice, estimate: NDArray, penalty: NDArray) -> list[str]:
    """Whether the estimate and the exact penalty fall below alpha, from the numbers shown.

    >>> choice = Choice(Case(3, 1, 1.0), "rows", 2)
    >>> estimates = np.array([8.0, 0.25, 0.5])
    >>> for sentence in in_words(choice, estimates, np.array([8.0, 2.0, 0.5])):
    ...     print(ascii(sentence))
    'The estimate falls below \\u03b1 = 1: it is lowest, 0.25, at iteration 1.'
    'The exact penalty falls below \\u03b1: it is lowest, 0.5, at iteration 2.'
    """
    (g, h, alpha), gram, _ = choice
    sentences = [
        _lowest("estimate", estimate, alpha, f"α = {alpha:g}"),
        _lowest("exact penalty", penalty, alpha, "α"),
    ]
    if gram_is_singular((h, g), gram == "rows"):
        more = "output than input" if gram == "rows" else "input than output"
        sentences.append(
            f"It cannot fall below: with more {more} channels {GRAMS[gram]} is singular for every "
            "kernel, and the exact penalty is at least α."
        )
    return sentences


def _lowest(name: str, values: NDArray, alpha: float, bound: str) -> str:
    at = int(values.argmin())
    if values[at] < alpha:
        does = f"falls below {bound}"
    elif values[at] > alpha:
        does = f"stays above {bound}"
    else:
        does = f"comes down to {bound} and, to three digits, not below"
    first = "first " if np.count_nonzero(values == values[at]) > 1 else ""
    return f"The {name} {does}: it is lowest, {values[at]:g}, {first}at iteration {at}."


def as_json(runs: dict[str, dict[str, Any]]) -> str:
    """What can be chosen, how it was run, and the runs by their `Choice.name`, each in a line."""
    size = EXPLORED.kernel_size
    head = {
        "input_size": EXPLORED.input_size,
        "iterations": EXPLORED.iterations,
        "learning_rate": EXPLORED.learning_rate,
        "kernels": {f"{size}x{size}x{g}x{h}": shown_pairs(g, h) for g, h in EXPLORED.channels},
        "alphas": EXPLORED.alphas,
        "grams": GRAMS,
        "updates": UPDATES,
    }
    lines = [f"{json.dumps(name)}: {_compact(value)}" for name, value in head.items()]
    runs_lines = [f"{json.dumps(name)}: {_compact(run)}" for name, run in runs.items()]
    runs_text = ",\n".join(runs_lines)
    lines.append(f'"runs": {{\n{runs_text}\n}}')
    return "{\n" + ",\n".join(lines) + "\n}"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    print(as_json({choice.name(): explore(choice) for choice in choices()}))
