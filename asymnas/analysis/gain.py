"""What the last trials of a search added to its result, and whether more are worth their time.

The gain of a trial is by how much it lowered the best loss of its budget, as a logarithm; of
several objectives with a fixed reference point, by how much it raised the logarithm of the front's
volume. Trials that were pruned, failed or are worse gain nothing. The mean gain of the last trials
is an estimate of what the next ones gain, and a high one as a rule: gains become rarer.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from asymnas.analysis.front import Objective, nondominated, volume
from asymnas.core import columns as t

LEAST_GAIN = 0.01  # of the last trials together; below it more are not worth their time


class Gains:
    """The gains of finished trials, in the order in which they finished.

    Args:
        objectives: The search's.
        reference: A fixed level by objective, from which volumes are measured.
    """

    def __init__(self, objectives: Sequence[Objective], reference: Mapping[str, float]) -> None:
        self._objectives, self._gains = objectives, list[float]()
        self._best: dict[Any, float] = {}
        self._front: list[list[float]] = []
        levels = [reference.get(objective.name, math.nan) for objective in objectives]
        self._corner = np.log(levels) if min(levels) > 0 else None

    @staticmethod
    def unsupported_reason(
        objectives: Sequence[Objective], reference: Mapping[str, float]
    ) -> str | None:
        """Why gains of these objectives cannot be compared; `None` if they can."""
        if len(objectives) == 1 or all(reference.get(o.name, 0) > 0 for o in objectives):
            return None
        names = ", ".join(objective.name for objective in objectives)
        return f"no fixed level is known from which to measure what a trial adds to {names}"

    def add(self, row: Mapping[str, Any]) -> None:
        """Takes in a finished trial, a row of the trial table that is no duplicate."""
        values = [float(row.get(objective.name, math.nan)) for objective in self._objectives]
        repeats = pd.notna(row.get(t.SIZED_FROM))  # what another has gained
        counts = row.get(t.STATE) == "complete" and all(map(math.isfinite, values)) and not repeats
        self._gains.append(self._gain(row, values) if counts else 0.0)

    def of_last(self, count: int) -> float | None:
        """What the last trials gained together; `None` if there are not so many."""
        return sum(self._gains[-count:]) if len(self._gains) >= count else None

    def _gain(self, row: Mapping[str, Any], values: list[float]) -> float:
        if len(values) == 1:
            return self._gain_of_one(row.get(t.BUDGET), values[0])
        if self._corner is None:
            return math.inf
        before = self._volume()
        self._front.append(values)
        after = self._volume()
        return 0.0 if after <= before else math.log(after / before) if before > 0 else math.inf

    def _gain_of_one(self, budget: Any, value: float) -> float:
        key = None if budget is None or pd.isna(budget) else int(budget)
        value = -value if self._objectives[0].maximize else value
        best = self._best.get(key)
        if best is not None and value >= best:
            return 0.0
        self._best[key] = value
        if best is None:
            return math.inf
        same_sign = best > 0 and value > 0
        return math.log(best / value) if same_sign else (best - value) / abs(best or 1.0)

    def _volume(self) -> float:
        if not self._front:
            return 0.0
        values = np.asarray(self._front)
        kept = values[nondominated(values, self._objectives)]
        self._front = kept.tolist()
        if self._corner is None or (kept <= 0).any():
            return 0.0
        return volume(np.log(kept), self._corner, self._objectives)


def gains_of(
    table: pd.DataFrame, objectives: Sequence[Objective], reference: Mapping[str, float]
) -> Gains:
    """The gains of a trial table's own finished trials, in the order of their numbers."""
    gains = Gains(objectives, reference)
    own = table[table[t.DUPLICATE_OF].isna() & (table[t.STATE] != "running")]
    for row in own.sort_values(t.TRIAL).to_dict("records"):
        gains.add({str(name): value for name, value in row.items()})
    return gains
