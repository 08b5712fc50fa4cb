"""Shared by the tests: hypothesis strategies, and references that use nothing of convreg.

Importing this module loads the hypothesis profile: no deadline, the same examples on every run.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from scipy.signal import correlate2d

settings.register_profile("convreg", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("convreg")

DTYPES = (np.float64, np.float32)
GRAMS = ("columns", "rows", "smaller")


class Case(NamedTuple):
    """A kernel of shape (k, k, g, h), an input size, and a seeded generator for whatever else a
    test needs.
    """

    K: np.ndarray
    N: int
    rng: np.random.Generator


@st.composite
def cases(draw, max_k=7, max_channels=4, max_N=7, min_N=1, integers=None):
    """Kernels odd and even, larger than the image too; half of them small integers, some zero or
    equal.
    """
    k, N = draw(st.integers(1, max_k)), draw(st.integers(min_N, max_N))
    g, h = draw(st.integers(1, max_channels)), draw(st.integers(1, max_channels))
    whole = draw(st.booleans()) if integers is None else integers
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    K = (
        rng.integers(-2, 3, (k, k, g, h)).astype(float)
        if whole
        else rng.standard_normal((k, k, g, h))
    )
    return Case(K, N, rng)


def literal_convolve(K, X):
    """Equation (1.2), index by index, with the paper's indices from 1."""
    k, _, g, h = K.shape
    N, m = len(X), (k + 1) // 2
    Y = np.zeros((N, N, h))
    for r, s, c in product(range(1, N + 1), range(1, N + 1), range(1, h + 1)):
        for d, p, q in product(range(1, g + 1), range(1, k + 1), range(1, k + 1)):
            i, j = r - m + p, s - m + q
            if 1 <= i <= N and 1 <= j <= N:
                Y[r - 1, s - 1, c - 1] += X[i - 1, j - 1, d - 1] * K[p - 1, q - 1, d - 1, c - 1]
    return Y


def reference_matrix(K, N):
    """M(K) from scipy.signal.correlate2d, one impulse and one pair of channels at a time.

    Entry [a, b] of the full correlation sums x[i, j] K[i - a + k - 1, j - b + k - 1], and output
    pixel r of (1.1) has i - r + m - 1 there: a = r + k - m. For even k the two margins k - m and m
    - 1 differ.
    """
    k, _, g, h = K.shape
    m = (k + 1) // 2
    keep = slice(k - m, k - m + N)
    M = np.zeros((h, N, N, g, N, N))
    for d, c, i, j in product(range(g), range(h), range(N), range(N)):
        impulse = np.zeros((N, N))
        impulse[i, j] = 1
        M[c, :, :, d, j, i] = correlate2d(impulse, K[:, :, d, c], mode="full")[keep, keep].T
    return M.reshape(h * N * N, g * N * N)


class Setting(NamedTuple):
    """A kernel of shape (k1, k2, g, h), the height and width of an image, the keywords of a
    geometry, and a seeded generator.
    """

    K: np.ndarray
    N: tuple[int, int]
    keywords: dict
    rng: np.random.Generator


paddings = st.sampled_from(("same", "valid", "circular", 0, 1, 2, 4))


@st.composite
def settings_of(draw, max_k=4, max_channels=2, integers=True, paddings=paddings):
    """Rectangular kernels and images, every stride, dilation and padding, one for both axes or one
    for each; kernels that are larger than the image, and circular ones that wrap more than once.
    """
    k, strides, dilations, sizes, beside = [], [], [], [], []
    one_padding = draw(paddings)
    mixed = draw(st.booleans())
    for _ in range(2):
        k.append(draw(st.integers(1, max_k)))
        strides.append(draw(st.integers(1, 3)))
        dilations.append(draw(st.integers(1, 3)))
        beside.append(draw(paddings) if mixed else one_padding)
        before, after = margins(k[-1], dilations[-1], beside[-1])
        least = max(1, dilations[-1] * (k[-1] - 1) + 1 - before - after)
        sizes.append(draw(st.integers(least, max(5, least + 1))))
    g, h = draw(st.integers(1, max_channels)), draw(st.integers(1, max_channels))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (*k, g, h)
    K = rng.integers(-3, 4, shape).astype(float) if integers else rng.standard_normal(shape)
    keywords = {"stride": strides, "dilation": dilations, "padding": beside}
    together = {
        name: pair[0] if pair[0] == pair[1] and draw(st.booleans()) else tuple(pair)
        for name, pair in keywords.items()
    }
    return Setting(K, tuple(sizes), together, rng)


def both(value):
    """A value for the rows and one for the columns."""
    return value if isinstance(value, tuple) else (value, value)


def margins(k, dilation, padding):
    """How many pixels are read before an image and how many behind it."""
    if isinstance(padding, int):
        return padding, padding
    m = (k + 1) // 2
    return (0, 0) if padding == "valid" else (dilation * (m - 1), dilation * (k - m))


def padded_by_numpy(image, K, dilation, padding):
    """The image with what is read beside it, one axis after the other."""
    for axis, (k, d, kind) in enumerate(zip(K.shape, both(dilation), both(padding), strict=False)):
        widths = [(0, 0), (0, 0)]
        widths[axis] = margins(k, d, kind)
        image = np.pad(image, widths, "wrap" if kind == "circular" else "constant")
    return image


def setting_matrix(K, N, stride=1, dilation=1, padding="same"):
    """M(K) of any geometry from scipy.signal.correlate2d, one impulse and one pair of channels at a
    time: on padded images, with zeros between the taps, every so many outputs kept.
    """
    g, h = K.shape[2:]
    (s1, s2), (d1, d2) = both(stride), both(dilation)
    apart = np.zeros((d1 * (K.shape[0] - 1) + 1, d2 * (K.shape[1] - 1) + 1, g, h))
    apart[::d1, ::d2] = K
    columns = []
    for d, j, i in product(range(g), range(N[1]), range(N[0])):
        impulse = np.zeros(N)
        impulse[i, j] = 1
        image = padded_by_numpy(impulse, K, dilation, padding)
        outputs = [
            correlate2d(image, apart[:, :, d, c], mode="valid")[::s1, ::s2].ravel(order="F")
            for c in range(h)
        ]
        columns.append(np.concatenate(outputs))
    return np.stack(columns, axis=1)


def reference_gram(M, alpha, gram):
    """M'M - alpha I, or with M M', as a dense array."""
    rows = gram == "rows" or (gram == "smaller" and M.shape[0] < M.shape[1])
    square = M @ M.T if rows else M.T @ M
    return square - alpha * np.eye(len(square))


def reference_adjoint(G, shape, N):
    """The sum of G over all positions of every kernel entry, in plain loops."""
    k, _, g, h = shape
    m = (k + 1) // 2
    blocks = np.asarray(G).reshape(h, N, N, g, N, N)
    result = np.zeros(shape)
    for p, q, z, y in product(range(k), range(k), range(g), range(h)):
        for r, s in product(range(N), range(N)):
            i, j = r + p - m + 1, s + q - m + 1
            if 0 <= i < N and 0 <= j < N:
                result[p, q, z, y] += blocks[y, s, r, z, j, i]
    return result


def separable_kernel(W, outer, inner):
    """W (x) (b,a,b) (x) (d,c,d) for an h x g matrix W, outer = (a, b), inner = (c, d)."""
    (a, b), (c, d) = outer, inner
    return np.einsum("p,q,yz->pqzy", [b, a, b], [d, c, d], W)


def separable_singular_values(W, outer, inner, N):
    """Its singular values in closed form, largest first: symmetric tridiagonal Toeplitz matrices
    diagonalise.
    """
    angles = np.cos(np.arange(1, N + 1) * np.pi / (N + 1))
    along = [np.abs(centre + 2 * side * angles) for centre, side in (outer, inner)]
    sigma = np.linalg.svd(W, compute_uv=False)
    return np.sort(np.einsum("i,j,l->ijl", *along, sigma).ravel())[::-1]


def relative_error(a, b):
    """|a - b| / max(1, |b|) in the Frobenius norm."""
    return np.linalg.norm(np.asarray(a) - np.asarray(b)) / max(1.0, np.linalg.norm(b))
