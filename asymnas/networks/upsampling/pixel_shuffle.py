"""Sub-pixel convolution (Shi et al. 2016, arXiv 1609.05158), started by ICNR."""

import torch
from torch import Tensor, nn

from asymnas.networks.layers import same_conv
from asymnas.networks.upsampling import UPSAMPLINGS


def pixel_shuffle(x: Tensor) -> Tensor:
    """Channels to positions, `[b, 2ᵈ c, *size] -> [b, c, *2 size]` with d = 1 or 2 axes.

    Shi et al. 2016, arXiv 1609.05158; `nn.PixelShuffle` is for images alone.
    """
    if x.dim() == 4:
        return nn.functional.pixel_shuffle(x, 2)
    b, c, n = x.shape
    return x.reshape(b, c // 2, 2, n).transpose(2, 3).reshape(b, c // 2, 2 * n)


@UPSAMPLINGS.register("pixel_shuffle")
class SubpixelConv(nn.Module):
    """Convolution to 2ᵈ times the channels in d = 1 or 2 dimensions, then a pixel shuffle by two.

    `[b, inputs, *size] -> [b, outputs, *2 size]`. `icnr` starts it free of checkerboards (Aitken et
    al. 2017, arXiv 1707.02937): the 2ᵈ kernels of an output channel are the same.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dims: int = 2) -> None:
        super().__init__()
        self.parts = 2**dims
        self.conv = same_conv(inputs, self.parts * outputs, kernel, dims=dims)

    def icnr(self) -> None:
        """Gives each group of sub-pixel kernels the first one's weights."""
        with torch.no_grad():
            first = self.conv.weight[:: self.parts]
            self.conv.weight.copy_(first.repeat_interleave(self.parts, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """Upsamples by two."""
        return pixel_shuffle(self.conv(x))
