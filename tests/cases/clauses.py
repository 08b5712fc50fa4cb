"""What alternative texts are made of: clauses whose numbers and shapes a figure's table gives."""

from typing import NamedTuple

import numpy as np

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MORE_WORDS = ("eleven", "twelve", "thirteen", "fourteen", "fifteen")


class Clause(NamedTuple):
    """A sentence, or a few words with their mark, and whether the table is as they say."""

    text: str
    holds: bool = True


def word(count):
    """A small number in words.

    >>> word(4), word(11)
    ('four', 'eleven')
    """
    return (WORDS + MORE_WORDS)[count]


def listed(items):
    """Things in a row, the last after "and".

    >>> listed([1, 5, 10]), listed(["alone"])
    ('1, 5 and 10', 'alone')
    """
    *first, last = [f"{item:g}" if isinstance(item, float) else str(item) for item in items]
    return f"{', '.join(first)} and {last}" if first else last


def short(number, digits=2):
    """A number with so many significant digits, without an exponent.

    >>> short(0.000123), short(123.4), short(2.04, 1)
    ('0.00012', '120', '2')
    """
    return np.format_float_positional(float(f"{number:.{digits}g}"), trim="-")


def span(numbers, digits=2):
    """From the least to the most.

    >>> span([3.0, 1.0, 2.55])
    '1 to 3'
    """
    return f"{short(min(numbers), digits)} to {short(max(numbers), digits)}"


def between(numbers, digits=2):
    """The least and the most.

    >>> between([3.0, 1.0, 2.55])
    'between 1 and 3'
    """
    return f"between {short(min(numbers), digits)} and {short(max(numbers), digits)}"


def falls(values):
    """Whether each is at most the one before."""
    return bool(np.all(np.diff(values) <= 0))


def rises(values):
    """Whether each is at least the one before."""
    return bool(np.all(np.diff(values) >= 0))


def log_slopes(x, y):
    """The slopes between neighbours on logarithmic axes, where both are finite."""
    there = np.isfinite(y)
    return np.diff(np.log(y[there])) / np.diff(np.log(x[there]))
