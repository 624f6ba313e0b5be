"""The stages that convolutional sides of one and of two dimensions are built of."""

import pytest
import torch
from torch import nn

from asymnas.networks.families import Problem
from asymnas.networks.families.conv import (
    BLOCKS,
    AddPosition,
    ConvSide,
    decoder,
    deepest,
    encoder,
    mirrored,
    scaled,
    sizes,
)

SIDE = ConvSide(channels=(4, 6), kernels=(3, 5), resampling="strided", blocks=2, block="residual")


@pytest.mark.parametrize(
    ("size", "most", "depth", "passed"),
    [
        ((28, 28), 4, 4, [(28, 28), (14, 14), (7, 7), (4, 4), (2, 2)]),
        ((27, 45), 4, 4, [(27, 45), (14, 23), (7, 12), (4, 6), (2, 3)]),
        ((8, 8), 4, 2, [(8, 8), (4, 4), (2, 2)]),
        ((5, 7), 4, 1, [(5, 7), (3, 4)]),
        ((2, 100), 4, 1, [(2, 100), (1, 50)]),
        ((2,), 6, 1, [(2,), (1,)]),
        ((7,), 6, 2, [(7,), (4,), (2,)]),
        ((128,), 6, 6, [(128,), (64,), (32,), (16,), (8,), (4,), (2,)]),
        ((1_000,), 3, 3, [(1_000,), (500,), (250,), (125,)]),
    ],
)
def test_stages_halve_odd_sizes_rounded_up(size, most, depth, passed):
    assert deepest(size, most) == depth
    assert sizes(size, depth) == passed


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("block", list(BLOCKS))
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_a_block_keeps_size_and_channels_and_reaches_as_far_as_its_dilation(block, dilation, dims):
    torch.manual_seed(0)
    module = BLOCKS[block](4, 3, "silu", dims, dilation)
    x = torch.randn(1, 4, *(21,) * dims)
    moved = x.clone()
    moved[(..., *(10,) * dims)] += 1
    assert module(x).shape == x.shape
    changed = (module(moved) - module(x)).abs().amax(dim=(0, 1)) > 1e-6
    reach = dilation * (2 if block == "residual" else 1)
    along = changed if dims == 1 else changed[10]
    places = along.nonzero().flatten()
    assert (int(places[0]), int(places[-1])) == (10 - reach, 10 + reach)
    assert len(places) == (5 if block == "residual" else 3)


@pytest.mark.parametrize("shape", [(2, 21), (2, 9, 6)])
def test_the_dilation_grows_from_block_to_block_within_a_stage(shape):
    problem = Problem(shape=shape, latent=3)
    for module in (
        encoder(SIDE, problem, 3, dilation=2),
        decoder(mirrored(SIDE), problem, dilation=2),
    ):
        convs = [m for m in module.modules() if isinstance(m, nn.Conv1d | nn.Conv2d)]
        found = [conv.dilation[0] for conv in convs if conv.stride[0] == 1]
        assert found == [1, 1, 2, 2] * 2  # two convolutions a block, two blocks a stage
    flat = encoder(SIDE, problem, 3)
    assert all(m.dilation[0] == 1 for m in flat.modules() if isinstance(m, nn.Conv1d | nn.Conv2d))


def test_positions_are_added_everywhere():
    for size in ((5,), (3, 4)):
        module = AddPosition(2, size)
        x = torch.randn(3, 2)
        difference = module(x) - module(torch.zeros(3, 2))
        expected = x.view(3, 2, *(1,) * len(size)).expand(3, 2, *size)
        torch.testing.assert_close(difference, expected)


def test_scaling_and_mirroring_keep_the_rest():
    wide = ConvSide(channels=(100, 50), kernels=(3, 3), resampling="max_pool", hidden=40)
    assert scaled(wide, 0.5).channels == (50, 25)
    assert scaled(wide, 0.5).hidden == 20
    assert scaled(wide, 0.0).channels == (2, 2)
    assert mirrored(wide) == ConvSide(
        channels=(100, 50), kernels=(3, 3), resampling="nearest", hidden=40
    )
