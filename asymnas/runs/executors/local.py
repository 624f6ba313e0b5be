"""Local worker processes: started by command, so that scripts need no main guard.

Each worker is a thread that feeds one process. A process that dies, or that fails on a call by the
machine's fault (`asymnas.core.errors.WorkerError`), is replaced by a new one, and the call goes to
another worker; the others do not notice.
"""

import os
import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from ctypes.util import find_library
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from asymnas.core.errors import WorkerError, WorkerStartError
from asymnas.runs.executors.process import WorkerProcess
from asymnas.runs.executors.tasks import Task, TaskQueue
from asymnas.runs.executors.worker import BROKEN, RESULT

P = ParamSpec("P")
T = TypeVar("T")

STARTS = 3  # processes in a row that end before they are ready, until a worker is given up

#: Limits of the libraries that would each use all cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


#: Allocators that are faster than the system's where networks are trained, the best first.
ALLOCATORS = ("tcmalloc_minimal", "tcmalloc")


class LocalProcesses(Executor):
    """Runs picklable calls in local processes of one thread each.

    A future fails with what its call raised; with `WorkerError` when two workers have failed on it,
    or one if there is no other; with `WorkerStartError` when no process can be started.

    Args:
        workers: Processes, started at once.
        log: File that their output is appended to; `None` to inherit standard error.
        devices: Values of `CUDA_VISIBLE_DEVICES` to hand out to the workers in turn; by default
            each sees what this process sees.
        ahead: Module that each process imports while it waits for its first call.

    Raises:
        WorkerStartError: A process cannot be started; none is left running.
    """

    def __init__(
        self,
        workers: int,
        log: Path | None = None,
        devices: Sequence[str] = (),
        ahead: str = "",
    ) -> None:
        self._tasks = TaskQueue(workers)
        self._workers: list[_Worker] = []
        try:
            for number in range(workers):
                device = devices[number % len(devices)] if devices else None
                start = partial(WorkerProcess, _environment(device), log, ahead)
                self._workers.append(_Worker(number, self._tasks, start, log, start()))
        except OSError as error:
            self.shutdown(cancel_futures=True)
            number = len(self._workers) + 1
            raise WorkerStartError(
                f"worker {number} of {workers} cannot be started: {error}{_see(log)}"
            ) from error

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queues a call for the next free worker."""
        if self._tasks.closed:
            raise RuntimeError("cannot submit after shutdown")
        future: Future[T] = Future()
        self._tasks.put(Task(future, pickle.dumps((fn, args, kwargs))))
        return future

    def replace_worker(self, future: Future[Any], reason: str) -> None:
        """Ends the worker that is on a call, and starts another in its place.

        The call goes to another worker; its future fails if there is none, or if two have failed
        on it. Nothing happens if no worker is on it.

        Args:
            future: The call's.
            reason: What the worker did, for the message of the failure.
        """
        for number, worker in enumerate(self._workers):
            if (task := worker.leave(future)) is not None:
                self._workers[number] = worker.successor()
                worker.fail(task, WorkerError(reason))
                return

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the workers: after the queued calls, or with `cancel_futures` at once."""
        self._tasks.close(cancel=cancel_futures)
        if cancel_futures:
            for worker in self._workers:
                worker.kill()
        if wait:
            for worker in self._workers:
                worker.join()


class _Worker(threading.Thread):
    """The thread that feeds a process, and replaces it."""

    def __init__(
        self,
        number: int,
        tasks: TaskQueue,
        start: Callable[[], WorkerProcess],
        log: Path | None,
        process: WorkerProcess | None = None,
    ) -> None:
        super().__init__(daemon=True, name=f"asymnas worker {number}")
        self._number, self._tasks = number, tasks
        self._start_process, self._log = start, log
        self._lock, self._stopping = threading.Lock(), False
        self._failed_starts = 0
        self._process = process
        self._task: Task | None = None  # the call it is on
        self.start()

    def successor(self) -> "_Worker":
        """One that takes its place, with a process of its own as soon as there is a call."""
        return _Worker(self._number, self._tasks, self._start_process, self._log)

    def run(self) -> None:
        while (task := self._tasks.take(self._number)) is not None:
            if task.start():
                self._serve(task)
            if self._stopping or self._failed_starts >= STARTS:
                break
        self._end()

    def kill(self) -> None:
        """Ends the process at once and for good; the call it is on fails."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.kill()

    def leave(self, future: Future[Any]) -> Task | None:
        """Ends the worker if it is on a call, which is the caller's then.

        The process may stay where it is, as one does that waits for a file server: so does this
        thread, and nothing waits for either.
        """
        with self._lock:
            if self._task is None or self._task.future is not future:
                return None
            task, self._task, self._stopping = self._task, None, True
            if self._process is not None:
                self._process.kill()
            return task

    def fail(self, task: Task, failure: WorkerError) -> None:
        """Takes in that it has failed on a call."""
        failure.workers = (f"local worker {self._number}",)
        self._tasks.failed(self._number, task, failure)

    def _has_left(self) -> bool:
        """Whether its call was taken from it; otherwise the call is over."""
        with self._lock:
            task, self._task = self._task, None
            return task is None

    def _serve(self, task: Task) -> None:
        """Makes one call. Whatever happens to it, its future is set or another worker has it."""
        with self._lock:
            self._task = task
        try:
            process = self._ready_process()
        except Exception as error:  # any: what a process that fails leaves in its pipe is unknown
            if not self._has_left():
                self._fail_to_start(task, error)
            return
        try:
            answer = process.exchange(task.call)
        except Exception:  # any: a future that is never set would hang the run
            if self._has_left():
                return
            code = self._end()
            said = f" ({line})" if (line := process.last_line()) else ""
            ended = f"a worker process ended with code {code}{said}{_see(self._log)}"
            self.fail(task, WorkerError(ended))
            return
        if self._has_left():
            return
        try:
            status, value = pickle.loads(answer)
        except Exception as error:  # whatever unpacking a value can raise
            status, value = None, error
        if status == BROKEN:
            self._end()
            self.fail(task, _as_worker_error(value, self._log))
            return
        self._tasks.succeeded(self._number)
        if status == RESULT:
            task.future.set_result(value)
        else:
            task.future.set_exception(value)

    def _ready_process(self) -> WorkerProcess:
        """A process that is ready for calls, a new one if the last has ended."""
        with self._lock:
            if self._stopping:
                raise EOFError("the worker is being ended")
            if self._process is not None and self._process.has_ended:
                self._process.end()
                self._process = None
            if self._process is None:
                self._process = self._start_process()
            process = self._process
        process.wait_until_started()
        self._failed_starts = 0
        return process

    def _fail_to_start(self, task: Task, error: Exception) -> None:
        """Leaves the call to the next process or worker; gives up after too many failed starts."""
        process = self._process
        code = self._end()
        if self._stopping:
            self.fail(task, WorkerError("the worker is being ended"))
            return
        self._failed_starts += 1
        self._tasks.put_back(task)
        if self._failed_starts < STARTS:
            return
        reason = str(error) if process is None else process.last_line() or f"exit code {code}"
        message = f"worker processes end before they are ready: {reason}{_see(self._log)}"
        self._tasks.retire(self._number, WorkerStartError(message))

    def _end(self) -> int | None:
        """Ends the process, if there is one, and returns its exit code."""
        with self._lock:
            process, self._process = self._process, None
        return None if process is None else process.end()


def _environment(device: str | None) -> dict[str, str]:
    visible = {} if device is None else {"CUDA_VISIBLE_DEVICES": device}
    allocator = faster_allocator()
    preload = {"LD_PRELOAD": allocator} if allocator and "LD_PRELOAD" not in os.environ else {}
    return {**os.environ, **ONE_THREAD, **preload, **visible}


@lru_cache
def faster_allocator() -> str | None:
    """A shared library to preload into workers, if one is installed; on Linux only."""
    if sys.platform != "linux":
        return None
    return next(filter(None, map(find_library, ALLOCATORS)), None)


def _as_worker_error(error: Exception, log: Path | None) -> WorkerError:
    if isinstance(error, WorkerError):
        return error
    message = f"{type(error).__name__}: {error}".partition("\n")[0]
    if not isinstance(error, MemoryError | OSError):  # a module: the log has where it was imported
        message += _see(log)
    return WorkerError(message, out_of_memory=isinstance(error, MemoryError))


def _see(log: Path | None) -> str:
    return f"; the output of the workers is in {log}" if log else ""
