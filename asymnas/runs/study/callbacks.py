"""Optuna's callbacks in a loop that is not Optuna's."""

from collections.abc import Callable, Iterable, Sequence

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from asymnas.core.errors import ConfigError

#: What `optuna.Study.optimize` takes as a callback too.
Callback = Callable[[optuna.Study, FrozenTrial], None]


def checked_callbacks(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """The callbacks.

    Raises:
        ConfigError: They are not a list of functions.
    """
    listed = tuple(callbacks) if isinstance(callbacks, Iterable) else (None,)
    if not all(map(callable, listed)):
        raise ConfigError(
            f"callbacks must be a list of functions of (study, trial) but is {callbacks!r}: "
            "give callbacks=[function]"
        )
    return listed


class _Stoppable(optuna.Study):
    """A study whose `stop` ends a run; Optuna's works within its own loop alone."""

    def __init__(self, name: str, storage: BaseStorage, stop: Callable[[], None]) -> None:
        super().__init__(name, storage)
        self._stop_run = stop

    def stop(self) -> None:
        """Ends the run as Ctrl-C does."""
        self._stop_run()


class Callbacks:
    """What is called with each finished trial, and whether it has ended the run.

    Args:
        callbacks: In the order they are called.
        name: The study's.
        storage: Where it is stored.

    Attributes:
        stopping: Whether the run is to end.
        error: What a callback raised; none is called any more.
    """

    def __init__(self, callbacks: Sequence[Callback], name: str, storage: BaseStorage) -> None:
        self.stopping = False
        self.error: Exception | None = None
        self._callbacks = callbacks
        self._study = _Stoppable(name, storage, self._stop)

    def __call__(self, trial: FrozenTrial) -> None:
        """Calls each with the study and the trial.

        An error is kept until what has finished meanwhile is stored too.
        """
        try:
            for callback in self._callbacks if self.error is None else ():
                callback(self._study, trial)
        except Exception as error:  # whatever a callback raises: `execute` raises it
            self.error = error
            self._stop()

    def _stop(self) -> None:
        self.stopping = True
