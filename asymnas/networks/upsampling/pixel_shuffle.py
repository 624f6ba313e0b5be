"""Sub-pixel convolution (Shi et al. 2016, arXiv 1609.05158), started by ICNR."""

from torch import nn

from asymnas.networks.layers import SubpixelConv
from asymnas.networks.upsampling import UPSAMPLINGS


@UPSAMPLINGS.register("pixel_shuffle")
def pixel_shuffle(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    """Four times (signals: twice) the parameters of a resize convolution at the same MACs."""
    return SubpixelConv(inputs, outputs, kernel, dims)
