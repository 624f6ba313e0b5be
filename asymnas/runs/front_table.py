"""A front as a table of words and numbers, for notebooks, the console and the page.

It is in `runs` because a `Run` shows itself in notebooks by it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from asymnas.analysis.front import MARKS, Objective, marks
from asymnas.core.columns import (
    DECODER_MACS,
    DECODER_PARAMS,
    DECODER_SHARE,
    ENCODER_MACS,
    ENCODER_PARAMS,
    PRESET,
    SHARED_PARAMS,
    SIZED_FROM,
    TOTAL_PARAMS,
    TRIAL,
)
from asymnas.core.labels import cell, label
from asymnas.core.tables import Rows


def front_rows(front: pd.DataFrame, objectives: Sequence[Objective], best: int | None) -> Rows:
    """A front as a table: objectives, the share, and both sides' sizes.

    Args:
        front: From `asymnas.analysis.front.pareto_front`.
        objectives: Those of the search.
        best: The trial to set off.

    Returns:
        The members that help to choose are tagged: see `asymnas.analysis.front.marks`.
    """
    names = [objective.name for objective in objectives]
    shared = () if front.empty or not front[SHARED_PARAMS].any() else (SHARED_PARAMS,)
    sizes = (TOTAL_PARAMS, ENCODER_PARAMS, DECODER_PARAMS, *shared, ENCODER_MACS, DECODER_MACS)
    names += [name for name in (DECODER_SHARE, *sizes) if name not in names]
    trials = [] if front.empty else [int(trial) for trial in front[TRIAL]]
    marked = marks(front, objectives)
    tags = {trials.index(trial): ", ".join(words) for trial, words in marked.items()}
    origins = [name for name in (PRESET, SIZED_FROM) if name in front and front[name].notna().any()]
    return Rows(
        title="The front in numbers",
        columns=("trial", *(label(name) for name in (*names, *origins))),
        rows=tuple(
            (
                str(trial),
                *(cell(name, row[name]) for name in names),
                *(_origin(row[name]) for name in origins),
            )
            for trial, (_, row) in zip(trials, front.iterrows(), strict=True)
        ),
        caption=_explained(tags.values(), objectives),
        marked=trials.index(best) if best in trials else None,
        tags=tags,
        words=tuple(range(len(names) + 1, len(names) + 1 + len(origins))),
    )


def _origin(value: Any) -> str:
    """A preset's name, or the trial that one is sized from; empty for trials that are drawn."""
    if pd.isna(value):
        return ""
    return value if isinstance(value, str) else f"trial {int(value)}"


def _explained(tags: Iterable[str], objectives: Sequence[Objective]) -> str:
    """What the marks besides the best mean."""
    shown = ", ".join(tags)
    parts = []
    if MARKS["knee"] in shown:
        parts.append("knee: the best compromise")
    if MARKS["smallest"] in shown:
        first = label(objectives[0].name)
        parts.append(f"{MARKS['smallest']}: the smallest whose {first} is that near to the best")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
