"""Networks as source: bit-equal, readable, and a line for what cannot be written."""

import re

import pytest
import torch
from marks import fast_first
from problems import CASES, space_of
from torch import Tensor, nn

from asymnas.core.errors import ExportError
from asymnas.networks.families import Problem
from asymnas.networks.source.module import Side, source_of


def loaded(side: Side) -> tuple[nn.Module, str]:
    """The class of a side, made from its source with its weights."""
    source = source_of([side])
    namespace = {"torch": torch, "F": nn.functional, "nn": nn, "Tensor": Tensor}
    exec(source.classes, namespace)
    made = namespace[side.name]()
    made.load_state_dict(dict(source.state[side.name]))
    return made.eval(), source.classes


def rows_of(width: int):
    return lambda batch: torch.randn(batch, width, generator=torch.Generator().manual_seed(batch))


@pytest.mark.parametrize(("family", "problem"), CASES)
@pytest.mark.parametrize("seed", fast_first(range(2)))
def test_every_family_is_written_bit_by_bit(family: str, problem: Problem, seed: int) -> None:
    architecture = space_of(family, problem, wide=bool(seed)).sample(seed).architecture
    model = architecture.build(0).eval()

    def inputs(batch: int) -> Tensor:
        return torch.randn(batch, *problem.shape, generator=torch.Generator().manual_seed(batch))

    made, text = loaded(Side("Network", model, inputs, "a network"))
    for batch in (1, 2, 7):
        x = inputs(batch)
        with torch.inference_mode():
            assert torch.equal(made(x), model(x))
    assert sum(p.numel() for p in made.parameters()) == architecture.counts.total_params
    assert max(map(len, text.splitlines())) <= 100
    assert "asymnas" not in text


def test_blocks_that_are_alike_are_one_class_with_arguments() -> None:
    problem = Problem(shape=(1, 16, 16), latent=3, bottleneck="dense")
    architecture = space_of("transformer", problem).sample(3).architecture
    model = architecture.build(0).eval()

    def inputs(batch: int) -> Tensor:
        return torch.zeros(batch, *problem.shape)

    source = source_of(
        [Side("Encoder", nn.Sequential(model.encoder, model.bottleneck), inputs, "")]
    )
    depth = len(architecture.encoder.head_sizes)
    assert depth > 1
    classes = re.findall(r"^class (\w+)", source.classes, re.MULTILINE)
    assert classes == ["AttentionPreNormBranch", "PreNormBranch", "Encoder"]
    assert source.classes.count("= AttentionPreNormBranch(") == depth


class Layer(nn.Module):
    """A layer with weights, and with what a test gives it to compute."""

    def __init__(self, compute, width: int = 4) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.compute = compute
        self.register_buffer("scale", torch.rand(width))
        self.constant = torch.arange(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(self, self.linear(x))


WRITTEN = [
    (lambda m, x: x + 2 * x - x / 3, "x + x * 2 - x / 3"),
    (lambda m, x: 1 - x, "1 - "),
    (lambda m, x: (x - 1) * (x + 1), "(x - 1) * (x + 1)"),
    (lambda m, x: x[:, 1:3], "[:, 1:3]"),
    (lambda m, x: x[..., ::2], "[..., ::2]"),
    (lambda m, x: x[:, None], "[:, None]"),
    (lambda m, x: x.flatten(1, -1).clamp(0, 1), ".clamp(0, 1)"),
    (lambda m, x: torch.stack([x, x.exp()]).mean(0), "torch.stack([x, x.exp()]).mean(0)"),
    (lambda m, x: x.reshape(len(x) * 2, 2).reshape(len(x), 4), "reshape(-1, 2)"),
    (lambda m, x: x.expand(3, *x.shape).sum(0), "expand(3, x.shape[0], 4)"),
    (lambda m, x: nn.functional.gelu(x, approximate="tanh"), 'approximate="tanh"'),
    (lambda m, x: nn.functional.gelu(x), "F.gelu(self.linear(x))"),
    (lambda m, x: x.float().double().float(), "float()"),
    (lambda m, x: x.to(torch.float64).to(torch.float32), "to(torch.float64)"),
    (lambda m, x: x.chunk(2, dim=1)[1], "_, x = "),
    (
        lambda m, x: torch.stack([part * 2 for part in x.unbind(1)], 1),
        "torch.stack([part * 2 for part in parts], 1)",
    ),
    (
        lambda m, x: torch.stack([p * n for n, p in enumerate(x.unbind(1))], 1),
        "torch.stack([parts[0] * 0, parts[1] * 1, parts[2] * 2, parts[3] * 3], 1)",
    ),
    (
        lambda m, x: sum(v * v for v in [(x * n).exp() for n in range(12)]),
        "x2 = (x * ",
    ),
    (lambda m, x: x.max(1).values, "self.linear(x).max(1)"),
    (lambda m, x: torch.where(x > 0, x, x * 0.1), "torch.where("),
    (lambda m, x: x.mT.mT, "self.linear(x).mT.mT"),
]


@pytest.mark.parametrize(("compute", "line"), WRITTEN)
def test_what_layers_compute_is_written_as_a_programmer_would(compute, line: str) -> None:
    layer, inputs = Layer(compute).eval(), rows_of(4)
    made, text = loaded(Side("Side", layer, inputs, ""))
    assert line in text
    x = inputs(5)
    assert torch.equal(made(x), layer(x))


UNWRITABLE = [
    (lambda m, x: x * 2 if x.sum() > 0 else x, "a layer calls __bool__, on whose answer"),
    (lambda m, x: x * float(x.max()), "a layer calls __float__, on whose answer"),
    (lambda m, x: x * x.mean().item(), "a layer calls item, on whose answer"),
    (lambda m, x: torch.cat([x] * len(x)), "in another way for another number of examples"),
    (lambda m, x: x * 2 if len(x) > 2 else x, "in another way for another number of examples"),
    (lambda m, x: x * m.scale, "a layer keeps scale, numbers that are no weights"),
    (lambda m, x: x[:, m.constant], "keeps a tensor that is no buffer and no parameter"),
]


@pytest.mark.parametrize(("compute", "words"), UNWRITABLE)
def test_what_cannot_be_written_is_one_line(compute, words: str) -> None:
    with pytest.raises(ExportError) as raised:
        source_of([Side("Side", Layer(compute).eval(), rows_of(4), "")])
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
