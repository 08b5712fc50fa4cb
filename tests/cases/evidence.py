"""What the scorecard's rows are held against: dense matrices, and Algorithm 2.1 on them."""

import re
from functools import cache

import numpy as np
from strategies import reference_matrix

from convreg.examples import start_kernel


def numbers(measured):
    """The numbers in a sentence that stand alone, 5% being 0.05.

    Not those of R_1, 3x3x3x1 or kappa^2.
    """
    found = re.findall(r"(?<![\w^.])([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(%?)(?![\w.]*\w)", measured)
    return [float(number) / (100 if percent else 1) for number, percent in found]


def parts(row, count):
    """The numbers of a row, so many at a time."""
    found = numbers(row.measured)
    return [found[i : i + count] for i in range(0, len(found), count)]


def close(found, expected):
    """Equal to three digits, for the cases that are known."""
    return np.allclose(found[: len(expected)], expected, rtol=5e-3)


def tap(g, h, size=1.0):
    """The 3 x 3 kernel with the taps of the identity in its centre, placed by hand."""
    K = np.zeros((3, 3, g, h))
    for c in range(min(g, h)):
        K[1, 1, c, c] = size
    return K


def one_channel(taps):
    return np.array(taps, float).reshape(3, 3, 1, 1)


def singular_values(K, N):
    return np.linalg.svd(reference_matrix(K, N), compute_uv=False)


def dense_penalty(K, N, alpha=1.0):
    M = reference_matrix(K, N)
    return np.abs(np.linalg.eigvalsh(M.T @ M) - alpha).max()


@cache
def placements(k, N):
    """The matrices of the one-channel kernels with a single tap 1, tap by tap."""
    taps = np.eye(k * k).reshape(-1, k, k, 1, 1)
    return [reference_matrix(tap, N) for tap in taps]


def dense(K, N):
    """M(K): block (c, d) is the one-channel matrix of K[:, :, d, c]."""
    k, _, g, h = K.shape
    taps = K.reshape(k * k, g, h)
    return sum(np.kron(tap.T, T) for tap, T in zip(taps, placements(k, N), strict=True))


def squared_singular_values(M):
    """The eigenvalues of M'M, from the largest to the smallest: n of them."""
    m, n = M.shape
    smaller = M.T @ M if n <= m else M @ M.T
    return np.append(np.linalg.eigvalsh(smaller)[::-1], np.zeros(max(n - m, 0)))


def largest_first(B):
    """The two leading triplets of a symmetric matrix."""
    values, vectors = np.linalg.eigh(B)
    order = np.argsort(-np.abs(values))[:2]
    return [(abs(values[i]), np.sign(values[i]) * vectors[:, i], vectors[:, i]) for i in order]


def powers(B, triplets, iterations):
    """Each triplet after so many iterations of the power method."""
    refreshed = []
    for _, _, v in triplets:
        for _ in range(iterations):
            u = B @ v / np.linalg.norm(B @ v)
            sigma = np.linalg.norm(B @ u)
            v = B @ u / sigma
        refreshed.append((sigma, u, v))
    return refreshed


def gradient(K, N, M, u, v):
    """(2.5): the sums of (Mu) v' + (Mv) u' over the places of every tap."""
    k, _, g, h = K.shape
    G = 0
    for left, right in ((M @ u, v), (M @ v, u)):
        left = left.reshape(h, -1)
        right = right.reshape(g, -1)
        G = G + np.array([right @ T.T @ left.T for T in placements(k, N)])
    return G.reshape(K.shape)


@cache
def plain_descent(g, h, N, steps=20, iterations=2, kept=2, state=1, alpha=1.0):
    """Algorithm 2.1 on dense matrices: kernels, kappa, estimates, R_alpha, sigma_max, sigma_min.

    A full SVD in every step where there are no power iterations.
    """
    K = start_kernel(3, g, h, state)
    rows = []
    for step in range(steps + 1):
        M = dense(K, N)
        B = M.T @ M - alpha * np.eye(M.shape[1])
        if step == 0 or iterations == 0:
            triplets = largest_first(B)
        else:
            triplets = powers(B, triplets[:kept], iterations)
        sigma, u, v = max(triplets, key=lambda triplet: triplet[0])
        square = squared_singular_values(M)
        largest, smallest = square[[0, min(M.shape) - 1]] ** 0.5
        R = np.abs(square - alpha).max()
        rows.append((K, largest / smallest, sigma, R, largest, smallest))
        K = K - 0.01 * gradient(K, N, M, u, v)
    return [np.array(column) for column in zip(*rows, strict=True)]


def columns(descents):
    """The columns of descents with as many steps, a row each; the kernels may differ in size."""
    kernels, *numbers_of = zip(*descents, strict=True)
    return [kernels, *map(np.array, numbers_of)]


def final_kappas(descents):
    return np.array([kappa[-1] for _, kappa, *_ in descents])


def lags(descents):
    """By what fraction each estimate is below R_alpha."""
    return np.array([1 - estimate / R for _, _, estimate, R, *_ in descents])
