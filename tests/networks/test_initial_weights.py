"""Initial weights: variances by fan-in, and the layers that start otherwise."""

import pytest
import torch
from torch import nn

from asymnas.networks.initial_weights import initialise
from asymnas.networks.layers import Readout


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


def test_a_readout_starts_with_a_tenth_of_the_weights():
    torch.manual_seed(0)
    plain = nn.Linear(50, 400)
    initialise(plain)
    torch.manual_seed(0)
    readout = Readout(50, 400)
    initialise(nn.Sequential(readout))
    torch.testing.assert_close(readout.weight, plain.weight / 10)
    assert (readout.bias == 0).all()
