"""The table as a problem of OptunaHub's form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection

import optunahub

from ._table import COUNTS, LOSSES, Distribution, Table

_MAXIMISED = ("psnr",)
_OBJECTIVES = (*LOSSES, *COUNTS, "cpu_seconds")


class Problem(optunahub.benchmarks.BaseProblem):
    """Which asymmetric autoencoder of a fixed number of parameters reconstructs best?

    A point of the search space has the values of the nearest candidate of the table (see
    ``Table.nearest``). With ``PoolSampler`` every point *is* a candidate.

    Called with a trial of one objective, a loss, the problem reports it at each rung and lets the
    study's pruner stop the trial. A candidate that failed has NaN, so its trial fails.

    Args:
        dataset: Which table.
        objectives: ``val_loss`` (mean squared error), ``mae`` or ``psnr`` (dB, maximised) on the
            validation split; ``total_params``, ``encoder_params``, ``decoder_params``,
            ``total_macs``, ``encoder_macs``, ``decoder_macs``; ``cpu_seconds`` of training.
        table: The table, where it is loaded already.

    Raises:
        ValueError: An unknown objective, or none.
        FileNotFoundError: There is no such table.
    """

    def __init__(
        self,
        dataset: str = "digits",
        objectives: Sequence[str] = ("val_loss",),
        *,
        table: Table | None = None,
    ) -> None:
        unknown = [name for name in objectives if name not in _OBJECTIVES]
        if unknown or not objectives:
            raise ValueError(f"objectives are {list(objectives)}; choose of {list(_OBJECTIVES)}")
        self.table = Table(dataset) if table is None else table
        self.objectives = tuple(objectives)

    @property
    def search_space(self) -> dict[str, BaseDistribution]:
        """The choices of each side, the ratio of their sizes, and the learning rates."""
        return dict(self.table.search_space)

    @property
    def directions(self) -> list[StudyDirection]:
        """Of each objective."""
        return [
            StudyDirection.MAXIMIZE if name in _MAXIMISED else StudyDirection.MINIMIZE
            for name in self.objectives
        ]

    @property
    def has_curve(self) -> bool:
        """Whether the one objective is a loss, which is known at each rung."""
        return len(self.objectives) == 1 and self.objectives[0] in LOSSES

    def evaluate(self, params: dict[str, Any]) -> float | tuple[float, ...]:
        """The objectives of the nearest candidate, trained to the end; NaN if it failed."""
        candidate, _ = self.table.nearest(params)
        values = self.values(candidate, len(self.table.rungs) - 1)
        return values[0] if len(values) == 1 else values

    def values(self, candidate: int, rung: int) -> tuple[float, ...]:
        """The objectives of a candidate at a rung.

        Args:
            candidate: Its number.
            rung: 0 for the first; losses are NaN where it had failed by then.
        """
        run = self.table.run(candidate).iloc[: rung + 1]  # the rung at which it failed is the last
        return tuple(
            float(run[name].sum() if name == "cpu_seconds" else run[name].iloc[-1])
            for name in self.objectives
        )

    def take_up(self, trial: optuna.Trial) -> int:
        """Draws a trial's parameters; the candidate that it stands for, noted with its distance."""
        params = {}
        for name, distribution in self.table.search_space.items():
            params[name] = _suggest(trial, name, distribution)
        candidate, distance = self.table.nearest(params)
        trial.set_user_attr("candidate", candidate)
        trial.set_user_attr("distance", distance)
        return candidate

    def __call__(self, trial: optuna.Trial) -> float | tuple[float, ...]:
        """The objective function, rung by rung where there is a curve.

        Raises:
            optuna.TrialPruned: The study's pruner stopped the trial.
        """
        candidate = self.take_up(trial)
        last = len(self.table.rungs) - 1
        if self.has_curve:
            for rung, examples in enumerate(self.table.rungs[:-1]):
                (value,) = self.values(candidate, rung)
                if math.isnan(value):
                    return value
                trial.report(value, examples)
                if trial.should_prune():
                    raise optuna.TrialPruned
        values = self.values(candidate, last)
        return values[0] if len(values) == 1 else values


def _suggest(trial: optuna.Trial, name: str, distribution: Distribution) -> Any:
    if isinstance(distribution, IntDistribution):
        low, high = distribution.low, distribution.high
        return trial.suggest_int(name, low, high, step=distribution.step, log=distribution.log)
    if isinstance(distribution, FloatDistribution):
        least, most = distribution.low, distribution.high
        return trial.suggest_float(name, least, most, step=distribution.step, log=distribution.log)
    return trial.suggest_categorical(name, distribution.choices)
