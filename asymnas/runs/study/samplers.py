"""Samplers by name, made anew for every draw.

A draw's randomness follows from the study's seed and the trial's number alone, so a continued run
draws what an uninterrupted one would have drawn.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import (
    BaseSampler,
    GPSampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)

from asymnas.core.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What a sampler is made for.

    Args:
        seed: The study's.
        number: How many trials were drawn before.
        completed: Trials that have values.
        parallel: Whether other trials are running.
    """

    seed: int
    number: int
    completed: int
    parallel: bool

    @property
    def state(self) -> int:
        """A seed of this draw alone."""
        return int(np.random.SeedSequence((self.seed, self.number)).generate_state(1)[0])


class Listed(BaseSampler):
    """Answers from a list: trial n draws the n-th entry's values.

    Args:
        entries: Values by name, one mapping a trial.
    """

    def __init__(self, entries: Sequence[Mapping[str, Any]] = ()) -> None:
        self._entries = entries

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Nothing is drawn together."""
        return {}

    def sample_relative(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Nothing is drawn together."""
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The entry's value of that name."""
        return self._entries[trial.number][param_name]


def _tpe(draw: Draw) -> BaseSampler:
    """Its good group is at most the completed trials: pruned ones have no values to rank."""

    def gamma(finished: int) -> int:
        return min(math.ceil(0.1 * finished), draw.completed)

    return TPESampler(seed=draw.state, multivariate=True, constant_liar=draw.parallel, gamma=gamma)


_MAKERS: dict[str, Callable[[Draw], BaseSampler]] = {
    "tpe": _tpe,
    "nsgaii": lambda draw: NSGAIISampler(seed=draw.state),
    "gp": lambda draw: GPSampler(seed=draw.state),
    "random": lambda draw: RandomSampler(seed=draw.state),
    "qmc": lambda draw: QMCSampler(seed=draw.seed, warn_independent_sampling=False),
}

SAMPLERS = tuple(_MAKERS)


def make_sampler(name: str, draw: Draw) -> BaseSampler:
    """Makes the sampler called `name` for one draw.

    Raises:
        UnknownNameError: No sampler has that name.
    """
    if name not in _MAKERS:
        known = ", ".join(SAMPLERS)
        raise UnknownNameError(f"no sampler is called {name!r}; there are: {known}", name=name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optuna marks gamma deprecated and QMC experimental
        return _MAKERS[name](draw)
