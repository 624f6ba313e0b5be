"""Rewritten layers compute what the layers they replace do, where they are to gain by it."""

from copy import deepcopy

import pytest
import torch
from test_rung import job_of
from torch import nn
from torch.nn.utils import prune

from asymnas import StudyConfig
from asymnas.runs.plan import plan_search
from asymnas.space.suggesters import Random
from asymnas.training import rewrites
from asymnas.training.rewrites import FoldedUpsampling, TiledConv2d, rewrite
from asymnas.training.rung import _State

REWRITTEN = (TiledConv2d, FoldedUpsampling)


def depthwise(kernel=5, channels=13, **options):
    return nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, **options)


def upsampled(kernel=5, outputs=6, mode="nearest", scale=2.0, **options):
    conv = nn.Conv2d(13, outputs, kernel, padding=kernel // 2, **options)
    return nn.Sequential(nn.Upsample(scale_factor=scale, mode=mode), conv)


def rewritten(layer):
    model = nn.Sequential(deepcopy(layer))
    rewrite(model)
    return model[0]


def results(model, x):
    """Output and all gradients, those of the input first."""
    model, x = deepcopy(model), x.clone().requires_grad_()
    output = model(x)
    (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()
    return [output.detach(), x.grad, *(p.grad for p in model.parameters())]


@pytest.fixture
def exactly(monkeypatch):
    """Rewritten layers compute in the precision of their input, which autocast would lower."""
    monkeypatch.setattr(rewrites, "_in_bf16", lambda x: True)
    monkeypatch.setattr(rewrites, "_lowered", lambda x: x)


@pytest.mark.parametrize("size", [(7, 7), (16, 11)], ids=str)
@pytest.mark.parametrize(
    "layer",
    [
        *(depthwise(kernel) for kernel in (5, 7, 9)),
        depthwise(bias=False),
        *(upsampled(kernel) for kernel in (5, 7, 9, 11)),
        upsampled(3, outputs=3),
        upsampled(bias=False),
    ],
    ids=str,
)
def test_a_rewritten_layer_computes_the_same(layer, size, exactly):
    layer, other = deepcopy(layer).double(), rewritten(layer).double()
    x = torch.rand(3, 13, *size).double()
    assert type(other) in REWRITTEN
    assert layer.state_dict().keys() == other.state_dict().keys()
    torch.testing.assert_close(results(other, x), results(layer, x))


@pytest.mark.parametrize(
    "layer",
    [
        depthwise(3),
        nn.Conv2d(13, 13, 5, padding=2),
        depthwise(padding_mode="circular"),
        depthwise(stride=2),
        depthwise(dilation=2),
        nn.Conv2d(13, 13, 5, groups=13),
        nn.Conv2d(13, 13, (5, 3), padding=(2, 1), groups=13),
        upsampled(3),
        upsampled(mode="bilinear"),
        upsampled(scale=3.0),
        upsampled(stride=2),
        upsampled(padding_mode="reflect"),
        nn.Sequential(*upsampled(), nn.ReLU()),
    ],
    ids=str,
)
def test_other_layers_stay(layer):
    model = nn.Sequential(layer)
    before = [type(each) for each in model.modules()]
    rewrite(model)
    assert [type(each) for each in model.modules()] == before


@pytest.mark.parametrize("layer", [depthwise(), upsampled()], ids=str)
@pytest.mark.parametrize(("size", "bf16"), [(14, False), (3, True)], ids=str)
def test_without_a_gain_the_same_is_computed_bit_by_bit(layer, size, bf16):
    other = rewritten(layer)
    x = torch.rand(3, 13, size, size)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        mine, theirs = results(other, x), results(layer, x)
    assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("layer", [depthwise(), upsampled()], ids=str)
def test_in_bf16_the_error_is_that_of_bf16(layer):
    other = rewritten(layer)
    x = torch.rand(3, 13, 14, 14)
    exact = results(layer, x)
    with torch.autocast("cpu", torch.bfloat16):
        mine, theirs = results(other, x), results(layer, x)
    for found, usual, right in zip(mine, theirs, exact, strict=True):
        assert 0 < (found - right).norm() < 1.5 * (usual - right).norm()


def gradient_penalty(layer, x):
    """A loss that holds the gradient by the input, as that of a contractive autoencoder."""
    x.requires_grad_()
    by_x = torch.autograd.grad(layer(x).float().square().sum(), x, create_graph=True)[0]
    return torch.autograd.grad(by_x.square().sum(), list(layer.parameters()))


def transformed(layer, x):
    """Forward and backward derivatives by `torch.func`, of the batch and of each example."""

    def loss(x):
        return layer(x).float().square().sum()

    each = torch.func.vmap(torch.func.grad(lambda one: loss(one[None])))(x)
    return each, torch.func.jvp(loss, (x,), (torch.ones_like(x),))[1]


@pytest.mark.parametrize("layer", [depthwise(), upsampled()], ids=str)
@pytest.mark.parametrize(
    "use",
    [
        gradient_penalty,
        transformed,
        lambda layer, x: layer(x[:0]),
        lambda layer, x: layer(x[0]),
        lambda layer, x: deepcopy(layer).double()(x.double()),
    ],
    ids=["gradient penalty", "torch.func", "no examples", "one example", "float64"],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of torch's own
def test_whatever_a_layer_is_used_for_works_as_without(layer, use):
    other, x = rewritten(layer), torch.rand(3, 13, 14, 14)
    with torch.autocast("cpu", torch.bfloat16):
        found, usual = use(other, x.clone()), use(layer, x.clone())
    torch.testing.assert_close(found, usual, rtol=0.05, atol=0.05 * norm(usual))


def norm(found):
    """The largest value of some tensors."""
    parts = [found] if isinstance(found, torch.Tensor) else found
    return max((float(part.detach().abs().max()) for part in parts if part.numel()), default=0.0)


@pytest.mark.parametrize(
    "hooked",
    [
        nn.utils.spectral_norm,
        nn.utils.weight_norm,
        lambda conv: prune.l1_unstructured(conv, "weight", 0.5),
        lambda conv: conv.register_forward_hook(lambda module, given, output: 2 * output),
    ],
    ids=["spectral norm", "weight norm", "pruning", "a hook"],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_hooks_of_a_part_are_called(hooked):
    torch.manual_seed(0)
    other = rewritten(upsampled())
    assert type(other) is FoldedUpsampling
    usual = nn.Sequential(*(deepcopy(part) for part in other))
    x = torch.rand(3, 13, 14, 14)
    outputs = []
    for layer in (other, usual):
        torch.manual_seed(1)
        hooked(layer[1])
        for _ in range(2):  # hooks may count steps
            with torch.autocast("cpu", torch.bfloat16):
                output = layer(x)
            output.float().square().mean().backward()
        outputs.append(output)
    assert torch.equal(*outputs)


def test_the_layers_of_a_search_are_rewritten_in_training():
    plan = plan_search(StudyConfig(dataset="fashion-mnist", budget=150_000, precision="bf16"))
    found = set()
    for seed in range(20):
        architecture = plan.space.suggest(Random(seed)).architecture
        job = job_of(architecture=architecture, precision="bf16")
        state = _State.of(job, torch.device("cpu"))
        found |= {type(layer) for layer in state.model.modules()}
    assert found >= set(REWRITTEN)
