"""SSE as a hook: what stays as it is, and that it goes with models wherever they go."""

from __future__ import annotations

import copy
import io
import math

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.checkpoint import checkpoint
from two_processes import in_two_processes

from sse_nmt.methods.sse import UniformTransition, apply_sse, attach

ROWS, WIDTH = 20, 8


class ScaledEmbedding(nn.Embedding):
    """A look-up of its own, as BART's."""

    def forward(self, input_ids: Tensor) -> Tensor:
        return super().forward(input_ids) * math.sqrt(self.embedding_dim)


class Tied(nn.Module):
    """A language model as small as it can be, its output tied to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = ScaledEmbedding(ROWS, WIDTH)
        self.output = nn.Linear(WIDTH, ROWS, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.output(torch.tanh(self.embedding(input_ids=ids)))
        return logits


@pytest.fixture
def model() -> Tied:
    torch.manual_seed(1)
    return Tied()


def ids() -> Tensor:
    return torch.randint(ROWS, (5, 40), generator=torch.Generator().manual_seed(2))


def always() -> UniformTransition:
    return UniformTransition(ROWS, 1.0)


def test_class_keys_tying_and_optimisers_stay(model):
    keys, weight = list(model.state_dict()), model.embedding.weight
    attach(model.embedding, always())
    assert type(model.embedding) is ScaledEmbedding and list(model.state_dict()) == keys
    assert model.embedding.weight is weight is model.output.weight and len(list(model.parameters())) == 1


def test_training_alone_is_perturbed_and_the_look_up_is_its_own(model):
    plain = model.eval()(ids())
    handle = attach(model.embedding, always())
    assert torch.equal(model(ids()), plain)
    model.train()
    vectors = model.embedding(ids())
    rows = torch.cdist(vectors.reshape(-1, WIDTH), model.embedding.weight * math.sqrt(WIDTH)).argmin(-1).view(5, 40)
    assert (rows != ids()).all()
    assert torch.allclose(vectors, model.embedding.weight[rows] * math.sqrt(WIDTH))
    handle.remove()
    assert torch.equal(model(ids()), plain)


def test_it_draws_as_apply_sse_does():
    table = nn.Embedding(ROWS, WIDTH)
    attached = copy.deepcopy(table)
    attach(attached, UniformTransition(ROWS, 0.3), torch.Generator().manual_seed(5))
    shared = apply_sse(table, 0.3, generator=torch.Generator().manual_seed(5))
    assert torch.equal(attached(ids()), shared(ids())) and not torch.equal(attached(ids()), attached.weight[ids()])


def test_at_0_it_is_bit_equal_and_leaves_torchs_stream_alone(model):
    plain, state = model(ids()), torch.get_rng_state()
    attach(model.embedding, UniformTransition(ROWS, 0.0))
    assert torch.equal(model(ids()), plain) and torch.equal(torch.get_rng_state(), state)


def test_copies_and_pickles_have_it_too(model):
    attach(model.embedding, always(), torch.Generator().manual_seed(1))
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    drawn = [each.embedding(ids()) for each in (copy.deepcopy(model), loaded, model)]
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[1], drawn[2])
    assert not torch.equal(drawn[2], model.eval().embedding(ids()))


def test_an_averaged_model_averages_and_is_not_perturbed_in_evaluation(model):
    attach(model.embedding, always())
    averaged = AveragedModel(model)
    averaged.update_parameters(model)
    assert torch.equal(averaged.eval()(ids()), model.eval()(ids()))


@pytest.mark.parametrize("reentrant", [True, False])
def test_what_is_computed_again_draws_the_same(model, reentrant):
    """The look-up itself is within the checkpoint; torch keeps the state of its own generator."""
    attach(model.embedding, UniformTransition(ROWS, 0.5))
    gradients = []
    for again in (False, True):
        torch.manual_seed(3)
        model.zero_grad()
        zero = torch.zeros((), requires_grad=True)  # the old kind wants an input with a gradient
        piece = lambda ids, zero: model(ids) + zero  # noqa: E731
        out = checkpoint(piece, ids(), zero, use_reentrant=reentrant) if again else piece(ids(), zero)
        out.square().sum().backward()
        gradients.append(model.embedding.weight.grad.clone())
    assert torch.equal(*gradients)


def test_it_compiles_as_one_graph(model):
    attach(model.embedding, always())
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.manual_seed(1)
    first, second = compiled(ids()), compiled(ids())
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(compiled(ids()), first)
    assert torch.equal(compiled.eval()(ids()), model.eval()(ids()))


@pytest.mark.slow
def test_processes_that_train_together_agree_on_parameters_and_draw_for_themselves(tmp_path):
    code = (
        "import torch\n"
        "from torch import nn\n"
        "from torch.nn.parallel import DistributedDataParallel\n"
        "from sse_nmt.methods.sse import UniformTransition, attach\n"
        "from sse_nmt.methods.update_stream import UpdateStream\n"
        "torch.manual_seed(1)\n"
        "model = nn.Sequential(nn.Embedding(20, 4), nn.Linear(4, 20))\n"
        "attach(model[0], UniformTransition(20, 0.5), UpdateStream(1, 'tokens').on)\n"
        "drawn = []\n"
        "model[0].register_forward_hook(lambda _, ids, out: drawn.append(ids[0]))\n"
        "parallel = DistributedDataParallel(model)\n"
        "optimiser = torch.optim.SGD(parallel.parameters(), lr=0.1)\n"
        "ids = torch.arange(20)\n"
        "for _ in range(3):\n"
        "    optimiser.zero_grad(); nn.functional.cross_entropy(parallel(ids), ids).backward(); optimiser.step()\n"
        "for mine in (model[0].weight.detach(), torch.stack(drawn)):\n"
        "    both = [torch.zeros_like(mine), torch.zeros_like(mine)]\n"
        "    distributed.all_gather(both, mine.contiguous())\n"
        "    print(torch.equal(*both))\n"
    )
    for done in in_two_processes(code, tmp_path):
        assert done.stdout.split() == ["True", "False"], done.stderr


@pytest.mark.parametrize(
    ("embedding", "rows", "error", "sentence"),
    [
        (nn.LayerNorm(4), 4, TypeError, "have a `weight` of two dimensions, but is a LayerNorm instead."),
        (nn.Embedding(4, 2), 5, ValueError, "be for 4 rows, the size of the embedding, but is for 5 instead."),
        (apply_sse(nn.Embedding(4, 2)), 4, TypeError, "be without SSE, but this SSEEmbedding has it already."),
    ],
)
def test_what_cannot_be_is_refused(embedding, rows, error, sentence):
    with pytest.raises(error) as refused:
        attach(embedding, UniformTransition(rows, 0.1))
    assert str(refused.value).endswith(f" must {sentence}")


def test_not_twice_and_not_on_a_table_that_was_resized(model):
    attach(model.embedding, always())
    with pytest.raises(TypeError, match="this ScaledEmbedding has it already"):
        attach(model.embedding, always())
    model.embedding.weight = nn.Parameter(torch.zeros(ROWS + 1, WIDTH))
    with pytest.raises(ValueError, match=r"The table has 21 rows, but its transition is for 20: .*`remove`"):
        model(ids())
