"""One architecture out of a front: the lowest loss, or the best bargain."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asymnas.analysis.front import Objective, front, objective_values, scored
from asymnas.errors import ConfigError, StudyError
from asymnas.table import (
    COUNT_COLUMNS,
    DECODER_PARAMS,
    ENCODER_PARAMS,
    TOTAL_MACS,
    TOTAL_PARAMS,
    TRIAL,
)

Preference = Literal["loss", "knee"]


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
            the extremes.
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
    best = front(within, objectives)
    if prefer == "loss":
        return best.iloc[0]
    return best.iloc[int(np.argmax(_knee_distance(best, objectives)))]


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
