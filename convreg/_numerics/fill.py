"""What sparse factors of M, or of its smaller Gram matrix, will hold, before they are made."""

from __future__ import annotations

from convreg.geometry import Axis, Geometry


def factor_entries(shape: tuple[int, ...], geometry: Geometry) -> int:
    """About what sparse factors hold: all within the band of the matrix, pixel after pixel.

    Those of M hold half as much again, for their pivots are not on the diagonal. With a dilation
    the pixels and outputs that are so far apart make matrices of their own.
    """
    m, n = shape
    unknowns = min(m, n)
    band, apart = unknowns, 1
    for axis in geometry:
        lines = axis.N if n <= m else axis.outputs
        band = min(band, _coupled_lines(axis, m, n) * unknowns // lines)
        if axis.stride == 1 and not axis.circular:
            apart *= min(axis.dilation, lines)
    return (3 if m == n else 2) * unknowns * max(1, band // apart)


def _coupled_lines(axis: Axis, m: int, n: int) -> int:
    """How many lines of the image the matrix that is factorised couples, at least one.

    A square M an output with the pixels it reads, M'M pixels that one output reads, M M' outputs
    that read one pixel. Where the image is circular, the last lines are coupled with the first.
    """
    if m == n:
        lines = max(axis.before, axis.span - axis.before) + axis.stride - 1
    elif n < m:
        lines = axis.span
    else:
        lines = axis.span // axis.stride
    return max(1, lines) * (2 if axis.circular else 1)
