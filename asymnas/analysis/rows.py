"""Which rows of a trial table an inference takes, and which of them belong together."""

import pandas as pd

from asymnas.core.columns import (
    BUDGET,
    CLUSTER,
    DUPLICATE_OF,
    MEASURE,
    PHASE,
    REPLICATE,
    STATE,
    TRIAL,
)


def counting(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that count: all but short runs that only chose a structure or a learning rate."""
    if PHASE not in table:
        return table
    return table[table[PHASE].isna() | (table[PHASE] == MEASURE)]


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """The trials of their own, by number: no duplicates, no runs that only prepared others."""
    if table.empty:
        return table
    return counting(table[table[DUPLICATE_OF].isna()].sort_values(TRIAL))


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
