"""What the stages of convolutional sides are made of, for signals and images alike."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from asymnas.networks.layers import ACTIVATIONS, CONVOLUTIONS, Attention, same_conv

Norm = Literal["none", "group"]
Active = Callable[[int], list[nn.Module]]  # channels to the layers of an activation


def active(norm: Norm, activation: str, channels: int) -> list[nn.Module]:
    """The activation, after a norm where there is one.

    The norm has one group: it takes any number of channels, and leaves their ratios as they are.
    """
    before: list[nn.Module] = [nn.GroupNorm(1, channels)] if norm == "group" else []
    return [*before, ACTIVATIONS[activation]()]


class ResidualBlock(nn.Module):
    """(x + conv(act(conv(x)))) / √2, which keeps the variance."""

    def __init__(
        self, channels: int, inner: int, kernel: int, activate: Active, dims: int, dilation: int
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            same_conv(channels, inner, kernel, dims=dims, dilation=dilation),
            *activate(inner),
            same_conv(inner, channels, kernel, dims=dims, dilation=dilation),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c, *size] -> [b, c, *size]`."""
        output: Tensor = (x + self.body(x)) * 0.7071
        return output


def _plain(
    inputs: int, outputs: int, kernel: int, activate: Active, dims: int, dilation: int
) -> nn.Module:
    return same_conv(inputs, outputs, kernel, dims=dims, dilation=dilation)


def _separable(
    inputs: int, outputs: int, kernel: int, activate: Active, dims: int, dilation: int
) -> nn.Module:
    depthwise = same_conv(inputs, inputs, kernel, inputs, dims=dims, dilation=dilation)
    return nn.Sequential(depthwise, CONVOLUTIONS[dims](inputs, outputs, 1))


#: `(channels, inner or outputs, kernel, activate, dims, dilation) -> module` by name.
BLOCKS: dict[str, Callable[[int, int, int, Active, int, int], nn.Module]] = {
    "plain": _plain,
    "residual": ResidualBlock,
    "separable": _separable,
}


class SpreadOverMap(nn.Module):
    """Repeats a vector at all positions and adds a learned map."""

    def __init__(self, channels: int, size: tuple[int, ...]) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.empty(channels, *size))
        nn.init.normal_(self.position, std=0.5)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c] -> [b, c, *size]`."""
        spread = x.view(*x.shape, *(1,) * (self.position.dim() - 1))
        return spread + self.position


class PositionAttention(nn.Module):
    """(x + attention(norm(x))) / √2 among positions, one head (Zhang et al. 2018).

    https://arxiv.org/abs/1805.08318. The norm has no parameters: what follows it is linear.
    The keys have no bias: it would cancel in the softmax and never learn.

    Args:
        channels: Of each position.
        size: Numbers of a query, of a key and of a value.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels, affine=False)
        self.to_qkv = nn.Linear(channels, 3 * size, bias=False)
        self.attention = Attention(1)
        self.project = nn.Linear(size, channels)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c, *size] -> [b, c, *size]`."""
        positions_bpc = self.norm(x).flatten(2).transpose(1, 2)
        attended_bpc = self.project(self.attention(self.to_qkv(positions_bpc)))
        output: Tensor = (x + attended_bpc.transpose(1, 2).reshape(x.shape)) * 0.7071
        return output
