"""Counts of parameters and MACs."""

import torch
from torch import nn

from asymnas.networks.counting import count_macs, count_params


def test_only_trainable_parameters_count():
    layer = nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    assert count_params(layer) == 6
    assert count_macs(layer, torch.zeros(1, 3)) == 6
