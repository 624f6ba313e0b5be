"""What a module computes, as a list of steps: calls of layers with weights and torch functions.

A forward pass is taken of examples, and whatever it calls is recorded, so that no rule has to be
kept in step with the modules. It is taken twice, of batches of two sizes: a number that differs
between them follows from the batch.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from asymnas.core.errors import ExportError

BATCHES = (2, 3)


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of a trace; each is another one.

    Args:
        shape: Its shape; `None` stands for a number that follows from the batch.
        owner: The path in the module of a parameter or a buffer; empty for any other.
    """

    shape: tuple[int | None, ...]
    owner: str = ""


@dataclass(frozen=True)
class Batch:
    """A number in an argument that follows from the batch, so many times it."""

    times: int


@dataclass(frozen=True, eq=False)
class Step:
    """One call.

    Args:
        called: A torch function, or the path of a layer.
        arguments: Positional ones, with `Value` in place of tensors.
        named: Those given by name.
        outputs: What it gives.
        several: Whether it gives a tuple of them.
    """

    called: Callable[..., Any] | str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    outputs: tuple[Value, ...]
    several: bool


@dataclass(frozen=True, eq=False)
class Trace:
    """What a module of one argument and one result computes.

    Args:
        argument: What it is given.
        steps: In order; what nothing depends on is left out.
        result: What it gives.
        parts: Traces of the modules that were asked for, by path.
    """

    argument: Value
    steps: tuple[Step, ...]
    result: Value
    parts: Mapping[str, "Trace"]


def trace(module: nn.Module, inputs: Callable[[int], Tensor], parts: Container[str] = ()) -> Trace:
    """Records what a module computes.

    Args:
        module: In evaluation mode, of one argument.
        inputs: Makes examples, by their number.
        parts: Paths of modules within it that are steps of their own, each with a trace; they take
            and give one tensor, and hold no other part.

    Raises:
        ExportError: What is computed follows from values, or from the batch in another way than by
            its size.
    """
    first, second = (_record(module, inputs(batch), parts) for batch in BATCHES)
    return _without_dead_steps(_merged(first, second))


def is_layer(module: nn.Module) -> bool:
    """Whether a module is a layer of PyTorch with weights of its own, which is called as it is."""
    return bool(layer_type(module)) and any(True for _ in module.parameters(recurse=False))


def layer_type(module: nn.Module) -> type[nn.Module] | None:
    """The type in `torch.nn` that computes what a module computes."""
    for candidate in type(module).__mro__:
        if candidate.forward is not type(module).forward:  # type: ignore[attr-defined]
            return None
        if candidate.__module__.startswith("torch.nn.modules"):
            return candidate
    return None


@dataclass(eq=False)
class _Frame:
    """A module that is being recorded."""

    argument: Value
    values: dict[int, Value]
    steps: list[Step] = field(default_factory=list)


class _Recorder(TorchFunctionMode):
    """Records calls while modules run."""

    def __init__(self, module: nn.Module, x: Tensor) -> None:
        super().__init__()
        named = [*module.named_parameters(), *module.named_buffers()]
        self._own = {id(v): Value(tuple(v.shape), owner=name) for name, v in named}
        self._alive: list[Any] = []  # so that no identity is given twice
        self._silent = 0
        self.frames = [self._frame(x)]
        self.parts: dict[str, Trace] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        result = func(*args, **named)
        if not self._silent:
            self._note(func, args, named, result)
        return result

    def value(self, tensor: Tensor) -> Value:
        """The value that a tensor is."""
        value = self.frames[-1].values.get(id(tensor)) or self._own.get(id(tensor))
        if value is None:
            raise ExportError("a layer keeps a tensor that is no buffer and no parameter of it")
        return value

    @contextmanager
    def watching(self, module: nn.Module, parts: Container[str]) -> Iterator[None]:
        """Within the context, layers and parts are steps as a whole."""
        hooks = []
        for path, inner in module.named_modules():
            if is_layer(inner):
                hooks.append(inner.register_forward_pre_hook(self._enter_layer))
                hooks.append(inner.register_forward_hook(self._leaver(path, self._leave_layer)))
            elif path in parts:
                hooks.append(inner.register_forward_pre_hook(self._enter_part))
                hooks.append(inner.register_forward_hook(self._leaver(path, self._leave_part)))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _enter_layer(self, layer: nn.Module, args: tuple[Any, ...]) -> None:
        self._silent += 1

    def _leave_layer(self, path: str, args: tuple[Any, ...], output: Any) -> None:
        self._silent -= 1
        self._note(path, args, {}, output)

    def _enter_part(self, part: nn.Module, args: tuple[Any, ...]) -> None:
        (x,) = args
        self.frames.append(self._frame(x))

    def _leave_part(self, path: str, args: tuple[Any, ...], output: Any) -> None:
        self.parts[path] = self.recorded(output, {})
        self.frames.pop()
        self._note(path, args, {}, output)

    def _leaver(self, path: str, leave: Callable[..., None]) -> Callable[..., None]:
        return lambda module, args, output: leave(path, args, output)

    def recorded(self, output: Tensor, parts: Mapping[str, Trace]) -> Trace:
        """What was recorded of the module that has just given this output."""
        frame = self.frames[-1]
        return Trace(frame.argument, tuple(frame.steps), self.value(output), parts)

    def _frame(self, x: Tensor) -> _Frame:
        argument = Value(tuple(x.shape))
        self._alive.append(x)
        return _Frame(argument, {id(x): argument})

    def _note(
        self,
        called: Callable[..., Any] | str,
        args: tuple[Any, ...],
        named: Mapping[str, Any],
        result: Any,
    ) -> None:
        several = isinstance(result, tuple | list)
        outputs = list(result) if several else [result]
        if not outputs or not all(isinstance(output, Tensor) for output in outputs):
            _check_question(called)
            return
        known = self.frames[-1].values
        if all(id(output) in known or id(output) in self._own for output in outputs):
            return  # it gives what it was given
        if (same := _unchanged(called, args, outputs)) is not None:
            known[id(outputs[0])] = self.value(same)
        else:
            arguments, given = self._symbols(args), self._symbols(dict(named))
            values = tuple(Value(tuple(output.shape)) for output in outputs)
            known.update(zip(map(id, outputs), values, strict=True))
            self.frames[-1].steps.append(Step(called, arguments, given, values, several))
        self._alive += outputs

    def _symbols(self, argument: Any) -> Any:
        if isinstance(argument, Tensor):
            return self.value(argument)
        if isinstance(argument, torch.Size | tuple):
            return tuple(map(self._symbols, argument))
        if isinstance(argument, list):
            return [self._symbols(inner) for inner in argument]
        if isinstance(argument, dict):
            return {name: self._symbols(inner) for name, inner in argument.items()}
        return argument


#: Methods that answer with no tensor and look at no value.
_OF_SHAPES = {"dim", "size", "numel", "__len__", "__get__", "is_floating_point", "promote_types"}


def _check_question(called: Callable[..., Any] | str) -> None:
    """Raises for what looks at values: another example may be another path."""
    name = called if isinstance(called, str) else called.__name__
    if name not in _OF_SHAPES:
        raise ExportError(f"a layer calls {name}, on whose answer what is computed may depend")


def _unchanged(called: Any, args: tuple[Any, ...], outputs: Sequence[Tensor]) -> Tensor | None:
    """The tensor that a call passes on as it is: the only piece, all of a range, a detached one."""
    if isinstance(called, str) or len(outputs) > 1 or not args:
        return None
    name, given = called.__name__, args[0]
    if name == "split" or name == "detach":
        return given if isinstance(given, Tensor) else None
    if name == "cat" and len(given) == 1:
        only = given[0]
        return only if isinstance(only, Tensor) else None
    same_shape = isinstance(given, Tensor) and given.shape == outputs[0].shape
    return given if name == "narrow" and same_shape else None


@torch.no_grad()
def _record(module: nn.Module, x: Tensor, parts: Container[str]) -> Trace:
    recorder = _Recorder(module, x)
    with recorder.watching(module, parts), recorder:
        output = module(x)
    return recorder.recorded(output, recorder.parts)


def _merged(first: Trace, second: Trace) -> Trace:
    """One trace of two, in which numbers that differ follow from the batch."""
    if len(first.steps) != len(second.steps):
        raise ExportError("a layer computes in another way for another number of examples")
    merged: dict[Value, Value] = {}

    def both(one: Any, other: Any) -> Any:
        if isinstance(one, Value):
            if one not in merged:
                pairs = zip(one.shape, other.shape, strict=True)
                shape = tuple(n if n == m else None for n, m in pairs)
                merged[one] = Value(shape, one.owner)
            return merged[one]
        if isinstance(one, tuple | list) and len(one) == len(other):
            return type(one)(both(a, b) for a, b in zip(one, other, strict=True))
        if isinstance(one, Mapping) and one.keys() == other.keys():
            return {name: both(inner, other[name]) for name, inner in one.items()}
        if isinstance(one, slice):
            ends = (one.start, one.stop, one.step), (other.start, other.stop, other.step)
            return slice(*both(*ends))
        if one == other:
            return one
        if (
            isinstance(one, int)
            and one % BATCHES[0] == 0
            and one * BATCHES[1] == other * BATCHES[0]
        ):
            return Batch(one // BATCHES[0])
        raise ExportError("a layer computes in another way for another number of examples")

    steps = []
    for one, other in zip(first.steps, second.steps, strict=True):
        if one.called != other.called:
            raise ExportError("a layer computes in another way for another number of examples")
        outputs = both(one.outputs, other.outputs)
        arguments, named = both(one.arguments, other.arguments), both(one.named, other.named)
        steps.append(Step(one.called, arguments, named, outputs, one.several))
    parts = {path: _merged(first.parts[path], second.parts[path]) for path in first.parts}
    argument = both(first.argument, second.argument)
    return Trace(argument, tuple(steps), both(first.result, second.result), parts)


def _without_dead_steps(traced: Trace) -> Trace:
    """Only the steps that the result depends on."""
    needed, steps = {traced.result}, []
    for step in reversed(traced.steps):
        if needed.intersection(step.outputs):
            steps.append(step)
            needed.update(values_in((step.arguments, step.named)))
    parts = {path: _without_dead_steps(part) for path, part in traced.parts.items()}
    return Trace(traced.argument, tuple(reversed(steps)), traced.result, parts)


def values_in(argument: Any) -> Iterator[Value]:
    """All values in an argument, in order."""
    if isinstance(argument, Value):
        yield argument
    elif isinstance(argument, Mapping):
        yield from values_in(tuple(argument.values()))
    elif isinstance(argument, tuple | list):
        for inner in argument:
            yield from values_in(inner)
