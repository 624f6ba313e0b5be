"""Pixel unshuffle to 2ᵈ times the channels, then a convolution; loses nothing on the way."""

from torch import nn

from asymnas.networks.downsampling import DOWNSAMPLINGS, Downsampling
from asymnas.networks.layers import PixelUnshuffle, same_conv


def _build(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    return nn.Sequential(PixelUnshuffle(), same_conv(2**dims * inputs, outputs, kernel, dims=dims))


DOWNSAMPLINGS.register("pixel_unshuffle")(Downsampling(_build, mirror="pixel_shuffle"))
