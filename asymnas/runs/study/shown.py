"""What a sampler is shown of a study: values that it can compare, in place of those stored.

Values are stored as they are. Two things keep a sampler from learning from them: candidates that
fill unlike budgets differ in loss by their size, and the volume that two objectives span means
little unless both are on a log scale. A sampler that learns from values is therefore shown a copy
of the study:

- of one objective on a ladder of budgets, each value relative to the best of its own budget: by
  how much its logarithm exceeds that one's;
- of the loss against counts, the logarithm of each over that of a fixed reference: the budget, and
  the loss of predicting the mean.

A finished trial is copied once; of the copies, only values that change are set again.
"""

import math
from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np
import numpy.typing as npt
from optuna.trial import FrozenTrial, TrialState

from asymnas.analysis.front import Objective
from asymnas.core import columns as t
from asymnas.runs.study.rows import DETAILS

Floats = npt.NDArray[np.float64]


class ShownTrials:
    """The trials of one study as a sampler that learns from values is to see them.

    Args:
        objectives: The study's.
        reference: A fixed level by objective; its logarithm is zero.
    """

    def __init__(self, objectives: Sequence[Objective], reference: Mapping[str, float]) -> None:
        names = [objective.name for objective in objectives]
        self._objectives = objectives
        self._sized = names == [t.VAL_LOSS, t.TOTAL_PARAMS]
        self._reference = [reference.get(name, 1.0) for name in names]
        self._on_ladder = False
        self._finished: dict[int, FrozenTrial] = {}  # copies by number
        self._complete: list[FrozenTrial] = []  # copies, in the order of the next three
        self._stored: list[Sequence[float]] = []
        self._budgets: list[int | None] = []
        self._shown: Floats = np.empty((0, len(names)))

    def of(self, trials: Sequence[FrozenTrial]) -> Sequence[FrozenTrial]:
        """The trials with their draws and, if complete, a value to compare, and nothing else.

        On a ladder without those that repeat the draws of another.

        Args:
            trials: All trials of the study, by number; they stay as they are.

        Returns:
            The trials themselves where their values can be compared as they are.
        """
        if len(self._objectives) == 1 and not self._on_ladder:
            self._on_ladder = any(budget_of(trial) is not None for trial in trials)
        if not (self._on_ladder or self._sized):
            return trials
        drawn = [trial for trial in trials if t.SIZED_FROM not in trial.user_attrs]
        shown = [self._finished.get(trial.number) or self._copy(trial) for trial in drawn]
        self._set_values()
        return shown

    def _copy(self, trial: FrozenTrial) -> FrozenTrial:
        own = copy(trial)
        own.user_attrs, own.system_attrs, own.intermediate_values = {}, {}, {}
        own.values = None
        if trial.state == TrialState.COMPLETE:
            self._complete.append(own)
            self._stored.append(trial.values)
            self._budgets.append(budget_of(trial))
        if trial.state.is_finished():
            self._finished[trial.number] = own
        return own

    def _set_values(self) -> None:
        """Shows values that are new, or relative to what has become another level."""
        stored = np.array(self._stored, dtype=float).reshape(-1, len(self._objectives))
        if self._sized:
            values = _logarithms(stored, self._reference)
        else:
            values = _relative(stored, self._budgets, maximize=self._objectives[0].maximize)
        known = len(self._shown)
        changed = np.flatnonzero((values[:known] != self._shown).any(axis=1)).tolist()
        for place in (*changed, *range(known, len(values))):
            self._complete[place].values = values[place].tolist()
        self._shown = values


def _logarithms(stored: Floats, reference: Sequence[float]) -> Floats:
    """The logarithm of each value over its reference, 0 at most; losses below zero as they are."""
    values = stored.copy()
    for column, level in enumerate(reference):
        if (stored[:, column] > 0).all():
            values[:, column] = np.minimum(np.log(stored[:, column] / level), 0.0)
    return values


def _relative(stored: Floats, budgets: Sequence[int | None], *, maximize: bool) -> Floats:
    """Each value less the best of its budget, on a log scale where all are positive."""
    values = np.log(stored) if (stored > 0).all() and not maximize else stored.copy()
    own = np.array([-1 if budget is None else budget for budget in budgets])
    for budget in set(budgets):
        rows = own == (-1 if budget is None else budget)
        values[rows] -= values[rows].max() if maximize else values[rows].min()
    return values


def budget_of(trial: FrozenTrial) -> int | None:
    """The budget that a trial fills; `None` where its size was drawn."""
    attributes = trial.user_attrs
    value = attributes.get(t.BUDGET, attributes.get(DETAILS, {}).get(t.BUDGET))
    return None if value is None or math.isnan(value) else int(value)
