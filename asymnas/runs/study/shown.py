"""What a sampler is shown of a study: values that it can compare, in place of those stored.

Values are stored as they are. Two things keep a sampler from learning from them: candidates that
fill unlike budgets differ in loss by their size, and the volume that two objectives span means
little unless both are on a log scale. A sampler that learns from values is therefore shown a copy
of the study:

- of one objective on a ladder of budgets, each value relative to the best of its own budget: by
  how much its logarithm exceeds that one's;
- of the loss against counts, the logarithm of each over that of a fixed reference: the budget, and
  the loss of predicting the mean.

A sampler that models complete trials alone would draw what was pruned or failed again and again.
It is shown a pruned trial as a complete one with the loss of its last rung, and a failed one with
the worst value that any other has.

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
from asymnas.runs.study.rows import DETAILS, as_row

Floats = npt.NDArray[np.float64]


class ShownTrials:
    """The trials of one study as a sampler that learns from values is to see them.

    Args:
        objectives: The study's.
        reference: A fixed level by objective; its logarithm is zero.
        as_complete: Whether pruned and failed trials are shown as complete ones.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        reference: Mapping[str, float],
        *,
        as_complete: bool = False,
    ) -> None:
        names = [objective.name for objective in objectives]
        self._objectives = objectives
        self._sized = names == [t.VAL_LOSS, t.TOTAL_PARAMS]
        self._reference = [reference.get(name, 1.0) for name in names]
        self._as_complete = as_complete
        self._on_ladder = False
        self._finished: dict[int, FrozenTrial] = {}  # copies by number
        self._complete: list[FrozenTrial] = []  # copies, in the order of the next four
        self._stored: list[Sequence[float]] = []
        self._budgets: list[int | None] = []
        self._ended: list[bool] = []  # whether each was trained to the end
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
        if not (self._on_ladder or self._sized or self._as_complete):
            return trials
        drawn = [trial for trial in trials if t.SIZED_FROM not in trial.user_attrs]
        shown = [self._finished.get(trial.number) or self._copy(trial, trials) for trial in drawn]
        self._set_values()
        return shown

    def _copy(self, trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> FrozenTrial:
        own = copy(trial)
        own.user_attrs, own.system_attrs, own.intermediate_values = {}, {}, {}
        own.values = None
        # One that failed before it had its draws says nothing, and would end a model's knowledge of
        # the choices that all complete trials have.
        told = self._as_complete and trial.state.is_finished() and bool(trial.params)
        if trial.state == TrialState.COMPLETE or told:
            own.state = TrialState.COMPLETE
            self._complete.append(own)
            self._stored.append(self._values_of(trial, trials))
            self._budgets.append(budget_of(trial))
            self._ended.append(trial.state == TrialState.COMPLETE)
        if trial.state.is_finished():
            self._finished[trial.number] = own
        return own

    def _values_of(self, trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> Sequence[float]:
        """The values of a complete trial, or those that are known of another; NaN for the rest."""
        if trial.state == TrialState.COMPLETE:
            return list(trial.values)
        known = as_row(trial)
        if (original := known.get(t.DUPLICATE_OF)) is not None:
            return self._values_of(next(n for n in trials if n.number == original), trials)
        if trial.state == TrialState.FAIL:
            known[t.VAL_LOSS] = math.nan
        return [known.get(objective.name, math.nan) for objective in self._objectives]

    def _set_values(self) -> None:
        """Shows values that are new, or relative to what has become another level."""
        stored = np.array(self._stored, dtype=float).reshape(-1, len(self._objectives))
        if self._sized:
            values = _logarithms(stored, self._reference)
        elif self._on_ladder:
            maximize = self._objectives[0].maximize
            values = _relative(stored, self._budgets, self._ended, maximize=maximize)
        else:
            values = stored.copy()
        for column, objective in enumerate(self._objectives):
            missing = np.isnan(values[:, column])
            if missing.any():
                worst = (np.fmin if objective.maximize else np.fmax).reduce(values[:, column])
                values[missing, column] = 0.0 if np.isnan(worst) else worst
        known = len(self._shown)
        changed = np.flatnonzero((values[:known] != self._shown).any(axis=1)).tolist()
        for place in (*changed, *range(known, len(values))):
            self._complete[place].values = values[place].tolist()
        self._shown = values


def _logarithms(stored: Floats, reference: Sequence[float]) -> Floats:
    """The logarithm of each value over its reference, 0 at most; losses below zero as they are."""
    values = stored.copy()
    for column, level in enumerate(reference):
        if not (stored[:, column] <= 0).any():
            values[:, column] = np.minimum(np.log(stored[:, column] / level), 0.0)
    return values


def _relative(
    stored: Floats, budgets: Sequence[int | None], ended: Sequence[bool], *, maximize: bool
) -> Floats:
    """Each value less the best of its budget, on a log scale where all are positive.

    The best is of those that were trained to the end, as far as there are any; no other is better:
    the weight of a loss's parts may still rise after the rung at which a trial was pruned.
    """
    values = stored.copy() if maximize or (stored <= 0).any() else np.log(stored)
    own = np.array([-1 if budget is None else budget for budget in budgets])
    to_the_end = np.array(ended, dtype=bool)
    best, worse_of = (np.fmax, np.minimum) if maximize else (np.fmin, np.maximum)
    for budget in set(budgets):
        rows = own == (-1 if budget is None else budget)
        sure = rows & to_the_end
        values[rows] -= best.reduce(values[sure if sure.any() else rows])
        values[rows & ~to_the_end] = worse_of(values[rows & ~to_the_end], 0.0)
    return values


def budget_of(trial: FrozenTrial) -> int | None:
    """The budget that a trial fills; `None` where its size was drawn."""
    attributes = trial.user_attrs
    value = attributes.get(t.BUDGET, attributes.get(DETAILS, {}).get(t.BUDGET))
    return None if value is None or math.isnan(value) else int(value)
