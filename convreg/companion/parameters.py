"""What the notebooks accept: a rule per parameter name, checked right after the parameters cell.

papermill only warns of an unknown name, and passes strings on unchecked; `check_parameters` stops
the run before anything is computed or written.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from convreg.companion.places import no_folder
from convreg.companion.rules import Flag, Folder, Integer, ListOf, Pair, Real, Rule, named

SEED = Integer(0, 2**32 - 1)
RULES: dict[str, Rule] = {
    "kernel_size": Integer(1, 15),
    "input_channels": Integer(1, 64),
    "output_channels": Integer(1, 64),
    "input_size": Integer(1, 60),
    "stride": Integer(1, 8),
    "alpha": Real(1e-6, 1e6),
    "alphas": ListOf(Real(1e-6, 1e6)),
    "channels": ListOf(Pair(Integer(1, 64))),
    "learning_rate": Real(1e-8, 10),
    "step_length": Real(1e-8, 10),
    "penalty_weight": Real(0, 10),
    "weight_decay": Real(0, 10),
    "epochs": Integer(1, 200),
    "networks": Integer(1, 50),
    "training_images": Integer(50, 1700),
    "iterations": Integer(0, 2000),
    "power_iterations": Integer(1, 100),
    "kernels": Integer(1, 500),
    "budgets": ListOf(Real(10, 10000)),
    "image_size": Integer(1, 256),
    "tolerance": Real(1e-12, 0.1),
    "measure": Flag(),
    "seed": SEED,
    "state": SEED,
    "figure_dir": Folder("figures"),
    "results_dir": Folder("results"),
}
FOLDERS = ("figure_dir", "results_dir")  # where files go; the others decide what is in them


def check_parameters(namespace: Mapping[str, Any], largest: int = 12000) -> dict[str, Any]:
    """Stop unless a notebook's parameters are known, of the right type and in range.

    Parameters
    ----------
    namespace : mapping
        The notebook's ``globals()``. Its annotations name the parameters: ``alpha: float = 1.0``.
    largest : int
        The rows or columns that M may have: what the notebook computes in a minute.

    Returns
    -------
    dict
        The parameters but for the folders.

    Raises
    ------
    ValueError
        Naming the parameter, what was wanted and what came; all problems at once.

    Examples
    --------
    >>> check_parameters({"__annotations__": {"alpha": float, "figure_dir": str},
    ...                   "alpha": 1, "figure_dir": ""})
    {'alpha': 1.0}
    >>> check_parameters({"__annotations__": {"alpha": float}, "alpha": -1.0})
    Traceback (most recent call last):
    ...
    ValueError: alpha: wanted a number from 1e-6 to 1e6, got -1.0
    """
    names = [name for name in declared_names(namespace) if name in RULES and name in namespace]
    problems = unknown_among(injected_names(namespace), names)
    problems += problems_of({name: namespace[name] for name in names})
    if not problems:
        folders = [no_folder(name, namespace[name]) for name in FOLDERS if name in names]
        found = [_too_large(namespace, names, largest), *folders]
        problems = [problem for problem in found if problem]
    refuse(problems)
    return {name: RULES[name].as_kind(namespace[name]) for name in names if name not in FOLDERS}


def problems_of(values: Mapping[str, Any]) -> list[str]:
    """What the rules say of values, one by one."""
    problems = []
    for name, value in values.items():
        if name in RULES and (problem := RULES[name].problem(value)):
            problems.append(f"{name}: {problem}")
    return problems


def declared_names(namespace: Mapping[str, Any]) -> list[str]:
    """The names that a notebook annotates: ``alpha: float = 1.0``.

    In a kernel they are read in its cells: since Python 3.14 globals() has no annotations. Where it
    keeps no cells either, as nbval's keeps none, they are the names that are set and have a rule.
    """
    annotated = [node for cell in _cells(namespace) for node in ast.walk(_parsed(cell))]
    targets = [node.target for node in annotated if isinstance(node, ast.AnnAssign)]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    if names:
        return list(dict.fromkeys(names))
    return list(namespace.get("__annotations__") or [name for name in RULES if name in namespace])


def injected_names(namespace: Mapping[str, Any]) -> list[str]:
    """The names that papermill set, in the last cell that it opened with "# Parameters"."""
    injected = [cell for cell in _cells(namespace) if cell.startswith("# Parameters")]
    assigned = [node for cell in injected[-1:] for node in ast.walk(_parsed(cell))]
    targets = [
        target for node in assigned if isinstance(node, ast.Assign) for target in node.targets
    ]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _cells(namespace: Mapping[str, Any]) -> Sequence[str]:
    """The cells that ran, which IPython keeps in ``In``; outside of a kernel there are none."""
    return namespace.get("In", [])


def _parsed(cell: str) -> ast.Module:
    """A cell as Python; an empty one where it is something else, a magic or a slip."""
    try:
        return ast.parse(cell)
    except SyntaxError:
        return ast.Module([], [])


def refuse(problems: Sequence[str]) -> None:
    """Raise a ValueError with all problems in one line, the first ten in words."""
    if problems:
        more = [f"and {len(problems) - 10} more"] if len(problems) > 10 else []
        raise ValueError("; ".join([*problems[:10], *more]))


THEIRS = "parameter of this notebook"


def unknown_among(names: Iterable[Any], known: Collection[str], kind: str = THEIRS) -> list[str]:
    """What to say of every name that is not among the known ones.

    >>> unknown_among(["alpha", ""], ["alpha", "state"])
    ["'': no parameter of this notebook, wanted one of alpha, state"]
    """
    problems = []
    for name in names:
        if name not in known:
            problems.append(f"{named(str(name))}: {unknown(str(name)[:40], known, kind)}")
    return problems


def unknown(name: str, known: Iterable[str], kind: str = THEIRS) -> str:
    """What to say of a name that is not among the known ones.

    >>> unknown("alhpa", ["alpha", "state"])
    'no parameter of this notebook (did you mean alpha?), wanted one of alpha, state'
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"no {kind}{hint}, wanted one of {', '.join(names) or 'none'}"


def _too_large(namespace: Mapping[str, Any], names: Sequence[str], largest: int) -> str | None:
    """What is wrong with the size of M, or None."""
    if "input_size" not in names:
        return None
    counts = [namespace[name] for name in ("input_channels", "output_channels") if name in names]
    if "channels" in names:
        counts += [count for pair in namespace["channels"] for count in pair]
    most, side = max(counts, default=1), namespace["input_size"]
    if most * side**2 <= largest:
        return None
    limit = int((largest / most) ** 0.5)
    return f"input_size: wanted at most {limit} with {most} channels, got {side}"
