"""A run from its plan to its end: open the study, train phase after phase, hold the lease."""

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import FrameType

from asymnas.core.config import StudyConfig
from asymnas.core.errors import StudyError
from asymnas.core.files import write_whole
from asymnas.core.provenance import setup
from asymnas.runs.coordinator import Coordinator, Ending, Snapshot
from asymnas.runs.directory import DATABASE, DERIVED, OWNED, STORAGE
from asymnas.runs.executors.local import LocalProcesses
from asymnas.runs.plan import Plan
from asymnas.runs.run import Run
from asymnas.runs.study import SearchStudy, open_study, resolve_objectives


@contextmanager
def execute(
    plan: Plan,
    *,
    fresh: bool = False,
    executor: Executor | None = None,
    observe: Callable[[Snapshot], None] = lambda snapshot: None,
) -> Iterator[tuple[Run, Ending]]:
    """Runs a plan; within the block the run is held, so that its results can be published.

    Args:
        plan: What to run.
        fresh: Start over; otherwise an existing run is continued.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on.

    Yields:
        The run, and how it ended. No other process can continue it before the block ends.

    Raises:
        AsymnasError: A run directory of another study, or one that is in use; data or a device
            that is gone.
    """
    study = _open(plan, fresh)
    began = time.monotonic()
    try:
        _prepare(plan, fresh)
        with _interruptible(), _workers(plan.config, executor) as workers:
            ending = _coordinate(plan, study, workers, observe)
        study.add_seconds(time.monotonic() - began)
        yield Run(study, Path(plan.config.run_dir)), ending
    finally:
        study.lease.release()


def _coordinate(
    plan: Plan, study: SearchStudy, workers: Executor, observe: Callable[[Snapshot], None]
) -> Ending:
    """Runs one phase after another, as long as each is finished and there is time."""
    began, timeout = time.monotonic(), plan.config.timeout
    ending: Ending = "finished"
    for phase in plan.phases(study):
        if timeout is not None:
            left = max(1e-3, timeout - (time.monotonic() - began))
            phase = replace(phase, config=replace(phase.config, timeout=left))
        ending = Coordinator(phase, study, workers, observe).run()
        if ending != "finished":
            break
    return ending


def _open(plan: Plan, fresh: bool) -> SearchStudy:
    config = plan.config
    directory = Path(config.run_dir)
    storage = config.storage or f"sqlite:///{directory / DATABASE}"
    if directory.exists() and not directory.is_dir():
        raise StudyError(f"the run directory {directory} is a file: name another --run-dir")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"cannot make the run directory {directory}: {error.strerror}") from error
    if not fresh:
        _check_home(directory, config)
    return open_study(
        config,
        resolve_objectives(config.objectives),
        setup={**setup(), "data": "; ".join(plan.notes) or "as it is"},
        choices=plan.space.choices(),
        purpose=plan.purpose,
        design=plan.design,
        remarks=plan.remarks,
        storage=storage,
        fresh=fresh,
    )


def _check_home(directory: Path, config: StudyConfig) -> None:
    """Raises for a run directory whose study lies in another storage."""
    recorded = directory / STORAGE
    home = json.loads(recorded.read_text())["storage"] if recorded.is_file() else ""
    if not home and config.storage and (directory / DATABASE).is_file():
        home = str(directory / DATABASE)
    if home and home != config.storage:
        raise StudyError(
            f"{directory} holds a run whose study is in {home}: name another run directory, or "
            "start over with --fresh"
        )


def _prepare(plan: Plan, fresh: bool) -> None:
    """Clears what an earlier run left, if starting over, and notes where the study is."""
    config = plan.config
    directory = Path(config.run_dir)
    if fresh:
        for name in (*OWNED, *(DERIVED if plan.purpose == "search" else ())):
            path = directory / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if config.storage:
        home = {"storage": config.storage, "study": config.name}
        write_whole(directory / STORAGE, json.dumps(home))


@contextmanager
def _workers(config: StudyConfig, executor: Executor | None) -> Iterator[Executor]:
    """The executor; one of our own is ended, at once, when the loop is done."""
    if executor is not None:
        with nullcontext(executor):
            yield executor
        return
    own = LocalProcesses(config.workers or 1, Path(config.run_dir) / "workers.log")
    try:
        yield own
    finally:
        own.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets a polite request to terminate end a run as Ctrl-C does, in the main thread."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
