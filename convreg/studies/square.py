"""Section 2.1: square kernels, what their symbols say, and the determinant on the torus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.descent import minimize_penalty
from convreg.examples import identity, start_kernel
from convreg.extremes import extreme_singular_values
from convreg.learning_rates import polyak_step
from convreg.storage.tables import Table, from_rows, stacked
from convreg.studies import symbol
from convreg.symbol import symbol as values_of_symbol
from convreg.winding import winding_numbers, zeros

SIDES = (5, 9, 13, 17)


class Square(NamedTuple):
    """What the symbol of a kernel with g = h says of sigma_min(M), and what it is."""

    winding: tuple[list[int], list[int]]  # the different winding numbers along each angle
    hermitian_part_bound: float  # the least over a grid
    sigma_min: NDArray  # for every N in SIDES
    plane_wave_bound: NDArray  # for every N in SIDES, the least over a grid


def square_kernels(k: int, state: int = 1) -> dict[str, NDArray]:
    """Section 2.1: a random kernel with g = h = 2, and the identity with all or some of it added.

    >>> [*square_kernels(3)]
    ['random', 'identity + random', 'identity + 0.08 random']
    """
    random = start_kernel(k, 2, 2, state)
    centre = identity(k, 2, 2)
    return {
        "random": random,
        "identity + random": centre + random,
        "identity + 0.08 random": centre + 0.08 * random,
    }


def symbol_report(K: NDArray, points: int = 128) -> Square:
    """Section 2.1, [4, 12]: winding numbers, both bounds over a grid, and sigma_min(M) itself.

    >>> symbol_report(identity(3)).hermitian_part_bound
    1.0
    """
    theta_1 = 2 * np.pi * np.arange(points)[:, np.newaxis] / points
    theta_2 = theta_1[:, 0]
    along_1, along_2 = winding_numbers(K)
    return Square(
        (sorted(set(along_1.tolist())), sorted(set(along_2.tolist()))),
        float(symbol.hermitian_part_bound(K, theta_1, theta_2).min()),
        np.array([extreme_singular_values(K, N)[1] for N in SIDES]),
        np.array([symbol.plane_wave_bound(K, N, theta_1, theta_2).min() for N in SIDES]),
    )


def report_table(reports: Mapping[str, Square]) -> Table:
    """Section 2.1, [4, 12]: a row for each report, without the plane waves' bound.

    >>> here = Square(([-1, 0], [0]), 0.5, np.full(4, 0.7), np.ones(4))
    >>> table = report_table({"here": here})
    >>> [column.item() for column in table.values()]
    ['here', '-1, 0', '0', 0.5, 0.7, 0.7, 0.7, 0.7]
    """
    rows = []
    for name, report in reports.items():
        winding = [", ".join(map(str, numbers)) for numbers in report.winding]
        rows.append((name, *winding, report.hermitian_part_bound, *report.sigma_min))
    winds = ("winds along theta_1", "along theta_2")
    sides = [f"sigma_min, N = {N}" for N in SIDES]
    return from_rows(("kernel", *winds, "Hermitian part from", *sides), rows)


def descended(K: NDArray, N: int, steps: int = 80) -> NDArray:
    """Algorithm 2.1 with exact triplets and Polyak's step on R_1: the kernel at its end.

    >>> descended(2 * identity(1), 2).round(3).item()
    1.0
    """
    return minimize_penalty(K, N, 1.0, polyak_step, steps, update="svd", diagnostics=False).kernel


def kappa_and_winding(K: NDArray, N: int) -> str:
    """The condition number of M(K), and whether det F winds around 0 anywhere, in words.

    A winding number that is not the same everywhere means a zero in between.

    >>> kappa_and_winding(identity(3), 4)
    'kappa 1, det F does not wind'
    """
    largest, smallest = extreme_singular_values(K, N)
    kappa = largest / smallest if smallest > 0 else np.inf
    wound = np.any(winding_numbers(K))
    return f"kappa {kappa:.4g}, det F {'winds or vanishes' if wound else 'does not wind'}"


def determinant_table(kernels: dict[str, NDArray], points: int = 40) -> Table:
    """Section 2.1, [4, 12]: the argument of det F at points x points places, and its zeros.

    The places are the middles of squares, theta_1 first. Angles and arguments are in units of pi,
    to three decimals, the arguments from -1 up to 1. The columns are those of
    `convreg.plots.square.determinant_figure`, with a panel for every kernel.

    >>> table = determinant_table({"up": np.diag([0.0, 1.0], 1)}, 2)
    >>> table["kind"].tolist(), table["argument"].tolist()
    (['argument', 'argument', 'argument', 'argument'], [0.5, -0.5, 0.5, -0.5])
    """
    return stacked({"panel": name, **_determinant_rows(K, points)} for name, K in kernels.items())


def _determinant_rows(K: NDArray, points: int) -> Table:
    angles = (2 * np.arange(points) + 1) / points
    theta_1, theta_2 = np.meshgrid(angles, angles, indexing="ij")
    phases, _ = np.linalg.slogdet(values_of_symbol(K, np.pi * theta_1, np.pi * theta_2))
    arguments = np.round(np.angle(phases) / np.pi, 3)
    arguments[arguments == 1] = -1
    places = zip(theta_1.ravel(), theta_2.ravel(), arguments.ravel(), strict=True)
    rows = [("argument", one, other, argument) for one, other, argument in places]
    found = zeros(K)
    kinds = [f"index {index}" for index in found.indices] + ["undecided"] * len(found.undecided)
    for kind, (one, other) in zip(kinds, [*found.theta, *found.undecided], strict=True):
        rows.append((kind, one / np.pi, other / np.pi, 0.0))
    table = from_rows(("kind", "theta_1", "theta_2", "argument"), rows)
    return {name: column if name == "kind" else column.round(3) for name, column in table.items()}
