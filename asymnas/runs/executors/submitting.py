"""Any function that submits calls as an executor: Dask's clients, submitit's jobs, and others.

What they lack is added here: rungs whose files travel with them, workers that fail without harm to
their candidates, and sums on one thread.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from asymnas.core.text import one_line
from asymnas.runs.executors.pool import WorkerPool
from asymnas.runs.executors.worker import answer


class Submitted(Protocol):
    """A call in flight, elsewhere."""

    def result(self) -> Any:
        """Waits for what the call returned; raises if there will be nothing."""

    def cancel(self) -> Any:
        """Drops the call if it can be dropped."""


Submit = Callable[[Callable[[bytes], tuple[str, bytes]], bytes], Submitted]


def submitted_calls(submit: Submit, workers: int) -> WorkerPool:
    """An executor over a function that submits one call and returns a future of its own kind.

    A call never raises where it is made, so whatever its future raises is a failure of the machine,
    and the call is submitted again. How long a call waits in a queue is not bounded.

    Args:
        submit: Called from several threads as `submit(function, argument)`.
        workers: Calls in flight at a time.
    """
    starts = [partial(_Caller, submit) for _ in range(workers)]
    return WorkerPool(starts, name="submitted call", carries=True)


class _Caller:
    """What stands for a worker: its calls, one after another, each made wherever there is place."""

    queues, has_ended = True, False

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._call: Submitted | None = None
        self._killed = False

    def wait_until_started(self) -> None:
        """It is ready at once."""

    def exchange(self, call: bytes) -> bytes:
        """Submits a call and waits for its answer."""
        self._call = self._submit(answer, call)
        if self._killed:  # meanwhile
            self._call.cancel()
        answered: bytes = self._call.result()[1]
        return answered

    def kill(self) -> None:
        """Drops the call in flight."""
        self._killed = True
        if self._call is not None:
            self._call.cancel()

    def end(self) -> None:
        """Nothing is left to end."""

    def reason(self, error: Exception) -> str:
        """What the future raised."""
        return f"{type(error).__name__}: {one_line(error)}"
