"""Section 3: Examples 1 and 2 as data, and the runs of Algorithm 2.1 behind Figures 3.1 and 3.2."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._checks import MOST_ENTRIES, as_integer
from convreg.descent import DescentResult, minimize_penalty
from convreg.geometry import padding
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

    def kernels(self) -> dict[str, NDArray]:
        """The kernel that each pair of channels starts from, by its size.

        >>> [*EXAMPLE_2.kernels()]
        ['3x3x3x1']
        """
        k = self.kernel_size
        return {f"{k}x{k}x{g}x{h}": start_kernel(k, g, h, self.state) for g, h in self.channels}

    def start(self, case: Case) -> NDArray:
        """The kernel that a case starts from.

        >>> EXAMPLE_2.start(Case(3, 1, 10.0)).shape
        (3, 3, 3, 1)
        """
        return start_kernel(self.kernel_size, case.g, case.h, self.state)

    def descend(self, case: Case, **changes: Any) -> DescentResult:
        """Algorithm 2.1 on a case, with the example's settings but for some changes.

        Parameters
        ----------
        case : Case
        **changes
            Arguments of `minimize_penalty` that replace a setting or a default.

        Returns
        -------
        DescentResult

        Examples
        --------
        >>> len(EXAMPLE_2.descend(Case(3, 1, 10.0)).history)
        21
        >>> len(EXAMPLE_2.descend(Case(3, 1, 10.0), iterations=4).history)
        5
        """
        settings = {
            "alpha": case.alpha,
            "learning_rate": self.learning_rate,
            "iterations": self.iterations,
            "power_iterations": self.power_iterations,
        }
        return minimize_penalty(self.start(case), self.input_size, **settings | changes)


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
    k = as_integer("kernel_size", kernel_size, 1)
    g, h = as_integer("g", g, 1), as_integer("h", h, 1)
    return matlab_rand(k, k, g, h, state=state)


def identity(k: int, g: int = 1, h: int = 1) -> NDArray:
    """Section 1: the kernel with centre taps only, which hands channel c on as channel c.

    As far as there are both.

    >>> identity(3)[:, :, 0, 0]
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    """
    k, g, h = as_integer("k", k, 1), as_integer("g", g, 1), as_integer("h", h, 1)
    if k * k * g * h > MOST_ENTRIES:
        raise ValueError(f"k, g, h: wanted at most {MOST_ENTRIES:,} entries, got {k}, {g}, {h}")
    K = np.zeros((k, k, g, h))
    centre = padding(k)[0]
    K[centre, centre] = np.eye(g, h)
    return K


def run(example: Example, update: str = "power") -> dict[Case, np.recarray]:
    """Algorithm 2.1 on every case of an example: its histories, the lines of Figures 3.1 and 3.2.

    >>> histories = run(EXAMPLE_2._replace(alphas=(5.0,), iterations=8))
    >>> int(histories[Case(3, 1, 5.0)].estimate.argmin())
    6
    """
    histories = {}
    for case in example.cases():
        histories[case] = example.descend(case, update=update).history
    return histories


def summary(histories: Mapping[str, np.recarray]) -> dict[str, NDArray]:
    """A table, a row for each history: kappa at its start, values at its end, the lowest estimate.

    >>> table = summary({"short": run(EXAMPLE_2._replace(iterations=1))[Case(3, 1, 10.0)]})
    >>> [*table]  # doctest: +NORMALIZE_WHITESPACE
    ['case', 'kappa, start', 'kappa, end', 'sigma_max', 'sigma_min', 'estimate', 'R_alpha',
     'lowest estimate', 'at iteration']
    >>> names = ("kappa, start", "kappa, end", "at iteration")
    >>> [table[name].round(1).item() for name in names]
    [12.4, 10.4, 1]
    """
    H = list(histories.values())
    at = [int(history.estimate.argmin()) for history in H]
    return {
        "case": np.array(list(histories), dtype=str),
        "kappa, start": np.array([history.condition_number[0] for history in H]),
        "kappa, end": np.array([history.condition_number[-1] for history in H]),
        "sigma_max": np.array([history.sigma_max[-1] for history in H]),
        "sigma_min": np.array([history.sigma_min[-1] for history in H]),
        "estimate": np.array([history.estimate[-1] for history in H]),
        "R_alpha": np.array([history.penalty[-1] for history in H]),
        "lowest estimate": np.array([history.estimate.min() for history in H]),
        "at iteration": np.array(at, dtype=int),
    }


def final_values(histories: Collection[np.recarray]) -> dict[str, float]:
    """The last values of histories, the worst of each kind, and the lowest estimate on the way.

    >>> histories = run(EXAMPLE_2._replace(alphas=(10.0,)))
    >>> round(final_values(histories.values())["lowest_estimate"], 2)
    6.04
    """
    last = ("condition_number", "penalty", "sigma_max")
    return {
        **{name: max(float(H[name][-1]) for H in histories) for name in last},
        "sigma_min": min(float(H.sigma_min[-1]) for H in histories),
        "estimate": max(float(H.estimate[-1]) for H in histories),
        "lowest_estimate": min(float(H.estimate.min()) for H in histories),
        "condition_number_start": max(float(H.condition_number[0]) for H in histories),
    }


def gather(example: Example, power: dict[Case, np.recarray]) -> dict[Case, Evidence]:
    """The evidence on every case: the given run, the same with full SVDs, and a longer one."""
    svd = run(example, update="svd")
    evidence = {}
    for case in example.cases():
        longer = 10 * example.iterations
        later = example.descend(case, iterations=longer, diagnostics=False)
        R = penalty(later.kernel, example.input_size, case.alpha)
        evidence[case] = Evidence(power[case], svd[case], R)
    return evidence
