"""The initial weights of a network."""

import math

from torch import nn

from asymnas.networks.layers import Readout, SmallStart
from asymnas.networks.upsampling.pixel_shuffle import SubpixelConv


def initialise(module: nn.Module) -> None:
    """Draws weights from N(0, 1.5 / fan-in), biases zero; deep sides start with small outputs.

    The fan-in of a transposed convolution is what reaches one output: kernel / stride taps an axis
    of each input channel. 1.5 lies between He's 2 for a rectifier and 1 for a linear layer.
    """
    for layer in module.modules():
        if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
            taps = math.prod(layer.kernel_size) / math.prod(layer.stride)
            fan_in = layer.in_channels / layer.groups * taps
        elif isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
        else:
            continue
        nn.init.normal_(layer.weight, std=math.sqrt(1.5 / fan_in))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    for layer in module.modules():
        if isinstance(layer, SubpixelConv):
            layer.icnr()
        elif isinstance(layer, Readout | SmallStart):
            layer.shrink_init()
