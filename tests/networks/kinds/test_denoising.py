"""Denoising: what each corruption does, and that the target is the clean example."""

import pytest
import torch
from torch import nn

from asymnas.core.errors import ConfigError
from asymnas.networks.kinds import Autoencoder, kind_of
from asymnas.networks.kinds.denoising import GaussianNoise, GrossErrors, Masking
from asymnas.networks.kinds.plain import reconstruction

X = 1 + torch.rand(400, 50, generator=torch.Generator().manual_seed(7))  # no zeros
CORRUPTIONS = [GaussianNoise(), Masking(), GrossErrors()]
every_corruption = pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda c: type(c).__name__)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def identity():
    return Autoencoder(nn.Identity(), nn.Identity(), nn.Identity())


def test_the_registered_names():
    registered = ("denoising", "denoising-masking", "denoising-gross")
    for name, corrupt in zip(registered, CORRUPTIONS, strict=True):
        output = kind_of(name).validate(identity(), X, generator()).output
        assert torch.equal(output, corrupt(X, generator()))
    stronger = kind_of("denoising-gross:share=1,sd=50").validate(identity(), X, generator())
    assert (stronger.output - X).std().item() == pytest.approx(50, rel=0.05)


@pytest.mark.parametrize(
    "spec", ["denoising:sd=0", "denoising-masking:share=1.5", "denoising-gross:sd=-1"]
)
def test_sizes_out_of_range_are_refused(spec):
    with pytest.raises(ConfigError, match="must be"):
        kind_of(spec)


def test_gaussian_noise_has_its_deviation_everywhere():
    added = GaussianNoise(sd=0.3)(X, generator()) - X
    assert (added != 0).all()
    assert added.mean().abs() < 0.01
    assert added.std().item() == pytest.approx(0.3, rel=0.02)
    kurtosis = (added**4).mean() / (added**2).mean() ** 2
    assert kurtosis.item() == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.8, 1.0])
def test_masking_sets_a_share_to_zero_and_leaves_the_rest(share):
    masked = Masking(share=share)(X, generator())
    gone = masked == 0
    assert gone.float().mean().item() == pytest.approx(share, abs=0.01)
    assert torch.equal(masked[~gone], X[~gone])
    if share == 0.25:  # each value for itself: neither whole rows nor whole columns
        assert 0.05 < gone.float().mean(1).min() < gone.float().mean(1).max() < 0.5
        assert 0.15 < gone.float().mean(0).min() < gone.float().mean(0).max() < 0.35


def test_gross_errors_hit_a_share_hard_and_leave_the_rest():
    added = GrossErrors(share=0.2, sd=5.0)(X, generator()) - X
    hit = added != 0
    assert hit.float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert added[hit].std().item() == pytest.approx(5, rel=0.05)
    assert added[hit].mean().abs() < 0.3
    assert torch.equal((X + added)[~hit], X[~hit])


@every_corruption
def test_corruption_follows_from_the_generator(corrupt):
    clean = X.clone()
    first = corrupt(X, generator(1))
    assert torch.equal(first, corrupt(X, generator(1)))
    assert not torch.equal(first, corrupt(X, generator(2)))
    assert torch.equal(X, clean)
    assert first.shape == X.shape
    assert first.dtype == torch.float32


@every_corruption
def test_images_keep_their_channels_last(corrupt):
    x = torch.rand(4, 3, 5, 6).contiguous(memory_format=torch.channels_last)
    corrupted = corrupt(x, generator())
    assert corrupted.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(corrupted, corrupt(x.contiguous(), generator()))


@every_corruption
def test_the_network_sees_the_corrupted_example_and_aims_at_the_clean_one(corrupt):
    kind, corrupted = reconstruction("mse", corrupt), corrupt(X, generator())
    loss = kind.training_loss(identity(), X, generator(), 0.0)
    torch.testing.assert_close(loss, (corrupted - X).square().mean())
    output, losses = kind.validate(identity(), X, generator())
    assert torch.equal(output, corrupted)
    torch.testing.assert_close(losses, (corrupted - X).square().mean(1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@every_corruption
def test_corruption_on_cuda_stays_there(corrupt):
    there = torch.Generator("cuda").manual_seed(0)
    assert corrupt(X.cuda(), there).device.type == "cuda"
