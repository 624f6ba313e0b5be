"""The checkerboard index: what random weights do, and what a trained decoder is asked."""

import math

import pytest
import torch
from fake_views import FakeView, Sides
from torch import nn

from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.initial_weights import initialise
from asymnas.networks.upsampling import UPSAMPLINGS
from asymnas.networks.upsampling.pixel_shuffle import SubpixelConv
from asymnas.training.metrics import METRICS
from asymnas.training.metrics.checkerboard import (
    relative_ripple,
    response,
    ripple,
    upsampling_layers,
)

checkerboard = METRICS.get("checkerboard").of


def transposed(kernel):
    return lambda: UPSAMPLINGS.get("transposed")(128, 64, kernel, 2)


def learned_bilinear():
    depthwise = nn.ConvTranspose2d(128, 128, 4, stride=2, padding=1, groups=128)
    return nn.Sequential(depthwise, nn.Conv2d(128, 64, 1))


@torch.no_grad()
def ripples_of_ones(make, dims=2):
    """Of a constant one, for each channel and each of several draws of PyTorch's own weights."""
    found = []
    for seed in range(20):
        torch.manual_seed(seed)
        layer = make()
        found.append(ripple(response(layer, torch.ones(1, 128), dims)))
    return torch.cat(found)


@pytest.mark.parametrize(
    ("make", "known"),
    [
        (transposed(2), 0.32),
        (transposed(3), 0.38),
        (transposed(4), 0.32),
        (transposed(5), 0.38),
        (lambda: SubpixelConv(128, 64, 3), 0.46),
        (learned_bilinear, 0.16),
        (lambda: UPSAMPLINGS.get("nearest")(128, 64, 3, 2), 0.0),
        (lambda: UPSAMPLINGS.get("bilinear")(128, 64, 3, 2), 0.0),
        (lambda: initialised(SubpixelConv(128, 64, 3)), 0.0),
    ],
)
def test_ripple_of_a_constant_at_random_weights(make, known):
    """The values known were measured on single draws; those of draws differ by 0.06."""
    found = float(ripples_of_ones(make).mean())
    assert found == pytest.approx(known, abs=0.07 if known else 1e-6)


@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
def test_the_mean_square_of_the_ripple_follows_from_the_variance_of_the_weights(kernel):
    """Of PyTorch's weights, 1 / (3 · 64 kernel²): four sums over 128 channels of kernel² taps."""
    found = ripples_of_ones(transposed(kernel)).square().mean()
    of_a_sum = 128 / (3 * 64 * kernel**2) * kernel**2 / 4
    assert float(found) == pytest.approx(0.75 * of_a_sum, rel=0.05)


def initialised(layer):
    initialise(layer)
    return layer


def test_a_signal_ripples_like_its_two_taps():
    """Two independent sums of 128 taps of variance 1 / (3 · 64 · 2): half their distance."""
    found = ripples_of_ones(lambda: UPSAMPLINGS.get("transposed_k2")(128, 64, 3, 1), 1).mean()
    sd = math.sqrt(128 / (3 * 64 * 2))
    assert float(found) == pytest.approx(sd / math.sqrt(math.pi), rel=0.1)


@pytest.mark.parametrize("dims", [1, 2])
def test_the_relative_ripple_by_hand(dims):
    """Taps a, b, … one a position of the period: their spread over their root mean square."""
    layer = UPSAMPLINGS.get("transposed_k2")(1, 1, 2, dims)
    taps = torch.tensor([1.0, 3.0]) if dims == 1 else torch.tensor([[1.0, 3.0], [2.0, 0.0]])
    with torch.no_grad():
        layer.weight.copy_(taps.view_as(layer.weight))
        layer.bias.zero_()
        for scale in (1.0, 50.0):
            found = relative_ripple(layer, torch.full((2, 1, *(5,) * dims), scale))
            wanted = taps.std(correction=0) / taps.square().mean().sqrt()
            assert found == pytest.approx(float(wanted), rel=1e-6)
        layer.weight.zero_()
        assert relative_ripple(layer, torch.ones(2, 1, *(5,) * dims)) == 0


@pytest.mark.parametrize("family", ["conv1d", "conv2d"])
@pytest.mark.parametrize(("name", "most"), [("nearest", 1e-6), ("bilinear", 1e-6)])
def test_resizing_leaves_no_ripple_in_a_whole_decoder(family, name, most):
    assert checkerboard(view_of(family, name)) < most
    assert checkerboard(view_of(family, "transposed_k2")) > 0.2


def view_of(family, upsampling):
    shape = (2, 45) if family == "conv1d" else (1, 27, 21)
    entry = FAMILIES.get(family)
    problem = Problem(shape=shape, latent=6)
    config = entry.config_type(channels=(4, 8), kernels=(3, 5), resampling=upsampling, blocks=1)
    torch.manual_seed(0)
    decoder = initialised(entry.build_decoder(config, problem))
    layers = upsampling_layers(decoder, torch.rand(3, 6))
    assert len(layers) == 2
    return FakeView(Sides(decoder), inputs=torch.rand(5, 6))


def test_layers_that_do_not_double_and_other_modules_are_no_part_of_the_path():
    chain = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.Upsample(scale_factor=3.0), nn.SiLU())
    assert upsampling_layers(chain, torch.rand(1, 2, 4, 4)) == []
    assert upsampling_layers(nn.Upsample(scale_factor=2.0), torch.rand(1, 2, 4, 4)) == []
