"""Interpolation, then a convolution at the higher resolution (Odena et al. 2016)."""

from torch import nn

from asymnas.networks.layers import same_conv
from asymnas.networks.upsampling import UPSAMPLINGS

LINEAR = {1: "linear", 2: "bilinear"}  # torch's name by dimensions


@UPSAMPLINGS.register("nearest")
def nearest(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    """Each value repeated along every axis, then a convolution of the side's kernel."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2.0), same_conv(inputs, outputs, kernel, dims=dims)
    )


@UPSAMPLINGS.register("bilinear")
def bilinear(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    """Bilinear (signals: linear) interpolation, then a convolution of the side's kernel."""
    resize = nn.Upsample(scale_factor=2.0, mode=LINEAR[dims], align_corners=False)
    return nn.Sequential(resize, same_conv(inputs, outputs, kernel, dims=dims))
