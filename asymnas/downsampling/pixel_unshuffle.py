"""Pixel unshuffle to four times the channels, then a convolution; loses nothing on the way."""

from torch import nn

from asymnas.downsampling import DOWNSAMPLINGS, Downsampling
from asymnas.layers import same_conv


def _build(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return nn.Sequential(nn.PixelUnshuffle(2), same_conv(4 * inputs, outputs, kernel))


DOWNSAMPLINGS.register("pixel_unshuffle")(Downsampling(_build, mirror="pixel_shuffle"))
