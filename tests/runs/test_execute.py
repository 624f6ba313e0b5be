"""Executing a plan: the run is held until its results are published, then free again."""

import os
import signal
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asymnas import StudyConfig
from asymnas.core.errors import StudyError
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search

from .made_results import Made


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

    def local(workers: int, log: Path, devices: tuple[str, ...] = ()) -> Made:
        assert log.parent == Path(small.run_dir)
        started.append((workers, devices))
        return Made()

    monkeypatch.setattr("asymnas.runs.execute.LocalProcesses", local)
    monkeypatch.setattr("asymnas.runs.execute.visible_devices", lambda device: ("0", "GPU-7f"))
    with execute(plan_search(replace(small, trials=1, workers=4))) as (_, ending):
        assert ending == "finished"
    assert started == [(4, ("0", "GPU-7f"))]


class Terminating(Executor):
    """Asks this process to terminate, as a scheduler does, in place of the first call."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        os.kill(os.getpid(), signal.SIGTERM)
        return Future()


def test_a_request_to_terminate_interrupts_and_the_run_goes_on(small: StudyConfig) -> None:
    plan = plan_search(replace(small, trials=2))
    before = signal.getsignal(signal.SIGTERM)
    with execute(plan, executor=Terminating()) as (_, ending):
        assert ending == "interrupted"
    assert signal.getsignal(signal.SIGTERM) is before
    with execute(plan, executor=Made()) as (run, ending):
        assert ending == "finished"
        assert len(run.own) == 2
