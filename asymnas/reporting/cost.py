"""What each phase of a study took."""

import pandas as pd

from asymnas.core import columns as t
from asymnas.reporting.figures.cost import PhaseCost
from asymnas.runs.run import Records

PASSES = 3  # forward, and backward at twice the cost


def costs(records: Records) -> list[PhaseCost]:
    """One entry a phase, in the order they ran; what only prepared a measurement on its own."""
    entries = []
    for name, record in records.all.items():
        for phase, words in ((t.SCREENING, "structures"), (t.TUNING, "learning rates")):
            rows = record.own[record.own[t.PHASE] == phase] if t.PHASE in record.own else ()
            if len(rows):
                entries.append(_cost(f"{name}: {words}", rows))
        entries.append(_cost(name, record.measured))
    return entries


def _cost(phase: str, rows: pd.DataFrame) -> PhaseCost:
    examples = rows[t.EXAMPLES].astype(float)
    macs = (examples * rows[t.TOTAL_MACS].astype(float)).sum() * PASSES
    return PhaseCost(phase, len(rows), int(examples.sum()), float(rows[t.SECONDS].sum()), macs)
