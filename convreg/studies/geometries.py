"""Section 1, without loss of generality: Lemma 2.2 and Theorem 2.3 at other strides and paddings.

M is linear in K wherever the taps read, and the lemma asks for no more. What does change is the
shape of M, see `convreg.studies.strides`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convreg.gradients import kernel_gradient, kernel_gradient_index_sum
from convreg.gram import shifted_gram
from convreg.lanczos import leading_triplets
from convreg.matrix import conv_matrix, conv_matrix_adjoint
from convreg.penalty import penalty
from convreg.verify import gradient_tables, remainder_order


class Setting(NamedTuple):
    """A kernel, the image that it reads, and how: keyword arguments of `convreg.conv_matrix`."""

    K: NDArray
    N: int | tuple[int, int]
    how: dict[str, Any]


def settings(K: NDArray, N: int, alpha: float = 1.0) -> dict[str, Setting]:
    """Section 1: a kernel of k x k taps, k > 1, on N x N pixels, N >= k, and what departs from it.

    Raises
    ------
    ValueError
        Where sigma_max^2 <= 2 alpha in one of them, so that R_alpha may have no gradient.

    >>> [*settings(np.ones((3, 3, 1, 3)), 8)][:4]
    ["the paper's", 'stride 2', 'stride 3', 'dilation 2']
    """
    narrow = K[:, 1:]
    oblong = (N, N + 3)
    mixed = {"stride": (2, 1), "dilation": (1, 2), "padding": (1, 2)}
    found = {
        "the paper's": Setting(K, N, {}),
        "stride 2": Setting(K, N, {"stride": 2}),
        "stride 3": Setting(K, N, {"stride": 3}),
        "dilation 2": Setting(K, N, {"dilation": 2}),
        "no padding": Setting(K, N, {"padding": "valid"}),
        "circular": Setting(K, N, {"padding": "circular"}),
        "oblong kernel": Setting(narrow, N, {}),
        "oblong image": Setting(K, oblong, {}),
        "all of these": Setting(narrow, oblong, mixed),
    }
    for name, (kernel, size, how) in found.items():
        if penalty(kernel, size, alpha, **how) <= alpha:
            raise ValueError(f"alpha: wanted less than sigma_max^2 / 2 ({name}), got {alpha:g}")
    return found


class Verified(NamedTuple):
    """What (2.5) is worth in one setting."""

    shape: tuple[int, int]  # of M
    penalty: float
    right: float  # the order of the Taylor remainders of (2.5): 2 where it is the gradient
    wrong: float  # and of one of its two terms
    differences: float  # the least error of the central difference, of that term over (2.5)
    sums: float  # |index sum - correlation| / |gradient|


def verified(setting: Setting, alpha: float) -> Verified:
    """Theorem 2.3: (2.5) by its index sums, by correlations, and against Taylor remainders.

    >>> found_in = settings(np.arange(1.0, 10).reshape(3, 3, 1, 1), 5)
    >>> found = verified(found_in["stride 2"], 1.0)
    >>> found.shape, round(found.right), round(found.wrong), found.sums < 1e-12
    ((9, 25), 2, 1, True)
    """
    K, N, how = setting
    M = conv_matrix(K, N, **how).toarray()
    R, u, v = leading_triplets(shifted_gram(M, alpha), count=1)[0]
    G = kernel_gradient(K, N, u, v, **how)
    term = conv_matrix_adjoint(np.outer(M @ u, v), K.shape, N, **how)
    sums = kernel_gradient_index_sum(K, N, u, v, **how)

    def R_of_K(K: NDArray) -> float:
        """The penalty in this geometry."""
        return penalty(K, N, alpha, **how)

    right, wrong = gradient_tables("(2.5)", R_of_K, K, {"right": G, "missing term": term})
    return Verified(
        shape=M.shape,
        penalty=float(R),
        right=remainder_order(right),
        wrong=remainder_order(wrong),
        differences=float(wrong["difference"].min() / right["difference"].min()),
        sums=float(np.linalg.norm(sums - G) / np.linalg.norm(G)),
    )
