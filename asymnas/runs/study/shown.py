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
from collections.abc import Callable, Container, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from asymnas.analysis.front import Objective
from asymnas.core import columns as t
from asymnas.runs.study.rows import DETAILS
from asymnas.runs.study.storage import quiet

Values = Mapping[int, Sequence[float]]
"""Values to show by trial number."""

ValuesShown = Callable[[Sequence[FrozenTrial]], Values]
"""What is shown of complete trials."""


class Shown(BaseSampler):
    """A sampler that is shown a copy of its study with other values.

    For one draw: the copy is made when the first value is asked for.

    Args:
        sampler: The sampler.
        values: Makes the values of the complete trials.
    """

    def __init__(self, sampler: BaseSampler, values: ValuesShown) -> None:
        self._sampler, self._values = sampler, values
        self._copy: optuna.Study | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As the sampler does."""
        return self._sampler.infer_relative_search_space(*self._seen(study, trial))

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """As the sampler does."""
        return self._sampler.sample_relative(*self._seen(study, trial), search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As the sampler does."""
        seen = self._seen(study, trial)
        return self._sampler.sample_independent(*seen, param_name, param_distribution)

    def _seen(self, study: optuna.Study, trial: FrozenTrial) -> tuple[optuna.Study, FrozenTrial]:
        if self._copy is None:
            trials = study.get_trials(deepcopy=False)
            shown = self._values([own for own in trials if own.state == TrialState.COMPLETE])
            storage = _Trials([_as_shown(own, shown) for own in trials], trial.number)
            with quiet():
                self._copy = optuna.create_study(
                    storage=storage, directions=study.directions, sampler=self._sampler
                )
        return self._copy, self._copy.get_trials(deepcopy=False)[trial.number]


class _Trials(InMemoryStorage):
    """The storage of one study whose trials are given, and not copied one by one.

    Adding them to a study takes time per trial at each draw, so quadratic time over a search.

    Args:
        trials: By number.
        drawn: The number of the one that is being drawn.
    """

    def __init__(self, trials: list[FrozenTrial], drawn: int) -> None:
        super().__init__()
        self._shown, self._drawn = trials, drawn

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """The trials in these states; they are not to be changed."""
        if states is None:
            return self._shown
        return [trial for trial in self._shown if trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """What a sampler notes of its draw."""
        self._shown[self._drawn].system_attrs[key] = value


def _as_shown(trial: FrozenTrial, values: Values) -> FrozenTrial:
    """A trial with its draws and nothing else but the value to be shown."""
    own, shown = copy(trial), values.get(trial.number)
    if trial.state == TrialState.COMPLETE:
        own.state = TrialState.FAIL if shown is None else TrialState.COMPLETE
    own.values = shown if own.state == TrialState.COMPLETE else None
    own.user_attrs, own.system_attrs, own.intermediate_values = {}, {}, {}
    return own


def values_shown(
    objectives: Sequence[Objective],
    trials: Sequence[FrozenTrial],
    reference: Mapping[str, float],
) -> ValuesShown | None:
    """How the values of complete trials are shown; `None` if they are shown as they are.

    Args:
        objectives: The study's.
        trials: All trials of the study.
        reference: A fixed level by objective; its logarithm is zero.
    """
    names = [objective.name for objective in objectives]
    if len(names) == 1 and any(_budget_of(trial) is not None for trial in trials):
        return lambda complete: _relative(complete, objectives[0])
    if names == [t.VAL_LOSS, t.TOTAL_PARAMS]:
        return lambda complete: _logarithms(complete, [reference.get(n, 1.0) for n in names])
    return None


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
