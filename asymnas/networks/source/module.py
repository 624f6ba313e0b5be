"""The classes of one network as source, and its weights by their names there."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from asymnas.networks.source.alike import Shared, shared
from asymnas.networks.source.classes import Written, filled, write_class
from asymnas.networks.source.tracing import Trace, is_layer, trace

WIDEST = 100  # characters of a line


@dataclass(frozen=True, eq=False)
class Side:
    """One class of the file that is asked for.

    Args:
        name: What the class is called.
        module: What it computes.
        inputs: Makes examples, by their number.
        summary: What stands in its docstring after the shapes.
    """

    name: str
    module: nn.Module
    inputs: Callable[[int], Tensor]
    summary: str


@dataclass(frozen=True, eq=False)
class Source:
    """A network as source.

    Args:
        classes: The text of all classes, the helpers' first.
        state: Parameters and buffers of each side by the name of its class, by their new names.
    """

    classes: str
    state: Mapping[str, Mapping[str, Tensor]]


def source_of(sides: list[Side]) -> Source:
    """Writes sides as classes; blocks that occur several times are classes of their own.

    Raises:
        ExportError: What a side computes cannot be written.
    """
    counted = Counter(type(inner) for side in sides for inner in side.module.modules())
    several = {kind for kind, count in counted.items() if count > 1}
    kept = {side.name: _candidates(side.module, several) for side in sides}
    parts = _written_parts(sides, kept)
    groups = _groups(parts)
    alone = {place for group in groups.values() if len(group) == 1 for place in group}
    if alone:
        for name, path in alone:
            kept[name].discard(path)
        parts = _written_parts(sides, kept)
        groups = _groups(parts)
    helpers: dict[tuple[str, str], tuple[str, str]] = {}
    texts, names = list[str](), _class_names(sides, groups)
    for template, places in groups.items():
        common = shared([parts[place] for place in places])
        texts.append(_helper(names[template], parts[places[0]], common))
        for place, values in zip(places, common.values, strict=True):
            listed = ", ".join(f"{name}={value!r}" for name, value in values.items())
            helpers[place] = names[template], listed
    state: dict[str, dict[str, Tensor]] = {}
    for side in sides:
        written = write_class(side.module, _trace(side, kept[side.name]))
        made = {n: helpers[side.name, path] for n, path in written.parts.items()}
        texts.append(_side(side, written, made))
        state[side.name] = dict(_state(side, written, parts))
    return Source("\n\n\n".join(texts), state)


def _trace(side: Side, kept: set[str]) -> Trace:
    return trace(side.module, side.inputs, kept)


def _candidates(module: nn.Module, several: set[type[nn.Module]]) -> set[str]:
    """Paths of blocks that may be classes of their own, none within another.

    Args:
        module: A side.
        several: Types of which there are two or more.
    """
    chosen: set[str] = set()
    for path, inner in module.named_modules():
        outer = any(path.startswith(f"{other}.") for other in chosen)
        own = not type(inner).__module__.startswith("torch.") and not is_layer(inner)
        layers = sum(is_layer(layer) for layer in inner.modules())
        if path and own and not outer and layers >= 2 and type(inner) in several:
            chosen.add(path)
    return chosen


def _written_parts(
    sides: list[Side], kept: Mapping[str, set[str]]
) -> dict[tuple[str, str], Written]:
    """Every part as a class, by the name of its side and its path."""
    written = {}
    for side in sides:
        for path, traced in _trace(side, kept[side.name]).parts.items():
            place = side.name, path
            written[place] = write_class(side.module, traced, path, commented=False)
    return written


def _groups(parts: Mapping[tuple[str, str], Written]) -> dict[str, list[tuple[str, str]]]:
    """Places of parts by their template."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for place, written in parts.items():
        groups[written.template].append(place)
    return dict(groups)


def _class_names(sides: list[Side], groups: Mapping[str, list[tuple[str, str]]]) -> dict[str, str]:
    """A class name per template."""
    modules = {side.name: side.module for side in sides}
    names: dict[str, str] = {}
    for template, ((side, path), *_) in groups.items():
        name = type(modules[side].get_submodule(path)).__name__
        attends = "scaled_dot_product_attention" in template and "Attention" not in name
        names[template] = f"Attention{name}" if attends else name
    counted, seen = Counter(names.values()), Counter[str]()
    for template, name in names.items():
        seen[name] += 1
        names[template] = f"{name}{seen[name]}" if counted[name] > 1 else name
    return names


def _helper(name: str, written: Written, common: Shared) -> str:
    """A class that several layers are of."""
    made = [filled(line, common.texts()) for line in written.made]
    forward = [filled(line, common.texts("self.")) for line in written.forward]
    used = set(re.findall(r"self\.(\w+)", "\n".join(forward)))
    kept = [f"self.{name} = {name}" for name in common.arguments if name in used]
    types = {n: "float" if isinstance(v, float) else "int" for n, v in common.values[0].items()}
    arguments = "".join(f", {argument}: {types[argument]}" for argument in common.arguments)
    summary = f"A block, of which there are {len(common.values)}."
    return _class(name, summary, arguments, [*kept, *made], forward)


def _side(side: Side, written: Written, parts: Mapping[str, tuple[str, str]]) -> str:
    numbers = [repr(number.value) for number in written.numbers]
    made = []
    for line in written.made:
        for name, (kind, listed) in parts.items():
            line = line.replace(f"PART({name})", f"{kind}({listed})")
        made.append(filled(line, numbers))
    forward = [filled(line, numbers) for line in written.forward]
    before, after = (_axes(shape) for shape in written.shapes)
    return _class(side.name, f"{before} -> {after}: {side.summary}", "", made, forward)


def _class(name: str, summary: str, arguments: str, made: list[str], forward: list[str]) -> str:
    lines = [f"class {name}(nn.Module):", f'    """{summary}"""', ""]
    lines += [f"    def __init__(self{arguments}) -> None:", "        super().__init__()"]
    lines += [f"        {line}" for line in made]
    lines += ["", "    def forward(self, x: Tensor) -> Tensor:"]
    lines += [f"        {line}" for line in forward]
    return "\n".join(map(_wrapped, lines))


def _wrapped(line: str) -> str:
    """A line that is too wide, with what is in its first brackets on one of its own."""
    if len(line) <= WIDEST:
        return line
    indent = " " * (len(line) - len(line.lstrip()))
    before, _, rest = line.partition("(")
    inner, _, after = rest.rpartition(")")
    return f"{before}(\n{indent}    {inner}\n{indent}){after}"


def _axes(shape: tuple[int | None, ...]) -> str:
    return f"[{', '.join(['b', *map(str, shape)])}]"


def _state(
    side: Side, written: Written, parts: Mapping[tuple[str, str], Written]
) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by their new names."""
    own = dict(side.module.named_parameters()) | dict(side.module.named_buffers())
    places = dict(written.state)
    for attribute, path in written.parts.items():
        inner = parts[side.name, path].state
        places |= {f"{attribute}.{name}": place for name, place in inner.items()}
    for name, path in places.items():
        if path in own:
            yield name, own[path].detach()
        else:
            for inner_name, values in side.module.get_submodule(path).state_dict().items():
                yield f"{name}.{inner_name}", values
