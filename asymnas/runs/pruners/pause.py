"""Pausing: a trial that is expected to add little to the front waits until all have begun.

The logarithm of a trial's final loss is predicted by a line through the complete trials, from the
loss at the rung it has reached; its costs, the objectives that are counts, are known. From both
follows the volume that it is expected to add to the front of complete trials, in logarithms: the
expected hypervolume improvement (Emmerich et al. 2006, doi:10.1109/TEVC.2005.859463), of which only
one coordinate is uncertain here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from asymnas.runs.pruners import PRUNERS, PausingPruner, Progress

FEWEST = 5  # complete trials before any waits
LAST = 20  # complete trials whose mean gain stands for that of a new candidate
LEAST_SPREAD = 0.02  # of the logarithm of the final loss about its prediction
POSITIVE = 1e-12  # what a loss or a count is at least taken for

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Pause(PausingPruner):
    """Compares what waiting trials are expected to gain with what the last ones gained.

    Args:
        share: Of the mean gain, that a trial must be expected to gain to go on at once.
        least_chance: To join the front, of a trial that is to go on in the end.
        margin: Factor by which the corner of the volume lies beyond the worst complete trial: the
            larger, the more a better loss or a lower cost than any other's counts.
    """

    share: float = 0.5
    least_chance: float = 0.1
    margin: float = 2.0

    def worth(self, waiting: Sequence[Progress], peers: Sequence[Progress]) -> list[float]:
        """Expected gains over `share` of the mean; 1 as long as too few trials are complete."""
        complete = [peer for peer in peers if peer.complete]
        if len(complete) < FEWEST:
            return [1.0] * len(waiting)
        front = _Front(np.array([_logs(trial) for trial in complete]), np.log(self.margin))
        rungs = {trial.curve[-1][0] for trial in waiting}
        lines = {examples: _Line(examples, complete) for examples in rungs}
        return [self._worth(trial, front, lines) for trial in waiting]

    def _worth(self, trial: Progress, front: "_Front", lines: Mapping[int, "_Line"]) -> float:
        loss, *costs = _logs(trial)
        line = lines[trial.curve[-1][0]]
        gain, chance = front.expected(np.array(costs), line.final(loss), line.spread)
        usual = self.share * front.mean_gain
        worth = gain / usual if usual > 0 else 1.0
        return worth if worth >= 1 or chance >= self.least_chance else 0.0


class _Front:
    """What complete trials cover, in logarithms.

    Args:
        points: Final loss and costs of each, in the order in which they were drawn.
        margin: By which the corner lies beyond the worst of each.
    """

    def __init__(self, points: Values, margin: float) -> None:
        self._corner = points.max(axis=0) + margin
        front = points[moocore.is_nondominated(points)]
        self._front = front[np.argsort(front[:, 0])]
        known = range(max(0, len(points) - LAST), len(points) + 1)
        volumes = [self._volume(points[:count]) for count in known]
        self.mean_gain = float(np.mean(np.diff(volumes)))

    def _volume(self, points: Values) -> float:
        if not len(points):
            return 0.0
        if points.shape[1] == 1:
            return float(self._corner[0] - points.min())
        return float(moocore.hypervolume(points, ref=self._corner))

    def expected(self, costs: Values, middle: float, spread: float) -> tuple[float, float]:
        """The volume that a trial is expected to add, and the chance that it adds any.

        Where its final loss is between those of two members of the front, it covers the costs from
        its own to the corner that no member with a lower loss covers.

        Args:
            costs: Its own.
            middle: Its final loss, as predicted.
            spread: The standard deviation about that.
        """
        levels = np.array([*self._front[:, 0], self._corner[0]])
        z = (levels - middle) / spread
        below = spread * (z * norm.cdf(z) + norm.pdf(z))  # expected depth below each level
        free = self._free(costs)
        gain = float(free @ np.diff(below, prepend=0.0))
        reached = levels[free > 0].max(initial=-np.inf)  # the loss that it must get below
        return gain, float(norm.cdf((reached - middle) / spread))

    def _free(self, costs: Values) -> Values:
        """What a trial would cover of the costs, below each level of the loss from the lowest up.

        With no costs it is all or nothing; with one, a length.
        """
        corner, taken = self._corner[1:], self._front[:, 1:]
        if not len(costs):
            return np.array([1.0, *[0.0] * len(taken)])
        if len(costs) == 1:
            ends: Values = np.minimum.accumulate([corner[0], *taken[:, 0]])
            return np.asarray(np.maximum(ends - costs[0], 0.0), dtype=float)
        whole = float(np.prod(np.maximum(corner - costs, 0.0)))
        clipped, counts = np.maximum(taken, costs), range(1, len(taken) + 1)
        covered = [float(moocore.hypervolume(clipped[:n], ref=corner)) for n in counts]
        return np.array([whole, *(whole - part for part in covered)]).clip(min=0.0)


class _Line:
    """Predicts the logarithm of the final loss from that at a rung."""

    def __init__(self, examples: int, complete: Sequence[Progress]) -> None:
        losses = [(trial.loss_at(examples), trial.curve[-1][1]) for trial in complete]
        known = np.array([pair for pair in losses if pair[0] is not None], dtype=float)
        x, y = np.log(np.maximum(known, POSITIVE)).T
        slope, level = np.polyfit(x, y, 1) if np.ptp(x) > 0 else (0.0, float(y.mean()))
        self._slope, self._level = float(slope), float(level)
        left = y - self._level - self._slope * x
        self.spread = max(float(np.sqrt(left @ left / max(len(x) - 2, 1))), LEAST_SPREAD)

    def final(self, loss: float) -> float:
        """The logarithm predicted from that of the loss at the rung."""
        return self._level + self._slope * loss


def _logs(trial: Progress) -> list[float]:
    """Logarithms of a trial's last loss and its costs."""
    values = np.log(np.maximum([trial.curve[-1][1], *trial.costs], POSITIVE))
    return [float(value) for value in values]


PRUNERS.register("pause", "Lets a trial wait that is expected to add little to the front")(Pause())
