r"""Section 2.1, [4, 12]: where the symbol of a square layer (g = h) is singular, and how it winds.

Where det F(theta) has a zero on the torus, or winds around 0 along one of the angles,
sigma_min(M) tends to 0 as the image grows (`convreg.studies.symbol`). Three classes of kernels:

* *trivial*: det F has no zero, and does not wind along either angle;
* *winding*: it has no zero, and winds the same number of times, not 0, around every circle along
  one of the angles, or along both;
* *zeros*: it has some. A zero that is isolated has an index, how often det F goes around 0 on a
  small circle about it: almost always 1 or -1, and then it is still there after every small enough
  change of K. The sum of all indices is 0. The real F(-theta) = conj(F(theta)) pairs the zeros
  theta and -theta, with opposite indices.

For k = 3 at most 8 g^2 zeros are simple (`zeros`).

What `zeros` and `symbol_class` say is proved up to rounding; what is not proved is said to be
undecided. What is near zeros that are not simple is so for good: lines of them, as symmetric
kernels have, or double ones; and so is the class, unless another zero or two winding numbers show
it. Wide layers, and kernels near such ones, may be beyond the budget.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_integer, as_kernel
from convreg._numerics.expansion import SquareSymbol
from convreg._numerics.zeros import Search, turns_around

CIRCLES = 8  # along each angle, that are compared where squares are left


class Zeros(NamedTuple):
    """Zeros of det F on the torus, each proved, and what is undecided.

    Attributes
    ----------
    theta : (n, 2) array
        The angles, from 0 up to 2 pi.
    indices : (n,) integer array
        1 or -1: how often det F goes around 0 on a small circle about each.
    reach : (n,) array
        No other zero is within this distance of each.
    undecided : (m, 2) array
        The centres of squares of which nothing is proved. Where it is empty there is no other zero.
    side : float
        The side of these squares.
    """

    theta: NDArray
    indices: NDArray
    reach: NDArray
    undecided: NDArray
    side: float


class SymbolClass(NamedTuple):
    """What `symbol_class` says of a kernel.

    Attributes
    ----------
    name : "trivial", "winding", "zeros" or "undecided"
    winding : (int, int) or None
        Along each angle; None where det F has zeros, or may have some.
    zeros : int
        How many zeros are proved.
    complete : bool
        Whether these are proved to be all.
    """

    name: str
    winding: tuple[int, int] | None
    zeros: int
    complete: bool


def winding_numbers(K: ArrayLike, points: int = 256) -> tuple[NDArray, NDArray]:
    r"""Section 2.1, [4, 12]: how often det F(theta) goes around 0 along each angle; for h = g.

    .. math:: \frac{1}{2\pi} \int_0^{2\pi} \mathrm{d} \arg \det F(\theta_1, \theta_2), \qquad
       \text{along } \theta_1 \text{ for } \theta_2 = 2\pi j / \text{points},
       \text{ and the other way round}

    Two different values for one angle mean that det F has a zero in between. They are counted from
    samples, and are right where the phase turns by less than pi from one to the next.

    Parameters
    ----------
    K : (k1, k2, g, g) or (k1, k2) array
    points : int
        Samples on each circle, at least 4.

    Returns
    -------
    along_1, along_2 : (points,) integer arrays

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel with g = h, or ``points`` no integer from 4 to 16384.

    Examples
    --------
    >>> along_1, along_2 = winding_numbers([[0, 0, 0], [1, 0, 0], [0, 0, 0]], 4)
    >>> along_1, along_2
    (array([0, 0, 0, 0]), array([-1, -1, -1, -1]))
    """
    symbol = SquareSymbol(_square(K))
    points = as_integer("points", points, 4, 2**14)
    circle = 2 * np.pi * np.arange(points) / points
    grid = np.stack(np.meshgrid(circle, circle, indexing="ij"), axis=-1)
    phases, _ = np.linalg.slogdet(symbol.at(grid.reshape(-1, 2)))
    phases = phases.reshape(points, points)
    return _turns(phases, 0), _turns(phases, 1)


def zeros(K: ArrayLike, budget: int | None = None) -> Zeros:
    r"""Section 2.1, [4, 12]: the zeros of det F(theta) on the torus, with their indices; for h = g.

    The torus is divided into squares. A square is done with where it is proved to have no zero, or
    to lie within the reach of one that is found; from the others Newton's method is started, and
    they are divided into four (`convreg._numerics.expansion` has the proofs). Half of the torus is
    enough, as the zeros at theta and -theta go together.

    There are at most 2 g^2 (k1 - 1) (k2 - 1) simple ones, 8 g^2 for k1 = k2 = 3: those at which the
    real derivative of det F is invertible, as it is at each that is given. With
    z = (e^(i theta_1), e^(i theta_2)) they are common zeros of the Laurent polynomials det F(z) and
    det F(1/z), isolated ones, since the derivatives of the two are independent there. Both Newton
    polygons lie in a rectangle with the sides g (k1 - 1) and g (k2 - 1), and there are no more
    isolated common zeros than twice its area (D. N. Bernstein, The number of roots of a system of
    equations, Functional Anal. Appl. 9:183-185, 1975).

    Parameters
    ----------
    K : (k1, k2, g, g) or (k1, k2) array
    budget : int, optional
        How many points may be looked at; one of which singular vectors are needed counts as four.
        Of itself, as many as take some seconds at most: 262144 for g < 8, 2032 for g = 64.

    Returns
    -------
    Zeros

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel with g = h, or the budget no integer of at least 1.

    Examples
    --------
    1 + e^(i theta_1) + e^(i theta_2) vanishes where the three are the corners of a triangle:

    >>> found = zeros([[0, 0, 0], [0, 1, 1], [0, 1, 0]])
    >>> (3 * found.theta / np.pi).round(6).tolist(), found.indices.tolist()
    ([[2.0, 4.0], [4.0, 2.0]], [1, -1])
    >>> len(found.undecided)
    0
    """
    symbol = SquareSymbol(_square(K))
    search = Search(symbol, _budget(symbol, budget))
    search.run()
    order = np.lexsort(search.theta.round(9).T[::-1])
    undecided = np.concatenate([search.centres, -search.centres % (2 * np.pi)])
    found = search.theta[order], search.indices[order], search.reach[order]
    return Zeros(*found, undecided, search.side)


def symbol_class(K: ArrayLike, budget: int | None = None) -> SymbolClass:
    """Section 2.1, [4, 12]: the class of a kernel with g = h; see the module.

    "zeros": one is proved, or two winding numbers along one angle differ. "trivial" and "winding":
    it is proved that there is none, and det F is followed around one circle along each angle in
    steps that cannot miss a turn.

    Parameters
    ----------
    K : (k1, k2, g, g) or (k1, k2) array
    budget : int, optional
        As in `zeros`.

    Returns
    -------
    SymbolClass

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel with g = h, or the budget no integer of at least 1.

    Examples
    --------
    >>> symbol_class([[0, 0, 0], [1, 3, 1], [0, 0, 0]])
    SymbolClass(name='trivial', winding=(0, 0), zeros=0, complete=True)
    >>> symbol_class([[0, 0, 0], [1, 0, 0], [0, 0, 0]])
    SymbolClass(name='winding', winding=(0, -1), zeros=0, complete=True)
    >>> symbol_class([[0, 0, 0], [0, 1, 1], [0, 1, 0]])
    SymbolClass(name='zeros', winding=None, zeros=2, complete=True)
    """
    symbol = SquareSymbol(_square(K))
    budget = _budget(symbol, budget)
    search = Search(symbol, budget)
    search.run()
    found = len(search.theta)
    complete = not len(search.centres)
    if found:
        return SymbolClass("zeros", None, found, complete)
    angles = np.zeros(1) if complete else np.pi * (np.arange(CIRCLES) + 0.5) / CIRCLES
    budget //= len(angles)
    turns: list[int] = []
    for axis in (0, 1):
        known = set()
        for angle in angles:
            around = turns_around(symbol, axis, angle, budget)
            if around is None:
                break
            known.add(around)
        if len(known) > 1:
            return SymbolClass("zeros", None, 0, False)
        turns += known
    if not complete or len(turns) < 2:
        return SymbolClass("undecided", None, 0, complete)
    name = "winding" if any(turns) else "trivial"
    return SymbolClass(name, (turns[0], turns[1]), 0, True)


def _turns(numbers: NDArray, axis: int) -> NDArray:
    """How often complex numbers go around 0 along a closed axis."""
    angles = np.angle(np.roll(numbers, -1, axis) * numbers.conj())
    return np.rint(angles.sum(axis) / (2 * np.pi)).astype(int)


def _square(K: ArrayLike) -> NDArray:
    """A kernel with g = h, divided by its largest entry, which changes neither zeros nor turns."""
    kernel = as_kernel(K, square=False)
    if kernel.shape[2] != kernel.shape[3]:
        raise ValueError(
            f"K: wanted as many output as input channels, got the shape {kernel.shape}"
        )
    return kernel.astype(float) / (float(np.abs(kernel).max()) or 1.0)


def _budget(symbol: SquareSymbol, budget: int | None) -> int:
    """What was given, or about a second: a point takes in proportion to 1 + (g/8)^2 + (g/16)^3."""
    if budget is not None:
        return as_integer("budget", budget, 1)
    g = symbol.g
    return max(2, 2**18 // (1 + g**2 // 64 + g**3 // 4096))
