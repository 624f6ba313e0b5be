"""Where the decoder's share of the parameters lands in a search: a description, not an inference.

A search draws more of what did well, so its trials are no sample of anything: the optimum share is
inferred from a sweep alone.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import pandas as pd

from asymnas.analysis.front import Objective, nondominated, objective_values, scored
from asymnas.core.columns import DECODER_SHARE

LEVEL = 0.95
RESAMPLES = 1_000
LEAST_TRIALS = 5


class ShareEstimate(TypedDict):
    """A decoder share in (0, 1) with the ends of its interval; `None` where there is none."""

    estimate: float | None
    low: float | None
    high: float | None
    level: float


def decoder_share(
    table: pd.DataFrame, objectives: Sequence[Objective], *, seed: int = 0
) -> ShareEstimate:
    """The median decoder share over the front, with a bootstrap interval over completed trials.

    Each resample draws as many scored trials as there are, with replacement, and takes the median
    over its own front.

    Args:
        table: A trial table, in any order.
        objectives: Those of the search.
        seed: Fixes the resamples.

    Returns:
        `estimate` is `None` without a front; `low` and `high` are `None` with fewer than five
        scored trials or a front of one.

    Source:
        Percentile bootstrap: Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13.
    """
    none = ShareEstimate(estimate=None, low=None, high=None, level=LEVEL)
    rows = scored(table, objectives)
    if not rows.empty:
        rows = rows[rows[DECODER_SHARE].notna()]
    if rows.empty:
        return none
    values = objective_values(rows, objectives)
    shares = rows[DECODER_SHARE].to_numpy(dtype=float)
    marks = nondominated(values, objectives)
    estimate = float(np.median(shares[marks]))
    if len(rows) < LEAST_TRIALS or marks.sum() == 1:
        return {**none, "estimate": estimate}
    draws = np.random.default_rng(seed).integers(len(rows), size=(RESAMPLES, len(rows)))
    medians = [np.median(shares[draw][nondominated(values[draw], objectives)]) for draw in draws]
    low, high = np.quantile(medians, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {**none, "estimate": estimate, "low": float(low), "high": float(high)}
