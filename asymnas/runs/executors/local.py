"""Local worker processes: started by command, so that scripts need no main guard.

Each worker is one process and one thread that feeds it. A worker that dies fails the task it was on
with `BrokenExecutor` and is started anew for the next; the others do not notice.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Task = tuple[Future[Any], bytes]


class LocalProcesses(Executor):
    """Runs picklable calls in local processes of one thread each.

    Args:
        workers: Processes, started at once.
        log: File that their standard error is appended to; `None` to inherit it.
    """

    def __init__(self, workers: int, log: Path | None = None) -> None:
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._closed = False
        self._workers = [_Worker(self._tasks, log) for _ in range(workers)]

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queues a call for the next free worker."""
        if self._closed:
            raise RuntimeError("cannot submit after shutdown")
        future: Future[T] = Future()
        self._tasks.put((future, pickle.dumps((fn, args, kwargs))))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the workers: after the queued calls, or with `cancel_futures` at once."""
        self._closed = True
        if cancel_futures:
            with suppress(queue.Empty):
                while True:
                    task = self._tasks.get_nowait()
                    if task is not None:
                        task[0].cancel()
        for _ in self._workers:
            self._tasks.put(None)
        for worker in self._workers:
            if cancel_futures:
                worker.kill()
            if wait:
                worker.join()


class _Worker(threading.Thread):
    def __init__(self, tasks: "queue.SimpleQueue[Task | None]", log: Path | None) -> None:
        super().__init__(daemon=True, name="asymnas worker")
        self._tasks, self._log = tasks, log
        self._process = self._launch()
        self._lock, self._stopping = threading.Lock(), False
        self.start()

    def run(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._serve(*task)
        self._close()

    def kill(self) -> None:
        """Ends the process at once and for good; the task it is on fails."""
        with self._lock:
            self._stopping = True
            self._process.kill()

    def _serve(self, future: Future[Any], call: bytes) -> None:
        """Settles the future of one call, whatever happens to it."""
        if not future.set_running_or_notify_cancel():
            return
        try:
            answer = self._exchange(call)
        except (OSError, EOFError, pickle.UnpicklingError):
            self._close()
            code = self._process.returncode
            future.set_exception(BrokenExecutor(f"a worker process ended with code {code}"))
            return
        try:
            done, value = pickle.loads(answer)
        except Exception as error:  # whatever reading a value can raise
            done, value = False, error
        if done:
            future.set_result(value)
        else:
            future.set_exception(value)

    def _exchange(self, call: bytes) -> bytes:
        """Sends a call and receives its answer, both as bytes that only their reader unpacks."""
        with self._lock:
            if self._stopping:
                raise EOFError("the worker is being ended")
            if self._process.poll() is not None:
                self._close()
                self._process = self._launch()
        stdin, stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        pickle.dump(call, stdin)
        stdin.flush()
        answer: bytes = pickle.load(stdout)
        return answer

    def _launch(self) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        command = [sys.executable, "-m", "asymnas.runs.executors.worker"]
        log = self._log.open("ab") if self._log else None
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        finally:
            if log:
                log.close()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                _pipe(pipe).close()
        self._process.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise EOFError("the worker has no pipe")
    return pipe
