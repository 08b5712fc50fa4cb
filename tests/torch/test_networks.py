"""R_alpha of every convolution of known kinds of networks, against matrices of unit images."""

import copy
import itertools
import math

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

import networks  # noqa: E402
from networks import NETWORKS, OWN_FORWARD, WITH_EXAMPLES  # noqa: E402
from torch import nn  # noqa: E402

from convreg.torch import CONVOLUTIONS, add_penalty  # noqa: E402

ALPHAS = (0.3, 1.0, 4.0)
GRAMS = ("columns", "rows", "smaller")
MOST_ITERATIONS = 400
pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
    pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated"),
]
each_network = pytest.mark.parametrize(
    "network", NETWORKS + WITH_EXAMPLES, ids=lambda make: make.__name__
)


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from one global random state."""
    torch.manual_seed(0)


def made(network):
    """The model in double precision, with He's start, and what `add_penalty` takes beside it."""
    model, takes = network()
    model.double().eval()
    for layer in convolutions(model).values():
        for weight in layer.parameters():
            if weight.ndim > 2:
                nn.init.kaiming_normal_(weight.data)
    if network in WITH_EXAMPLES:
        return model, {"example_inputs": doubled(takes)}
    return model, {"input_shape": takes}


def doubled(takes):
    """Images in double precision; the numbers of words stay integers."""
    if isinstance(takes, tuple):
        return tuple(image.double() for image in takes)
    return takes


def convolutions(model):
    """Every convolution of a model by its name; a shared one by every name that it has."""
    parts = model.named_modules(remove_duplicate=False)
    return {name: part for name, part in parts if isinstance(part, CONVOLUTIONS)}


def calls(model, takes):
    """The calls of every convolution in a pass: the shape of its input, and what else it takes."""
    seen = {}

    def record(name):
        def hook(layer, inputs, options, output):
            seen.setdefault(name, []).append((inputs[0].shape[1:], inputs[1:], options))

        return hook

    hooks = []
    for name, part in convolutions(model).items():
        hooks.append(part.register_forward_hook(record(name), with_kwargs=True))
    if "input_shape" in takes:
        model(torch.randn(1, *takes["input_shape"], dtype=torch.float64))
    elif isinstance(takes["example_inputs"], tuple):
        model(*takes["example_inputs"])
    else:
        model(takes["example_inputs"])
    for hook in hooks:
        hook.remove()
    return seen


class Dense:
    """M of every group of a layer, from what it makes of unit images, less what it makes of zero.

    A function of the layer's parameters, through whatever makes its weight of them.
    """

    def __init__(self, layer, shape, *inputs, **options):
        units = torch.eye(shape.numel(), dtype=torch.float64).reshape(-1, *shape)
        images = torch.cat([units, torch.zeros(1, *shape, dtype=torch.float64)])
        outputs = layer(images, *inputs, **options)
        M = (outputs[:-1] - outputs[-1]).flatten(1).T
        groups = layer.groups
        parts = M.reshape(groups, len(M) // groups, groups, -1)
        self.M = torch.stack([parts[i, :, i] for i in range(groups)])
        self.input_shape, self.output_shape = shape, outputs.shape[1:]

    def takes_rows(self, gram):
        """Of the matrices of a layer's groups: M M', not M'M."""
        return gram == "rows" or (gram == "smaller" and self.M.shape[1] < self.M.shape[2])

    def shifted(self, alpha, gram):
        """M'M - alpha I of every group, or M M' - alpha I."""
        M = self.M
        square = M @ M.mT if self.takes_rows(gram) else M.mT @ M
        return square - alpha * torch.eye(square.shape[1], dtype=M.dtype)

    def of_current_vectors(self, term, gram):
        """<u, (A'A - alpha) v>, the largest of the groups."""
        shape = self.output_shape if self.takes_rows(gram) else self.input_shape
        if term.u.shape[1:] != shape:
            assert set(term.layer.kernel_size) == set(term.layer.stride) == {1}
        u, v = (at_size(w, shape).reshape(len(self.M), -1, 1) for w in (term.u, term.v))
        A = self.M.mT if self.takes_rows(gram) else self.M
        values = ((A @ u) * (A @ v)).sum((1, 2)) - term.alpha * (u * v).sum((1, 2))
        return values.max()


def at_size(w, shape):
    """A vector as it is; or that of a layer of single pixels, in the corner of the whole image."""
    if w.shape[1:] == shape:
        return w
    assert w.numel() == shape[0]
    whole = torch.zeros(1, *shape, dtype=w.dtype)
    whole.flatten(2)[:, :, 0] = w.flatten(1)
    return whole


def randomised(term):
    """Random unit vectors for each group, u far from v."""
    for w in (term.u, term.v):
        start = torch.randn_like(w).reshape(term.layer.groups, -1)
        w.copy_((start / start.norm(dim=1, keepdim=True)).reshape(w.shape))
    return term


def gradients(value, layer):
    """In every parameter of a layer; zeros where there is none."""
    weights = [weight for weight in layer.parameters() if weight.requires_grad]
    return torch.autograd.grad(
        value, weights, retain_graph=True, allow_unused=True, materialize_grads=True
    )


def with_matrices(regularizer, model, takes):
    """For each term the matrix of its layer, called as the model calls it."""
    reached = {name: iter(seen) for name, seen in calls(model, takes).items()}
    for name, term in zip(regularizer.names, regularizer, strict=True):
        shape, inputs, options = next(reached[name])
        yield term, Dense(term.layer, shape, *inputs, **options)


# ---- which layers have a term


@each_network
@pytest.mark.filterwarnings("ignore:convreg")
def test_every_convolution_is_a_term_or_left_out_with_a_reason(network):
    model, takes = made(network)
    regularizer = add_penalty(model, **takes)
    terms = [(name, term.layer) for name, term in zip(regularizer.names, regularizer, strict=True)]
    known = convolutions(model)
    assert all(known[name] is layer for name, layer in terms)
    accounted = {id(layer) for _, layer in terms}
    accounted |= {id(known[name]) for name, reason in regularizer.left_out.items() if reason}
    assert accounted == {id(layer) for layer in known.values()}
    assert not set(regularizer.names) & set(regularizer.left_out)
    assert set(regularizer.names) <= set(calls(model, takes))


@pytest.mark.parametrize(
    ("network", "number"),
    [(networks.cifar_resnet18, 20), (networks.imagenet_resnet18, 20), (networks.deeplab, 13)],
)
def test_of_the_usual_ones_nothing_is_left_out(network, number, recwarn):
    model, takes = made(network)
    regularizer = add_penalty(model, **takes)
    assert len(regularizer) == len(set(regularizer.names)) == number
    assert not regularizer.left_out
    assert not recwarn.list


def test_a_head_that_is_used_in_training_alone_is_left_out_with_a_warning():
    model, shape = networks.two_heads()
    with pytest.warns(UserWarning, match="these have no penalty") as warnings:
        regularizer = add_penalty(model, shape)
    assert len(warnings) == 1
    assert regularizer.names == ["trunk", "head"]
    assert list(regularizer.left_out) == ["auxiliary.0", "auxiliary.2"]
    assert model.training


def test_a_parameter_of_two_layers_is_one_term():
    model, shape = networks.one_parameter_in_two_layers()
    with pytest.warns(UserWarning, match="these have no penalty"):
        regularizer = add_penalty(model, shape)
    assert regularizer.names == ["0"]
    assert regularizer.left_out == {"2": "its weight is that of 0"}


def test_a_layer_at_two_sizes_has_a_term_for_each():
    model, shape = networks.one_layer_at_two_sizes()
    regularizer = add_penalty(model, shape)
    assert [term.input_size for term in regularizer] == [(6, 6), (3, 3)]
    assert [term.layer for term in regularizer] == [model[0], model[0]]
    assert not regularizer.left_out


def test_two_images_and_words():
    model, images = networks.siamese()
    assert add_penalty(model, example_inputs=images).names == ["trunk.0.0", "trunk.1"]
    by_name = dict(zip(("left", "right"), images, strict=True))
    assert add_penalty(model, example_inputs=by_name).names == ["trunk.0.0", "trunk.1"]
    model, words = networks.text_cnn()
    assert len(add_penalty(model, example_inputs=words)) == 3


@pytest.mark.parametrize("network", OWN_FORWARD, ids=lambda make: make.__name__)
def test_a_layer_with_a_forward_of_its_own_is_refused_by_name(network):
    model, shape = network()
    with pytest.raises(ValueError, match=r"^model: skip=\['0', '2'\] leaves out") as error:
        add_penalty(model, shape)
    for name, line in zip("02", str(error.value).splitlines()[1:], strict=True):
        assert line.startswith(
            f"  {name}: wanted the output that Conv2d has with the stored weight"
        )
    model.append(nn.Conv2d(2, 2, 1))
    assert add_penalty(model, shape, skip=["0", "2"]).names == ["3"]
    assert add_penalty(model, shape, skip=type(model[0])).names == ["3"]


def test_a_single_tap_with_a_stride_leaves_pixels_unread():
    """So that M'M is singular, and R_alpha at least alpha, though W is orthogonal."""
    conv = nn.Conv2d(2, 2, 1, 2, bias=False)
    nn.init.dirac_(conv.weight)
    regularizer = add_penalty(nn.Sequential(conv), (2, 5, 4), alpha=1.0, gram="columns")
    assert regularizer().item() == pytest.approx(1, rel=1e-6)
    regularizer = add_penalty(nn.Sequential(conv), (2, 5, 4), alpha=1.0, gram="rows")
    assert regularizer().item() == pytest.approx(0, abs=1e-6)


def test_linear_layers_on_request():
    model, shape = networks.lenet()
    regularizer = add_penalty(model, shape, kinds=(*CONVOLUTIONS, nn.Linear))
    assert regularizer.names == ["0", "3", "6", "8", "10"]
    for i in (2, 3, 4):
        sigma = torch.linalg.svdvals(regularizer[i].layer.weight.detach())
        regularizer[i].power_iterations = 500
        wanted = (sigma.square() - 1).abs().max()
        assert regularizer[i]().item() == pytest.approx(wanted.item(), rel=1e-5)


# ---- values and gradients


@each_network
@pytest.mark.filterwarnings("ignore:convreg")
def test_value_and_gradient_are_those_of_the_matrix_of_unit_images(network):
    """At random vectors, u far from v; in every parameter that the weight is made of."""
    model, takes = made(network)
    matrices = [matrix for _, matrix in with_matrices(add_penalty(model, **takes), model, takes)]
    for alpha, gram in itertools.product(ALPHAS, GRAMS):
        regularizer = add_penalty(model, **takes, alpha=alpha, gram=gram)
        for term, matrix in zip(regularizer, matrices, strict=True):
            wanted = matrix.of_current_vectors(randomised(term), gram)
            value = term.eval()()
            assert value.shape == ()
            assert abs(value - wanted) < 1e-10 * (1 + abs(wanted))
            pairs = zip(gradients(value, term.layer), gradients(wanted, term.layer), strict=True)
            for found, expected in pairs:
                assert (found - expected).norm() <= 1e-10 * (1 + expected.norm())


def magnitudes(matrix, alpha, gram):
    """|sigma_i^2 - alpha| of every group, the largest first."""
    eigenvalues = torch.linalg.eigvalsh(matrix.shifted(alpha, gram).detach())
    return eigenvalues.abs().sort(dim=1, descending=True).values


def iterations_needed(sizes):
    """Of the power method, to its end: two products with B in each.

    Of the group that decides; eigenvalues that are equal do not slow it down.
    """
    deciding = sizes[sizes[:, 0].argmax()]
    below = deciding[deciding < deciding[0] * (1 - 1e-12)]
    if len(below) == 0:
        return 1
    return math.ceil(math.log(1e-14) / (4 * math.log(below[0] / deciding[0])))


@pytest.mark.parametrize(("gram", "alpha"), [("columns", 1.0), ("rows", 6.0)])
@each_network
@pytest.mark.filterwarnings("ignore:convreg")
def test_many_iterations_give_the_largest_of_all_groups(network, gram, alpha):
    """A lower bound, and R_alpha itself where the next eigenvalue is far enough away."""
    model, takes = made(network)
    found = 0
    regularizer = add_penalty(model, **takes, alpha=alpha, gram=gram)
    for term, matrix in with_matrices(regularizer, model, takes):
        sizes = magnitudes(matrix, alpha, gram)
        R = sizes.max().item()
        needed = iterations_needed(sizes)
        term.power_iterations = min(needed, MOST_ITERATIONS)
        with torch.no_grad():
            value = term().item()
        assert 0.99 * R < value <= R * (1 + 1e-12)
        if needed <= MOST_ITERATIONS:
            assert value == pytest.approx(R, rel=1e-10)
            found += 1
    assert found >= len(regularizer) // 10


# ---- weights that are made from others

MADE = [
    networks.weight_normed,
    networks.spectral_normed,
    networks.weight_normed_by_hooks,
    networks.spectral_normed_by_hooks,
    networks.pruned,
]
each_made = pytest.mark.parametrize("network", MADE, ids=lambda make: make.__name__)


@each_made
@pytest.mark.parametrize("pass_between", [True, False])
def test_after_a_step_the_value_is_that_of_the_new_weight(network, pass_between):
    """Whether or not the model has been called since, so that a hook has made the weight anew."""
    model, takes = made(network)
    regularizer = add_penalty(model, **takes)
    images = torch.randn(1, *takes["input_shape"], dtype=torch.float64)
    (model(images).square().mean() + regularizer()).backward()
    for layer in convolutions(model).values():
        for weight in layer.parameters():
            weight.data.add_(torch.randn_like(weight), alpha=0.3)
    if pass_between:
        model(images)
    values = [term.eval()() for term in regularizer]
    pairs = zip(values, with_matrices(regularizer, model, takes), strict=True)
    for value, (term, matrix) in pairs:
        wanted = matrix.of_current_vectors(term, "smaller")
        assert value.item() == pytest.approx(wanted.item(), rel=1e-12)


@each_made
@pytest.mark.parametrize("first", ["model", "regularizer"])
@pytest.mark.parametrize("together", [True, False])
def test_one_backward_pass_or_two_in_any_order(network, first, together):
    """In training mode, where spectral norms go on with a power method of their own."""
    model, takes = made(network)
    regularizer = add_penalty(model, **takes)
    model.train()
    images = torch.randn(2, *takes["input_shape"], dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def data_loss():
        return model(images).square().mean()

    parts = [data_loss, regularizer] if first == "model" else [regularizer, data_loss]
    before = regularizer().item()
    for _ in range(3):
        optimizer.zero_grad()
        losses = [part() for part in parts]
        if together:
            losses = [sum(losses)]
        for loss in losses:
            loss.backward()
        optimizer.step()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())
    assert regularizer().item() != before


@each_made
def test_the_model_is_left_so_that_it_can_be_copied(network):
    """What a hook has set with a graph can not be; what it has set without one is kept."""
    model, takes = made(network)
    with torch.no_grad():
        model(torch.zeros(1, *takes["input_shape"], dtype=torch.float64))
    regularizer = add_penalty(model, **takes)
    regularizer.report()
    regularizer().backward()
    twin, of_twin = copy.deepcopy((model, regularizer))
    assert all(term.layer is twin[i] for term, i in zip(of_twin, (0, 2), strict=True))
    assert of_twin.eval()().item() == regularizer.eval()().item()
