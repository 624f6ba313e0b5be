"""What short runs choose before a measurement: structures and learning rates."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from asymnas.core.columns import (
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

#: Log loss that a rate at which a run failed counts above the architecture's worst.
FAILED = 1.0


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


def best_rates(table: pd.DataFrame, rates: Sequence[float]) -> dict[int, float]:
    """The best rate of each architecture.

    One short run per rate is noisy, and architectures of one budget and share want similar rates: a
    rate is scored by the architecture's own log loss and, counting as much, the mean over all of
    its budget and share, each architecture's losses taken relative to their mean. A rate at which
    its own run failed is out; if all failed, the lowest is taken.

    Args:
        table: A trial table with tuning runs.
        rates: Those tried, rising.

    Returns:
        A rate by cluster.
    """
    best: dict[int, float] = {}
    for _, rows in _of(table, TUNING).groupby([BUDGET, TARGET_SHARE]):
        losses = _log_losses(rows, rates)
        relative = losses.sub(losses.mean(axis=1), axis=0)
        counted = relative.apply(lambda row: row.fillna(row.max() + FAILED), axis=1)
        score = relative + counted.mean(axis=0)
        for cluster, own in score.fillna(np.inf).iterrows():
            best[int(cluster)] = float(rates[int(np.argmin(own))])
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


def rates_tried(table: pd.DataFrame) -> list[float]:
    """The learning rates of the tuning runs, rising; empty without such runs."""
    tuning = _of(table, TUNING)
    if not len(tuning) or LEARNING_RATE not in tuning:
        return []
    return sorted(float(rate) for rate in tuning[LEARNING_RATE].dropna().unique())


def edge_share(table: pd.DataFrame) -> float | None:
    """The part of the architectures whose chosen rate is the lowest or the highest tried.

    `None` without tuning runs, or with fewer than three rates.
    """
    return _edge_share(table, rates_tried(table))


def edge_rates(table: pd.DataFrame) -> dict[int, float | None]:
    """The same by budget, the ends being those of all rates tried."""
    rates = rates_tried(table)
    if not rates:
        return {}
    tuning = _of(table, TUNING).groupby(BUDGET)
    return {int(budget): _edge_share(rows, rates) for budget, rows in tuning}


def _edge_share(table: pd.DataFrame, rates: Sequence[float]) -> float | None:
    if len(rates) < 3:
        return None
    chosen = list(best_rates(table, rates).values())
    return sum(rate in (rates[0], rates[-1]) for rate in chosen) / len(chosen)


def _of(table: pd.DataFrame, phase: str) -> pd.DataFrame:
    return table[table[PHASE] == phase] if PHASE in table else table.head(0)


def _log_losses(rows: pd.DataFrame, rates: Sequence[float]) -> pd.DataFrame:
    """Log losses of one budget and share, clusters by rates; missing where a run failed."""
    done = rows[(rows[STATE] == "complete") & np.isfinite(rows[VAL_LOSS].astype(float))]
    done = done[done[VAL_LOSS] > 0]
    wide = done.assign(log=np.log(done[VAL_LOSS].astype(float))).pivot_table(
        index=CLUSTER, columns=LEARNING_RATE, values="log"
    )
    return wide.reindex(index=sorted(rows[CLUSTER].unique()), columns=list(rates))
