"""What a parameter accepts: a number, a list of them, true or false, a folder. Each can say so."""

from __future__ import annotations

import ast
import json
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

LONGEST = 12  # of the lists


def literal(text: str) -> Any:
    """The value of a command line's text: a number, JSON, Python's literal, else the text itself.

    What papermill's own ``-p`` takes for a number is the same number here. Nothing is executed.

    >>> literal(".5"), literal("1_000"), literal("[1., 5]"), literal("true"), literal("big")
    (0.5, 1000, [1.0, 5], True, 'big')
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes, which Python's compiler would print
        for read in (int, float, json.loads, _python):
            try:
                return read(text)
            except Exception:  # too deep, too long, a NUL: whatever a reader stumbles over
                continue
    return text


def _python(text: str) -> Any:
    """The value of a Python literal, if JSON has it too; a tuple is a list."""
    return json.loads(json.dumps(ast.literal_eval(text)))


def shown(value: Any, most: int = 120) -> str:
    """A value in a message: one line, cut in the middle where it is long.

    >>> shown([1, 2]), shown("a" * 200, most=20)
    ('[1, 2]', "'aaaaaaaaa ... aaaa'")
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of 5,000 digits, lists in lists in lists
        return f"a value of type {type(value).__name__} that is too long to show"
    return cut(text, most)


def cut(text: str, most: int) -> str:
    """A text without its middle where it is long."""
    return text if len(text) <= most else f"{text[: most - 10]} ... {text[-5:]}"


def named(name: str) -> str:
    """A name in a message: as it is where it is short and can be read, else in quotes.

    >>> named("alpha"), named("a\\nb")
    ('alpha', "'a\\\\nb'")
    """
    return name if name.isprintable() and 0 < len(name) < 60 else shown(name, 60)


class Rule(ABC):
    """What one parameter accepts, and how a command line's text is read for it."""

    @property
    @abstractmethod
    def wanted(self) -> str:
        """What is accepted, in words."""

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether a value is accepted."""

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, or None.

        >>> Integer(0, 2000).problem(-1)
        'wanted an integer from 0 to 2000, got -1'
        """
        return None if self.accepts(value) else f"wanted {self.wanted}, got {shown(value)}"

    def read(self, text: str) -> Any:
        """The value that a command line means; the text itself where it is none.

        >>> Real(0, 1).read("1e-3"), ListOf(Real(1, 5)).read("[1, 5]"), Real(0, 1).read("big")
        (0.001, [1, 5], 'big')
        """
        return literal(text)

    def as_kind(self, value: Any) -> Any:
        """A value that is accepted, of one type."""
        return value


@dataclass(frozen=True)
class Real(Rule):
    """A number in an interval; 1 and 1.0 are the same."""

    low: float
    high: float

    @property
    def interval(self) -> str:
        """Both ends in words."""
        return f"from {_in_words(self.low)} to {_in_words(self.high)}"

    @property
    def wanted(self) -> str:
        """What is accepted, in words."""
        return f"a number {self.interval}"

    @property
    def several(self) -> str:
        """The same of more than one."""
        return f"numbers {self.interval}"

    def accepts(self, value: Any) -> bool:
        """Whether it is an int or a float in the interval; True and False are none."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return self.low <= value <= self.high

    def as_kind(self, value: Any) -> Any:
        """A float."""
        return float(value)


class Integer(Real):
    """An integer in an interval."""

    @property
    def wanted(self) -> str:
        """What is accepted, in words."""
        return f"an integer {self.interval}"

    @property
    def several(self) -> str:
        """The same of more than one."""
        return f"integers {self.interval}"

    def accepts(self, value: Any) -> bool:
        """Whether it is an int in the interval."""
        return isinstance(value, int) and super().accepts(value)

    def as_kind(self, value: Any) -> Any:
        """The int as it is."""
        return value


@dataclass(frozen=True)
class Pair(Rule):
    """A pair [g, h], both of one rule."""

    entry: Integer

    @property
    def wanted(self) -> str:
        """What is accepted, in words."""
        return f"a pair [g, h] of {self.entry.several}"

    @property
    def several(self) -> str:
        """The same of more than one."""
        return f"pairs [g, h] of {self.entry.several}"

    def accepts(self, value: Any) -> bool:
        """Whether it is a list or tuple of two numbers that are accepted."""
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            return False
        return all(self.entry.accepts(number) for number in value)

    def as_kind(self, value: Any) -> Any:
        """A list."""
        return list(value)


@dataclass(frozen=True)
class ListOf(Rule):
    """A list of different entries, all of one rule."""

    entry: Real | Pair

    @property
    def wanted(self) -> str:
        """What is accepted, in words."""
        return f"a list of 1 to {LONGEST} different {self.entry.several}"

    def accepts(self, value: Any) -> bool:
        """Whether it is a list or tuple, not too long, of different entries that are accepted."""
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= LONGEST:
            return False
        if not all(self.entry.accepts(entry) for entry in value):
            return False
        entries = self.as_kind(value)
        return all(entries.count(entry) == 1 for entry in entries)

    def as_kind(self, value: Any) -> Any:
        """A list, its entries of one type."""
        return [self.entry.as_kind(entry) for entry in value]


class Flag(Rule):
    """True or false."""

    wanted = "true or false"

    def accepts(self, value: Any) -> bool:
        """Whether it is True or False itself."""
        return isinstance(value, bool)

    def read(self, text: str) -> Any:
        """As JSON or as Python writes it: true or True."""
        return super().read(text.lower())


@dataclass(frozen=True)
class Folder(Rule):
    """A folder for files, or '' for none."""

    files: str

    @property
    def wanted(self) -> str:
        """What is accepted, in words."""
        return f"a string, the folder for the {self.files} or '' for none"

    def accepts(self, value: Any) -> bool:
        """Whether it is a string; `no_folder` says whether the place can be written to."""
        return isinstance(value, str)

    def read(self, text: str) -> Any:
        """The text itself."""
        return text


def _in_words(number: float) -> str:
    """As one writes it: 4294967295, 0.1, 1e-6."""
    digits = str(number) if isinstance(number, int) else f"{number:g}"
    mantissa, _, exponent = digits.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
