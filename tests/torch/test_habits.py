"""What people do with a model while it trains: the regularizer goes along."""

import copy
import functools
import io

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

import ranks  # noqa: E402
from ranks import SmallNet  # noqa: E402
from torch import nn  # noqa: E402
from torch.multiprocessing import spawn  # noqa: E402
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from convreg.torch import ConvPenalty, add_penalty  # noqa: E402
from convreg.torch.forms import FORMS  # noqa: E402

SHAPE = (3, 8, 8)
forms = pytest.mark.parametrize("form", FORMS)
eager = functools.partial(torch.compile, backend="aot_eager")


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from one global random state."""
    torch.manual_seed(0)


def regularized(form, dtype=torch.float64, attached=False):
    """A model and its regularizer."""
    model = SmallNet().to(dtype)
    regularizer = add_penalty(model, SHAPE, form=form)
    if attached:
        model.regularizer = regularizer
    return model, regularizer


def images(number=4, dtype=torch.float64, seed=0):
    return torch.randn(number, *SHAPE, generator=torch.Generator().manual_seed(seed)).to(dtype)


def vectors(regularizer):
    """u and v of every term."""
    return [w.clone() for term in regularizer for w in (term.u, term.v)]


def weights(model):
    return [weight.detach().clone() for weight in model.parameters()]


def gradients(model):
    """In every parameter; they are cleared."""
    found = [weight.grad for weight in model.parameters()]
    model.zero_grad()
    return found


def same(ones, others):
    """Bit for bit."""
    return all(torch.equal(one, other) for one, other in zip(ones, others, strict=True))


def close(ones, others, tolerance):
    """Each to this, relative to the largest of all."""
    scale = max(other.abs().max() for other in others)
    pairs = zip(ones, others, strict=True)
    return all((one - other).abs().max() <= tolerance * scale for one, other in pairs)


def step(model, regularizer, optimizer, seed):
    """One of training; the loss."""
    optimizer.zero_grad()
    loss = model(images(seed=seed)).square().mean() + 0.1 * regularizer()
    loss.backward()
    optimizer.step()
    return loss.item()


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


# ---- several processes


@pytest.fixture(scope="module")
def found_by_ranks(tmp_path_factory):
    """What the two processes return, job by job."""
    folder = tmp_path_factory.mktemp("ranks")
    spawn(ranks.work, args=(str(folder),), nprocs=ranks.RANKS)
    return [torch.load(folder / f"{rank}.pt") for rank in range(ranks.RANKS)]


@pytest.mark.kernel
@pytest.mark.parametrize("job", ranks.JOBS, ids=lambda job: job.__name__)
def test_two_processes(found_by_ranks, job):
    """From different seeds: equal vectors, equal weights, the gradient of the whole loss."""
    first, second = (found[job.__name__] for found in found_by_ranks)
    assert "error" not in first, first["error"]
    assert same(first["vectors"], second["vectors"])
    assert same(first["weights"], second["weights"])
    assert close(first["gradients"], first["wanted"], 1e-12)
    if "values" in first:
        value, of_twin = first["values"]
        assert value == pytest.approx(of_twin, rel=1e-14)


# ---- precision


@forms
def test_under_autocast_in_bfloat16(form):
    """The penalty is that of single precision, in value and gradient."""
    model, regularizer = regularized(form, torch.float32)
    twin, of_twin = copy.deepcopy((model, regularizer))
    with torch.autocast("cpu", torch.bfloat16):
        output = model(images(dtype=torch.float32))
        value = regularizer()
        loss = output.float().square().mean() + value
    assert output.dtype == torch.bfloat16
    assert value.dtype == torch.float32
    loss.backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        value = regularizer()
    value.backward()
    of_twin()
    of_twin().backward()
    assert same(vectors(regularizer), vectors(of_twin))
    assert same(gradients_of_weights(model), gradients_of_weights(twin))


@forms
def test_no_product_is_taken_under_autocast(form, monkeypatch):
    """On the CPU autocast leaves torch.convolution alone; on other devices it does not."""
    seen = []
    convolution = torch.convolution

    def watched(*arguments):
        seen.append(torch.is_autocast_enabled("cpu"))
        return convolution(*arguments)

    monkeypatch.setattr(torch, "convolution", watched)
    with torch.autocast("cpu", torch.bfloat16):
        ConvPenalty(SmallNet().layers[0], 8, form=form)()
    assert len(seen) > 2 * 15
    assert not any(seen)


def gradients_of_weights(model):
    """Of the parameters that have one."""
    return [weight.grad for weight in model.parameters() if weight.grad is not None]


@forms
def test_a_scaled_loss_in_float16(form):
    """GradScaler multiplies the loss by 2^16 and takes it out again."""
    model, regularizer = regularized(form, torch.float32)
    twin, of_twin = copy.deepcopy((model, regularizer))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    before = weights(model)
    with torch.autocast("cpu", torch.float16):
        loss = 0 * model(images(dtype=torch.float32)).float().mean() + 0.1 * regularizer()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    (0.1 * of_twin()).backward()
    for weight, other in zip(model.parameters(), twin.parameters(), strict=True):
        wanted = torch.zeros_like(other) if other.grad is None else other.grad
        assert (weight.grad - wanted).norm() <= 1e-6 * wanted.norm()
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 2**16
    assert not same(before, weights(model))


# ---- compiled


@pytest.fixture
def _fresh_compiler():
    torch._dynamo.reset()


@forms
@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.parametrize("what", ["regularizer", "model", "loss"])
def test_compiled(form, what):
    """The regularizer alone, the model that has it, or all of a step's loss."""
    model, regularizer = regularized(form)
    twin, of_twin = copy.deepcopy((model, regularizer))

    def loss(model, regularizer, seed):
        return model(images(seed=seed)).square().mean() + 0.1 * regularizer()

    parts, of_loss = (model, regularizer), loss
    if what == "regularizer":
        parts = model, eager(regularizer, fullgraph=True)
    elif what == "model":
        compiled = eager(model)
        parts = compiled, add_penalty(compiled, SHAPE, form=form)
    else:
        of_loss = eager(loss)
    optimizers = [sgd(model), sgd(twin)]
    for seed in range(3):
        values = []
        for optimizer in optimizers:
            optimizer.zero_grad()
        for of_parts, now in ((of_loss, parts), (loss, (twin, of_twin))):
            value = of_parts(*now, seed)
            value.backward()
            values.append(value.item())
        assert values[0] == pytest.approx(values[1], rel=1e-12)
        for optimizer in optimizers:
            optimizer.step()
    assert close(weights(model), weights(twin), 1e-12)


# ---- copies and files


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


@forms
@pytest.mark.parametrize("attached", [True, False])
def test_a_copy_goes_its_own_way(form, attached):
    model, regularizer = regularized(form, attached=attached)
    twin, of_twin = copy.deepcopy((model, regularizer))
    parts = [twin.layers[0], twin.layers[3], twin.layers[5]]
    assert all(term.layer is part for term, part in zip(of_twin, parts, strict=True))
    before = vectors(regularizer), weights(model)
    optimizer = sgd(twin)
    losses = [step(twin, of_twin, optimizer, seed) for seed in range(2)]
    assert same(before[0], vectors(regularizer))
    assert same(before[1], weights(model))
    optimizer = sgd(model)
    assert [step(model, regularizer, optimizer, seed) for seed in range(2)] == losses
    assert same(vectors(of_twin), vectors(regularizer))


@forms
@pytest.mark.parametrize("attached", [True, False])
def test_a_run_that_is_taken_up_again_goes_on_bit_for_bit(form, attached):
    model, regularizer = regularized(form, attached=attached)
    optimizer = sgd(model)
    for seed in range(3):
        step(model, regularizer, optimizer, seed)
    parts = [model, optimizer] if attached else [model, optimizer, regularizer]
    states = through_a_file([part.state_dict() for part in parts])
    losses = [step(model, regularizer, optimizer, seed) for seed in range(3, 6)]
    torch.manual_seed(7)
    fresh, of_fresh = regularized(form, attached=attached)
    optimizer = sgd(fresh)
    parts = [fresh, optimizer] if attached else [fresh, optimizer, of_fresh]
    for part, state in zip(parts, states, strict=True):
        part.load_state_dict(state)
    assert [step(fresh, of_fresh, optimizer, seed) for seed in range(3, 6)] == losses
    assert same(weights(fresh), weights(model))
    assert same(vectors(of_fresh), vectors(regularizer))


@forms
@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 12, 6)])
def test_a_run_that_is_taken_up_again_at_another_resolution(form, shape):
    """The vectors are resampled: of unit norm, and close to where they have to go."""
    model, regularizer = regularized(form)
    for _ in range(200):
        regularizer()
    state = through_a_file(regularizer.state_dict())
    larger = add_penalty(model, shape, form=form)
    larger.load_state_dict(state)
    for term in larger:
        for w in (term.u, term.v):
            norms = w.reshape(term.layer.groups, -1).norm(dim=1)
            assert norms.tolist() == pytest.approx([1] * term.layer.groups, rel=1e-14)
    at_once = larger.eval()().item()
    larger.train()
    for _ in range(300):
        value = larger().item()
    assert at_once <= value * (1 + 1e-12)
    assert at_once > (0.8 if form == "squares" else 0.7) * value  # seen: 0.87 and 0.71


# ---- activation checkpointing


@forms
@pytest.mark.parametrize("reentrant", [True, False])
def test_the_regularizer_computed_again_in_the_backward_pass(form, reentrant):
    """Its vectors are updated once, and the gradient is that without checkpointing."""
    model, regularizer = regularized(form)
    twin, of_twin = copy.deepcopy((model, regularizer))
    for _ in range(3):
        start = torch.zeros((), dtype=torch.float64, requires_grad=True)
        value = checkpoint(lambda zero: zero + regularizer(), start, use_reentrant=reentrant)
        value.backward()
        expected = of_twin()
        expected.backward()
        assert value.item() == expected.item()
        assert same(vectors(regularizer), vectors(of_twin))
    assert same(gradients_of_weights(model), gradients_of_weights(twin))


class Held(nn.Module):
    """A model that gives its penalty beside its output."""

    def __init__(self, model, regularizer):
        super().__init__()
        self.model = model
        self.regularizer = regularizer

    def forward(self, X):
        return self.model(X), self.regularizer()


@forms
@pytest.mark.parametrize("reentrant", [True, False])
def test_the_model_computed_again_in_the_backward_pass(form, reentrant):
    both = [Held(*regularized(form))]
    both.append(copy.deepcopy(both[0]))
    for seed in range(3):
        X = images(seed=seed).requires_grad_()
        for held, again in zip(both, (True, False), strict=True):
            parts = checkpoint(held, X, use_reentrant=reentrant) if again else held(X)
            (parts[0].square().mean() + 0.1 * parts[1]).backward()
        assert same(vectors(both[0].regularizer), vectors(both[1].regularizer))
    assert same(gradients(both[0]), gradients(both[1]))


# ---- other modes


@forms
def test_a_validation_in_inference_mode_between_two_steps(form):
    model, regularizer = regularized(form)
    twin, of_twin = copy.deepcopy((model, regularizer))
    optimizers = [sgd(model), sgd(twin)]
    for seed in range(3):
        losses = [step(model, regularizer, optimizers[0], seed)]
        with torch.inference_mode():
            model.eval()
            regularizer.eval()
            model(images(seed=9))
            assert regularizer().item() > 0
        model.train()
        regularizer.train()
        losses.append(step(twin, of_twin, optimizers[1], seed))
        assert losses[0] == losses[1]
    assert same(vectors(regularizer), vectors(of_twin))


@forms
def test_the_regularizer_made_in_inference_mode_trains(form):
    model = SmallNet()
    with torch.inference_mode():
        regularizer = add_penalty(model, SHAPE, form=form)
        regularizer()
    other = add_penalty(model, SHAPE, form=form)
    other()
    assert regularizer().item() == other().item()
    regularizer().backward()
    assert len(gradients_of_weights(model)) == 3
    with torch.inference_mode():
        regularizer()
    regularizer.eval()().backward()
    regularizer.load_state_dict(other.state_dict())


def averaged(model, use_buffers):
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=use_buffers)


@forms
@pytest.mark.parametrize("use_buffers", [True, False])
@pytest.mark.parametrize("attached", [True, False])
def test_an_average_of_the_weights(form, use_buffers, attached):
    """The average has a regularizer of its own weights; that of the model is as without it."""
    model, regularizer = regularized(form, attached=attached)
    twin, of_twin = copy.deepcopy((model, regularizer))
    average = averaged(model, use_buffers)
    optimizers = [sgd(model), sgd(twin)]
    for seed in range(4):
        losses = [step(model, regularizer, optimizers[0], seed)]
        average.update_parameters(model)
        losses.append(step(twin, of_twin, optimizers[1], seed))
        assert losses[0] == losses[1]
    assert same(vectors(regularizer), vectors(of_twin))
    fresh = add_penalty(average.module, SHAPE, form=form)
    known = average.module.regularizer if attached else fresh
    for one in (fresh, known):
        one.train()
        for _ in range(300):
            value = one()
    assert value.item() == pytest.approx(fresh.eval()().item(), rel=1e-5)
    assert value.item() != pytest.approx(regularizer.eval()().item(), rel=1e-3)


@forms
@pytest.mark.parametrize("use_buffers", [True, False])
def test_the_value_of_an_average_before_its_vectors_are_updated(form, use_buffers):
    """The mean of unit vectors is shorter; the value is that of unit vectors, a lower bound."""
    model, regularizer = regularized(form, attached=True)
    average = averaged(model, use_buffers)
    optimizer = sgd(model)
    for seed in range(4):
        step(model, regularizer, optimizer, seed)
        average.update_parameters(model)
    average.eval()
    at_once = average.module.regularizer().item()
    twin = copy.deepcopy(average.module.regularizer)
    for term in twin:
        for w in (term.u, term.v):
            rows = w.view(term.layer.groups, -1)
            rows /= rows.norm(dim=1, keepdim=True)
    assert at_once == pytest.approx(twin().item(), rel=1e-13)
    average.train()
    for _ in range(300):
        value = average.module.regularizer().item()
    assert 0.8 * value < at_once <= value * (1 + 1e-12)


@forms
@pytest.mark.parametrize("in_each", [True, False])
def test_accumulated_gradients(form, in_each):
    """The penalty in each part of a batch, or once at its end."""
    model, regularizer = regularized(form)
    twin, of_twin = copy.deepcopy((model, regularizer))
    parts = images(8).chunk(4)
    for i, part in enumerate(parts):
        loss = model(part).square().mean() / len(parts)
        if in_each:
            loss = loss + 0.1 * regularizer() / len(parts)
        elif i == len(parts) - 1:
            loss = loss + 0.1 * regularizer()
        loss.backward()
    terms = [twin(part).square().mean() / len(parts) for part in parts]
    if in_each:
        terms += [0.1 * of_twin() / len(parts) for _ in parts]
    else:
        terms.append(0.1 * of_twin())
    sum(terms).backward()
    assert close(gradients(model), gradients(twin), 1e-13)
    assert same(vectors(regularizer), vectors(of_twin))


@forms
@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_a_closure_that_lbfgs_calls_many_times(form, line_search):
    """Every call updates the vectors; the loss and the penalty come down all the same."""
    model, regularizer = regularized(form)
    for term in regularizer:
        nn.init.kaiming_normal_(term.layer.weight)
    optimizer = torch.optim.LBFGS(
        model.parameters(), lr=0.1 if line_search is None else 1, line_search_fn=line_search
    )
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = model(images()).square().mean() + regularizer()
        loss.backward()
        calls.append(loss.item())
        return loss

    before = regularizer().item()
    for _ in range(3):
        optimizer.step(closure)
    assert len(calls) > 6
    assert calls[-1] < 0.7 * calls[0]
    assert regularizer().item() < 0.7 * before
