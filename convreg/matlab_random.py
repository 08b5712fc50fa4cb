"""Section 3: MATLAB's rand('state', s), the generator of the paper's starting kernels, bit for bit.

A subtract-with-borrow generator crossed with a shift register (G. Marsaglia and A. Zaman, A new
class of random number generators, Ann. Appl. Probab. 1, 1991; C. Moler, Random thoughts, MATLAB
News & Notes, 1995): MATLAB's default in versions 5 to 7.3, and available under 'state' ever since.
Its numbers are uniform one by one, not in triples 1, 16 and 28 places on (P. Savicky, A strong
nonrandom pattern in Matlab default random number generator, 2006).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import prod

import numpy as np
from numpy.typing import NDArray

from convreg._checks import MOST_ENTRIES, as_integer

MASK32 = 2**32 - 1


def _step(j: int) -> int:
    """One step of the shift register."""
    j ^= (j << 13) & MASK32
    j ^= j >> 17
    return j ^ ((j << 5) & MASK32)


def _draws(state: int) -> Iterator[tuple[int, int]]:
    """Pairs of a 53-bit integer x and a 52-bit mask: x 2^-53 with bits XORed is a draw."""
    j = seed = state or 2**31
    z = []
    for _ in range(32):
        bits = 0
        for _ in range(53):
            j = _step(j)
            bits = 2 * bits + ((j >> 19) & 1)
        z.append(bits)
    i, borrow, j = 0, 0, seed
    while True:
        x = z[(i + 20) % 32] - z[(i + 5) % 32] - borrow
        borrow = int(x < 0)
        z[i] = x = x + (borrow << 53)
        i = (i + 1) % 32
        previous, j = j, _step(j)
        yield x, ((j & (2**20 - 1)) << 32) | previous


def matlab_rand(*shape: int, state: int = 1) -> NDArray[np.float64]:
    r"""Section 3: what MATLAB's ``rand('state', state); rand(shape)`` gives, bit for bit.

    The array fills in column-major order, as in MATLAB. A single number n means n
    values, ``rand(n, 1)``.

    .. math:: z_i = (z_{i-12} - z_{i-27} - b_i) \bmod 1

    are the draws before the bits of a shift register are XORed to them; b_i is 2^-53 where the
    difference before was negative, else 0.

    Parameters
    ----------
    *shape : int
        The sizes of the array.
    state : int
        MATLAB's seed, 0 <= state < 2^32.

    Returns
    -------
    array of the given shape, uniform on (0, 1)

    Raises
    ------
    ValueError, TypeError
        Where a size is negative or the state out of range.

    Examples
    --------
    >>> matlab_rand(2, 2, state=0)
    array([[0.95012929, 0.60684258],
           [0.23113851, 0.48598247]])
    """
    sizes = tuple(as_integer("shape", size, 0) for size in shape)
    state = as_integer("state", state, 0, MASK32)
    count = prod(sizes)
    if count > MOST_ENTRIES:
        raise ValueError(f"shape: wanted at most {MOST_ENTRIES:,} numbers, got {sizes}")
    draws = np.array(list(islice(_draws(state), count)), dtype=np.uint64).reshape(count, 2)
    values = np.ldexp(draws[:, 0].astype(np.float64), -53)
    return (values.view(np.uint64) ^ draws[:, 1]).view(np.float64).reshape(sizes, order="F")
