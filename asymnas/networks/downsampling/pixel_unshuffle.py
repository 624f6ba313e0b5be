"""Pixel unshuffle to 2ᵈ times the channels, then a convolution; loses nothing on the way."""

from torch import Tensor, nn

from asymnas.networks.downsampling import DOWNSAMPLINGS, Downsampling
from asymnas.networks.layers import same_conv


class PixelUnshuffle(nn.Module):
    """Positions to channels, `[b, c, *size] -> [b, 2ᵈ c, *size / 2]`: undoes a pixel shuffle."""

    def forward(self, x: Tensor) -> Tensor:
        """Rearranges; the size is even."""
        if x.dim() == 4:
            return nn.functional.pixel_unshuffle(x, 2)
        b, c, n = x.shape
        return x.reshape(b, c, n // 2, 2).transpose(2, 3).reshape(b, 2 * c, n // 2)


def _build(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    return nn.Sequential(PixelUnshuffle(), same_conv(2**dims * inputs, outputs, kernel, dims=dims))


DOWNSAMPLINGS.register(
    "pixel_unshuffle", "Positions to channels, then a convolution; loses nothing"
)(Downsampling(_build, mirror="pixel_shuffle"))
