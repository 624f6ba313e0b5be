"""What holds of every registered kind, and the plain one by hand."""

import dataclasses
from functools import lru_cache

import pytest
import torch
from problems import drawn, space_of
from torch import nn

from asymnas.core.budget import Budget
from asymnas.core.errors import ConfigError
from asymnas.networks.architecture import Architecture, unsupported_reason
from asymnas.networks.counting import count_macs
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.kinds import KINDS, Autoencoder, kind_of

PROBLEMS = {
    "row": ("dense", Problem(shape=(7,), latent=4)),
    "vector": ("conv2d", Problem(shape=(1, 8, 8), latent=4)),
    "map": ("conv2d", Problem(shape=(1, 8, 8), latent=4, bottleneck="spatial")),
    "patches": ("transformer", Problem(shape=(1, 8, 8), latent=4, bottleneck="spatial")),
}


def taken(kind):
    """The problems that a kind takes."""
    return [
        (name, *p) for name, p in PROBLEMS.items() if unsupported_reason(p[0], *p, kind) is None
    ]


every_kind = pytest.mark.parametrize("kind", KINDS.names())
every_case = pytest.mark.parametrize(
    ("kind", "family", "problem"),
    [
        pytest.param(kind, family, problem, id=f"{name}-{kind}")
        for kind in KINDS.names()
        for name, family, problem in taken(kind)
    ],
)


@lru_cache
def architecture_of(kind, family, problem):
    architecture = space_of(family, problem, kind=kind, budget=10_000).sample(0).architecture
    assert architecture.kind == kind
    return architecture


def model_of(kind, family, problem):
    architecture = architecture_of(kind, family, problem)
    return architecture, architecture.build(0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@every_kind
def test_a_kind_takes_some_problems_and_says_why_not_the_others(kind):
    assert taken(kind)
    for family, problem in PROBLEMS.values():
        reason = unsupported_reason(family, family, problem, kind)
        if reason is None:
            continue
        assert reason.startswith(f"the {kind} kind cannot train {family} here: ")
        side = drawn(family, problem, 0).encoder
        with pytest.raises(ConfigError, match=f"the {kind} kind"):
            space_of(family, problem, kind=kind)
        with pytest.raises(ConfigError, match=f"the {kind} kind"):
            Architecture(
                encoder_family=family,
                decoder_family=family,
                encoder=side,
                decoder=side,
                kind=kind,
                **dataclasses.asdict(problem),
            )


@every_case
@pytest.mark.slow
@pytest.mark.essential
def test_macs_are_those_of_what_a_training_step_runs(kind, family, problem):
    architecture, model = model_of(kind, family, problem)
    x, calls = torch.randn(1, *problem.shape), []
    model.encoder.register_forward_hook(lambda m, inputs, output: calls.append(inputs))
    kind_of(kind).training_loss(model, x, generator(), 0.5)
    (inputs,) = calls
    counts = architecture.counts
    assert counts.encoder_macs == count_macs(model.encoder, *inputs) > 0
    rows = [row for row in architecture.layers() if row["side"] == "encoder"]
    assert sum(row["macs"] for row in rows) == counts.encoder_macs
    space = space_of(family, problem, kind=kind, budget=Budget(total_params=10_000, macs=10**9))
    fitted = [part.counts(getattr(architecture, part.name), 1.0).total_macs for part in space.parts]
    assert fitted == [counts.encoder_macs, counts.decoder_macs]


@every_case
def test_the_bottleneck_turns_a_code_into_a_latent(kind, family, problem):
    architecture, model = model_of(kind, family, problem)
    entry, latent_shape = kind_of(kind), FAMILIES.get(family).latent_shape(problem)
    x = torch.randn(3, *problem.shape)
    code = model.encoder(x)
    assert code.shape == (3, entry.code_size(problem.latent), *latent_shape[1:])
    assert entry.bottleneck(problem.latent)(code).shape == (3, *latent_shape)
    assert model(x).shape == x.shape
    assert architecture.counts.shared_params == sum(
        p.numel() for p in model.bottleneck.parameters()
    )


@every_case
def test_the_training_loss_is_a_scalar_that_reaches_every_parameter(kind, family, problem):
    _, model = model_of(kind, family, problem)
    x = torch.randn(16, *problem.shape, generator=generator())
    loss = kind_of(kind).training_loss(model, x, generator(), 0.5)
    assert loss.shape == ()
    assert loss.isfinite()
    loss.backward()
    learned = [*model.encoder.parameters(), *model.decoder.parameters()]
    assert all(p.grad is not None for p in learned)
    assert all(p.grad.isfinite().all() for p in learned)


@every_case
def test_the_generator_is_the_only_source_of_randomness(kind, family, problem):
    x = torch.randn(16, *problem.shape, generator=generator())
    losses = []
    for seed in (1, 2):
        _, model = model_of(kind, family, problem)  # training may change a codebook
        torch.manual_seed(seed)
        losses.append(kind_of(kind).training_loss(model, x, generator(), 0.5).item())
    assert losses[0] == losses[1]


@every_case
def test_validation_gives_an_output_and_one_loss_an_example(kind, family, problem):
    _, model = model_of(kind, family, problem)
    x = torch.randn(5, *problem.shape, generator=generator())
    clean = x.clone()
    with torch.inference_mode():
        output, loss = kind_of(kind).validate(model, x, generator())
    assert output.shape == x.shape
    assert loss.shape == (5,)
    assert output.dtype == loss.dtype == torch.float32
    assert output.isfinite().all()
    assert loss.isfinite().all()
    assert torch.equal(x, clean)


@every_case
def test_validation_draws_from_its_generator_alone(kind, family, problem):
    _, model = model_of(kind, family, problem)
    x = torch.randn(16, *problem.shape, generator=generator())
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(kind_of(kind).validate(model, x, generator()))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_plain_minimises_the_squared_error():
    model = Autoencoder(nn.Identity(), nn.Identity(), nn.Linear(2, 2, bias=False))
    nn.init.constant_(model.decoder.weight, 0.5)
    x = torch.tensor([[1.0, 3.0], [0.0, 0.0]])  # gives [[2, 2], [0, 0]]
    plain = kind_of("plain")
    assert plain.training_loss(model, x, generator(), 0.5).item() == (1 + 1 + 0 + 0) / 4
    output, loss = plain.validate(model, x, generator())
    assert torch.equal(output, model(x))  # it sees the clean example
    assert loss.tolist() == [1.0, 0.0]
    assert plain.code_size(9) == 9
    assert torch.equal(plain.bottleneck(9)(x), x)


def test_an_architecture_is_an_autoencoder_in_three_parts():
    architecture = Architecture.preset("reference")
    model = architecture.build(0)
    x = torch.randn(2, *architecture.shape)
    z = model.bottleneck(model.encoder(x))
    assert torch.equal(model.encode(x), z)
    assert torch.equal(model.decode(z), model.decoder(z))
    assert torch.equal(model(x), model.decoder(z))
