"""Masked: what the encoder sees, what the loss is on, and what stands for a hidden patch."""

from dataclasses import replace

import pytest
import torch
from problems import space_of
from torch import nn

from asymnas import StudyConfig
from asymnas.core.config import DataSpec
from asymnas.core.errors import ConfigError
from asymnas.networks.architecture import Architecture
from asymnas.networks.counting import count_macs
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.kinds import Autoencoder, LatentSpec, kind_of
from asymnas.runs.plan import plan_search
from asymnas.training.rung import Job, train_rung

MASKED = kind_of("masked")
DIGITS = Problem(shape=(1, 8, 8), latent=4, bottleneck="spatial")  # 16 tokens


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Doubles(nn.Module):
    """An encoder of pairs of values as tokens, whose code is twice their sum; notes its calls."""

    tokens = 8

    def __init__(self):
        super().__init__()
        self.kept = None

    def forward(self, x, keep=None):
        self.kept = keep
        seen = torch.zeros(len(x), 8).scatter(1, keep, 1.0)
        return 2 * (x.reshape(-1, 8, 2).sum(2) * seen)[:, None]

    def spread(self, of_tokens):
        return of_tokens.repeat_interleave(2, 1)


class Spreads(nn.Module):
    """A decoder that gives each value of a token its code, and 0.5 for nothing."""

    def forward(self, z):
        return (z[:, 0] + 0.5).repeat_interleave(2, 1)


def test_the_loss_is_on_hidden_values_alone():
    encoder = Doubles()
    model = Autoencoder(encoder, nn.Identity(), Spreads())
    x = torch.randn(6, 16, generator=generator(3))
    loss = MASKED.training_loss(model, x, generator(1), 0.0)
    assert encoder.kept.shape == (6, 2)
    hidden = torch.ones(6, 8, dtype=torch.bool).scatter(1, encoder.kept, False)
    hidden = hidden.repeat_interleave(2, 1)
    assert hidden.sum(1).tolist() == [12] * 6
    torch.testing.assert_close(loss, (0.5 - x[hidden]).square().mean())
    output, losses = MASKED.validate(model, x, generator(1))
    assert torch.equal(output[~hidden], x[~hidden])
    assert (output[hidden] == 0.5).all()
    torch.testing.assert_close(losses.mean(), loss)
    torch.testing.assert_close(losses[2], (0.5 - x[2][hidden[2]]).square().mean())


def test_examples_hide_different_tokens_and_every_candidate_the_same():
    encoder = Doubles()
    model = Autoencoder(encoder, nn.Identity(), Spreads())
    x = torch.randn(400, 16)
    MASKED.validate(model, x, generator(1))
    first = encoder.kept
    MASKED.validate(model, x + 1, generator(1))
    assert torch.equal(encoder.kept, first)
    MASKED.validate(model, x, generator(2))
    assert not torch.equal(encoder.kept, first)
    seen = torch.zeros(400, 8).scatter(1, first, 1.0)
    assert (seen.sum(1) == 2).all()
    assert (seen.mean(0) - 0.25).abs().max() < 0.09  # four standard errors


@pytest.mark.parametrize(
    ("ratio", "tokens", "visible"),
    [(0.75, 49, 12), (0.75, 16, 4), (0.5, 3, 2), (0.99, 4, 1), (0.01, 4, 3), (0.75, 2, 1)],
)
def test_how_many_are_visible(ratio, tokens, visible):
    encoder = Doubles()
    encoder.tokens = tokens
    _, keep = kind_of(f"masked:ratio={ratio}").encoder_inputs(encoder, torch.ones(3, 2 * tokens))
    assert keep.shape == (3, visible)


def test_what_is_hidden_does_not_reach_the_loss_by_the_encoder():
    """Changing hidden pixels changes no output."""
    architecture = space_of("transformer", DIGITS, kind="masked").sample(0).architecture
    model = architecture.build(0)
    x = torch.rand(5, 1, 8, 8, generator=generator())
    output, _ = MASKED.validate(model, x, generator(1))
    hidden = output != x
    assert hidden.float().mean().item() == pytest.approx(0.75, abs=0.01)
    other, _ = MASKED.validate(model, torch.where(hidden, torch.rand(x.shape), x), generator(1))
    assert torch.equal(other, output)


def test_the_encoder_costs_what_it_sees():
    plain, masked = (
        space_of("transformer", DIGITS, kind=kind).sample(3).architecture
        for kind in ("plain", "masked")
    )
    assert (plain.encoder, plain.decoder) == (masked.encoder, masked.decoder)
    assert masked.encoder_params == plain.encoder_params
    assert masked.decoder_params == plain.decoder_params  # what stands for a patch is a bias
    assert masked.counts.decoder_macs == plain.counts.decoder_macs
    assert masked.counts.encoder_macs < 0.25 * plain.counts.encoder_macs
    model = masked.build(0)
    keep = torch.tensor([[9, 2, 13, 0]])
    assert masked.counts.encoder_macs == count_macs(model.encoder, torch.rand(1, 1, 8, 8), keep)


def test_encode_masks_nothing():
    model = space_of("transformer", DIGITS, kind="masked").sample(0).architecture.build(0)
    x = torch.rand(5, 1, 8, 8)
    z = model.encode(x)
    everything = torch.arange(16).expand(5, 16)
    torch.testing.assert_close(z, model.encoder(x, everything))
    assert (z.flatten(1) != 0).all()


@pytest.mark.parametrize(
    ("family", "bottleneck"),
    [("conv2d", "spatial"), ("transformer", "dense"), ("transformer", "pooled")],
)
def test_what_cannot_be_masked_says_so_when_a_run_is_settled(family, bottleneck):
    config = StudyConfig(
        dataset="digits", family=family, bottleneck=bottleneck, kind="masked", latent=4
    )
    with pytest.raises(ConfigError, match=f"masked kind cannot train {family} here.*transformer"):
        plan_search(config)


def test_a_single_patch_is_too_few():
    assert "single patch" in MASKED.unsupported_reason(LatentSpec("spatial", 4, 1))
    assert MASKED.unsupported_reason(LatentSpec("spatial", 4, 2)) is None


def test_an_encoder_without_tokens_is_refused_where_it_would_be_used():
    model = Autoencoder(nn.Linear(4, 2), nn.Identity(), nn.Linear(2, 4))
    with pytest.raises(ConfigError, match="an encoder of tokens but got Linear"):
        MASKED.training_loss(model, torch.rand(3, 4), generator(), 0.0)


@pytest.mark.slow
@pytest.mark.essential
def test_rung_by_rung_is_straight_through_and_learns(tmp_path):
    side = FAMILIES.get("transformer").config_type(
        width=16, heads=2, head_sizes=(8,), hidden=(32,), patch=2
    )
    job = Job(
        architecture=Architecture(
            encoder_family="transformer",
            decoder_family="transformer",
            encoder=side,
            decoder=side,
            shape=(1, 8, 8),
            latent=4,
            bottleneck="spatial",
            kind="masked",
        ),
        data=DataSpec(name="digits"),
        learning_rate=8e-3,
        batch_size=64,
        seed=0,
        until=120,
        total=120,
        device="cpu",
    )
    straight = train_rung(job)
    saved = tmp_path / "half.pt"
    half = train_rung(replace(job, until=60, save=saved))
    assert train_rung(replace(job, checkpoint=saved)).metrics == straight.metrics
    assert straight.metrics["val_loss"] < half.metrics["val_loss"]
    assert straight.metrics["val_loss"] < 0.075  # the pixel's mean alone leaves about 0.08
