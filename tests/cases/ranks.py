"""What each of two processes does in the tests of distributed training; gloo, on the CPU."""

import copy
import traceback

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

import torch.distributed as dist  # noqa: E402
from torch import nn  # noqa: E402
from torch.distributed.fsdp import fully_shard  # noqa: E402
from torch.nn.parallel import DistributedDataParallel  # noqa: E402

from convreg.torch import add_penalty  # noqa: E402

RANKS = 2
SHAPE = (3, 6, 6)
STEPS = 3


class SmallNet(nn.Module):
    """With a stride, groups, a transposed convolution and batch norm."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, 2, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 2, 2, 2),
        )
        self.double()

    def forward(self, X):
        return self.layers(X)


def data_loss(model, rank):
    """Of the images of one rank."""
    generator = torch.Generator().manual_seed(100 + rank)
    images = torch.randn(4, *SHAPE, generator=generator, dtype=torch.float64)
    return model(images).square().mean()


def wanted_gradients(model, regularizer):
    """Of the data of all ranks on average, and of the penalty once; on copies."""
    model, regularizer = copy.deepcopy((model, regularizer))
    losses = [data_loss(model, rank) for rank in range(RANKS)]
    total = sum(losses) / RANKS + 0.1 * regularizer()
    return list(torch.autograd.grad(total, list(model.parameters())))


def whole(tensor):
    """Gathered where it is sharded."""
    tensor = tensor.detach()
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor.clone()


def trained(model, regularizer, rank, penalty_first=False):
    """A few steps: the gradients of the first, and the vectors and weights at their end."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    gradients = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        if penalty_first:
            loss = 0.1 * regularizer() + data_loss(model, rank)
        else:
            loss = data_loss(model, rank) + 0.1 * regularizer()
        loss.backward()
        gradients.append([whole(weight.grad) for weight in model.parameters()])
        optimizer.step()
    return {
        "gradients": gradients[0],
        "weights": [whole(weight) for weight in model.parameters()],
        "vectors": [w.clone() for term in regularizer for w in (term.u, term.v)],
    }


def replicated_with_the_regularizer_in_the_model(rank):
    """It is there before DistributedDataParallel makes the weights of all ranks equal."""
    model = SmallNet()
    model.regularizer = add_penalty(model, SHAPE)
    parallel = DistributedDataParallel(model)
    wanted = wanted_gradients(model, model.regularizer)
    return {"wanted": wanted, **trained(parallel, model.regularizer, rank)}


def replicated_with_the_regularizer_beside_it(rank):
    """It is not told to DistributedDataParallel."""
    parallel = DistributedDataParallel(SmallNet())
    regularizer = add_penalty(parallel, SHAPE)
    wanted = wanted_gradients(parallel.module, regularizer)
    return {"wanted": wanted, **trained(parallel, regularizer, rank)}


def sharded(rank, sharded_first, penalty_first):
    """Every convolution on its own, then the rest."""
    torch.manual_seed(0)
    model = SmallNet()
    twin = copy.deepcopy(model)
    if not sharded_first:
        regularizer = add_penalty(model, SHAPE)
    for part in (model.layers[0], model.layers[3], model):
        fully_shard(part)
    if sharded_first:
        regularizer = add_penalty(model, SHAPE)
    of_twin = add_penalty(twin, SHAPE)
    found = {"wanted": wanted_gradients(twin, of_twin)}
    found["values"] = [regularizer.eval()().item(), of_twin.eval()().item()]
    regularizer.train()
    return {**found, **trained(model, regularizer, rank, penalty_first)}


def sharded_afterwards(rank):
    return sharded(rank, sharded_first=False, penalty_first=False)


def sharded_before(rank):
    return sharded(rank, sharded_first=True, penalty_first=False)


def sharded_and_the_penalty_first(rank):
    return sharded(rank, sharded_first=True, penalty_first=True)


JOBS = [
    replicated_with_the_regularizer_in_the_model,
    replicated_with_the_regularizer_beside_it,
    sharded_afterwards,
    sharded_before,
    sharded_and_the_penalty_first,
]


def work(rank, folder):
    """All jobs in one process of the group; what they return goes to a file."""
    torch.set_num_threads(1)
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=RANKS)
    found = {}
    for job in JOBS:
        torch.manual_seed(rank)
        try:
            found[job.__name__] = job(rank)
        except Exception as error:
            found[job.__name__] = {"error": "".join(traceback.format_exception(error))}
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()
