"""Workers of any sort: which thread takes which call, and what travels with it."""

import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from asymnas.core.config import DataSpec
from asymnas.core.errors import CheckpointError, StudyError, WorkerError
from asymnas.runs.executors.carried import pack, unpack
from asymnas.runs.executors.pool import WorkerPool
from asymnas.runs.executors.submitting import submitted_calls
from asymnas.runs.executors.worker import answer
from asymnas.training.rung import Job


class Here:
    """A worker in this process.

    Args:
        place: Set when there is a place for it.
        lost: Errors of the calls that it is to fail on, the last first.
    """

    queues = has_ended = False

    def __init__(self, place: threading.Event, lost: list[Exception]) -> None:
        self._place, self._lost = place, lost

    def wait_until_started(self) -> None:
        self._place.wait()
        if self._lost and isinstance(self._lost[-1], ImportError):
            raise self._lost[-1]

    def exchange(self, call: bytes) -> bytes:
        if self._lost:
            raise self._lost.pop()
        return answer(call)[1]

    def kill(self) -> None:
        self._place.set()

    def end(self) -> None:
        pass

    def reason(self, error: Exception) -> str:
        return f"lost: {error}"


def place(*, is_free: bool = True) -> threading.Event:
    event = threading.Event()
    if is_free:
        event.set()
    return event


def test_a_worker_that_waits_for_a_place_keeps_no_call_from_the_others() -> None:
    free, full = place(), place(is_free=False)
    with WorkerPool([lambda: Here(full, []), lambda: Here(free, [])], name="worker") as pool:
        calls = [pool.submit(abs, -number) for number in range(5)]
        assert [call.result(timeout=60) for call in calls] == list(range(5))
    assert full.is_set()  # it was not waited for at the end


def test_a_call_that_a_worker_is_lost_on_goes_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[Exception] = [OSError("the node is gone")]
    starts = [lambda: Here(place(), lost), lambda: Here(place(), [])]
    with WorkerPool(starts, name="worker") as pool:
        assert pool.submit(abs, -1).result(timeout=60) == 1
        assert pool.submit(abs, -2).result(timeout=60) == 2


def test_a_call_that_two_workers_are_lost_on_fails_with_both() -> None:
    def start() -> Here:
        return Here(place(), [OSError("the node is gone")])

    with WorkerPool([start, start, start], name="worker") as pool:
        call = pool.submit(abs, -1)
        with pytest.raises(WorkerError, match=r"^lost: the node is gone$") as caught:
            call.result(timeout=60)
    assert len(set(caught.value.workers)) == 2


def test_what_is_submitted_anywhere_comes_back_or_is_a_failure_of_the_machine() -> None:
    """With a future of another kind, whose error says nothing about the candidate."""

    def submit(function: Any, call: bytes) -> Any:
        future: Future[Any] = Future()
        if b"lose" in call:
            future.set_exception(ValueError("the job\nwas preempted"))
        else:
            future.set_result(function(call))
        return future

    with submitted_calls(submit, 1) as pool:
        assert pool.submit(abs, -1).result(timeout=60) == 1
        with pytest.raises(ValueError, match="invalid literal"):
            pool.submit(int, "x").result(timeout=60)
        with pytest.raises(WorkerError, match=r"^ValueError: the job was preempted$"):
            pool.submit(str, "lose").result(timeout=60)
        assert not pool.replace_worker(Future(), "it hung")


def copy(job: Job) -> Path | None:
    """In place of training: what is read is written, elsewhere than where the job says."""
    if job.checkpoint is None or job.save is None or job.losses is None:
        return job.save
    if not job.checkpoint.is_file():
        raise CheckpointError(f"the checkpoint {job.checkpoint} is missing")
    job.save.write_bytes(job.checkpoint.read_bytes() * 2)
    job.losses.write_bytes(b"losses")
    return job.save


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "c.pt").write_bytes(b"weights")
    return Job(
        architecture=cast(Any, None),  # which is not looked at
        data=DataSpec(name="digits"),
        learning_rate=1e-3,
        batch_size=64,
        seed=0,
        until=1,
        total=1,
        checkpoint=tmp_path / "c.pt",
        save=tmp_path / "made" / "s.pt",
        losses=tmp_path / "l.npz",
    )


def test_files_travel_with_a_rung_both_ways(job: Job, tmp_path: Path) -> None:
    function, args, kwargs = pack(copy, [job], {})
    (tmp_path / "c.pt").unlink()  # a disk that the worker does not see
    value = function(*args, **kwargs)
    assert [path.name for path in tmp_path.iterdir()] == []
    elsewhere = unpack(value)
    assert elsewhere != job.save
    assert not elsewhere.exists()
    assert job.save is not None
    assert job.save.read_bytes() == b"weightsweights"
    assert (tmp_path / "l.npz").read_bytes() == b"losses"


def test_a_rung_without_files_travels_alone(job: Job) -> None:
    function, args, kwargs = pack(copy, [replace(job, checkpoint=None, save=None, losses=None)], {})
    assert unpack(function(*args, **kwargs)) is None
    assert pack(abs, [-1], {}) == (abs, [-1], {})


def test_a_checkpoint_that_is_missing_is_missing_there_too(job: Job, tmp_path: Path) -> None:
    (tmp_path / "c.pt").unlink()
    function, args, kwargs = pack(copy, [job], {})
    with pytest.raises(CheckpointError, match=rf"^the checkpoint {job.checkpoint} is missing$"):
        function(*args, **kwargs)


def test_files_that_cannot_be_written_end_the_run_or_are_tried_again(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, args, kwargs = pack(copy, [job], {})
    value = function(*args, **kwargs)
    for number, error in ((28, StudyError), (5, WorkerError)):

        def fail(path: Path, content: bytes, number: int = number) -> None:
            raise OSError(number, "it cannot be written")

        monkeypatch.setattr("asymnas.runs.executors.carried.write_whole", fail)
        with pytest.raises(error, match="it cannot be written"):
            unpack(value)
