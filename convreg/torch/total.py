"""Section 1.1: the sum of R_alpha over the layers of a network, the second term of (1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from convreg._checks import as_choice, as_flag, as_number, shown
from convreg.torch.layer import ConvPenalty, holds
from convreg.torch.report import Report, row_of


class PenaltySum(nn.Module):
    r"""Section 1.1, equation (1.4): the sum of R_alpha over the layers of a network.

    .. math:: \sum_p w_p\, \mathcal{R}_\alpha(K_p)

    `add_penalty` makes it. Calling the module gives the sum, or with ``reduction="mean"`` the sum
    over that of the weights w_p. ``regularizer[0]``, ``regularizer["layer1.conv"]`` are terms,
    ``regularizer[:3]`` is a sum of the same terms; ``del``, ``len``, iteration and `append` work as
    with a list. Each term keeps its name; in the ``state_dict`` a dot of it is a slash.

    Attributes
    ----------
    names : list of str
        The name of each term's layer in the model.
    left_out : dict of str to str
        The layers of the model that have no term, each with the reason.
    reduction : {"sum", "mean"}
    """

    def __init__(self, reduction: str = "sum", left_out: dict[str, str] | None = None) -> None:
        super().__init__()
        self.reduction = as_choice("reduction", reduction, ("sum", "mean"))
        self.left_out = dict(left_out or {})
        self._weights: dict[str, float] = {}

    def append(self, term: ConvPenalty, weight: float = 1.0) -> None:
        """Another term: of a layer that the model uses in training only, for one."""
        if not isinstance(term, ConvPenalty):
            raise TypeError(f"term: wanted a ConvPenalty, got {type(term).__name__}")
        weight = as_number("weight", weight, positive=False)
        if weight and not holds(term.u.dtype, weight):
            raise ValueError(f"weight: wanted one that {term.u.dtype} can hold, got {weight:g}")
        if any(term is other for other in self):
            raise ValueError(f"term: wanted one that is not there, got that of {term.name!r} again")
        name = term.name.replace(".", "/") or "(model)"
        key, number = name, 1
        while key in self._modules:  # a layer that is seen at several sizes
            number += 1
            key = f"{name}@{number}"
        # not add_module, which refuses the names of attributes: "reduction" is a usual one
        self._modules[key] = term
        self._weights[key] = weight
        self.left_out.pop(term.name, None)

    @property
    def names(self) -> list[str]:
        """The name of each term's layer in the model."""
        return [term.name for term in self]

    def forward(self) -> Tensor:
        """The sum of the penalties, or their mean."""
        total = torch.zeros(())
        for key, term in self._modules.items():
            value = self._weights[key] * term()
            total = total.to(value) + value
        weights = sum(self._weights.values())
        return total / weights if self.reduction == "mean" and weights > 0 else total

    def report(self, exact: bool = False) -> Report:
        """What the penalty sees in each layer now, a row for each.

        The columns: ``layer`` (the name), ``kind``, ``M`` (its shape), ``alpha``, ``weight``;

        - ``R_alpha``, ``sigma_max`` and, where that is the form of the penalty, ``S_alpha``: by 100
          power iterations, from the vectors that are held and from random ones, whichever comes to
          more: lower bounds;
        - ``end`` of the spectrum at which the form's value is taken: "upper" or "lower";
        - ``plateau``: the lower end decides, and the sigma found there is at most 0.1 sqrt(alpha);
        - ``gradient``: the norm of the form's gradient in the kernel. It says whether descent moves
          the layer. On the plateau the gradient in M has a norm of at most 0.2 sqrt(alpha) in
          squares, and 1 in values, but the one in the kernel may be small in both forms;
        - with ``exact``, ``class`` and ``kappa``.

        Nothing is changed.

        Parameters
        ----------
        exact : bool
            Whether two more columns are computed. ``kappa`` is the largest over the smallest of the
            min(m, n) singular values, from a dense M; it is NaN where M, or its blocks, have more
            than 4 * 10^6 entries. ``class`` is what `convreg.winding.symbol_class` says of a layer
            with as many output as input channels at stride 1 and zeros around the image: "zeros" or
            "winding" mean that sigma_min tends to 0 as the image grows, "trivial" that neither is
            there, "undecided" that nothing is proved, as for many wide layers, and for those whose
            zeros are double or not isolated, as of symmetric kernels; it takes a second or more
            where it is wide. It is empty for all other layers.

        Returns
        -------
        Report
            Prints as a table; ``to_dict()`` has a dictionary for each layer.
        """
        exact = as_flag("exact", exact)
        rows = {}
        for key, term in self._modules.items():
            suffix = key[len(term.name or "(model)") :]
            label = (term.name or "(model)") + suffix if suffix else term.name
            rows[label] = row_of(term, self._weights[key], exact)
        return Report(rows)

    def _selected(self, index: int | slice | str) -> list[str]:
        """The keys of the terms that an index means."""
        keys = list(self._modules)
        if isinstance(index, slice):
            return keys[index]
        if not isinstance(index, str):
            return [keys[index]]
        named = [key for key in keys if index in (key, self._modules[key].name)]
        if not named:
            raise KeyError(f"wanted one of {', '.join(map(repr, self.names))}, got {shown(index)}")
        return named[:1]

    def __getitem__(self, index: int | slice | str) -> Any:
        keys = self._selected(index)
        if not isinstance(index, slice):
            return self._modules[keys[0]]
        part = PenaltySum(self.reduction, self.left_out)
        for key in keys:
            part._modules[key] = self._modules[key]
            part._weights[key] = self._weights[key]
        return part.train(self.training)

    def __delitem__(self, index: int | slice | str) -> None:
        for key in self._selected(index):
            name = self._modules[key].name
            del self._modules[key], self._weights[key]
            if name not in self.names:
                self.left_out[name] = "its term was deleted"

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[ConvPenalty]:
        return iter(self._modules.values())
