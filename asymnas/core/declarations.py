"""How an option is declared, once: its type with the rule it obeys, its help, its default.

The options themselves are fields of the configurations in `core/config.py` (search),
`core/sweep_config.py` and `core/confirmation_config.py`. A field is an option when its annotation
carries an `Option`:

    trials: Annotated[Whole, Option("Finished trials the run holds in all", SEARCH)] = 60

From that follow the check when a configuration is made, the flag with its line of help, the table
in `docs/options.md`, and whether a continued run may differ in it. A value may be given as text, as
on the command line (`budget="150k"`), in Python too: there is one rule for both.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from dataclasses import Field as DataclassField
from functools import cache, cached_property
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Protocol,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic import ValidationError as PydanticError

from asymnas.core.budget import MOST, parse_count
from asymnas.core.errors import ConfigError, OptionError
from asymnas.core.files import expanded, with_home
from asymnas.core.text import short

Panel = Literal["Arguments", "Data", "Networks", "Search", "Design", "Machine and files"]
ARGUMENTS: Panel = "Arguments"
DATA: Panel = "Data"
NETWORK: Panel = "Networks"
SEARCH: Panel = "Search"
DESIGN: Panel = "Design"
MACHINE: Panel = "Machine and files"


class Config(Protocol):
    """A frozen dataclass whose fields are options."""

    __dataclass_fields__: ClassVar[dict[str, DataclassField[Any]]]


C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Option:
    """What a field of a configuration is for, in the annotation of the field.

    Args:
        help: What it does, in one line.
        panel: The heading under which `--help` lists it.
        runtime: Whether a continued run may differ in it; otherwise it is part of what a run is.
        default: What happens without it, where the field's default does not say so.
    """

    help: str
    panel: Panel
    runtime: bool = False
    default: str = ""


@dataclass(frozen=True)
class Rule:
    """What a value must be, in the annotation of a type.

    Args:
        text: The `…` of `trials must be …`.
        form: What stands for the value in `--help`.
    """

    text: str
    form: str = "NAME"


# Readers: text as people write it becomes a value; anything else is left to the type's check.


def native(value: Any) -> Any:
    """A value of NumPy, or of another library of arrays, as Python's own; others as they are.

    What callers compute with arrays is a number to them: `latent=counts.max()`. Arrays of one axis
    become lists, wherever they stand.
    """
    if isinstance(value, list | tuple):
        plain = [native(part) for part in value]
        return tuple(plain) if isinstance(value, tuple) else plain
    axes = getattr(value, "ndim", None)
    if axes in (0, 1) and callable(convert := getattr(value, "item" if axes == 0 else "tolist", 0)):
        return convert()
    return value


def _count(value: Any) -> Any:
    return parse_count(value) if isinstance(value, str) else value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _list(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    return tuple(value) if isinstance(value, list) else value


def _path(value: Any) -> Any:
    given = os.fspath(value) if isinstance(value, os.PathLike) else value
    return str(expanded(given)) if isinstance(given, str) and given.startswith("~") else given


def _unasked(path: str) -> str:
    if "?" in path:
        raise ValueError("a database's address would end there")
    return path


def _url(value: Any) -> Any:
    return with_home(value) if isinstance(value, str) else value


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("given twice")
    return names


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if not ends[0] < ends[1]:
        raise ValueError("not rising")
    return ends


Whole = Annotated[
    int, Field(ge=1), BeforeValidator(_whole), Rule("a whole number of at least 1", "N")
]
Natural = Annotated[
    int, Field(ge=0), BeforeValidator(_whole), Rule("a whole number of at least 0", "N")
]
Three = Annotated[
    int, Field(ge=3), BeforeValidator(_whole), Rule("a whole number of at least 3", "N")
]
Port = Annotated[
    int,
    Field(ge=1, lt=2**16),
    BeforeValidator(_whole),
    Rule(f"a whole number from 1 to {2**16 - 1}", "N"),
]
Seed = Annotated[
    int,
    Field(ge=0, lt=2**32),
    BeforeValidator(_whole),
    Rule(f"a whole number from 0 to {2**32 - 1}", "N"),
]
Count = Annotated[
    int,
    Field(ge=1, le=MOST),
    BeforeValidator(_count),
    Rule(f"a count from 1 to {short(MOST)} (150000, 150k, 1.5M)", "N"),
]
Fraction = Annotated[
    float, Field(gt=0, lt=1), BeforeValidator(_number), Rule("a number between 0 and 1", "X")
]
Part = Annotated[
    float,
    Field(gt=0, le=1),
    BeforeValidator(_number),
    Rule("a number above 0 and at most 1", "X"),
]
Duration = Annotated[
    float,
    Field(gt=0),
    BeforeValidator(_duration),
    Rule("a time above 0 (90, 45s, 30m, 2h, 1h30m)", "TIME"),
]
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    AfterValidator(_distinct),
    BeforeValidator(_list),
    Rule("distinct names, separated by commas", "A,B"),
]
SomeNames = Annotated[
    Names, Field(min_length=1), Rule("one or more distinct names, separated by commas", "A,B")
]
Counts = Annotated[
    tuple[Count, ...],
    BeforeValidator(_list),
    Rule(f"counts from 1 to {short(MOST)}, separated by commas (50k,150k,500k)", "N,N"),
]
Rates = Annotated[
    tuple[
        Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)],
        Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)],
    ],
    AfterValidator(_rising),
    BeforeValidator(_list),
    Rule("two numbers, 0 < low < high (0.001,0.016)", "X,X"),
]
Shares = Annotated[
    tuple[Fraction, Fraction],
    AfterValidator(_rising),
    BeforeValidator(_list),
    Rule("two numbers, 0 < low < high < 1 (0.1,0.9)", "X,X"),
]
PathText = Annotated[str, BeforeValidator(_path), Rule("a path", "PATH")]
TextOrPath = Annotated[str, BeforeValidator(_path), Rule("text or a path")]
RunDir = Annotated[
    str,
    AfterValidator(_unasked),
    BeforeValidator(_path),
    Rule("a path without a question mark", "PATH"),
]


StorageUrl = Annotated[str, BeforeValidator(_url), Rule("text")]


@dataclass(frozen=True)
class Declared:
    """An option of a configuration with all that follows from its declaration.

    Args:
        name: The field's name.
        option: What it is for.
        annotation: The field's type.
        value: The field's default; `MISSING` if it must be given.
    """

    name: str
    option: Option
    annotation: Any
    value: Any

    @property
    def flag(self) -> str:
        """The flag of the command line: `--max-macs`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def is_required(self) -> bool:
        """Whether it has no default: on the command line an argument, not a flag."""
        return self.value is MISSING

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off, so that its flag takes no value."""
        return _bare(self.annotation) is bool

    @property
    def rule(self) -> Rule:
        """What a value must be."""
        return _rule(self.annotation)

    @property
    def default(self) -> str:
        """The default in words."""
        return self.option.default or _written(self.value)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.annotation, config=ConfigDict(strict=True))

    def read(self, value: object) -> Any:
        """Checks a value; text becomes what it stands for.

        Raises:
            OptionError: It breaks the rule.
        """
        try:
            return self._adapter.validate_python(native(value))
        except PydanticError:
            raise OptionError(self.name, self.rule.text, value) from None


@cache
def options_of(config: type[Config]) -> Mapping[str, Declared]:
    """The options of a configuration by name, in the order they are declared."""
    hints = get_type_hints(config, include_extras=True)
    return {
        field.name: Declared(field.name, option, hints[field.name], field.default)
        for field in fields(config)
        for option in getattr(hints[field.name], "__metadata__", ())
        if isinstance(option, Option)
    }


def check(config: Config) -> None:
    """Checks all options of a configuration in its making, and puts values in place of text.

    Raises:
        OptionError: A value breaks its rule; names the option, the rule and the value.
    """
    for name, declared in options_of(type(config)).items():
        object.__setattr__(config, name, declared.read(getattr(config, name)))


def make(config: Callable[..., C], options: Mapping[str, Any]) -> C:
    """A configuration of options as values or as text.

    Raises:
        OptionError: A value breaks its rule.
    """
    return config(**options)


def changed(config: C, options: Mapping[str, Any]) -> C:
    """A configuration with other options, as values or as text.

    Raises:
        OptionError: A value breaks its rule.
    """
    return replace(config, **options)


def as_dict(config: Config) -> dict[str, Any]:
    """All fields as JSON values; an object of another library becomes its class's name."""
    return {field.name: _plain(getattr(config, field.name)) for field in fields(config)}


def known(config: type[Config], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What of a stored configuration this version knows; the rest is of another version."""
    names = {field.name for field in fields(config)}
    return {name: value for name, value in stored.items() if name in names}


def identity(config: Config) -> dict[str, Any]:
    """The options that a continued run must share with its start, as JSON values."""
    options = options_of(type(config))
    return {
        name: value
        for name, value in as_dict(config).items()
        if name in options and not options[name].option.runtime
    }


def documented(config: type[C]) -> type[C]:
    """Lists a configuration's options in its docstring, for `help()`; a decorator."""
    lines = [
        f"    {d.name}: {d.option.help}; {d.rule.text}"
        + ("." if d.is_required else f" [default: {d.default}].")
        for d in options_of(config).values()
    ]
    about = (config.__doc__ or "").rstrip()
    config.__doc__ = "\n".join([about, "", "Options:", *lines, ""])
    return config


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `90`, `45s`, `30m`, `2h` or `1h30m`.

    Raises:
        ConfigError: Not a duration above zero.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(min|[smhd]?)", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text.strip() or seconds <= 0:
        raise ConfigError(f"{text!r} is not a duration: give a number such as 90, 45s, 30m or 2h")
    return seconds


_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _rule(annotation: Any) -> Rule:
    for mark in reversed(getattr(annotation, "__metadata__", ())):
        if isinstance(mark, Rule):
            return mark
    bare = _bare(annotation)
    if get_origin(bare) is Literal:
        return Rule(f"one of {', '.join(get_args(bare))}")
    inner = [part for part in get_args(bare) if part is not type(None)]
    if inner and get_origin(bare) is not tuple:
        return _rule(inner[0])
    return Rule({str: "text", bool: "on or off"}.get(bare, "a value"))


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(map(_written, value))
    if isinstance(value, int) and value >= 1_000 and value % 100 == 0:
        return short(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return as_dict(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return type(value).__name__
