"""Variational: the ELBO against torch's own distributions, and the weight of its parts."""

import math
from dataclasses import replace

import pytest
import torch
from problems import space_of
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from asymnas.core.config import DataSpec
from asymnas.core.errors import ConfigError
from asymnas.data.base import load_dataset
from asymnas.networks.families import Problem
from asymnas.networks.kinds import Autoencoder, kind_of
from asymnas.networks.kinds.variational import Posterior
from asymnas.training.checkpoints import load_weights
from asymnas.training.evaluation import as_input
from asymnas.training.rung import Job, train_rung

X = torch.rand(6, 5, generator=torch.Generator().manual_seed(1))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def network(kind):
    torch.manual_seed(0)
    return Autoencoder(nn.Linear(5, 6), Posterior(), nn.Linear(3, 5), kind.head())


def by_hand(model, likelihood, sd, seed=0):
    """Distortion and rate of each example with the very draw, from torch.distributions."""
    mean, log_variance = model.encoder(X).chunk(2, 1)
    posterior = Normal(mean, (log_variance / 2).exp())
    noise = torch.randn(mean.shape, generator=generator(seed))
    raw = model.decoder(mean + noise * posterior.stddev)
    made = (
        Bernoulli(logits=raw, validate_args=False) if likelihood == "bernoulli" else Normal(raw, sd)
    )
    return -made.log_prob(X).sum(1), kl_divergence(posterior, Normal(0.0, 1.0))


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_loss_is_the_negative_elbo(likelihood, beta):
    kind = kind_of(f"variational:beta={beta},likelihood={likelihood},sd=0.2")
    model = network(kind)
    distortion, kl = by_hand(model, likelihood, 0.2)
    found = kind.statistics(model, X, generator())
    torch.testing.assert_close(found["distortion"], distortion)
    torch.testing.assert_close(found["kl"], kl)
    constant = 2.5 * math.log(2 * math.pi * 0.2**2) if likelihood == "gaussian" else 0.0
    minimised = distortion - constant + beta * kl.sum(1)
    torch.testing.assert_close(kind.training_loss(model, X, generator(), 0.9), minimised.mean())
    least = Bernoulli(probs=X).entropy().sum(1) if likelihood == "bernoulli" else 0.0
    loss = kind.validate(model, X, generator()).loss
    torch.testing.assert_close(loss, minimised - least)
    assert (loss >= 0).all()


def test_the_rate_is_priced_little_by_little():
    kind, never = kind_of("variational:beta=2,warm_up=0.5"), kind_of("variational:beta=0")
    model = network(kind)
    losses = [kind.training_loss(model, X, generator(), p).item() for p in (0, 0.25, 0.5, 0.9)]
    free = never.training_loss(model, X, generator(), 0.9).item()
    rate = kind.statistics(model, X, generator())["kl"].sum(1).mean().item()
    assert losses == pytest.approx([free, free + rate, free + 2 * rate, free + 2 * rate])
    at_once = kind_of("variational:beta=2,warm_up=0")
    assert at_once.training_loss(model, X, generator(), 0.0).item() == pytest.approx(losses[-1])


def test_a_rung_is_scored_with_the_price_of_its_moment():
    kind, model = kind_of("variational:beta=2,warm_up=0.5"), network(kind_of("variational"))
    losses = [kind.validate(model, X, generator(), p).loss for p in (0, 0.25, 0.5, 1.0)]
    rate = kind.statistics(model, X, generator())["kl"].sum(1)
    for loss, weight in zip(losses, (0, 1, 2, 2), strict=True):
        torch.testing.assert_close(loss, losses[0] + weight * rate)


def test_the_output_is_made_of_the_mean():
    kind = kind_of("variational:likelihood=bernoulli")
    model = network(kind)
    output = kind.validate(model, X, generator(1)).output
    assert torch.equal(output, kind.validate(model, X, generator(2)).output)
    torch.testing.assert_close(output, model.decode(model.encoder(X)[:, :3]))
    assert ((output > 0) & (output < 1)).all()


def test_a_posterior_without_bounds_stays_finite():
    code = torch.full((2, 4), 1e5)
    mean, log_variance = Posterior().moments(code)
    assert log_variance.exp().isfinite().all()
    assert torch.equal(mean, code[:, :2])


def test_maps_have_a_posterior_at_each_position():
    mean, log_variance = Posterior().moments(torch.randn(2, 6, 4, 4))
    assert mean.shape == log_variance.shape == (2, 3, 4, 4)


@pytest.mark.parametrize("wrong", ["beta=-1", "warm_up=2", "sd=0"])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="must be"):
        kind_of(f"variational:{wrong}")


def trained(job, path):
    """The network at the end of the rung before the last: the last may be called a collapse."""
    train_rung(replace(job, total=job.until + 1, save=path))
    return load_weights(job.architecture.build(), path)


@pytest.mark.slow
@pytest.mark.essential
def test_a_high_price_empties_the_latent(tmp_path):
    """With a heavy weight the posterior is the prior; without one it is used."""
    rates = {}
    for beta in (0.01, 1000.0):
        kind = f"variational:beta={beta},warm_up=0"
        space = space_of("dense", Problem(shape=(1, 8, 8), latent=16), kind=kind, budget=20_000)
        job = Job(
            architecture=space.sample(2).architecture,
            data=DataSpec(name="digits"),
            learning_rate=4e-3,
            batch_size=64,
            seed=0,
            until=200,
            total=200,
            device="cpu",
        )
        model = trained(job, tmp_path / "weights.pt")
        x = as_input(load_dataset(job.data).validation[:100])
        rates[beta] = kind_of(kind).statistics(model, x, generator())["kl"].sum(1).mean().item()
    assert rates[0.01] > 10
    assert rates[1000.0] < 0.01


def test_validation_encodes_once_and_its_output_is_the_reconstruction():
    space = space_of("dense", Problem(shape=(1, 8, 8), latent=4), kind="variational", budget=9_000)
    model = space.sample(0).architecture.build(0).eval()
    x = torch.rand(5, 1, 8, 8)
    passes = []
    model.encoder.register_forward_hook(lambda *arguments: passes.append(1))
    with torch.inference_mode():
        output, _ = kind_of("variational").validate(model, x, torch.Generator().manual_seed(0))
        assert len(passes) == 1
        assert torch.equal(output, model(x))
