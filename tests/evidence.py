"""Shared by the tests of the scorecard: the numbers in a sentence, and Algorithm 2.1 on dense matrices."""

import re
from functools import cache

import numpy as np
from strategies import reference_matrix

from convreg.examples import start_kernel


def numbers(measured):
    """The numbers in a sentence that stand alone: not those of R_1, 3x3x3x1 or kappa^2; 5% is 0.05."""
    found = re.findall(r"(?<![\w^.])([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(%?)(?![\w.]*\w)", measured)
    return [float(number) / (100 if percent else 1) for number, percent in found]


@cache
def placements(shape, N):
    """dM/dK: a matrix for each kernel entry."""
    return np.array([reference_matrix(tap.reshape(shape), N) for tap in np.eye(int(np.prod(shape)))])


def largest_first(B):
    values, vectors = np.linalg.eigh(B)
    order = np.argsort(-np.abs(values))[:2]
    return [(abs(values[i]), np.sign(values[i]) * vectors[:, i], vectors[:, i]) for i in order]


def powers(B, triplets, iterations):
    refreshed = []
    for _, _, v in triplets:
        for _ in range(iterations):
            u = B @ v / np.linalg.norm(B @ v)
            sigma, v = np.linalg.norm(B @ u), B @ u / np.linalg.norm(B @ u)
        refreshed.append((sigma, u, v))
    return refreshed


@cache
def plain_descent(g, h, N, steps=20, iterations=2, kept=2):
    """Algorithm 2.1 on dense matrices: kernels, kappa, estimates, R_1; a full SVD where there are no iterations."""
    K = start_kernel(3, g, h)
    E, rows = placements(K.shape, N), []
    for step in range(steps + 1):
        M = np.tensordot(K.ravel(), E, 1)
        B = M.T @ M - np.eye(M.shape[1])
        if step == 0 or iterations == 0:
            triplets = largest_first(B)
        else:
            triplets = powers(B, triplets[:kept], iterations)
        sigma, u, v = max(triplets, key=lambda triplet: triplet[0])
        square = np.linalg.eigvalsh(B) + 1
        smaller = square[-min(M.shape) :] if M.shape[0] < M.shape[1] else square
        rows.append((K, (smaller[-1] / smaller[0]) ** 0.5, sigma, np.abs(square - 1).max()))
        G = np.tensordot(E, np.outer(M @ u, v) + np.outer(M @ v, u), 2).reshape(K.shape)
        K = K - 0.01 * G
    return [np.array(column) for column in zip(*rows, strict=True)]
