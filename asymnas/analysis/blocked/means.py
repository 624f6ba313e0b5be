"""Means over the structures of a sweep: Student's t, and what the sampling of examples adds.

Structures and validation examples are crossed: the structures' spread holds what single structures
owe to the examples, and what all of them owe to the same examples is added to it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from asymnas.analysis.estimates import Floats, Interval

#: Structures that an interval takes: two leave one degree of freedom.
LEAST_STRUCTURES = 3


@dataclass(frozen=True)
class Mean:
    """A mean over structures of one quantity or of many `[m]`, with its sources of variance.

    Args:
        estimate: The mean.
        between: Variance of the mean, by the spread between structures.
        common: Variance that all structures share, by the sampling of the examples.
        structures: How many there are.
        groups: Independent groups of examples; 0 where sampling is unknown.
    """

    estimate: Any
    between: Any
    common: Any
    structures: int
    groups: int = 0

    @property
    def variance(self) -> Any:
        """Of the estimate."""
        return self.between + self.common

    @property
    def freedom(self) -> Any:
        """Degrees of freedom, after Satterthwaite (1946), doi:10.2307/3002019."""
        parts = self.between**2 / max(self.structures - 1, 1)
        if self.groups:
            parts = parts + self.common**2 / (self.groups - 1)
        least = np.finfo(float).tiny
        return np.maximum(self.variance**2, least) / np.maximum(parts, least)

    def reach(self, level: float) -> Any:
        """Half of the interval's width."""
        return student.ppf((1 + level) / 2, self.freedom) * np.sqrt(self.variance)

    def interval(self, level: float) -> Interval:
        """Of a single quantity; without ends for fewer than three structures."""
        middle = float(self.estimate)
        if self.structures < LEAST_STRUCTURES:
            return Interval(estimate=middle, level=level)
        reach = float(self.reach(level))
        return Interval(estimate=middle, low=middle - reach, high=middle + reach, level=level)

    def p(self) -> float | None:
        """Two-sided, of a single quantity against nil; `None` for fewer than three structures."""
        if self.structures < LEAST_STRUCTURES:
            return None
        if not self.variance > 0:
            return 1.0 if self.estimate == 0 else 0.0
        statistic = abs(self.estimate) / np.sqrt(self.variance)
        return float(2 * student.sf(statistic, self.freedom))


def mean_over_structures(values: Floats, moves: Floats | None, groups: int) -> Mean:
    """The mean of one value per structure.

    Args:
        values: `[i]`.
        moves: How much they move with the examples resampled `[b, i]`; `None` if unknown.
        groups: Independent groups of examples.
    """
    count = len(values)
    between = float(np.var(values, ddof=1)) / count if count > 1 else 0.0
    common = 0.0
    if moves is not None and count > 1:
        own = float(np.var(moves, axis=1, ddof=1).mean()) / count  # is in `between` already
        common = max(float(np.var(moves.mean(axis=1))) - own, 0.0)
    return Mean(float(values.mean()), between, common, count, groups if moves is not None else 0)
