"""Equation (1.4): R_alpha of one layer in PyTorch, against the NumPy code and a dense M."""

import contextlib
import copy
import io
import itertools
import pickle

import numpy as np
import pytest
from strategies import GRAMS, relative_error

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

from torch import nn  # noqa: E402
from torch.nn.functional import interpolate  # noqa: E402
from torch.nn.utils.parametrizations import spectral_norm  # noqa: E402
from torch_layers import (  # noqa: E402
    DOUBLE,
    KINDS,
    by_group,
    dense,
    dense_gram,
    kernel,
    kernel_gradient_of,
    layer,
    layer_of,
    matrix_of,
    of_kind,
    randomised,
    same,
    seeded,
    small_net,
    vector,
    vectors,
)

from convreg import (  # noqa: E402
    ConvolutionOperator,
    SingularTriplet,
    convolve,
    kernel_gradient,
    matlab_rand,
    penalty,
    penalty_gradient,
    power_update,
    shifted_gram,
)
from convreg.torch import ConvPenalty, add_penalty, kernel_of  # noqa: E402
from convreg.torch.forms import normalised  # noqa: E402
from convreg.torch.maps import as_size  # noqa: E402

# (k, g, h, N): square, tall, wide, one channel; kernels odd and even, and larger than the image
SHAPES = [
    (1, 2, 3, 3),
    (2, 3, 2, 4),
    (3, 2, 2, 5),
    (3, 1, 3, 4),
    (3, 4, 2, 3),
    (4, 2, 3, 5),
    (5, 3, 1, 4),
    (5, 2, 2, 2),
    (4, 1, 1, 1),
]
PAPER = [
    (3, 3, 3, 1),
    (3, 3, 1, 3),
    (3, 3, 3, 3),
    (3, 3, 1, 1),
]  # sizes of kernels that Section 3 starts from
ALPHAS = (0.5, 1, 3)
shapes = pytest.mark.parametrize(("k", "g", "h", "N"), SHAPES)
grams = pytest.mark.parametrize("gram", GRAMS)
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
TINY = {torch.float64: 1e-12, torch.float32: 2e-5}


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from one global random state."""
    torch.manual_seed(0)


# ---- value, gradient and update against NumPy


@shapes
@grams
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("dtype", TINY)
def test_value_and_gradient_are_those_of_numpy_far_from_converged_vectors(
    k, g, h, N, gram, alpha, dtype
):
    conv = layer(k, g, h, dtype=dtype)
    module = randomised(ConvPenalty(conv, N, alpha, gram)).eval()
    value = module()
    value.backward()
    assert value.dtype == conv.weight.grad.dtype == dtype
    assert value.shape == ()
    K, u, v = (
        kernel(conv).astype(float),
        vector(module.u).astype(float),
        vector(module.v).astype(float),
    )
    [N, _] = module.map.size  # one pixel where the kernel has one tap
    B = shifted_gram(ConvolutionOperator(K, N), alpha, gram)
    scale = 1 + np.linalg.norm(B @ v)
    assert abs(value.item() - u @ (B @ v)) < TINY[dtype] * scale
    assert relative_error(kernel_gradient_of(conv), kernel_gradient(K, N, u, v, gram)) < TINY[dtype]


@shapes
@grams
@pytest.mark.parametrize("alpha", ALPHAS)
def test_an_update_is_that_of_the_power_method(k, g, h, N, gram, alpha):
    conv = layer(k, g, h)
    N = 1 if k == 1 else N  # one pixel does where the kernel has one tap
    B = shifted_gram(ConvolutionOperator(kernel(conv), N), alpha, gram)
    for iterations in (1, 2, 3):
        module = randomised(ConvPenalty(conv, N, alpha, gram, iterations))
        start = SingularTriplet(0.0, vector(module.u), vector(module.v))
        for _ in range(2):
            [start] = power_update(B, [start], iterations)
            value = module()
            assert value.item() == pytest.approx(start.sigma, rel=1e-12)
            assert relative_error(vector(module.u), start.u) < 1e-12
            assert relative_error(vector(module.v), start.v) < 1e-12


@pytest.mark.parametrize(("g", "h"), [(3, 2), (2, 3), (2, 2)])
def test_an_update_in_single_precision(g, h):
    conv = layer(3, g, h, dtype=torch.float32)
    module = randomised(ConvPenalty(conv, 5))
    B = shifted_gram(ConvolutionOperator(kernel(conv).astype(float), 5), 1, "smaller")
    [triplet] = power_update(B, [SingularTriplet(0.0, vector(module.u), vector(module.v))], 2)
    assert module().item() == pytest.approx(triplet.sigma, rel=1e-5)
    assert module.u.dtype == module.v.dtype == torch.float32
    assert relative_error(vector(module.v), triplet.v) < 1e-5


@grams
@pytest.mark.parametrize(("g", "h"), [(3, 2), (2, 3), (2, 2)])
def test_the_vectors_start_with_15_iterations_from_a_random_vector(gram, g, h):
    conv = layer(3, g, h)
    rows = gram == "rows" or (gram == "smaller" and h < g)
    start = torch.randn(1, h if rows else g, 4, 4, generator=seeded(5), dtype=torch.float64)
    v = vector(start / start.norm())
    B = shifted_gram(ConvolutionOperator(kernel(conv), 4), 1.5, gram)
    [triplet] = power_update(B, [SingularTriplet(0.0, v, v)], 15)
    module = ConvPenalty(conv, 4, 1.5, gram, generator=seeded(5))
    assert module.u.shape == module.v.shape == start.shape
    assert relative_error(vector(module.u), triplet.u) < 1e-11
    assert relative_error(vector(module.v), triplet.v) < 1e-11
    assert module.eval()().item() == pytest.approx(triplet.sigma, rel=1e-12)


def test_the_defaults_are_alpha_1_the_smaller_gram_and_two_iterations():
    conv = layer(3, 3, 2)
    plain, full = (
        ConvPenalty(conv, 4, generator=seeded()),
        ConvPenalty(conv, 4, 1.0, "rows", 2, seeded()),
    )
    assert plain().item() == full().item()
    assert same(vectors(plain), vectors(full))
    assert plain.training


@pytest.mark.parametrize("shape", PAPER)
def test_the_papers_kernels_at_15(shape):
    K = matlab_rand(*shape, state=1)
    conv = layer_of(K)
    module = ConvPenalty(conv, 15, 1.0, power_iterations=200)
    value = module()
    value.backward()
    R, G = penalty_gradient(K, 15, gram="smaller")
    assert value.item() == pytest.approx(R, rel=1e-10)
    assert relative_error(kernel_gradient_of(conv), G) < 1e-8


@pytest.mark.parametrize("dtype", TINY)
def test_kernel_of_a_weight_and_of_its_gradient(dtype):
    conv, X = layer(4, 2, 3, dtype=dtype), np.random.default_rng(0).standard_normal((5, 5, 2))
    K = kernel_of(conv.weight)
    assert K.shape == (4, 4, 2, 3)
    assert K.dtype == str(dtype).removeprefix("torch.")
    Y = conv(torch.tensor(X.transpose(2, 0, 1), dtype=dtype)).detach().numpy().transpose(1, 2, 0)
    assert relative_error(Y, convolve(K, X)) < TINY[dtype]
    (2 * conv.weight).sum().backward()
    assert np.array_equal(kernel_of(conv.weight.grad), np.full((4, 4, 2, 3), 2))


# ---- convergence to R_alpha


@grams
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("k", "g", "h"), [(3, 2, 2), (3, 3, 1), (3, 1, 3), (2, 2, 1), (5, 1, 2)])
def test_many_iterations_give_the_penalty_and_its_gradient(gram, alpha, k, g, h):
    """Positive kernels: the leading singular value is well separated, and u = v."""
    K = 0.5 + np.random.default_rng(3).random((k, k, g, h))
    conv = layer_of(K)
    module = ConvPenalty(conv, 5, alpha, gram, power_iterations=150)
    value = module()
    value.backward()
    R, G = penalty_gradient(K, 5, alpha, gram)
    assert value.item() == pytest.approx(R, rel=1e-10)
    assert relative_error(kernel_gradient_of(conv), G) < 1e-8
    assert (module.u - module.v).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("k", "g", "h", "gram"),
    [
        (3, 2, 2, "columns"),
        (3, 2, 2, "rows"),
        (3, 1, 2, "columns"),
        (3, 2, 1, "smaller"),
        (4, 1, 2, "smaller"),
    ],
)
def test_where_the_lower_end_decides_u_is_minus_v(k, g, h, gram):
    """A small kernel: R_alpha = alpha - sigma_min^2."""
    K = np.random.default_rng(0).standard_normal((k, k, g, h)) / 10
    conv, alpha = layer_of(K), 0.5
    module = ConvPenalty(conv, 2, alpha, gram, power_iterations=1500)
    value = module()
    value.backward()
    R, G = penalty_gradient(K, 2, alpha, gram)
    sigma_min = torch.linalg.svdvals(dense(conv.weight.detach(), 2, 2))[-1].item()
    assert value.item() == pytest.approx(R, rel=1e-10)
    assert value.item() == pytest.approx(alpha - sigma_min**2, rel=1e-10)
    assert relative_error(kernel_gradient_of(conv), G) < 1e-8
    assert np.abs(G).max() > 1e-4
    assert (module.u + module.v).abs().max() < 1e-12


def test_a_wide_kernel_has_a_singular_matrix_of_columns():
    """R_alpha is alpha at least, and exactly alpha for a small kernel; of the rows it is less."""
    conv, alpha = layer(3, 3, 2, seed=2), 2.0
    conv.weight.data /= 4.5
    values = {
        gram: ConvPenalty(conv, 2, alpha, gram, power_iterations=500)().item() for gram in GRAMS
    }
    assert values["columns"] == pytest.approx(alpha, rel=1e-12)
    assert values["rows"] == pytest.approx(penalty(kernel(conv), 2, alpha, "rows"), rel=1e-10)
    assert values["rows"] < 1.95
    assert values["smaller"] == pytest.approx(values["rows"], rel=1e-10)


@pytest.mark.parametrize("alpha", [1, 10, 30])
@shapes
def test_the_value_is_a_lower_bound_that_rises(alpha, k, g, h, N):
    conv = layer(k, g, h, seed=2)
    module = ConvPenalty(conv, N, alpha)
    values = [module().item() for _ in range(6)]
    assert all(one <= other * (1 + 1e-13) for one, other in itertools.pairwise(values))
    assert values[-1] <= penalty(kernel(conv), N, alpha, "smaller") * (1 + 1e-12)
    assert values[0] > 0


def test_two_times_the_identity():
    """M = 2 I, B = 3 I: every vector is a singular vector."""
    conv = layer(3, 2, 2)
    nn.init.dirac_(conv.weight).data.mul_(2)
    module = ConvPenalty(conv, (3, 4), alpha=1)
    assert module().item() == pytest.approx(3, rel=1e-14)
    assert torch.allclose(module.u, module.v, atol=1e-15, rtol=0)


# ---- derivatives


@pytest.mark.parametrize(
    ("k", "g", "h", "size"), [(3, 2, 2, 3), (2, 1, 2, (2, 3)), (4, 2, 1, 2), (3, 2, 1, (1, 2))]
)
@grams
def test_first_and_second_derivatives_by_finite_differences(k, g, h, size, gram):
    conv = layer(k, g, h)
    module = randomised(ConvPenalty(conv, size, 2.0, gram)).eval()
    assert torch.autograd.gradcheck(lambda weight: module(), (conv.weight,))
    assert torch.autograd.gradgradcheck(lambda weight: module(), (conv.weight,))


@pytest.mark.parametrize("gram", GRAMS)
def test_a_bias_plays_no_part(gram):
    plain, biased = layer(3, 3, 2), layer(3, 3, 2, bias=True)
    nn.init.constant_(biased.bias, 5.0)
    modules = [ConvPenalty(conv, 4, 1.0, gram, generator=seeded()) for conv in (plain, biased)]
    for module in modules:
        module().backward()
    assert same(vectors(modules[0]), vectors(modules[1]))
    assert modules[0]().item() == modules[1]().item()
    assert torch.equal(plain.weight.grad, biased.weight.grad)
    assert biased.bias.grad is None


@pytest.mark.parametrize("size", [(3, 5), (5, 3), (1, 4), (4, 1), (2, 6)])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("g", "h"), [(2, 3), (3, 2), (2, 2)])
def test_rectangles_against_a_dense_matrix(size, k, g, h):
    conv = layer(k, g, h)
    reference = conv.weight.detach().clone().requires_grad_()
    M = dense(reference, *((1, 1) if k == 1 else size))
    for gram, alpha in zip(GRAMS, ALPHAS, strict=True):
        module = randomised(ConvPenalty(conv, size, alpha, gram)).eval()
        u, v, B = (
            module.u.flatten(),
            module.v.flatten(),
            dense_gram(M, alpha, gram == "rows" or (gram == "smaller" and h < g)),
        )
        expected = u @ B @ v
        [gradient] = torch.autograd.grad(expected, reference, retain_graph=True)
        [found] = torch.autograd.grad(module(), conv.weight)
        assert module().item() == pytest.approx(expected.item(), rel=1e-11, abs=1e-11)
        assert relative_error(found, gradient) < 1e-12
        w = B.detach() @ v
        u, module.power_iterations = w / w.norm(), 1
        w = B.detach() @ u
        module.train()()
        assert relative_error(module.u.flatten(), u) < 1e-11
        assert relative_error(module.v.flatten(), w / w.norm()) < 1e-11


def test_a_side_and_two_equal_sides_are_the_same():
    conv = layer(3, 2, 2)
    one, two, three = (
        ConvPenalty(conv, size, generator=seeded()) for size in (4, (4, 4), [np.int64(4), 4])
    )
    assert one.input_size == two.input_size == three.input_size == (4, 4)
    assert one().item() == two().item() == three().item()
    assert as_size(torch.Size([3, 2]), 2) == (3, 2)


# ---- training and eval mode


def test_in_eval_mode_the_vectors_stay():
    module = ConvPenalty(layer(3, 2, 3), 4).eval()
    before = vectors(module)
    values = [module().item() for _ in range(2)]
    assert values[0] == values[1]
    assert same(before, vectors(module))


def test_in_training_mode_they_change_and_eval_gives_the_last_value_again():
    module = ConvPenalty(layer(3, 2, 3, seed=1), 4)
    before = vectors(module)
    value = module()
    assert not torch.equal(before[0], module.u)
    assert not torch.equal(before[1], module.v)
    assert module.eval()().item() == value.item()


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_calls_without_a_gradient_update_too_and_training_goes_on(context):
    conv = layer(3, 2, 3)
    module, other = (
        ConvPenalty(conv, 4, generator=seeded()),
        ConvPenalty(conv, 4, generator=seeded()),
    )
    for _ in range(2):
        with context():
            value = module()
        assert not value.requires_grad
        assert value.item() == other().item()
        assert same(vectors(module), vectors(other))
    for _ in range(2):
        value, expected = module(), other()
        [gradient], [wanted] = (
            torch.autograd.grad(term, conv.weight) for term in (value, expected)
        )
        assert value.item() == expected.item()
        assert torch.equal(gradient, wanted)
    with context():
        module()
    module.eval()().backward()
    assert conv.weight.grad.isfinite().all()


def test_after_inference_mode_a_state_can_be_loaded():
    module = ConvPenalty(layer(3, 2, 3), 4)
    state = copy.deepcopy(module.state_dict())
    with torch.inference_mode():
        module()
    assert not torch.equal(module.u, state["u"])
    module.load_state_dict(state)
    assert same(vectors(module), state.values())


def test_two_calls_before_one_backward():
    conv = layer(3, 2, 3)
    module, other = (
        ConvPenalty(conv, 4, generator=seeded()),
        ConvPenalty(conv, 4, generator=seeded()),
    )
    wanted = sum(torch.autograd.grad(other(), conv.weight)[0] for _ in range(2))
    (module() + module()).backward()
    assert relative_error(conv.weight.grad, wanted) < 1e-14


def saved_for_backward(module):
    """The number of tensors that a call keeps for the backward pass."""
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor
    ):
        assert module().requires_grad
    return len(saved)


def test_the_vectors_carry_no_gradient_and_the_update_builds_no_graph():
    module = ConvPenalty(layer(3, 2, 3), 4)
    counts = []
    for module.power_iterations in (1, 5):
        counts.append(saved_for_backward(module))
        assert not any(w.requires_grad or w.grad_fn for w in (module.u, module.v))
    assert counts == [saved_for_backward(module.eval())] * 2


def test_frozen_weights_have_a_value_and_no_gradient():
    conv = layer(3, 2, 3).requires_grad_(False)
    value = ConvPenalty(conv, 4)()
    assert value.item() > 0
    assert not value.requires_grad


def test_the_convolution_stays_with_the_model():
    conv = layer(3, 2, 3)
    module = ConvPenalty(conv, 4)
    assert module.conv is conv
    assert list(module.modules()) == [module]
    assert list(module.parameters()) == []
    assert [name for name, _ in module.named_buffers()] == ["u", "v"]


def test_new_weights_are_seen():
    """Also a new parameter in the place of the old one."""
    conv = layer(3, 2, 2)
    module = randomised(ConvPenalty(conv, 4)).eval()
    value = module().item()
    conv.weight = nn.Parameter(2 * conv.weight.detach())
    shift = module.alpha * (module.u * module.v).sum().item()
    assert module().item() + shift == pytest.approx(4 * (value + shift), rel=1e-12)
    module().backward()
    assert conv.weight.grad is not None


# ---- state


def saved_and_loaded(state):
    """Through torch.save and torch.load."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


def test_state_dict_round_trip():
    conv = layer(3, 2, 3)
    module, other = (
        ConvPenalty(conv, 4, generator=seeded(1)),
        ConvPenalty(conv, 4, generator=seeded(2)),
    )
    module()
    state = saved_and_loaded(module.state_dict())
    assert list(state) == ["u", "v"]
    assert not torch.equal(other.v, module.v)
    other.load_state_dict(state)
    assert other.eval()().item() == module.eval()().item()
    assert other.train()().item() == module.train()().item()
    assert same(vectors(other), vectors(module))


def test_state_dict_as_part_of_a_model():
    models = [small_net(), small_net()]
    for seed, model in enumerate(models):
        model.regularizer = add_penalty(model[:3], (3, 5, 5), generator=seeded(seed))
    models[0].regularizer()
    state = saved_and_loaded(models[0].state_dict())
    assert [name for name in state if name.startswith("regularizer")] == [
        f"regularizer.{i}.{w}" for i in (0, 2) for w in "uv"
    ]
    assert len(state) == 4 + 4
    models[1].load_state_dict(state)
    values = [
        [model.eval().regularizer().item(), *(model.train().regularizer().item() for _ in range(2))]
        for model in models
    ]
    assert values[0] == values[1]
    assert len(list(models[0].parameters())) == 4


def test_the_training_mode_is_that_of_the_model_that_holds_it():
    model = small_net()
    model.regularizer = add_penalty(model[:3], (3, 5, 5))
    model.eval()
    assert not any(module.training for module in model.regularizer)
    model.train()
    assert all(module.training for module in model.regularizer)


def through_torch_save(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)), through_torch_save]
)
def test_a_copied_model_has_a_regularizer_of_its_own_convolutions(copied):
    model = small_net()
    model.regularizer = add_penalty(model[:3], (3, 5, 5))
    model.regularizer().backward()
    twin = copied(model)
    assert [module.conv for module in twin.regularizer] == [twin[0], twin[2]]
    assert twin[0] is not model[0]
    assert twin.regularizer.names == ["0", "2"]
    assert twin.eval().regularizer().item() == model.eval().regularizer().item()
    twin[0].weight.data.zero_()
    assert twin.regularizer().item() != model.regularizer().item()
    before = vectors(model.regularizer[1])
    twin.train().regularizer()
    assert same(before, vectors(model.regularizer[1]))


def test_a_copied_convpenalty_brings_its_convolution():
    module = ConvPenalty(layer(3, 2, 3), 4)
    twin = pickle.loads(pickle.dumps(module))
    assert twin().item() == module().item()
    assert torch.equal(twin.conv.weight, module.conv.weight)
    assert twin.conv is not module.conv


# ---- precision and devices


def test_a_model_converted_with_its_regularizer():
    model = small_net()
    model.regularizer = add_penalty(model[:3], (3, 5, 5))
    single = model.eval().regularizer()
    for dtype in (torch.float64, torch.float32):
        model.to(dtype)
        assert all(w.dtype == dtype for w in model.regularizer.buffers())
        assert model.regularizer().dtype == dtype
        assert model.regularizer().item() == pytest.approx(single.item(), rel=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_the_vectors_follow_a_convolution_converted_later(training):
    conv = layer(3, 2, 3, dtype=torch.float32)
    module = randomised(ConvPenalty(conv, 4)).train(training)
    u, v = (vector(w).astype(float) for w in vectors(module))
    start = SingularTriplet(0.0, u / np.linalg.norm(u), v / np.linalg.norm(v))
    conv.double()
    value = module()
    B = shifted_gram(ConvolutionOperator(kernel(conv), 4), 1.0, "smaller")
    [expected] = (
        power_update(B, [start], 2) if training else [start._replace(sigma=start.u @ (B @ start.v))]
    )
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(expected.sigma, rel=1e-12, abs=1e-12)
    assert module.u.dtype == module.v.dtype == torch.float64
    assert relative_error(vector(module.v) / np.linalg.norm(vector(module.v)), expected.v) < 1e-12


def test_module_to_double_changes_the_buffers_and_the_convolution_decides():
    conv = layer(3, 2, 3, dtype=torch.float32)
    module = ConvPenalty(conv, 4).double()
    assert module.u.dtype == module.v.dtype == torch.float64
    assert conv.weight.dtype == torch.float32
    assert module().dtype == torch.float32
    assert module.to(torch.float64)().dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_layer_in_half_precision_has_a_value_in_single(dtype):
    conv = layer(3, 2, 3, dtype=dtype)
    single = nn.Conv2d(2, 3, 3, padding=1)
    single.weight.data = conv.weight.detach().float()
    module, other = (ConvPenalty(one, 4, generator=seeded()) for one in (conv, single))
    assert module.u.dtype == torch.float32
    for _ in range(2):
        value, expected = module(), other()
        assert value.dtype == module.u.dtype == module.v.dtype == torch.float32
        assert value.item() == expected.item()
    value.backward()
    expected.backward()
    assert conv.weight.grad.dtype == dtype
    assert relative_error(conv.weight.grad.float(), single.weight.grad) < 1e-2


def test_a_double_layer_stays_in_double_precision():
    module = ConvPenalty(layer(3, 2, 3), 4)
    assert module.u.dtype == module.v.dtype == module().dtype == torch.float64


@pytest.mark.parametrize("gram", ["columns", "rows"])
def test_under_autocast_the_arithmetic_is_in_single_precision(gram):
    conv = layer(3, 2, 2, dtype=torch.float32)
    module, other = (
        ConvPenalty(conv, 6, 1.0, gram, generator=seeded()),
        ConvPenalty(conv, 6, 1.0, gram, generator=seeded()),
    )
    for training in (True, True, False):
        with torch.autocast("cpu", torch.bfloat16):
            assert conv(torch.zeros(1, 2, 6, 6)).dtype == torch.bfloat16
            value = module.train(training)()
        expected = other.train(training)()
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(expected.item(), rel=1e-6)
        [gradient], [wanted] = (
            torch.autograd.grad(term, conv.weight) for term in (value, expected)
        )
        assert relative_error(gradient, wanted) < 1e-6
        assert relative_error(module.u, other.u) < 1e-6
        assert relative_error(module.v, other.v) < 1e-6


def test_a_start_under_autocast_is_the_same():
    conv = layer(3, 2, 2, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        module = ConvPenalty(conv, 6, generator=seeded())
    other = ConvPenalty(conv, 6, generator=seeded())
    assert relative_error(module.v, other.v) < 1e-6


@pytest.mark.parametrize("training", [False, True])
def test_the_vectors_follow_the_convolution_to_another_device(monkeypatch, training):
    """The meta device, which autocast does not know, stands for another; it computes nothing."""
    monkeypatch.setattr(torch, "autocast", lambda kind, enabled: contextlib.nullcontext())
    conv, there = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 3, 3, padding=1, device="meta")
    seen = []
    assert ConvPenalty(there, 4).u.is_meta
    assert ConvPenalty(there, 4, generator=seeded()).v.is_meta
    there.register_forward_pre_hook(lambda part, images: seen.append(images[0].is_meta))
    regularizer = add_penalty(nn.Sequential(there), (2, 4, 4), generator=seeded())
    assert seen == [True]
    regularizer().backward()
    assert there.weight.grad.is_meta
    module = ConvPenalty(conv, 4)
    conv.to("meta")
    assert not module.v.is_meta
    assert module.train(training)().is_meta
    assert module.u.is_meta
    assert module.v.is_meta


# ---- randomness


def test_a_generator_decides_bit_for_bit():
    conv = layer(3, 2, 3)
    one, again, other = (ConvPenalty(conv, 4, generator=seeded(seed)) for seed in (1, 1, 2))
    assert same(vectors(one), vectors(again))
    assert not torch.equal(one.v, other.v)


def test_a_generator_leaves_the_global_random_state_alone_and_is_used_up():
    conv, generator, state = layer(3, 2, 3), seeded(1), torch.get_rng_state()
    first, second = (ConvPenalty(conv, 4, generator=generator) for _ in range(2))
    first()
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first.v, second.v)


def test_the_start_is_drawn_on_the_device_of_the_generator_or_else_on_the_cpu(monkeypatch):
    devices, randn = [], torch.randn
    monkeypatch.setattr(
        torch,
        "randn",
        lambda *sizes, **options: (
            devices.append(options["device"].type) or randn(*sizes, **options)
        ),
    )
    monkeypatch.setattr(torch, "autocast", lambda kind, enabled: contextlib.nullcontext())
    conv = nn.Conv2d(2, 3, 3, padding=1, device="meta")
    for generator in (None, seeded()):
        ConvPenalty(conv, 4, generator=generator)
    assert devices == ["cpu", "cpu"]


def test_without_a_generator_every_start_is_the_same_and_the_global_state_is_left_alone():
    conv, found = layer(3, 2, 3), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        found.append(ConvPenalty(conv, 4))
        assert torch.equal(state, torch.get_rng_state())
    assert same(vectors(found[0]), vectors(found[1]))
    assert torch.equal(found[1].v, ConvPenalty(conv, 4, generator=seeded(0)).v)


# ---- bad input

BAD_ARGUMENTS = [
    (dict(input_size=0), ValueError, "input_size: wanted an integer of at least 1, got 0"),
    (dict(input_size=2.5), TypeError, "input_size: wanted an integer of at least 1, got 2.5"),
    (dict(input_size=True), TypeError, "input_size: wanted an integer of at least 1, got True"),
    (dict(input_size=None), TypeError, "input_size: wanted an integer of at least 1, got None"),
    (dict(input_size=(8, 0)), ValueError, "input_size: wanted an integer of at least 1, got 0"),
    (dict(input_size=(8, 2.5)), TypeError, "input_size: wanted an integer of at least 1, got 2.5"),
    (
        dict(input_size=(8,)),
        ValueError,
        r"input_size: wanted an integer or 2 of them, got \(8,\)",
    ),
    (
        dict(input_size=(3, 8, 8)),
        ValueError,
        r"input_size: wanted an integer or 2 of them, got \(3, 8, 8\)",
    ),
    (dict(alpha=0), ValueError, "alpha: wanted a positive finite number, got 0"),
    (dict(alpha=-1), ValueError, "alpha: wanted a positive finite number, got -1"),
    (dict(alpha=float("nan")), ValueError, "alpha: wanted a positive finite number, got nan"),
    (dict(alpha="1"), TypeError, "alpha: wanted a positive finite number, got '1'"),
    (
        dict(power_iterations=0),
        ValueError,
        "power_iterations: wanted an integer of at least 1, got 0",
    ),
    (
        dict(power_iterations=-1),
        ValueError,
        "power_iterations: wanted an integer of at least 1, got -1",
    ),
    (
        dict(power_iterations=1.5),
        TypeError,
        "power_iterations: wanted an integer of at least 1, got 1.5",
    ),
    (
        dict(gram="largest"),
        ValueError,
        "gram: wanted one of 'columns', 'rows', 'smaller', got 'largest'",
    ),
    (dict(gram=None), ValueError, "gram: wanted one of 'columns', 'rows', 'smaller', got None"),
]


@pytest.mark.parametrize(("options", "kind", "message"), BAD_ARGUMENTS)
def test_bad_arguments_are_named(options, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        ConvPenalty(layer(3, 2, 3), **{"input_size": 8, **options})
    if "input_size" not in options:
        with pytest.raises(kind, match=f"^{message}"):
            add_penalty(small_net(), (3, 8, 8), **options)


def test_what_is_printed():
    assert (
        repr(ConvPenalty(layer(3, 2, 5), (8, 6), 2, "rows", 4))
        == "ConvPenalty(3x3x2x5 on 8x6, alpha=2.0, gram='rows', power_iterations=4)"
    )
    assert (
        repr(ConvPenalty(layer(4, 2, 5), 3))
        == "ConvPenalty(4x4x2x5 on 3x3, alpha=1.0, gram='columns', power_iterations=2)"
    )


# ---- weights that are zero, not finite, or parametrised


@pytest.mark.parametrize("alpha", ALPHAS)
@grams
def test_weights_of_zero(alpha, gram):
    """B = -alpha I: u = -v, and R = alpha."""
    conv = layer(3, 3, 2)
    nn.init.zeros_(conv.weight)
    module = ConvPenalty(conv, 4, alpha, gram)
    value = module()
    value.backward()
    assert value.item() == pytest.approx(alpha, rel=1e-14)
    assert torch.allclose(module.u, -module.v, rtol=0, atol=1e-15)
    assert not conv.weight.grad.any()


def test_where_the_shifted_gram_is_zero_the_vectors_stay():
    """M = I and alpha = 1: at a minimum the value is 0 and the derivative finite."""
    conv = layer(3, 2, 2)
    nn.init.dirac_(conv.weight)
    module = ConvPenalty(conv, 4)
    assert [w.norm().item() for w in vectors(module)] == pytest.approx([1, 1], rel=1e-14)
    before = vectors(randomised(module))
    value = module()
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-15)
    assert conv.weight.grad.isfinite().all()
    assert same(before, vectors(module))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_do_not_spoil_the_vectors(bad):
    conv = layer(3, 2, 3)
    module = ConvPenalty(conv, 4)
    before, whole = vectors(module), conv.weight.detach().clone()
    conv.weight.data[0, 0, 1, 1] = bad
    value = module()
    assert not value.isfinite()
    for w, held in zip(before, vectors(module), strict=True):
        assert relative_error(held, w) < 1e-15
    conv.weight.data.copy_(whole)
    [triplet] = power_update(
        shifted_gram(ConvolutionOperator(kernel(conv), 4), 1.0),
        [SingularTriplet(0.0, *map(vector, before))],
        2,
    )
    assert module().item() == pytest.approx(triplet.sigma, rel=1e-12)


@pytest.mark.parametrize(
    ("w", "expected"),
    [
        ([3.0, 4.0], [0.6, 0.8]),
        ([0.0, 0.0], [1.0, 2.0]),
        ([np.nan, 1.0], [1.0, 2.0]),
        ([np.inf, 1.0], [1.0, 2.0]),
        ([-np.inf, 1.0], [1.0, 2.0]),
    ],
)
def test_normalised(w, expected):
    rows = torch.tensor([[8.0, 6.0], w])
    found = normalised(rows, torch.tensor([[5.0, 5.0], [1.0, 2.0]]))
    assert found.tolist() == [pytest.approx([0.8, 0.6]), pytest.approx(expected, rel=1e-7)]


def test_a_layer_with_spectral_norm():
    conv = spectral_norm(layer(3, 2, 3))
    module = ConvPenalty(conv, 4).eval()
    conv.eval()
    module().backward()
    original = conv.parametrizations.weight.original
    plain = layer(3, 2, 3)
    plain.weight.data = conv.weight.detach()
    other = ConvPenalty(plain, 4).eval()
    other.load_state_dict(module.state_dict())
    assert module().item() == pytest.approx(other().item(), rel=1e-13)
    [wanted] = torch.autograd.grad(
        conv.weight, original, torch.autograd.grad(other(), plain.weight)[0]
    )
    assert original.grad.abs().max() > 1e-3
    assert relative_error(original.grad, wanted) < 1e-12
    conv.train()
    module.train()().backward()
    assert original.grad.isfinite().all()


def test_a_model_with_spectral_norm_and_weight_norm():
    model = nn.Sequential(
        spectral_norm(nn.Conv2d(3, 4, 3, padding=1)),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 2, 3, padding=1)),
    )
    regularizer = add_penalty(model, (3, 6, 6))
    regularizer().backward()
    assert regularizer.names == ["0", "1"]
    grads = {name: weight.grad for name, weight in model.named_parameters()}
    assert {name for name, grad in grads.items() if grad is None} == {"0.bias", "1.bias"}


# ---- training


@pytest.mark.parametrize(("g", "h"), [(3, 1), (1, 3), (2, 2), (3, 2)])
@pytest.mark.parametrize("k", [2, 3])
def test_a_step_down_the_gradient_lowers_the_penalty(g, h, k):
    conv = layer_of(matlab_rand(k, k, g, h, state=1))
    module, before = ConvPenalty(conv, 6), penalty(kernel(conv), 6, gram="smaller")
    module().backward()
    torch.optim.SGD(conv.parameters(), lr=1e-4).step()
    assert penalty(kernel(conv), 6, gram="smaller") < before * (1 - 1e-4)


@pytest.mark.parametrize("shape", PAPER)
def test_fifty_steps_lower_the_penalty_of_the_papers_kernels_a_lot(shape):
    conv = layer_of(matlab_rand(*shape, state=1))
    module, before = ConvPenalty(conv, 15), penalty(kernel(conv), 15, gram="smaller")
    optimizer = torch.optim.SGD(conv.parameters(), lr=2e-3)
    for _ in range(50):
        optimizer.zero_grad()
        module().backward()
        optimizer.step()
    assert penalty(kernel(conv), 15, gram="smaller") < before / 5


@pytest.mark.parametrize(("g", "h"), [(3, 2), (2, 3)])
def test_compiled_it_gives_the_same(g, h):
    torch._dynamo.reset()
    conv = layer(3, g, h, dtype=torch.float32)
    module, other = (ConvPenalty(conv, (4, 5), generator=seeded()) for _ in range(2))
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    for _ in range(3):
        value, expected = compiled(), other()
        assert value.item() == pytest.approx(expected.item(), rel=1e-6)
        [gradient], [wanted] = (
            torch.autograd.grad(term, conv.weight) for term in (value, expected)
        )
        assert relative_error(gradient, wanted) < 1e-6
        assert relative_error(module.v, other.v) < 1e-6
        assert not module.v.requires_grad
        with torch.no_grad():
            conv.weight.mul_(1.1)


def test_a_value_that_overtakes_in_channels_that_are_not_coupled_is_not_found():
    """Known: one triplet, not the paper's two. diag(3, 1.5) turns slowly into diag(1.2, 3)."""
    conv = torch.nn.Conv2d(2, 2, 1, bias=False, dtype=torch.float64)
    term = ConvPenalty(conv, 1)
    for share in torch.cat([torch.zeros(200), torch.linspace(0, 1, 500)]).double():
        diagonal = (1 - share) * torch.tensor([3.0, 1.5]) + share * torch.tensor([1.2, 3.0])
        conv.weight.data = torch.diag(diagonal.double())[:, :, None, None]
        value = term().item()
    assert value == pytest.approx(1.2**2 - 1)
    assert penalty(np.diag([1.2, 3.0])[None, None], 1) == pytest.approx(8)


# ---- every kind of layer, against a dense matrix of unit images

kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
@grams
@pytest.mark.parametrize("alpha", ALPHAS)
def test_value_gradient_and_update_of_every_kind_of_layer(kind, gram, alpha):
    part, size = of_kind(kind)
    module = ConvPenalty(part, size, alpha, gram, power_iterations=1)
    M = matrix_of(part, module.input_size)
    assert module.shape == tuple(M.shape)
    rows = gram == "rows" or (gram == "smaller" and M.shape[0] < M.shape[1])
    assert module.gram_of_rows == rows
    B = dense_gram(M, alpha, rows)
    u, v = (embedded(module, w) for w in (module.u, module.v))
    groups = module.map.groups
    quotients = (u * (B @ v)).reshape(groups, -1).sum(1)
    expected = quotients.max() / (1 if groups > 1 else u.norm() * v.norm())
    [gradient] = torch.autograd.grad(expected, part.weight)
    value = module.eval()()
    [found] = torch.autograd.grad(value, part.weight)
    assert value.item() == pytest.approx(expected.item(), rel=1e-10)
    assert relative_error(found, gradient) < 1e-10
    u = by_group(B.detach() @ v, groups)
    v = by_group(B.detach() @ u, groups)
    module.train()()
    assert relative_error(by_group(embedded(module, module.u), groups), u) < 1e-10
    assert relative_error(by_group(embedded(module, module.v), groups), v) < 1e-10


def embedded(module, w):
    """A vector of the size of B: where one pixel stands for all, the same in every pixel."""
    side = module.shape[0] if module.gram_of_rows else module.shape[1]
    return w.reshape(w.shape[1], -1).expand(-1, side // w.numel() * w[0, 0].numel()).flatten()


@kinds
@grams
def test_many_iterations_give_the_penalty_of_every_kind_of_layer(kind, gram):
    """alpha = 0.1: the upper end decides."""
    part, size = of_kind(kind)
    module = ConvPenalty(part, size, 0.1, gram, power_iterations=2000)
    value = module()
    [found] = torch.autograd.grad(value, part.weight)
    M = matrix_of(part, module.input_size)
    square = M @ M.T if module.gram_of_rows else M.T @ M
    exact = (torch.linalg.eigvalsh(square) - 0.1).abs().max()
    [gradient] = torch.autograd.grad(exact, part.weight)
    assert value.item() == pytest.approx(exact.item(), rel=1e-10)
    if kind != "depthwise":  # its largest value may be double
        assert relative_error(found, gradient) < 1e-6


@kinds
def test_first_and_second_derivatives_of_every_kind_of_layer(kind):
    part, size = of_kind(kind)
    for gram in ("columns", "rows"):
        module = ConvPenalty(part, size, 0.5, gram).eval()
        assert torch.autograd.gradcheck(lambda weight, of=module: of(), (part.weight,))
    assert torch.autograd.gradgradcheck(lambda weight: module(), (part.weight,))


def test_every_group_has_a_triplet_and_the_largest_decides():
    """Two channels of one tap: the second overtakes, although nothing couples it to the first."""
    conv = nn.Conv2d(2, 2, 1, groups=2, bias=False, **DOUBLE)
    module = ConvPenalty(conv, 3)
    for weights, leading in (([3.0, 2.0], 0), ([3.0, 5.0], 1)):
        conv.weight.data = torch.tensor(weights, **DOUBLE).reshape(2, 1, 1, 1)
        value = module()
        [gradient] = torch.autograd.grad(value, conv.weight)
        assert value.item() == pytest.approx(max(weights) ** 2 - 1)
        assert gradient.flatten()[leading].item() == pytest.approx(2 * max(weights))
        assert gradient.flatten()[1 - leading] == 0


def test_one_pixel_stands_for_all_where_a_kernel_has_one_tap():
    for part, sizes in (
        (nn.Conv2d(3, 2, 1), {(9, 7): (1, 1), (1, 1): (1, 1)}),
        (nn.Conv2d(3, 2, 1, stride=2), {(9, 7): (9, 7)}),
        (nn.Conv2d(3, 2, 1, padding=1), {(9, 7): (9, 7)}),
        (nn.Conv2d(3, 2, 1, padding=1, stride=2), {(3, 3): (3, 3)}),  # 3 x 3 becomes 3 x 3
        (nn.Conv2d(3, 2, (1, 3), padding=(0, 1)), {(9, 7): (9, 7)}),
        (nn.ConvTranspose2d(3, 2, 1), {(9, 7): (1, 1)}),
        (nn.ConvTranspose2d(3, 2, 1, 1, 1, 2, dilation=3), {(9, 7): (9, 7)}),  # a shift
    ):
        for size, held in sizes.items():
            module = ConvPenalty(part, size, gram="columns")
            assert module.input_size == size
            assert module.shape[1] == 3 * size[0] * size[1]
            assert module.u.shape == (1, 3, *held)


@pytest.mark.parametrize("output_size", [(7, 8), (8, 8), [7, 7]])
def test_a_transposed_convolution_that_is_called_with_the_size_of_its_output(output_size):
    part = nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1, **DOUBLE)
    module = ConvPenalty(part, 4, 1.0, "columns", output_size=output_size)
    impulses = torch.eye(48, **DOUBLE).reshape(48, 3, 4, 4)
    zero = part(torch.zeros_like(impulses), output_size)
    M = (part(impulses, output_size) - zero).flatten(1).T
    assert module.shape == tuple(M.shape)
    expected = module.u.flatten() @ (dense_gram(M, 1.0, False) @ module.v.flatten())
    assert module.eval()().item() == pytest.approx(expected.item(), rel=1e-12)


def test_a_layer_whose_settings_were_changed_to_single_numbers():
    part = nn.Conv2d(2, 3, 3, **DOUBLE)
    part.stride, part.padding, part.dilation = 2, 2, 2
    module = ConvPenalty(part, (5, 6), 1.0, "columns")
    M = matrix_of(part, (5, 6))
    assert module.shape == tuple(M.shape)
    expected = module.u.flatten() @ (dense_gram(M, 1.0, False) @ module.v.flatten())
    assert module.eval()().item() == pytest.approx(expected.item(), rel=1e-12)


# ---- weights that are computed


def old_spectral_norm(part):
    return nn.utils.spectral_norm(part)


def old_weight_norm(part):
    return nn.utils.weight_norm(part)


def pruned(part):
    return nn.utils.prune.random_unstructured(part, "weight", 0.5)


def new_weight_norm(part):
    return nn.utils.parametrizations.weight_norm(part)


def with_pruned_bias(part):
    return new_weight_norm(nn.utils.prune.random_unstructured(part, "bias", 0.5))


COMPUTED = [
    spectral_norm,
    new_weight_norm,
    old_spectral_norm,
    old_weight_norm,
    pruned,
    with_pruned_bias,
]


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("computed", COMPUTED)
@pytest.mark.parametrize("before_the_model", [True, False])
def test_computed_weights_are_followed_in_any_order_of_calls(computed, before_the_model):
    part = computed(layer(3, 2, 3, bias=True))
    if "spectral" in computed.__name__:  # else every look at the weight is a step of its own
        part.eval()
    module = ConvPenalty(part, 4)
    optimizer = torch.optim.SGD(part.parameters(), lr=0.1)
    X = torch.randn(1, 2, 4, 4, dtype=torch.float64)
    for _ in range(3):
        optimizer.zero_grad()
        terms = [module, lambda: part(X).square().sum()]
        (terms[not before_the_model]() + terms[before_the_model]()).backward()
        grads = [p.grad.clone() for p in part.parameters() if p.grad is not None]
        assert all(grad.abs().max() > 0 for grad in grads)
        optimizer.step()
        value = module.eval()().item()
        module.train()
        part(X)  # the hooks of the layer set its weight
        M = matrix_of(part, (4, 4)).detach()
        expected = module.u.flatten() @ (dense_gram(M, 1.0, False) @ module.v.flatten())
        assert value == pytest.approx(expected.item(), rel=1e-12)


def test_a_weight_that_something_else_sets_is_refused():
    part = nn.utils.prune.random_unstructured(nn.Conv2d(2, 2, 3), "bias", 0.5)
    weight = part.weight
    del part.weight
    part.weight = 2 * weight
    with pytest.raises(ValueError, match=r"^layer: wanted a weight that is a Parameter"):
        ConvPenalty(part, 5)


# ---- state at another resolution


@pytest.mark.parametrize("kind", ["strided", "groups", "1-D", "3-D", "transposed", "dense"])
def test_a_state_of_another_resolution_is_resampled(kind):
    part, size = of_kind(kind)
    module = ConvPenalty(part, size)
    larger = ConvPenalty(part, tuple(2 * side for side in module.input_size))
    expected = [interpolate(w, size=larger.v.shape[2:]) for w in vectors(module)]
    larger.load_state_dict(module.state_dict())
    for w, wanted in zip(vectors(larger), expected, strict=True):
        assert relative_error(w.flatten(), by_group(wanted, larger.map.groups)) < 1e-15
    assert larger.v.shape == module.v.shape if kind == "dense" else larger.v.numel() > 4
    other = ConvPenalty(nn.Conv2d(5, 5, 3, padding=1, **DOUBLE), 4)
    with pytest.raises(RuntimeError, match="size mismatch"):
        other.load_state_dict(module.state_dict())


def test_a_state_in_which_the_smaller_gram_matrix_is_the_other_one():
    conv = nn.Conv2d(3, 4, 3, **DOUBLE)
    rows, columns = ConvPenalty(conv, 8), ConvPenalty(conv, 32)
    assert (rows.gram_of_rows, columns.gram_of_rows) == (True, False)
    before = vectors(columns)
    columns.load_state_dict(rows.state_dict())
    assert same(before, vectors(columns))


@pytest.mark.parametrize("bad", [torch.nan, 0.0])
def test_vectors_that_are_none_begin_anew(bad):
    conv = layer(3, 2, 3)
    module = ConvPenalty(conv, 4, power_iterations=300)
    for w in (module.u, module.v):
        w.fill_(bad)
    assert -1 <= module.eval()().item() <= penalty(kernel(conv), 4)
    value = module.train()()
    assert value.item() == pytest.approx(penalty(kernel(conv), 4), rel=1e-10)


def test_vectors_that_are_none_are_constant_in_eval_mode():
    part, size = of_kind("groups")
    module = ConvPenalty(part, size).eval()
    values = []
    for filling in (0.0, 1.0):
        for w in (module.u, module.v):
            w.fill_(filling)
        values.append(module().item())
    assert values[0] == pytest.approx(values[1], rel=1e-13)


def test_averaged_vectors_are_normalised():
    module = ConvPenalty(layer(3, 2, 3), 4).eval()
    value = module().item()
    module.u.mul_(0.5)
    module.v.mul_(0.25)
    assert module().item() == pytest.approx(value, rel=1e-14)


# ---- bad input, of other kinds


@pytest.mark.parametrize(
    ("part", "size", "options", "kind", "message"),
    [
        (nn.Conv2d(1, 1, 5), 4, {}, ValueError, "input_size: wanted at least 5x5, so that"),
        (nn.Conv1d(1, 1, 5, padding=1), 2, {}, ValueError, "input_size: wanted at least 3, so"),
        (
            nn.Conv1d(1, 1, 5, padding=3, padding_mode="reflect"),
            3,
            {},
            ValueError,
            "input_size: wanted an image that padding_mode='reflect' can pad, got 3: ",
        ),
        (nn.Linear(2, 2), 3, {}, ValueError, r"input_size: wanted \(\), got 3"),
        (nn.Linear(2, 2), (3,), {}, ValueError, r"input_size: wanted \(\), got \(3,\)"),
        (
            nn.Conv1d(1, 1, 1),
            (),
            {},
            ValueError,
            r"input_size: wanted an integer or 1 of them",
        ),
        (nn.Conv2d(1, 1, 1), "8", {}, TypeError, "input_size: wanted an integer of at least 1"),
        (nn.Conv2d(1, 1, 1), 2, {"output_size": 2}, ValueError, "output_size: wanted None but for"),
        (
            nn.ConvTranspose2d(1, 1, 3, stride=2),
            2,
            {"output_size": 8},
            ValueError,
            "output_size: wanted from 5x5 to 6x6, got 8x8",
        ),
        (nn.Conv2d(1, 1, 1), 2, {"generator": 3}, TypeError, "generator: wanted a torch.Generator"),
        (
            nn.Conv2d(1, 1, 3, dtype=torch.complex64),
            4,
            {},
            ValueError,
            r"layer: wanted real weights of at least 16 bits, got torch\.complex64",
        ),
        (nn.Conv2d(1, 1, 1), 2, {"name": 3}, TypeError, "name: wanted a string, got 3"),
        (nn.Linear(0, 3), (), {}, ValueError, r"layer: wanted inputs and outputs, got M of shape"),
        (nn.LazyConv2d(1, 1), 2, {}, ValueError, "layer: wanted a layer that has seen an input"),
        (nn.Embedding(2, 2), 2, {}, TypeError, "layer: wanted one of Conv1d, .*, got Embedding"),
        ("conv", 2, {}, TypeError, "layer: wanted one of Conv1d, .*Linear, got str"),
    ],
)
def test_bad_input_is_named(part, size, options, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        ConvPenalty(part, size, **options)
