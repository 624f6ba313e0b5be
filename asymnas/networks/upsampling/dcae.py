"""Sub-pixel convolution beside DC-AE's parameter-free shortcut (arXiv 2410.10733)."""

from torch import Tensor, nn

from asymnas.networks.layers import MatchChannels
from asymnas.networks.upsampling import UPSAMPLINGS
from asymnas.networks.upsampling.pixel_shuffle import SubpixelConv, pixel_shuffle


@UPSAMPLINGS.register("dcae")
class DCAEUpsampling(nn.Module):
    """Adds to a pixel shuffle the input itself: channels repeated, then shuffled."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dims: int) -> None:
        super().__init__()
        self.main = SubpixelConv(inputs, outputs, kernel, dims)
        self.match = MatchChannels(inputs, 2**dims * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, inputs, *size] -> [b, outputs, *2 size]`."""
        output: Tensor = self.main(x) + pixel_shuffle(self.match(x))
        return output
