"""Interpolation, then a convolution at the higher resolution (Odena et al. 2016)."""

from torch import nn

from asymnas.layers import same_conv
from asymnas.upsampling import UPSAMPLINGS


@UPSAMPLINGS.register("nearest")
def nearest(inputs: int, outputs: int, kernel: int) -> nn.Module:
    """Each pixel repeated to two by two, then a convolution of the side's kernel."""
    return nn.Sequential(nn.Upsample(scale_factor=2.0), same_conv(inputs, outputs, kernel))


@UPSAMPLINGS.register("bilinear")
def bilinear(inputs: int, outputs: int, kernel: int) -> nn.Module:
    """Bilinear interpolation, then a convolution of the side's kernel."""
    resize = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)
    return nn.Sequential(resize, same_conv(inputs, outputs, kernel))
