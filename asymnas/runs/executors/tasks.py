"""Calls that wait for a worker, and which of several workers may take which."""

import threading
import time
from collections import deque
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from asymnas.core.errors import AsymnasError, WorkerError

MOST_WORKERS = 2  # that a call may fail on before its future does
FIRST_PAUSE = 0.5  # seconds that a worker pauses after a failure; doubled by each that follows
LONGEST_PAUSE = 60.0  # seconds


@dataclass(eq=False)
class Task:
    """One call.

    Args:
        future: Where its outcome goes.
        call: Function and arguments, pickled.
        failures: By worker, how it failed on the call.
    """

    future: Future[Any]
    call: bytes
    failures: dict[Hashable, WorkerError] = field(default_factory=dict)
    started: bool = False

    def start(self) -> bool:
        """Whether the call is to be made; not if it was cancelled while it waited."""
        self.started = self.started or self.future.set_running_or_notify_cancel()
        return self.started

    def fail(self) -> None:
        """Gives the future the last failure, with what is known of all of them."""
        *_, last = self.failures.values()
        self.future.set_exception(
            WorkerError(
                str(last),
                workers=tuple(name for f in self.failures.values() for name in f.workers),
                out_of_memory=all(f.out_of_memory for f in self.failures.values()),
            )
        )


class TaskQueue:
    """Hands calls to workers, first come, first served.

    A call that a worker failed on goes to another one, before all that have not failed; its future
    fails when `MOST_WORKERS` have failed on it or there is no other. The worker that failed pauses,
    longer each time in a row, so that one that fails at once does not take all work. A call wakes
    as few workers as it needs, so that it costs no more where thousands wait.

    Args:
        workers: All that will take calls.
    """

    def __init__(self, workers: int) -> None:
        lock = threading.RLock()
        self._changed, self._paused = threading.Condition(lock), threading.Condition(lock)
        self._waiting: deque[Task] = deque()
        self._workers = set[Hashable](range(workers))
        self._failures_in_a_row: dict[Hashable, int] = {}
        self._pauses: dict[Hashable, float] = {}
        self._closed = False
        self._retired_for: AsymnasError | None = None

    @property
    def closed(self) -> bool:
        """Whether it takes no more calls."""
        return self._closed

    @property
    def over(self) -> bool:
        """Whether there will be no more calls to take."""
        return self._closed and not self._waiting

    def put(self, task: Task) -> None:
        """Adds a call; its future fails at once where no worker is left."""
        with self._changed:
            self._waiting.append(task)
            self._offer(task)

    def take(self, worker: Hashable) -> Task | None:
        """Waits for a call that the worker may take; `None` when there will be none."""
        with self._changed:
            while True:
                pause = self._pauses.get(worker, 0.0) - time.monotonic()
                mine = (task for task in self._waiting if worker not in task.failures)
                if (task := next(mine, None)) is None and self._closed:
                    return None
                if pause > 0:  # apart from the others, of whom a new call wakes one
                    self._paused.wait(pause)
                elif task is None:
                    self._changed.wait()
                else:
                    self._waiting.remove(task)
                    return task

    def put_back(self, task: Task) -> None:
        """Returns a call that was taken and not made."""
        with self._changed:
            self._waiting.appendleft(task)
            self._offer(task)

    def succeeded(self, worker: Hashable) -> None:
        """Notes that a worker has answered: it is sound."""
        with self._changed:
            self._failures_in_a_row.pop(worker, None)

    def failed(self, worker: Hashable, task: Task, failure: WorkerError) -> None:
        """Takes back a call on which a worker has failed."""
        with self._changed:
            task.failures[worker] = failure
            row = self._failures_in_a_row[worker] = self._failures_in_a_row.get(worker, 0) + 1
            if len(self._workers) > 1:  # a lone worker has nobody to leave the work to
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (row - 1))
                self._pauses[worker] = time.monotonic() + pause
            if self._closed or len(task.failures) >= MOST_WORKERS:
                task.fail()
            else:
                behind = sum(bool(other.failures) for other in self._waiting)
                self._waiting.insert(behind, task)  # or one that failed before would wait for good
                self._offer(task)
            self._changed.notify_all()  # it may wait again, in another thread: it is to pause

    def retire(self, worker: Hashable, reason: AsymnasError) -> None:
        """Takes a worker out for good."""
        with self._changed:
            self._workers.discard(worker)
            self._retired_for = reason
            for task in list(self._waiting):
                self._offer(task)

    def close(self, *, cancel: bool) -> None:
        """Takes no more calls, and with `cancel` drops those that wait."""
        with self._changed:
            self._closed = True
            if cancel:
                for task in self._waiting:
                    if not task.future.cancel() and not task.future.done():
                        task.fail()  # one that has failed once and waits for another worker
                self._waiting.clear()
                self._pauses.clear()
            self._changed.notify_all()
            self._paused.notify_all()

    def _offer(self, task: Task) -> None:
        """Wakes who may take a call that waits; fails it if there is nobody."""
        if any(worker not in task.failures for worker in self._workers):
            self._changed.notify(len(task.failures) + 1)
            return
        self._waiting.remove(task)
        if task.failures:
            task.fail()
        elif task.start():
            task.future.set_exception(self._retired_for or RuntimeError("no worker is left"))
