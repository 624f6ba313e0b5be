"""Samplers by name, made anew for every draw.

A draw's randomness follows from the study's seed and the trial's number alone, so a continued run
draws what an uninterrupted one would have drawn.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import (
    BaseSampler,
    GPSampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.study import Study
from optuna.trial import FrozenTrial

from asymnas.core.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What a sampler is made for.

    Args:
        seed: The study's.
        number: How many trials were drawn before.
        completed: Trials that have values.
        parallel: Whether other trials are running.
        paused: How many of those wait for others to begin.
    """

    seed: int
    number: int
    completed: int
    parallel: bool
    paused: int = 0

    @property
    def state(self) -> int:
        """A seed of this draw alone."""
        return int(np.random.SeedSequence((self.seed, self.number)).generate_state(1)[0])


def _tpe(draw: Draw) -> BaseSampler:
    """Its good group is at most the completed trials: pruned ones have no values to rank.

    It is a tenth of those that have finished or wait: both have been judged.

    Choices that only some trials made, of a family that was drawn, are modelled on those alone.
    """

    def gamma(finished: int) -> int:
        return min(math.ceil(0.1 * (finished + draw.paused)), draw.completed)

    return TPESampler(
        seed=draw.state,
        multivariate=True,
        group=True,
        constant_liar=draw.parallel,
        gamma=gamma,
    )


class OneThreadGP(GPSampler):
    """Optuna's Gaussian process on one thread.

    More wait for each other beside workers that are busy, and what sums come to depends on how many
    share them.
    """

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Fits the model and takes its best point."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return super().sample_relative(study, trial, search_space)


_MAKERS: dict[str, Callable[[Draw], BaseSampler]] = {
    "tpe": _tpe,
    "nsgaii": lambda draw: NSGAIISampler(seed=draw.state),
    "gp": lambda draw: OneThreadGP(seed=draw.state),
    "random": lambda draw: RandomSampler(seed=draw.state),
    "qmc": lambda draw: QMCSampler(seed=draw.seed, warn_independent_sampling=False),
}

SAMPLERS = tuple(_MAKERS)

#: Those that learn from differences of values, and so are shown values that can be compared.
LEARNING = ("tpe", "gp")

#: Those of them that model complete trials alone, and so are shown all that have finished as such.
OF_COMPLETE = ("gp",)

#: The sampler of a sweep and of a confirmation, whose candidates are decided beforehand.
FIXED = "fixed"


def make_sampler(name: str, draw: Draw) -> BaseSampler:
    """Makes the sampler called `name` for one draw.

    Raises:
        UnknownNameError: No sampler has that name.
    """
    if name == FIXED:
        return RandomSampler(seed=draw.state)  # there is nothing left to draw
    if name not in _MAKERS:
        known = ", ".join(SAMPLERS)
        raise UnknownNameError(f"no sampler is called {name!r}; there are: {known}", name=name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optuna marks gamma deprecated and QMC experimental
        return _MAKERS[name](draw)
