"""Any sampler, made to choose from the candidates of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from ._problem import Problem


class PoolSampler(BaseSampler):
    """A sampler whose every proposal is replaced by the nearest candidate not yet drawn.

    The trial gets the candidate's own parameters. So whatever the sampler learns from is exact: a
    value at the point at which it was measured. What is approximate is the proposal alone.

    Args:
        sampler: Proposes.
        problem: Whose table is chosen from; each candidate once per study.

    Raises:
        ValueError: When all candidates are drawn.
    """

    def __init__(self, sampler: BaseSampler, problem: Problem) -> None:
        self._sampler, self._problem = sampler, problem

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All parameters: they are those of one candidate."""
        return self._problem.search_space

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The parameters of a candidate."""
        own = self._sampler
        space = own.infer_relative_search_space(study, trial)
        proposal = dict(own.sample_relative(study, trial, space))
        for name, distribution in search_space.items():
            if name not in proposal:
                proposal[name] = own.sample_independent(study, trial, name, distribution)
        table = self._problem.table
        candidate, _ = table.nearest(proposal, self._drawn(study, trial))
        return table.params(candidate)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Of a parameter that the table does not have: as the sampler does."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the sampler does."""
        self._sampler.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """As the sampler does."""
        self._sampler.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """As the sampler does."""
        self._sampler.reseed_rng()

    def _drawn(self, study: optuna.Study, trial: FrozenTrial) -> set[int]:
        """Candidates that other trials of the study have."""
        others = (o for o in study.get_trials(deepcopy=False) if o.number != trial.number)
        return {o.user_attrs["candidate"] for o in others if "candidate" in o.user_attrs}
