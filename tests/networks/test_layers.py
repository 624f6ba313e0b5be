"""The pieces that families share, each against its definition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from asymnas.networks.layers import (
    Crop,
    MatchChannels,
    PadToEven,
    PixelUnshuffle,
    Readout,
    SubpixelConv,
    initialise,
    pixel_shuffle,
    same_conv,
)


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 12))
def test_match_channels_averages_or_repeats(inputs, outputs):
    x = torch.randn(2, inputs, 3, 2)
    y = MatchChannels(inputs, outputs)(x)
    assert y.shape == (2, outputs, 3, 2)
    assert not list(MatchChannels(inputs, outputs).parameters())
    if outputs % inputs == 0:
        assert torch.equal(y, x.repeat_interleave(outputs // inputs, dim=1))
    if inputs % outputs == 0:
        groups = x.view(2, outputs, inputs // outputs, 3, 2)
        torch.testing.assert_close(y, groups.mean(2))
    torch.testing.assert_close(
        MatchChannels(inputs, outputs)(torch.ones(1, inputs, 1, 1)), torch.ones(1, outputs, 1, 1)
    )


def test_match_channels_can_be_built_on_meta_and_reads_every_channel():
    with torch.device("meta"):
        assert MatchChannels(5, 3)(torch.empty(1, 5, 2, 2)).shape == (1, 3, 2, 2)
    for inputs, outputs in ((7, 3), (3, 7), (5, 4)):
        x = torch.randn(1, inputs, 1, 1, requires_grad=True)
        MatchChannels(inputs, outputs)(x).sum().backward()
        assert (x.grad > 0).all()


@pytest.mark.parametrize(("height", "width"), [(3, 5), (4, 5), (3, 4), (4, 4)])
def test_pad_to_even_repeats_the_last_row_and_column(height, width):
    x = torch.randn(1, 2, height, width)
    y = PadToEven()(x)
    assert y.shape == (1, 2, height + height % 2, width + width % 2)
    assert torch.equal(Crop(height, width)(y), x)
    if height % 2:
        assert torch.equal(y[:, :, -1], y[:, :, -2])
    if width % 2:
        assert torch.equal(y[..., -1], y[..., -2])


@pytest.mark.parametrize("length", [1, 4, 5])
def test_pad_to_even_repeats_the_last_sample_of_a_signal(length):
    x = torch.randn(2, 3, length)
    y = PadToEven()(x)
    assert y.shape == (2, 3, length + length % 2)
    assert torch.equal(Crop(length)(y), x)
    assert torch.equal(y[..., -1], x[..., -1])


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [(6, 7), (9,)])
def test_same_conv_keeps_the_size(kernel, dilation, size):
    conv = same_conv(3, 4, kernel, dims=len(size), dilation=dilation)
    assert conv(torch.randn(1, 3, *size)).shape == (1, 4, *size)
    assert conv.weight.shape == (4, 3, *(kernel,) * len(size))


def test_pixel_shuffle_of_a_signal_interleaves_neighbouring_channels():
    x = torch.arange(8.0).view(1, 4, 2)  # two output channels of two parts
    assert pixel_shuffle(x).tolist() == [[[0.0, 2.0, 1.0, 3.0], [4.0, 6.0, 5.0, 7.0]]]


@pytest.mark.parametrize("size", [(4,), (4, 6)])
def test_pixel_unshuffle_undoes_pixel_shuffle(size):
    x = torch.randn(2, 3, *size)
    folded = PixelUnshuffle()(x)
    assert folded.shape == (2, 3 * 2 ** len(size), *(length // 2 for length in size))
    assert torch.equal(pixel_shuffle(folded), x)
    # A signal is an image of one row: its parts are every other part of the image's.
    row = torch.randn(1, 2, 1, 6)
    image = PixelUnshuffle()(row.expand(1, 2, 2, 6))
    assert torch.equal(
        PixelUnshuffle()(row[:, :, 0]), image.view(1, 2, 2, 2, 3)[:, :, 0].flatten(1, 2)
    )


@pytest.mark.parametrize(
    ("layer", "variance"),
    [
        (nn.Linear(400, 300), 1.5 / 400),
        (nn.Conv2d(40, 64, 3), 1.5 / 360),
        (nn.Conv2d(512, 512, 5, groups=512), 1.5 / 25),
        (nn.ConvTranspose2d(64, 40, 4, stride=2), 1.5 / (64 * 4)),
        (nn.ConvTranspose2d(64, 40, 3, stride=2), 1.5 / (64 * 9 / 4)),
        (nn.Conv1d(80, 96, 7), 1.5 / 560),
        (nn.Conv1d(2048, 2048, 5, groups=2048), 1.5 / 5),
        (nn.ConvTranspose1d(128, 80, 3, stride=2), 1.5 / (128 * 3 / 2)),
    ],
    ids=[
        *("linear", "conv", "depthwise", "transposed 4", "transposed 3"),
        *("conv1d", "depthwise 1d", "transposed 1d"),
    ],
)
def test_initial_weights_have_the_variance_of_their_fan_in(layer, variance):
    torch.manual_seed(0)
    initialise(nn.Sequential(layer))
    weight = layer.weight.detach()
    assert float(weight.var()) == pytest.approx(variance, rel=0.05)
    assert abs(float(weight.mean())) < 0.05 * variance**0.5
    assert not layer.bias.any()


@pytest.mark.parametrize("kernel", [4, 3])
def test_a_transposed_convolution_puts_out_as_much_as_a_convolution(kernel):
    torch.manual_seed(0)
    layers = {
        (8, 64, 16, 16): (nn.ConvTranspose2d(64, 64, kernel, stride=2), nn.Conv2d(64, 64, kernel)),
        (64, 64, 64): (nn.ConvTranspose1d(64, 64, kernel, stride=2), nn.Conv1d(64, 64, kernel)),
    }
    for shape, both in layers.items():
        x = torch.randn(shape)
        for layer in both:
            initialise(layer)
            output = layer(x).detach()[..., 4:-4]
            inner = output if x.dim() == 3 else output[..., 4:-4, :]
            assert float(inner.std()) == pytest.approx(1.5**0.5, rel=0.1)


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


def test_a_readout_starts_with_a_tenth_of_the_weights():
    torch.manual_seed(0)
    plain = nn.Linear(50, 400)
    initialise(plain)
    torch.manual_seed(0)
    readout = Readout(50, 400)
    initialise(nn.Sequential(readout))
    torch.testing.assert_close(readout.weight, plain.weight / 10)
    assert (readout.bias == 0).all()
