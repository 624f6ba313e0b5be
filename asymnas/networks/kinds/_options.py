"""Options of a kind as text: `beta=4,likelihood=bernoulli`."""

import inspect
import math
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin, get_type_hints

from asymnas.core.errors import ConfigError


def read_options(make: Callable[..., Any], name: str, text: str) -> dict[str, Any]:
    """Reads options as what the keyword arguments of `make` are annotated as.

    Args:
        make: Its keyword arguments are whole numbers, numbers or one of some words.
        name: What it is called, for messages.
        text: `option=value,option=value`; may be empty.

    Raises:
        ConfigError: No such option, one given twice, or a value that it cannot have.
    """
    types = {
        k: v for k, v in get_type_hints(make).items() if k in inspect.signature(make).parameters
    }
    found: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        option, _, value = (word.strip() for word in part.partition("="))
        if option not in types:
            known = f"its options are {', '.join(sorted(types))}" if types else "it has no options"
            raise ConfigError(f"the kind {name} has no option {option!r}: {known}")
        if option in found:
            raise ConfigError(f"the option {option} of the kind {name} is given twice")
        found[option] = _value(types[option], f"{option} of the kind {name}", value)
    return found


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


def check(option: str, value: float, allowed: str, holds: bool) -> None:
    """Refuses an option's value out of its range.

    Raises:
        ConfigError: It does not hold.
    """
    if not holds:
        raise ConfigError(f"{option} must be {allowed} but got {value}")
