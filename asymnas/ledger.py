"""What a run holds so far: who trained what, how many are missing, what stands on the front.

Everything here is derived from the study, so a continued run knows what an uninterrupted one would.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from asymnas import table as t
from asymnas.analysis.front import front, nondominated, objective_values, scored
from asymnas.architecture import Architecture
from asymnas.pruners import Progress
from asymnas.study import SearchStudy


class Ledger:
    """The books of one study.

    Args:
        study: The study; this process holds its lease.
        wanted: Finished trials it is to hold.
    """

    def __init__(self, study: SearchStudy, wanted: int) -> None:
        self.study, self.wanted = study, wanted
        self._costly = [o.name for o in study.objectives if o.name in t.COUNT_COLUMNS]
        self._duplicates: dict[int, int] = {}
        self._trained: dict[str, int] = {}
        self._progress: dict[int, Progress] = {}
        self.refresh()
        for row in self.table.to_dict("records"):
            if row[t.STATE] != "running" and pd.isna(row[t.DUPLICATE_OF]):
                self._trained[Architecture.from_dict(row[t.ARCHITECTURE]).key()] = row[t.TRIAL]
                self.note(row[t.TRIAL], row[t.CURVE], row)

    def refresh(self) -> None:
        """Reads the trial table anew, and what follows from it."""
        self.table = self.study.table()
        self.front = front(self.table, self.study.objectives)
        own = self.table[self.table[t.DUPLICATE_OF].isna()]
        states = own[t.STATE].value_counts()
        self.states = {state: int(states.get(state, 0)) for state in t.STATES}
        self.duplicates = len(self.table) - len(own)

    @property
    def missing(self) -> int:
        """Finished trials that the run lacks, those in training included."""
        finished = sum(n for state, n in self.states.items() if state != "running")
        return max(0, self.wanted - finished)

    @property
    def best_loss(self) -> float | None:
        """Lowest validation loss of a complete trial."""
        complete = self.table[self.table[t.STATE] == "complete"][t.VAL_LOSS].dropna()
        return float(complete.min()) if len(complete) else None

    def note(self, trial: int, curve: Any, counts: Mapping[str, Any]) -> None:
        """Takes down how far a trial has got, for the pruner."""
        self._progress[trial] = Progress(
            curve=tuple((int(examples), float(loss)) for examples, loss in curve),
            costs=tuple(float(counts[name]) for name in self._costly),
        )

    def progress(self, trial: int) -> tuple[Progress, list[Progress]]:
        """How far a trial has got, and all its peers."""
        peers = [other for number, other in self._progress.items() if number != trial]
        return self._progress[trial], peers

    def claims(self, trial: int, key: str) -> bool:
        """Whether the trial is the first with its architecture; otherwise it is a duplicate.

        A duplicate is never trained: it ends as the trial ends that has its architecture.
        """
        original = self._trained.setdefault(key, trial)
        if original == trial:
            return True
        self.study.remember(trial, {t.DUPLICATE_OF: original})
        self._duplicates[trial] = original
        self._settle_duplicates()
        return False

    def tell(self, trial: int, state: t.State, row: Mapping[str, Any]) -> None:
        """Finishes a trial, and the duplicates that waited for it."""
        self.study.tell(trial, state, row)
        self.refresh()
        self._settle_duplicates()

    def stands(self, row: Mapping[str, Any]) -> bool:
        """Whether nothing complete so far dominates these values."""
        objectives = self.study.objectives
        mine = np.asarray([[row[o.name] for o in objectives]], dtype=float)
        others = objective_values(scored(self.table, objectives), objectives)
        return bool(nondominated(np.vstack([others, mine]), objectives)[-1])

    def _settle_duplicates(self) -> None:
        rows = self.table.set_index(t.TRIAL)
        finished = set(rows.index[rows[t.STATE] != "running"])
        settled = {n: original for n, original in self._duplicates.items() if original in finished}
        for number, original in settled.items():
            del self._duplicates[number]
            row = rows.loc[original]
            self.study.tell(number, row[t.STATE], row)
        if settled:
            self.refresh()
