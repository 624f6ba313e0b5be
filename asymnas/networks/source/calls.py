"""Calls of PyTorch as a programmer writes them: names, arguments without defaults, operators."""

import ast
import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import torch
from torch import nn

from asymnas.core.errors import ExportError
from asymnas.networks.source.tracing import layer_type

_INFIX = {"add": ("+", 0), "sub": ("-", 0), "mul": ("*", 1), "div": ("/", 1), "truediv": ("/", 1)}
_SUM, _PRODUCT, _CALL = 0, 1, 2  # how tightly an expression binds
_NAMESPACES: dict[str, ModuleType] = {
    "F": nn.functional,
    "torch": torch,
    "torch.special": torch.special,
}


@dataclass(frozen=True)
class Text:
    """An expression.

    Args:
        text: As source.
        binds: How tightly.
        depth: Calls within calls.
    """

    text: str
    binds: int = _CALL
    depth: int = 0

    def within(self, binds: int) -> str:
        """In brackets where what is around it binds more tightly."""
        return self.text if self.binds >= binds else f"({self.text})"


Show = Callable[[Any], Text]
"""How an argument is shown."""


def call_of(called: Callable[..., Any], args: tuple[Any, ...], named: Any, show: Show) -> Text:
    """The call of a torch function.

    Args:
        called: The function, as a torch function mode gets it.
        args: Positional arguments.
        named: Arguments by name.
        show: Shows an argument.

    Raises:
        ExportError: It has no public name.
    """
    name = called.__name__
    if name == "__get__":
        whole, attribute = show(args[0]), getattr(called, "__self__", called).__name__
        return Text(f"{whole.within(_CALL)}.{attribute}", _CALL, whole.depth)
    if _is_method(called):
        plain, reverse = name.strip("_"), False
        if plain not in _INFIX and plain.removeprefix("r") in _INFIX and name.startswith("__"):
            plain, reverse = plain.removeprefix("r"), True
        if plain in _INFIX and len(args) == 2 and not named:
            return _infix(plain, *(args[::-1] if reverse else args), show)
        if name == "__getitem__":
            item = args[1] if isinstance(args[1], tuple) else (args[1],)
            inner = ", ".join(_slice(part, show) for part in item)
            whole = show(args[0])
            return Text(f"{whole.within(_CALL)}[{inner}]", _CALL, whole.depth + 1)
        if name.startswith("_"):
            raise ExportError(f"a layer calls {name}, which has no public name")
        whole = show(args[0])
        listed, depth = _arguments(called, args[1:], named, show)
        return Text(f"{whole.within(_CALL)}.{name}({listed})", _CALL, max(whole.depth, depth))
    listed, depth = _arguments(called, args, named, show)
    return Text(f"{_public_name(called)}({listed})", _CALL, depth + 1)


def _infix(name: str, left: Any, right: Any, show: Show) -> Text:
    sign, binds = _INFIX[name]
    one, other = show(left), show(right)
    text = f"{one.within(binds)} {sign} {other.within(binds + 1)}"
    return Text(text, binds, max(one.depth, other.depth))


def _slice(part: Any, show: Show) -> str:
    if part is Ellipsis:
        return "..."
    if not isinstance(part, slice):
        return show(part).text
    start, stop = ("" if end is None else show(end).text for end in (part.start, part.stop))
    return f"{start}:{stop}" + ("" if part.step is None else f":{show(part.step).text}")


def _arguments(
    called: Callable[..., Any], args: tuple[Any, ...], named: Any, show: Show
) -> tuple[str, int]:
    """Arguments as source without those that are defaults, and how deep they nest."""
    names, defaults = _parameters(called)
    positional = list(args)
    while positional and len(positional) <= len(names):
        last = names[len(positional) - 1]
        if last not in defaults or not _same(positional[-1], defaults[last]):
            break
        positional.pop()
    kept = {n: v for n, v in named.items() if n not in defaults or not _same(v, defaults[n])}
    shown = [show(value) for value in positional]
    by_name = {name: show(value) for name, value in kept.items()}
    texts = [one.text for one in shown] + [f"{name}={one.text}" for name, one in by_name.items()]
    return ", ".join(texts), max((one.depth for one in (*shown, *by_name.values())), default=0)


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


@lru_cache(maxsize=1000)
def _parameters(called: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Names of a function's parameters and their defaults, by its signature or its docstring.

    The tensor whose method it is, is none of them.
    """
    try:
        signature = inspect.signature(called)
    except (ValueError, TypeError):  # a function in C
        return _documented(called)
    parameters = signature.parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return _documented(called)
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    return tuple(signature.parameters)[_is_method(called) :], defaults


def _documented(called: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """What the first line of a docstring has: `gelu(input, approximate='none') -> Tensor`."""
    heading = (called.__doc__ or "").strip().partition("->")[0].strip()
    try:
        parsed = ast.parse(f"def {heading}: ...").body[0]
    except SyntaxError:
        return (), {}
    if not isinstance(parsed, ast.FunctionDef):
        return (), {}
    arguments = [*parsed.args.posonlyargs, *parsed.args.args]
    names = tuple(argument.arg for argument in arguments)
    given = dict(zip(reversed(names), reversed(parsed.args.defaults), strict=False))
    given |= {
        argument.arg: default
        for argument, default in zip(parsed.args.kwonlyargs, parsed.args.kw_defaults, strict=True)
        if default is not None
    }
    constants: dict[str, Any] = {}
    for name, default in given.items():
        with suppress(ValueError):  # no constant
            constants[name] = ast.literal_eval(default)
    return names, constants


def _is_method(called: Callable[..., Any]) -> bool:
    return getattr(torch.Tensor, called.__name__, None) is called


@lru_cache(maxsize=1000)
def _public_name(called: Callable[..., Any]) -> str:
    for prefix, namespace in _NAMESPACES.items():
        for name in (called.__name__, *dir(namespace)):
            if not name.startswith("_") and getattr(namespace, name, None) is called:
                return f"{prefix}.{name}"
    raise ExportError(f"a layer calls {called.__name__}, which has no public name")


def layer_call(layer: nn.Module) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """How a layer of `torch.nn` is made: its type's name and arguments.

    Returns:
        The name, the arguments that must be given, and those that are not their defaults.

    Raises:
        ExportError: An argument is not kept by the layer.
    """
    made = layer_type(layer)
    if made is None or getattr(nn, made.__name__, None) != made:
        raise ExportError(f"{type(layer).__name__} is no layer of torch.nn")
    needed: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    for parameter in inspect.signature(made).parameters.values():
        if parameter.name in ("device", "dtype"):
            continue
        value = getattr(layer, parameter.name, parameter.default)
        if parameter.name == "bias" and not isinstance(value, bool):
            value = value is not None
        if value is parameter.empty:
            raise ExportError(f"{made.__name__} keeps no {parameter.name} to make it again by")
        value = _scalar(value)
        if parameter.default is parameter.empty:
            needed[parameter.name] = value
        elif not _same(value, parameter.default):
            optional[parameter.name] = value
    return made.__name__, needed, optional


def _scalar(value: Any) -> Any:
    """One number for a tuple of equal ones."""
    if isinstance(value, tuple) and value and set(value) == {value[0]}:
        return value[0]
    return value
