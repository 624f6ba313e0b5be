"""Shape of the output and MACs of the functions that networks consist of, from shapes alone.

PyTorch's own functions for the meta device are written in Python, take milliseconds for a
normalisation, and import SymPy or its compiler: 1 to 3 s in each new process. A rule leaves what it
is not for, such as shapes that do not fit, to them.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

#: Functions whose output has the shape of their first argument, and which add no MACs.
SHAPE_KEPT = frozenset(
    {
        *(F.relu, F.silu, F.gelu, F.leaky_relu, F.elu, F.softplus, F.hardswish, F.mish),
        *(F.softmax, F.layer_norm, F.group_norm, F.rms_norm, F.normalize, F.dropout),
        *(torch.relu, torch.tanh, torch.sigmoid, torch.Tensor.tanh, torch.Tensor.sigmoid),
    }
)

#: Other functions that add no MACs: called as they are, without a look at what they consist of.
WITHOUT_MACS = frozenset(
    {
        *(torch.Tensor.reshape, torch.Tensor.view, torch.Tensor.flatten, torch.Tensor.unflatten),
        *(torch.Tensor.permute, torch.Tensor.transpose, torch.Tensor.expand, torch.Tensor.narrow),
        *(torch.Tensor.unbind, torch.Tensor.chunk, torch.Tensor.unsqueeze, torch.Tensor.to),
        *(torch.Tensor.dim, torch.Tensor.size, torch.Tensor.__len__),
        torch.Tensor.shape.__get__,  # type: ignore[attr-defined]
    }
)

Shape = tuple[int, ...]
Numbers = int | Sequence[int]


def _arithmetic(x: torch.Tensor, other: Any) -> tuple[Shape, int]:
    shape = getattr(other, "shape", ())  # a number has none
    return np.broadcast_shapes(x.shape, shape), 0  # torch's own imports SymPy


def _mean(
    x: torch.Tensor, dim: int | Sequence[int], keepdim: bool = False, **options: Any
) -> tuple[Shape, int]:
    (dims,) = _each(1, dim)
    averaged = {n % x.ndim for n in dims}
    sizes = (1 if axis in averaged else n for axis, n in enumerate(x.shape))
    kept = [n for axis, n in enumerate(sizes) if keepdim or axis not in averaged]
    return tuple(kept), 0


def _linear(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> tuple[Shape, int]:
    _refuse(x.shape[-1] != weight.shape[1])
    return (*x.shape[:-1], weight.shape[0]), x.numel() * weight.shape[0]


def _attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **options: Any
) -> tuple[Shape, int]:
    shape = (*query.shape[:-1], value.shape[-1])
    return shape, query.numel() * key.shape[-2] + math.prod(shape) * key.shape[-2]


def _convolution(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> tuple[Shape, int]:
    axes = weight.ndim - 2
    _refuse(x.ndim != axes + 2 or x.shape[1] != weight.shape[1] * groups)
    sizes = _windows(x, weight.shape[2:], stride, padding, dilation)
    shape = (x.shape[0], weight.shape[0], *sizes)
    return shape, x.shape[0] * math.prod(sizes) * weight.numel()


def _transposed_convolution(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers = 0,
    output_padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
) -> tuple[Shape, int]:
    axes = weight.ndim - 2
    _refuse(x.ndim != axes + 2 or x.shape[1] != weight.shape[0])
    each = _each(axes, weight.shape[2:], stride, padding, output_padding, dilation)
    by_axis = zip(x.shape[2:], *each, strict=True)
    sizes = tuple((n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, o, d in by_axis)
    _refuse(min(sizes) < 1)
    shape = (x.shape[0], weight.shape[1] * groups, *sizes)
    return shape, math.prod((x.shape[0], *x.shape[2:])) * weight.numel()


def _interpolation(
    x: torch.Tensor, size: Numbers | None = None, scale_factor: Any = None, **options: Any
) -> tuple[Shape, int]:
    (given,) = _each(x.ndim - 2, scale_factor if size is None else size)
    if size is None:
        given = tuple(int(n * factor) for n, factor in zip(x.shape[2:], given, strict=True))
    return (*x.shape[:2], *given), 0


def _max_pool(
    axes: int,
    x: torch.Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Shape, int]:
    _refuse(x.ndim != axes + 2 or ceil_mode or return_indices)
    return (*x.shape[:2], *_windows(x, kernel_size, stride or kernel_size, padding, dilation)), 0


def _average_pool(
    axes: int,
    x: torch.Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    ceil_mode: bool = False,
    *counted: Any,
) -> tuple[Shape, int]:
    return _max_pool(axes, x, kernel_size, stride, padding, ceil_mode=ceil_mode)


def _adaptive_pool(axes: int, x: torch.Tensor, output_size: Numbers) -> tuple[Shape, int]:
    (given,) = _each(axes, output_size)
    _refuse(len(given) != axes or not all(isinstance(n, int) for n in given))
    return (*x.shape[:-axes], *given), 0


def _pixel_shuffle(x: torch.Tensor, factor: int) -> tuple[Shape, int]:
    _refuse(x.ndim != 4 or x.shape[1] % factor**2 != 0)
    return (x.shape[0], x.shape[1] // factor**2, x.shape[2] * factor, x.shape[3] * factor), 0


def _pixel_unshuffle(x: torch.Tensor, factor: int) -> tuple[Shape, int]:
    _refuse(x.ndim != 4 or x.shape[2] % factor != 0 or x.shape[3] % factor != 0)
    return (x.shape[0], x.shape[1] * factor**2, x.shape[2] // factor, x.shape[3] // factor), 0


def _windows(
    x: torch.Tensor, kernel: Numbers, stride: Numbers, padding: Numbers, dilation: Numbers
) -> Shape:
    """How many places a sliding kernel has along each axis."""
    each = _each(x.ndim - 2, kernel, stride, padding, dilation)
    by_axis = zip(x.shape[2:], *each, strict=True)
    sizes = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in by_axis)
    _refuse(min(sizes) < 1)
    return sizes


def _each(axes: int, *values: Any) -> list[tuple[Any, ...]]:
    """Each value as a number per axis."""
    _refuse(any(isinstance(value, str | None) for value in values))
    return [tuple(v) if isinstance(v, Sequence) else (v,) * axes for v in values]


def _refuse(unlike: bool) -> None:
    """Leaves what a rule is not for to PyTorch."""
    if unlike:
        raise NotImplementedError


#: By function: shape of the output and MACs, from the function's own arguments. Raises
#: `NotImplementedError`, `TypeError` or `ValueError` for what it is not for.
RULES: dict[Any, Callable[..., tuple[Shape, int]]] = {
    F.linear: _linear,
    F.scaled_dot_product_attention: _attention,
    **dict.fromkeys((F.conv1d, F.conv2d, F.conv3d), _convolution),
    **dict.fromkeys(
        (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d), _transposed_convolution
    ),
    F.interpolate: _interpolation,
    F.max_pool1d: partial(_max_pool, 1),
    F.max_pool2d: partial(_max_pool, 2),
    F.avg_pool1d: partial(_average_pool, 1),
    F.avg_pool2d: partial(_average_pool, 2),
    F.adaptive_avg_pool1d: partial(_adaptive_pool, 1),
    F.adaptive_avg_pool2d: partial(_adaptive_pool, 2),
    F.pixel_shuffle: _pixel_shuffle,
    F.pixel_unshuffle: _pixel_unshuffle,
    **dict.fromkeys((torch.mean, torch.Tensor.mean), _mean),
    **dict.fromkeys(
        (torch.add, torch.sub, torch.mul, torch.Tensor.add, torch.Tensor.sub, torch.Tensor.mul),
        _arithmetic,
    ),
}
