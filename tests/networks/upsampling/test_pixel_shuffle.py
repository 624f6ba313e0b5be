"""Pixel shuffles and the sub-pixel convolution, against their definitions."""

import torch

from asymnas.networks.initial_weights import initialise
from asymnas.networks.upsampling.pixel_shuffle import SubpixelConv, pixel_shuffle


def test_pixel_shuffle_of_a_signal_interleaves_neighbouring_channels():
    x = torch.arange(8.0).view(1, 4, 2)  # two output channels of two parts
    assert pixel_shuffle(x).tolist() == [[[0.0, 2.0, 1.0, 3.0], [4.0, 6.0, 5.0, 7.0]]]


def test_icnr_gives_the_four_kernels_of_an_output_the_same_weights():
    torch.manual_seed(0)
    layer = SubpixelConv(3, 2, 3)
    initialise(layer)
    weight = layer.conv.weight
    for output in range(2):
        group = weight[4 * output : 4 * output + 4]
        assert torch.equal(group, group[:1].expand_as(group))
    assert not torch.equal(weight[0], weight[4])
    x = torch.randn(1, 3, 4, 4)
    each = layer.conv(x)[:, ::4]
    assert torch.equal(layer(x), each.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))


def test_icnr_gives_the_two_kernels_of_a_signal_the_same_weights():
    torch.manual_seed(0)
    layer = SubpixelConv(3, 2, 3, dims=1)
    initialise(layer)
    assert layer.conv.weight.shape == (4, 3, 3)
    x = torch.randn(1, 3, 5)
    each = layer.conv(x)[:, ::2]
    torch.testing.assert_close(layer(x), each.repeat_interleave(2, dim=2))
