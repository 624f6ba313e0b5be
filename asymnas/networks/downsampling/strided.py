"""Strided convolution; its mirror is the transposed convolution of the same kernel."""

from torch import nn

from asymnas.networks.downsampling import DOWNSAMPLINGS, Downsampling
from asymnas.networks.layers import CONVOLUTIONS


def _build(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    return CONVOLUTIONS[dims](inputs, outputs, kernel, stride=2, padding=(kernel - 1) // 2)


DOWNSAMPLINGS.register("strided", "Convolution of stride two")(
    Downsampling(_build, mirror="transposed")
)
