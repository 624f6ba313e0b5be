"""What short runs choose before a measurement: structures and learning rates."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from asymnas.table import (
    BUDGET,
    CLUSTER,
    LEARNING_RATE,
    PHASE,
    SCREENING,
    STATE,
    TARGET_SHARE,
    TUNING,
    VAL_LOSS,
)

#: What a share's own losses and those of its neighbours in the design count for.
WEIGHTS = {-1: 0.5, 0: 1.0, 1: 0.5}


def kept(table: pd.DataFrame, per_stratum: int) -> list[int]:
    """The clusters of each budget and share with the lowest losses in the screening, in order.

    Args:
        table: A trial table with screening runs.
        per_stratum: How many to keep; one that failed is kept only for lack of others.
    """
    rows = _of(table, SCREENING)
    if rows.empty:
        return []
    done = (rows[STATE] == "complete") & np.isfinite(rows[VAL_LOSS].astype(float))
    ranked = rows.assign(score=rows[VAL_LOSS].astype(float).where(done, np.inf))
    ranked = ranked.sort_values(["score", CLUSTER])
    best = ranked.groupby([BUDGET, TARGET_SHARE]).head(per_stratum)
    return sorted(int(cluster) for cluster in best[CLUSTER])


def best_rates(table: pd.DataFrame, rates: Sequence[float]) -> dict[tuple[int, float], float]:
    """The best rate of each budget and share.

    One short run a rate is noisy, and neighbouring shares want nearly the same rate: each share is
    judged by the mean log loss of itself and, at half the weight, its neighbours, every stratum's
    losses taken relative to their own mean. A rate at which a run failed is out, there and next to
    there; a share that this leaves nothing is judged by itself. If all failed, the lowest is taken.

    Args:
        table: A trial table with tuning runs.
        rates: Those tried, rising.

    Returns:
        A rate by (budget, share).
    """
    best: dict[tuple[int, float], float] = {}
    tuning = _of(table, TUNING)
    for budget, rows in tuning.groupby(BUDGET):
        losses = _losses(rows, rates)
        shares = list(losses.index)
        relative = losses.sub(losses.mean(axis=1), axis=0)
        for place, share in enumerate(shares):
            near = {p: w for step, w in WEIGHTS.items() if 0 <= (p := place + step) < len(shares)}
            score = np.average(
                relative.iloc[list(near)].fillna(np.inf), axis=0, weights=list(near.values())
            )
            own = losses.loc[share]
            judged = np.where(own.isna(), np.inf, score)
            if not np.isfinite(judged).any():  # the neighbours ran at none of its rates
                judged = own.fillna(np.inf).to_numpy()
            best[int(budget), float(share)] = float(rates[int(np.argmin(judged))])
    return best


def best_rate(table: pd.DataFrame, column: str, name: str, rates: Sequence[float]) -> float:
    """The rate with the lowest loss among the tuning runs that have `name` in a column.

    The middle one of `rates` if no such run has completed.
    """
    tuning = _of(table, TUNING)
    rows = tuning[tuning[column] == name] if len(tuning) else tuning
    rows = rows[rows[STATE] == "complete"]
    losses = rows[VAL_LOSS].astype(float).dropna()
    if losses.empty:
        return float(rates[len(rates) // 2])
    return float(rows.loc[losses.idxmin(), LEARNING_RATE])


def edge_share(table: pd.DataFrame) -> float | None:
    """The part of the strata whose chosen rate is the lowest or the highest tried.

    `None` without tuning runs, or with fewer than three rates.
    """
    tuning = _of(table, TUNING)
    rates = sorted(tuning[LEARNING_RATE].unique()) if len(tuning) else []
    if len(rates) < 3:
        return None
    chosen = list(best_rates(table, rates).values())
    return sum(rate in (rates[0], rates[-1]) for rate in chosen) / len(chosen)


def _of(table: pd.DataFrame, phase: str) -> pd.DataFrame:
    return table[table[PHASE] == phase] if PHASE in table else table.head(0)


def _losses(rows: pd.DataFrame, rates: Sequence[float]) -> pd.DataFrame:
    """Log losses of one budget, shares by rates; missing where a run failed."""
    done = rows[(rows[STATE] == "complete") & np.isfinite(rows[VAL_LOSS].astype(float))]
    done = done[done[VAL_LOSS] > 0]
    wide = done.assign(log=np.log(done[VAL_LOSS].astype(float))).pivot_table(
        index=TARGET_SHARE, columns=LEARNING_RATE, values="log"
    )
    return wide.reindex(index=sorted(rows[TARGET_SHARE].unique()), columns=list(rates))
