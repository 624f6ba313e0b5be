"""Which rows of a trial table an inference takes, and which of them belong together."""

import pandas as pd

from asymnas.table import BUDGET, CLUSTER, DUPLICATE_OF, MEASURE, PHASE, TRIAL


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """The trials of their own, by number: no duplicates, no runs that only prepared others."""
    if table.empty:
        return table
    rows = table[table[DUPLICATE_OF].isna()].sort_values(TRIAL)
    return rows[rows[PHASE].isna() | (rows[PHASE] == MEASURE)] if PHASE in rows else rows


def clusters(rows: pd.DataFrame) -> pd.Series:
    """A label of each row's architecture: runs of one architecture are no independent trials.

    Where the table does not tell, every trial is an architecture of its own.
    """
    own = "trial " + rows[TRIAL].astype(str)
    if CLUSTER not in rows:
        return own
    named = rows[CLUSTER].astype(str)
    if BUDGET in rows:
        named += " of " + rows[BUDGET].astype(str)
    return named.where(rows[CLUSTER].notna(), own)
