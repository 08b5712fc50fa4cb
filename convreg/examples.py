"""Section 3: Examples 1 and 2 as data, and the runs of Algorithm 2.1 behind Figures 3.1 and 3.2."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.convolution import ConvolutionOperator, padding
from convreg.descent import DescentResult, minimize_penalty
from convreg.extremes import extreme_singular_values
from convreg.gradients import kernel_gradient
from convreg.lanczos import leading_triplets
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix
from convreg.penalty import penalty, shifted_gram


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
        K = start_kernel(self.kernel_size, case.g, case.h, self.state)
        settings = {
            "alpha": case.alpha,
            "learning_rate": self.learning_rate,
            "iterations": self.iterations,
            "power_iterations": self.power_iterations,
        }
        return minimize_penalty(K, self.input_size, **settings | changes)


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


def identity(k: int, g: int = 1, h: int = 1) -> NDArray:
    """Section 1: the kernel with centre taps only, which hands channel c on as channel c while there are both.

    >>> identity(3)[:, :, 0, 0]
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    """
    K = np.zeros((k, k, g, h))
    centre = padding(k)[0]
    K[centre, centre] = np.eye(g, h)
    return K


def both_signs(K: NDArray, N: int, alpha: float) -> dict[str, NDArray]:
    """Lemma 2.2: kernels of the shape of K with u = v and, where h >= g, with u = -v.

    >>> [*both_signs(start_kernel(3, 2, 3), 4, 1.0)], [*both_signs(start_kernel(3, 3, 2), 4, 1.0)]
    (['u = v', 'u = -v'], ['u = v'])
    """
    k, _, g, h = K.shape
    if h < g:
        return {"u = v": K}
    small = K / extreme_singular_values(K, N)[0]
    return {"u = v": K, "u = -v": alpha**0.5 * (0.6 * identity(k, g, h) - 0.3 * small)}


def without_a_pixel(G: NDArray) -> NDArray:
    """Theorems 2.2 and 2.3: a gradient in M that lacks its largest row, an output pixel, and so is wrong.

    >>> without_a_pixel(np.array([[1, 2], [3, 4]]))
    array([[1, 2],
           [0, 0]])
    """
    dropped = np.argmax(np.linalg.norm(G, axis=1))
    return G * (np.arange(len(G)) != dropped)[:, np.newaxis]


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


def summary(histories: Mapping[str, np.recarray]) -> str:
    """A line a history: kappa at its start, the values at its end, the lowest estimate and its iteration.

    >>> print(summary({"short": run(EXAMPLE_2._replace(iterations=1))[Case(3, 1, 10.0)]}))
    case                 kappa: start    end  sigma_max  sigma_min  estimate  R_alpha  lowest, at
    short                        12.4   10.4       6.69      0.641      34.8     34.8    34.8   1
    """
    lines = ["case                 kappa: start    end  sigma_max  sigma_min  estimate  R_alpha  lowest, at"]
    for name, H in histories.items():
        at = int(H.estimate.argmin())
        lines.append(
            f"{name:21}{H.condition_number[0]:12.3g}{H.condition_number[-1]:7.3g}{H.sigma_max[-1]:11.3g}"
            f"{H.sigma_min[-1]:11.3g}{H.estimate[-1]:10.3g}{H.penalty[-1]:9.3g}{H.estimate[at]:8.3g}{at:4d}"
        )
    return "\n".join(lines)


def final_values(histories: Collection[np.recarray]) -> dict[str, float]:
    """The last values of histories, the worst of each kind, and the lowest estimate on the way.

    >>> round(final_values(run(EXAMPLE_2._replace(alphas=(10.0,))).values())["lowest_estimate"], 2)
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


def nearly_equal_line(kernel_size: int, N: int, state: int = 1) -> dict[str, NDArray]:
    """A line of kernels on which the two largest singular values of M'M - alpha I nearly meet, at s = 0.

    K(s) = (1 + s) E_1 + (1 - s) E_2: each of two channels goes through the same kernel, and a centre tap of
    0.01 joins them. alpha is a tenth of sigma_max(M)^2, so that u = v.

    Returns
    -------
    dict
        ``s``; ``first``, ``second`` (the singular values); ``slope`` (of R_alpha along the line, by Theorem
        2.3); ``wide``, ``narrow`` (central differences with the steps 0.02 and 1e-5).

    Examples
    --------
    >>> sorted(nearly_equal_line(2, 3))
    ['first', 'narrow', 's', 'second', 'slope', 'wide']
    """
    E = np.zeros((kernel_size, kernel_size, 2, 2))
    E[:, :, 0, 0] = E[:, :, 1, 1] = start_kernel(kernel_size, 1, 1, state)[:, :, 0, 0]
    centre = padding(kernel_size)[0]
    E[centre, centre, 0, 1] = E[centre, centre, 1, 0] = 0.01
    D, alpha = E * np.diag([1.0, -1.0]), extreme_singular_values(E, N)[0] ** 2 / 10

    def difference(t: float, width: float) -> float:
        """The central difference of R_alpha along the line."""
        return (penalty(E + (t + width) * D, N, alpha) - penalty(E + (t - width) * D, N, alpha)) / (2 * width)

    rows = []
    for t in np.linspace(-0.1, 0.1, 40):
        first, second = leading_triplets(shifted_gram(ConvolutionOperator(E + t * D, N), alpha))
        slope = np.sum(kernel_gradient(E + t * D, N, first.u, first.v) * D)
        rows.append((t, first.sigma, second.sigma, slope, difference(t, 0.02), difference(t, 1e-5)))
    names = ("s", "first", "second", "slope", "wide", "narrow")
    return dict(zip(names, np.array(rows).T, strict=True))


def kink_slopes(kernel_size: int, N: int, state: int = 1) -> list[tuple[str, float, float, float]]:
    """Lemma 2.2 at a kink: each of two channels goes through the same kernel, all singular values are double.

    The columns of Q span the leading eigenspace of M'M. Along D the slope is the largest eigenvalue of
    Q'(M'dM + dM'M)Q, along -D the negative of the smallest.

    Returns
    -------
    list of (name, slope, difference, scale)
        The direction, the slope by that formula, the one-sided difference of R_alpha, and how far the
        largest eigenvalue is from the smallest.

    Examples
    --------
    >>> [name for name, *_ in kink_slopes(2, 3)]
    ['D', '-D']
    """
    twin = np.zeros((kernel_size, kernel_size, 2, 2))
    twin[:, :, 0, 0] = twin[:, :, 1, 1] = start_kernel(kernel_size, 1, 1, state)[:, :, 0, 0]
    D, t = np.random.default_rng(1).standard_normal(twin.shape), 1e-6
    M, dM = conv_matrix(twin, N).toarray(), conv_matrix(D, N).toarray()
    values, V = np.linalg.eigh(M.T @ M)
    Q, alpha = V[:, values > (1 - 1e-9) * values[-1]], values[-1] / 10
    ends = np.linalg.eigvalsh(Q.T @ (M.T @ dM + dM.T @ M) @ Q)
    found = []
    for name, sign, slope in (("D", 1, ends[-1]), ("-D", -1, -ends[0])):
        difference = (penalty(twin + sign * t * D, N, alpha) - penalty(twin, N, alpha)) / t
        found.append((name, float(slope), difference, float(np.ptp(ends))))
    return found


def gather(example: Example, power: dict[Case, np.recarray]) -> dict[Case, Evidence]:
    """The evidence on every case: the given power-method run, the same with full SVDs, and a longer run."""
    svd = run(example, update="svd")
    evidence = {}
    for case in example.cases():
        longer = 10 * example.iterations
        later = example.descend(case, iterations=longer, diagnostics=False)
        R = penalty(later.kernel, example.input_size, case.alpha)
        evidence[case] = Evidence(power[case], svd[case], R)
    return evidence
