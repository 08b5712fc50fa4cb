"""Formulas as one types them: R_alpha for ``\\mathcal{R}_\\alpha``.

What is read where nothing is typeset: results of the search, descriptions, titles.
"""

import re
import unicodedata

from docutils import nodes
from pylatexenc.latex2text import LatexNodes2Text

TO_TEXT = LatexNodes2Text(math_mode="text", strict_latex_spaces=False)
GREEK = re.compile(r"[\u0391-\u03a9\u03b1-\u03c9]")


def plain(tex: str) -> str:
    """A formula in words, letters and signs, without a backslash, a brace or a dollar: M'M."""
    text = unicodedata.normalize("NFKC", TO_TEXT.latex_to_text(tex)).replace("^T", "'")
    text = GREEK.sub(name_of, text)
    return " ".join(re.sub(r"[\\${}]", " ", text).split())


def name_of(letter: re.Match[str]) -> str:
    """alpha for a Greek letter, apart from the letters and digits beside it."""
    name = unicodedata.name(letter[0]).split()[-1]
    name = name.capitalize() if letter[0].isupper() else name.lower()
    text = letter.string
    before = text[letter.start() - 1 : letter.start()]
    after = text[letter.end() : letter.end() + 1]
    return " " * before.isalnum() + name + " " * after.isalnum()


def in_words(node: nodes.Element) -> nodes.Element:
    """A copy of a part of a page, each formula in plain notation."""
    copy = node.deepcopy()
    for formula in list(copy.findall(is_formula)):
        text = nodes.Text(formula.get("plain") or plain(formula.astext()))
        formula.parent.replace(formula, text)
    return copy


def is_formula(node: nodes.Node) -> bool:
    """TeX, or what was made of it: an element that has its plain form with it."""
    made = isinstance(node, nodes.raw) and "plain" in node
    return made or isinstance(node, nodes.math | nodes.math_block)
