r"""Section 3, the price, for square layers: the best kappa for a share of taps off the centre.

Three statements (g = h, N >= k; s is the part of the norm of an input channel's taps, of the worst
channel, or of the whole kernel, that is off the centre):

* kappa(M) >= 1 / sqrt(1 - s^2 / 2) for every kernel (`least_kappa`);
* one channel, taps (-e, 1, e) on a line: kappa(M) <= sqrt((1 + s^2) / (1 - s^2))
  (`antisymmetric_pair`). That no 3 x 3 kernel of one channel does better is what searches found,
  and is not proved. With more taps some do: the Bessel numbers J_n(x), n = -2..2, on a line (those
  of ``e^(i x sin t)``, of modulus 1, cut off) have s = 0.59 and kappa(M) = 1.13, where three taps
  have 1.43;
* two channels, `rotating_pair`: kappa(M) <= 1 / sqrt(1 - s^2).

Proofs of the last two. Let F be the symbol. sigma_max(M) <= max sigma_max(F), and sigma_min(M) is
at least the least eigenvalue of the Hermitian part of F (`convreg.studies.symbol`).

* F = 1 + 2 i e sin t, whose Hermitian part is 1, and ``|F|^2 <= 1 + 4 e^2``; s^2 is
  2 e^2 / (1 + 2 e^2).
* F = cos f I + sin f E with E = cos t J + i sin t Z, J = (0 1; -1 0), Z = diag(1, -1). As
  J Z + Z J = 0, E^2 = -I, and E^H = -E: so F is unitary, with Hermitian part cos f I; s is sin f.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_kernel
from convreg.learning_rates import clipped_polyak_step
from convreg.storage.tables import Table, rounded, stacked
from convreg.studies.alternatives import frobenius_penalty, self_convolution_penalty
from convreg.studies.barrier import off_centre_share, squared_off_centre_norms
from convreg.studies.escape import Descent, descend, kappa_of, start
from convreg.studies.polar import Callback, alternating_projection, exact_projection

SHARES = np.round(np.arange(0.1, 0.91, 0.05), 2)
STATES = range(1, 11)
STEPS, N = 200, 8


def channel_share(K: ArrayLike) -> float:
    """The largest part of an input channel's norm that is off the centre, from 0 to 1.

    It is at least that of the kernel as a whole, whose square is a mean of theirs.

    >>> channel_share([[0, 0, 0], [3, 4, 0], [0, 0, 0]])
    0.6
    """
    kernel = as_kernel(K)
    squares = np.sum(kernel**2, axis=(0, 1, 3))
    off = squared_off_centre_norms(kernel)
    return float(np.max(off[squares > 0] / squares[squares > 0], initial=0.0) ** 0.5)


def least_kappa(s: ArrayLike) -> NDArray:
    r"""Section 3, the price: no M with the share s has a smaller condition number; h >= g, N >= k.

    .. math:: \kappa(M) \geq \frac{1}{\sqrt{1 - s^2 / 2}}

    Proof. Let S be the sum of the squared taps of an input channel, s^2 S of them off the centre.
    As N >= k, some pixel is read by all taps: a column of M has the squared norm S, and
    sigma_max^2 >= S. A tap at the offset (a, b) does not land where the pixel (i - a, j - b) that
    it would write is outside the image. So from the four corners (i, j) a tap with a != 0 or
    b != 0 is lost two times or more, and the mean of the squared norms of their four columns is at
    most S - s^2 S / 2. One is no larger than the mean, and sigma_min^2 no larger than that, M
    having no more columns than rows.

    With the share of an output channel the same holds for h <= g, by the rows of M.

    Parameters
    ----------
    s : array of numbers from 0 to 1

    Returns
    -------
    array

    Examples
    --------
    >>> least_kappa([0.0, 1.0]).round(3)
    array([1.   , 1.414])
    """
    return 1 / np.sqrt(1 - np.square(s) / 2)


def antisymmetric_pair(s: float) -> NDArray:
    """One channel: the centre tap, and two of opposite signs beside it, with the share s < 1.

    >>> antisymmetric_pair(0.6)[:, 1].round(3)
    array([-0.424,  0.8  ,  0.424])
    """
    K = np.zeros((3, 3))
    K[:, 1] = -s / 2**0.5, (1 - s**2) ** 0.5, s / 2**0.5
    return K


def antisymmetric_kappa(s: ArrayLike) -> NDArray:
    """The bound of kappa for `antisymmetric_pair`, reached as N grows.

    >>> antisymmetric_kappa([0.0, 0.6]).round(3)
    array([1.   , 1.458])
    """
    return np.sqrt((1 + np.square(s)) / (1 - np.square(s)))


def rotating_pair(s: float) -> NDArray:
    """Two channels: a kernel with a unitary symbol and the share s <= 1.

    >>> rotating_pair(0.6)[:, 1, 0].round(1)
    array([[-0.3, -0.3],
           [ 0.8,  0. ],
           [ 0.3, -0.3]])
    """
    J, Z = np.array([[0, 1], [-1, 0]]), np.diag([1, -1])
    K = np.zeros((3, 3, 2, 2))
    K[0, 1] = s * (J - Z).T / 2
    K[1, 1] = (1 - s**2) ** 0.5 * np.eye(2)
    K[2, 1] = s * (J + Z).T / 2
    return K


def rotating_kappa(s: ArrayLike) -> NDArray:
    """The bound of kappa for `rotating_pair`.

    >>> rotating_kappa([0.0, 0.6]).round(3)
    array([1.  , 1.25])
    """
    return 1 / np.sqrt(1 - np.square(s))


def descend_by_value(
    K: NDArray,
    N: int,
    steps: int,
    callback: Callback,
    penalty: Callable[[NDArray, int], tuple[float, NDArray]],
) -> None:
    """Gradient descent on another penalty whose least value is 0, with `clipped_polyak_step`."""
    for step in range(1, steps + 1):
        value, G = penalty(K, N)
        K = K - clipped_polyak_step(value, G) * G
        if callback(step, K, value):
            break


def project(K: NDArray, N: int, steps: int, callback: Callback) -> None:
    """Alternating projection with M, accelerated."""
    alternating_projection(K, exact_projection(N), steps, callback=callback)


WAYS: dict[str, Descent] = {
    "R": partial(descend, rule=clipped_polyak_step),
    "values": partial(descend, rule=clipped_polyak_step, form="values"),
    "polar": project,
    "Frobenius": partial(descend_by_value, penalty=frobenius_penalty),
    "self-convolution": partial(descend_by_value, penalty=lambda K, N: self_convolution_penalty(K)),
}


def trail(descent: Descent, K: NDArray, N: int) -> tuple[NDArray, NDArray]:
    """The share and kappa of the start, and after every step, until the share is below 0.1.

    >>> shares, kappas = trail(WAYS["R"], start(1, 2.0, 1), 4)
    >>> len(shares) == len(kappas)
    True
    >>> bool(shares[-1] < shares[0]), bool(kappas[-1] < kappas[0])
    (True, True)
    """
    shares, kappas = [off_centre_share(K)], [kappa_of(K, N)]

    def watch(step: int, kernel: NDArray, value: float) -> bool:
        """Keep both; whether the rest is of no interest."""
        shares.append(off_centre_share(kernel))
        kappas.append(kappa_of(kernel, N))
        return shares[-1] < SHARES[0]

    descent(K, N, STEPS, watch)
    return np.array(shares), np.array(kappas)


def best_kappas(shares: NDArray, kappas: NDArray, wanted: Iterable[float]) -> NDArray:
    """The least kappa on a trail with at least each of the wanted shares; NaN where there is none.

    >>> best_kappas(np.array([0.9, 0.5, 0.6]), np.array([9.0, 3.0, 4.0]), [0.2, 0.55, 0.95])
    array([ 3.,  4., nan])
    """
    least = []
    for share in wanted:
        enough = kappas[shares >= share]
        least.append(enough.min() if len(enough) else np.nan)
    return np.array(least)


def tradeoff_rows(g: int, c: float, name: str) -> Table:
    """A line of the picture: the median over the states of the best kappa for each share.

    A state whose trail has no kernel with the share counts as infinity.
    """
    found = [best_kappas(*trail(WAYS[name], start(g, c, state), N), SHARES) for state in STATES]
    kappas = np.median(np.nan_to_num(found, nan=np.inf), axis=0)
    return _line(g, f"c = {c:g}", name, SHARES, kappas)


def limit_rows(g: int) -> list[Table]:
    """What no kernel is below, and what the constructed one has; for g = 1 and 2."""
    pair = antisymmetric_pair if g == 1 else rotating_pair
    kappas = [kappa_of(np.reshape(pair(s), (3, 3, g, g)), N) for s in SHARES]
    return [
        _line(g, "limit", "no kernel", SHARES, least_kappa(SHARES)),
        _line(g, "limit", "constructed", SHARES, np.array(kappas)),
    ]


def _line(g: int, start: str, line: str, share: NDArray, kappa: NDArray) -> Table:
    """The rows with a finite kappa."""
    kept = kappa < 1e15
    return rounded(
        {"g": g, "start": start, "line": line, "share": share[kept], "kappa": kappa[kept]}, 4
    )


def tradeoff_table() -> Table:
    """The picture: for g = 1 and 2 the limits, and every method from c = 0 and c = 2."""
    lines = []
    for g in (1, 2):
        lines += limit_rows(g)
        lines += [tradeoff_rows(g, c, name) for c in (0.0, 2.0) for name in WAYS]
    return stacked(lines)


def price(pair: Callable[[float], NDArray], s: float, N: int) -> tuple[float, float, float]:
    """Of one of the two families: the least kappa of any kernel, its own, and the bound of that.

    >>> [round(kappa, 3) for kappa in price(rotating_pair, 0.6, 9)]
    [1.104, 1.25, 1.25]
    """
    bound = antisymmetric_kappa if pair is antisymmetric_pair else rotating_kappa
    return float(least_kappa(s)), kappa_of(pair(s), N), float(bound(s))
