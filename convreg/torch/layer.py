"""Section 1.1: the penalty of one layer in PyTorch, a term of the loss (1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from convreg._checks import Gram, as_choice, as_integer, as_number, gram_of_rows, shown
from convreg.torch.forms import (
    FORMS,
    Blocks,
    FormName,
    iterated,
    normalised_by_group,
    without_autocast,
)
from convreg.torch.maps import (
    KINDS,
    Layer,
    LayerMap,
    Size,
    as_size,
    by,
    channels,
    described,
)
from convreg.torch.weights import problem_of, weight_of

WARM_UP = 15  # power iterations from the random start, as many as torch's spectral_norm takes


class ConvPenalty(nn.Module):
    r"""Section 1.1, equation (1.4): R_alpha of one layer as a term of the loss.

    .. math:: \mathcal{R}_\alpha \approx
       u^T (M^T M - \alpha I)\, v = (Mu)^T (Mv) - \alpha\, u^T v, \qquad
       \frac{\partial}{\partial k_{p,q,z,y}} =
       \sum_{(i,j) \in \Omega_{p,q,z,y}} (Mu)_i v_j + (Mv)_i u_j

    M is the layer without its bias, a matrix of outputs x inputs. Calling the module gives the
    value, a scalar with a gradient in the weight: (2.5), with u and v held fixed. In training mode
    each call first updates u and v by Algorithm 2.1's power method, without a gradient; in eval
    mode they stay, as they do where activation checkpointing calls again in the backward pass. As
    in `power_update` the value is then that of the power method: a lower bound of R_alpha, close to
    it while the weights change slowly and the same singular value stays the largest. The paper's
    remedy, a second triplet, is not here: a value that overtakes is found late, and where its
    channels and those of the first are not coupled it may not be found at all.

    With ``form="values"`` the penalty is, of the same matrix,

    .. math:: \mathcal{S}_\alpha = \max_i |\sigma_i - \sqrt\alpha| \approx
       \max(|Mu| - \sqrt\alpha,\; \sqrt\alpha - |Mv|),

    where u and v go to the two ends of the spectrum: u <- M'M u and v <- ``|Mu|^2`` v - M'M v, at
    the same number of products. (Where ``|Mu| < |Mv|``, the two change places in the value, which
    is never below 0.) This is a lower bound of S_alpha too. Its gradient in M is w u' or -w v', w
    being Mu or Mv over its norm: of norm 1, where that of R_alpha has 2 sigma_min. Where Mv = 0, or
    M'M is singular whatever the weights are (of which only what follows from the sizes is seen),
    the lower end has no gradient. Where ``|Mv|`` is no more than its rounding, about eps ``|M|`` in
    the precision of the weight, the gradient still has the norm 1, and its direction is that of the
    rounding.

    Two structures are used, and change nothing but the cost. M of a layer with groups is block
    diagonal: each group has unit vectors of its own, and the value is that of the largest. A kernel
    of one tap, at stride 1 and without padding, is M = W (x) I: one pixel does.

    The module holds u and v, as buffers in its ``state_dict``, and no parameters: the layer stays
    with the model that it is part of; another layer that is put in its place there is not seen.
    They are images of shape (1, c, \*size), c being the input channels or, for M M', the output
    channels, and follow the weight to its device and precision; the arithmetic is in float32 at
    least, under autocast as well (as TF32 where PyTorch is set so). The value is right for weights
    of every size for which it is a number there; above that it is infinite, and NaN where a weight
    is NaN or infinite, as it is for a loss: neither is an error. A state saved at another
    resolution is resampled; where the smaller Gram matrix was the other one there, the vectors
    stay.

    Parameters
    ----------
    layer : torch.nn.Conv1d, Conv2d, Conv3d, ConvTranspose1d, -2d, -3d or Linear
        Of any stride, dilation, padding and number of groups. A bias plays no part. Weights that
        `torch.nn.utils` computes (weight_norm, spectral_norm, pruning, parametrizations) are taken
        as they are in each call. That a subclass computes what its kind does is checked by
        `add_penalty`, not here.
    input_size : int, or one for each spatial axis
        The size of the images that the layer takes in; ``()`` for Linear.
    alpha : float
        The shift, positive; neither it nor, with ``form="values"``, its root may overflow or vanish
        in the precision of the arithmetic.
    gram : {"columns", "rows", "smaller"}
        M'M (the paper's), M M', or whichever is smaller. For fewer outputs than inputs M'M is
        singular, and R_alpha never below alpha, S_alpha never below its root.
    power_iterations : int
        In each call, at least 1.
    generator : torch.Generator, optional
        Of the random start, from which 15 iterations are taken. Without one every start is the
        same, on all ranks of a distributed run, and the global random state is left alone.
    output_size : int, or one for each spatial axis, optional
        Of a transposed convolution that is called with one.
    name : str
        Of the layer in its model, for what is printed.
    form : {"squares", "values"}
        R_alpha, the paper's, or S_alpha. A state of the other form is a start, from which it takes
        some calls; but where u = v is a singular vector to the last digit, v stays there.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    >>> _ = nn.init.dirac_(conv.weight).data.mul_(2)             # M = 2 I
    >>> regularizer = ConvPenalty(conv, input_size=5, alpha=1.0)
    >>> R = regularizer()
    >>> R.backward()
    >>> round(R.item(), 4), list(regularizer.state_dict())
    (3.0, ['u', 'v'])
    """

    layer: Any
    u: Tensor
    v: Tensor

    def __init__(
        self,
        layer: Layer,
        input_size: int | Sequence[int],
        alpha: float = 1.0,
        gram: Gram = "smaller",
        power_iterations: int = 2,
        generator: torch.Generator | None = None,
        *,
        output_size: int | Sequence[int] | None = None,
        name: str = "",
        form: FormName = "squares",
    ) -> None:
        super().__init__()
        if not isinstance(layer, KINDS):
            kinds = ", ".join(kind.__name__ for kind in KINDS)
            raise TypeError(f"layer: wanted one of {kinds}, got {type(layer).__name__}")
        if problem := problem_of(layer):
            raise ValueError(f"layer: wanted {problem}")
        self.__dict__["layer"] = layer  # not as a submodule: its parameters are the model's
        if not isinstance(name, str):
            raise TypeError(f"name: wanted a string, got {shown(name)}")
        self.name = name
        self.form = as_choice("form", form, tuple(FORMS))
        self.alpha = as_number("alpha", alpha)
        self.power_iterations = as_integer("power_iterations", power_iterations, 1)
        axes = 0 if isinstance(layer, nn.Linear) else len(layer.kernel_size)
        self.input_size = as_size(input_size, axes)
        self.map = LayerMap(layer, self.input_size, output_size)
        self.shape = self.map.outputs, self.map.inputs
        self.gram_of_rows = gram_of_rows(gram, *self.shape)
        if 0 in self.shape:
            raise ValueError(f"layer: wanted inputs and outputs, got M of shape {self.shape}")
        if self.map.pointwise:
            self.map = LayerMap(layer, (1,) * axes)
        with torch.inference_mode(False):  # vectors made in that mode could not be updated later
            with torch.no_grad():
                A = self._blocks(self._kernel())
            zeros = FORMS[self.form].of(0.0, self.alpha)
            if not holds(A.K.dtype, zeros):
                raise ValueError(
                    f"alpha: wanted one with which {A.K.dtype} can hold the penalty of zeros, "
                    f"{zeros:g}, got {self.alpha:g}"
                )
            shape = self.map.output_shape if self.gram_of_rows else self.map.input_shape
            v = self._start(shape, generator, A.K)
            u, v = iterated(FORMS[self.form], A, v, v, WARM_UP, self.alpha)
        self.register_buffer("u", u)
        self.register_buffer("v", v)

    @property
    def conv(self) -> Any:
        """The layer."""
        return self.layer

    def _start(self, shape: Size, generator: torch.Generator | None, K: Tensor) -> Tensor:
        """A random unit vector, of every group."""
        if generator is None:
            generator = torch.Generator("cpu").manual_seed(0)
        if not isinstance(generator, torch.Generator):
            raise TypeError(
                f"generator: wanted a torch.Generator or None, got {type(generator).__name__}"
            )
        start = torch.randn(shape, generator=generator, device=generator.device, dtype=K.dtype)
        return normalised_by_group(start, start, self.map.groups).to(K.device)

    def forward(self) -> Tensor:
        """The penalty, after an update of the vectors in training mode."""
        training = self.training and not _in_backward()
        K = self._kernel(training)
        if self.u.device != K.device or self.u.dtype != K.dtype:
            with torch.inference_mode(False):
                self.u, self.v = self.u.to(K.device, K.dtype), self.v.to(K.device, K.dtype)
        form, A = FORMS[self.form], self._blocks(K)
        if training:
            u, v = self._unit(self.u), self._unit(self.v)
            u, v = iterated(form, A, u, v, self.power_iterations, self.alpha)
            # in place: torch.inference_mode leaves them fit for training
            self.u.copy_(u)
            self.v.copy_(v)
        with without_autocast(K):
            return form.values(A, self._unit(self.u), self._unit(self.v), self.alpha).max()

    def _unit(self, w: Tensor) -> Tensor:
        """w of norm 1, as an averaged or loaded vector may not be; NaN and zeros begin anew."""
        same = torch.full_like(w, (self.map.groups / w.numel()) ** 0.5)
        return normalised_by_group(w, same, self.map.groups)

    def _kernel(self, training: bool = False) -> Tensor:
        """The weight, in float32 at least."""
        with without_autocast(next(self.layer.parameters())):
            weight = weight_of(self.layer, training)
        weight = weight.to(torch.promote_types(weight.dtype, torch.float32))
        return weight.unsqueeze(2) if isinstance(self.layer, nn.Linear) else weight

    def _blocks(self, K: Tensor) -> Blocks:
        """M with the weight K, or for M M' its transpose."""
        return Blocks(self.map, K, self.gram_of_rows)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *arguments: Any) -> None:
        """Vectors of another resolution are resampled, then normalised."""
        g, h = channels(self.layer)
        for name in ("u", "v"):
            saved, own = state_dict.get(prefix + name), getattr(self, name)
            if saved is None or saved.ndim != own.ndim or saved.shape == own.shape:
                continue
            if saved.shape[:2] == own.shape[:2]:
                resampled = interpolate(saved, size=own.shape[2:], mode="nearest").to(own)
                state_dict[prefix + name] = normalised_by_group(resampled, own, self.map.groups)
            elif saved.shape[1] in (g, h):  # of the other Gram matrix: another resolution's smaller
                state_dict[prefix + name] = own.clone()
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def extra_repr(self) -> str:
        """What stands in the parentheses of ``print(regularizer)``."""
        gram = "rows" if self.gram_of_rows else "columns"
        sets = f"alpha={self.alpha}, gram={gram!r}, power_iterations={self.power_iterations}"
        form = "" if self.form == "squares" else f", form={self.form!r}"
        return f"{described(self.layer)} on {by(self.input_size)}, {sets}{form}"


def holds(dtype: torch.dtype, number: float) -> bool:
    """Whether a positive number neither overflows nor vanishes in this precision."""
    return torch.finfo(dtype).tiny <= number <= torch.finfo(dtype).max


def _in_backward() -> bool:
    """Whether this is called from a backward pass: activation checkpointing computes anew."""
    return not torch.compiler.is_compiling() and torch._C._current_graph_task_id() != -1
