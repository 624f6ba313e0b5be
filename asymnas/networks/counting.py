"""Parameters and MACs of modules, counted by building them on the meta device.

No formula has to be kept in step with the modules: a forward pass is taken, of shapes in place of
values. Functions that occur often have rules for their shape and MACs (`function_rules`); all
others are PyTorch's own, with the MACs of its flop counter.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from asymnas.networks.function_rules import RULES, SHAPE_KEPT, WITHOUT_MACS

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
        if func in SHAPE_KEPT:
            return first
        if func in WITHOUT_MACS:
            return func(*args, **named)
        if (rule := RULES.get(func)) is None:
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


def shape_of(function: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> torch.Tensor:
    """What a function returns of `inputs` on the meta device, by the rules as far as they go."""
    with torch.no_grad(), _Counter():
        return function(*inputs)


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
