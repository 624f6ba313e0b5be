"""Classes that are alike but for numbers, as one whose numbers are arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asymnas.networks.source.classes import Number, Written

MOST_TIMES = 16  # that one argument is of another one, to be written as its multiple


@dataclass(frozen=True)
class Shared:
    """One class for several modules.

    Args:
        arguments: Names of its arguments.
        values: Those of each module, by argument, in the modules' order.
        numbers: What stands for each mark: a number, an argument, or a multiple of one.
    """

    arguments: tuple[str, ...]
    values: tuple[Mapping[str, int | float], ...]
    numbers: tuple[int | float | str | tuple[int, str], ...]

    def texts(self, prefix: str = "") -> list[str]:
        """What stands for each mark, with something before the names of arguments."""
        texts = []
        for number in self.numbers:
            if isinstance(number, str):
                texts.append(prefix + number)
            elif isinstance(number, tuple):
                texts.append(f"{number[0]} * {prefix}{number[1]}")
            else:
                texts.append(repr(number))
        return texts


def shared(classes: Sequence[Written]) -> Shared:
    """Makes arguments of the numbers that differ between classes of one template.

    Numbers that are the same in all classes are one argument, and one that is always so many times
    another is written as its multiple.
    """
    columns = [
        tuple(n.value for n in marks) for marks in zip(*(c.numbers for c in classes), strict=True)
    ]
    roles: dict[tuple[int | float, ...], list[Number]] = {}
    for column, number in zip(columns, classes[0].numbers, strict=True):
        if len(set(column)) > 1:
            roles.setdefault(column, []).append(number)
    standing: dict[tuple[int | float, ...], str | tuple[int, str]] = {}
    arguments: dict[str, tuple[int | float, ...]] = {}
    for column in sorted(roles, key=lambda column: sum(column)):
        if multiple := _multiple(column, arguments):
            standing[column] = multiple
        else:
            name = _free(_name(roles[column]), arguments)
            arguments[name], standing[column] = column, name
    order = [n for c in roles for n, values in arguments.items() if values == c]
    return Shared(
        arguments=tuple(order),
        values=tuple(
            {name: arguments[name][place] for name in order} for place in range(len(classes))
        ),
        numbers=tuple(standing.get(column, column[0]) for column in columns),
    )


def _multiple(
    column: tuple[int | float, ...], arguments: Mapping[str, tuple[int | float, ...]]
) -> tuple[int, str] | None:
    """A column as a multiple of an argument, if it is one."""
    for name, values in arguments.items():
        if all(isinstance(value, int) for value in (*column, *values)) and all(values):
            times, rest = divmod(column[0], values[0])
            alike = all(c == times * v for c, v in zip(column, values, strict=True))
            if not rest and alike and 2 <= times <= MOST_TIMES:
                return int(times), name
    return None


def _name(numbers: Sequence[Number]) -> str:
    """What an argument is called, by the places in which it stands."""
    roles = [number.role for number in numbers]
    ins = [n.layer for n in numbers if n.role.startswith("in_")]
    outs = [n.layer for n in numbers if n.role.startswith("out_")]
    if ins and outs:
        return "hidden" if _number_of(outs[0]) < _number_of(ins[0]) else "width"
    if "kernel_size" in roles:
        return "kernel"
    if isinstance(numbers[0].value, float):
        return "gain"
    if ins:
        return "inputs"
    return "outputs" if outs else roles[0]


def _number_of(layer: str) -> tuple[int, str]:
    digits = "".join(c for c in layer if c.isdigit())
    return int(digits or 0), ""


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, with a number where it is taken."""
    number = 1
    unlike = name
    while unlike in taken:
        number += 1
        unlike = f"{name}{number}"
    return unlike
