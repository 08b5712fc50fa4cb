"""Section 2: what R_alpha sees in each layer of a network, as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convreg.torch.forms import FORMS, Blocks, Form, iterated, size_of, without_autocast
from convreg.torch.layer import ConvPenalty
from convreg.torch.maps import by, channels
from convreg.winding import symbol_class

ITERATIONS = 100
DENSE_LIMIT = 4 * 10**6  # entries of a dense M, or of all its blocks
CLASSES = ("zeros", "winding", "undecided", "trivial")  # a group of the first kind decides
PLATEAU = 0.1  # of sqrt(alpha): a sigma below that

Row = dict[str, Any]


class Report:
    """A row for each layer; see `PenaltySum.report`.

    >>> conv1 = {"kind": "Conv2d", "R_alpha": 2.0}
    >>> print(Report({"conv1": conv1, "conv2": {"kind": "Conv2d"}}))
    layer  kind    R_alpha
    conv1  Conv2d  2
    conv2  Conv2d
    """

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._rows = {name: dict(row) for name, row in rows.items()}

    def to_dict(self) -> dict[str, Row]:
        """The rows by the names of the layers."""
        return {name: dict(row) for name, row in self._rows.items()}

    def __str__(self) -> str:
        columns = list(dict.fromkeys(name for row in self._rows.values() for name in row))
        lines = [["layer", *columns]]
        for label, row in self._rows.items():
            lines.append([label or "(model)", *(_cell(row.get(name, "")) for name in columns)])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = []
        for line in lines:
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
            table.append("  ".join(cells).rstrip())
        return "\n".join(table)

    __repr__ = __str__


def _cell(value: Any) -> str:
    """A value as it is printed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return by(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@torch.inference_mode(False)
@torch.no_grad()
def row_of(term: ConvPenalty, weight: float, exact: bool) -> Row:
    """The row of a layer; the term's vectors stay as they are."""
    K = term._kernel().clone()  # one made in inference mode could not be differentiated
    with without_autocast(K):
        return _row(term, K, weight, exact)


def _row(term: ConvPenalty, K: Tensor, weight: float, exact: bool) -> Row:
    # numbers of Python hold squares that those of the weight do not
    unit = max(1.0, size_of(K).item())
    alpha, A = term.alpha / unit / unit, term._blocks(K / unit)
    u, v = (term._unit(w).to(K) for w in (term.u, term.v))
    start = term._start(v.shape, None, K)
    reduced, size = A.reduced
    square = _leading(FORMS["squares"], reduced, [(start, start)], 0.0).value
    found = _leading(FORMS["squares"], A, [(v, v), (start, start)], alpha)
    row: Row = {
        "kind": type(term.layer).__name__,
        "M": term.shape,
        "alpha": term.alpha,
        "weight": weight,
        "R_alpha": unit * (unit * found.value),
    }
    form = FORMS[term.form]
    if term.form == "values":
        found = _leading(form, A, [(u, v), (start, start)], alpha)
        row["S_alpha"] = unit * found.value
    low = form.of(PLATEAU * alpha**0.5, alpha)
    row |= {
        "sigma_max": unit * size.item() * math.sqrt(max(square, 0.0)),
        "end": found.end,
        "plateau": found.end == "lower" and found.value >= low,
        "gradient": _gradient(form, A, found, alpha) * (1.0 if term.form == "values" else unit),
    }
    if exact:
        row["class"] = class_of(term, K)
        row["kappa"] = condition_number(term, K)
    return row


class Leading(NamedTuple):
    """The penalty by the power method, its end of the spectrum, and the vectors."""

    value: float
    end: str
    u: Tensor
    v: Tensor


def _leading(form: Form, A: Blocks, starts: list[tuple[Tensor, Tensor]], alpha: float) -> Leading:
    """The largest that the power method finds from some starts."""
    found = []
    for u, v in starts:
        u, v = iterated(form, A, u, v, ITERATIONS, alpha)
        values = form.values(A, u, v, alpha)
        leading = values.argmax()
        end = "lower" if form.lower(A, u, v)[leading.cpu()].item() else "upper"
        found.append(Leading(values[leading].item(), end, u, v))
    return max(found, key=lambda one: one.value)


@torch.enable_grad()
def _gradient(form: Form, A: Blocks, found: Leading, alpha: float) -> float:
    """The norm of the gradient in the kernel."""
    K = A.K.detach().requires_grad_()
    value = form.values(Blocks(A.M, K, A.rows), found.u, found.v, alpha).max()
    (G,) = torch.autograd.grad(value, K)
    size = size_of(G)
    return size.item() * (G / size).norm().item()


def condition_number(term: ConvPenalty, K: Tensor, limit: int = DENSE_LIMIT) -> float:
    """kappa(M) from the singular values of its blocks; NaN where too large or not finite."""
    M = term.map
    groups = M.groups
    wide = M.outputs < M.inputs
    product = M.adjoint if wide else M
    shape = M.output_shape if wide else M.input_shape
    side = min(M.outputs, M.inputs) // groups  # of a block
    if side * max(M.outputs, M.inputs) > limit or not K.isfinite().all():
        return math.nan
    impulses = torch.eye(side, dtype=K.dtype, device=K.device)
    images = impulses.reshape(side, -1, *shape[2:]).repeat(1, groups, *[1] * len(M.size))
    blocks = product(images, K).reshape(side, groups, -1).movedim(1, 0)
    sigma = torch.linalg.svdvals(blocks.cpu().double())
    smallest = sigma.min().item()
    return sigma.max().item() / smallest if smallest > 0 else math.inf


def class_of(term: ConvPenalty, K: Tensor) -> str:
    """The class of the symbol: see `convreg.winding`; of groups the one that says most, '' if none.

    It is that of square layers with zeros around the image, at stride 1, on one or two axes, whose
    taps lie around the pixel as in the paper, and are finite.
    """
    M, layer = term.map, term.layer
    if isinstance(layer, nn.Linear) or M.transposed or M.mode != "zeros" or len(M.size) > 2:
        return ""
    middle = tuple(d * ((k - 1) // 2) for d, k in zip(M.dilation, layer.kernel_size, strict=True))
    before = tuple(side for side, _ in M.margins) or M.padding
    g, h = channels(layer)
    if not K.isfinite().all():
        return ""
    if g != h or set(M.stride) != {1} or M.size != M.output_size or before != middle:
        return ""
    found = set()
    for block in K.detach().cpu().double().chunk(M.groups):
        kernel = block if block.ndim == 4 else block.unsqueeze(2)
        found.add(symbol_class(kernel.numpy().transpose(2, 3, 1, 0)).name)
        if "zeros" in found:
            break
    return next(name for name in CLASSES if name in found)
