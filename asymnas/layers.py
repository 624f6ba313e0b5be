"""Parameter-free pieces and initial weights that several rooms build with."""

import math

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
}


class MatchChannels(nn.Module):
    """Maps `inputs` channels to `outputs` without parameters: averages groups, or repeats.

    The shortcut of DC-AE (Chen et al. 2024, arXiv 2410.10733), for any pair of channel counts.
    `[b, inputs, *] -> [b, outputs, *]`.
    """

    index: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        group = max(1, math.ceil(inputs / outputs))
        index = torch.arange(outputs * group, device="cpu") * inputs // (outputs * group)
        self.register_buffer("index", index.view(outputs, group), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Averages, for each output channel, its group of input channels."""
        members = [x.index_select(1, column) for column in self.index.to(x.device).unbind(1)]
        return torch.stack(members).mean(0) if len(members) > 1 else members[0]


class Crop(nn.Module):
    """Cuts `[b, c, h, w]` at the lower right to `height` and `width` pixels."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        """Returns `[b, c, height, width]`."""
        return x[..., : self.height, : self.width]


class PadToEven(nn.Module):
    """Repeats the last row or column of `[b, c, h, w]` where the size is odd."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns `[b, c, h + h % 2, w + w % 2]`."""
        bottom, right = x.shape[-2] % 2, x.shape[-1] % 2
        if not bottom and not right:
            return x
        return nn.functional.pad(x, (0, right, 0, bottom), mode="replicate")


def same_conv(inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Conv2d:
    """A convolution of stride one that keeps height and width."""
    padding: int | str = kernel // 2 if kernel % 2 else "same"
    return nn.Conv2d(inputs, outputs, kernel, padding=padding, groups=groups)


def initialise(module: nn.Module) -> None:
    """Draws weights from N(0, 1.5 / fan-in), biases zero; deep sides start with small outputs.

    The fan-in of a transposed convolution is what reaches one output: kernel² / stride² taps of
    each input channel. 1.5 lies between He's 2 for a rectifier and 1 for a linear layer.
    """
    for layer in module.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            taps = math.prod(layer.kernel_size) / math.prod(layer.stride)
            fan_in = layer.in_channels / layer.groups * taps
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
        else:
            continue
        nn.init.normal_(layer.weight, std=math.sqrt(1.5 / fan_in))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    for layer in module.modules():
        if isinstance(layer, SubpixelConv):
            layer.icnr()


class SubpixelConv(nn.Module):
    """Convolution to four times the channels, then a pixel shuffle by two.

    `[b, inputs, h, w] -> [b, outputs, 2h, 2w]`. `icnr` starts it free of checkerboards (Aitken et
    al. 2017, arXiv 1707.02937): the four kernels of an output channel are the same.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = same_conv(inputs, 4 * outputs, kernel)

    def icnr(self) -> None:
        """Gives each group of four sub-pixel kernels the first one's weights."""
        with torch.no_grad():
            self.conv.weight.copy_(self.conv.weight[::4].repeat_interleave(4, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """Upsamples by two."""
        return nn.functional.pixel_shuffle(self.conv(x), 2)
