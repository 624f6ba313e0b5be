"""The stages that convolutional sides of one and of two dimensions are built of."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from asymnas.networks.conv_blocks import BLOCKS, SpreadOverMap, active
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.families.conv import ConvSide, SignalSide, deepest, stage_sizes


@pytest.mark.parametrize(
    ("size", "most", "depth", "sizes"),
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
def test_stages_halve_odd_sizes_rounded_up(size, most, depth, sizes):
    assert deepest(size, most) == depth
    assert stage_sizes(size, depth) == sizes


@pytest.mark.parametrize(
    ("block", "dilation", "dims"), [(b, k, d) for b in BLOCKS for k, d in ((1, 2), (2, 1), (3, 2))]
)
def test_a_block_keeps_size_and_channels_and_reaches_as_far_as_its_dilation(block, dilation, dims):
    torch.manual_seed(0)
    module = BLOCKS[block](4, 4, 3, partial(active, "none", "silu"), dims, dilation)
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


def test_the_dilation_grows_from_block_to_block_within_a_stage():
    entry, problem = FAMILIES.get("conv1d"), Problem(shape=(2, 21), latent=3)
    side = SignalSide(
        channels=(4, 6),
        kernels=(3, 5),
        resampling="strided",
        blocks=2,
        block="residual",
        dilation=2,
    )

    def dilations(module):
        convolutions = [m for m in module.modules() if isinstance(m, nn.Conv1d)]
        return [c.dilation[0] for c in convolutions if c.stride[0] == 1]

    # Two convolutions per block, two blocks per stage, two stages.
    assert dilations(entry.build_encoder(side, problem, 3)) == [1, 1, 2, 2] * 2
    assert dilations(entry.build_decoder(entry.mirror(side), problem)) == [1, 1, 2, 2] * 2
    flat = replace(side, dilation=1)
    assert dilations(entry.build_encoder(flat, problem, 3)) == [1] * 8


def test_positions_are_added_everywhere():
    for size in ((5,), (3, 4)):
        module = SpreadOverMap(2, size)
        x = torch.randn(3, 2)
        difference = module(x) - module(torch.zeros(3, 2))
        expected = x.view(3, 2, *(1,) * len(size)).expand(3, 2, *size)
        torch.testing.assert_close(difference, expected)


def test_scaling_and_mirroring_keep_the_rest():
    entry = FAMILIES.get("conv2d")
    wide = ConvSide(channels=(100, 50), kernels=(3, 3), resampling="max_pool", hidden=40)
    assert entry.scale(wide, 0.5) == replace(wide, channels=(50, 25), hidden=20)
    assert entry.scale(wide, 0.0).channels == (2, 2)
    assert entry.mirror(wide) == replace(wide, resampling="nearest")
