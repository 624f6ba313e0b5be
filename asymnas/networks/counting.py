"""Parameters and MACs of modules, counted by building them on the meta device.

No formula has to be kept in step with the modules.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

# Functions that make a tensor of the sizes that they are given.
_MADE = frozenset({torch.empty, torch.zeros, torch.ones, torch.randn, torch.rand})


class _ShapesOnly(TorchFunctionMode):
    """Makes tensors on the meta device and leaves out the calls of `torch.nn.init`.

    Both in one mode, since every call of a tensor's method passes through each mode: with
    `torch.device("meta")` as a second one, a module takes a third longer.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        first = args[0] if args else None
        if getattr(func, "__module__", None) == "torch.nn.init":
            return first if args else named["tensor"]
        if isinstance(first, torch.Tensor):
            return func(*args, **named)
        if func in _MADE and named.keys().isdisjoint(("device", "generator")):
            return torch.empty(*args, **named, device="meta")
        with torch.device("meta"):
            return func(*args, **named)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Within the context, modules are built without memory and without initial values."""
    with _ShapesOnly():
        yield


# Functions whose output has the shape of their first argument, and which add no MACs.
_SHAPE_KEPT = frozenset(
    {
        *(F.relu, F.silu, F.gelu, F.leaky_relu, F.elu, F.softplus, F.hardswish, F.mish),
        *(F.softmax, F.layer_norm, F.group_norm, F.rms_norm, F.normalize, F.dropout),
        *(torch.relu, torch.tanh, torch.sigmoid, torch.Tensor.tanh, torch.Tensor.sigmoid),
    }
)

# Other functions that add no MACs: called as they are, without a look at what they consist of.
_WITHOUT_MACS = frozenset(
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
    each = _each(axes, weight.shape[2:], stride, padding, dilation)
    by_axis = zip(x.shape[2:], *each, strict=True)
    sizes = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in by_axis)
    _refuse(min(sizes) < 1)
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


def _each(axes: int, *values: Any) -> list[tuple[Any, ...]]:
    """Each value as a number per axis."""
    _refuse(any(isinstance(value, str | None) for value in values))
    return [tuple(v) if isinstance(v, Sequence) else (v,) * axes for v in values]


def _refuse(unlike: bool) -> None:
    """Leaves what a rule is not for to PyTorch."""
    if unlike:
        raise NotImplementedError


#: Shape of the output and MACs, without PyTorch's own for the meta device, which are written in
#: Python, take milliseconds for a normalisation, and import SymPy: 1 to 2 s in each new process.
_RULES: dict[Any, Callable[..., tuple[Shape, int]]] = {
    F.linear: _linear,
    F.scaled_dot_product_attention: _attention,
    **dict.fromkeys((F.conv1d, F.conv2d, F.conv3d), _convolution),
    **dict.fromkeys(
        (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d), _transposed_convolution
    ),
    F.interpolate: _interpolation,
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


class _Counter(TorchFunctionMode):
    """Adds up the MACs of a forward pass; tensors on the meta device are passed on as shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.macs: int = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        first: Any = args[0] if args else None
        if func == torch.stack and not named and first[0].is_meta:
            return first[0].new_empty((len(first), *first[0].shape))
        if not (isinstance(first, torch.Tensor) and first.is_meta):
            return self._call(func, args, named)
        if func in _SHAPE_KEPT:
            return first
        if func in _WITHOUT_MACS:
            return func(*args, **named)
        if (rule := _RULES.get(func)) is None:
            return self._call(func, args, named)
        try:
            shape, macs = rule(*args, **named)
        except (NotImplementedError, TypeError, ValueError):  # the rule is not for this
            return self._call(func, args, named)
        self.macs += macs
        return first.new_empty(shape)

    def _call(self, func: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Calls a function of PyTorch, with the MACs of what it consists of."""
        with _Operations() as counted:
            result = func(*args, **named)
        self.macs += counted.macs
        return result


class _Operations(TorchDispatchMode):
    """Adds up the MACs of PyTorch's operations, by the formulas of its flop counter.

    `torch.utils.flop_counter.FlopCounterMode` also follows modules, which takes nearly as long
    again, and imports PyTorch's compiler, 2 to 3 s in each new process. Any mode whose class body
    defines `__torch_dispatch__` imports it, so here the method is assigned afterwards.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs: int = 0

    def _dispatch(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        formula = flop_registry.get(func._overloadpacket)
        if formula is None:
            with self:
                parts = func.decompose(*args, **named)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **named)
        if formula is not None:
            self.macs += int(formula(*args, **named, out_val=out)) // 2
        return out


_Operations.__torch_dispatch__ = _Operations._dispatch  # type: ignore[method-assign,assignment]


def count_params(module: nn.Module) -> int:
    """Trainable parameters of a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def count_macs(module: nn.Module, *inputs: torch.Tensor) -> int:
    """MACs of one forward pass of `inputs`, which may lie on the meta device."""
    counter = _Counter()
    # The flop counter has no rule for the fused attention of every device; it has for products.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        module(*inputs)
    return counter.macs


def layer_rows(side: str, module: nn.Module, *inputs: torch.Tensor) -> list[dict[str, Any]]:
    """Every layer of a module that holds parameters or multiplies, in order of computation.

    Args:
        side: What the rows are to say of where the layers belong.
        module: On the meta device or another; it gets hooks, so it is not to be used any further.
        inputs: Of its forward pass.
    """
    seen: list[tuple[nn.Module, tuple[torch.Tensor, ...], torch.Tensor]] = []
    for leaf in (m for m in module.modules() if not list(m.children())):
        leaf.register_forward_hook(lambda m, inputs, output: seen.append((m, inputs, output)))
    with torch.no_grad(), _Counter():
        module(*inputs)
    rows = [
        {
            "side": side,
            "name": _label(leaf),
            "output_shape": tuple(output.shape[1:]),
            "params": count_params(leaf),
            "macs": count_macs(leaf, *arguments),
        }
        for leaf, arguments, output in list(seen)
    ]
    return [row for row in rows if row["params"] or row["macs"]]


def _label(layer: nn.Module) -> str:
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d):
        transposed = "transposed " if layer.transposed else ""
        depthwise = "depthwise " if layer.groups > 1 else ""
        stride = f" s{layer.stride[0]}" if layer.stride[0] > 1 else ""
        dilation = f" d{layer.dilation[0]}" if layer.dilation[0] > 1 else ""
        return f"{depthwise}{transposed}conv{layer.kernel_size[0]}{stride}{dilation}"
    return "dense" if isinstance(layer, nn.Linear) else type(layer).__name__.lower()
