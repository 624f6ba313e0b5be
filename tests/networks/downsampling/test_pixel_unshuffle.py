"""Pixel unshuffles, against the shuffle that undoes them."""

import pytest
import torch

from asymnas.networks.downsampling.pixel_unshuffle import PixelUnshuffle
from asymnas.networks.upsampling.pixel_shuffle import pixel_shuffle


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
