"""Section 2.1: the axes of a symbol are parts of circles, tap by tap."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from convreg._numerics.lines import line_of
from convreg._numerics.trigonometric import Circle
from convreg.geometry import Axis

PHASES = (0.0, np.pi)


axes = st.builds(
    Axis,
    N=st.integers(1, 7),
    k=st.integers(1, 5),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 4),
    before=st.integers(0, 6),
    after=st.integers(0, 6),
    circular=st.just(False),
).filter(lambda axis: axis.before + axis.N + axis.after > axis.dilation * (axis.k - 1))


def toeplitz(line):
    """Which tap, from 1, connects an output with a pixel of each remainder; 0 where none does."""
    A = np.zeros((line.stride, line.outputs, line.pixels), int)
    for tap, remainder, offset in zip(*line[1:4], strict=True):
        for r in range(line.outputs):
            if 0 <= r + offset < line.pixels:
                A[remainder, r, r + offset] = tap + 1
    return A


def wrapped(line, L):
    """The same of the circle of L pixels; -1 where several taps meet."""
    A = np.zeros((line.stride, L, L), int)
    for tap, remainder, offset in zip(*line[1:4], strict=True):
        for r in range(L):
            old = A[remainder, r, (r + offset) % L]
            A[remainder, r, (r + offset) % L] = -1 if old else tap + 1
    return A


def is_part(line, L):
    if max(line.outputs, line.pixels) > L:
        return False
    return np.array_equal(wrapped(line, L)[:, : line.outputs, : line.pixels], toeplitz(line))


@example(Axis(N=4, k=3, dilation=3, before=1, after=2))  # one tap lands, and a pixel is not read
@given(axes)
def test_the_side_is_the_least(axis):
    """M is no part of a smaller circle, but where the pixels of some remainder are fewer."""
    line = line_of(axis)
    assert is_part(line, line.side)
    assert all(is_part(line, line.side + more) for more in range(1, 5))
    if axis.stride == 1:
        assert not is_part(line, line.side - 1)


@given(axes)
def test_the_taps_of_a_line_are_the_reads(axis):
    """Output r of tap p reads pixel r + offset of its remainder; the taps left out read zeros."""
    line = line_of(axis)
    reads = axis.reads()
    assert line.outputs == axis.outputs
    assert [*line.taps] == [p for p in range(axis.k) if reads[:, p].max() >= 0]
    for p, remainder, offset in zip(*line[1:4], strict=True):
        assert 0 <= remainder < axis.stride
        for r, pixel in enumerate(reads[:, p]):
            if pixel >= 0:
                assert pixel == axis.stride * (r + offset) + remainder
                assert pixel // axis.stride < line.pixels


def remainder_parts(line):
    """The direct summands of a line whose offsets are a step apart: outputs, pixels, offset."""
    step, lowest = line.step, min(line.offsets)
    for rest in range(step):
        outputs = range(rest, line.outputs, step)
        pixels = range((rest + lowest) % step, line.pixels, step)
        yield outputs, pixels, (rest + lowest) // step


@example(Axis(N=2, k=2, dilation=2, before=1, after=5))  # the last summand alone needs the side
@example(Axis(N=6, k=2, dilation=2, before=5, after=1))
@given(axes)
def test_the_summands_of_dilated_taps_are_parts_of_the_smaller_circles(axis):
    """Outputs a step apart read pixels a step apart; on a circle of each of the sides."""
    line = line_of(axis)
    assume(line.offsets)
    whole = toeplitz(line)
    seen = np.zeros_like(whole)
    for outputs, pixels, first in remainder_parts(line):
        block = whole[:, outputs][:, :, pixels]
        seen[np.ix_(range(line.stride), outputs, pixels)] += block
        for circle in line.circles():
            L = circle.L
            if len(set(line.offsets)) == 1:
                continue
            assert max(len(outputs), len(pixels)) <= L
            A = np.zeros((line.stride, L, L), int)
            for tap, remainder, offset in zip(*line[1:4], strict=True):
                shift = first + (offset - min(line.offsets)) // line.step
                for r in range(L):
                    A[remainder, r, (r + shift) % L] = tap + 1
            assert np.array_equal(A[:, : len(outputs), : len(pixels)], block)
    assert np.array_equal(seen, whole)


@pytest.mark.parametrize(
    ("axis", "step", "side", "least"),
    [
        (Axis(N=8, k=3, before=1, after=1), 1, 9, 9),  # N + floor(k/2)
        (Axis(N=8, k=4, before=1, after=2), 1, 10, 10),
        (Axis(N=8, k=5, before=2, after=2), 1, 10, 10),
        (Axis(N=8, k=3, dilation=2, before=2, after=2), 2, 10, 5),
        (Axis(N=9, k=3, dilation=2, before=2, after=2), 2, 11, 6),
        (Axis(N=9, k=3, dilation=4, before=4, after=4), 4, 13, 4),
        (Axis(N=9, k=3, dilation=2, stride=2, before=2, after=2), 1, 6, 6),
        (Axis(N=8, k=3), 1, 8, 8),  # valid: 6 outputs
        (Axis(N=8, k=3, before=2, after=2), 1, 10, 10),  # full: 10 outputs
        (Axis(N=2, k=7, before=3, after=3), 1, 3, 3),  # taps that read zeros alone
        (Axis(N=6, k=3, before=1, after=1, circular=True), 1, 6, 6),
        (Axis(N=6, k=3, stride=2, before=1, after=1, circular=True), 1, 3, 3),
        (Axis(N=7, k=3, stride=2, before=1, after=1, circular=True), 1, 7, 7),
    ],
)
def test_the_sides_by_hand(axis, step, side, least):
    line = line_of(axis)
    assert (line.step, line.side) == (step, side)
    assert line.circles()[0].L == least


def test_the_circles_on_which_a_bound_may_lie():
    line = line_of(Axis(N=63, k=3, before=1, after=1))
    assert {(circle.L, circle.phase) for circle in line.circles()} == {
        (L, phase) for L in range(64, 70) for phase in PHASES
    }
    assert line_of(Axis(N=6, k=3, before=1, after=1, circular=True)).circles() == [Circle(6)]
    assert line_of(Axis(N=6, k=1)).circles() == [Circle(1)]
    assert line_of(Axis(N=1, k=3, before=1, after=1)).circles() == [Circle(1)]
