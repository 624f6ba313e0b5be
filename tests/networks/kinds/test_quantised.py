"""Vector and scalar quantisation: what is chosen, how a codebook learns, what gradients see."""

import pytest
import torch
from problems import space_of
from torch import nn
from torch.nn.functional import mse_loss

from asymnas.core.errors import ConfigError
from asymnas.networks.families import Problem
from asymnas.networks.kinds import Autoencoder, LatentSpec, kind_of
from asymnas.networks.kinds.fsq import Levels
from asymnas.networks.kinds.vq import DECAY, Codebook


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 4, 3), (5, 6, 7)])
def test_each_vector_is_the_nearest_of_the_codebook(shape):
    codebook = Codebook(codes=11, width=3)
    code = torch.randn(shape, generator=generator())
    quantised = codebook(code)
    assert quantised.shape == code.shape
    indices = codebook.nearest(code).flatten()
    vectors, found = codebook.split(code).flatten(0, 1), codebook.split(quantised).flatten(0, 1)
    for vector, nearest, index in zip(vectors, found, indices, strict=True):
        distances = (codebook.weight - vector).square().sum(1)
        assert torch.equal(nearest, codebook.weight[index])
        assert distances[index] == distances.min()


def test_a_position_of_a_map_is_cut_along_its_channels():
    code = torch.arange(2 * 4 * 2 * 2, dtype=torch.float).view(2, 4, 2, 2)
    codebook = Codebook(codes=2, width=2)
    vectors = codebook.split(code)
    assert vectors.shape == (2, 8, 2)
    assert vectors[0, 0].tolist() == code[0, :2, 0, 0].tolist()
    assert vectors[0, 1].tolist() == code[0, 2:, 0, 0].tolist()
    assert torch.equal(codebook.join(vectors, code), code)


def test_a_codebook_follows_the_means_of_its_vectors():
    """Two clusters, two codes: each ends at a mean, and has all of its cluster's choices."""
    centres = torch.tensor([[-2.0, 1.0], [3.0, 0.5]])
    codebook = Codebook(codes=2, width=2)
    with torch.no_grad():
        codebook.weight.copy_(centres + 0.4)
    codebook.chosen.fill_(64.0)
    codebook.total.copy_(64 * codebook.weight)
    for step in range(600):
        noise = 0.1 * torch.randn(64, 2, 2, generator=generator(step))
        codebook.learn((centres + noise).flatten(1), generator(step), revive=True)
    torch.testing.assert_close(codebook.weight.data, centres, atol=0.03, rtol=0)
    torch.testing.assert_close(codebook.chosen, torch.full((2,), 64.0))


def test_one_step_is_the_moving_average():
    codebook = Codebook(codes=3, width=1)
    codebook.weight.data = torch.tensor([[0.0], [1.0], [5.0]])
    codebook.chosen.copy_(torch.tensor([4.0, 4.0, 4.0]))
    codebook.total.copy_(4 * codebook.weight.data)
    codebook.learn(torch.tensor([[0.2, 0.1, 0.9, 1.3]]), generator(), revive=True)
    chosen = [DECAY * 4 + (1 - DECAY) * n for n in (2, 2, 0)]
    total = [(1 - DECAY) * 0.3, DECAY * 4 + (1 - DECAY) * 2.2, DECAY * 20]
    assert codebook.chosen.tolist() == pytest.approx(chosen)
    expected = [t / c for t, c in zip(total, chosen, strict=True)]
    assert codebook.weight.flatten().tolist() == pytest.approx(expected, rel=1e-4)


def test_dead_codes_take_the_place_of_encoder_outputs():
    codebook = Codebook(codes=50, width=2)
    with torch.no_grad():
        codebook.weight.fill_(100.0)  # far from all
    code = torch.randn(40, 4, generator=generator())
    codebook.learn(code, generator(1), revive=True)  # all choose the first, so all others are dead
    vectors = {tuple(v) for v in codebook.split(code).flatten(0, 1).tolist()}
    alive = [tuple(v) for v in codebook.weight[1:].tolist()]
    near = [min(max(abs(a - b) for a, b in zip(v, w, strict=True)) for w in vectors) for v in alive]
    assert max(near) < 1e-3
    assert len({tuple(round(x, 3) for x in v) for v in alive}) > 25
    with torch.no_grad():  # one that nothing chooses any more
        codebook.weight[7], codebook.total[7] = 1e3, 1e3 * codebook.chosen[7]
    for step in range(400):
        codebook.learn(code, generator(step), revive=True)
    assert codebook.weight[7].abs().max() < 10


def test_gradients_pass_straight_through_and_commitment_pulls():
    kind = kind_of("vq:codes=8,width=2,commitment=0.5")
    model = Autoencoder(nn.Linear(3, 4), kind.bottleneck(4), nn.Linear(4, 3))
    x = torch.randn(16, 3, generator=generator())
    loss = kind.training_loss(model, x, generator(), 0.0)
    before = model.bottleneck.weight.clone()
    kind.training_loss(model, x, generator(), 0.5)
    assert not torch.equal(model.bottleneck.weight, before)  # it learned, by no gradient
    loss.backward()
    assert model.bottleneck.weight.grad is None
    code = model.encoder(x).detach().requires_grad_()
    kind = kind_of("vq:codes=8,width=2,commitment=0.5")
    torch.manual_seed(0)
    fresh = Autoencoder(nn.Identity(), kind.bottleneck(4), nn.Linear(4, 4))
    fresh.bottleneck.learn(code, generator(), revive=True)
    nearest = fresh.bottleneck(code).detach()
    loss = kind.training_loss(fresh, code, generator(), 0.5)
    loss.backward()
    through = nearest.clone().requires_grad_()
    mse_loss(fresh.decoder(through), code.detach()).backward()
    commitment = 0.5 * 2 * (code - nearest).detach() / code.numel()
    # the target is the code too: its own part of the gradient
    target = -2 * (fresh.decoder(nearest) - code).detach() / code.numel()
    torch.testing.assert_close(code.grad, through.grad + commitment + target)


def test_the_codebook_counts_as_shared_and_travels_with_the_weights():
    space = space_of("dense", Problem(shape=(64,), latent=8), kind="vq:codes=32", budget=5_000)
    architecture = space.sample(0).architecture
    assert architecture.counts.shared_params == 32 * 4
    assert architecture.counts.total_params <= 5_000
    assert "bottleneck.weight" in architecture.build(0).state_dict()


def test_a_latent_that_cannot_be_cut_is_refused():
    kind = kind_of("vq:width=4")
    assert kind.unsupported_reason(LatentSpec("dense", 16, 0)) is None
    assert "multiple of 4" in kind.unsupported_reason(LatentSpec("dense", 10, 0))
    for wrong in ("codes=1", "width=0", "commitment=-1"):
        with pytest.raises(ConfigError, match=r"must be (at least|from)"):
            kind_of(f"vq:{wrong}")


@pytest.mark.parametrize("levels", [2, 3, 8])
def test_scalars_are_rounded_to_even_levels(levels):
    codes = torch.linspace(-4, 4, 1001)[None]
    rounded = Levels(levels)(codes)
    found = rounded.unique()
    torch.testing.assert_close(found, torch.linspace(-1, 1, levels))
    assert (rounded - codes.tanh()).abs().max() <= 1 / (levels - 1) + 1e-6
    assert (rounded.diff() >= 0).all()


def test_the_gradient_of_rounding_is_that_of_squashing():
    code = torch.randn(4, 3, generator=generator()).requires_grad_()
    Levels(5)(code).sum().backward()
    torch.testing.assert_close(code.grad, 1 - code.detach().tanh() ** 2)


def test_levels_are_counted_from_zero():
    kind = kind_of("fsq:levels=4")
    model = Autoencoder(nn.Identity(), kind.bottleneck(2), nn.Identity())
    x = torch.tensor([[-9.0, 9.0], [0.0, 0.5]])
    codes = kind.statistics(model, x, generator())["codes"]
    assert codes.tolist()[0] == [0, 3]
    assert codes.max() < model.bottleneck.codes == 4
    with pytest.raises(ConfigError, match="levels must be from 2"):
        kind_of("fsq:levels=1")
