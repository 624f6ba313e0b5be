"""The front of a trial table: what nothing dominates, and the volume it covers.

Values stay raw and in their natural direction throughout, as the table and `summary.json` show
them, so that anyone can recompute the hypervolume from the summary alone. Monotone scales (log
parameters, log loss) would leave the front as it is but change the hypervolume.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asymnas.analysis.rows import counting
from asymnas.errors import ConfigError
from asymnas.table import DUPLICATE_OF, STATE, TRIAL

#: How far beyond the worst value the reference point lies, as a share of that value.
REFERENCE_MARGIN = 0.1


@dataclass(frozen=True)
class Objective:
    """A column of the trial table that a search improves.

    Args:
        name: The column.
        maximize: Whether more is better.
    """

    name: str
    maximize: bool = False


def scored(table: pd.DataFrame, objectives: Sequence[Objective]) -> pd.DataFrame:
    """The trials that count: complete, of an architecture not trained before, all values finite.

    Short runs that only chose a structure or a learning rate do not count.

    Args:
        table: A trial table, in any order.
        objectives: One or more.

    Returns:
        The rows kept, by trial number.

    Raises:
        ConfigError: No objective given, or the table lacks one's column.
    """
    if not objectives:
        raise ConfigError("objectives must hold at least one objective but is empty")
    if table.empty:
        return table
    done = table[(table[STATE] == "complete") & table[DUPLICATE_OF].isna()].sort_values(TRIAL)
    done = counting(done)
    if done.empty:
        return done
    if missing := [o.name for o in objectives if o.name not in done]:
        known = ", ".join(str(column) for column in done.columns)
        raise ConfigError(f"the trial table has no column {missing[0]!r}; it has {known}")
    return done[np.isfinite(objective_values(done, objectives)).all(axis=1)]


def objective_values(table: pd.DataFrame, objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """The values `[trials, objectives]`, raw, missing ones as NaN."""
    names = [objective.name for objective in objectives]
    values: NDArray[np.float64] = table[names].to_numpy(dtype=float, na_value=np.nan)
    return values


def front(table: pd.DataFrame, objectives: Sequence[Objective]) -> pd.DataFrame:
    """The scored trials that no other dominates, the best in the first objective first.

    Of trials equal in every objective the one with the lowest number stands for all.

    Args:
        table: A trial table, in any order; `front(front(table))` is `front(table)`.
        objectives: One or more, with their directions.

    Returns:
        Rows of `table`, all its columns; empty if nothing is scored.

    Raises:
        ConfigError: No objective given, or the table lacks one's column.
    """
    rows = scored(table, objectives)
    if rows.empty:
        return rows
    kept = rows[nondominated(objective_values(rows, objectives), objectives)]
    return kept.sort_values(
        [*(o.name for o in objectives), TRIAL],
        ascending=[*(not o.maximize for o in objectives), True],
    )


def nondominated(values: NDArray[np.float64], objectives: Sequence[Objective]) -> NDArray[np.bool_]:
    """Marks the points `[n, objectives]` that no other dominates; the first of equal points."""
    marks: NDArray[np.bool_] = moocore.is_nondominated(values, maximise=_directions(objectives))
    return marks


def reference_point(
    table: pd.DataFrame, objectives: Sequence[Objective]
) -> tuple[float, ...] | None:
    """The corner from which the hypervolume is measured, in the objectives' own units.

    A tenth of itself beyond the worst value of each objective over all scored trials (beyond a
    worst value of 0, a tenth of the range), so that the front's extremes count too. It moves when
    a worse trial completes: compare two runs, or a run with its past, at one reference point.

    Returns:
        One value an objective; `None` if nothing is scored.
    """
    rows = scored(table, objectives)
    if rows.empty:
        return None
    point = []
    for objective, column in zip(objectives, objective_values(rows, objectives).T, strict=True):
        worst = column.min() if objective.maximize else column.max()
        step = REFERENCE_MARGIN * (abs(worst) or np.ptp(column))
        point.append(float(worst - step if objective.maximize else worst + step))
    return tuple(point)


def hypervolume(
    table: pd.DataFrame,
    objectives: Sequence[Objective],
    reference: Sequence[float] | None = None,
) -> float:
    """The volume between the front and a reference point, in raw values.

    Its unit is the product of the objectives' units: it compares runs on one data set and one
    reference point, and nothing else.

    Args:
        table: A trial table, in any order.
        objectives: One or more, with their directions.
        reference: One value an objective; by default `reference_point(table, objectives)`.

    Returns:
        At least 0; 0 if nothing is scored.

    Raises:
        ConfigError: `reference` has another length than `objectives`.

    Source:
        Zitzler & Thiele (1999), doi:10.1109/4235.797969; computed by moocore.
    """
    if reference is not None and len(reference) != len(objectives):
        raise ConfigError(
            f"reference must have {len(objectives)} values, one an objective, "
            f"but has {len(reference)}"
        )
    if reference is None:
        reference = reference_point(table, objectives)
    rows = front(table, objectives)
    if rows.empty or reference is None:
        return 0.0
    values = objective_values(rows, objectives)
    return float(moocore.hypervolume(values, ref=list(reference), maximise=_directions(objectives)))


def _directions(objectives: Sequence[Objective]) -> list[bool]:
    return [objective.maximize for objective in objectives]
