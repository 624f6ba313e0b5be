"""Counts of parameters and MACs."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

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


LAYERS = {
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
    assert count_macs(layer, x) == count_macs(layer.to("meta"), x.to("meta")) > 0
