"""Pixel unshuffle and convolution beside DC-AE's parameter-free shortcut (arXiv 2410.10733)."""

from torch import Tensor, nn

from asymnas.networks.downsampling import DOWNSAMPLINGS, Downsampling
from asymnas.networks.downsampling.pixel_unshuffle import PixelUnshuffle
from asymnas.networks.layers import MatchChannels, same_conv


class DCAEDownsampling(nn.Module):
    """Adds to the convolution its own input: unshuffled, channels averaged in groups."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dims: int) -> None:
        super().__init__()
        unshuffled = 2**dims * inputs
        self.conv = same_conv(unshuffled, outputs, kernel, dims=dims)
        self.unshuffle = PixelUnshuffle()
        self.match = MatchChannels(unshuffled, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, inputs, *size] -> [b, outputs, *size / 2]`."""
        unshuffled = self.unshuffle(x)
        output: Tensor = self.conv(unshuffled) + self.match(unshuffled)
        return output


DOWNSAMPLINGS.register(
    "dcae", "Pixel unshuffle and convolution beside the input itself, averaged in groups"
)(Downsampling(DCAEDownsampling, mirror="dcae"))
