"""The form "values", max_i |sigma_i - sqrt(alpha)|, against a dense M; "squares": test_layer."""

import itertools
import math

import pytest
from strategies import GRAMS, relative_error

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

from torch import nn  # noqa: E402
from torch_layers import (  # noqa: E402
    KINDS,
    by_group,
    layer,
    matrix_of,
    of_kind,
    seeded,
    small_net,
    vectors,
)

from convreg.forms import values_penalty  # noqa: E402
from convreg.torch import ConvPenalty, PenaltySum, add_penalty  # noqa: E402

kinds = pytest.mark.parametrize("kind", KINDS)
grams = pytest.mark.parametrize("gram", GRAMS)
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
SINGULAR = ("even and dilated", "transposed, 1-D")  # not by counting


def term_of(part, size, alpha=1.0, gram="smaller", iterations=2, **options):
    return ConvPenalty(part, size, alpha, gram, iterations, form="values", **options)


@kinds
@grams
@pytest.mark.parametrize("alpha", [0.05, 1, 4])
def test_at_both_ends_value_and_gradient_are_those_of_the_singular_values(kind, gram, alpha):
    part, size = of_kind(kind)
    module = at_the_ends(term_of(part, size, alpha, gram)).eval()
    value = module()
    sigma = sigmas(module)
    exact = (sigma - alpha**0.5).abs().max()
    assert value.item() == pytest.approx(exact.item(), rel=1e-12)
    [found] = torch.autograd.grad(value, part.weight)
    [gradient] = torch.autograd.grad(exact, part.weight)
    lower = exact.item() > sigma[0].item() - alpha**0.5
    if module._blocks(part.weight).singular and lower:
        assert not found.any()
    elif not (lower and kind in SINGULAR) and kind != "depthwise":  # where it is not simple
        assert relative_error(found, gradient) < 1e-9


def sigmas(module):
    """All singular values of A: those of M, and zeros where A has more columns than rows."""
    M = matrix_of(module.layer, module.input_size)
    A = M.T if module.gram_of_rows else M
    missing = A.shape[1] - min(A.shape)
    return torch.cat([torch.linalg.svdvals(A), A.new_zeros(missing)])


def at_the_ends(module):
    """With the right singular vectors of either end, group by group."""
    M = dense_of(module)
    A = M.T if module.gram_of_rows else M
    ends = []
    for columns in torch.arange(A.shape[1]).chunk(module.map.groups):
        _, vectors = torch.linalg.eigh(A[:, columns].T @ A[:, columns])
        ends.append(vectors[:, [-1, 0]])
    u, v = torch.cat(ends).T
    module.u.copy_(u.reshape(module.u.shape))
    module.v.copy_(v.reshape(module.v.shape))
    return module


@pytest.mark.parametrize("kind", ["strided", "groups", "1-D", "transposed", "dense"])
@pytest.mark.parametrize("alpha", [0.05, 4])
def test_many_iterations_lead_to_both_ends(kind, alpha):
    part, size = of_kind(kind)
    module = term_of(part, size, alpha, iterations=1500)
    exact = (sigmas(module) - alpha**0.5).abs().max().item()
    assert module().item() == pytest.approx(exact, rel=1e-6)


@kinds
@grams
def test_value_and_step_far_from_converged_vectors(kind, gram):
    """A step is u <- A'A u, v <- |Au|^2 v - A'A v, group by group."""
    part, size = of_kind(kind)
    module = far(term_of(part, size, 0.7, gram, iterations=1))
    groups = module.map.groups
    M = dense_of(module)
    A = M.T if module.gram_of_rows else M
    u, v = (w.flatten() for w in vectors(module))
    Au, Av = ((A @ w).reshape(groups, -1).norm(dim=1) for w in (u, v))
    high = torch.maximum(Au, Av)
    low = 0 * Av if module._blocks(part.weight).singular else torch.minimum(Au, Av)
    wanted = torch.cat([high - 0.7**0.5, 0.7**0.5 - low]).max()
    assert module.eval()().item() == pytest.approx(wanted.item(), rel=1e-12)
    c = (Au**2).repeat_interleave(len(v) // groups)
    module.train()()
    assert relative_error(module.u.flatten(), by_group(A.T @ (A @ u), groups)) < 1e-11
    assert relative_error(module.v.flatten(), by_group(c * v - A.T @ (A @ v), groups)) < 1e-11


def far(module):
    """With random vectors of norm 1 in every group."""
    for w, seed in ((module.u, 1), (module.v, 2)):
        start = torch.randn(w.shape, generator=seeded(seed), dtype=torch.float64)
        w.copy_(by_group(start, module.map.groups).reshape(w.shape))
    return module


def dense_of(module, weight=None):
    """The matrix that the term multiplies with: one pixel stands for all of a pointwise layer."""
    weight = module._kernel().detach() if weight is None else weight
    X = torch.eye(module.map.inputs, dtype=torch.float64).reshape(-1, *module.map.input_shape[1:])
    return module.map(X, weight).flatten(1).T


@kinds
@pytest.mark.parametrize("gram", ["columns", "rows"])
def test_what_is_singular_by_counting_is(kind, gram):
    part, size = of_kind(kind)
    module = term_of(part, size, gram=gram)
    M = matrix_of(part, module.input_size)
    rank = torch.linalg.matrix_rank(M).item()
    singular = rank < (M.shape[0] if gram == "rows" else M.shape[1])
    known = module._blocks(module._kernel()).singular
    assert known == singular or (singular and kind in SINGULAR)


@pytest.mark.parametrize(
    ("part", "columns", "rows"),
    [
        (nn.ConvTranspose2d(3, 2, 1, stride=2), True, True),  # 2 x 3 at 9 of 25 pixels
        (nn.ConvTranspose2d(2, 3, 1, stride=2), False, True),
        (nn.Conv2d(2, 4, 1, stride=2), True, True),  # 4 x 2 at 4 of 9 pixels
        (nn.Conv2d(2, 4, 2, stride=2, groups=2), True, False),  # the last row and column unread
        (nn.Conv2d(2, 2, 3, padding=1), False, False),
    ],
)
def test_what_is_singular_by_counting_by_hand(part, columns, rows):
    part = part.double()
    for gram, wanted in (("columns", columns), ("rows", rows)):
        module = term_of(part, 3, gram=gram)
        assert module._blocks(part.weight).singular == wanted


@kinds
def test_first_and_second_derivatives_of_every_kind_of_layer(kind):
    part, size = of_kind(kind)
    for gram, alpha in (("columns", 0.05), ("rows", 4.0)):
        module = far(term_of(part, size, alpha, gram)).eval()
        assert torch.autograd.gradcheck(lambda weight, of=module: of(), (part.weight,))
    assert torch.autograd.gradgradcheck(lambda weight: module(), (part.weight,))


@pytest.mark.parametrize("shape", [(3, 1, 3), (3, 2, 2), (2, 1, 2), (5, 2, 1)])
@pytest.mark.parametrize("alpha", [0.5, 40])
def test_value_and_gradient_are_those_of_numpy(shape, alpha):
    k, g, h = shape
    conv = layer(k, g, h)
    module = at_the_ends(term_of(conv, 4, alpha)).eval()
    value = module()
    [G] = torch.autograd.grad(value, conv.weight)
    M = dense_of(module)
    S, w, v = values_penalty(M.numpy(), alpha, gram="smaller")
    assert value.item() == pytest.approx(S, rel=1e-12)
    M = dense_of(module, conv.weight)
    product = (M * torch.outer(torch.tensor(w), torch.tensor(v))).sum()
    [wanted] = torch.autograd.grad(product, conv.weight)
    assert relative_error(G, wanted) < 1e-9


@pytest.mark.parametrize("alpha", [1, 10, 30])
@pytest.mark.parametrize(("g", "h"), [(2, 3), (3, 2), (2, 2)])
def test_the_value_is_a_lower_bound_that_rises_to_it(alpha, g, h):
    conv = layer(3, g, h, seed=2)
    module = term_of(conv, 5, alpha, iterations=20)
    values = [module().item() for _ in range(150)]
    exact = (sigmas(module) - alpha**0.5).abs().max().item()
    assert all(one <= other * (1 + 1e-13) for one, other in itertools.pairwise(values))
    assert values[0] < values[-1] <= exact * (1 + 1e-13)
    assert values[-1] > 0.98 * exact  # slow where two are small: 0.03 and 0.10 of 7.1


def test_each_group_has_a_vector_for_either_end():
    """Channels of one tap, nothing couples them: each end is found in the group that has it."""
    conv = nn.Conv2d(3, 3, 1, groups=3, bias=False, dtype=torch.float64)
    module = term_of(conv, 3)
    for weights, wanted in (
        ([3.0, 0.5, 1.2], [1.0, 0.0, 0.0]),
        ([1.3, 0.5, 0.2], [0.0, 0.0, -1.0]),
        ([1.3, -0.1, 0.2], [0.0, 1.0, 0.0]),
        ([1.3, 1e-6, 0.2], [0.0, -1.0, 0.0]),
    ):
        conv.weight.data = torch.tensor(weights, dtype=torch.float64).reshape(3, 1, 1, 1)
        value = module()
        [gradient] = torch.autograd.grad(value, conv.weight)
        assert value.item() == pytest.approx(max(abs(abs(one) - 1) for one in weights))
        assert gradient.flatten().tolist() == pytest.approx(wanted)


@grams
@pytest.mark.parametrize("alpha", [0.5, 3])
def test_weights_of_zero_have_the_root_of_alpha_and_no_gradient(gram, alpha):
    conv = layer(3, 3, 2)
    nn.init.zeros_(conv.weight)
    module = term_of(conv, 4, alpha, gram)
    before = vectors(module)
    value = module()
    value.backward()
    assert value.item() == pytest.approx(alpha**0.5, rel=1e-15)
    assert not conv.weight.grad.any()
    assert all(
        torch.allclose(*pair, rtol=1e-15) for pair in zip(before, vectors(module), strict=True)
    )
    [G] = torch.autograd.grad(module(), conv.weight, create_graph=True)
    [second] = torch.autograd.grad(G.sum(), conv.weight)
    assert not second.any()


def test_at_an_isometry_the_value_is_zero_and_everything_finite():
    conv = layer(3, 2, 2)
    nn.init.dirac_(conv.weight)
    module = term_of(conv, 4)
    for _ in range(3):
        value = module()
        [G] = torch.autograd.grad(value, conv.weight)
        assert value.item() == pytest.approx(0, abs=1e-14)
        assert G.isfinite().all()
        norms = [w.norm().item() for w in vectors(module)]
        assert norms == pytest.approx([1, 1], rel=1e-14)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_do_not_spoil_the_vectors(bad):
    conv = layer(3, 2, 3)
    module = term_of(conv, 4)
    before, whole = vectors(module), conv.weight.detach().clone()
    conv.weight.data[0, 0, 1, 1] = bad
    assert not module().isfinite()
    for w, held in zip(before, vectors(module), strict=True):
        assert relative_error(held, w) < 1e-15
    conv.weight.data.copy_(whole)
    assert module().isfinite()


@pytest.mark.parametrize("bad", [torch.nan, 0.0])
def test_vectors_that_are_none_begin_anew(bad):
    conv = layer(3, 2, 3)
    module = term_of(conv, 4, 20.0, iterations=2000)
    for w in (module.u, module.v):
        w.fill_(bad)
    assert module.eval()().isfinite()
    exact = (sigmas(module) - 20**0.5).abs().max().item()
    assert module.train()().item() == pytest.approx(exact, rel=1e-4)


def test_the_vectors_carry_no_gradient_and_a_call_keeps_as_much_after_any_number_of_steps():
    module = term_of(layer(3, 2, 3), 4)
    counts = []
    for module.power_iterations in (1, 5):
        saved = []
        hooks = lambda tensor, into=saved: into.append(tensor) or tensor  # noqa: E731
        with torch.autograd.graph.saved_tensors_hooks(hooks, lambda tensor: tensor):
            assert module().requires_grad
        counts.append(len(saved))
        assert not any(w.requires_grad or w.grad_fn for w in (module.u, module.v))
    assert counts[0] == counts[1]


def test_a_state_of_the_other_form_is_a_start():
    conv = layer(3, 2, 2)
    squares, values = ConvPenalty(conv, 4), term_of(conv, 4, 100.0, iterations=9000)
    assert list(values.state_dict()) == list(squares.state_dict()) == ["u", "v"]
    values.load_state_dict(squares.state_dict())
    exact = (sigmas(values) - 10).abs().max().item()
    assert values().item() == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("iterations", [1, 2])
def test_from_the_other_form_s_lower_end_no_value_is_below_zero(iterations):
    """There u = -v, and v first goes to the upper end."""
    conv = layer(3, 2, 2, seed=1)
    conv.weight.data *= 1.1 / sigmas(ConvPenalty(conv, 4))[0].item()
    squares = ConvPenalty(conv, 4, power_iterations=300)
    squares()
    assert (squares.u * squares.v).sum().item() == pytest.approx(-1, rel=1e-6)
    values = term_of(conv, 4, iterations=iterations)
    values.load_state_dict(squares.state_dict())
    exact = (sigmas(values) - 1).abs().max().item()
    found = [values().item() for _ in range(200)]
    assert 0 <= min(found) < 0.5 * exact  # seen: it falls at first
    assert found[-1] > 0.9 * exact  # slow where two are small


def test_where_the_smallest_is_rounding_the_gradient_is_of_norm_one_in_a_direction_of_rounding():
    """Two equal rows that counting does not see: nothing moves the smallest singular value, 0."""
    conv = nn.Conv2d(2, 2, 3, (2, 1), 2, groups=2, padding_mode="circular").double()
    conv.weight.data = torch.randn(2, 1, 3, 3, generator=seeded(0), dtype=torch.float64) / 10
    module = at_the_ends(term_of(conv, 5, 2.0)).eval()
    assert not module._blocks(conv.weight).singular
    assert sigmas(module)[-1] < 1e-15
    [G] = torch.autograd.grad(module(), conv.weight)
    assert G.norm() > 0.01


def test_the_form_of_a_network_and_what_is_printed():
    regularizer = add_penalty(small_net(), (3, 5, 5), form="values")
    assert [term.form for term in regularizer] == ["values", "values"]
    assert [term.form for term in add_penalty(small_net(), (3, 5, 5))] == ["squares", "squares"]
    printed = "ConvPenalty(3x3x3x4 on 5x5, alpha=1.0, gram='columns', power_iterations=2, "
    assert repr(regularizer[0]) == printed + "form='values')"
    wanted = "^form: wanted one of 'squares', 'values', got 'polar'"
    with pytest.raises(ValueError, match=wanted):
        ConvPenalty(layer(3, 2, 2), 4, form="polar")
    with pytest.raises(ValueError, match=wanted):
        add_penalty(small_net(), (3, 5, 5), form="polar")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_layer_in_half_precision_has_a_value_in_single(dtype):
    conv = layer(3, 2, 3, dtype=dtype)
    single = layer(3, 2, 3, dtype=torch.float32)
    single.weight.data = conv.weight.detach().float()
    module, other = (term_of(one, 4) for one in (conv, single))
    value, expected = module(), other()
    assert value.dtype == module.u.dtype == torch.float32
    assert value.item() == expected.item()
    value.backward()
    expected.backward()
    assert relative_error(conv.weight.grad.float(), single.weight.grad) < 1e-2


@pytest.mark.parametrize("training", [False, True])
def test_the_vectors_follow_a_layer_that_is_converted(training):
    conv = layer(3, 2, 3, dtype=torch.float32)
    module = term_of(conv, 4).train(training)
    conv.double()
    assert module().dtype == module.u.dtype == module.v.dtype == torch.float64
    assert term_of(nn.Conv2d(2, 3, 3, device="meta"), 4)().is_meta


def test_from_a_plateau_descent_in_values_leads_away_and_in_squares_does_not():
    """PyTorch's start, 3x3x8x8; 100 steps of gradient descent on the penalty alone, rate 0.2."""
    smallest = {}
    for form in ("squares", "values"):
        torch.manual_seed(0)
        conv = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        module = ConvPenalty(conv, 8, form=form)
        for _ in range(100):
            [G] = torch.autograd.grad(module(), conv.weight)
            conv.weight.data -= 0.2 * G
        smallest[form] = sigmas(module)[-1].item()
    assert smallest["squares"] < 0.01  # seen: 0.004 and 0.8
    assert smallest["values"] > 0.5


# ---- the report


def test_the_report_of_the_form():
    conv = nn.Conv2d(2, 2, 1, groups=2, bias=False).double()
    for weights, form, end, plateau in (
        ([1.5, 0.08], "squares", "upper", False),
        ([1.5, 0.08], "values", "lower", True),
        ([1.5, 0.2], "values", "lower", False),
        ([1.3, 0.08], "squares", "lower", True),
        ([2.5, 0.08], "values", "upper", False),
        ([0.08, 1.5], "values", "lower", True),
    ):
        conv.weight.data[:, 0, 0, 0] = torch.tensor(weights)
        row = add_penalty(conv, (2, 3, 3), form=form).report().to_dict()[""]
        assert (row["end"], row["plateau"]) == (end, plateau)
        assert row["R_alpha"] == pytest.approx(max(abs(one**2 - 1) for one in weights))
        if form == "values":
            S = max(abs(one - 1) for one in weights)
            assert row["S_alpha"] == pytest.approx(S)
            assert row["gradient"] == pytest.approx(1)
        else:
            assert "S_alpha" not in row
            assert row["gradient"] == pytest.approx(2 * abs(sorted(weights)[end == "upper"]))


@pytest.mark.parametrize("form", ["squares", "values"])
def test_the_gradient_in_the_report_is_that_of_the_kernel(form):
    conv = layer(3, 2, 4)
    regularizer = add_penalty(conv, (2, 5, 5), form=form, power_iterations=800)
    regularizer()
    with torch.inference_mode():
        row = regularizer.report().to_dict()[""]
    regularizer.eval()().backward()
    assert row["gradient"] == pytest.approx(conv.weight.grad.norm().item(), rel=1e-3)


SHIFT = [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
ZEROS = [[0, 0, 0], [0, 1, 1], [0, 1, 0]]
LAPLACE = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]  # of a double zero
PLAIN = [[0, 0, 0], [1, 3, 1], [0, 0, 0]]


def convolution_of(*kernels, **options):
    """Each kernel a group of one channel."""
    taps = torch.tensor(kernels, dtype=torch.float64)
    options = {"padding": 1, "groups": len(kernels), **options}
    conv = nn.Conv2d(len(kernels), len(kernels), taps.shape[1:], bias=False, **options).double()
    conv.weight.data = taps.unsqueeze(1)
    return conv


def class_in_the_report(part, size):
    regularizer = PenaltySum()
    regularizer.append(ConvPenalty(part, size))
    (row,) = regularizer.report(exact=True).to_dict().values()
    return row["class"]


@pytest.mark.parametrize(
    ("kernels", "wanted"),
    [
        ([PLAIN], "trivial"),
        ([SHIFT], "winding"),
        ([ZEROS], "zeros"),
        ([PLAIN, PLAIN], "trivial"),
        ([PLAIN, SHIFT], "winding"),
        ([SHIFT, ZEROS, PLAIN], "zeros"),
        ([LAPLACE], "undecided"),
    ],
)
def test_the_class_of_the_symbol_and_of_groups_the_one_that_says_most(kernels, wanted):
    assert class_in_the_report(convolution_of(*kernels), 4) == wanted


def test_the_class_of_other_shapes_of_square_layers():
    line = nn.Conv1d(1, 1, 3, padding=1).double()
    for taps, wanted in (([0, 2, 1], "trivial"), ([1, 0, 0], "winding"), ([1, 1, 0], "undecided")):
        line.weight.data = torch.tensor([[taps]], dtype=torch.float64)
        assert class_in_the_report(line, 6) == wanted
    even = convolution_of([[3, 1], [0, 1]], padding="same")
    assert class_in_the_report(even, 4) == "trivial"
    even.weight.data = torch.tensor([[[[0, 1], [0, 0.0]]]], dtype=torch.float64)
    assert class_in_the_report(even, 4) == "winding"
    assert class_in_the_report(convolution_of(SHIFT, padding=2, dilation=2), 5) == "winding"
    assert class_in_the_report(nn.Conv2d(3, 3, 1), 4) == "trivial"


@pytest.mark.parametrize(
    ("part", "size"),
    [
        (nn.Conv2d(2, 3, 3, padding=1), 4),
        (nn.Conv2d(2, 2, 3, stride=2, padding=1), 4),
        (nn.Conv2d(2, 2, 3, stride=2, padding=1), 1),
        (nn.Conv2d(2, 2, 4, padding=1), 4),
        (nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), 4),
        (nn.Conv2d(2, 2, 3), 4),
        (nn.Conv2d(2, 2, 3, padding=2), 4),
        (nn.Conv2d(2, 2, 2, padding=1, dilation=2), 4),
        (nn.ConvTranspose2d(2, 2, 3, padding=1), 4),
        (nn.Conv3d(2, 2, 3, padding=1), 3),
        (nn.Linear(3, 3), ()),
    ],
)
def test_other_layers_have_no_class(part, size):
    assert class_in_the_report(part, size) == ""


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_have_no_class_and_no_condition_number(bad):
    conv = convolution_of(PLAIN)
    regularizer = add_penalty(conv, (1, 4, 4), form="values")
    conv.weight.data[0, 0, 1, 1] = bad
    (row,) = regularizer.report(exact=True).to_dict().values()
    assert row["class"] == ""
    assert math.isnan(row["kappa"])
