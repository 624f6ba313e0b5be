"""Rungs that failed: whose doing it was, and what is tried again.

A candidate may diverge, run out of memory or break its worker; so may the machine. What another
rung has done meanwhile decides. Nothing that is the machine's doing counts as a failed trial.

Decision: docs/decisions/0018-lists-are-stored-as-trials.md.
"""

import re
from collections import deque

from asymnas.core.errors import CheckpointError, StudyError
from asymnas.runs.trials import ActiveTrial

ATTEMPTS = 3  # at a rung whose worker broke, and starts of a trial whose checkpoints are lost
MOST_HANGS = 2  # workers that hang at a rung, until the candidate is taken for the cause
ALIKE = 5  # failures in a row, all the same, before the run stops; also broken workers in a row


class Failures:
    """What the loop knows of the rungs that failed.

    Args:
        ready: Where trials wait for a worker; what is to be tried again goes there.

    Attributes:
        held: Trials whose workers broke, and since then no rung has been trained.
        alike: Trials that failed alike in a row, with the failure: not recorded yet.
        control: The trial in flight that shows whether workers are sound.
    """

    def __init__(self, ready: deque[ActiveTrial]) -> None:
        self._ready = ready
        self.held: list[ActiveTrial] = []
        self.alike: list[tuple[ActiveTrial, str]] = []
        self.control: ActiveTrial | None = None
        self._trained = 0  # rungs
        self._broken_in_a_row = 0  # workers, with nothing else at work, since a rung was trained

    @property
    def open(self) -> list[ActiveTrial]:
        """Trials that are neither ready nor in flight, nor ended."""
        return [*self.held, *(active for active, _ in self.alike)]

    @property
    def need_control(self) -> bool:
        """Whether workers broke so often that a cheap candidate is to show whether they can work.

        For a time at which nothing is in flight.
        """
        return self._broken_in_a_row >= ATTEMPTS

    def trained(self, active: ActiveTrial) -> None:
        """Takes in a rung that was trained, whatever its result."""
        self._trained += 1
        active.attempts = active.hangs = self._broken_in_a_row = 0
        if active is self.control:
            self.control = None

    def broke(self, active: ActiveTrial, error: Exception, *, alone: bool) -> str | None:
        """Takes in a broken worker, which is the candidate's doing or the machine's.

        The rung is trained again, by another worker if there is one. After `ATTEMPTS` the other
        rungs decide: if one has been trained meanwhile, the candidate is the cause and fails. If
        none has, a control is trained: a cheap candidate, for one step. If that breaks its worker
        too, the machine is the cause: the run stops, and no trial counts as failed.

        Args:
            active: What the worker trained.
            error: How it broke.
            alone: Whether no other rung is in flight.

        Returns:
            The failure, if the candidate is the cause.

        Raises:
            StudyError: The machine is the cause.
        """
        if alone:
            self._broken_in_a_row += 1
        if self._broken_in_a_row >= ALIKE:
            raise StudyError(
                f"rung after rung broke its worker, the last with: {error}; no trial counts as "
                "failed for it: mend this and run the command again to go on from here"
            )
        if active is self.control:
            self.control = None
            return None
        active.attempts += 1
        if active.attempts == 1:
            active.broke_after = self._trained
        if active.attempts >= ATTEMPTS and self._trained > active.broke_after:
            return f"{error}, {active.attempts} times at this rung"
        if alone:
            self._ready.appendleft(active)
        else:
            self.held.append(active)
        return None

    def release(self) -> None:
        """Makes the first of the trials whose workers broke ready again.

        After those that are ready, so that where workers take calls in turn it is another's turn.
        """
        if self.held:
            self._ready.append(self.held.pop(0))

    def lost(self, active: ActiveTrial, error: CheckpointError) -> list[tuple[ActiveTrial, str]]:
        """Takes in a checkpoint that cannot be read: its trial starts from the beginning.

        Returns:
            As `failed`, if it was lost too often.
        """
        active.restarts += 1
        if active.restarts >= ATTEMPTS:
            return self.failed(active, f"{error}, {ATTEMPTS} times")
        active.forget()
        self._ready.appendleft(active)
        return []

    def failed(self, active: ActiveTrial, failure: str) -> list[tuple[ActiveTrial, str]]:
        """Takes in a failure that the machine may be the cause of.

        It is recorded when another trial has fared otherwise. A series of failures that are all the
        same stops the run instead, and leaves its trials open, to be tried again.

        Returns:
            Earlier trials whose failure was their own, with it: they are to be recorded now.

        Raises:
            StudyError: So many trials failed for one reason that it is not the candidates'.
        """
        other = bool(self.alike) and _pattern(failure) != _pattern(self.alike[-1][1])
        own = self.end_series() if other else []
        active.attempts = active.restarts = active.hangs = 0
        self.alike.append((active, failure))
        if len(self.alike) >= ALIKE:
            raise StudyError(
                f"{ALIKE} trials in a row failed for one reason: {failure}; they stay open: mend "
                "this and run the command again to try them anew"
            )
        return own

    def end_series(self) -> list[tuple[ActiveTrial, str]]:
        """Ends a series of failures and returns it: they were the candidates' own."""
        alike, self.alike = self.alike, []
        return alike


def _pattern(failure: str) -> str:
    """A failure without its numbers, which differ from trial to trial."""
    return re.sub(r"\d+", "#", failure)
