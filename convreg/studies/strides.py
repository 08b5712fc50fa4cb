"""Section 1, without loss of generality: what a stride does to the barrier, and in ResNet-18.

With stride s, M has h ceil(N/s)^2 rows and g N^2 columns. So M'M is singular, and R_alpha at least
alpha for every K, wherever h < s^2 g (where s divides N).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from convreg._checks import Gram
from convreg.geometry import padding
from convreg.gram import shifted_gram
from convreg.penalty import penalty
from convreg.storage.progress import progress
from convreg.storage.tables import Table, from_rows, groups
from convreg.studies.layers import Layer, gaussian_kernel, operator

GRAMS: tuple[Gram, ...] = ("columns", "rows")


def rank_bound(layer: Layer) -> int:
    """The rank that M of this layer has at most, whatever its kernel.

    There are h numbers for each pixel that is put out, and g for each that is read.

    >>> rank_bound(Layer(3, 1, 3, 8)), rank_bound(Layer(1, 1, 3, 8, stride=2))
    (64, 16)
    """
    axis, _ = operator(np.zeros((layer.k, layer.k, 1, 1)), layer).geometry
    reads = axis.reads()
    read = np.unique(reads[reads >= 0]).size  # pixels along an axis
    return min(layer.h * layer.outputs**2, layer.g * read**2)


def always_singular(layer: Layer, gram: Gram) -> bool:
    """Whether `rank_bound` shows M'M (columns) or M M' (rows) to be singular for every kernel.

    It counts, and no more: it does not see what notebook 12 shows for odd N and stride 2.

    >>> [always_singular(Layer(3, 2, 4, 8, stride=2), gram) for gram in GRAMS]
    [True, False]
    """
    rows, columns = layer.shape
    return rank_bound(layer) < (rows if gram == "rows" else columns)


def block_kernel(layer: Layer, alpha: float = 1.0) -> NDArray:
    """The kernel that hands pixels on: s x s taps from the centre on, each to a channel of its own.

    As many of these s^2 g taps as there are output channels are sqrt(alpha), all else is 0. Each
    reads pixels of its own, so that M'M and M M' are alpha times projections. One of them is
    alpha I where the blocks tile the image: s divides N, and the kernel has s taps from its centre
    on. For stride 1 it is the identity tap.

    >>> block_kernel(Layer(3, 1, 3, 8, stride=2))[:, :, 0, 1]
    array([[0., 0., 0.],
           [0., 0., 1.],
           [0., 0., 0.]])
    """
    k, g, h = layer.k, layer.g, layer.h
    K = np.zeros((k, k, g, h))
    first, _ = padding(k)
    taps = range(first, min(first + layer.stride, k))
    for channel, (p, q, d) in enumerate(product(taps, taps, range(g))):
        if channel < h:
            K[p, q, d, channel] = alpha**0.5
    return K


def lowest_penalty(layer: Layer, alpha: float, gram: Gram) -> float:
    """R_alpha of the `block_kernel`. No kernel has less where its blocks tile the image, or k = 1.

    The eigenvalues of B = M'M - alpha I are 0 and -alpha. So a random vector x tells: B x is 0, or
    ``|B B x| / |B x|`` is alpha.

    >>> layer = Layer(3, 2, 4, 8, stride=2)
    >>> [round(lowest_penalty(layer, 5.0, gram), 12) for gram in GRAMS]
    [5.0, 0.0]
    """
    B = shifted_gram(operator(block_kernel(layer, alpha), layer), alpha, gram)
    x = B @ np.random.default_rng(0).standard_normal(B.shape[1])
    size = np.linalg.norm(x)
    if size < 1e-12 * alpha * B.shape[1] ** 0.5:
        return 0.0
    return float(np.linalg.norm(B @ x) / size)


def he_kernel(layer: Layer, seed: int = 0) -> NDArray:
    """He's start: independent normal entries of variance 2 / (k^2 g)."""
    return 2**0.5 * gaussian_kernel(layer, seed)


def layer_table(layers: Iterable[Layer], alpha: float, tolerance: float, seed: int = 0) -> Table:
    """For every layer and both Gram matrices: is it singular, where R_alpha starts, its lowest.

    Columns: layer, count, gram, singular, start and lowest (R_alpha / alpha).
    """
    rows = []
    for layer, gram in progress([*product(layers, GRAMS)], "R_alpha"):
        K = he_kernel(layer, seed)
        start, _ = penalty(
            K, layer.N, alpha, gram, tolerance, full_output=True, stride=layer.stride
        )
        lowest = lowest_penalty(layer, alpha, gram)
        singular = always_singular(layer, gram)
        rows.append((str(layer), layer.count, gram, singular, start / alpha, lowest / alpha))
    return from_rows(("layer", "count", "gram", "singular", "start", "lowest"), rows)


def by_layer(layers: Iterable[Layer], table: Table) -> Table:
    """A row for each layer of a `layer_table`: its size, where R_alpha starts, and the two lowest.

    >>> layer = Layer(3, 1, 2, 4)
    >>> rows = [(str(layer), 5.0, 0.0), (str(layer), 5.0, 1.0)]
    >>> found = by_layer([layer], from_rows(("layer", "start", "lowest"), rows))
    >>> [column.item() for column in found.values()]
    ['3x3x1x2, N = 4', 1, 32, 16, 5.0, 0.0, 1.0]
    """
    found = []
    for layer, rows in zip(layers, groups(table, "layer").values(), strict=True):
        size = (layer.count, *layer.shape)
        found.append((str(layer), *size, rows["start"][0], *rows["lowest"]))
    sizes = ("layer", "times", "rows of M", "columns")
    return from_rows((*sizes, "start", "lowest, M'M", "lowest, MM'"), found)
