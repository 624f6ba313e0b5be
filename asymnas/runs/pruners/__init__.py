"""Pruners: one file each; pure functions of what trials have reached at their rungs.

A pruner that is no more than a function stops a trial for good. One that pauses says of all that
wait which is to go on, before the next candidate is drawn or when all have been.

Optuna's `report` and `should_prune` raise in a multi-objective study, so pruning is decided here.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from asymnas.core.registry import Registry


@dataclass(frozen=True)
class Progress:
    """What a pruner may know of a trial.

    Args:
        curve: `(examples seen, validation loss)` of each rung, in order.
        costs: Objectives known exactly before training, the same at each rung, to be minimised.
        others: All other objectives by rung; what is maximised has its sign changed, and what was
            not measured is NaN.
        complete: Whether the trial has been trained to the end.
    """

    curve: tuple[tuple[int, float], ...]
    costs: tuple[float, ...] = ()
    others: tuple[tuple[float, ...], ...] = ()
    complete: bool = False

    def loss_at(self, examples: int) -> float | None:
        """The validation loss after that many examples, if the trial got that far."""
        point = self._points.get(examples)
        return None if point is None else point[0]

    def point_at(self, examples: int) -> tuple[float, ...] | None:
        """All objectives after that many examples, each to be minimised: loss, costs, others.

        `None` if the trial did not get that far, or if one of them was not measured there.
        """
        point = self._points.get(examples)
        return None if point is None or any(map(math.isnan, point[1:])) else point

    @cached_property
    def _points(self) -> dict[int, tuple[float, ...]]:
        others = self.others or ((),) * len(self.curve)
        return {
            examples: (loss, *self.costs, *values)
            for (examples, loss), values in zip(self.curve, others, strict=True)
        }


Pruner = Callable[[Progress, Sequence[Progress]], bool]
"""`(trial, peers) -> prune?`; peers are the other trials that have reached its rung, or all."""


class PausingPruner(ABC):
    """A pruner whose trials wait, and may go on later."""

    @abstractmethod
    def worth(self, waiting: Sequence[Progress], peers: Sequence[Progress]) -> Sequence[float]:
        """How much each trial is worth going on with, against a new candidate.

        Args:
            waiting: Trials that have reached a rung but not the last.
            peers: The others of their budget, in the order in which they were drawn.

        Returns:
            At least 1 for a trial that is to go on before a new candidate begins; less for one
            that is to go on when all candidates have begun, the highest first; 0 for one that is
            to end where it stands.
        """

    def __call__(self, trial: Progress, peers: Sequence[Progress]) -> bool:
        """Whether a trial is not to go on for the moment."""
        return self.worth([trial], peers)[0] < 1


PRUNERS: Registry[Pruner] = Registry("pruner", __name__, "asymnas.pruners")
