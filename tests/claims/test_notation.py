"""Plain texts as mathematics: what is a formula, what is none, and the TeX of each."""

import re

import pytest

from convreg.claims import notation
from convreg.claims.notation import as_mathematics


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("R_alpha < t alpha bounds", r"$\mathcal{R}_\alpha<t\alpha$ bounds"),
        ("R_1, at least 2", r"$\mathcal{R}_1$, at least 2"),
        ("M'M - alpha I", r"$M^TM-\alpha I$"),
        ("M' and M", "$M^T$ and $M$"),
        ("sigma_max(M'M - I) / dm_ij", r"$\sigma_{\max}(M^TM-I)/\mathrm{d}m_{ij}$"),
        ("sigma_i^2 = alpha = 4", r"$\sigma_i^2=\alpha=4$"),
        ("k^2gh, 2n/3, 4g", "$k^2gh$, $2n/3$, $4g$"),
        ("gN^2(gN^2 + 1)/2 equations", "$gN^2(gN^2+1)/2$ equations"),
        ("h x (gk^2)", r"$h\times(gk^2)$"),
        ("36 x 36, 3x3x1x3", r"$36\times36$, $3\times3\times1\times3$"),
        ("h >= g: 0, h < g: 1", r"$h\ge g$: 0, $h<g$: 1"),
        ("is 1 (h <= 4g)", r"is 1 $(h\le4g)$"),
        ("vec(Y) = M vec(X)", r"$\mathop{\mathrm{vec}}(Y)=M\mathop{\mathrm{vec}}(X)$"),
        ("u'v = +1.000 or -1.000", "$u^Tv=+1.000$ or $-1.000$"),
        ("u = v or u = -v", "$u=v$ or $u=-v$"),
        ("-31%, +6%", "$-31$%, $+6$%"),
        ("1.12e-07 of 10^4", r"$1.12\cdot10^{-7}$ of $10^4$"),
        ("alpha = 5, 10: lowest", r"$\alpha=5$, 10: lowest"),
        ("A is m x m (n >= p)", r"$A$ is $m\times m$ $(n\ge p)$"),
        ("diag(1, 0), kappa(M)", r"$\mathop{\mathrm{diag}}(1,0)$, $\kappa(M)$"),
        ("the j-th, a p-value", "the $j$-th, a $p$-value"),
        ("K = rand(k, k, g, h)", "`K = rand(k, k, g, h)`"),
        ("after rand('state', 1)", "after `rand('state', 1)`"),
    ],
)
def test_a_formula_is_typeset(plain, shown):
    assert as_mathematics(plain) == shown
    assert as_mathematics(f"before {plain} after") == f"before {shown} after"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A convolution is linear",
        "(1.1) is (1.2) with one channel, in (2.3)'s proof",
        "in the entry (2, 2), of [3] and [17, 24]",
        "20 of ResNet-18's convolutions, Polyak's steps, up to 3.7%",
        "in 9 of 9, 0.98 to 1.06; at 0.5 the same, 1 - 2",
        "Kolmogorov-Smirnov, one-channel, a hung gum of kin",
        "sigma_maximal, alphabet, kappas, R_alphas, 3x, x3x3",
    ],
)
def test_anything_else_stays(text):
    assert as_mathematics(text) == text


def test_a_long_formula_may_break_before_its_relations():
    plain = "sigma_max(W) <= sigma_max(M) <= k sigma_max(W) holds"
    parts = [r"$\sigma_{\max}(W)$", r"$\le\sigma_{\max}(M)$", r"$\le k\sigma_{\max}(W)$", "holds"]
    assert as_mathematics(plain) == " ".join(parts)


def test_every_symbol_is_typeset_alone_and_not_within_a_word():
    for symbol, tex in notation.SYMBOLS.items():
        assert as_mathematics(symbol) == f"${tex}$"
        assert as_mathematics(f"{symbol}, {symbol}.") == f"${tex}$, ${tex}$."
        assert as_mathematics(f"a{symbol}b") == f"a{symbol}b"


def test_what_is_mathematics_for_github_has_no_sign_that_markdown_takes():
    """A backslash before a punctuation mark is Markdown's, and the formula would lose it."""
    for tex in (*notation.SYMBOLS.values(), *notation.OPERATORS.values()):
        assert not re.search(r"\\[^a-zA-Z]|[|*`$]", tex)
