"""A storage on a server that may go away for a while: calls wait until it is back.

A server is restarted or replaced, or the network to it is lost, while candidates train for hours.
What the run has written is safe, and what it is about to write can wait. After the wait the lease
is renewed before anything is written, since another process may have taken the study over.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from asymnas.core.errors import StudyError
from asymnas.core.terminal import Terminal
from asymnas.core.text import duration
from asymnas.runs.study.lease import DatabaseLease
from asymnas.runs.study.storage import quiet

FIRST_S, MOST_S = 0.5, 10.0  # between attempts to reach the server
ATTEMPTS = 5  # of a call that is cut off each time, though the server answers in between
LOOK_EVERY = 0.1  # seconds, for a run that is to stop

SAME_TIME = timedelta(seconds=1)  # MySQL stores times to the second


class Waiting:
    """Makes the calls of a storage, each again once a server that went away is back.

    Args:
        backend: The storage.
        lease: The lease of the study that is written; without it, nothing waits.

    Attributes:
        stopping: Whether the run is to end, asked while it waits.
    """

    def __init__(self, backend: BaseStorage, lease: DatabaseLease) -> None:
        self._backend, self._lease = backend, lease
        self.stopping: Callable[[], bool] = lambda: False

    def _call(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if not self._lease.held:
            return getattr(self._backend, name)(*arguments, **named)
        if self._lease.may_be_stale:
            self._wait()
        operation = getattr(self._backend, name)
        for attempt in range(ATTEMPTS):
            try:
                with quiet(optuna.logging.ERROR):  # of a query that failed Optuna warns at length
                    return operation(*arguments, **named)
            except (SQLAlchemyError, StorageInternalError) as error:
                cause = error if isinstance(error, SQLAlchemyError) else error.__cause__
                if attempt + 1 == ATTEMPTS or not (is_lost(cause) or self._is_away(cause)):
                    raise
            self._wait()
            # What was cut off may have been done, for all that is known here.
            operation = getattr(self, f"_{name}_again", operation)

    def _is_away(self, error: BaseException | None) -> bool:
        """Whether an error may be of the connection, and there is none to be had."""
        if not isinstance(error, OperationalError | InterfaceError):
            return False
        try:
            self._lease.renew()
        except (OperationalError, InterfaceError):
            return True
        return False

    def _wait(self) -> None:
        """Waits until the server answers and the lease is renewed, with growing pauses.

        Raises:
            StudyError: The lease is lost or was not renewed for too long, or the run is to stop.
        """
        began, pause, said = time.monotonic(), FIRST_S, False
        while True:
            try:
                self._lease.renew()
                break
            except (OperationalError, InterfaceError) as error:
                reason = self._lease.reason_of(error)
            self._lease.check()
            if not said:
                longest = f"{self._lease.longest_s / 60:.0f} min"
                _say(f"{self._lease.shown} does not answer; waiting for up to {longest}: {reason}")
                said = True
            self._sleep(pause, reason)
            pause = min(2 * pause, MOST_S)
        if said:
            _say(f"{self._lease.shown} answers again, after {duration(time.monotonic() - began)}")

    def _sleep(self, seconds: float, reason: str) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stopping():
                raise StudyError(
                    f"{self._lease.shown} does not answer, and the run was stopped: {reason}. What "
                    "had finished is saved; run the command again when it answers"
                )
            time.sleep(min(left, LOOK_EVERY))

    def _create_new_trial_again(
        self, study_id: int, template_trial: FrozenTrial | None = None
    ) -> int:
        """The trial if it is there already: the only process that adds running ones is this."""
        if template_trial is not None and (begun := template_trial.datetime_start) is not None:
            states = (template_trial.state,)
            for trial in self._backend.get_all_trials(study_id, deepcopy=False, states=states):
                same_time = trial.datetime_start and abs(trial.datetime_start - begun) <= SAME_TIME
                if same_time and trial.params == template_trial.params:
                    return self._backend.get_trial_id_from_study_id_trial_number(
                        study_id, trial.number
                    )
        return self._backend.create_new_trial(study_id, template_trial)

    def _set_trial_state_values_again(
        self, trial_id: int, state: TrialState, values: Any = None
    ) -> bool:
        """Finishes a trial, unless it has been finished in this way."""
        try:
            return self._backend.set_trial_state_values(trial_id, state, values)
        except UpdateFinishedTrialError:
            if self._backend.get_trial(trial_id).state != state:
                raise
            return True


def is_lost(error: BaseException | None) -> bool:
    """Whether an error says that a connection to a database was cut off."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _say(text: str) -> None:
    Terminal(stderr=True).print(f"note: {text}")


def _forwarded(name: str) -> Callable[..., Any]:
    def call(self: Waiting, *arguments: Any, **named: Any) -> Any:
        return self._call(name, arguments, named)

    return call


_METHODS = {name: _forwarded(name) for name in vars(BaseStorage) if not name.startswith("_")}
_WaitingStorage = type("_WaitingStorage", (Waiting, BaseStorage), _METHODS)


def waiting(backend: BaseStorage, lease: DatabaseLease) -> BaseStorage:
    """A storage whose calls wait while its server is away.

    For connections alone: whatever else goes wrong is raised at once.

    Args:
        backend: The storage.
        lease: The lease of the study that is written. The wait ends, at the latest, when the lease
            is given up.
    """
    storage: BaseStorage = _WaitingStorage(backend, lease)
    return storage
