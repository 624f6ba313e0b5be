"""The nearest structures that a budget holds, in place of ones that it does not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Draw = Mapping[str, Any]
Draws = Sequence[Draw]


def reduced(
    draws: Draws,
    options: Sequence[Mapping[str, Sequence[Any]]],
    excess: Callable[[Draws], float],
) -> Draws:
    """Draws that fit, by as few changes as it takes, or ones that no single change makes smaller.

    One choice at a time is changed, each time the one that makes the excess smallest.

    Args:
        draws: The structural choices of each part by name.
        options: The choices of each part that may be changed, with their values.
        excess: How large the draws are, at most 1 where they fit.
    """
    chosen, level = draws, excess(draws)
    while level > 1:
        best = min(
            ((excess(d), i, d) for i, d in enumerate(_changes(chosen, options))), default=None
        )
        if best is None or best[0] >= level:
            break
        level, _, chosen = best
    return chosen


def _changes(draws: Draws, options: Sequence[Mapping[str, Sequence[Any]]]) -> Iterator[Draws]:
    """The draws with one choice changed."""
    for place, own in enumerate(options):
        for name, values in own.items():
            if name not in draws[place]:
                continue
            for value in values:
                if value != draws[place][name]:
                    changed = {**draws[place], name: value}
                    yield [*draws[:place], changed, *draws[place + 1 :]]
