"""Options in a name, as text: `beta=4,likelihood=bernoulli`."""

import inspect
import math
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin, get_type_hints

from asymnas.core.errors import ConfigError


def read_options(make: Callable[..., Any], name: str, text: str) -> dict[str, Any]:
    """Reads the options of a kind by the annotations of the keyword arguments of `make`.

    Args:
        make: Its keyword arguments are `int`, `float` or a `Literal` of words.
        name: The kind's name, for messages.
        text: `option=value,option=value`; may be empty.

    Raises:
        ConfigError: No such option, one given twice, or a value that it cannot have.
    """
    types = {
        k: v for k, v in get_type_hints(make).items() if k in inspect.signature(make).parameters
    }
    options: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        option, _, value = (word.strip() for word in part.partition("="))
        if option not in types:
            known = f"its options are {', '.join(sorted(types))}" if types else "it has no options"
            raise ConfigError(f"the kind {name} has no option {option!r}: {known}")
        if option in options:
            raise ConfigError(f"the option {option} of the kind {name} is given twice")
        options[option] = _value(types[option], f"{option} of the kind {name}", value)
    return options


def _value(annotation: Any, what: str, text: str) -> Any:
    if get_origin(annotation) is Literal:
        words = get_args(annotation)
        if text not in words:
            raise ConfigError(f"{what} must be one of {', '.join(words)} but got {text!r}")
        return text
    noun = "a whole number" if annotation is int else "a number"
    try:
        value = annotation(text)
        finite = math.isfinite(value)
    except OverflowError:
        raise ConfigError(f"{what} is too large: {text[:20]}…") from None
    except ValueError:
        raise ConfigError(f"{what} must be {noun} but got {text!r}") from None
    if not finite:
        raise ConfigError(f"{what} must be finite but got {text!r}")
    return value


def check_option(option: str, value: float, allowed: str, holds: bool) -> None:
    """Checks an option's value.

    Args:
        option: Its name.
        value: The value.
        allowed: The allowed range in words ("above 0").
        holds: Whether the value is in it.

    Raises:
        ConfigError: It is not.
    """
    if not holds:
        raise ConfigError(f"{option} must be {allowed} but got {value}")
