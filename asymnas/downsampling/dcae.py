"""Pixel unshuffle and convolution beside DC-AE's parameter-free shortcut (arXiv 2410.10733)."""

from torch import Tensor, nn

from asymnas.downsampling import DOWNSAMPLINGS, Downsampling
from asymnas.layers import MatchChannels, same_conv


class DCAEDownsampling(nn.Module):
    """Adds to the convolution its own input: unshuffled, channels averaged in groups."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = same_conv(4 * inputs, outputs, kernel)
        self.match = MatchChannels(4 * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, inputs, h, w] -> [b, outputs, h / 2, w / 2]`."""
        unshuffled = nn.functional.pixel_unshuffle(x, 2)
        output: Tensor = self.conv(unshuffled) + self.match(unshuffled)
        return output


DOWNSAMPLINGS.register("dcae")(Downsampling(DCAEDownsampling, mirror="dcae"))
