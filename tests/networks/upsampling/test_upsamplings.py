"""What holds of every registered upsampling, and the tables in docs/upsampling.md."""

from itertools import product

import pytest
import torch

from asymnas.networks.counting import count_macs, count_params
from asymnas.networks.initial_weights import initialise
from asymnas.networks.upsampling import UPSAMPLINGS

# torch says once a process that an even kernel of size-keeping padding costs a copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")

C, D = 6, 4
SIZES = {1: (11,), 2: (5, 7)}  # of the input, by the number of dimensions
KERNELS = (2, 3, 4, 5)
every_dims = pytest.mark.parametrize("dims", [1, 2], ids=["signals", "images"])

#: `(kernel, dims, positions) -> (parameters, MACs)`; one not named here is held to the contract.
TABLE = {
    "transposed": lambda k, d, n: (k**d * C * D + D, k**d * n * C * D),
    "transposed_k2": lambda k, d, n: (2**d * C * D + D, 2**d * n * C * D),
    "transposed_k4": lambda k, d, n: (4**d * C * D + D, 4**d * n * C * D),
    "nearest": lambda k, d, n: (k**d * C * D + D, 2**d * k**d * n * C * D),
    "bilinear": lambda k, d, n: (k**d * C * D + D, 2**d * k**d * n * C * D),
    "pixel_shuffle": lambda k, d, n: (2**d * (k**d * C * D + D), 2**d * k**d * n * C * D),
    "dcae": lambda k, d, n: (2**d * (k**d * C * D + D), 2**d * k**d * n * C * D),
}


def built(name, inputs=C, outputs=D, kernel=3, seed=0, dims=2):
    torch.manual_seed(seed)
    module = UPSAMPLINGS.get(name)(inputs, outputs, kernel, dims)
    initialise(module)
    return module


def inner(x, border, dims):
    """`x` without `border` positions at every end."""
    return x[(..., *(slice(border, -border),) * dims)]


def ripple(name, kernel=3, dims=2):
    """Standard deviation over positions of what a constant becomes, its border cropped."""
    found = []
    for seed in range(5):
        module = built(name, 16, 8, kernel, seed, dims)
        with torch.no_grad():
            output = inner(module(torch.ones(1, 16, *(12,) * dims)), 8, dims)
        found.append(output.flatten(2).std(dim=-1).mean())
    return float(torch.stack(found).mean())


@pytest.mark.parametrize("name", UPSAMPLINGS.names())
def test_doubles_every_axis_exactly(name):
    for kernel, dims in product((*KERNELS, 7), (1, 2)):
        module = built(name, kernel=kernel, dims=dims)
        for size in ((1, 1), (2, 3), SIZES[2]) if dims == 2 else ((1,), (2,), (3,), SIZES[1]):
            x = torch.randn(2, C, *size)
            assert module(x).shape == (2, D, *(2 * length for length in size)), (kernel, size)
        widening = built(name, inputs=2, outputs=11, kernel=kernel, dims=dims)
        doubled = (2 * length for length in SIZES[dims])
        assert widening(torch.randn(2, 2, *SIZES[dims])).shape == (2, 11, *doubled)


@pytest.mark.parametrize("name", sorted(set(TABLE) & set(UPSAMPLINGS.names())))
def test_parameters_and_macs_are_those_of_the_table(name):
    for kernel, dims in product(KERNELS, (1, 2)):
        module = built(name, kernel=kernel, dims=dims)
        x = torch.randn(1, C, *SIZES[dims])
        params, macs = TABLE[name](kernel, dims, x[0, 0].numel())
        assert count_params(module) == params, (kernel, dims)
        assert count_macs(module, x) == macs, (kernel, dims)
        with torch.device("meta"):
            assert count_macs(UPSAMPLINGS.get(name)(C, D, kernel, dims), x.to("meta")) == macs


def test_the_table_names_what_is_shipped():
    assert set(TABLE) <= set(UPSAMPLINGS.names())


@every_dims
@pytest.mark.parametrize("name", UPSAMPLINGS.names())
def test_each_output_follows_the_input_at_its_place(name, dims):
    module = built(name, kernel=3, dims=dims)
    x = torch.randn(1, C, *(9,) * dims)
    moved = x.clone()
    moved[(..., *(4,) * dims)] += 10
    changed = (module(moved) - module(x)).abs().amax(dim=(0, 1)) > 1e-4
    assert changed[(slice(8, 10),) * dims].all()
    assert not changed[:4].any()
    assert not changed[..., 14:].any()


@every_dims
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("name", ["nearest", "bilinear", "pixel_shuffle", "dcae"])
def test_a_constant_stays_constant_at_random_weights(name, kernel, dims):
    assert ripple(name, kernel, dims) < 1e-6


@every_dims
@pytest.mark.parametrize(
    ("name", "kernel"), [("transposed", 3), ("transposed", 5), ("transposed_k2", 3)]
)
def test_a_transposed_convolution_ripples(name, kernel, dims):
    assert ripple(name, kernel, dims) > 0.1


@every_dims
def test_without_icnr_a_pixel_shuffle_ripples(dims):
    torch.manual_seed(0)
    module = UPSAMPLINGS.get("pixel_shuffle")(16, 8, 3, dims)
    with torch.no_grad():
        output = inner(module(torch.ones(1, 16, *(12,) * dims)), 4, dims)
    assert output.flatten(2).std(dim=-1).mean() > 0.1


@every_dims
def test_interpolation_is_linear_along_every_axis(dims):
    module = built("bilinear", 1, 1, 1, dims=dims)
    torch.nn.init.ones_(module[1].weight)
    ramp = torch.arange(6.0).expand(1, 1, *(6,) * dims)
    steps = inner(module(ramp), 1, dims).diff(dim=-1)
    torch.testing.assert_close(steps, torch.full_like(steps, 0.5))


@every_dims
def test_dcae_adds_the_input_repeated(dims):
    module = built("dcae", inputs=2, outputs=2, dims=dims)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(1, 2, *(3,) * dims)
    repeated = x
    for axis in range(2, 2 + dims):
        repeated = repeated.repeat_interleave(2, dim=axis)
    assert torch.equal(module(x), repeated)
