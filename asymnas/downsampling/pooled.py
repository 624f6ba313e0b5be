"""Average or max pooling by two, then a convolution at the lower resolution."""

from torch import nn

from asymnas.downsampling import DOWNSAMPLINGS, Downsampling
from asymnas.layers import same_conv


def _average(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(2), same_conv(inputs, outputs, kernel))


def _max(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return nn.Sequential(nn.MaxPool2d(2), same_conv(inputs, outputs, kernel))


DOWNSAMPLINGS.register("average_pool")(Downsampling(_average, mirror="bilinear"))
DOWNSAMPLINGS.register("max_pool")(Downsampling(_max, mirror="nearest"))
