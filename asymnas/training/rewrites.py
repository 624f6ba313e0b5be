"""Layers that a CPU trains slowly in bf16, computed otherwise with the same result.

oneDNN takes the weight gradient of a depthwise convolution fast up to 3×3 and slowly beyond: a
larger kernel's is taken in tiles of 3×3. And nearest upsampling with a convolution after it is one
convolution of the small map, whose products are fewer, to four times the channels.

A rewritten layer keeps its parameters and their names. In fp32, on a GPU, where a layer is too
small to gain, where `torch.func` transforms it, and where its parts have hooks, it computes as it
did.
"""

import math
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, pixel_shuffle

TILE = 3  # the largest depthwise kernel whose weight gradient is fast
LEAST_WIDTH = 50  # channels × side of a map, from which tiles gain
LEAST_MAP = 49  # positions of the small map, from which folding gains
FEW = 4  # outputs up to which folding gains with a kernel of three


def rewrite(model: nn.Module) -> None:
    """Makes the layers of a network in place such that they train faster."""
    for layer in model.modules():
        if type(layer) is nn.Conv2d and _is_tiled(layer):
            layer.__class__ = TiledConv2d
        elif type(layer) is nn.Sequential and _is_folded(layer):
            layer.__class__ = FoldedUpsampling


def _is_tiled(conv: nn.Conv2d) -> bool:
    return (
        _keeps_size(conv)
        and conv.kernel_size[0] > TILE
        and conv.groups == conv.in_channels == conv.out_channels
    )


def _is_folded(layers: nn.Sequential) -> bool:
    if len(layers) != 2:
        return False
    resize, conv = layers
    if not (type(resize) is nn.Upsample and type(conv) is nn.Conv2d and _keeps_size(conv)):
        return False
    doubles = resize.mode == "nearest" and resize.size is None and resize.scale_factor == 2
    pays = conv.kernel_size[0] > 3 or (conv.kernel_size[0] == 3 and conv.out_channels <= FEW)
    return doubles and pays and conv.groups == 1


def _keeps_size(conv: nn.Conv2d) -> bool:
    """Whether a convolution is square, odd and centred, with zeros around."""
    height, width = conv.kernel_size
    return (
        height == width
        and height % 2 == 1
        and conv.padding == (height // 2, height // 2)
        and conv.stride == conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
    )


def _in_bf16(x: Tensor) -> bool:
    """Whether autocast lowers the precision of a batch of maps, `[b, c, h, w]`."""
    autocast = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    return autocast and x.dim() == 4 and x.dtype in (torch.float32, torch.bfloat16)


def _positions(x: Tensor) -> int:
    return math.prod(x.shape[2:])


def _has_hooks(module: nn.Module) -> bool:
    return bool(
        module._forward_pre_hooks
        or module._forward_hooks
        or module._backward_pre_hooks
        or module._backward_hooks
    )


def _lowered(x: Tensor) -> Tensor:
    """The values in the precision of autocast."""
    return x.to(torch.get_autocast_dtype("cpu"))


class TiledConv2d(nn.Conv2d):
    """A depthwise convolution whose weight gradient is taken tile by tile."""

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c, h, w] -> [b, c, h, w]`."""
        transformed = torch._C._are_functorch_transforms_active()
        small = x.shape[-3] ** 2 * _positions(x) < LEAST_WIDTH**2
        if transformed or small or not _in_bf16(x):
            return super().forward(x)
        bias = None if self.bias is None else _lowered(self.bias)
        return cast(Tensor, _Tiled.apply(_lowered(x), _lowered(self.weight), bias))


class _Tiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return conv2d(x, weight, bias, padding=weight.shape[2] // 2, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        by_x, by_bias = None, None
        edge, (height, width) = weight.shape[2] // 2, x.shape[2:]
        if ctx.needs_input_grad[2]:
            by_bias = grad.sum((0, 2, 3))
        if torch.is_grad_enabled():  # the gradient is to be differentiated
            return *_gradients(grad, x, weight, edge, (True, True))[:2], by_bias
        if ctx.needs_input_grad[0]:
            by_x = _gradients(grad, x, weight, edge, (True, False))[0]
        padded, by_weight = pad(x, (edge, edge, edge, edge)), torch.empty_like(weight)
        for top, left in product(range(0, weight.shape[2] - 1, TILE - 1), repeat=2):
            seen = padded[..., top : top + height + 2, left : left + width + 2]
            tile = (..., slice(top, top + TILE), slice(left, left + TILE))
            by_weight[tile] = _gradients(grad, seen, weight[tile], 0, (False, True))[1]
        return by_x, by_weight, by_bias


def _gradients(
    grad: Tensor, x: Tensor, weight: Tensor, padding: int, wanted: tuple[bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """Those of a depthwise convolution by its input and its weights, where they are wanted."""
    edges, ones = [padding, padding], [1, 1]
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        grad, x, weight, None, ones, edges, ones, False, [0, 0], len(weight), (*wanted, False)
    )
    return found


class FoldedUpsampling(nn.Sequential):
    """Nearest upsampling and a convolution as one convolution of the small map.

    Each output position of a 2×2 block sees a few positions of the small map: the kernel's weights
    that meet the same one are added up. The block's four outputs are channels until the end.
    """

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c, h, w] -> [b, outputs, 2h, 2w]`."""
        small, seen = _positions(x) < LEAST_MAP, any(map(_has_hooks, self))
        if small or seen or not _in_bf16(x):
            return cast(Tensor, self[1](self[0](x)))
        conv = cast(nn.Conv2d, self[1])
        taps = _taps(conv.kernel_size[0]).to(conv.weight)
        with torch.autocast("cpu", enabled=False):
            weight = torch.einsum("oiyx,ayp,bxq->oabipq", conv.weight, taps, taps)
        bias = None if conv.bias is None else conv.bias.repeat_interleave(4)
        folded = conv2d(x, weight.flatten(0, 2), bias, padding=weight.shape[-1] // 2)
        return pixel_shuffle(folded, 2)


def _taps(kernel: int) -> Tensor:
    """Which position of the small map each weight meets, by place in the block: `[2, kernel, p]`.

    Of `p` positions the middle one is that of the block.
    """
    half = kernel // 2
    reach = (half + 1) // 2
    taps = torch.zeros(2, kernel, 2 * reach + 1)
    for place, tap in product(range(2), range(kernel)):
        taps[place, tap, (place + tap - half) // 2 + reach] = 1
    return taps
