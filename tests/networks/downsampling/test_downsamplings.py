"""What holds of every registered downsampling."""

import itertools

import pytest
import torch

from asymnas.networks.counting import count_macs, count_params
from asymnas.networks.downsampling import DOWNSAMPLINGS
from asymnas.networks.initial_weights import initialise
from asymnas.networks.upsampling import UPSAMPLINGS

# torch says once a process that an even kernel of size-keeping padding costs a copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")

C, D = 6, 4
SIZES = {1: (14,), 2: (8, 10)}  # of the input, by the number of dimensions
every_dims = pytest.mark.parametrize("dims", [1, 2], ids=["signals", "images"])

#: `(kernel, dims, positions of the output) -> (parameters, MACs)`.
TABLE = {
    "strided": lambda k, d, n: (k**d * C * D + D, k**d * n * C * D),
    "average_pool": lambda k, d, n: (k**d * C * D + D, k**d * n * C * D),
    "max_pool": lambda k, d, n: (k**d * C * D + D, k**d * n * C * D),
    "pixel_unshuffle": lambda k, d, n: (2**d * k**d * C * D + D, 2**d * k**d * n * C * D),
    "dcae": lambda k, d, n: (2**d * k**d * C * D + D, 2**d * k**d * n * C * D),
}


def built(name, inputs=C, outputs=D, kernel=3, dims=2):
    torch.manual_seed(0)
    module = DOWNSAMPLINGS.get(name).build(inputs, outputs, kernel, dims)
    initialise(module)
    return module


@every_dims
@pytest.mark.parametrize("name", DOWNSAMPLINGS.names())
def test_halves_every_axis_exactly(name, dims):
    for kernel, (inputs, outputs) in itertools.product((2, 3, 4, 5, 7), ((C, D), (1, 7), (7, 1))):
        module = built(name, inputs, outputs, kernel, dims)
        for size in ((2, 2), (4, 6), SIZES[2]) if dims == 2 else ((2,), (6,), SIZES[1]):
            x = torch.randn(2, inputs, *size)
            assert module(x).shape == (2, outputs, *(length // 2 for length in size))


@pytest.mark.parametrize("name", sorted(set(TABLE) & set(DOWNSAMPLINGS.names())))
def test_parameters_and_macs(name):
    for kernel, dims in itertools.product((2, 3, 4, 5), (1, 2)):
        module = built(name, kernel=kernel, dims=dims)
        x = torch.randn(1, C, *SIZES[dims])
        params, macs = TABLE[name](kernel, dims, x[0, 0].numel() // 2**dims)
        assert count_params(module) == params, (kernel, dims)
        assert count_macs(module, x) == macs, (kernel, dims)
        meta = DOWNSAMPLINGS.get(name).build(C, D, kernel, dims).to("meta")
        assert count_macs(meta, x.to("meta")) == macs


def test_the_table_names_what_is_shipped():
    assert set(TABLE) <= set(DOWNSAMPLINGS.names())


@pytest.mark.parametrize("name", DOWNSAMPLINGS.names())
def test_its_mirror_is_an_upsampling_of_about_the_same_weights(name):
    for kernel, dims in itertools.product((3, 5), (1, 2)):
        mirror = UPSAMPLINGS.get(DOWNSAMPLINGS.get(name).mirror)(D, C, kernel, dims)
        there, back = built(name, kernel=kernel, dims=dims), mirror
        x = torch.randn(1, C, *SIZES[dims])
        assert back(there(x)).shape == x.shape
        assert abs(count_params(there) - count_params(back)) <= 4 * C  # biases


@every_dims
@pytest.mark.parametrize("name", DOWNSAMPLINGS.names())
def test_every_position_is_read(name, dims):
    module = built(name, kernel=3, dims=dims)
    size = SIZES[dims]
    # One position of each window at a time stands out, so that a maximum is anywhere.
    seen = torch.zeros(*size, dtype=torch.bool)
    for corner in itertools.product(range(2), repeat=dims):
        x = torch.zeros(1, C, *size)
        x[(..., *(slice(start, None, 2) for start in corner))] = 1 + torch.rand(
            1, C, *(length // 2 for length in size)
        )
        x.requires_grad_()
        module(x).square().sum().backward()
        seen |= x.grad[0].abs().amax(0) > 0
    assert seen.all()


@every_dims
def test_pooling_takes_the_average_or_the_maximum(dims):
    x = torch.tensor([0.0, 1.0, 2.0, 5.0] if dims == 2 else [1.0, 3.0]).view(1, 1, *(2,) * dims)
    for name, pooled in (("average_pool", float(x.mean())), ("max_pool", float(x.max()))):
        module = built(name, 1, 1, 1, dims)
        torch.nn.init.ones_(module[1].weight)
        assert module(x).item() == pooled


@every_dims
def test_dcae_adds_the_average_of_what_it_unshuffles(dims):
    module = built("dcae", inputs=2, outputs=2, dims=dims)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(1, 2, *(4,) * dims)
    pooled = {1: torch.nn.functional.avg_pool1d, 2: torch.nn.functional.avg_pool2d}[dims](x, 2)
    torch.testing.assert_close(module(x), pooled)
