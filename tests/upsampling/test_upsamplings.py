"""What holds of every registered upsampling, and the table in docs/upsampling.md."""

import pytest
import torch

from asymnas.architecture import count_macs, count_params
from asymnas.layers import initialise
from asymnas.upsampling import UPSAMPLINGS

# torch says once a process that an even kernel of size-keeping padding costs a copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")

C, D, H, W = 6, 4, 5, 7
KERNELS = (2, 3, 4, 5)

#: `kernel -> (parameters, MACs)`; a strategy not named here is held to the contract alone.
TABLE = {
    "transposed": lambda k: (k * k * C * D + D, k * k * H * W * C * D),
    "transposed_k2": lambda k: (4 * C * D + D, 4 * H * W * C * D),
    "transposed_k4": lambda k: (16 * C * D + D, 16 * H * W * C * D),
    "nearest": lambda k: (k * k * C * D + D, 4 * k * k * H * W * C * D),
    "bilinear": lambda k: (k * k * C * D + D, 4 * k * k * H * W * C * D),
    "pixel_shuffle": lambda k: (4 * k * k * C * D + 4 * D, 4 * k * k * H * W * C * D),
    "dcae": lambda k: (4 * k * k * C * D + 4 * D, 4 * k * k * H * W * C * D),
}


def built(name, inputs=C, outputs=D, kernel=3, seed=0):
    torch.manual_seed(seed)
    module = UPSAMPLINGS.get(name)(inputs, outputs, kernel)
    initialise(module)
    return module


def ripple(name, kernel=3):
    """Standard deviation over pixels of what a constant image becomes, its border cropped."""
    found = []
    for seed in range(5):
        module = built(name, 16, 8, kernel, seed)
        with torch.no_grad():
            inner = module(torch.ones(1, 16, 12, 12))[..., 8:-8, 8:-8]
        found.append(inner.std(dim=(-2, -1)).mean())
    return float(torch.stack(found).mean())


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", UPSAMPLINGS.names())
def test_doubles_height_and_width_exactly(name, kernel):
    module = built(name, kernel=kernel)
    for height, width in ((1, 1), (2, 3), (H, W)):
        x = torch.randn(2, C, height, width)
        assert module(x).shape == (2, D, 2 * height, 2 * width)
    widening = built(name, inputs=2, outputs=11, kernel=kernel)
    assert widening(torch.randn(2, 2, H, W)).shape == (2, 11, 2 * H, 2 * W)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", sorted(set(TABLE) & set(UPSAMPLINGS.names())))
def test_parameters_and_macs_are_those_of_the_table(name, kernel):
    module = built(name, kernel=kernel)
    params, macs = TABLE[name](kernel)
    assert count_params(module) == params
    assert count_macs(module, torch.randn(1, C, H, W)) == macs


def test_the_table_names_what_is_shipped():
    assert set(TABLE) <= set(UPSAMPLINGS.names())


@pytest.mark.parametrize("name", UPSAMPLINGS.names())
def test_each_output_follows_the_input_at_its_place(name):
    module = built(name, kernel=3)
    x = torch.randn(1, C, 9, 9)
    moved = x.clone()
    moved[..., 4, 4] += 10
    changed = (module(moved) - module(x)).abs().amax(dim=(0, 1)) > 1e-4
    assert changed[8:10, 8:10].all()
    assert not changed[:4].any()
    assert not changed[:, 14:].any()


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("name", ["nearest", "bilinear", "pixel_shuffle", "dcae"])
def test_a_constant_stays_constant_at_random_weights(name, kernel):
    assert ripple(name, kernel) < 1e-6


@pytest.mark.parametrize(
    ("name", "kernel"), [("transposed", 3), ("transposed", 5), ("transposed_k2", 3)]
)
def test_a_transposed_convolution_ripples(name, kernel):
    assert ripple(name, kernel) > 0.1


def test_without_icnr_a_pixel_shuffle_ripples():
    torch.manual_seed(0)
    module = UPSAMPLINGS.get("pixel_shuffle")(16, 8, 3)
    with torch.no_grad():
        inner = module(torch.ones(1, 16, 12, 12))[..., 4:-4, 4:-4]
    assert inner.std(dim=(-2, -1)).mean() > 0.1


def test_dcae_adds_the_input_repeated():
    module = built("dcae", inputs=2, outputs=2)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(1, 2, 3, 3)
    repeated = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert torch.equal(module(x), repeated)
