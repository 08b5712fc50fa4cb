"""Section 2.1, [4, 12]: where a symbol is largest, about; it is a start, and proves nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg._numerics.trigonometric import Circle, GramPolynomial

KRYLOV = 8  # enough for an eigenvector that is a start, not a result
TINY = float(np.finfo(float).tiny)


class Peaks(NamedTuple):
    """Some angles, about lambda_max(G) there, from below, and its eigenvectors; a row each."""

    values: NDArray
    theta_1: NDArray
    theta_2: NDArray
    vectors: NDArray

    def sorted(self, count: int | None = None) -> Peaks:
        """The highest ones, the highest first."""
        order = np.argsort(-self.values)[:count]
        return Peaks(*(column[order] for column in self))


def sampled(polynomial: GramPolynomial) -> Peaks:
    """On a coarse grid."""
    first, second = (Circle(4 * n + 1) for n in polynomial.degrees)
    theta_1, theta_2 = np.meshgrid(first.angles(), second.half(), indexing="ij")
    theta_1, theta_2 = theta_1.ravel(), theta_2.ravel()
    values, vectors = [], []
    for some in polynomial.batches(len(theta_1)):
        found = _leading(polynomial.at(theta_1[some], theta_2[some]))
        values.append(found[0])
        vectors.append(found[1])
    return Peaks(np.concatenate(values), theta_1, theta_2, np.concatenate(vectors))


def climbed(polynomial: GramPolynomial, sample: Peaks, count: int = 4, rounds: int = 4) -> Peaks:
    """Local maxima, climbed to from the largest values of a sample; the highest first."""
    peaks = sample.sorted(count)
    for _ in range(rounds):
        step = _newton(polynomial, peaks)
        once, twice = (_moved(polynomial, peaks, length * step) for length in (1, 2))
        peaks = _higher(_higher(peaks, once), twice)
    return peaks.sorted()


def _higher(these: Peaks, those: Peaks) -> Peaks:
    """Of each two the higher one."""
    higher = those.values > these.values
    chosen = []
    for this, that in zip(these, those, strict=True):
        chosen.append(np.where(higher.reshape(-1, *[1] * (this.ndim - 1)), that, this))
    return Peaks(*chosen)


def _moved(polynomial: GramPolynomial, peaks: Peaks, step: NDArray) -> Peaks:
    """The peaks that far away."""
    theta_1, theta_2 = peaks.theta_1 + step[:, 0], peaks.theta_2 + step[:, 1]
    values, vectors = _leading(polynomial.at(theta_1, theta_2), peaks.vectors)
    return Peaks(values, theta_1, theta_2, vectors)


def _newton(polynomial: GramPolynomial, peaks: Peaks) -> NDArray:
    """A step uphill from each peak: Newton's on its f = v^H G v, at most half a radian.

    It would do if the eigenvector stayed; as lambda_max(G) >= f curves less, twice may be better.
    """
    rows, columns = polynomial.rows, polynomial.columns
    down = np.exp(1j * np.multiply.outer(peaks.theta_1, rows))
    across = np.exp(1j * np.multiply.outer(peaks.theta_2, columns))
    waves = _coefficients(polynomial, peaks) * down[:, :, np.newaxis] * across[:, np.newaxis, :]
    t = np.stack(np.broadcast_arrays(rows[:, np.newaxis], columns))
    gradient = -np.einsum("xab,pab->px", t, waves).imag
    hessian = -np.einsum("xab,yab,pab->pxy", t, t, waves).real
    curvatures, Q = np.linalg.eigh(hessian)
    curvatures = np.maximum(np.abs(curvatures), 1e-3 * np.abs(curvatures).max() + TINY)
    step = (Q @ (Q.mT @ gradient[..., np.newaxis] / curvatures[..., np.newaxis]))[..., 0]
    return step * np.minimum(1, 0.5 / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), TINY))


def _coefficients(polynomial: GramPolynomial, peaks: Peaks) -> NDArray:
    """Those of f = v^H G v for the eigenvector v of each peak, [peak, t1, t2]."""
    r = polynomial.size
    v = peaks.vectors
    Cv = polynomial.coefficients.reshape(-1, r) @ v.T
    f = np.einsum("tip,pi->pt", Cv.reshape(-1, r, len(v)), v.conj())
    return f.reshape(-1, len(polynomial.rows), len(polynomial.columns))


def _leading(G: NDArray, v: NDArray | None = None) -> tuple[NDArray, NDArray]:
    """About the largest eigenvalue of each G, from below, and its vector, from a Krylov space."""
    if v is None:
        v = np.random.default_rng(0).standard_normal(G.shape[:-1]) + 0j
    basis = [v / np.linalg.norm(v, axis=-1, keepdims=True)]
    for _ in range(min(KRYLOV, G.shape[-1]) - 1):
        w = (G @ basis[-1][..., np.newaxis])[..., 0]
        length = np.linalg.norm(w, axis=-1, keepdims=True)
        for q in basis:
            w = w - q * np.vecdot(q, w)[..., np.newaxis]
        rest = np.linalg.norm(w, axis=-1, keepdims=True)
        new = rest > 1e-8 * length  # else nothing but rounding: G is zero on what is left
        basis.append(np.where(new, w / np.where(new, rest, 1.0), 0.0))
    Q = np.stack(basis, axis=-1)
    values, Y = np.linalg.eigh(Q.conj().mT @ G @ Q)
    found = (Q @ Y[..., -1:])[..., 0]
    nothing = ~found.any(axis=-1, keepdims=True)  # G is zero, and with it that column of Q
    return values[..., -1], np.where(nothing, basis[0], found)


def quiet_circles(
    polynomial: GramPolynomial, peaks: Peaks, choices: tuple[list[Circle], list[Circle]]
) -> tuple[tuple[Circle, Circle], float]:
    """The circles, one of the choices for each axis, whose frequencies lie far from the peaks.

    Also the largest v^H G v at the frequencies beside a peak, v being its eigenvector.
    """
    waves = []
    axes = zip(choices, peaks[1:3], (polynomial.rows, polynomial.columns), strict=True)
    for circles, angles, t in axes:
        beside = np.array([circle.neighbours(angles) for circle in circles])
        waves.append(np.exp(1j * np.multiply.outer(beside, t)))
    f = _coefficients(polynomial, peaks)
    values = np.einsum("xipa,pab,yjpb->xyijp", waves[0], f, waves[1], optimize=True).real
    highest = values.max((2, 3, 4))
    x, y = np.unravel_index(np.argmin(highest), highest.shape)
    return (choices[0][x], choices[1][y]), float(highest[x, y])
