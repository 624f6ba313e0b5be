"""Which worker gets which call: a failed one pauses, and others have its call first."""

import time
from concurrent.futures import Future

import pytest

from asymnas.core.errors import WorkerError
from asymnas.runs.executors.tasks import Task, TaskQueue

PAUSE = 0.05


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
