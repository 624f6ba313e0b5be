"""Asynchronous successive halving for several objectives, fair to candidates of any size."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial

_REPORT = "size_aware_rank:{}"


def report(trial: Trial, values: Sequence[float], step: int) -> None:
    """Reports all objectives of a trial at a step, as ``trial.report`` does with one objective.

    Args:
        trial: A running trial of a study with any number of objectives.
        values: One value per objective, in the order of the study's directions. What is known
            before training, such as a number of parameters, is the same at each step.
        step: Of the training, such as the epoch; the same steps in all trials.

    Raises:
        ValueError: If there are not as many values as objectives.
    """
    directions = trial.study.directions
    if len(values) != len(directions):
        raise ValueError(f"{len(values)} values reported for {len(directions)} objectives")
    reported = [None if math.isnan(value) else float(value) for value in values]
    trial.set_user_attr(_REPORT.format(int(step)), json.dumps(reported))


def should_prune(trial: Trial) -> bool:
    """Whether the study's pruner stops a trial, as ``trial.should_prune`` with one objective.

    Raises:
        TypeError: If the study's pruner is not a ``SizeAwareRankPruner``.
    """
    pruner = trial.study.pruner
    if not isinstance(pruner, SizeAwareRankPruner):
        raise TypeError("create the study with pruner=SizeAwareRankPruner(...)")
    return pruner.prune(trial.study, trial.study.get_trials(deepcopy=False)[trial.number])


class SizeAwareRankPruner(BasePruner):
    """Stops a trial that others of about its size outrank at the same step.

    At each step a trial that nothing dominates goes on. Any other is compared with the trials
    nearest to it in size, by the rank of non-dominated sorting over the remaining objectives; it
    goes on if it is among the best ``1 / reduction_factor`` of them. Ranks over all objectives at
    once would stop large candidates, which at first have not outrun those of half their size, and
    spare small ones, which nothing can dominate.

    Use :func:`report` and :func:`should_prune` in place of the methods of ``Trial``, which raise
    in a study of several objectives.

    Args:
        size: Index of the objective that is known before training, such as the number of
            parameters; ``None`` if there is none, and then all trials are compared.
        reduction_factor: One in so many goes on.
        min_trials: Trials that must have reached a step before any is stopped there.
        near: Trials of about its size that one is compared with, itself included, at least; a
            third of those at the step if that is more.
    """

    def __init__(
        self,
        size: int | None = 1,
        reduction_factor: float = 3,
        min_trials: int = 3,
        near: int = 8,
    ) -> None:
        if reduction_factor <= 1:
            raise ValueError(f"reduction_factor is {reduction_factor}; it must be above 1")
        if min_trials < 1 or near < 1:
            raise ValueError("min_trials and near must be at least 1")
        self._size = size
        self._reduction_factor = reduction_factor
        self._min_trials = min_trials
        self._near = near

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether a trial stops at the last step that it has reported."""
        steps = _reports(trial)
        if not steps:
            return False
        last = max(steps)
        own = steps[last]
        if own is None:
            return False
        points = [own]
        for other in study.get_trials(deepcopy=False):
            point = None if other.number == trial.number else _reports(other).get(last)
            if point is not None:
                points.append(point)
        if len(points) < self._min_trials:
            return False
        maximised = np.array([d == StudyDirection.MAXIMIZE for d in study.directions])
        return self._outranked(np.where(maximised, -1, 1) * np.array(points))

    def _outranked(self, values: np.ndarray) -> bool:
        """Whether the first of some points, all to be minimised, is stopped."""
        if not _dominating(values, values[0]).any():
            return False
        if self._size is not None:
            logs = np.log(np.maximum(np.abs(values[:, self._size]), 1.0))
            near = max(self._near, round(len(values) / 3))
            away = np.abs(logs - logs[0])
            within = away <= np.sort(away)[min(near, len(away)) - 1]
            values = np.delete(values[within], self._size, axis=1)
        ranks = _ranks(values)
        above = int(np.sum(ranks < ranks[0]))
        return above >= len(values) / self._reduction_factor


def _reports(trial: FrozenTrial) -> dict[int, list[float] | None]:
    """Values by step; ``None`` where one of them was not measured."""
    reported: dict[int, list[float] | None] = {}
    prefix = _REPORT.format("")
    for key, text in trial.user_attrs.items():
        if key.startswith(prefix):
            values: list[Any] = json.loads(text)
            reported[int(key[len(prefix) :])] = None if None in values else values
    return reported


def _dominating(values: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Which points are nowhere worse than another and somewhere better."""
    return (values <= point).all(axis=1) & (values < point).any(axis=1)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Front by front: 0 for points that nothing dominates, 1 for those that only they do, …"""
    ranks = np.full(len(values), -1)
    left = np.arange(len(values))
    for rank in range(len(values)):
        free = [i for i in left if not _dominating(values[left], values[i]).any()]
        ranks[free] = rank
        left = np.setdiff1d(left, free)
        if not len(left):
            break
    return ranks
