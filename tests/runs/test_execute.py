"""Executing a plan: the run is held until its results are published, then free again."""

import os
import signal
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from asymnas import StudyConfig, run_search
from asymnas.core.errors import DataError, StudyError
from asymnas.data.prepared import PreparedData
from asymnas.runs.execute import execute, started_ahead
from asymnas.runs.executors.process import WorkerProcess
from asymnas.runs.plan import SearchPlan, plan_search
from asymnas.training.rung import Job, RungResult

from .made_results import Made, made_result


def test_the_run_is_held_within_the_block_and_free_after_it(small: StudyConfig) -> None:
    plan = plan_search(replace(small, trials=2))
    with execute(plan, executor=Made()) as (run, ending):
        assert ending == "finished"
        assert len(run.table) >= 2
        with pytest.raises(StudyError), execute(plan, executor=Made()):
            pass
    with execute(plan, executor=Made()) as (again, ending):
        assert ending == "finished"
        assert len(again.table) == len(run.table)


def test_an_error_while_publishing_frees_the_run(small: StudyConfig) -> None:
    plan = plan_search(replace(small, trials=1))
    with pytest.raises(OSError, match="disk"), execute(plan, executor=Made()):
        raise OSError("no space left on the disk")
    with execute(plan, executor=Made()) as (_, ending):
        assert ending == "finished"


def test_a_fresh_start_clears_what_a_run_owns_and_nothing_else(small: StudyConfig) -> None:
    plan = plan_search(replace(small, trials=1))
    directory = Path(small.run_dir)
    with execute(plan, executor=Made()):
        (directory / "summary.json").write_text("{}")
        (directory / "best" / "weights.safetensors").touch()
        (directory / "notes.txt").write_text("mine")
    with execute(plan, executor=Made(), fresh=True) as (run, _):
        assert not (directory / "summary.json").exists()
        assert [path.name for path in (directory / "best").iterdir()] == ["preprocessing.json"]
        assert (directory / "notes.txt").read_text() == "mine"
        assert len(run.own) == 1


def test_a_file_in_place_of_the_directory_is_named(small: StudyConfig) -> None:
    Path(small.run_dir).write_text("a file")
    with pytest.raises(StudyError, match="is a file"), execute(plan_search(small), executor=Made()):
        pass


def test_local_workers_have_the_devices_in_turn(
    small: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[int, tuple[str, ...]]] = []

    def local(workers: int, log: Path, devices: tuple[str, ...], *_: Any) -> Made:
        assert log.parent == Path(small.run_dir)
        started.append((workers, devices))
        return Made()

    monkeypatch.setattr("asymnas.runs.execute.local_processes", local)
    monkeypatch.setattr("asymnas.runs.execute.visible_devices", lambda device: ("0", "GPU-7f"))
    with execute(plan_search(replace(small, trials=1, workers=4))) as (_, ending):
        assert ending == "finished"
    assert started == [(4, ("0", "GPU-7f"))]


class Signalling(Executor):
    """Sends this process a signal in place of the first call.

    It comes while an object is being freed, where an exception that a handler raises is dropped.
    """

    def __init__(self, number: signal.Signals) -> None:
        self._number = number

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        reference = weakref.ref(Freed(), lambda _: self._signal())
        assert reference() is None
        return future

    def _signal(self) -> None:
        os.kill(os.getpid(), self._number)


class Freed:
    """Something that a weak reference can hold."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_and_the_run_goes_on(
    small: StudyConfig, number: signal.Signals
) -> None:
    plan = plan_search(replace(small, trials=2))
    with handled(signal.SIGINT, signal.default_int_handler):
        before = signal.getsignal(number)
        with execute(plan, executor=Signalling(number)) as (_, ending):
            assert ending == "interrupted"
        assert signal.getsignal(number) is before
    with execute(plan, executor=Made()) as (run, ending):
        assert ending == "finished"
        assert len(run.own) == 2


def own_table(config: StudyConfig, path: Path) -> StudyConfig:
    np.savetxt(path, np.random.default_rng(0).normal(size=(60, 5)), delimiter=",")
    return replace(config, dataset=f"csv:{path}", trials=3, metrics=())


def test_data_of_ones_own_lie_prepared_while_the_run_goes_on(
    small: StudyConfig, tmp_path: Path
) -> None:
    plan = plan_search(own_table(small, tmp_path / "t.csv"))
    (tmp_path / "t.csv").unlink()
    seen = []

    def answer(job: Job) -> RungResult:
        assert isinstance(job.data, PreparedData)
        assert job.data.spec == plan.config.data()
        seen.append(job.data.path)
        assert torch.equal(job.data.load().train, plan.data.train)
        return made_result(job)

    left = Path(plan.config.run_dir) / "artifacts" / "prepared" / ".data.pt.0f"  # by a kill
    left.parent.mkdir(parents=True)
    left.touch()
    with execute(plan, executor=Made(answer)) as (_, ending):
        assert ending == "finished"
        assert not left.exists()
    assert len(set(seen)) == 1
    assert not left.parent.exists()


def test_named_data_are_compared_and_not_written(small: StudyConfig) -> None:
    executor = Made()
    with execute(plan_search(replace(small, trials=1)), executor=executor) as (run, _):
        data = executor.jobs[0].data
        assert isinstance(data, PreparedData)
        assert (data.path, data.fingerprint) == (None, run.study.data)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("file write failed")]
)
def test_workers_prepare_data_that_cannot_be_written(
    error: Exception,
    small: StudyConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(path: Path, data: object) -> None:
        raise error

    monkeypatch.setattr("asymnas.runs.execute.write_prepared", full)
    executor = Made()
    plan = plan_search(own_table(small, tmp_path / "t.csv"))
    with execute(plan, executor=executor) as (_, ending):
        assert ending == "finished"
    assert isinstance(executor.jobs[0].data, PreparedData)
    assert executor.jobs[0].data.path is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("note: the prepared data cannot be written to ")
    assert line.endswith(": each worker prepares them itself")


def test_data_that_change_meanwhile_end_the_run_and_lose_nothing(
    small: StudyConfig, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    plan = plan_search(own_table(small, path))
    content = path.read_bytes()

    def by_another_worker(job: Job) -> RungResult:
        """As one does that is started later, where the prepared data cannot be read."""
        assert isinstance(job.data, PreparedData)
        if len(executor.jobs) > 5:
            path.write_bytes(content.replace(b"0", b"1"))
            replace(job.data, path=None).load()
        return made_result(job)

    executor = Made(by_another_worker)
    with (
        pytest.raises(DataError, match="changed while the run goes on"),
        execute(plan, executor=executor),
    ):
        pass
    path.write_bytes(content)
    again = Made()
    with execute(plan, executor=again) as (run, ending):
        assert ending == "finished"
    assert len(run.own) == 3
    assert set(run.own["state"]) == {"complete"}
    assert len(executor.jobs) - 1 + len(again.jobs) == 12  # four rungs of each, none twice


def test_the_second_signal_interrupts_at_once(small: StudyConfig) -> None:
    class Hanging(Signalling):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            for _ in range(2):
                self._signal()
            raise AssertionError("the second is not heeded")

    with (
        handled(signal.SIGINT, signal.default_int_handler),
        execute(plan_search(small), executor=Hanging(signal.SIGINT)) as (_, ending),
    ):
        assert ending == "interrupted"


def test_a_signal_that_is_ignored_stays_so(small: StudyConfig) -> None:
    """As of a command that a shell runs in the background."""

    class Ignored(Signalling):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            self._signal()
            return Made().submit(fn, *args, **kwargs)

    plan = plan_search(replace(small, trials=2))
    with (
        handled(signal.SIGINT, signal.SIG_IGN),
        execute(plan, executor=Ignored(signal.SIGINT)) as (_, ending),
    ):
        assert ending == "finished"


@contextmanager
def handled(number: signal.Signals, handler: Any) -> Iterator[None]:
    """Within the context, a signal has that handler."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_processes_start_ahead_as_many_as_will_train_and_end_where_no_run_takes_them(
    small: StudyConfig,
) -> None:
    with started_ahead(replace(small, workers=2)) as started:
        assert len(started) == 2
        for process in started:
            process.wait_until_started()
        assert not any(process.has_ended for process in started)
    assert all(process.has_ended for process in started)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[WorkerProcess]:
    """All worker processes that are started."""
    processes: list[WorkerProcess] = []

    class Noted(WorkerProcess):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            processes.append(self)

    monkeypatch.setattr("asymnas.runs.executors.local.WorkerProcess", Noted)
    return processes


def test_a_search_trains_by_the_processes_that_have_started(
    small: StudyConfig, launched: list[WorkerProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    def planned(config: StudyConfig) -> SearchPlan:
        assert len(launched) == 2
        monkeypatch.setenv("SET_BY_A_LIBRARY", "meanwhile")
        return plan_search(config)

    monkeypatch.setattr("asymnas.runs.plan.plan_search", planned)
    run = run_search(replace(small, trials=2, examples=128, workers=2))
    assert len(run.own) == 2
    assert [process.has_ended for process in launched] == [True, True]


def test_a_search_that_cannot_be_planned_leaves_no_process(
    small: StudyConfig, launched: list[WorkerProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    def planned(config: StudyConfig) -> SearchPlan:
        for process in launched:
            process.wait_until_started()
        raise DataError("gone")

    monkeypatch.setattr("asymnas.runs.plan.plan_search", planned)
    with pytest.raises(DataError, match="gone"):
        run_search(replace(small, workers=2))
    assert [process.has_ended for process in launched] == [True, True]


@pytest.mark.parametrize("machine", [{"device": "cuda:9"}, {"executor": "ray"}])
def test_no_process_starts_ahead_that_will_not_train(
    small: StudyConfig, machine: dict[str, str]
) -> None:
    with started_ahead(replace(small, **machine)) as started:
        assert started == []


def test_an_executor_that_is_given_trains_alone(small: StudyConfig) -> None:
    with started_ahead(small, Made(made_result)) as started:
        assert started == []
