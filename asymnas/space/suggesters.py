"""Suggesters besides a trial: at random, at a point, from a mapping, and one that lists options."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from asymnas.networks.families import Family, SideName, Suggester


class Random:
    """A suggester that draws uniformly."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        """An integer."""
        return self._random.randint(low, high)

    def suggest_float(
        self, name: str, low: float, high: float, /, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float."""
        if step:
            return low + step * self._random.randint(0, round((high - low) / step))
        if log:
            return float(low * (high / low) ** self._random.random())
        return self._random.uniform(low, high)

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        """One of the choices."""
        return self._random.choice(choices)


class Fixed:
    """A suggester that answers from a mapping.

    A categorical choice that the mapping lacks is the first option: a family gains a choice with
    what all of its sides had before in that place, so that earlier draws mean what they did.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        """An integer."""
        return int(self._values[name])

    def suggest_float(
        self, name: str, low: float, high: float, /, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float."""
        return float(self._values[name])

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        """One of the choices."""
        return self._values.get(name, choices[0])


class Without:
    """A suggester that asks another one, but for some categorical choices: these are the first.

    Args:
        suggester: The one that answers the rest.
        names: Choices that are not asked for.
    """

    def __init__(self, suggester: Suggester, names: Collection[str]) -> None:
        self._suggester, self._names = suggester, names

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        """An integer."""
        return self._suggester.suggest_int(name, low, high)

    def suggest_float(
        self, name: str, low: float, high: float, /, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float."""
        return self._suggester.suggest_float(name, low, high, step=step, log=log)

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        """One of the choices."""
        if name in self._names:
            return choices[0]
        return self._suggester.suggest_categorical(name, choices)


def usual(family: Family, suggester: Suggester, side: SideName) -> Suggester:
    """A suggester that leaves out what a family lists as `optional`: only a wide space draws it."""
    optional: Collection[str] = getattr(family, "optional", ())  # a family need not have any
    return Without(suggester, {f"{side}_{name}" for name in optional})


class AtPoint:
    """A suggester that answers by a point of the unit cube, one coordinate a name.

    Args:
        point: Coordinates in [0, 1) by name.
    """

    def __init__(self, point: Mapping[str, float]) -> None:
        self._point = point
        self.drawn: dict[str, Any] = {}

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        """An integer."""
        return int(self._note(name, low + int(self._point[name] * (high - low + 1))))

    def suggest_float(
        self, name: str, low: float, high: float, /, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float."""
        place = self._point[name]
        if step:
            return float(
                self._note(name, low + step * int(place * (round((high - low) / step) + 1)))
            )
        value = low * (high / low) ** place if log else low + place * (high - low)
        return float(self._note(name, value))

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        """One of the choices."""
        return self._note(name, choices[int(self._point[name] * len(choices))])

    def _note(self, name: str, value: Any) -> Any:
        self.drawn[name] = value
        return value


class Recorded:
    """A suggester that asks another one and notes its answers.

    Args:
        suggester: The one that answers.
    """

    def __init__(self, suggester: Suggester) -> None:
        self._suggester = suggester
        self.drawn: dict[str, Any] = {}

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        """An integer."""
        self.drawn[name] = self._suggester.suggest_int(name, low, high)
        return int(self.drawn[name])

    def suggest_float(
        self, name: str, low: float, high: float, /, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float."""
        self.drawn[name] = self._suggester.suggest_float(name, low, high, step=step, log=log)
        return float(self.drawn[name])

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        """One of the choices."""
        self.drawn[name] = self._suggester.suggest_categorical(name, choices)
        return self.drawn[name]


class First:
    """A suggester that answers with the first value and notes what else there was.

    Args:
        fixed: Answers by name that are given in place of the first.
    """

    def __init__(self, fixed: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.options: dict[str, Sequence[Any]] = {}
        self._fixed = fixed

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        """An integer."""
        self.options[name] = range(low, high + 1)
        return int(self._fixed.get(name, low))

    def suggest_float(
        self, name: str, low: float, high: float, /, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float."""
        steps = round((high - low) / step) if step else 0
        self.options[name] = [low + i * (step or 0.0) for i in range(steps + 1)]
        return float(self._fixed.get(name, low))

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        """One of the choices."""
        self.options[name] = list(choices)
        return self._fixed.get(name, choices[0])


def options_of(draw: Callable[[Suggester], Any]) -> dict[str, Sequence[Any]]:
    """Every choice that a draw may ask for, by name, with its values.

    One choice may decide which others are asked for, such as the family of a side.
    """
    options: dict[str, Sequence[Any]] = {}
    pending: list[dict[str, Any]] = [{}]
    while pending:
        first = First(pending.pop())
        draw(first)
        new = {name: values for name, values in first.options.items() if name not in options}
        options |= new
        pending += [{name: value} for name, values in new.items() for value in values[1:]]
    return options
