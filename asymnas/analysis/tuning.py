"""What short runs choose before a measurement: structures, learning rates and their ratio.

Rates are tuned on a few structures at a few shares, a group each. A group's rates lie on a grid of
factors of two that goes on until the best one has a worse neighbour on either side; then the ratio
of the sides' rates does the same at that rate. The best is interpolated, and a line over the
decoder share smooths it: structures differ in the rates that suit them by more than shares do, so a
curve through the means of a few structures would follow these, and set some shares back. Where the
best is next to rates at which the network breaks down, all are halved: other
structures and seeds break down a little earlier, and near the best the loss is flat.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asymnas.core.columns import (
    BUDGET,
    CLUSTER,
    LEARNING_RATE,
    PHASE,
    RATE_RATIO,
    SCREENING,
    STATE,
    STRUCTURE,
    TARGET_SHARE,
    TUNING,
    VAL_LOSS,
)

RATE_STEP = 2.0  # factor between neighbours on the grid of rates
RATIO_STEP = 4.0  # the same of the ratio: a factor of two on each side
FARTHEST = 8  # steps from the middle of either grid, at most
BROKEN = math.log(2.0)  # so far above its group's best a log loss shows a breakdown


class Group(NamedTuple):
    """What rates are tuned for: a structure sized to a share."""

    structure: int
    share: float


class Point(NamedTuple):
    """A place on the grid: steps of the rate and of the ratio from where tuning begins."""

    rate: int
    ratio: int


@dataclass(frozen=True)
class RateGrid:
    """The rates that can be tried.

    Args:
        middle: The learning rate where tuning begins, the geometric mean of the sides'.
        first: Rates tried at first.
    """

    middle: float
    first: int

    def rates(self, point: Point) -> tuple[float, float]:
        """Learning rate and rate ratio of a point."""
        return self.middle * RATE_STEP**point.rate, RATIO_STEP**point.ratio

    def missing(self, losses: "Mapping[Group, Losses]") -> list[tuple[Group, Point]]:
        """What has to be run next; nothing if every group's best is inside.

        Args:
            losses: What was run, by group; every group has an entry.
        """
        return [(group, point) for group, done in losses.items() for point in self._next(done)]

    def _next(self, done: "Losses") -> list[Point]:
        if not done:
            low = -((self.first - 1) // 2)
            return [Point(low + place, 0) for place in range(self.first)]
        best = _best_rate(done)
        if beyond := _beyond(best.rate, [p.rate for p in done if p.ratio == 0]):
            return [Point(rate, 0) for rate in beyond]
        best = _best(done)
        ratios = _beyond(best.ratio, [p.ratio for p in done if p.rate == best.rate])
        return [Point(best.rate, ratio) for ratio in ratios]


Losses = dict[Point, float]
"""Log validation loss by point; infinite where the run failed."""


def _best(done: Losses) -> Point:
    """The point with the lowest loss; of equals that with sides most alike, then the slowest."""
    return min(done, key=lambda point: (done[point], abs(point.ratio), point))


def _best_rate(done: Losses) -> Point:
    """The best of those whose sides have one rate."""
    return _best({point: loss for point, loss in done.items() if point.ratio == 0})


def _beyond(best: int, tried: Sequence[int]) -> list[int]:
    """The neighbours of the best that were not tried, as far as the grid goes."""
    return [step for step in (best - 1, best + 1) if step not in tried and abs(step) <= FARTHEST]


def _at_end(done: Losses) -> bool:
    """Whether the best point lacks a neighbour along either axis."""
    rate, best = _best_rate(done), _best(done)
    return bool(
        {step for step in (rate.rate - 1, rate.rate + 1) if Point(step, 0) not in done}
        | {step for step in (best.ratio - 1, best.ratio + 1) if Point(best.rate, step) not in done}
    )


def grid_losses(table: pd.DataFrame, budget: int, grid: RateGrid) -> dict[Group, Losses]:
    """The tuning runs of a budget by group and point.

    Args:
        table: A sweep's table; runs that have not finished are left out.
        budget: The stratum.
        grid: What their rates lie on.
    """
    losses: dict[Group, Losses] = {}
    rows = _of(table, TUNING)
    rows = rows[(rows[BUDGET] == budget) & (rows[STATE] != "running")] if len(rows) else rows
    for row in rows.to_dict("records"):
        point = Point(
            round(math.log(row[LEARNING_RATE] / grid.middle, RATE_STEP)),
            round(math.log(row[RATE_RATIO], RATIO_STEP)),
        )
        group = Group(int(row[STRUCTURE]), float(row[TARGET_SHARE]))
        losses.setdefault(group, {})[point] = _log_loss(row)
    return losses


@dataclass(frozen=True)
class TunedRates:
    """The best rates of a budget as lines over the decoder share.

    Args:
        rate: Log rate in the log odds of the share: slope, if there is one, and intercept.
        ratio: The same of log ratio.
        ends: Log odds between which rates were tuned; beyond them those of the ends are taken.
    """

    rate: tuple[float, ...]
    ratio: tuple[float, ...]
    ends: tuple[float, float]

    def at(self, share: float) -> tuple[float, float]:
        """Learning rate and rate ratio at a decoder share in (0, 1)."""
        place = min(max(_log_odds(share), self.ends[0]), self.ends[1])
        rate, ratio = (float(np.polyval(c, place)) for c in (self.rate, self.ratio))
        return math.exp(rate), math.exp(ratio)


def margin(losses: Mapping[Group, Losses]) -> int:
    """How many steps slower than their best all groups train, so that shares stay comparable.

    Returns:
        1 if at some group's best point one step more, for either side or both, breaks it down.
    """
    return int(any(_at_breakdown(done) for done in losses.values() if done))


def _at_breakdown(done: Losses) -> bool:
    best = _best(done)
    return any(
        loss > done[best] + BROKEN
        and point.rate - point.ratio <= best.rate - best.ratio + 1  # steps of the encoder's rate
        and point.rate + point.ratio <= best.rate + best.ratio + 1
        for point, loss in done.items()
    )


def tuned_rates(
    losses: Mapping[Group, Losses], grid: RateGrid, slower: int | None = None
) -> TunedRates:
    """Each group's best rates, interpolated on the grid, and lines through them over the share.

    Args:
        losses: What was run; groups without a run that completed are left out.
        grid: What it lies on.
        slower: Steps by which all are slower than the best; by default the groups' `margin`.
    """
    behind = math.log(RATE_STEP) * (margin(losses) if slower is None else slower)
    places, rates, ratios = [], [], []
    for group, done in losses.items():
        if not any(map(math.isfinite, done.values())):
            continue
        rate, ratio = interpolated(done)
        places.append(_log_odds(group.share))
        rates.append(math.log(grid.middle) + math.log(RATE_STEP) * rate - behind)
        ratios.append(math.log(RATIO_STEP) * ratio)
    if not places:
        return TunedRates((math.log(grid.middle),), (0.0,), (0.0, 0.0))
    return TunedRates(_line(places, rates), _line(places, ratios), (min(places), max(places)))


def interpolated(done: Losses) -> tuple[float, float]:
    """A group's best steps of rate and ratio, by a parabola through each best and its neighbours.

    Args:
        done: What was run, a run that completed among it.
    """
    best = _best(done)
    along_rate, along_ratio = profiles(done)
    return _vertex(along_rate, best.rate), _vertex(along_ratio, best.ratio)


def profiles(done: Losses) -> tuple[dict[int, float], dict[int, float]]:
    """Log losses along the rate and along the ratio, through a group's best point."""
    best = _best(done)
    along_rate = {p.rate: loss for p, loss in done.items() if p.ratio == best.ratio}
    if len(along_rate) < 3:  # the ratio was tuned at one rate: its own curve is at ratio one
        along_rate = {p.rate: loss for p, loss in done.items() if p.ratio == 0}
    return along_rate, {p.ratio: loss for p, loss in done.items() if p.rate == best.rate}


def _vertex(losses: Mapping[int, float], best: int) -> float:
    """The lowest place of a parabola through the best and its neighbours, where both trained."""
    below, at, above = (losses.get(best + step, math.inf) for step in (-1, 0, 1))
    bend = below - 2 * at + above
    if bend <= 0 or not max(below, above) <= at + BROKEN:
        return float(best)
    return best + min(max((below - above) / (2 * bend), -0.5), 0.5)


def _line(places: Sequence[float], values: Sequence[float]) -> tuple[float, ...]:
    """Least squares of a line; a constant of one place."""
    degree = min(len(set(places)) - 1, 1)
    return tuple(float(c) for c in np.polyfit(places, values, degree))


def edge_rates(table: pd.DataFrame) -> dict[int, float | None]:
    """By budget, the part of the tuned groups whose best rate or ratio is at an end of its grid.

    A neighbour at which the run failed counts as worse. `None` where nothing was tuned. Of a sweep
    of a version before, whose grids did not go on: the architectures whose best rate is the lowest
    or the highest.
    """
    tuning = _of(table, TUNING)
    if tuning.empty:
        return {}
    if STRUCTURE not in tuning or tuning[STRUCTURE].isna().all():
        return {int(b): _edge_share(rows) for b, rows in tuning.groupby(BUDGET)}
    edges: dict[int, float | None] = {}
    for budget, rows in tuning.groupby(BUDGET):
        grid = RateGrid(float(rows[LEARNING_RATE].iloc[0]), 1)
        losses = grid_losses(rows, int(budget), grid)
        at_end = [_at_end(done) for done in losses.values()]
        edges[int(budget)] = sum(at_end) / len(at_end) if at_end else None
    return edges


def edge_share(table: pd.DataFrame) -> float | None:
    """The same of all budgets together, each counting alike; `None` where nothing was tuned."""
    parts = [part for part in edge_rates(table).values() if part is not None]
    return sum(parts) / len(parts) if parts else None


def _edge_share(rows: pd.DataFrame) -> float | None:
    rates = sorted(rows[LEARNING_RATE].dropna().unique())
    if len(rates) < 3:
        return None
    scored = rows.assign(score=[_log_loss(row) for row in rows.to_dict("records")])
    best = scored.sort_values(["score", LEARNING_RATE]).groupby(CLUSTER)[LEARNING_RATE].first()
    return float(best.isin([rates[0], rates[-1]]).mean())


def best_structures(table: pd.DataFrame) -> dict[int, list[int]]:
    """The structures of each budget from the lowest to the highest mean log loss over the shares.

    Every structure was screened at the same shares, so no share chooses. One with a run that failed
    comes after all without.

    Args:
        table: A sweep's table with its screening runs.
    """
    rows = _of(table, SCREENING)
    if rows.empty:
        return {}
    scored = rows.assign(score=[_log_loss(row) for row in rows.to_dict("records")])
    means = scored.groupby([BUDGET, STRUCTURE])["score"].mean().reset_index()
    ranked = means.sort_values(["score", STRUCTURE])
    return {
        int(budget): [int(number) for number in own[STRUCTURE]]
        for budget, own in ranked.groupby(BUDGET)
    }


def _log_loss(row: Mapping[Hashable, Any]) -> float:
    """Log validation loss of a run; infinite if it failed."""
    loss = float(row[VAL_LOSS])
    if row[STATE] != "complete" or not loss > 0 or not math.isfinite(loss):
        return math.inf
    return math.log(loss)


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))


def _of(table: pd.DataFrame, phase: str) -> pd.DataFrame:
    return table[table[PHASE] == phase] if PHASE in table else table.head(0)
