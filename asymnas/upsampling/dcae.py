"""Sub-pixel convolution beside DC-AE's parameter-free shortcut (arXiv 2410.10733)."""

from torch import Tensor, nn

from asymnas.layers import MatchChannels, SubpixelConv
from asymnas.upsampling import UPSAMPLINGS


@UPSAMPLINGS.register("dcae")
class DCAEUpsampling(nn.Module):
    """Adds to a pixel shuffle the input itself: channels repeated, then shuffled."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.main = SubpixelConv(inputs, outputs, kernel)
        self.match = MatchChannels(inputs, 4 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, inputs, h, w] -> [b, outputs, 2h, 2w]`."""
        shortcut = nn.functional.pixel_shuffle(self.match(x), 2)
        output: Tensor = self.main(x) + shortcut
        return output
