"""Section 1: the two forms of the penalty on a layer, and what a layer's two vectors follow.

The paper takes the squares of the singular values, max ``|sigma_i^2 - alpha|``. Its first idea,
which it calls more difficult to implement, is the values themselves, max
``|sigma_i - sqrt(alpha)|``. Where the smallest decides, the gradient in M of the one has the norm
2 sigma_min, of the other 1.

A form says how two vectors of norm 1, u and v, are taken a step further, and which values they
give: the penalty is the largest. Both take a product with A'A of each vector in a step.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from convreg.torch.maps import LayerMap

FormName = Literal["squares", "values"]


class Blocks:
    """Equation (1.2): A is M of a layer with the weight K, or M' where ``rows``; its groups apart.

    The blocks of A are those of the groups. Numbers that belong to a group come as rows.
    """

    def __init__(self, M: LayerMap, K: Tensor, rows: bool) -> None:
        self.M = M
        self.K = K
        self.rows = rows

    def __call__(self, X: Tensor) -> Tensor:
        """A X, for a batch of images."""
        return self.M.adjoint(X, self.K) if self.rows else self.M(X, self.K)

    def square(self, X: Tensor) -> Tensor:
        """A'A X, for a batch of images."""
        Y = self(X)
        return self.M(Y, self.K) if self.rows else self.M.adjoint(Y, self.K)

    @property
    def singular(self) -> bool:
        """Whether A'A is singular whatever the weights are, by counting.

        M is K as a matrix, h x (g times the taps), after a copy of the pixels that each position
        reads; transposed it is g x (h times the taps), and so is the rank at most.
        """
        M, (rows, columns, *taps) = self.M, self.K.shape
        positions = prod(M.size if M.transposed else M.output_size)
        rank = min(M.outputs, M.inputs, positions * min(rows, M.groups * columns * prod(taps)))
        return rank < (M.outputs if self.rows else M.inputs)

    def dot(self, x: Tensor, y: Tensor) -> Tensor:
        """x'y of every group."""
        return by_group(x * y, self.M.groups).sum(1)

    def norm(self, x: Tensor) -> Tensor:
        """``|x|`` of every group; where x = 0 its derivatives are 0."""
        rows = by_group(x, self.M.groups)
        size = size_of(rows.detach(), 1)
        square = (rows / size).square().sum(1)
        return size[:, 0] * torch.where(square == 0, 0, torch.where(square == 0, 1, square).sqrt())

    @property
    def reduced(self) -> tuple[Blocks, Tensor]:
        """A over the size of its entries, whose square neither overflows nor vanishes, and that."""
        size = size_of(self.K)
        return Blocks(self.M, self.K / size, self.rows), size

    def times(self, numbers: Tensor, x: Tensor) -> Tensor:
        """x, every group times its number."""
        return (numbers[:, None] * by_group(x, self.M.groups)).reshape(x.shape)

    def normalised(self, x: Tensor, previous: Tensor) -> Tensor:
        """`normalised`, every group for itself."""
        return normalised_by_group(x, previous, self.M.groups)


class Form(Protocol):
    """What a penalty asks of its two vectors."""

    def step(self, A: Blocks, u: Tensor, v: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """The vectors after one iteration."""
        ...

    def values(self, A: Blocks, u: Tensor, v: Tensor, alpha: float) -> Tensor:
        """What they give, group by group: the penalty is the largest."""
        ...

    def lower(self, A: Blocks, u: Tensor, v: Tensor) -> Tensor:
        """Of each value whether it is of the lower end of the spectrum."""
        ...

    def of(self, sigma: float, alpha: float) -> float:
        """The penalty of a matrix with this singular value alone."""
        ...


class Squares:
    """R_alpha = max ``|sigma_i^2 - alpha|``: a pair of singular vectors of B = A'A - alpha I."""

    def step(self, A: Blocks, u: Tensor, v: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """Algorithm 2.1, step 6: u <- B v, v <- B u, both normalised; B is symmetric."""
        u = A.normalised(A.square(v) - alpha * v, u)
        v = A.normalised(A.square(u) - alpha * u, v)
        return u, v

    def values(self, A: Blocks, u: Tensor, v: Tensor, alpha: float) -> Tensor:
        """u'Bv = (Au)'(Av) - alpha u'v."""
        Au, Av = A(torch.cat([u, v]))
        return A.dot(Au, Av) - alpha * A.dot(u, v)

    def lower(self, A: Blocks, u: Tensor, v: Tensor) -> Tensor:
        """There u = -v."""
        return A.dot(u, v) <= 0

    def of(self, sigma: float, alpha: float) -> float:
        """``|sigma^2 - alpha|``."""
        return abs(sigma**2 - alpha)


class Values:
    """S_alpha = max ``|sigma_i - sqrt(alpha)|``: u goes to the upper end of A'A, v to the lower.

    In floating point Av has an error of about eps ``|A|``. Where ``|Av|`` is no more than that, its
    direction, and with it the gradient, is that of the error.
    """

    def step(self, A: Blocks, u: Tensor, v: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """u <- A'A u, v <- c v - A'A v with c = ``|Au|^2``, both normalised.

        To the lower end that leads as soon as c > (sigma_max^2 + sigma_min^2) / 2.
        """
        square_u, square_v = A.square(torch.cat([u, v])).split(1)
        c = A.dot(u, square_u)
        return A.normalised(square_u, u), A.normalised(A.times(c, v) - square_v, v)

    def values(self, A: Blocks, u: Tensor, v: Tensor, alpha: float) -> Tensor:
        """The larger of ``|Au|``, ``|Av|`` less sqrt(alpha), and sqrt(alpha) less the smaller.

        The largest of them is at least 0. Where A'A is singular by counting, the smaller is 0.
        """
        of_u, of_v = (A.norm(product) for product in A(torch.cat([u, v])).split(1))
        high = torch.maximum(of_u, of_v)
        low = torch.zeros_like(high) if A.singular else torch.minimum(of_u, of_v)
        return torch.cat([high - alpha**0.5, alpha**0.5 - low])

    def lower(self, A: Blocks, u: Tensor, v: Tensor) -> Tensor:
        """The second half."""
        return torch.arange(2 * A.M.groups, device=u.device) >= A.M.groups

    def of(self, sigma: float, alpha: float) -> float:
        """``|sigma - sqrt(alpha)|``."""
        return abs(sigma - alpha**0.5)


FORMS: dict[str, Form] = {"squares": Squares(), "values": Values()}


@torch.no_grad()
def iterated(
    form: Form, A: Blocks, u: Tensor, v: Tensor, iterations: int, alpha: float
) -> tuple[Tensor, Tensor]:
    """The vectors after some steps of the power method, to which the size of A is no matter.

    Beside an alpha that is cut nothing of A'A is left.
    """
    with without_autocast(A.K):
        A, size = A.reduced
        shift = (alpha / size / size).clamp(max=1 / torch.finfo(size.dtype).tiny)
        for _ in range(iterations):
            u, v = form.step(A, u, v, shift)
    return u, v


def without_autocast(K: Tensor) -> AbstractContextManager[Any]:
    """The precision of K, where the device knows of another one."""
    device = K.device.type
    return nullcontext() if device == "meta" else torch.autocast(device, enabled=False)


def by_group(x: Tensor, groups: int) -> Tensor:
    """A row for each group."""
    return x.reshape(groups, -1)


def normalised_by_group(x: Tensor, previous: Tensor, groups: int) -> Tensor:
    """`normalised`, every group for itself."""
    return normalised(by_group(x, groups), by_group(previous, groups)).reshape(x.shape)


def normalised(w: Tensor, previous: Tensor) -> Tensor:
    """The rows of w over their norms, or the previous row where one is zero or not finite."""
    w = w / size_of(w, 1)
    norm = torch.linalg.vector_norm(w, dim=1, keepdim=True)
    return torch.where((norm > 0) & (norm < torch.inf), w / norm, previous)


def size_of(x: Tensor, axis: int | None = None) -> Tensor:
    """A power of two near the largest modulus of a tensor, or of each row: nothing is rounded.

    It is 1 where that is zero or not finite.
    """
    size = x.abs().amax() if axis is None else x.abs().amax(axis, keepdim=True)
    return torch.where((size > 0) & (size < torch.inf), size.log2().floor().exp2(), 1)
