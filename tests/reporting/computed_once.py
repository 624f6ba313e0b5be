"""Importances take seconds: they are computed once per table, however many tests show it."""

import pandas as pd

from asymnas.analysis.importance import Importance, importances
from asymnas.core.columns import ARCHITECTURE

_computed: dict[tuple[str, int], Importance] = {}


def importances_once(table: pd.DataFrame, *, seed: int = 0) -> Importance:
    key = table.drop(columns=ARCHITECTURE).to_json(default_handler=str), seed
    if key not in _computed:
        _computed[key] = importances(table, seed=seed)
    return _computed[key]
