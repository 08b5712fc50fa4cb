"""Algorithm 2.1: gradient descent in the kernel, on R_alpha or another form of the penalty."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import (
    Gram,
    as_choice,
    as_flag,
    as_integer,
    as_number,
    gram_of_rows,
    shown,
)
from convreg.convolution import ConvolutionOperator
from convreg.extremes import extremes
from convreg.forms import Update
from convreg.geometry import Padding, Size
from convreg.learning_rates import Rule, as_rule
from convreg.steps import Form, Found, Polar, Squares, Values, as_update

Callback = Callable[[int, NDArray, float], object]


class Record(NamedTuple):
    """Algorithm 2.1, a row of the history; see `minimize_penalty`."""

    estimate: float
    penalty: float
    sigma_max: float
    sigma_min: float
    condition_number: float
    residual: float
    selected: int


class DescentResult(NamedTuple):
    """The last kernel, the history, whether the tolerance ended it; see `minimize_penalty`."""

    kernel: NDArray
    history: np.recarray
    converged: bool


def minimize_penalty(
    K: ArrayLike,
    N: Size,
    alpha: float = 1.0,
    learning_rate: float | Rule = 0.01,
    iterations: int = 20,
    power_iterations: int = 2,
    update: str | Update = "power",
    gram: Gram = "columns",
    tolerance: float = 0.0,
    diagnostics: bool = True,
    callback: Callback | None = None,
    *,
    form: str = "squares",
    stride: Size = 1,
    dilation: Size = 1,
    padding: Padding = "same",
) -> DescentResult:
    r"""Algorithm 2.1: minimise R_alpha(K) by K <- K - learning_rate G, G the gradient (2.5).

    .. math:: K \leftarrow K - \lambda\, \nabla \sigma_{\max}(M^T M - \alpha I)

    Two singular triplets of M'M - alpha I are kept; after every step they are updated, and the
    larger one gives the next gradient. The other forms of the penalty (`convreg.forms`), which are
    not the paper's, go through the same steps.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array; in general (k1, k2, g, h) or (k1, k2)
        The kernel to start from; it is not changed.
    N : int, or (height, width)
    alpha : float
        The shift, positive.
    learning_rate : float or callable
        The paper's lambda, positive; or a rule, a function of the estimate and G that gives the
        lambda of a step, such as `polyak_step`, or `clipped_polyak_step` for h = g.
    iterations : int
        The number of steps, at least 0.
    power_iterations : int
        Iterations of the power method in each update.
    update : {"power", "svd"} or callable
        Whether the triplets are updated by the power method or computed anew to machine precision,
        as a full SVD would give them (`leading_triplets`; where that misses it, the best that there
        is, with its residual in the history); or any other step 6, a function of M'M - alpha I and
        the triplets that returns new triplets. With "values" it is called for each end, with the
        matrix and the triplet of that end.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller.
    tolerance : float
        The descent ends early once a step changes the estimate by at most this fraction of it, as
        one on a plateau does, too; 0 takes all steps.
    diagnostics : bool
        Whether the exact values are computed in every step.
    callback : callable, optional
        Called after every step as ``callback(iteration, kernel, estimate)``; ending the descent if
        it returns True.
    form : {"squares", "values", "polar"}
        What is minimised: R_alpha, the paper's; max ``|sigma - alpha^(1/2)|``, with a triplet for
        each end of the spectrum, of M'M and of M'M - c I, in place of two for M'M - alpha I; or the
        sum of the (sigma - alpha^(1/2))^2, from a decomposition of M in each step, whatever
        ``update`` and ``gram`` say.
    stride, dilation, padding
        The geometry, see `convreg.geometry.geometry_of`; the default is the paper's.

    Returns
    -------
    DescentResult
        ``kernel`` has the shape of K. ``history`` is a record array of length iterations + 1, entry
        0 before the first step: ``estimate`` (the selected sigma: what the algorithm believes
        R_alpha to be), ``penalty`` (the exact R_alpha), ``sigma_max``, ``sigma_min``,
        ``condition_number`` (of M), ``residual`` (the norm of B v - sigma u with B = M'M - alpha I:
        after "power" or "svd", for which B'u = sigma v, B has some singular value within it of the
        estimate, and not necessarily the largest), ``selected`` (0 or 1: which triplet). Without
        diagnostics the exact ones are NaN. ``converged`` says whether the tolerance was met. Of
        another form ``estimate`` and ``penalty`` are its values; with "values" ``residual`` is the
        norm of M'M v - ``|Mv|^2`` v and ``selected`` 0 for the upper end, 1 for the lower; with
        "polar" both are 0.

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it: a learning rate or an update that raises an exception, or
        returns something else, too. What a callback raises ends the descent as it is.
    FloatingPointError
        Where the learning rate is so large that the kernel overflows.

    Examples
    --------
    >>> result = minimize_penalty([[2.0]], 1, iterations=2)
    >>> result.history.estimate.round(4), result.kernel.round(4)
    (array([3.    , 2.8416, 2.6895]), array([[1.9208]]))
    """
    M = ConvolutionOperator(K, N, stride=stride, dilation=dilation, padding=padding)
    rows = gram_of_rows(gram, *M.shape)
    alpha = as_number("alpha", alpha)
    iterations = as_integer("iterations", iterations, 0)
    power_iterations = as_integer("power_iterations", power_iterations, 0)
    rate = as_rule(learning_rate)
    tolerance = as_number("tolerance", tolerance, positive=False)
    minimised = _form(form, alpha, rows, as_update(update, power_iterations))
    diagnostics = as_flag("diagnostics", diagnostics)
    if callback is not None:
        _check_callback(callback)
    if _overflows(M.kernel, alpha) or _vanishes(M.kernel, alpha):
        raise ValueError(
            "K: wanted entries, and an alpha, whose fourth powers (squares) do not overflow, and "
            f"with which M'M - alpha I does not vanish, in {M.dtype}, got entries up to "
            f"{np.abs(M.kernel).max():.4g}, and {alpha:.4g}"
        )

    def as_given(kernel: NDArray) -> NDArray:
        """A copy that has the shape of K."""
        return kernel.reshape(np.shape(K)).copy()

    found = minimised.first(M)  # steps 2 and 7
    history = [_record(M, found, minimised, diagnostics)]
    converged = False
    for iteration in range(1, iterations + 1):
        G = found.gradient()  # steps 3 and 4
        size = rate(found.estimate, as_given(G))
        M = M.with_kernel(_step(M.kernel, size, G, alpha, iteration))  # step 5
        before, found = found.estimate, minimised.next(M, found)  # steps 6 and 7
        history.append(_record(M, found, minimised, diagnostics))
        converged = 0 < tolerance and abs(found.estimate - before) <= tolerance * before
        answer = None
        if callback is not None:
            answer = callback(iteration, as_given(M.kernel), found.estimate)
        if converged or (isinstance(answer, (bool, np.bool_)) and answer):
            break
    names = ", ".join(Record._fields)
    records = np.rec.fromrecords(history, names=names)  # type: ignore[call-overload, unused-ignore]
    return DescentResult(as_given(M.kernel), records, converged)


def _check_callback(callback: Any) -> None:
    """Refuse what cannot be called as a callback is."""
    if not callable(callback):
        raise TypeError(f"callback: wanted a function or None, got {shown(callback)}")
    try:
        arguments = signature(callback)
    except (TypeError, ValueError):  # some that are built in tell nothing
        return
    try:
        arguments.bind(1, np.zeros((1, 1)), 0.0)
    except TypeError as error:
        raise TypeError(
            "callback: wanted a function of the iteration, the kernel and the estimate, got "
            f"{shown(callback)}: {error}"
        ) from None


def _form(form: str, alpha: float, rows: bool, update: Update) -> Form:
    """What is minimised."""
    forms: dict[str, Callable[[], Form]] = {
        "squares": lambda: Squares(alpha, rows, update),
        "values": lambda: Values(alpha, rows, update),
        "polar": lambda: Polar(alpha),
    }
    return forms[as_choice("form", form, tuple(forms))]()


def _record(M: ConvolutionOperator, found: Found, form: Form, exact: bool) -> Record:
    """What is kept of what was found; and, if wanted, the exact values."""
    penalty = sigma_max = sigma_min = kappa = np.nan
    if exact:
        sigma_max, sigma_min = extremes(M.in_double())
        penalty = form.exact(found, (sigma_max, sigma_min), M.shape)
        kappa = sigma_max / sigma_min if sigma_min > 0 else np.inf
    return Record(
        found.estimate, penalty, sigma_max, sigma_min, kappa, found.residual, found.selected
    )


def _step(kernel: NDArray, rate: float, G: NDArray, alpha: float, iteration: int) -> NDArray:
    """Step 5, unless the kernel has grown too far."""
    with np.errstate(over="ignore", invalid="ignore"):
        kernel = kernel - rate * G
    if _overflows(kernel, alpha):
        raise FloatingPointError(
            f"learning_rate: wanted one with which the penalty falls, got {rate}: "
            f"the descent diverged and overflowed at iteration {iteration}"
        )
    return kernel


def _overflows(kernel: NDArray, alpha: float) -> bool:
    """Whether the squared norm of (M'M - alpha I) v might overflow: ``|M|^2 <= k1 k2 |K|^2``.

    M is the sum over the taps of S (x) K[p, q]', where S has a one for each output of which the tap
    reads a pixel. S has at most one in each row and each column, so that its norm is at most 1: the
    pixels that a tap reads of two outputs differ, as outputs are a stride of at least 1 apart and,
    around a circle, the first and the last less than N. And the squared sum of k1 k2 norms is at
    most k1 k2 times the sum of their squares.
    """
    k1, k2 = kernel.shape[:2]
    with np.errstate(over="ignore", invalid="ignore"):
        bound = k1 * k2 * np.sum(kernel**2, dtype=kernel.dtype) + alpha
        return not np.isfinite(bound**2)


def _vanishes(kernel: NDArray, alpha: float) -> bool:
    """Whether (M'M - alpha I) v loses digits, both terms being next to the smallest floats."""
    kind = np.finfo(kernel.dtype)
    size = max(float(np.abs(kernel).max()), alpha**0.5)
    return size < float(kind.tiny / kind.eps) ** 0.5
