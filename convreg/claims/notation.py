"""The scorecard's plain texts, "M'M - alpha I", as mathematics in Markdown, ``$M^TM-\\alpha I$``.

The plain text is what is printed and kept with the results. `as_mathematics` finds the formulas in
it: symbols of the paper, sizes such as 3x3x1x3, numbers with a sign or an exponent, and what
operators and brackets join to them. Whatever else there is stays as it is.
"""

from __future__ import annotations

import re

SYMBOLS = {
    "R_alpha": r"\mathcal{R}_\alpha",
    "R_1": r"\mathcal{R}_1",
    "sigma_max": r"\sigma_{\max}",
    "sigma_min": r"\sigma_{\min}",
    "sigma_i": r"\sigma_i",
    "lambda_1": r"\lambda_1",
    "lambda_m": r"\lambda_m",
    "alpha": r"\alpha",
    "kappa": r"\kappa",
    "lambda": r"\lambda",
    "sigma": r"\sigma",
    "Omega": r"\Omega",
    "dm_ij": r"\mathrm{d}m_{ij}",
    "m_ij": "m_{ij}",
    "k_pq": "k_{pq}",
    "k_qp": "k_{qp}",
    "e_i": "e_i",
    "e_k": "e_k",
    "M'M": "M^TM",
    "M'": "M^T",
    "Mx": "Mx",
    "u'v": "u^Tv",
    "uv'": "uv^T",
    "vec": r"\mathop{\mathrm{vec}}",
    "diag": r"\mathop{\mathrm{diag}}",
}
OPERATORS = {"<=": r"\le", ">=": r"\ge", "x": r"\times"}

# A symbol; a letter, which "A" and "I" are in some places only; a product such as 2n or k^2gh.
SYMBOL = rf"(?:{'|'.join(map(re.escape, SYMBOLS))})(?![\w'])"
LETTER = r"(?:[GKMWXYjmptuv]|A(?= is m)|I)(?!\w)"
NUMBER = r"\d+(?:\.\d+)?(?:e[+-]\d+)?"
PRODUCT = rf"(?:{NUMBER})?(?:[Nghkn](?:\^\d)?)+(?!\w)"
SIZE = r"\d(?:x\d)+"
FACTOR = rf"(?:{SYMBOL}|{LETTER}|{PRODUCT}|{SIZE}|{NUMBER})(?:\^\d)?"

# Operators stand between spaces; between two symbols a space is a product: alpha I, k sigma_max(W).
OPERATOR = r"(?: (?:<=|>=|[-=<>+/x]) |/| (?=I\b|vec\(|alpha\b|sigma_max\(W))"
SUM = rf"[-+]?{FACTOR}(?:{OPERATOR}[-+]?{FACTOR})*"
BRACKET = rf"\({SUM}(?:, {SUM})*\)(?:\^\d)?"
TERM = rf"(?:{FACTOR}(?:{BRACKET})?|{BRACKET})"
FORMULA = rf"(?<![\w.'])[-+]?{TERM}(?:{OPERATOR}[-+]?{TERM})*(?![\w'])"
CODE = r"(?:K = )?rand\([^)]*\)"  # MATLAB's

TOKEN = re.compile(rf"{SYMBOL}|{NUMBER}|<=|>=|\S")
IS_FORMULA = re.compile(rf"{SYMBOL}|[A-Za-z]|\^|^[-+]")
BEFORE_RELATIONS = re.compile(r" (?=[<>]?=? )")
LONG = 24  # letters, from which on a line of a narrow page may end in a formula


def as_mathematics(text: str) -> str:
    """A text with its formulas between dollars, for Markdown.

    >>> print(as_mathematics("3x3x1x3, h >= g: kappa^2 is 12.4, M'M - alpha I is 0 for 20"))
    $3\\times3\\times1\\times3$, $h\\ge g$: $\\kappa^2$ is 12.4, $M^TM-\\alpha I$ is 0 for 20
    """
    return re.sub(rf"(?P<code>{CODE})|{FORMULA}", _in_dollars, text)


def _in_dollars(found: re.Match[str]) -> str:
    """What was found as code or as a formula, which may break if it is long; else as it is."""
    text = found.group()
    if found["code"]:
        return f"`{text}`"
    if not IS_FORMULA.search(text):
        return text
    parts = BEFORE_RELATIONS.split(text) if len(text) > LONG else [text]
    return " ".join(f"${_tex(part)}$" for part in parts)


def _tex(formula: str) -> str:
    """The formula in TeX, without spaces but those that end a command's name."""
    tex = ""
    for token in TOKEN.findall(formula):
        new = SYMBOLS.get(token) or OPERATORS.get(token) or _number(token)
        ends_in_command = re.search(r"\\[a-z]+$", tex)
        tex += f" {new}" if ends_in_command and new[0].isalpha() else new
    return tex


def _number(token: str) -> str:
    """A number with a power of ten for its exponent; anything else as it is.

    >>> _number("1.12e-07")
    '1.12\\\\cdot10^{-7}'
    """
    digits, e, exponent = token.partition("e")
    return rf"{digits}\cdot10^{{{int(exponent)}}}" if digits and e and exponent else token
