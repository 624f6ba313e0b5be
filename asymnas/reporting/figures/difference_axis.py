"""An axis for relative differences, some of which may be very large."""

import math
from collections.abc import Sequence
from typing import Any

from asymnas.analysis.estimates import Comparison
from asymnas.core.text import rounded

FAR = 20  # regions of practical equivalence: what is farther off compresses the axis
STEPS = [float(f"{step}e{power}") for power in range(-4, 4) for step in (1, 2, 5)]


class DifferenceAxis:
    """Linear, or with a difference far beyond the margins linear near zero and logarithmic far off.

    Args:
        comparisons: What it is to hold, at least one.
    """

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        ends = [d for c in comparisons for d in (*c.differences.values(), c.margin, -c.margin)]
        for c in comparisons:
            ends += [e for e in (c.difference.low, c.difference.high) if e is not None]
        ends = [end for end in ends if math.isfinite(end)]
        self._unit = max(c.margin for c in comparisons) or 0.01
        self.compressed = max(map(abs, ends), default=0.0) > FAR * self._unit
        low, high = self.place(min(ends, default=0.0)), self.place(max(ends, default=0.0))
        room = 0.07 * (high - low) or 1.0
        self._range = (low - room, high + room)

    def place(self, difference: float) -> float:
        """Where a relative difference stands."""
        return math.asinh(difference / self._unit) if self.compressed else difference

    def places(self) -> list[float]:
        """Where the ticks stand."""
        return [self.place(tick) for tick in self._ticks()]

    def layout(self) -> dict[str, Any]:
        """The axis as Plotly's layout takes it."""
        return {
            "range": list(self._range),
            "tickvals": self.places(),
            "ticktext": [rounded(tick, sign=True) for tick in self._ticks()],
        }

    def _ticks(self) -> list[float]:
        low, high = self._range
        least = (high - low) / 6
        if not self.compressed:
            step = next((step for step in STEPS if step >= least), STEPS[-1])
            return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
        kept = [0.0]
        for size in STEPS:
            for tick in (size, -size):
                apart = min(abs(self.place(tick) - self.place(other)) for other in kept)
                if low <= self.place(tick) <= high and apart >= least * 0.8:
                    kept.append(tick)
        return sorted(kept)
