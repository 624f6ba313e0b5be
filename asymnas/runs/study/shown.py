"""What a sampler is shown of a study: values that it can compare, in place of those stored.

Values are stored as they are. Two things keep a sampler from learning from them: candidates that
fill unlike budgets differ in loss by their size, and the volume that two objectives span means
little unless both are on a log scale. A sampler that learns from values is therefore shown a copy
of the study:

- of one objective on a ladder of budgets, each value relative to the best of its own budget: by
  how much its logarithm exceeds that one's;
- of the loss against counts, the logarithm of each over that of a fixed reference: the budget, and
  the loss of predicting the mean.
"""

import math
from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from asymnas.analysis.front import Objective
from asymnas.core import columns as t
from asymnas.runs.study.rows import DETAILS

Values = Mapping[int, Sequence[float]]
"""Values to show by trial number."""


def trials_shown(
    objectives: Sequence[Objective],
    trials: Sequence[FrozenTrial],
    reference: Mapping[str, float],
) -> list[FrozenTrial]:
    """The trials of a study as a sampler that learns from values is to see them.

    Args:
        objectives: The study's.
        trials: All trials of the study; they stay as they are.
        reference: A fixed level by objective; its logarithm is zero.
    """
    values = values_shown(objectives, trials, reference)
    return [trial if values is None else _as_shown(trial, values) for trial in trials]


def values_shown(
    objectives: Sequence[Objective],
    trials: Sequence[FrozenTrial],
    reference: Mapping[str, float],
) -> Values | None:
    """The values of complete trials to show; `None` if they are shown as they are.

    Args:
        objectives: The study's.
        trials: All trials of the study.
        reference: A fixed level by objective; its logarithm is zero.
    """
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    names = [objective.name for objective in objectives]
    if len(names) == 1 and any(_budget_of(trial) is not None for trial in trials):
        return _relative(complete, objectives[0])
    if names == [t.VAL_LOSS, t.TOTAL_PARAMS]:
        return _logarithms(complete, [reference.get(name, 1.0) for name in names])
    return None


def _as_shown(trial: FrozenTrial, values: Values) -> FrozenTrial:
    """A trial with its draws and nothing else but the value to be shown."""
    own, shown = copy(trial), values.get(trial.number)
    if trial.state == TrialState.COMPLETE:
        own.state = TrialState.FAIL if shown is None else TrialState.COMPLETE
    own.values = shown if own.state == TrialState.COMPLETE else None
    own.user_attrs, own.system_attrs, own.intermediate_values = {}, {}, {}
    return own


def _logarithms(trials: Sequence[FrozenTrial], reference: Sequence[float]) -> Values:
    """The logarithm of each value over its reference, 0 at most; losses below zero as they are."""
    stored = np.array([trial.values for trial in trials], dtype=float).reshape(-1, len(reference))
    for column, level in enumerate(reference):
        if (stored[:, column] > 0).all():
            stored[:, column] = np.minimum(np.log(stored[:, column] / level), 0.0)
    return {trial.number: list(row) for trial, row in zip(trials, stored, strict=True)}


def _relative(trials: Sequence[FrozenTrial], objective: Objective) -> Values:
    """Each value less the best of its budget, on a log scale where all are positive."""
    stored = np.array([trial.values[0] for trial in trials], dtype=float)
    if (stored > 0).all() and not objective.maximize:
        stored = np.log(stored)
    budgets = [_budget_of(trial) for trial in trials]
    best = max if objective.maximize else min
    level = {
        budget: float(best(v for v, b in zip(stored, budgets, strict=True) if b == budget))
        for budget in set(budgets)
    }
    return {
        trial.number: [float(value) - level[budget]]
        for trial, value, budget in zip(trials, stored, budgets, strict=True)
    }


def _budget_of(trial: FrozenTrial) -> int | None:
    """The budget that a trial fills; `None` where its size was drawn."""
    attributes = trial.user_attrs
    value = attributes.get(t.BUDGET, attributes.get(DETAILS, {}).get(t.BUDGET))
    return None if value is None or math.isnan(value) else int(value)
