"""Writes that are counted, and fail or are the last that a process makes."""

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from memory_storage import MemoryStorage

from asymnas.runs.plan import SearchPlan
from asymnas.runs.study.lease import FileLease

from .power import Power

STORAGE_WRITES = (
    *("create_new_study", "set_study_user_attr", "set_study_system_attr", "create_new_trial"),
    *("set_trial_param", "set_trial_state_values", "set_trial_intermediate_value"),
    *("set_trial_user_attr", "set_trial_system_attr"),
)
FILE_WRITES = (
    (os, "fsync"),
    (os, "mkdir"),
    (Path, "replace"),
    (Path, "unlink"),
    (shutil, "rmtree"),
)


class Killed(BaseException):
    """The process is gone: nothing catches it."""


class Faults:
    """Counts the writes of a thread, and fails some of them.

    Args:
        at: Which one is the first to fail, from 1; `None` for none.
        error: What it raises, if it does; `Killed` stops all later writes as well.
        times: How many writes fail, in a row.
        power: Is told of writes to the study, where a kill is a loss of power.

    Attributes:
        writes: The names of all writes.
        failed: How many of them were within those that fail.
        killed: Whether the process is gone.
    """

    def __init__(
        self,
        at: int | None,
        error: Callable[[str], BaseException | None],
        *,
        times: float = 1,
        power: Power | None = None,
    ) -> None:
        self.writes: list[str] = []
        self._at, self._error, self._times = at, error, times
        self.power = power
        self._thread = threading.get_ident()
        self.failed = 0
        self.killed = False

    def write(self, name: str) -> None:
        """Takes in a write that is about to be made."""
        if threading.get_ident() != self._thread:
            return  # a worker's, which stands for another process
        if self.killed:
            raise Killed
        self.writes.append(name)
        if self._at is None or not 0 <= len(self.writes) - self._at < self._times:
            return
        self.failed += 1
        if (error := self._error(name)) is not None:
            self.killed = isinstance(error, Killed)
            raise error


@contextmanager
def faults(found: Faults) -> Iterator[Faults]:
    """Within the context, all writes go through `found`."""
    with pytest.MonkeyPatch.context() as patched:
        for owner, name in [*((MemoryStorage, n) for n in STORAGE_WRITES), *FILE_WRITES]:
            patched.setattr(owner, name, _counted(getattr(owner, name), name, found))
        release = FileLease.release

        def freed(lease: FileLease, **options: Any) -> None:
            try:
                release(lease, **options)
            finally:
                lease._lock.release()  # as the system does

        patched.setattr(FileLease, "release", freed)
        yield found


def _counted(real: Callable[..., Any], name: str, found: Faults) -> Callable[..., Any]:
    def write(*arguments: Any, **options: Any) -> Any:
        found.write(name)
        if found.power is not None and isinstance(arguments[0], MemoryStorage):
            found.power.about_to_write(arguments[0], len(found.writes))
        return real(*arguments, **options)

    return write


def killed(name: str) -> BaseException:
    return Killed(name)


def power_lost(name: str) -> BaseException:
    return Killed(name)


def full(name: str) -> BaseException:
    """What a write raises on a full disk."""
    if name in STORAGE_WRITES:
        return optuna.exceptions.StorageInternalError("database or disk is full")
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)


def broken(name: str) -> BaseException:
    """What a write raises on a broken disk."""
    if name in STORAGE_WRITES:
        return optuna.exceptions.StorageInternalError("disk I/O error")
    return OSError(errno.EIO, os.strerror(errno.EIO), name)


def refused(name: str) -> BaseException | None:
    """What a write to a study raises while its database does not answer; files are written."""
    if name in STORAGE_WRITES:
        return optuna.exceptions.StorageInternalError("server closed the connection")
    return None


def at(plan: SearchPlan, directory: Path) -> SearchPlan:
    """The plan for a run directory of its own, in which the study is."""
    return replace(plan, config=replace(plan.config, run_dir=str(directory / "run")))


def files(plan: SearchPlan) -> set[str]:
    """The files of a run directory."""
    folder = Path(plan.config.run_dir)
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
