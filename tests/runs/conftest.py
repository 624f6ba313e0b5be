import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from memory_storage import studies_in_memory
from optuna.storages import BaseStorage
from sqlalchemy import event
from sqlalchemy.engine import Engine

import asymnas.reporting.publish
import asymnas.runs.study.opening
from asymnas import Run, StudyConfig, run_search
from asymnas.runs.execute import execute
from asymnas.runs.plan import Plan, plan_search
from asymnas.runs.snapshot import Ending
from asymnas.runs.study.storage import WriteAheadLog, sqlite_file
from asymnas.training.rung import Job


class InProcess(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Counting(Executor):
    """Runs each call at once, notes its job, and raises Ctrl-C in place of the n-th."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.jobs: list[Job] = []
        self._stop_at = stop_at

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if len(self.jobs) == self._stop_at:
            raise KeyboardInterrupt
        self.jobs.append(args[0])
        return InProcess().submit(fn, *args, **kwargs)


def executed(plan: Plan, executor: Executor, *, fresh: bool = False) -> tuple[Run, Ending]:
    """Runs a plan and publishes nothing."""
    with execute(plan, executor=executor, fresh=fresh) as result:
        return result


def run_of(config: StudyConfig, executor: Executor) -> Run:
    """A search that is to end by itself."""
    run, ending = executed(plan_search(config), executor)
    assert ending == "finished"
    return run


def trained(config: StudyConfig, executor: Executor) -> Run:
    """Runs a search to its end and publishes nothing, which would take longer."""
    return executed(plan_search(config), executor)[0]


@contextmanager
def published_alone() -> Iterator[None]:
    """Within the context, results of searches are written, of no run that follows one up."""
    publish = asymnas.reporting.publish.publish

    def publish_search(run: Run) -> dict[str, Any]:
        beside = run.directory.name in ("control", "confirmation")
        return {} if beside else publish(run)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("asymnas.reporting.publish.publish", publish_search)
        yield


@pytest.fixture
def in_process() -> Iterator[Executor]:
    with InProcess() as executor:
        yield executor


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Studies of tests need not outlive the machine: commits wait for no disk."""

    def relax(connection: object, record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", relax)
    yield
    event.remove(Engine, "connect", relax)


@pytest.fixture(scope="session", autouse=True)
def with_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite file begins as a copy of one with Optuna's tables, which take longer to make."""
    empty = tmp_path_factory.mktemp("tables") / "empty.db"
    asymnas.runs.study.opening.open_storage(f"sqlite:///{empty}")
    real = asymnas.runs.study.opening.open_to_write

    def open_to_write(url: str) -> tuple[BaseStorage, WriteAheadLog]:
        file = sqlite_file(url)
        if file is not None and file.parent.is_dir() and not file.exists():
            shutil.copy(empty, file)
        return real(url)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("asymnas.runs.study.opening.open_to_write", open_to_write)
        yield


@pytest.fixture(scope="module")
def in_memory() -> Iterator[None]:
    """Studies of a module whose subject is not the storage are held in memory."""
    with studies_in_memory():
        yield


@pytest.fixture
def held_in_memory() -> Iterator[None]:
    """Studies of one test are held in memory."""
    with studies_in_memory():
        yield


def small_search(run_dir: Path) -> StudyConfig:
    """A search of seconds: dense autoencoders of digits."""
    return StudyConfig(
        family="dense",
        budget=6_000,
        latent=8,
        trials=12,
        examples=3_000,
        workers=1,
        precision="fp32",
        metrics=("psnr",),  # others take longer than the training
        run_dir=str(run_dir),
    )


@pytest.fixture
def small(tmp_path: Path) -> StudyConfig:
    return small_search(tmp_path / "run")


@pytest.fixture
def brief(small: StudyConfig) -> StudyConfig:
    """The small search with two trials of each part of its budget."""
    return replace(small, trials=6)


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The brief search trained and published once, for all tests that only read it."""
    run_dir = tmp_path_factory.mktemp("uninterrupted") / "run"
    return run_search(replace(small_search(run_dir), trials=6), executor=InProcess())


def _heed_ctrl_c() -> None:
    """Undoes that shells let what they run in the background ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Command:
    """`python -m asymnas.search`, or another command, in a process group of its own."""

    def __init__(self, *arguments: str, cwd: Path, command: str = "search") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"asymnas.{command}", *arguments],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_ctrl_c,
        )

    def send(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 600) -> None:
        """Waits for what it is to do; fails at once, with its output, if it ends before."""

        def reached() -> bool:
            if condition():
                return True
            assert self.process.poll() is None, self.process.communicate()
            return False

        wait_until(reached, seconds)

    def finish(self, seconds: float = 600) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err

    def cpu_seconds_to_end(self, seconds: float = 60) -> float:
        """CPU seconds that its own threads use until it has ended, which other processes, unlike
        the time on the clock, do not lengthen. It fails after so many seconds on the clock."""
        before = self._cpu_seconds()
        flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
        wait_until(lambda: os.waitid(os.P_PID, self.process.pid, flags) is not None, seconds)
        return self._cpu_seconds() - before

    def _cpu_seconds(self) -> float:
        """User and system time of its threads; `waitid` has left the process to be asked."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def search(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    started: list[Command] = []

    def start(*arguments: str, command: str = "search") -> Command:
        started.append(Command(*arguments, cwd=tmp_path, command=command))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            command.send(signal.SIGKILL)
        if command.process.stdout and not command.process.stdout.closed:
            command.process.communicate()


def finished(database: Path) -> int:
    """How many trials have finished; reads the file only, so as not to meddle in its making."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED', 'FAIL')"
            )
            return int(rows.fetchone()[0])
    except sqlite3.Error:
        return 0


def wait_until(condition: Callable[[], bool], seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
