"""Where a run stands, and how one start of it ends."""

from dataclasses import dataclass
from typing import Literal

Ending = Literal["finished", "timeout", "interrupted", "exhausted", "patience"]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Where a run stands.

    Args:
        phase: What is going on.
        wanted: Finished trials that the run holds when the phase ends, more than it asks for where
            an earlier start has made more.
        complete: Trials trained to the end.
        pruned: Trials stopped early.
        failed: Trials that diverged or broke.
        duplicate: Draws of an architecture already trained; they cost nothing.
        running: Trials in training.
        paused: Trials that wait until all have begun.
        best_loss: Lowest validation loss of a complete trial, if any.
        front: Size of the front.
        examples: Training examples seen by this start of the run.
        seconds: Time since this start.
        seconds_left: Estimated time to the end, if there is an estimate.
    """

    wanted: int
    phase: str = "trials"
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    duplicate: int = 0
    running: int = 0
    paused: int = 0
    best_loss: float | None = None
    front: int = 0
    examples: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None

    @property
    def finished(self) -> int:
        """Complete, pruned and failed."""
        return self.complete + self.pruned + self.failed
