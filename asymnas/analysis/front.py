"""The Pareto front of a trial table: its members, its hypervolume, its spread, the pick from it.

`pareto_front` are the trials that nothing dominates, `hypervolume` the volume they cover, `select`
the best trial under caps, `marks` the members that help to choose.

Values stay raw and in their natural direction throughout, as the table and `summary.json` show
them, so that anyone can recompute the hypervolume from the summary alone. Monotone scales (log
parameters, log loss) leave the front as it is but change the hypervolume.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import moocore
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asymnas.analysis.rows import counting
from asymnas.core.columns import (
    COUNT_COLUMNS,
    DECODER_PARAMS,
    DUPLICATE_OF,
    ENCODER_PARAMS,
    STATE,
    TOTAL_MACS,
    TOTAL_PARAMS,
    TRIAL,
)
from asymnas.core.errors import ConfigError, StudyError

#: How far beyond the worst value the reference point lies, as a share of that value.
REFERENCE_MARGIN = 0.1

#: How `select` picks from a front.
Preference = Literal["loss", "knee", "smallest"]

#: What the picks are called where a front is shown.
MARKS: dict[Preference, str] = {"loss": "best", "knee": "knee", "smallest": "within 1 %"}
ROUNDING = 1e-9  # of a bound that is met exactly
SAME = 0.01  # of the best value: a member as near to it counts as being as good


@dataclass(frozen=True)
class Objective:
    """A column of the trial table that a search improves.

    Args:
        name: The column.
        maximize: Whether more is better.
    """

    name: str
    maximize: bool = False


def front_objectives(objectives: Sequence[Objective]) -> tuple[Objective, ...]:
    """What a front is over: the objectives; one alone against the size, all parameters."""
    if len(objectives) == 1 and objectives[0].name != TOTAL_PARAMS:
        return (objectives[0], Objective(TOTAL_PARAMS))
    return tuple(objectives)


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


def pareto_front(table: pd.DataFrame, objectives: Sequence[Objective]) -> pd.DataFrame:
    """The scored trials that no other dominates, the best in the first objective first.

    Of trials equal in every objective the one with the lowest number stands for all.

    Args:
        table: A trial table, in any order; of a front, the front is itself.
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
        One value per objective; `None` if nothing is scored.
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
    *,
    log: bool = False,
) -> float:
    """The volume between the front and a reference point, in raw values or their logarithms.

    It compares runs on one data set and one reference point, and nothing else. Its unit is the
    product of the objectives' units; of logarithms it has none, and equal factors count alike at
    any size and at any loss.

    Args:
        table: A trial table, in any order.
        objectives: One or more, with their directions.
        reference: One value per objective; by default `reference_point(table, objectives)`.
        log: Whether to take natural logarithms of values and reference, all of them positive.

    Returns:
        At least 0; 0 if nothing is scored.

    Raises:
        ConfigError: `reference` has another length than `objectives`.

    Source:
        Zitzler & Thiele (1999), doi:10.1109/4235.797969; computed by moocore.
    """
    if reference is not None and len(reference) != len(objectives):
        raise ConfigError(
            f"reference must have {len(objectives)} values, one per objective, "
            f"but has {len(reference)}"
        )
    if reference is None:
        reference = reference_point(table, objectives)
    rows = pareto_front(table, objectives)
    if rows.empty or reference is None:
        return 0.0
    values, corner = objective_values(rows, objectives), np.asarray(reference, dtype=float)
    if log:
        values, corner = np.log(values), np.log(corner)
    return volume(values, corner, objectives)


def volume(
    values: NDArray[np.float64], corner: NDArray[np.float64], objectives: Sequence[Objective]
) -> float:
    """The volume between points `[n, objectives]` and a corner `[objectives]`."""
    return float(moocore.hypervolume(values, ref=corner, maximise=_directions(objectives)))


def _directions(objectives: Sequence[Objective]) -> list[bool]:
    return [objective.maximize for objective in objectives]


def select(
    table: pd.DataFrame,
    objectives: Sequence[Objective],
    prefer: Preference = "loss",
    *,
    max_params: int | None = None,
    max_encoder_params: int | None = None,
    max_decoder_params: int | None = None,
    max_macs: int | None = None,
) -> pd.Series:
    """The best trial under the caps.

    The caps apply before the front is taken: a small architecture off the front of all trials can
    be on the front of those small enough, if its size is no objective.

    Args:
        table: A trial table; a front will do only if every capped quantity is an objective.
        objectives: Those of the search.
        prefer: `loss`: the best in the first objective. `knee`: the farthest from the chord
            between the front's extremes, towards the ideal, after scaling every objective to
            [0, 1] over the front (counts on a log scale, for there halving always counts alike;
            losses raw, for two log scales would make a power law, the usual trade-off, a straight
            line without a knee). With three objectives and more the chord is the plane through
            the extremes. `smallest`: the fewest parameters of those whose first objective is
            within 1 % of the best.
        max_params: Cap on all parameters.
        max_encoder_params: Cap on the encoder's parameters.
        max_decoder_params: Cap on the decoder's parameters.
        max_macs: Cap on the MACs of encoding and decoding one example.

    Returns:
        A row of `table`.

    Raises:
        StudyError: No trial has completed.
        ConfigError: No completed trial is within the caps, or `prefer` is unknown.

    Source:
        The knee: Das (1999), doi:10.1007/BF01195985.
    """
    if prefer not in get_args(Preference):
        allowed = ", ".join(get_args(Preference))
        raise ConfigError(f"prefer must be one of {allowed} but got {prefer!r}")
    rows = scored(table, objectives)
    if rows.empty:
        raise StudyError(
            f"none of the {len(table)} trials has completed with finite objectives: "
            "continue the run with more trials"
        )
    caps = {
        ("max_params", TOTAL_PARAMS, "parameters"): max_params,
        ("max_encoder_params", ENCODER_PARAMS, "encoder parameters"): max_encoder_params,
        ("max_decoder_params", DECODER_PARAMS, "decoder parameters"): max_decoder_params,
        ("max_macs", TOTAL_MACS, "MACs"): max_macs,
    }
    within = rows
    for (_, column, _), cap in caps.items():
        if cap is not None:
            within = within[within[column] <= cap]
    if within.empty:
        set_caps = [(*key, cap) for key, cap in caps.items() if cap is not None]
        raise ConfigError(_nothing_fits(rows, set_caps))
    front = pareto_front(within, objectives)
    return front.iloc[_place(front, objectives, prefer)]


def marks(front: pd.DataFrame, objectives: Sequence[Objective]) -> dict[int, tuple[str, ...]]:
    """What helps to choose from a front: by trial, which of `MARKS` it has.

    The best always has one; knee and smallest where they are not the best itself.

    Args:
        front: From `pareto_front`, with the same objectives.
        objectives: Those of the front.
    """
    if front.empty:
        return {}
    marked: dict[int, tuple[str, ...]] = {}
    for prefer, mark in MARKS.items():
        place = _place(front, objectives, prefer)
        if place > 0 or prefer == "loss":
            trial = int(front[TRIAL].iloc[place])
            marked[trial] = (*marked.get(trial, ()), mark)
    return marked


def _place(front: pd.DataFrame, objectives: Sequence[Objective], prefer: Preference) -> int:
    """The place in a front, the best of the first objective first, of the one that is preferred."""
    if prefer == "knee":
        return int(np.argmax(_knee_distance(front, objectives)))
    if prefer == "smallest":
        values = front[objectives[0].name].to_numpy(dtype=float)
        near = np.abs(values - values[0]) <= SAME * abs(values[0]) * (1 + ROUNDING)
        sizes = front[TOTAL_PARAMS].to_numpy(dtype=float)
        return int(np.argmin(np.where(near, sizes, np.inf)))
    return 0


def _knee_distance(rows: pd.DataFrame, objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """How far each point of a front lies from the extremes' chord towards the ideal, times √m.

    Scaled so that 0 is the best and 1 the worst, the extremes span the plane of sum one, so the
    distance is what the sum of a point's values lacks to that.
    """
    values = objective_values(rows, objectives)
    for column, objective in enumerate(objectives):
        if objective.name in COUNT_COLUMNS:
            values[:, column] = np.log(np.maximum(values[:, column], 1))
        if objective.maximize:
            values[:, column] *= -1
    low, span = values.min(axis=0), np.ptp(values, axis=0)
    scaled = (values - low) / np.where(span > 0, span, 1)
    # Rounded, so that extremes tie exactly and the first, the best in loss, is taken.
    distance: NDArray[np.float64] = np.round(1 - scaled.sum(axis=1), 12)
    return distance


def _nothing_fits(rows: pd.DataFrame, caps: list[tuple[str, str, str, int]]) -> str:
    for argument, column, noun, cap in caps:
        smallest = rows.loc[rows[column].idxmin()]
        if smallest[column] > cap:
            return (
                f"no completed architecture has at most {cap:,} {noun}: the smallest has "
                f"{int(smallest[column]):,} (trial {int(smallest[TRIAL])}); raise {argument}"
            )
    given = ", ".join(f"{argument} {cap:,}" for argument, _, _, cap in caps)
    sizes = ", ".join(f"{int(rows[column].min()):,} {noun}" for _, column, noun, _ in caps)
    return f"no completed architecture is within {given} at once: the smallest have {sizes}"
