"""What a front reaches from one seed to the next: the empirical attainment function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import moocore
import numpy as np
import pandas as pd

from asymnas.analysis.estimates import Floats
from asymnas.analysis.front import Objective, objective_values, scored
from asymnas.errors import ConfigError
from asymnas.table import REPLICATE

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
    found = moocore.eaf(points, sets + 1, percentiles=percentiles)
    surfaces = {}
    for level in levels:
        corners = found[np.isclose(found[:, 2], 100 * level), :2] * signs
        surfaces[level] = corners[np.lexsort((corners[:, 1], corners[:, 0]))]
    return Attainment(
        objectives=(objectives[0], objectives[1]), replicates=replicates, surfaces=surfaces
    )
