"""Section 2.1: rules for the learning rate of Algorithm 2.1, from R_alpha and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convreg._checks import as_floats, as_number
from convreg._numerics.reduced import reduced

Rule = Callable[[float, NDArray], float]
TINY = float(np.finfo(float).tiny)
LARGEST = float(np.finfo(float).max)


def polyak_step(R: float, G: NDArray, limit: float = 0.1) -> float:
    r"""Section 2.1, the learning rate: Polyak's step ``R / |G|^2``, where the smallest value is 0.

    .. math:: \lambda = \min\bigl( \mathcal{R}_\alpha(K) / \|G\|_F^2, \; \text{limit} \bigr)

    B. T. Polyak, Minimization of unsmooth functionals, USSR Comput. Math. Math. Phys. 9(3):14-29,
    1969. It is the step to where the linearisation is 0, and shrinks with R where ``|G|`` does not,
    as near a kink. The smallest value of R_alpha is 0 for h >= g, and with M M' in place of M'M for
    h < g; for N >= k it is reached by pointwise kernels alone (`convreg.studies.barrier`). For
    `minimize_penalty`, as its learning rate.

    Parameters
    ----------
    R : float
        The penalty, or its estimate, not negative.
    G : array
        Its gradient.
    limit : float
        No step is longer: near K = 0, and where sigma_min decides, G is small and R is not.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> polyak_step(3.0, [[8.0]]), polyak_step(3.0, [[0.0]])
    (0.046875, 0.1)
    """
    R = as_number("R", R, positive=False)
    limit = as_number("limit", limit)
    entries, unit = reduced(as_floats("G", G))
    square = float(np.sum(np.square(entries)))
    return min(R / unit / unit / square, limit) if square > 0 else limit


def clipped_polyak_step(R: float, G: NDArray, length: float = 0.5) -> float:
    r"""Section 2.1, the learning rate for h = g: Polyak's step, no longer than a given length.

    .. math:: \lambda = \min\bigl( \mathcal{R}_\alpha(K) / \|G\|_F^2, \;
       \text{length} / \|G\|_F \bigr)

    `polyak_step` limits lambda: where sigma_min decides and G is tiny, the step is tiny, too, and
    for h = g many descents stand still there. Here the change of K, lambda ``|G|``, is limited:
    where R_alpha is large and G small the step has the given length. In the training of networks
    that is known as gradient clipping (R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of
    training recurrent neural networks, ICML 2013). Where G is 0 nothing moves: at a shift,
    for one. Where G is no more than its own rounding error, the direction is that error's.

    Parameters
    ----------
    R : float
        The penalty, or its estimate, not negative.
    G : array
        Its gradient.
    length : float
        No step is longer, in the Frobenius norm of K: of the order of sqrt(alpha), the size of M
        that is aimed at.

    Returns
    -------
    float
        0 where G is 0, or as small as the smallest floats.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> clipped_polyak_step(3.0, [[8.0]]), clipped_polyak_step(3.0, [[1e-3]])
    (0.046875, 500.0)
    """
    R = as_number("R", R, positive=False)
    length = as_number("length", length)
    entries, unit = reduced(as_floats("G", G))
    norm = unit * float(np.linalg.norm(entries))
    if not np.isfinite(norm):
        raise ValueError("G: wanted entries whose norm does not overflow")
    return min(min(R / norm, length) / norm, LARGEST) if norm > TINY else 0.0


def as_rule(learning_rate: float | Rule) -> Rule:
    """The learning rate of a step as a function, whose answers are checked."""
    if callable(learning_rate):
        return partial(_checked_rate, learning_rate)
    fixed = as_number("learning_rate", learning_rate)
    return lambda R, G: fixed


def _checked_rate(rule: Rule, R: float, G: NDArray) -> float:
    """The answer of a rule."""
    answer = answer_of("learning_rate: wanted a function of the estimate and G", rule, R, G)
    return as_number("learning_rate", answer, positive=False)


def answer_of(wanted: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function that is not ours returns, or an error that names it."""
    try:
        return function(*arguments)
    except Exception as error:
        kind = type(error).__name__
        raise ValueError(f"{wanted}, got one that raises {kind}: {error}") from error
