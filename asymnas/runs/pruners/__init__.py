"""Pruners: one file each; pure functions of curves and of what is known exactly beforehand.

Optuna refuses `report` and `should_prune` in a multi-objective study, so pruning is decided here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asymnas.core.registry import Registry


@dataclass(frozen=True)
class Progress:
    """What a pruner may know of a trial.

    Args:
        curve: `(examples seen, validation loss)` of each rung, in order.
        costs: The other objectives, known exactly before training, each to be minimised.
    """

    curve: tuple[tuple[int, float], ...]
    costs: tuple[float, ...] = ()

    def loss_at(self, examples: int) -> float | None:
        """The validation loss after that many examples, if the trial got that far."""
        return dict(self.curve).get(examples)


Pruner = Callable[[Progress, Sequence[Progress]], bool]
"""`(trial, peers) -> prune?`; peers are all other trials, whatever rung they reached."""

PRUNERS: Registry[Pruner] = Registry("pruner", __name__, "asymnas.pruners")
