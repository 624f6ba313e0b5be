"""A small search that is killed, or fails, at each of its writes: nothing is lost or done twice.

Writes are those to the study and those to files: made, synced, renamed, deleted. A kill stops all
that would come after it, what cleans up too; the operating system frees the lock. A failed write
raises what a full disk does, once or from then on. Then the same search is started again.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from memory_storage import MemoryStorage

from asymnas.core import columns as t
from asymnas.core.errors import AsymnasError
from asymnas.reporting.publish import publish
from asymnas.runs.execute import execute
from asymnas.runs.plan import SearchPlan, plan_search
from asymnas.runs.study.lease import FileLease

from .conftest import executed, small_search
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")

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
TRIALS = 6
EVERY = 7  # of the points, in the tests that are always run


class Killed(BaseException):
    """The process is gone: nothing catches it."""


class Faults:
    """Counts writes, and fails one of them.

    Args:
        at: Which one, from 1; `None` for none.
        error: What it raises; `Killed` stops all later writes as well.
        lasting: Whether all later writes fail too.
    """

    def __init__(
        self, at: int | None, error: Callable[[str], BaseException], *, lasting: bool = False
    ) -> None:
        self.writes: list[str] = []
        self._at, self._error, self._lasting = at, error, lasting
        self.killed = False

    def write(self, name: str) -> None:
        """Takes in a write that is about to be made."""
        if self.killed:
            raise Killed
        self.writes.append(name)
        here = len(self.writes)
        if self._at is not None and (here == self._at or (self._lasting and here > self._at)):
            error = self._error(name)
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
        return real(*arguments, **options)

    return write


def killed(name: str) -> BaseException:
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


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> SearchPlan:
    config = replace(small_search(tmp_path_factory.mktemp("plan") / "run"), trials=TRIALS)
    return plan_search(config)


def at(plan: SearchPlan, directory: Path) -> SearchPlan:
    """The plan for a run directory of its own, in which the study is."""
    return replace(plan, config=replace(plan.config, run_dir=str(directory / "run")))


def result(plan: SearchPlan, executor: Made) -> pd.DataFrame:
    """The table of a search that ends by itself."""
    run, ending = executed(plan, executor)
    assert ending == "finished"
    return run.table.drop(columns=[t.SECONDS])


@pytest.fixture(scope="module")
def whole(plan: SearchPlan, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return result(at(plan, tmp_path_factory.mktemp("whole")), Made())


@pytest.fixture(scope="module")
def points(plan: SearchPlan, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The writes of a search that nothing happens to."""
    with faults(Faults(None, killed)) as none:
        result(at(plan, tmp_path_factory.mktemp("points")), Made())
    return none.writes


def started_again(plan: SearchPlan, found: Faults) -> tuple[pd.DataFrame, int]:
    """The table of a search that a fault ended and another start finished, and rungs trained."""
    first, second = Made(), Made()
    with faults(found), suppress(Killed, AsymnasError, OSError):
        result(plan, first)
    table = result(plan, second)
    return table, len(first.jobs) + len(second.jobs)


KINDS = {
    "killed": (killed, False),
    "full once": (full, False),
    "full": (full, True),
    "broken": (broken, False),
}


def test_a_search_writes(points: list[str]) -> None:
    assert set(points) >= {"create_new_trial", "set_trial_user_attr", "fsync", "replace", "unlink"}
    assert len(points) > 100


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
def test_a_search_ends_as_if_nothing_had_happened_at_any_write(
    kind: str, plan: SearchPlan, whole: pd.DataFrame, points: list[str], tmp_path: Path
) -> None:
    check(kind, plan, whole, range(1, len(points) + 1), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
@pytest.mark.essential
def test_a_search_ends_as_if_nothing_had_happened_at_some_writes(
    kind: str, plan: SearchPlan, whole: pd.DataFrame, points: list[str], tmp_path: Path
) -> None:
    offset = list(KINDS).index(kind) + 1
    check(kind, plan, whole, range(offset, len(points) + 1, EVERY * len(KINDS)), tmp_path)


def files(plan: SearchPlan) -> set[str]:
    """The files of a run directory."""
    folder = Path(plan.config.run_dir)
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def check(kind: str, plan: SearchPlan, whole: pd.DataFrame, numbers: range, tmp_path: Path) -> None:
    """Starts a search per number, with a fault at that write, and once more without."""
    untouched = at(plan, tmp_path / "untouched")
    result(untouched, Made())
    files_of_whole = files(untouched)
    error, lasting = KINDS[kind]
    wrong = []
    rungs = sum(len(curve) for curve in whole[t.CURVE])
    for number in numbers:
        found = Faults(number, error, lasting=lasting)
        own = at(plan, tmp_path / f"{number}")
        try:
            table, trained = started_again(own, found)
            pd.testing.assert_frame_equal(table, whole)
            assert trained <= rungs + 1, f"{trained} rungs were trained where {rungs} are enough"
            assert files(own) == files_of_whole, "other files are left"
        except Exception as fault:  # whatever it is, the others are tried too
            where = found.writes[number - 1] if len(found.writes) >= number else "?"
            wrong.append(f"{number} ({where}): {type(fault).__name__}: {str(fault)[:300]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_a_study_elsewhere_is_made_at_any_write(
    plan: SearchPlan, whole: pd.DataFrame, tmp_path: Path
) -> None:
    """Its place is written into the run directory."""
    for number in range(1, 30):
        own = at(plan, tmp_path / f"{number}")
        storage = f"sqlite:///{tmp_path / f'{number}.db'}"
        own = replace(own, config=replace(own.config, storage=storage))
        table, _ = started_again(own, Faults(number, killed))
        pd.testing.assert_frame_equal(table, whole)


@pytest.mark.slow
def test_results_are_whole_after_a_kill_at_any_write_of_them(
    plan: SearchPlan, tmp_path: Path
) -> None:
    own = at(plan, tmp_path / "whole")
    published(own, Faults(None, killed))
    expected, names = summary(own), files(own)
    with execute(own, executor=Made()) as (run, _), faults(Faults(None, killed)) as none:
        publish(run)
    assert len(none.writes) > 10
    for number in range(1, len(none.writes) + 1):
        own = at(plan, tmp_path / f"{number}")
        with suppress(Killed):
            published(own, Faults(number, killed))
        published(own, Faults(None, killed))
        assert (summary(own), files(own)) == (expected, names), none.writes[number - 1]


def published(plan: SearchPlan, found: Faults) -> None:
    """Runs a search and publishes it, with a fault while it publishes."""
    with execute(plan, executor=Made()) as (run, _), faults(found):
        publish(run)


def summary(plan: SearchPlan) -> dict[str, Any]:
    """What a run has in its summary, its time left out."""
    values = json.loads((Path(plan.config.run_dir) / "summary.json").read_text())
    return {name: value for name, value in values.items() if name != "wall_seconds"}
