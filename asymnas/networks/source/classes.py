"""A module's class as source: its layers by name, its forward pass line by line.

Numbers are marked while a class is written, with the place in which each stands. Classes that are
alike but for numbers become one, whose numbers are arguments (`alike.py`).
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

import torch
from torch import Tensor, nn

from asymnas.core.errors import ExportError
from asymnas.networks.source.calls import Text, call_of, layer_call
from asymnas.networks.source.tracing import Batch, Step, Trace, Value, values_in

LONGEST = 64  # characters of an expression that another one takes up
WIDEST = 78  # of a call
INDENT = 12  # of a line, its variable included
DEEPEST = 3  # calls within calls
MARK = re.compile("\0(\\d+)\0")
MOST_NAMES = 3  # of a tuple that is taken apart on its line
NAMES = ("x", "y", "z", "w", "v", "u", "t", "s")


@dataclass(frozen=True)
class Number:
    """A number that stands in a class.

    Args:
        value: The number.
        role: What it is: the name of a layer's argument, or `size`.
        layer: The layer that takes it; empty for a function's.
    """

    value: int | float
    role: str
    layer: str = ""


@dataclass(frozen=True, eq=False)
class Written:
    """A class, with marks for its numbers.

    Args:
        made: Lines of the constructor that make layers.
        forward: Lines of the forward pass.
        numbers: Those that stand in the lines, by mark.
        state: Paths in the module of what the class keeps, by name: of layers, parameters, buffers.
        parts: Paths of parts, by the name of the attribute.
        shapes: Of the argument and of the result, without the batch.
    """

    made: tuple[str, ...]
    forward: tuple[str, ...]
    numbers: tuple[Number, ...]
    state: Mapping[str, str]
    parts: Mapping[str, str]
    shapes: tuple[tuple[int | None, ...], tuple[int | None, ...]]

    @property
    def template(self) -> str:
        """Equal for classes that are alike but for numbers."""
        return "\n".join((*self.made, "", *self.forward))


def write_class(
    module: nn.Module, traced: Trace, path: str = "", *, commented: bool = True
) -> Written:
    """Writes the class of a module.

    Args:
        module: The whole that was traced.
        traced: The trace, of the whole or of a part of it.
        path: Where the part lies; empty for the whole.
        commented: Whether lines say what shape they give.

    Raises:
        ExportError: Something has no public name.
    """
    writer = _Writer(module, traced, path, commented)
    forward = writer.forward()
    lines = [*writer.made, *forward]
    used = list(dict.fromkeys(int(mark) for line in lines for mark in MARK.findall(line)))
    marks = {before: f"\0{after}\0" for after, before in enumerate(used)}
    lines = [MARK.sub(lambda match: marks[int(match[1])], line) for line in lines]
    return Written(
        made=tuple(lines[: len(writer.made)]),
        forward=tuple(lines[len(writer.made) :]),
        numbers=tuple(writer.numbers[mark] for mark in used),
        state=writer.state,
        parts=writer.parts,
        shapes=(traced.argument.shape[1:], traced.result.shape[1:]),
    )


@dataclass(eq=False)
class _Writer:
    module: nn.Module
    traced: Trace
    path: str
    commented: bool
    made: list[str] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    _tuples: int = 0

    def __post_init__(self) -> None:
        steps = self.traced.steps
        called = list(dict.fromkeys(s.called for s in steps if isinstance(s.called, str)))
        kept = list(dict.fromkeys(v for s in steps for v in values_in((s.arguments, s.named))))
        owned = list(dict.fromkeys(value.owner for value in kept if value.owner))
        names = {path: self._name_of(path) for path in (*called, *owned)}
        counted = Counter(names.values())
        seen: Counter[str] = Counter()
        self._attributes: dict[str, str] = {}
        for path, name in names.items():
            seen[name] += 1
            self._attributes[path] = f"{name}{seen[name]}" if counted[name] > 1 else name
            self._make(path)
        self._uses = Counter(v for s in steps for v in values_in((s.arguments, s.named)))
        self._uses[self.traced.result] += 1
        self._takers = {v: s for s in steps for v in values_in((s.arguments, s.named))}
        self._texts: dict[Value, Text] = {self.traced.argument: Text("x")}
        self._variables: dict[str, Value] = {"x": self.traced.argument}
        self._pending: list[Value] = []

    # What the constructor makes

    def _name_of(self, path: str) -> str:
        """An attribute's name: as it is called in the module, or by what it is."""
        if path in self.traced.parts:
            return "block"
        own = path.removeprefix(f"{self.path}.") if self.path else path
        last = own.rpartition(".")[2]
        if isinstance(self._at(path), Tensor):
            if last != "weight":
                return last
            owner = self.module.get_submodule(path.rpartition(".")[0])
            return type(owner).__name__.lower()
        if not last.isdecimal() and last not in ("layer", "main"):
            return last
        kind = type(self._at(path)).__name__
        for part, name in (("ConvTranspose", "up"), ("Conv", "conv"), ("Norm", "norm")):
            if part in kind:
                return name
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()

    def _at(self, path: str) -> nn.Module | Tensor:
        owner, _, last = path.rpartition(".")
        found: nn.Module | Tensor = getattr(self.module.get_submodule(owner), last)
        return found

    def _make(self, path: str) -> None:
        name, found = self._attributes[path], self._at(path)
        if path in self.traced.parts:
            self.parts[name] = path
            self.made.append(f"self.{name} = PART({name})")
            return
        if isinstance(found, nn.Parameter):
            size = ", ".join(self._number(n, "size", name).text for n in found.shape)
            self.made.append(f"self.{name} = nn.Parameter(torch.empty({size}))")
        elif isinstance(found, Tensor):
            constant = self._constant(found, name)
            self.made.append(f'self.register_buffer("{name}", {constant}, persistent=False)')
            return
        else:
            kind, needed, optional = layer_call(found)
            listed = [self._argument(v, role, name).text for role, v in needed.items()]
            last = list(needed)[-1:]
            if last == ["kernel_size"]:
                listed[-1] = f"kernel_size={listed[-1]}"
            listed += [f"{r}={self._argument(v, r, name).text}" for r, v in optional.items()]
            self.made.append(f"self.{name} = nn.{kind}({', '.join(listed)})")
        self.state[name] = path

    def _constant(self, values: Tensor, name: str) -> str:
        """A buffer of whole numbers: evenly spread from 0 upwards, or a list."""
        if values.is_floating_point() or values.numel() == 0:
            raise ExportError(f"a layer keeps {name}, numbers that are no weights")
        count, greatest = values.numel(), int(values.max())
        shape = ", ".join(self._number(n, "size", name).text for n in values.shape)
        spread = torch.arange(count) * (greatest + 1) // count
        if torch.equal(spread, values.flatten()):
            total, top = (self._number(n, "size", name).text for n in (count, greatest + 1))
            return f"(torch.arange({total}) * {top} // {total}).view({shape})"
        return f"torch.tensor({values.tolist()})"

    # What the forward pass computes

    def forward(self) -> list[str]:
        """Its lines."""
        lines: list[str] = []
        for step in self.traced.steps:
            text = self._text(step)
            if self._width(text.text) > WIDEST and (within := self._waiting(step)):
                lines += self._assign_pending(within)
                text = self._text(step)
            within = self._waiting(step)
            others = [value for value in self._pending if value not in within]
            if step is self.traced.steps[-1] and len(step.outputs) == 1:
                return [*lines, *self._assign_pending(others), f"return {text.text}"]
            waits = self._may_wait(step, text)
            if not waits:  # what is within holds its variables until then
                lines += self._assign_pending(others)
            self._pending = [value for value in self._pending if value not in within]
            self._uses.subtract(values_in((step.arguments, step.named)))
            if waits:
                self._texts[step.outputs[0]] = text
                self._pending.append(step.outputs[0])
            else:
                lines.append(self._assign(step, text))
        return [*lines, f"return {self._texts[self.traced.result].text}"]

    def _text(self, step: Step) -> Text:
        """The call, with what waits for it written within it."""
        if isinstance(step.called, str):
            (argument,) = step.arguments
            inner = self._show(argument)
            return Text(f"self.{self._attributes[step.called]}({inner.text})", 2, 1)
        if step.called.__name__ in ("reshape", "view"):
            whole, shape = self._show(step.arguments[0]), step.outputs[0].shape
            if shape.count(None) > 1:
                raise ExportError("a layer puts the batch on several axes")
            listed = ", ".join("-1" if n is None else self._number(n, "size").text for n in shape)
            return Text(f"{whole.within(2)}.reshape({listed})", 2, whole.depth)
        text = call_of(step.called, step.arguments, step.named, self._show)
        only = step.several and len(step.outputs) == 1
        return Text(f"{text.within(2)}[0]", 2, text.depth) if only else text

    def _waiting(self, step: Step) -> list[Value]:
        """What waits to be written within a step's call."""
        taken = set(values_in((step.arguments, step.named)))
        return [value for value in self._pending if value in taken]

    def _may_wait(self, step: Step, text: Text) -> bool:
        """Whether a result is written where it is used, and not on a line of its own."""
        (output, *others) = step.outputs
        taker = self._takers.get(output)
        once = not others and self._uses[output] == 1
        if not once or taker is None or self._width(text.text) > LONGEST:
            return False
        if isinstance(taker.called, str):  # a layer is not called within the call of another one
            return text.depth <= 1 and "self." not in text.text
        return text.depth < DEEPEST

    def _assign_pending(self, some: Sequence[Value]) -> list[str]:
        """Lines for some of what waits."""
        lines = []
        for value in some:
            self._pending.remove(value)
            name = self._free()
            lines.append(f"{name} = {self._texts[value].text}")
            self._variables[name], self._texts[value] = value, Text(name)
        return lines

    def _assign(self, step: Step, text: Text) -> str:
        if len(step.outputs) > MOST_NAMES:
            self._tuples += 1
            name = f"parts{self._tuples if self._tuples > 1 else ''}"
            for place, value in enumerate(step.outputs):
                self._texts[value] = Text(f"{name}[{place}]")
            return f"{name} = {text.text}"
        if len(step.outputs) > 1:
            names = self._names_of(step)
            for name, value in zip(names, step.outputs, strict=True):
                if name != "_":
                    self._variables[name], self._texts[value] = value, Text(name)
            return f"{', '.join(names)} = {text.text}"
        (output,) = step.outputs
        name = self._free()
        self._variables[name], self._texts[output] = output, Text(name)
        return self._with_shape(f"{name} = {text.text}", step, output)

    def _names_of(self, step: Step) -> list[str]:
        if len(step.outputs) == 3 and all(self._uses[value] for value in step.outputs):
            return ["q", "k", "v"]
        free = (name for name in _names() if self._is_free(name))
        return [next(free) if self._uses[value] else "_" for value in step.outputs]

    def _free(self) -> str:
        """The name for a result: that of what is not used any more, else a new one."""
        return next(name for name in _names() if self._is_free(name))

    def _is_free(self, name: str) -> bool:
        value = self._variables.get(name)
        waits = any(re.search(rf"\b{name}\b", self._texts[v].text) for v in self._pending)
        return (value is None or self._uses[value] == 0) and not waits

    def _with_shape(self, line: str, step: Step, output: Value) -> str:
        """The line with the shape that it gives, where that is another one."""
        shapes = {value.shape for value in values_in(step.arguments) if not value.owner}
        if not self.commented or output.shape in shapes:
            return line
        shape = ", ".join("b" if n is None else str(n) for n in output.shape)
        commented = f"{line}  # [{shape}]"
        return commented if self._width(commented) <= WIDEST + INDENT else line

    def _width(self, text: str) -> int:
        """Characters of a line, where a number of a part may become the name of an argument."""
        return len(MARK.sub("0000000000" if self.path else "00", text))

    # Arguments

    def _show(self, argument: Any) -> Text:
        return self._argument(argument, "size", "")

    def _argument(self, argument: Any, role: str, layer: str) -> Text:
        if isinstance(argument, Value):
            if argument.owner:
                return Text(f"self.{self._attributes[argument.owner]}")
            return self._texts[argument]
        if isinstance(argument, Batch):
            times = "" if argument.times == 1 else f"{argument.times} * "
            return Text(f"{times}x.shape[0]", 1 if times else 2)
        if isinstance(argument, tuple | list):
            shown = [self._argument(inner, role, layer) for inner in argument]
            if (alike := self._of_each(shown)) is not None:
                return alike
            opening, closing = "()" if isinstance(argument, tuple) else "[]"
            ending = "," if isinstance(argument, tuple) and len(shown) == 1 else ""
            listed = ", ".join(one.text for one in shown)
            depth = max((one.depth for one in shown), default=0)
            return Text(f"{opening}{listed}{ending}{closing}", 2, depth)
        if isinstance(argument, bool | str | None):
            return Text(repr(argument).replace("'", '"'))
        if isinstance(argument, int | float) and math.isfinite(argument):
            return self._number(argument, role, layer)
        if isinstance(argument, torch.dtype):
            return Text(str(argument))
        raise ExportError(f"a layer gives a function a {type(argument).__name__}")

    def _of_each(self, shown: Sequence[Text]) -> Text | None:
        """The same of each part of a tuple, as a comprehension, if it is that."""
        name = re.search(r"\b(parts\d*)\[0\]", shown[0].text) if shown else None
        if name is None:
            return None
        texts = {
            self._plain(one.text).replace(f"{name[1]}[{place}]", "part")
            for place, one in enumerate(shown)
        }
        if len(texts) > 1:
            return None
        inner = shown[0].text.replace(f"{name[1]}[0]", "part")
        return Text(f"[{inner} for part in {name[1]}]", 2, shown[0].depth)

    def _plain(self, text: str) -> str:
        """The text with its numbers."""
        return MARK.sub(lambda match: repr(self.numbers[int(match[1])].value), text)

    def _number(self, value: int | float, role: str, layer: str = "") -> Text:
        self.numbers.append(Number(value, role, layer))
        return Text(f"\0{len(self.numbers) - 1}\0")


def _names() -> Iterator[str]:
    """Names of variables, as many as are needed."""
    return chain(NAMES, (f"x{number}" for number in count(2)))


def filled(text: str, numbers: Sequence[str]) -> str:
    """The text with each mark replaced by its number."""
    return MARK.sub(lambda match: numbers[int(match[1])], text)
