"""Average or max pooling by two, then a convolution at the lower resolution."""

from torch import nn

from asymnas.networks.downsampling import DOWNSAMPLINGS, Downsampling
from asymnas.networks.layers import AVERAGE_POOLS, MAX_POOLS, same_conv


def _average(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    return nn.Sequential(AVERAGE_POOLS[dims](2), same_conv(inputs, outputs, kernel, dims=dims))


def _max(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    return nn.Sequential(MAX_POOLS[dims](2), same_conv(inputs, outputs, kernel, dims=dims))


DOWNSAMPLINGS.register("average_pool", "Average pooling, then a convolution")(
    Downsampling(_average, mirror="bilinear")
)
DOWNSAMPLINGS.register("max_pool", "Max pooling, then a convolution")(
    Downsampling(_max, mirror="nearest")
)
