"""Workers that are fed with calls and replaced when they fail: processes, actors, jobs of a queue.

Each worker has a thread that starts it, sends it one call after another and waits for the answers.
A worker that ends, or that fails on a call by the machine's fault
(`asymnas.core.errors.WorkerError`), is replaced by a new one, and the call goes to another worker;
the others do not notice. A thread takes a call only when its worker is ready: a worker that waits
for a place on a cluster keeps no call from the others.
"""

import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, Protocol, TypeVar

from asymnas.core.errors import WorkerError, WorkerStartError
from asymnas.runs.executors.carried import pack, unpack
from asymnas.runs.executors.tasks import Task, TaskQueue
from asymnas.runs.executors.worker import BROKEN, RESULT

P = ParamSpec("P")
T = TypeVar("T")

STARTS = 3  # workers in a row that end before they are ready, until their thread gives up
LOOK_EVERY = 0.1  # seconds, at the end


class Worker(Protocol):
    """What answers calls, one at a time, until it ends; it is used from one thread, but for `kill`.

    Attributes:
        queues: Whether a call may wait before it is made, so that a long time says nothing.
    """

    queues: bool

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended since it was ready."""

    def wait_until_started(self) -> None:
        """Returns when it is ready for calls.

        Raises:
            Exception: It has ended instead.
        """

    def exchange(self, call: bytes, /) -> bytes:
        """Has a call answered by `asymnas.runs.executors.worker.answer`.

        Raises:
            Exception: It has ended.
        """

    def kill(self) -> None:
        """Ends it at once, from any thread; what waits for it then raises."""

    def end(self) -> None:
        """Ends it, and waits until it has."""

    def reason(self, error: Exception, /) -> str:
        """Why it failed to start or to answer, in one line, once it has ended.

        Args:
            error: What it raised.
        """


class WorkerPool(Executor):
    """Runs picklable calls on workers.

    A future fails with what its call raised; with `WorkerError` when two workers have failed on it,
    or one if there is no other; with `WorkerStartError` when no worker can be started.

    Args:
        starts: Starts each worker and, later, those that replace it.
        name: What the workers are called in messages: `local worker`.
        carries: Whether the files of a rung travel with it, because workers may not see the disk.
        see: Where else to look after a failure, as the end of a message.

    Raises:
        WorkerStartError: A worker cannot be started; none is left running.
    """

    def __init__(
        self,
        starts: Sequence[Callable[[], Worker]],
        *,
        name: str,
        carries: bool = False,
        see: str = "",
    ) -> None:
        self._tasks = TaskQueue(len(starts))
        self._threads: list[_Feeder] = []
        self._carries = carries
        try:
            for number, start in enumerate(starts):
                feeder = _Feeder(number, self._tasks, start, name, carries, see, start())
                self._threads.append(feeder)
        except OSError as error:
            self.shutdown(cancel_futures=True)
            number = len(self._threads) + 1
            raise WorkerStartError(
                f"worker {number} of {len(starts)} cannot be started: {error}{see}"
            ) from error

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queues a call for the next free worker."""
        if self._tasks.closed:
            raise RuntimeError("cannot submit after shutdown")
        future: Future[T] = Future()
        call = pack(fn, args, kwargs) if self._carries else (fn, args, kwargs)
        self._tasks.put(Task(future, pickle.dumps(call)))
        return future

    def replace_worker(self, future: Future[Any], reason: str) -> bool:
        """Ends the worker that is on a call, and starts another in its place.

        The call goes to another worker; its future fails if there is none, or if two have failed
        on it. Nothing happens if no worker is on it, or one that is a queue.

        Args:
            future: The call's.
            reason: What the worker did, for the message of the failure.

        Returns:
            Whether a worker was replaced.
        """
        for number, feeder in enumerate(self._threads):
            if (task := feeder.leave(future)) is not None:
                self._threads[number] = feeder.successor()
                feeder.fail(task, WorkerError(reason))
                return True
        return False

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the workers: after the queued calls, or with `cancel_futures` at once."""
        self._tasks.close(cancel=cancel_futures)
        if cancel_futures:
            for feeder in self._threads:
                feeder.kill()
        if wait:
            for feeder in self._threads:
                feeder.finish()


class _Feeder(threading.Thread):
    """The thread that feeds a worker, and replaces it."""

    def __init__(
        self,
        number: int,
        tasks: TaskQueue,
        start: Callable[[], Worker],
        name: str,
        carries: bool,
        see: str,
        worker: Worker | None = None,
    ) -> None:
        super().__init__(daemon=True, name=f"{name} {number}")
        self._number, self._tasks, self._start_worker = number, tasks, start
        self._kind, self._carries, self._see = name, carries, see
        self._lock, self._stopping, self._starting = threading.Lock(), False, False
        self._worker = worker
        self._task: Task | None = None  # the call it is on
        self.start()

    def successor(self) -> "_Feeder":
        """One that takes its place, with a worker of its own."""
        return _Feeder(
            self._number, self._tasks, self._start_worker, self._kind, self._carries, self._see
        )

    def run(self) -> None:
        while (worker := self._ready_worker()) is not None:
            task = self._tasks.take(self._number)
            if task is None:
                break
            if worker.has_ended:  # while it had nothing to do
                self._tasks.put_back(task)
                self._end()
            elif task.start():
                self._serve(worker, task)
        self._end()

    def kill(self) -> None:
        """Ends the worker at once and for good; the call it is on fails."""
        with self._lock:
            self._stopping = True
            if self._worker is not None:
                self._worker.kill()

    def finish(self) -> None:
        """Waits for the end of the thread, but not for a worker to start that nothing needs."""
        while self.is_alive():
            if self._starting and self._tasks.over:
                self.kill()
            self.join(LOOK_EVERY)

    def leave(self, future: Future[Any]) -> Task | None:
        """Ends the worker if it is on a call, which is the caller's then.

        The worker may stay where it is, as a process does that waits for a file server: so does
        this thread, and nothing waits for either.
        """
        with self._lock:
            if self._task is None or self._task.future is not future or self._worker is None:
                return None
            if self._worker.queues:
                return None
            task, self._task, self._stopping = self._task, None, True
            self._worker.kill()
            return task

    def fail(self, task: Task, failure: WorkerError) -> None:
        """Takes in that it has failed on a call."""
        failure.workers = (f"{self._kind} {self._number}",)
        self._tasks.failed(self._number, task, failure)

    def _has_left(self) -> bool:
        """Whether its call was taken from it; otherwise the call is over."""
        with self._lock:
            task, self._task = self._task, None
            return task is None

    def _ready_worker(self) -> Worker | None:
        """A worker that is ready for calls, a new one if there is none.

        `None` if it is to stop, or gave up after too many failed starts.
        """
        for _ in range(STARTS):
            worker = None
            try:
                with self._lock:
                    if self._stopping:
                        return None
                    if self._worker is None:
                        self._worker = self._start_worker()
                    worker, self._starting = self._worker, True
                worker.wait_until_started()
                return worker
            except Exception as error:  # any: what a worker that fails leaves behind is unknown
                self._end()
                reason = f"{error}{self._see}" if worker is None else worker.reason(error)
            finally:
                self._starting = False
        if not self._stopping:
            message = f"workers end before they are ready: {reason}"
            self._tasks.retire(self._number, WorkerStartError(message))
        return None

    def _serve(self, worker: Worker, task: Task) -> None:
        """Makes one call. Whatever happens to it, its future is set or another worker has it."""
        with self._lock:
            self._task = task
        try:
            answer = worker.exchange(task.call)
        except Exception as error:  # any: a future that is never set would hang the run
            if self._has_left():
                return
            self._end()
            self.fail(task, WorkerError(worker.reason(error)))
            return
        if self._has_left():
            return
        try:
            status, value = pickle.loads(answer)
            if status == RESULT and self._carries:
                value = unpack(value)
        except Exception as error:  # whatever unpacking a value, or writing its files, can raise
            status, value = None, error
        if status == BROKEN:
            self._end()
            self.fail(task, self._as_worker_error(value))
            return
        self._tasks.succeeded(self._number)
        if status == RESULT:
            task.future.set_result(value)
        else:
            task.future.set_exception(value)

    def _end(self) -> None:
        """Ends the worker, if there is one."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()

    def _as_worker_error(self, error: Exception) -> WorkerError:
        if isinstance(error, WorkerError):
            return error
        message = f"{type(error).__name__}: {error}".partition("\n")[0]
        if not isinstance(error, MemoryError | OSError):  # a module: output says where it was
            message += self._see
        return WorkerError(message, out_of_memory=isinstance(error, MemoryError))
