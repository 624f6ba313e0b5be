"""Local search, a sampler for `samplers.py`: a trial repeats most choices of a good one.

The mutation of regularised evolution (Real et al., AAAI 2019), whose parents here are the best
tenth of the complete trials.
"""

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from asymnas.runs import plan
from asymnas.runs.study import bridge, samplers

AT_RANDOM = 10  # complete trials before which all choices are drawn at random
GOOD = 0.1  # of the complete trials of one objective, from which a parent is taken
STEP = 0.15  # of the range of a continuous number: the standard deviation of a change


class LocalSampler(BaseSampler):
    """Draws one trial next to a good one.

    How many choices change is one plus a Poisson variable of mean one; which of them is uniform. A
    choice that the parent did not make is drawn at random.

    Args:
        seed: Of this draw.
    """

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._uniform = RandomSampler(seed=seed)
        self._parent: FrozenTrial | None = None
        self._changed: Collection[str] = ()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Chooses the parent and what changes."""
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < AT_RANDOM:
            return
        ranked = sorted(complete, key=lambda trial: trial.values[0])
        good = ranked[: math.ceil(GOOD * len(ranked))]
        self._parent = good[self._random.integers(len(good))]
        names = sorted(self._parent.params)
        count = min(1 + self._random.poisson(1.0), len(names))
        self._changed = set(self._random.choice(names, count, replace=False))

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """None: which choices there are may depend on one that changes."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing."""
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The parent's choice, one beside it, or one drawn at random."""
        own = self._parent.params.get(param_name) if self._parent else None
        if own is None or not param_distribution._contains(
            param_distribution.to_internal_repr(own)
        ):
            return self._uniform.sample_independent(study, trial, param_name, param_distribution)
        if param_name not in self._changed:
            return own
        return self._beside(own, param_distribution)

    def _beside(self, value: Any, distribution: Any) -> Any:
        if isinstance(distribution, CategoricalDistribution):
            others = [choice for choice in distribution.choices if choice != value]
            return others[self._random.integers(len(others))] if others else value
        low, high, step = distribution.low, distribution.high, distribution.step
        if low == high:
            return value
        if step is not None:
            near = [n for n in (value - step, value + step) if low <= n <= high]
            return near[self._random.integers(len(near))]
        scaled = math.log if distribution.log else float
        moved = scaled(value) + self._random.normal(0.0, STEP * (scaled(high) - scaled(low)))
        return min(max(math.exp(moved) if distribution.log else moved, low), high)


@contextmanager
def with_local_search() -> Iterator[None]:
    """A context in which `local` names a sampler that is shown what TPE is shown."""
    names, learning = (*samplers.SAMPLERS, "local"), (*samplers.LEARNING, "local")
    with (
        patch.dict(samplers._MAKERS, local=lambda draw: LocalSampler(seed=draw.state)),
        patch.object(plan, "SAMPLERS", names),
        patch.object(plan, "LEARNING", learning),
        patch.object(bridge, "LEARNING", learning),
    ):
        yield
