"""The parameters of a side as a formula of its widths, so that a fit need not build each size.

Each size of each parameter tensor is a constant, or one width times a constant: a layer's outputs
are a width, a flattened map has a width times its positions. Two builds show which: all widths are
raised at once, each by its own prime, so that what a size grows by names its width. A third build
of the very config that is asked for confirms it; a family whose layers do not work like that is
built each time.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from asymnas.networks.families import Family

Integers = npt.NDArray[np.int64]

BASE = 16  # the width of every layer in the first build
MOST_FACTOR = 10_000  # less than any prime below, so that no product of one is another's
PRIMES = (
    *(10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079, 10091, 10093, 10099, 10103),
    *(10111, 10133, 10139, 10141, 10151, 10159, 10163, 10169, 10177, 10181, 10193, 10211),
)


def width_fields(family: Family, config: Any) -> tuple[str, ...]:
    """The fields of a side config that hold widths: all that `scale` changes."""
    wider = family.scale(config, 4.0)
    return tuple(name for name, value in vars(config).items() if getattr(wider, name) != value)


@dataclass(frozen=True)
class Widths:
    """The widths of a side config, in the order of its fields.

    Args:
        config: The side config.
        fields: Its fields that hold a width or a tuple of them.
    """

    config: Any
    fields: tuple[str, ...]

    @cached_property
    def values(self) -> tuple[int, ...]:
        """All of them."""
        found: list[int] = []
        for name in self.fields:
            value = getattr(self.config, name)
            found += value if isinstance(value, tuple) else (value,)
        return tuple(found)

    def replaced(self, values: tuple[int, ...]) -> Any:
        """The config with other widths."""
        left, new = list(values), dict[str, Any]()
        for name in self.fields:
            value = getattr(self.config, name)
            count = len(value) if isinstance(value, tuple) else 1
            new[name] = tuple(left[:count]) if isinstance(value, tuple) else left[0]
            left = left[count:]
        return replace(self.config, **new)


@dataclass(frozen=True, eq=False)
class ParameterFormula:
    """Sizes of parameter tensors, padded to equal rank, as `constant + factor · width`.

    Args:
        constant: `[tensors, rank]`.
        factor: `[tensors, rank]`, zero where no width counts.
        width: `[tensors, rank]`, the index of the width.
    """

    constant: Integers
    factor: Integers
    width: Integers

    def count(self, widths: tuple[int, ...]) -> int:
        """Parameters with these widths."""
        if not widths:
            return int(self.constant.prod(axis=1).sum())
        sizes = self.constant + self.factor * np.array(widths, dtype=np.int64)[self.width]
        return int(sizes.prod(axis=1).sum())


def derive(widths: Widths, build: Callable[[Any], nn.Module]) -> ParameterFormula | None:
    """The formula of a structure, or `None` where its layers' sizes are none of that form.

    Args:
        widths: Of a config of that structure; its own widths confirm the formula.
        build: Makes the module of a config on the meta device.
    """
    count = len(widths.values)
    if count > len(PRIMES):
        return None
    base = (BASE,) * count
    raised = tuple(BASE + prime for prime in PRIMES[:count])
    try:
        low, high = (_shapes(build(widths.replaced(values))) for values in (base, raised))
    except Exception:  # whatever a family raises that cannot be built with just any widths
        return None
    if [len(shape) for shape in low] != [len(shape) for shape in high]:
        return None
    rank = max(map(len, low), default=0)
    constant, factor, width = (np.ones((len(low), rank), dtype=np.int64) for _ in range(3))
    factor[:], width[:] = 0, 0
    for i, (before, after) in enumerate(zip(low, high, strict=True)):
        for j, (size, grown) in enumerate(zip(before, after, strict=True)):
            constant[i, j] = size
            if size == grown:
                continue
            causes = [k for k in range(count) if (grown - size) % PRIMES[k] == 0]
            if len(causes) != 1 or (grown - size) // PRIMES[causes[0]] >= MOST_FACTOR:
                return None
            width[i, j], factor[i, j] = causes[0], (grown - size) // PRIMES[causes[0]]
            constant[i, j] -= factor[i, j] * BASE
    formula = ParameterFormula(constant, factor, width)
    own = sum(math.prod(shape) for shape in _shapes(build(widths.config)))
    return formula if formula.count(widths.values) == own else None


def _shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for p in module.parameters() if p.requires_grad]
