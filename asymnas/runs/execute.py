"""A run from its plan to its end: open the study, train phase after phase, hold the lease."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from asymnas.core.config import StudyConfig
from asymnas.core.errors import AsymnasError
from asymnas.core.terminal import Terminal
from asymnas.core.text import one_line
from asymnas.data.base import preprocessing_of
from asymnas.data.fingerprint import fingerprint
from asymnas.data.prepared import PreparedData, write_prepared
from asymnas.runs.coordinator import Coordinator
from asymnas.runs.directory import DERIVED, OWNED, PREPARED, write_preprocessing
from asymnas.runs.executors.local import local_processes, start_processes
from asymnas.runs.executors.on_ray import on_ray, ray_workers
from asymnas.runs.executors.process import WorkerProcess
from asymnas.runs.plan import Plan, on_this_machine
from asymnas.runs.run import Run
from asymnas.runs.snapshot import Ending, Snapshot
from asymnas.runs.study import Callback, SearchStudy, checked_callbacks, open_study, writable
from asymnas.training.devices import visible_devices
from asymnas.training.rung import train_rung

TRAINING = train_rung.__module__  # what workers import ahead of their first call


@contextmanager
def execute(
    plan: Plan,
    *,
    fresh: bool = False,
    executor: Executor | None = None,
    observe: Callable[[Snapshot], None] = lambda snapshot: None,
    callbacks: Sequence[Callback] = (),
    started: list[WorkerProcess] | None = None,
) -> Iterator[tuple[Run, Ending]]:
    """Runs a plan; within the block the run is held, so that its results can be published.

    Args:
        plan: What to run.
        fresh: Start over; otherwise an existing run is continued.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on.
        callbacks: Called with the Optuna study and each trial that finishes. One that raises
            interrupts the run, and then its error is raised.
        started: Of `started_ahead`.

    Yields:
        The run, and how it ended. No other process can continue it before the block ends.

    Raises:
        ConfigError: The callbacks are not a list of functions.
        AsymnasError: A run directory of another study, or one that is in use; data or a device
            that is gone; a study that cannot be written.
    """
    callbacks = checked_callbacks(callbacks)
    study = open_study(plan, fresh=fresh)
    began = time.monotonic()
    try:
        if fresh:
            _clear(plan)
        write_preprocessing(Path(plan.config.run_dir), preprocessing_of(plan.data))
        called = study.call_back(callbacks)
        with writable(plan.config.storage), _prepared(plan, study, executor) as prepared:
            with (
                _interruptible() as asked,
                _workers(plan.config, executor, prepared, started) as workers,
            ):
                study.stop_waiting(asked)
                ending = _coordinate(
                    plan, study, workers, observe, prepared, lambda: called.stopping or asked()
                )
            study.add_seconds(time.monotonic() - began)
            if called.error is None:
                yield Run(study, Path(plan.config.run_dir)), ending
        if called.error is not None:  # one of a database would pass for the study's above
            raise called.error
    finally:
        study.close()


def _coordinate(
    plan: Plan,
    study: SearchStudy,
    workers: Executor,
    observe: Callable[[Snapshot], None],
    prepared: PreparedData,
    stopping: Callable[[], bool],
) -> Ending:
    """Runs one phase after another, as long as each is finished and there is time."""
    began, timeout = time.monotonic(), plan.config.timeout
    ending: Ending = "finished"
    for phase in plan.phases(study):
        if stopping():
            return "interrupted"
        if timeout is not None:
            left = max(1e-3, timeout - (time.monotonic() - began))
            phase = replace(phase, config=replace(phase.config, timeout=left))
        ending = Coordinator(phase, study, workers, observe, prepared, stopping).run()
        if ending != "finished":
            break
    return ending


@contextmanager
def _prepared(plan: Plan, study: SearchStudy, executor: Executor | None) -> Iterator[PreparedData]:
    """The run's data for its workers, prepared for as long as the run goes on.

    They are written to a file; where that cannot be, a note says so, and each worker prepares them
    itself. An executor that was passed in does so with named data sets anyway.
    """
    spec = plan.config.data()
    known = PreparedData(spec, study.data or fingerprint(plan.data))
    if executor is not None and not spec.argument:
        yield known
        return
    folder = Path(plan.config.run_dir) / PREPARED
    shutil.rmtree(folder, ignore_errors=True)  # of a start that was killed
    try:
        write_prepared(folder / "data.pt", plan.data)
        known = replace(known, path=folder / "data.pt")
    except (OSError, RuntimeError) as error:  # torch has an error of its own for a full disk
        Terminal(stderr=True).print(
            f"note: the prepared data cannot be written to {folder} ({one_line(error)}): each "
            "worker prepares them itself"
        )
    try:
        yield known
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear(plan: Plan) -> None:
    """Deletes what an earlier run left in the directory; the study is a new one by then."""
    directory = Path(plan.config.run_dir)
    for name in (*OWNED, *(DERIVED if plan.purpose == "search" else ())):
        path = directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def _workers(
    config: StudyConfig,
    executor: Executor | None,
    prepared: PreparedData,
    started: list[WorkerProcess] | None,
) -> Iterator[Executor]:
    """The executor; one of our own is ended, at once, when the loop is done."""
    if executor is not None:
        with nullcontext(executor):
            yield executor
        return
    with workers_of(config, Path(config.run_dir) / "workers.log", prepared, started) as own:
        yield own


@contextmanager
def started_ahead(
    config: StudyConfig, executor: Executor | None = None
) -> Iterator[list[WorkerProcess]]:
    """Local processes that import what they need while a run is planned, for `execute`.

    None where others are to train, or where the plan will find a fault with the machine. Those that
    no run takes end with the block.

    Args:
        config: What the plan is made of.
        executor: Where to train, where it is not to be local processes.
    """
    started: list[WorkerProcess] = []
    try:
        if executor is None and not on_ray(config):
            with suppress(AsymnasError):
                workers = on_this_machine(config).workers or 1
                start_processes(started, workers, visible_devices(config.device), TRAINING)
        yield started
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.end()


@contextmanager
def workers_of(
    config: StudyConfig,
    log: Path | None = None,
    prepared: PreparedData | None = None,
    started: list[WorkerProcess] | None = None,
) -> Iterator[Executor]:
    """Local processes, or those of a cluster, which end at once when the block does.

    Args:
        config: Where, how many, and on which device.
        log: What the output of local ones is appended to; `None` for standard error.
        prepared: The data of the run, for machines that do not see them.
        started: Of `started_ahead`.
    """
    own: Executor
    if on_ray(config):
        own = ray_workers(config, prepared, TRAINING)
    else:
        devices = visible_devices(config.device)
        own = local_processes(config.workers or 1, log, devices, TRAINING, started)
    try:
        yield own
    finally:
        own.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Lets Ctrl-C, or a polite request to terminate, end a run in the main thread.

    The loop asks whether to stop. An exception raised by the handler would be lost where Python
    calls back while it frees an object, and the run would go on; only a second signal raises one.

    Yields:
        Whether to stop.
    """
    stop = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal stop
        if stop:
            raise KeyboardInterrupt
        stop = True

    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not one that is ignored
        numbers.append(signal.SIGINT)
    before: dict[signal.Signals, Any] = {}
    try:
        for number in numbers:
            before[number] = signal.signal(number, ask)
    except ValueError:  # not in the main thread: the thread's owner asks by the executor, or waits
        pass
    try:
        yield lambda: stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
