"""The alternative texts of the figures of M, of its penalty and where that has a kink."""

import numpy as np
from clauses import Clause, falls, rises, short, word

from convreg.storage.tables import groups

# the pattern of M


def diagonals(rows):
    """On which diagonals of M entries stand, counted from the main one to the lower left."""
    return sorted(set((rows["row"] - rows["column"]).tolist()))


def is_whole(rows):
    """Whether as many entries are there as taps land on pixels, in both directions alike."""
    side, k = round(rows["block"][0] ** 0.5), rows["kernel_size"][0]
    reach = side - np.abs(np.arange(k) - (k + 1) // 2 + 1)
    return len(rows["row"]) == reach.sum() ** 2


def in_runs(numbers):
    """Whole numbers in runs without a gap.

    >>> in_runs([-4, -3, 0, 3, 4])
    [[-4, -3], [0], [3, 4]]
    """
    breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
    return [run.tolist() for run in np.split(np.array(numbers), breaks)]


def same_in_each_block(rows):
    """Whether every block of M holds the same taps in the same places."""
    side = rows["block"][0]
    blocks = {}
    for i, j, tap in zip(rows["row"], rows["column"], rows["tap"], strict=True):
        blocks.setdefault((i // side, j // side), set()).add((i % side, j % side, tap))
    first = next(iter(blocks.values()))
    return all(block == first for block in blocks.values())


def size(rows):
    """The size of M in words."""
    return f"{rows['rows'][0]} x {rows['columns'][0]}"


def pattern(table):
    """Where the taps stand in M."""
    one, several, even, large = groups(table, "case").values()
    bands = in_runs(diagonals(one))
    tall, wide = (several[name][0] // several["block"][0] for name in ("rows", "columns"))
    _, right = in_runs(diagonals(even))
    inner = np.unique(large["tap"])
    side, k = round(len(inner) ** 0.5), large["kernel_size"][0]
    grid = np.arange(1, k**2 + 1).reshape(k, k)
    margin = (k - side) // 2
    return [
        Clause(
            f"{word(len(groups(table, 'case'))).capitalize()} matrices, a colour for each tap, "
            "zeros left blank, and below each the kernel in the same colours."
        ),
        Clause(
            f"k = {one['kernel_size'][0]} and N = {round(one['block'][0] ** 0.5)}, {size(one)}: "
            f"{word(len(bands))} diagonal bands of diagonals.",
            {len(band) for band in bands} == {3} and bands[1] == [-1, 0, 1] and is_whole(one),
        ),
        Clause(
            f"g = {wide} and h = {tall}, {size(several)}: the same pattern in each of "
            f"{tall} x {wide} blocks.",
            same_in_each_block(several),
        ),
        Clause(
            f"k = {even['kernel_size'][0]}, {size(even)}: one pair of diagonals and a second to "
            "the right of it.",
            len(in_runs(diagonals(even))) == 2 and right == [-1, 0] and is_whole(even),
        ),
        Clause(
            f"k = {k} and N = {round(large['block'][0] ** 0.5)}, {size(large)}: no entry is zero, "
            f"and of the kernel only the inner {side} x {side} taps are coloured.",
            len(large["row"]) == large["rows"][0] * large["columns"][0]
            and np.array_equal(grid[margin:-margin, margin:-margin].ravel(), inner),
        ),
    ]


# Theorem 2.1, and where two singular values meet


def theorem_2_1(table):
    """The band of Theorem 2.1 along a line of kernels."""
    high, low, t, s = (table[name] for name in ("sigma_max", "sigma_min", "t", "s"))
    inside = np.isfinite(table["lower"])
    edge = np.abs(table["upper"] - high)[inside]
    under = (low - table["lower"])[inside]
    end = s[inside][-1]
    return [
        Clause(
            "Left: along a line of kernels the largest singular value of M rises from "
            f"{short(high[0])} to {short(high[-1])} and the smallest falls to {short(low[-1])};",
            rises(high) and falls(low),
        ),
        Clause(
            "a shaded band, the bounds of Theorem 2.1, has the largest as its upper edge, lies "
            f"below the smallest and ends at s = {short(end)}.",
            edge.max() < 1e-5 and np.all(under > 0) and under[-1] > 0.5,
        ),
        Clause(
            f"Right: the penalty over alpha rises from {short(t[0])} to {short(t[-1])} and crosses "
            f"the line at 1, above which there is no lower bound, between s = {short(end)} and "
            f"{short(s[t >= 1][0])}.",
            rises(t) and np.array_equal(inside[1:], t[1:] < 1),
        ),
    ]


def nearly_equal_singular_values(table):
    """Two singular values that nearly meet."""
    s, first, second = (table[name] for name in ("s", "first", "second"))
    gap = first - second
    left = s < 0
    turn = s[left][np.argmin(second[left])]
    inside = np.abs(s) <= abs(turn)
    slope, wide = table["slope"], table["wide"]
    jump = slope[left][-1], slope[~left][0]
    return [
        Clause(
            "Left: the two largest singular values of the shifted Gram matrix along a line, a V "
            f"and, from s = {short(turn)} to {short(-turn)}, a mirrored V, which come within "
            f"{short(gap.min(), 1)} of each other at s = 0.",
            falls(first[left])
            and rises(first[~left])
            and rises(second[left & inside])
            and falls(second[~left & inside])
            and abs(s[np.argmin(gap)]) < 0.01,
        ),
        Clause(
            f"Right: the slope of the penalty jumps there, from {short(jump[0])} to "
            f"{short(jump[1])} between two of the points;",
            np.ptp(slope[left]) < abs(jump[0]) / 2 and jump[1] > 0 > jump[0],
        ),
        Clause(
            "the formula follows the jump, while differences with step 0.02 cut the corner, with "
            f"slopes of {short(wide[left][-1], 1)} and {short(wide[~left][0], 1)} there.",
            abs(wide[left][-1]) < abs(jump[0]) / 3 and np.allclose(slope, table["narrow"]),
        ),
    ]


DESCRIBED = {
    "pattern": pattern,
    "theorem_2_1": theorem_2_1,
    "nearly_equal_singular_values": nearly_equal_singular_values,
}
