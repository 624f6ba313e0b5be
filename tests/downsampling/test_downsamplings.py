"""What holds of every registered downsampling."""

import pytest
import torch

from asymnas.architecture import count_macs, count_params
from asymnas.downsampling import DOWNSAMPLINGS
from asymnas.layers import initialise
from asymnas.upsampling import UPSAMPLINGS

# torch says once a process that an even kernel of size-keeping padding costs a copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")

C, D, H, W = 6, 4, 8, 10  # height and width of the input
OUT = H * W // 4

#: `kernel -> (parameters, MACs)`.
TABLE = {
    "strided": lambda k: (k * k * C * D + D, k * k * OUT * C * D),
    "average_pool": lambda k: (k * k * C * D + D, k * k * OUT * C * D),
    "max_pool": lambda k: (k * k * C * D + D, k * k * OUT * C * D),
    "pixel_unshuffle": lambda k: (4 * k * k * C * D + D, 4 * k * k * OUT * C * D),
    "dcae": lambda k: (4 * k * k * C * D + D, 4 * k * k * OUT * C * D),
}


def built(name, inputs=C, outputs=D, kernel=3):
    torch.manual_seed(0)
    module = DOWNSAMPLINGS.get(name).build(inputs, outputs, kernel)
    initialise(module)
    return module


@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
@pytest.mark.parametrize("name", DOWNSAMPLINGS.names())
def test_halves_height_and_width_exactly(name, kernel):
    for inputs, outputs in ((C, D), (1, 7), (7, 1)):
        module = built(name, inputs, outputs, kernel)
        for height, width in ((2, 2), (4, 6), (H, W)):
            x = torch.randn(2, inputs, height, width)
            assert module(x).shape == (2, outputs, height // 2, width // 2)


@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
@pytest.mark.parametrize("name", sorted(set(TABLE) & set(DOWNSAMPLINGS.names())))
def test_parameters_and_macs(name, kernel):
    module = built(name, kernel=kernel)
    params, macs = TABLE[name](kernel)
    assert count_params(module) == params
    assert count_macs(module, torch.randn(1, C, H, W)) == macs


def test_the_table_names_what_is_shipped():
    assert set(TABLE) <= set(DOWNSAMPLINGS.names())


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("name", DOWNSAMPLINGS.names())
def test_its_mirror_is_an_upsampling_of_about_the_same_weights(name, kernel):
    mirror = UPSAMPLINGS.get(DOWNSAMPLINGS.get(name).mirror)(D, C, kernel)
    there, back = built(name, kernel=kernel), mirror
    x = torch.randn(1, C, H, W)
    assert back(there(x)).shape == x.shape
    assert abs(count_params(there) - count_params(back)) <= 4 * C  # biases


@pytest.mark.parametrize("name", DOWNSAMPLINGS.names())
def test_every_pixel_is_read(name):
    module = built(name, kernel=3)
    # One pixel of each window at a time stands out, so that a maximum is anywhere.
    seen = torch.zeros(H, W, dtype=torch.bool)
    for row in range(2):
        for column in range(2):
            x = torch.zeros(1, C, H, W)
            x[..., row::2, column::2] = 1 + torch.rand(1, C, H // 2, W // 2)
            x.requires_grad_()
            module(x).square().sum().backward()
            seen |= x.grad[0].abs().amax(0) > 0
    assert seen.all()


def test_pooling_takes_the_average_or_the_maximum():
    x = torch.tensor([[[[0.0, 1.0], [2.0, 5.0]]]])
    for name, pooled in (("average_pool", 2.0), ("max_pool", 5.0)):
        module = built(name, 1, 1, 1)
        torch.nn.init.ones_(module[1].weight)
        assert module(x).item() == pooled


def test_dcae_adds_the_average_of_what_it_unshuffles():
    module = built("dcae", inputs=2, outputs=2)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(1, 2, 4, 4)
    torch.testing.assert_close(module(x), torch.nn.functional.avg_pool2d(x, 2))
