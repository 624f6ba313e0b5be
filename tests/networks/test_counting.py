"""Counts of parameters and MACs."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from asymnas.networks.architecture import Architecture
from asymnas.networks.counting import count_macs, count_params


def test_only_trainable_parameters_count():
    layer = nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    assert count_params(layer) == 6
    assert count_macs(layer, torch.zeros(1, 3)) == 6


class _Attention(nn.Module):
    def forward(self, x):
        return F.scaled_dot_product_attention(x, x, x)


class _Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, 1, 6, 1))

    def forward(self, x):
        return F.linear(
            2 * (x[:1] + x) + self.position + x * 0.5, torch.ones(4, 6, device=x.device)
        )


class _Reduced(nn.Module):
    """Means over axes and over members of a stack, and products of what is left."""

    def forward(self, x):
        halves = torch.stack([x[:1], x[1:]]).mean(0)
        return halves.mean((2, 3), keepdim=True) @ torch.ones(1, 3, device=x.device)


LAYERS = {
    "convolution": lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2),
    "convolution of unlike axes": lambda: nn.Conv2d(4, 6, (3, 1), stride=(2, 1), padding=(0, 2)),
    "convolution of the same size": lambda: nn.Conv2d(4, 6, 3, padding="same"),
    "convolution of signals": lambda: nn.Sequential(nn.Flatten(2), nn.Conv1d(4, 5, 3, stride=2)),
    "convolution of volumes": lambda: nn.Sequential(
        nn.Unflatten(1, (2, 2)), nn.Conv3d(2, 3, 2, padding=1)
    ),
    "transposed convolution": lambda: nn.ConvTranspose2d(
        4, 6, 3, stride=3, padding=1, output_padding=2, groups=2
    ),
    "transposed convolution of signals": lambda: nn.Sequential(
        nn.Flatten(2), nn.ConvTranspose1d(4, 3, 5, stride=2, dilation=2)
    ),
    "pixel shuffle": lambda: nn.Sequential(
        nn.PixelUnshuffle(3), nn.Conv2d(36, 8, 1), nn.PixelShuffle(2), nn.Conv2d(2, 3, 1)
    ),
    "pools": lambda: nn.Sequential(nn.AvgPool2d(2), nn.MaxPool2d(2), nn.Conv2d(4, 3, 1)),
    "pools with options": lambda: nn.Sequential(
        nn.MaxPool2d(3, stride=2, padding=1, dilation=1),
        nn.AvgPool2d((2, 1), stride=1, padding=(1, 0)),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Conv2d(4, 3, 1),
    ),
    "pools of signals": lambda: nn.Sequential(
        nn.Flatten(2), nn.AvgPool1d(3), nn.MaxPool1d(2, dilation=2, stride=3), nn.Conv1d(4, 3, 1)
    ),
    "pools to a size": lambda: nn.Sequential(
        nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(2), nn.AdaptiveAvgPool1d(4), nn.Linear(4, 2)
    ),
    "means": _Reduced,
    "linear": lambda: nn.Linear(6, 5),
    "linear without bias": lambda: nn.Linear(6, 5, bias=False),
    "layer norm": lambda: nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 2)),
    "group norm": lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.Conv2d(4, 3, 3)),
    "activations": lambda: nn.Sequential(
        nn.SiLU(), nn.GELU(), nn.ReLU(), nn.Tanh(), nn.Conv2d(4, 2, 1)
    ),
    "softmax": lambda: nn.Sequential(nn.Softmax(-1), nn.Linear(6, 2)),
    "bilinear": lambda: nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(4, 2, 3)
    ),
    "bilinear to a size": lambda: nn.Sequential(
        nn.Upsample(size=(5, 9), mode="bilinear", align_corners=True), nn.Conv2d(4, 2, 3)
    ),
    "nearest": lambda: nn.Sequential(nn.Upsample(scale_factor=3), nn.Conv2d(4, 2, 3)),
    "attention": _Attention,
    "sums": _Sum,
}


@pytest.mark.parametrize("name", LAYERS)
def test_macs_without_values_are_those_of_a_pass_with_values(name):
    layer, x = LAYERS[name](), torch.randn(2, 4, 6, 6)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        layer(x)
    by_torch = counter.get_total_flops() // 2
    assert count_macs(layer, x) == count_macs(layer.to("meta"), x.to("meta")) == by_torch > 0


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(5, 3), (2, 4)),
        (nn.Conv2d(4, 6, 3), (2, 5, 9, 9)),
        (nn.Conv2d(4, 6, 3), (2, 4, 2, 2)),
        (nn.MaxPool2d(3), (2, 4, 2, 2)),
        (nn.AvgPool2d(3), (2, 4, 2, 2)),
        (nn.PixelShuffle(2), (2, 6, 3, 3)),
        (nn.PixelUnshuffle(2), (2, 4, 5, 6)),
    ],
)
def test_what_does_not_fit_is_refused_without_values_too(layer, shape):
    for device in ("cpu", "meta"):
        with pytest.raises(RuntimeError):
            count_macs(layer.to(device), torch.zeros(shape, device=device))


def test_macs_of_a_latent_whose_positions_are_the_encoders_own():
    """Three stages, where the space's own spatial latents take as many as the problem says."""
    made_by_hand = replace(Architecture.preset("reference"), bottleneck="spatial", latent=2)
    model = made_by_hand.build(0)
    x = torch.zeros(1, *made_by_hand.shape)
    latent = model.encode(x)
    assert latent.shape == (1, 2, 6, 6)
    with FlopCounterMode(display=False) as counted:
        model.decode(latent)
    assert made_by_hand.counts.decoder_macs == counted.get_total_flops() // 2
