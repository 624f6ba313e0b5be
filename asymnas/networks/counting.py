"""Parameters and MACs of modules, counted by building them on the meta device.

No formula has to be kept in step with the modules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode


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
        if func is torch.empty:  # as nearly every parameter is made
            return func(*args, **{**named, "device": named.get("device") or "meta"})
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
_ARITHMETIC = frozenset(
    {torch.Tensor.add, torch.Tensor.mul, torch.Tensor.sub, torch.add, torch.mul}
)


class _ShapesAlone(TorchFunctionMode):
    """Replaces functions of meta tensors by others with the same shapes and MACs.

    PyTorch's own for the meta device decompose into many operations in Python: a layer norm and a
    bilinear interpolation take milliseconds each.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        first = args[0] if args else None
        if not (isinstance(first, torch.Tensor) and first.is_meta):
            return func(*args, **named)
        if func in _SHAPE_KEPT:
            return first
        if func in _ARITHMETIC and len(args) == 2:
            other = getattr(args[1], "shape", first.shape)  # a number has none
            return first if first.shape == other else func(*args, **named)
        if func is F.linear:  # its bias adds no MACs
            return first @ (args[1] if len(args) > 1 else named["weight"]).t()
        if func is F.scaled_dot_product_attention:
            query, key, value = args[:3]
            return (query @ key.transpose(-2, -1)) @ value
        if func is F.interpolate and named.get("mode") in ("linear", "bilinear", "bicubic"):
            named.update(mode="nearest", align_corners=None, antialias=False)
        return func(*args, **named)


def count_params(module: nn.Module) -> int:
    """Trainable parameters of a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def count_macs(module: nn.Module, *inputs: torch.Tensor) -> int:
    """MACs of one forward pass of `inputs`, by torch's flop counter; works on the meta device."""
    # The flop counter has no rule for the fused attention of every device; it has for products.
    with (
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
        _ShapesAlone(),
    ):
        module(*inputs)
    return int(counter.get_total_flops()) // 2


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
    with torch.no_grad():
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
