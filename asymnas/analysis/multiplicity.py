"""Several comparisons at once: Holm's adjustment, and the pairs it takes to get below a level."""

from collections.abc import Sequence

from asymnas.errors import ConfigError

LEAST_PAIRS = 6  # for any verdict: the exact two-sided p of fewer is never below 0.05


def holm(ps: Sequence[float]) -> list[float]:
    """The p values adjusted for their number, in their order.

    Source:
        Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70.
    """
    adjusted, largest = [1.0] * len(ps), 0.0
    for place, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        largest = max(largest, min(1.0, (len(ps) - place) * ps[i]))
        adjusted[i] = largest
    return adjusted


def least_p(pairs: int) -> float:
    """The smallest p that the exact two-sided signed-rank test can give: 2 to the 1 - pairs."""
    return float(2.0 ** (1 - pairs))


def least_pairs(comparisons: int, level: float = 0.05) -> int:
    """The fewest pairs with which an adjusted p can fall below a level.

    Holm multiplies the smallest p by the number of comparisons: at 0.05, 6 pairs do for one
    comparison, 7 for two or three, 8 for four to six.

    Args:
        comparisons: How many are adjusted for, at least 1.
        level: In (0, 1).

    Returns:
        At least 6.

    Raises:
        ConfigError: A value out of its range.
    """
    if comparisons < 1:
        raise ConfigError(f"comparisons must be at least 1 but got {comparisons}")
    check_fraction("level", level)
    pairs = LEAST_PAIRS
    while comparisons * least_p(pairs) >= level:
        pairs += 1
    return pairs


def check_fraction(name: str, value: float) -> None:
    """Refuses a setting that is not above 0 and below 1.

    Raises:
        ConfigError: It is not.
    """
    if not 0 < value < 1:
        raise ConfigError(f"{name} must be above 0 and below 1 but got {value}")
