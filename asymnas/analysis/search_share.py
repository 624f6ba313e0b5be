"""Where the decoder's share of the parameters lands in a search: a description, not an inference.

A search draws more of what did well, so its trials are no sample of anything, and one search is a
sample of one: no interval is computed from it. The profile shows what was seen instead, the best
loss by range of the share, with the number of trials behind it. The optimum share is inferred from
a sweep alone.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import pandas as pd

from asymnas.analysis.front import Objective, pareto_front, scored
from asymnas.analysis.rows import drawn, measured
from asymnas.core.columns import BUDGET, DECODER_SHARE, TRIAL

#: Ends of the ranges that a profile has: closer together where shares are even.
ENDS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)


class ShareRange(TypedDict):
    """The trials of a budget whose decoder share lies in `[low, high)`.

    `trials` started, `complete` finished; `best` is the best value of the first objective among
    these, and `trial` has it: both `None` where none is complete.
    """

    low: float
    high: float
    trials: int
    complete: int
    best: float | None
    trial: int | None


class BudgetProfile(TypedDict):
    """The ranges of one budget; `budget` is `None` for trials whose sizes were drawn."""

    budget: int | None
    ranges: list[ShareRange]


class SearchShare(TypedDict):
    """The median decoder share over the front, `None` without one, and the profile."""

    estimate: float | None
    profile: list[BudgetProfile]


def decoder_share(table: pd.DataFrame, objectives: Sequence[Objective]) -> SearchShare:
    """The median decoder share over the front, and what was seen by range of the share.

    Args:
        table: A trial table, in any order.
        objectives: What the front is over.
    """
    front = pareto_front(table, objectives)
    shares = front[DECODER_SHARE].dropna() if len(front) else pd.Series(dtype=float)
    return {
        "estimate": float(shares.median()) if len(shares) else None,
        "profile": share_profile(table, objectives),
    }


def share_profile(table: pd.DataFrame, objectives: Sequence[Objective]) -> list[BudgetProfile]:
    """The best value of the first objective by range of the decoder share, budget by budget.

    Trials of different sizes are not comparable by their loss: where a search fills a ladder of
    budgets, each rung has a profile of its own. Trials that repeat another's draws are left out.

    Args:
        table: A trial table, in any order.
        objectives: The first is profiled.

    Returns:
        One entry per budget, rising, with one range for each of `ENDS`; empty without trials.
    """
    rows = drawn(measured(table))
    if rows.empty or rows[DECODER_SHARE].isna().all():
        return []
    rows = rows[rows[DECODER_SHARE].notna()]
    budgets = rows[BUDGET] if BUDGET in rows else pd.Series(float("nan"), index=rows.index)
    done = rows[TRIAL].isin(scored(rows, objectives)[TRIAL])
    shares = rows[DECODER_SHARE].clip(upper=np.nextafter(1.0, 0.0))  # a share of 1 is in the last
    places = pd.cut(shares, ENDS, right=False, labels=False)
    profiles: list[BudgetProfile] = []
    for budget, own in rows.groupby(budgets.astype(float), dropna=False, sort=True):
        ranges = [
            _range(own[places[own.index] == place], done, objectives[0], ENDS[place : place + 2])
            for place in range(len(ENDS) - 1)
        ]
        profiles.append({"budget": None if pd.isna(budget) else int(budget), "ranges": ranges})
    return profiles


def _range(
    rows: pd.DataFrame, done: "pd.Series[bool]", objective: Objective, ends: Sequence[float]
) -> ShareRange:
    complete = rows[done[rows.index]]
    best: float | None = None
    trial: int | None = None
    if len(complete):
        values = complete[objective.name].astype(float)
        place = values.idxmax() if objective.maximize else values.idxmin()
        best, trial = float(values[place]), int(complete.loc[place, TRIAL])
    low, high = ends
    return {
        "low": low,
        "high": high,
        "trials": len(rows),
        "complete": len(complete),
        "best": best,
        "trial": trial,
    }
