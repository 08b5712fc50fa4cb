"""Section 3: Examples 1 and 2 as data, and the runs of Algorithm 2.1 behind Figures 3.1 and 3.2."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.descent import minimize_penalty
from convreg.matlab_random import matlab_rand
from convreg.penalty import penalty


class Case(NamedTuple):
    """One panel of a figure: g input channels, h output channels, the shift alpha."""

    g: int
    h: int
    alpha: float

    def label(self, kernel_size: int) -> str:
        """The panel's title.

        >>> Case(3, 1, 0.1).label(3)
        '3x3x3x1, alpha = 0.1'
        """
        return f"{kernel_size}x{kernel_size}x{self.g}x{self.h}, alpha = {self.alpha:g}"


class Example(NamedTuple):
    """The settings of an example; the field names are the notebooks' parameters."""

    channels: tuple[tuple[int, int], ...]
    alphas: tuple[float, ...]
    kernel_size: int = 3
    input_size: int = 15
    learning_rate: float = 0.01
    iterations: int = 20
    power_iterations: int = 2
    state: int = 1

    def cases(self) -> list[Case]:
        """Every pair of channels with every alpha."""
        return [Case(g, h, alpha) for g, h in self.channels for alpha in self.alphas]


EXAMPLE_1 = Example(channels=((3, 1), (1, 3), (3, 6), (6, 3)), alphas=(1.0,))
EXAMPLE_2 = Example(channels=((3, 1),), alphas=(0.1, 1.0, 5.0, 10.0))


class Evidence(NamedTuple):
    """What the claims about one case are judged by."""

    power: np.recarray  # the history of Algorithm 2.1, updated by the power method
    svd: np.recarray  # the same with a full SVD in every step
    later: float  # the exact R_alpha after ten times as many iterations


def start_kernel(kernel_size: int, g: int, h: int, state: int = 1) -> NDArray:
    """Section 3: MATLAB's ``rand('state', state); K = rand(k, k, g, h)``.

    >>> start_kernel(3, 3, 1).shape
    (3, 3, 3, 1)
    """
    return matlab_rand(kernel_size, kernel_size, g, h, state=state)


def run(example: Example, update: str = "power") -> dict[Case, np.recarray]:
    """Algorithm 2.1 on every case of an example: its histories, the lines of Figures 3.1 and 3.2.

    >>> histories = run(EXAMPLE_2._replace(alphas=(5.0,), iterations=8))
    >>> int(histories[Case(3, 1, 5.0)].estimate.argmin())
    6
    """
    return {
        case: minimize_penalty(
            start_kernel(example.kernel_size, case.g, case.h, example.state),
            example.input_size,
            case.alpha,
            example.learning_rate,
            example.iterations,
            example.power_iterations,
            update,
        ).history
        for case in example.cases()
    }


def gather(example: Example, power: dict[Case, np.recarray]) -> dict[Case, Evidence]:
    """The evidence on every case: the given power-method run, the same with full SVDs, and a longer run."""
    svd = run(example, update="svd")
    evidence = {}
    for case in example.cases():
        later = minimize_penalty(
            start_kernel(example.kernel_size, case.g, case.h, example.state),
            example.input_size,
            case.alpha,
            example.learning_rate,
            10 * example.iterations,
            example.power_iterations,
            diagnostics=False,
        )
        R = penalty(later.kernel, example.input_size, case.alpha)
        evidence[case] = Evidence(power[case], svd[case], R)
    return evidence
