"""Which worker gets which call: a failed one pauses, and others have its call first."""

import threading
import time
from concurrent.futures import Future

import pytest

from asymnas.core.errors import WorkerError
from asymnas.runs.executors.tasks import Task, TaskQueue

PAUSE = 0.05
ASLEEP_S = 0.1  # in which a thread comes to wait; one that does not makes a test easier to pass


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asymnas.runs.executors.tasks.FIRST_PAUSE", PAUSE)


def filled(workers: int, calls: int) -> tuple[TaskQueue, list[Task]]:
    queue = TaskQueue(workers)
    tasks = [Task(Future(), b"") for _ in range(calls)]
    for task in tasks:
        queue.put(task)
    return queue, tasks


def seconds_after_failing(queue: TaskQueue, worker: int) -> float:
    """How long a worker that fails on a call waits until it gets the next one, at least."""
    task = queue.take(worker)
    assert task is not None
    began = time.monotonic()
    queue.failed(worker, task, WorkerError("gone"))
    queue.put_back(queue.take(worker) or task)
    return time.monotonic() - began


def test_a_call_that_failed_goes_to_another_worker_before_all_that_wait() -> None:
    queue, (first, second) = filled(2, 2)
    assert queue.take(0) is first
    queue.failed(0, first, WorkerError("gone"))
    assert queue.take(1) is first
    assert not first.future.done()
    assert queue.take(1) is second


def test_calls_that_failed_keep_their_order() -> None:
    """One worker fails on whatever it gets while the other is at work."""
    queue, (first, second, third) = filled(2, 3)
    for task in (first, second):
        assert queue.take(0) is task
        queue.failed(0, task, WorkerError("gone"))
    assert [queue.take(1) for _ in range(3)] == [first, second, third]


def test_a_worker_pauses_twice_as_long_after_each_failure_in_a_row() -> None:
    """One that fails at once would take all calls while the others are at work."""
    queue, _ = filled(2, 9)
    assert seconds_after_failing(queue, 0) >= PAUSE
    assert seconds_after_failing(queue, 0) >= 2 * PAUSE
    assert seconds_after_failing(queue, 0) >= 4 * PAUSE


def test_a_lone_worker_does_not_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asymnas.runs.executors.tasks.FIRST_PAUSE", 3600.0)
    queue, (first, second) = filled(1, 2)
    assert queue.take(0) is first
    queue.failed(0, first, WorkerError("gone"))
    assert isinstance(first.future.exception(timeout=0), WorkerError)  # there is no other
    assert queue.take(0) is second


class Waiting(threading.Thread):
    """A worker that waits for one call.

    Attributes:
        task: What it got.
    """

    def __init__(self, queue: TaskQueue, worker: int) -> None:
        super().__init__(daemon=True)
        self._queue, self._worker = queue, worker
        self.task: Task | None = None
        self.start()
        time.sleep(ASLEEP_S)

    def run(self) -> None:
        self.task = self._queue.take(self._worker)


def test_a_call_goes_past_a_worker_that_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asymnas.runs.executors.tasks.FIRST_PAUSE", 3600.0)
    queue, (first, second) = filled(2, 2)
    assert queue.take(0) is first
    queue.failed(0, first, WorkerError("gone"))
    assert queue.take(1) is first
    assert queue.take(1) is second
    pausing, sound = Waiting(queue, 0), Waiting(queue, 1)
    task = Task(Future(), b"")
    queue.put(task)
    sound.join(60)
    assert (sound.task, pausing.task) == (task, None)


def test_a_call_goes_past_the_successor_of_a_worker_that_was_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The successor waits already when it becomes known that the worker has failed."""
    monkeypatch.setattr("asymnas.runs.executors.tasks.FIRST_PAUSE", 3600.0)
    queue, (lost,) = filled(3, 1)
    assert queue.take(0) is lost
    sound = [Waiting(queue, worker) for worker in (1, 2)]
    successor = Waiting(queue, 0)
    queue.failed(0, lost, WorkerError("hung"))
    time.sleep(ASLEEP_S)
    task = Task(Future(), b"")
    queue.put(task)
    for waiting in sound:
        waiting.join(60)
    assert {waiting.task for waiting in sound} == {lost, task}
    assert successor.task is None


def test_a_call_costs_no_more_where_a_thousand_workers_wait() -> None:
    workers, calls = 1_000, 200
    queue, ended = TaskQueue(workers), threading.Semaphore(0)

    def work(worker: int) -> None:
        while queue.take(worker) is not None:
            ended.release()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    time.sleep(ASLEEP_S)
    began = time.process_time()
    for _ in range(calls):
        queue.put(Task(Future(), b""))
        assert ended.acquire(timeout=60)
    seconds = time.process_time() - began
    queue.close(cancel=False)
    for thread in threads:
        thread.join(60)
    assert seconds < 1.0  # some 5 s where each call wakes them all


def test_calls_that_nobody_takes_cost_no_more_where_thousands_wait() -> None:
    began = time.process_time()
    queue, tasks = filled(3_000, 3_000)
    assert time.process_time() - began < 3.0
    assert queue.take(2_999) is tasks[0]
