"""The pieces that families share, each against its definition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asymnas.networks.layers import Crop, MatchChannels, PadToEven, same_conv


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
