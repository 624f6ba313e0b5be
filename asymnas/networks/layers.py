"""Layers, most of them without parameters, that several packages build with."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
}

#: What is built for signals `[b, c, length]` (one dimension) and images `[b, c, h, w]` (two).
CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED: dict[int, type[nn.ConvTranspose1d | nn.ConvTranspose2d]] = {
    1: nn.ConvTranspose1d,
    2: nn.ConvTranspose2d,
}
CONVS = (*CONVOLUTIONS.values(), *TRANSPOSED.values())
AVERAGE_POOLS: dict[int, type[nn.AvgPool1d | nn.AvgPool2d]] = {1: nn.AvgPool1d, 2: nn.AvgPool2d}
MAX_POOLS: dict[int, type[nn.MaxPool1d | nn.MaxPool2d]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d}


def scaled_widths(
    widths: Sequence[int], factor: float, least: int, offset: float = 0.5
) -> tuple[int, ...]:
    """Widths times a factor, each at least `least`, rounded at places of their own.

    Layers of one width would otherwise all grow at the same factor, and the parameters in steps too
    coarse to fill a budget. A factor of one changes nothing.

    Args:
        widths: Of each layer.
        factor: Above zero.
        least: Of a layer.
        offset: Where in a layer's turn it grows, in (0, 1).
    """
    return tuple(
        max(least, math.floor(width * factor + (place + offset) / len(widths)))
        for place, width in enumerate(widths)
    )


def one_wider(widths: Sequence[int]) -> list[tuple[int, ...]]:
    """The widths with one of them a unit larger, one entry per layer."""
    return [
        tuple(width + (place == layer) for place, width in enumerate(widths))
        for layer in range(len(widths))
    ]


def as_upsampling(layer: nn.Module) -> nn.Module:
    """Marks a layer of a decoder as one that doubles the resolution, for `is_upsampling`."""
    layer.__dict__["doubles"] = True
    return layer


def is_upsampling(layer: nn.Module) -> bool:
    """Whether a layer was marked; no shape tells, since tokens may have any."""
    return "doubles" in layer.__dict__


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
    """Cuts `[b, c, *]` at the end of every axis, to `size` positions."""

    def __init__(self, *size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Returns `[b, c, *size]`."""
        return x[(slice(None), slice(None), *map(slice, self.size))]


class PadToEven(nn.Module):
    """Repeats the last position of `[b, c, *]` along each axis of odd length."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns `[b, c, *]` with an even number of positions along each axis."""
        odd = [length % 2 for length in x.shape[2:]]
        if not any(odd):
            return x
        pad = [end for length in reversed(odd) for end in (0, length)]  # the last axis first
        return nn.functional.pad(x, pad, mode="replicate")


def same_conv(
    inputs: int, outputs: int, kernel: int, groups: int = 1, *, dims: int = 2, dilation: int = 1
) -> nn.Conv1d | nn.Conv2d:
    """A convolution of stride one that keeps the size, in one or two dimensions."""
    padding: int | str = dilation * (kernel // 2) if kernel % 2 else "same"
    return CONVOLUTIONS[dims](
        inputs, outputs, kernel, padding=padding, groups=groups, dilation=dilation
    )


class Readout(nn.Linear):
    """A linear layer after a norm that gives the output: it starts with a tenth of the weights.

    A norm undoes the small outputs that deep sides start with. Weights at full size would be noise
    larger than the data, which short training does not unlearn.
    """

    def shrink_init(self) -> None:
        """Divides the weights by ten."""
        with torch.no_grad():
            self.weight.div_(10)


class Attention(nn.Module):
    """Attends in each head by scaled dot products; holds no parameters."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, qkv: Tensor) -> Tensor:
        """Queries, keys and values side by side, `[b, t, 3·h·s] -> [b, t, h·s]`."""
        split = qkv.reshape(*qkv.shape[:2], 3, self.heads, -1)
        q_bhts, k_bhts, v_bhts = split.permute(2, 0, 3, 1, 4).unbind(0)
        attended_bhts = nn.functional.scaled_dot_product_attention(q_bhts, k_bhts, v_bhts)
        return attended_bhts.transpose(1, 2).flatten(2)


class SmallStart(nn.Module):
    """A layer after norms that gives the output: it starts with a tenth of the weights.

    See `Readout`; this one holds a layer of any sort.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """What the layer makes of `x`."""
        output: Tensor = self.layer(x)
        return output

    def shrink_init(self) -> None:
        """Divides the weights by ten."""
        with torch.no_grad():
            for module in self.layer.modules():
                if isinstance(module, CONVS):
                    module.weight.div_(10)


def at_least_fp32(x: Tensor) -> Tensor:
    """The values in float32, where autocast has left fewer bits; float64 as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
