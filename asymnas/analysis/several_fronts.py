"""Several fronts side by side: of the replicates of one run, or of several runs.

`attainment` is how far replicates agree on the front. `common_corner` is one reference point for
the hypervolumes of several runs; `best_within` and `smallest_reaching` read a front at a size or at
a value, `mean_over_sizes` over a range of sizes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import moocore
import numpy as np
import pandas as pd

from asymnas.analysis.estimates import Floats
from asymnas.analysis.front import (
    Objective,
    objective_values,
    reference_point,
    scored,
    volume,
)
from asymnas.core.columns import REPLICATE
from asymnas.core.errors import ConfigError

#: Levels of attainment: what at least one, half and all of the replicates reach.
BEST, MEDIAN, WORST = 0.0, 0.5, 1.0


@dataclass(frozen=True, kw_only=True)
class Attainment:
    """Attainment surfaces of two objectives.

    Args:
        objectives: The two, with their directions.
        replicates: How many there are, at least 2.
        surfaces: By level, the corners `[k, 2]` of the region that at least this share of the
            replicates reach, and at level 0 at least one: in the objectives' own units and
            directions, the first objective rising. Between corners the surface is a staircase.
    """

    objectives: tuple[Objective, Objective]
    replicates: int
    surfaces: Mapping[float, Floats]


def attainment(
    table: pd.DataFrame,
    objectives: Sequence[Objective],
    by: str = REPLICATE,
    levels: Sequence[float] = (BEST, MEDIAN, WORST),
) -> Attainment | None:
    """The surfaces that the best, half and all of the replicates attain.

    A replicate is the set of its scored trials. Of two replicates the median is the best, for half
    of them is one.

    Args:
        table: A trial table, in any order.
        objectives: Those of the search.
        by: The column that tells replicates apart.
        levels: Shares of the replicates, in [0, 1].

    Returns:
        `None` unless there are two objectives and two replicates with scored trials.

    Raises:
        ConfigError: A level out of its range, or the table lacks an objective's column.

    Source:
        Fonseca, Guerreiro, López-Ibáñez & Paquete (2011), doi:10.1007/978-3-642-19893-9_8;
        computed by moocore.
    """
    if bad := [level for level in levels if not 0 <= level <= 1]:
        raise ConfigError(f"levels must be from 0 to 1 but got {bad[0]}")
    if len(objectives) != 2 or by not in table:
        return None
    rows = scored(table, objectives)
    rows = rows[rows[by].notna()].sort_values(by, kind="stable")
    sets, _ = pd.factorize(rows[by])
    replicates = len(set(sets))
    if replicates < 2:
        return None
    signs = np.array([-1.0 if objective.maximize else 1.0 for objective in objectives])
    points = objective_values(rows, objectives) * signs
    percentiles = sorted({100.0 * level for level in levels})
    steps = moocore.eaf(points, sets + 1, percentiles=percentiles)
    surfaces = {}
    for level in levels:
        corners = steps[np.isclose(steps[:, 2], 100 * level), :2] * signs
        surfaces[level] = corners[np.lexsort((corners[:, 1], corners[:, 0]))]
    return Attainment(
        objectives=(objectives[0], objectives[1]), replicates=replicates, surfaces=surfaces
    )


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A reference point that several fronts share.

    Args:
        values: One per objective, in its own units.
        log: Whether volumes are of logarithms: where all values of the fronts are positive.
    """

    values: tuple[float, ...]
    log: bool


def common_corner(
    tables: Sequence[pd.DataFrame],
    fronts: Sequence[Floats],
    objectives: Sequence[Objective],
    fixed: Sequence[Mapping[str, float]] = (),
) -> Corner | None:
    """One reference point for the hypervolumes of several runs.

    The worst of the levels that are fixed for each run, where all have one for every objective: so
    a run alone has the volume that its summary gives. Otherwise it lies a tenth beyond the worst
    trial of all runs.

    Args:
        tables: Trial tables, in any order.
        fronts: The values of their fronts, each `[members, objectives]`.
        objectives: One or more, with their directions.
        fixed: Of each run, a level by objective.

    Returns:
        `None` if nothing is scored.
    """
    values = np.concatenate(fronts)
    if not len(values):
        return None
    names = [objective.name for objective in objectives]
    if fixed and all(levels.keys() >= set(names) for levels in fixed):
        point: tuple[float, ...] | None = tuple(
            (min if o.maximize else max)(float(levels[o.name]) for levels in fixed)
            for o in objectives
        )
    else:
        point = reference_point(pd.concat([rows for rows in tables if len(rows)]), objectives)
    if point is None:
        return None
    return Corner(values=point, log=bool((values > 0).all()) and min(point) > 0)


def volume_from(
    values: Floats, corner: Corner | None, objectives: Sequence[Objective]
) -> float | None:
    """The volume between a front's values `[members, objectives]` and a reference point."""
    if corner is None or not len(values):
        return None
    point = np.array(corner.values)
    if corner.log:
        return volume(np.log(values), np.log(point), objectives)
    return volume(values, point, objectives)


def best_within(front: Floats, size: float, *, maximize: bool = False) -> float | None:
    """The best value of a front's members of at most a size; `None` if all are larger.

    Args:
        front: `[m, 2]`: the value, and the size, of which less is better.
        size: The most.
        maximize: Whether a greater value is better; so in what follows.
    """
    values = front[front[:, 1] <= size, 0]
    if not len(values):
        return None
    return float(values.max() if maximize else values.min())


def smallest_reaching(front: Floats, value: float, *, maximize: bool = False) -> float | None:
    """The size of the smallest member that is as good as a value; `None` if none is."""
    reached = front[:, 0] >= value if maximize else front[:, 0] <= value
    return float(front[reached, 1].min()) if reached.any() else None


def common_sizes(fronts: Sequence[Floats]) -> tuple[float, float] | None:
    """The sizes at which all fronts `[m, 2]` have a value; `None` if there is no range of them."""
    if not fronts or not all(len(front) for front in fronts):
        return None
    low = max(float(front[:, 1].min()) for front in fronts)
    high = min(float(front[:, 1].max()) for front in fronts)
    return (low, high) if 0 < low < high else None


def mean_over_sizes(
    front: Floats, low: float, high: float, *, maximize: bool = False
) -> float | None:
    """The mean of the best value at a size, over the logarithm of the size; geometric.

    Two fronts differ in its logarithm by their hypervolumes of logarithms, over the logarithm of
    `high / low`, so it is what a difference of volumes means per network.

    Args:
        front: `[m, 2]`, the smallest member no larger than `low`.
        low: The smallest size, above 0.
        high: The largest size, above `low`.
        maximize: Whether a greater value is better.

    Returns:
        `None` where a value is not positive: it has no logarithm.
    """
    sizes = np.unique(np.clip(np.append(front[:, 1], (low, high)), low, high))
    reached = [best_within(front, size, maximize=maximize) for size in sizes[:-1]]
    if any(value is None or value <= 0 for value in reached):
        return None
    logs = np.log(np.array(reached, dtype=float))
    return float(math.exp(float(np.average(logs, weights=np.diff(np.log(sizes))))))
