"""Which rows of a trial table an inference takes, and which of them belong together."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asymnas.core.columns import (
    BUDGET,
    CLUSTER,
    DUPLICATE_OF,
    MEASURE,
    MIRRORED,
    PHASE,
    REPLICATE,
    RETRY_OF,
    SIZED_FROM,
    STATE,
    STRUCTURE,
    TRIAL,
)


def counting(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that count: all but short runs that only chose a structure or a learning rate."""
    if PHASE not in table:
        return table
    return table[table[PHASE].isna() | (table[PHASE] == MEASURE)]


def is_blocked(table: pd.DataFrame) -> bool:
    """Whether a sweep's table has blocks; those of versions before 0.2 have none."""
    return STRUCTURE in table and bool(table[STRUCTURE].notna().any())


def of_blocks(table: pd.DataFrame) -> pd.DataFrame:
    """The measured runs of a blocked sweep, those that a retry repeats left out, by trial."""
    return standing(counting(table)) if is_blocked(table) else table.head(0)


def standing(rows: pd.DataFrame) -> pd.DataFrame:
    """The runs that belong to a block, by trial; a run's retry stands for it."""
    rows = rows[rows[STRUCTURE].notna()].sort_values(TRIAL)
    return rows[~rows[TRIAL].isin(rows[RETRY_OF].dropna())] if RETRY_OF in rows else rows


def is_mirrored(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Which runs have the mirror of their block's encoder as decoder `[n]`."""
    if MIRRORED not in rows:
        return np.zeros(len(rows), dtype=bool)
    return np.array([mark is not pd.NA and mark == 1 for mark in rows[MIRRORED]], dtype=bool)


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """The trials of their own, by number: no duplicates, no runs that only prepared others."""
    if table.empty:
        return table
    return counting(table[table[DUPLICATE_OF].isna()].sort_values(TRIAL))


def drawn(rows: pd.DataFrame) -> pd.DataFrame:
    """The trials that drew for themselves: not those that repeat a best one at another size."""
    return rows[rows[SIZED_FROM].isna()] if SIZED_FROM in rows else rows


def of_whole_replicates(rows: pd.DataFrame) -> pd.DataFrame:
    """The complete runs of the replicates that have the most of them.

    A replicate that runs failed in, or are still to come, is not to be compared with a whole one.
    """
    if REPLICATE not in rows:
        return rows
    done = rows[rows[STATE] == "complete"]
    sizes = done.groupby(REPLICATE)[REPLICATE].transform("size")
    return done[sizes == sizes.max()]


def clusters(rows: pd.DataFrame) -> pd.Series:
    """A label of each row's architecture: runs of one architecture are no independent trials.

    Where the table gives none, every trial is an architecture of its own.
    """
    own = "trial " + rows[TRIAL].astype(str)
    if CLUSTER not in rows:
        return own
    named = rows[CLUSTER].astype(str)
    if BUDGET in rows:
        named += " of " + rows[BUDGET].astype(str)
    return named.where(rows[CLUSTER].notna(), own)
